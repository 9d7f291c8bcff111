"""A chunk: the task that requests its archiving, and the record of its progress.

Older and newer versions of this app read messages and rows (rolling upgrades, rollbacks). Fields that this version does
not know are kept and written back. The version number is raised only when an older worker must leave a message or a row
alone.
"""

from datetime import datetime, timedelta
from enum import StrEnum
from typing import Annotated, Any, Self

from pydantic import (
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    ValidationError,
    ValidationInfo,
    ValidatorFunctionWrapHandler,
    WrapValidator,
    model_validator,
)

from recording.domain.formats import ChannelType, ContentType, FormatType
from recording.domain.ids import name_of
from recording.domain.incoming.events import text_of_location
from recording.domain.incoming.facts import ChunkFacts
from recording.domain.incoming.lenient import Lenient, LenientNumber, PlainIndex
from recording.domain.model import with_changes
from recording.domain.schema import without_nulls
from recording.domain.times import NEVER, UtcTime
from recording.errors.codes import Code

VERSION = 1  # of the messages and rows that this version of the app reads and writes
LARGEST_TASK = 48 * 1024  # bytes of JSON; base64 makes 64 KiB of it, the limit of a storage queue message
ANOTHER_OBJECT = "another_object"  # why nothing is deleted: the content location names another document
LONGEST_EVENT_ID = 256  # characters; a longer one is cut, for it only tells two deliveries apart
_MOST_COUNTED = 1_000_000

# Facts that only describe: a value that this version cannot read counts as absent, and costs no recording.
Content = Annotated[ContentType | None, BeforeValidator(ContentType.read)]
Channel = Annotated[ChannelType | None, BeforeValidator(ChannelType.read)]
Format = Annotated[FormatType | None, BeforeValidator(FormatType.read)]
Moment = Annotated[UtcTime | None, Lenient]
Words = Annotated[str | None, Lenient]


def _time_or_never(value: object, read: ValidatorFunctionWrapHandler, info: ValidationInfo) -> Any:
    """Read a time; a stored one in an unknown form is outside of reason, and a plausible one takes its place."""
    try:
        return read(value)
    except ValidationError:
        if info.mode == "python":  # not stored, but about to be
            raise
        return NEVER


DecidingMoment = Annotated[UtcTime, WrapValidator(_time_or_never)]


class ChunkState(StrEnum):
    """The progress of a chunk. The line goes one way; its side exits raise an alarm."""

    PENDING = "PENDING"
    COPIED = "COPIED"
    VERIFIED = "VERIFIED"
    CATALOGED = "CATALOGED"
    SOURCE_DELETED = "SOURCE_DELETED"
    QUARANTINED = "QUARANTINED"
    EXPIRED = "EXPIRED"


class SourceOutcome(StrEnum):
    """The outcome of the source, once settled."""

    DELETED = "deleted"
    ALREADY_GONE = "already_gone"  # our delete was answered 404
    LEFT_TO_EXPIRE = "left_to_expire"  # no trustworthy delete location, or the deadline came first
    NOT_OURS = "not_ours"  # bring your own storage: the customer's own copy, never deleted


class Home(StrEnum):
    """Where ACS put the file."""

    ACS = "acs"
    EXTERNAL = "external"


class ChunkKey(BaseModel):
    """The identity of a chunk, however often and in whatever order it is announced (I3)."""

    model_config = ConfigDict(frozen=True)

    recording_id: str
    index: int
    document_id: str

    def __str__(self) -> str:
        return f"{self.index:06d}-{name_of(self.document_id)}"


def _count(value: object) -> int:
    """Read how many files an event announced; 1 where that is unreadable."""
    return value if type(value) is int and 1 <= value <= _MOST_COUNTED else 1


def _tries(value: object) -> int:
    """Read how often a task was tried; 0 where that is unreadable."""
    return value if type(value) is int and 0 <= value <= _MOST_COUNTED else 0


