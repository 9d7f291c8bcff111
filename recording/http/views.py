"""The JSON that this app shows: one model for each answer, the same over HTTP and from the command line.

One dialect: names in camelCase, times in ISO 8601 with `Z`, lengths of time in whole seconds under names that end in
`Seconds`, and null where there is nothing to say. No Azure here: the command line loads it, too.
"""

from collections import Counter
from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from typing import Any, Self

from pydantic import BaseModel, ConfigDict
from pydantic.alias_generators import to_camel

from recording.domain.find.short_ids import short_id
from recording.domain.state.chunk import ChunkRecord
from recording.domain.watched.attention import AttentionItem
from recording.domain.watched.looks import ReconcileLook, ScrubLook
from recording.operate.attention import NeedsAttention
from recording.operate.decide import Accepted, Decided
from recording.operate.doctor import Finding, State
from recording.operate.drift import DriftReport
from recording.operate.get_recording_files import Got
from recording.operate.held import Redriven
from recording.operate.held_things import Held
from recording.operate.recordings import Listed, Listing, tags_of
from recording.operate.timeline import Moment, Overview, Story
from recording.operate.verify_recording import Verified
from recording.ports import AuditEntry, QueueDepth

LONGEST_SHOWN = 2048  # characters of each payload in a list


class View(BaseModel):
    """One JSON object."""

    model_config = ConfigDict(alias_generator=to_camel, populate_by_name=True, frozen=True, extra="forbid")

    def plain(self) -> dict[str, Any]:
        """Return what `json.dumps` takes."""
        return self.model_dump(mode="json", by_alias=True)


def seconds(length: timedelta | None) -> int | None:
    """Return a length of time in whole seconds."""
    return None if length is None else round(length.total_seconds())


class AttentionItemView(View):
    """One thing that needs attention."""

    id: str
    kind: str
    reason: str
    at: datetime
    fault: str | None
    recording_id: str | None
    document_id: str | None
    index: int | None
    state: str | None
    attempts: int
    next_attempt_at: datetime | None
    time_left_seconds: int | None

    @classmethod
    def of(cls, item: AttentionItem) -> Self:
        """Show an item of the model."""
        names = cls.model_fields.keys() - {"time_left_seconds"}
        return cls(time_left_seconds=seconds(item.time_left), **{name: getattr(item, name) for name in names})


class HeldView(View):
    """One held thing; `payload` is cut in a list, and whole for the one that was asked for by its id."""

    id: str
    kind: str
    reason: str
    at: datetime
    recording_id: str | None
    document_id: str | None
    index: int | None
    state: str | None
    attempts: int
    redrives: int
    event_time: datetime | None
    time_left_seconds: int | None
    entries: tuple[str, ...]
    payload: str

    @classmethod
    def of(cls, one: Held, *, whole: bool = False) -> Self:
        """Show a held thing."""
        names = cls.model_fields.keys() - {"time_left_seconds", "payload"}
        facts = {name: getattr(one, name) for name in names}
        payload = one.payload if whole else one.payload[:LONGEST_SHOWN]
        return cls(time_left_seconds=seconds(one.time_left), payload=payload, **facts)


class HeldListView(View):
    """What needs attention, and which of it is held."""

    count: int
    held: tuple[HeldView, ...]
    attention_count: int
    attention_complete: bool
    attention: tuple[AttentionItemView, ...]

    @classmethod
    def of(cls, found: NeedsAttention, *, top: int | None = None, whole: bool = False) -> Self:
        """Show at most so many of each; the counts are of all."""
        return cls(
            count=len(found.held),
            held=tuple(HeldView.of(one, whole=whole) for one in found.held[:top]),
            attention_count=len(found.items),
            attention_complete=found.complete,
            attention=tuple(AttentionItemView.of(item) for item in found.items[:top]),
        )


class RedrivenView(View):
    """What a redrive did, or with `dryRun` would do."""

    redriven: tuple[str, ...]
    skipped: tuple[str, ...]
    dry_run: bool

    @classmethod
    def of(cls, done: Redriven, *, dry_run: bool) -> Self:
        """Show the outcome."""
        return cls(redriven=done.sent, skipped=done.skipped, dry_run=dry_run)


class DecidedView(View):
    """What a decision did, by the ids of attention items."""

    done: tuple[str, ...]
    skipped: tuple[str, ...]

    @classmethod
    def of(cls, decided: Decided) -> Self:
        """Show the outcome."""
        return cls(done=decided.done, skipped=decided.skipped)


class AcceptedView(View):
    """Which bytes are the recording now."""

    id: str
    recording_id: str
    blob_name: str

    @classmethod
    def of(cls, accepted: Accepted) -> Self:
        """Show the outcome."""
        return cls(id=accepted.id, recording_id=accepted.recording_id, blob_name=accepted.blob_name)


class FindingView(View):
    """What one check of the doctor found."""

    check: str
    state: str
    found: str
    remedy: str | None


class DeepHealthView(View):
    """All that the doctor found."""

    status: str
    findings: tuple[FindingView, ...]

    @classmethod
    def of(cls, found: Sequence[Finding]) -> Self:
        """Show the findings; one that failed makes the whole unhealthy."""
        failed = any(one.state is State.FAILED for one in found)
        shown = [FindingView(check=one.check, state=one.state, found=one.found, remedy=one.remedy) for one in found]
        return cls(status="unhealthy" if failed else "ok", findings=tuple(shown))


