"""`bash`: run a shell command in the workspace."""

from baara_engine import sandboxes, tools
from baara_engine.records import Effect, UnknownEffect

MS_PER_S = 1000
USUAL_TIMEOUT_MS = 600_000  # ten minutes: a build or a test run ends by then, a hang is noticed
MAX_TIMEOUT_MS = 3_600_000  # an hour; longer jobs belong into an execution of their own


async def run(call: tools.Call) -> tools.ToolOutcome:
    """Run the command once and tell its output and how it ended."""
    if "command" not in call.input:
        return tools.Done("There is no shell to restart: each command starts in a fresh one, in the workspace.")
    wall_s = call.input.get("timeout_ms", USUAL_TIMEOUT_MS) / MS_PER_S
    result = await call.session.run(call.input["command"], key=call.key, wall_s=wall_s, on_output=call.on_output)
    return tell(result)


async def recall(call: tools.Call, same_boot: bool) -> tools.Recalled:  # noqa: FBT001 - see tools.Tool
    """Ask the sandbox what became of the command."""
    earlier = await call.session.earlier(call.key, same_boot=same_boot)
    return tell(earlier) if isinstance(earlier, sandboxes.CommandResult) else earlier


def tell(result: sandboxes.CommandResult) -> tools.Done:
    """Put a command's result into the words that the model gets."""
    notes = []
    if result.timed_out:
        notes.append("[ended: it used up its time; what it had done so far stays done]")
    if result.interrupted:
        notes.append("[ended from outside while it ran; find out what it had done before you repeat it]")
    if result.exit_code != 0:
        notes.append(f"[exit status {result.exit_code}]")
    text = "\n".join([result.output.rstrip("\n"), *notes]).strip("\n")
    failed = result.exit_code != 0 or result.timed_out or result.interrupted
    return tools.Done(text or "[no output]", is_error=failed)


TOOL = tools.Tool(
    name="bash",
    description=(
        "Run a command with bash in the workspace. Each call is a fresh shell; files stay, variables and the current "
        "folder do not. Whatever the command started ends with it, background processes too. Long output is cut "
        "in the middle; where all of it is in a file, the cut names it. A command is ended after its time (timeout_ms, "
        f"{USUAL_TIMEOUT_MS} unless given)."
    ),
    schema={
        "type": "object",
        "properties": {
            "command": {"type": "string", "description": "The command."},
            "restart": {"type": "boolean", "description": "Has no effect: every command starts in a fresh shell."},
            "timeout_ms": {"type": "integer", "minimum": 1, "maximum": MAX_TIMEOUT_MS, "description": "Time in ms."},
        },
        "anyOf": [{"required": ["command"]}, {"required": ["restart"]}],
        "additionalProperties": False,
    },
    effect=Effect.UNSAFE,
    run=run,
    recall=recall,
    unknown=UnknownEffect.TELL,  # the model can look what is in the workspace
    language=sandboxes.SHELL,
)
