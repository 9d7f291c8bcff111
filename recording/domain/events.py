"""Reads `Microsoft.Communication.RecordingFileStatusUpdated`, in every form it has been seen in.

Event Grid schema and CloudEvents 1.0 (also with the misspelt `specVersion` of a published sample), four forms of the
subject, type fields present or not. Unknown fields are kept; what cannot be read is rejected with a stable reason.
"""

import re
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Annotated, Any

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    ValidationError,
    ValidatorFunctionWrapHandler,
    WrapValidator,
    model_validator,
)

from recording.domain.formats import ChannelType, ContentType, FormatType
from recording.domain.ids import is_opaque_id, name_of
from recording.errors import EventRejectedError

EVENT_TYPE = "Microsoft.Communication.RecordingFileStatusUpdated"
LONGEST_SUBJECT = 4096  # characters; real ones have about 400
MOST_CHUNKS = 1000  # four hours each: half a year of one call; more is not a recording
_FRACTION = re.compile(r"(\.\d{6})\d+")
_SUBJECT = re.compile(
    r"/?recording/call/(?P<call_id>[^/]+)(?:/serverCallId/(?P<server_call_id>.+?))?(?:/recordingId/(?P<recording_id>[^/]+))?/?",
    re.IGNORECASE,
)


def read_time(value: object) -> datetime:
    """An aware UTC time from ISO 8601 with any number of fraction digits (ACS writes seven).

    Raises:
        ValueError: when it is not one.
    """
    if isinstance(value, datetime):
        moment = value
    elif isinstance(value, str):
        moment = datetime.fromisoformat(_FRACTION.sub(r"\1", value.strip()))
    else:
        raise ValueError("not an ISO 8601 time")  # noqa: TRY004 - pydantic validators answer with ValueError
    try:
        return moment.astimezone(UTC) if moment.tzinfo else moment.replace(tzinfo=UTC)
    except OverflowError as error:  # the first or last day of the calendar, in another zone
        raise ValueError("not a time that UTC can tell") from error


def _or_none(value: object, read: ValidatorFunctionWrapHandler) -> Any:
    """An optional fact in an unknown form is an absent fact: it must not cost a recording."""
    try:
        return read(value)
    except ValidationError:
        return None


def _encodable(text: str) -> str:
    """JSON can hold half a character (a lone surrogate), which no queue or table takes."""
    text.encode()
    return text


Lenient = WrapValidator(_or_none)
Time = Annotated[datetime, BeforeValidator(read_time)]
Text = Annotated[str, Field(min_length=1, max_length=4096), AfterValidator(_encodable)]
OptionalText = Annotated[
    Text | None, BeforeValidator(lambda value: None if value == "" else value)
]  # seen: an empty location
LenientTime = Annotated[Time | None, Lenient]
LenientText = Annotated[Annotated[Text, Field(max_length=1024)] | None, Lenient]
LenientNumber = Annotated[Annotated[float, Field(ge=0, le=1e12, allow_inf_nan=False)] | None, Lenient]


class _Tolerant(BaseModel):
    model_config = ConfigDict(extra="allow", frozen=True, populate_by_name=True)

    @model_validator(mode="before")
    @classmethod
    def _names_in_any_case(cls, content: Any) -> Any:
        """Field names are told apart whatever their case: REST, events and metadata of ACS do not agree on one."""
        if not isinstance(content, Mapping):
            return content
        names = [field.alias or name for name, field in cls.model_fields.items()]
        known = {name.lower(): name for name in names}
        return {known.get(str(name).lower(), name): value for name, value in content.items()}


class RecordingChunk(_Tolerant):
    """One file of a recording, as the event names it. Locations are raw text: the guard has not seen them yet."""

    document_id: Text = Field(alias="documentId")
    index: int = Field(ge=0, le=1_000_000)
    end_reason: LenientText = Field(None, alias="endReason")
    content_location: Text = Field(alias="contentLocation")
    metadata_location: OptionalText = Field(None, alias="metadataLocation")
    delete_location: OptionalText = Field(None, alias="deleteLocation")


class RecordingStorageInfo(_Tolerant):
    """Where the chunks are."""

    recording_chunks: tuple[RecordingChunk, ...] = Field(alias="recordingChunks", min_length=1, max_length=MOST_CHUNKS)


class EventData(_Tolerant):
    """The event's `data`."""

    recording_storage_info: RecordingStorageInfo = Field(alias="recordingStorageInfo")
    recording_start_time: LenientTime = Field(None, alias="recordingStartTime")
    recording_duration_ms: LenientNumber = Field(None, alias="recordingDurationMs")
    session_end_reason: LenientText = Field(None, alias="sessionEndReason")
    recording_content_type: LenientText = Field(None, alias="recordingContentType")
    recording_channel_type: LenientText = Field(None, alias="recordingChannelType")
    recording_format_type: LenientText = Field(None, alias="recordingFormatType")
    recording_id: LenientText = Field(None, alias="recordingId")  # bring-your-own-storage events only
    storage_type: LenientText = Field(None, alias="storageType")  # bring-your-own-storage events only


