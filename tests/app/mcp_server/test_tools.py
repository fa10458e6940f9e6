"""The tools that models of other programs have: the same on standard input and output as over HTTP."""

import asyncio
import json
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import jsonschema
import pytest
from tests.app.mcp_server.conftest import WAYS, call, connected, environment, refused
from tests.ui.conftest import House

from baara_app import reaching
from baara_engine import watch

PROMISED = {  # CONTRACT.md, MCP: names, and what each takes; a question mark stands for what may be left out
    "list_tasks": "", "get_task": "name_or_id", "update_task": "name_or_id", "delete_task": "name_or_id",
    "create_task": "name prompt description? cron_expression? sandbox_type? sandbox_config? execution_mode? priority? "
    "max_retries? timeout_ms? allowed_tools? project_id? target_thread_id? kind? checks? budget_usd? model? workspace? "
    "time_zone? missed_policy?",
    "toggle_task": "name_or_id", "run_task": "name_or_id", "submit_task": "name_or_id",
    "list_executions": "task_name_or_id? status? limit?", "get_execution": "execution_id",
    "get_execution_events": "execution_id after_seq? limit?", "cancel_execution": "execution_id",
    "retry_execution": "execution_id", "get_system_status": "",
    "get_execution_logs": "execution_id level? search? limit? offset?", "list_queues": "", "get_queue_info": "name",
    "dlq_list": "", "dlq_retry": "execution_id", "list_pending_input": "", "provide_input": "execution_id response",
    "list_templates": "", "create_task_from_template": "template_id name prompt? params?", "list_projects": "",
    "set_active_project": "name_or_id?", "discover_plugins": "", "run_skill": "name arguments?",
}  # fmt: skip


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("mode", ["legacy", "2026-07-28"])
async def test_the_tools_are_those_that_are_promised(house: House, way: str, mode: str) -> None:
    """All 27 and more, in both eras of the protocol, with schemas, and with what each does to what there is."""
    async with connected(house, way, mode) as client:
        tools = {one.name: one for one in (await client.list_tools()).tools}
    assert len(PROMISED) == 27
    assert tools.keys() > PROMISED.keys()
    for name, parameters in PROMISED.items():
        schema = tools[name].input_schema
        jsonschema.Draft202012Validator.check_schema(schema)
        wanted = parameters.split()
        assert set(schema.get("properties", {})) >= {one.rstrip("?") for one in wanted}, name
        assert set(schema.get("required", [])) == {one for one in wanted if not one.endswith("?")}, name
    for one in tools.values():
        assert one.annotations is not None
        assert len(one.description or "") > 20
    hints = {name: tools[name].annotations for name in ("list_tasks", "create_task", "delete_task", "cancel_execution")}
    told = {name: (one.read_only_hint, one.idempotent_hint, one.destructive_hint) for name, one in hints.items() if one}
    assert told == {
        "list_tasks": (True, True, False), "create_task": (False, False, False), "delete_task": (False, True, True),
        "cancel_execution": (False, True, False),
    }  # fmt: skip


@pytest.mark.parametrize("way", WAYS)
async def test_a_task_is_made_run_and_deleted(house: House, way: str) -> None:
    """With a schedule; what it runs is waited for, and told with its events and its log."""
    async with connected(house, way) as client:
        made = await call(
            client, "create_task", name=f"Weekly {way}", prompt="echo the week", cron_expression="0 7 * * 5",
            time_zone="Europe/Paris", missed_policy="skip", timeout_ms=90_000, budget_usd=0.5, execution_mode="queued",
        )  # fmt: skip
        assert (made["timeout_s"], made["budget_microusd"], made["queue"]) == (90.0, 500_000, "transfer")
        assert made["schedules"][0]["missed"] == "skip"
        changed = await call(client, "update_task", name_or_id=made["id"], cron_expression="0 8 * * *", priority=1)
        assert (changed["priority"], "08:00" in changed["schedules"][0]["due"]) == (1, True)
        ran = await call(client, "run_task", name_or_id=made["name"])
        assert (ran["status"], ran["output"], ran["queue"], ran["source"]) == (
            "completed", "the week", "visibility", "mcp",
        )  # fmt: skip
        queued = await call(client, "submit_task", name_or_id=made["name"])
        listed = await call(client, "list_executions", task_name_or_id=made["name"])
        assert {one["id"] for one in listed["executions"]} == {ran["id"], queued["id"]}
        events = await call(client, "get_execution_events", execution_id=ran["id"], limit=2)
        more = await call(client, "get_execution_events", execution_id=ran["id"], after_seq=events["last_seq"])
        assert [one["seq"] for one in events["events"] + more["events"]] == sorted(
            one["seq"] for one in events["events"] + more["events"]
        )
        logs = await call(client, "get_execution_logs", execution_id=ran["id"], search="ended", offset=0)
        assert logs["lines"][-1]["text"] == "Ended: Ran"
        assert (await call(client, "toggle_task", name_or_id=made["name"]))["enabled"] is False
        assert "switched off" in await refused(client, "submit_task", name_or_id=made["name"])
        await call(client, "delete_task", name_or_id=made["name"])
        assert "Weekly" not in str(await call(client, "list_tasks"))


