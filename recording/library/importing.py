"""Import: media of another container come under proof, with receipts that say where they came from.

Each file is read whole once, probed and hashed while it is copied, read back, and only then cataloged. Every step finds
its own earlier result, so a run that ends is simply run again. The source is only read.
"""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from recording import __version__
from recording.archive.manifest import rewrite_manifest
from recording.domain.archived import layout
from recording.domain.archived.blocks import Block, block_id, crc64_of
from recording.domain.archived.importing import IMPORTED, ImportEntry, started_of
from recording.domain.archived.integrity import Digest, Hasher
from recording.domain.archived.receipt import receipt_of
from recording.domain.incoming.facts import facts_of_metadata
from recording.domain.incoming.metadata import ChunkMetadata, read_metadata
from recording.domain.media import MediaFacts, MediaProbe
from recording.domain.state.chunk import ChunkKey, ChunkRecord, ChunkState, ChunkTask, MetadataOutcome, SourceOutcome
from recording.domain.state.recording import RecordingRecord
from recording.domain.state.stored import sha256_of
from recording.errors import RecordingError, SourceBrokenError, StorageBusyError
from recording.ports import Archive, Ports
from recording.ports.follow_ups import request_follow_up
from recording.settings import Settings

BLOCK_BYTES = 8 << 20
_JSON = "application/json"


@dataclass(frozen=True)
class _Copy:
    """One file whose blocks are staged, with what reading it told."""

    entry: ImportEntry
    task: ChunkTask
    name: str
    digest: Digest
    media: MediaFacts


@dataclass
class Imported:
    """What a run did, or with a dry run would do. `problems` names each file that was left out, and why."""

    copied: int = 0
    known: int = 0
    length_bytes: int = 0
    problems: list[tuple[str, str]] = field(default_factory=list)


def import_recordings(
    entries: Iterable[ImportEntry],
    source: Archive,
    ports: Ports,
    settings: Settings,
    *,
    dry_run: bool = False,
    progress: Callable[[Imported], None] = lambda _: None,
) -> Imported:
    """Copy each entry's media into the archive, prove it, and catalog it as imported.

    Args:
        entries: from a mapping file or from the names in the container.
        source: the container they are in; only read.
        ports: archive, catalog and the queue of follow-ups.
        settings: the archive's layout.
        dry_run: read and probe, but write nothing.
        progress: is called after each file.
    """
    done = Imported()
    for entry in entries:
        try:
            _import(entry, source, ports, settings, done, dry_run=dry_run)
        except RecordingError as error:
            done.problems.append((entry.blob, error.code))
        progress(done)
    return done


def _import(
    entry: ImportEntry, source: Archive, ports: Ports, settings: Settings, done: Imported, *, dry_run: bool
) -> None:
    document_id = f"imported-{entry.mark}"
    key = ChunkKey(recording_id=entry.id_of_recording, index=entry.index, document_id=document_id)
    if ports.catalog.get_chunk(key) is not None:
        done.known += 1
        return
    found = source.look_up(entry.blob)
    if found is None:
        done.problems.append((entry.blob, "not there"))
        return
    given = _given_metadata(entry, source)
    told = read_metadata(given) if given is not None else ChunkMetadata()
    begun = started_of(entry, told.started_at, ports.clock.now()) or ports.clock.now()
    call_id = entry.call_id or told.call_id or entry.id_of_recording
    folder = layout.folder_of(settings.archive_path_template, key.recording_id, call_id, begun)
    name = layout.media_name(settings.archive_path_template, folder, entry.index, document_id, entry.announced_format)
    digest, media = _copied(entry, name, source, ports.archive, dry_run=dry_run)
    if fault := _fault(entry, digest, media, found.length_bytes):
        done.problems.append((entry.blob, fault))
        return
    done.copied += 1
    done.length_bytes += digest.length_bytes
    if not dry_run:
        task = ChunkTask(
            recording_id=key.recording_id,
            call_id=call_id,
            document_id=document_id,
            index=entry.index,
            content_location="",
            format=media.format,
            recording_start_time=begun,
            event_id=document_id,
            event_time=begun,
            expires_at=begun,
            folder=folder,
        )
        _keep(_Copy(entry, task, name, digest, media), given, ports)


