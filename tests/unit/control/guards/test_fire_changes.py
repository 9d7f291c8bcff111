"""What changes while a call runs: consent that is given again, tags and policies, and guards that come late."""

from contextlib import suppress
from typing import Any

import pytest

from dev.in_memory.world import World, dies_at
from recording.control.guards.fire import guard_message
from recording.control.resumes import resume_recording
from recording.domain.calls.policy import CallPolicy, ConsentRule, TimeIsUp, Withdrawal
from recording.domain.incoming.requests import ConsentRequest
from recording.domain.outgoing.events import EventType, OutgoingEvent
from recording.errors import ControlError, RecordingError, RequestError, StorageBusyError
from recording.errors.codes import Code
from recording.library.tags import change_tags
from tests.unit.control import calls
from tests.unit.control.calls import EVIDENCE, GIVEN, WITHDRAWN, passes, pauses, starts, state, tells


def under(*policies: CallPolicy, **policy: Any) -> World:
    here = calls.under(*policies, **policy)
    here.reports_to()
    return here


def ended(here: World, recording_id: str) -> list[tuple[str | None, str | None]]:
    row = here.fakes.catalog.recordings[recording_id]
    return [(pause.reason, pause.how.value if pause.how else None) for pause in row.pauses]


def notes(here: World) -> list[str | None]:
    return [entry.note for entry in here.fakes.audit.written if entry.note]


def warnings(here: World) -> list[int]:
    """Return how many seconds were left at each warning."""
    return [event.data["secondsLeft"] for event in sorted(sent(here, EventType.ENDS_SOON), key=lambda event: event.at)]


def sent(here: World, kind: EventType) -> list[OutgoingEvent]:
    here.notifies()
    outgoing = here.fakes.outgoing
    assert outgoing is not None
    return [event for event in outgoing.outbox.kept.values() if event.type is kind]


# --- consent that is given again --------------------------------------------------------------------------------------


@pytest.mark.parametrize("rule", list(ConsentRule))
def test_consent_given_again_resumes_what_its_withdrawal_paused(rule: ConsentRule) -> None:
    """Under every rule, any number of times: the rest of the call is wanted."""
    here = under(consent=rule)
    recording = starts(here, consent=EVIDENCE)
    for _ in range(3):
        tells(here, recording, WITHDRAWN)
        assert state(here, recording) == "inactive"
        passes(here, 400)
        assert state(here, recording) == "inactive"
        assert tells(here, recording, GIVEN)["state"] == "recording"
        passes(here, 100)
        assert state(here, recording) == "active"
    assert ended(here, recording) == [("consent withdrawn", "resumed")] * 3


def test_consent_given_again_ends_no_pause_for_a_card_number() -> None:
    """It goes on until its own end, and the recording goes on then."""
    here = under(longest_pause_seconds=90)
    recording = starts(here, consent=EVIDENCE)
    first = pauses(here, recording)["pause"]
    passes(here, 20)
    tells(here, recording, WITHDRAWN)
    passes(here, 20)
    assert tells(here, recording, GIVEN)["state"] == "paused"
    assert pauses(here, recording)["pause"] == first, "the pause is still the same one"
    passes(here, 45)
    assert state(here, recording) == "inactive"
    passes(here, 10)
    assert state(here, recording) == "active"
    assert ended(here, recording) == [("card number", "time_up"), ("consent withdrawn", "resumed")]


def test_a_pause_that_is_asked_for_during_a_withdrawal_has_its_own_end() -> None:
    """Consent comes back while the card number is said: it must not be heard."""
    here = under(longest_pause_seconds=90)
    recording = starts(here, consent=EVIDENCE)
    tells(here, recording, WITHDRAWN)
    passes(here, 10)
    assert pauses(here, recording)["pause"]["reason"] == "card number"
    passes(here, 30)
    tells(here, recording, GIVEN)
    passes(here, 55)
    assert state(here, recording) == "inactive"
    passes(here, 10)
    assert state(here, recording) == "active"


@pytest.mark.parametrize("rule", list(TimeIsUp))
def test_the_end_of_a_pause_leaves_a_withdrawal(rule: TimeIsUp) -> None:
    """The time of the pause is up, and there is still no consent; when it is given, nothing else keeps it paused."""
    here = under(longest_pause_seconds=90, on_pause_timeout=rule)
    recording = starts(here, consent=EVIDENCE)
    pauses(here, recording)
    passes(here, 20)
    tells(here, recording, WITHDRAWN)
    passes(here, 200)
    assert state(here, recording) == "inactive"
    assert ended(here, recording) == [("card number", "time_up"), ("consent withdrawn", None)]
    tells(here, recording, GIVEN)
    assert state(here, recording) == "active"


@pytest.mark.parametrize("call", range(1, 16))
@pytest.mark.parametrize("after", [False, True])
def test_consent_given_again_is_carried_out_whoever_dies(call: int, after: bool) -> None:
    """Once it is noted, its guard sees to it, as for a withdrawal."""
    here = under()
    recording = starts(here, consent=EVIDENCE)
    tells(here, recording, WITHDRAWN)
    dies_at(here, call, lambda: tells(here, recording, GIVEN), after=after)
    here.runs(hours=0.5, until_quiet=False)
    is_noted = len(here.fakes.catalog.recordings[recording].consents) == 2
    assert state(here, recording) == ("active" if is_noted else "inactive")


