"""Import: archive media from another container, verified, with receipts that name its origin.

Each file is read completely once, probed and hashed. Then it is copied into the archive and read back, or it stays in
place and only its documents are written. Every step finds its own earlier result, so an interrupted run is simply
repeated. The source is only read.
"""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any

from recording import __version__
from recording.archive.manifest import rewrite_manifest
from recording.domain.archived import layout
from recording.domain.archived.blocks import Block, block_id, crc64_of, regrouped
from recording.domain.archived.importing import IMPORTED, ImportEntry, LeftOut, call_of, place_fault, started_of
from recording.domain.archived.integrity import Digest, Hasher
from recording.domain.archived.layout import JSON
from recording.domain.archived.receipt import receipt_of
from recording.domain.archived.vcon_entries import inline_place
from recording.domain.find.find_query import FindQuery
from recording.domain.incoming.facts import facts_of_metadata
from recording.domain.incoming.metadata import ChunkMetadata, read_metadata
from recording.domain.incoming.roles import Operation
from recording.domain.media import MediaFacts, MediaProbe
from recording.domain.state.chunk import (
    ChunkKey,
    ChunkRecord,
    ChunkState,
    ChunkTask,
    Home,
    MetadataOutcome,
    SourceOutcome,
)
from recording.domain.state.recording import RecordingRecord
from recording.domain.state.records import required
from recording.domain.state.stored import sha256_of
from recording.errors import RecordingError, RequestError, SourceBrokenError, StorageBusyError
from recording.errors.codes import Code
from recording.library.directory import find_all
from recording.library.inline_media import ImportSource, Lengthy
from recording.ports import Archive, AuditEntry, Ports
from recording.ports.audit import DONE
from recording.ports.bulkhead import ODD_CONTENT, code_of
from recording.ports.library.follow_ups import request_follow_up
from recording.settings import Settings

BLOCK_BYTES = 8 << 20
ERASED = "erased by request; it is not imported again"
INSIDE = "it is inside a vCon, where it cannot stay: import it without leaving it in place"
OTHER_BYTES = "other bytes are archived under the same ids"


@dataclass(frozen=True)
class _Media:
    """One file that was read completely, with the result."""

    entry: ImportEntry
    task: ChunkTask
    name: str  # in the archive; for media that stays in place, the name that its documents use
    digest: Digest
    media: MediaFacts


@dataclass
class Imported:
    """The result of a run or dry run.

    Attributes:
        copied: how many files were copied into the archive.
        in_place: how many came under proof where they are.
        known: how many are archived already, with the same bytes.
        length_bytes: how much was read of those that are new.
        problems: each file that was left out, and why.
    """

    copied: int = 0
    in_place: int = 0
    known: int = 0
    length_bytes: int = 0
    problems: list[tuple[str, str]] = field(default_factory=list)


def import_recordings(
    entries: Iterable[ImportEntry | LeftOut],
    source: ImportSource,
    ports: Ports,
    settings: Settings,
    *,
    place: str | None = None,
    dry_run: bool = False,
    caller: str | None = None,
    progress: Callable[[Imported], None] = lambda _: None,
) -> Imported:
    """Read each entry's media, verify it, and catalog it as imported.

    Args:
        entries: from a mapping file or from the names in the container; what is left out is a problem of the report.
        source: the container they are in; only read.
        ports: archive, catalog and the queue of follow-ups; the customer's own storage, when media stays there.
        settings: the archive's layout, and the customer's containers.
        place: the container's address, if the media is to stay there; None copies it into the archive.
        dry_run: read and probe, but write nothing.
        caller: the importer, as named in the audit trail, which has a row for each imported file.
        progress: called after each file.

    Raises:
        RequestError: `unknown_container`; the place is not one of EXTERNAL_STORAGE_CONTAINERS.
    """
    if place is not None and place not in settings.external_containers:
        message = "media can stay only in a container that EXTERNAL_STORAGE_CONTAINERS names"
        raise RequestError(message, code=Code.UNKNOWN_CONTAINER)
    run = _Run(source, ports, settings, place, dry_run=dry_run, caller=caller)
    for entry in entries:
        try:
            if isinstance(entry, LeftOut):
                run.done.problems.append((entry.blob, entry.why))
            else:
                run.take(entry)
        except (RecordingError, *ODD_CONTENT) as error:
            code = code_of(error)
            run.done.problems.append((entry.blob, code))
        progress(run.done)
    return run.done


