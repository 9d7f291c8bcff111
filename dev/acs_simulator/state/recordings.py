"""The life of a recording: started once per call, paused, resumed, and ended by a stop or with its call."""

from collections.abc import Callable
from datetime import datetime, timedelta

from dev.acs_simulator.options import SimulatorOptions
from dev.acs_simulator.state.identifiers import new_recording_id
from dev.acs_simulator.state.model import (
    Call,
    Recording,
    RecordingFormat,
    RecordingState,
    Refusal,
    SessionEnd,
    Transition,
)


def recording_not_found() -> Refusal:
    """Return what ACS says of a recording that never existed, was stopped, or whose call is over."""
    return Refusal(404, "8522", "Recording not found.")


class Recordings:
    """All recordings since the start. `changed` hears every state change, `ended` every end, at once."""

    def __init__(
        self,
        options: SimulatorOptions,
        changed: Callable[[Recording, Transition], None],
        ended: Callable[[Recording], None],
    ) -> None:
        self._options = options
        self._changed = changed
        self._ended = ended
        self._recordings: dict[str, Recording] = {}

    def all(self) -> list[Recording]:
        """Return every recording, oldest first."""
        return list(self._recordings.values())

    def by_id(self, recording_id: str) -> Recording | None:
        """Return the recording, ended or not."""
        return self._recordings.get(recording_id)

    def start(
        self,
        call: Call,
        asked: RecordingFormat,
        now: datetime,
        *,
        paused: bool = False,
        callback_uri: str | None = None,
        container_url: str | None = None,
    ) -> Recording:
        """Begin recording a call; refuse a second one beside the first. It is `inactive` until it gets going."""
        if any(other.call is call and other.ended_at is None for other in self._recordings.values()):
            code = self._options.duplicate_code
            raise Refusal(400, code, "Recording already initiated or in progress for this call.")
        recording = Recording(
            new_recording_id(), call, asked, now, callback_uri=callback_uri, container_url=container_url
        )
        self._recordings[recording.recording_id] = recording
        if not paused:
            self._change(recording, RecordingState.ACTIVE, now, self._options.activation_delay)
        return recording

    def running(self, recording_id: str) -> Recording:
        """Return the recording, if it has not ended; refused with 8522 otherwise: ACS does not tell why."""
        recording = self._recordings.get(recording_id)
        if recording is None or recording.ended_at is not None:
            raise recording_not_found()
        return recording

    def pause(self, recording_id: str, now: datetime) -> Recording:
        """Make an active recording inactive."""
        return self._switch(recording_id, RecordingState.INACTIVE, now)

    def resume(self, recording_id: str, now: datetime) -> Recording:
        """Make a paused recording active."""
        return self._switch(recording_id, RecordingState.ACTIVE, now)

    def stop(self, recording_id: str, now: datetime) -> Recording:
        """End a recording for good; its files follow."""
        recording = self.running(recording_id)
        self._end(recording, now, SessionEnd.STOPPED)
        return recording

    def end_call(self, call: Call, now: datetime) -> None:
        """End a call and, with it, its recording: stop is not required."""
        call.ended_at = call.ended_at or now
        for recording in self._recordings.values():
            if recording.call is call and recording.ended_at is None:
                self._end(recording, now, SessionEnd.CALL_ENDED)

    def _switch(self, recording_id: str, wanted: RecordingState, now: datetime) -> Recording:
        recording = self.running(recording_id)
        is_changing = recording.wanted_state is not recording.state_at(now)
        if recording.wanted_state is wanted or (is_changing and self._options.refuse_while_changing):
            # The code is documented by name only; that its status is 400 is an assumption.
            raise Refusal(400, "8573", "Pause Resume Method Not Allowed.")
        self._change(recording, wanted, now, self._options.state_delay)
        return recording

    def _change(self, recording: Recording, state: RecordingState, now: datetime, delay: float) -> None:
        earliest = recording.transitions[-1].at if recording.transitions else now
        transition = Transition(max(now + timedelta(seconds=delay), earliest), state)
        recording.transitions.append(transition)
        self._changed(recording, transition)

    def _end(self, recording: Recording, now: datetime, reason: SessionEnd) -> None:
        recording.ended_at, recording.end_reason = now, reason
        self._ended(recording)
