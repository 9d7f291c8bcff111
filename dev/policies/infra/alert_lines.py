"""The app's lines, as its own `emit` writes them, and what each deployed alert must make of them."""

import logging
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from dev.policies.infra.alarms import APP, CUSTODIAN, Line
from dev.policies.infra.log_workspace import Row, Workspace
from recording.adapters.probe import PROBE
from recording.telemetry import Event, emit

NOW = datetime(2026, 11, 28, 12, 0, tzinfo=UTC)
MINUTE, HOUR, DAY = timedelta(minutes=1), timedelta(hours=1), timedelta(days=1)
RECEIVER: Mapping[str, Any] = {"entry": "webhook-1", "code": "endpoint_refused", "age_seconds": 4000}
IDS: Mapping[str, Any] = {"recording_id": "rec-1", "document_id": "doc-1", "index": 0}
STRANGER = "00000000-0000-0000-0000-0000000bad01"

Fields = Mapping[str, Any]


@dataclass(frozen=True)
class Case:
    """Something that happens, the alerts that must fire for it, and what each alert is told apart by."""

    what: str
    lines: Sequence[tuple[timedelta, Event, Fields]] = ()
    alerts: frozenset[str] = frozenset()
    rows: Sequence[tuple[str, timedelta, Row]] = ()
    without: frozenset[Event] = frozenset()  # lines of a calm day that are not there


def line_of(event: Event, **fields: Any) -> str:
    """Return the text that the app logs."""
    log, heard = logging.getLogger("recording"), _Ear()
    kept = log.level, log.propagate, log.disabled
    log.addHandler(heard)
    log.propagate, log.disabled = False, False
    log.setLevel(logging.DEBUG)
    try:
        emit(event, **fields)
    finally:
        log.removeHandler(heard)
        log.setLevel(kept[0])
        log.propagate, log.disabled = kept[1], kept[2]
    return heard.texts[0]


class _Ear(logging.Handler):
    def __init__(self) -> None:
        super().__init__()
        self.texts: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        """Keep a line."""
        self.texts.append(record.getMessage())


_RECONCILED: Fields = {
    "poisoned": 0,
    "count": 0,
    "at_risk": 0,
    "expired": 0,
    "missing": 0,
    "incomplete": 0,
    "chunks": 1,
}


def reconciled(**counts: int) -> str:
    """Return the line of a run of the timer."""
    return line_of(Event.RECONCILED, **{**_RECONCILED, **counts})


def calm(until: datetime = NOW, without: frozenset[Event] = frozenset()) -> Iterator[Line]:
    """Yield the lines of two and a half calm days: the timer, the queues, the nightly scrub, a recording an hour."""
    texts = {
        Event.RECONCILED: (5 * MINUTE, [reconciled()]),
        Event.QUEUE_SEEN: (
            5 * MINUTE,
            [line_of(Event.QUEUE_SEEN, queue="recording-chunks", count=2, age_seconds=41.5)],
        ),
        Event.SCRUBBED: (DAY, [line_of(Event.SCRUBBED, chunks=10, count=0)]),
        Event.SEALED: (HOUR, [line_of(Event.SEALED, count=3, requests=1)]),
        Event.SEAL_COMPARED: (DAY, [line_of(Event.SEAL_COMPARED, count=0, requests=12, files=31)]),
        Event.COUNTED: (HOUR, [line_of(Event.COUNTED, count=0, chunks=3)]),
        Event.CHUNK_ARCHIVED: (HOUR, [line_of(event, **fields) for event, fields in A_GOOD_LIFE]),
    }
    for event, (every, written) in texts.items():
        if event not in without:
            times = int((2.5 * DAY) / every)
            latest = until - (31 * MINUTE if every > 5 * MINUTE else MINUTE)
            yield from (Line(latest - at * every, text) for at in range(times) for text in written)


A_GOOD_LIFE: tuple[tuple[Event, Fields], ...] = (
    (Event.STARTED, {"recording_id": "rec-0", "started_by": "caller"}),
    (Event.PAUSED, {"recording_id": "rec-0"}),
    (Event.RESUMED, {"recording_id": "rec-0"}),
    (Event.STOPPED, {"recording_id": "rec-0"}),
    (
        Event.EVENT_ACCEPTED,
        {"recording_id": "rec-0", "event_id": "e", "came_from": "event_grid", "chunks": 1, "count": 1},
    ),
    (
        Event.EVENT_DUPLICATE,
        {"recording_id": "rec-0", "event_id": "e", "came_from": "event_queue", "chunks": 1, "count": 0},
    ),
    (Event.CHUNK_WAITING, {"recording_id": "rec-0", "document_id": "doc-0", "index": 0, "reason": "gave_way"}),
    (
        Event.ATTEMPT_FAILED,
        {"document_id": "doc-0", "code": "source_busy", "fault": "nobody", "time_left_seconds": 80000.0},
    ),
    (Event.CHUNK_COPIED, {"document_id": "doc-0", "length_bytes": 10, "took_ms": 7}),
    (Event.CHUNK_VERIFIED, {"document_id": "doc-0"}),
    (Event.CHUNK_ARCHIVED, {"recording_id": "rec-0", "document_id": "doc-0", "index": 0}),
    (Event.SOURCE_DELETED, {"document_id": "doc-0", "reason": "deleted"}),
    (Event.SOURCE_LEFT, {"document_id": "doc-0", "reason": "external"}),
    (Event.REDRIVEN, {"document_id": "doc-0", "reason": "overdue"}),
    (Event.DISMISSED, {"action": "held", "reason": "foreign_host", "recording_id": "rec-0", "entry": "e.json"}),
)


def _failed(**fields: Any) -> tuple[timedelta, Event, Fields]:
    return 30 * MINUTE, Event.ATTEMPT_FAILED, {**IDS, "time_left_seconds": 50000.0, "delay_seconds": 60.0, **fields}


