import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from baara_engine import config, errors
from baara_engine.engine import Engine
from baara_engine.projects import ProjectDraft
from baara_engine.records import Execution
from baara_engine.requests import Submission
from baara_engine.skills import finding, using
from baara_engine.states import ENDED, Status
from baara_engine.testing.scripted import ScriptedModel, ScriptedModels, calls, says

Write = Callable[..., Path]
LONG = 60.0  # seconds that no wait here takes unless something is wrong
SCRIPT = '#!/bin/sh\necho "$1 has $(wc -l < "$1") lines"\n'


@pytest.fixture
def working(home: Path, claude: Path) -> Iterator[Engine]:
    """Give an engine that knows of Claude's folder."""
    engine = Engine(home, config_=config.Config(claude=claude))
    yield engine
    engine.close()


def until_ended(engine: Engine, execution: Execution) -> Execution:
    deadline = time.monotonic() + LONG
    with engine.news() as news:
        while (now := engine.execution(execution.id)).status not in ENDED:
            assert time.monotonic() < deadline, now
            news.wait(1.0)
    return now


def loaded(home: Path, name: str, workspace: Path) -> str:
    workspace.mkdir(exist_ok=True)
    return using.load(using.find(finding.catalogue(home, None, None), name), workspace)


def test_a_skill_is_executed(working: Engine, claude: Path, plugin: Write, skill: Write) -> None:
    """A plugin's skill is offered, loaded, its script runs in the sandbox, and what it printed is in the result."""
    folder = skill(plugin("tools", manifest={}) / "skills", "count", "Run count.sh.", "Counts lines.")
    (folder / "count.sh").write_text(SCRIPT)
    (folder / "count.sh").chmod(0o755)
    model = ScriptedModel(
        [
            calls(("skill", {"name": "tools:count"}), turn=1),
            calls(("write", {"file_path": "a.txt", "content": "1\n2\n3\n"}), turn=2),
            calls(("bash", {"command": ".baara/skills/tools.count/count.sh a.txt"}), turn=3),
            lambda request: says(request.messages[-1]["content"][0]["content"][0]["text"]),
        ]
    )
    working.start(ScriptedModels(model))
    ended = until_ended(working, working.run_skill("/tools:count", "a.txt please", {}))
    working.stop()
    assert (ended.status, ended.output) == (Status.COMPLETED, "a.txt has 3 lines")
    assert (ended.name, "What it is wanted for: a.txt please" in ended.prompt) == ("/tools:count a.txt please", True)
    assert "- tools:count: Counts lines." in model.requests[0].system
    told = working.journal(ended.id)[1][0].result
    assert told is not None
    assert "It holds: SKILL.md, count.sh." in told[0]["text"]
    assert told[0]["text"].endswith("Run count.sh.")


def test_an_agent_that_asks_for_a_skill_that_is_not_there_is_told_which_are(
    working: Engine, home: Path, skill: Write
) -> None:
    """A wrong name is an error result with the right ones, and the work goes on."""
    skill(home / "skills", "pdf")
    working.start(ScriptedModels(ScriptedModel([calls(("skill", {"name": "../pdf"})), says("ok")])))
    ended = until_ended(working, working.submit(Submission(prompt="x")))
    working.stop()
    [call] = working.journal(ended.id)[1]
    assert call.is_error
    assert call.result is not None
    assert call.result[0]["text"] == "There is no skill “../pdf”. There are: pdf."


def test_skills_that_are_not_for_agents_are_not_offered(home: Path, skill: Write) -> None:
    """What only a person may call for, and commands, do not stand in the system prompt."""
    skill(home / "skills", "deploy", disable_model_invocation="true")
    assert using.offer(finding.catalogue(home, None, None)) == ""
    skill(home / "skills", "pdf")
    assert using.offer(finding.catalogue(home, None, None)).endswith("There are:\n\n- pdf: Does it.")


def test_an_execution_without_the_tool_is_offered_nothing(working: Engine, home: Path, skill: Write) -> None:
    """Skills widen nothing: who may not use the tool hears of none."""
    skill(home / "skills", "pdf")
    model = ScriptedModel([says("ok")])
    working.start(ScriptedModels(model))
    until_ended(working, working.submit(Submission(prompt="x", allowed_tools=("read",))))
    working.stop()
    assert "pdf" not in model.requests[0].system
    assert [tool["name"] for tool in model.requests[0].tools] == ["read", "note_progress"]


def test_files_are_copied_into_the_workspace_and_nowhere_else(home: Path, tmp_path: Path, skill: Write) -> None:
    """Folders, bytes and the right to be run are kept; links that lead out, pipes and .git are left out."""
    folder = skill(home / "skills", "pack", "See ${CLAUDE_SKILL_DIR}/data.bin.")
    (folder / "sub").mkdir()
    (folder / "sub" / "data.bin").write_bytes(bytes(range(256)))
    (folder / "run.sh").write_text(SCRIPT)
    (folder / "run.sh").chmod(0o700)
    (folder / "link").symlink_to("/etc/passwd")
    (folder / "inner").symlink_to("run.sh")
    (folder / "loop").symlink_to(folder)
    (folder / ".git").mkdir()
    (folder / ".git" / "config").write_text("x")
    told = loaded(home, "pack", tmp_path / "ws")
    place = tmp_path / "ws" / ".baara" / "skills" / "pack"
    assert told.endswith("See .baara/skills/pack/data.bin.")
    assert sorted(str(one.relative_to(place)) for one in place.rglob("*") if one.is_file()) == [
        "SKILL.md", "inner", "run.sh", "sub/data.bin",
    ]  # fmt: skip
    assert (place / "sub" / "data.bin").read_bytes() == bytes(range(256))
    assert place.joinpath("run.sh").stat().st_mode & 0o100
    assert (tmp_path / "ws" / ".baara" / "skills" / ".gitignore").read_text() == "*\n"