class QueueView(View):
    """A queue as it stands."""

    name: str
    messages: int
    oldest_at: datetime | None


class ReconciledView(View):
    """When reconcile ran last, and what it saw."""

    at: datetime
    open_chunks: int
    at_risk: int
    expired: int
    missing: int
    incomplete: int
    poisoned: int
    redriven: int
    attention: int

    @classmethod
    def of(cls, look: ReconcileLook | None) -> Self | None:
        """Show a look; None when it has not run yet."""
        return None if look is None else cls(**{name: getattr(look, name) for name in cls.model_fields})


class ScrubbedView(View):
    """When the scrub ran last, and the share of the media that was read whole within its cycle."""

    at: datetime
    coverage: float
    chunks: int
    behind: int
    oldest_at: datetime | None

    @classmethod
    def of(cls, look: ScrubLook | None) -> Self | None:
        """Show a look; None when it has not run yet."""
        return None if look is None else cls(**{name: getattr(look, name) for name in cls.model_fields})


class StatusView(View):
    """How everything stands; `attention` counts by kind, and is empty when nobody is needed."""

    chunks: dict[str, int]
    open_chunks: int
    archived_chunks: int
    archived_today: int
    bytes_today: int
    least_time_left_seconds: int | None
    counted_all: bool
    attention: dict[str, int]
    attention_complete: bool
    queues: tuple[QueueView, ...]
    reconciled: ReconciledView | None
    scrubbed: ScrubbedView | None

    @classmethod
    def of(cls, seen: Overview, found: NeedsAttention, queues: Sequence[QueueDepth]) -> Self:
        """Show the counts."""
        return cls(
            chunks=dict(seen.states),
            open_chunks=seen.open_chunks,
            archived_chunks=seen.archived_chunks,
            archived_today=seen.archived_today,
            bytes_today=seen.bytes_today,
            least_time_left_seconds=seconds(seen.least_time_left),
            counted_all=seen.counted_all,
            attention=dict(Counter(item.kind.value for item in found.items)),
            attention_complete=found.complete,
            queues=tuple(QueueView(name=q.name, messages=q.messages, oldest_at=q.oldest_at) for q in queues),
            reconciled=ReconciledView.of(found.reconciled),
            scrubbed=ScrubbedView.of(found.scrubbed),
        )


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

    @classmethod
    def of(cls, listing: Listing) -> Self:
        """Show a list."""
        return cls(recordings=tuple(map(RecordingRowView.of, listing.items)), complete=listing.complete)


class ChunkView(View):
    """One chunk of a recording as it stands."""

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
        facts = {name: getattr(task, name) for name in own} | {name: getattr(chunk, name) for name in names}
        return cls(state=chunk.state, suspects=tuple(each.blob_name for each in chunk.suspects), **facts)


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
        )


class GotFileView(View):
    """One file that was written; `proved` is null where the catalog has no digest for it."""

    path: str
    blob_name: str
    length_bytes: int
    sha256: str
    proved: bool | None

    @classmethod
    def of(cls, got: Got) -> Self:
        """Show a file."""
        names = ("blob_name", "length_bytes", "sha256", "proved")
        return cls(path=str(got.path), **{name: getattr(got, name) for name in names})


class VerifiedView(View):
    """How a recording was proved again; it is proved when all of it was read whole and nothing differs."""

    recording_id: str
    proved: bool
    chunks: int
    read_whole: int
    differences: tuple[str, ...]
    unread: tuple[str, ...]

    @classmethod
    def of(cls, recording_id: str, found: Verified) -> Self:
        """Show the outcome."""
        return cls(
            recording_id=recording_id,
            proved=found.is_proved,
            chunks=found.chunks,
            read_whole=found.read_whole,
            differences=found.differences,
            unread=found.unread,
        )


class TrailEntryView(View):
    """One row of the audit trail."""

    at: datetime
    operation: str
    recording_id: str | None
    caller: str | None
    outcome: str
    note: str | None = None
    part: str | None = None

    @classmethod
    def all_of(cls, entries: Iterable[AuditEntry]) -> tuple[Self, ...]:
        """Show rows."""
        return tuple(
            cls(
                at=entry.at,
                operation=entry.operation,
                recording_id=entry.recording_id,
                caller=entry.caller,
                outcome=entry.outcome,
                note=entry.note,
                part=entry.part,
            )
            for entry in entries
        )


class DifferenceView(View):
    """One difference between archive and catalog."""

    kind: str
    blob_name: str
    recording_id: str | None
    document_id: str | None
    index: int | None


class UnreadView(View):
    """Media that could not be read, and why: `archive tier`, or an error's code."""

    name: str
    reason: str
    recording_id: str | None


class DriftView(View):
    """A comparison of archive and catalog."""

    schema_version: int = 1
    at: datetime
    recordings: int
    chunks: int
    sampled: int
    complete: bool
    differences: tuple[DifferenceView, ...]
    unread: tuple[UnreadView, ...] = ()

    @classmethod
    def of(cls, report: DriftReport) -> Self:
        """Show a report."""
        names = DifferenceView.model_fields.keys()
        return cls(
            at=report.at,
            recordings=report.recordings,
            chunks=report.chunks,
            sampled=report.sampled,
            complete=report.complete,
            differences=tuple(
                DifferenceView(**{name: getattr(drift, name) for name in names}) for drift in report.drifts
            ),
            unread=tuple(UnreadView(name=o.name, reason=o.reason, recording_id=o.recording_id) for o in report.unread),
        )
