"""Which policy covers a recording: by the caller whom the platform vouches for, never by what a key holder says."""

from collections.abc import Callable
from contextlib import suppress
from typing import Any

import pytest

from dev.in_memory.fakes.probe import FakeProbe
from dev.in_memory.world import World, world
from recording.control.consents import tell_consent
from recording.control.notes import policy_of
from recording.control.pauses import pause_recording
from recording.control.recordings import start_recording
from recording.control.resumes import resume_recording, stop_recording
from recording.domain.calls.policy import CallPolicy, ConsentRule, TimeIsUp, Withdrawal
from recording.domain.incoming.requests import PauseRequest
from recording.domain.outgoing.events import EventType
from recording.domain.state.recording import RecordingRecord
from recording.domain.state.records import changed
from recording.errors import RecordingError
from recording.operate.doctor import examine
from recording.operate.doctor.findings import State
from tests.unit.control.calls import CALL, EVIDENCE, WITHDRAWN, passes, under

VIP = "11111111-2222-3333-4444-555555555555"
LOOSE = CallPolicy(name="vip", callers=(VIP,), longest_pause_seconds=86_400)
STRICT: dict[str, dict[str, Any]] = {
    "consent first": {"consent": ConsentRule.FIRST, "consent_within_seconds": 60},
    "evidence at start": {"consent": ConsentRule.AT_START},
    "withdrawal stops": {"on_withdrawal": Withdrawal.STOP},
    "short pauses": {"longest_pause_seconds": 30},
    "a long pause stops": {"longest_pause_seconds": 60, "on_pause_timeout": TimeIsUp.STOP},
    "must be recorded": {"must_be_recorded": True, "longest_pause_seconds": 60},
    "a limit": {"longest_recording_seconds": 120},
}
Act = Callable[[World, str], Any]
ACTS: dict[str, Act] = {
    "nothing": lambda _here, _name: None,
    "a long pause": lambda here, name: pause_recording(name, here.ports, here.settings, PauseRequest(max_seconds=3600)),
    "a pause": lambda here, name: pause_recording(name, here.ports, here.settings),
    "a resume": lambda here, name: resume_recording(name, here.ports, settings=here.settings),
    "a stop": lambda here, name: stop_recording(name, here.ports, here.settings),
    "a withdrawal": lambda here, name: tell_consent(name, WITHDRAWN, None, here.ports, here.settings),
}


def lived(strict: dict[str, Any], act: Act, requested_by: str | None, *, consent: bool) -> list[Any]:
    """Return what a key holder's call came to: refusals, ACS's state over ten minutes, and what was reported."""
    here = under(LOOSE, CallPolicy(name="strict", tags={"line": "payments"}, **strict))
    here.reports_to()
    body = {**CALL, "tags": {"line": "payments"}, **({"requestedBy": requested_by} if requested_by else {})}
    seen: list[Any] = []
    name = ""
    try:
        body |= {"consent": EVIDENCE} if consent else {}
        name = str(start_recording(body, "key", None, here.ports, here.settings)["recordingId"])
        act(here, name)
    except RecordingError as error:
        seen.append(error.code)
    for _ in range(20):
        passes(here, 30)
        seen.append(here.fakes.control.states.get(name))
    here.notifies()
    outgoing = here.fakes.outgoing
    assert outgoing is not None
    kept = [one for one in outgoing.outbox.kept.values() if one.type is not EventType.ARCHIVED]
    return [*seen, *sorted((one.type, one.data.get("reason", "")) for one in kept)]


@pytest.mark.parametrize("consent", [False, True])
@pytest.mark.parametrize("act", ACTS)
@pytest.mark.parametrize("strict", STRICT)
def test_a_name_that_a_key_holder_gives_itself_changes_nothing(strict: str, act: str, consent: bool) -> None:
    """Whatever the policy asks for and whatever is done, it is as if no name had been given."""
    without = lived(STRICT[strict], ACTS[act], None, consent=consent)
    assert lived(STRICT[strict], ACTS[act], VIP, consent=consent) == without


def test_a_caller_whom_the_platform_vouches_for_has_its_policy_at_every_step() -> None:
    """And a name beside it changes nothing either."""
    here = under(LOOSE, CallPolicy(name="strict", longest_pause_seconds=30))
    body = {**CALL, "requestedBy": "another"}
    name = str(start_recording(body, "key", VIP, here.ports, here.settings)["recordingId"])
    told = pause_recording(name, here.ports, here.settings, PauseRequest(max_seconds=3600), VIP)
    assert told["state"] == "paused"
    with suppress(RecordingError):
        start_recording({"serverCallId": "b3RoZXI=", "requestedBy": VIP}, "k2", "another", here.ports, here.settings)
    rows = here.fakes.catalog.recordings.values()
    assert [policy_of(row, here.settings).name for row in rows] == ["vip", "strict"]


def test_rows_of_an_older_version_keep_their_policy() -> None:
    """They do not say who vouched; recordings that run during an update go on as they began."""
    here = under(LOOSE)
    row = RecordingRecord(recording_id="r", started_here=True, started_by=VIP)
    assert policy_of(row, here.settings).name == "vip"
    assert policy_of(changed(row, is_vouched=False), here.settings).name == "default"


def test_who_asked_is_still_shown() -> None:
    """The name helps to find who it was; it only decides nothing."""
    here = under(LOOSE)
    body = {**CALL, "requestedBy": "crm"}
    name = str(start_recording(body, "key", None, here.ports, here.settings)["recordingId"])
    assert here.fakes.catalog.recordings[name].started_by == "crm"


@pytest.mark.parametrize(("signs_in", "state"), [(False, State.WARNING), (True, State.OK)])
def test_the_doctor_says_that_policies_by_caller_hold_for_nobody(signs_in: bool, state: State) -> None:
    """Without sign-in nobody vouches for a caller; an operator who wrote that policy meant something else."""
    here = world(call_policies=(LOOSE,), platform_auth=signs_in)
    found = {one.check: one for one in examine(lambda: (here.ports, here.settings), lambda _: FakeProbe())}["settings"]
    assert found.state is state
    assert ("vip" in found.found) is not signs_in
