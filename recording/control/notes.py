"""Notes: requests and their outcomes on the recording's row, safe against concurrent writers."""

from collections.abc import Callable

from recording.domain.calls.policy import CallPolicy
from recording.domain.ids import canonical_id, is_opaque_id
from recording.domain.state.recording import RecordingRecord
from recording.domain.state.records import RecordingChanges, changed
from recording.errors import RequestError, StorageError
from recording.errors.codes import Code
from recording.ports import Ports
from recording.ports.changing import change_recording
from recording.settings import Settings


def check_recording_id(recording_id: str) -> None:
    """Check that this can be a recording's id. Raises RequestError: `invalid_recording_id`."""
    if not is_opaque_id(recording_id):
        raise RequestError("this is not a recording id", code=Code.INVALID_RECORDING_ID)


def known_recording(recording_id: str, ports: Ports) -> RecordingRecord | None:
    """Return the catalog's record; None when it does not answer, since people must be able to end a recording."""
    try:
        return ports.catalog.get_recording(canonical_id(recording_id))
    except StorageError:
        return None


def acs_id_of(recording_id: str, known: RecordingRecord | None) -> str:
    """Return the id as ACS spells it; as requested, where that is not known."""
    return (known.acs_id if known else None) or recording_id


def policy_of(record: RecordingRecord | None, settings: Settings) -> CallPolicy:
    """Return the policy that covers a recording: by the caller whom the platform vouched for, and by its tags now."""
    return settings.policy(record.known_caller if record else None, record.current_tags if record else {})


def without_alarm(row: RecordingRecord, code: Code) -> RecordingChanges:
    """Return the changes that end an alarm about the call itself; none if the alarm is not raised."""
    if row.call_alarm != code:
        return {}
    return {
        "call_alarm": None,
        "call_alarm_since": None,
        "stands": None if row.stands == row.call_alarm else row.stands,
    }


def note(
    recording_id: str, ports: Ports, decide: Callable[[RecordingRecord], RecordingChanges | None]
) -> RecordingRecord:
    """Add or change the recording's row; `decide` receives the present one, and may return None to leave it.

    Raises:
        StorageBusyError: other writers kept changing it.
        StorageError: the catalog does not answer.
    """

    def decided(known: RecordingRecord | None) -> RecordingRecord | None:
        record = known or RecordingRecord(recording_id=recording_id)
        changes = decide(record)
        return None if changes is None else changed(record, **changes)

    return change_recording(recording_id, decided, ports.catalog) or RecordingRecord(recording_id=recording_id)
