"""What a model service can do to an agent, and what must come of it (FACTS.md, 2; the numbers are of that table).

Each row is a short conversation: one command that leaves a line in a ledger, then the last word. The fault comes at the
first question or at the second; afterwards the service is well.
"""

from dataclasses import dataclass, field, replace

from baara_engine.errors import FailureKind
from baara_engine.records import Json
from baara_engine.testing import replies
from baara_engine.testing.replies import Reply

K = FailureKind

CALL: Json = {"command": "echo ran >> ledger"}
ACTS = replies.calls(("bash", CALL), turn=1, text="I begin.")
SAID = "It is done."
SAYS = replies.says(SAID)
NEVER = replies.calls(("bash", {"command": "echo broken >> ledger"}), turn=9)  # of an answer that must not be taken
HTML = "text/html"
AFTER_S = "0.2"  # what the service says when it wants to be asked again


@dataclass(frozen=True, slots=True)
class Row:
    """One fault."""

    name: str
    faults: tuple[Reply, ...]
    attempts: int = 1  #: that there were in the end
    dead: FailureKind | None = None  #: cause, if it ends as a dead letter; else it is completed
    parks: FailureKind | None = None  #: what it waits for meanwhile
    at: int = 1  #: question at which the fault comes
    told: str = ""  #: part of what a person reads of it
    options: Json = field(default_factory=dict)  #: of the submission


def _refused(status: int, kind: str, message: str = "It is only a test.", code: str | None = None) -> Reply:
    return replies.failure(status, kind, message, code=code, headers={"retry-after": AFTER_S})


def _event(kind: str) -> Reply:
    """Say in the middle of an answer that it cannot go on."""
    whole = b"".join(NEVER.pieces({"stream": True}, "m"))
    error = f'event: error\ndata: {{"type": "error", "error": {{"type": "{kind}", "message": "x"}}}}\n\n'
    return replies.raw(whole[: len(whole) // 2].rpartition(b"\n\n")[0] + b"\n\n" + error.encode())


def _with_input(raw: str, stop_reason: str) -> Reply:
    """Call a tool with this JSON for its input, whole or not."""
    call: Json = {"type": "tool_use", "id": "toolu_7_0", "name": "bash", "input": {}}
    frames = b"".join(Reply([call], stop_reason).pieces({"stream": True, "model": "m"}, "m"))
    told = raw.replace("\\", "\\\\").replace('"', '\\"')
    return replies.raw(frames.replace(b'"partial_json": "{}"', f'"partial_json": "{told}"'.encode()))


_LENGTH = len(b"".join(NEVER.pieces({"stream": True}, "m")))

ROWS = (
    Row("1 a bad request", (_refused(400, "invalid_request_error"),), dead=K.REQUEST, told="request req_test_"),
    Row("3 too long, at the beginning", (_refused(400, "invalid_request_error", "prompt is too long: 9 > 1"),) * 9,
        dead=K.CONTEXT),
    Row("3 too long, later", (_refused(400, "invalid_request_error", "prompt is too long: 9 > 1"),), at=2),
    Row("4 the key is refused", (_refused(401, "authentication_error"),), parks=K.KEY),
    Row("5 no credit, by status", (_refused(402, "billing_error"),), parks=K.BILLING),
    Row("5 no credit, by code", (_refused(400, "invalid_request_error", code="enforced_spend_limit_reached"),),
        parks=K.BILLING),
    Row("5 no credit, by words", (_refused(400, "invalid_request_error", "Your credit balance is too low"),),
        parks=K.BILLING),
    Row("6 forbidden", (_refused(403, "permission_error"),)),
    Row("7 the model is gone", (_refused(404, "not_found_error", "model: x"),)),
    Row("8 a timeout", (_refused(408, "timeout_error"),), attempts=2),
    Row("8 a timeout of a gateway", (_refused(504, "timeout_error"),), attempts=2),
    Row("9 a conflict", (_refused(409, "conflict_error"),), attempts=2),
    Row("10 too large, and no JSON", (replace(replies.raw(b"<html>413</html>", HTML), status=413),), at=2),
    Row("11 a rate limit", (_refused(429, "rate_limit_error"),), parks=K.RATE_LIMIT),
    Row("12 a ramp limit", (_refused(429, "rate_limit_error", code="ramp_limit_exceeded"),), parks=K.RATE_LIMIT),
    Row("13 it fails", (_refused(500, "api_error"),), attempts=2),
    Row("13 it fails, in HTML", (replace(replies.raw(b"<html>Bad Gateway</html>", HTML), status=502),), attempts=2),
    Row("13 it fails twice", (_refused(503, "api_error"),) * 2, attempts=3),
    Row("14 overloaded", (_refused(529, "overloaded_error"),), parks=K.OVERLOADED),
    Row("15 overloaded in the middle", (_event("overloaded_error"),), parks=K.OVERLOADED),
    Row("15 failing in the middle", (_event("api_error"),), attempts=2),
    Row("15 failing in the middle, later", (_event("api_error"),), attempts=2, at=2),
    Row("16 it ends without an end", (replies.raw(b"".join(NEVER.pieces({"stream": True}, "m"))[:-40]),), attempts=2),
    Row("17 the connection breaks", (NEVER.cut(_LENGTH * 3 // 4),), attempts=2),
    Row("17 it breaks at once", (NEVER.cut(0),), attempts=2),
    Row("18 it falls silent", (NEVER.stalled(_LENGTH * 3 // 4),), attempts=2),
    Row("19 nothing at all", (replies.raw(b""),), attempts=2),
    Row("19 torn JSON", (replies.raw(b'event: message_start\ndata: {"type": "mess\n\n'),), attempts=2),
    Row("20 cut inside a call", (_with_input('{"command": "echo broken >> led', "max_tokens"),)),
    Row("21 a call that is no JSON", (_with_input('{"command": echo broken}', "tool_use"),)),
    Row("22 a call that does not fit", (replies.calls(("bash", {"cmd": "echo broken >> ledger"}), turn=8),)),
    Row("22 a tool that does not exist", (replies.calls(("shell", CALL), turn=8),)),
    Row("22 two calls of one id", (Reply(NEVER.content * 2 if NEVER.content else None, "tool_use"),), attempts=2),
    Row("23 a pause", (replies.says("Wait.", "pause_turn"),)),
    Row("24 a refusal", (Reply(NEVER.content, "refusal"),), dead=K.REFUSAL),
    Row("25 the window is full", (replies.says("So far.", "model_context_window_exceeded"),), at=2),
    Row("26 a compaction that does not fit", (
        _refused(400, "invalid_request_error", code="compaction_signature_invalid"),), at=2),
    Row("27 an end that is not known", (Reply(NEVER.content, "something_new"),), dead=K.REQUEST, told="newer version"),
    Row("27 an event that is not known", (
        replies.raw(b'event: news\ndata: {"type": "news"}\n\n' + b"".join(ACTS.pieces({"stream": True}, "m"))),)),
    Row("29 it goes on for ever", tuple(replies.calls(("glob", {"pattern": f"{n}*"}), turn=n) for n in range(2, 9)),
        dead=K.TURNS, options={"max_turns": 3}),
    Row("30 a page in between", (replace(replies.raw(b"<html>Sign in</html>", HTML), status=200),), parks=K.OFFLINE),
)  # fmt: skip


def effects(row: Row) -> int:
    """Give how often the command must have run, in the end."""
    return 0 if row.dead is not None and row.at == 1 else 1
