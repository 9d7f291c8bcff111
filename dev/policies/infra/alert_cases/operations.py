"""The cases of queues, timers, the seal, receivers of events and the log itself."""

from dev.policies.infra.alert_cases.case import Case, alerts, now
from dev.policies.infra.alert_lines import HOUR, MINUTE, RECEIVER
from recording.telemetry import Event

CASES: tuple[Case, ...] = (
    Case(
        "dead letters cannot be read",
        [
            now(Event.DEAD_LETTERS_UNAVAILABLE, code="storage_refused", fault="operator", detail="403"),
            (
                6 * MINUTE,
                Event.DEAD_LETTERS_UNAVAILABLE,
                {"code": "storage_refused", "fault": "operator", "detail": "403"},
            ),
        ],
        alerts("operator-fault"),
    ),
    Case(
        "dead letters are busy for a moment",
        [(6 * MINUTE, Event.DEAD_LETTERS_UNAVAILABLE, {"code": "storage_busy", "fault": "nobody", "detail": "503"})],
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
        alerts("operator-fault"),
    ),
    Case(
        "work waits for ten minutes",
        [(6 * MINUTE, Event.QUEUE_SEEN, {"queue": "recording-chunks", "count": 9, "age_seconds": 600.0})],
    ),
    Case(
        "work waits for forty minutes",
        [(6 * MINUTE, Event.QUEUE_SEEN, {"queue": "recording-events", "count": 9, "age_seconds": 2400.0})],
        alerts("queue-waiting"),
    ),
    Case(
        "work waits for forty minutes, and numbers arrive as text",
        [(6 * MINUTE, Event.QUEUE_SEEN, {"queue": "recording-events", "count": "9", "age_seconds": "2400.0"})],
        alerts("queue-waiting"),
    ),
    Case(
        "work waits for eighteen hours, and numbers arrive as text",
        [(6 * MINUTE, Event.QUEUE_SEEN, {"queue": "recording-events", "count": "9", "age_seconds": "64000"})],
        alerts("queue-waiting", "queue-stuck"),
    ),
    Case(
        "work waits for eighteen hours",
        [(6 * MINUTE, Event.QUEUE_SEEN, {"queue": "recording-events", "count": 9, "age_seconds": 64000.0})],
        alerts("queue-waiting", "queue-stuck"),
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
        alerts("scrub-behind"),
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
        alerts("scrub-behind"),
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
        alerts("seal-behind"),
    ),
    Case(
        "nothing was ever sealed, for an hour at least",
        [(20 * MINUTE, Event.SEAL_BEHIND, {"code": "seal_key_unavailable"})],
        alerts("seal-behind"),
        without=frozenset({Event.SEALED, Event.SEAL_COMPARED}),
    ),
    Case(
        "a row of the audit trail is not as it was sealed",
        [
            (20 * MINUTE, Event.SEAL_DIFFERS, {"reason": "row_changed", "entry": "row-1", "detail": "caller"}),
            (20 * MINUTE, Event.SEAL_COMPARED, {"count": 1, "requests": 12, "files": 30}),
        ],
        alerts("seal-differs"),
    ),
    Case(
        "differences stand that an earlier turn named",
        [(20 * MINUTE, Event.SEAL_COMPARED, {"count": 2, "requests": 12, "files": 30})],
        alerts("seal-differs"),
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
    Case("nothing is compared with the seal", alerts=alerts("seal-differs"), without=frozenset({Event.SEAL_COMPARED})),
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
        alerts("receiver-failing"),
    ),
    Case(
        "one receiver of events takes nothing, and another one does",
        [
            (20 * MINUTE, Event.ENDPOINT_FAILING, RECEIVER),
            (15 * MINUTE, Event.NOTIFIED, {"entry": "webhook-2", "event_id": "e-1", "reason": "archived"}),
        ],
        alerts("receiver-failing"),
    ),
    Case(
        "nothing is sent to a receiver of events any more",
        [(5 * HOUR, Event.ENDPOINT_DISABLED, RECEIVER)],
        alerts("receiver-failing"),
    ),
    Case(
        "one event is refused for ever, and others arrive",
        [
            (20 * MINUTE, Event.NOTIFY_GIVEN_UP, RECEIVER),
            (15 * MINUTE, Event.NOTIFIED, {"entry": "webhook-1", "event_id": "e-2", "reason": "archived"}),
        ],
        alerts("receiver-failing"),
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
            now(Event.NOTIFY_WRITTEN, event_id="e", recording_id="rec-1"),
            now(Event.NOTIFIED, event_id="e", entry="topic", latency_seconds=2.0),
            now(Event.NOTIFY_CAUGHT_UP, count=3),
        ],
    ),
    Case(
        "somebody's endpoint refuses events, fails, and is switched off",
        [
            now(Event.NOTIFY_REFUSED, event_id="e", entry="hook"),
            now(Event.NOTIFY_FAILED, code="storage_busy", attempt=1),
            now(Event.ENDPOINT_FAILING, entry="hook", code="endpoint_refused", age_seconds=4000.0),
            now(Event.NOTIFY_GIVEN_UP, event_id="e", entry="hook"),
            now(Event.ENDPOINT_DISABLED, entry="hook", code="endpoint_refused", age_seconds=400000.0),
        ],
        alerts("receiver-failing"),
    ),
    Case("the scrub does not run", alerts=alerts("scrub-behind"), without=frozenset({Event.SCRUBBED})),
    Case("nothing runs", alerts=alerts("app-silent"), without=frozenset({Event.RECONCILED})),
    Case(
        "a message is poisoned",
        rows=[
            (
                "StorageQueueLogs",
                20 * MINUTE,
                {"OperationName": "PutMessage", "Uri": "https://h.queue.example/recording-chunks-poison/messages?x=1"},
            )
        ],
        alerts=alerts("message-poisoned"),
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
    Case(
        "the log is full",
        rows=[
            (
                "_LogOperation",
                20 * MINUTE,
                {"Category": "Ingestion", "Operation": "Data collection Status", "Detail": "... because OverQuota"},
            )
        ],
        alerts=alerts("log-cap-reached"),
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
)
