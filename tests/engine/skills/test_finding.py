import json
import os
from collections.abc import Callable
from pathlib import Path

import pytest

from baara_engine.skills import Kind, finding, reading

Write = Callable[..., Path]


def names(home: Path, claude: Path | None = None, trusted: Path | None = None) -> list[str]:
    return [skill.name for skill in finding.catalogue(home, claude, trusted).skills]


def why(home: Path, claude: Path | None = None, trusted: Path | None = None) -> list[str]:
    return [problem.why for problem in finding.catalogue(home, claude, trusted).problems]


def test_skills_are_found_where_people_keep_them(home: Path, claude: Path, skill: Write) -> None:
    """The home, Claude's folder, commands; of two of one name the one in the home counts."""
    skill(home / "skills", "pdf", description='"Ours: reads PDFs."')
    skill(claude / "skills", "pdf", description="Theirs.")
    skill(claude / "skills", "xlsx", argument_hint="[file]", disable_model_invocation="true")
    (claude / "commands").mkdir()
    (claude / "commands" / "fix.md").write_text("Fix $ARGUMENTS.")
    found = {one.name: one for one in finding.catalogue(home, claude, None).skills}
    assert list(found) == ["fix", "pdf", "xlsx"]
    assert (found["pdf"].description, found["pdf"].source) == ("Ours: reads PDFs.", "yours")
    assert found["fix"].kind is Kind.COMMAND
    assert (found["xlsx"].hint, found["xlsx"].offered) == ("[file]", False)


def test_nothing_is_found_where_there_is_nothing(home: Path, claude: Path) -> None:
    """Folders that do not exist are no problem, and neither is a Claude that is not there."""
    for given in (None, claude, claude / "not-there"):
        catalogue = finding.catalogue(home, given, None)
        assert (catalogue.skills, catalogue.plugins, catalogue.problems) == ((), (), ())


def test_a_plugin_that_is_enabled_brings_its_skills(home: Path, claude: Path, plugin: Write, skill: Write) -> None:
    """Skills and commands of a plugin are called by its name; what is installed and off brings nothing."""
    path = plugin("tools", manifest={"version": "2.1.0", "description": "Many tools."})
    skill(path / "skills", "pdf")
    (path / "commands").mkdir()
    (path / "commands" / "review.md").write_text("---\ndescription: Reviews.\n---\nReview $1.")
    skill(plugin("off", on=False, manifest={}, market="other") / "skills", "hidden")
    skill(plugin("unsaid", on=None, manifest={}, market="third") / "skills", "hidden")
    skill(plugin("of-a-project", manifest={}, market="fourth", scope="project") / "skills", "hidden")
    catalogue = finding.catalogue(home, claude, None)
    assert [one.name for one in catalogue.skills] == ["tools:pdf", "tools:review"]
    shown = [(one.name, one.marketplace, one.version, one.enabled, one.skills) for one in catalogue.plugins]
    assert shown[0] == ("of-a-project", "fourth", "1.0.0", False, ())
    assert shown[2] == ("tools", "market", "2.1.0", True, ("tools:pdf", "tools:review"))
    assert catalogue.problems == ()


def test_the_layouts_of_plugins(home: Path, claude: Path, plugin: Write, skill: Write) -> None:
    """Named by the manifest, named by a marketplace that is not strict, a plugin that is one skill, an older list."""
    named = plugin("named", manifest={"skills": "./my/skills/", "commands": ["./do.md"]})
    skill(named / "my" / "skills", "one")
    (named / "do.md").write_text("Do.")
    loose = plugin("loose", market="b", offer={"strict": False, "skills": ["./parts/two"]})
    skill(loose / "parts", "two")
    skill(loose / "parts", "not-named")
    single = plugin("single", market="c", manifest={})
    (single / "SKILL.md").write_text("---\nname: alone\n---\nDo it.")
    list_file = claude / "plugins" / "installed_plugins.json"
    listed = json.loads(list_file.read_text())
    old = listed["plugins"]["single@c"][0]
    del old["scope"]
    listed["plugins"]["single@c"] = old  # the first version of the list had no list for each
    list_file.write_text(json.dumps(listed))
    assert names(home, claude) == ["loose:two", "named:do", "named:one", "single:alone"]


HOSTILE: dict[str, tuple[bytes, str]] = {
    "binary": (b"\x7fELF\x00\xff\xfe" * 100, "it is not UTF-8 text"),
    "nul": (b"---\nname: x\n---\nbody\x00", "it is not text"),
    "huge": (b"x" * (reading.MAX_BYTES + 1), "it is larger than"),
    "huge-head": (b"---\n" + b"a: b\n" * 5000 + b"---\nbody", "its head has more than"),
    "bad-yaml": (b"---\nname: [\n---\nbody", "its head is not valid YAML"),
    "tag": (b"---\nname: !!python/object/apply:os.system ['true']\n---\nbody", "its head is not valid YAML"),
    "colon": (b"---\ndescription: Use it: always\n---\nbody", "put a value that holds a colon into quotes"),
    "list": (b"---\n- a\n- b\n---\nbody", "its head is not a list of names and values"),
    "deep": (b"---\na: " + b"[" * 5000 + b"\n---\nbody", "its head"),
    "bad-date": (b"---\nname: 2026-99-99\n---\nbody", "its head has YAML that makes no sense"),
    "escape": (b'---\nname: "../../etc"\n---\nbody', "its name must be"),
    "newline": (b'---\nname: "a\\nb"\n---\nbody', "its name must be"),
    "number": (b"---\nname: 7\n---\nbody", "its name must be"),
    "empty": (b"", "it has no instructions"),
    "head-only": (b"---\nname: x\n---\n", "it has no instructions"),
}


