import shlex
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from baara_engine import errors, requests
from baara_engine.patterns_of_work import Template
from baara_engine.records import Json
from baara_engine.templates import built_in, filling


def template(prompt: str, *parameters: Json, **options: Any) -> Template:
    draft = requests.parse(
        filling.TemplateDraft, {"name": "t", "prompt": prompt, "parameters": parameters, "options": options}
    )
    made = tuple(one.model_dump(mode="json", exclude_none=True) for one in draft.parameters)
    return Template("1", draft.name, "", draft.prompt, made, draft.options, 0, 0)


def fill(prompt: str, type_: str, value: object, **more: Any) -> str:
    return filling.fill(template(prompt, {"name": "x", "type": type_} | more), {"x": value})


@given(st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), min_size=1))
def test_a_value_stays_text(value: str) -> None:
    """Whatever a value holds, it stands in the prompt as it is, and nothing in it is replaced."""
    made = template("<{{a}}|{{ b }}>", {"name": "a"}, {"name": "b"})
    assert filling.fill(made, {"a": value + "{{b}}", "b": "{{a}}"}) == f"<{value}{{{{b}}}}|{{{{a}}}}>"


@given(st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), min_size=1))
def test_a_value_in_a_command_is_one_word(value: str) -> None:
    """In a shell command a value is quoted, so that the shell reads it as one word and runs nothing in it."""
    made = template("echo {{a}}", {"name": "a"}, kind="command")
    assert shlex.split(filling.fill(made, {"a": value})) == ["echo", value]


def test_values_are_checked_by_their_types(tmp_path: Path) -> None:
    """Each type takes what it is for, and folders and files come out absolute."""
    (tmp_path / "f").touch()
    assert fill("{{x}}", "number", "2.5") == "2.5"
    assert fill("{{x}}", "number", 7) == "7"
    assert fill("{{x}}", "date", "2026-02-28") == "2026-02-28"
    assert fill("{{x}}", "choice", "b", choices=["a", "b"]) == "b"
    assert fill("{{x}}", "folder", str(tmp_path)) == str(tmp_path)
    assert fill("{{x}}", "file", str(tmp_path / "f")) == str(tmp_path / "f")


@pytest.mark.parametrize(
    ("type_", "value", "more", "told"),
    [
        ("number", "seven", {}, "“seven” is no number"),
        ("number", "nan", {}, "it must be finite"),
        ("number", "1", {"minimum": 2}, "it must be at least 2"),
        ("number", "3", {"maximum": 2}, "it must be at most 2"),
        ("date", "2026-02-30", {}, "is no date; write it like 2026-03-31"),
        ("choice", "c", {"choices": ["a", "b"]}, "“c” is none of: a, b"),
        ("folder", "/not/there", {}, "/not/there is no folder that exists"),
        ("file", "/", {}, "/ is no file that exists"),
        ("file", "/" + "x" * 5000, {}, "the path cannot be used"),
        ("text", True, {}, "it must be text or a number"),
        ("text", ["a"], {}, "it must be text or a number"),
        ("text", "a\0", {}, "it holds a NUL character"),
        ("text", "\udcff", {}, "it is not valid UTF-8"),
        ("text", "x" * 100_001, {}, "more than 100,000 characters"),
    ],
)
def test_values_that_do_not_fit_are_refused(type_: str, value: object, more: Json, told: str) -> None:
    """What is wrong is said in a sentence that names the parameter."""
    with pytest.raises(errors.InvalidInput, match="The value of “x” does not do: ") as refused:
        fill("{{x}}", type_, value, **more)
    assert told in refused.value.message


def test_what_is_missing_or_unknown_is_named() -> None:
    """A required value that is missing, one that nobody asked for; what is not required may be left out."""
    made = template("{{a}}-{{b}}-{{c}}", {"name": "a", "description": "The first."},
                    {"name": "b", "required": False}, {"name": "c", "default": "see"})  # fmt: skip
    assert filling.fill(made, {"a": "1"}) == "1--see"
    with pytest.raises(errors.InvalidInput, match=r"needs a value for “a” \(text\): The first."):
        filling.fill(made, {})
    with pytest.raises(errors.InvalidInput, match="has no parameter “d”"):
        filling.fill(made, {"a": "1", "d": "2"})


@pytest.mark.parametrize(
    ("values", "told"),
    [
        ({"prompt": "{{b}}", "parameters": [{"name": "a"}]}, "the prompt has {{b}}, and there is no parameter"),
        ({"prompt": "x", "parameters": [{"name": "a"}, {"name": "a"}]}, "two parameters have one name"),
        ({"prompt": "x", "parameters": [{"name": "a b"}]}, "parameters 0 name does not do"),
        ({"prompt": "x", "parameters": [{"name": "a", "type": "colour"}]}, "parameters 0 type does not do"),
        ({"prompt": "x", "parameters": [{"name": "a", "type": "choice"}]}, "choices belong to the type choice"),
        ({"prompt": "x", "parameters": [{"name": "a", "choices": ["b"]}]}, "choices belong to the type choice"),
        ({"prompt": "x", "parameters": [{"name": "a", "minimum": 1}]}, "only a number has a minimum"),
        ({"prompt": "x", "parameters": [{"name": "a", "type": "number", "default": "b"}]}, "is no number"),
        ({"prompt": "x", "options": {"sandbox": "paper"}}, "There is no sandbox “paper”"),
        ({"prompt": "x", "options": {"nonsense": 1}}, "nonsense"),
        ({"prompt": " "}, "it is empty"),
    ],
)
def test_a_template_that_makes_no_sense_is_refused(values: Json, told: str) -> None:
    """It is refused when it is written, not when somebody wants to use it."""
    with pytest.raises(errors.InvalidInput) as refused:
        requests.parse(filling.TemplateDraft, {"name": "t"} | values)
    assert told in refused.value.message


def test_the_templates_that_come_with_the_program_can_be_used(tmp_path: Path) -> None:
    """Each of them fits its own rules, and with values becomes a prompt without places left."""
    (tmp_path / "f").touch()
    values = {"folder": str(tmp_path), "file": str(tmp_path / "f"), "date": "2026-01-01", "text": "x", "number": "100"}
    for one in built_in():
        draft = {"name": one.name, "description": one.description, "prompt": one.prompt}
        checked = requests.parse(filling.TemplateDraft, draft | {"parameters": one.parameters, "options": one.options})
        needed = {p.name: values[p.type] for p in checked.parameters if p.required and p.default is None}
        assert filling.PLACE.search(filling.fill(one, needed)) is None
        assert one.description
