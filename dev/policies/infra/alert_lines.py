"""The lines of the app, as its own `emit` writes them, and those of calm days."""

import logging
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

from dev.policies.infra.alarms import Line
from recording.telemetry import Event, emit

NOW = datetime(2026, 11, 28, 12, 0, tzinfo=UTC)
MINUTE, HOUR, DAY = timedelta(minutes=1), timedelta(hours=1), timedelta(days=1)
RECEIVER: Mapping[str, Any] = {"entry": "webhook-1", "code": "endpoint_refused", "age_seconds": 4000}
IDS: Mapping[str, Any] = {"recording_id": "rec-1", "document_id": "doc-1", "index": 0}
Fields = Mapping[str, Any]


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


RECONCILED: Fields = {
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
    return line_of(Event.RECONCILED, **{**RECONCILED, **counts})


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