class _Run:
    """One run over many entries."""

    def __init__(
        self,
        source: ImportSource,
        ports: Ports,
        settings: Settings,
        place: str | None,
        *,
        dry_run: bool,
        caller: str | None,
    ) -> None:
        self._source, self._ports, self._settings = source, ports, settings
        self._place, self._is_dry, self._caller = place, dry_run, caller
        self.done = Imported()

    def take(self, entry: ImportEntry) -> None:
        """Import one file, or record why it is left out."""
        key = ChunkKey(recording_id=entry.id_of_recording, index=entry.index, document_id=entry.id_of_document)
        known = self._ports.catalog.get_chunk(key) or self._archived_by_event(entry)
        if known is not None:
            self._compare(entry, known)
            return
        found = self._source.look_up(entry.blob)
        if found is None:
            self.done.problems.append((entry.blob, "not there"))
            return
        given = self._given_metadata(entry)
        told = read_metadata(given) if given is not None else ChunkMetadata()
        people = (*entry.participants, *(one.raw_id for one in told.participants))
        if self._place is not None and (fault := place_fault(entry, people)):
            self.done.problems.append((entry.blob, fault))
            return
        if self._place is not None and inline_place(entry.blob):
            self.done.problems.append((entry.blob, INSIDE))
            return
        media = self._read(entry, self._task(entry, told))
        if fault := _fault(entry, media, found.length_bytes):
            self.done.problems.append((entry.blob, fault))
            return
        if not self._is_dry:
            self._keep(media, given)
        self.done.copied += self._place is None
        self.done.in_place += self._place is not None
        self.done.length_bytes += media.digest.length_bytes

    def _archived_by_event(self, entry: ImportEntry) -> ChunkRecord | None:
        """Return a chunk that ACS announced and this app archived: a customer's container may contain it too."""
        if entry.document_id is None or entry.call_id is None or self._ports.directory is None:
            return None
        for one in find_all(FindQuery(call=entry.call_id), self._ports, self._settings, with_hidden=True):
            for chunk in self._ports.catalog.chunks_of(one.recording.recording_id):
                if chunk.task.document_id == entry.document_id and chunk.task.index == entry.index and chunk.sha256:
                    return chunk
        return None

    def _compare(self, entry: ImportEntry, known: ChunkRecord) -> None:
        """Count a file that is known; another one under the same ids must have the same bytes."""
        if known.disposed_at is not None or known.silenced:
            self.done.problems.append((entry.blob, ERASED))
            return
        was_imported = known.task.event_id == _event_id(entry)
        if was_imported and not self._is_dry:
            rewrite_manifest(known.task, self._ports)  # the run that cataloged it may have ended before this
        stays_there = self._place is not None and known.task.content_location == self._location(entry)
        found = None if stays_there else self._source.look_up(entry.blob)
        if (
            stays_there
            or (found is None and was_imported)
            or (found is not None and self._is_equal(found, entry, known))
        ):
            self.done.known += 1
        else:
            self.done.problems.append((entry.blob, "not there" if found is None else OTHER_BYTES))

    def _is_equal(self, found: Lengthy, entry: ImportEntry, known: ChunkRecord) -> bool:
        """Return whether a file has the archived bytes; a name proves nothing, since other containers have it too."""
        if found.length_bytes != known.length_bytes:
            return False
        return self._digest(entry).sha256 == known.sha256

    def _digest(self, entry: ImportEntry) -> Digest:
        hasher = Hasher()
        for piece in self._source.read(entry.blob):
            hasher.update(piece)
        return hasher.digest()

    def _location(self, entry: ImportEntry) -> str:
        return f"{self._place}/{entry.blob}" if self._place is not None else ""

    def _given_metadata(self, entry: ImportEntry) -> bytes | None:
        """Return the metadata document of ACS that the entry names; an unreadable one counts as absent."""
        stored = self._source.get(entry.metadata) if entry.metadata else None
        try:
            if stored is not None:
                read_metadata(stored[0])
        except SourceBrokenError:
            return None
        return stored[0] if stored else None

    def _task(self, entry: ImportEntry, told: ChunkMetadata) -> ChunkTask:
        begun = started_of(entry, told.started_at, self._ports.clock.now()) or self._ports.clock.now()
        recording_id = entry.id_of_recording
        call_id = call_of(entry.call_id or told.call_id or recording_id)
        return ChunkTask(
            recording_id=recording_id,
            call_id=call_id,
            document_id=entry.id_of_document,
            index=entry.index,
            content_location=self._location(entry),
            home=Home.ACS if self._place is None else Home.EXTERNAL,
            format=entry.announced_format,
            recording_start_time=begun,
            event_id=_event_id(entry),
            event_time=begun,
            expires_at=begun,
            folder=layout.folder_of(self._settings.archive_path_template, recording_id, call_id, begun),
        )

    def _read(self, entry: ImportEntry, task: ChunkTask) -> _Media:
        """Read the media once: probe it, hash it and stage its blocks. Nothing is committed yet."""
        template = self._settings.archive_path_template
        name = layout.media_name(template, task.folder, task.index, task.document_id, entry.announced_format)
        probe, hasher = MediaProbe(entry.announced_format), Hasher(with_sha512=True)
        for data in regrouped(self._pieces(entry), BLOCK_BYTES):
            probe.feed(data)
            if self._place is None and not self._is_dry:
                block = Block(hasher.length_bytes, len(data))
                self._ports.archive.stage_block(name, block_id(block, entry.mark, crc64_of(data)), data)
            hasher.update(data)
        return _Media(entry, task, name, hasher.digest(), probe.finish())

    def _pieces(self, entry: ImportEntry) -> Iterator[bytes]:
        """Yield the media; where it stays in place, through the port that will verify and serve it later."""
        if self._place is None:
            yield from self._source.read(entry.blob)
            return
        with self._ports.external.open_content(self._location(entry)) as content:
            yield from content.pieces()

    def _keep(self, media: _Media, given: bytes | None) -> None:
        """Commit and read back the copy, write metadata, receipt and a row in the trail, and then the catalog."""
        task, name, archive = media.task, media.name, self._ports.archive
        if self._place is None:
            _commit(media, archive)
        document = given if given is not None else media.entry.document(media.media.duration_ms)
        archive.put_once(layout.metadata_name(name), document, JSON)
        record = _record(media, document, self._ports)
        archive.put_once(layout.receipt_name(name), receipt_of(record, __version__), JSON)
        now, note = self._ports.clock.now(), f"chunk {task.index}"
        self._ports.audit.add(AuditEntry(now, Operation.IMPORT, task.recording_id, self._caller, DONE, note))
        self._ports.catalog.add_recording(
            RecordingRecord(
                recording_id=task.recording_id,
                folder=task.folder,
                call_id=task.call_id,
                started_at=task.recording_start_time,
                first_event_at=self._ports.clock.now(),
                request={"tags": media.entry.tags} if media.entry.tags else {},
            )
        )
        self._ports.catalog.add_chunk(record)
        rewrite_manifest(task, self._ports)
        request_follow_up(task.recording_id, self._ports)


