"""What counts as proof: first the source's own facts, then the stored bytes against the bytes read.

ACS gives no checksum, so "we stored what we read" proves nothing about what ACS had. Length must equal the source's
declared total, the bytes must open as their format, and the duration must agree with metadata and event.
"""

import hashlib
from dataclasses import dataclass, field
from datetime import timedelta

from recording.domain.formats import (
    MORE_TO_COME,
    MOST_UNMIXED_CHANNELS,
    ChannelType,
    Combination,
    ContentType,
    FormatType,
)
from recording.domain.incoming.metadata import ChunkMetadata
from recording.domain.media import MediaFacts
from recording.domain.state.chunk import ChunkTask
from recording.errors import ContentConflictError, SourceBrokenError
from recording.errors.codes import Code

_SLACK = timedelta(seconds=2)  # encoders round to frames, clocks to seconds
_SLACK_SHARE = 0.001  # 14 s in four hours
_END_SLACK_MS = 20.0  # less than the shortest frame of MP3; encoders make a file longer than its sound, never shorter
_IN_SECONDS_MS = (1000.0, 24 * 3600 * 1000.0)  # less is within the slack anyhow, and no file is longer than a day
_MOST_MIXED_CHANNELS = 2

PROOF_METADATA = "duration agrees with the metadata minus pauses"
PROOF_EVENT = "duration agrees with the event"
REMARK_PROMISE = "the header promises more than is there, and the metadata does not"
REMARK_NO_LENGTH = "no length could be read: none was compared"
REMARK_SHORTER = "plays shorter than the event says, and no metadata reports a pause"


@dataclass(frozen=True)
class Digest:
    """Length and SHA-256 of some bytes, which identify them; and SHA-512 where it was computed as well."""

    length_bytes: int
    sha256: str
    sha512: str | None = field(default=None, compare=False)


class Hasher:
    """Digests bytes that arrive in order.

    Args:
        with_sha512: compute SHA-512 too. Exchange formats ask for it, and later it would cost reading everything again.
    """

    def __init__(self, *, with_sha512: bool = False) -> None:
        self._sha256 = hashlib.sha256()
        self._sha512 = hashlib.sha512() if with_sha512 else None
        self._length = 0

    @property
    def length_bytes(self) -> int:
        """Return how many bytes have arrived."""
        return self._length

    def update(self, content: bytes | memoryview) -> None:
        """Take the next bytes."""
        self._sha256.update(content)
        if self._sha512 is not None:
            self._sha512.update(content)
        self._length += len(content)

    def digest(self) -> Digest:
        """Return the digest of the bytes so far."""
        sha512 = self._sha512.hexdigest() if self._sha512 is not None else None
        return Digest(self._length, self._sha256.hexdigest(), sha512)


def check_length(read_bytes: int, declared_total: int | None) -> None:
    """Check that exactly the declared number of bytes was read, and at least one.

    Raises:
        SourceBrokenError: `source_empty`, `source_without_length` or `source_short`; all may be transient (a first
            download of 0 bytes is a known fault of the service).
    """
    if read_bytes == 0:
        raise SourceBrokenError("the source served 0 bytes", code=Code.SOURCE_EMPTY)
    if declared_total is None:
        raise SourceBrokenError(
            "the source declared no length, so nothing can be proved", code=Code.SOURCE_WITHOUT_LENGTH
        )
    if read_bytes != declared_total:
        message = f"the source declared {declared_total} bytes and served {read_bytes}"
        raise SourceBrokenError(message, code=Code.SOURCE_SHORT)


def check_stored(read: Digest, stored: Digest) -> None:
    """Check that the archive returns what was read from the source.

    Raises:
        ContentConflictError: `stored_differs` when it does not; the blob is not touched and needs manual review.
    """
    if read != stored:
        raise ContentConflictError("the archived blob differs from what was read", code=Code.STORED_DIFFERS)


