"""An error as RFC 9457 problem details: the same over HTTP and from the command line."""

from typing import Any

from recording.errors import ControlError, RecordingError, RequestError, StorageError
from recording.settings import SettingsError


def problem_details(error: RecordingError) -> dict[str, Any]:
    """Return an error's problem document; `code` is stable, `retryable` says whether to send the same again."""
    details: dict[str, Any] = {
        "type": "about:blank",
        "title": error.code.replace("_", " "),
        "status": _status(error),
        "detail": str(error),
        "code": error.code,
        "retryable": error.retryable,
    }
    if isinstance(error, SettingsError):
        details["faults"] = error.faults
    if isinstance(error, ControlError):
        details |= {"acsStatus": error.acs_status, "acsCode": error.acs_code}
        details |= {"recordingId": error.recording_id} if error.recording_id else {}
    return details


def _status(error: RecordingError) -> int:
    if isinstance(error, RequestError | ControlError):
        return error.status
    if isinstance(error, SettingsError | StorageError) or error.retryable:
        return 503
    return 500
