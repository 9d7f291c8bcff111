"""One case of the alerts: something that happens, and the alerts that must fire for it."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from dev.policies.infra.alarms import APP, Line
from dev.policies.infra.alert_lines import HOUR, IDS, MINUTE, NOW, RECONCILED, Fields, calm, line_of
from dev.policies.infra.log_workspace import Row, Workspace
from recording.adapters.probe import PROBE
from recording.telemetry import Event

STRANGER = "00000000-0000-0000-0000-0000000bad01"


@dataclass(frozen=True)
class Case:
    """Something that happens, the alerts that must fire for it, and what each alert is told apart by."""

    what: str
    lines: Sequence[tuple[timedelta, Event, Fields]] = ()
    alerts: frozenset[str] = frozenset()
    rows: Sequence[tuple[str, timedelta, Row]] = ()
    without: frozenset[Event] = frozenset()  # lines of a calm day that are not there


def failed(**fields: Any) -> tuple[timedelta, Event, Fields]:
    """Return a failed attempt of half an hour ago."""
    return 30 * MINUTE, Event.ATTEMPT_FAILED, {**IDS, "time_left_seconds": 50000.0, "delay_seconds": 60.0, **fields}


def rejected(entry: str, ago: timedelta = 20 * MINUTE) -> tuple[timedelta, Event, Fields]:
    """Return an event that was refused and kept as this entry."""
    return ago, Event.EVENT_REJECTED, {"reason": "foreign_host", "came_from": "event_grid", "entry": entry}


def now(event: Event, **fields: Any) -> tuple[timedelta, Event, Fields]:
    """Return a line of the last half hour."""
    return 20 * MINUTE, event, fields


def deleted(**fields: Any) -> tuple[str, timedelta, Row]:
    """Return a row of the archive's log about a delete."""
    told = {
        "OperationName": "DeleteBlob",
        "StatusText": "Success",
        "AuthenticationType": "OAuth",
        "RequesterObjectId": STRANGER,
        "CallerIpAddress": "10.0.0.7:5113",
        "UserAgentHeader": "curl/8",
        "Uri": "https://a.blob.example/recordings/x.mp4",
    }
    return "StorageBlobLogs", 20 * MINUTE, {**told, **fields}


LIFECYCLE: Fields = {
    "AuthenticationType": "SAS",
    "RequesterObjectId": "",
    "UserAgentHeader": "xAzure/1.0 AzureStorage/1.0 ObjectLifeCycleScanner/0.50",
}
DOCTOR: Fields = {
    "RequesterObjectId": APP,
    "StatusText": "AuthorizationPermissionMismatch",
    "Uri": f"https://a.blob.example/recordings/{PROBE}?timeout=30",
}
# What storage answers the custodian on a day like any other: gone already, immutable still, held.
LAWFULLY_REFUSED = ("BlobNotFound", "BlobImmutableDueToPolicy", "BlobImmutableDueToLegalHold")
NOBODY: Fields = {"AuthenticationType": "Anonymous", "RequesterObjectId": ""}
REFUSED = (
    *("PublicAccessNotPermitted", "NoAuthenticationInformation", "ResourceNotFound"),
    *("ContainerNotFound", "BlobNotFound"),
)


def reads(count: int, **fields: Any) -> list[tuple[str, timedelta, Row]]:
    """Return rows about reads of so many blobs."""
    uri = str(fields.get("Uri", "https://a.blob.example/recordings/{at}.mp4?x"))
    return [deleted(**{"OperationName": "GetBlob", **fields, "Uri": uri.format(at=at)}) for at in range(count)]


def ranges(count: int) -> list[tuple[str, timedelta, Row]]:
    """Return rows about reads of so many ranges of one blob."""
    return [deleted(OperationName="GetBlobRange") for _ in range(count)]


def again(recording_id: str) -> tuple[timedelta, Event, Fields]:
    """Return a second delivery of a recording's event."""
    return 2 * HOUR, Event.EVENT_DUPLICATE, {"recording_id": recording_id, "event_id": "e"}


def counted(**counts: int) -> tuple[tuple[timedelta, Event, Fields], ...]:
    """Return three runs of the timer with these counts."""
    return tuple((at * MINUTE, Event.RECONCILED, {**RECONCILED, **counts}) for at in (6, 11, 16))


def summary(recording_id: str, age: timedelta) -> tuple[str, timedelta, Row]:
    """Return a row of ACS's own log about a recording."""
    return "ACSCallRecordingSummary", age, {"RecordingId": recording_id, "ChunkCount": 2}


def alerts(*names: str) -> frozenset[str]:
    """Return the names of alerts."""
    return frozenset(names)


def workspace_after(case: Case) -> Workspace:
    """Return a workspace with two calm days and what happens in a case."""
    workspace = Workspace()
    replaced = frozenset({Event.QUEUE_SEEN} if any(event is Event.QUEUE_SEEN for _, event, _ in case.lines) else ())
    replaced |= frozenset({Event.RECONCILED} if _counts(case) else ())
    lines = [
        (line.at, line.text)
        for line in calm(without=case.without)
        if not (line.at > NOW - 20 * MINUTE and _is(line, replaced))
    ]
    workspace.traces(lines)
    workspace.traces((NOW - ago, line_of(event, **fields)) for ago, event, fields in case.lines)
    for table, ago, row in case.rows:
        workspace.write(table, [{**row, "TimeGenerated": NOW - ago}])
    return workspace


def _counts(case: Case) -> bool:
    return any(event is Event.RECONCILED for _, event, _ in case.lines)


def _is(line: Line, events: frozenset[Event]) -> bool:
    return any(line.text.startswith(event.value) for event in events)
