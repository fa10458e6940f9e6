"""How checks are written, and what is said about those that are written wrongly."""

import pytest

from baara_engine import errors
from baara_engine.checks import specs
from baara_engine.checks.specs import Check, Kind
from baara_engine.requests import Submission, parse


@pytest.mark.parametrize(
    ("spec", "check"),
    [
        ("file:a b.md", Check("file:a b.md", Kind.FILE, "a b.md")),
        ("command:test -f x: || true", Check("command:test -f x: || true", Kind.COMMAND, "test -f x: || true")),
        ("contains:a.md:x: y", Check("contains:a.md:x: y", Kind.CONTAINS, "a.md", "x: y")),
        ("json:a.json:b/c.json", Check("json:a.json:b/c.json", Kind.JSON, "a.json", "b/c.json")),
        (r"output:^\d+: ok$", Check(r"output:^\d+: ok$", Kind.OUTPUT, r"^\d+: ok$")),
        ("output:[[a]", Check("output:[[a]", Kind.OUTPUT, "[[a]")),  # Python warns of this one
    ],
)
def test_a_check_is_read(spec: str, check: Check) -> None:
    """The kind stands before the first colon; text, commands and expressions may have colons of their own."""
    assert specs.parse(spec) == check


@pytest.mark.parametrize("spec", specs.EXAMPLES.values())
def test_every_example_is_a_check(spec: str) -> None:
    """What refusals show as an example is accepted."""
    assert specs.parse(spec).spec == spec


@pytest.mark.parametrize(
    ("spec", "example"),
    [
        ("report.md", "file:report.md"),
        ("url:x", "file:report.md"),
        ("file:", "file:report.md"),
        ("file:../x", "file:report.md"),
        ("file:a/../../x", "file:report.md"),
        ("command: ", "command:make test"),
        ("contains:a.md", "contains:report.md:Conclusion"),
        ("contains:a.md:", "contains:report.md:Conclusion"),
        ("contains:a.md:x\ny", "contains:report.md:Conclusion"),
        ("json:a.json", "json:result.json:result.schema.json"),
        ("json::b.json", "json:result.json:result.schema.json"),
        ("output:(", "output:"),
        ("output:" + "(" * 900, "output:"),
        ("output:" + "x" * 2000, "output:"),
    ],
)
def test_a_bad_check_is_refused_where_it_enters_with_an_example(spec: str, example: str) -> None:
    """It is refused before anything is queued, and the refusal shows how such a check is written."""
    with pytest.raises(errors.InvalidInput) as refusal:
        parse(Submission, {"prompt": "x", "checks": (spec,)})
    assert example in refusal.value.message
