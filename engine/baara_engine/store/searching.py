"""Searching what stands in threads: titles, prompts, results, reports, questions.

The index is filled behind the work, not by it: before a search and each minute, from the last message that it holds on.
The numbers of rows may change when a file is written anew (`VACUUM`), so the message that stands at the last number is
compared; if it is another one, everything is looked through again, and what is there stays.
"""

import re

from baara_engine.store.transaction import Tx, View

AT_ONCE = 500  # messages in one transaction, so that nothing else waits for long
MOST_CHARS = 20_000  # of one message: what stands further down in a long result is not found
MOST_WORDS = 20  # of a question
POINTER = "searched_upto"  #: setting: the number of the last message that is in the index, and its id
WORD = re.compile(r"\w+", re.UNICODE)
BEHIND = """
SELECT m.rowid, m.id, m.thread_id, m.title, t.title, substr(m.body, 1, ?) FROM thread_message AS m
JOIN thread AS t ON t.id = m.thread_id WHERE m.rowid > ? ORDER BY m.rowid LIMIT ?
"""
FOUND = """
SELECT s.thread_id, max(s.id) FROM search
JOIN searched AS s ON s.id = search.rowid JOIN thread AS t ON t.id = s.thread_id
WHERE search MATCH ?{} GROUP BY s.thread_id ORDER BY t.created_at DESC, t.id DESC LIMIT ?
"""


def catch_up(tx: Tx) -> bool:
    """Put the next messages into the index, and say whether there are more."""
    rows = tx.sql(BEHIND, (MOST_CHARS, _upto(tx), AT_ONCE))
    for _, message_id, thread_id, title, of_thread, body in rows:
        new = tx.sql(
            "INSERT INTO searched (message_id, thread_id) VALUES (?, ?) ON CONFLICT DO NOTHING RETURNING id",
            (message_id, thread_id),
        )
        if new:
            titles = f"{of_thread}\n{title}"
            tx.sql("INSERT INTO search (rowid, title, body) VALUES (?, ?, ?)", (new[0][0], titles, body))
    if rows:
        pointer = f"{rows[-1][0]} {rows[-1][1]}"
        tx.sql(
            "INSERT INTO setting (key, value) VALUES (?, ?) ON CONFLICT (key) DO UPDATE SET value = excluded.value",
            (POINTER, pointer),
        )
    return len(rows) == AT_ONCE


def is_behind(view: View) -> bool:
    """Say whether there are messages that the index does not have."""
    return bool(view.sql("SELECT 1 FROM thread_message WHERE rowid > ? LIMIT 1", (_upto(view),)))


def threads(view: View, text: str, limit: int, lane: str | None = None) -> list[str]:
    """Give the threads that have all these words, or words that begin so, newest first."""
    words = WORD.findall(text)[:MOST_WORDS]
    if not words:
        return []
    question = " ".join(f'"{word}"*' for word in words)
    where, more = ("", ()) if lane is None else (" AND t.lane = ?", (lane,))
    return [one for one, _ in view.sql(FOUND.format(where), (question, *more, limit))]


def _upto(view: View) -> int:
    known = view.sql("SELECT value FROM setting WHERE key = ?", (POINTER,))
    number, _, message_id = str(known[0][0]).partition(" ") if known else ("0", "", "")
    is_there = view.sql("SELECT 1 FROM thread_message WHERE rowid = ? AND id = ?", (int(number), message_id))
    return int(number) if is_there else 0
