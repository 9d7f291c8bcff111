"""Hidden: what an approved erasure covers is neither found, heard nor handed over, once it is approved.

A hold shows it again to those who need it as evidence. A request about one speaker hides the recording until the voice
is taken out, or until that is refused.
"""

from collections.abc import Callable, Iterable

from recording.domain.keep.custody import Custody
from recording.domain.keep.erasure import Erasure, Scope
from recording.errors import RequestError, StorageError
from recording.errors.codes import OF_ONE_ROW, Code
from recording.ports import Ports, Unreadable


def hidden_recordings(ports: Ports) -> Callable[[str], bool]:
    """Return a test for hidden recordings; requests are read once, and rows of those they cover.

    Raises:
        StorageError: requests or rows do not answer; then nothing may be shown.
    """
    covered: dict[str, list[Erasure]] = {}
    now = ports.clock.now()
    for erasure in ports.keeping.erasures() if ports.keeping is not None else ():
        if not isinstance(erasure, Unreadable) and erasure.is_watched(now):
            for recording_id in erasure.recordings:
                covered.setdefault(recording_id, []).append(erasure)
    known: dict[str, bool] = {}

    def is_hidden(recording_id: str) -> bool:
        if recording_id not in covered:
            return False
        if recording_id not in known:
            row = _row_of(recording_id, ports)
            known[recording_id] = any(_hides(erasure, row) for erasure in covered[recording_id])
        return known[recording_id]

    return is_hidden


def check_is_shown(recording_ids: Iterable[str], ports: Ports) -> None:
    """Return when none of these recordings is hidden.

    Raises:
        RequestError: `erasure_approved`.
        StorageError: requests or rows do not answer.
    """
    if any(map(hidden_recordings(ports), recording_ids)):
        raise RequestError("the erasure of this recording has been approved", code=Code.ERASURE_APPROVED)


def _row_of(recording_id: str, ports: Ports) -> Custody | None:
    """Return a recording's row; one that cannot be read shows nothing of a hold, and the request hides it."""
    try:
        return ports.keeping.custody(recording_id) if ports.keeping is not None else None
    except StorageError as error:
        if error.code not in OF_ONE_ROW:
            raise
        return None


def _hides(erasure: Erasure, row: Custody | None) -> bool:
    if row is not None and row.active_holds:
        return False
    if erasure.scope is Scope.RECORDING or row is None:
        return True
    claim = next((one for one in row.speakers if one.request_id == erasure.erasure_id), None)
    return claim is None or (claim.done_at is None and claim.refused is None)
