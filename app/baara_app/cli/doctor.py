"""`baara doctor`: what is well, what is not, and what to do about it."""

import asyncio
import tempfile
from dataclasses import asdict
from pathlib import Path
from typing import Annotated
from urllib.parse import urlsplit

import typer

from baara_app import crashes, credentials, lifecycle
from baara_app.cli import common, output
from baara_app.cli.common import Shell
from baara_engine import addresses, clock, config, errors, sandboxes, words
from baara_engine import doctor as examining
from baara_engine.doctor import Finding
from baara_engine.sandboxes import conformance
from baara_engine.sandboxes.conformance import Outcome, Verdict

MARKS = {True: "✓", False: "✗"}
SET_KEY = (
    f"Set a key by `baara key set`, or for one run by {credentials.VARIABLE}; the model `{config.OFFLINE}` needs none."
)
SERVICE = "the service of Anthropic"
DAY_MS = 24 * 3600 * 1000
LATELY_MS = 7 * DAY_MS


Tried = Annotated[
    str | None, typer.Option("--sandbox", help="Try what this sandbox promises instead; takes a minute or more.")
]


@common.command
def doctor(shell: Shell, sandbox: Tried = None) -> int:
    """Look at everything and change nothing. The exit status is 0 if all is well, else 1."""
    if sandbox is not None:
        return _try(shell, sandbox)
    settings, key = lifecycle.config(), credentials.whereabouts()
    probes = (lambda: _keyring(key), lambda: _service(settings, key), lambda: _crashes(shell.home))
    findings = examining.examine(shell.home, probes)
    well = all(finding.ok for finding in findings)
    if shell.json:
        output.document({"ok": well, "home": str(shell.home), "findings": [asdict(finding) for finding in findings]})
    else:
        output.text("\n".join(line for finding in findings for line in _lines(finding)))
    return 0 if well else 1


def _try(shell: Shell, name: str) -> int:
    """Run the conformance suite on a sandbox, in a folder that is removed at the end."""
    strength, outcomes = asyncio.run(_outcomes(name))
    well = all(outcome.verdict is not Verdict.FAILS for outcome in outcomes)
    if shell.json:
        checks = [asdict(outcome) for outcome in outcomes]
        output.document({"ok": well, "sandbox": name, "strength": strength, "checks": checks})
    else:
        output.text("\n".join((f"{name}: {strength}", *map(_outcome, outcomes))))
    return 0 if well else 1


async def _outcomes(name: str) -> tuple[sandboxes.Strength, list[Outcome]]:
    """Try a sandbox. Raises `errors.Unavailable` with the remedy if this computer lacks it."""
    sandbox = sandboxes.make(name)
    try:
        problem = await sandbox.missing(sandboxes.Limits())
        if problem is not None:
            raise errors.Unavailable(problem)
        with tempfile.TemporaryDirectory(prefix="baara-conformance-") as folder:
            return await sandbox.strength(), await conformance.run_all(sandbox, Path(folder))
    finally:
        await sandbox.close()


def _outcome(outcome: Outcome) -> str:
    mark = "–" if outcome.verdict is Verdict.NOT_APPLICABLE else MARKS[outcome.verdict is Verdict.HOLDS]
    return f"{mark} {outcome.name}" + (f": {outcome.reason}" if outcome.reason else "")


def _lines(finding: Finding) -> list[str]:
    told = [f"{MARKS[finding.ok]} {finding.name}: {' '.join(finding.detail.split())}"]
    return told if finding.remedy is None else [*told, f"  → {finding.remedy}"]


def _crashes(home: Path) -> Finding:
    """Say whether something fell over lately; what is older was read, or matters no more."""
    found = crashes.listing(home)
    new = [report for report in found if report.is_since(clock.SystemClock().now() - LATELY_MS)]
    if new:
        what = f"{words.count(len(new), 'report')} of the last {LATELY_MS // DAY_MS} days, the newest: {new[0].what}"
        return Finding("crashes", ok=False, detail=what, remedy="Read what happened: baara log --crashes")
    return Finding("crashes", ok=True, detail="nothing fell over lately" if found else "nothing fell over")


def _keyring(key: credentials.Whereabouts) -> Finding:
    if key.problem is None:
        return Finding("keyring", ok=True, detail=" ".join(filter(None, (f"{key.keyring} answers.", key.passed_over))))
    if key.source is not None:
        return Finding("keyring", ok=True, detail=f"not reached, and not needed: the key is in the {key.source}")
    return Finding("keyring", ok=False, detail=key.problem, remedy=SET_KEY)


def _service(settings: config.Config, key: credentials.Whereabouts) -> Finding:
    """Say whether the model can be asked; it is not."""
    if settings.default_model == config.OFFLINE:
        return Finding("model", ok=True, detail="the offline model, which needs no key")
    host = urlsplit(settings.base_url or "").hostname  # the rest of an address may hold a password
    what = f"{settings.default_model} at {host or SERVICE}"
    if key.source is None and addresses.is_local(settings.base_url):
        return Finding("model", ok=True, detail=f"{what}, which is this computer and needs no key")
    if key.source is None:
        return Finding("model", ok=False, detail=f"{what}, and there is no key", remedy=SET_KEY)
    return Finding("model", ok=True, detail=f"{what}, with the key from the {key.source}")
