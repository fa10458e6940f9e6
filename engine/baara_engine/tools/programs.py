"""What the tools `python` and `javascript` share: a program in a language that the sandbox has."""

from baara_engine import sandboxes, tools
from baara_engine.records import Effect, UnknownEffect
from baara_engine.tools import bash


def tool(language: str, called: str) -> tools.Tool:
    """Make the tool that runs programs of a language; `called` is the language's name as people write it."""

    async def run(call: tools.Call) -> tools.ToolOutcome:
        """Run the program once and tell its output and how it ended."""
        return bash.tell(
            await call.session.run(call.input["code"], key=call.key, language=language, on_output=call.on_output)
        )

    return tools.Tool(
        name=language,
        description=(
            f"Run a program in {called}, in the workspace. What it prints comes back; files stay. Give it whole: where "
            "nothing else is said, no variable of an earlier call is there."
        ),
        schema={
            "type": "object",
            "properties": {"code": {"type": "string", "minLength": 1, "description": "The program."}},
            "required": ["code"],
            "additionalProperties": False,
        },
        effect=Effect.UNSAFE,
        run=run,
        recall=bash.recall,
        unknown=UnknownEffect.TELL,  # the model can look what is in the workspace
        language=language,
    )


PYTHON = tool(sandboxes.PYTHON, "Python")
JAVASCRIPT = tool(sandboxes.JAVASCRIPT, "JavaScript")
