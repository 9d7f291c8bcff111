"""Name the recording that is already running, when ACS refuses a second one of the same call."""

from collections.abc import Callable, Mapping
from typing import Any, TypeVar

from recording.domain.find.find_query import FindQuery, FindState
from recording.errors import ControlError, RecordingError
from recording.errors.codes import Code
from recording.library.directory import find
from recording.ports import Ports
from recording.settings import Settings

T = TypeVar("T")
_LOCATORS = ("serverCallId", "callConnectionId", "groupCallId", "roomId")


def naming_the_running_one(start: Callable[[], T], body: Any, ports: Ports, settings: Settings) -> T:
    """Return what `start` returns; add the id of the running recording to `already_recording`, if it is found.

    Raises:
        RecordingError: as `start`.
    """
    try:
        return start()
    except ControlError as error:
        if error.code is Code.ALREADY_RECORDING:
            error.recording_id = running_recording(body, ports, settings)
        raise


def running_recording(body: Any, ports: Ports, settings: Settings) -> str | None:
    """Return the newest running recording of the call in a start request; None when none is known."""
    asked = (body.get(name) for name in _LOCATORS) if isinstance(body, Mapping) else ()
    call = next((text for text in asked if isinstance(text, str) and text), None)
    if call is None:
        return None
    try:
        page = find(FindQuery(call=call, state=FindState.RECORDING, limit=1), ports, settings)
    except RecordingError:  # the refusal is the answer; the id is optional
        return None
    return page.items[0].recording.recording_id if page.items else None
