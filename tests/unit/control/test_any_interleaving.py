"""Whatever callers ask for, in any order, with deaths, duplicates and clocks that differ: the policy decides the end.

What was noted is what counts: a step that died before it was noted has not happened. Here nobody sends it again.
"""

from contextlib import suppress
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dev.in_memory.world import World, dies_at
from recording.control.resumes import resume_recording, stop_recording
from recording.domain.calls.consent import ConsentState, consent_state
from recording.domain.calls.pauses import guarded_pause
from recording.domain.calls.policy import CallPolicy, ConsentRule, TimeIsUp, Withdrawal
from recording.domain.outgoing.events import EventType
from recording.domain.state.recording import LastAction
from recording.errors import RecordingError
from tests.unit.control.calls import EVIDENCE, GIVEN, WITHDRAWN, pauses, starts, tells, under

pytestmark = pytest.mark.slow

LONGEST = 1200
POLICIES = [
    CallPolicy(name="cards", longest_pause_seconds=90),
    CallPolicy(name="stops", longest_pause_seconds=90, on_pause_timeout=TimeIsUp.STOP, on_withdrawal=Withdrawal.STOP),
    CallPolicy(name="first", consent=ConsentRule.FIRST, consent_within_seconds=120, longest_pause_seconds=60),
    CallPolicy(name="desk", must_be_recorded=True, longest_pause_seconds=90, on_withdrawal=Withdrawal.STOP),
    CallPolicy(name="capped", longest_recording_seconds=LONGEST, warn_before_seconds=300, longest_pause_seconds=300),
    CallPolicy(
        name="all",
        consent=ConsentRule.FIRST,
        must_be_recorded=True,
        longest_pause_seconds=90,
        longest_recording_seconds=LONGEST,
        warn_before_seconds=600,
    ),
]
ACTS = st.sampled_from(("pause", "pause briefly", "resume", "give", "withdraw", "stop", "nothing"))
STEPS = st.lists(
    st.tuples(
        ACTS,
        st.one_of(st.none(), st.integers(1, 12)),  # the call to a port at which the worker dies
        st.booleans(),  # whether after its effect
        st.sampled_from((0, 0, 10, -10)),  # minutes by which its clock is wrong
        st.sampled_from((0, 5, 35, 100)),  # seconds that go by
        st.integers(0, 2),  # duplicates of every guard that waits
    ),
    max_size=8,
)


def does(here: World, recording: str, act: str) -> None:
    """Do what a caller asks for; what is refused, the caller leaves at that."""
    with suppress(RecordingError):
        if act.startswith("pause"):
            pauses(here, recording, 20 if act == "pause briefly" else None)
        elif act == "resume":
            resume_recording(recording, here.ports, settings=here.settings)
        elif act == "stop":
            stop_recording(recording, here.ports, here.settings)
        elif act in ("give", "withdraw"):
            tells(here, recording, GIVEN if act == "give" else WITHDRAWN)


def goes_by(here: World, seconds: int) -> None:
    """Let time go by; an instance whose clock may be wrong takes the guards that are due."""
    for _ in range(seconds // 5):
        here.fakes.clock.advance(seconds=5)
        here.guards()


def lives(policy: CallPolicy, steps: list[Any], *, with_consent: bool) -> tuple[World, str]:
    """Live through the steps, then let three quarters of an hour go by without any trouble."""
    here = under(policy)
    here.reports_to()
    recording = starts(here, **({"consent": EVIDENCE} if with_consent else {}))
    for act, death, after, minutes, seconds, copies in steps:
        here.skew = timedelta(minutes=minutes)
        if death is None:
            does(here, recording, act)
        else:
            dies_at(here, death, lambda asked=act: does(here, recording, asked), after=after)  # type: ignore[misc]
        here.fakes.guards.sent += here.fakes.guards.sent[:3] * copies
        if death is not None:
            here.fakes.clock.advance(seconds=seconds)
            dies_at(here, death, here.guards, after=not after)
        goes_by(here, seconds)
    here.skew = timedelta()
    here.runs(hours=0.75, until_quiet=False)
    return here, recording


@pytest.mark.parametrize("policy", POLICIES, ids=lambda policy: str(policy.name))
@settings(max_examples=60)
@given(steps=STEPS, with_consent=st.booleans())
def test_every_interleaving_ends_as_the_policy_says(policy: CallPolicy, steps: list[Any], with_consent: bool) -> None:
    """Recording, paused or stopped at ACS: by what was noted, and by nothing else."""
    here, recording = lives(policy, steps, with_consent=with_consent)
    state, row = here.fakes.control.states.get(recording), here.fakes.catalog.recordings[recording]
    consent = consent_state(row.consent, row.consents)
    if state is not None:
        assert policy.longest_recording_seconds is None, "it lasts too long"
        assert guarded_pause(row.pauses) is None, "a pause is forgotten"
        is_allowed = consent is ConsentState.GIVEN or (
            consent is ConsentState.NONE and policy.consent is not ConsentRule.FIRST
        )
        assert state == ("active" if is_allowed else "inactive")
        assert consent is not ConsentState.WITHDRAWN or policy.on_withdrawal is Withdrawal.PAUSE
        assert consent is not ConsentState.NONE or policy.consent is not ConsentRule.FIRST, "it waits for consent"
    if state is None:
        acts = {act for act, *_ in steps}
        is_by_withdrawal = policy.on_withdrawal is Withdrawal.STOP and "withdraw" in acts  # its worker may die after it
        assert row.last_action is LastAction.STOPPED or "stop" in acts or is_by_withdrawal, "nobody has stopped it"
    for pause in row.pauses:
        if pause.length is not None and pause.ended_at is not None:
            assert pause.length <= timedelta(seconds=policy.longest_pause_seconds)


@pytest.mark.parametrize("policy", POLICIES, ids=lambda policy: str(policy.name))
@settings(max_examples=25)
@given(steps=STEPS)
def test_every_event_arrives_under_one_id(policy: CallPolicy, steps: list[Any]) -> None:
    """Receivers see each fact at least once and can drop what they have: what is one fact is one id."""
    here, recording = lives(policy, steps, with_consent=True)
    outgoing = here.fakes.outgoing
    assert outgoing is not None
    got = outgoing.ways[0].got
    assert {event.id for event in got} == {event.id for event in outgoing.outbox.kept.values()}, "every event arrived"
    facts = {event.id: (event.type, event.subject.name, tuple(sorted(event.data.items()))) for event in got}
    ends = [event_id for event_id, (kind, *_, data) in facts.items() if kind is EventType.UNRECORDED and is_end(data)]
    assert len(ends) <= 1, "a recording ends once"
    is_stopped = recording not in here.fakes.control.states
    assert is_stopped or not ends or "stop" in {act for act, *_ in steps}


def is_end(data: tuple[tuple[str, Any], ...]) -> bool:
    """Return whether an alarm says that a recording has ended."""
    return dict(data)["reason"] in ("stopped", "stopped_elsewhere")
