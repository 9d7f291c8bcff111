"""The deployed alerts under lines that nobody promised: without fields, numbers as text, late, thousands at once."""

import random
from collections.abc import Iterator, Mapping
from datetime import timedelta
from typing import Any

import pytest

from dev.policies.infra.alarms import INGESTION, Alert, Line, deployed, workspace_of
from dev.policies.infra.alert_endings import CHUNK, FAILURES
from dev.policies.infra.alert_lines import HOUR, MINUTE, NOW, calm, line_of, reconciled
from recording.telemetry import Event

SUBJECTS = ("document_id", "recording_id", "entry")
# What an alert decides by; a line without it says something else.
DECIDES: Mapping[str, set[str]] = {"operator-fault": {"fault"}, "chunk-stuck": {"attempt"}}
BEGINNINGS = {name: (event, fields) for name, event, fields, _ in FAILURES}
ENDS = {name: end for name, *_, end in FAILURES}
COUNTS = {"chunk-at-risk": "at_risk", "recording-missing": "missing", "recording-incomplete": "incomplete"}
AGES = {"queue-waiting": 1801, "queue-stuck": 14401}
DELAYS = (0, 1, 5, 10, 20, 45)


def timer(hours: int = 12) -> list[Line]:
    """Return the timer's lines of some hours."""
    return [Line(NOW - at * 5 * MINUTE, reconciled()) for at in range(1, 12 * hours)]


def line(ago: timedelta, event: Event, **fields: Any) -> Line:
    """Return a line of the app, some time before now."""
    return Line(NOW - ago, line_of(event, **fields))


def subject_of(rule: Alert) -> str | None:
    """Return the field by which an alert keeps its subjects apart, if it is an id."""
    return next((field for field in SUBJECTS if field in rule.by), None)


def without_one(name: str) -> Iterator[Mapping[str, Any]]:
    """Yield the fields that begin an alert, each but one left out once."""
    _, fields = BEGINNINGS[name]
    kept = {*SUBJECTS, *DECIDES.get(name, ())}
    yield from ({key: value for key, value in fields.items() if key != left} for left in fields.keys() - kept)


# --- fields that are missing ------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", BEGINNINGS)
def test_a_field_that_is_missing_silences_nothing(name: str) -> None:
    """A version that says less than this one must not be one that nobody hears."""
    event, end = BEGINNINGS[name][0], ENDS[name]
    for fields in without_one(name):
        begun = [*timer(), line(2 * HOUR, event, **fields)]
        assert deployed()[name].keys(workspace_of(begun), NOW), fields
        over = [*begun, line(HOUR, end[0], **end[1])]
        assert not deployed()[name].keys(workspace_of(over), NOW), fields


@pytest.mark.parametrize("name", [name for name in BEGINNINGS if set(ENDS[name][1]) & set(SUBJECTS)])
def test_a_line_without_its_subject_ends_nothing(name: str) -> None:
    """Of two lines that name nobody, the second says nothing of the first."""
    event, fields = BEGINNINGS[name]
    (end, subject) = ENDS[name]
    nobody = {key: value for key, value in fields.items() if key not in SUBJECTS}
    ended = {key: value for key, value in subject.items() if key not in SUBJECTS}
    lines = [*timer(), line(2 * HOUR, event, **nobody), line(HOUR, end, **ended)]
    assert deployed()[name].keys(workspace_of(lines), NOW)


# --- numbers as text --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("name", "field"), COUNTS.items())
@pytest.mark.parametrize("value", [3, "3"])
def test_a_count_is_read_as_number_and_as_text(name: str, field: str, value: int | str) -> None:
    """What carries a log may make text of every value."""
    counts: dict[str, Any] = {"poisoned": 0, "count": 0, "at_risk": 0, "expired": 0, "missing": 0, "incomplete": 0}
    lines = [
        *timer(),
        *(line(at * MINUTE, Event.RECONCILED, **{**counts, field: value, "chunks": 1}) for at in (2, 5, 6, 7)),
    ]
    assert deployed()[name].keys(workspace_of(lines), NOW) == {("not named in the log",)}


@pytest.mark.parametrize(("name", "age"), AGES.items())
@pytest.mark.parametrize("kind", [int, float, str])
def test_an_age_is_read_as_number_and_as_text(name: str, age: int, kind: Any) -> None:
    """The same for queues, whose only witness this line is."""
    for seconds, told in ((age, True), (age - 2, False)):
        seen = line(6 * MINUTE, Event.QUEUE_SEEN, queue="recording-chunks", count="9", age_seconds=kind(seconds))
        assert bool(deployed()[name].keys(workspace_of([seen]), NOW)) is told


