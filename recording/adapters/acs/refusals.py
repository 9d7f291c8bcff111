"""The table that maps ACS's refusals of control operations to our error codes. Pure.

Sources: the table of Call Automation codes in Microsoft's troubleshooting pages, and recorded answers (8501, 8522).
ACS gives a numeric code in `{"error": {"code": "8522", …}}`; without a known one the HTTP status decides.
"""

from dataclasses import dataclass
from datetime import timedelta

from recording.errors import ControlError
from recording.errors.codes import Code


@dataclass(frozen=True)
class Refusal:
    """Our stable code, and the message."""

    code: Code
    message: str


RECORDING_NOT_FOUND = Refusal(Code.RECORDING_NOT_FOUND, "ACS knows no such recording; it may have ended")
CALL_NOT_FOUND = Refusal(Code.CALL_NOT_FOUND, "ACS knows no such call")
NOT_ESTABLISHED = Refusal(Code.CALL_NOT_ESTABLISHED, "the call is not established yet")
ALREADY_RECORDING = Refusal(Code.ALREADY_RECORDING, "the call is being recorded already")
CONFLICT = Refusal(Code.CONFLICTING_OPERATION, "another operation on this recording is going on")
CALL_ENDED = Refusal(Code.CALL_ENDED, "the call has ended")
WRONG_STATE = Refusal(Code.WRONG_CALL_STATE, "the call's state does not allow this")
NO_PAUSE = Refusal(Code.PAUSE_RESUME_NOT_ALLOWED, "the recording's state does not allow to pause or resume it")
INVALID = Refusal(Code.INVALID_ARGUMENT, "ACS found the request invalid")
FORMAT = Refusal(Code.UNSUPPORTED_FORMAT, "ACS does not record in this content, channel and format")
NOT_SUPPORTED = Refusal(Code.NOT_SUPPORTED, "ACS does not support this operation here")
FORBIDDEN = Refusal(Code.ACS_FORBIDDEN, "ACS forbids this app to do that: check roles and the resource's settings")
UNAUTHORIZED = Refusal(Code.ACS_UNAUTHORIZED, "ACS did not accept this app's key or identity")
THROTTLED = Refusal(Code.THROTTLED, "ACS is throttling")
UNAVAILABLE = Refusal(Code.ACS_UNAVAILABLE, "ACS failed")
UNREACHABLE = Refusal(Code.ACS_UNREACHABLE, "ACS cannot be reached")
UNKNOWN = Refusal(Code.ACS_ERROR, "ACS refused with a code that this app does not know")

BY_ACS_CODE = {
    "8501": NOT_ESTABLISHED,
    "8522": RECORDING_NOT_FOUND,  # of a start: the call
    "8553": ALREADY_RECORDING,
    "8559": ALREADY_RECORDING,
    "8519": CONFLICT,
    "8571": CONFLICT,
    "8528": CALL_ENDED,
    "8585": WRONG_STATE,
    "8573": NO_PAUSE,
    "8523": INVALID,
    "8557": FORMAT,
    "8562": FORMAT,
    "8520": NOT_SUPPORTED,
    "7501": FORBIDDEN,
    "7502": FORBIDDEN,
    "7504": FORBIDDEN,
    "7509": FORBIDDEN,  # "Hmac Validation Error": the key is another resource's, or the clock is wrong
    "7510": FORBIDDEN,  # "Managed Identity Validation Error"
    "7605": FORBIDDEN,  # recording of Teams interop is not authorised
    "8516": THROTTLED,
    "8529": THROTTLED,
    "8530": THROTTLED,
    "8589": THROTTLED,
    "9999": UNAVAILABLE,
}
BY_STATUS = {
    400: INVALID,
    401: UNAUTHORIZED,
    403: FORBIDDEN,
    404: RECORDING_NOT_FOUND,
    405: NOT_SUPPORTED,
    408: UNAVAILABLE,
    409: CONFLICT,
    429: THROTTLED,
}


def refusal_of(status: int | None, acs_code: str | None, *, starting: bool) -> Refusal:
    """Return the meaning of an answer of ACS.

    Args:
        status: the HTTP status; None when there was no answer.
        acs_code: ACS's code, if the body had one.
        starting: whether a recording was to be started: then "not found" is about the call.
    """
    if status is None:
        return UNREACHABLE
    found = BY_ACS_CODE.get(acs_code or "") or BY_STATUS.get(status) or _by_class(status)
    return CALL_NOT_FOUND if starting and found is RECORDING_NOT_FOUND else found


def _by_class(status: int) -> Refusal:
    # An interim answer without the final one, or e.g. a body that a proxy cut: the operation may well have succeeded.
    is_broken_answer = 100 <= status < 300
    return UNAVAILABLE if status >= 500 or is_broken_answer else UNKNOWN


def control_error(
    status: int | None, acs_code: str | None, retry_after: timedelta | None = None, *, starting: bool = False
) -> ControlError:
    """Return the error to raise for an answer of ACS; it carries ACS's own status and code."""
    refusal = refusal_of(status, acs_code, starting=starting)
    return ControlError(
        refusal.message,
        code=refusal.code,
        acs_status=status,
        acs_code=acs_code,
        retry_after=retry_after,
    )
