"""Judging text by an expression or a schema, as a program that can be killed: either may never come to an end.

    python -I -X utf8 -m baara_engine.checks.judge

It reads one job as JSON from standard input, `{"kind", "rule", "text"}`, and prints one verdict, a `Verdict`.
"""

import importlib
import json
import re
import sys
import warnings
from collections.abc import Callable
from typing import TypedDict

from baara_engine import address_space

MEMORY = 1024 * 1024 * 1024  # bytes of address space, against what explodes
MAX_DETAIL = 500  # characters: a value that does not fit may be a whole file


class Verdict(TypedDict):
    """What came of it."""

    passed: bool
    detail: str  #: what is wrong; empty where nothing is


def main() -> None:
    """Do the job that comes in by standard input."""
    warnings.simplefilter("ignore")
    address_space.limit(MEMORY)
    job = json.load(sys.stdin)
    verdict = JOBS[job["kind"]](job["rule"], job["text"])
    verdict["detail"] = _short(verdict["detail"])
    json.dump(verdict, sys.stdout)


def _matches(rule: str, text: str) -> Verdict:
    try:
        found = re.search(rule, text)
    except (re.error, OverflowError, RecursionError, MemoryError) as error:
        return Verdict(passed=False, detail=f"The expression cannot be used: {error}.")
    return Verdict(passed=found is not None, detail="" if found else "Nothing in the output matches.")


def _fits(rule: str, text: str) -> Verdict:
    """Hold JSON against a schema. References lead nowhere outside of it: nothing is fetched."""
    try:
        value = json.loads(text)
    except (ValueError, RecursionError) as error:
        return Verdict(passed=False, detail=f"It is not JSON: {error}.")
    try:
        problem = _problem(json.loads(rule), value)
    except Exception as error:  # noqa: BLE001 - there is no end to what may be wrong with a schema
        return Verdict(passed=False, detail=f"The schema cannot be used: {error}.")
    return Verdict(passed=problem is None, detail=problem or "")


def _problem(schema: object, value: object) -> str | None:
    jsonschema = importlib.import_module("jsonschema")
    nothing_else = importlib.import_module("referencing").Registry()
    kind = jsonschema.validators.validator_for(schema, default=jsonschema.Draft202012Validator)
    kind.check_schema(schema)
    error = jsonschema.exceptions.best_match(kind(schema, registry=nothing_else).iter_errors(value))
    if error is None:
        return None
    where = "/".join(str(part) for part in error.absolute_path)
    return f"At {where or 'the top'}: {error.message}."


def _short(text: str) -> str:
    return text if len(text) <= MAX_DETAIL else f"{text[:MAX_DETAIL]}…"


JOBS: dict[str, Callable[[str, str], Verdict]] = {"output": _matches, "json": _fits}

if __name__ == "__main__":
    main()
