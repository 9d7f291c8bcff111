"""Small builders: every test names only what its story is about, the rest is a plain good case."""

import json
import struct
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from pathlib import Path
from typing import Any

from pydantic import SecretStr

from dev.in_memory import canaries
from recording.domain.archived.receipt import receipt_of
from recording.domain.formats import FormatType
from recording.domain.incoming.events import EVENT_TYPE
from recording.domain.state.chunk import ChunkRecord, ChunkState, ChunkTask, MetadataOutcome
from recording.domain.state.stored import StoredBlob, StoredChunk, sha256_of
from recording.settings import AcsConnection, Settings, StorageConnection

EVENTS = Path(__file__).parent / "events"
RESOURCE = (
    "/subscriptions/6f1c0d52-3a4e-4f0b-9d2a-5b7f6f0e11a3/resourcegroups/rg-voice"
    "/providers/microsoft.communication/communicationservices/contoso-voice"
)
CALL_ID = "0a6d2f9e-77b1-4c1d-8e3e-2b1f5d9c4a10"
RECORDING_ID = (
    "eyJQbGF0Zm9ybUVuZHBvaW50SWQiOiI1ZDFiN2MwZS01MmE4LTRkMTMtOWE0My0wYzNhNmM3ZjFiMjIiLCJSZXNvdXJjZVNwZWNpZmljSWQi"
    "OiJjMmY1ZThhYS05M2QwLTRmOWYtOGE1MS03ZTZkMGI0ZjljMzEifQ"
)
SERVER_CALL_ID = (
    "aHR0cHM6Ly9jb252LXdlZXUtMDQuY29udi5za3lwZS5jb20vY29udi9RbTl5WldGc2FYTXROREk_aT03JmU9NjM4OTk5MTExMjIyMzMzNDQ0"
)
CONTAINER = "https://customer.blob.core.windows.net/calls"
ACCESS_KEY = canaries.ACS_KEY
EVENT_TIME = datetime(2026, 11, 23, 8, 58, tzinfo=UTC)
FAKE_CLOCK_START = datetime(2026, 11, 23, 9, 0, tzinfo=UTC)
DURATION_MS = 2000
STORED_ETAG = '"1"'
FOLDER = "2026/11/23/call/recording"


def event_file(name: str) -> dict[str, Any]:
    """Return one of the event fixtures, as Event Grid would deliver it."""
    content: dict[str, Any] = json.loads((EVENTS / f"{name}.json").read_text())
    return content


def document_id(number: int = 0) -> str:
    """Return a document id in the form that ACS uses."""
    return f"0-weu-d7-{number:032x}"


def location(document: str, view: str = "/content/video", host: str = "weu-storage.asm.skype.com") -> str:
    """Return a location in ACS's storage."""
    return f"https://{host}/v1/objects/{document}{view}"


def chunk(number: int = 0, document: str | None = None, /, **changes: Any) -> dict[str, Any]:
    """Return chunk `number` of a recording in an event; a change to None removes the field."""
    document = document or document_id(number)
    facts = {
        "documentId": document,
        "index": number,
        "endReason": "SessionEnded",
        "contentLocation": location(document),
        "metadataLocation": location(document, "/content/acsmetadata"),
        "deleteLocation": location(document, ""),
    }
    return _changed(facts, changes)


def event(*chunks: dict[str, Any], data: dict[str, Any] | None = None, **changes: Any) -> dict[str, Any]:
    """Return an event in Event Grid schema; `data` changes its data, other names its envelope, None removes a field."""
    facts = {
        "recordingStorageInfo": {"recordingChunks": list(chunks) or [chunk()]},
        "recordingStartTime": "2026-11-23T08:56:00.1234567Z",
        "recordingDurationMs": DURATION_MS,
        "sessionEndReason": "CallEnded",
        "recordingContentType": "Audio",
        "recordingChannelType": "Mixed",
        "recordingFormatType": "Wav",
        "startedBy": {"rawId": canaries.PARTICIPANT, "phoneNumber": canaries.PHONE, "from": f"?{canaries.SIGNATURE}"},
    }
    envelope = {
        "id": "event-1",
        "topic": RESOURCE,
        "subject": f"/recording/call/{CALL_ID}/serverCallId/{SERVER_CALL_ID}/recordingId/{RECORDING_ID}",
        "eventType": EVENT_TYPE,
        "eventTime": EVENT_TIME.isoformat(),
        "dataVersion": "1.0",
        "metadataVersion": "1",
        "data": _changed(facts, data or {}),
    }
    return _changed(envelope, changes)


