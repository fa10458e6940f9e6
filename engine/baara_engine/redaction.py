"""Secrets are taken out of what is written: those that Baara knows, and whatever has the shape of one.

What a person typed as a request stays as it was typed. Everything else is told without secrets before it reaches the
database, its events or a log, so a backup or an export of these has none either. A value is replaced inside the strings
of a JSON value, never in its text, so what was JSON remains JSON.
"""

import base64
import logging
import re
import threading
import traceback
from collections.abc import Iterator
from typing import Any
from urllib.parse import quote

HIDDEN = "[hidden: looks like a secret]"
HIDDEN_THOUGHT = "[a thought was left out: it held what looks like a secret]"
SHORTEST = 8  # characters of a known value: a shorter one would be found in every other word
SHORTEST_HEAD = 5  # characters of how a key begins in base64: "ghp_" has no more
HELD = 512  # characters at the end of a stream: every shape is known by fewer, save a token whose head is longer
BEFORE_LITERAL = 96  # characters: what a shape may have before and within the words that it is noticed by
MOST_HELD = 65_536  # characters of a stream: a private key has a tenth of that
SHORTEST_PART = 8  # characters of an encoded form, for the same reason

THOUGHTS = frozenset({"thinking", "redacted_thinking"})  #: signed by the service: refused if anything in them changes
# What a block is found and checked by. It is made by the service or by Baara, and must come back as it was.
OPAQUE = frozenset({"type", "id", "tool_use_id", "name", "signature", "data", "caller", "toolset_name"})

HEADS = ("sk-ant-", "sk-proj-", "ghp_", "gho_", "github_pat_")  #: how keys begin that are looked for in base64, too
NOT_IN_A_WORD = r"(?<![A-Za-z0-9])"
VALUE = r"[^\s\"'\\\[]"
SAYS = r"[\"']?\s{0,4}[:=]\s{0,4}[\"']?"  #: what stands between a name and its value
SCHEMES = "bearer|basic|token|digest"
# What must stand in a text, in lower case, for a pattern to be looked for at all: the first is found much faster. Of
# the match, the group `named` stays.
SHAPES: tuple[tuple[tuple[str, ...], str], ...] = (
    (("sk-",), NOT_IN_A_WORD + r"sk-(?:ant-[\w-]{6,}|(?=[\w-]{0,200}\d)[\w-]{20,})"),
    (("ghp_", "gho_", "ghu_", "ghs_", "ghr_"), NOT_IN_A_WORD + r"gh[pousr]_[A-Za-z0-9]{20,}"),
    (("github_pat_",), NOT_IN_A_WORD + r"github_pat_\w{20,}"),
    (("akia", "asia"), NOT_IN_A_WORD + r"(?:AKIA|ASIA)[A-Z0-9]{16}(?![A-Z0-9])"),
    (("eyj",), NOT_IN_A_WORD + r"eyJ[\w-]{8,}\.eyJ[\w-]{8,}\.[\w-]*"),
    (
        (" private key-----",),
        r"-----BEGIN [A-Z ]{0,40}PRIVATE KEY-----[\s\S]*?(?:-----END [A-Z ]{0,40}PRIVATE KEY-----|\Z)",
    ),
    (("://",), r"(?<=://)[^\s/:@\[]{0,100}:[^\s/@\[]{1,300}(?=@)"),
    (
        ("authorization",),
        rf"(?i)(?P<named>authorization{SAYS}(?:(?:{SCHEMES})\s{{1,4}})?)(?={VALUE}{{8}})(?!(?:{SCHEMES})\b){VALUE}+",
    ),
    (("x-api-key",), rf"(?i)(?P<named>x-api-key{SAYS}){VALUE}{{8,}}"),
    (("aws_secret_access_key",), rf"(?i)(?P<named>aws_secret_access_key{SAYS}){VALUE}{{20,}}"),
    (("cookie:",), r"(?i)(?P<named>cookie:\s{0,4})(?=[^\s=;\[]{1,100}=)[^\r\n\"'\\\[]+"),
)


