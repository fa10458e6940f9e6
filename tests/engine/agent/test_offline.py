"""The offline planner: what it understands, what it does with real tools, and that it keeps no state."""

import json
from typing import Any

import httpx2
import pytest

from baara_engine.agent import acting
from baara_engine.agent.anthropic_model import body, offline
from baara_engine.agent.model import Piece, Request
from baara_engine.agent.offline import extract, grammar, jobs, look_over, planner, wire
from baara_engine.agent.offline.transport import PATH, OfflineTransport
from baara_engine.checks import verdict
from baara_engine.records import Json
from baara_engine.testing import legality

ONE: Json = {"role": "user", "content": [{"type": "text", "text": "Count the files, then count the folders"}]}


async def sent(asked: Json, method: str = "POST", path: str = PATH) -> httpx2.Response:
    async with httpx2.AsyncClient(transport=OfflineTransport()) as client:
        return await client.request(method, f"http://offline.invalid{path}", json=asked)


@pytest.mark.parametrize(
    "prompt",
    [
        "Look over this folder and report what is in it.",
        "look over",
        "Please look over the project.",
        "Take a look around here",
        "What is in this folder?",
        "What's in this directory",
        "Tell me what files are in the workspace!",
        "overview",
        "Could you give me an overview of this folder, please?",
        "Summarise this folder",
        "Describe the current folder, and say what is there.",
    ],
)
def test_these_ask_to_look_over_the_folder(prompt: str) -> None:
    """Looking over a folder is understood in many wordings."""
    asked = grammar.read(prompt)
    assert (asked.jobs, asked.strange) == ([look_over.JOB], [])


@pytest.mark.parametrize(
    ("prompt", "needs"),
    [
        ("Count the lines in notes.txt", ["bash"]),
        ("How many words are there in 'my notes.txt'?", ["bash"]),
        ("how many bytes does the file a.bin have?", ["bash"]),
        ("How many files are there?", ["bash"]),
        ("How many .md files are in docs?", ["bash"]),
        ("count all folders below src", ["bash"]),
        ("Find files named '*.csv'", ["glob"]),
        ("List all files matching *.py", ["glob"]),
        ("Search for 'a b c' in letters.", ["grep"]),
        ("find “Rechnung”", ["grep"]),
        ("grep TODO", ["grep"]),
        ("look for invoice in the folder letters", ["grep"]),
        ("Summarize README.md", ["read"]),
        ("give me a summary of the file `a b.txt`", ["read"]),
        ("run: ls -l; then echo 'x'", ["bash"]),
        ("Run `make test`, then count the lines in out.txt", ["bash", "bash"]),
        ("Write 'don't panic' to towel.txt", ["write"]),
        ("Ask me which colour I like (red, green or blue)", ["ask_user"]),
        ("1. Count the files\n2) Search for 'x'\n\n- write 'y' to z", ["bash", "grep", "write"]),
        (
            "Do the following:\nfirst count the files; then search for 'then' in a. Finally, run: true",
            ["bash", "grep", "bash"],
        ),
        ("Count the files. Thanks!", ["bash"]),
    ],
)
def test_small_jobs_are_understood(prompt: str, needs: list[str]) -> None:
    """Each small job is known by its wording, and several are done in the order in which they were asked for."""
    asked = grammar.read(prompt)
    assert ([sorted(job.needs) for job in asked.jobs], asked.strange) == ([[need] for need in needs], [])


@pytest.mark.parametrize(
    ("prompt", "strange"),
    [
        ("Book me a flight to Köln", ["Book me a flight to Köln"]),
        ("Look over this folder and delete the old files", ["Look over this folder and delete the old files"]),
        ("Back up 'my files', then run `rm -rf x`", ["Back up 'my files'"]),
        ("Count the files\nand make them better", ["make them better"]),
        ("Delete these:\n- count the files", ["Delete these:"]),
        ("", []),
        ("Hello!", []),
    ],
)
async def test_what_is_not_understood_is_not_done(talk: Any, prompt: str, strange: list[str]) -> None:
    """If any part of a prompt is strange, nothing is done, and the answer says so and what it could do."""
    await talk.about(prompt or "?")
    assert grammar.read(prompt).strange == strange
    assert (len(talk.answers), talk.calls) == (1, [])
    assert jobs.HELP in talk.text
    assert all(f"> {part}" in talk.text for part in strange)


async def test_it_says_plainly_what_it_is(talk: Any) -> None:
    """Its help says that it is the offline planner, without understanding, and gives an example of each job."""
    await talk.about("Who are you?")
    assert "offline planner" in talk.text
    assert "no understanding" in talk.text
    examples = [part.partition("”")[0] for part in jobs.HELP.split("“")[1:] if "then" not in part.partition("”")[0]]
    assert len(examples) >= 8
    assert all(grammar.read(example).strange == [] for example in examples)