def test_a_workspace_cannot_turn_the_copy_elsewhere(home: Path, tmp_path: Path, skill: Write) -> None:
    """A link in the workspace where the skill belongs does not let files be written outside it."""
    skill(home / "skills", "pack")
    (tmp_path / "outside").mkdir()
    (tmp_path / "ws").mkdir()
    (tmp_path / "ws" / ".baara").symlink_to(tmp_path / "outside")
    with pytest.raises(errors.InvalidInput, match="outside the workspace"):
        loaded(home, "pack", tmp_path / "ws")
    assert list((tmp_path / "outside").iterdir()) == []


def test_loading_twice_is_the_same_as_once(home: Path, tmp_path: Path, skill: Write) -> None:
    """What is there already is not written again, and what was changed is put right."""
    skill(home / "skills", "pack")
    first = loaded(home, "pack", tmp_path / "ws")
    document = tmp_path / "ws" / ".baara" / "skills" / "pack" / "SKILL.md"
    inode = document.stat().st_ino
    assert loaded(home, "pack", tmp_path / "ws") == first
    assert document.stat().st_ino == inode
    document.write_text("changed")
    loaded(home, "pack", tmp_path / "ws")
    assert "Do it." in document.read_text()


def test_what_is_too_much_is_refused(home: Path, tmp_path: Path, skill: Write, monkeypatch: pytest.MonkeyPatch) -> None:
    """Too many files, or too large ones, are refused with the limit."""
    folder = skill(home / "skills", "pack")
    (folder / "big").write_bytes(b"x" * 2000)
    monkeypatch.setattr(using, "MAX_FILES", 1)
    with pytest.raises(errors.InvalidInput, match="more than 1 files"):
        loaded(home, "pack", tmp_path / "ws")
    monkeypatch.setattr(using, "MAX_FILE", 1000)
    with pytest.raises(errors.InvalidInput, match="“big” of this skill is larger"):
        loaded(home, "pack", tmp_path / "ws")


def test_a_plugin_is_at_hand_where_its_skill_speaks_of_it(
    home: Path, claude: Path, tmp_path: Path, plugin: Write, skill: Write
) -> None:
    """Where the instructions name the plugin's own folder, that is copied as well, and the name replaced."""
    path = plugin("tools", manifest={})
    skill(path / "skills", "go", "Run ${CLAUDE_PLUGIN_ROOT}/bin/x.")
    (path / "bin").mkdir()
    (path / "bin" / "x").write_text("x")
    (tmp_path / "ws").mkdir()
    told = using.load(using.find(finding.catalogue(home, claude, None), "tools:go"), tmp_path / "ws")
    assert told.endswith("Run .baara/skills/tools.plugin/bin/x.")
    assert (tmp_path / "ws" / ".baara" / "skills" / "tools.plugin" / "bin" / "x").read_text() == "x"


def test_arguments_of_commands_stay_text(working: Engine, claude: Path) -> None:
    """$ARGUMENTS and $1 … $9 are put in once; where there is no place for them they come at the end."""
    (claude / "commands").mkdir()
    for name, text in {"one": "Do $1 and $2, all: $ARGUMENTS; $1x $10", "two": "Do it."}.items():
        (claude / "commands" / f"{name}.md").write_text(text)
    run = working.run_skill("one", "$ARGUMENTS b", {})
    assert run.prompt == "Do $ARGUMENTS and b, all: $ARGUMENTS b; $1x $10"
    assert working.run_skill("two", "now", {}).prompt == "Do it.\n\nnow"
    assert working.run_skill("two", "", {}).prompt == "Do it."


def test_the_skills_of_a_workspace_need_trust(working: Engine, tmp_path: Path, skill: Write) -> None:
    """Until the person trusts a folder nothing in it is found; afterwards it is, until that is taken back."""
    workspace = tmp_path / "ws"
    skill(workspace / ".claude" / "skills", "build")
    model = ScriptedModel([says("ok")])
    working.start(ScriptedModels(model))
    submitted = Submission(prompt="x", workspace=str(workspace))
    until_ended(working, working.submit(submitted))
    working.trust_folder(workspace)
    until_ended(working, working.submit(submitted))
    working.stop()
    assert ["- build:" in request.system for request in model.requests] == [False, True]
    assert [one.name for one in working.skills(workspace).skills] == ["build"]
    working.trust_folder(workspace, trusted=False)
    assert working.skills(workspace).skills == ()
    with pytest.raises(errors.NotFound, match="is not trusted"):
        working.trust_folder(workspace, trusted=False)
    with pytest.raises(errors.InvalidInput, match="is no folder that exists"):
        working.trust_folder(tmp_path / "not-there")


def test_a_project_speaks_in_the_system_prompt(working: Engine) -> None:
    """Its instructions are there for its executions, marked as the person's, and for no others."""
    project = working.create_project(ProjectDraft(name="Letters", instructions="Write politely."))
    model = ScriptedModel([says("ok")])
    working.start(ScriptedModels(model))
    until_ended(working, working.submit(Submission(prompt="x", project_id="letters")))
    until_ended(working, working.submit(Submission(prompt="x")))
    working.stop()
    told = "The person's instructions for all work in the project “Letters”:\n\nWrite politely."
    assert [told in request.system for request in model.requests] == [True, False]
    assert working.executions()[1].project_id == project.id
