"""The engine's end of `judge`: it starts the program, gives it a job, and ends it when it takes too long."""

import json
from typing import cast

from baara_engine import aside
from baara_engine.checks.judge import Verdict

JUDGE_S = 20.0  # seconds of one judgement: real ones take milliseconds, starting Python under load takes seconds
PROGRAM = "baara_engine.checks.judge"


async def judge(kind: str, rule: str, text: str, *, limit_s: float = JUDGE_S) -> Verdict:
    """Judge a text by a rule: `output` by an expression, `json` by a schema.

    What takes longer than `limit_s` seconds has not passed. Raises `errors.SandboxFailure` if it cannot be judged.
    """
    job = json.dumps({"kind": kind, "rule": rule, "text": text}).encode()
    told = await aside.run(PROGRAM, job, limit_s=limit_s)
    if told is None:
        return Verdict(passed=False, detail=f"It takes more than {limit_s:g} s. Use a simpler one.")
    try:
        return cast("Verdict", json.loads(told))
    except ValueError:
        return Verdict(passed=False, detail="It could not be judged: the program that judges fell over it.")
