"""The deployed alerts, executed: what people receive, from when, until when, and at the edges of each window."""

from collections.abc import Sequence
from datetime import timedelta
from typing import Any

import pytest

from dev.policies.infra.alarms import INGESTION, Alert, Line, Mail, deployed, workspace_of
from dev.policies.infra.alert_cases import CASES
from dev.policies.infra.alert_cases.case import workspace_after
from dev.policies.infra.alert_endings import CHUNK, FAILURES
from dev.policies.infra.alert_lines import A_GOOD_LIFE, DAY, HOUR, MINUTE, NOW, line_of, reconciled
from dev.policies.infra.log_workspace import Workspace
from recording.telemetry import Event
from tests.repo.infra.queries import queries

TWO_DAYS = 2 * DAY


def line(ago: timedelta, event: Event, **fields: Any) -> Line:
    """Return a line of the app, some time before now."""
    return Line(NOW - ago, line_of(event, **fields))


def runs(since: timedelta, **counts: int) -> list[Line]:
    """Return the timer's lines every five minutes until now."""
    text = reconciled(**counts)
    return [Line(NOW - since + at * 5 * MINUTE, text) for at in range(int(since / (5 * MINUTE)))]


def mails(name: str, lines: Sequence[Line], since: timedelta) -> list[tuple[str, tuple[str, ...]]]:
    """Return what Azure sends for an alert until now."""
    found = deployed()[name].mails(workspace_of(lines), NOW - since, NOW)
    return [(mail.kind, mail.key) for mail in found]


def fires(name: str, lines: Sequence[Line]) -> bool:
    """Whether an alert has something to say now."""
    return bool(deployed()[name].keys(workspace_of(lines), NOW))


# --- fires on its failure, quiet on all others ------------------------------------------------------------------------


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.what)
def test_exactly_the_right_alerts_fire(case: Any) -> None:
    """Two calm days, one thing that happens: the alerts that fire are those that must, and no other."""
    workspace = workspace_after(case)
    fired = {name for name, alert in deployed().items() if alert.query and alert.keys(workspace, NOW)}
    assert fired == case.alerts


def test_every_event_of_the_log_and_every_log_alert_is_in_the_table() -> None:
    """An event that is not played may set off anything; an alert that nothing sets off proves nothing."""
    assert {event for case in CASES for _, event, _ in case.lines} == set(Event)
    assert {name for case in CASES for name in case.alerts} == {n for n, alert in deployed().items() if alert.query}


@pytest.mark.parametrize("name", [name for name, alert in deployed().items() if alert.query])
def test_a_column_that_keeps_alerts_apart_is_one_of_the_query(name: str) -> None:
    """Azure refuses a rule whose dimension does not exist; and a row without a time cannot be charted."""
    answer = deployed()[name].asks(Workspace(), NOW)
    assert set(deployed()[name].by) <= set(answer.columns)
    assert "TimeGenerated" in answer.columns or name == "app-silent"


@pytest.mark.parametrize("name", queries())
def test_every_query_can_be_executed(name: str) -> None:
    """Also those of the workbook and of the runbook, over two calm days."""
    workspace = workspace_after(CASES[0])
    assert workspace.ask(queries()[name], NOW, TWO_DAYS).columns


# --- state: no mail too many, none too few, no "Resolved" too early ---------------------------------------------------


@pytest.mark.parametrize(("name", "event", "fields", "end"), FAILURES, ids=[name for name, *_ in FAILURES])
def test_an_alert_stands_until_it_is_over_and_not_longer(
    name: str, event: Event, fields: Any, end: tuple[Event, Any]
) -> None:
    """One line begins it. For hours nothing is logged: no "Resolved". The line that ends it does, in 20 minutes."""
    begun = [*runs(12 * HOUR), line(10 * HOUR, event, **fields)]
    assert [kind for kind, _ in mails(name, begun, 11 * HOUR)] == ["fired"]
    rule, over = deployed()[name], [*begun, line(HOUR, end[0], **end[1])]
    sent = rule.mails(workspace_of(over), NOW - 11 * HOUR, NOW)
    assert [mail.kind for mail in sent] == ["fired", "resolved"]
    assert timedelta() < sent[-1].at - (NOW - HOUR) <= INGESTION + 4 * rule.every


@pytest.mark.parametrize(("name", "event", "fields", "end"), FAILURES, ids=[name for name, *_ in FAILURES])
def test_what_was_over_before_it_began_ends_nothing(
    name: str, event: Event, fields: Any, end: tuple[Event, Any]
) -> None:
    """An older good line of the same subject, as of a recording whose second file is lost."""
    lines = [*runs(12 * HOUR), line(11 * HOUR, end[0], **end[1]), line(10 * HOUR, event, **fields)]
    assert [kind for kind, _ in mails(name, lines, 11 * HOUR)] == ["fired"]


