"""Read `Microsoft.Communication.RecordingFileStatusUpdated` in every form that has been observed.

Event Grid schema and CloudEvents 1.0 (also with the misspelt `specVersion` of a published sample), four forms of the
subject, type fields present or not, names in any case, data as an object, as JSON text or as base64. Unknown fields are
kept. A chunk that cannot be read is an odd chunk and does not affect the others; an event whose envelope cannot be read
is rejected with a stable reason.
"""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Annotated, Any

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, ValidationError

from recording.domain.foreign_json import read_json, shallow, text_in
from recording.domain.formats import ChannelType, ContentType, FormatType
from recording.domain.ids import (
    are_same_id,
    canonical_id,
    fuller_id,
    in_plain_letters,
    is_opaque_id,
    name_of,
    unescaped,
)
from recording.domain.incoming.delivery import from_base64
from recording.domain.incoming.faults import faults_in
from recording.domain.incoming.lenient import (
    LenientNumber,
    LenientText,
    LocationText,
    PlainIndex,
    Text,
    Tolerant,
    encodable,
    read_time,
)
from recording.domain.times import OLDEST
from recording.errors import EventRejectedError
from recording.errors.codes import Code

EVENT_TYPE = "Microsoft.Communication.RecordingFileStatusUpdated"
LONGEST_SUBJECT = 4096  # characters; real ones have about 400
MOST_CHUNKS = 1000  # four hours each: half a year of one call; more is not a recording
HIGHEST_INDEX = 1_000_000  # four hours each: 450 years of one call
EARLIEST = datetime(2021, 1, 1, tzinfo=UTC)  # ACS recorded no calls before that; an earlier time was never set
MOST_AHEAD = timedelta(days=1)  # a clock may be ahead, a zone may be wrong; a later time is not this event's
AHEAD = timedelta(minutes=1)  # a smaller difference between two clocks is ignored
_TYPE = re.compile(r"[A-Za-z0-9._-]{1,256}", re.ASCII)
_SUBJECT = re.compile(
    r"/?recording/call/(?P<call_id>[^/]+)(?:/serverCallId/(?P<server_call_id>.+?))?(?:/recordingId/(?P<recording_id>[^/]+))?/?",
    re.IGNORECASE,
)


def believable_time(value: object, arrived_at: datetime) -> datetime | None:
    """Return a time from an event, or None if it is implausible or ambiguous.

    Rejected are: text that is not ISO 8601, a time without a zone, one before ACS recorded calls (an uninitialised date
    of .NET is in the year 1), and one more than a day after the event arrived.
    """
    try:
        if not isinstance(value, str) or datetime.fromisoformat(value.strip()).tzinfo is None:
            return None
        moment = read_time(value)
    except ValueError:
        return None
    return moment if EARLIEST <= moment <= arrived_at + MOST_AHEAD else None


def is_from_the_future(envelope: Mapping[str, Any], now: datetime) -> bool:
    """Return whether an event's time is in the future: one of the two clocks is wrong."""
    known = {str(name).lower(): value for name, value in envelope.items()}
    try:
        return read_time(_first(known, "eventtime", "time")) - now >= AHEAD
    except ValueError:
        return False


def _out_of_text(value: object) -> object:
    """Return JSON that was written as a text within JSON, as some senders do with what is nested."""
    if not isinstance(value, str):
        return value
    return shallow(read_json(value))


def _in_a_row(value: object) -> object:
    """Return chunks as a list: some writers leave out the list around the only one."""
    told = _out_of_text(value)
    is_chunk = isinstance(told, Mapping) and any(str(name).lower() == "documentid" for name in told)
    return [told] if is_chunk else told


class RecordingChunk(Tolerant):
    """One file of a recording, as announced. Locations are raw text that the guard has not checked yet."""

    document_id: Text = Field(alias="documentId")
    index: PlainIndex = Field(ge=0)
    end_reason: LenientText = Field(None, alias="endReason")
    content_location: LocationText = Field(alias="contentLocation")
    metadata_location: Any = Field(None, alias="metadataLocation")  # any value; see `text_of_location`
    delete_location: Any = Field(None, alias="deleteLocation")


