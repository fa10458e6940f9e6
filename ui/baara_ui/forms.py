"""Forms about how work is to be run: what they show, and what was said in them as `requests.Options` takes it."""

from collections.abc import Callable, Mapping
from typing import Any

from baara_engine import errors, money, sandboxes
from baara_engine.agent import windows
from baara_engine.engine import Engine
from baara_engine.records import Execution, Kind, Permission, Task
from baara_engine.sandboxes import Network

Fields = Mapping[str, str]

PERMISSIONS = {
    Permission.AUTO: "by itself",
    Permission.ASK: "asks before it changes anything",
    Permission.LOCKED: "may only look",
}
NETWORKS = {"": "as the sandbox has it", Network.NONE: "none", Network.OPEN: "open", Network.LISTED: "these hosts"}
NUMBERS: Mapping[str, Callable[[str], Any]] = {
    "max_retries": int, "timeout_s": float, "max_turns": int, "priority": int,
}  # fmt: skip
PLAIN = ("sandbox", "model", "workspace", "project_id", "gate", "fallback_model")


def choices(engine: Engine) -> dict[str, Any]:
    """Give what the form offers."""
    return {
        "sandboxes": [(name, f"{name}: {told}") for name, told in sandboxes.TOLD.items()],
        "models": list(windows.TABLE), "default_model": engine.config.default_model,
        "projects": [("", "the active one, if there is one"), *((one.id, one.name) for one in engine.projects())],
        "permissions": [(str(value), text) for value, text in PERMISSIONS.items()],
        "networks": [(str(value), text) for value, text in NETWORKS.items()],
        "servers": list(engine.mcp_servers()),
    }  # fmt: skip


def shown(of: Task | Execution | None) -> dict[str, str]:
    """Give the values that the form begins with."""
    if of is None:
        return {"sandbox": sandboxes.DEFAULT, "kind": Kind.AGENT, "permission": Permission.AUTO}
    limits = of.sandbox_limits or {}
    said: dict[str, object] = {
        **{name: getattr(of, name) for name in (*PLAIN, *NUMBERS, "kind", "permission", "prompt", "name")},
        "checks": "\n".join(of.checks),
        "budget": "" if of.budget_microusd is None else money.shown(of.budget_microusd),
        "network": limits.get("network") or "", "hosts": ", ".join(limits.get("hosts") or ()),
        "announce": "yes" if of.announce else "", "mcp_servers": ", ".join(of.mcp_servers or ()),
        "description": getattr(of, "description", ""),
    }  # fmt: skip
    return {name: "" if value is None else f"{value:g}" if isinstance(value, float) else str(value)
            for name, value in said.items()}  # fmt: skip


def options(fields: Fields) -> dict[str, Any]:
    """Give what was said, as `requests.Options` takes it. Raises `errors.InvalidInput`."""
    said: dict[str, Any] = {name: fields[name].strip() for name in PLAIN if fields.get(name, "").strip()}
    for name, kind in NUMBERS.items():
        if fields.get(name, "").strip():
            said[name] = _number(name, fields[name], kind)
    said["kind"] = Kind.COMMAND if fields.get("kind") == Kind.COMMAND else Kind.AGENT
    if fields.get("permission") and said["kind"] is Kind.AGENT:
        said["permission"] = _permission(fields["permission"])
    if fields.get("budget", "").strip():
        said["budget_microusd"] = money.parse(fields["budget"])
    if fields.get("checks", "").strip():
        said["checks"] = tuple(line.strip() for line in fields["checks"].splitlines() if line.strip())
    if fields.get("network"):
        said["sandbox_limits"] = limits(fields)
    if fields.get("announce"):
        said["announce"] = True
    if fields.get("mcp_servers", "").strip():
        said["mcp_servers"] = tuple(name.strip() for name in fields["mcp_servers"].split(",") if name.strip())
    return said


def limits(fields: Fields) -> dict[str, Any]:
    """Give what was said of the network, as `requests.SandboxLimits` takes it."""
    hosts = tuple(name.strip() for name in fields.get("hosts", "").split(",") if name.strip())
    return {"network": fields["network"]} | ({"hosts": hosts} if hosts else {})


def _permission(said: str) -> Permission:
    try:
        return Permission(said)
    except ValueError as error:
        raise errors.InvalidInput(f"There is no permission “{said[:40]}”.") from error


def _number(name: str, text: str, kind: Callable[[str], Any]) -> Any:
    try:
        return kind(text.strip())
    except ValueError as error:
        raise errors.InvalidInput(f"The {name.replace('_', ' ')} is a number, not “{text[:40]}”.") from error
