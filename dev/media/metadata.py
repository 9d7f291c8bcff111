"""Writes the JSON document ACS keeps beside each chunk, as the live service writes it or as its docs describe it.

`chunkDuration` is the time the chunk covers on the wall clock: pauses are listed and included. The file itself plays
for `chunkDuration` minus the pauses, which is `MediaSpec.duration_ms`.
"""

import json
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Literal

from dev.media.spec import (
    FRAMES_PER_SECOND,
    HEIGHT,
    MP3_BITS_PER_SECOND,
    SAMPLE_RATE_HZ,
    WAV_BITS_PER_SECOND,
    WIDTH,
    MediaSpec,
)

AAC_BITS_PER_SECOND_CLAIMED = 128_000
"""What every live mp4 document says, whatever the sound really takes."""
VIDEO_BITS_PER_SECOND_CLAIMED = 1_000_000


@dataclass(frozen=True)
class Pause:
    """A stretch of the call that was not recorded."""

    started_at: datetime
    duration_ms: int


@dataclass(frozen=True)
class ChunkFacts:
    """Which chunk a document is about; times are aware, `participant_ids` are raw MRIs in channel order."""

    resource_id: str
    call_id: str
    document_id: str
    index: int
    started_at: datetime
    participant_ids: tuple[str, ...] = ()
    pauses: tuple[Pause, ...] = ()


def metadata_document(
    spec: MediaSpec,
    chunk: ChunkFacts,
    *,
    style: Literal["crlf", "compact"] = "crlf",
    swapped: bool = True,
    sample_rate_as_text: bool = False,
    duration_as_float: bool = False,
) -> bytes:
    """Return the metadata of the chunk that `spec` renders, as UTF-8 bytes.

    Args:
        spec: The media the document belongs to.
        chunk: The chunk's ids, start, people and pauses.
        style: Both layouts were seen live: indented with CRLF, or without any space.
        swapped: True writes what the service writes: `contentType` and `channelType` hold each other's value and the
            key is `framerate`. False writes the documented form.
        sample_rate_as_text: Some documents hold `"16000"`.
        duration_as_float: Some documents hold `7000.0`.

    Raises:
        ValueError: Unmixed media needs exactly one participant id per channel.
    """
    if spec.channel == "unmixed" and len(chunk.participant_ids) != spec.channels:
        raise ValueError(f"{spec.channels} channels need as many participant ids, not {len(chunk.participant_ids)}")
    covered_ms = spec.duration_ms + sum(pause.duration_ms for pause in chunk.pauses)
    document = {
        "resourceId": chunk.resource_id,
        "callId": chunk.call_id,
        "chunkDocumentId": chunk.document_id,
        "chunkIndex": chunk.index,
        "chunkStartTime": _timestamp(chunk.started_at),
        "chunkDuration": float(covered_ms) if duration_as_float else covered_ms,
        "pauseResumeIntervals": [_pause(pause) for pause in chunk.pauses],
        "recordingInfo": _recording_info(spec, swapped=swapped, sample_rate_as_text=sample_rate_as_text),
        "participants": _participants(spec, chunk),
    }
    return _written(document, style)


def _recording_info(spec: MediaSpec, *, swapped: bool, sample_rate_as_text: bool) -> dict[str, Any]:
    content, channel = (spec.channel, spec.content) if swapped else (spec.content, spec.channel)
    info: dict[str, Any] = {
        "contentType": content,
        "channelType": channel,
        "format": spec.format,
        "audioConfiguration": {
            "sampleRate": str(SAMPLE_RATE_HZ) if sample_rate_as_text else SAMPLE_RATE_HZ,
            "bitRate": _audio_bit_rate(spec),
            "channels": spec.channels,
        },
    }
    if spec.content == "audioVideo":
        info["videoConfiguration"] = _video_configuration("framerate" if swapped else "frameRate")
    return info


def _audio_bit_rate(spec: MediaSpec) -> int:
    per_channel = {"mp4": AAC_BITS_PER_SECOND_CLAIMED, "mp3": MP3_BITS_PER_SECOND, "wav": WAV_BITS_PER_SECOND}
    return per_channel[spec.format] * spec.channels


def _video_configuration(frame_rate_key: str) -> dict[str, int]:
    return {
        "longerSideLength": WIDTH,
        "shorterSideLength": HEIGHT,
        frame_rate_key: FRAMES_PER_SECOND,
        "bitRate": VIDEO_BITS_PER_SECOND_CLAIMED,
    }


def _participants(spec: MediaSpec, chunk: ChunkFacts) -> list[dict[str, Any]]:
    """Only unmixed media says who is on which channel; nothing else in ACS does."""
    if spec.channel == "mixed":
        return [{"participantId": mri} for mri in chunk.participant_ids]
    return [{"participantId": mri, "channel": place} for place, mri in enumerate(chunk.participant_ids)]


def _pause(pause: Pause) -> dict[str, Any]:
    return {"startTime": _timestamp(pause.started_at), "duration": pause.duration_ms}


def _timestamp(moment: datetime) -> str:
    """Return seven digits of a second, as .NET writes them: one more than a Python datetime can hold."""
    utc = moment.astimezone(UTC)
    return f"{utc:%Y-%m-%dT%H:%M:%S}.{utc.microsecond:06d}{utc.microsecond % 10}Z"


def _written(document: dict[str, Any], style: Literal["crlf", "compact"]) -> bytes:
    if style == "compact":
        return json.dumps(document, separators=(",", ":")).encode()
    return json.dumps(document, indent=2).replace("\n", "\r\n").encode()
