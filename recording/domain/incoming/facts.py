"""Facts of a recording for finding and display, gathered from its chunks' metadata and records. Pure."""

from collections.abc import Iterable
from datetime import datetime
from enum import StrEnum

from pydantic import BaseModel, ConfigDict

from recording.domain.formats import ChannelType, ContentType
from recording.domain.incoming.metadata import ChunkMetadata, Pause
from recording.domain.times import UtcTime

MOST_KEPT = 1000  # pauses, or channels; a row has room for a megabyte, and a metadata document may be as long
MOST_PARTICIPANTS = 400  # of a recording; each has up to five places in its row, and ACS lets 350 into a call
MOST_CHANNELS = 50  # of a participant; ACS gives each one


class _Kept(BaseModel):
    """Stored with a record: other versions' fields are kept."""

    model_config = ConfigDict(frozen=True, extra="allow")


class KnownPause(_Kept):
    """One gap of a chunk, as its metadata says."""

    started_at: UtcTime | None = None
    duration_ms: float | None = None


class ChunkFacts(_Kept):
    """The facts in a chunk's metadata, without anything that names a person."""

    started_at: UtcTime | None = None
    duration_ms: float | None = None
    pauses: tuple[KnownPause, ...] = ()
    content: ContentType | None = None
    channel: ChannelType | None = None
    sample_rate: int | None = None
    bit_rate: int | None = None
    audio_channels: int | None = None
    participant_count: int = 0
    participant_channels: tuple[int, ...] = ()


class KnownParticipant(_Kept):
    """A participant by the keyed hash of its canonical id, with the channels that are its own."""

    key: str
    channels: tuple[int, ...] = ()
    number_key: str | None = None  # of the last digits, where it is a phone number
    kind: str | None = None  # phone, acs, teams, bot or other; None of one that an older version noted


class Condition(StrEnum):
    """A state of a recording that does not change by time alone. One recording may have several."""

    RECORDING = "recording"
    PENDING = "pending"  # a chunk is in ACS only; whether it is at risk depends on the time
    HELD = "held"
    MISSING = "missing"
    INCOMPLETE = "incomplete"
    ARCHIVED = "archived"  # every chunk up to the last


class RecordingFacts(_Kept):
    """The recording as a whole; derived from its chunks, their metadata documents and its own record."""

    started_at: UtcTime
    duration_ms: float | None = None
    length_bytes: int = 0
    chunk_count: int = 0
    archived_count: int = 0
    formats: tuple[str, ...] = ()
    content: ContentType | None = None
    channel: ChannelType | None = None
    sample_rate: int | None = None
    bit_rate: int | None = None
    audio_channels: int | None = None
    pause_count: int = 0
    paused_ms: float = 0.0
    participants: tuple[KnownParticipant, ...] = ()
    more_participants: int = 0  # named in the documents as well, and not in this list
    kinds: tuple[str, ...] = ()  # classes of participants who are not in the list: many, or their voice was erased
    unread: bool = False  # the metadata of some chunk is not there or cannot be read: others may have taken part
    unread_rows: tuple[str, ...] = ()  # keys of the rows of its chunks that could not be read, the first ones
    session_end_reason: str | None = None
    conditions: tuple[Condition, ...] = ()
    pending_until: UtcTime | None = None  # the earliest expiry among the chunks that are in ACS only


class TagAnswer(_Kept):
    """Whether a recording had a tag that a rule names; the words are the rule's own."""

    name: str
    value: str | None = None  # None: with any value
    is_so: bool


class Remembered(_Kept):
    """The facts that rules need, kept when a recording is destroyed, for late chunks; they name nobody.

    Attributes:
        kinds: the classes of those who took part.
        has_unknown_kinds: the class of someone is not known.
        call: how the call was named when recording began.
        tags: for each tag that a rule in force named, whether it had it; None: its tags are where they were.
    """

    ended_at: UtcTime
    formats: tuple[str, ...] | None = None
    kinds: tuple[str, ...] = ()
    has_unknown_kinds: bool = False
    call: str
    content: ContentType | None = None
    channel: ChannelType | None = None
    tags: tuple[TagAnswer, ...] | None = None


class Placement(_Kept):
    """The index rows of a recording: all have one row key, and each has its partition.

    Attributes:
        digest: of what the rows were made from; None while they are being written.
        stale: rows of an earlier placement, `partition|row key`, which are still to be removed.
    """

    row_key: str
    partitions: tuple[str, ...] = ()
    stale: tuple[str, ...] = ()
    digest: str | None = None
    key_id: str | None = None
    at: UtcTime | None = None


def facts_of_metadata(document: ChunkMetadata | None) -> ChunkFacts | None:
    """Return the facts of a chunk's metadata for catalog and manifest; None without a readable document."""
    if document is None:
        return None
    channels = {one.channel for one in document.participants if one.channel is not None}
    return ChunkFacts(
        started_at=document.started_at,
        duration_ms=document.duration_ms,
        pauses=tuple(_kept_pause(pause) for pause in document.pauses[:MOST_KEPT]),
        content=document.content,
        channel=document.channel,
        sample_rate=document.sample_rate,
        bit_rate=document.bit_rate,
        audio_channels=document.channel_count,
        participant_count=document.participant_count,
        participant_channels=tuple(sorted(channels)[:MOST_KEPT]),
    )


def _kept_pause(pause: Pause) -> KnownPause:
    return KnownPause(started_at=pause.started_at, duration_ms=pause.duration_ms)


def earliest(*candidates: Iterable[datetime | None]) -> datetime | None:
    """Return the earliest time of the first group that has any."""
    for group in candidates:
        known = [moment for moment in group if moment is not None]
        if known:
            return min(known)
    return None
