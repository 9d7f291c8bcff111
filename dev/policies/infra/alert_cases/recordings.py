"""The cases of recordings: calls, control, files that are late, ACS's own log."""

from dev.policies.infra.alert_cases.case import Case, again, alerts, counted, now, summary
from dev.policies.infra.alert_lines import HOUR, MINUTE
from recording.telemetry import Event

CASES: tuple[Case, ...] = (
    Case("ACS's log is read", [now(Event.COUNTED, count=1, chunks=4)]),
    Case(
        "a recording is missing",
        [now(Event.MISSING, recording_id="rec-1", chunks=0, detail="missing indexes: 0")],
        alerts("recording-missing"),
    ),
    Case(
        "reconcile counts missing recordings, and no line names them", counted(missing=1), alerts("recording-missing")
    ),
    Case(
        "a recording is incomplete",
        [now(Event.INCOMPLETE, recording_id="rec-1", chunks=2, detail="missing indexes: 1")],
        alerts("recording-incomplete"),
    ),
    Case(
        "reconcile counts incomplete recordings, and no line names them",
        counted(incomplete=2),
        alerts("recording-incomplete"),
    ),
    Case(
        "a pause is not over",
        [now(Event.PAUSE_OVERDUE, recording_id="rec-1", code="pause_overdue")],
        alerts("pause-overdue"),
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
        [now(Event.UNRECORDED, code="acs_unavailable", fault="acs", reason="start_refused")],
        alerts("unrecorded"),
    ),
    Case("the directory is exported", [now(Event.DIRECTORY_EXPORTED, count=1, length_bytes=1)]),
    Case("a waveform is not kept", [now(Event.WAVEFORM_NOT_KEPT, recording_id="rec-1", code="storage_refused")]),
    Case("a pause ends at ACS by itself", [now(Event.PAUSE_ENDED, recording_id="rec-1", reason="over")]),
    Case("consent is told", [now(Event.CONSENT, recording_id="rec-1", action="given")]),
    Case("a recording ends soon", [now(Event.ENDS_SOON, recording_id="rec-1", time_left_seconds=600.0)]),
    Case("a guard acts", [now(Event.GUARD_ACTED, recording_id="rec-1", action="resume_recording")]),
    Case(
        "a guard is refused once",
        [now(Event.GUARD_FAILED, recording_id="rec-1", action="pause", code="acs_unavailable", fault="acs", attempt=0)],
    ),
    Case(
        "a row of the audit trail is missing",
        [now(Event.AUDIT_FAILED, code="storage_refused", action="stop", recording_id="rec-1")],
        alerts("operator-fault"),
    ),
    Case(
        "starts are refused for want of a role",
        [(6 * MINUTE, Event.CONTROL_REFUSED, {"code": "acs_forbidden", "fault": "operator"})],
        alerts("control-refused"),
    ),
    Case(
        "ACS refuses starts for reasons of its own",
        [(6 * MINUTE, Event.CONTROL_REFUSED, {"code": "acs_busy", "fault": "acs"})],
        alerts("control-refused"),
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
        [now(Event.DRIFT, reason="media_missing", blob_name="x.mp4", recording_id="rec-1")],
        alerts("archive-drift"),
    ),
    Case(
        "ACS's log is unavailable once",
        [now(Event.LOG_UNAVAILABLE, code="log_unavailable", fault="nobody", detail="503")],
    ),
    Case(
        "ACS's log is unavailable for hours",
        [
            (at * HOUR, Event.LOG_UNAVAILABLE, {"code": "log_unavailable", "fault": "nobody", "detail": "503"})
            for at in (1, 2, 3)
        ],
        alerts("acs-log-unavailable"),
    ),
    Case(
        "ACS recorded, and no event came",
        rows=[summary("elsewhere", 3 * HOUR)],
        alerts=alerts("recording-never-announced"),
    ),
    Case("ACS recorded what was announced", rows=[summary("rec-0", 3 * HOUR)]),
    Case(
        "ACS recorded what came by one path only",
        [(2 * HOUR, Event.EVENT_ACCEPTED, {"recording_id": "rec-3", "event_id": "e", "came_from": "event_grid"})],
        rows=[summary("rec-3", 3 * HOUR)],
    ),
    Case("ACS recorded what came a second time only", [again("rec-2")], rows=[summary("rec-2", 3 * HOUR)]),
)