def cloud_event(*chunks: dict[str, Any], data: dict[str, Any] | None = None, **changes: Any) -> dict[str, Any]:
    """Return the same event as a CloudEvent."""
    told = event(*chunks, data=data)
    envelope = {
        "specversion": "1.0",
        "id": told["id"],
        "source": told["topic"],
        "subject": told["subject"],
        "type": told["eventType"],
        "time": told["eventTime"],
        "data": told["data"],
    }
    return _changed(envelope, changes)


def task(index: int = 0, document: str | None = None, **changes: Any) -> ChunkTask:
    """Return a chunk task for a good WAV chunk."""
    document = document or document_id(index)
    facts = {
        "recording_id": RECORDING_ID,
        "call_id": CALL_ID,
        "server_call_id": SERVER_CALL_ID,
        "document_id": document,
        "index": index,
        "content_location": location(document),
        "metadata_location": location(document, "/content/acsmetadata"),
        "delete_location": location(document, ""),
        "format": FormatType.WAV,
        "end_reason": "SessionEnded",
        "recording_duration_ms": DURATION_MS,
        "event_id": "event-1",
        "event_time": EVENT_TIME,
        "expires_at": EVENT_TIME + timedelta(hours=24),
        "folder": FOLDER,
    }
    return ChunkTask(**{**facts, **changes})


def record(state: ChunkState = ChunkState.PENDING, **changes: Any) -> ChunkRecord:
    """Return a chunk's record; from COPIED on with all the facts that the line would have learned by then."""
    facts: dict[str, Any] = {"task": task(), "first_seen_at": EVENT_TIME, "changed_at": EVENT_TIME, "state": state}
    if state in (ChunkState.COPIED, ChunkState.VERIFIED, ChunkState.CATALOGED, ChunkState.SOURCE_DELETED):
        facts |= {"blob_name": f"{FOLDER}/0000-{document_id()}.wav", "format": FormatType.WAV, "length_bytes": 64_044}
        facts |= {"sha256": "ab" * 32, "duration_ms": 2000.0, "copied_at": EVENT_TIME, "container": "RIFF"}
    if state in (ChunkState.VERIFIED, ChunkState.CATALOGED, ChunkState.SOURCE_DELETED):
        facts |= {"verified_at": EVENT_TIME, "verified_how": ("length equals the source's declared total",)}
        facts |= {"stored_etag": STORED_ETAG}
    if state in (ChunkState.CATALOGED, ChunkState.SOURCE_DELETED):
        facts |= {"cataloged_at": EVENT_TIME, "metadata": MetadataOutcome.ARCHIVED}
        facts |= {"metadata_sha256": sha256_of(metadata())}
    return ChunkRecord(**{**facts, **changes})


def stored(of: ChunkRecord) -> StoredChunk:
    """Return what the archive holds of a record's chunk when all is well."""
    facts = {"sha256": of.sha256} if of.sha256 else {}
    return StoredChunk(StoredBlob(of.length_bytes or 0, facts, STORED_ETAG), receipt_of(of, "1.2.3"), metadata())


def metadata(of: ChunkTask | None = None, **changes: Any) -> bytes:
    """Return the metadata document of a task's chunk, with its keys swapped as the live service does."""
    of = of or task()
    facts = {
        "resourceId": "6f1c0d52-0000-4f0b-9d2a-5b7f6f0e11a3",
        "callId": of.call_id,
        "chunkDocumentId": of.document_id,
        "chunkIndex": of.index,
        "chunkStartTime": "2026-11-23T08:56:00.1234567Z",
        "chunkDuration": DURATION_MS,
        "pauseResumeIntervals": [],
        "recordingInfo": {
            "contentType": "mixed",
            "channelType": "audio",
            "format": "wav",
            "audioConfiguration": {"sampleRate": 16000, "bitRate": 256000, "channels": 1},
        },
        "participants": [{"participantId": canaries.PARTICIPANT, "phoneNumber": canaries.PHONE}],
    }
    return json.dumps(_changed(facts, changes), indent=2).replace("\n", "\r\n").encode()


def settings(**changes: Any) -> Settings:
    """Return good settings; `acs` takes a dict of changes to the connection."""
    acs = {"endpoint": "https://contoso-voice.europe.communication.azure.com", "access_key": SecretStr(ACCESS_KEY)}
    acs |= {"resource_id": RESOURCE, **changes.pop("acs", {})}
    local = StorageConnection(connection_string=SecretStr("UseDevelopmentStorage=true"))
    facts = {"host_storage": local, "archive_storage": local, "external_containers": (CONTAINER,)}
    return Settings(acs=AcsConnection(**acs), **{**facts, **changes})


