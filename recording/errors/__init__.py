"""The tree of errors: each says whose fault it is, whether a retry helps, and when.

RecordingError
├── RequestError               the caller asked for something that cannot be done (HTTP 4xx)
├── ControlError               ACS refused or failed a control operation
├── EventRejectedError         an event that cannot be trusted or read → quarantine
├── UnsafeLocationError        a location outside the allow-list → quarantine, no request is made
├── SourceError                ACS's storage of recordings
│   ├── SourceBusyError        5xx, stalls, a 400 with a web page: try again
│   │   ├── SourceThrottledError   429: try again with fewer requests
│   │   └── SourceSlowError    an answer that trickles or stalls until it times out: try again in another turn
│   ├── SourceRefusedError     401/403: clock, key rotation, wrong resource: try again, alert the operator
│   │   └── TokenUnavailableError  no token for ACS: it was not called
│   ├── SourceRedirectError    a redirect that is not followed: try again, alert the operator
│   ├── SourceGoneError        404, 410: not ready yet, expired, or deleted; the deadline decides which
│   ├── SourceBrokenError      empty, short, changed or unreadable content: try again
│   └── CopyPausedError        the time for one run is used up: staged blocks are kept, the next run continues
├── StorageError               our own storage
│   ├── StorageBusyError       throttled, unreachable, 5xx: try again
│   ├── StorageRefusedError    401/403: identity or role is missing: try again, alert the operator
│   ├── BlobLockedError        a retention policy, a hold, a lease or the archive tier forbids it: permanent
│   └── ContentConflictError   other bytes are already stored under this name → quarantine
├── SealKeyError               the key that signs checkpoints failed: the next turn seals the backlog
├── LogUnavailableError        ACS's log in Azure Monitor did not answer: the next hour asks again
├── ClaimHeldError             another worker has the chunk: come back when its claim ends
└── ClaimLostError             this worker lost its claim: stop, change nothing
"""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta

from recording.errors.codes import Code, Fault


class RecordingError(Exception):
    """The root: `code` is stable and documented; `retryable` says whether the same work may succeed later.

    The message never holds a secret, a full location or personal data.
    """

    code = Code.INTERNAL_ERROR
    retryable = False

    def __init__(self, message: str, *, code: Code | None = None, retry_after: timedelta | None = None) -> None:
        super().__init__(message)
        self.code = code or self.code
        self.retry_after = retry_after

    @property
    def fault(self) -> Fault:
        """Return who must act."""
        return self.code.fault


class RequestError(RecordingError):
    """The caller's request cannot be carried out; `status` is the HTTP answer."""

    code = Code.INVALID_REQUEST

    def __init__(self, message: str, *, code: Code | None = None, retry_after: timedelta | None = None) -> None:
        super().__init__(message, code=code, retry_after=retry_after)
        self.retryable = retry_after is not None
        self.status = self.code.status or 400


class ControlError(RecordingError):
    """ACS did not carry out a control operation; `status` is our HTTP answer.

    `recording_id` names the conflicting recording, where it is known.
    """

    code = Code.ACS_ERROR

    def __init__(
        self,
        message: str,
        *,
        code: Code,
        acs_status: int | None = None,
        acs_code: str | None = None,
        retry_after: timedelta | None = None,
        recording_id: str | None = None,
    ) -> None:
        super().__init__(message, code=code, retry_after=retry_after)
        self.status = code.status or 502
        self.recording_id = recording_id
        self.acs_status = acs_status
        self.acs_code = acs_code
        self.retryable = code.is_retryable


class EventRejectedError(RecordingError):
    """An event that is not ours, cannot be read or cannot be trusted. `code` is the quarantine reason."""

    code = Code.UNREADABLE_EVENT


class UnsafeLocationError(RecordingError):
    """A location that no request may be sent to. The message never repeats the location."""

    code = Code.UNSAFE_LOCATION