def _event_id(entry: ImportEntry) -> str:
    """Return the id that stands in for an event: it names the file."""
    return f"imported-{entry.mark}"


def _fault(entry: ImportEntry, media: _Media, length_bytes: int) -> str | None:
    """Return why a file is left out, in which case nothing of it is committed."""
    if media.digest.length_bytes != length_bytes:
        return "shorter than its container says"
    if entry.sha256 is not None and entry.sha256.lower() != media.digest.sha256:
        return "another digest than the mapping says"
    if entry.sha512 is not None and entry.sha512.lower() != media.digest.sha512:
        return "another digest than its vCon says"
    return media.media.fault


def _commit(media: _Media, archive: Archive) -> None:
    """Commit the blocks of this file, and read the stored blob back."""
    entry, name, kind = media.entry, media.name, media.media.format or media.entry.announced_format
    staged = sorted(text for text in archive.staged_blocks(name) if text[18:34] == entry.mark[:16])
    media_type = kind.media_type if kind else "application/octet-stream"
    blob_metadata = {"recordingid": media.task.recording_id, "documentid": media.task.document_id}
    blob_metadata |= {"sha256": media.digest.sha256, "sha512": required(media.digest.sha512, "sha512")}
    archive.commit(name, staged, media_type, blob_metadata)
    hasher = Hasher()
    for piece in archive.read(name):
        hasher.update(piece)
    if hasher.digest() != media.digest:
        raise StorageBusyError("the archive does not return what was read")


def _record(media: _Media, document: bytes, ports: Ports) -> ChunkRecord:
    probed, digest, now = media.media, media.digest, ports.clock.now()
    proof: dict[str, Any] = {"copied_at": now, "verified_at": now, "cataloged_at": now}
    is_copied = media.task.home is Home.ACS
    how = "read back: equal SHA-256" if is_copied else "read whole where it is stored; nothing was copied"
    return ChunkRecord(
        task=media.task,
        state=ChunkState.CATALOGED,
        first_seen_at=now,
        changed_at=now,
        blob_name=media.name,
        format=probed.format,
        length_bytes=digest.length_bytes,
        sha256=digest.sha256,
        sha512=digest.sha512,
        duration_ms=probed.duration_ms,
        container=probed.container,
        channels=probed.channels,
        sample_rate=probed.sample_rate,
        has_video=probed.has_video,
        remarks=(IMPORTED, *probed.remarks),
        verified_how=("length equals the container's", "the media opens", how),
        metadata=MetadataOutcome.ARCHIVED,
        metadata_sha256=sha256_of(document),
        facts=facts_of_metadata(read_metadata(document)),
        source=SourceOutcome.NOT_OURS,
        source_reason=IMPORTED,
        **proof,
    )
