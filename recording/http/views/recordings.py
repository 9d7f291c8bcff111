"""Recordings, their chunks and what happened to them, as they are shown."""

from datetime import datetime
from typing import Self

from recording.domain.find.short_ids import short_id
from recording.domain.state.chunk import ChunkRecord
from recording.http.views import View, seconds
from recording.operate.recordings import Listed, Listing, tags_of
from recording.operate.timeline import Moment, Story, Unread


class RecordingRowView(View):
    """One recording in a list."""

    recording_id: str
    short_id: str
    began_at: datetime
    state: str
    reason: str | None
    call_id: str | None
    chunks: int
    archived_chunks: int
    length_bytes: int
    duration_ms: float
    time_left_seconds: int | None
    tags: dict[str, str]

    @classmethod
    def of(cls, one: Listed) -> Self:
        """Show one of a list."""
        names = ("recording_id", "state", "reason", "call_id", "chunks", "length_bytes", "duration_ms")
        return cls(
            short_id=short_id(one.recording_id),
            began_at=one.at,
            archived_chunks=one.archived,
            time_left_seconds=seconds(one.time_left),
            tags=dict(one.tags),
            **{name: getattr(one, name) for name in names},
        )


class RecordingsView(View):
    """Recordings, the newest first."""

    recordings: tuple[RecordingRowView, ...]
    complete: bool
    more: int = 0

    @classmethod
    def of(cls, listing: Listing) -> Self:
        """Show a list."""
        rows = tuple(map(RecordingRowView.of, listing.items))
        return cls(recordings=rows, complete=listing.complete, more=listing.more)


class ChunkView(View):
    """The present state of one chunk."""

    index: int
    document_id: str
    state: str
    attempts: int
    last_error: str | None
    quarantine_reason: str | None
    next_attempt_at: datetime | None
    expires_at: datetime
    blob_name: str | None
    length_bytes: int | None
    sha256: str | None
    sha512: str | None
    duration_ms: float | None
    suspects: tuple[str, ...]

    @classmethod
    def of(cls, chunk: ChunkRecord) -> Self:
        """Show a record."""
        task, own = chunk.task, ("index", "document_id", "expires_at")
        names = cls.model_fields.keys() - {*own, "state", "suspects"}
        shown = {name: getattr(task, name) for name in own} | {name: getattr(chunk, name) for name in names}
        return cls(state=chunk.state, suspects=tuple(each.blob_name for each in chunk.suspects), **shown)


class MomentView(View):
    """Something that happened to a recording."""

    at: datetime
    what: str
    index: int | None
    document_id: str | None

    @classmethod
    def of(cls, moment: Moment) -> Self:
        """Show a moment."""
        return cls(at=moment.at, what=moment.what, index=moment.index, document_id=moment.document_id)


class UnreadView(View):
    """A row that cannot be read."""

    table: str
    key: str
    index: int | None
    code: str

    @classmethod
    def of(cls, one: Unread) -> Self:
        """Show a row by its place and why it cannot be read."""
        return cls(table=one.table, key=one.row.key, index=one.index, code=one.row.code)


class StoryView(View):
    """A recording, its chunks and what happened to it."""

    recording_id: str
    short_id: str
    call_id: str | None
    started_at: datetime | None
    started_by: str | None
    tags: dict[str, str]
    chunks: tuple[ChunkView, ...]
    moments: tuple[MomentView, ...]
    unreadable: tuple[UnreadView, ...]

    @classmethod
    def of(cls, recording_id: str, told: Story) -> Self:
        """Show a story."""
        record = told.recording
        calls = [chunk.task.call_id for chunk in told.chunks]
        return cls(
            recording_id=recording_id,
            short_id=short_id(recording_id),
            call_id=(record.call_id if record else None) or next(iter(calls), None),
            started_at=record.started_at if record else None,
            started_by=record.started_by if record else None,
            tags=dict(tags_of(record)),
            chunks=tuple(map(ChunkView.of, told.chunks)),
            moments=tuple(map(MomentView.of, told.moments)),
            unreadable=tuple(map(UnreadView.of, told.unread)),
        )
