"""What is sent in place of the beginning of a conversation: the request and the notes word for word, and a summary."""

from collections.abc import Sequence

from baara_engine.records import Json, Progress

GOES_ON = "[This work has gone on for long, so the conversation before this point is not sent any more.]"


def after_summary(words: Sequence[str], progress: Progress, summary: str) -> list[Json]:
    """Give the messages for a summary that the model has written. `words` begins with the request."""
    pinned = _pinned(words, progress)
    return [_says("user", [_text(words[0]), _text(f"{pinned}\n\n# Summary of what came before\n\n{summary}")])]


def after_block(words: Sequence[str], progress: Progress, block: Json) -> list[Json]:
    """Give the messages for a compaction of the service's own, which drops everything before its block."""
    pinned = [_text(words[0]), _text(_pinned(words, progress))]
    return [_says("user", [_text(words[0])]), _says("assistant", [block]), _says("user", pinned)]


def _pinned(words: Sequence[str], progress: Progress) -> str:
    parts = [
        GOES_ON + " The request stands above, word for word.",
        *[f"# What the person has said since\n\n{said}" for said in words[1:]],
        _list("What must be held to", progress.constraints),
        _list("What is done", progress.done),
        f"# Next step\n\n{progress.next}" if progress.next else "",
    ]
    return "\n\n".join(part for part in parts if part)


def _list(title: str, items: Sequence[str]) -> str:
    return f"# {title}\n\n" + "\n".join(f"- {item}" for item in items) if items else ""


def _text(text: str) -> Json:
    return {"type": "text", "text": text}


def _says(role: str, content: list[Json]) -> Json:
    return {"role": role, "content": content}
