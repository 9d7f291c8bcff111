"""Reconcile: what should be is compared with what is, and what fell by the wayside is put back to work.

Runs on a timer. It sweeps poison queues and dead letters, redrives chunks that nobody has touched for too long, the
most urgent first, and raises the states at risk and expired. A redrive keeps the chunk's identity, so doing it twice is
harmless.
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import islice
from typing import TypeVar

from recording.archive.claim import expired_entry, ids_of
from recording.domain import retention
from recording.domain.chunk import ChunkRecord, ChunkState
from recording.domain.patience import is_given_up
from recording.domain.records import changed
from recording.domain.retention import Urgency
from recording.domain.transitions import is_finished, moved
from recording.errors import ClaimLostError, StorageError
from recording.ports import Ports
from recording.reconcile.acs_log import count, is_due
from recording.reconcile.missing_files import Expected, look_for_expected
from recording.reconcile.sweep import MOST_A_RUN, sweep
from recording.settings import Settings
from recording.telemetry import Event, emit, span

T = TypeVar("T")
OVERDUE_AFTER = timedelta(minutes=10)  # a queue message of a dead worker is back after the host's ten-minute lease


@dataclass(frozen=True)
class Reconciled:
    """What one run did and saw."""

    poisoned: int = 0
    redriven: int = 0
    at_risk: int = 0
    expired: int = 0
    open_chunks: int = 0
    least_time_left: timedelta | None = None
    missing: int = 0
    incomplete: int = 0


def reconcile(ports: Ports, settings: Settings) -> Reconciled:
    """Puts back to work what is poisoned or overdue, until the deadline; marks what is at risk or expired.

    An outage of one part, say of the queues, hides nothing that the others tell.

    Raises:
        StorageError: when some storage does not answer, after everything else was done; the next run tries again. No
            `recording.reconciled` is logged then, and its absence is an alarm.
    """
    with span("reconcile"):
        return _reconciled(ports, settings)


def _reconciled(ports: Ports, settings: Settings) -> Reconciled:
    failed: list[StorageError] = []
    poisoned = _unless_it_fails(lambda: sweep(ports, settings), 0, failed)
    redriven = at_risk = expired = 0
    left: list[timedelta] = []
    nothing: list[ChunkRecord] = []
    for record in _unless_it_fails(lambda: list(islice(ports.catalog.open_chunks(), MOST_A_RUN)), nothing, failed):
        outcome, urgency = _look_at(record, ports, settings, failed)
        redriven += outcome == "redriven"
        expired += outcome == "expired"
        at_risk += urgency is Urgency.AT_RISK
        left.append(retention.time_left(record.task.expires_at, ports.clock.now()))
    if is_due(ports.clock.now()):
        count(ports, settings)
    _unless_it_fails(lambda: _look_at_queues(ports), None, failed)
    expected = _unless_it_fails(lambda: look_for_expected(ports, settings), Expected(), failed)
    if failed:
        raise failed[0]
    least = min(left, default=None)
    found = Reconciled(poisoned, redriven, at_risk, expired, len(left), least, expected.missing, expected.incomplete)
    emit(
        Event.RECONCILED,
        poisoned=found.poisoned,
        count=found.redriven,
        at_risk=found.at_risk,
        expired=found.expired,
        missing=found.missing,
        incomplete=found.incomplete,
        chunks=found.open_chunks,
        time_left_seconds=found.least_time_left,
    )
    return found


def _look_at_queues(ports: Ports) -> None:
    now = ports.clock.now()
    for queue in ports.queue.depths():
        age = max(now - queue.oldest_at, timedelta()) if queue.oldest_at else timedelta()
        emit(Event.QUEUE_SEEN, queue=queue.name, count=queue.messages, age_seconds=age)


def _unless_it_fails(work: Callable[[], T], otherwise: T, failed: list[StorageError]) -> T:
    try:
        return work()
    except StorageError as error:
        failed.append(error)
        return otherwise


def _look_at(record: ChunkRecord, ports: Ports, settings: Settings, failed: list[StorageError]) -> tuple[str, Urgency]:
    """What was done about a chunk. After a failure nothing is redriven: each try would cost its time-out."""
    now = ports.clock.now()
    urgency = retention.urgency(record.task.expires_at, now, settings.at_risk_below)
    if is_finished(record):  # an index entry that outlived its chunk
        return "finished", Urgency.SAFE
    try:
        if record.fallback is not None or record.state is not ChunkState.PENDING:  # its media is safe
            urgency = Urgency.SAFE
        if urgency is Urgency.AT_RISK and record.at_risk_since is None and record.state is ChunkState.PENDING:
            record = _raise_at_risk(record, now, ports)
        if failed or not is_overdue(record, now):
            return "waiting", urgency
        return (
            _expire(record, now, ports) if _had_its_last_try(record, now) else _redrive(record, now, ports)
        ), urgency
    except ClaimLostError:  # a worker took it at this very moment
        return "waiting", urgency
    except StorageError as error:
        failed.append(error)
        return "waiting", urgency


def is_overdue(record: ChunkRecord, now: datetime) -> bool:
    """Nobody has the chunk, and nobody has come for it since it was due."""
    due = record.next_attempt_at or record.changed_at
    return not record.is_claimed(now) and now - due >= OVERDUE_AFTER


def _had_its_last_try(record: ChunkRecord, now: datetime) -> bool:
    """Return whether nobody could try a chunk for days past its deadline; before, only the line ends it, by proof."""
    expiry = record.task.expires_at
    was_tried = record.next_attempt_at is not None and record.next_attempt_at >= expiry
    return record.state is ChunkState.PENDING and is_given_up(record, now) and was_tried


def _raise_at_risk(record: ChunkRecord, now: datetime, ports: Ports) -> ChunkRecord:
    left = retention.time_left(record.task.expires_at, now)
    emit(Event.CHUNK_AT_RISK, time_left_seconds=left, code=record.last_error, **ids_of(record.task))
    return ports.catalog.save_chunk(changed(record, at_risk_since=now))


def _redrive(record: ChunkRecord, now: datetime, ports: Ports) -> str:
    """Notes the redrive before sending, so that the next run does not send the same again."""
    ports.catalog.save_chunk(changed(record, next_attempt_at=now))
    ports.queue.send(record.task)
    emit(Event.REDRIVEN, reason="overdue", state=record.state, **ids_of(record.task))
    return "redriven"


def _expire(record: ChunkRecord, now: datetime, ports: Ports) -> str:
    code = record.last_error or "never_tried"
    ports.quarantine.put(expired_entry(record.task, now))
    ports.catalog.save_chunk(moved(record, ChunkState.EXPIRED, last_error=code, changed_at=now))
    emit(Event.CHUNK_EXPIRED, code=code, **ids_of(record.task))
    return "expired"
