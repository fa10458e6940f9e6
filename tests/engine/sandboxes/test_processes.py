"""Ending processes where orphans cannot be adopted, tried in a process of its own."""

import json
import subprocess
import sys
import textwrap
from pathlib import Path

import baara_engine

ROOT = Path(baara_engine.__file__).parents[1]


def run(program: str) -> object:
    """Run a program that may use the module as `processes`, and read the JSON that it prints."""
    begin = f"import sys; sys.path.append({str(ROOT)!r})\nfrom baara_engine.sandboxes.hands import processes\n"
    done = subprocess.run([sys.executable, "-c", begin + textwrap.dedent(program)], check=True, stdout=subprocess.PIPE)
    return json.loads(done.stdout)


def test_a_group_is_ended_without_adopting() -> None:
    """Without adoption a program is ended with its whole group, and its exit code is known."""
    assert run("""
        import json, os
        readable, writable = os.pipe()
        pid = processes.start(["/bin/sh", "-c", "trap '' TERM; sleep 60 & echo up; sleep 60"], {}, writable)
        os.close(writable)
        up = os.read(readable, 100).decode()
        ended, clean = processes.sweep_group(pid, 3)
        print(json.dumps([up, ended[pid], clean, os.read(readable, 100).decode()]))
    """) == ["up\n", 137, True, ""]


def test_a_tree_is_ended_except_what_is_spared() -> None:
    """Sparing a child spares what is below it, and nothing else."""
    assert run("""
        import json, os, signal, time
        processes.adopt_orphans()
        readable, writable = os.pipe()
        spared = processes.start(["/bin/sh", "-c", "sleep 0.5; echo spared"], {}, writable)
        other = processes.start(["/bin/sh", "-c", "setsid sleep 60 & sleep 60"], {}, writable)
        time.sleep(0.2)
        ended, clean = processes.sweep_tree({spared}, 3)
        os.close(writable)
        print(json.dumps([ended.get(other), spared in ended, clean, os.read(readable, 100).decode()]))
    """) == [137, False, True, "spared\n"]


def test_a_program_that_is_not_there_says_so() -> None:
    """A program that cannot be executed exits with 127 and its name in the output."""
    assert run("""
        import json, os, time
        readable, writable = os.pipe()
        pid = processes.start(["/no/such/program"], {}, writable)
        os.close(writable)
        said = os.read(readable, 1000).decode()
        _, status = os.waitpid(pid, 0)
        print(json.dumps([processes.exit_code(status), "/no/such/program" in said]))
    """) == [127, True]
