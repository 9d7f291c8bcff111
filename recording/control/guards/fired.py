"""A guard that fires, and what several kinds of guards do."""

from dataclasses import dataclass

from recording.control.acs_state import acs_state, is_paused
from recording.control.audit import act_by_policy
from recording.control.notes import policy_of
from recording.control.resumes import stop_recording
from recording.control.unrecorded import note_end_reported, report_stopped, report_unrecorded
from recording.domain.calls.guards import GuardTask
from recording.domain.calls.policy import CallPolicy, TimeIsUp
from recording.domain.calls.watch import CALL_STOPPED
from recording.domain.incoming.roles import Operation
from recording.domain.state.recording import RecordingRecord
from recording.ports import Ports
from recording.settings import Settings


@dataclass(frozen=True)
class Fired:
    """A guard that fires, with the recording's row as it is now."""

    task: GuardTask
    record: RecordingRecord
    ports: Ports
    settings: Settings

    @property
    def policy(self) -> CallPolicy:
        """Return the policy that covers the recording now."""
        return policy_of(self.record, self.settings)


def report_unrecorded_call(fired: Fired, reason: str, *marks: object) -> bool:
    """Raise the alarm about a call that must be recorded and is not; before all else, so that no death loses it.

    A recording that goes on although it should be paused raises none, and neither does one that ACS does not know.

    Returns:
        Whether ACS knows the recording; False where it was not asked.
    """
    if not fired.policy.must_be_recorded:
        return False
    record, ports = fired.record, fired.ports
    state = acs_state(record.recording_id, record, ports)
    if state is not None and reason == CALL_STOPPED:
        report_stopped(record, reason, ports, fired.settings)
    elif is_paused(state):
        report_unrecorded(record, reason, ports.clock.now(), ports, fired.settings, *marks)
        if fired.policy.on_pause_timeout is TimeIsUp.STOP:  # the stop that follows is not another alarm
            note_end_reported(record.recording_id, ports)
    return state is not None


def stop_by_policy(record: RecordingRecord, reason: str, ports: Ports, *, was_known: bool) -> None:
    """Stop a recording as its policy asks, and note the reason in the audit trail."""
    name = record.recording_id
    act_by_policy(Operation.STOP, name, reason, ports, lambda: stop_recording(name, ports, was_known=was_known))
