"""Disposition: its truth table row by row, and any mixture of rules, holds and requests against a reference."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dev.prove import keeping_reference as reference
from recording.domain.formats import ChannelType, ContentType, FormatType
from recording.domain.incoming.participants import ParticipantClass
from recording.domain.keep.disposition import Action, Because, Disposition, disposition
from recording.domain.keep.holds import ErasureClaim, Hold
from recording.domain.keep.rules import CallKind, KeptRecording, RetentionRule, RuleAction, RuleFilter, RuleSet, fits

START = datetime(2020, 1, 1, tzinfo=UTC)
GRACE_DAYS = 30


def day(number: float) -> datetime:
    return START + timedelta(days=number)


def recording(**changes: Any) -> KeptRecording:
    facts: dict[str, Any] = {"recording_id": "r1", "ended_at": START, "formats": frozenset({FormatType.WAV})}
    return KeptRecording(**{**facts, **changes})


def rule(action: str, days: float, name: str = "", **changes: Any) -> RetentionRule:
    return RetentionRule(name=name or f"{action} {days:g}", action=RuleAction(action), days=days, **changes)


def hold(case: str = "case-1", since: float = 0, released: float | None = None) -> Hold:
    end = None if released is None else day(released)
    return Hold(case=case, reason="lawsuit", since=day(since), released_at=end)


def asked(at: float = 1) -> ErasureClaim:
    return ErasureClaim("erasure-1", day(at))


def decided(rules: list[RetentionRule], holds: list[Hold], requests: list[ErasureClaim], now: float) -> Disposition:
    grace = timedelta(days=GRACE_DAYS)
    return disposition(recording(), RuleSet(number=7, rules=tuple(rules)), holds, requests, day(now), grace=grace)


TABLE: list[tuple[str, list[RetentionRule], list[Hold], list[ErasureClaim], float, Action, float | None]] = [
    ("nothing is known: kept, without an end", [], [], [], 9999, Action.KEEP, None),
    ("a hold keeps what is long due", [rule("delete", 1)], [hold()], [], 999, Action.KEEP, None),
    ("a hold keeps what is to be erased", [], [hold()], [asked()], 999, Action.KEEP, None),
    ("one of two cases released", [rule("delete", 1)], [hold(), hold("b", 0, 5)], [], 99, Action.KEEP, None),
    ("released: the grace period first", [rule("delete", 1)], [hold(released=50)], [], 60, Action.KEEP, 80),
    ("released: after the grace period", [rule("delete", 1)], [hold(released=50)], [], 80, Action.DELETE, 80),
    ("retained beats the shorter delete", [rule("retain", 10), rule("delete", 3)], [], [], 5, Action.KEEP, 10),
    ("after the retention it is deleted", [rule("retain", 10), rule("delete", 3)], [], [], 10, Action.DELETE, 10),
    ("the longest retention wins", [rule("retain", 10), rule("retain", 20), rule("delete", 3)], [], [], 15,
     Action.KEEP, 20),
    ("a delete that comes after the retention waits for its own day", [rule("retain", 10), rule("delete", 30)], [],
     [], 20, Action.KEEP, 30),
    ("the shortest delete wins among deletes", [rule("delete", 30), rule("delete", 3)], [], [], 3, Action.DELETE, 3),
    ("not a moment before", [rule("delete", 3)], [], [], 2.999, Action.KEEP, 3),
    ("retain and delete does both", [rule("retain_and_delete", 9)], [], [], 9, Action.DELETE, 9),
    ("two of both: the longer", [rule("retain_and_delete", 9), rule("retain_and_delete", 20)], [], [], 9,
     Action.KEEP, 20),
    ("only retained: nothing asks for its end", [rule("retain", 3)], [], [], 999, Action.KEEP, None),
    ("erasure waits for a legal retention", [rule("retain", 10)], [], [asked()], 5, Action.KEEP, 10),
    ("erasure does not wait for another one", [rule("retain", 10, legal=False)], [], [asked()], 5, Action.ERASE, 1),
    ("erasure without rules: now", [], [], [asked()], 1, Action.ERASE, 1),
    ("erasure within the grace period of a hold", [], [hold(released=1)], [asked()], 5, Action.KEEP, 31),
    ("zero days: due at its end", [rule("delete", 0)], [], [], 0, Action.DELETE, 0),
]  # fmt: skip


@pytest.mark.parametrize(("rules", "holds", "requests", "now", "action", "due"), [row[1:] for row in TABLE],
                         ids=[row[0] for row in TABLE])  # fmt: skip
def test_the_truth_table(
    *,
    rules: list[RetentionRule],
    holds: list[Hold],
    requests: list[ErasureClaim],
    now: float,
    action: Action,
    due: float | None,
) -> None:
    """Each row of the order: hold, then retain, then delete."""
    found = decided(rules, holds, requests, now)
    assert (found.action, found.kept_until) == (action, None if due is None else day(due))


def test_every_answer_says_why() -> None:
    """Who asks "why is it still here?" is told each case, rule and request by name, and which rules were applied."""
    found = decided([rule("retain", 10, "tax"), rule("delete", 3, "short")], [hold("lawsuit-7")], [asked()], 5)
    said = [(reason.because, reason.source) for reason in found.reasons]
    assert said == [
        (Because.HOLD, "lawsuit-7"),
        (Because.RETAINED, "tax"),
        (Because.DELETED, "short"),
        (Because.ERASURE, "erasure-1"),
    ]
    assert [reason.source for reason in found.blocked_by] == ["lawsuit-7", "tax"]
    assert [(refusal.request_id, refusal.because, refusal.until) for refusal in found.refused] == [
        ("erasure-1", Because.HOLD, None)
    ]
    assert found.rules == 7
    assert decided([], [], [], 5).reasons[0].because is Because.NO_RULE


RULES = st.lists(st.tuples(st.sampled_from(list(RuleAction)), st.integers(0, 60), st.booleans()), max_size=6)
HOLDS = st.lists(st.tuples(st.integers(0, 60), st.none() | st.integers(0, 60)), max_size=4)


@given(RULES, HOLDS, st.lists(st.integers(0, 60), max_size=2), st.integers(0, 120))
def test_any_mixture_agrees_with_the_reference(
    rules: list[tuple[RuleAction, int, bool]], holds: list[tuple[int, int | None]], requests: list[int], now: int
) -> None:
    """Two ways to the same answer: the app goes by maxima and minima, the reference asks each day."""
    requests = [at for at in requests if at <= now]  # only what is approved by now is a request
    made = [rule(kind, days, f"rule {place}", legal=legal) for place, (kind, days, legal) in enumerate(rules)]
    cases = [hold(f"case-{place}", since, released) for place, (since, released) in enumerate(holds)]
    found = decided(made, cases, [ErasureClaim(f"e{place}", day(at)) for place, at in enumerate(requests)], now)
    plain = [(kind.value, days, legal) for kind, days, legal in rules]
    expected = reference.decide(plain, holds, requests, now, GRACE_DAYS)
    assert found.action.value == expected.action
    if found.action is Action.KEEP:
        assert found.kept_until == (None if expected.due is None else day(expected.due))
        assert len(found.refused) == len(requests)
    else:
        assert found.kept_until is not None
        assert found.kept_until <= day(now)


@given(RULES, HOLDS, st.integers(0, 120), st.integers(0, 60), st.sampled_from(["retain", "hold"]))
def test_another_hold_or_retention_never_brings_the_end_nearer(
    rules: list[tuple[RuleAction, int, bool]], holds: list[tuple[int, int | None]], now: int, days: int, what: str
) -> None:
    """Whatever is added to keep a recording never makes it go."""
    made = [rule(kind, length, f"rule {place}", legal=legal) for place, (kind, length, legal) in enumerate(rules)]
    cases = [hold(f"case-{place}", since, released) for place, (since, released) in enumerate(holds)]
    before = decided(made, cases, [], now)
    more = decided([*made, rule("retain", days, "more")], cases, [], now) if what == "retain" else decided(
        made, [*cases, hold("more")], [], now
    )  # fmt: skip
    assert not (more.is_due and not before.is_due)
    if before.kept_until is not None and more.kept_until is not None:
        assert more.kept_until >= before.kept_until


FILTERS: list[tuple[str, dict[str, Any], KeptRecording, bool | None]] = [
    ("no filter is about all", {}, recording(), True),
    ("a tag with its value", {"tags": {"line": "sales"}}, recording(tags={"line": "sales"}), True),
    ("another value", {"tags": {"line": "sales"}}, recording(tags={"line": "help"}), False),
    ("a tag with any value", {"tags": {"line": None}}, recording(tags={"line": "help"}), True),
    ("one of the formats", {"formats": ["wav", "mp3"]}, recording(), True),
    ("none of the formats", {"formats": ["mp4"]}, recording(), False),
    ("formats not known", {"formats": ["mp4"]}, recording(formats=None), None),
    ("a phone took part", {"participants": ["phone"]}, recording(participants={ParticipantClass.PHONE}), True),
    ("no phone took part", {"participants": ["phone"]}, recording(participants={ParticipantClass.ACS}), False),
    ("perhaps one did", {"participants": ["phone"]}, recording(has_unknown_participants=True), None),
    ("a kind of call", {"calls": ["room"]}, recording(call=CallKind.ROOM), True),
    ("another kind", {"calls": ["room"]}, recording(call=CallKind.ELSEWHERE), False),
    ("content", {"content": ContentType.AUDIO}, recording(content=ContentType.AUDIO), True),
    ("channel not known", {"channel": ChannelType.UNMIXED}, recording(), None),
    ("all must fit", {"calls": ["room"], "formats": ["mp4"]}, recording(call=CallKind.ROOM), False),
]


@pytest.mark.parametrize(("when", "about", "expected"), [row[1:] for row in FILTERS], ids=[row[0] for row in FILTERS])
def test_a_rule_is_about_what_fits_all_its_filters(
    when: dict[str, Any], about: KeptRecording, expected: bool | None
) -> None:
    """By tag, format, participant class, call kind, content and channel."""
    assert fits(RuleFilter.model_validate(when), about) is expected


@pytest.mark.parametrize("action", list(RuleAction))
def test_what_is_not_known_retains_and_never_deletes(action: RuleAction) -> None:
    """An old row without the class of its participants must not be destroyed by a rule about phones."""
    about = recording(has_unknown_participants=True)
    rules = RuleSet(rules=(rule(action, 10, when=RuleFilter(participants=(ParticipantClass.PHONE,))),))
    late, early = (disposition(about, rules, [], [], day(now)) for now in (11, 9))
    assert late.action is Action.KEEP
    assert any(reason.because is Because.RETAINED for reason in early.blocked_by) == action.retains


@pytest.mark.parametrize(
    ("raw", "kind"),
    [
        ("4:+4915550100199", ParticipantClass.PHONE),
        ("+4915550100199", ParticipantClass.PHONE),
        ("8:acs:1_2", ParticipantClass.ACS),
        (" 8:ORGID:1", ParticipantClass.TEAMS),
        ("28:bot", ParticipantClass.BOT),
        ("sip:someone", ParticipantClass.OTHER),
    ],
)
def test_the_class_of_a_participant(raw: str, kind: ParticipantClass) -> None:
    """It says what kind of party took part, and nothing of who."""
    assert ParticipantClass.of(raw) is kind
