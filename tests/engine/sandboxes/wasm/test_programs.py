"""What programs in a guest can do: Python with its library and its variables, JavaScript, files."""

import os
import textwrap
from pathlib import Path

import pytest
from tests.engine.sandboxes.conftest import Places
from tests.engine.sandboxes.wasm.conftest import SMALL, Hands

from baara_engine import errors
from baara_engine.sandboxes.wasm import ANEW, WasmSandbox, WasmSession

LIBRARY = """
import asyncio, csv, datetime, decimal, hashlib, io, json, math, pathlib, re, sqlite3, statistics, zlib
assert json.loads(json.dumps({"a": [1, None]})) == {"a": [1, None]}
assert re.findall(r"\\d+", "a1b22") == ["1", "22"]
assert list(csv.DictReader(io.StringIO("x,y\\n1,2"))) == [{"x": "1", "y": "2"}]
assert math.isclose(math.sin(math.pi / 2), 1)
assert datetime.date(2026, 3, 1) - datetime.date(2026, 2, 1) == datetime.timedelta(28)
assert statistics.median([3, 1, 2]) == 2
assert decimal.Decimal("0.1") * 3 == decimal.Decimal("0.3")
assert hashlib.sha256(b"").hexdigest().startswith("e3b0c442")
assert zlib.decompress(zlib.compress(b"x" * 1000)) == b"x" * 1000
with sqlite3.connect("data.db") as base:
    base.execute("CREATE TABLE t (a)")
    base.executemany("INSERT INTO t VALUES (?)", [(n,) for n in range(10)])
assert sqlite3.connect("data.db").execute("SELECT sum(a) FROM t").fetchone() == (45,)
async def slow(n):
    await asyncio.sleep(0.01)
    return n
async def both():
    return await asyncio.gather(slow(1), asyncio.wait_for(slow(2), 5))
assert asyncio.run(both()) == [1, 2]
assert 2025 < datetime.datetime.now().year < 2100
print("all of it")
"""

REPORT = """
import csv, statistics
with open("data.csv") as file:
    values = [float(row["value"]) for row in csv.DictReader(file)]
with open("report.md", "w") as file:
    file.write(f"# Report\\n\\n{len(values)} values, mean {statistics.mean(values):.2f}\\n")
"""


def _owner(path: Path) -> int:
    return path.stat().st_uid


async def test_python_has_the_library_that_work_needs(hands: Hands) -> None:
    """Text, numbers, dates, tables, a database in a file, and asyncio."""
    result = await hands.python(LIBRARY)
    assert (result.exit_code, result.output) == (0, "all of it\n")


async def test_a_report_is_computed_from_a_file(hands: Hands, workspace: Path) -> None:
    """Reading data, computing, and writing the result: the work that most tasks are."""
    (workspace / "data.csv").write_text("name,value\na,1\nb,2.5\n")
    assert (await hands.python(REPORT)).exit_code == 0
    assert (workspace / "report.md").read_text() == "# Report\n\n2 values, mean 1.75\n"
    assert (await hands.session.read("report.md")).lines == 3


async def test_variables_stay_between_programs(hands: Hands) -> None:
    """Functions, imports and values of one program are there in the next, also after an error."""
    await hands.python("import math\nx = 3\ndef f(n): return n * x")
    assert (await hands.python("f(")).exit_code == 1
    assert (await hands.python("print(f(math.floor(2.9)))")).output == "6\n"


async def test_a_failure_says_where_it_is(hands: Hands) -> None:
    """The traceback begins in the program, and shows its line."""
    result = await hands.python("def f():\n    return 1 / 0\nf()")
    assert result.exit_code == 1
    assert "return 1 / 0" in result.output
    assert "baara_session" not in result.output
    assert result.output.endswith("ZeroDivisionError: division by zero\n")


@pytest.mark.parametrize(("wanted", "code"), [("", 0), ("7", 7), ("'no'", 1), ("None", 0), ("-1", 255)])
async def test_the_exit_status_is_that_of_the_program(hands: Hands, wanted: str, code: int) -> None:
    """As `python -c` has it; the session goes on."""
    assert (await hands.python(f"import sys\nsys.exit({wanted})")).exit_code == code
    assert (await hands.python("print(1)")).output == "1\n"


async def test_programs_cannot_break_the_session_by_their_streams(hands: Hands) -> None:
    """A closed or replaced stdout is a matter of one program."""
    await hands.python("import sys, io\nsys.stdout = io.StringIO()")
    assert (await hands.python("print('seen')")).output == "seen\n"
    await hands.python("import os\nos.close(1)")
    assert (await hands.python("print('still')")).output == "still\n"


