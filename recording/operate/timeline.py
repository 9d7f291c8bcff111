"""Overview: how everything stands in one look, and the story of one recording. Nothing is changed by looking."""

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import islice

from recording.bulkhead import readable
from recording.codes import Code
from recording.domain import retention
from recording.domain.chunk import ChunkRecord
from recording.domain.recording import RecordingRecord
from recording.domain.transitions import is_finished, is_held
from recording.errors import StorageError
from recording.ports import Ports

MOST_COUNTED = 20_000  # rows read for the counts: some seconds


@dataclass(frozen=True)
class Overview:
    """Counts of chunks. `least_time_left` is of the open ones counted; None when none is open.

    `counted_all` is False when there are more rows than are read for this, or one of them cannot be read.
    """

    states: Mapping[str, int]
    open_chunks: int
    held_chunks: int
    least_time_left: timedelta | None
    counted_all: bool = True


@dataclass(frozen=True, order=True)
class Moment:
    """Something that happened to a recording, to one chunk of it where it has an index."""

    at: datetime
    what: str
    index: int | None = None
    document_id: str | None = None


@dataclass(frozen=True)
class Story:
    """One recording's moments, the earliest first, and its chunks as they are now."""

    recording: RecordingRecord | None
    chunks: tuple[ChunkRecord, ...]
    moments: tuple[Moment, ...]


def overview(ports: Ports) -> Overview:
    """Count the chunks of the catalog by state, at most `MOST_COUNTED` of them.

    Raises:
        StorageError: when the catalog does not answer.
    """
    counted_all = False
    states: Counter[str] = Counter()
    held_chunks = 0
    left: list[timedelta] = []
    try:
        listing = readable(ports.catalog.all_chunks(), "all_chunks")
        for record in islice(listing, MOST_COUNTED):
            states[record.state.value] += 1
            held_chunks += is_held(record)
            if not is_finished(record):
                left.append(retention.time_left(record.task.expires_at, ports.clock.now()))
        counted_all = next(listing, None) is None
    except StorageError as error:
        if error.code != Code.UNREADABLE_RECORD:
            raise
    return Overview(dict(sorted(states.items())), len(left), held_chunks, min(left, default=None), counted_all)


def story(recording_id: str, ports: Ports) -> Story | None:
    """What is known about one recording; None when the catalog has never heard of it.

    Raises:
        StorageError: when the catalog does not answer.
    """
    recording, chunks = ports.catalog.get_recording(recording_id), tuple(ports.catalog.chunks_of(recording_id))
    if recording is None and not chunks:
        return None
    moments = [moment for chunk in chunks for moment in _of_chunk(chunk)]
    moments += _of_recording(recording) if recording else []
    return Story(recording, chunks, tuple(sorted(moments, key=lambda moment: moment.at)))


def _of_recording(recording: RecordingRecord) -> Iterator[Moment]:
    times = {
        "started": recording.started_at,
        f"{recording.last_action} here": recording.last_action_at,
        "first event came": recording.first_event_at,
        "seen to be over": recording.ended_seen_at,
        "missing: no file came": recording.missing_since,
        "incomplete: some files did not come": recording.incomplete_since,
        "settled": recording.settled_at,
    }
    yield from (Moment(at, what) for what, at in times.items() if at is not None)


def _of_chunk(chunk: ChunkRecord) -> Iterator[Moment]:
    why = chunk.quarantine_reason or chunk.last_error
    times = {
        f"announced by event {chunk.task.event_id}": chunk.task.event_time,
        "known here": chunk.first_seen_at,
        "at risk": chunk.at_risk_since,
        "archive refuses since": chunk.archive_refused_since,
        "kept in the second destination": chunk.fallback.kept_at if chunk.fallback else None,
        "copied": chunk.copied_at,
        f"verified: {', '.join(chunk.verified_how)}": chunk.verified_at,
        "cataloged": chunk.cataloged_at,
        "source deleted": chunk.source_deleted_at,
        f"{chunk.state}: {why}": chunk.changed_at if is_held(chunk) else None,
        "claimed until": chunk.claim_expires_at,
        "next try": chunk.next_attempt_at,
        "ACS forgets it": None if is_finished(chunk) else chunk.task.expires_at,
    }
    index, document = chunk.task.index, chunk.task.document_id
    yield from (Moment(at, what, index, document) for what, at in times.items() if at is not None)
