"""Held: what waits for a person or for the next sweep, the most urgent first, and the way back to work.

Four places hold things: the catalog has chunks that ended QUARANTINED or EXPIRED; the quarantine container has events
and messages that were refused; the poison queues have messages that the host gave up on; the dead letters are events
that Event Grid could not deliver. The last two go back to work by themselves (`sweeping`); the first two only when a
person asks. What is refused once more stays as it was, so nothing comes round for ever.
"""

import json
from collections.abc import Iterator, Set
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any

from recording.archive.claim import ids_of
from recording.domain import retention
from recording.domain.chunk import ChunkRecord, ChunkTask
from recording.domain.events import read_time
from recording.domain.requests import HeldFilter
from recording.domain.transitions import redriven
from recording.errors import ClaimLostError, EventRejectedError, UnsafeLocationError
from recording.ingest import take_event
from recording.ports import DeadLetter, PoisonMessage, Ports, QuarantineEntry
from recording.reconcile.sweep import put_back_event, put_back_letter, put_back_task, task_in
from recording.settings import Settings
from recording.telemetry import Event, emit

FROM_A_CHUNK = "archive"  # such an entry tells of a chunk that the catalog holds; it is not listed twice


class Kind(StrEnum):
    """What kind of thing is held."""

    CHUNK = "chunk"
    REFUSED = "refused"  # an event or a message in the quarantine container
    POISONED = "poisoned"  # a task or an event in a poison queue
    DEAD_LETTER = "dead_letter"  # events that Event Grid could not deliver


@dataclass(frozen=True)
class Held:
    """One thing that is held.

    Attributes:
        id: names it among all that is held.
        payload: what it is about, as it came: an event, a task, or whatever lay there.
        at: since when.
        attempts: how often it was tried.
        redrives: how often a person put it back.
        time_left: until ACS may forget the media, as far as that can be told.
    """

    id: str
    kind: Kind
    reason: str
    at: datetime
    payload: str
    recording_id: str | None = None
    document_id: str | None = None
    index: int | None = None
    attempts: int = 0
    redrives: int = 0
    event_time: datetime | None = None
    time_left: timedelta | None = None


@dataclass(frozen=True)
class Chosen:
    """Which of the held things are meant; what is None does not matter. `before` and `after` are times of events."""

    id: str | None = None
    reason: str | None = None
    recording_id: str | None = None
    before: datetime | None = None
    after: datetime | None = None

    @classmethod
    def by(cls, request: HeldFilter) -> "Chosen":
        """As a request says."""
        return cls(request.id, request.reason, request.recording_id, request.before, request.after)

    def has(self, held: Held) -> bool:
        """Whether this one is meant."""
        equal = {"id": held.id, "reason": held.reason, "recording_id": held.recording_id}
        if any(getattr(self, name) not in (None, value) for name, value in equal.items()):
            return False
        happened = held.event_time or held.at
        return (self.before is None or happened < self.before) and (self.after is None or happened >= self.after)


@dataclass(frozen=True)
class Redriven:
    """What a redrive did: `sent` is back at work; `skipped` was refused again, or somebody else has it just now."""

    sent: tuple[str, ...] = ()
    skipped: tuple[str, ...] = ()


_Found = ChunkRecord | QuarantineEntry | PoisonMessage | DeadLetter


def held(ports: Ports, settings: Settings, chosen: Chosen | None = None) -> list[Held]:
    """All that is held and meant: first what can still be saved, the least time left first.

    Raises:
        StorageError: when one of the four places does not answer.
    """
    return [one for one, _ in _chosen(ports, settings, chosen or Chosen())]


def redrive(ports: Ports, settings: Settings, chosen: Chosen, *, dry_run: bool = False) -> Redriven:
    """Puts what is held and meant back to work, under its own identity; a dry run only tells what is meant.

    First it is at work, then it is taken from where it was held: in doubt it is in both places, never in none.

    Raises:
        StorageError: when storage does not answer; what was sent until then stays sent, the rest is held as before.
    """
    pairs = _chosen(ports, settings, chosen)
    if dry_run:
        return Redriven(tuple(one.id for one, _ in pairs))
    taken = _put_back_messages({one.id for one, _ in pairs if one.kind is Kind.POISONED}, ports, settings)
    sent: list[str] = []
    skipped: list[str] = []
    for one, found in pairs:
        done = one.id in taken or _put_back(one, found, ports, settings)
        (sent if done else skipped).append(one.id)
    return Redriven(tuple(sent), tuple(skipped))


def chunk_id(record: ChunkRecord) -> str:
    """The id under which a held chunk is listed."""
    return f"{record.task.recording_id}/{record.key}"


def _chosen(ports: Ports, settings: Settings, chosen: Chosen) -> list[tuple[Held, _Found]]:
    found = ((one, thing) for one, thing in _all(ports, settings) if chosen.has(one))
    return sorted(found, key=lambda pair: _by_urgency(pair[0]))


def _all(ports: Ports, settings: Settings) -> Iterator[tuple[Held, _Found]]:
    now = ports.clock.now()
    for record in ports.catalog.held_chunks():
        yield _of_chunk(record, now), record
    for name, entry in ports.quarantine.entries():
        if entry.came_from != FROM_A_CHUNK and entry.redriven_at is None:
            yield _of_entry(name, entry, settings, now), entry
    for message in ports.queue.peek_poisoned():
        yield _of_message(message, settings, now), message
    for letter in ports.dead_letters.letters() if ports.dead_letters is not None else ():
        yield _of_letter(letter, settings, now), letter


