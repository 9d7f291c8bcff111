"""Read the metadata document of a chunk leniently, because live documents differ from the documentation.

The archive keeps the bytes as served; this is only for checks and for the index. Seen live: contentType and
channelType swapped, numbers as text, durations as floats, `framerate` beside `frameRate`, CRLF or compact.
"""

from collections.abc import Iterator
from datetime import datetime
from typing import Any

from pydantic import BaseModel, ConfigDict

from recording.domain.foreign_json import read_json, shallow, text_in
from recording.domain.formats import ChannelType, ContentType, FormatType
from recording.domain.incoming.lenient import read_time
from recording.errors import SourceBrokenError
from recording.errors.codes import Code

LARGEST_METADATA = 1 << 20  # bytes; hundreds of participants and pauses stay far below

LONGEST_ID = 512  # characters; ids of ACS have about 100
_FIELDS = frozenset(  # of ACS's document, in lower case; not `callId` and `resourceId`, which its errors name as well
    (
        *("chunkdocumentid", "chunkindex", "chunkstarttime", "chunkduration"),
        *("pauseresumeintervals", "recordinginfo", "participants"),
    )
)
_UNSET_TIME = "0001-01-01"  # of .NET
_MOST_CHANNELS = 65_535  # of a WAV file; each is listed where they are listed by their speakers
_ID_FIELDS = ("participantId", "rawId", "identifier", "phoneNumber", "communicationIdentifier", "communicationUser")


class Pause(BaseModel):
    """One gap that was cut out of the recording; its length is None where the document does not give a usable one."""

    model_config = ConfigDict(frozen=True)

    started_at: datetime | None
    duration_ms: float | None


class Participant(BaseModel):
    """Someone who was in the recording, by the raw id that ACS writes; it stays in the document and in memory."""

    model_config = ConfigDict(frozen=True)

    raw_id: str
    channel: int | None = None
    entry: int = 0  # the place in the document's list: several ids in one entry are one person


class ChunkMetadata(BaseModel):
    """The document's content; None where a value is absent or unreadable."""

    model_config = ConfigDict(frozen=True)

    document_id: str | None = None
    index: int | None = None
    call_id: str | None = None
    started_at: datetime | None = None
    duration_ms: float | None = None
    pauses: tuple[Pause, ...] = ()
    content: ContentType | None = None
    channel: ChannelType | None = None
    format: FormatType | None = None
    participant_count: int = 0
    participants: tuple[Participant, ...] = ()
    channel_count: int | None = None
    sample_rate: int | None = None
    bit_rate: int | None = None
    is_of_a_chunk: bool = True  # a field of ACS's document that describes a chunk has been set

    @property
    def paused_ms(self) -> float | None:
        """Return the total duration of pauses; None when that of one is unknown."""
        lengths = [pause.duration_ms for pause in self.pauses]
        known = [length for length in lengths if length is not None]
        return sum(known) if len(known) == len(lengths) else None

    @property
    def shortest_media_ms(self) -> float | None:
        """Return the least duration of the file: the chunk's duration minus its known pauses."""
        if self.duration_ms is None:
            return None
        paused_ms = self.paused_ms
        return 0.0 if paused_ms is None else max(0.0, self.duration_ms - paused_ms)


def read_metadata(raw: bytes) -> ChunkMetadata:
    """Return the document's content.

    Raises:
        SourceBrokenError: `metadata_unreadable` when it is not a JSON object, so that it is fetched again.
    """
    try:
        document = shallow(read_json(raw))  # in UTF-8, 16 or 32, with or without a byte order mark
    except ValueError as error:
        raise SourceBrokenError("the metadata is not JSON", code=Code.METADATA_UNREADABLE) from error
    if not isinstance(document, dict):
        raise SourceBrokenError("the metadata is not a JSON object", code=Code.METADATA_UNREADABLE)
    return _read_fields(document)


def _read_fields(document: dict[str, Any]) -> ChunkMetadata:
    info = _dict(document.get("recordingInfo"))
    kinds = [info.get("contentType"), info.get("channelType")]  # swapped in live documents: told apart by value
    index = _number(document.get("chunkIndex"))
    audio = _dict(info.get("audioConfiguration"))
    channels, sample_rate, bit_rate = (_number(audio.get(name)) for name in ("channels", "sampleRate", "bitRate"))
    return ChunkMetadata(
        document_id=text_in(document.get("chunkDocumentId")),
        index=None if index is None else int(index),
        call_id=text_in(document.get("callId")),
        started_at=_time(document.get("chunkStartTime")),
        duration_ms=_number(document.get("chunkDuration")) or None,  # 0 is what an unset number looks like
        pauses=tuple(_pauses(document.get("pauseResumeIntervals"))),
        content=next((content for kind in kinds if (content := ContentType.read(kind))), None),
        channel=next((channel for kind in kinds if (channel := ChannelType.read(kind))), None),
        format=FormatType.read(info.get("format")),
        participant_count=len(_list(document.get("participants"))),
        participants=tuple(_participants(document.get("participants"))),
        channel_count=int(channels) if channels and channels <= _MOST_CHANNELS else None,
        sample_rate=int(sample_rate) if sample_rate else None,
        bit_rate=int(bit_rate) if bit_rate else None,
        is_of_a_chunk=any(str(name).lower() in _FIELDS and _is_told(value) for name, value in document.items()),
    )


def _is_told(value: object) -> bool:
    """Return whether a value was ever set: a document that is not filled in yet has zeros, year 1 and empty lists."""
    if isinstance(value, dict):
        return any(map(_is_told, value.values()))
    if isinstance(value, list):
        return any(map(_is_told, value))
    if isinstance(value, str):
        return bool(value.strip()) and not value.startswith(_UNSET_TIME)
    return bool(value)


def _participants(entries: object) -> Iterator[Participant]:
    """Return who is named: by `participantId`, by another name that ACS uses for a raw id, or as a bare text."""
    for place, entry in enumerate(_list(entries)):
        fields = _dict(entry)
        channel = _number(fields.get("channel"))
        named = [fields.get(name) for name in _ID_FIELDS] if fields else [entry]
        for raw_id in dict.fromkeys(map(_raw_id, named)):
            if raw_id:
                yield Participant(raw_id=raw_id, channel=None if channel is None else int(channel), entry=place)


def _raw_id(value: object) -> str | None:
    """Return the id in a text, or in an identifier model such as `{"rawId": …}` or `{"phoneNumber": {"value": …}}`."""
    if isinstance(value, dict):
        named = (_raw_id(value.get(name)) for name in (*_ID_FIELDS, "value", "id"))
        return next((found for found in named if found), None)
    return value.strip()[:LONGEST_ID] if isinstance(value, str) and value.strip() else None


def _pauses(intervals: object) -> list[Pause]:
    return [
        Pause(started_at=_time(entry.get("startTime")), duration_ms=_number(entry.get("duration")) or None)
        for entry in map(_dict, _list(intervals))
    ]


def _number(value: object) -> float | None:
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        return None
    try:
        number = float(value)
    except (ValueError, OverflowError):
        return None
    return number if 0 <= number < 1e15 else None


def _time(value: object) -> datetime | None:
    try:
        return read_time(value)
    except ValueError:
        return None


def _dict(value: object) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}


def _list(value: object) -> list[Any]:
    return value if isinstance(value, list) else []
