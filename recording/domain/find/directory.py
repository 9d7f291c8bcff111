"""Directory: which index rows a recording has, and what they say. Pure.

Every row of a recording has the same row key, which sorts by its start, the newest first. So pages of any index, and of
several merged, are in one order, and a position is a row key.

| partition | finds by |
|---|---|
| `t!{inverse month}` | time |
| `p!{hash}` | participant or whole number |
| `n!{hash}` | the last seven digits of a number |
| `c!{call}` | call id or server call id |
| `g!{hash}!{inverse month}` | tag |
| `s!{condition}` | a condition that few recordings are in |
| `o!{hash}!…` | any of these among the recordings of one tenant: a second row, where a recording has one |
"""

import hashlib
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from recording.domain.archived.receipt import UnreadRow, gaps_in, is_complete
from recording.domain.find.index_keys import IndexKey
from recording.domain.ids import canonical_id, composed, name_of
from recording.domain.incoming.facts import (
    MOST_CHANNELS,
    MOST_PARTICIPANTS,
    Condition,
    KnownParticipant,
    RecordingFacts,
    earliest,
    facts_of_metadata,
)
from recording.domain.incoming.metadata import ChunkMetadata
from recording.domain.incoming.participants import ParticipantClass, canonical_participant, last_digits
from recording.domain.model import with_changes
from recording.domain.state.chunk import ChunkRecord
from recording.domain.state.recording import RecordingRecord
from recording.domain.state.transitions import is_archived, is_held
from recording.domain.times import as_utc, within_reason
from recording.domain.watched.expectation import over_since

_LAST_MS = 9_999_999_999_999
_LAST_MONTH = 999_999
_MS, _MONTH = 13, 6  # digits
_MARK = 8  # characters
MOST_UNREAD = 20  # keys in a row; `GET recordings/{id}` has all of them
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_LATEST = _EPOCH + timedelta(milliseconds=_LAST_MS)
_SAID_BY_DOCUMENTS = (
    "content",
    "channel",
    "sample_rate",
    "bit_rate",
    "audio_channels",
    "pause_count",
    "paused_ms",
)
RARE = (Condition.RECORDING, Condition.PENDING, Condition.HELD, Condition.MISSING, Condition.INCOMPLETE)


@dataclass(frozen=True)
class IndexRow:
    """One row of the directory: where it is, and facts that do not change.

    Attributes:
        marks: the first characters of the hashes of all partitions of the recording; another filter uses them to skip
            most rows without reading their recording.
    """

    partition: str
    row_key: str
    recording_id: str
    started_at: datetime
    duration_ms: float | None = None
    length_bytes: int = 0
    formats: tuple[str, ...] = ()
    marks: str = ""
    chunk_count: int = 0


@dataclass(frozen=True)
class Span:
    """A part of the directory that a query walks: partitions and row keys, both ends included."""

    first_partition: str
    last_partition: str
    first_row: str = ""
    last_row: str = "~"

    def of_tenant(self, key: str) -> "Span":
        """Return the same part of the index among the recordings of one tenant, by the hash of its name."""
        first, last = tenant_partition(key, self.first_partition), tenant_partition(key, self.last_partition)
        return Span(first, last, self.first_row, self.last_row)

    def behind(self, after: str) -> "Span":
        """Return the part of the span after a row key; partitions of newer months are skipped."""
        if not after:
            return self
        first = self.first_partition
        if first != self.last_partition:
            first = max(first, f"{first[:-_MONTH]}{inverse_month(moment_of(after))}")
        return Span(first, self.last_partition, max(self.first_row, f"{after} "), self.last_row)


# --- keys ------------------------------------------------------------------------------------------------------------


def row_key(started_at: datetime, recording_id: str) -> str:
    """Return the row key of a recording: the newest first, and no two alike."""
    return f"{inverse_ms(started_at)}-{name_of(recording_id)}"


def is_row_key(told: str) -> bool:
    """Return whether a stored row key begins with a time, as `inverse_ms` writes it: a page can continue there."""
    return told[:_MS].isascii() and told[:_MS].isdecimal() and told[_MS : _MS + 1] == "-"


def inverse_ms(moment: datetime) -> str:
    """Return a fixed-width text that sorts the latest moment first."""
    ms = (as_utc(moment) - _EPOCH) // timedelta(milliseconds=1)
    return f"{_LAST_MS - min(max(ms, 0), _LAST_MS):013d}"


def inverse_month(moment: datetime) -> str:
    """Return the month as a fixed-width text that sorts the latest first."""
    utc = min(max(as_utc(moment), _EPOCH), _LATEST)
    return f"{_LAST_MONTH - (utc.year * 100 + utc.month):06d}"


def month_of(inverse: str) -> str:
    """Return the month that a partition's name ends with, as `2026-11`."""
    number = _LAST_MONTH - int(inverse)
    return f"{number // 100:04d}-{number % 100:02d}"


