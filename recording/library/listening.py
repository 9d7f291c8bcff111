"""Listen: serve ranges of archived media, a few MiB at most, each after a row in the audit trail (I12).

Who listened to which seconds is written before the bytes are sent, in stretches of a minute. A stretch that the same
caller received in the last minutes is not written again, so frequent seeking leaves at most one row for each minute of
the recording, not one for each request.
"""

from collections.abc import Callable, Hashable
from dataclasses import dataclass, replace
from datetime import timedelta

from recording.domain.archived.drift import is_disposed
from recording.domain.archived.layout import FORMAT_BY_EXTENSION
from recording.domain.find.short_ids import short_id
from recording.domain.ids import mark_of
from recording.domain.incoming.roles import Operation
from recording.domain.media.wav_layout import (
    WavLayout,
    channel_of,
    find_wav_layout,
    in_windows,
    mono_header,
)
from recording.domain.state.chunk import ChunkRecord, Home
from recording.domain.state.records import changed, stored_name
from recording.domain.state.transitions import is_archived
from recording.errors import (
    RequestError,
    SourceGoneError,
    StorageError,
    UnsafeLocationError,
    reading_for_a_caller,
)
from recording.errors.codes import Code
from recording.ports import AuditEntry, Ports
from recording.ports.audit import DONE
from recording.ports.library.hidden import check_is_shown
from recording.ports.stored import all_chunks_of, refuse_unread

MOST_BYTES = 4 * 1024 * 1024  # of one answer: a worker holds it in memory
STRETCH_SECONDS = 60
STRETCH_BYTES = MOST_BYTES  # where the duration of the media is not known
REMEMBERED = timedelta(minutes=10)
_LAYOUT_REMEMBERED = timedelta(hours=1)
_UNKNOWN_TYPE = "application/octet-stream"
_SHORT_MARK = 8  # characters of a digest, in the trail: a chunk has a few suspects
Read = Callable[[int, int], tuple[bytes, int]]


@dataclass(frozen=True)
class Media:
    """Media to listen to: a chunk's file, or one speaker of an unmixed one as a separate file.

    Attributes:
        etag: permanent for these bytes, since it is made from their digest.
        layout: that of the file from which the speaker is extracted.
        suspect: names these bytes among the chunk's suspects; None for what is archived.
        is_alone: no other file has the chunk's index.
    """

    chunk: ChunkRecord
    length_bytes: int
    media_type: str
    etag: str
    channel: int | None = None
    layout: WavLayout | None = None
    suspect: str | None = None
    is_alone: bool = True

    @property
    def label(self) -> str:
        """Return which media it is, in words for the audit trail: `chunk 0 channel 1`."""
        task = self.chunk.task
        words = [f"chunk {task.index}"]
        words += [] if self.is_alone else [f"document {task.document_id}"]
        words += [] if self.channel is None else [f"channel {self.channel}"]
        words += [] if self.suspect is None else [f"suspect {self.suspect}"]
        return " ".join(words)

    @property
    def file_name(self) -> str:
        """Return the file name for a download, made from its time, without names of people."""
        task = self.chunk.task
        began = task.recording_start_time or task.event_time
        speaker = "" if self.channel is None else f" channel {self.channel}"
        kind = self.chunk.format.value if self.chunk.format else "bin"
        return f"{began:%Y-%m-%d %H-%M} {short_id(task.recording_id)} {task.index}{speaker}.{kind}"


def find_media(recording_id: str, index: int, document_id: str | None, channel: int | None, ports: Ports) -> Media:
    """Return the media of a chunk that can be heard.

    Args:
        recording_id: as the catalog knows it.
        index: of the chunk.
        document_id: which of several files with this index; None: the archived one.
        channel: only this speaker, of a WAV file; None: all.
        ports: catalog, archive and the customer's own storage are read.

    Raises:
        RequestError: `chunk_not_found` (404), `not_archived` (409), `media_disposed` (410),
            `erasure_approved` (409), or `no_such_channel` (404).
        StorageError: catalog or archive do not answer.
    """
    chunk, is_alone = _chunk(recording_id, index, document_id, ports)
    if is_disposed(chunk):
        raise RequestError("the media has been destroyed", code=Code.MEDIA_DISPOSED)
    check_is_shown([recording_id], ports)
    if chunk.length_bytes is None or not (is_archived(chunk) or _in_fallback(chunk, ports)):
        raise RequestError("the media is not archived yet", code=Code.NOT_ARCHIVED)
    media_type = chunk.format.media_type if chunk.format else _UNKNOWN_TYPE
    etag = f'"{chunk.sha256 or chunk.key}"'
    whole = Media(chunk, chunk.length_bytes, media_type, etag, is_alone=is_alone)
    return whole if channel is None else _speaker(whole, channel, ports)