class SourceError(RecordingError):
    """ACS's storage of recordings did not return what was requested."""

    code = Code.SOURCE_ERROR
    retryable = True


class SourceBusyError(SourceError):
    """ACS is busy, throttling or unreachable; the queue will deliver the chunk again."""

    code = Code.SOURCE_BUSY


class SourceRefusedError(SourceError):
    """ACS answered 401 or 403: clock skew, a rotated key, a missing role, or another resource's recording."""

    code = Code.SOURCE_REFUSED


class SourceThrottledError(SourceBusyError):
    """ACS answered 429: fewer parallel requests, and later."""

    code = Code.SOURCE_THROTTLED


class SourceSlowError(SourceBusyError):
    """An answer trickled or stalled until it timed out; a second try in the same turn would block the worker."""


class TokenUnavailableError(SourceRefusedError):
    """The identity got no token for ACS: nobody is signed in, or the token service failed. ACS was not called."""

    code = Code.TOKEN_UNAVAILABLE


class SourceRedirectError(SourceError):
    """The source's answer redirects to where no request may go: to an egress proxy's page, say, or another object.

    The answer is at fault, not the event, so the fault is transient: the next answer may well be the file.
    """

    code = Code.REDIRECT_REFUSED


class SourceGoneError(SourceError):
    """ACS answered 404 or 410: the object is not ready yet, has expired, or was deleted."""

    code = Code.SOURCE_NOT_FOUND


class SourceBrokenError(SourceError):
    """The source's bytes contradict its own facts: empty, short, changed, or not media of the announced format."""

    code = Code.SOURCE_BROKEN


class CopyPausedError(SourceError):
    """The copy used up COPY_TIME_BUDGET. Nothing is wrong; the next run continues from the staged blocks."""

    code = Code.COPY_PAUSED


class StorageError(RecordingError):
    """Our own storage (archive, catalog, queue, quarantine) failed a request."""

    code = Code.STORAGE_ERROR
    retryable = True


class StorageBusyError(StorageError):
    """Storage is throttling, unreachable or temporarily failing."""

    code = Code.STORAGE_BUSY


class StorageRefusedError(StorageError):
    """Storage answered 401 or 403: a role assignment, a firewall rule or a key is missing."""

    code = Code.STORAGE_REFUSED


class BlobLockedError(StorageError):
    """A blob may not be written or read: retention policy, legal hold, lease, or archive tier."""

    code = Code.BLOB_LOCKED


class ContentConflictError(StorageError):
    """Other bytes are already stored under this name; they are never replaced."""

    code = Code.CONTENT_CONFLICT
    retryable = False


class SealKeyError(RecordingError):
    """The key that signs checkpoints, or the time-stamping authority, did not answer. Archiving continues."""

    code = Code.SEAL_KEY_UNAVAILABLE
    retryable = True


class LogUnavailableError(RecordingError):
    """Azure Monitor did not answer, or refused. Archiving never depends on the log."""

    code = Code.LOG_UNAVAILABLE
    retryable = True


class ClaimHeldError(RecordingError):
    """Another worker holds the claim; `retry_after` is when it ends."""

    code = Code.CLAIM_HELD
    retryable = True


class ClaimLostError(RecordingError):
    """Another worker changed the record: this worker's claim has ended, and it must save nothing more."""

    code = Code.CLAIM_LOST
    retryable = True


def fault_of(code: str) -> Fault | None:
    """Return who must act on a code; None for one that this version does not know."""
    known = Code.of(code)
    return known.fault if known else None


@contextmanager
def reading_for_a_caller(message: str) -> Iterator[None]:
    """Translate storage's refusal of an archived tier into an error for the caller.

    Raises:
        RequestError: `media_offline`, with the message: the blob is in the archive tier and must be rehydrated first.
    """
    try:
        yield
    except BlobLockedError:
        raise RequestError(message, code=Code.MEDIA_OFFLINE) from None
