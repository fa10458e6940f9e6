"""Submitting a sub-task: what an agent gives to an execution of its own, with never more than it has itself.

It runs in the sandbox of its parent, may do what its parent may or less, and spends of what its parent has left. How
deep sub-tasks go, and how many there are of one origin, is bounded, so an agent cannot fill the queues by itself.
"""

from typing import Any

from baara_engine import errors, families, operations, queues, requests
from baara_engine.records import Execution, Json, Kind, Permission
from baara_engine.store import executions, threads
from baara_engine.store import families as rows
from baara_engine.store.transaction import Tx, View

MAX_DEPTH = 3  # sub-tasks of sub-tasks: what is deeper is hardly ever meant, and nobody sees through it
MAX_FAMILY = 100  # executions of one origin: a slip of the agent must not become a bill
SOURCE = "sub-task"
MICRO = 1_000_000  # millionths of a dollar
SHARE = 2  # without a word about money a sub-task gets half of what is left, so that something stays for its parent

WIDEST_FIRST = (Permission.AUTO, Permission.ASK, Permission.LOCKED)


def submit(tx: Tx, place: operations.Place, parent: Execution, call_key: str, wanted: Json) -> Execution:
    """Submit what a call of `submit_task` asks for; the same call gives the same execution again.

    Raises `errors.Refused` for more than the parent has, `errors.InvalidInput` for what cannot be submitted.
    """
    key = families.key_of(call_key)
    known = executions.by_key(tx, key)
    if known is not None and known.parent_id == parent.id:
        return known
    parent = executions.get(tx, parent.id)
    _require_room(tx, parent)
    child = operations.submit(tx, place, requests.parse(requests.Submission, _values(tx, parent, key, wanted)))
    threads.post(
        tx, place.store.ids.new(), parent.thread_id, kind="note", execution_id=parent.id,
        body=f"Sub-task “{child.name}” submitted: execution {child.id}.", key=f"{child.id}/submitted",
    )  # fmt: skip
    return child


def _values(tx: Tx, parent: Execution, key: str, wanted: Json) -> dict[str, Any]:
    inherited = {name: getattr(parent, name) for name in requests.Options.model_fields}
    own = {
        "kind": Kind.AGENT, "prompt": wanted["prompt"], "name": wanted.get("name"), "gate": None,
        "queue": parent.target_queue if parent.target_queue in queues.FOR_SUBMISSION else queues.TRANSFER,
        "thread_id": parent.thread_id if wanted.get("thread") == "this" else None,
        "workspace": None if wanted.get("workspace") == "own" else parent.workspace,
        "checks": tuple(wanted.get("checks", ())), "permission": _permission(parent, wanted),
        "allowed_tools": _tools(parent, wanted), "budget_microusd": _budget(tx, parent, wanted),
        "source": SOURCE, "idempotency_key": key, "parent_id": parent.id,
    }  # fmt: skip
    return inherited | own


def _require_room(view: View, parent: Execution) -> None:
    line = rows.ancestors(view, parent.id)
    if len(line) > MAX_DEPTH:
        raise errors.Refused(f"Sub-tasks go {MAX_DEPTH} deep and no deeper. Do this part yourself.")
    if rows.size(view, line[-1]) > MAX_FAMILY:
        raise errors.Refused(f"This work has {MAX_FAMILY} sub-tasks already, the most. Do the rest yourself.")


def _permission(parent: Execution, wanted: Json) -> Permission:
    asked = Permission(wanted.get("permission", parent.permission))
    if WIDEST_FIRST.index(asked) < WIDEST_FIRST.index(parent.permission):
        raise errors.Refused(f"You work in the mode “{parent.permission}”, so a sub-task cannot work in “{asked}”.")
    return asked


def _tools(parent: Execution, wanted: Json) -> tuple[str, ...] | None:
    if "tools" not in wanted:
        return parent.allowed_tools
    asked = tuple(wanted["tools"])
    beyond = [] if parent.allowed_tools is None else [name for name in asked if name not in parent.allowed_tools]
    if beyond:
        raise errors.Refused(f"You do not have these tools yourself: {', '.join(beyond)}.")
    return asked


def _budget(view: View, parent: Execution, wanted: Json) -> int | None:
    """Give what it may spend, in millionths of a dollar: of what the parent has left. Raises `errors.Refused`."""
    asked = round(wanted["budget_usd"] * MICRO) if "budget_usd" in wanted else None
    if parent.budget_microusd is None:
        return asked
    left = parent.budget_microusd - parent.cost_microusd - rows.committed(view, parent.id)
    given = left // SHARE if asked is None else asked
    if given <= 0 or given > left:
        raise errors.Refused(f"There is not enough money for this: ${max(left, 0) / MICRO:.4f} of your budget is left.")
    return given