@dataclass(frozen=True)
class OddChunk:
    """A chunk of an event that must not be fetched: it is quarantined, and the others are accepted.

    Attributes:
        raw: the chunk as in the event.
        index: its index, where readable.
        reason: the stable code.
        detail: the fault, without values.
    """

    raw: Any
    index: int | None
    reason: Code
    detail: str


def text_of_location(value: Any) -> str | None:
    """Return an optional location as stripped text; None when there is none (observed: an empty text).

    Raises:
        ValueError: the value is not text.
    """
    if value is None or (isinstance(value, str) and not value.strip()):
        return None
    if not isinstance(value, str) or len(value) > LONGEST_SUBJECT:
        raise ValueError("the location is not text")
    return encodable(value.strip())


class RecordingStorageInfo(Tolerant):
    """Where the chunks are; each is read on its own (`RecordingFileStatusUpdated.chunks`)."""

    recording_chunks: Annotated[tuple[Any, ...], BeforeValidator(_in_a_row)] = Field(
        alias="recordingChunks", min_length=1, max_length=MOST_CHUNKS
    )


class EventData(Tolerant):
    """The event's `data`."""

    recording_storage_info: Annotated[RecordingStorageInfo, BeforeValidator(_out_of_text)] = Field(
        alias="recordingStorageInfo"
    )
    recording_start_time: Any = Field(None, alias="recordingStartTime")  # as told; see the event's property
    recording_duration_ms: LenientNumber = Field(None, alias="recordingDurationMs")
    session_end_reason: LenientText = Field(None, alias="sessionEndReason")
    recording_content_type: LenientText = Field(None, alias="recordingContentType")
    recording_channel_type: LenientText = Field(None, alias="recordingChannelType")
    recording_format_type: LenientText = Field(None, alias="recordingFormatType")
    recording_id: LenientText = Field(None, alias="recordingId")
    storage_type: LenientText = Field(None, alias="storageType")  # "ACS", or a blob store of the customer's own


class RecordingFileStatusUpdated(BaseModel):
    """A readable event about one or more finished chunks; ids are checked, locations are not."""

    model_config = ConfigDict(frozen=True)

    event_id: str
    event_time: datetime
    is_timeless: bool = False  # it says no plausible time, so that of its arrival counts
    resource: str | None  # the topic (Event Grid schema) or source (CloudEvents)
    subject: str
    recording_id: str
    call_id: str
    server_call_id: str | None
    recording_start_time: datetime | None = None
    acs_id: str | None = None  # the recording's id as spelt in the event, where that differs
    ids_differ: bool = False  # the data names another recording than the subject; the subject is used
    data: EventData
    chunks: tuple[RecordingChunk, ...]
    odd_chunks: tuple[OddChunk, ...] = ()

    @property
    def content(self) -> ContentType | None:
        """Return what was recorded, if the event says so."""
        return ContentType.read(self.data.recording_content_type)

    @property
    def channel(self) -> ChannelType | None:
        """Return how it was mixed, if the event says so."""
        return ChannelType.read(self.data.recording_channel_type)

    @property
    def format(self) -> FormatType | None:
        """Return the files' format, if the event says so."""
        return FormatType.read(self.data.recording_format_type)

    @property
    def is_external(self) -> bool:
        """Return whether the event says, in any wording, that its files are not in ACS's storage."""
        told = (self.data.storage_type or "").strip().lower()
        return bool(told) and not told.startswith("acs")


