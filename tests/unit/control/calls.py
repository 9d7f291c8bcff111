"""A call under guard, as a test plays it: it starts, pauses, says what was consented to, and time goes by."""

from typing import Any

from dev.in_memory.builders import chunk, event
from dev.in_memory.world import World, world
from recording.control.consents import tell_consent
from recording.control.pauses import pause_recording
from recording.control.recordings import start_recording
from recording.domain.calls.policy import CallPolicy
from recording.domain.incoming.requests import ConsentRequest, PauseRequest
from recording.domain.outgoing.events import EventType

CALL = {"serverCallId": "aHR0cHM6Ly9jYWxs"}
EVIDENCE = {"basis": "spoken", "reference": "IVR-7", "capturedAt": "2026-11-23T08:00:00Z", "capturedBy": "ivr"}
GIVEN = ConsentRequest.read({"step": "given", **EVIDENCE})
WITHDRAWN = ConsentRequest.read({"step": "withdrawn"})
STOPPED, CALL_ENDED = "InitiatorLeft", "CallEnded"  # ACS's words for why a recording has ended


def under(*policies: CallPolicy, **policy: Any) -> World:
    """Return a world with these policies, or with one of these facts."""
    return world(call_policies=policies or (CallPolicy(name="test", **policy),))


def watched(**policy: Any) -> World:
    """Return a world in which every call must be recorded, and a receiver that is told."""
    here = under(must_be_recorded=True, **policy)
    here.reports_to()
    return here


def state(here: World, recording_id: str) -> str | None:
    """Return the state at ACS."""
    return here.fakes.control.states.get(recording_id)


def starts(here: World, **body: Any) -> str:
    """Start a recording, and return its id."""
    return str(start_recording({**CALL, **body}, "key", "ada", here.ports, here.settings)["recordingId"])


def pauses(here: World, recording_id: str, seconds: int | None = None) -> dict[str, Any]:
    """Pause for a card number."""
    asked = PauseRequest(reason="card number", max_seconds=seconds)
    return pause_recording(recording_id, here.ports, here.settings, asked, "ada")


def tells(here: World, recording_id: str, asked: ConsentRequest) -> dict[str, Any]:
    """Tell a step of consent."""
    return tell_consent(recording_id, asked, "ada", here.ports, here.settings)


def passes(here: World, seconds: float) -> None:
    """Let time go by in steps of five seconds; guards that are due fire."""
    for _ in range(int(seconds / 5)):
        here.fakes.clock.advance(seconds=5)
        here.guards()


def ends(here: World, recording: str) -> None:
    """Another application stops it, or its call is over: ACS knows it no more."""
    del here.fakes.control.states[recording]


def announced(here: World, recording: str, reason: str | None, end_reason: str = "SessionEnded") -> None:
    """Let ACS's event arrive, about the only file or about one of several."""
    subject = f"/recording/call/call-1/serverCallId/x/recordingId/{recording}"
    here.announces(event(chunk(endReason=end_reason), subject=subject, data={"sessionEndReason": reason}))


def told(here: World) -> list[tuple[str | None, str]]:
    """Return the alarms about calls that are not recorded, each event once."""
    here.notifies()
    outgoing = here.fakes.outgoing
    assert outgoing is not None
    kept = [one for one in outgoing.outbox.kept.values() if one.type is EventType.UNRECORDED]
    return [(one.data.get("recordingId"), one.data["reason"]) for one in kept]
