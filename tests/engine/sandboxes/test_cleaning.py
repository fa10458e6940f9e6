"""Outputs that are cut, or kept whole in the workspace, tell no secret and no half of one."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from baara_engine import redaction, sandboxes
from baara_engine.sandboxes import CommandResult, Limits, Session, cleaning
from baara_engine.sandboxes.workspace import Workspace

KNOWN = "a-secret-that-only-the-keyring-knows"
LIMIT = 3000
SHAPED = "ghp_c4naryQ7wZx9Vb2Nn5Tt8Yy1Uu4Ii6Oo3Pp"


@pytest.fixture(autouse=True)
def _known(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(redaction, "known", redaction.Secrets())
    redaction.known.bind(KNOWN)


@pytest.fixture
async def session(tmp_path: Path) -> AsyncIterator[Session]:
    (tmp_path / "private").mkdir(mode=0o700)
    (tmp_path / "work").mkdir()
    sandbox = sandboxes.make("native")
    opened = await sandbox.open(tmp_path / "work", tmp_path / "private", Limits(output_bytes=LIMIT))
    yield opened
    await opened.close()
    await sandbox.close()


async def shown(session: Session, text: str, before: int) -> CommandResult:
    """Print some characters, and then a text again and again."""
    command = f"printf '%{before}s' ''; for i in $(seq 400); do printf '%s\\n' '{text}'; done"
    return await session.run(command, key=f"{text}/{before}")


@pytest.mark.parametrize("text", [KNOWN, SHAPED, f"Cookie: a={SHAPED}"])
async def test_a_secret_is_not_told_by_halves(session: Session, tmp_path: Path, text: str) -> None:
    """Wherever an output is cut, nothing of a secret is told, and the file of all of it has none."""
    for before in range(len(text) + 1):
        told = await shown(session, text, before)
        assert "cut out here; all of it is in .baara/outputs/" in told.output
        for part in (text[-12:], text[-24:-12]):
            assert part not in told.output.replace(redaction.HIDDEN, "")
    files = list((tmp_path / "work" / ".baara" / "outputs").glob("*.txt"))
    assert len(files) == len(text) + 1
    for file in files:
        assert text not in file.read_text()
        assert file.read_text().count(redaction.HIDDEN) >= 400


async def test_what_has_no_secret_stays_as_it_is(session: Session, tmp_path: Path) -> None:
    """Not a byte of the file is changed, and the ends are told that the sandbox kept."""
    told = await shown(session, "nothing to hide", 5)
    [file] = (tmp_path / "work" / ".baara" / "outputs").glob("*.txt")
    assert file.read_text() == " " * 5 + "nothing to hide\n" * 400
    assert told.output.startswith(" " * 5 + "nothing to hide\n")
    assert told.output.endswith("nothing to hide\n")
    assert len(told.output) < LIMIT + 200


async def test_bytes_that_are_no_text_stay_in_the_file(session: Session, tmp_path: Path) -> None:
    """A file that is rewritten keeps what cannot be read as text."""
    await session.run(f"for i in $(seq 400); do printf '\\377\\n{SHAPED}\\n'; done", key="bytes")
    [file] = (tmp_path / "work" / ".baara" / "outputs").glob("*.txt")
    assert file.read_bytes() == f"\udcff\n{redaction.HIDDEN}\n".encode("utf-8", "surrogateescape") * 400


def test_where_there_is_no_file_it_ends_with_a_line(tmp_path: Path) -> None:
    """The line through which it was cut is left out on both sides."""
    workspace = Workspace(tmp_path)
    note = "\n[… 99 bytes of output cut out here …]\n"
    told = cleaning.cleaned(workspace, CommandResult(0, f"one\nghp_c4na{note}ryQ7wZx9\ntwo\n", 9999), LIMIT)
    assert told.output == f"one\n{note}two\n"
    workspace.close()


@pytest.mark.parametrize("name", ["/etc/passwd", "../x.txt", ".baara/outputs/../../x.txt", ".baara/outputs/x.txt"])
def test_a_note_that_a_command_wrote_touches_no_other_file(tmp_path: Path, name: str) -> None:
    """Only a file that holds a whole output is read or rewritten, and no link is followed to another."""
    (tmp_path / "work").mkdir()
    (tmp_path / "x.txt").write_text(SHAPED)
    (tmp_path / "work" / "x.txt").write_text(SHAPED)
    workspace = Workspace(tmp_path / "work")
    note = f"\n[… 99 bytes of output cut out here; all of it is in {name}: read or search it there …]\n"
    cleaning.cleaned(workspace, CommandResult(0, f"a\n{note}b\n", 9999), LIMIT)
    workspace.close()
    assert (tmp_path / "x.txt").read_text() == (tmp_path / "work" / "x.txt").read_text() == SHAPED