def moment_of(at: str) -> datetime:
    """Return the time that a row key sorts by."""
    return _EPOCH + timedelta(milliseconds=_LAST_MS - int(at[:_MS]))


def participant_partition(key: str) -> str:
    """Return where the rows of a participant are."""
    return f"p!{key}"


def ending_partition(key: str) -> str:
    """Return where the rows of numbers with the same last digits are."""
    return f"n!{key}"


def call_partition(call_id: str) -> str:
    """Return where the rows of a call are, by its call id or its server call id."""
    return f"c!{name_of(canonical_id(call_id))}"


def tag_partitions(key: str) -> str:
    """Return how the partitions of a tag begin; a month follows, since one value may be on millions of recordings."""
    return f"g!{key}!"


def condition_partition(condition: Condition) -> str:
    """Return where the rows of recordings in a rare condition are."""
    return f"s!{condition.value}"


def tenant_partition(key: str, partition: str) -> str:
    """Return the partition that holds one tenant's rows of `partition`."""
    return f"o!{key}!{partition}"


def mark_of(partition: str) -> str:
    """Return the short mark of a partition in its sibling rows."""
    return hashlib.sha256(partition.encode()).hexdigest()[:_MARK]


def has_mark(marks: str, partition: str) -> bool:
    """Return whether a row's recording may also be in that partition."""
    wanted = mark_of(partition)
    return any(marks[at : at + _MARK] == wanted for at in range(0, len(marks), _MARK))


# --- what a recording's rows are -------------------------------------------------------------------------------------


def conditions_of(
    record: RecordingRecord, chunks: Sequence[ChunkRecord], unread: Sequence[UnreadRow]
) -> tuple[Condition, ...]:
    """Return the conditions that a recording is in; none begins or ends merely because time passes.

    A chunk whose row cannot be read was announced, and needs attention; nobody knows whether it is archived.
    """
    gaps = gaps_in(chunks, record.least_count, unread)
    is_known = bool(chunks or unread)
    is_running = record.settled_at is None and over_since(record, chunks, unread) is None
    found = {
        Condition.RECORDING: not (is_known and not gaps) and is_running,
        Condition.PENDING: any(chunk.is_unsaved for chunk in chunks),
        Condition.HELD: bool(unread) or any(is_held(chunk) for chunk in chunks),
        Condition.MISSING: record.missing_since is not None and not is_known,
        Condition.INCOMPLETE: record.incomplete_since is not None and is_known and bool(gaps),
        Condition.ARCHIVED: is_complete(chunks, record.least_count, unread),
    }
    return tuple(condition for condition, is_so in found.items() if is_so)


def gathered_facts(
    record: RecordingRecord,
    chunks: Sequence[ChunkRecord],
    documents: Iterable[ChunkMetadata],
    key: IndexKey,
    unread: Sequence[UnreadRow],
) -> RecordingFacts:
    """Return the recording's facts; participants become keyed hashes here and are named nowhere else."""
    documents = tuple(documents)
    known = [facts for document in documents if (facts := facts_of_metadata(document)) is not None]
    people = participants_of(documents, key)
    others = people[MOST_PARTICIPANTS:]
    unlisted = {one.kind for one in others if one.kind} | {
        kind for chunk in chunks if is_archived(chunk) for one in chunk.silenced for kind in one.kinds
    }
    pauses = [pause for facts in known for pause in facts.pauses]
    archived = [chunk for chunk in chunks if is_archived(chunk)]
    return RecordingFacts(
        started_at=started_at(record, chunks),
        duration_ms=sum(chunk.duration_ms or 0.0 for chunk in archived) if archived else None,
        length_bytes=sum(chunk.length_bytes or 0 for chunk in archived),
        chunk_count=len(chunks) + len(unread),
        archived_count=len(archived),
        formats=tuple(sorted({chunk.format.value for chunk in chunks if chunk.format is not None})),
        content=next((facts.content for facts in known if facts.content), None),
        channel=next((facts.channel for facts in known if facts.channel), None),
        sample_rate=next((facts.sample_rate for facts in known if facts.sample_rate), None),
        bit_rate=next((facts.bit_rate for facts in known if facts.bit_rate), None),
        audio_channels=next((facts.audio_channels for facts in known if facts.audio_channels), None),
        pause_count=len(pauses),
        paused_ms=sum(pause.duration_ms or 0.0 for pause in pauses),
        participants=people[:MOST_PARTICIPANTS],
        more_participants=len(others),
        kinds=tuple(sorted(unlisted)),
        unread=bool(unread) or len(documents) < sum(chunk.disposed_at is None for chunk in archived),
        unread_rows=tuple(row.key for row in unread[:MOST_UNREAD]),
        session_end_reason=next((c.task.session_end_reason for c in chunks if c.task.session_end_reason), None),
        conditions=conditions_of(record, chunks, unread),
        pending_until=min((chunk.task.expires_at for chunk in chunks if chunk.is_unsaved), default=None),
    )