class RecordingFileStatusUpdated(BaseModel):
    """A readable event about one or more finished chunks; ids are checked, locations are not."""

    model_config = ConfigDict(frozen=True)

    event_id: str
    event_time: datetime
    resource: str | None  # the topic (Event Grid schema) or source (CloudEvents)
    is_stripped: bool = False  # the Functions trigger dropped type and source, as it does for a misspelt specversion
    subject: str
    recording_id: str
    call_id: str
    server_call_id: str | None
    data: EventData

    @property
    def chunks(self) -> tuple[RecordingChunk, ...]:
        """The chunks this event announces."""
        return self.data.recording_storage_info.recording_chunks

    @property
    def content(self) -> ContentType | None:
        """What was recorded, if the event says so."""
        return ContentType.read(self.data.recording_content_type)

    @property
    def channel(self) -> ChannelType | None:
        """How it was mixed, if the event says so."""
        return ChannelType.read(self.data.recording_channel_type)

    @property
    def format(self) -> FormatType | None:
        """The files' format, if the event says so."""
        return FormatType.read(self.data.recording_format_type)

    @property
    def is_external(self) -> bool:
        """Whether ACS wrote the files to the customer's own storage (`storageType` names a blob store)."""
        return "blob" in (self.data.storage_type or "").lower()


def read_event(envelope: Mapping[str, Any]) -> RecordingFileStatusUpdated:
    """The event in an Event Grid or CloudEvents envelope.

    An envelope without any type is taken for ours when its data and subject have the right form: the Functions
    trigger drops the type of a CloudEvent that misspells `specversion`.

    Raises:
        EventRejectedError: `other_event_type`, `unreadable_event` or `unreadable_subject`.
    """
    event_type = _first(envelope, "eventType", "type")
    if event_type is not None and str(event_type).lower() != EVENT_TYPE.lower():
        raise EventRejectedError("the event is of another type", code="other_event_type")
    data = _parsed_data(envelope.get("data"))
    subject = envelope.get("subject")
    if not isinstance(subject, str) or len(subject) > LONGEST_SUBJECT or not subject.isprintable():
        raise EventRejectedError("the event has no readable subject", code="unreadable_subject")
    ids = _ids_in(subject, data)
    return RecordingFileStatusUpdated(
        event_id=str(_first(envelope, "id") or "")[:256].encode(errors="replace").decode(),
        event_time=_event_time(envelope, data),
        resource=_text(_first(envelope, "topic", "source")),
        is_stripped=event_type is None and _first(envelope, "topic", "source") is None,
        subject=subject,
        data=data,
        **ids,
    )


def _parsed_data(data: object) -> EventData:
    try:
        parsed = EventData.model_validate(data)
    except ValidationError as error:
        raise EventRejectedError(f"the event's data cannot be read: {_faults(error)}") from error
    bad = [
        chunk.index for chunk in parsed.recording_storage_info.recording_chunks if not is_opaque_id(chunk.document_id)
    ]
    if bad:
        raise EventRejectedError(f"chunk {bad[0]} has a document id of unknown form", code="invalid_id")
    return parsed


def _ids_in(subject: str, data: EventData) -> dict[str, Any]:
    """The ids in any of the four subject forms; without a recording id, files are kept together by call."""
    found = _SUBJECT.fullmatch(subject)
    if found is None:
        raise EventRejectedError("the event's subject has an unknown form", code="unreadable_subject")
    call_id, recording_id = found["call_id"], found["recording_id"] or data.recording_id
    if recording_id and data.recording_id and recording_id != data.recording_id:
        raise EventRejectedError("subject and data name different recordings", code="contradicting_ids")
    if not is_opaque_id(call_id) or not is_opaque_id(recording_id or "-"):
        raise EventRejectedError("the event's subject holds an id of unknown form", code="invalid_id")
    return {
        "call_id": call_id,
        "server_call_id": found["server_call_id"],
        "recording_id": recording_id or f"call-{name_of(call_id)}",
    }


def _event_time(envelope: Mapping[str, Any], data: EventData) -> datetime:
    """When the event was written; where the trigger dropped that, when the recording ended, a little earlier."""
    told = _first(envelope, "eventTime", "time")
    try:
        if told is None and data.recording_start_time is not None:
            return data.recording_start_time + timedelta(milliseconds=data.recording_duration_ms or 0)
        return read_time(told)
    except (ValueError, OverflowError) as error:
        raise EventRejectedError("the event has no readable time") from error


def _first(envelope: Mapping[str, Any], *names: str) -> Any:
    return next((envelope[name] for name in names if envelope.get(name) is not None), None)


def _text(value: object) -> str | None:
    return value if isinstance(value, str) else None


def _faults(error: ValidationError) -> str:
    """Field names and what is wrong with them, never the values."""
    return "; ".join(f"{'.'.join(str(part) for part in e['loc']) or 'data'}: {e['msg']}" for e in error.errors()[:5])
