"""The short form of the secrets through every way in; README.md says how to run the long one."""

import pytest
from tests.crash import canaries
from tests.crash.secrecy import work
from tests.crash.secrecy.forms import FORMS

from baara_engine import redaction

EVERY = len(FORMS) * len(work.WAYS)


@pytest.mark.timeout(600)
def test_no_secret_is_found_whatever_way_it_comes(monkeypatch: pytest.MonkeyPatch) -> None:
    """Each form by each way, with the engine killed now and then: every way was taken, and nothing is left of any."""
    monkeypatch.setattr(redaction, "known", redaction.Secrets())
    assert canaries.run(EVERY, seed=1) == []


def test_the_rig_finds_what_is_there() -> None:
    """Were secrets not hidden at all, the rig would say so: each needle is in its form."""
    assert all(form.needle in form.text for form in FORMS)
    assert len({form.name for form in FORMS}) == len(FORMS)
    assert len({(job.way, job.form.name) for job in work.jobs(EVERY)}) == EVERY
