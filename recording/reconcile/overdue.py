"""Reconcile: compare the expected state with the actual one, and re-queue overdue or stuck chunks.

Runs on a timer. It sweeps poison queues and dead letters, redrives chunks that no worker has touched for too long, the
most urgent first, and reports chunks at risk or expired. A redrive keeps the chunk's identity, so repeating it is
harmless.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import Enum, auto

from recording.archive.claim import expired_entry, ids_of
from recording.domain.state.chunk import ChunkRecord, ChunkState
from recording.domain.state.patience import is_abandoned, is_given_up
from recording.domain.state.records import changed
from recording.domain.state.transitions import is_finished, moved
from recording.domain.watched import deadline
from recording.domain.watched.deadline import Urgency
from recording.domain.watched.looks import RECONCILED, ReconcileLook
from recording.domain.watched.retry import LONGEST_RETRY_AFTER
from recording.errors import ClaimLostError
from recording.errors.codes import Code
from recording.ports import Page, Ports, Unreadable
from recording.ports.bulkhead import Bulkhead
from recording.ports.clock import by_the_shared_clock
from recording.ports.outgoing.announce import announce
from recording.reconcile.acs_log import count
from recording.reconcile.in_turn import InTurn
from recording.reconcile.missing_files import Expected, look_for_expected
from recording.reconcile.sweep import MOST_A_RUN, SWEPT, sweep
from recording.settings import Settings
from recording.telemetry import Event, emit, span

ENDED_HERE_AFTER = timedelta(days=1)  # later than a worker would have ended the chunk
OVERDUE_AFTER = timedelta(minutes=10)  # a dead worker's message is visible again after the host's ten-minute lease


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
    attention: int = 0


def reconcile(ports: Ports, settings: Settings) -> Reconciled:
    """Re-queue poisoned or overdue work, until the deadline; mark chunks at risk or expired.

    Each item and each part fails on its own. `recording.reconciled` is logged with the number of items that need
    attention; when a whole part could not be read it is not logged, and its absence raises an alarm.

    Raises:
        StorageError: when some storage did not answer, after everything else was done; the next run tries again.
    """
    with span("reconcile"):
        return _reconcile(by_the_shared_clock(ports), settings)


def _reconcile(ports: Ports, settings: Settings) -> Reconciled:
    bulkhead = Bulkhead(
        dict.fromkeys((*SWEPT, "open_chunks", "acs_log", "open_recordings"), lambda: _ask_storage(ports))
    )
    poisoned = sweep(ports, settings, bulkhead)
    seen = _look_at_chunks(ports, settings, bulkhead)
    bulkhead.part(lambda: count(ports, settings, bulkhead), 0, "acs_log")
    bulkhead.part(lambda: _look_at_queues(ports), None, "queues")
    expected = bulkhead.part(lambda: look_for_expected(ports, settings, bulkhead), Expected(), "open_recordings")
    found = Reconciled(
        poisoned=poisoned,
        redriven=sum(one.outcome is _Outcome.REDRIVEN for one in seen),
        at_risk=sum(one.urgency is Urgency.AT_RISK for one in seen),
        expired=sum(one.outcome is _Outcome.EXPIRED for one in seen),
        open_chunks=len(seen),
        least_time_left=min((one.time_left for one in seen), default=None),
        missing=expected.missing,
        incomplete=expected.incomplete,
        attention=bulkhead.attention.total(),
    )
    if not bulkhead.is_blind:
        _tell(found)
        bulkhead.part(lambda: _keep(found, ports), None, "looks")
    if bulkhead.outage:
        raise bulkhead.outage
    return found


def _ask_storage(ports: Ports) -> None:
    """Do a write and a read that concern no chunk. Raises StorageError when storage itself fails."""
    ports.catalog.time()
    ports.queue.depths()


def _tell(found: Reconciled) -> None:
    emit(
        Event.RECONCILED,
        poisoned=found.poisoned,
        count=found.redriven,
        at_risk=found.at_risk,
        expired=found.expired,
        missing=found.missing,
        incomplete=found.incomplete,
        attention=found.attention,
        chunks=found.open_chunks,
        time_left_seconds=found.least_time_left,
    )


def _keep(found: Reconciled, ports: Ports) -> None:
    """Save the time and the counts of this run, so that `status` and the doctor notice a silent timer."""
    counts = {name: getattr(found, name) for name in ReconcileLook.model_fields if name != "at"}
    look = ReconcileLook(at=ports.clock.now(), **counts)
    ports.catalog.save_cursor(RECONCILED, look.model_dump_json())


def _look_at_chunks(ports: Ports, settings: Settings, bulkhead: Bulkhead) -> list["_Seen"]:
    """Check the chunks that can still be saved, the most urgent first, then a window over all of them.

    The window moves on once its end is reached; before many that fail, the next run continues behind them.
    """
    head = _page(ports, bulkhead, expiring_after=ports.clock.now())
    urgent = list(bulkhead.readable(head.items, "open_chunks"))
    known = {record.key for record in urgent}
    start = bulkhead.part(lambda: ports.catalog.cursor("open_chunks"), "", "open_chunks")
    window = _page(ports, bulkhead, after=start)
    others = bulkhead.readable(_unseen(window.items, head.items), "open_chunks")
    turn = InTurn([*urgent, *(one for one in others if one.key not in known)], "open_chunks", ports, bulkhead)
    seen = bulkhead.each(
        turn.items,
        lambda record: _look_at(record, ports, settings),
        "open_chunks",
        lambda record: f"{record.task.recording_id}/{record.key}",
    )
    if turn.end(bulkhead.tried["open_chunks"]) and window.next != start:
        bulkhead.part(lambda: ports.catalog.save_cursor("open_chunks", window.next), None, "open_chunks")
    return seen


def _unseen(
    items: Iterable[ChunkRecord | Unreadable], reported: Iterable[ChunkRecord | Unreadable]
) -> Iterator[ChunkRecord | Unreadable]:
    known = {one.where for one in reported if isinstance(one, Unreadable)}
    return (one for one in items if not (isinstance(one, Unreadable) and one.where in known))


def _page(
    ports: Ports, bulkhead: Bulkhead, after: str = "", expiring_after: datetime | None = None
) -> Page[ChunkRecord]:
    nothing: Page[ChunkRecord] = Page(next=after)
    page = bulkhead.part(
        lambda: ports.catalog.open_chunks_page(after, MOST_A_RUN, expiring_after), nothing, "open_chunks"
    )
    if page.error:
        bulkhead.failed("open_chunks", "", page.error)
    return page


def _look_at_queues(ports: Ports) -> None:
    now = ports.clock.now()
    for queue in ports.queue.depths():
        age = max(now - queue.oldest_at, timedelta()) if queue.oldest_at else timedelta()
        emit(Event.QUEUE_SEEN, queue=queue.name, count=queue.messages, age_seconds=age)


class _Outcome(Enum):
    """The outcome of a check of a chunk."""

    WAITING = auto()  # a worker has it, or will have it in time
    FINISHED = auto()  # nothing is left to do
    REDRIVEN = auto()
    EXPIRED = auto()


@dataclass(frozen=True)
class _Seen:
    """The outcome of a check of a chunk, and its record."""

    outcome: _Outcome
    urgency: Urgency
    time_left: timedelta


def _look_at(record: ChunkRecord, ports: Ports, settings: Settings) -> _Seen:
    now = ports.clock.now()
    left = deadline.time_left(record.task.expires_at, now)
    urgency = deadline.urgency(record.task.expires_at, now, settings.at_risk_below)
    if is_finished(record):  # an index entry that outlived its chunk
        return _Seen(_Outcome.FINISHED, Urgency.SAFE, left)
    if record.fallback is not None or record.state is not ChunkState.PENDING:  # its media is safe
        urgency = Urgency.SAFE
    try:
        if urgency is Urgency.AT_RISK and record.at_risk_since is None and record.state is ChunkState.PENDING:
            record = _raise_at_risk(record, now, ports)
        if urgency is Urgency.LOST and record.attempts and record.past_deadline_since is None:
            record = _raise_past_deadline(record, now, ports)
        if record.is_unsaved and is_given_up(record, now - ENDED_HERE_AFTER):  # its workers never came back to end it
            return _Seen(_expire(record, now, ports), urgency, left)
        if not is_overdue(record, now, settings.claim_length):
            return _Seen(_Outcome.WAITING, urgency, left)
        outcome = _expire(record, now, ports) if _had_its_last_try(record, now) else _redrive(record, now, ports)
    except ClaimLostError:  # a worker claimed it at the same moment
        return _Seen(_Outcome.WAITING, urgency, left)
    return _Seen(outcome, urgency, left)


def is_overdue(record: ChunkRecord, now: datetime, claim_length: timedelta) -> bool:
    """Return whether no worker has the chunk, and none has claimed it since it was due.

    The clock of the instance that wrote the row may have been ahead; when it was written is the catalog's own word.
    """
    due, claimed_until = record.next_attempt_at or record.changed_at, record.claimed_until(claim_length)
    if record.saved_at is not None:
        due = min(due, record.saved_at + LONGEST_RETRY_AFTER)
    return (claimed_until is None or claimed_until <= now) and now - due >= OVERDUE_AFTER


def _had_its_last_try(record: ChunkRecord, now: datetime) -> bool:
    """Return whether no worker could try a chunk for days past its deadline; until then only the line ends it."""
    was_tried = record.next_attempt_at is not None and record.next_attempt_at >= record.task.expires_at
    return is_abandoned(record, now) and was_tried


def _raise_at_risk(record: ChunkRecord, now: datetime, ports: Ports) -> ChunkRecord:
    left = deadline.time_left(record.task.expires_at, now)
    emit(Event.CHUNK_AT_RISK, time_left_seconds=left, code=record.last_error, **ids_of(record.task))
    saved = ports.catalog.save_chunk(changed(record, at_risk_since=now))
    announce(record.task.recording_id, ports)
    return saved


def _raise_past_deadline(record: ChunkRecord, now: datetime, ports: Ports) -> ChunkRecord:
    """Raise the alarm that a failed attempt raises, where workers do not come back from theirs."""
    saved = ports.catalog.save_chunk(changed(record, past_deadline_since=now))
    emit(Event.CHUNK_PAST_DEADLINE, code=record.last_error or Code.NEVER_TRIED, **ids_of(record.task))
    return saved


def _redrive(record: ChunkRecord, now: datetime, ports: Ports) -> _Outcome:
    """Record the redrive before sending, so that the next run does not send the same task again."""
    ports.catalog.save_chunk(changed(record, next_attempt_at=now))
    ports.queue.send(record.task)
    emit(Event.REDRIVEN, reason="overdue", state=record.state, **ids_of(record.task))
    return _Outcome.REDRIVEN


def _expire(record: ChunkRecord, now: datetime, ports: Ports) -> _Outcome:
    code = record.last_error or Code.NEVER_TRIED
    ports.quarantine.put(expired_entry(record.task, now))
    ports.catalog.save_chunk(moved(record, ChunkState.EXPIRED, last_error=code, changed_at=now))
    emit(Event.CHUNK_EXPIRED, code=code, **ids_of(record.task))
    announce(record.task.recording_id, ports)
    return _Outcome.EXPIRED
