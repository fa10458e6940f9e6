"""The API key: kept in the keyring of the operating system, or for one run in the environment. Nowhere else.

Only the classes listed in `KEYRINGS` are ever made, and by us: what an environment variable or a configuration file of
the keyring library names could be a keyring that forgets, one that writes plain text, or any code at all.
"""

import importlib
import logging
import os
import sys
import threading
from collections.abc import Callable
from concurrent.futures import Future
from dataclasses import dataclass
from typing import Any, TypeVar

from baara_app import passed_over
from baara_engine import errors, redaction

log = logging.getLogger(__name__)

T = TypeVar("T")

VARIABLE = "ANTHROPIC_API_KEY"
SERVICE, USER = "baara", "anthropic-api-key"  #: under which the key stands in the keyring

SECRET_PLACE = "mcp/"  #: stands before the name of an MCP server's secret  # noqa: S105 - no secret
MAX_SECRET = 4096  # characters: longer than any token of a service

MAX_KEY = 300  # characters: twice what keys have today; catches a whole file given by mistake
ANSWER_S = 5.0  # a locked keyring may wait for a person who is not there
UNLOCK_S = 60.0  # for a person who is there to type the keyring's password

FOR_ONE_RUN = f"For one run, {VARIABLE} in the environment works without a keyring."
SLOW = (
    "The keyring did not answer in time ({limit_s:g} s). It may be locked and ask for its password in a window: "
    f"unlock it, then try again. {FOR_ONE_RUN}"
)
LOCKED = f"The keyring is locked, and it was not unlocked. Unlock it, then try again. {FOR_ONE_RUN}"
FORGETFUL = f"The keyring took the key and did not give it back, so it is not kept. {FOR_ONE_RUN}"

LOCKED_ERRORS = frozenset({"KeyringLocked", "LockedException", "PromptDismissedException"})


@dataclass(frozen=True, slots=True)
class Kind:
    """A kind of keyring that is trusted with the key."""

    name: str
    module: str  #: imported only when a key is asked for: it takes a fifth of a second
    class_name: str


_SECRET_SERVICE = Kind("Secret Service", "keyring.backends.SecretService", "Keyring")
_KWALLET = Kind("KWallet", "keyring.backends.kwallet", "DBusKeyring")
KEYRINGS: dict[str, tuple[Kind, ...]] = {
    "darwin": (Kind("macOS Keychain", "keyring.backends.macOS", "Keyring"),),
    "win32": (Kind("Windows Credential Manager", "keyring.backends.Windows", "WinVaultKeyring"),),
}
ELSEWHERE = (_SECRET_SERVICE, _KWALLET)


@dataclass(frozen=True, slots=True)
class Whereabouts:
    """Where there is a key. The key itself is no part of it."""

    source: str | None  #: "keyring" or "environment": where the key that is used comes from
    keyring: str | None  #: name of the keyring that was reached
    problem: str | None  #: why the keyring could not be asked
    passed_over: str | None  #: which keyring was chosen for all programs and is not used, and why


def take_from_environment() -> None:
    """Move the key out of the environment into memory, before anything else can see or inherit it."""
    key = os.environ.pop(VARIABLE, "").strip()
    try:
        _memory.key = require_plausible(key) if key else None
        redaction.known.bind(_memory.key)
    except errors.InvalidInput as error:
        log.warning("%s is not used: %s", VARIABLE, error.message)


def api_key() -> str | None:
    """Give the key to use now, or None. May take as long as the keyring does; never raises."""
    try:
        kept = _ask(_read, ANSWER_S)
    except errors.Unavailable as error:
        if _memory.key is None:
            log.warning("there is no API key: %s", error.message)
        return _memory.key
    redaction.known.bind(kept)
    return kept or _memory.key


def keep(key: str, *, limit_s: float = ANSWER_S) -> str:
    """Put the key into the keyring, read it back, and give the keyring's name. Raises `errors.Unavailable`."""
    redaction.known.bind(key)

    def work(ring: _Ring) -> str:
        ring.backend.set_password(SERVICE, USER, key)
        if _read(ring) != key:
            raise errors.Unavailable(FORGETFUL)
        return ring.name

    return _ask(work, limit_s)


def secret(name: str) -> str | None:
    """Give a secret of an MCP server, or None. May take as long as the keyring does; never raises."""
    try:
        kept: str | None = _ask(lambda ring: ring.backend.get_password(SERVICE, SECRET_PLACE + name), ANSWER_S)
    except errors.Unavailable as error:
        log.warning("the secret “%s” cannot be had: %s", name, error.message)
        return None
    redaction.known.bind(kept)
    return kept


