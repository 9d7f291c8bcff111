"""Faults in the queries of the alerts, which only running a query over a log can find."""

from dev.policies.infra import alert_play
from dev.policies.infra.planted.files import Fault

# Faults of a query that every parser takes: nothing but executing it finds them.
QUERY_MUTANTS: list[tuple[str, str, str]] = [
    ("chunk-at-risk", "recording.chunk.at_risk", "recording.chunk.archived"),
    ("chunk-at-risk", "where isnull(over_at) or over_at < TimeGenerated", "where isnotnull(over_at)"),
    ("chunk-at-risk", " at_risk=", " atrisk="),
    ("chunk-at-risk", "| union unnamed\n", ""),
    ("chunk-at-risk", "where counted > toscalar", "where counted < toscalar"),
    ("chunk-at-risk", "kind=leftouter", "kind=inner"),
    ("chunk-expired", "recording.chunk.expired", "recording.chunk.copied"),
    ("chunk-expired", "kind=leftouter", "kind=inner"),
    ("chunk-quarantined", "over_at < TimeGenerated", "over_at > TimeGenerated) and isnotnull(over_at"),
    ("recording-missing", "| union unnamed\n", ""),
    ("recording-missing", " missing=", " poisoned="),
    ("recording-incomplete", " incomplete=", " complete="),
    ("recording-incomplete", "recording.incomplete", "recording.missing"),
    ("recording-never-announced", "!in (announced)", "in (announced)"),
    ("recording-never-announced", "ago(40h) .. ago(1h)", "ago(1h) .. ago(0h)"),
    ("recording-never-announced", "recording_id=", "recordingid="),
    ("control-refused", """!contains 'fault="caller"'""", """contains 'fault="caller"'"""),
    ("control-refused", """!contains 'fault="caller"'""", """!contains 'fault="nobody"'"""),
    ("control-refused", "TimeGenerated > works", "TimeGenerated < works"),
    ("operator-fault", 'fault == "operator"', 'fault == "acs"'),
    ("operator-fault", "ago(20m)", "ago(1m)"),
    ("operator-fault", "union chunks, letters, trail", "union chunks, letters"),
    (
        "operator-fault",
        "where Message !contains 'fault=\"nobody\"'\n    | project",
        "where Message contains 'fault='\n    | project",
    ),
    ("pause-overdue", "isnull(over_at) or over_at < TimeGenerated", "isnotnull(over_at)"),
    ("pause-overdue", "recording.pause.overdue", "recording.paused"),
    ("pause-overdue", 'or Message startswith "recording.stopped"', ""),
    ("unrecorded", "recording.unrecorded", "recording.missing"),
    ("unrecorded", "by reason, recording_id", "by reason, Message"),
    ("chunk-in-fallback", "where chunks > 0", "where chunks > 1"),
    ("app-silent", "runs == 0", "runs > 0"),
    ("app-silent", "recording.reconciled", "recording.queue.seen"),
    ("queue-waiting", "age > 1800", "age > 180000"),
    ("queue-waiting", "age > 1800", "age > 18"),
    ("queue-waiting", "age_seconds=", "agesec="),
    ("queue-stuck", "age > 14400", "age < 14400"),
    ("scrub-behind", "recording.scrub.behind", "recording.scrub.late"),
    ("scrub-behind", "toscalar(turns) - 1m", "toscalar(turns) + 1m"),
    ("scrub-behind", "isnull(toscalar", "isnotnull(toscalar"),
    ("scrub-behind", "union behind, absent", "behind"),
    ("seal-behind", "recording.seal.behind", "recording.seal.late"),
    ("seal-behind", "isnull(toscalar", "isnotnull(toscalar"),
    ("seal-differs", 'recording.seal.compared"\n    | extend', 'recording.seal.differs"\n    | extend'),
    ("seal-differs", "differences > 0", "differences > 1"),
    ("seal-differs", "' count=([0-9]+)'", "' counted=([0-9]+)'"),
    ("seal-differs", "isnull(toscalar", "isnotnull(toscalar"),
    ("seal-differs", "since < ago(30h)", "since > ago(30h)"),
    ("seal-differs", "arg_max(TimeGenerated, differences)", "arg_max(differences, TimeGenerated)"),
    ("seal-differs", "union differs, absent", "differs"),
    ("receiver-failing", "recording.notify.endpoint_failing", "recording.notify.refused"),
    ("receiver-failing", "over_at < TimeGenerated", "over_at > TimeGenerated"),
    ("receiver-failing", "union failing, lost", "failing"),
    ("log-cap-reached", "OverQuota", "UnderQuota"),
    ("log-cap-reached", "| where isnotnull(TimeGenerated)\n", ""),
    ("archive-delete", "where not(isempty", "where (isempty"),
    ("archive-delete", 'AuthenticationType == "SAS" and ', ""),
    ("archive-delete", 'isempty(RequesterObjectId) and AuthenticationType == "SAS" and', ""),
    ("archive-delete", ' or UserAgentHeader contains "OLCMScanner"', ""),
    ("archive-delete", '"DeleteBlobImmutabilityPolicy", ', ""),
    ("archive-delete", "{custodianPrincipalId}", "nobody"),
    ("archive-delete", ' and OperationName in ("DeleteBlob", "SetBlobLegalHold") and', " and"),
    ("archive-delete", 'OperationName in ("DeleteBlob", "SetBlobLegalHold") and', 'OperationName == "DeleteBlob" and'),
    (
        "archive-delete",
        ' and StatusText in ("Success", "BlobNotFound", ',
        ' or StatusText in ("Success", "BlobNotFound", ',
    ),
    ("archive-delete", '("Success", "BlobNotFound", ', '("Success", '),
    ("archive-delete", '"BlobImmutableDueToPolicy", "BlobImmutableDueToLegalHold")', '"BlobImmutableDueToPolicy")'),
    ("archive-delete", '"BlobImmutableDueToPolicy", "BlobImmutableDueToLegalHold")', '"BlobImmutableDueToLegalHold")'),
    ("archive-delete", ' "SetBlobLegalHold",', ""),
    ("archive-read", "blobs >= 100 or", "blobs >= 1 or"),
    ("archive-read", ' or AuthenticationType != "OAuth"', ""),
    ("archive-read", "{appPrincipalId}", "nobody"),
    ("archive-delete", ' and StatusText == "AuthorizationPermissionMismatch" and', " and"),
    ("archive-delete", 'endswith "/doctor-probe"', 'contains "/doctor-probe"'),
    ("archive-delete", 'and tostring(split(Uri, "?")[0]) endswith "/doctor-probe"', ""),
    ("archive-delete", "doctor-probe", "probe-of-the-doctor"),
    ("archive-read", '"{custodianPrincipalId}" or path', '"{custodianPrincipalId}" and path'),
    ("archive-read", ' or path endswith ".wav"', ""),
    ("archive-read", ', "PublicAccessNotPermitted"', ""),
    *((name, '="?([0-9', "=([0-9") for name in ("queue-waiting", "queue-stuck", "chunk-stuck")),
    *((name, '="?([0-9', "=([0-9") for name in ("chunk-at-risk", "recording-missing", "recording-incomplete")),
    ("archive-drift", "recording.drift", "recording.scrubbed"),
    ("acs-log-unavailable", "times >= 3", "times >= 30"),
    ("acs-log-unavailable", "times >= 3", "times >= 1"),
    ("message-poisoned", "-poison/messages", "/messages"),
    ("message-poisoned", '"PutMessage"', '"GetMessages"'),
    ("event-rejected", "recording.event.rejected", "recording.event.duplicate"),
    ("metadata-missing", "metadata_missing", "media_suspect"),
    ("media-suspect", "media_suspect", "mediasuspect"),
    (
        "media-suspect",
        ', hour = format_datetime(bin(TimeGenerated, 1h), "yyyy-MM-dd HH")',
        ', hours = format_datetime(bin(TimeGenerated, 1h), "yyyy-MM-dd HH")',
    ),
]

