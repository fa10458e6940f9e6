"""The reading pane: one thread, with its questions, its answer, what it did, and what can be done about it."""

import asyncio
import contextlib
import difflib
import json
import time
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from markupsafe import Markup
from nicegui import background_tasks, ui

from baara_engine import errors, live, sandboxes, states
from baara_engine.records import Artifact, CallSeen, Execution, Thread
from baara_engine.requests import Edits, parse
from baara_engine.states import Status
from baara_ui import causes, markdown, plots
from baara_ui.page import BY, Fields
from baara_ui.part import Part

if TYPE_CHECKING:
    from baara_ui.pages.inbox import Inbox

MESSAGES = 40  # of a conversation that are shown at first
TURNS = 30  # of a timeline at once
FILES = 20  # that are shown at first
FILES_S, FILES_SHARE = 2.0, 20  # seconds, and times its own length, before a folder is looked through again
PREVIEW = 64 * 1024  # bytes of a text file that is shown in the page
PREVIEWED = (
    ".md", ".txt", ".csv", ".json", ".py", ".js", ".toml", ".yaml", ".yml", ".log", ".html", ".css", ".sh", ".diff",
)  # fmt: skip
LIVE_S = 0.1  # how often what is being written is shown anew
KINDS = {
    "prompt": "You", "result": "Result", "report": "Report", "failure": "Failed", "note": "Note", "question": "Asked",
    "answer": "Answered", "summary": "Together",
}  # fmt: skip
ANSWERS = ("result", "report")


