import json
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from baara_engine.engine import Engine

Baara = Callable[..., subprocess.CompletedProcess[str]]

TEMPLATE = {
    "name": "greet",
    "prompt": "Greet {{who}}, {{how}}.",
    "parameters": [
        {"name": "who"},
        {"name": "how", "type": "choice", "choices": ["kindly", "loudly"], "default": "kindly"},
    ],
}


@pytest.fixture
def greet(tmp_path: Path) -> Path:
    """Give a file with a template."""
    file = tmp_path / "greet.json"
    file.write_text(json.dumps(TEMPLATE))
    return file


def test_a_template_is_made_shown_used_and_deleted(baara: Baara, engine: Engine, greet: Path) -> None:
    """From a file or standard input; submitted by both ways of saying it; and made into a task."""
    assert baara("templates", "create", str(greet)).returncode == 0
    shown = baara("templates", "show", "greet").stdout
    assert "how (kindly | loudly, else “kindly”)" in shown
    listed = json.loads(baara("templates", "list", "--json").stdout)
    assert {"greet", "summarise-file"} <= {one["name"] for one in listed}
    for words in (("submit", "--template", "greet"), ("templates", "submit", "greet")):
        done = baara(*words, "--param", "who=Ada=Eve", "--max-turns", "4", "--json")
        told = json.loads(done.stdout)
        assert (told["prompt"], told["max_turns"], told["source"]) == ("Greet Ada=Eve, kindly.", 4, "cli")
    assert baara("templates", "task", "greet", "hello", "--param", "who=Bo", "--priority", "1").returncode == 0
    assert (engine.task("hello").prompt, engine.task("hello").priority) == ("Greet Bo, kindly.", 1)
    changed = baara("templates", "update", "greet", "-", stdin=b'{"description": "Greets."}')
    assert (changed.returncode, engine.template("greet").description) == (0, "Greets.")
    assert "Deleted the template “greet”" in baara("templates", "delete", "greet").stdout


def test_bad_uses_of_templates_are_one_line_each(baara: Baara, engine: Engine, greet: Path, tmp_path: Path) -> None:
    """Wrong values, names and files are refused with what to do, and nothing is submitted."""
    baara("templates", "create", str(greet))
    (tmp_path / "bad.json").write_text("{")
    refused = [
        (("submit", "--template", "greet"), 2, "The template “greet” needs a value for “who” (text)"),
        (("submit", "--template", "greet", "--param", "who"), 2, "--param: “who” is not NAME=VALUE"),
        (("submit", "--template", "greet", "--param", "who=a", "--param", "who=b"), 2, "--param: “who” is given twice"),
        (("templates", "submit", "greet", "--param", "who=a", "--param", "how=x"), 2, "The value of “how” does not"),
        (("submit", "x", "--param", "who=a"), 2, "--param belongs to a template"),
        (("submit", "x", "--template", "greet"), 2, "Give one of them"),
        (("submit", "--template", "nothing"), 3, "There is no template"),
        (("templates", "delete", "summarise-file"), 4, "The template “summarise-file” comes with the program"),
        (("templates", "create", str(tmp_path / "bad.json")), 2, f"{tmp_path}/bad.json is not valid JSON"),
        (("templates", "create", str(tmp_path / "none.json")), 2, f"{tmp_path}/none.json cannot be read"),
        (("templates", "create", str(greet)), 4, "There is a template named “greet” already"),
    ]  # fmt: skip
    for words, status, line in refused:
        done = baara(*words)
        assert (done.returncode, done.stdout, done.stderr.count("\n")) == (status, "", 1), words
        assert done.stderr.startswith(f"baara: {line}"), done.stderr
    assert engine.executions() == []


def test_a_project_is_made_used_and_left(baara: Baara, engine: Engine, tmp_path: Path) -> None:
    """Its options become defaults; the active one takes new work; `none` is no project."""
    done = baara(
        "projects", "create", "house", "--instructions", "-", "--folder", str(tmp_path), "--model", "m", "--json",
        stdin=b"Be kind.",
    )  # fmt: skip
    project = json.loads(done.stdout)
    assert (project["instructions"], project["folder"], project["defaults"]) == (
        "Be kind.",
        str(tmp_path),
        {"model": "m"},
    )
    assert "is active" in baara("projects", "use", "house").stdout
    submitted = json.loads(baara("submit", "x", "--json").stdout)
    assert (submitted["project_id"], submitted["model"], submitted["workspace"]) == (project["id"], "m", str(tmp_path))
    assert json.loads(baara("submit", "x", "--project", "none", "--json").stdout)["project_id"] is None
    assert baara("projects", "update", "house", "--max-turns", "3").returncode == 0
    assert engine.project("house").defaults == {"model": "m", "max_turns": 3}
    assert [one["active"] for one in json.loads(baara("projects", "list", "--json").stdout)] == [True]
    assert "No project is active." in baara("projects", "use", "none").stdout
    for words, status in ((("update", "house"), 2), (("create", "x", "--workspace", "/"), 2), (("use", "zz"), 3)):
        assert baara("projects", *words).returncode == status
    assert "stays" in baara("projects", "delete", "house").stdout


def test_skills_are_listed_shown_run_and_trusted(baara: Baara, engine: Engine, home: Path, tmp_path: Path) -> None:
    """Those of Claude's folder in the person's home are found; what cannot be used is told on stderr."""
    for folder, text in {"good": "---\ndescription: Counts.\n---\nCount.", "bad": "---\nname: [\n---\n"}.items():
        place = tmp_path / ".claude" / "skills" / folder
        place.mkdir(parents=True)
        (place / "SKILL.md").write_text(text)
    listed = baara("skills", "list", "--json")
    assert [one["name"] for one in json.loads(listed.stdout)] == ["good"]
    assert f"Left out {tmp_path}/.claude/skills/bad/SKILL.md: its head is not valid YAML" in listed.stderr
    assert json.loads(baara("skills", "show", "good", "--json").stdout)["instructions"] == "Count."
    run = json.loads(baara("skills", "run", "good", "the lines", "--max-turns", "5", "--json").stdout)
    assert (run["name"], run["max_turns"]) == ("/good the lines", 5)
    assert baara("skills", "run", "nothing").returncode == 3
    assert json.loads(baara("skills", "trust", str(tmp_path), "--json").stdout) == [str(tmp_path)]
    assert "not trusted any more" in baara("skills", "trust", str(tmp_path), "--no-longer").stdout
    assert baara("plugins", "list", "--json").stdout == "[]\n"
