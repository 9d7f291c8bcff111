"""The JSON that this app shows: one model for each answer, the same over HTTP and from the command line.

One dialect: names in camelCase, times in ISO 8601 with `Z`, lengths of time in whole seconds under names that end in
`Seconds`, and null where there is nothing to say. No Azure here: the command line loads it, too.
"""

from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from typing import Any, Self

from pydantic import BaseModel, ConfigDict
from pydantic.alias_generators import to_camel

from recording.domain.attention import AttentionItem
from recording.operate.attention import NeedsAttention
from recording.operate.doctor import Finding, State
from recording.operate.drift import DriftReport
from recording.operate.held import Redriven
from recording.operate.held_things import Held
from recording.operate.timeline import Moment
from recording.operate.verify_recording import Verified
from recording.ports import AuditEntry

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


class VerifiedView(View):
    """How a recording was proved again; it is proved when there is no difference."""

    recording_id: str
    proved: bool
    chunks: int
    read_whole: int
    differences: tuple[str, ...]

    @classmethod
    def of(cls, recording_id: str, found: Verified) -> Self:
        """Show the outcome."""
        return cls(
            recording_id=recording_id,
            proved=not found.differences,
            chunks=found.chunks,
            read_whole=found.read_whole,
            differences=found.differences,
        )


class TrailEntryView(View):
    """One row of the audit trail."""

    at: datetime
    operation: str
    recording_id: str | None
    caller: str | None
    outcome: str

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


class DriftView(View):
    """A comparison of archive and catalog."""

    schema_version: int = 1
    at: datetime
    recordings: int
    chunks: int
    sampled: int
    complete: bool
    differences: tuple[DifferenceView, ...]

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
        )