def read_event(envelope: Mapping[str, Any], arrived_at: datetime) -> RecordingFileStatusUpdated:
    """Return the event in an Event Grid or CloudEvents envelope.

    An envelope without any type counts as ours if its data and subject have the right form.

    Args:
        envelope: as it was delivered.
        arrived_at: when it was; used where the event has no plausible time.

    Raises:
        EventRejectedError: `other_event_type`, `unreadable_event`, `unreadable_subject` or `invalid_id`.
    """
    known = {str(name).lower(): value for name, value in envelope.items()}
    _check_type([fact for name, fact in envelope.items() if str(name).lower() in ("eventtype", "type")])
    data = _parsed_data(_data_of(known))
    subject = known.get("subject")
    if not isinstance(subject, str) or len(subject) > LONGEST_SUBJECT or not subject.strip().isprintable():
        raise EventRejectedError("the event has no readable subject", code=Code.UNREADABLE_SUBJECT)
    ids = _ids_in(subject.strip(), data)
    started_at = _start_time(data.recording_start_time, _first(known, "eventtime", "time"), arrived_at)
    event_time = _event_time(_first(known, "eventtime", "time"), started_at, data, arrived_at)
    good, odd = _chunks_in(data)
    return RecordingFileStatusUpdated(
        event_id=str(_first(known, "id") or "")[:256].encode(errors="replace").decode(),
        event_time=event_time,
        is_timeless=event_time == arrived_at,
        resource=text_in(_first(known, "topic", "source")),
        subject=subject,
        recording_start_time=started_at,
        data=data,
        chunks=good,
        odd_chunks=odd,
        **ids,
    )


def names_resource(envelope: Mapping[str, Any]) -> bool:
    """Return whether an envelope says whose event it is."""
    known = {str(name).lower(): value for name, value in envelope.items()}
    return bool(text_in(_first(known, "topic", "source")))


def without_personal_data(envelope: Mapping[str, Any]) -> dict[str, Any]:
    """Return an event with the fields needed to ingest it again; unused fields of its data are left out.

    Data that is text or base64 becomes an object, since nothing can be left out otherwise.
    """
    kept: dict[str, Any] = {}
    has_data = any(str(name).lower() == "data" and fact is not None for name, fact in envelope.items())
    unused = "data_base64" if has_data else "data"
    for name, fact in envelope.items():
        field = str(name).lower()
        data = _readable_data({field: fact}) if field in ("data", "data_base64") else None
        if data is not None and field != unused:
            kept[name if has_data else "data"] = {
                told: value for told, value in data.items() if str(told).lower() in _DATA_FIELDS
            }
        elif field != unused:
            kept[name] = fact
    return kept


def _readable_data(known: Mapping[str, Any]) -> Mapping[str, Any] | None:
    try:
        data = _data_of(known)
    except EventRejectedError:
        return None
    return data if isinstance(data, Mapping) else None


def with_only_chunk(envelope: Mapping[str, Any], data: EventData, chunk: Any) -> dict[str, Any]:
    """Return an event that announces this one chunk of it."""
    rest = {name: value for name, value in envelope.items() if name.lower() not in ("data", "data_base64")}
    facts = data.model_dump(mode="python", by_alias=True, exclude_none=True)
    return {**rest, "data": {**facts, "recordingStorageInfo": {"recordingChunks": [chunk]}}}


_DATA_FIELDS = frozenset((field.alias or name).lower() for name, field in EventData.model_fields.items())


def _check_type(told: Iterable[object]) -> None:
    """Raise unless the event's type is ours, or the envelope has none; two different types are ambiguous.

    Types of others have many forms (`order/created`, `com.example:changed`); one that is not plain is not repeated. One
    with letters that only look like ours may be ours, and is quarantined for review.
    """
    kinds = [fact.strip() if isinstance(fact, str) else fact for fact in told if fact is not None]
    if not all(isinstance(kind, str) and kind.isascii() and kind.isprintable() for kind in kinds):
        raise EventRejectedError("the event's type cannot be read")
    named = {str(kind).lower() for kind in kinds} - {""}
    if len(named) > 1:
        raise EventRejectedError("the event names more than one type")
    if not named or named == {EVENT_TYPE.lower()}:
        return
    (other,) = named
    if _TYPE.fullmatch(other) is not None:
        raise EventRejectedError(str(next(filter(None, kinds))), code=Code.OTHER_EVENT_TYPE)
    if EVENT_TYPE.lower() in other:  # whose event it is cannot be told
        raise EventRejectedError("the event's type cannot be read")
    raise EventRejectedError("a type of another form", code=Code.OTHER_EVENT_TYPE)


def _data_of(known: Mapping[str, Any]) -> object:
    """Return the event's data, which CloudEvents may hold as base64 and some senders as text of JSON."""
    data, encoded = known.get("data"), known.get("data_base64")
    try:
        if data is None and isinstance(encoded, str):
            data = from_base64(encoded).decode("utf-8-sig")
        return shallow(read_json(data.removeprefix("\ufeff"))) if isinstance(data, str) else data
    except ValueError:
        raise EventRejectedError("the event's data cannot be read: it is not JSON") from None


