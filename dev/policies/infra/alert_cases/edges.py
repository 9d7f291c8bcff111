"""The edges of each number and time in a query: one step inside, one step outside."""

from datetime import timedelta

from dev.policies.infra.alert_cases.case import Case, alerts, counted, reads, summary
from dev.policies.infra.alert_lines import HOUR, IDS, MINUTE, RECEIVER, RECONCILED
from recording.telemetry import Event

CASES: tuple[Case, ...] = (
    *(
        Case(
            f"the oldest message waits for {age:g} seconds",
            [(6 * MINUTE, Event.QUEUE_SEEN, {"queue": "recording-events", "count": 9, "age_seconds": age})],
            alerts(*names),
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
            alerts("operator-fault") if minutes < 20 else frozenset(),
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
            alerts("receiver-failing") if minutes < 60 else frozenset(),
        )
        for minutes in (50, 90)
    ),
    *(
        Case(
            f"ACS recorded {ago.total_seconds() / 3600:g} hours ago, and no event came",
            rows=[summary("elsewhere", ago)],
            alerts=alerts("recording-never-announced") if HOUR < ago < 40 * HOUR else frozenset(),
        )
        for ago in (45 * MINUTE, 90 * MINUTE, 39 * HOUR, 44 * HOUR)
    ),
    *(
        Case(
            f"the last scrub was {hours} hours ago",
            [(hours * HOUR, Event.SCRUBBED, {"chunks": 5, "count": 0, "coverage": 1.0})],
            alerts("scrub-behind") if hours > 30 else frozenset(),
            without=frozenset({Event.SCRUBBED}),
        )
        for hours in (20, 40)
    ),
    *(
        Case(
            f"an app runs for {hours} hours, and no scrub has run",
            [(at * 5 * MINUTE, Event.RECONCILED, RECONCILED) for at in range(1, 12 * hours)],
            alerts("scrub-behind") if hours > 30 else frozenset(),
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
                (6 * MINUTE, Event.RECONCILED, {**RECONCILED, "at_risk": 1}),
            ],
            alerts("chunk-at-risk") if minutes > 5 else frozenset(),
        )
        for minutes in (4, 7)
    ),
    *(
        Case(
            f"an event of a recording arrives {minutes} minutes before the count that has one {field} recording",
            [
                (40 * MINUTE, begun, {"recording_id": "rec-1"}),
                ((6 + minutes) * MINUTE, Event.EVENT_ACCEPTED, {"recording_id": "rec-1", "event_id": "e"}),
                (6 * MINUTE, Event.RECONCILED, {**RECONCILED, field: 1}),
            ],
            alerts(f"recording-{field}") if minutes > 5 else frozenset(),
        )
        for minutes in (4, 7)
        for field, begun in (("missing", Event.MISSING), ("incomplete", Event.INCOMPLETE))
    ),
    *(
        Case(
            f"reconcile counts {field}, no line names them, and another line follows",
            (*counted(**{field: 2}), (330 * timedelta(seconds=1), Event.COUNTED, {"count": 0, "chunks": 3})),
            alerts(alert),
        )
        for alert, field in (
            ("chunk-at-risk", "at_risk"),
            ("recording-missing", "missing"),
            ("recording-incomplete", "incomplete"),
        )
    ),
    *(
        Case(f"{count} recordings are read", rows=reads(count), alerts=alerts(*names))
        for count, names in ((99, ()), (100, ("archive-read",)))
    ),
)
