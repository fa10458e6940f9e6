"""Secrets in the forms in which they turn up, each with what must never be found of it."""

import base64
import json
from dataclasses import dataclass
from urllib.parse import quote

# Known to the process, as a key in the keyring is; with what JSON, URLs and base64 write differently.
KNOWN = 'C4nary-0Vb7/qL+x9Zt"Wk2Rj5'
CORE = "0Vb7/qL+x9Zt"  #: a part of it that JSON leaves as it is
BODY = "c4naryQ7wZx9Vb2Nn5Tt8Yy1Uu4Ii6Oo3Pp"  #: in secrets that are known by their shape alone


@dataclass(frozen=True, slots=True)
class Form:
    """One form of a secret."""

    name: str
    text: str  #: as it turns up
    needle: str  #: what is looked for: a part that no other text has


def _base64(text: str) -> str:
    return base64.b64encode(text.encode()).decode()


FORMS = (
    Form("anthropic", f"sk-ant-api03-{BODY}", BODY),
    Form("openai", f"sk-proj-1{BODY}", BODY),
    Form("github", f"ghp_{BODY}", BODY),
    Form("aws", "aws_secret_access_key = c4naryAws7wZx9Vb2Nn5Tt8Yy1Uu4Ii6Oo3P", "c4naryAws7wZx9Vb2Nn5"),
    Form("jwt", f"eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiJj{BODY}.{BODY}", BODY),
    Form("pem", f"-----BEGIN RSA PRIVATE KEY-----\n{BODY}\n{BODY}\n-----END RSA PRIVATE KEY-----", BODY),
    Form("address", f"https://me:{BODY}@host.example/x", BODY),
    Form("cookie", f"Cookie: session={BODY}", BODY),
    Form("known", f"it was {KNOWN}, they say", CORE),
    Form("known, in base64", _base64(f"a{KNOWN}z"), _base64(f"a{KNOWN}z")[4:28]),
    Form("known, in an address", quote(KNOWN, safe=""), quote(CORE, safe="")),
    Form("known, backwards in JSON", json.dumps({"k": KNOWN[::-1]}), CORE[::-1]),
)
