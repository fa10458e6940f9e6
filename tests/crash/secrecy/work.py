"""Ways by which a secret comes into Baara's hands, one for each execution, and what its model does about it."""

import json
import shlex
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.crash.secrecy.forms import FORMS, Form

from baara_engine import requests
from baara_engine.records import Json, Kind
from baara_engine.testing import replies
from baara_engine.testing.replies import Reply

MODEL = "claude-opus-5-5"
LONG = 4000  # repetitions that make an output too long to be told
SIGNED = {"type": "thinking", "signature": "by the service"}
Answers = Callable[[Form, str, int], Reply]  # the form, the command that shows it, the turn


def _bash(command: str, turn: int) -> Reply:
    return replies.calls(("bash", {"command": command}), turn=turn)


def _then(first: Callable[[Form, str], Reply]) -> Answers:
    """Answer once so, and then be done."""
    return lambda form, show, turn: first(form, show) if turn == 1 else replies.says("Done.")


WAYS: dict[str, Answers] = {
    "text": lambda form, _show, _turn: replies.says(f"It says {form.text} there."),
    "thought": lambda form, _show, _turn: Reply(
        [SIGNED | {"thinking": f"So {form.text} it is."}, {"type": "text", "text": "Done."}]
    ),
    "input": _then(lambda form, _show: _bash(f"echo {shlex.quote(form.text)}", 1)),
    "output": _then(lambda _form, show: _bash(show, 1)),
    "long output": _then(lambda _form, show: _bash(f"for i in $(seq {LONG}); do echo line $i; {show}; done", 1)),
    "error": _then(lambda _form, show: _bash(f"{show} >&2; exit 3", 1)),
    "path": _then(lambda form, _show: replies.calls(("read", {"file_path": form.text[:200]}), turn=1)),
    "written": _then(lambda form, _show: replies.calls(("edit", _edit(form)), turn=1)),
    "question": _then(lambda form, _show: replies.calls(("ask_user", {"question": f"Is it {form.text}?"}), turn=1)),
    "note": _then(lambda form, _show: replies.calls(("note_progress", {"next": f"use {form.text}"}), turn=1)),
    "report": _then(
        lambda form, _show: replies.calls(("report", {"title": form.text[:80], "markdown": form.text}), turn=1)
    ),
    "sub-task": _then(lambda form, _show: replies.calls(("submit_task", {"prompt": _plain(form)}), turn=1)),
    "no tool": _then(lambda form, _show: replies.calls((f"x{len(form.name)}", {"a": form.text}), turn=1)),
    "refusal": lambda form, _show, _turn: replies.failure(400, "invalid_request_error", f"bad: {form.text}"),
    "broken": lambda form, _show, turn: replies.says(f"It is {form.text}, " * 20).cut(900 + turn),
    "check": lambda _form, _show, _turn: replies.says("Done."),
    "gate": lambda _form, _show, _turn: replies.says("Done."),
    "command": lambda _form, _show, _turn: replies.says("Done."),
    "command that fails": lambda _form, _show, _turn: replies.says("Done."),
}


def _edit(form: Form) -> Json:
    return {"file_path": "none.txt", "old_string": form.text, "new_string": "x"}


def _plain(form: Form) -> str:
    return json.dumps({"way": "text", "form": form.name}) + f"\n{form.text}"


@dataclass(frozen=True, slots=True)
class Job:
    """One execution."""

    way: str
    form: Form

    def submission(self, folder: Path) -> requests.Submission:
        """Give what is submitted: nothing that a person types has a secret in it."""
        show = f"cat {shlex.quote(str(folder / self.form.name))}"
        options: dict[str, Any] = {"model": MODEL, "prompt": json.dumps({"way": self.way, "form": self.form.name})}
        match self.way:
            case "command" | "command that fails":
                options |= {"kind": Kind.COMMAND, "prompt": show + ("; exit 3" if "fails" in self.way else "")}
            case "check":
                options |= {"checks": (f"command:{show}; exit 1", r"output:^none$")}
            case "gate":
                options |= {"gate": f"{show}; exit 1"}
        shown = {"sandbox_limits": {"inputs": [str(folder)]}}
        return requests.parse(requests.Submission, options | shown | {"max_retries": 1, "name": self.name})

    @property
    def name(self) -> str:
        """Say which it is."""
        return f"{self.way}: {self.form.name}"


def jobs(count: int) -> list[Job]:
    """Give so many: each way with each form, over and over."""
    every = [Job(way, form) for form in FORMS for way in WAYS]
    return [every[(number * 7) % len(every)] for number in range(count)]  # seven: so that few of them mix all


def script(folder: Path) -> Callable[[Json], Reply]:
    """Give what answers as the model."""
    by_name = {form.name: form for form in FORMS}

    def answer(request: Json) -> Reply:
        first = request["messages"][0]["content"]
        said = json.loads((first if isinstance(first, str) else first[0]["text"]).partition("\n")[0])
        form = by_name[said["form"]]
        turn = 1 + sum(message["role"] == "assistant" for message in request["messages"])
        return WAYS[said["way"]](form, f"cat {shlex.quote(str(folder / form.name))}", turn)

    return answer
