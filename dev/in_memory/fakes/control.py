"""ACS's control plane in memory."""

from datetime import datetime

from dev.in_memory.fakes.scripted import Scripted, scripted
from recording.domain.incoming.requests import StartOptions
from recording.errors import ControlError
from recording.errors.codes import Code


class FakeControl(Scripted):
    """ACS's control plane: one recording at a time for each call, forgotten when stopped."""

    def __init__(self) -> None:
        super().__init__()
        self.started: dict[str, StartOptions] = {}  # every start that was carried out, by recording id
        self.states: dict[str, str] = {}  # the recordings that run
        self._by_repeatability_id: dict[str, str] = {}

    @scripted
    def start(self, options: StartOptions, repeatability_id: str, first_sent: datetime) -> tuple[str, str]:
        recording_id = self._by_repeatability_id.get(repeatability_id) or self._start_new(options)
        self._by_repeatability_id[repeatability_id] = recording_id
        return recording_id, self.states.get(recording_id, "inactive")

    def _start_new(self, options: StartOptions) -> str:
        if any(self.started[running].locator == options.locator for running in self.states):
            raise ControlError("the call is being recorded already", code=Code.ALREADY_RECORDING)
        recording_id = f"recording-{len(self.started) + 1}"
        self.started[recording_id] = options
        self.states[recording_id] = "inactive" if options.pause_on_start else "active"
        return recording_id

    @scripted
    def state(self, recording_id: str) -> str | None:
        return self.states.get(recording_id)

    @scripted
    def pause(self, recording_id: str) -> None:
        self._switch(recording_id, "inactive")

    @scripted
    def resume(self, recording_id: str) -> None:
        self._switch(recording_id, "active")

    @scripted
    def stop(self, recording_id: str) -> None:
        self._check(recording_id)
        del self.states[recording_id]

    def _switch(self, recording_id: str, state: str) -> None:
        self._check(recording_id)
        if self.states[recording_id] == state:
            raise ControlError("it is so already", code=Code.PAUSE_RESUME_NOT_ALLOWED)
        self.states[recording_id] = state

    def _check(self, recording_id: str) -> None:
        if recording_id not in self.states:
            raise ControlError("ACS knows no such recording", code=Code.RECORDING_NOT_FOUND)
