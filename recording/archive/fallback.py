"""Fallback: while the archive refuses a chunk, keep it verified in a second place, and restore it from there later.

The fallback copy never counts as archived: the chunk stays PENDING and its source is kept until the archive's own copy
is verified. It only ensures that nothing is lost if ACS deletes the media first.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import datetime

from recording import __version__
from recording.archive.claim import HeldClaim, Work, ids_of
from recording.archive.copy import copy, digest_of
from recording.archive.metadata import archived_twin
from recording.archive.verify import verify
from recording.domain.archived import layout
from recording.domain.archived.integrity import Digest, check_stored
from recording.domain.archived.layout import JSON
from recording.domain.archived.receipt import receipt_of
from recording.domain.state import patience
from recording.domain.state.chunk import ChunkRecord, ChunkState, FallbackCopy, Home
from recording.domain.state.records import ChunkChanges, required
from recording.domain.watched import deadline
from recording.errors import ContentConflictError, RecordingError, SourceGoneError, StorageError
from recording.errors.codes import Code
from recording.ports import Archive, RecordingSource, SourceContent
from recording.settings import Settings
from recording.telemetry import Event, emit

_PIECE = 4 << 20  # memory is cheaper than a request


def copy_or_heal(work: Work) -> None:
    """Take a chunk from PENDING to COPIED: from ACS while it has the media, else from the fallback copy.

    A fallback copy that cannot be used leaves ACS, which may keep the media for longer than is assumed.

    Raises:
        RecordingError: as `copy`.
        ContentConflictError: `stored_differs`; the fallback returns other bytes than were verified, and ACS has proved
            that it has none.
    """
    kept, fallback = work.record.fallback, work.ports.fallback
    if kept is None or fallback is None:
        _copy_or_take_twin(work)
        return
    is_asked = not work.is_past_deadline()
    gone = _copy_unless_gone(work) if is_asked else None
    if is_asked and gone is None:
        return
    try:
        _check_kept(work, kept, fallback)
    except StorageError as error:
        if fallback.look_up(kept.blob_name) is None:
            _forget(work, kept)
            _copy_or_take_twin(work)
        elif (gone := gone or _copy_unless_gone(work)) is not None:
            if isinstance(error, ContentConflictError) and not patience.is_forgotten(work.record, work.now()):
                raise gone from error  # one answer proves nothing, and no other copy is left
            raise
        return
    _restore(work, kept, fallback)


def _copy_unless_gone(work: Work) -> SourceGoneError | None:
    """Copy from ACS; return its answer where it says that it has no such media."""
    try:
        copy(work)
    except SourceGoneError as error:
        return error
    return None


def _forget(work: Work, kept: FallbackCopy) -> None:
    """Forget a fallback copy that is no longer there, with an alarm: the chunk is in ACS alone again."""
    work.save(fallback=None)
    emit(
        Event.CHUNK_MEDIA_LOST,
        reason=Code.MEDIA_VANISHED,
        detail="the copy in the fallback",
        blob_name=kept.blob_name,
        state=work.record.state,
        **ids_of(work.task),
    )


def _copy_or_take_twin(work: Work) -> None:
    """Copy from ACS, or from the archive if the same file was announced, archived and deleted under another name.

    The first announcement of a file may be false, and must not keep the file from its own recording.
    """
    try:
        copy(work)
    except SourceGoneError:
        twin = archived_twin(work)
        if twin is None:
            raise
        copied, work.taken_from = _keep(twin, work.now()), f"{twin.task.recording_id}/{twin.key}"
        _check_kept(work, copied, work.ports.archive)
        _restore(work, copied, work.ports.archive)
        remark = f"the same document is archived as chunk {twin.task.index} of recording {twin.task.recording_id}"
        work.save(remarks=(*work.record.remarks, remark))


def is_fallback_due(record: ChunkRecord, error: RecordingError, now: datetime, settings: Settings) -> bool:
    """Return whether the archive has refused this chunk for long enough, or close enough to its expiry, to use it."""
    if record.state is not ChunkState.PENDING or record.fallback is not None or record.task.home is Home.EXTERNAL:
        return False
    if not isinstance(error, StorageError) or not error.retryable:
        return False
    refused_since = record.archive_refused_since or now
    left = deadline.time_left(record.task.expires_at, now)
    return now - refused_since >= settings.fallback_after or left < settings.at_risk_below


def refusal_changes(record: ChunkRecord, error: RecordingError, now: datetime) -> ChunkChanges:
    """Return since when the archive refuses, after a failed attempt; any other failure starts the count again."""
    if record.state is not ChunkState.PENDING:
        return {}
    return {"archive_refused_since": (record.archive_refused_since or now) if isinstance(error, StorageError) else None}


def keep_in_fallback(work: Work) -> None:
    """Copy and verify the chunk in the fallback, and record that; a failure changes nothing and is retried."""
    if work.ports.fallback is None:
        return
    aside = Work(
        work.record,
        replace(work.ports, archive=work.ports.fallback),
        work.settings,
        work.started_at,
        skew=work.skew,
        claim=HeldClaim(work),
    )
    try:
        copy(aside)
        verify(aside)
        _keep_documents(aside)
        work.save(fallback=_keep(aside.record, work.now()))
    except RecordingError as error:
        emit(Event.ATTEMPT_FAILED, code=error.code, fault=error.fault, detail="in the fallback", **ids_of(work.task))
        return
    emit(
        Event.CHUNK_IN_FALLBACK,
        length_bytes=aside.record.length_bytes,
        sha256=aside.record.sha256,
        blob_name=aside.record.blob_name,
        time_left_seconds=deadline.time_left(work.task.expires_at, work.now()),
        **ids_of(work.task),
    )


def _keep_documents(aside: Work) -> None:
    """Store the metadata, if it has arrived by now, and the receipt; both are made again when the chunk is restored."""
    name = required(aside.record.blob_name, "blob_name")
    if aside.metadata is not None:
        aside.ports.archive.put_once(layout.metadata_name(name), aside.metadata, JSON)
    aside.ports.archive.put_once(layout.receipt_name(name), receipt_of(aside.record, __version__), JSON)


def _keep(record: ChunkRecord, now: datetime) -> FallbackCopy:
    return FallbackCopy(
        blob_name=required(record.blob_name, "blob_name"),
        length_bytes=required(record.length_bytes, "length_bytes"),
        sha256=required(record.sha256, "sha256"),
        kept_at=now,
    )


def _check_kept(work: Work, kept: FallbackCopy, fallback: Archive) -> None:
    """Read a kept copy whole: its bytes must be those that were verified there."""
    check_stored(Digest(kept.length_bytes, kept.sha256), digest_of(work, fallback.read(kept.blob_name)))


def _restore(work: Work, kept: FallbackCopy, fallback: Archive) -> None:
    """Copy from the fallback as if it were ACS."""
    work.ports = replace(work.ports, source=KeptSource(kept, fallback, work.ports.source))
    copy(work)
    emit(Event.CHUNK_HEALED, blob_name=work.record.blob_name, sha256=work.record.sha256, **ids_of(work.task))


@dataclass(frozen=True)
class KeptSource:
    """A source that serves one chunk's media and metadata from the fallback; a delete goes to ACS, as always."""

    kept: FallbackCopy
    fallback: Archive
    acs: RecordingSource

    @contextmanager
    def open_content(self, location: str, first: int = 0, length: int | None = None) -> Iterator[SourceContent]:  # noqa: ARG002 - there is one object
        """Open the media or a range of it; its length was verified. Raises StorageError while it is read."""
        total = self.kept.length_bytes
        end = total if length is None else min(first + length, total)
        yield KeptContent(self.kept, self.fallback, first, end, is_whole=(first, end) == (0, total))

    def read_metadata(self, location: str) -> bytes:
        """Return the stored metadata; else ACS may still have it. Raises SourceError."""
        found = self.fallback.get(layout.metadata_name(self.kept.blob_name))
        return found[0] if found is not None else self.acs.read_metadata(location)

    def delete(self, location: str) -> bool:
        """Delete at ACS."""
        return self.acs.delete(location)


