"""One error tree: every failure says whose fault it is, whether retrying helps, and when.

RecordingError
├── RequestError               the caller asked for something that cannot be done (HTTP 4xx)
├── ControlError               ACS refused or failed a control operation
├── EventRejectedError         an event that cannot be trusted or read → quarantine
├── UnsafeLocationError        a location outside the allow-list → quarantine, no request is made
├── SourceError                ACS's storage of recordings
│   ├── SourceBusyError        5xx, stalls, a 400 with a web page: try again
│   │   ├── SourceThrottledError   429: try again with fewer requests
│   │   └── SourceSlowError    an answer that drips or stalls until its time is over: try again in another turn
│   ├── SourceRefusedError     401/403: clock, key rotation, wrong resource: try again, tell the operator
│   │   └── TokenUnavailableError  no token for ACS: it was not asked
│   ├── SourceRedirectError    a redirect that is not followed: try again, tell the operator
│   ├── SourceGoneError        404, 410: not ready yet, expired, or deleted; the deadline decides which
│   ├── SourceBrokenError      empty, short, changed or unreadable content: try again
│   └── CopyPausedError        the time for one run is used up: what is staged stays, the next run goes on
├── StorageError               our own storage
│   ├── StorageBusyError       throttled, unreachable, 5xx: try again
│   ├── StorageRefusedError    401/403: identity or role is missing: try again, tell the operator
│   ├── BlobLockedError        a retention policy, a hold, a lease or the archive tier forbids it: lasts
│   └── ContentConflictError   other bytes already lie under this name → quarantine
├── SealKeyError               the key that signs checkpoints failed: the next turn seals more at once
├── LogUnavailableError        ACS's log in Azure Monitor did not answer: the next hour asks again
├── ClaimHeldError             another worker has the chunk: come back when its claim ends
└── ClaimLostError             this worker lost its claim: stop, change nothing
"""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta

from recording.errors.codes import Code, Fault


class RecordingError(Exception):
    """The root: `code` is stable and documented, `retryable` says whether the same work may succeed later.

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
    """The caller's request cannot be carried out as it is; `status` is the HTTP answer."""

    code = Code.INVALID_REQUEST

    def __init__(self, message: str, *, code: Code | None = None, retry_after: timedelta | None = None) -> None:
        super().__init__(message, code=code, retry_after=retry_after)
        self.retryable = retry_after is not None
        self.status = self.code.status or 400


class ControlError(RecordingError):
    """ACS did not carry out a control operation; `status` is what our HTTP answer should be.

    `recording_id` names the recording that is in the way, where it is known.
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
    """ACS's storage of recordings did not give what was asked for."""

    code = Code.SOURCE_ERROR
    retryable = True


class SourceBusyError(SourceError):
    """ACS is busy, throttling or unreachable; the queue will bring the chunk back."""

    code = Code.SOURCE_BUSY


class SourceRefusedError(SourceError):
    """ACS answered 401 or 403: clock skew, a rotated key, a missing role, or another resource's recording."""

    code = Code.SOURCE_REFUSED


class SourceThrottledError(SourceBusyError):
    """ACS answered 429: fewer requests at once, and later."""

    code = Code.SOURCE_THROTTLED


class SourceSlowError(SourceBusyError):
    """An answer dripped or stalled until its time was over; a second try in the same turn would hold the worker."""


class TokenUnavailableError(SourceRefusedError):
    """The identity got no token for ACS: nobody is signed in, or the token service failed. ACS was not asked."""

    code = Code.TOKEN_UNAVAILABLE


class SourceRedirectError(SourceError):
    """The source's answer redirects to where no request may go: an egress proxy's page, say, or another object.

    It is the answer that is odd, not the event, so it passes: the next answer may well be the file.
    """

    code = Code.REDIRECT_REFUSED


class SourceGoneError(SourceError):
    """ACS answered 404 or 410: the object is not ready yet, has expired, or was deleted."""

    code = Code.SOURCE_NOT_FOUND


class SourceBrokenError(SourceError):
    """The source's bytes contradict its own facts: empty, short, changed, or not media of the announced format."""

    code = Code.SOURCE_BROKEN


class CopyPausedError(SourceError):
    """The copy used up COPY_TIME_BUDGET. Nothing is wrong; the next run goes on from the staged blocks."""

    code = Code.COPY_PAUSED


class StorageError(RecordingError):
    """Our own storage (archive, catalog, queue, quarantine) did not do what was asked."""

    code = Code.STORAGE_ERROR
    retryable = True


class StorageBusyError(StorageError):
    """Storage is throttling, unreachable or failing for the moment."""

    code = Code.STORAGE_BUSY


class StorageRefusedError(StorageError):
    """Storage answered 401 or 403: a role assignment, a firewall rule or a key is missing."""

    code = Code.STORAGE_REFUSED


class BlobLockedError(StorageError):
    """A blob may not be written or read as it is: retention policy, legal hold, lease, or archive tier."""

    code = Code.BLOB_LOCKED


class ContentConflictError(StorageError):
    """Other bytes are already stored under this name; they are never replaced."""

    code = Code.CONTENT_CONFLICT
    retryable = False


class SealKeyError(RecordingError):
    """The key that signs checkpoints, or the time-stamping authority, did not answer. Nothing waits for it."""

    code = Code.SEAL_KEY_UNAVAILABLE
    retryable = True


class LogUnavailableError(RecordingError):
    """Azure Monitor did not answer, or refused. Nothing waits for it: archiving never depends on the log."""

    code = Code.LOG_UNAVAILABLE
    retryable = True


class ClaimHeldError(RecordingError):
    """Another worker holds the claim; `retry_after` is when it ends."""

    code = Code.CLAIM_HELD
    retryable = True


class ClaimLostError(RecordingError):
    """The record changed under this worker: its claim ended. Whatever it has not saved is not its to save."""

    code = Code.CLAIM_LOST
    retryable = True


def fault_of(code: str) -> Fault | None:
    """Return who must act on a code; None for one that this version does not know."""
    known = Code.of(code)
    return known.fault if known else None


@contextmanager
def reading_for_a_caller(message: str) -> Iterator[None]:
    """Translate what storage says of the archive tier into what the caller is told.

    Raises:
        RequestError: `media_offline`, with the message: it is in the archive tier, and must be brought back first.
    """
    try:
        yield
    except BlobLockedError:
        raise RequestError(message, code=Code.MEDIA_OFFLINE) from None