def keep_secret(name: str, value: str) -> str:
    """Put a secret of an MCP server into the keyring, and give the keyring's name.

    Raises `errors.InvalidInput` or `errors.Unavailable`.
    """
    if not value or len(value) > MAX_SECRET or not value.isprintable():
        raise errors.InvalidInput(f"A secret is one line of 1 to {MAX_SECRET} printable characters.")
    redaction.known.bind(value)

    def work(ring: _Ring) -> str:
        ring.backend.set_password(SERVICE, SECRET_PLACE + name, value)
        if ring.backend.get_password(SERVICE, SECRET_PLACE + name) != value:
            raise errors.Unavailable(FORGETFUL)
        return ring.name

    return _ask(work, UNLOCK_S)


def forget(*, limit_s: float = ANSWER_S) -> str:
    """Delete the key from the keyring, and give its name. Raises `errors.NotFound` or `errors.Unavailable`."""

    def work(ring: _Ring) -> str:
        if _read(ring) is None:
            raise errors.NotFound(f"There is no API key in the keyring ({ring.name}).")
        ring.backend.delete_password(SERVICE, USER)
        return ring.name

    return _ask(work, limit_s)


def whereabouts(*, limit_s: float = ANSWER_S) -> Whereabouts:
    """Say where the key comes from."""
    taken = None if _memory.key is None else "environment"
    other = passed_over.sentence(_trusted())
    try:
        name, kept = _ask(lambda ring: (ring.name, _read(ring) is not None), limit_s)
    except errors.Unavailable as error:
        return Whereabouts(taken, None, error.message, other)
    return Whereabouts("keyring" if kept else taken, name, None, other)


def require_plausible(key: str) -> str:
    """Give the key back if it can be one at all. Raises `errors.InvalidInput`, which does not show it."""
    if not key:
        raise errors.InvalidInput("No API key was given.")
    if len(key) > MAX_KEY or not (key.isascii() and key.isprintable()) or " " in key:
        raise errors.InvalidInput(
            f"That is no API key: a key is one word of at most {MAX_KEY} printable ASCII characters."
        )
    return key


@dataclass(slots=True)
class _Memory:
    """What this process knows and writes nowhere."""

    key: str | None = None


@dataclass(frozen=True, slots=True)
class _Ring:
    """A keyring that answers."""

    name: str
    backend: Any


_memory = _Memory()
_turn = threading.Lock()  # held while a keyring is asked, so that a locked one asks for its password once


def _read(ring: _Ring) -> str | None:
    key: str | None = ring.backend.get_password(SERVICE, USER)
    return key or None


def _ask(work: Callable[[_Ring], T], limit_s: float) -> T:
    """Ask the keyring in a thread of its own, because it may wait for ever. Raises `errors.Unavailable`."""
    if not _turn.acquire(timeout=limit_s):
        raise errors.Unavailable(SLOW.format(limit_s=limit_s))
    answer: Future[T] = Future()
    threading.Thread(target=_answer, args=(answer, work), name="baara-keyring", daemon=True).start()
    try:
        return answer.result(limit_s)
    except errors.BaaraError:
        raise
    except TimeoutError:
        raise errors.Unavailable(SLOW.format(limit_s=limit_s)) from None
    except Exception as error:
        raise errors.Unavailable(_sentence(error)) from error


def _answer(answer: Future[T], work: Callable[[_Ring], T]) -> None:
    try:
        answer.set_result(work(_open()))
    except Exception as error:  # noqa: BLE001 - each keyring fails in its own way, and the caller tells all of them
        answer.set_exception(error)
    finally:
        _turn.release()


def _open() -> _Ring:
    """Make the first keyring that works here. Raises `errors.Unavailable`, saying why each does not."""
    reasons = []
    for kind in KEYRINGS.get(sys.platform, ELSEWHERE):
        try:
            return _Ring(kind.name, _make(kind))
        except Exception as error:  # noqa: BLE001 - as above; the reasons are told if none works
            reasons.append(f"{kind.name}: {error}")
    other = passed_over.sentence(_trusted())
    told = f"No keyring can be reached here ({'; '.join(reasons)}). {FOR_ONE_RUN}"
    raise errors.Unavailable(told if other is None else f"{told} {other}")


def _trusted() -> frozenset[str]:
    return frozenset(f"{kind.module}.{kind.class_name}" for kind in KEYRINGS.get(sys.platform, ELSEWHERE))


def _make(kind: Kind) -> Any:
    """Make one keyring. Raises whatever it raises where it does not work."""
    theirs = getattr(importlib.import_module(kind.module), kind.class_name)
    _ = theirs.priority  # it is reading this that raises
    # The library would let KEYRING_PROPERTY_* in the environment replace any attribute of the keyring.
    return type(kind.class_name, (theirs,), {"set_properties_from_env": lambda _: None})()


def _sentence(error: Exception) -> str:
    if type(error).__name__ in LOCKED_ERRORS:
        return LOCKED
    return f"The keyring failed ({type(error).__name__}: {error}). {FOR_ONE_RUN}"
