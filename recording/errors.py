"""One error tree: every failure says whose fault it is, whether retrying helps, and when.

RecordingError
├── RequestError               the caller asked for something that cannot be done (HTTP 4xx)
├── ControlError               ACS refused or failed a control operation
├── EventRejectedError         an event that cannot be trusted or read → quarantine
├── UnsafeLocationError        a location outside the allow-list → quarantine, no request is made
├── SourceError                ACS's storage of recordings
│   ├── SourceBusyError        5xx, stalls, a 400 with a web page: try again
│   │   └── SourceThrottledError   429: try again with fewer requests
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
├── LogUnavailableError        ACS's log in Azure Monitor did not answer: the next hour asks again
├── ClaimHeldError             another worker has the chunk: come back when its claim ends
└── ClaimLostError             this worker lost its claim: stop, change nothing
"""

from datetime import timedelta


class RecordingError(Exception):
    """The root: `code` is stable and documented, `retryable` says whether the same work may succeed later.

    `fault` names who must act: "caller", "acs", "operator" or "nobody" (time will mend it).
    The message never holds a secret, a full location or personal data.
    """

    code = "internal_error"
    retryable = False
    fault = "operator"

    def __init__(self, message: str, *, code: str | None = None, retry_after: timedelta | None = None) -> None:
        super().__init__(message)
        self.code = code or self.code
        self.retry_after = retry_after


class RequestError(RecordingError):
    """The caller's request cannot be carried out as it is; `status` is the HTTP answer."""

    code = "invalid_request"
    fault = "caller"

    def __init__(
        self, message: str, *, code: str | None = None, status: int = 400, retry_after: timedelta | None = None
    ) -> None:
        super().__init__(message, code=code, retry_after=retry_after)
        self.retryable = retry_after is not None
        self.status = status


class ControlError(RecordingError):
    """ACS did not carry out a control operation; `status` is what our HTTP answer should be."""

    code = "acs_error"
    fault = "acs"

    def __init__(
        self,
        message: str,
        *,
        code: str,
        status: int,
        acs_status: int | None = None,
        acs_code: str | None = None,
        retryable: bool = False,
        retry_after: timedelta | None = None,
    ) -> None:
        super().__init__(message, code=code, retry_after=retry_after)
        self.status = status
        self.acs_status = acs_status
        self.acs_code = acs_code
        self.retryable = retryable


class EventRejectedError(RecordingError):
    """An event that is not ours, cannot be read or cannot be trusted. `code` is the quarantine reason."""

    code = "unreadable_event"


class UnsafeLocationError(RecordingError):
    """A location that no request may be sent to. The message never repeats the location."""

    code = "unsafe_location"


class SourceError(RecordingError):
    """ACS's storage of recordings did not give what was asked for."""

    code = "source_error"
    retryable = True
    fault = "acs"


class SourceBusyError(SourceError):
    """ACS is busy, throttling or unreachable; the queue will bring the chunk back."""

    code = "source_busy"
    fault = "nobody"


class SourceRefusedError(SourceError):
    """ACS answered 401 or 403: clock skew, a rotated key, a missing role, or another resource's recording."""

    code = "source_refused"
    fault = "operator"


class SourceThrottledError(SourceBusyError):
    """ACS answered 429: fewer requests at once, and later."""

    code = "source_throttled"


class TokenUnavailableError(SourceRefusedError):
    """The identity got no token for ACS: nobody is signed in, or the token service failed. ACS was not asked."""

    code = "token_unavailable"


class SourceRedirectError(SourceError):
    """The source's answer redirects to where no request may go: an egress proxy's page, say, or another object.

    It is the answer that is odd, not the event, so it passes: the next answer may well be the file.
    """

    code = "redirect_refused"
    fault = "operator"


class SourceGoneError(SourceError):
    """ACS answered 404 or 410: the object is not ready yet, has expired, or was deleted."""

    code = "source_not_found"
    fault = "nobody"


class SourceBrokenError(SourceError):
    """The source's bytes contradict its own facts: empty, short, changed, or not media of the announced format."""

    code = "source_broken"


class CopyPausedError(SourceError):
    """The copy used up COPY_TIME_BUDGET. Nothing is wrong; the next run goes on from the staged blocks."""

    code = "copy_paused"
    fault = "nobody"


class StorageError(RecordingError):
    """Our own storage (archive, catalog, queue, quarantine) did not do what was asked."""

    code = "storage_error"
    retryable = True


class StorageBusyError(StorageError):
    """Storage is throttling, unreachable or failing for the moment."""

    code = "storage_busy"
    fault = "nobody"


class StorageRefusedError(StorageError):
    """Storage answered 401 or 403: a role assignment, a firewall rule or a key is missing."""

    code = "storage_refused"


class BlobLockedError(StorageError):
    """A blob may not be written or read as it is: retention policy, legal hold, lease, or archive tier."""

    code = "blob_locked"


class ContentConflictError(StorageError):
    """Other bytes already lie under this name; they are never replaced."""

    code = "content_conflict"
    retryable = False


class LogUnavailableError(RecordingError):
    """Azure Monitor did not answer, or refused. Nothing waits for it: archiving never depends on the log."""

    code = "log_unavailable"
    retryable = True


class ClaimHeldError(RecordingError):
    """Another worker holds the claim; `retry_after` is when it ends."""

    code = "claim_held"
    retryable = True
    fault = "nobody"


class ClaimLostError(RecordingError):
    """The record changed under this worker: its claim ended. Whatever it has not saved is not its to save."""

    code = "claim_lost"
    retryable = True
    fault = "nobody"


def fault_of(code: str) -> str | None:
    """Return who must act on an error of this code; None where only its raiser knows."""
    kinds: list[type[RecordingError]] = [RecordingError]
    found: dict[str, str] = {}
    while kinds:
        kind = kinds.pop()
        found.setdefault(kind.code, kind.fault)
        kinds += kind.__subclasses__()
    return found.get(code) or ("acs" if code.startswith(("source_", "media_", "metadata_")) else None)
