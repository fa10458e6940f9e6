import subprocess
import sys
import time
from pathlib import Path

import pytest

from baara_engine import nudge
from baara_engine.engine import Engine
from baara_engine.requests import Submission

SEND = "import sys; from pathlib import Path; from baara_engine import nudge; nudge.send(Path(sys.argv[1]))"


def send_from_another_process(home: Path) -> None:
    subprocess.run([sys.executable, "-c", SEND, str(home)], check=True, timeout=60)


@pytest.mark.parametrize("unix", [True, False])
def test_a_nudge_from_another_process_is_heard(tmp_path: Path, unix: bool) -> None:  # noqa: FBT001
    """A listener wakes by a nudge of another process, over a Unix socket or over loopback."""
    listener = nudge.Listener(tmp_path, unix=unix)
    assert not listener.wait(0)
    send_from_another_process(tmp_path)
    assert listener.wait(10)
    listener.close()
    assert list((tmp_path / nudge.FOLDER).iterdir()) == []


def test_a_home_with_a_long_name_works(tmp_path: Path) -> None:
    """A home whose path is longer than a socket address can be is reached all the same."""
    home = tmp_path / ("long" * 40)
    home.mkdir()
    listener = nudge.Listener(home)
    send_from_another_process(home)
    assert listener.wait(10)
    listener.close()


def test_the_socket_of_a_dead_process_is_cleared_away(tmp_path: Path) -> None:
    """A nudge to somebody who died without closing removes what they left."""
    listener = nudge.Listener(tmp_path)
    listener.socket.close()
    send_from_another_process(tmp_path)
    assert not listener.path.exists()


def test_a_home_without_listeners_is_no_trouble(tmp_path: Path) -> None:
    """Nudging where nobody listens does nothing."""
    nudge.send(tmp_path)


def test_whoever_waits_for_news_hears_of_its_own_process_too(engine: Engine) -> None:
    """A commit of this process wakes a waiter in it, within milliseconds."""
    with engine.news() as news:
        begun = time.monotonic()
        engine.submit(Submission(prompt="work"))
        assert news.wait(10)
        assert time.monotonic() - begun < 5