def _rejected(entry: str, ago: timedelta = 20 * MINUTE) -> tuple[timedelta, Event, Fields]:
    return ago, Event.EVENT_REJECTED, {"reason": "foreign_host", "came_from": "event_grid", "entry": entry}


def _now(event: Event, **fields: Any) -> tuple[timedelta, Event, Fields]:
    return 20 * MINUTE, event, fields


def _deleted(**fields: Any) -> tuple[str, timedelta, Row]:
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


_LIFECYCLE: Fields = {
    "AuthenticationType": "SAS",
    "RequesterObjectId": "",
    "UserAgentHeader": "xAzure/1.0 AzureStorage/1.0 ObjectLifeCycleScanner/0.50",
}


_DOCTOR: Fields = {
    "RequesterObjectId": APP,
    "StatusText": "AuthorizationPermissionMismatch",
    "Uri": f"https://a.blob.example/recordings/{PROBE}?timeout=30",
}
# What storage answers the custodian on a day like any other: gone already, immutable still, held.
_LAWFULLY_REFUSED = ("BlobNotFound", "BlobImmutableDueToPolicy", "BlobImmutableDueToLegalHold")
_NOBODY: Fields = {"AuthenticationType": "Anonymous", "RequesterObjectId": ""}
_REFUSED = (
    *("PublicAccessNotPermitted", "NoAuthenticationInformation", "ResourceNotFound"),
    *("ContainerNotFound", "BlobNotFound"),
)


def _reads(count: int, **fields: Any) -> list[tuple[str, timedelta, Row]]:
    uri = str(fields.get("Uri", "https://a.blob.example/recordings/{at}.mp4?x"))
    return [_deleted(**{"OperationName": "GetBlob", **fields, "Uri": uri.format(at=at)}) for at in range(count)]


def _ranges(count: int) -> list[tuple[str, timedelta, Row]]:
    return [_deleted(OperationName="GetBlobRange") for _ in range(count)]


def _again(recording_id: str) -> tuple[timedelta, Event, Fields]:
    return 2 * HOUR, Event.EVENT_DUPLICATE, {"recording_id": recording_id, "event_id": "e"}


def _counted(**counts: int) -> tuple[tuple[timedelta, Event, Fields], ...]:
    return tuple((at * MINUTE, Event.RECONCILED, {**_RECONCILED, **counts}) for at in (6, 11, 16))


def _row(recording_id: str, age: timedelta) -> tuple[str, timedelta, Row]:
    return "ACSCallRecordingSummary", age, {"RecordingId": recording_id, "ChunkCount": 2}


def _alerts(*names: str) -> frozenset[str]:
    return frozenset(names)