class Reading:
    """What is shown of the thread that is open."""

    def __init__(self, page: "Inbox") -> None:
        """Build the parts, in the place of the pane."""
        self.page = page
        self.engine = page.engine
        self._watching = contextlib.ExitStack()
        self._watched: live.Watching | None = None
        self._sights: dict[tuple[int, str, int], live.Sight] = {}
        self._loop = asyncio.get_running_loop()
        self._soon: asyncio.TimerHandle | None = None
        self._seen: tuple[tuple[str, str], float, list[Artifact]] = (("", ""), 0.0, [])
        self.begin()
        self._parts = [
            page.part("inbox/reading.html", self._reading),
            page.part("inbox/live.html", lambda: {"sights": list(self._sights.values())}),
            page.part("inbox/reply.html", self._reply),
            page.part("inbox/timeline.html", self._timeline),
        ]
        self._live: Part = self._parts[1]
        ui.context.client.on_delete(self._watching.close)
        for name, do in {
            "answer": self._answer, "resume": self._resume, "restart": self._restart, "dismiss": self._dismiss,
            "resume-cause": self._resume_cause, "cancel": self._cancel, "again": self._again, "reply": self._say,
            "fork-here": self._fork_here, "no-fork": self._no_fork, "fork": self._fork, "older": self._older,
            "all-files": self._all_files, "execution": self._choose, "earlier-turns": self._earlier,
            "later-turns": self._later, "whole": self._show_whole,
        }.items():  # fmt: skip
            page.on(name, do)

    def begin(self) -> None:
        """Forget what was opened of the thread before."""
        self.messages_shown = MESSAGES
        self.files_shown = FILES
        self.execution_id = ""  #: that a person has chosen; else the latest
        self.upto: int | None = None
        self.whole: dict[tuple[int, str], str] = {}
        self.fork_turn: int | None = None
        self._watch()

    async def refresh(self) -> None:
        """Render what is read."""
        for part in self._parts:
            await part.refresh()

    # ---- what is being written

    def _watch(self) -> None:
        """Look on at the execution that works in this thread, if one does."""
        self._watching.close()
        self._sights.clear()
        latest = self._latest()
        if latest is None or latest.status in states.ENDED:
            self._watched = None
            return
        self._watched = self._watching.enter_context(self.engine.live.watch(latest.id, self._wake))
        self._look_soon()

    def _wake(self) -> None:
        """Look soon: called by whoever writes, in its own thread."""
        self._loop.call_soon_threadsafe(self._look_soon)

    def _look_soon(self) -> None:
        if self._soon is None:
            self._soon = self._loop.call_later(LIVE_S, self._look)

    def _look(self) -> None:
        self._soon = None
        if self._watched is None:
            return
        for sight in self._watched.take():
            if sight.what in live.ENDS:
                self._sights = {key: one for key, one in self._sights.items() if key[0] != sight.turn}
                continue
            key = (sight.turn, str(sight.what), sight.index)
            before = self._sights.get(key)
            text = sight.text if before is None else before.text + sight.text
            self._sights[key] = live.Sight(sight.execution_id, sight.turn, sight.what, text, sight.index, sight.name)
        background_tasks.create(self._live.refresh(), name="what is being written")

    # ---- what is done

    async def _answer(self, fields: Fields) -> None:
        text = fields.get("choice") or fields.get("text", "").strip()
        if not text:
            raise errors.InvalidInput("Choose an answer, or write one.")
        await asyncio.to_thread(self.engine.answer, fields["id"], text, by=BY)
        self.page.say("Answered. The work goes on.")

    async def _resume(self, fields: Fields) -> None:
        say = fields.get("say", "").strip() or None
        edits = parse(Edits, _edits(fields, self.engine.execution(fields["id"])))
        await asyncio.to_thread(self.engine.resume, fields["id"], say, edits)
        self.page.say("It goes on at its last turn.")
        self._watch()

    async def _restart(self, fields: Fields) -> None:
        await asyncio.to_thread(self.engine.restart, fields["id"])
        self.page.say("It begins anew, in the same thread.")
        self.begin()

    async def _dismiss(self, fields: Fields) -> None:
        await asyncio.to_thread(self.engine.dismiss, fields["id"])
        self.page.say("Put aside. It stays in the thread.")

    async def _resume_cause(self, fields: Fields) -> None:
        alike = self.engine.dead_letters(fields.get("cause"))
        for one in alike:
            await asyncio.to_thread(self.engine.resume, one.execution.id)
        self.page.say(f"{len(alike)} go on.")

    async def _cancel(self, fields: Fields) -> None:
        await asyncio.to_thread(self.engine.cancel, fields["id"])
        self.page.say("It is being cancelled. What it did so far is kept.")

    async def _again(self, fields: Fields) -> None:
        again = await asyncio.to_thread(self.engine.run_again, fields["id"])
        self.page.say("It runs again, in the same thread.")
        self.begin()
        self.execution_id = again.id

    async def _say(self, fields: Fields) -> None:
        await asyncio.to_thread(self.engine.reply, fields["id"], fields.get("text", ""), by=BY)
        self.page.say("Said.")
        self.begin()

    async def _fork_here(self, fields: Fields) -> None:
        latest = self._shown()
        turn = fields.get("turn", "")
        self.fork_turn = int(turn) if turn.isdecimal() else (latest.turn if latest else None)

    async def _no_fork(self, _fields: Fields) -> None:
        self.fork_turn = None

    async def _fork(self, fields: Fields) -> None:
        latest = self._shown()
        if latest is None or self.fork_turn is None:
            raise errors.InvalidInput("Choose the turn from which it is to go on another way.")
        changes = {name: fields[name] for name in ("model", "sandbox") if fields.get(name)}
        text = fields.get("text", "").strip()
        made = await asyncio.to_thread(
            self.engine.fork, latest.id, self.fork_turn, prompt=text or None, share_workspace=True, **changes
        )
        self.page.say("Another execution goes on from there.")
        self.begin()
        self.execution_id = made.id

    async def _older(self, _fields: Fields) -> None:
        self.messages_shown += 10 * MESSAGES

    async def _all_files(self, _fields: Fields) -> None:
        self.files_shown = 10_000

    async def _choose(self, fields: Fields) -> None:
        self.begin()
        self.execution_id = fields.get("execution", "")

    async def _earlier(self, _fields: Fields) -> None:
        shown = self._shown()
        if shown is not None:
            self.upto = max((self.upto or shown.turn) - TURNS, 1)

    async def _later(self, _fields: Fields) -> None:
        self.upto = None if self.upto is None else self.upto + TURNS

    async def _show_whole(self, fields: Fields) -> None:
        shown, turn = self._shown(), fields.get("turn", "")
        if shown is not None and turn.isdecimal():
            text = await asyncio.to_thread(self.engine.call_result, shown.id, int(turn), fields.get("call", ""))
            self.whole[int(turn), fields.get("call", "")] = text

    # ---- what the parts show

    def _thread(self) -> Thread | None:
        found = self.engine.rows([self.page.selected]) if self.page.selected else []
        return found[0].thread if found else None

    def _latest(self) -> Execution | None:
        runs = self._runs()
        return runs[0] if runs else None

    def _runs(self) -> list[Execution]:
        return self.engine.executions_of_thread(self.page.selected) if self.page.selected else []

    def _shown(self) -> Execution | None:
        runs = self._runs()
        return next((one for one in runs if one.id == self.execution_id), runs[0] if runs else None)

    def _reading(self) -> dict[str, Any]:
        thread = self._thread()
        if thread is None:
            return {"thread": None}
        latest = self._shown()
        messages, hidden = self.engine.conversation(thread.id, limit=self.messages_shown)
        letter = None
        if latest is not None and latest.status is Status.DEAD_LETTERED and latest.dismissed_at is None:
            letter = self.engine.dead_letter(latest.id)
        answers = [one for one in messages if one.kind in ANSWERS and (latest is None or one.execution_id == latest.id)]
        told = [one for one in messages if not answers or one.id != answers[-1].id]  # that stands above
        files = self._files(latest)
        return {
            "thread": thread, "latest": latest, "ended": latest is None or latest.status in states.ENDED,
            "questions": [one for one in self.engine.questions(limit=1000) if one.thread_id == thread.id],
            "shown": lambda detail: json.dumps(detail, indent=2, ensure_ascii=False),
            "letter": letter, "cause": causes.told(latest.error_cause) if latest else "",
            "alike": len(self.engine.dead_letters(latest.error_cause)) if letter and latest else 0,
            "answer": answers[-1] if answers else None, "kinds": KINDS,
            "messages": told, "hidden": hidden,
            "files": files, "files_shown": self.files_shown, "previews": self._previews(latest, files),
        }  # fmt: skip

    def _files(self, latest: Execution | None) -> list[Artifact]:
        """Give the files that it changed. A large folder takes long to look through, so that is not done each time."""
        if latest is None or latest.started_at is None:
            return []
        key, until, found = self._seen
        if key != (latest.id, latest.status) or time.monotonic() > until:
            begun = time.monotonic()
            found = self.engine.changed_files(latest.id)
            now = time.monotonic()
            self._seen = ((latest.id, latest.status), now + max(FILES_S, FILES_SHARE * (now - begun)), found)
        return found

    def _previews(self, latest: Execution | None, files: list[Artifact]) -> Mapping[str, str]:
        if latest is None or latest.status not in states.ENDED:
            return {}
        found: dict[str, str] = {}
        for file in files[: self.files_shown]:
            if file.path.lower().endswith(PREVIEWED) and file.size <= PREVIEW:
                with contextlib.suppress(errors.BaaraError):  # changed or gone meanwhile: there is the link
                    found[file.path] = self.engine.file(latest.id, file.path, PREVIEW).decode("utf-8", "replace")
        return found

    def _reply(self) -> dict[str, Any]:
        latest = self._shown()
        unheard = [] if latest is None else [one for one in self.engine.said(latest.id) if one.heard_at is None]
        return {
            "thread": self._thread(), "latest": latest, "ended": latest is None or latest.status in states.ENDED,
            "unheard": len(unheard), "fork": self.fork_turn is not None, "fork_turn": self.fork_turn,
            "sandboxes": sorted(sandboxes.TABLE),
        }  # fmt: skip

    def _timeline(self) -> dict[str, Any]:
        latest = self._shown()
        if latest is None:
            return {"latest": None}
        upto = latest.turn + 1 if self.upto is None else min(self.upto, latest.turn + 1)
        turns = self.engine.turns(latest.id, upto, limit=TURNS)
        return {
            "latest": latest, "ended": latest.status in states.ENDED, "turns": turns, "executions": self._runs(),
            "attempts": self.engine.attempts(latest.id), "progress": self.engine.progress(latest.id)[0],
            "earlier": bool(turns) and turns[0].turn > 1, "later": upto < latest.turn, "whole": self.whole,
            "given": _given, "drawn": plots.timeline(turns, latest.started_at, latest.completed_at or self.page.now()),
        }  # fmt: skip


