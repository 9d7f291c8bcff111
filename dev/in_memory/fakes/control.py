"""ACS's control plane in memory."""

from datetime import datetime

from dev.in_memory.fakes.scripted import Scripted, scripted
from recording.domain.incoming.requests import StartOptions
from recording.errors import ControlError
from recording.errors.codes import Code


class FakeControl(Scripted):
    """ACS's control plane: one recording at a time for each call, forgotten when stopped.

    Attributes:
        is_slow: a start, pause or resume that is accepted shows later, at `settle`; ACS refuses others until then.
        changing: the state of each recording that is about to change.
    """

    def __init__(self) -> None:
        super().__init__()
        self.started: dict[str, StartOptions] = {}  # every start that was carried out, by recording id
        self.states: dict[str, str] = {}  # the recordings that run
        self.is_slow = False
        self.changing: dict[str, str] = {}
        self._by_repeatability_id: dict[str, str] = {}

    def wanted(self, recording_id: str) -> str | None:
        """Return the state that ACS has accepted, whether it shows yet or not; None when the recording is over."""
        now = self.states.get(recording_id)
        return self.changing.get(recording_id, now) if now is not None else None

    def settle(self) -> None:
        """Let every state change that was accepted take effect."""
        self.states.update({name: state for name, state in self.changing.items() if name in self.states})
        self.changing.clear()

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
        self.states[recording_id] = "inactive"
        if not options.pause_on_start:
            self._change(recording_id, "active")
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
        if self.states[recording_id] == state or recording_id in self.changing:
            raise ControlError("it is so already", code=Code.PAUSE_RESUME_NOT_ALLOWED)
        self._change(recording_id, state)

    def _change(self, recording_id: str, state: str) -> None:
        if self.is_slow:
            self.changing[recording_id] = state
        else:
            self.states[recording_id] = state

    def _check(self, recording_id: str) -> None:
        if recording_id not in self.states:
            raise ControlError("ACS knows no such recording", code=Code.RECORDING_NOT_FOUND)