@pytest.mark.parametrize(
    ("name", "event", "fields"),
    [
        ("chunk-at-risk", Event.CHUNK_AT_RISK, {"time_left_seconds": 21600.0}),
        ("chunk-expired", Event.CHUNK_EXPIRED, {"code": "source_busy"}),
        ("chunk-quarantined", Event.CHUNK_QUARANTINED, {"reason": "media_suspect"}),
        ("recording-missing", Event.MISSING, {}),
        ("recording-incomplete", Event.INCOMPLETE, {"detail": "missing indexes: 2"}),
    ],
)
def test_a_second_one_is_not_swallowed_by_the_first(name: str, event: Event, fields: Any) -> None:
    """While the first stands, each further chunk or recording sends a mail of its own, and is over by itself."""

    def ids(at: int) -> dict[str, Any]:
        chunk = {"document_id": f"doc-{at}", "index": at} if "document_id" in deployed()[name].by else {}
        return {"recording_id": f"rec-{at}", **chunk, **fields}

    lines = [*runs(6 * HOUR), *(line((5 - at) * HOUR, event, **ids(at)) for at in range(3))]
    found = mails(name, lines, 6 * HOUR)
    assert [kind for kind, _ in found] == ["fired"] * 3
    assert len({key for _, key in found}) == 3


def test_what_reconcile_counts_is_told_even_if_its_line_was_lost() -> None:
    """Azure may drop a line; the count comes every five minutes."""
    for name, field in (
        ("chunk-at-risk", "at_risk"),
        ("recording-missing", "missing"),
        ("recording-incomplete", "incomplete"),
    ):
        assert mails(name, runs(2 * HOUR, **{field: 2}), 2 * HOUR) == [("fired", ("not named in the log",))]
        healed = [*runs(2 * HOUR)[:12], *runs(HOUR)]
        counted = [Line(each.at, reconciled(**{field: 1})) for each in healed[:12]]
        assert mails(name, [*counted, *healed[12:]], 2 * HOUR) == [
            ("fired", ("not named in the log",)),
            ("resolved", ("not named in the log",)),
        ]


def test_a_chunk_that_is_archived_between_two_counts_raises_nothing_new() -> None:
    """The last count still has it when its line has already ended: that is no second chunk."""
    for after in range(1, 15):
        lines = [
            *runs(2 * HOUR)[:12],
            *(Line(each.at, reconciled(at_risk=1)) for each in runs(HOUR)[:6]),
            *runs(30 * MINUTE),
            line(62 * MINUTE, Event.CHUNK_AT_RISK, **CHUNK, time_left_seconds=20000.0),
            line(35 * MINUTE - after * timedelta(seconds=20), Event.CHUNK_ARCHIVED, **CHUNK),
        ]
        assert {key for _, key in mails("chunk-at-risk", lines, 2 * HOUR)} == {("doc-1",)}


def test_refused_events_send_one_mail_an_hour_and_not_a_thousand() -> None:
    """A subscription without a filter brings thousands; the hour bounds the mails, and none is silent for a day."""
    many = [
        line(
            5 * HOUR - at * timedelta(seconds=30),
            Event.EVENT_REJECTED,
            reason="other_event_type",
            came_from="event_grid",
        )
        for at in range(600)
    ]
    fired = [key for kind, key in mails("event-rejected", many, 6 * HOUR) if kind == "fired"]
    assert 5 <= len(fired) <= 7


# --- the edges of windows ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "name", [name for name, alert in deployed().items() if alert.window == TWO_DAYS and alert.is_about_lines]
)
def test_a_row_is_there_until_the_end_of_its_window(name: str) -> None:
    """Two days are the most that Azure looks back; the page says so."""
    single = [case for case in CASES if case.alerts == {name} and len(case.lines) == 1]
    if not single:
        pytest.skip("no single line begins it")
    case = single[0]
    _, event, fields = case.lines[0]
    almost, gone = TWO_DAYS - 2 * MINUTE, TWO_DAYS + MINUTE
    assert fires(name, [*runs(HOUR), line(almost, event, **fields)])
    assert not fires(name, [*runs(HOUR), line(gone, event, **fields)])


def test_a_line_is_seen_once_it_has_arrived() -> None:
    """A log needs some minutes; nothing that is older than that is unseen."""
    at_risk = {**CHUNK, "time_left_seconds": 21600.0}
    assert not fires("chunk-at-risk", [line(INGESTION - MINUTE, Event.CHUNK_AT_RISK, **at_risk)])
    assert fires("chunk-at-risk", [line(INGESTION, Event.CHUNK_AT_RISK, **at_risk)])


@pytest.mark.parametrize(("minutes", "silent"), [(14, False), (15, True), (16, True)])
def test_silence_is_told_after_a_quarter_of_an_hour(minutes: int, silent: bool) -> None:
    """Three runs of the timer are missing."""
    assert fires("app-silent", [line(minutes * MINUTE, Event.RECONCILED)]) is silent


