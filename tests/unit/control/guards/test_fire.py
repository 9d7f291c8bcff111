"""Guards of a call: pauses end and limits hold, whichever worker dies and however often a message arrives."""

from datetime import timedelta

import pytest

from dev.in_memory.world import World, dies_at
from recording.control.guards.fire import guard_message
from recording.control.recordings import get_recording
from recording.control.resumes import resume_recording, stop_recording
from recording.domain.calls.guards import VERSION
from recording.domain.calls.policy import ConsentRule, TimeIsUp
from recording.errors import ControlError, RequestError
from recording.errors.codes import Code
from recording.operate.attention import needs_attention
from tests.unit.control.calls import EVIDENCE, passes, pauses, starts, state, under


def kinds(here: World) -> list[str]:
    return [item.kind.value for item in needs_attention(here.ports, here.settings).items]


# --- pauses ----------------------------------------------------------------------------------------------------------


def test_a_pause_ends_by_itself() -> None:
    """The agent who forgets to resume must not cost the rest of the call."""
    here = under()
    recording = starts(here)
    assert pauses(here, recording)["state"] == "paused"
    passes(here, 295)
    assert here.fakes.control.states[recording] == "inactive"
    passes(here, 10)
    assert here.fakes.control.states[recording] == "active"
    (pause,) = here.fakes.catalog.recordings[recording].pauses
    assert (pause.how, pause.reason, pause.by) == ("time_up", "card number", "ada")
    told = [(entry.operation, entry.outcome, entry.caller) for entry in here.fakes.audit.written][-2:]
    assert told == [("resume_recording", "asked", None), ("resume_recording", "done", None)]


def test_a_second_pause_does_not_extend_the_first() -> None:
    """Pressing again is no way around the limit."""
    here = under()
    recording = starts(here)
    first = pauses(here, recording)["pause"]
    passes(here, 200)
    assert pauses(here, recording)["pause"] == first
    passes(here, 105)
    assert here.fakes.control.states[recording] == "active"


def test_a_guard_of_an_earlier_pause_leaves_a_later_one() -> None:
    """It would resume into a card number."""
    here = under()
    recording = starts(here)
    pauses(here, recording)
    passes(here, 100)
    resume_recording(recording, here.ports)
    passes(here, 150)
    pauses(here, recording)
    passes(here, 100)
    assert here.fakes.control.states[recording] == "inactive"
    passes(here, 210)
    assert here.fakes.control.states[recording] == "active"


def test_a_request_may_ask_for_less_and_not_for_more() -> None:
    """The policy is the most."""
    here = under(longest_pause_seconds=60)
    recording = starts(here)
    with pytest.raises(RequestError) as refusal:
        pauses(here, recording, 61)
    assert (refusal.value.code, here.fakes.control.states[recording]) == ("pause_too_long", "active")
    pauses(here, recording, 20)
    passes(here, 25)
    assert here.fakes.control.states[recording] == "active"


def test_what_acs_refuses_to_pause_is_not_paused() -> None:
    """Its answer may have been lost, so its guard ends it all the same; and the next pause is a new one."""
    here = under()
    recording = starts(here)
    here.fakes.control.fail_next("pause", ControlError("busy", code=Code.ACS_UNAVAILABLE))
    with pytest.raises(ControlError):
        pauses(here, recording)
    passes(here, 400)
    assert [pause.how for pause in here.fakes.catalog.recordings[recording].pauses] == ["refused"]
    assert state(here, recording) == "active"
    pauses(here, recording)
    assert [pause.how for pause in here.fakes.catalog.recordings[recording].pauses] == ["refused", None]


@pytest.mark.parametrize("is_deaf", [False, True])
def test_a_pause_whose_answer_is_lost_ends_all_the_same(is_deaf: bool) -> None:
    """ACS has paused and the answer never came; the caller asks again and hears of it, unless it may not have begun."""
    here = under()
    recording = starts(here)
    here.fakes.control.fail_next("pause", ControlError("lost", code=Code.ACS_UNAVAILABLE), after=True)
    if is_deaf:
        here.fakes.control.fail_next("state", ControlError("lost", code=Code.ACS_UNAVAILABLE), times=2)
    with pytest.raises(ControlError):
        pauses(here, recording)
    if is_deaf:
        with pytest.raises(ControlError, match="not begun"):
            pauses(here, recording)
    else:
        assert pauses(here, recording)["state"] == "paused"
    passes(here, 305)
    assert here.fakes.control.states[recording] == "active"


