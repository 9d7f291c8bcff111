"""What begins an alert that stands, and the line that ends it, or must not."""

from dev.policies.infra.alert_lines import IDS, RECEIVER, Fields
from recording.telemetry import Event

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
