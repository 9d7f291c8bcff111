"""Held: list what needs an operator or the next sweep, and re-queue it under its own identity.

An item is queued first and then removed from where it was held: in doubt it is in both places, never in neither. One
that is refused again stays held, so nothing loops.
"""

from collections.abc import Sequence, Set, Sized
from dataclasses import dataclass
from datetime import timedelta

from recording.archive.claim import ids_of
from recording.domain.calls.guards import read_guard
from recording.domain.incoming.delivery import events_in
from recording.domain.incoming.requests import HeldFilter
from recording.domain.outgoing.message import read_task
from recording.domain.state.chunk import ChunkRecord, ChunkTask
from recording.domain.state.quarantine import Origin
from recording.domain.state.transitions import redriven
from recording.errors import ClaimLostError, EventRejectedError, UnsafeLocationError
from recording.ingest import take_event
from recording.library.notify.leftovers import put_back_these
from recording.operate.find_held import Found, find_held
from recording.operate.held_items import Held, Kind, chunk_id
from recording.ports import DeadLetter, PoisonMessage, Ports, QuarantineEntry
from recording.ports.bulkhead import Bulkhead
from recording.reconcile.sweep import put_back_event, put_back_letter, put_back_task, task_in
from recording.settings import Settings
from recording.telemetry import Event, emit

__all__ = ["Held", "Kind", "Redriven", "chunk_id", "list_held", "redrive"]


@dataclass(frozen=True)
class Redriven:
    """The outcome of a redrive: `sent` is queued; `skipped` was refused again or failed, or another worker has it."""

    sent: tuple[str, ...] = ()
    skipped: tuple[str, ...] = ()


def list_held(ports: Ports, settings: Settings, chosen: HeldFilter | None = None) -> list[Held]:
    """Return all matching held items: those that can still be saved first, by time left.

    Raises:
        RequestError: `unknown_id`, `unknown_reason` or `unknown_recording`: the filter names nothing that exists.
        StorageError: when the catalog does not answer; another place that does not is an item of the list.
    """
    return [one for one, _ in find_held(ports, settings, chosen or HeldFilter())]


def redrive(ports: Ports, settings: Settings, chosen: HeldFilter, *, dry_run: bool = False) -> Redriven:
    """Re-queue the matching held items, each on its own; a dry run only reports them.

    Raises:
        RequestError: `unknown_id`, `unknown_reason` or `unknown_recording`.
        StorageError: when storage does not answer; what was sent until then stays sent, the rest is held as before. An
            item for which alone it does not is skipped.
    """
    pairs = find_held(ports, settings, chosen)
    if dry_run:
        return Redriven(tuple(one.id for one, _ in pairs))
    return _redrive(pairs, ports, settings)


def redrive_these(ids: Set[str], ports: Ports, settings: Settings) -> Redriven:
    """Re-queue the held items with these ids, after one look at everything that is held.

    Raises:
        StorageError: as `redrive`.
    """
    return _redrive([pair for pair in find_held(ports, settings, HeldFilter()) if pair[0].id in ids], ports, settings)


def _redrive(pairs: Sequence[tuple[Held, Found]], ports: Ports, settings: Settings) -> Redriven:
    bulkhead = Bulkhead()
    messages = {one.id for one, _ in pairs if one.kind is Kind.POISONED}
    taken = _put_back_messages(messages, ports, settings, bulkhead)
    outcomes = dict(
        bulkhead.each(
            pairs,
            lambda pair: (pair[0].id, pair[0].id in taken or _put_back(*pair, ports, settings)),
            "held",
            lambda pair: pair[0].id,
        )
    )
    sent = tuple(one.id for one, _ in pairs if outcomes.get(one.id))
    raise_outage(bulkhead, sent)
    return Redriven(sent, tuple(one.id for one, _ in pairs if not outcomes.get(one.id)))


def raise_outage(bulkhead: Bulkhead, done: Sized) -> None:
    """Raise what failed where storage itself does not answer; one item that fails has only been skipped.

    Raises:
        StorageError: nothing was done, or many in a row failed.
    """
    if bulkhead.outage is not None and (bulkhead.is_blind or not done):
        raise bulkhead.outage


