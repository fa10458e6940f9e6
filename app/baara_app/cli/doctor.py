"""`baara doctor`: what is well, what is not, and what to do about it."""

from dataclasses import asdict
from urllib.parse import urlsplit

from baara_app import credentials, lifecycle
from baara_app.cli import common, output
from baara_app.cli.common import Shell
from baara_engine import addresses, config
from baara_engine import doctor as examining
from baara_engine.doctor import Finding

MARKS = {True: "✓", False: "✗"}
SET_KEY = (
    f"Set a key by `baara key set`, or for one run by {credentials.VARIABLE}; the model `{config.OFFLINE}` needs none."
)
SERVICE = "the service of Anthropic"


@common.command
def doctor(shell: Shell) -> int:
    """Look at everything and change nothing. The exit status is 0 if all is well, else 1."""
    settings, key = lifecycle.config(), credentials.whereabouts()
    probes = (lambda: _keyring(key), lambda: _service(settings, key))
    findings = examining.examine(shell.home, probes)
    well = all(finding.ok for finding in findings)
    if shell.json:
        output.document({"ok": well, "home": str(shell.home), "findings": [asdict(finding) for finding in findings]})
    else:
        output.text("\n".join(line for finding in findings for line in _lines(finding)))
    return 0 if well else 1


def _lines(finding: Finding) -> list[str]:
    told = [f"{MARKS[finding.ok]} {finding.name}: {' '.join(finding.detail.split())}"]
    return told if finding.remedy is None else [*told, f"  → {finding.remedy}"]


def _keyring(key: credentials.Whereabouts) -> Finding:
    if key.problem is None:
        return Finding("keyring", ok=True, detail=f"{key.keyring} answers")
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
