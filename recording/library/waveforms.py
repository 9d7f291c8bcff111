"""Waveforms: computed from the archived media on first request, and stored beside it as a small document."""

import json
from collections.abc import Callable, Iterator
from datetime import timedelta
from typing import Any

from recording.domain.archived.layout import JSON, metadata_name, peaks_name
from recording.domain.foreign_json import read_json
from recording.domain.formats import FormatType
from recording.domain.incoming.metadata import Participant, read_metadata
from recording.domain.incoming.participants import canonical_participant
from recording.domain.media.mp3_envelope import Mp3Envelope
from recording.domain.media.waveform import Waveform, WavWaveform
from recording.domain.state.chunk import ChunkRecord
from recording.domain.state.records import stored_name
from recording.errors import BlobLockedError, RequestError, SourceBrokenError, StorageError
from recording.errors.codes import Code
from recording.library.follow_up import library_of
from recording.library.listening import MOST_BYTES, Media, layout_of, read_media
from recording.ports import Ports
from recording.telemetry import Event, emit

SCHEMA = 1
REMARKS = {
    FormatType.MP4: "a waveform of video would need its sound decoded; play it instead",
    FormatType.MP3: "estimated from the gain of each frame, not from decoded samples",
}
_NONE = "the sound of this file cannot be drawn"
_PATIENCE = timedelta(seconds=3)


def waveform_of(media: Media, ports: Ports) -> dict[str, Any]:
    """Return the peaks of each channel with its speaker, and the pauses that were cut out.

    Raises:
        RequestError: `waveform_busy` (503), others are being computed; or as `read_media`.
        StorageError: as `read_media`.
        SourceError: as `read_media`.
    """
    document = _find_stored(media, ports) or _make(media, ports)
    speakers = _speakers(media, ports)
    channels = [
        {**channel, **speakers.get(number, {"name": None, "participantRef": None})}
        for number, channel in enumerate(document["channels"])
    ]
    return {**document, "channels": channels, "pauses": pauses_of(media.chunk)}


def _find_stored(media: Media, ports: Ports) -> dict[str, Any] | None:
    """Return the stored document, if it is of exactly these bytes and of this version."""
    try:
        kept = ports.archive.get(peaks_name(stored_name(media.chunk)))
        document: dict[str, Any] = read_json(kept[0]) if kept else {}
        is_ours = (document.get("schema"), document.get("sha256")) == (SCHEMA, media.chunk.sha256)
    except (BlobLockedError, ValueError, AttributeError):
        return None
    return document if is_ours else None


def _make(media: Media, ports: Ports) -> dict[str, Any]:
    if not ports.memory.heavy.acquire(blocking=False):
        message = "other waveforms are being made"
        raise RequestError(message, code=Code.WAVEFORM_BUSY, retry_after=_PATIENCE)
    try:
        document = _document(media, _draw(media, ports))
    finally:
        ports.memory.heavy.release()
    _keep(media, document, ports)
    return document


def _draw(media: Media, ports: Ports) -> Waveform | None:
    """Read the media once from start to end, a few MiB at a time; None when it cannot be drawn."""
    try:
        if media.chunk.format is FormatType.WAV and (layout := layout_of(media, ports)) is not None:
            wav = WavWaveform(layout)
            return _feed_all(media, ports, wav.feed, wav.finish, layout.sound_at)
        if media.chunk.format is FormatType.MP3:
            mp3 = Mp3Envelope()
            return _feed_all(media, ports, mp3.feed, mp3.finish)
    except ValueError:
        return None
    return None


def _feed_all(
    media: Media, ports: Ports, feed: Callable[[bytes], None], finish: Callable[[], Waveform], first: int = 0
) -> Waveform:
    for piece in _pieces(media, first, ports):
        feed(piece)
    return finish()


def _pieces(media: Media, first: int, ports: Ports) -> Iterator[bytes]:
    for at in range(first, media.length_bytes, MOST_BYTES):
        yield read_media(media, at, min(MOST_BYTES, media.length_bytes - at), ports)


def _document(media: Media, drawn: Waveform | None) -> dict[str, Any]:
    chunk, kind = media.chunk, media.chunk.format
    remark = REMARKS.get(kind) if kind is not None else None
    return {
        "schema": SCHEMA,
        "recordingId": chunk.task.recording_id,
        "documentId": chunk.task.document_id,
        "index": chunk.task.index,
        "sha256": chunk.sha256,
        "durationSeconds": None if chunk.duration_ms is None else chunk.duration_ms / 1000,
        "bucketSeconds": drawn.bucket_seconds if drawn else None,
        "channels": [{"peaks": list(peaks)} for peaks in drawn.channels] if drawn else [],
        "how": drawn.how if drawn else None,
        "remark": remark or (None if drawn else _NONE),
    }


def _keep(media: Media, document: dict[str, Any], ports: Ports) -> None:
    """Store it beside the media; where that is not allowed, it is computed again next time."""
    if not document["channels"] or not media.chunk.blob_name:
        return
    data = json.dumps(document, separators=(",", ":")).encode()
    try:
        ports.archive.put_once(peaks_name(media.chunk.blob_name), data, JSON)
    except StorageError as error:
        task = media.chunk.task
        emit(Event.WAVEFORM_NOT_KEPT, code=error.code, recording_id=task.recording_id, index=task.index)


def pauses_of(chunk: ChunkRecord) -> list[dict[str, Any]]:
    """Return the pauses of the recording: position in the file, time and duration."""
    facts = chunk.facts
    if facts is None or facts.started_at is None:
        return []
    shown: list[dict[str, Any]] = []
    cut = 0.0
    for started_at, duration_ms in sorted((p.started_at, p.duration_ms or 0.0) for p in facts.pauses if p.started_at):
        at = (started_at - facts.started_at).total_seconds() - cut
        shown.append(
            {"atSeconds": max(round(at, 3), 0.0), "startedAt": started_at, "durationSeconds": duration_ms / 1000}
        )
        cut += duration_ms / 1000
    return shown


def _speakers(media: Media, ports: Ports) -> dict[int, dict[str, Any]]:
    """Return the speaker of each channel, from the archived metadata; callers may listen to them anyway."""
    if not media.chunk.blob_name or not (media.chunk.facts and media.chunk.facts.participant_channels):
        return {}
    try:
        kept = ports.archive.get(metadata_name(media.chunk.blob_name))
        people = read_metadata(kept[0]).participants if kept else ()
    except (BlobLockedError, SourceBrokenError):
        return {}
    key = library_of(ports)[1].keys().current if people else None
    return {
        one.channel: {"name": _name(one), "participantRef": f"h:{key.participant(one.raw_id)}" if key else None}
        for one in people
        if one.channel is not None
    }


def _name(one: Participant) -> str | None:
    """Return a caller's phone number; other ids are meaningless to readers."""
    canonical = canonical_participant(one.raw_id)
    return canonical.removeprefix("4:") if canonical.startswith("4:+") else None
