"""Every error that Baara raises on purpose. Each can be shown: a short title, and a message saying what to do.

BaaraError
├── InvalidInput          what was asked for makes no sense as it stands
├── NotFound              nothing of that name or id
├── Refused               understood, and not possible now (state, limit, conflict)
├── Unavailable           something that is needed cannot be reached
│   └── StoreBusy         another process held the database for too long
├── StoreError            the database on disk cannot be used
│   ├── DatabaseMissing   there was one, and it is gone
│   ├── DatabaseTooNew    a newer Baara wrote it
│   ├── DatabaseDamaged   it is not what was written
│   ├── DatabaseForeign   it is another program's, or another home's
│   ├── DatabaseOutOfReach  it may not be opened or written, or is no file
│   ├── DiskFull          there is no room to write
│   ├── CommitUnknown     nobody can say whether a commit reached the disk
│   └── JournalDamaged    a journal row is not what was written
├── LeaseLost             somebody else owns this execution now
├── ModelFailure          the model gave no usable answer (see FailureKind)
└── SandboxFailure        the sandbox itself failed, as opposed to the command in it
"""

from enum import StrEnum


class BaaraError(Exception):
    """Something went wrong."""

    title = "Something went wrong"
    code = "error"  #: stable word for programs, as in `{"error": {"code": …}}`

    def __init__(self, message: str = "") -> None:
        """Take what happened and what to do about it, in one or two sentences."""
        self.message = message or (self.__doc__ or self.title).strip()
        super().__init__(self.message)


class InvalidInput(BaaraError):
    """The request makes no sense as it stands."""

    title = "Not understood"
    code = "invalid"


class NotFound(BaaraError):
    """There is nothing of that name or id."""

    title = "Not found"
    code = "not_found"


class Refused(BaaraError):
    """That is not possible in the present state."""

    title = "Not possible now"
    code = "refused"


class Unavailable(BaaraError):
    """Something that is needed cannot be reached."""

    title = "Not reachable"
    code = "unavailable"


class StoreBusy(Unavailable):
    """Another process held the database for too long. Nothing was written; try again."""

    title = "Database busy"
    code = "store_busy"


class StoreError(BaaraError):
    """The database cannot be used."""

    title = "Database problem"
    code = "store"


class DatabaseMissing(StoreError):
    """There was a database here, and it is gone or empty."""

    code = "database_missing"


class DatabaseTooNew(StoreError):
    """A newer Baara wrote this database; this one would not understand it."""

    code = "database_too_new"


class DatabaseDamaged(StoreError):
    """The database is not what was written."""

    code = "database_damaged"


class DatabaseForeign(StoreError):
    """The database belongs to another program or to another home."""

    code = "database_foreign"


class DatabaseOutOfReach(StoreError):
    """The database may not be opened or written, or what stands in its place is no file."""

    code = "database_out_of_reach"


class DiskFull(StoreError):
    """There is no room on the disk. Nothing of this was kept."""

    title = "Disk full"
    code = "disk_full"


class CommitUnknown(StoreError):
    """The disk failed during a commit, and whether it was kept cannot be told. Nothing was acknowledged."""

    code = "commit_unknown"


class JournalDamaged(StoreError):
    """A journal row is not what was written."""

    code = "journal_damaged"


# Ends the sentence of a `JournalDamaged`. Who reads the store adds which backup there is; who verifies one does not.
DAMAGED = "the database was damaged or changed. `baara doctor` says more."


class LeaseLost(BaaraError):
    """Somebody else owns this execution now, so this worker stops without writing."""

    title = "Lease lost"
    code = "lease_lost"


class SandboxFailure(BaaraError):
    """The sandbox itself failed. What the command did is not known."""

    title = "Sandbox failed"
    code = "sandbox"


class FailureKind(StrEnum):
    """Why an attempt failed, as far as it matters for what happens next (`retry.decide`)."""

    RATE_LIMIT = "rate_limit"  #: The key's allowance is used up for now.
    OVERLOADED = "overloaded"  #: The service has no room at present.
    OFFLINE = "offline"  #: No connection to the service.
    KEY = "key"  #: No API key, or the service refuses it.
    BILLING = "billing"  #: The account has no credit.
    BUDGET = "budget"  #: A limit of what may be spent leaves too little.
    OUTAGE = "outage"  #: The service keeps failing, whoever asks.
    SERVER = "server"  #: The service failed.
    BROKEN_ANSWER = "broken_answer"  #: The answer ended early or made no sense; it is discarded whole.
    REQUEST = "request"  #: The service refuses the request; asking again changes nothing.
    MODEL = "model"  #: The service does not have the model, or not any more.
    REFUSAL = "refusal"  #: The model declined.
    CONTEXT = "context"  #: The conversation no longer fits the model.
    TURNS = "turns"  #: The execution used all the turns it may take.
    COMMAND = "command"  #: The command ended with a status other than 0.
    TIMED_OUT = "timed_out"  #: The attempt used all its time.
    SANDBOX = "sandbox"  #: The sandbox failed.
    DAMAGED = "damaged"  #: The journal is not what was written.
    POISON = "poison"  #: The engine died again and again in the same step of it.
    INTERNAL = "internal"  #: A defect of Baara.


class ModelFailure(BaaraError):
    """The model gave no usable answer. Nothing of a partial answer is kept or run."""

    title = "No answer from the model"
    code = "model"

    def __init__(
        self,
        kind: FailureKind,
        message: str,
        *,
        retry_after: float | None = None,
        is_lost: bool = False,
        is_ramp: bool = False,
    ) -> None:
        """Take the kind, a sentence for people (no secrets), and the service's own wait in seconds, if it gave one.

        `is_lost` says that the question went out and the connection broke: nobody knows what was made of it. `is_ramp`
        says that too many asked at once, all of a sudden, for the service's liking.
        """
        super().__init__(message)
        self.kind = kind
        self.retry_after = retry_after
        self.is_lost = is_lost
        self.is_ramp = is_ramp