@pytest.mark.parametrize("way", WAYS)
async def test_work_that_asks_is_given_back_and_answered(house: House, way: str) -> None:
    """A call that waits gives its answer when a person is needed, and the answer settles it."""
    async with connected(house, way) as client:
        asking = await call(client, "run_prompt", prompt="ask Which one?")
        assert asking["status"] == "waiting_for_input"
        [question] = (await call(client, "list_pending_input"))["questions"]
        assert question["text"] == "Which one?"
        given = await call(client, "provide_input", execution_id=asking["id"], response="The second")
        assert given["answer"] == "The second"
        assert "asks nothing" in await refused(client, "provide_input", execution_id=asking["id"], response="x")


@pytest.mark.parametrize("way", WAYS)
async def test_a_dead_letter_is_retried(house: House, way: str) -> None:
    """It is listed with what to try, and goes on."""
    async with connected(house, way) as client:
        failed = await call(client, "run_prompt", prompt="exit 3", kind="command", max_retries=0)
        letters = (await call(client, "dlq_list"))["dead_letters"]
        assert [one["advice"] != "" for one in letters if one["id"] == failed["id"]] == [True]
        again = await call(client, "dlq_retry", execution_id=failed["id"])
        assert again["status"] == "queued"


async def test_the_rest_of_what_there_is(house: House) -> None:
    """Queues, status, templates, projects, plugins, threads, slots."""
    async with connected(house, "http") as client:
        assert len((await call(client, "list_queues"))["queues"]) == 4
        assert (await call(client, "get_queue_info", name="transfer"))["name"] == "transfer"
        assert (await call(client, "get_system_status"))["working"] is True
        template = await call(
            client,
            "create_template",
            name="Echo",
            prompt="echo {{what}}",
            parameters=[{"name": "what", "type": "text"}],
        )
        task = await call(
            client, "create_task_from_template", template_id=template["id"], name="Of a template", params={"what": "a"}
        )
        assert task["prompt"] == "echo a"
        assert "Echo" in str(await call(client, "list_templates"))
        await call(client, "create_project", name="Book", instructions="Be brief.")
        assert (await call(client, "set_active_project", name_or_id="Book"))["active"]["name"] == "Book"
        assert (await call(client, "set_active_project"))["active"] is None
        assert [one["name"] for one in (await call(client, "list_projects"))["projects"]] == ["Book"]
        assert set(await call(client, "discover_plugins")) == {"plugins", "skills"}
        ended = await call(client, "run_prompt", prompt="write a.md")
        assert [
            one["path"] for one in (await call(client, "get_execution_files", execution_id=ended["id"]))["files"]
        ] == ["a.md"]
        assert (await call(client, "get_thread", thread_id=ended["thread_id"]))["messages"]
        assert (await call(client, "mark_thread_done", thread_id=ended["thread_id"]))["lane"] == "done"
        assert (await call(client, "search_threads", query="write"))["threads"]
        assert (await call(client, "list_threads", lane="done"))["threads"][0]["id"] == ended["thread_id"]
        assert (await call(client, "list_slots"))["slots"] == []