def test_consent_given_again_is_carried_out_though_acs_refuses_for_minutes() -> None:
    """The caller hears of it, and the guard tries again."""
    here = under()
    recording = starts(here, consent=EVIDENCE)
    tells(here, recording, WITHDRAWN)
    here.fakes.control.fail_next("resume", ControlError("busy", code=Code.ACS_UNAVAILABLE), times=4)
    with pytest.raises(ControlError):
        tells(here, recording, GIVEN)
    passes(here, 300)
    assert state(here, recording) == "active"


def test_consent_begins_nothing_that_a_caller_started_paused() -> None:
    """It rests because the caller wants it to, not for want of consent."""
    for rule in ConsentRule:
        here = under(consent=rule)
        recording = starts(here, consent=EVIDENCE, pauseOnStart=True)
        tells(here, recording, ConsentRequest.read({"step": "amended", **EVIDENCE}))
        passes(here, 200)
        assert state(here, recording) == "inactive"


def test_a_late_guard_of_the_first_consent_leaves_a_withdrawal_to_its_policy() -> None:
    """Consent was given in time and withdrawn later: the recording is paused, and not stopped for want of consent."""
    here = under(consent=ConsentRule.FIRST, consent_within_seconds=60, on_withdrawal=Withdrawal.PAUSE)
    recording = starts(here)
    tells(here, recording, GIVEN)
    passes(here, 20)
    tells(here, recording, WITHDRAWN)
    passes(here, 300)
    assert state(here, recording) == "inactive"
    tells(here, recording, GIVEN)
    assert state(here, recording) == "active"


def test_consent_given_again_leaves_the_alarm_about_another_pause() -> None:
    """An operator decides about that one, as the policy says."""
    here = under(longest_pause_seconds=90, on_pause_timeout=TimeIsUp.ALARM)
    recording = starts(here, consent=EVIDENCE)
    pauses(here, recording)
    passes(here, 100)
    tells(here, recording, WITHDRAWN)
    tells(here, recording, GIVEN)
    assert state(here, recording) == "inactive"
    assert here.fakes.catalog.recordings[recording].call_alarm == "pause_overdue"


def test_a_pause_whose_refusal_could_not_be_noted_keeps_nobody_from_the_consent_rule() -> None:
    """It rests since its start; what is noted of pauses changes nothing about that."""
    here = under(consent=ConsentRule.FIRST, consent_within_seconds=60)
    recording = starts(here)
    here.fakes.catalog.fail_next("save_recording", StorageBusyError("503"))
    for _ in range(3):
        dies_at(here, 5, lambda: pauses(here, recording))
        with suppress(RecordingError):
            pauses(here, recording)
    passes(here, 70)
    assert state(here, recording) is None


# --- policies and tags that change ------------------------------------------------------------------------------------

WAITING = CallPolicy(name="first", tags={"line": "a"}, consent=ConsentRule.FIRST, consent_within_seconds=60)


@pytest.mark.parametrize("is_given", [False, True])
def test_what_waits_for_consent_since_its_start_does_so_under_any_later_tags(is_given: bool) -> None:
    """Its new policy asks for no consent: it must not rest for ever, whichever way it goes."""
    here = under(WAITING)
    recording = starts(here, tags={"line": "a"})
    change_tags(recording, {"tags": {"line": "b"}}, "*", here.ports)
    if is_given:
        tells(here, recording, GIVEN)
        assert state(here, recording) == "active"
    passes(here, 70)
    assert state(here, recording) == ("active" if is_given else None)
    assert not is_given or "stop" not in here.fakes.control.calls
    assert is_given or any("no consent within 60 s" in str(note) for note in notes(here))


@pytest.mark.parametrize("by_settings", [False, True])
def test_no_change_of_tags_or_policies_lets_a_caller_resume_without_consent(by_settings: bool) -> None:
    """Who may tag may resume as well; the consent that its start has waited for is still missing."""
    here = under(WAITING)
    recording = starts(here, tags={"line": "a"})
    if by_settings:
        here.settings = here.settings.model_copy(update={"call_policies": ()})
    else:
        change_tags(recording, {"tags": {"line": "b"}}, "*", here.ports)
    with pytest.raises(RequestError) as refusal:
        resume_recording(recording, here.ports, settings=here.settings)
    assert refusal.value.code is Code.CONSENT_REQUIRED
    assert state(here, recording) == "inactive"
    tells(here, recording, GIVEN)
    assert state(here, recording) == "active"
    pauses(here, recording)
    resume_recording(recording, here.ports, settings=here.settings)
    assert state(here, recording) == "active"


SHORT = CallPolicy(name="short", tags={"line": "a"}, longest_recording_seconds=600, warn_before_seconds=120)
LONG = CallPolicy(name="long", tags={"line": "b"}, longest_recording_seconds=1800, warn_before_seconds=300)


