"""The JSON of the app's status and its queues."""

from collections import Counter
from collections.abc import Sequence
from datetime import datetime
from typing import Self

from recording.domain.watched.looks import ReconcileLook, ScrubLook
from recording.http.views import View, seconds
from recording.operate.attention import NeedsAttention
from recording.operate.doctor.findings import Finding, State
from recording.operate.timeline import Overview
from recording.ports import QueueDepth


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
    """The present state of a queue."""

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
    """The state of the archive; `attention` counts by kind, and is empty when nothing needs attention."""

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
