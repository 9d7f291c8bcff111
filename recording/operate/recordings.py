"""List recordings with their present state, the newest first, from a bounded number of the catalog's rows."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from itertools import groupby, islice

from recording.domain.state.chunk import ChunkRecord
from recording.domain.state.recording import RecordingRecord
from recording.domain.state.transitions import is_archived, is_finished, is_left_at_that
from recording.domain.watched import deadline
from recording.domain.watched.attention import AttentionItem
from recording.ports import Ports
from recording.ports.bulkhead import readable

MOST_LOOKED_AT = 20_000  # rows of chunks: some seconds
ARCHIVED, OPEN, WAITING, DISMISSED = "archived", "open", "no files yet", "dismissed"  # what needs no attention


@dataclass(frozen=True)
class Listed:
    """One recording in a list.

    Attributes:
        state: the kind of its most urgent attention item, or `archived`, `open`, `no files yet`, `dismissed`.
        reason: of that item.
    """

    recording_id: str
    at: datetime
    state: str
    call_id: str | None = None
    chunks: int = 0
    archived: int = 0
    length_bytes: int = 0
    duration_ms: float = 0
    time_left: timedelta | None = None
    reason: str | None = None
    tags: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True)
class Listing:
    """What was found.

    Attributes:
        complete: False when the catalog has more rows than are read for this.
        more: how many others there are beyond the limit.
    """

    items: tuple[Listed, ...]
    complete: bool = True
    more: int = 0


def list_recordings(
    ports: Ports,
    attention: Sequence[AttentionItem],
    *,
    since: datetime | None = None,
    states: Sequence[str] = (),
    limit: int = 50,
) -> Listing:
    """Return the newest recordings.

    Args:
        ports: the catalog is read.
        attention: what needs attention, the most urgent first.
        since: only those that began later.
        states: only those in these states; all when none is named.
        limit: the maximum number.

    Raises:
        StorageError: when the catalog does not answer.
    """
    urgent: dict[str, AttentionItem] = {}
    kinds: dict[str, set[str]] = {}
    for item in attention:
        urgent.setdefault(item.recording_id or "", item)
        kinds.setdefault(item.recording_id or "", set()).add(item.kind)
    found: dict[str, Listed] = {}
    rows = readable(ports.catalog.all_chunks(), "all_chunks")
    looked_at = 0
    for recording_id, group in groupby(islice(rows, MOST_LOOKED_AT), key=lambda chunk: chunk.task.recording_id):
        chunks = list(group)
        looked_at += len(chunks)
        found[recording_id] = _of_chunks(recording_id, chunks, urgent.get(recording_id), ports.clock.now())
    for record in readable(ports.catalog.open_recordings(), "open_recordings"):
        if record.recording_id not in found:
            found[record.recording_id] = _without_files(record, urgent.get(record.recording_id), ports.clock.now())
    # A filter by state includes recordings that only refused events name; and a recording may have two troubles.
    found |= {name: _named(name, item) for name, item in urgent.items() if states and name and name not in found}
    meant = [
        one
        for one in found.values()
        if (since is None or one.at >= since)
        and (not states or {one.state, *kinds.get(one.recording_id, ())}.intersection(states))
    ]
    newest = sorted(meant, key=lambda one: (one.at, one.recording_id), reverse=True)
    shown = tuple(replace(one, tags=tags_of(ports.catalog.get_recording(one.recording_id))) for one in newest[:limit])
    return Listing(shown, looked_at < MOST_LOOKED_AT, len(newest) - len(shown))


def tags_of(record: RecordingRecord | None) -> tuple[tuple[str, str], ...]:
    """Return the tags of a recording as they are now: given at its start, or changed later."""
    return tuple(record.current_tags.items()) if record else ()


def _of_chunks(recording_id: str, chunks: Sequence[ChunkRecord], item: AttentionItem | None, now: datetime) -> Listed:
    left = [deadline.time_left(chunk.task.expires_at, now) for chunk in chunks if not is_finished(chunk)]
    is_over = all(is_archived(chunk) or is_left_at_that(chunk) for chunk in chunks)
    word = ARCHIVED if all(map(is_archived, chunks)) else DISMISSED if is_over else OPEN
    return Listed(
        recording_id=recording_id,
        at=min((chunk.task.recording_start_time or chunk.task.event_time) for chunk in chunks),
        state=item.kind.value if item else word,
        call_id=chunks[0].task.call_id,
        chunks=len(chunks),
        archived=sum(map(is_archived, chunks)),
        length_bytes=sum(chunk.length_bytes or 0 for chunk in chunks),
        duration_ms=sum(chunk.duration_ms or 0 for chunk in chunks),
        time_left=min(left, default=None),
        reason=item.reason if item else None,
    )


def _without_files(record: RecordingRecord, item: AttentionItem | None, now: datetime) -> Listed:
    return Listed(
        recording_id=record.recording_id,
        at=record.started_at or record.first_event_at or now,
        state=item.kind.value if item else WAITING,
        call_id=record.call_id,
        reason=item.reason if item else None,
    )


def _named(recording_id: str, item: AttentionItem) -> Listed:
    return Listed(recording_id, item.event_time or item.at, item.kind.value, reason=item.reason)