def _put_back(one: Held, found: _Found, ports: Ports, settings: Settings) -> bool:
    match found:
        case ChunkRecord():
            return _put_back_chunk(found, ports)
        case QuarantineEntry():
            return _put_back_entry(one.id, found, ports, settings)
        case DeadLetter():
            put_back_letter(found, ports, settings)
            return True
        case PoisonMessage():  # the sweep has it by now, or it was kept as unreadable
            return False


def _put_back_chunk(record: ChunkRecord, ports: Ports) -> bool:
    """PENDING before its task is sent: if that never happens, reconcile finds it overdue and sends it."""
    try:
        ports.catalog.save_chunk(redriven(record, ports.clock.now()))
    except ClaimLostError:
        return False
    ports.queue.send(record.task)
    emit(Event.REDRIVEN, reason="asked_for", state=record.state, **ids_of(record.task))
    return True


def _put_back_entry(name: str, entry: QuarantineEntry, ports: Ports, settings: Settings) -> bool:
    """Judges a refused event again by all the rules; what passes now was refused for a setting that has changed."""
    try:
        content = json.loads(entry.payload)
        for envelope in content if isinstance(content, list) else [content]:
            take_event(envelope, entry.came_from, ports, settings)
    except (EventRejectedError, UnsafeLocationError, ValueError, RecursionError):
        return False
    ports.quarantine.mark_redriven(name, ports.clock.now())
    emit(Event.REDRIVEN, reason="asked_for", entry=name)
    return True


def _put_back_messages(ids: Set[str], ports: Ports, settings: Settings) -> set[str]:
    """Receives the messages, for those that were peeked at have no receipt; which of them are back at work."""
    taken: set[str] = set()
    if not ids:
        return taken
    for message in ports.queue.poisoned():
        if message.id in ids and (task := task_in(message)) is not None:
            put_back_task(task, message, ports)
            taken.add(message.id)
    for message in ports.queue.poisoned_events():
        if message.id in ids:
            put_back_event(message, ports, settings)
            taken.add(message.id)
    return taken


def _of_chunk(record: ChunkRecord, now: datetime) -> Held:
    return Held(
        id=chunk_id(record),
        kind=Kind.CHUNK,
        reason=record.quarantine_reason or record.last_error or record.state.lower(),
        at=record.changed_at,
        attempts=record.attempts,
        redrives=record.redrives,
        **_facts_of(record.task, now),
    )


def _of_entry(name: str, entry: QuarantineEntry, settings: Settings, now: datetime) -> Held:
    return Held(
        id=name,
        kind=Kind.REFUSED,
        reason=entry.reason,
        at=entry.at,
        payload=entry.payload,
        recording_id=entry.recording_id,
        document_id=entry.document_id,
        **_times_of(_first_event(entry.payload), entry.at, settings, now),
    )


def _of_message(message: PoisonMessage, settings: Settings, now: datetime) -> Held:
    at, task = message.at or now, task_in(message)
    if task is not None:
        return Held(message.id, Kind.POISONED, "poisoned", at, attempts=task.attempt, **_facts_of(task, now))
    times = _times_of(_first_event(message.body), at, settings, now)
    return Held(message.id, Kind.POISONED, "poisoned", at, payload=message.body, **times)


def _of_letter(letter: DeadLetter, settings: Settings, now: datetime) -> Held:
    event = _first_event(letter.body)
    attempts = event.get("deliveryattempts", 0)
    return Held(
        id=letter.name,
        kind=Kind.DEAD_LETTER,
        reason=str(event.get("deadletterreason", "unreadable_event"))[:64],
        at=letter.at,
        payload=letter.body,
        attempts=attempts if isinstance(attempts, int) else 0,
        **_times_of(event, letter.at, settings, now),
    )


def _first_event(text: str) -> dict[str, Any]:
    """The first event in a text by lower-case names (Event Grid and CloudEvents differ in capitals); or nothing."""
    try:
        content = json.loads(text)
        return {
            str(name).lower(): value for name, value in (content[0] if isinstance(content, list) else content).items()
        }
    except (ValueError, AttributeError, LookupError, RecursionError):
        return {}


def _facts_of(task: ChunkTask, now: datetime) -> dict[str, Any]:
    return {
        "payload": task.model_dump_json(),
        "recording_id": task.recording_id,
        "document_id": task.document_id,
        "index": task.index,
        "event_time": task.event_time,
        "time_left": retention.time_left(task.expires_at, now),
    }


def _times_of(event: dict[str, Any], at: datetime, settings: Settings, now: datetime) -> dict[str, Any]:
    """When the event was, if it tells, and what is left since then; it was no later than it came here."""
    try:
        time = min(read_time(event.get("eventtime") or event.get("time")), at)
    except ValueError:
        time = None
    expiry = retention.expires_at(time or at, settings.retention)
    return {"event_time": time, "time_left": retention.time_left(expiry, now)}


def _by_urgency(one: Held) -> tuple[bool, timedelta, str]:
    left = one.time_left if one.time_left is not None else timedelta.max
    return left <= timedelta(), left, one.id