CASES: tuple[Case, ...] = (
    *(Case(f"a good life: {event.value}", [_now(event, **fields)]) for event, fields in A_GOOD_LIFE),
    Case("calm runs of the timer", _counted()),
    Case("ACS's log is read", [_now(Event.COUNTED, count=1, chunks=4)]),
    Case("a chunk is healed", [_now(Event.CHUNK_HEALED, **IDS)]),
    Case(
        "a chunk is at risk",
        [_now(Event.CHUNK_AT_RISK, **IDS, time_left_seconds=21000.0, code="source_refused")],
        _alerts("chunk-at-risk"),
    ),
    Case("reconcile counts chunks at risk, and no line names them", _counted(at_risk=3), _alerts("chunk-at-risk")),
    Case("a chunk is lost", [_now(Event.CHUNK_EXPIRED, **IDS, code="source_busy")], _alerts("chunk-expired")),
    Case(
        "a chunk is held",
        [_now(Event.CHUNK_QUARANTINED, **IDS, reason="media_suspect", entry="e.json")],
        _alerts("chunk-quarantined"),
    ),
    Case(
        "a recording is missing",
        [_now(Event.MISSING, recording_id="rec-1", chunks=0, detail="missing indexes: 0")],
        _alerts("recording-missing"),
    ),
    Case(
        "reconcile counts missing recordings, and no line names them", _counted(missing=1), _alerts("recording-missing")
    ),
    Case(
        "a recording is incomplete",
        [_now(Event.INCOMPLETE, recording_id="rec-1", chunks=2, detail="missing indexes: 1")],
        _alerts("recording-incomplete"),
    ),
    Case(
        "reconcile counts incomplete recordings, and no line names them",
        _counted(incomplete=2),
        _alerts("recording-incomplete"),
    ),
    Case(
        "a pause is not over",
        [_now(Event.PAUSE_OVERDUE, recording_id="rec-1", code="pause_overdue")],
        _alerts("pause-overdue"),
    ),
    Case(
        "a pause that was not over is over now",
        [
            (20 * MINUTE, Event.PAUSE_OVERDUE, {"recording_id": "rec-1", "code": "pause_overdue"}),
            (10 * MINUTE, Event.STOPPED, {"recording_id": "rec-1"}),
        ],
    ),
    Case(
        "what must be recorded is not",
        [_now(Event.UNRECORDED, code="acs_unavailable", fault="acs", reason="start_refused")],
        _alerts("unrecorded"),
    ),
    Case("the directory is exported", [_now(Event.DIRECTORY_EXPORTED, count=1, length_bytes=1)]),
    Case("a waveform is not kept", [_now(Event.WAVEFORM_NOT_KEPT, recording_id="rec-1", code="storage_refused")]),
    Case("a pause ends at ACS by itself", [_now(Event.PAUSE_ENDED, recording_id="rec-1", reason="over")]),
    Case("consent is told", [_now(Event.CONSENT, recording_id="rec-1", action="given")]),
    Case("a recording ends soon", [_now(Event.ENDS_SOON, recording_id="rec-1", time_left_seconds=600.0)]),
    Case("a guard acts", [_now(Event.GUARD_ACTED, recording_id="rec-1", action="resume_recording")]),
    Case(
        "a guard is refused once",
        [
            _now(
                Event.GUARD_FAILED, recording_id="rec-1", action="pause", code="acs_unavailable", fault="acs", attempt=0
            )
        ],
    ),
    Case(
        "a chunk is in the fallback",
        [_now(Event.CHUNK_IN_FALLBACK, **IDS, time_left_seconds=1.0)],
        _alerts("chunk-in-fallback"),
    ),
    Case("a try fails for ACS", [_failed(code="source_empty", fault="acs", attempt=4)]),
    Case(
        "five tries fail for ACS",
        [_failed(code="source_busy", fault="acs", attempt=at) for at in (4, 5)],
        _alerts("chunk-stuck"),
    ),
    Case(
        "a refused event is put back to work, and one that was refused twice is dismissed",
        [
            *(_rejected(entry) for entry in ("e1.json", "e2.json", "e3.json")),
            (15 * MINUTE, Event.REDRIVEN, {"reason": "asked_for", "entry": "e1.json"}),
            *((10 * MINUTE, Event.DISMISSED, {"action": "held", "entry": entry}) for entry in ("e2.json", "e3.json")),
        ],
    ),
    Case(
        "one of two refused events is dismissed",
        [
            *(_rejected(entry) for entry in ("e1.json", "e2.json")),
            (10 * MINUTE, Event.DISMISSED, {"action": "held", "entry": "e2.json"}),
        ],
        _alerts("event-rejected"),
    ),
    Case(
        "a dismissed event is refused again",
        [(15 * MINUTE, Event.DISMISSED, {"action": "held", "entry": "e1.json"}), _rejected("e1.json", 10 * MINUTE)],
        _alerts("event-rejected"),
    ),
    Case(
        "a try fails for want of a role", [_failed(code="source_refused", fault="operator")], _alerts("operator-fault")
    ),
    Case(
        "dead letters cannot be read",
        [
            _now(Event.DEAD_LETTERS_UNAVAILABLE, code="storage_refused", fault="operator", detail="403"),
            (
                6 * MINUTE,
                Event.DEAD_LETTERS_UNAVAILABLE,
                {"code": "storage_refused", "fault": "operator", "detail": "403"},
            ),
        ],
        _alerts("operator-fault"),
    ),
    Case(
        "dead letters are busy for a moment",
        [(6 * MINUTE, Event.DEAD_LETTERS_UNAVAILABLE, {"code": "storage_busy", "fault": "nobody", "detail": "503"})],
    ),
    Case(
        "a row of the audit trail is missing",
        [_now(Event.AUDIT_FAILED, code="storage_refused", action="stop", recording_id="rec-1")],
        _alerts("operator-fault"),
    ),
    Case(
        "starts are refused for want of a role",
        [(6 * MINUTE, Event.CONTROL_REFUSED, {"code": "acs_forbidden", "fault": "operator"})],
        _alerts("control-refused"),
    ),
    Case(
        "ACS refuses starts for reasons of its own",
        [(6 * MINUTE, Event.CONTROL_REFUSED, {"code": "acs_busy", "fault": "acs"})],
        _alerts("control-refused"),
    ),
    Case(
        "a caller asks for nonsense",
        [(6 * MINUTE, Event.CONTROL_REFUSED, {"code": "invalid_request", "fault": "caller"})],
    ),
    Case(
        "starts were refused, and work again",
        [(50 * MINUTE, Event.CONTROL_REFUSED, {"code": "acs_busy", "fault": "acs"})],
    ),
    Case(
        "drift",
        [_now(Event.DRIFT, reason="media_missing", blob_name="x.mp4", recording_id="rec-1")],
        _alerts("archive-drift"),
    ),
    Case(
        "ACS's log is unavailable once",
        [_now(Event.LOG_UNAVAILABLE, code="log_unavailable", fault="nobody", detail="503")],
    ),
    Case(
        "ACS's log is unavailable for hours",
        [
            (at * HOUR, Event.LOG_UNAVAILABLE, {"code": "log_unavailable", "fault": "nobody", "detail": "503"})
            for at in (1, 2, 3)
        ],
        _alerts("acs-log-unavailable"),
    ),
    Case(
        "an event is refused",
        [_now(Event.EVENT_REJECTED, reason="foreign_host", came_from="event_grid", entry="e.json", detail="x")],
        _alerts("event-rejected"),
    ),
    Case(
        "a stored item cannot be read",
        [
            (
                6 * MINUTE,
                Event.NEEDS_ATTENTION,
                {"reason": "open_chunks", "entry": "rec-1/0", "code": "unreadable_record"},
            )
        ],
        _alerts("operator-fault"),
    ),
    Case(
        "the manifest cannot be rewritten",
        [_now(Event.MANIFEST_BEHIND, **IDS, code="blob_locked")],
        _alerts("operator-fault"),
    ),
    Case(
        "archived media vanished before its source was deleted",
        [_now(Event.CHUNK_MEDIA_LOST, **IDS, reason="media_vanished", blob_name="x.wav")],
        _alerts("operator-fault"),
    ),
    Case(
        "a chunk is past its deadline and ACS has not forgotten it",
        [_now(Event.CHUNK_PAST_DEADLINE, **IDS, code="source_busy")],
        _alerts("operator-fault"),
    ),
    Case(
        "the directory cannot be brought up to date",
        [_now(Event.FOLLOW_UP_FAILED, code="storage_busy", attempt=1, recording_id="rec-1")],
    ),
    Case("a chunk goes back to work", [_now(Event.CHUNK_REOPENED, **IDS, state="EXPIRED")]),
    Case("an event of another type", [_now(Event.EVENT_IGNORED, came_from="event_queue", detail="CallStarted")]),
    Case(
        "a delete location that is not called",
        [_now(Event.LOCATION_REFUSED, **IDS, reason="foreign_host", detail="the delete location")],
    ),
    Case(
        "metadata never came",
        [_now(Event.CHUNK_METADATA_MISSING, **IDS, code="source_not_found")],
        _alerts("metadata-missing"),
    ),
    Case(
        "media passed with a warning",
        [_now(Event.CHUNK_MEDIA_SUSPECT, **IDS, detail="does not open")],
        _alerts("media-suspect"),
    ),
    Case(
        "work waits for ten minutes",
        [(6 * MINUTE, Event.QUEUE_SEEN, {"queue": "recording-chunks", "count": 9, "age_seconds": 600.0})],
    ),
    Case(
        "work waits for forty minutes",
        [(6 * MINUTE, Event.QUEUE_SEEN, {"queue": "recording-events", "count": 9, "age_seconds": 2400.0})],
        _alerts("queue-waiting"),
    ),
    Case(
        "work waits for forty minutes, and numbers arrive as text",
        [(6 * MINUTE, Event.QUEUE_SEEN, {"queue": "recording-events", "count": "9", "age_seconds": "2400.0"})],
        _alerts("queue-waiting"),
    ),
    Case(
        "five tries fail, and numbers arrive as text",
        [_failed(code="source_busy", fault="acs", attempt="5")],
        _alerts("chunk-stuck"),
    ),
    *(
        Case(
            f"reconcile counts, and numbers arrive as text: {field}",
            tuple((at * MINUTE, Event.RECONCILED, {**_RECONCILED, field: "2"}) for at in (6, 11, 16)),
            _alerts(alert),
        )
        for alert, field in (
            ("chunk-at-risk", "at_risk"),
            ("recording-missing", "missing"),
            ("recording-incomplete", "incomplete"),
        )
    ),
    Case(
        "work waits for eighteen hours, and numbers arrive as text",
        [(6 * MINUTE, Event.QUEUE_SEEN, {"queue": "recording-events", "count": "9", "age_seconds": "64000"})],
        _alerts("queue-waiting", "queue-stuck"),
    ),
    Case(
        "work waits for eighteen hours",
        [(6 * MINUTE, Event.QUEUE_SEEN, {"queue": "recording-events", "count": 9, "age_seconds": 64000.0})],
        _alerts("queue-waiting", "queue-stuck"),
    ),
    Case(
        "the scrub runs out of time, within its cycle",
        [(20 * MINUTE, Event.SCRUBBED, {"chunks": 5, "count": 0, "reason": "time_ran_out", "coverage": 1.0})],
    ),
    Case(
        "the scrub is behind its cycle",
        [
            (20 * MINUTE, Event.SCRUBBED, {"chunks": 5, "count": 0, "coverage": 0.9}),
            (20 * MINUTE, Event.SCRUB_BEHIND, {"reason": "time_ran_out", "coverage": 0.9, "count": 7}),
        ],
        _alerts("scrub-behind"),
    ),
    Case(
        "the scrub was behind, and has caught up",
        [
            (10 * HOUR, Event.SCRUB_BEHIND, {"reason": "time_ran_out", "coverage": 0.9, "count": 7}),
            (9 * HOUR, Event.SCRUBBED, {"chunks": 5, "count": 0, "coverage": 1.0}),
        ],
    ),
    Case(
        "the scrub fails",
        [(20 * MINUTE, Event.SCRUB_BEHIND, {"reason": "failed", "code": "storage_refused"})],
        _alerts("scrub-behind"),
    ),
    Case(
        "a bundle is made, and another one is not",
        [
            (20 * MINUTE, Event.EXPORTED, {"count": 12, "length_bytes": 9, "entry": "e1"}),
            (15 * MINUTE, Event.EXPORT_FAILED, {"code": "export_too_large", "entry": "e2"}),
        ],
    ),
    Case(
        "a joined file is made, and another one cannot be",
        [
            (20 * MINUTE, Event.DERIVED, {"reason": "joined", "length_bytes": 9}),
            (15 * MINUTE, Event.DERIVED_FAILED, {"code": "media_offline", "reason": "joined"}),
        ],
    ),
    Case(
        "a turn of the seal fails, and the next one goes on",
        [
            (20 * MINUTE, Event.SEAL_FAILED, {"code": "seal_key_unavailable", "reason": "SealKeyError"}),
            (15 * MINUTE, Event.SEALED, {"count": 12, "requests": 1}),
        ],
    ),
    Case(
        "nothing could be sealed for an hour",
        [(20 * MINUTE, Event.SEAL_BEHIND, {"code": "seal_key_unavailable"})],
        _alerts("seal-behind"),
    ),
    Case(
        "nothing was ever sealed, for an hour at least",
        [(20 * MINUTE, Event.SEAL_BEHIND, {"code": "seal_key_unavailable"})],
        _alerts("seal-behind"),
        without=frozenset({Event.SEALED, Event.SEAL_COMPARED}),
    ),
    Case(
        "a row of the audit trail is not as it was sealed",
        [
            (20 * MINUTE, Event.SEAL_DIFFERS, {"reason": "row_changed", "entry": "row-1", "detail": "caller"}),
            (20 * MINUTE, Event.SEAL_COMPARED, {"count": 1, "requests": 12, "files": 30}),
        ],
        _alerts("seal-differs"),
    ),
    Case(
        "differences stand that an earlier turn named",
        [(20 * MINUTE, Event.SEAL_COMPARED, {"count": 2, "requests": 12, "files": 30})],
        _alerts("seal-differs"),
    ),
    Case(
        "a row differed, and a later pass finds nothing",
        [
            (10 * HOUR, Event.SEAL_COMPARED, {"count": 1, "requests": 12, "files": 30}),
            (9 * HOUR, Event.SEAL_COMPARED, {"count": 0, "requests": 12, "files": 31}),
        ],
    ),
    Case(
        "a comparison with the seal runs out of time, and nothing differs",
        [(20 * MINUTE, Event.SEAL_COMPARED, {"count": 0, "requests": 900, "files": 1, "reason": "time_ran_out"})],
    ),
    Case("nothing is compared with the seal", alerts=_alerts("seal-differs"), without=frozenset({Event.SEAL_COMPARED})),
    Case("nothing is sealed here", without=frozenset({Event.SEALED, Event.SEAL_COMPARED})),
    Case(
        "a receiver of events is down for an hour and comes back",
        [
            (80 * MINUTE, Event.NOTIFY_REFUSED, RECEIVER),
            (20 * MINUTE, Event.ENDPOINT_FAILING, RECEIVER),
            (15 * MINUTE, Event.NOTIFIED, {"entry": "webhook-1", "event_id": "e-1", "reason": "archived"}),
        ],
    ),
    Case(
        "a receiver of events takes nothing",
        [(20 * MINUTE, Event.ENDPOINT_FAILING, RECEIVER)],
        _alerts("receiver-failing"),
    ),
    Case(
        "one receiver of events takes nothing, and another one does",
        [
            (20 * MINUTE, Event.ENDPOINT_FAILING, RECEIVER),
            (15 * MINUTE, Event.NOTIFIED, {"entry": "webhook-2", "event_id": "e-1", "reason": "archived"}),
        ],
        _alerts("receiver-failing"),
    ),
    Case(
        "nothing is sent to a receiver of events any more",
        [(5 * HOUR, Event.ENDPOINT_DISABLED, RECEIVER)],
        _alerts("receiver-failing"),
    ),
    Case(
        "one event is refused for ever, and others arrive",
        [
            (20 * MINUTE, Event.NOTIFY_GIVEN_UP, RECEIVER),
            (15 * MINUTE, Event.NOTIFIED, {"entry": "webhook-1", "event_id": "e-2", "reason": "archived"}),
        ],
        _alerts("receiver-failing"),
    ),
    Case(
        "recordings are destroyed by decision, and storage refuses one",
        [
            (20 * MINUTE, Event.DISPOSED, {"recording_id": "rec-0", "count": 4, "reason": "deleted_by_rule: calls"}),
            (19 * MINUTE, Event.DISPOSE_REFUSED, {"recording_id": "rec-1", "reason": "immutable", "count": 4}),
            (18 * MINUTE, Event.DISPOSE_RAN, {"count": 2, "took_ms": 40, "detail": "disposed=1 refused_by_storage=1"}),
        ],
    ),
    Case(
        "events go out, and what was left is caught up",
        [
            _now(Event.NOTIFY_WRITTEN, event_id="e", recording_id="rec-1"),
            _now(Event.NOTIFIED, event_id="e", entry="topic", latency_seconds=2.0),
            _now(Event.NOTIFY_CAUGHT_UP, count=3),
        ],
    ),
    Case(
        "somebody's endpoint refuses events, fails, and is switched off",
        [
            _now(Event.NOTIFY_REFUSED, event_id="e", entry="hook"),
            _now(Event.NOTIFY_FAILED, code="storage_busy", attempt=1),
            _now(Event.ENDPOINT_FAILING, entry="hook", code="endpoint_refused", age_seconds=4000.0),
            _now(Event.NOTIFY_GIVEN_UP, event_id="e", entry="hook"),
            _now(Event.ENDPOINT_DISABLED, entry="hook", code="endpoint_refused", age_seconds=400000.0),
        ],
        _alerts("receiver-failing"),
    ),
    Case("the scrub does not run", alerts=_alerts("scrub-behind"), without=frozenset({Event.SCRUBBED})),
    Case("nothing runs", alerts=_alerts("app-silent"), without=frozenset({Event.RECONCILED})),
    Case(
        "ACS recorded, and no event came",
        rows=[_row("elsewhere", 3 * HOUR)],
        alerts=_alerts("recording-never-announced"),
    ),
    Case("ACS recorded what was announced", rows=[_row("rec-0", 3 * HOUR)]),
    Case(
        "a message is poisoned",
        rows=[
            (
                "StorageQueueLogs",
                20 * MINUTE,
                {"OperationName": "PutMessage", "Uri": "https://h.queue.example/recording-chunks-poison/messages?x=1"},
            )
        ],
        alerts=_alerts("message-poisoned"),
    ),
    Case(
        "a message is sent",
        rows=[
            (
                "StorageQueueLogs",
                20 * MINUTE,
                {"OperationName": "PutMessage", "Uri": "https://h.queue.example/recording-chunks/messages"},
            )
        ],
    ),
    Case(
        "a poison queue is read",
        rows=[
            (
                "StorageQueueLogs",
                20 * MINUTE,
                {"OperationName": "GetMessages", "Uri": "https://h.queue.example/recording-chunks-poison/messages"},
            )
        ],
    ),
    Case("somebody deletes a recording", rows=[_deleted()], alerts=_alerts("archive-delete")),
    Case(
        "somebody tries to, in vain",
        rows=[_deleted(StatusText="AuthorizationPermissionMismatch")],
        alerts=_alerts("archive-delete"),
    ),
    Case("the custodian destroys", rows=[_deleted(RequesterObjectId=CUSTODIAN)]),
    *(
        Case(
            f"the custodian does what the law asks: {operation}, {status}",
            rows=[_deleted(RequesterObjectId=CUSTODIAN, OperationName=operation, StatusText=status)],
        )
        for operation in ("DeleteBlob", "SetBlobLegalHold")
        for status in ("Success", *_LAWFULLY_REFUSED)
    ),
    *(
        Case(
            f"the custodian is refused for want of a right: {status}",
            rows=[_deleted(RequesterObjectId=CUSTODIAN, StatusText=status)],
            alerts=_alerts("archive-delete"),
        )
        for status in ("AuthorizationPermissionMismatch", "AuthorizationFailure", "AuthenticationFailed")
    ),
    *(
        Case(
            f"somebody has the custodian's identity: {operation}",
            rows=[_deleted(RequesterObjectId=CUSTODIAN, OperationName=operation)],
            alerts=_alerts("archive-delete"),
        )
        for operation in (
            *("DeleteContainer", "DeleteBlobImmutabilityPolicy", "SetBlobImmutabilityPolicy"),
            *("SetBlobExpiry", "BlobBatch", "BatchDelete"),
        )
    ),
    *(
        Case(
            f"somebody else is told what the custodian may be told: {status}",
            rows=[_deleted(StatusText=status)],
            alerts=_alerts("archive-delete"),
        )
        for status in _LAWFULLY_REFUSED
    ),
    Case("the doctor asks whether the app may delete", rows=[_deleted(**_DOCTOR)]),
    *(
        Case(
            f"it is not the doctor that asks: {name}",
            rows=[_deleted(**{**_DOCTOR, name: value})],
            alerts=_alerts("archive-delete"),
        )
        for name, value in (
            ("RequesterObjectId", STRANGER),
            ("StatusText", "Success"),
            ("OperationName", "DeleteContainer"),
            ("Uri", "https://a.blob.example/recordings/doctor-probe.mp4"),
        )
    ),
    Case("the lifecycle rule deletes", rows=[_deleted(**_LIFECYCLE)]),
    Case(
        "the lifecycle rule of today's name deletes",
        rows=[_deleted(**{**_LIFECYCLE, "UserAgentHeader": "OLCMScanner"})],
    ),
    Case(
        "somebody calls themselves the lifecycle rule",
        rows=[_deleted(**{**_LIFECYCLE, "AuthenticationType": "OAuth", "RequesterObjectId": STRANGER})],
        alerts=_alerts("archive-delete"),
    ),
    Case(
        "somebody with a signed link of their own calls themselves the lifecycle rule",
        rows=[_deleted(**{**_LIFECYCLE, "RequesterObjectId": STRANGER})],
        alerts=_alerts("archive-delete"),
    ),
    Case(
        "somebody deletes with a signed link",
        rows=[_deleted(**{**_LIFECYCLE, "UserAgentHeader": "curl/8"})],
        alerts=_alerts("archive-delete"),
    ),
    Case(
        "nobody in particular calls themselves the lifecycle rule",
        rows=[_deleted(**{**_LIFECYCLE, "AuthenticationType": "Anonymous"})],
        alerts=_alerts("archive-delete"),
    ),
    Case(
        "an immutability policy is lifted",
        rows=[_deleted(OperationName="DeleteBlobImmutabilityPolicy")],
        alerts=_alerts("archive-delete"),
    ),
    *(
        Case(f"{operation} in the archive", rows=[_deleted(OperationName=operation)], alerts=_alerts("archive-delete"))
        for operation in (
            *("DeleteContainer", "SetBlobExpiry", "SetBlobImmutabilityPolicy", "SetBlobLegalHold"),
            *("BlobBatch", "BatchDelete"),
        )
    ),
    Case(
        "the lifecycle rule is refused",
        rows=[_deleted(**{**_LIFECYCLE, "StatusText": "BlobImmutableDueToPolicy"})],
        alerts=_alerts("archive-delete"),
    ),
    Case("a reader plays one recording in many ranges", rows=_ranges(150)),
    *(
        Case(
            f"a stranger reads everything by {operation}",
            rows=_reads(150, OperationName=operation),
            alerts=_alerts("archive-read"),
        )
        for operation in ("GetBlobRange", "CopyBlobSource")
    ),
    Case(
        "ACS recorded what came by one path only",
        [(2 * HOUR, Event.EVENT_ACCEPTED, {"recording_id": "rec-3", "event_id": "e", "came_from": "event_grid"})],
        rows=[_row("rec-3", 3 * HOUR)],
    ),
    Case("ACS recorded what came a second time only", [_again("rec-2")], rows=[_row("rec-2", 3 * HOUR)]),
    Case("the app writes", rows=[_deleted(OperationName="PutBlock", RequesterObjectId=APP)]),
    Case("the app reads everything", rows=_reads(150, RequesterObjectId=APP)),
    Case(
        "the custodian looks whom documents name",
        rows=_reads(150, RequesterObjectId=CUSTODIAN, Uri="https://a.blob.example/recordings/{at}/manifest.json"),
    ),
    *(
        Case(
            f"somebody reads media as the custodian: {kind}",
            rows=_reads(150, RequesterObjectId=CUSTODIAN, Uri=f"https://a.blob.example/recordings/{{at}}.{kind}?x"),
            alerts=_alerts("archive-read"),
        )
        for kind in ("mp4", "mp3", "wav")
    ),
    Case("a reader listens to one", rows=_reads(1)),
    Case(
        "a stranger reads all documents",
        rows=_reads(150, Uri="https://a.blob.example/recordings/{at}/manifest.json"),
        alerts=_alerts("archive-read"),
    ),
    Case("a stranger reads everything", rows=_reads(150), alerts=_alerts("archive-read")),
    Case(
        "somebody reads with a signed link",
        rows=_reads(1, AuthenticationType="SAS", RequesterObjectId=""),
        alerts=_alerts("archive-read"),
    ),
    *(
        Case(f"somebody is refused: {status}", rows=_reads(150, StatusText=status))
        for status in ("AuthorizationFailure", "AuthenticationFailed", "AuthorizationPermissionMismatch")
    ),
    *(
        Case(f"a scanner of the internet asks: {status}", rows=_reads(1, **_NOBODY, StatusText=status))
        for status in _REFUSED
    ),
    Case(
        "the log is full",
        rows=[
            (
                "_LogOperation",
                20 * MINUTE,
                {"Category": "Ingestion", "Operation": "Data collection Status", "Detail": "... because OverQuota"},
            )
        ],
        alerts=_alerts("log-cap-reached"),
    ),
    Case(
        "the log has another message",
        rows=[
            (
                "_LogOperation",
                20 * MINUTE,
                {"Category": "Ingestion", "Operation": "Ingestion rate", "Detail": "rate limit"},
            )
        ],
    ),
    # The edges of each number and time in a query: one step inside, one step outside.
    *(
        Case(
            f"the oldest message waits for {age:g} seconds",
            [(6 * MINUTE, Event.QUEUE_SEEN, {"queue": "recording-events", "count": 9, "age_seconds": age})],
            _alerts(*names),
        )
        for age, names in (
            (1800.0, ()),
            (1801.0, ("queue-waiting",)),
            (14400.0, ("queue-waiting",)),
            (14401.0, ("queue-waiting", "queue-stuck")),
        )
    ),
    Case(
        "ACS's log is unavailable twice",
        [
            (at * HOUR, Event.LOG_UNAVAILABLE, {"code": "log_unavailable", "fault": "nobody", "detail": "503"})
            for at in (1, 2)
        ],
    ),
    *(
        Case(
            f"{what}, {minutes} minutes ago",
            [(minutes * MINUTE, event, {**fields, "code": "storage_refused"})],
            _alerts("operator-fault") if minutes < 20 else frozenset(),
        )
        for minutes in (16, 30)
        for what, event, fields in (
            ("dead letters could not be read", Event.DEAD_LETTERS_UNAVAILABLE, {"fault": "operator", "detail": "403"}),
            ("a stored item could not be read", Event.NEEDS_ATTENTION, {"reason": "open_chunks", "entry": "rec-1/0"}),
        )
    ),
    *(
        Case(
            f"an event was given up {minutes} minutes ago, and others arrive",
            [
                (minutes * MINUTE, Event.NOTIFY_GIVEN_UP, RECEIVER),
                (15 * MINUTE, Event.NOTIFIED, {"entry": "webhook-1", "event_id": "e-2", "reason": "archived"}),
            ],
            _alerts("receiver-failing") if minutes < 60 else frozenset(),
        )
        for minutes in (50, 90)
    ),
    *(
        Case(
            f"ACS recorded {ago.total_seconds() / 3600:g} hours ago, and no event came",
            rows=[_row("elsewhere", ago)],
            alerts=_alerts("recording-never-announced") if HOUR < ago < 40 * HOUR else frozenset(),
        )
        for ago in (45 * MINUTE, 90 * MINUTE, 39 * HOUR, 44 * HOUR)
    ),
    *(
        Case(
            f"the last scrub was {hours} hours ago",
            [(hours * HOUR, Event.SCRUBBED, {"chunks": 5, "count": 0, "coverage": 1.0})],
            _alerts("scrub-behind") if hours > 30 else frozenset(),
            without=frozenset({Event.SCRUBBED}),
        )
        for hours in (20, 40)
    ),
    *(
        Case(
            f"an app runs for {hours} hours, and no scrub has run",
            [(at * 5 * MINUTE, Event.RECONCILED, _RECONCILED) for at in range(1, 12 * hours)],
            _alerts("scrub-behind") if hours > 30 else frozenset(),
            without=frozenset({Event.SCRUBBED, Event.RECONCILED}),
        )
        for hours in (20, 36)
    ),
    *(
        Case(
            f"a chunk is archived {minutes} minutes before the count that has one, and no line names another",
            [
                (40 * MINUTE, Event.CHUNK_AT_RISK, {**IDS, "time_left_seconds": 21000.0}),
                ((6 + minutes) * MINUTE, Event.CHUNK_ARCHIVED, IDS),
                (6 * MINUTE, Event.RECONCILED, {**_RECONCILED, "at_risk": 1}),
            ],
            _alerts("chunk-at-risk") if minutes > 5 else frozenset(),
        )
        for minutes in (4, 7)
    ),
    *(
        Case(
            f"an event of a recording arrives {minutes} minutes before the count that has one {field} recording",
            [
                (40 * MINUTE, begun, {"recording_id": "rec-1"}),
                ((6 + minutes) * MINUTE, Event.EVENT_ACCEPTED, {"recording_id": "rec-1", "event_id": "e"}),
                (6 * MINUTE, Event.RECONCILED, {**_RECONCILED, field: 1}),
            ],
            _alerts(f"recording-{field}") if minutes > 5 else frozenset(),
        )
        for minutes in (4, 7)
        for field, begun in (("missing", Event.MISSING), ("incomplete", Event.INCOMPLETE))
    ),
    *(
        Case(
            f"reconcile counts {field}, no line names them, and another line follows",
            (*_counted(**{field: 2}), (330 * timedelta(seconds=1), Event.COUNTED, {"count": 0, "chunks": 3})),
            _alerts(alert),
        )
        for alert, field in (
            ("chunk-at-risk", "at_risk"),
            ("recording-missing", "missing"),
            ("recording-incomplete", "incomplete"),
        )
    ),
    *(
        Case(f"{count} recordings are read", rows=_reads(count), alerts=_alerts(*names))
        for count, names in ((99, ()), (100, ("archive-read",)))
    ),
)


