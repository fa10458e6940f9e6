"""What came of a round of checks, and what it makes of the outcome."""

from dataclasses import dataclass

from baara_engine.records import Json
from baara_engine.states import Outcome

SENT_BACK = "The system has checked the work, and it is not complete:"  #: begins what goes back to an agent


@dataclass(frozen=True, slots=True)
class Verdict:
    """What came of the last round."""

    results: tuple[Json, ...] = ()  #: [{spec, passed, detail}]; none where there are no checks
    rounds: int = 0  #: that have been run

    @property
    def failed(self) -> list[Json]:
        """Give what has not passed."""
        return [result for result in self.results if not result["passed"]]

    @property
    def outcome(self) -> Outcome:
        """Give the word for it: nothing is *Done* that was not checked."""
        if not self.results:
            return Outcome.RAN
        return Outcome.INCOMPLETE if self.failed else Outcome.DONE

    @property
    def told(self) -> str:
        """Tell people which checks have passed and which have not, as Markdown; empty where there were none."""
        lines = [
            f"- {'passed' if result['passed'] else 'failed'}: `{result['spec']}`"
            + ("" if result["passed"] else f": {result['detail']}")
            for result in self.results
        ]
        return "\n\nChecks:\n\n" + "\n".join(lines) if lines else ""


UNCHECKED = Verdict()