@pytest.mark.parametrize(
    ("name", "given", "message"),
    [
        ("create_task", {"name": "x"}, "The prompt does not do: Field required."),
        ("create_task", {"name": "x", "prompt": "y", "colour": 1}, "The colour does not do: Extra inputs"),
        ("create_task", {"name": "x", "prompt": "y", "cron_expression": "often"}, "five fields"),
        ("create_task", {"name": "x", "prompt": "y", "time_zone": "Mars"}, "go with a cron_expression"),
        ("create_task", {"name": "x", "prompt": "y", "timeout_ms": -1}, "The timeout ms does not do"),
        ("submit_prompt", {"prompt": " "}, "The prompt does not do: it is empty"),
        ("submit_prompt", {"prompt": "x", "cron_expression": "@daily"}, "use create_task"),
        ("get_execution", {"execution_id": "nobody"}, "nobody"),
        ("get_execution_logs", {"execution_id": "x", "level": "loud"}, "The level does not do"),
        ("list_executions", {"limit": 10**9}, "The limit does not do"),
        ("list_executions", {"limit": 10**30}, "The limit does not do"),
        ("run_skill", {"name": "flying"}, "flying"),
        ("make_coffee", {}, "There is no tool “make_coffee”."),
    ],
)
async def test_what_does_not_do_is_told(house: House, name: str, given: dict[str, Any], message: str) -> None:
    """In a sentence that the model can mend it by; nothing is done."""
    async with connected(house, "http") as client:
        assert message in await refused(client, name, **given)


@pytest.mark.expects_log("a call failed")
async def test_a_call_that_waits_ends_with_its_key(house: House) -> None:
    """Whoever is shut out gets no answer any more, though what was queued goes on."""
    async with connected(house, "http") as client:
        waiting = watch.Tasks()
        call_ = waiting.spawn(client.call_tool("run_prompt", {"prompt": "sleep 20", "kind": "command"}), name="a call")
        while not (await call(client, "list_executions", status="running"))["executions"]:  # noqa: ASYNC110 - of another process
            await asyncio.sleep(0.05)
        reaching.ask_desk(house.home, "revoke")
        with pytest.raises(Exception, match="Server returned an error"):
            await asyncio.wait_for(call_, 10)
    async with connected(house, "http") as client:
        [running] = (await call(client, "list_executions", status="running"))["executions"]
        await call(client, "cancel_execution", execution_id=running["id"])


async def test_without_an_engine_a_call_works_itself(home: Path) -> None:
    """On standard input and output nothing else has to run: what is waited for is worked on, the rest is queued."""
    async with connected(House(home), "stdio") as client:
        assert (await call(client, "get_system_status"))["working"] is False
        ran = await call(client, "run_prompt", prompt="echo by itself", kind="command")
        assert (ran["status"], ran["output"]) == ("completed", "by itself\n")
        assert (await call(client, "submit_prompt", prompt="later"))["status"] == "queued"


def test_nothing_but_the_protocol_is_on_its_output(home: Path) -> None:
    """Rubbish is answered as the protocol says, and its end ends it."""
    lines = [b"rubbish", b'{"jsonrpc": "2.0", "id": 1, "method": "nonsense"}', b"[]", b"\xff\xfe"]
    done = subprocess.run(
        [sys.executable, "-m", "baara_app", "mcp"], input=b"\n".join(lines) + b"\n", capture_output=True, check=False,
        env=environment(home), timeout=60,
    )  # fmt: skip
    assert done.returncode == 0
    answers = [json.loads(line) for line in done.stdout.splitlines()]
    assert all(one["jsonrpc"] == "2.0" for one in answers)
    assert "Traceback" not in done.stderr.decode()


def test_an_interrupt_ends_it(home: Path) -> None:
    """Somebody who has started it at a terminal is not kept there."""
    command = [sys.executable, "-m", "baara_app", "mcp"]
    with subprocess.Popen(command, env=environment(home), stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        process.stdin.write(b'{"jsonrpc": "2.0", "id": 1, "method": "ping"}\n')
        process.stdin.flush()
        assert process.stdout.readline()
        process.send_signal(signal.SIGINT)
        assert process.wait(10) == -signal.SIGINT
