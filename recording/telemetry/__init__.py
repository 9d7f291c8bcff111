"""Telemetry: structured log events with stable names, a closed list of fields, and nothing personal.

Listeners (metrics and traces, where Application Insights is configured) receive the same events; nothing is measured
twice.

Ids are logged; there is no field for phone numbers, participant ids, tokens, SAS or locations.
"""

import json
import logging
from collections.abc import Mapping
from contextlib import AbstractContextManager, nullcontext
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any, Protocol

_LOG = logging.getLogger("recording")


class Event(StrEnum):
    """Every event this app logs. Alerts and users' queries rely on these names."""

    STARTED = "recording.started"
    PAUSED = "recording.paused"
    RESUMED = "recording.resumed"
    STOPPED = "recording.stopped"
    CONSENT = "recording.consent"
    PAUSE_OVERDUE = "recording.pause.overdue"
    PAUSE_ENDED = "recording.pause.ended"
    UNRECORDED = "recording.unrecorded"
    ENDS_SOON = "recording.ends_soon"
    GUARD_ACTED = "recording.guard.acted"
    GUARD_FAILED = "recording.guard.failed"
    CONTROL_REFUSED = "recording.control.refused"
    AUDIT_FAILED = "recording.audit_failed"
    EVENT_ACCEPTED = "recording.event.accepted"
    EVENT_DUPLICATE = "recording.event.duplicate"
    EVENT_REJECTED = "recording.event.rejected"
    EVENT_IGNORED = "recording.event.ignored"
    LOCATION_REFUSED = "recording.event.location_refused"
    CHUNK_COPIED = "recording.chunk.copied"
    CHUNK_VERIFIED = "recording.chunk.verified"
    CHUNK_ARCHIVED = "recording.chunk.archived"
    CHUNK_MEDIA_SUSPECT = "recording.chunk.media_suspect"
    CHUNK_METADATA_MISSING = "recording.chunk.metadata_missing"
    SOURCE_DELETED = "recording.chunk.source_deleted"
    SOURCE_LEFT = "recording.chunk.source_left_to_expire"
    ATTEMPT_FAILED = "recording.chunk.attempt_failed"
    CHUNK_WAITING = "recording.chunk.waiting"
    CHUNK_QUARANTINED = "recording.chunk.quarantined"
    CHUNK_AT_RISK = "recording.chunk.at_risk"
    CHUNK_EXPIRED = "recording.chunk.expired"
    CHUNK_PAST_DEADLINE = "recording.chunk.past_deadline"
    CHUNK_MEDIA_LOST = "recording.chunk.media_lost"
    CHUNK_REOPENED = "recording.chunk.reopened"
    MANIFEST_BEHIND = "recording.manifest_behind"
    CHUNK_IN_FALLBACK = "recording.chunk.in_fallback"
    CHUNK_HEALED = "recording.chunk.healed"
    MISSING = "recording.missing"
    INCOMPLETE = "recording.incomplete"
    COUNTED = "recording.log.counted"
    LOG_UNAVAILABLE = "recording.log.unavailable"
    DEAD_LETTERS_UNAVAILABLE = "recording.dead_letters.unavailable"
    DRIFT = "recording.drift"
    SCRUBBED = "recording.scrubbed"
    SCRUB_BEHIND = "recording.scrub.behind"
    REDRIVEN = "recording.redriven"
    DISMISSED = "recording.dismissed"
    QUEUE_SEEN = "recording.queue.seen"
    FOLLOW_UP_FAILED = "recording.follow_up_failed"
    DIRECTORY_EXPORTED = "recording.directory_exported"
    EXPORTED = "recording.exported"
    EXPORT_FAILED = "recording.export.failed"
    DERIVED = "recording.derived"
    DERIVED_FAILED = "recording.derived.failed"
    SEALED = "recording.sealed"
    SEAL_FAILED = "recording.seal.failed"
    SEAL_BEHIND = "recording.seal.behind"
    SEAL_COMPARED = "recording.seal.compared"
    SEAL_DIFFERS = "recording.seal.differs"
    WAVEFORM_NOT_KEPT = "recording.waveform_not_kept"
    NEEDS_ATTENTION = "recording.needs_attention"
    RECONCILED = "recording.reconciled"
    DISPOSED = "recording.disposed"
    DISPOSE_REFUSED = "recording.dispose.refused"
    DISPOSE_RAN = "recording.dispose.ran"
    NOTIFY_WRITTEN = "recording.notify.written"
    NOTIFIED = "recording.notify.delivered"
    NOTIFY_REFUSED = "recording.notify.refused"
    NOTIFY_GIVEN_UP = "recording.notify.given_up"
    NOTIFY_FAILED = "recording.notify.failed"
    NOTIFY_CAUGHT_UP = "recording.notify.caught_up"
    ENDPOINT_FAILING = "recording.notify.endpoint_failing"
    ENDPOINT_DISABLED = "recording.notify.endpoint_disabled"