def test_a_longer_limit_counts_for_a_recording_that_runs() -> None:
    """It ends when the policy that covers it now says so, neither at its first limit nor at both added."""
    here = under(SHORT, LONG)
    recording = starts(here, tags={"line": "a"})
    passes(here, 300)
    change_tags(recording, {"tags": {"line": "b"}}, "*", here.ports)
    passes(here, 1180)
    assert state(here, recording) == "active"
    assert warnings(here) == []
    passes(here, 30)
    assert warnings(here) == [300]
    passes(here, 280)
    assert state(here, recording) == "active"
    passes(here, 20)
    assert state(here, recording) is None
    assert any("it has lasted 1800 s" in str(note) for note in notes(here))


def test_a_limit_that_grows_after_the_warning_warns_again() -> None:
    """The first warning was of a stop that does not come."""
    here = under(SHORT, LONG)
    recording = starts(here, tags={"line": "a"})
    passes(here, 500)
    change_tags(recording, {"tags": {"line": "b"}}, "*", here.ports)
    passes(here, 1300)
    assert (warnings(here), state(here, recording)) == ([120, 300], None)


def test_a_shorter_limit_counts_from_the_warning_on() -> None:
    """The warning says when the stop comes."""
    here = under(SHORT, LONG)
    recording = starts(here, tags={"line": "b"})
    change_tags(recording, {"tags": {"line": "a"}}, "*", here.ports)
    passes(here, 1510)
    assert (warnings(here), state(here, recording)) == ([0], None)


def test_a_recording_without_a_limit_any_more_is_not_stopped() -> None:
    """The operator has taken it away."""
    here = under(SHORT)
    recording = starts(here, tags={"line": "a"})
    change_tags(recording, {"tags": {"line": "c"}}, "*", here.ports)
    passes(here, 700)
    assert state(here, recording) == "active"


def test_messages_of_an_older_version_that_say_no_time_are_obeyed() -> None:
    """They were sent before an update, and fire after it."""
    here = under(SHORT)
    recording = starts(here, tags={"line": "a"})
    for kind in ("warning", "longest"):
        guard_message(f'{{"version": 1, "recordingId": "{recording}", "kind": "{kind}"}}', here.ports, here.settings)
    assert (warnings(here), state(here, recording)) == ([120], None)


def test_a_guard_says_how_long_the_pause_was_asked_for() -> None:
    """Less than the most, or more than a policy that became shorter meanwhile: the trail says what was done."""
    here = under(CallPolicy(name="a", tags={"line": "a"}), CallPolicy(name="b", longest_pause_seconds=60))
    recording = starts(here, tags={"line": "a"})
    pauses(here, recording, 120)
    change_tags(recording, {"tags": {"line": "b"}}, "*", here.ports)
    passes(here, 115)
    assert state(here, recording) == "inactive"
    passes(here, 10)
    assert state(here, recording) == "active"
    assert {note for note in notes(here) if "pause" in str(note)} == {
        "the pause has lasted 120 s, as long as it was asked for; policy b"
    }


def test_a_guard_that_was_lost_comes_again_after_the_length_of_its_pause() -> None:
    """Twenty seconds were asked for: nobody waits for the five minutes of the policy."""
    here = under()
    recording = starts(here)
    pauses(here, recording, 20)
    here.fakes.guards.sent.clear()
    here.fakes.clock.advance(seconds=25)
    here.reconciles()
    passes(here, 25)
    assert state(here, recording) == "active"


# --- a guard or a note that comes late --------------------------------------------------------------------------------


@pytest.mark.parametrize("after", [False, True])
@pytest.mark.parametrize("call", range(1, 16))
def test_a_late_guard_of_consent_resumes_into_no_card_number(call: int, after: bool) -> None:
    """The worker that resumed it is gone before its note, and a caller pauses it then: it rests for another reason."""
    here = under(consent=ConsentRule.FIRST, consent_within_seconds=600)
    recording = starts(here)
    dies_at(here, call, lambda: tells(here, recording, GIVEN), after=after)
    if state(here, recording) != "active":
        return
    pauses(here, recording, 60)
    for _ in range(11):
        passes(here, 5)
        assert state(here, recording) == "inactive"
    passes(here, 10)
    assert state(here, recording) == "active"


def test_a_note_of_the_start_that_comes_late_hides_no_pause() -> None:
    """The caller pauses while its start is still to be noted; a second pause joins that one, and ends with it."""
    here = under(longest_pause_seconds=60)
    here.fakes.catalog.fail_next("save_reservation", StorageBusyError("503"))
    with pytest.raises(StorageBusyError):
        starts(here)
    (recording,) = here.fakes.control.started
    pauses(here, recording)
    here.fakes.clock.advance(seconds=5)
    assert starts(here) == recording
    here.fakes.clock.advance(seconds=20)
    pauses(here, recording, 10)
    assert ended(here, recording) == [("card number", None)]
    passes(here, 30)
    assert state(here, recording) == "inactive"
    passes(here, 10)
    assert state(here, recording) == "active"