class ChunkTask(BaseModel):
    """A queue message: everything a worker needs to archive one chunk, and no secret."""

    model_config = ConfigDict(frozen=True, extra="allow")

    version: int = 1
    recording_id: str
    call_id: str
    server_call_id: Words = None
    document_id: str
    index: PlainIndex
    content_location: str
    metadata_location: str | None = None
    delete_location: str | None = None
    home: Home = Home.ACS  # of the media
    metadata_refused: str | None = None  # why the announced location is not called
    delete_refused: str | None = None  # why the announced location is not called
    content: Content = None
    channel: Channel = None
    format: Format = None
    end_reason: Words = None
    session_end_reason: Words = None
    chunks_in_event: Annotated[int, BeforeValidator(_count)] = 1
    recording_start_time: Moment = None
    recording_duration_ms: LenientNumber = None
    event_id: str
    event_time: DecidingMoment
    expires_at: DecidingMoment
    folder: str
    attempt: Annotated[int, BeforeValidator(_tries)] = 0
    is_contested: bool = False  # its document had another index before; archived only if its metadata names this one

    @model_validator(mode="before")
    @classmethod
    def _read_like_an_event(cls, content: Any, info: ValidationInfo) -> Any:
        """Read stored nulls as defaults, and an odd side location as one that is not called."""
        if info.mode == "python" or not isinstance(content, dict):
            return content
        read = without_nulls(cls, content)
        if "event_id" in read and not isinstance(read["event_id"], str):
            read["event_id"] = str(read["event_id"])[:LONGEST_EVENT_ID]
        for place in ("metadata_location", "delete_location"):
            why = place.replace("_location", "_refused")
            if not isinstance(read.get(why), str | None):
                read[why] = Code.UNSAFE_LOCATION.value
            try:
                read[place] = text_of_location(read.get(place))
            except ValueError:
                read |= {place: None, why: read.get(why) or Code.UNSAFE_LOCATION.value}
        return read

    @property
    def key(self) -> ChunkKey:
        """Return the identity of the chunk."""
        return ChunkKey(recording_id=self.recording_id, index=self.index, document_id=self.document_id)

    def completed_by(self, other: Self) -> Self:
        """Return this task, completed with facts from another announcement of the same object.

        A location that may be called counts before one that was refused, in whatever order they come.
        """
        gained = {
            name: value
            for name in type(self).model_fields
            if getattr(self, name) is None and (value := getattr(other, name)) is not None
        }
        for place in ("metadata", "delete"):
            if getattr(self, f"{place}_location") is not None:
                gained.pop(f"{place}_refused", None)
            elif f"{place}_location" in gained:
                gained[f"{place}_refused"] = None
        return with_changes(self, gained) if gained else self

    def expiring_at(self, expires_at: datetime) -> Self:
        """Return the same task with this deadline."""
        return with_changes(self, {"expires_at": expires_at})

    def in_folder(self, folder: str) -> Self:
        """Return the same task for this folder of the archive."""
        return with_changes(self, {"folder": folder})

    def again(self) -> Self:
        """Return the same task for its next attempt."""
        return with_changes(self, {"attempt": self.attempt + 1})


class MetadataOutcome(StrEnum):
    """The outcome of the metadata document."""

    PENDING = "pending"
    ARCHIVED = "archived"
    NOT_ANNOUNCED = "not_announced"
    NEVER_CAME = "never_came"
    NOT_ASKED = "not_asked"  # its location is not one that may be called


class FallbackCopy(BaseModel):
    """A verified copy in the second destination. It never counts as archived; it only prevents a loss."""

    model_config = ConfigDict(frozen=True, extra="allow")

    blob_name: str
    length_bytes: int
    sha256: str
    kept_at: UtcTime


class Suspect(BaseModel):
    """Bytes that failed the media check, stored under their own name beside the chunk."""

    model_config = ConfigDict(frozen=True, extra="allow")

    blob_name: str
    sha256: str | None
    length_bytes: int
    reason: str
    at: UtcTime


class Acceptance(BaseModel):
    """An operator's decision that suspect bytes are the recording."""

    model_config = ConfigDict(frozen=True, extra="allow")

    by: str | None
    note: str
    at: UtcTime


class Silenced(BaseModel):
    """The erasure of a speaker from the file: channels, request, and the digests before and after."""

    model_config = ConfigDict(frozen=True, extra="allow")

    channels: tuple[int, ...]
    at: UtcTime
    request_id: str
    requested_by: str | None = None
    approved_by: str | None = None
    sha256_before: str | None = None
    sha256_after: str | None = None
    kinds: tuple[str, ...] = ()  # the class of each participant, which rules need and which names nobody


class Dismissal(BaseModel):
    """An operator's decision about an attention item, mostly that nothing more is to be done."""

    model_config = ConfigDict(frozen=True, extra="allow")

    by: str | None
    note: str
    at: UtcTime


