"""Every failure is seen within its minutes (I4): it is made to happen, and the deployed alert is played over the log.

What only Azure can see (its metrics, its logs of storage) cannot be made to happen here. For those, the deployed rule
is held against the longest time that its source takes, as Microsoft documents it.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import timedelta

from dev.in_memory.builders import chunk, event, task
from dev.in_memory.world import world
from dev.policies.infra.alarms import INGESTION, deployed, workspace_of
from dev.prove.failures_of_calls import (
    chunk_absent,
    file_overdue,
    log_unavailable,
    must_be_recorded,
    never_announced,
    pause_stands,
    starts_refused,
)
from dev.prove.failures_of_chunks import (
    altered_blob,
    archive_refuses,
    at_risk,
    broken_media,
    expired,
    keeps_failing,
    no_metadata,
    nobody_works,
    refused_by_acs,
    warned_media,
)
from dev.prove.failures_of_the_app import (
    audit_refused,
    dead_letters_refused,
    forged_event,
    host_dead,
    no_scrub,
    no_seal,
    receiver_down,
    tables_down,
    trail_changed,
)
from dev.prove.stage import HOUR, MINUTE, Stage, staged


@dataclass(frozen=True)
class Row:
    """A failure, the alert that tells it, and how soon."""

    failure: str
    alert: str
    within: timedelta
    happens: Callable[[], Stage] | None = None  # in this world; None: only Azure can see it
    source_delay: timedelta = timedelta()  # how long Azure's own source takes, where only Azure sees it


def seen_after(row: Row) -> timedelta | None:
    """Return how long the failure stayed unseen, at most; None: nobody was ever told."""
    alert = deployed()[row.alert]
    if row.happens is None:
        return alert.slowest(row.source_delay)
    stage = row.happens()
    workspace = workspace_of(stage.lines)
    late = 0 * MINUTE
    for phase in range(int(alert.every / MINUTE)):  # the rule's own clock is not ours: the worst phase counts
        begin = stage.failed_at + phase * MINUTE
        told = alert.fires(workspace, begin, stage.here.now + INGESTION + alert.every)
        if told is None:
            return None
        late = max(late, told - stage.failed_at)
    return late


def a_calm_day() -> list[str]:
    """Return the alerts that a day without a failure sets off; there must be none."""
    stage = staged(world())
    with stage.listening():
        stage.here.announces(event(chunk(0)))
        stage.here.holds(task(0))
        stage.goes_by(timedelta(hours=26))
    begin = stage.begun_at + timedelta(hours=1)
    workspace = workspace_of(stage.lines)
    rules = [replace(rule, every=max(rule.every, HOUR / 2)) for rule in deployed().values() if rule.is_about_lines]
    return [rule.name for rule in rules if rule.fires(workspace, begin, stage.here.now) is not None]


def _minutes(count: int) -> timedelta:
    return timedelta(minutes=count)


_EVENT_GRID_WRITES = _minutes(5)  # Event Grid waits so long before it writes a dead letter
_ACTIVITY_LOG = _minutes(10)
_ACS_LOG = _minutes(60)  # the query looks at what is an hour old: ACS's log comes in parts
ROWS = (
    Row("an event cannot be delivered", "event-delivery-failing", _minutes(6), source_delay=_minutes(5)),
    Row("an event is dead-lettered", "event-dead-lettered", _minutes(11), source_delay=_EVENT_GRID_WRITES),
    Row("an event is dropped", "event-dropped", _minutes(11), source_delay=_EVENT_GRID_WRITES),
    Row("a message is poisoned", "message-poisoned", _minutes(10), source_delay=INGESTION),
    Row("nothing runs any more", "app-silent", _minutes(20), host_dead),
    Row("the catalog does not answer", "app-silent", _minutes(20), tables_down),
    Row("a chunk is open and less than 6 h are left", "chunk-at-risk", _minutes(15), at_risk),
    Row("a chunk was not archived in time", "chunk-expired", _minutes(15), expired),
    Row("ACS refuses this app", "operator-fault", _minutes(15), refused_by_acs),
    Row("dead letters cannot be read", "operator-fault", _minutes(20), dead_letters_refused),
    Row("the audit trail cannot be written", "operator-fault", _minutes(15), audit_refused),
    Row("media does not open", "chunk-quarantined", _minutes(30), broken_media),
    Row("media does not open, and passes", "media-suspect", _minutes(25), warned_media),
    Row("metadata never came", "metadata-missing", _minutes(25), no_metadata),
    Row("a forged event", "event-rejected", _minutes(15), forged_event),
    Row("a recording ended an hour ago, no file", "recording-missing", _minutes(60), file_overdue),
    Row("a chunk between others is overdue", "recording-incomplete", _minutes(60), chunk_absent),
    Row("an event was never emitted (log read by the app)", "recording-missing", _minutes(240), never_announced),
    Row(
        "an event was never emitted (log read by Azure)",
        "recording-never-announced",
        _minutes(240),
        source_delay=_ACS_LOG + INGESTION,
    ),
    Row("ACS's log cannot be read", "acs-log-unavailable", _minutes(300), log_unavailable),
    Row("the archive refuses", "chunk-in-fallback", _minutes(75), archive_refuses),
    Row("an archived blob is altered", "archive-drift", _minutes(24 * 60), altered_blob),
    Row("somebody deletes from the archive", "archive-delete", _minutes(30), source_delay=INGESTION),
    Row("recordings cannot be started", "control-refused", _minutes(15), starts_refused),
    Row("work waits for half an hour", "queue-waiting", _minutes(30), nobody_works(0.5)),
    Row("work waits for four hours", "queue-stuck", _minutes(20), nobody_works(4)),
    Row("the nightly comparison does not come", "scrub-behind", _minutes(36 * 60), no_scrub),
    Row("a pause is not over", "pause-overdue", _minutes(15), pause_stands),
    Row("what must be recorded is not", "unrecorded", _minutes(15), must_be_recorded),
    Row("nothing can be sealed", "seal-behind", _minutes(25), no_seal),
    Row("a row of the audit trail is changed", "seal-differs", _minutes(26 * 60), trail_changed),
    Row("five tries for a chunk have failed", "chunk-stuck", _minutes(25), keeps_failing),
    Row("a receiver of events takes nothing for an hour", "receiver-failing", _minutes(25), receiver_down),
    Row("the log takes nothing more", "log-cap-reached", _minutes(30), source_delay=INGESTION),
    Row("a stranger reads recordings", "archive-read", _minutes(70), source_delay=INGESTION),
    Row("protection is changed", "protection-changed", _minutes(15), source_delay=_ACTIVITY_LOG),
    Row("a resource is unhealthy", "resource-unhealthy", _minutes(15), source_delay=_ACTIVITY_LOG),
    Row("Azure has an incident", "service-unhealthy", _minutes(15), source_delay=_ACTIVITY_LOG),
    Row("the dead letters' account does not answer", "dead-letters-unavailable", _minutes(6), source_delay=_minutes(5)),
    Row("the archive does not answer", "archive-unavailable", _minutes(6), source_delay=_minutes(5)),
    Row("the host's storage does not answer", "host-storage-unavailable", _minutes(6), source_delay=_minutes(5)),
)


def faults_of(row: Row) -> list[str]:
    """Return what is wrong with a row: nobody is told, too late, or a line can fall between two looks of the rule."""
    alert, seen = deployed()[row.alert], seen_after(row)
    found = [] if seen is not None and seen <= row.within else [f"{row.failure}: seen after {seen}, not {row.within}"]
    if alert.window < alert.every + (INGESTION if alert.query else timedelta()):
        found.append(f"{row.alert} looks back {alert.window} every {alert.every}: what comes late is never seen")
    return found


def print_visibility() -> int:
    """Print each row with what was measured; 1 when one of them is late."""
    bad = [f"{name} on a calm day" for name in a_calm_day()]
    print(f"{'failure':<50} {'alert':<26} {'min':>5} {'most':>5}  how")
    for row in ROWS:
        seen = seen_after(row)
        bad += faults_of(row)
        told = "never" if seen is None else f"{seen / MINUTE:.0f}"
        how = "played" if row.happens else "Azure's own times"
        print(f"{row.failure:<50} {row.alert:<26} {told:>5} {row.within / MINUTE:>5.0f}  {how}", flush=True)
    for what in bad:
        print(f"visibility: VIOLATION: {what}")
    if not bad:
        played = sum(row.happens is not None for row in ROWS)
        print(f"visibility: {len(ROWS)} failures, {played} of them made to happen: 0 late; a calm day: no alert")
    return min(len(bad), 1)