def _parsed_data(data: object) -> EventData:
    try:
        return EventData.model_validate(data)
    except ValidationError as error:
        raise EventRejectedError(f"the event's data cannot be read: {_faults(error)}") from error


def _chunks_in(data: EventData) -> tuple[tuple[RecordingChunk, ...], tuple[OddChunk, ...]]:
    read = [_read_chunk(raw) for raw in data.recording_storage_info.recording_chunks]
    good = tuple(chunk for chunk in read if isinstance(chunk, RecordingChunk))
    return good, tuple(chunk for chunk in read if isinstance(chunk, OddChunk))


def _read_chunk(raw: Any) -> RecordingChunk | OddChunk:
    try:
        chunk = RecordingChunk.model_validate(raw)
    except ValidationError as error:
        return OddChunk(raw, _index_in(raw), Code.UNREADABLE_CHUNK, f"a chunk cannot be read: {_faults(error)}")
    if chunk.index > HIGHEST_INDEX:
        return OddChunk(raw, None, Code.INDEX_OUT_OF_RANGE, f"a chunk's index is above {HIGHEST_INDEX}")
    if not is_opaque_id(chunk.document_id):
        return OddChunk(raw, chunk.index, Code.INVALID_ID, f"chunk {chunk.index} has a document id of unknown form")
    return chunk


def _index_in(raw: Any) -> int | None:
    found = {str(name).lower(): value for name, value in raw.items()}.get("index") if isinstance(raw, Mapping) else None
    return found if type(found) is int and 0 <= found <= HIGHEST_INDEX else None


def _ids_in(subject: str, data: EventData) -> dict[str, Any]:
    """Return the ids in any of the four subject forms; without a recording id, files are kept together by call.

    Where subject and data name different recordings the subject is used: Event Grid filters by it. A subject with only
    the GUID within the id that the data spells out names no other recording.
    """
    found = _SUBJECT.fullmatch(subject)
    if found is None:
        raise EventRejectedError("the event's subject has an unknown form", code=Code.UNREADABLE_SUBJECT)
    told, in_data = (unescaped(one) if one else None for one in (found["recording_id"], data.recording_id))
    spelt = fuller_id(told, in_data) if told else in_data
    call_id = in_plain_letters(unescaped(found["call_id"]))
    recording_id = in_plain_letters(spelt) if spelt else None
    if not is_opaque_id(call_id) or not is_opaque_id(recording_id or "-"):
        raise EventRejectedError("the event's subject holds an id of unknown form", code=Code.INVALID_ID)
    call_id = canonical_id(call_id)
    known_id = canonical_id(recording_id) if recording_id else f"call-{name_of(call_id)}"
    return {
        "call_id": call_id,
        "server_call_id": found["server_call_id"],
        "recording_id": known_id,
        "acs_id": spelt if spelt != known_id else None,
        "ids_differ": bool(spelt and in_data and not are_same_id(spelt, in_data)),
    }


def _start_time(told: object, event_told: object, arrived_at: datetime) -> datetime | None:
    """Return when the recording began; a start long before the event was never set, and no rule may count from it."""
    moment, written_at = believable_time(told, arrived_at), believable_time(event_told, arrived_at) or arrived_at
    return moment if moment is None or moment >= written_at - OLDEST else None


def _event_time(told: object, started_at: datetime | None, data: EventData, arrived_at: datetime) -> datetime:
    """Return when the event was written; else when the recording ended, a little earlier; else when it arrived."""
    if (moment := believable_time(told, arrived_at)) is not None:
        return moment
    if started_at is None:
        return arrived_at
    return min(started_at + timedelta(milliseconds=data.recording_duration_ms or 0), arrived_at)


def _first(envelope: Mapping[str, Any], *names: str) -> Any:
    return next((envelope[name] for name in names if envelope.get(name) is not None), None)


def _faults(error: ValidationError) -> str:
    """Return field names and their faults, never the values."""
    return faults_in(error, "data", most=5)