def _given_metadata(entry: ImportEntry, source: Archive) -> bytes | None:
    """Return the metadata document of ACS that the entry names; one that cannot be read counts as none."""
    stored = source.get(entry.metadata) if entry.metadata else None
    try:
        if stored is not None:
            read_metadata(stored[0])
    except SourceBrokenError:
        return None
    return stored[0] if stored else None


def _copied(
    entry: ImportEntry, name: str, source: Archive, archive: Archive, *, dry_run: bool
) -> tuple[Digest, MediaFacts]:
    """Read the media once: probe and hash it, and stage its blocks while it goes by. Nothing is committed yet."""
    probe, hasher = MediaProbe(entry.announced_format), Hasher(with_sha512=True)
    for data in _blocks(source.read(entry.blob)):
        probe.feed(data)
        if not dry_run:
            block = Block(hasher.length_bytes, len(data))
            archive.stage_block(name, block_id(block, entry.mark, crc64_of(data)), data)
        hasher.update(data)
    return hasher.digest(), probe.finish()


def _blocks(pieces: Iterator[bytes]) -> Iterator[bytes]:
    gathered = bytearray()
    for piece in pieces:
        gathered += piece
        while len(gathered) >= BLOCK_BYTES:
            yield bytes(gathered[:BLOCK_BYTES])
            del gathered[:BLOCK_BYTES]
    if gathered:
        yield bytes(gathered)


def _fault(entry: ImportEntry, digest: Digest, media: MediaFacts, length_bytes: int) -> str | None:
    """Return why a file is left out; nothing of it is committed then."""
    if digest.length_bytes != length_bytes:
        return "shorter than its container says"
    if entry.sha256 is not None and entry.sha256.lower() != digest.sha256:
        return "another digest than the mapping says"
    return media.fault


def _keep(copy: _Copy, given: bytes | None, ports: Ports) -> None:
    """Commit, read back, write metadata and receipt, and then catalog."""
    entry, task, name, media = copy.entry, copy.task, copy.name, copy.media
    staged = sorted(text for text in ports.archive.staged_blocks(name) if text[18:34] == entry.mark[:16])
    kind = media.format or entry.announced_format
    media_type = kind.media_type if kind else "application/octet-stream"
    ports.archive.commit(name, staged, media_type, {"sha256": copy.digest.sha256})
    if _stored_digest(name, ports.archive) != copy.digest:
        raise StorageBusyError("the archive does not give back what was read")
    document = given if given is not None else entry.document(media.duration_ms)
    ports.archive.put_once(layout.metadata_name(name), document, _JSON)
    record = _record(copy, document, ports.clock.now())
    ports.archive.put_once(layout.receipt_name(name), receipt_of(record, __version__), _JSON)
    ports.catalog.add_recording(
        RecordingRecord(
            recording_id=task.recording_id,
            folder=task.folder,
            call_id=task.call_id,
            started_at=task.recording_start_time,
            first_event_at=ports.clock.now(),
            request={"tags": entry.tags} if entry.tags else {},
        )
    )
    ports.catalog.add_chunk(record)
    rewrite_manifest(task, ports)
    request_follow_up(task.recording_id, ports)


def _stored_digest(name: str, archive: Archive) -> Digest:
    hasher = Hasher()
    for piece in archive.read(name):
        hasher.update(piece)
    return hasher.digest()


def _record(copy: _Copy, document: bytes, now: datetime) -> ChunkRecord:
    media, digest = copy.media, copy.digest
    proof: dict[str, Any] = {"copied_at": now, "verified_at": now, "cataloged_at": now}
    return ChunkRecord(
        task=copy.task,
        state=ChunkState.CATALOGED,
        first_seen_at=now,
        changed_at=now,
        blob_name=copy.name,
        format=media.format,
        length_bytes=digest.length_bytes,
        sha256=digest.sha256,
        sha512=digest.sha512,
        duration_ms=media.duration_ms,
        container=media.container,
        channels=media.channels,
        sample_rate=media.sample_rate,
        has_video=media.has_video,
        remarks=(IMPORTED, *media.remarks),
        verified_how=("length equals the container's", "the media opens", "read back: equal SHA-256"),
        metadata=MetadataOutcome.ARCHIVED,
        metadata_sha256=sha256_of(document),
        facts=facts_of_metadata(read_metadata(document)),
        source=SourceOutcome.NOT_OURS,
        source_reason=IMPORTED,
        **proof,
    )
