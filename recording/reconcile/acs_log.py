"""Compare the counts in ACS's own log with the announced files. Off unless that log is configured.

It is the only list of recordings that ACS keeps. It is minutes to hours late, but independent of the events; a
recording or chunk that only the log knows is recorded here, and reported if its file does not arrive in time.
"""

from collections.abc import Sequence
from contextlib import suppress
from datetime import UTC, datetime, timedelta

from recording.archive.manifest import rewrite_manifest
from recording.domain.ids import canonical_id
from recording.domain.state.recording import RecordingRecord
from recording.domain.state.records import RecordingChanges, changed
from recording.errors import ClaimLostError, LogUnavailableError
from recording.ports import Ports, RecordingSummary
from recording.ports.bulkhead import Bulkhead
from recording.settings import Settings
from recording.telemetry import Event, emit

LOOKED_AT_WITHIN = timedelta(minutes=5)  # of each hour: once, as the timer fires every five minutes
MOST_A_RUN = 10_000  # rows of the log; if some are left, the next run continues, not the next hour
LATENESS = timedelta(hours=12)  # the first run looks back this much further than the retention
SETTLED_AFTER = timedelta(minutes=5)  # rows may arrive slightly out of order; younger ones are left for later
MOST_RACES = 3
CURSOR, FINISHED = "acs_log", "="  # the position begins so when nothing was left behind it


def is_due(now: datetime) -> bool:
    """Return whether this run of the timer is the one in its hour that reads the log."""
    return timedelta(minutes=now.minute, seconds=now.second) < LOOKED_AT_WITHIN


def count(ports: Ports, settings: Settings, bulkhead: Bulkhead) -> int:
    """Record what the log received about recordings since the last run; return how many had something new.

    A run reads a bounded number of rows, and the next run continues behind them; each row is read once, however late it
    arrived. If log or catalog do not answer, nothing is skipped: the same rows are read again. Where rows alone fail,
    while storage answers, they are tried once more, and the next run continues behind them.

    Raises:
        StorageError: when the position cannot be read or saved.
    """
    now = ports.clock.now()
    kept = ports.catalog.cursor(CURSOR) if ports.log is not None else ""
    position = kept.removeprefix(FINISHED)
    is_behind = bool(kept) and not kept.startswith(FINISHED)
    if ports.log is None or not (is_behind or is_due(now)):
        return 0
    try:
        since, after = _read(position) or (now - settings.retention - LATENESS, "")
        listed = ports.log.summaries(since, after, MOST_A_RUN + 1)
        found = [row for row in listed if row.noted_at <= now - SETTLED_AFTER]
    except LogUnavailableError as error:
        emit(Event.LOG_UNAVAILABLE, code=error.code, fault=error.fault, detail=str(error))
        return 0
    rows = found[:MOST_A_RUN]
    counted = [row for row in rows if row.chunk_count > 0]
    noted = _noted(counted, ports, bulkhead)
    tried = bulkhead.tried["acs_log"]
    is_cut = tried < len(counted)
    last = counted[tried - 1] if is_cut else rows[-1] if rows else None
    following = _place_of(last) if last else position
    is_behind = is_cut or len(found) > MOST_A_RUN
    failed = [row for row in counted[:tried] if row not in noted]
    is_in_outage = bool(failed) and not bulkhead.is_answered("acs_log")
    if following and not is_in_outage and (not is_cut or "acs_log" in bulkhead.given_up):  # else they are read again
        noted |= _noted(failed, ports, bulkhead)  # a row that fails once is read once more, before it is left behind
        ports.catalog.save_cursor(CURSOR, following if is_behind else f"{FINISHED}{following}")
    emit(Event.COUNTED, count=sum(noted.values()), chunks=sum(row.chunk_count for row in rows))
    return sum(noted.values())


def _noted(rows: Sequence[RecordingSummary], ports: Ports, bulkhead: Bulkhead) -> dict[RecordingSummary, bool]:
    """Record rows, each on its own; return those that did not fail, and whether each had something new."""
    made = bulkhead.each_at_once(rows, lambda row: (row, _note(row, ports)), "acs_log", lambda row: row.recording_id)
    return dict(made)


def _place_of(summary: RecordingSummary) -> str:
    return f"{summary.noted_at.astimezone(UTC).isoformat(timespec='microseconds')} {summary.recording_id}"


def _read(position: str) -> tuple[datetime, str] | None:
    noted_at, _, recording_id = position.partition(" ")
    try:
        return datetime.fromisoformat(noted_at), recording_id
    except ValueError:
        return None


def _note(summary: RecordingSummary, ports: Ports) -> bool:
    """Record a row; if an event or a caller writes the record at the same moment, it is read once more."""
    for _ in range(MOST_RACES):
        with suppress(ClaimLostError):
            return _note_count(summary, ports)
    return _note_count(summary, ports)


def _note_count(summary: RecordingSummary, ports: Ports) -> bool:
    recording_id = canonical_id(summary.recording_id)
    known = ports.catalog.get_recording(recording_id)
    if known is None:  # started elsewhere, and none of its events has arrived
        fresh = RecordingRecord(
            recording_id=recording_id,
            acs_id=summary.recording_id if summary.recording_id != recording_id else None,
            chunk_count=summary.chunk_count,
            ended_seen_at=summary.ready_at,
        )
        return ports.catalog.add_recording(fresh)
    if known.chunk_count is not None and known.chunk_count >= summary.chunk_count:
        return False
    changes = RecordingChanges(chunk_count=summary.chunk_count, ended_seen_at=known.ended_seen_at or summary.ready_at)
    chunks = ports.catalog.chunks_of(recording_id)
    if len({chunk.task.index for chunk in chunks}) < summary.chunk_count:
        changes["settled_at"] = None
        changes["look_at"] = None
    ports.catalog.save_recording(changed(known, **changes))
    if any(chunk.cataloged_at for chunk in chunks):
        rewrite_manifest(chunks[0].task, ports)
    return True