async def test_counting(talk: Any) -> None:
    """Lines, words, bytes, files and folders are counted by real commands, whatever the names."""
    (talk.workspace / "it's a list.txt").write_text("one two\nthree")
    (talk.workspace / "sub").mkdir()
    (talk.workspace / "sub" / "a.md").write_text("")
    (talk.workspace / "sub" / ".git").mkdir()
    (talk.workspace / "sub" / ".git" / "b.md").write_text("")
    name = '"it\'s a list.txt"'
    await talk.about(
        f"Count the lines in {name}, then count the words in {name} then count the bytes in {name}\n"
        "How many files are there?\nhow many .md files are in sub\ncount the folders"
    )
    for line in (
        "1. Lines in it's a list.txt: 2",
        "2. Words in it's a list.txt: 3",
        "3. Bytes in it's a list.txt: 13",
        "4. Files in this folder: 2",
        "5. .md files in sub: 1",
        "6. Folders in this folder: 1",
    ):
        assert line in talk.text
    assert len(talk.answers) == 7


async def test_searching_and_finding(talk: Any) -> None:
    """A search is for the text as it stands, not for a pattern; many hits are counted and some shown."""
    (talk.workspace / "a.txt").write_text("a.b\naxb\n" * 40)
    (talk.workspace / "b.txt").write_text("a.b\n")
    await talk.about("Search for 'a.b' in a.txt\nFind files named *.txt\nSearch for nothing-of-it")
    assert "Lines with “a.b” in a.txt: 40" in talk.text
    assert "… and 10 more" in talk.text
    assert "Files named *.txt: 2\na.txt\nb.txt" in talk.text
    assert "Lines with “nothing-of-it” in this folder: 0" in talk.text


async def test_an_extract(talk: Any) -> None:
    """A summary is an extract of whole sentences, and says that it is one."""
    text = "# Bees\n\nBees make honey. The weather was fine. Honey of bees feeds bees in winter.\n\n| a | b |\n"
    (talk.workspace / "bees.md").write_text(text)
    (talk.workspace / "numbers.csv").write_text("1;2\n3;4\n")
    await talk.about("Summarise bees.md then summarise numbers.csv")
    assert "An extract of bees.md" in talk.text
    assert "- Honey of bees feeds bees in winter." in talk.text
    assert "| a | b |" not in talk.text
    assert "numbers.csv has no sentences" in talk.text


async def test_running_writing_and_asking(talk: Any) -> None:
    """Commands run as they stand, files are written as quoted, and an answer of the person is passed on."""
    await talk.about(
        "Write 'don't \"panic\"' to sub/towel.txt\nrun: cat sub/towel.txt; echo; echo \"it's $((1 + 1))\"\n"
        "Ask me which colour I like best (red, green or blue)?"
    )
    assert (talk.workspace / "sub" / "towel.txt").read_text() == 'don\'t "panic"'
    assert "don't \"panic\"\nit's 2" in talk.text
    question = talk.calls[-1]["input"]
    assert question == {"question": "Which colour I like best?", "options": ["red", "green", "blue"]}
    assert "You said: green" in talk.text


async def test_after_a_failure_the_rest_is_left(talk: Any) -> None:
    """If a job fails, its error is told and what was to come after it is not done."""
    await talk.about("run `echo one; exit 3`\nwrite 'x' to y")
    assert "exit status 3" in talk.text
    assert "left undone" in talk.text
    assert not (talk.workspace / "y").exists()


async def test_a_command_of_unknown_outcome_is_not_repeated(talk: Any) -> None:
    """If nobody knows whether a command ran, the planner does not run it again, and says so."""

    async def lose(_at: int, _call: Json, result: Json) -> Json:
        return result | {"content": [{"type": "text", "text": acting.UNKNOWN}], "is_error": True}

    talk.tamper = lose
    await talk.about("run: echo x >> runs")
    assert (talk.workspace / "runs").read_text() == "x\n"
    assert "unknown" in talk.text


async def test_what_changes_nothing_is_simply_done_again(talk: Any) -> None:
    """A count of unknown outcome is made again."""
    lost: list[Json] = []

    async def lose(_at: int, call: Json, result: Json) -> Json | None:
        lost.append(call)
        return result | {"content": [{"type": "text", "text": acting.UNKNOWN}]} if len(lost) == 1 else None

    talk.tamper = lose
    await talk.about("count the files")
    assert len(lost) == 2
    assert "Files in this folder: 0" in talk.text


async def test_tools_that_are_not_allowed_are_not_called(talk: Any) -> None:
    """A job that needs a tool which was not offered is not begun."""
    talk.offered = ("glob", "read")
    await talk.about("Find files named *.txt then search for 'x' then run: ls")
    assert (len(talk.answers), talk.calls) == (1, [])
    assert "(bash, grep)" in talk.text