class Secrets:
    """What is not to be written, held in memory alone. Safe to use from any thread."""

    def __init__(self) -> None:
        """Know no value yet, but all shapes."""
        self._lock = threading.Lock()
        self._parts: tuple[str, ...] = ()  # replaced as a whole, so that readers need no lock

    def bind(self, value: str | None) -> None:
        """Learn a value, in all the forms in which it may turn up. One that is too short is left out."""
        if value is None or len(value) < SHORTEST:
            return
        with self._lock:
            forms = {*self._parts, *_forms(value)}
            self._parts = tuple(sorted(forms, key=len, reverse=True))  # the longest first: none is hidden by half

    def text(self, text: str) -> str:
        """Give a text without secrets."""
        for part in self._parts:
            if part in text:
                text = text.replace(part, HIDDEN)
        small = text.lower()
        if _ANY_LITERAL.search(small) is None:  # nearly always: every value that is written comes by here
            return text
        for literals, pattern in _SHAPES:
            if any(literal in small for literal in literals):
                text = pattern.sub(_hide, text)
        return text

    def holds(self, text: str) -> bool:
        """Say whether a text has what looks like a secret."""
        return self.text(text) != text

    def json(self, value: Any) -> Any:
        """Give a JSON value without secrets in its strings and names."""
        if isinstance(value, str):
            return self.text(value)
        if isinstance(value, (list, tuple)):
            return [self.json(item) for item in value]
        if isinstance(value, dict):
            return {self.text(key): self.json(item) for key, item in value.items()}
        return value

    def content(self, role: str, content: list[dict[str, Any]]) -> list[dict[str, Any]]:
        """Give the content of a message without secrets: a person's words stay, and a thought is whole or gone."""
        if role == "user":
            return [block if block.get("type") == "text" else self._block(block) for block in content]
        kept = [self._block(block) for block in content if block.get("type") not in THOUGHTS or self._is_clean(block)]
        if len(kept) < len(content) and (not kept or kept[-1].get("type") in THOUGHTS):
            kept.append({"type": "text", "text": HIDDEN_THOUGHT})
        return kept

    def spans(self, text: str) -> list[tuple[int, int]]:
        """Say where in a text secrets are, each from its first character to behind its last."""
        found = [(at.start(), at.end()) for part in self._parts for at in re.finditer(re.escape(part), text)]
        return found + [(at.start(), at.end()) for _, pattern in _SHAPES for at in pattern.finditer(text)]

    def begun(self, text: str) -> int:
        """Give from where on the end of a text may be the beginning of a known value; its length if it is none."""
        heads = {part[0] for part in self._parts}
        starts = (at for at in range(max(len(text) - self.longest, 0), len(text)) if text[at] in heads)
        return next((at for at in starts if any(part.startswith(text[at:]) for part in self._parts)), len(text))

    @property
    def longest(self) -> int:
        """Give the characters of the longest form of a known value."""
        return len(self._parts[0]) if self._parts else 0

    def _block(self, block: dict[str, Any]) -> dict[str, Any]:
        """Give a block without secrets, still to be found and checked by what it was."""
        return {name: value if name in OPAQUE else self.json(value) for name, value in block.items()}

    def _is_clean(self, block: dict[str, Any]) -> bool:
        return not self.holds(str(block.get("thinking") or ""))