# Faults that forget when a trouble is over, or remember what is not so any more.
OVER = "| where isnull(over_at) or over_at < TimeGenerated\n"

STATE_MUTANTS: list[tuple[str, str, str]] = [
    *((name, OVER, "") for name in ("chunk-at-risk", "chunk-expired", "chunk-quarantined", "chunk-in-fallback")),
    *((name, OVER, "") for name in ("recording-missing", "recording-incomplete", "operator-fault")),
    *((name, OVER, OVER.replace(" or over_at < TimeGenerated", "")) for name in ("chunk-at-risk", "chunk-expired")),
    *(
        (name, '    | where document_id != ""\n', "")
        for name in ("chunk-at-risk", "chunk-expired", "chunk-quarantined")
    ),
    *((name, '    | where document_id != ""\n', "") for name in ("chunk-in-fallback", "chunk-stuck", "operator-fault")),
    *((name, '    | where recording_id != ""\n', "") for name in ("recording-missing", "recording-incomplete")),
    ("pause-overdue", '    | where recording_id != ""\n', ""),
    ("receiver-failing", '    | where entry != ""\n', ""),
    ("recording-missing", " and TimeGenerated == run", ""),
    ("recording-incomplete", "TimeGenerated == run", "TimeGenerated != run"),
    ("chunk-at-risk", "TimeGenerated == run", "TimeGenerated <= run"),
    ("control-refused", "| where isnull(works) or TimeGenerated > works\n", ""),
    ("control-refused", "isnull(works) or TimeGenerated > works", "isnull(works)"),
    ("queue-waiting", "| summarize arg_max(TimeGenerated, age, messages) by queue\n", ""),
    ("queue-stuck", "arg_max(TimeGenerated, age", "arg_max(age, TimeGenerated"),
]


FAULTS: list[Fault] = [
    *(
        (alert_play.each_alert_ends_when_it_is_over, f"infra/observability/{name}.kql", old, new)
        for name, old, new in STATE_MUTANTS
    ),
    *(
        (alert_play.each_alert_fires_on_its_failure_alone, f"infra/observability/{name}.kql", old, new)
        for name, old, new in QUERY_MUTANTS
    ),
]
