"""Metrics: what the log's events add up to. One table says which event counts for which metric; nothing else measures.

Names and units stay: other people's dashboards rely on them. Attributes have few values each; ids are in the log.
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from recording.errors.codes import Code
from recording.telemetry import Event

Fields = Mapping[str, Any]

# Codes that say that the bytes were not what they had to be, by what was wrong with them.
_BROKEN = {
    Code.SOURCE_EMPTY: "zero",
    Code.SOURCE_SHORT: "short",
    Code.SOURCE_CHANGED: "changed",
    Code.SOURCE_BROKEN: "broken",
    Code.STORED_DIFFERS: "hash",
    Code.STORED_UNPROVEN: "hash",
    Code.CONTENT_CONFLICT: "hash",
    Code.MEDIA_UNREADABLE: "media",
    Code.MEDIA_SUSPECT: "duration",
    Code.METADATA_SHORT: "metadata",
    Code.METADATA_UNREADABLE: "metadata",
    Code.METADATA_MISMATCH: "metadata",
}


class Kind(StrEnum):
    """How a metric adds up."""

    COUNTER = "counter"
    HISTOGRAM = "histogram"
    GAUGE = "gauge"


@dataclass(frozen=True)
class Metric:
    """A metric and the attributes that it may carry."""

    name: str
    kind: Kind
    unit: str  # UCUM, as OpenTelemetry asks for
    description: str
    attributes: tuple[str, ...] = ()


@dataclass(frozen=True)
class Observation:
    """One value for a metric."""

    metric: Metric
    value: float
    attributes: Mapping[str, str]


LATENCY = Metric("recording.archive.latency_seconds", Kind.HISTOGRAM, "s", "from a chunk's event to its proven copy")
MARGIN = Metric(
    "recording.chunk.expiry_margin_seconds", Kind.GAUGE, "s", "the least time left of any open chunk", ("state",)
)
BYTES = Metric("recording.archive.bytes", Kind.COUNTER, "By", "media archived and proven")
ATTEMPTS = Metric("recording.chunk.attempts", Kind.COUNTER, "{attempt}", "tries that failed", ("code", "fault"))
RECEIVED = Metric("recording.event.received", Kind.COUNTER, "{event}", "events received", ("came_from", "outcome"))
FAILURES = Metric("recording.verify.failures", Kind.COUNTER, "{chunk}", "bytes that failed verification", ("kind",))
DELETED = Metric("recording.source.deleted", Kind.COUNTER, "{chunk}", "sources deleted after proof")
DEPTH = Metric("recording.queue.depth", Kind.GAUGE, "{message}", "messages in a queue", ("queue",))
AGE = Metric("recording.queue.oldest_age_seconds", Kind.GAUGE, "s", "how long the oldest waits", ("queue",))
DEAD_LETTERS = Metric("recording.dead_letters", Kind.COUNTER, "{letter}", "Event Grid's dead letters taken in")
REDRIVEN = Metric("recording.redriven", Kind.COUNTER, "{chunk}", "items re-queued", ("reason",))
LOST = Metric("recording.chunk.expired", Kind.COUNTER, "{chunk}", "chunks that ACS forgot before they were archived")
ABSENT = Metric("recording.reconcile.absent", Kind.GAUGE, "{recording}", "recordings without all their files")
HEARTBEAT = Metric("recording.watchdog.heartbeat", Kind.COUNTER, "{run}", "completed runs of reconcile")

ALL = (
    *(LATENCY, MARGIN, BYTES, ATTEMPTS, RECEIVED, FAILURES, DELETED),
    *(DEPTH, AGE, DEAD_LETTERS, REDRIVEN, LOST, ABSENT, HEARTBEAT),
)


def observations(event: Event, fields: Fields) -> Iterator[Observation]:
    """Return what an event counts for; nothing, for most."""
    if told := _TOLD.get(event):
        yield from told(fields)


def _observed(metric: Metric, value: object, **attributes: object) -> Iterator[Observation]:
    if isinstance(value, int | float):
        yield Observation(metric, value, {name: str(text) for name, text in attributes.items() if text is not None})


def _archived(fields: Fields) -> Iterator[Observation]:
    yield from _observed(BYTES, fields.get("length_bytes"))
    yield from _observed(LATENCY, fields.get("latency_seconds"))


def _failed(fields: Fields) -> Iterator[Observation]:
    yield from _observed(ATTEMPTS, 1, code=fields.get("code"), fault=fields.get("fault"))
    yield from _broken(fields.get("code"))


def _broken(code: Any) -> Iterator[Observation]:
    if code in _BROKEN:
        yield from _observed(FAILURES, 1, kind=_BROKEN[code])


def _event(outcome: str) -> Callable[[Fields], Iterator[Observation]]:
    return lambda fields: _observed(RECEIVED, 1, came_from=fields.get("came_from"), outcome=outcome)


def _redriven(fields: Fields) -> Iterator[Observation]:
    yield from _observed(REDRIVEN, 1, reason=fields.get("reason"))
    if fields.get("reason") == "dead_letter":
        yield from _observed(DEAD_LETTERS, 1)


def _queue(fields: Fields) -> Iterator[Observation]:
    yield from _observed(DEPTH, fields.get("count"), queue=fields.get("queue"))
    yield from _observed(AGE, fields.get("age_seconds"), queue=fields.get("queue"))


def _reconciled(fields: Fields) -> Iterator[Observation]:
    yield from _observed(HEARTBEAT, 1)
    yield from _observed(ABSENT, int(fields.get("missing", 0)) + int(fields.get("incomplete", 0)))
    yield from _observed(MARGIN, fields.get("time_left_seconds"), state="open")


_TOLD: dict[Event, Callable[[Fields], Iterator[Observation]]] = {
    Event.CHUNK_ARCHIVED: _archived,
    Event.ATTEMPT_FAILED: _failed,
    Event.CHUNK_QUARANTINED: lambda fields: _broken(fields.get("reason")),
    Event.CHUNK_EXPIRED: lambda _fields: _observed(LOST, 1),
    Event.CHUNK_AT_RISK: lambda fields: _observed(MARGIN, fields.get("time_left_seconds"), state="at_risk"),
    Event.EVENT_ACCEPTED: _event("accepted"),
    Event.EVENT_DUPLICATE: _event("duplicate"),
    Event.EVENT_REJECTED: _event("rejected"),
    Event.EVENT_IGNORED: _event("ignored"),
    Event.SOURCE_DELETED: lambda _fields: _observed(DELETED, 1),
    Event.REDRIVEN: _redriven,
    Event.QUEUE_SEEN: _queue,
    Event.RECONCILED: _reconciled,
}