class Stream:
    """Takes secrets out of a text that goes out piece by piece, wherever it is cut.

    Where nothing looks like the beginning of a secret, only its last words are held back: people read along. Else so
    much of its end is that no secret can have gone out by half: `HELD` characters, or the longest form of a known one.
    A secret that goes on is held back whole, up to `MOST_HELD` characters; what goes on longer is hidden up to there,
    and the rest is looked at as a text of its own.
    """

    def __init__(self, secrets: Secrets | None = None) -> None:
        """Take who knows the secrets; the process by itself."""
        self._secrets = secrets or known
        self._held = ""

    def feed(self, piece: str) -> str:
        """Take the next piece, and give what can go out now."""
        self._held += piece
        plain = self._plain()
        cut = self._cut(len(self._held) - max(HELD, self._secrets.longest)) if plain is None else plain
        if cut <= 0 and len(self._held) > MOST_HELD:
            cut = len(self._held)
        out, self._held = self._held[: max(cut, 0)], self._held[max(cut, 0) :]
        return self._secrets.text(out)

    def close(self) -> str:
        """Give what was held back; the text is over."""
        out, self._held = self._held, ""
        return self._secrets.text(out)

    def _plain(self) -> int | None:
        """Give where a text can be cut that has nothing of a secret, nor may have the beginning of one before there."""
        if _ANY_LITERAL.search(self._held.lower()) or self._secrets.holds(self._held):
            return None
        latest = min(len(self._held) - BEFORE_LITERAL, self._secrets.begun(self._held))
        return max(self._held.rfind(" ", 0, max(latest, 0)), self._held.rfind("\n", 0, max(latest, 0)), 0)

    def _cut(self, latest: int) -> int:
        """Give where the text can be cut: between words where that can be, and in no secret."""
        if latest <= 0:
            return 0
        cut = max(self._held.rfind(" ", 0, latest), self._held.rfind("\n", 0, latest))
        cut = latest if cut <= 0 else cut
        spans = sorted(self._secrets.spans(self._held), reverse=True)
        while crossing := [start for start, end in spans if start < cut <= end + 1]:  # an address is known by its "@"
            cut = min(crossing)
        return cut


def guard_logs() -> None:
    """Let no log line of this process hold a secret, whoever writes it and wherever it goes."""
    make = logging.getLogRecordFactory()
    if getattr(make, "guards", False):
        return

    def make_clean(*args: Any, **kwargs: Any) -> logging.LogRecord:
        record = make(*args, **kwargs)
        record.msg, record.args = known.text(record.getMessage()), ()
        if record.exc_info and record.exc_info[1] is not None:
            record.exc_text = known.text("".join(traceback.format_exception(record.exc_info[1])).rstrip())
        return record

    make_clean.guards = True  # type: ignore[attr-defined]  # a second call must not wrap it again
    logging.setLogRecordFactory(make_clean)


def _hide(match: re.Match[str]) -> str:
    return (match.groupdict().get("named") or "") + HIDDEN


def _forms(value: str) -> Iterator[str]:
    """Give a value as it is, turned round, and as other programs may have written it down."""
    raw = value.encode("utf-8", "surrogatepass")
    yield from (value, value[::-1], quote(value, safe=""), raw.hex(), raw.hex().upper())
    for written in (value, value[::-1]):
        once = _in_json(written)
        yield from (once, _in_json(once))  # JSON in a text of JSON is common: a tool's input, say
    for part in _in_base64(value, SHORTEST_PART):
        yield from (part, part.replace("+", "-").replace("/", "_"))


def _in_json(text: str) -> str:
    return text.replace("\\", "\\\\").replace('"', '\\"')


def _in_base64(value: str, shortest: int) -> Iterator[str]:
    """Give what of a value's base64 does not depend on what stands before and behind it, for each of three places."""
    raw = value.encode("utf-8", "surrogatepass")
    for before in range(3):
        whole = base64.b64encode(b"\0" * before + raw).decode()
        part = whole[-(-before * 8 // 6) : (before + len(raw)) * 8 // 6]
        if len(part) >= shortest:
            yield part


known = Secrets()  #: of this process; whoever comes to know a key, a token or a password binds it here

_IN_BASE64 = [(part.lower(), re.escape(part)) for head in HEADS for part in _in_base64(head, SHORTEST_HEAD)]
_SHAPES = tuple(
    (literals, re.compile(pattern))
    for literals, pattern in (*SHAPES, *(((low,), f"{part}[A-Za-z0-9+/_=-]*") for low, part in _IN_BASE64))
)
_ANY_LITERAL = re.compile("|".join(re.escape(literal) for literals, _ in _SHAPES for literal in literals))
