"""Whatever a conversation was, and wherever it was cut off: what is sent next is a request that the API takes."""

import tempfile
from pathlib import Path

from hypothesis import HealthCheck, Phase, example, given, note, settings
from tests.crash import simulation
from tests.crash.simulated import conversations

from baara_engine.engine import Engine
from baara_engine.states import Status

EXAMPLES = 12  # conversations; each is played once for every write of it
RESTING = {Status.COMPLETED, Status.DEAD_LETTERED, Status.WAITING_FOR_INPUT}


@settings(
    max_examples=EXAMPLES,
    derandomize=True,
    deadline=None,
    database=None,
    suppress_health_check=[HealthCheck.too_slow],
    phases=[Phase.explicit, Phase.generate, Phase.shrink],
)
@given(script=conversations.scripts())
@example(script=conversations.KEEPS_ITS_LAST_TURNS)
def test_every_prefix_of_a_conversation_can_be_gone_on_from(script: conversations.Script) -> None:
    """After every commit another engine takes it up with legal requests, repeats nothing, and comes to an end."""
    with tempfile.TemporaryDirectory(dir=simulation.memory()) as place:
        template = Path(place) / "template"
        Engine(template).close()
        undisturbed = conversations.play(template, Path(place) / "0", script)
        check(undisturbed, script)
        for write in range(1, undisturbed.writes + 1):
            note(f"the engine dies after its write {write}")
            check(conversations.play(template, Path(place) / str(write), script, dies_at=write), script)


def check(played: conversations.Played, script: conversations.Script) -> None:
    assert played.execution.status in RESTING, played.execution
    assert played.execution.error_cause not in {"internal", "damaged"}, played.execution.error_message
    assert set(played.effects.values()) <= {1}
