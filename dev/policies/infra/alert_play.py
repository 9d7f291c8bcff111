"""What each alert does when its query runs: it is set off by its failure and by nothing else, and ends in time."""

from collections.abc import Iterator
from datetime import timedelta
from functools import cache
from typing import Any

from dev.policies.infra.alarms import Alert, Key, Line, alerts_of, workspace_of
from dev.policies.infra.alert_cases import CASES
from dev.policies.infra.alert_cases.case import workspace_after
from dev.policies.infra.alert_endings import FAILURES, NO_ENDS
from dev.policies.infra.alert_lines import HOUR, MINUTE, NOW, line_of, reconciled
from dev.policies.infra.log_workspace import Workspace
from dev.policies.infra.templates import Check, Templates
from recording.telemetry import Event


def each_alert_fires_on_its_failure_alone(templates: Templates) -> Iterator[str]:
    """Check: the deployed queries run over two calm days and each failure: they fire, or stay quiet."""
    for name, alert in alerts_of(templates).items():
        if alert.query:
            yield from fires_wrongly(templates, name)


def fires_wrongly(templates: Templates, name: str) -> Iterator[str]:
    """Yield each thing that an alert must fire for and does not, or the reverse."""
    alert = alerts_of(templates)[name]
    wanted = {at for at, case in enumerate(CASES) if name in case.alerts}
    for case in sorted(
        range(len(CASES)), key=lambda one: one not in wanted
    ):  # what must fire first: most faults miss it
        try:
            fires = bool(_keys(alert, case))
        except Exception as error:  # noqa: BLE001 - whatever the engine says of a query that cannot be run
            yield f"{name}: {error}"
            return
        if fires is not (case in wanted):
            yield f"{name} {'fires' if fires else 'is quiet'}: {CASES[case].what}"
    if not wanted:
        yield f"{name}: nothing sets it off"


def each_alert_ends_when_it_is_over(templates: Templates) -> Iterator[str]:
    """Ten hours after the line that began it an alert stands; the line that ends it does, and an older one does not."""
    for name, alert in alerts_of(templates).items():
        if alert.query:
            yield from ends_wrongly(templates, name)


def ends_wrongly(templates: Templates, name: str) -> Iterator[str]:
    """Yield each line that must end an alert and does not, or the reverse."""
    try:
        yield from (f"{name} {what}" for what in _ends_wrongly(alerts_of(templates)[name]))
    except Exception as error:  # noqa: BLE001 - whatever the engine says of a query that cannot be run
        yield f"{name}: {error}"


def _ends_wrongly(rule: Alert) -> Iterator[str]:
    for name, event, fields, (end, subject) in FAILURES:
        if name == rule.name:
            yield from _wrong(rule, event, tuple(fields.items()), end, tuple(subject.items()))
    for name, event, fields, (other, subject) in NO_ENDS:
        if name == rule.name and not _stands(rule, event, tuple(fields.items()), other, tuple(subject.items())):
            yield f"is ended by {other.value} {subject}"
    if rule.name in OLD_LOOKS and (what := _old_look(rule, OLD_LOOKS[rule.name])):
        yield what
    if rule.name in COUNTED and (what := _old_count(rule, COUNTED[rule.name])):
        yield what


OLD_LOOKS = {"queue-waiting": 1800, "queue-stuck": 14400}
COUNTED = {"chunk-at-risk": "at_risk", "recording-missing": "missing", "recording-incomplete": "incomplete"}


@cache
def _wrong(
    rule: Alert, event: Event, fields: tuple[tuple[str, Any], ...], end: Event, subject: tuple[tuple[str, Any], ...]
) -> tuple[str, ...]:
    begun = (10 * HOUR, event, fields)
    again = (9 * HOUR, event, fields)
    ended, older = ((ago, end, subject) for ago in (HOUR, 11 * HOUR))
    stories = {
        "ends by itself": ([begun], 1),
        "does not end": ([begun, again, ended], 0),
        "is ended by what was before it": ([older, begun], 1),
        "is told twice": ([begun, again], 1),
    }
    return tuple(
        what
        for what, (told, expected) in stories.items()
        if len(rule.keys(_told(tuple(told)), NOW)) != expected
        or (
            "twice" in what and rule.by == ("document_id",) and len(rule.asks(_told(tuple(told)), NOW).rows) != expected
        )
    )


_Said = tuple[timedelta, Event, tuple[tuple[str, Any], ...]]


@cache
def _told(lines: tuple[_Said, ...]) -> Workspace:
    """Return a workspace in which the timer runs, with some lines; many rules are asked over the same."""
    timer = [Line(NOW - at * 5 * MINUTE, reconciled()) for at in range(150)]
    return workspace_of([*timer, *(Line(NOW - ago, line_of(event, **dict(fields))) for ago, event, fields in lines)])


@cache
def _stands(
    rule: Alert, event: Event, fields: tuple[tuple[str, Any], ...], other: Event, subject: tuple[tuple[str, Any], ...]
) -> bool:
    return len(rule.keys(_told(((10 * HOUR, event, fields), (HOUR, other, subject))), NOW)) == 1


@cache
def _old_look(rule: Alert, limit: int) -> str:
    looks = ((11, limit * 2.0), (6, 5.0))
    lines = [
        Line(NOW - ago * MINUTE, line_of(Event.QUEUE_SEEN, queue="recording-chunks", count=1, age_seconds=age))
        for ago, age in looks
    ]
    return "judges by an old look" if rule.keys(workspace_of(lines), NOW) else ""


@cache
def _old_count(rule: Alert, field: str) -> str:
    lines = [Line(NOW - at * 5 * MINUTE, reconciled(**{field: 0 if at < 6 else 2})) for at in range(2, 30)]
    return "judges by an old count" if rule.keys(workspace_of(lines), NOW) else ""


@cache
def _keys(alert: Alert, case: int) -> frozenset[Key]:
    return frozenset(alert.keys(_workspace(case), NOW))


@cache
def _workspace(case: int) -> Workspace:
    return workspace_after(CASES[case])


CHECKS: list[Check] = [
    each_alert_fires_on_its_failure_alone,
    each_alert_ends_when_it_is_over,
]
