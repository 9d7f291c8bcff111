"""The cases of events, chunks and their files."""

from dev.policies.infra.alert_cases.case import Case, alerts, counted, failed, now, rejected
from dev.policies.infra.alert_lines import A_GOOD_LIFE, IDS, MINUTE, RECONCILED
from recording.telemetry import Event

CASES: tuple[Case, ...] = (
    *(Case(f"a good life: {event.value}", [now(event, **fields)]) for event, fields in A_GOOD_LIFE),
    Case("calm runs of the timer", counted()),
    Case("a chunk is healed", [now(Event.CHUNK_HEALED, **IDS)]),
    Case(
        "a chunk is at risk",
        [now(Event.CHUNK_AT_RISK, **IDS, time_left_seconds=21000.0, code="source_refused")],
        alerts("chunk-at-risk"),
    ),
    Case("reconcile counts chunks at risk, and no line names them", counted(at_risk=3), alerts("chunk-at-risk")),
    Case("a chunk is lost", [now(Event.CHUNK_EXPIRED, **IDS, code="source_busy")], alerts("chunk-expired")),
    Case(
        "a chunk is held",
        [now(Event.CHUNK_QUARANTINED, **IDS, reason="media_suspect", entry="e.json")],
        alerts("chunk-quarantined"),
    ),
    Case(
        "a chunk is in the fallback",
        [now(Event.CHUNK_IN_FALLBACK, **IDS, time_left_seconds=1.0)],
        alerts("chunk-in-fallback"),
    ),
    Case("a try fails for ACS", [failed(code="source_empty", fault="acs", attempt=4)]),
    Case(
        "five tries fail for ACS",
        [failed(code="source_busy", fault="acs", attempt=at) for at in (4, 5)],
        alerts("chunk-stuck"),
    ),
    Case(
        "a refused event is put back to work, and one that was refused twice is dismissed",
        [
            *(rejected(entry) for entry in ("e1.json", "e2.json", "e3.json")),
            (15 * MINUTE, Event.REDRIVEN, {"reason": "asked_for", "entry": "e1.json"}),
            *((10 * MINUTE, Event.DISMISSED, {"action": "held", "entry": entry}) for entry in ("e2.json", "e3.json")),
        ],
    ),
    Case(
        "one of two refused events is dismissed",
        [
            *(rejected(entry) for entry in ("e1.json", "e2.json")),
            (10 * MINUTE, Event.DISMISSED, {"action": "held", "entry": "e2.json"}),
        ],
        alerts("event-rejected"),
    ),
    Case(
        "a dismissed event is refused again",
        [(15 * MINUTE, Event.DISMISSED, {"action": "held", "entry": "e1.json"}), rejected("e1.json", 10 * MINUTE)],
        alerts("event-rejected"),
    ),
    Case("a try fails for want of a role", [failed(code="source_refused", fault="operator")], alerts("operator-fault")),
    Case(
        "an event is refused",
        [now(Event.EVENT_REJECTED, reason="foreign_host", came_from="event_grid", entry="e.json", detail="x")],
        alerts("event-rejected"),
    ),
    Case(
        "the manifest cannot be rewritten",
        [now(Event.MANIFEST_BEHIND, **IDS, code="blob_locked")],
        alerts("operator-fault"),
    ),
    Case(
        "archived media vanished before its source was deleted",
        [now(Event.CHUNK_MEDIA_LOST, **IDS, reason="media_vanished", blob_name="x.wav")],
        alerts("operator-fault"),
    ),
    Case(
        "a chunk is past its deadline and ACS has not forgotten it",
        [now(Event.CHUNK_PAST_DEADLINE, **IDS, code="source_busy")],
        alerts("operator-fault"),
    ),
    Case(
        "the directory cannot be brought up to date",
        [now(Event.FOLLOW_UP_FAILED, code="storage_busy", attempt=1, recording_id="rec-1")],
    ),
    Case("a chunk goes back to work", [now(Event.CHUNK_REOPENED, **IDS, state="EXPIRED")]),
    Case("an event of another type", [now(Event.EVENT_IGNORED, came_from="event_queue", detail="CallStarted")]),
    Case(
        "a delete location that is not called",
        [now(Event.LOCATION_REFUSED, **IDS, reason="foreign_host", detail="the delete location")],
    ),
    Case(
        "metadata never came",
        [now(Event.CHUNK_METADATA_MISSING, **IDS, code="source_not_found")],
        alerts("metadata-missing"),
    ),
    Case(
        "media passed with a warning",
        [now(Event.CHUNK_MEDIA_SUSPECT, **IDS, detail="does not open")],
        alerts("media-suspect"),
    ),
    Case(
        "five tries fail, and numbers arrive as text",
        [failed(code="source_busy", fault="acs", attempt="5")],
        alerts("chunk-stuck"),
    ),
    *(
        Case(
            f"reconcile counts, and numbers arrive as text: {field}",
            tuple((at * MINUTE, Event.RECONCILED, {**RECONCILED, field: "2"}) for at in (6, 11, 16)),
            alerts(alert),
        )
        for alert, field in (
            ("chunk-at-risk", "at_risk"),
            ("recording-missing", "missing"),
            ("recording-incomplete", "incomplete"),
        )
    ),
)