async def test_characters_of_all_kinds_pass(hands: Hands, workspace: Path) -> None:
    """In programs, in output, in names and contents of files."""
    result = await hands.python("open('é 名.txt', 'w').write('ä𝄞')\nprint('→', open('é 名.txt').read())")
    assert result.output == "→ ä𝄞\n"
    script = "const fs = require('node:fs'); console.log(fs.readFileSync('é 名.txt', 'utf8'), fs.readdirSync('.'))"
    assert (await hands.javascript(script)).output == 'ä𝄞 [ "é 名.txt" ]\n'


async def test_javascript_does_what_node_would(hands: Hands, workspace: Path) -> None:
    """Files, folders, promises, timers, modules, exit status."""
    result = await hands.javascript(
        textwrap.dedent("""
        const fs = require("fs"), path = require("path");
        fs.mkdirSync("a/b", { recursive: true });
        fs.writeFileSync(path.join("a", "b", "x.json"), JSON.stringify({ n: [1, 2] }));
        fs.appendFileSync("a/b/x.json", "\\n");
        const read = JSON.parse(fs.readFileSync("a/b/x.json", "utf8"));
        console.log(read, fs.existsSync("none"), fs.statSync("a").isDirectory(), path.extname("q.tar.gz"));
        console.log("%s has %d", "it", 3, new Map([["k", 1n]]));
        setTimeout(() => { console.log("second"); process.exit(3); }, 20);
        (async () => { await null; console.log("first"); })();
        fs.rmSync("a", { recursive: true });
        try { fs.readFileSync("a") } catch (error) { console.error(error.code) }
        """)
    )
    expected = '{ n: [ 1, 2 ] } false true .gz\nit has 3 Map(1) { "k" => 1n }\nENOENT\nfirst\nsecond\n'
    assert (result.output, result.exit_code) == (expected, 3)
    assert not (workspace / "a").exists()


async def test_javascript_that_throws_says_so(hands: Hands) -> None:
    """At once, and in a promise that nobody waits for."""
    result = await hands.javascript("function f() { throw new TypeError('boom') }\nf()")
    assert result.exit_code == 1
    assert "TypeError: boom" in result.output
    assert (await hands.javascript("x =")).exit_code == 1
    assert (await hands.javascript("setTimeout(() => { throw new Error('late') }, 1)")).exit_code == 1


async def test_there_is_no_shell(session: WasmSession) -> None:
    """It is refused in a sentence that names what there is, and nothing begins."""
    with pytest.raises(errors.InvalidInput, match="runs no shell"):
        await session.run("echo", key="a")


async def test_files_are_the_same_from_both_sides(hands: Hands, workspace: Path) -> None:
    """What a tool writes a program reads, and the other way round; they belong to whoever the engine runs as."""
    await hands.session.write("sub/in.txt", "one\n")
    await hands.python("open('sub/out.txt', 'w').write(open('sub/in.txt').read() * 2)")
    assert (await hands.session.read("sub/out.txt")).text == "one\none\n"
    assert (await hands.session.glob("**/*.txt")).lines == ("sub/in.txt", "sub/out.txt")
    assert _owner(workspace / "sub" / "out.txt") == os.getuid()


async def test_inputs_can_be_read_and_not_written(wasm: WasmSandbox, places: Places, tmp_path: Path) -> None:
    """A folder and single files beside the workspace are there by their own names, without their neighbours."""
    folder, single = tmp_path / "folder", tmp_path / "lone" / "in.csv"
    folder.mkdir()
    single.parent.mkdir()
    (folder / "a.txt").write_text("in a folder")
    single.write_text("alone")
    (single.parent / "neighbour").write_text("canary")
    limits = SMALL.__class__(memory_bytes=SMALL.memory_bytes, inputs=(folder, single))
    opened = await wasm.open(places.workspace, places.private, limits)
    hands = Hands(opened)
    said = await hands.python(f"import os\nprint(open({str(folder / 'a.txt')!r}).read(), open({str(single)!r}).read())")
    assert said.output == "in a folder alone\n"
    assert (await hands.python(f"import os\nprint(os.listdir({str(single.parent)!r}))")).output == "['in.csv']\n"
    for path in (folder / "a.txt", single, folder / "new"):
        assert (await hands.python(f"open({str(path)!r}, 'w').write('changed')")).exit_code == 1
    await opened.close()
    assert (single.read_text(), (folder / "a.txt").read_text()) == ("alone", "in a folder")
    assert not (folder / "new").exists()


async def test_a_later_session_says_that_variables_are_gone(wasm: WasmSandbox, places: Places) -> None:
    """As after a restart of the engine: the first result says it, the next does not."""
    first = await wasm.open(places.workspace, places.private, SMALL)
    assert (await Hands(first).python("x = 1")).output == ""
    await first.close()
    second = await wasm.open(places.workspace, places.private, SMALL)
    for key, output in (("later-1", f"{ANEW}False\n"), ("later-2", "False\n")):
        assert (await second.run("print('x' in globals())", key=key, language="python")).output == output
    assert (await second.run("console.log(1)", key="later-3", language="javascript")).output == "1\n"
    await second.close()