def _announced(ago: timedelta) -> Line:
    return line(
        ago, Event.EVENT_ACCEPTED, recording_id="rec-1", event_id="e", came_from="event_grid", chunks=1, count=1
    )


def _never_announced(row: timedelta, lines: Sequence[Line]) -> bool:
    workspace = workspace_of(lines)
    written = {"RecordingId": "rec-1", "ChunkCount": 1, "TimeGenerated": NOW - row}
    workspace.write("ACSCallRecordingSummary", [written])
    return bool(deployed()["recording-never-announced"].keys(workspace, NOW))


@pytest.mark.parametrize(
    "row", [timedelta(hours=hours) for hours in (0.5, 0.99, 1.01, 2, 20, 23.95, 24.05, 39.9, 40.1, 47.9)]
)
@pytest.mark.parametrize("earlier", [timedelta(hours=hours) for hours in (-0.9, 0, 0.1, 1, 6, 7.9)])
def test_a_healthy_recording_never_looks_unannounced(row: timedelta, earlier: timedelta) -> None:
    """Its event and its row in ACS's log are hours apart; at no age of the two does the alert fire."""
    if row + earlier > INGESTION:
        assert not _never_announced(row, [_announced(row + earlier)])


@pytest.mark.parametrize(("row", "told"), [(0.9, False), (1.1, True), (12, True), (39.9, True), (40.1, False)])
def test_an_unannounced_one_is_told_for_a_day_and_a_half(row: float, told: bool) -> None:
    """From the hour that ACS's log needs until well after ACS has forgotten it."""
    assert _never_announced(timedelta(hours=row), [_announced(90 * DAY)]) is told


@pytest.mark.parametrize(("name", "limit"), [("queue-waiting", 1800.0), ("queue-stuck", 14400.0)])
def test_a_queue_is_judged_by_its_newest_look(name: str, limit: float) -> None:
    """Not by the worst look of the window, and not by another queue's."""
    old = line(11 * MINUTE, Event.QUEUE_SEEN, queue="recording-chunks", count=3, age_seconds=limit * 2)
    for age, told in ((limit - 1, False), (limit, False), (limit + 1, True)):
        now = line(6 * MINUTE, Event.QUEUE_SEEN, queue="recording-chunks", count=3, age_seconds=age)
        assert fires(name, [old, now]) is told
    other = line(6 * MINUTE, Event.QUEUE_SEEN, queue="recording-events", count=0, age_seconds=0.0)
    assert deployed()[name].keys(workspace_of([old, other]), NOW) == {("recording-chunks",)}


@pytest.mark.parametrize(("hours", "behind"), [(29, False), (31, True)])
def test_a_night_without_a_comparison_is_told(hours: int, behind: bool) -> None:
    """And an app that is younger than that owes none yet."""
    night = line(hours * HOUR, Event.SCRUBBED, chunks=3, count=0)
    assert fires("scrub-behind", [*runs(40 * HOUR), night]) is behind
    assert not fires("scrub-behind", runs(29 * HOUR))
    assert fires("scrub-behind", runs(32 * HOUR))


@pytest.mark.parametrize(("blobs", "told"), [(99, False), (100, True)])
def test_a_hundred_recordings_are_many(blobs: int, told: bool) -> None:
    """A reader listens to some; a hundred within two hours is an export, or a theft."""
    workspace = Workspace()
    read = {
        "OperationName": "GetBlob",
        "StatusText": "Success",
        "AuthenticationType": "OAuth",
        "RequesterObjectId": "x",
    }
    rows = [
        {**read, "Uri": f"https://a/{at}?t={at}", "CallerIpAddress": "1.2.3.4:5", "TimeGenerated": NOW - HOUR}
        for at in range(blobs)
    ]
    workspace.write("StorageBlobLogs", [*rows, *rows])  # the same ones twice are not more
    assert bool(deployed()["archive-read"].keys(workspace, NOW)) is told


# --- the player itself ------------------------------------------------------------------------------------------------


def test_azure_sends_one_mail_when_it_begins_and_one_when_it_is_over() -> None:
    """Three evaluations without a row, and it is resolved; a row in between, and it is not."""
    query = 'AppTraces | where Message startswith "recording.drift" | extend what = "x"'
    rule = Alert("a", 1, 5 * MINUTE, 10 * MINUTE, query, ("what",))
    lines = [Line(NOW + at * MINUTE, "recording.drift") for at in (0, 12)]
    sent = rule.mails(workspace_of(lines), NOW, NOW + 2 * HOUR)
    assert sent == [Mail(NOW + 5 * MINUTE, "fired", ("x",)), Mail(NOW + 35 * MINUTE, "resolved", ("x",))]


def test_a_good_life_is_quiet_line_by_line() -> None:
    """The table of lines of a good life is what the calm days are made of: it must be whole."""
    assert len({event for event, _ in A_GOOD_LIFE}) == len(A_GOOD_LIFE)
