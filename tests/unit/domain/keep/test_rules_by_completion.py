"""Rules about recordings of which something is not known, against all that may be true of them."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from itertools import chain, combinations, product
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from dev.prove import keeping_reference as reference
from recording.domain.formats import FormatType
from recording.domain.incoming.facts import TagAnswer
from recording.domain.incoming.participants import ParticipantClass
from recording.domain.keep.disposition import Action, disposition
from recording.domain.keep.rules import CallKind, KeptRecording, RetentionRule, RuleAction, RuleFilter, RuleSet, fits

END = datetime(2024, 2, 29, 23, 30, tzinfo=UTC)
NAMES, VALUES = ("line", "team"), ("sales", "help", "other")
KINDS = (ParticipantClass.PHONE, ParticipantClass.ACS, ParticipantClass.TEAMS)
Facts = tuple[dict[str, str], frozenset[str], frozenset[str], CallKind]


def subsets(items: Any) -> list[frozenset[Any]]:
    """Return all that are not empty."""
    listed = list(items)
    return [frozenset(one) for one in chain.from_iterable(combinations(listed, n) for n in range(1, len(listed) + 1))]


def completions(known: KeptRecording) -> Iterator[Facts]:
    """Yield everything that may be true of a recording, by what is known of it."""
    formats = [known.formats] if known.formats is not None else subsets(FormatType)
    people = [known.participants]
    if known.has_unknown_participants:
        people = [known.participants | more for more in subsets(KINDS)]
    for tags, format_, who in product(_tags(known), formats, people):
        yield tags, frozenset(map(str, format_ or ())), frozenset(map(str, who)), known.call


def _tags(known: KeptRecording) -> list[dict[str, str]]:
    if known.asked is None:
        return [dict(known.tags)]
    values = [[known.tags[name]] if name in known.tags else [None, *VALUES] for name in NAMES]
    every = [
        {name: value for name, value in zip(NAMES, chosen, strict=True) if value is not None}
        for chosen in product(*values)
    ]
    return [tags for tags in every if all(_agrees(tags, one, known) for one in known.asked)]


def _agrees(tags: dict[str, str], one: TagAnswer, known: KeptRecording) -> bool:
    if one.name in known.tags:
        return True  # given anew
    has = one.name in tags and one.value in (None, tags[one.name])
    return has == one.is_so


def plainly_fits(when: RuleFilter, facts: Facts) -> bool:
    """Read the filter word by word."""
    tags, formats, people, call = facts
    for name, value in when.tags.items():
        if name not in tags:
            return False
        if value is not None and tags[name] != value:
            return False
    if when.formats and not any(str(one) in formats for one in when.formats):
        return False
    if when.participants and not any(str(one) in people for one in when.participants):
        return False
    return not when.calls or call in when.calls


FILTERS = st.builds(
    lambda tags, formats, people, calls: RuleFilter(tags=tags, formats=formats, participants=people, calls=calls),
    st.dictionaries(st.sampled_from(NAMES), st.none() | st.sampled_from(VALUES), max_size=2),
    st.lists(st.sampled_from(list(FormatType)), max_size=2, unique=True).map(tuple),
    st.lists(st.sampled_from(KINDS), max_size=2, unique=True).map(tuple),
    st.lists(st.sampled_from(list(CallKind)), max_size=2, unique=True).map(tuple),
)


@st.composite
def recordings(draw: st.DrawFn) -> KeptRecording:
    """What is known of one, which was true once."""
    truth = draw(st.dictionaries(st.sampled_from(NAMES), st.sampled_from(VALUES), max_size=2))
    asked = None
    if draw(st.booleans()):
        questions = draw(st.sets(st.tuples(st.sampled_from(NAMES), st.none() | st.sampled_from(VALUES)), max_size=4))
        asked = tuple(
            TagAnswer(name=name, value=value, is_so=name in truth and value in (None, truth[name]))
            for name, value in questions
        )
        truth = draw(st.dictionaries(st.sampled_from(NAMES), st.sampled_from(VALUES), max_size=1))  # given anew
    return KeptRecording(
        recording_id="r",
        ended_at=END,
        tags=truth,
        asked=asked,
        formats=draw(st.none() | st.sampled_from(subsets(FormatType))),
        participants=draw(st.sampled_from([frozenset[ParticipantClass](), *subsets(KINDS)])),
        has_unknown_participants=draw(st.booleans()),
        call=draw(st.sampled_from(list(CallKind))),
    )


@given(FILTERS, recordings())
def test_an_answer_is_true_of_everything_that_may_be(when: RuleFilter, known: KeptRecording) -> None:
    """Yes means that it fits whatever the unknown is, no that it never does; "not known" is never a certain no."""
    answers = {plainly_fits(when, facts) for facts in completions(known)}
    found = fits(when, known)
    assert answers
    if found is not None:
        assert answers == {found}


RULES = st.lists(st.tuples(FILTERS, st.sampled_from(list(RuleAction)), st.integers(0, 800), st.booleans()), max_size=5)


@given(RULES, recordings(), st.booleans(), st.integers(0, 900))
def test_what_may_be_is_retained_and_only_what_is_certain_is_deleted(
    rules: list[tuple[RuleFilter, RuleAction, int, bool]], known: KeptRecording, is_asked: bool, now: int
) -> None:
    """The whole decision, over a leap day and two turns of the year, against the reference of the table."""
    possible = list(completions(known))
    plain: list[tuple[str, int, bool]] = []
    for when, action, days, legal in rules:
        fit = fits(when, known)
        if action.retains and any(plainly_fits(when, facts) for facts in possible) and fit is not False:
            plain.append(("retain", days, legal))
        if action.deletes and fit is True:
            plain.append(("delete", days, legal))
    made = tuple(
        RetentionRule(name=f"rule {place}", action=action, days=days, when=when, legal=legal)
        for place, (when, action, days, legal) in enumerate(rules)
    )
    claims = [reference_claim()] if is_asked else []
    found = disposition(known, RuleSet(number=1, rules=made), [], claims, END + timedelta(days=now))
    expected = reference.decide(plain, [], [0] if is_asked else [], now, 30)
    assert found.action is Action(expected.action)


def reference_claim() -> Any:
    from recording.domain.keep.holds import ErasureClaim

    return ErasureClaim("e", END)


@given(st.integers(0, 60 * 365), st.integers(1, 30))
def test_a_year_of_366_days_is_never_shorter_than_the_calendar_says(day: int, years: int) -> None:
    """docs/retention.md says so: rules count days, and the law counts years."""
    ended = datetime(2000, 1, 1, 22, tzinfo=UTC) + timedelta(days=day)
    try:
        anniversary = ended.replace(year=ended.year + years)
    except ValueError:  # 29 February
        anniversary = ended.replace(year=ended.year + years, month=3, day=1)
    assert ended + timedelta(days=366 * years) >= anniversary
    assert ended + timedelta(days=-(-1461 * years // 4)) >= anniversary  # 10 years: 3,653 days