# --- media made by hand ----------------------------------------------------------------------------------------------


def wav(duration_ms: int = DURATION_MS, channels: int = 1, *, sample: bytes = b"\x01\x02") -> bytes:
    """Return a WAV file as ACS writes it: 16 kHz, 16 bits."""
    frame = 2 * channels
    sound = (sample * channels) * (duration_ms * 16)
    form = struct.pack("<HHIIHH", 1, channels, 16_000, 16_000 * frame, frame, 16)
    body = b"WAVE" + b"fmt " + struct.pack("<I", len(form)) + form + b"data" + struct.pack("<I", len(sound)) + sound
    return b"RIFF" + struct.pack("<I", len(body)) + body


MP3_FRAME = bytes((0xFF, 0xF3, 0x68, 0xC0)) + bytes(212)  # MPEG-2 layer III, 48 kbit/s, 16 kHz, mono: 216 bytes, 36 ms


def mp3(frames: int = 56, *, tag: int = 0) -> bytes:
    """Return an MP3 file of frames of 36 ms, behind an ID3v2 tag of `tag` bytes."""
    sizes = bytes(tag >> shift & 127 for shift in (21, 14, 7, 0))
    head = b"ID3\x04\x00\x00" + sizes + bytes(tag) if tag else b""
    return head + MP3_FRAME * frames


def box(name: bytes, content: bytes = b"", *, wide: bool = False) -> bytes:
    """Return an MP4 box, with its size in 32 or 64 bits."""
    if wide:
        return struct.pack(">I4sQ", 1, name, len(content) + 16) + content
    return struct.pack(">I4s", len(content) + 8, name) + content


_PICTURE_SETS = bytes.fromhex("0142c00affe100176742c00ad90426c044000003000400000300083c48992001000568cb83cb20")


def description(entry: bytes) -> bytes:
    """Return the box that says in what form a track's samples are; pictures have their configuration in it."""
    configuration = box(b"avcC", _PICTURE_SETS) if entry == b"avc1" else b""
    numbers = struct.pack(">HHI", 1, 16, 0) + struct.pack(">I", 16_000 << 16) if entry == b"mp4a" else b""
    content = (bytes(16) + numbers).ljust(78, b"\0") + configuration
    return box(b"stsd", struct.pack(">III4s", 0, 1, len(content) + 8, entry) + content)


def mp4(duration_ms: int = DURATION_MS, media_bytes: int = 4096, *, wide: bool = False) -> bytes:
    """Return an MP4 file with an index of one track, whose one sample is all of the media."""
    kind = box(b"ftyp", b"isom\x00\x00\x02\x00isomiso2")
    length = len(mp4_index(duration_ms, 0, media_bytes))
    offset = len(kind) + length + (16 if wide else 8)
    return kind + mp4_index(duration_ms, offset, media_bytes) + box(b"mdat", bytes(media_bytes), wide=wide)


def mp4_index(duration_ms: int, offset: int, sample_bytes: int) -> bytes:
    """Return the index of an MP4 file with one picture track, whose one sample is at `offset`."""
    header = struct.pack(">IIIII", 0, 0, 0, 1000, duration_ms) + bytes(80)
    table = (
        description(b"avc1")
        + box(b"stts", struct.pack(">IIII", 0, 1, 1, duration_ms))
        + box(b"stsc", struct.pack(">IIIII", 0, 1, 1, 1, 1))
        + box(b"stsz", struct.pack(">III", 0, sample_bytes, 1))
        + box(b"stco", struct.pack(">III", 0, 1, offset))
    )
    media = (
        box(b"mdhd", struct.pack(">IIIIII", 0, 0, 0, 1000, duration_ms, 0))
        + box(b"hdlr", bytes(8) + b"vide" + bytes(13))
        + box(b"minf", box(b"stbl", table))
    )
    track = box(b"trak", box(b"tkhd", struct.pack(">IIII", 7, 0, 0, 1) + bytes(68)) + box(b"mdia", media))
    return box(b"moov", box(b"mvhd", header) + track)


def pieces_of(data: bytes, cuts: Sequence[int]) -> list[bytes]:
    """Return the data in pieces, cut at the given places."""
    edges = [0, *sorted(cut % (len(data) + 1) for cut in cuts), len(data)]
    return [data[start:end] for start, end in pairwise(edges)]


def _changed(facts: dict[str, Any], changes: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in {**facts, **changes}.items() if value is not None}