@dataclass
class KeptContent:
    """A range of a stored blob, read in large pieces."""

    kept: FallbackCopy
    fallback: Archive
    position: int
    end: int
    is_whole: bool
    piece: memoryview = field(default_factory=lambda: memoryview(b""))

    @property
    def declared_total(self) -> int:
        """Return the length that was verified."""
        return self.kept.length_bytes

    @property
    def version(self) -> str:
        """Return another version than ACS's, so that blocks staged from ACS are not mixed with these."""
        return f"fallback-{self.kept.sha256}"

    def fill(self, view: memoryview) -> int:
        """Read until the view is full or the range ends."""
        filled = 0
        while filled < len(view) and (self.piece or self._read_on()):
            taken = min(len(view) - filled, len(self.piece))
            view[filled : filled + taken] = self.piece[:taken]
            self.piece = self.piece[taken:]
            filled += taken
        return filled

    def pieces(self) -> Iterator[bytes]:
        """Yield the bytes in order."""
        while self.piece or self._read_on():
            yield bytes(self.piece)
            self.piece = memoryview(b"")

    def _read_on(self) -> bool:
        length = min(_PIECE, self.end - self.position)
        if length <= 0:
            return False
        data, _ = self.fallback.read_range(self.kept.blob_name, self.position, length)
        self.position += len(data)
        self.piece = memoryview(data)
        return bool(data)
