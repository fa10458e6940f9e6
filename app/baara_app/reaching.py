"""Reaching the engine that runs on a home: who it is by `runtime.json`, and a link into its pages.

Whoever is first may take a port that an engine has left, so the server has to show that it knows the token before the
token is sent to it.
"""

import hmac
import http.client
import json
import secrets
from pathlib import Path
from typing import Any
from urllib.parse import quote, urlencode, urlsplit

import pydantic

from baara_app import handshake, runtime
from baara_engine import errors

ANSWER_S = 10.0  # seconds: it is on this computer, and may just be starting
MOST = 64 * 1024  # bytes of an answer
CHALLENGE_BYTES = 24
NOBODY = "No engine runs on {home}. Start one with “baara serve”."
STRANGE = (
    "What answers on {url} is not the engine of {home}. Nothing was sent to it. Stop that program, or start Baara anew."
)


def running(home: Path) -> runtime.Runtime:
    """Read how the engine of this home can be reached. Raises `errors.Unavailable` if there is none."""
    try:
        told = (home / runtime.FILE).read_bytes()[:MOST]
        found = pydantic.TypeAdapter(runtime.Runtime).validate_json(told, strict=True)
    except FileNotFoundError:
        raise errors.Unavailable(NOBODY.format(home=home)) from None
    except (OSError, ValueError) as error:
        raise errors.Unavailable(f"{home / runtime.FILE} cannot be read. Start Baara anew.") from error
    if urlsplit(found.url).hostname != runtime.LOOPBACK:
        raise errors.Unavailable(STRANGE.format(url=found.url[:100], home=home))
    return found


def link(home: Path, page: str = "/") -> str:
    """Give an address of a page that works once. Raises `errors.Unavailable`."""
    found = running(home)
    require_true(found, home)
    answer = _ask(found, "POST", handshake.NEW_LINK, {"Authorization": f"Bearer {found.token}"})
    path = answer.get("path")
    if not isinstance(path, str) or not path.startswith(handshake.OPEN):
        raise errors.Unavailable(STRANGE.format(url=found.url, home=home))
    return f"{found.url}{path}&to={quote(page)}"


def ask_desk(home: Path, do: str, **more: str) -> dict[str, Any]:
    """Ask the engine of this home to show itself, or to quit. Raises `errors.Unavailable`, or `errors.Refused`."""
    found = running(home)
    require_true(found, home)
    query = urlencode({"do": do, **more})
    answer = _ask(found, "POST", f"{handshake.DESK}?{query}", {"Authorization": f"Bearer {found.token}"})
    if isinstance(answer.get("error"), dict):
        raise errors.Refused(str(answer["error"].get("message")))
    return answer


def require_true(found: runtime.Runtime, home: Path) -> None:
    """Raise `errors.Unavailable` unless the server knows the token of `runtime.json`, which it is not told."""
    challenge = secrets.token_urlsafe(CHALLENGE_BYTES)
    said = _ask(found, "GET", f"{handshake.PROVE}?challenge={challenge}", {}).get("proof")
    expected = handshake.prove(found.token.encode(), challenge)
    if not isinstance(said, str) or not hmac.compare_digest(said.encode(), expected.encode()):
        raise errors.Unavailable(STRANGE.format(url=found.url, home=home))


def _ask(found: runtime.Runtime, method: str, path: str, headers: dict[str, str]) -> dict[str, Any]:
    asking = http.client.HTTPConnection(runtime.LOOPBACK, urlsplit(found.url).port or 0, timeout=ANSWER_S)
    try:
        asking.request(method, path, headers=headers)
        told = json.loads(asking.getresponse().read(MOST))
    except (OSError, http.client.HTTPException) as error:
        raise errors.Unavailable(f"The engine on {found.url} does not answer. Start Baara anew.") from error
    except ValueError:
        return {}
    finally:
        asking.close()
    return told if isinstance(told, dict) else {}
