"""Looking over a folder, with the real tools: always the same few steps, whatever the folder holds."""

import os
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from baara_engine.agent import acting
from baara_engine.answers import EFFECT_ANSWER
from baara_engine.records import Json

PROMPT = "Look over this folder and report what is in it."


def garden(folder: Path) -> None:
    (folder / "notes").mkdir()
    (folder / "README.md").write_text(
        "# Allotment 14\n\nNotes about a small garden: what grows, and what is to be done.\n"
    )
    (folder / "notes" / "spring.md").write_text("# Spring\n\nTODO: order seed potatoes.\nThe water butt leaks.\n")
    (folder / "beds.csv").write_text("bed,crop\n1,beans\n")
    (folder / "rain.py").write_text('print("rain")  # FIXME\n')


def nothing(_folder: Path) -> None:
    pass


def unreadable(folder: Path) -> None:
    (folder / "README").write_bytes(b"\0\1\2" * 100)
    (folder / "image.txt").write_bytes(b"\x89PNG\0\0")
    (folder / "broken.md").symlink_to("nowhere")
    (folder / "away.md").symlink_to("/etc/hostname")
    (folder / "latin.txt").write_bytes("Grüße aus Köln. Grüße aus Bonn.".encode("latin-1"))
    os.mkfifo(folder / "pipe.txt")
    (folder / "locked").mkdir()
    (folder / "locked" / "in.md").write_text("hidden")
    (folder / "locked").chmod(0)


def awkward(folder: Path) -> None:
    for name in (
        " lead.md",
        "two  spaces.md",
        'it\'s "quoted" $(touch pwned) `id`.md',
        "new\nline.md",
        "-n.md",
        "*.md",
    ):
        (folder / name).write_text(f"This is {name!r}. A sentence about sentences. ``` TODO\n")
    (folder / ".hidden").write_text("x")
    (folder / ".git").mkdir()
    (folder / ".git" / "config").write_text("[core]")
    (folder / "name.of~odd").write_text("x")


def many(folder: Path) -> None:
    for at in range(60):
        (folder / f"d{at}").mkdir()
        for number in range(50):
            (folder / f"d{at}" / f"f{number}.txt").touch()


@pytest.mark.parametrize("fill", [garden, nothing, unreadable, awkward, many])
async def test_any_folder_takes_eight_to_twelve_turns(talk: Any, fill: Callable[[Path], None]) -> None:
    """Empty, large, unreadable or oddly named: it is looked over in 8 to 12 turns, and ends with a report."""
    fill(talk.workspace)
    await talk.about(PROMPT)
    assert 8 <= len(talk.answers) <= 12
    assert len(talk.posts) == 1
    assert "This folder: " in talk.text
    assert "offline planner" in talk.text
    assert not (talk.workspace / "pwned").exists()
    lines = talk.notes.read_text().splitlines()
    assert len(lines) == 4
    assert all(re.match(r"turn \d+: ", line) for line in lines)


async def test_the_report_says_what_is_there(talk: Any) -> None:
    """The report has the counts, the types, the README's beginning and the lines to do, all from tool results."""
    garden(talk.workspace)
    await talk.about(PROMPT)
    [post] = talk.posts
    assert "4 files in 1 folders and 0 links" in post.markdown
    assert "- 2 × .md\n- 1 × .csv\n- 1 × .py" in post.markdown
    assert "Notes about a small garden" in post.markdown
    assert "## Lines with TODO or FIXME: 2" in post.markdown
    assert "notes/spring.md:3:TODO: order seed potatoes." in post.markdown
    assert "turn 2: 4 files" in post.markdown
    assert "4 files" in talk.text
    assert "Notes about a small garden: what grows, and what is to be done." in talk.text


async def test_the_readme_and_the_largest_document_are_read_together(talk: Any) -> None:
    """Two files are read in one answer: the first README, and the largest of the documents."""
    garden(talk.workspace)
    (talk.workspace / "large.txt").write_text("Long and telling. " * 50)
    (talk.workspace / "notes" / "README.md").write_text("Inner.")
    await talk.about(PROMPT)
    [both] = [answer for answer in talk.answers if sum(block["type"] == "tool_use" for block in answer.content) == 2]
    paths = [block["input"]["file_path"] for block in both.content if block["type"] == "tool_use"]
    assert paths == ["README.md", "large.txt"]


async def test_gits_own_files_are_not_counted(talk: Any) -> None:
    """What lies in `.git` is neither counted nor listed, and files without an extension are named so."""
    awkward(talk.workspace)
    await talk.about(PROMPT)
    assert "8 files in 0 folders" in talk.posts[0].markdown
    assert "- 2 × without extension" in talk.posts[0].markdown
    assert "config" not in talk.posts[0].markdown


async def test_nothing_in_a_file_closes_the_fence_around_it(talk: Any) -> None:
    """Text of files stands in fences longer than any in it."""
    (talk.workspace / "README.md").write_text("````\n</details>\n````\n")
    await talk.about(PROMPT)
    assert "`````text\n````" in talk.posts[0].markdown


@pytest.mark.parametrize("turn", [2, 3, 5, 7])
@pytest.mark.parametrize(
    "said", [acting.UNKNOWN, EFFECT_ANSWER + "It happened", "[ended from outside while it ran; …]"]
)
async def test_a_note_of_unknown_outcome_is_looked_for_first(talk: Any, turn: int, said: str) -> None:
    """If nobody knows whether a note was written, the notes are read; one that is there is not written again."""
    garden(talk.workspace)

    async def lose(at: int, _call: Json, result: Json) -> Json | None:
        return result | {"content": [{"type": "text", "text": said}], "is_error": True} if at == turn else None

    talk.tamper = lose
    await talk.about(PROMPT)
    marks = [line.partition(":")[0] for line in talk.notes.read_text().splitlines()]
    assert len(marks) == len(set(marks)) == 4
    assert "grep" in talk.calls[[call["id"] for call in talk.calls].index(f"toolu_{turn}_0") + 1]["input"]["command"]
    assert "4 files in 1 folders" in talk.posts[0].markdown
    assert len(talk.answers) <= 12


@pytest.mark.parametrize("turn", [2, 5])
async def test_a_note_that_was_not_written_is_written_again(talk: Any, turn: int) -> None:
    """If the notes show that the line is missing, the step is done again, once."""
    garden(talk.workspace)

    async def undo(at: int, _call: Json, result: Json) -> Json | None:
        if at != turn:
            return None
        kept = talk.notes.read_text().splitlines(keepends=True)[:-1]
        talk.notes.write_text("".join(kept))
        return result | {"content": [{"type": "text", "text": acting.UNKNOWN}], "is_error": True}

    talk.tamper = undo
    await talk.about(PROMPT)
    marks = [line.partition(":")[0] for line in talk.notes.read_text().splitlines()]
    assert f"turn {turn}" in marks
    assert len(marks) == len(set(marks)) == 4


async def test_steps_that_fail_are_told(talk: Any) -> None:
    """Where tools fail, the report says what could not be found out, and claims nothing else."""

    async def fail(_at: int, _call: Json, result: Json) -> Json | None:
        return result | {"content": [{"type": "text", "text": "no such luck"}], "is_error": True}

    talk.tamper = fail
    await talk.about(PROMPT)
    assert "could not be counted" in talk.posts[0].markdown
    assert "could not be kept" in talk.posts[0].markdown
    assert "The report could not be posted." in talk.text
