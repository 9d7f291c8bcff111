"""What the rows of an alert say: its mail shows them, and whoever is woken goes by their ids, codes and times."""

from collections.abc import Iterator, Mapping
from datetime import UTC, datetime, timedelta
from functools import cache
from typing import Any

from dev.policies.infra.alarms import Alert, Line, alerts_of
from dev.policies.infra.alert_cases import CASES
from dev.policies.infra.alert_cases.case import Case
from dev.policies.infra.alert_lines import MINUTE, NOW, line_of, reconciled
from dev.policies.infra.log_workspace import Row, Workspace
from dev.policies.infra.templates import Check, Templates
from recording.telemetry import Event

# Columns that have another name than the field of the line that they show.
_OF_FIELD = {
    "indexes": "detail",
    "age": "age_seconds",
    "messages": "count",
    "attempts": "attempt",
    "least_left_seconds": "time_left_seconds",
}
_EARLIER = 5 * MINUTE  # what happens is played twice: the newest of the two is told
_FIRST = {"recording-never-announced"}  # its row tells the time of the first one
_WITHOUT_LINES = {"app-silent"}


def each_row_says_what_the_line_said(templates: Templates) -> Iterator[str]:
    """Check: a query that finds the trouble and shows another id or time sends people to the wrong place."""
    for name, alert in alerts_of(templates).items():
        if alert.query:
            yield from says_wrongly(templates, name)


def says_wrongly(templates: Templates, name: str) -> Iterator[str]:
    """Yield each column of an alert's rows that is not what was logged."""
    alert = alerts_of(templates)[name]
    played = [at for at, case in enumerate(CASES) if name in case.alerts and _is_one_thing(case)]
    if not played and name not in _WITHOUT_LINES:
        yield f"{name}: nothing is played whose row could be read"
    try:
        yield from (f"{name} {what}" for case in played for what in _wrong(alert, case))
    except Exception as error:  # noqa: BLE001 - whatever the engine says of a query that cannot be run
        yield f"{name}: {error}"


def _is_one_thing(case: Case) -> bool:
    """Return whether all lines of a case are of one event that names its subject, or all of them are rows."""
    events = {event for _, event, _ in case.lines}
    return (len(events) == 1 and not case.rows and Event.RECONCILED not in events) or bool(case.rows and not events)


@cache
def _wrong(alert: Alert, number: int) -> tuple[str, ...]:
    case = CASES[number]
    agos = [*(ago for ago, _, _ in case.lines), *(ago for _, ago, _ in case.rows)]
    at = NOW - max(agos) - _EARLIER if alert.name in _FIRST else NOW - min(agos)
    told = _told(case, at, max(agos) if alert.name in _FIRST else min(agos))
    answer = alert.asks(_played(number), NOW)
    return tuple(
        f"says {value!r} for {column}: {case.what}"
        for row in answer.rows
        for column, value in zip(answer.columns, row, strict=True)
        if column in told and not _is_same(value, told[column])
    )


@cache
def _played(number: int) -> Workspace:
    """Return a workspace in which the timer runs and a case happens twice."""
    workspace, case = Workspace(), CASES[number]
    timer = [Line(NOW - at * 5 * MINUTE, reconciled()) for at in range(1, 60)]
    lines = [
        Line(NOW - ago - earlier, line_of(event, **fields))
        for ago, event, fields in case.lines
        for earlier in (timedelta(), _EARLIER)
    ]
    workspace.traces((line.at, line.text) for line in [*timer, *lines])
    for table, ago, row in case.rows:
        workspace.write(table, [{**row, "TimeGenerated": NOW - ago - earlier} for earlier in (timedelta(), _EARLIER)])
    return workspace


def _told(case: Case, at: datetime, ago: timedelta) -> Mapping[str, Any]:
    """Return what a row must say, by its columns."""
    found = [fields for one, _, fields in case.lines if one == ago] or [_of_azure(row) for _, _, row in case.rows]
    fields = found[-1]
    by_column = {column: fields[name] for column, name in _OF_FIELD.items() if name in fields}
    code = fields.get("code", fields.get("reason"))
    told: dict[str, Any] = {**fields, **by_column, **({} if code is None else {"code": code})}
    if "time_left_seconds" in fields or "RecordingId" in fields:
        told["expires_at"] = at + timedelta(seconds=fields.get("time_left_seconds", 86_400))
    return {**told, "TimeGenerated": at, "hour": f"{at:%Y-%m-%d %H}", "night": f"{at:%Y-%m-%d}"}


def _of_azure(row: Row) -> dict[str, Any]:
    """Return a row of Azure's own tables, with what the queries make of its columns."""
    path = str(row.get("Uri", "")).partition("?")[0].split("/")
    made = {
        "caller": str(row.get("CallerIpAddress", "")).partition(":")[0],
        "queue": path[3] if len(path) > 3 else "",
        "recording_id": row.get("RecordingId"),
        "chunks": row.get("ChunkCount"),
        "detail": row.get("Detail"),
    }
    return {**row, **{name: value for name, value in made.items() if value}}


def _is_same(shown: Any, wanted: Any) -> bool:
    if isinstance(shown, datetime) and isinstance(wanted, datetime):
        return abs(shown - wanted.astimezone(UTC).replace(tzinfo=None)) < timedelta(seconds=1)
    try:
        return float(shown) == float(wanted)
    except (TypeError, ValueError):
        return str(shown) == str(wanted)


CHECKS: list[Check] = [each_row_says_what_the_line_said]