@pytest.mark.parametrize("attempt", [5, "5"])
def test_an_attempt_is_read_as_number_and_as_text(attempt: int | str) -> None:
    """The fifth failure in a row."""
    failed = line(HOUR, Event.ATTEMPT_FAILED, **CHUNK, code="source_busy", fault="acs", attempt=attempt)
    assert deployed()["chunk-stuck"].keys(workspace_of([failed]), NOW) == {("source_busy",)}


@pytest.mark.parametrize("left", [21600, 21600.5, "21600", -1.5, "-1.5"])
def test_the_time_that_is_left_is_read_as_number_and_as_text(left: Any) -> None:
    """It is the first thing that the person on call looks for."""
    at_risk = line(HOUR, Event.CHUNK_AT_RISK, **CHUNK, time_left_seconds=left)
    answer = deployed()["chunk-at-risk"].asks(workspace_of([*timer(), at_risk]), NOW)
    (row,) = answer.rows
    expires_at = row[answer.columns.index("expires_at")]
    assert abs((expires_at - (NOW - HOUR).replace(tzinfo=None)).total_seconds() - float(left)) < 1


# --- late, and out of order -------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", BEGINNINGS)
def test_a_line_that_arrives_late_is_told_late_and_not_never(name: str) -> None:
    """Azure Monitor takes minutes as a rule, and now and then much longer."""
    event, fields = BEGINNINGS[name]
    rule = deployed()[name]
    lines = workspace_of([*timer(), line(timedelta(), event, **fields)])
    for delay in DELAYS:
        asked = NOW + delay * MINUTE + rule.every
        assert rule.asks(lines, asked, delay * MINUTE).by(rule.by), delay


@pytest.mark.parametrize("minutes", range(11))
def test_a_calm_day_is_quiet_however_late_its_lines_are(minutes: int) -> None:
    """Ten minutes are twice what is documented; beyond them, silence is all that a workspace can tell."""
    lines = workspace_of(list(calm()))
    about_lines = [rule for rule in deployed().values() if rule.is_about_lines]
    assert [rule.name for rule in about_lines if rule.keys(lines, NOW, minutes * MINUTE)] == []


@pytest.mark.parametrize("name", BEGINNINGS)
def test_the_order_of_arrival_changes_nothing(name: str) -> None:
    """Two instances write at once, and what is written first may arrive last."""
    event, fields = BEGINNINGS[name]
    (end, subject) = ENDS[name]
    rows = [*timer(), line(3 * HOUR, event, **fields), line(2 * HOUR, end, **subject), line(HOUR, event, **fields)]
    answers = set()
    for seed in range(4):
        shuffled = rows[:]
        random.Random(seed).shuffle(shuffled)
        answers.add(frozenset(deployed()[name].keys(workspace_of(shuffled), NOW)))
    (answer,) = answers
    assert answer


# --- thousands at once ------------------------------------------------------------------------------------------------

MANY = 2_000


@pytest.mark.parametrize("name", [name for name in BEGINNINGS if subject_of(deployed()[name]) in SUBJECTS[:2]])
def test_of_thousands_each_is_told_and_each_ends(name: str) -> None:
    """An outage of an afternoon; and afterwards the one that did not come back is the one that is left."""
    event, fields = BEGINNINGS[name]
    (end, _) = ENDS[name]
    rule, ended = deployed()[name], ENDS[name][1]

    def of(at: int, given: Mapping[str, Any]) -> dict[str, Any]:
        return {key: f"{key}-{at}" if key in SUBJECTS else value for key, value in given.items()}

    begun = [*timer(), *(line(3 * HOUR, event, **of(at, fields)) for at in range(MANY))]
    assert len(rule.keys(workspace_of(begun), NOW)) == MANY
    over = [*begun, *(line(HOUR, end, **of(at, ended)) for at in range(MANY - 1))]
    assert rule.keys(workspace_of(over), NOW) == {(f"{subject_of(rule)}-{MANY - 1}",)}


def test_what_thousands_share_is_one_alert() -> None:
    """The same fault for all of them sends one mail, and not two thousand."""
    for name in ("operator-fault", "chunk-stuck", "chunk-in-fallback"):
        event, fields = BEGINNINGS[name]
        lines = [*timer(), *(line(HOUR, event, **{**fields, "document_id": f"doc-{at}"}) for at in range(MANY))]
        assert len(deployed()[name].keys(workspace_of(lines), NOW)) == 1


def test_a_delay_beyond_the_window_is_what_silence_tells() -> None:
    """`app-silent` cannot tell an app that is dead from a log that is; its section in the runbook names both."""
    lines = workspace_of(list(calm()))
    assert not deployed()["app-silent"].keys(lines, NOW, 2 * INGESTION)
    assert deployed()["app-silent"].keys(lines, NOW, 4 * INGESTION)
