"""Consent: nothing is recorded before it where that is the rule, and a withdrawal is carried out."""

import pytest

from dev.in_memory.canaries import PARTICIPANT, PHONE
from dev.in_memory.world import WorkerDiedError, World, dies_at
from recording.control.consents import tell_consent
from recording.control.resumes import resume_recording
from recording.domain.calls.policy import CallPolicy, ConsentRule, Withdrawal
from recording.domain.incoming.requests import ConsentRequest
from recording.domain.state.recording import RecordingRecord
from recording.errors import RequestError, StorageBusyError
from recording.library.tags import change_tags
from recording.operate.attention import needs_attention
from tests.unit.control.calls import EVIDENCE, GIVEN, WITHDRAWN, passes, pauses, starts, tells, under


def kinds(here: World) -> list[str]:
    return [item.kind.value for item in needs_attention(here.ports, here.settings).items]


def test_consent_first_records_nothing_before_there_is_consent() -> None:
    """It starts paused, resumes on evidence, and is kept with who told it."""
    here = under(consent=ConsentRule.FIRST)
    recording = starts(here)
    assert here.fakes.control.states[recording] == "inactive"
    passes(here, 60)
    answer = tell_consent(recording, GIVEN, "ada", here.ports, here.settings)
    assert (answer["state"], answer["consent"]["state"]) == ("recording", "given")
    passes(here, 120)
    assert here.fakes.control.states[recording] == "active"


def test_a_pause_that_new_tags_leave_to_consent_raises_the_alarm_and_is_over_once_there_is_consent() -> None:
    """It may not record without consent, and no guard of the start waits for that: a person has to know."""
    first = CallPolicy(name="desk", tags={"desk": "fx"}, consent=ConsentRule.FIRST, longest_pause_seconds=60)
    here = under(first, CallPolicy(name="rest", longest_pause_seconds=60))
    recording = starts(here)
    pauses(here, recording)
    change_tags(recording, {"tags": {"desk": "fx"}}, "*", here.ports, here.settings)
    passes(here, 120)
    assert here.fakes.control.states[recording] == "inactive"
    assert here.fakes.catalog.recordings[recording].call_alarm == "pause_overdue"
    tell_consent(recording, GIVEN, "ada", here.ports, here.settings)
    here.runs(hours=1, until_quiet=False)
    assert here.fakes.control.states[recording] == "active"
    assert here.fakes.catalog.recordings[recording].call_alarm is None


@pytest.mark.parametrize("must_be_recorded", [False, True])
def test_a_recording_that_another_application_resumes_without_consent_rests_again(must_be_recorded: bool) -> None:
    """ACS sends no event for it, so it is looked at every half minute as long as consent is withdrawn."""
    here = under(must_be_recorded=must_be_recorded)
    recording = starts(here, consent=EVIDENCE)
    tells(here, recording, WITHDRAWN)
    for _ in range(3):
        passes(here, 300)
        here.fakes.control.states[recording] = "active"
        passes(here, 35)
        assert here.fakes.control.states[recording] == "inactive"


@pytest.mark.parametrize("is_over", [False, True], ids=["consent is given again", "the call is over"])
def test_what_is_looked_at_while_consent_is_withdrawn_is_left_alone_afterwards(is_over: bool) -> None:
    """Neither the looks nor their messages outlive the reason."""
    here = under()
    recording = starts(here, consent=EVIDENCE)
    for _ in range(2):
        tells(here, recording, WITHDRAWN)
        passes(here, 90)
        tells(here, recording, GIVEN)
    if is_over:
        tells(here, recording, WITHDRAWN)
        passes(here, 90)
        del here.fakes.control.states[recording]
    passes(here, 420)
    assert here.fakes.guards.sent == []
    assert here.fakes.control.states.get(recording) == (None if is_over else "active")


def test_consent_first_stops_without_it() -> None:
    """After the time that the policy gives."""
    here = under(consent=ConsentRule.FIRST, consent_within_seconds=60)
    recording = starts(here)
    passes(here, 65)
    assert recording not in here.fakes.control.states


@pytest.mark.parametrize(("rule", "expected"), [(Withdrawal.PAUSE, "inactive"), (Withdrawal.STOP, None)])
def test_a_withdrawal_pauses_or_stops_by_policy_and_no_guard_resumes_it(rule: Withdrawal, expected: str | None) -> None:
    """Also when the recording is paused for another reason at that time."""
    for is_paused in (False, True):
        here = under(on_withdrawal=rule)
        recording = starts(here, consent=EVIDENCE)
        if is_paused:
            pauses(here, recording)
        answer = tell_consent(recording, WITHDRAWN, "ada", here.ports, here.settings)
        assert answer["consent"]["state"] == "withdrawn"
        open_ones = [one.reason for one in here.fakes.catalog.recordings[recording].pauses if one.how is None]
        named = (["card number"] if is_paused else []) + ["consent withdrawn"]
        assert open_ones == (named if rule is Withdrawal.PAUSE else [])
        passes(here, 600)
        assert here.fakes.control.states.get(recording) == expected