def _edits(fields: Fields, execution: Execution) -> dict[str, Any]:
    """Give what a person has changed of a dead letter, as numbers where it is one. Raises `errors.InvalidInput`."""
    changed: dict[str, Any] = {
        name: fields[name] for name, is_now in (("command", execution.prompt), ("model", execution.model))
        if fields.get(name) and fields[name] != is_now
    }  # fmt: skip
    for name, kind, is_now in (("timeout_s", float, execution.timeout_s), ("max_turns", int, execution.max_turns)):
        said = fields.get(name, "").strip()
        try:
            value = kind(said) if said else None
        except ValueError as error:
            raise errors.InvalidInput(f"“{said[:40]}” is no number.") from error
        if value is not None and value != is_now:
            changed[name] = value
    return changed


def _given(call: CallSeen) -> Markup:
    """Show what a tool was called with: a command, a program, a file or a change as such, the rest as JSON."""
    given = call.input
    path = str(given.get("file_path", ""))
    if call.name == "edit" and path:
        return markdown.code(_difference(path, given), "diff")
    if call.name == "write" and path:
        return markdown.code(f"{given.get('content', '')}", path.rpartition(".")[2])
    for name, language in (("command", "bash"), ("code", call.name)):
        if name in given:
            return markdown.code(str(given[name]), language)
    return markdown.code(json.dumps(given, indent=2, ensure_ascii=False), "json")


def _difference(path: str, given: Mapping[str, Any]) -> str:
    before, after = (str(given.get(name, "")).splitlines() for name in ("old_string", "new_string"))
    return "\n".join(difflib.unified_diff(before, after, path, path, lineterm=""))