def test_no_pause_begins_what_rests_since_its_start() -> None:
    """Without consent a recording is paused already: a pause of it is refused, and its end resumes nothing."""
    here = under(consent=ConsentRule.FIRST, consent_within_seconds=3600)
    recording = starts(here)
    with pytest.raises(ControlError):
        pauses(here, recording)
    passes(here, 600)
    assert here.fakes.control.states[recording] == "inactive"


def test_a_recording_that_nobody_knows_leaves_no_row() -> None:
    """A made-up id must not become a recording; one that ACS knows may be paused and has its guard."""
    here = under()
    with pytest.raises(ControlError):
        pauses(here, "unknown")
    assert here.fakes.catalog.recordings == {}
    here.fakes.control.states["elsewhere"] = "active"
    pauses(here, "elsewhere")
    passes(here, 305)
    assert here.fakes.control.states["elsewhere"] == "active"


@pytest.mark.parametrize(("rule", "expected"), [(TimeIsUp.STOP, None), (TimeIsUp.ALARM, "inactive")])
def test_the_policy_says_what_follows(rule: TimeIsUp, expected: str | None) -> None:
    """Stopping, or an operator."""
    here = under(on_pause_timeout=rule)
    recording = starts(here)
    pauses(here, recording)
    passes(here, 305)
    assert here.fakes.control.states.get(recording) == expected
    assert kinds(here) == (["pause_overdue"] if rule is TimeIsUp.ALARM else [])


def test_a_pause_that_cannot_be_ended_needs_attention_until_it_is_over() -> None:
    """ACS refuses for four minutes: the alarm comes at the first refusal."""
    here = under()
    recording = starts(here)
    pauses(here, recording)
    here.fakes.control.fail_next("resume", ControlError("busy", code=Code.ACS_UNAVAILABLE), times=6)
    passes(here, 305)
    assert kinds(here) == ["pause_overdue"]
    assert here.fakes.control.states[recording] == "inactive"
    passes(here, 300)
    assert (here.fakes.control.states[recording], kinds(here)) == ("active", [])


def test_a_recording_that_was_resumed_elsewhere_or_is_over_is_left_alone() -> None:
    """ACS says so, and the pause is noted as over."""
    here = under()
    recording = starts(here)
    pauses(here, recording)
    here.fakes.control.states[recording] = "active"
    passes(here, 305)
    pauses(here, recording)
    del here.fakes.control.states[recording]
    passes(here, 305)
    found = [pause.how for pause in here.fakes.catalog.recordings[recording].pauses]
    assert (found, kinds(here), here.fakes.guards.sent) == (["resumed_elsewhere", "over"], [], [])


@pytest.mark.parametrize("deaths", [1, 3, 60])
def test_a_forgotten_pause_ends_though_its_guard_dies_again_and_again(deaths: int) -> None:
    """Sixty restarts in a row: the message comes back each time."""
    here = under()
    recording = starts(here)
    pauses(here, recording)
    here.fakes.clock.advance(seconds=305)
    for number in range(deaths):
        at = 1 + number % 9
        dies_at(here, at, here.guards, after=at % 2 == 0)
        here.fakes.clock.advance(hours=0.2)
    here.guards()
    here.fakes.clock.advance(hours=0.2)
    here.guards()
    assert here.fakes.control.states[recording] == "active"
    (pause,) = here.fakes.catalog.recordings[recording].pauses
    assert pause.how in ("time_up", "resumed_elsewhere")
    assert kinds(here) == []


