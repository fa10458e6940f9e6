# What a developer does here. `just` comes with the development dependencies: `uv run just check`.

# format, types, imports, size and tests: green at every commit
check: lint types imports budget test

lint:
    ruff format --check
    ruff check

types:
    mypy

imports:
    lint-imports

budget:
    python scripts/budget.py

test *ARGS:
    pytest {{ARGS}}

# the program, from the source
run *ARGS:
    baara {{ARGS}}

# all the rigs that break things, for so many minutes: `just chaos --minutes 30 --seed 1`; see tests/crash/README.md
chaos *ARGS:
    python -m tests.crash.chaos {{ARGS}}

# one engine under ten times the usual load, with faults all along: `just soak --minutes 30`
soak *ARGS:
    python -m tests.crash.soak {{ARGS}}

# figures against the raw limit in the same run; see tests/bench/README.md
bench *ARGS:
    python -m tests.bench {{ARGS}}

# pictures of every page, light, dark and narrow: `just shots /tmp/shots`
shots FOLDER:
    python -m tests.ui.shots {{FOLDER}}

format:
    ruff format
    ruff check --fix

# pin everything, transitively, in a form that names no host
lock:
    python scripts/lock.py

# build the guests of the wasm sandbox anew and compare them with the committed ones; ten minutes; packaging/wasm/README.md
guests:
    packaging/wasm/build.sh --compare
