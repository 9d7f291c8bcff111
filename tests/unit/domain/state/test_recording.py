"""The state of a recording: what ACS says and what was commanded, merged."""

import itertools

import pytest

from dev.in_memory.builders import EVENT_TIME, RECORDING_ID
from recording.domain.state.recording import KnownState, LastAction, RecordingRecord, merged_state

# --- the state that callers are told ---------------------------------------------------------------------------------

RECORDING = RecordingRecord(recording_id=RECORDING_ID, call_id="call", started_at=EVENT_TIME, started_by="ada")
ACTIONS = [None, *LastAction]
PAUSED = (LastAction.PAUSED, LastAction.STARTED_PAUSED)


@pytest.mark.parametrize(
    ("acs_state", "action"), list(itertools.product(["active", "Active", "inactive", "melting", None], ACTIONS))
)
def test_states_of_a_known_recording_are_merged(acs_state: str | None, action: LastAction | None) -> None:
    """ACS says `inactive` for just started and for paused, and 404 for everything that is over."""
    expected = KnownState.UNKNOWN
    if acs_state is None:
        expected = KnownState.ENDED
    elif acs_state.lower() == "active":
        expected = KnownState.RECORDING
    elif acs_state == "inactive":
        expected = KnownState.PAUSED if action in PAUSED else KnownState.STARTING
        expected = KnownState.ENDED if action is LastAction.STOPPED else expected
    assert merged_state(acs_state, RECORDING.model_copy(update={"last_action": action})) is expected


@pytest.mark.parametrize(
    ("acs_state", "expected"),
    [("active", "recording"), ("inactive", "paused"), ("melting", "unknown"), (None, "unknown")],
)
def test_states_of_a_recording_started_elsewhere_come_from_acs(acs_state: str | None, expected: str) -> None:
    """There is no memory to merge with."""
    assert merged_state(acs_state, None) == expected


@pytest.mark.parametrize("count", [10**23, -1, 1_000_001])
@pytest.mark.parametrize("field", ["chunk_count", "announced_count"])
def test_a_count_that_was_never_meant_is_absent(field: str, count: int) -> None:
    """A row of another hand must not make every question about its recording fail."""
    record = RecordingRecord.model_validate({"recording_id": "r", field: count})
    assert getattr(record, field) is None