@pytest.mark.parametrize("after", [False, True])
@pytest.mark.parametrize("call", range(1, 12))
def test_nobody_can_leave_a_pause_without_an_end(call: int, after: bool) -> None:
    """Whoever dies while pausing: the guard is there, or reconcile finds the pause."""
    here = under()
    recording = starts(here)
    dies_at(here, call, lambda: pauses(here, recording), after=after)
    here.runs(hours=2, until_quiet=False)
    assert here.fakes.control.states[recording] == "active"
    assert [pause for pause in here.fakes.catalog.recordings[recording].pauses if pause.how is None] == []


def test_a_fast_clock_ends_no_pause_early() -> None:
    """One instance is 25 hours ahead: its reconcile sends a guard anew, which waits by the queue's own clock."""
    here = under()
    recording = starts(here)
    pauses(here, recording)
    here.skew = timedelta(hours=25)
    here.reconciles()
    passes(here, 290)
    assert here.fakes.control.states[recording] == "inactive"
    passes(here, 15)
    assert here.fakes.control.states[recording] == "active"


def test_a_message_that_is_none_or_of_a_newer_version_harms_nothing() -> None:
    """The newer one stays for a worker that can read it."""
    here = under()
    recording = starts(here)
    pauses(here, recording)
    for text in ("", "{}", "[" * 5000, '{"recordingId": "x", "kind": "dance"}', '{"version": "2"}', "null"):
        guard_message(text, here.ports, here.settings)
    newer = f'{{"version": {VERSION + 1}, "recordingId": "x", "kind": "dance"}}'
    guard_message(newer, here.ports, here.settings)
    assert newer in [body for body, _ in here.fakes.guards.sent]


# --- limits ----------------------------------------------------------------------------------------------------------


def test_a_recording_lasts_no_longer_than_its_policy_allows(caplog: pytest.LogCaptureFixture) -> None:
    """A warning first, then the stop."""
    caplog.set_level("INFO", "recording")
    here = under(longest_recording_seconds=3600)
    recording = starts(here)
    passes(here, 3005)
    assert "recording.ends_soon" in caplog.text
    assert here.fakes.control.states[recording] == "active"
    passes(here, 600)
    assert recording not in here.fakes.control.states


def test_what_must_be_recorded_raises_an_alarm_at_once(caplog: pytest.LogCaptureFixture) -> None:
    """A refused start, a stop by a caller, and a pause that is too long."""
    here = under(must_be_recorded=True)
    here.fakes.control.fail_next("start", ControlError("no", code=Code.ACS_UNAVAILABLE))
    with pytest.raises(ControlError):
        starts(here)
    recording = starts(here)
    pauses(here, recording)
    passes(here, 305)
    stop_recording(recording, here.ports, here.settings)
    told = [record.reason for record in caplog.records if record.event == "recording.unrecorded"]  # type: ignore[attr-defined]
    assert told == ["start_refused", "paused_too_long", "stopped"]


def test_get_tells_pauses_and_consent() -> None:
    """What was asked for is seen by whoever may read."""
    here = under()
    recording = starts(here, consent=EVIDENCE)
    pauses(here, recording)
    content = get_recording(recording, here.ports, here.settings)
    assert (content["consentState"], content["pauses"][0]["reason"]) == ("given", "card number")
    assert content["pauseFindings"] == []


@pytest.mark.parametrize("rule", [TimeIsUp.RESUME, TimeIsUp.STOP])
@pytest.mark.parametrize("call", range(1, 14))
def test_a_pause_that_was_too_long_is_told_whoever_dies(rule: TimeIsUp, call: int) -> None:
    """The caller has to end the call; a worker that dies on the way to saying so is followed by another one."""
    here = under(must_be_recorded=True, on_pause_timeout=rule)
    here.reports_to()
    recording = starts(here)
    pauses(here, recording)
    here.fakes.clock.advance(seconds=305)
    dies_at(here, call, here.guards)
    here.runs(hours=0.5, until_quiet=False)
    outgoing = here.fakes.outgoing
    assert outgoing is not None
    told = {(event.type.value, event.data.get("reason")) for event in outgoing.outbox.kept.values()}
    assert ("unrecorded", "paused_too_long") in told