_LEVELS = {
    Event.CONTROL_REFUSED: logging.WARNING,
    Event.PAUSE_OVERDUE: logging.ERROR,
    Event.UNRECORDED: logging.ERROR,
    Event.ENDS_SOON: logging.WARNING,
    Event.GUARD_FAILED: logging.WARNING,
    Event.AUDIT_FAILED: logging.ERROR,
    Event.EVENT_REJECTED: logging.WARNING,
    Event.LOCATION_REFUSED: logging.WARNING,
    Event.CHUNK_MEDIA_SUSPECT: logging.WARNING,
    Event.ATTEMPT_FAILED: logging.WARNING,
    Event.CHUNK_AT_RISK: logging.ERROR,
    Event.CHUNK_QUARANTINED: logging.ERROR,
    Event.CHUNK_METADATA_MISSING: logging.ERROR,
    Event.CHUNK_EXPIRED: logging.CRITICAL,
    Event.CHUNK_PAST_DEADLINE: logging.ERROR,
    Event.CHUNK_MEDIA_LOST: logging.ERROR,
    Event.MANIFEST_BEHIND: logging.ERROR,
    Event.DRIFT: logging.ERROR,
    Event.SCRUB_BEHIND: logging.ERROR,
    Event.CHUNK_IN_FALLBACK: logging.ERROR,
    Event.LOG_UNAVAILABLE: logging.WARNING,
    Event.DEAD_LETTERS_UNAVAILABLE: logging.ERROR,
    Event.FOLLOW_UP_FAILED: logging.WARNING,
    Event.EXPORT_FAILED: logging.WARNING,
    Event.DERIVED_FAILED: logging.WARNING,
    Event.SEAL_FAILED: logging.WARNING,
    Event.SEAL_BEHIND: logging.ERROR,
    Event.SEAL_DIFFERS: logging.WARNING,  # SEAL_COMPARED of the same turn has the count, and the alert reads that
    Event.WAVEFORM_NOT_KEPT: logging.WARNING,
    Event.NEEDS_ATTENTION: logging.ERROR,
    Event.MISSING: logging.ERROR,
    Event.DISPOSE_REFUSED: logging.WARNING,
    Event.INCOMPLETE: logging.ERROR,
    Event.NOTIFY_REFUSED: logging.WARNING,
    Event.NOTIFY_GIVEN_UP: logging.ERROR,
    Event.NOTIFY_FAILED: logging.WARNING,
    Event.ENDPOINT_FAILING: logging.ERROR,
    Event.ENDPOINT_DISABLED: logging.ERROR,
}

FIELDS = frozenset(
    {
        "recording_id",
        "call_id",
        "document_id",
        "index",
        "state",
        "action",
        "code",
        "fault",
        "reason",
        "detail",
        "attempt",
        "length_bytes",
        "sha256",
        "duration_ms",
        "blob_name",
        "time_left_seconds",
        "delay_seconds",
        "took_ms",
        "latency_seconds",
        "age_seconds",
        "queue",
        "chunks",
        "count",
        "at_risk",
        "attention",
        "expired",
        "poisoned",
        "missing",
        "incomplete",
        "coverage",
        "unread",
        "files",
        "requests",
        "event_id",
        "came_from",
        "entry",
        "started_by",
    }
)


class Listener(Protocol):
    """A listener to every event and every use case. It must not fail."""

    def hears(self, event: Event, fields: Mapping[str, Any]) -> None:
        """Receive an event that was logged."""

    def span(self, name: str, fields: Mapping[str, Any]) -> AbstractContextManager[None]:
        """Trace a use case until the context ends."""


_listener: Listener | None = None
Value = str | int | float | bool | datetime | timedelta | None


def emit(event: Event, **fields: Value) -> None:
    """Log one event, at its own level, with its fields: text a person can read, and `extra` for machines.

    Raises:
        ValueError: for a field outside the list, so that nothing reaches the logs by accident.
    """
    if unknown := fields.keys() - FIELDS:
        raise ValueError(f"not a log field: {', '.join(sorted(unknown))}")
    said = {name: _plain(value) for name, value in fields.items() if value is not None}
    text = " ".join(f"{name}={json.dumps(value)}" for name, value in said.items())  # no line break from outside
    _LOG.log(_LEVELS.get(event, logging.INFO), "%s %s", event.value, text, extra={"event": event.value, **said})
    if _listener is not None:
        _listener.hears(event, said)


def span(name: str, **fields: Value) -> AbstractContextManager[None]:
    """Return a span around one use case; without a listener, a context that does nothing."""
    if _listener is None:
        return nullcontext()
    return _listener.span(name, {key: _plain(value) for key, value in fields.items()})


def listen(listener: Listener | None) -> None:
    """Send everything to this listener from now on; None removes it."""
    global _listener  # noqa: PLW0603 - one for the process, like the log
    _listener = listener


def _plain(value: Value) -> str | int | float | bool | None:
    """Return a value that JSON can hold; long texts are cut."""
    if isinstance(value, datetime):
        return value.isoformat()
    if isinstance(value, timedelta):
        return round(value.total_seconds(), 3)
    return value[:512] if isinstance(value, str) else value