def _put_back(one: Held, found: Found, ports: Ports, settings: Settings) -> bool:
    if isinstance(found, ChunkRecord):
        return _put_back_chunk(found, ports)
    if isinstance(found, DeadLetter):
        put_back_letter(found, ports, settings)
        return True
    if isinstance(found, tuple):
        done = [
            _put_back_entry(one.kind, name, entry, ports, settings) for name, entry in found
        ]  # all of them, even after a refusal
        return all(done)
    return False  # the sweep has the message by now, or it was kept as unreadable; or it is a row


def _put_back_chunk(record: ChunkRecord, ports: Ports) -> bool:
    """Save the chunk PENDING before its task is sent: if sending fails, reconcile finds it overdue and sends it."""
    try:
        ports.catalog.save_chunk(redriven(record, ports.clock.now()))
    except ClaimLostError:
        return False
    ports.queue.send(record.task)
    emit(Event.REDRIVEN, reason="asked_for", state=record.state, **ids_of(record.task))
    return True


def _put_back_entry(kind: Kind, name: str, entry: QuarantineEntry, ports: Ports, settings: Settings) -> bool:
    if kind is Kind.CONFLICT:
        return _put_back_task(name, entry, ports, settings)
    if entry.origin.is_beside_the_line:
        return _put_back_message(name, entry, ports)
    return _put_back_event(name, entry, ports, settings)


def _put_back_message(name: str, entry: QuarantineEntry, ports: Ports) -> bool:
    """Send a guard or an event for receivers again if this version reads it; any other message is asked for anew."""
    if entry.origin is Origin.GUARDS_QUEUE and ports.guards is not None and read_guard(entry.payload):
        ports.guards.send_again(entry.payload, timedelta())
    elif entry.origin is Origin.OUTBOX_QUEUE and ports.outgoing is not None and read_task(entry.payload):
        ports.outgoing.queue.send_again(entry.payload, timedelta())
    else:
        return False
    _mark(name, ports)
    return True


def _put_back_task(name: str, entry: QuarantineEntry, ports: Ports, _settings: Settings) -> bool:
    """Send the task of other bytes again: they are compared with the archived ones again."""
    ports.queue.send(ChunkTask.model_validate_json(entry.payload))
    _mark(name, ports)
    return True


def _put_back_event(name: str, entry: QuarantineEntry, ports: Ports, settings: Settings) -> bool:
    """Ingest a refused event again, by all the rules; it passes if the setting that refused it has changed."""
    events, rest = events_in(entry.payload)
    if rest is not None:
        return False
    try:
        for envelope in events:
            take_event(envelope, entry.origin, ports, settings)
    except (EventRejectedError, UnsafeLocationError):
        return False
    _mark(name, ports)
    return True


def _mark(name: str, ports: Ports) -> None:
    ports.quarantine.mark_redriven(name, ports.clock.now())
    emit(Event.REDRIVEN, reason="asked_for", entry=name)


def _put_back_messages(ids: Set[str], ports: Ports, settings: Settings, bulkhead: Bulkhead) -> set[str]:
    """Receive the messages, since peeked ones have no receipt; return which of them are queued again."""
    if not ids:
        return set()

    def put_back(message: PoisonMessage) -> str:
        task = task_in(message, ports.clock.now(), settings)
        if task is not None:
            put_back_task(task, message, ports, settings)
        return message.id if task is not None else ""

    def put_back_one_event(message: PoisonMessage) -> str:
        put_back_event(message, ports, settings)
        return message.id

    taken: set[str] = set()
    for receive, work in ((ports.queue.poisoned, put_back), (ports.queue.poisoned_events, put_back_one_event)):
        chosen = (message for message in bulkhead.readable(receive(), "held") if message.id in ids)
        taken.update(bulkhead.each(chosen, work, "held", lambda message: message.id))
    return (taken | put_back_these(ids, ports, bulkhead)) - {""}
