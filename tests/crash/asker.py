"""An engine whose agent asks a person and then writes down the answer, for a test that kills it.

python -m tests.crash.asker HOME [COMMAND]

Before it asks, it runs a command.
"""

import sys
import time
from pathlib import Path

from baara_engine.agent.model import Answer, Request
from baara_engine.engine import Engine
from baara_engine.testing.scripted import ScriptedModel, ScriptedModels, calls, says

ASK = ("ask_user", {"question": "Which colour?", "options": ["green", "blue"]})
BEFORE = "echo before >> log"


def noted(request: Request) -> Answer:
    """Write down what the person said."""
    results = request.messages[-1]["content"]
    return calls(("bash", {"command": f"echo {results[1]['content'][0]['text']} >> log"}), turn=2)


def main() -> None:
    """Work until killed."""
    engine = Engine(Path(sys.argv[1]))
    before = ("bash", {"command": sys.argv[2] if len(sys.argv) > 2 else BEFORE})
    engine.start(ScriptedModels(ScriptedModel([calls(before, ASK, turn=1), noted, says("noted")])))
    print("at work", flush=True)
    while True:
        time.sleep(60)


if __name__ == "__main__":
    main()
