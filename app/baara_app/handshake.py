"""What a server and whoever reaches it agree on: three addresses, and how a server shows that it is ours."""

import hashlib
import hmac

OPEN = "/open"  #: with `key`, and `to` for the page: a link that works once
PROVE = "/prove"  #: with `challenge`: shows that it is this server that answers, and no other on its port
NEW_LINK = "/api/v1/links"  #: a POST with the token makes a link
DESK = "/api/v1/desk"  #: a POST with the token, and `do`: "show" (with `to`), "quit" (with `how`)
NOBODY = "nobody"  #: shows a page: the engine has no screen, so whoever asks has to


def prove(token: bytes, challenge: str) -> str:
    """Give what a server answers to a challenge that has this token."""
    return hmac.new(token, b"baara server: " + challenge.encode(), hashlib.sha256).hexdigest()
