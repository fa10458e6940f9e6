import subprocess
import sys

from baara_engine import owner


def test_this_process_is_alive() -> None:
    """An owner written and read again is the same, and lives."""
    me = owner.Owner.me()
    assert owner.Owner.parse(str(me)) == me
    assert owner.alive(str(me))


def test_a_dead_process_is_dead_at_once() -> None:
    """A process that has ended is not alive, even before its parent has collected it."""
    process = subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE, text=True)
    assert process.stdin is not None
    written = str(owner.Owner(owner.boot_id(), process.pid, owner.process_start(process.pid) or ""))
    assert owner.alive(written)
    process.kill()
    process.stdin.close()
    while owner.process_start(process.pid) is not None:
        pass
    assert not owner.alive(written)
    process.wait()
    assert not owner.alive(written)


def test_another_process_under_the_same_pid_is_somebody_else() -> None:
    """A pid that was given out again, and one of an earlier boot, are not the owner."""
    me = owner.Owner.me()
    assert not owner.alive(str(owner.Owner(me.boot, me.pid, "1")))
    assert not owner.alive(str(owner.Owner("another-boot", me.pid, me.started)))


def test_what_cannot_be_read_is_nobody() -> None:
    """Nothing, half an owner, or rubbish is nobody alive."""
    for text in (None, "", "x", "a/b/c/d", "boot/pid/1"):
        assert not owner.alive(text)