@pytest.mark.parametrize("call", range(1, 14))
def test_a_withdrawal_is_carried_out_whoever_dies(call: int) -> None:
    """Once it is noted, its guard sees to it."""
    here = under()
    recording = starts(here, consent=EVIDENCE)
    dies_at(here, call, lambda: tells(here, recording, WITHDRAWN))
    here.runs(hours=0.5, until_quiet=False)
    is_noted = bool(here.fakes.catalog.recordings[recording].consents)
    assert here.fakes.control.states[recording] == ("inactive" if is_noted else "active")


def test_nothing_can_be_withdrawn_that_was_not_given() -> None:
    """And what was given may be amended, each step staying in the list."""
    here = under()
    recording = starts(here)
    with pytest.raises(RequestError) as refusal:
        tell_consent(recording, WITHDRAWN, "ada", here.ports, here.settings)
    assert refusal.value.code == "consent_not_given"
    tell_consent(recording, GIVEN, "ada", here.ports, here.settings)
    amended = ConsentRequest.read({"step": "amended", **EVIDENCE, "reference": "IVR-8"})
    steps = tell_consent(recording, amended, "ada", here.ports, here.settings)["consent"]["steps"]
    assert [(step["step"], step["reference"]) for step in steps] == [("given", "IVR-7"), ("amended", "IVR-8")]


def test_a_recording_started_elsewhere_without_consent_needs_attention() -> None:
    """Where the policy asks for consent; it is over when consent is told."""
    here = under(consent=ConsentRule.AT_START)
    here.fakes.control.states["elsewhere"] = "active"
    here.fakes.catalog.add_recording(RecordingRecord(recording_id="elsewhere", first_event_at=here.now))
    here.reconciles()
    assert kinds(here) == ["consent_missing"]
    tell_consent("elsewhere", GIVEN, "ada", here.ports, here.settings)
    here.reconciles()
    assert kinds(here) == []


@pytest.mark.parametrize("given_before", [False, True])
def test_no_caller_resumes_without_consent(given_before: bool) -> None:
    """Consent comes first for callers, too; and a withdrawal stands until consent is given again."""
    here = under(consent=ConsentRule.FIRST)
    recording = starts(here)
    if given_before:
        tell_consent(recording, GIVEN, "ada", here.ports, here.settings)
        tell_consent(recording, WITHDRAWN, "ada", here.ports, here.settings)
    with pytest.raises(RequestError) as refusal:
        resume_recording(recording, here.ports, settings=here.settings)
    assert (refusal.value.code, here.fakes.control.states[recording]) == ("consent_required", "inactive")
    tell_consent(recording, GIVEN, "ada", here.ports, here.settings)
    assert here.fakes.control.states[recording] == "active"


def test_where_nobody_knows_of_a_consent_no_caller_resumes() -> None:
    """The catalog is down: a policy that wants consent first is obeyed, and other recordings are resumed."""
    here = under(consent=ConsentRule.FIRST)
    recording = starts(here)
    here.fakes.catalog.fail_next("get_recording", StorageBusyError("503"), times=5)
    with pytest.raises(StorageBusyError):
        resume_recording(recording, here.ports, settings=here.settings)
    assert here.fakes.control.states[recording] == "inactive"


def test_a_withdrawal_is_carried_out_although_the_note_says_paused() -> None:
    """A resume reached ACS and its worker died before the note; the withdrawal's worker died as well."""
    here = under()
    recording = starts(here, consent=EVIDENCE)
    pauses(here, recording)
    here.fakes.control.states[recording] = "active"
    here.fakes.control.fail_next("pause", WorkerDiedError("gone"))
    with pytest.raises(WorkerDiedError):
        tell_consent(recording, WITHDRAWN, "ada", here.ports, here.settings)
    passes(here, 35)
    assert here.fakes.control.states[recording] == "inactive"


@pytest.mark.parametrize("call", range(1, 14))
@pytest.mark.parametrize("after", [False, True])
def test_a_start_whose_worker_dies_leaves_no_recording_without_its_guards(call: int, after: bool) -> None:
    """Nobody sends the start again: what is noted ends as its policy says."""
    here = under(consent=ConsentRule.FIRST, consent_within_seconds=60, longest_recording_seconds=3600)
    dies_at(here, call, lambda: starts(here), after=after)
    passes(here, 70)
    assert set(here.fakes.catalog.recordings) & set(here.fakes.control.states) == set()


def test_evidence_names_nobody_in_the_catalog_and_in_the_manifest() -> None:
    """Numbers and ids of people are in metadata and media only, whichever word of the evidence has them."""
    evidence = {"basis": f"said by {PHONE}", "reference": f"call of {PARTICIPANT}", "capturedBy": f"4:{PHONE}"}
    here = under()
    recording = starts(here, consent={**EVIDENCE, **evidence})
    tells(here, recording, ConsentRequest.read({**EVIDENCE, **evidence, "step": "amended"}))
    here.runs(hours=1, until_quiet=False)
    row = here.fakes.catalog.recordings[recording]
    assert row.consent is not None
    assert row.consent["basis"] == "said by [withheld]" == row.consents[0].basis
    kept = row.model_dump_json() + "".join(
        one.data.decode(errors="replace") for one in here.fakes.archive.blobs.values()
    )
    assert [one for one in (PHONE[1:], PARTICIPANT) if one in kept] == []
