"""Counting: what ACS's own log counts is compared with what was announced here. Off unless that log is configured.

It is the only list of recordings that ACS keeps. It comes late, by minutes to hours, but from another way than the
events; a recording or a chunk that only the log knows is noted here, and raised when its file does not come in time.
"""

from datetime import UTC, datetime, timedelta
from itertools import islice

from recording.archive.manifest import rewrite_manifest
from recording.bulkhead import Bulkhead
from recording.domain.recording import RecordingRecord
from recording.domain.records import RecordingChanges, changed
from recording.errors import ClaimLostError, LogUnavailableError
from recording.ports import Ports, RecordingSummary
from recording.settings import Settings
from recording.telemetry import Event, emit

LOOKED_AT_WITHIN = timedelta(minutes=5)  # of each hour: once, as the timer fires every five minutes
MOST_A_RUN = 2000  # rows of the log
LATENESS = timedelta(hours=12)  # rows are read again for so long beyond the retention


def is_due(now: datetime) -> bool:
    """Whether this run of the timer is the one in its hour that reads the log."""
    return timedelta(minutes=now.minute, seconds=now.second) < LOOKED_AT_WITHIN


def count(ports: Ports, settings: Settings, bulkhead: Bulkhead) -> int:
    """Notes what the log counts for recordings of the last day and a half; how many had something new.

    A turn looks at a bounded number of rows, and the next turn goes on behind them. A log that does not answer puts
    nothing off: the next hour reads the same rows again.

    Raises:
        StorageError: when the catalog does not answer.
    """
    now = ports.clock.now()
    position = ports.catalog.cursor("acs_log") if ports.log is not None else ""
    if ports.log is None or not (position or is_due(now)):
        return 0
    try:
        listed = ports.log.summaries(_since(position) or now - settings.retention - LATENESS)
        summaries = list(islice((row for row in listed if _place_of(row) > position), MOST_A_RUN))
    except LogUnavailableError as error:
        emit(Event.LOG_UNAVAILABLE, code=error.code, fault=error.fault, detail=str(error))
        return 0
    counted = [summary for summary in summaries if summary.chunk_count > 0]
    noted = sum(bulkhead.each(counted, lambda row: _note(row, ports), "acs_log", lambda row: row.recording_id))
    following = _place_of(summaries[-1]) if len(summaries) == MOST_A_RUN else ""
    if following != position:
        ports.catalog.save_cursor("acs_log", following)
    emit(Event.COUNTED, count=noted, chunks=sum(summary.chunk_count for summary in summaries))
    return noted


def _place_of(summary: RecordingSummary) -> str:
    return f"{summary.ready_at.astimezone(UTC).isoformat()} {summary.recording_id}"


def _since(position: str) -> datetime | None:
    try:
        return datetime.fromisoformat(position.partition(" ")[0])
    except ValueError:
        return None


def _note(summary: RecordingSummary, ports: Ports) -> bool:
    known = ports.catalog.get_recording(summary.recording_id)
    if known is None:  # started elsewhere, and no event of it has come
        fresh = RecordingRecord(
            recording_id=summary.recording_id, chunk_count=summary.chunk_count, ended_seen_at=summary.ready_at
        )
        return ports.catalog.add_recording(fresh)
    if known.chunk_count is not None and known.chunk_count >= summary.chunk_count:
        return False
    changes = RecordingChanges(chunk_count=summary.chunk_count, ended_seen_at=known.ended_seen_at or summary.ready_at)
    chunks = ports.catalog.chunks_of(summary.recording_id)
    if len({chunk.task.index for chunk in chunks}) < summary.chunk_count:
        changes["settled_at"] = None
        changes["look_at"] = None
    try:
        ports.catalog.save_recording(changed(known, **changes))
    except ClaimLostError:  # an event came at this very moment; the next hour notes it
        return False
    if any(chunk.cataloged_at for chunk in chunks):
        rewrite_manifest(chunks[0].task, ports)
    return True
