"""What a person is asked to approve is shown as it is."""

import pytest

from baara_engine.permission import showing


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("ls -l", "ls -l"),
        ("Größe: naïve ½ cup", "Größe: naïve ½ cup"),
        ("数え終わりました。", "数え終わりました。"),
        ("Привет, мир", "Привет, мир"),
        ("rm -rf /\nsudo x", "rm -rf /\\nsudo x"),
        ("a\rb\x1b[2Jc", "a\\rb\\u001b[2Jc"),
        ("p\u0430ypal.com", "p\\u0430ypal.com"),  # a Cyrillic а
        ("\u0441\u043e\u0440", "\\u0441\\u043e\\u0440"),  # a word of look-alikes only
        ("\uff52\uff4d x", "\\uff52\\uff4d x"),  # full width
        ("safe\u202etxt.exe", "safe\\u202etxt.exe"),  # turns the direction round
        ("a\u200bb\u00a0c\u2028d", "a\\u200bb\\u00a0c\\u2028d"),
        ("e\u0301", "e\\u0301"),
        ("ไทยที่", "ไทยที่"),  # marks that belong to their script
        ("a\ufe0f \U0001f600\U000e0101", "a\\ufe0f \U0001f600\\U000e0101"),  # selectors can carry a hidden text
        ('say "x" \\n', 'say \\"x\\" \\\\n'),
    ],
)
def test_what_would_mislead_is_escaped(text: str, shown: str) -> None:
    """Hidden characters and look-alikes are escapes; honest text in any script stays readable."""
    assert showing.exactly({"command": text}) == f'{{"command":"{shown}"}}'


def test_what_is_long_is_cut_and_says_so() -> None:
    """A text of any length stays one that can be read."""
    shown = showing.exactly({"content": "x" * 100_000 + "; the end"})
    assert len(shown) < 4100
    assert " … 96,023 characters left out … x" in shown
    assert shown.endswith('; the end"}')