async def test_a_second_prompt_in_the_same_conversation(talk: Any) -> None:
    """A later prompt is done by itself, with calls that have names of their own."""
    await talk.about("count the files")
    await talk.about("run: echo again")
    assert "again" in talk.text
    assert [call["id"] for call in talk.calls] == ["toolu_1_0", "toolu_3_0"]


async def test_the_same_conversation_gives_the_same_bytes(talk: Any) -> None:
    """Every answer can be had again from the conversation before it, by another process, byte for byte."""
    (talk.workspace / "README.md").write_text("# A\n\nSome words here.\n")
    await talk.about("Look over this folder\nAsk me why\nrun: true")
    for at in range(1, len(talk.messages), 2):
        request = Request("offline", "", talk.messages[:at], talk.request_tools(), 1000)
        first, second = [await sent({**body(request), "stream": True}) for _ in range(2)]
        assert first.content == second.content
        model = offline()
        assert (await model.answer(request)).content == talk.messages[at]["content"]
        await model.close()


async def test_a_conversation_of_another_model_is_not_gone_on_with() -> None:
    """If the conversation holds steps that the plan would not have made, the planner stops and says so."""
    use = {"type": "tool_use", "id": "toolu_x", "name": "write", "input": {}}
    result = {"type": "tool_result", "tool_use_id": "toolu_x", "content": "done"}
    messages = [ONE, {"role": "assistant", "content": [use]}, {"role": "user", "content": [result]}]
    tools = [{"name": name, "input_schema": {"type": "object"}} for name in ("bash", "write")]
    response = await sent({"model": "offline", "max_tokens": 9, "messages": messages, "tools": tools})
    assert "begun by another model" in response.json()["content"][0]["text"]
    assert response.json()["stop_reason"] == "end_turn"


async def test_it_answers_at_once_or_as_a_stream() -> None:
    """Both forms of an answer say the same; a stream is framed as the Messages API does."""
    asked = {"model": "offline", "max_tokens": 9, "messages": [ONE]}
    whole, stream = (await sent(asked)).json(), await sent(asked | {"stream": True})
    assert stream.headers["content-type"].startswith("text/event-stream")
    frames = stream.content.removesuffix(b"\n\n").split(b"\n\n")
    assert b"\n\n".join(frames) + b"\n\n" == b"".join(wire.frame(event) for event in wire.events(whole))
    first = json.loads(frames[0].split(b"data: ")[1])["message"]
    assert (first["content"], first["stop_reason"], first["usage"]["output_tokens"]) == ([], None, 1)
    assert whole["usage"]["input_tokens"] > 0
    assert whole["usage"]["output_tokens"] == wire.tokens(whole["content"])


@pytest.mark.parametrize(
    ("asked", "method", "path", "status"),
    [
        ({}, "POST", PATH, 400),
        ([], "POST", PATH, 400),
        ({"messages": []}, "POST", PATH, 400),
        ({"messages": [ONE, {"role": "assistant", "content": []}]}, "POST", PATH, 400),
        ({"messages": [{"role": "user"}]}, "POST", PATH, 400),
        ({}, "GET", PATH, 404),
        ({}, "POST", "/v1/complete", 404),
    ],
)
async def test_what_is_no_request_is_refused(asked: Any, method: str, path: str, status: int) -> None:
    """A request that makes no sense gets an error in the service's own form."""
    response = await sent(asked, method, path)
    assert response.status_code == status
    assert response.json()["type"] == "error"


async def test_people_can_watch() -> None:
    """With a pace, an answer takes that long, and its text comes in pieces."""
    model = offline(pace_s=0.05)
    told: list[Piece] = []
    await model.answer(Request("offline", "", [ONE], [], 100), told.append)
    await model.close()
    assert len(told) > 1


def test_a_text_without_sentences_has_no_extract() -> None:
    """Code, tables and headings are not sentences; ties go to what comes first."""
    assert extract.telling("# Head\n\n```\nThis is code.\n```\n\n| a |\n---\n") == []
    assert extract.telling("Alpha beta. Gamma delta. Other thing.", 2) == ["Alpha beta.", "Gamma delta."]
    assert len(extract.telling("word " * 500)[0]) == extract.LONGEST_SENTENCE


def test_every_first_request_is_legal() -> None:
    """What is sent for a request keeps the rules of the API."""
    request = Request("offline", "system", [ONE], [{"name": "bash", "input_schema": {"type": "object"}}], 10)
    assert legality.problem(body(request)) is None


async def test_a_failed_check_is_not_taken_for_a_new_job(talk: Any) -> None:
    """Sent back by the system, it gives what it had said before, and that it cannot mend it; once, however often."""
    await talk.about("Write 'hello' to greeting.txt")
    before = talk.text
    for _ in range(2):
        await talk.about(f"{verdict.SENT_BACK}\n\n- `file:report.md`: There is no file “report.md”.")
        assert talk.text == before + planner.UNMENDED