class ChunkRecord(BaseModel):
    """The catalog's row about a chunk; saved after each step, guarded by its ETag."""

    model_config = ConfigDict(frozen=True, extra="allow")

    version: int = 1
    task: ChunkTask
    state: ChunkState = ChunkState.PENDING
    first_seen_at: UtcTime
    changed_at: UtcTime
    claim_owner: str | None = None
    claim_expires_at: UtcTime | None = None
    attempts: int = 0
    sent_again: bool = False  # its event came again before a worker had it; later deliveries send nothing
    redrives: int = 0  # how often an operator has re-queued it
    last_error: str | None = None
    next_attempt_at: UtcTime | None = None
    at_risk_since: UtcTime | None = None
    blob_name: str | None = None
    format: FormatType | None = None
    length_bytes: int | None = None
    sha256: str | None = None
    sha512: str | None = None  # None: archived by a version that did not compute it
    duration_ms: float | None = None
    container: str | None = None  # the exact form of the media, such as RF64
    channels: int | None = None
    sample_rate: int | None = None
    has_video: bool | None = None
    media_fault: str | None = None
    media_warning: str | None = None  # a media fault that MEDIA_CHECK=warn lets pass
    broken_sha256: str | None = None  # digest of a refused download; if steady for hours, it is what ACS really has
    broken_since: UtcTime | None = None  # when these bytes were refused first
    broken_tries: int = 0  # how often since then
    suspects: tuple[Suspect, ...] = ()  # bytes that failed the media check, stored beside the chunk
    accepted: Acceptance | None = None  # an operator's decision that suspect bytes are the recording
    taken_from: str | None = None  # the chunk whose archived bytes these are; they were not fetched for this one
    name_version: int = 1  # raised when other bytes have the name; nothing is ever replaced
    remarks: tuple[str, ...] = ()  # oddities that are not faults
    gone_since: UtcTime | None = None  # first "not found" past the deadline
    past_deadline_since: UtcTime | None = None  # the alarm was raised then
    copy_epoch: int = 0  # raised when staged blocks may be of another object; later runs then stage everything again
    verified_how: tuple[str, ...] = ()
    stored_etag: str | None = None  # of the media in the archive, as verify found it
    metadata_sha256: str | None = None  # of the metadata document as archived
    facts: ChunkFacts | None = None  # the document's content, without anything that names a person
    copied_at: UtcTime | None = None
    verified_at: UtcTime | None = None
    cataloged_at: UtcTime | None = None
    source_deleted_at: UtcTime | None = None
    metadata: MetadataOutcome = MetadataOutcome.PENDING
    metadata_reason: str | None = None
    source: SourceOutcome | None = None
    source_reason: str | None = None
    quarantine_reason: str | None = None
    archive_refused_since: UtcTime | None = None  # the archive has failed every attempt since
    fallback: FallbackCopy | None = None  # made while the archive refused; stays on record
    read_whole_at: UtcTime | None = None  # when the scrub last read the whole media and found it as recorded
    offline_seen_at: UtcTime | None = None  # when it was found in the archive tier, which cannot be read
    dismissed: Dismissal | None = None  # nothing more is to be done about the reason it is held
    silenced: tuple[Silenced, ...] = ()  # speakers who were erased from the file
    disposed_at: UtcTime | None = None  # found lawfully deleted from the archive; its absence is not drift
    disposed_why: str | None = None  # the rule or the decision that deleted it
    etag: str | None = Field(None, exclude=True)
    saved_at: UtcTime | None = Field(None, exclude=True)  # by the catalog's clock, which all instances share

    @property
    def key(self) -> ChunkKey:
        """Return the identity of the chunk."""
        return self.task.key

    @property
    def is_unsaved(self) -> bool:
        """Return whether only ACS has the file: neither the archive nor the fallback does."""
        return self.state is ChunkState.PENDING and self.fallback is None

    def claimed_until(self, length: timedelta) -> datetime | None:
        """Return until when the claim is honoured: at most one period of this length after the row was last written.

        The clock of the instance that wrote it may be wrong.
        """
        if self.claim_expires_at is None or self.saved_at is None:
            return self.claim_expires_at
        return min(self.claim_expires_at, self.saved_at + length)

    def is_claimed(self, now: datetime) -> bool:
        """Return whether a worker holds the claim at this time."""
        return self.claim_expires_at is not None and self.claim_expires_at > now

    def claim_left(self, now: datetime) -> timedelta:
        """Return how long the present claim still lasts."""
        return max(timedelta(), (self.claim_expires_at or now) - now)