def find_fault(media: MediaFacts, metadata: ChunkMetadata | None, task: ChunkTask) -> str | None:
    """Return the fault of the media, by its bytes or by its duration; None when there is none.

    A header that declares more than the file contains does not prove a truncation if the metadata contradicts the
    header and agrees with the content: then the size was never filled in.
    """
    if media.fault is None or _is_wrong_promise(media, metadata, task):
        return duration_fault(media.duration_ms, metadata, task)
    return media.fault


def duration_fault(media_ms: float | None, metadata: ChunkMetadata | None, task: ChunkTask) -> str | None:
    """Return how the media's duration contradicts metadata or event; None when it agrees or cannot be compared.

    It may not play shorter than the chunk's duration minus its pauses, nor longer than with them. The event's
    duration is of the whole recording with its pauses, so it is an upper bound only.
    """
    if media_ms is None:
        return None
    if metadata is not None and metadata.duration_ms is not None and metadata.shortest_media_ms is not None:
        at_least, at_most = metadata.shortest_media_ms, metadata.duration_ms
        if _is_in_seconds(media_ms, at_least, at_most) or _are_pauses_in_seconds(media_ms, metadata):
            return None
        return _outside(media_ms, at_least, at_most, "its metadata")
    if task.recording_duration_ms:
        if _is_in_seconds(media_ms, 0.0, task.recording_duration_ms, parts=task.chunks_in_event):
            return None
        return _outside(media_ms, 0.0, task.recording_duration_ms, "the event")
    return None


def media_remarks(
    media: MediaFacts, metadata: ChunkMetadata | None, task: ChunkTask, requested: Combination | None = None
) -> tuple[str, ...]:
    """Return remarks about the media, and differences from request, event and metadata; never a fault.

    Args:
        media: the facts in the file.
        metadata: the chunk's document, if it was read.
        task: the facts from the event.
        requested: the options of the start request, if this app started the recording.
    """
    found = [*media.remarks, *_about_length(media, metadata, task)]
    if metadata is not None:
        found += _about_sound(media, metadata)
    told = [
        ("the request", requested.content, requested.channel, requested.format) if requested else None,
        ("the event", task.content, task.channel, task.format),
        ("the metadata", metadata.content, metadata.channel, metadata.format) if metadata else None,
    ]
    for entry in told:
        found += _about_kind(media, *entry) if entry else []
    return tuple(dict.fromkeys(found))


def _about_length(media: MediaFacts, metadata: ChunkMetadata | None, task: ChunkTask) -> list[str]:
    if media.duration_ms is None:
        return [] if media.fault else [REMARK_NO_LENGTH]
    if _is_wrong_promise(media, metadata, task):
        return [REMARK_PROMISE]
    if metadata and metadata.duration_ms:
        return []
    if not task.recording_duration_ms:
        return ["neither metadata nor event gives a length: none was compared"]
    is_only_one = task.index == 0 and task.chunks_in_event == 1 and task.end_reason != MORE_TO_COME
    return [REMARK_SHORTER] if is_only_one and not is_as_long(media.duration_ms, task.recording_duration_ms) else []


def _about_sound(media: MediaFacts, metadata: ChunkMetadata) -> list[str]:
    found, channels = [], media.channels
    if channels is not None and metadata.channel_count not in (None, channels):
        found.append(f"the metadata says {metadata.channel_count} channels, the file has {channels}")
    if media.sample_rate is not None and metadata.sample_rate not in (None, media.sample_rate):
        found.append(f"the metadata says {metadata.sample_rate} Hz, the file has {media.sample_rate} Hz")
    expected = min(metadata.participant_count, MOST_UNMIXED_CHANNELS)
    if channels is not None and metadata.channel is ChannelType.UNMIXED and channels < expected:
        found.append(f"{metadata.participant_count} participants, but the file has channels for {channels}")
    return found