CHUNK: Fields = IDS
# What begins an alert that stands until a line of the same subject ends it.
FAILURES: list[tuple[str, Event, Fields, tuple[Event, Fields]]] = [
    *(
        ("chunk-at-risk", Event.CHUNK_AT_RISK, {**CHUNK, "time_left_seconds": 21600.0}, (end, CHUNK))
        for end in (Event.CHUNK_ARCHIVED, Event.CHUNK_IN_FALLBACK, Event.CHUNK_QUARANTINED, Event.CHUNK_EXPIRED)
    ),
    *(
        ("chunk-expired", Event.CHUNK_EXPIRED, {**CHUNK, "code": "source_busy"}, (end, CHUNK))
        for end in (Event.CHUNK_ARCHIVED, Event.DISMISSED)
    ),
    *(
        ("chunk-quarantined", Event.CHUNK_QUARANTINED, {**CHUNK, "reason": "media_suspect"}, (end, CHUNK))
        for end in (Event.REDRIVEN, Event.CHUNK_REOPENED, Event.CHUNK_ARCHIVED, Event.DISMISSED)
    ),
    *(
        ("recording-missing", Event.MISSING, {"recording_id": "rec-1"}, end)
        for end in (
            (Event.EVENT_ACCEPTED, {"recording_id": "rec-1"}),
            (Event.DISMISSED, {"recording_id": "rec-1", "action": "missing"}),
        )
    ),
    *(
        ("recording-incomplete", Event.INCOMPLETE, {"recording_id": "rec-1", "detail": "missing indexes: 1"}, end)
        for end in (
            (Event.EVENT_ACCEPTED, {"recording_id": "rec-1"}),
            (Event.DISMISSED, {"recording_id": "rec-1", "action": "incomplete"}),
        )
    ),
    *(
        ("pause-overdue", Event.PAUSE_OVERDUE, {"recording_id": "rec-1", "code": "pause_overdue"}, end)
        for end in (
            (Event.RESUMED, {"recording_id": "rec-1"}),
            (Event.STOPPED, {"recording_id": "rec-1"}),
            (Event.PAUSE_ENDED, {"recording_id": "rec-1", "reason": "over"}),
            (Event.DISMISSED, {"recording_id": "rec-1", "action": "pause_overdue"}),
        )
    ),
    *(
        ("chunk-in-fallback", Event.CHUNK_IN_FALLBACK, CHUNK, (end, CHUNK))
        for end in (Event.CHUNK_HEALED, Event.CHUNK_ARCHIVED)
    ),
    *(
        ("operator-fault", Event.ATTEMPT_FAILED, {**CHUNK, "code": "source_refused", "fault": "operator"}, (end, CHUNK))
        for end in (
            *(Event.CHUNK_ARCHIVED, Event.SOURCE_DELETED, Event.SOURCE_LEFT),
            *(Event.CHUNK_QUARANTINED, Event.CHUNK_EXPIRED),
        )
    ),
    *(
        (
            "chunk-stuck",
            Event.ATTEMPT_FAILED,
            {**CHUNK, "code": "source_busy", "fault": "acs", "attempt": 7},
            (end, CHUNK),
        )
        for end in (
            *(Event.CHUNK_ARCHIVED, Event.SOURCE_DELETED, Event.SOURCE_LEFT, Event.CHUNK_IN_FALLBACK),
            *(Event.CHUNK_QUARANTINED, Event.CHUNK_EXPIRED),
        )
    ),
    *(
        ("control-refused", Event.CONTROL_REFUSED, {"code": "acs_forbidden", "fault": "operator"}, (end, {}))
        for end in (Event.STARTED, Event.PAUSED, Event.RESUMED, Event.STOPPED)
    ),
    (
        "receiver-failing",
        Event.ENDPOINT_FAILING,
        RECEIVER,
        (Event.NOTIFIED, {"entry": "webhook-1", "event_id": "e-1", "reason": "archived"}),
    ),
    (
        "seal-differs",
        Event.SEAL_COMPARED,
        {"count": 2, "requests": 9},
        (Event.SEAL_COMPARED, {"count": 0, "requests": 9}),
    ),
    ("seal-behind", Event.SEAL_BEHIND, {"code": "seal_key_unavailable"}, (Event.SEALED, {"count": 3, "requests": 1})),
]
# What says something of the same recording, and ends nothing: another thing of it was decided.
NO_ENDS: list[tuple[str, Event, Fields, tuple[Event, Fields]]] = [
    (
        "recording-missing",
        Event.MISSING,
        {"recording_id": "rec-1"},
        (Event.DISMISSED, {"recording_id": "rec-1", "action": "held", "entry": "e.json"}),
    ),
    (
        "recording-incomplete",
        Event.INCOMPLETE,
        {"recording_id": "rec-1", "detail": "missing indexes: 1"},
        (Event.DISMISSED, {**CHUNK, "action": "lost"}),
    ),
    (
        "pause-overdue",
        Event.PAUSE_OVERDUE,
        {"recording_id": "rec-1", "code": "pause_overdue"},
        (Event.DISMISSED, {"recording_id": "rec-1", "action": "missing"}),
    ),
    (
        "chunk-expired",
        Event.CHUNK_EXPIRED,
        {**CHUNK, "code": "source_busy"},
        (Event.DISMISSED, {"recording_id": "rec-1", "action": "missing"}),
    ),
    ("chunk-expired", Event.CHUNK_EXPIRED, {**CHUNK, "code": "source_busy"}, (Event.REDRIVEN, CHUNK)),
]


_IDS = {"recording_id", "document_id", "entry"}


def _nameless(fields: Fields) -> Fields:
    return {name: value for name, value in fields.items() if name not in _IDS}


# Of two lines that name nobody, the second says nothing of the first.
NO_ENDS += [
    (name, event, _nameless(fields), (end, _nameless(subject)))
    for name, event, fields, (end, subject) in FAILURES
    if _IDS & subject.keys()
]


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
