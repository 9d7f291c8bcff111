"""Attention: what needs an operator, in one model that every list, status and health answer reads. Pure."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from recording.domain.archived.receipt import UnreadRow
from recording.domain.state.chunk import ChunkRecord, ChunkState
from recording.domain.state.recording import RecordingRecord
from recording.domain.state.transitions import is_finished, is_left_at_that
from recording.domain.watched import deadline
from recording.domain.watched.deadline import Urgency
from recording.domain.watched.expectation import Expectation, expectation, is_dismissed
from recording.errors import fault_of
from recording.errors.codes import Code

STUCK_AFTER = 5  # attempts; single failures are normal
FAILED_ONCE = 1  # what an operator may retry is any chunk that fails
_PAUSES = (Code.COPY_PAUSED, Code.CLAIM_HELD, Code.CLAIM_LOST)  # a worker's turn ended; nothing failed


class Attention(StrEnum):
    """Why something needs attention, the most urgent first."""

    LOST = "lost"  # the deadline came before the chunk was archived
    AT_RISK = "at_risk"  # little time is left
    RECONCILE_LATE = "reconcile_late"  # nothing looks for overdue chunks: is the app running?
    MISSING = "missing"  # a recording is over, and no file of it was announced
    PAUSE_OVERDUE = "pause_overdue"  # a pause that should be over, or the guard could not end it
    CONSENT_MISSING = "consent_missing"  # started elsewhere, without the consent that its policy asks for
    ENDPOINT = "endpoint_failing"  # a receiver of events takes nothing, or nothing is sent there any more
    INCOMPLETE = "incomplete"  # some files of a recording were announced, others not
    FALLBACK = "fallback_in_use"  # kept in the second destination: the archive refuses
    STUCK = "stuck"  # fails again and again
    HELD = "held"  # suspect media, a refused event, other bytes: an operator decides
    UNREADABLE = "unreadable"  # a stored row that this version cannot read
    POISONED = "poisoned"  # the host gave up on a message; the sweep takes it
    DEAD_LETTER = "dead_letter"  # Event Grid gave up on an event; the sweep takes it
    SEAL_DIFFERS = "seal_differs"  # log or audit trail are not as they were sealed, or were not compared
    SCRUB_BEHIND = "scrub_behind"  # media was not read whole within its cycle, or the nightly scrub does not run


OF_CALLS = (Attention.PAUSE_OVERDUE, Attention.CONSENT_MISSING)  # about the call itself, not its files


@dataclass(frozen=True)
class AttentionItem:
    """One item that needs attention.

    Attributes:
        kind: why.
        id: its id, as `redrive` and the filters take it.
        reason: a code of docs/errors.md where one is known, else the kind.
        at: since when.
        fault: who can act: `operator`, `acs`, `caller` or `nobody` (time); None where the code does not say.
        state: of a chunk, in lower case.
        time_left: until ACS may delete the media; negative after that.
        entries: its quarantine entries.
    """

    kind: Attention
    id: str
    reason: str
    at: datetime
    fault: str | None = None
    recording_id: str | None = None
    document_id: str | None = None
    index: int | None = None
    state: str | None = None
    attempts: int = 0
    event_time: datetime | None = None
    next_attempt_at: datetime | None = None
    time_left: timedelta | None = None
    detail: str | None = None
    entries: tuple[str, ...] = ()


def of_chunk(
    record: ChunkRecord, now: datetime, at_risk_below: timedelta, stuck_after: int = STUCK_AFTER
) -> AttentionItem | None:
    """Return the attention item of a chunk's record; None while all is well.

    Args:
        record: of the chunk.
        now: the time.
        at_risk_below: the time left from which on a chunk is at risk.
        stuck_after: failed tries from which on a chunk is stuck.
    """
    kind = _kind_of(record, now, at_risk_below, stuck_after)
    if kind is None:
        return None
    reason = record.quarantine_reason or record.last_error or kind.value
    since = {Attention.AT_RISK: record.at_risk_since, Attention.FALLBACK: record.archive_refused_since}.get(kind)
    return AttentionItem(
        kind=kind,
        id=f"{record.task.recording_id}/{record.key}",
        reason=reason,
        at=since or record.changed_at,
        fault=fault_of(reason),
        recording_id=record.task.recording_id,
        document_id=record.task.document_id,
        index=record.task.index,
        state=record.state.lower(),
        attempts=record.attempts,
        event_time=record.task.event_time,
        next_attempt_at=None if is_finished(record) else record.next_attempt_at,
        time_left=deadline.time_left(record.task.expires_at, now),
    )


def _kind_of(record: ChunkRecord, now: datetime, at_risk_below: timedelta, stuck_after: int) -> Attention | None:
    if is_left_at_that(record):
        return None
    if record.state is ChunkState.EXPIRED:
        return Attention.LOST
    if record.state is ChunkState.QUARANTINED:
        return Attention.HELD
    if is_finished(record):
        return None
    if record.fallback is not None:
        return Attention.FALLBACK
    is_urgent = deadline.urgency(record.task.expires_at, now, at_risk_below) is not Urgency.SAFE
    if record.state is ChunkState.PENDING and is_urgent:
        return Attention.AT_RISK
    if record.last_error is None:  # workers that never came back have left no error
        stuck_after = max(stuck_after, STUCK_AFTER)
    is_failing = record.last_error not in _PAUSES and record.attempts >= stuck_after
    return Attention.STUCK if is_failing else None


def of_recording(
    record: RecordingRecord,
    chunks: Sequence[ChunkRecord],
    now: datetime,
    after: timedelta,
    unread: Sequence[UnreadRow],
) -> AttentionItem | None:
    """Return the attention item of a recording with missing files; None while they may still arrive."""
    stands = expectation(record, chunks, now, after, unread)
    kind = {Expectation.MISSING: Attention.MISSING, Expectation.INCOMPLETE: Attention.INCOMPLETE}.get(stands)
    if kind is None or is_dismissed(record, stands):
        return None
    since = record.missing_since if kind is Attention.MISSING else record.incomplete_since
    return AttentionItem(
        kind=kind,
        id=record.recording_id,
        reason=kind.value,
        at=since or now,
        recording_id=record.recording_id,
        event_time=record.started_at or record.first_event_at,
    )


def of_call(record: RecordingRecord) -> AttentionItem | None:
    """Return the attention item about the call itself; None when all is well, or it was dismissed."""
    kind = next((kind for kind in OF_CALLS if kind == record.open_call_alarm), None)
    if kind is None or record.call_alarm_since is None:
        return None
    return AttentionItem(
        kind=kind,
        id=record.recording_id,
        reason=kind.value,
        at=record.call_alarm_since,
        fault=fault_of(kind.value),
        recording_id=record.recording_id,
        event_time=record.started_at or record.first_event_at,
    )


def by_urgency(items: Iterable[AttentionItem]) -> list[AttentionItem]:
    """Sort the items: those that can still be saved by time left, then the rest by kind and age."""

    def place(item: AttentionItem) -> tuple[bool, timedelta, int, datetime, str]:
        can_be_saved = item.time_left is not None and item.time_left > timedelta()
        left = item.time_left if can_be_saved and item.time_left is not None else timedelta.max
        return not can_be_saved, left, list(Attention).index(item.kind), item.at, item.id

    return sorted(items, key=place)