def _about_kind(
    media: MediaFacts,
    source: str,
    content: ContentType | None,
    channel: ChannelType | None,
    format_type: FormatType | None,
) -> list[str]:
    found = []
    if media.format is not None and format_type not in (None, media.format):
        found.append(f"{source} says {format_type}, the bytes are {media.format}")
    if channel is ChannelType.MIXED and (media.channels or 0) > _MOST_MIXED_CHANNELS:
        found.append(f"{source} says mixed, the file has {media.channels} channels")
    if media.has_video is not None and content is not None and (content is ContentType.AUDIO_VIDEO) != media.has_video:
        found.append(f"{source} says {content}, the file has {'a' if media.has_video else 'no'} picture")
    return found


def is_as_long(media_ms: float, told_ms: float) -> bool:
    """Return whether a file plays as long as something says, be it in milliseconds or in seconds."""
    return any(abs(media_ms - told) <= _slack_ms(told) for told in (told_ms, told_ms * 1000))


def plays_to_its_end(media_ms: float, told_ms: float) -> bool:
    """Return whether a file lacks nothing at its end, by a length in milliseconds or in seconds.

    `is_as_long` has room for rounded lengths, into which the last second of a growing file would fit.
    """
    told = min(told_ms, told_ms * 1000, key=lambda length: abs(media_ms - length))
    return media_ms >= told - _END_SLACK_MS


def _is_wrong_promise(media: MediaFacts, metadata: ChunkMetadata | None, task: ChunkTask) -> bool:
    if media.duration_ms is None or metadata is None or metadata.duration_ms is None:
        return False
    there, promised = (duration_fault(length, metadata, task) for length in (media.duration_ms, media.promised_ms))
    return there is None and promised is not None


def _is_in_seconds(media_ms: float, at_least: float, at_most: float, *, parts: int = 1) -> bool:
    """Return whether a length was given in seconds instead of ms.

    Times 1000 it agrees, and not by a wide margin only.
    """
    told_ms = at_most * 1000
    least = max(at_least * 1000, told_ms / 2 / max(1, parts))
    is_plausible = _IN_SECONDS_MS[0] < told_ms <= _IN_SECONDS_MS[1]
    return is_plausible and least - _slack_ms(told_ms) <= media_ms <= told_ms + _slack_ms(told_ms)


def _are_pauses_in_seconds(media_ms: float, metadata: ChunkMetadata) -> bool:
    """Return whether only the pauses were given in seconds: taken times 1000, they explain the length exactly."""
    if not metadata.paused_ms or not metadata.duration_ms:
        return False
    return _is_explained(media_ms, metadata.duration_ms, metadata.paused_ms * 1000)


def pauses_are_in_seconds(media_ms: float | None, duration_ms: float | None, paused_ms: float) -> bool:
    """Return whether pauses were given in seconds: nothing else explains how long the media plays.

    Args:
        media_ms: how long it plays.
        duration_ms: of the chunk with its pauses, as its metadata says, be it in milliseconds or in seconds.
        paused_ms: of all pauses, as if it were milliseconds.
    """
    if media_ms is None or not duration_ms or not paused_ms or _is_explained(media_ms, duration_ms, paused_ms):
        return False
    return any(_is_explained(media_ms, duration_ms * unit, paused_ms * 1000) for unit in (1, 1000))


def _is_explained(media_ms: float, duration_ms: float, paused_ms: float) -> bool:
    expected = duration_ms - paused_ms
    return expected >= 0 and abs(media_ms - expected) <= _slack_ms(duration_ms)


def _slack_ms(at_most: float) -> float:
    return _SLACK / timedelta(milliseconds=1) + at_most * _SLACK_SHARE


def _outside(media_ms: float, at_least: float, at_most: float, source: str) -> str | None:
    slack = _slack_ms(at_most)
    if at_least - slack <= media_ms <= at_most + slack:
        return None
    return f"plays {media_ms / 1000:.1f} s, but {source} says {at_least / 1000:.1f} to {at_most / 1000:.1f} s"