def facts_kept(known: RecordingFacts, fresh: RecordingFacts) -> RecordingFacts:
    """Return fresh facts; those of documents that cannot be read now are taken from the known facts."""
    said = {name: getattr(known, name) or getattr(fresh, name) for name in _SAID_BY_DOCUMENTS}
    people = {one.key: one for one in (*fresh.participants, *known.participants)}
    listed = sorted(people)[:MOST_PARTICIPANTS]
    more = max(known.more_participants, fresh.more_participants, len(people) - len(listed))
    said |= {"participants": tuple(people[key] for key in listed), "more_participants": more}
    said |= {"kinds": tuple(sorted({*known.kinds, *fresh.kinds})), "unread": known.unread or bool(fresh.unread_rows)}
    if fresh.unread_rows:
        said["formats"] = tuple(sorted({*known.formats, *fresh.formats}))
    return with_changes(fresh, said)


def participants_of(documents: Iterable[ChunkMetadata], key: IndexKey) -> tuple[KnownParticipant, ...]:
    """Return everyone named in these documents, once, by keyed hash, with the channels that are theirs."""
    found: dict[str, KnownParticipant] = {}
    for one in (participant for document in documents for participant in document.participants):
        hashed = key.participant(one.raw_id)
        known = found.get(hashed)
        channels = {*(known.channels if known else ()), *(() if one.channel is None else (one.channel,))}
        found[hashed] = KnownParticipant(
            key=hashed,
            channels=tuple(sorted(channels)[:MOST_CHANNELS]),
            number_key=_ending_of(one.raw_id, key),
            kind=ParticipantClass.of(one.raw_id).value,
        )
    return tuple(found[hashed] for hashed in sorted(found))


def started_at(record: RecordingRecord, chunks: Sequence[ChunkRecord]) -> datetime:
    """Return when the recording began: by its events, by its start through this app, or the nearest known time."""
    return (
        earliest(
            (_believed(chunk.task.recording_start_time, chunk) for chunk in chunks),
            (record.started_at,),
            (_believed(chunk.facts.started_at, chunk) for chunk in chunks if chunk.facts),
            (record.first_event_at, *(chunk.first_seen_at for chunk in chunks)),
            (record.last_action_at,),
        )
        or _EPOCH
    )


def _believed(told: datetime | None, chunk: ChunkRecord) -> datetime | None:
    """Return when a chunk is said to have begun, near its event: the days of every retention rule count from here."""
    return within_reason(told, chunk.task.event_time)


def partitions_of(record: RecordingRecord, facts: RecordingFacts, key: IndexKey) -> tuple[str, ...]:
    """Return the partitions in which a recording has a row, each once."""
    month = inverse_month(facts.started_at)
    found = [f"t!{month}", *_lasting_partitions(record, facts, key)]
    found = [f"{name}{month}" if name.startswith("g!") else name for name in found]
    found += [condition_partition(condition) for condition in RARE if condition in facts.conditions]
    if record.tenant is not None:
        found += [tenant_partition(key.tenant(record.tenant), name) for name in found]
    return tuple(dict.fromkeys(found))


def rows_for(record: RecordingRecord, facts: RecordingFacts, key: IndexKey) -> list[IndexRow]:
    """Return all index rows of a recording."""
    marks = "".join(mark_of(name) for name in dict.fromkeys(_lasting_partitions(record, facts, key)))
    at = row_key(facts.started_at, record.recording_id)
    return [
        IndexRow(
            partition=partition,
            row_key=at,
            recording_id=record.recording_id,
            started_at=facts.started_at,
            duration_ms=facts.duration_ms,
            length_bytes=facts.length_bytes,
            formats=facts.formats,
            marks=marks,
            chunk_count=facts.chunk_count,
        )
        for partition in partitions_of(record, facts, key)
    ]


def calls_of(record: RecordingRecord) -> list[str]:
    """Return every id by which the recording's call is known, those of the start request among them."""
    asked = [record.request.get(name) for name in ("callConnectionId", "groupCallId", "roomId")]
    return [str(call) for call in (record.call_id, record.server_call_id, *asked) if call]


def tags_of(record: RecordingRecord) -> list[str]:
    """Return the tags as they are searched for, `name:value`."""
    return [composed(f"{name}:{value}") for name, value in record.current_tags.items()]


def _lasting_partitions(record: RecordingRecord, facts: RecordingFacts, key: IndexKey) -> Iterator[str]:
    """Yield the partitions that other filters may ask for, those of tags without their month."""
    yield from (participant_partition(one.key) for one in facts.participants)
    yield from (ending_partition(one.number_key) for one in facts.participants if one.number_key)
    yield from (call_partition(call) for call in calls_of(record))
    yield from (tag_partitions(key.tag(tag)) for tag in tags_of(record))


def _ending_of(raw_id: str, key: IndexKey) -> str | None:
    canonical = canonical_participant(raw_id)
    digits = last_digits(canonical) if canonical.startswith("4:+") else None
    return key.ending(digits) if digits else None
