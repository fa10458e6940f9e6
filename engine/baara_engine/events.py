"""The kinds of events. An event is written in the transaction that makes it true and told after its commit.

A missed event costs a redraw, never a fact: whatever it says can be read from the store.
"""

from enum import StrEnum


class Kind(StrEnum):
    """What happened."""

    STATUS = "status"  #: An execution moved: data {from, to, outcome?}.
    TURN = "turn"  #: A complete answer of the model was committed: data {turn, stop_reason}.
    TOOL_BEGUN = "tool_begun"  #: The intent of a tool call was committed: data {turn, tool_use_id, name}.
    TOOL_ENDED = "tool_ended"  #: Its receipt was committed: data {turn, tool_use_id, name, is_error}.
    RESUMED = "resumed"  #: An execution goes on after an interruption: data {turn, reason, gap_ms}.
    CANCEL_REQUESTED = "cancel_requested"  #: Somebody wants a running execution to end.
    POSTED = "posted"  #: A message stands in a thread: data {message_id, kind}.
    ARRANGED = "arranged"  #: A person has put threads in order, or one came back by itself: data {threads, how}.
    SAID = "said"  #: A person has said something to an agent at work, or it has heard it: data {said_id, state}.
    QUESTION = "question"  #: A question was asked, answered or withdrawn: data {question_id, status}.
    CHECKED = "checked"  #: A round of checks has ended: data {round, passed, failed}.
    GRANT = "grant"  #: A person has allowed something, or revoked it: data {grant_id, state, scope, tool}.
    QUEUE = "queue"  #: A queue's setting changed: data {name, concurrency}.
    SETTINGS = "settings"  #: A person has changed settings: data {changed, by}.
    PAUSED = "paused"  #: All work is paused: data {until, by}, None for no end.
    UNPAUSED = "unpaused"  #: It goes on: data {by}.
    TASK = "task"  #: A task was made, changed or deleted: data {task_id, change}.
    TEMPLATE = "template"  #: A template was made, changed or deleted: data {template_id, change}.
    PROJECT = "project"  #: A project was made, changed, deleted or made the active one: data {project_id, change}.
    SLEPT = "slept"  #: The computer was asleep: data {ms}.
    CLOCK_JUMPED = "clock_jumped"  #: The computer's clock was set: data {ms}, below 0 for backwards.
    COMPACTED = "compacted"  #: A conversation is sent shortened from now on: data {turn, covers, kind}.
    NOTED = "noted"  #: The agent has noted how far it is: data {turn, done, next}.
    LIMIT = "limit"  #: What may be spent has changed: data {scope, key, microusd}, None for no limit.
    PRICE = "price"  #: A person has written down what a model costs, or taken that away: data {model}.
    FINDING = "finding"  #: Something is not as it should be, or is well again: data {key, kind, state, message}.
    SCHEDULE = "schedule"  #: A schedule was made, changed or deleted: data {schedule_id, task_id, change}.
    SLOT = "slot"  #: A due time came, or was settled: data {slot_id, schedule_id, due, state}.
