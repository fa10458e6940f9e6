"""Templates: prompts with typed parameters. Some come with the program; people make others.

A parameter stands in the prompt as `{{name}}`. Its value is put in once and stays text, whatever it holds; in a shell
command it is quoted for the shell.
"""

from enum import StrEnum
from functools import cache
from pathlib import Path

import orjson

from baara_engine.patterns_of_work import Template

BUILT_IN = Path(__file__).with_name("built_in.json")


class Type(StrEnum):
    """What a parameter takes."""

    TEXT = "text"
    NUMBER = "number"
    CHOICE = "choice"  #: one of its choices
    DATE = "date"  #: YYYY-MM-DD
    FOLDER = "folder"  #: one that exists
    FILE = "file"  #: one that exists


@cache
def built_in() -> tuple[Template, ...]:
    """Give the templates that come with the program, by name. Their ids are their names."""
    made = [
        Template(one["name"], one["name"], one["description"], one["prompt"], tuple(one["parameters"]),
                 one.get("options", {}), 0, 0, built_in=True)
        for one in orjson.loads(BUILT_IN.read_bytes())
    ]  # fmt: skip
    return tuple(sorted(made, key=lambda template: template.name))