def read_media(media: Media, first: int, length: int, ports: Ports) -> bytes:
    """Return a range of the media, as archived.

    Raises:
        RequestError: `media_offline` (409), in the archive tier or in storage that is no longer configured.
        StorageError: storage does not answer, or its content differs from the catalog.
        SourceError: the customer's own storage does not answer.
    """
    if media.layout is not None and media.channel is not None:
        return _read_speaker(media, media.layout, media.channel, first, length, ports)
    return _read(media.chunk, first, length, ports)


def note_listening(media: Media, first: int, length: int, caller: str | None, ports: Ports) -> None:
    """Write to the trail who receives which part, unless the same caller received it within the last minutes.

    Raises:
        StorageError: the trail cannot be written; then nothing may be heard.
    """
    size, unit = _stretch(media)
    key = (Operation.LISTEN, caller, media.chunk.task.recording_id, str(media.chunk.key), media.etag)
    note_stretches(key, first, length, size, lambda begin, end: _part_of(media, begin, end, unit), ports)


def note_stretches(  # noqa: PLR0917 - a part, and how it is told
    key: tuple[Operation, str | None, str, *tuple[Hashable, ...]],
    first: int,
    length: int,
    size: float,
    part_of: Callable[[int, int], str],
    ports: Ports,
) -> None:
    """Write one row for the stretches of a part that the same caller did not receive within the last minutes.

    Args:
        key: the operation, the caller, the recording, and which of its files.
        first: byte of the part.
        length: of the part, in bytes.
        size: of a stretch, in bytes.
        part_of: describes the part from one stretch to another, inclusive.
        ports: trail, memory and clock.

    Raises:
        StorageError: the trail cannot be written; then nothing may be heard.
    """
    now, (operation, caller, recording_id, *_) = ports.clock.now(), key
    stretches = range(int(first // size), int((first + length - 1) // size) + 1)
    fresh = [number for number in stretches if ports.memory.get((*key, number), now) is None]
    if not fresh:
        return
    part = part_of(fresh[0], fresh[-1])
    ports.audit.add(AuditEntry(now, operation, recording_id, caller, DONE, part=part))
    for number in fresh:
        ports.memory.put((*key, number), True, now + REMEMBERED)


def find_suspect(record: ChunkRecord, blob_name: str | None, ports: Ports) -> Media:
    """Return suspect media of a chunk, so that the operator can listen before deciding.

    Args:
        record: a held chunk.
        blob_name: which of its suspects; None: the last one.
        ports: approved erasures are read.

    Raises:
        RequestError: `chunk_not_found` (404), it has no such media; `erasure_approved` (409).
        StorageError: approved erasures do not answer.
    """
    found = [one for one in record.suspects if blob_name in (None, one.blob_name)]
    if not found:
        raise RequestError("the chunk has no such bytes", code=Code.CHUNK_NOT_FOUND)
    check_is_shown([record.task.recording_id], ports)
    suspect, kind = found[-1], FORMAT_BY_EXTENSION.get(found[-1].blob_name.rpartition(".")[2])
    as_kept = changed(
        record,
        blob_name=suspect.blob_name,
        length_bytes=suspect.length_bytes,
        sha256=suspect.sha256,
        format=kind,
        duration_ms=None,
        fallback=None,
    )
    media_type = kind.media_type if kind else _UNKNOWN_TYPE
    mark = suspect.sha256 or mark_of(suspect.blob_name)
    return Media(as_kept, suspect.length_bytes, media_type, f'"{mark}"', suspect=mark[:_SHORT_MARK])


# --- which media -----------------------------------------------------------------------------------------------------


def _chunk(recording_id: str, index: int, document_id: str | None, ports: Ports) -> tuple[ChunkRecord, bool]:
    """Return the chunk, and whether no other one has its index."""
    chunks, unread = all_chunks_of(recording_id, ports.catalog)
    found = [one for one in chunks if one.task.index == index and document_id in (None, one.task.document_id)]
    if not found:
        refuse_unread([row for row in unread if row.index in (None, index)])
        raise RequestError("the catalog knows no such chunk", code=Code.CHUNK_NOT_FOUND)
    is_alone = sum(one.task.index == index for one in chunks) == 1
    return next((chunk for chunk in found if is_archived(chunk)), found[0]), is_alone


def _in_fallback(chunk: ChunkRecord, ports: Ports) -> bool:
    return chunk.fallback is not None and ports.fallback is not None


def _speaker(whole: Media, channel: int, ports: Ports) -> Media:
    layout = layout_of(whole, ports)
    if layout is None or not 0 <= channel < layout.channels:
        raise RequestError("the media has no such channel of its own", code=Code.NO_SUCH_CHANNEL)
    etag = f'{whole.etag.removesuffix(chr(34))}-{channel}"'
    return replace(whole, length_bytes=layout.mono_bytes, etag=etag, channel=channel, layout=layout)


def layout_of(media: Media, ports: Ports) -> WavLayout | None:
    """Return the layout of a WAV file; None for any other file, and for one without a readable header.

    Raises:
        RequestError: as `read_media`.
        StorageError: as `read_media`.
        SourceError: as `read_media`.
    """

    def look() -> WavLayout | None:
        reads = in_windows(lambda first, length: _read(media.chunk, first, length, ports), media.length_bytes)
        try:
            return find_wav_layout(reads, media.length_bytes)
        except ValueError:
            return None

    if media.media_type != "audio/wav":
        return None
    key = ("wav_layout", media.chunk.task.recording_id, str(media.chunk.key), media.etag)
    return ports.memory.known_or(key, ports.clock.now(), _LAYOUT_REMEMBERED, look)


# --- its bytes -------------------------------------------------------------------------------------------------------


def _read(chunk: ChunkRecord, first: int, length: int, ports: Ports) -> bytes:
    try:
        with reading_for_a_caller("the media is in the archive tier"):
            data, total = _reader(chunk, ports)(first, length)
    except (UnsafeLocationError, SourceGoneError):
        message = "the media is not where the customer's own storage had it"
        raise RequestError(message, code=Code.MEDIA_OFFLINE) from None
    if total != chunk.length_bytes or len(data) != length:
        raise StorageError("the archive does not hold what the catalog says; verify the recording")
    return data


def _reader(chunk: ChunkRecord, ports: Ports) -> Read:
    """Return a reader of a chunk's media, wherever it is stored."""
    if chunk.task.home is Home.EXTERNAL:
        location = chunk.task.content_location
        return lambda first, length: ports.external.read_range(location, first, length)
    kept = chunk.fallback
    if not is_archived(chunk) and kept is not None and (other := ports.fallback) is not None:
        return lambda first, length: other.read_range(kept.blob_name, first, length)
    name = stored_name(chunk)
    return lambda first, length: ports.archive.read_range(name, first, length)


def _read_speaker(  # noqa: PLR0917 - a part of a file that exists nowhere
    media: Media, layout: WavLayout, channel: int, first: int, length: int, ports: Ports
) -> bytes:
    """Return a range of the WAV file that one speaker's samples would make."""
    header = mono_header(layout)
    head = header[first : first + length]
    start = max(first - len(header), 0)
    end = max(first + length - len(header), 0)
    if start >= end:
        return head
    width = layout.sample_bytes
    first_frame, last_frame = start // width, -(-end // width)
    sound_at = layout.sound_at + first_frame * layout.frame_bytes
    frames = _read(media.chunk, sound_at, (last_frame - first_frame) * layout.frame_bytes, ports)
    samples = channel_of(frames, layout, channel)
    return head + samples[start - first_frame * width : end - first_frame * width]


def most_bytes(media: Media) -> int:
    """Return how much one answer may contain; less for one speaker, since all channels are read."""
    return MOST_BYTES if media.layout is None else max(MOST_BYTES // media.layout.channels, 1)


# --- the evidence ----------------------------------------------------------------------------------------------------


def _stretch(media: Media) -> tuple[float, str]:
    """Return the size of a stretch in bytes, and its unit."""
    seconds = (media.chunk.duration_ms or 0) / 1000
    if seconds <= 0:
        return STRETCH_BYTES, "bytes"
    return max(media.length_bytes / seconds * STRETCH_SECONDS, 1), "s"


def _part_of(media: Media, first: int, last: int, unit: str) -> str:
    """Return the part in words: `chunk 0, 60-120 s`."""
    scale = STRETCH_SECONDS if unit == "s" else STRETCH_BYTES
    end = round((media.chunk.duration_ms or 0) / 1000) if unit == "s" else media.length_bytes
    return f"{media.label}, {first * scale}-{min((last + 1) * scale, end)} {unit}"