@pytest.mark.parametrize("kind", HOSTILE)
def test_hostile_files_are_left_out_with_a_reason(home: Path, skill: Write, kind: str) -> None:
    """Whatever a SKILL.md holds, it does no harm to the others, and the reason is told."""
    content, told = HOSTILE[kind]
    skill(home / "skills", "good")
    (home / "skills" / kind).mkdir()
    (home / "skills" / kind / "SKILL.md").write_bytes(content)
    assert names(home) == ["good"]
    [reason] = why(home)
    assert told in reason


def test_an_alias_bomb_costs_nothing(home: Path, skill: Write) -> None:
    """YAML that would unfold to a billion entries is read without unfolding them."""
    lines = ["a0: &a0 [x, x, x, x, x, x, x, x, x, x]"]
    lines += [f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 10)}]" for n in range(1, 10)]
    skill(home / "skills", "bomb", description="*a9")
    (home / "skills" / "bomb" / "SKILL.md").write_text("\n".join(["---", *lines, "description: *a9", "---", "body"]))
    [found] = finding.catalogue(home, None, None).skills
    assert found.description == "body"


def test_links_out_of_a_plugin_or_a_skill_are_not_followed(
    home: Path, claude: Path, tmp_path: Path, plugin: Write, skill: Write
) -> None:
    """A plugin's skill that is a link elsewhere, a SKILL.md that is one, a circle, a pipe: left out, told, no hang."""
    secret = skill(tmp_path / "elsewhere", "secret", body="the secret")
    path = plugin("tools", manifest={"commands": ["./../../escape.md"]})
    (path / "skills" / "linked").parent.mkdir()
    (path / "skills" / "linked").symlink_to(secret)
    assert names(home, claude) == []
    assert any("outside its folder" in one for one in why(home, claude))
    (path / ".claude-plugin" / "plugin.json").write_text("{}")
    assert names(home, claude) == []
    assert why(home, claude) == ["it is a link that leads out of its folder"]
    for name in ("file", "circle", "pipe"):
        (home / "skills" / name).mkdir(parents=True)
    (home / "skills" / "file" / "SKILL.md").symlink_to(secret / "SKILL.md")
    (home / "skills" / "circle" / "SKILL.md").symlink_to("SKILL.md")
    os.mkfifo(home / "skills" / "pipe" / "SKILL.md")
    assert names(home) == []
    assert len(why(home)) == 2  # a circle does not exist for whoever looks


def test_a_person_may_link_a_skill_of_their_own(home: Path, tmp_path: Path, skill: Write) -> None:
    """A folder of skills of one's own may hold links to where one works on them."""
    (home / "skills").mkdir(parents=True)
    (home / "skills" / "mine").symlink_to(skill(tmp_path / "work", "mine"))
    assert names(home) == ["mine"]


def test_claudes_lists_may_be_broken(home: Path, claude: Path, skill: Write) -> None:
    """Lists that are no JSON, of other types, or name folders that are gone: told, and the rest is found."""
    skill(claude / "skills", "good")
    (claude / "plugins").mkdir()
    list_file = claude / "plugins" / "installed_plugins.json"
    relative, gone = (
        '{"plugins": {"a@b": [{"installPath": "relative"}]}}',
        '{"plugins": {"c@d": {"installPath": "/no"}}}',
    )
    endless = json.dumps({"plugins": {"e@f": {"installPath": "/" + "x" * 5000}}})
    for broken in (
        endless,
        '{"plugins": ',
        "[]",
        '{"plugins": []}',
        '{"plugins": {"a@b": 7, "../x@y": [{}]}}',
        relative,
        gone,
    ):
        list_file.write_text(broken)
        (claude / "settings.json").write_text(broken)
        assert names(home, claude) == ["good"]
    assert any("its folder is not there" in one for one in why(home, claude))


def test_a_folder_with_too_many_entries_is_cut(home: Path) -> None:
    """What holds more than a folder of skills can hold is not read to its end."""
    (home / "skills").mkdir(parents=True)
    for number in range(501):
        (home / "skills" / str(number)).mkdir()
    [told] = why(home)
    assert "more than 500 entries" in told


def test_a_workspace_brings_its_skills_only_if_it_is_named(home: Path, tmp_path: Path, skill: Write) -> None:
    """The `.claude` of a workspace is read if the caller says that it is trusted, and links do not lead out of it."""
    skill(tmp_path / "ws" / ".claude" / "skills", "build")
    (tmp_path / "ws" / ".claude" / "skills" / "out").symlink_to(skill(tmp_path / "other", "out"))
    assert names(home) == []
    assert names(home, trusted=tmp_path / "ws") == ["build"]
