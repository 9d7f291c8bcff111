"""Describe every kind of held item in one form, and sort them by urgency."""

import json
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any

from recording.domain.ids import canonical_id, fuller_id, in_plain_letters, is_opaque_id, unescaped
from recording.domain.incoming.events import believable_time
from recording.domain.incoming.named import IN_SUBJECT
from recording.domain.outgoing.events import SubjectKind
from recording.domain.state.chunk import ChunkRecord, ChunkTask
from recording.domain.watched import deadline
from recording.errors.codes import Code
from recording.ports import DeadLetter, PoisonMessage, QuarantineEntry
from recording.reconcile.sweep import task_in
from recording.settings import Settings


class Kind(StrEnum):
    """The kind of a held item."""

    CHUNK = "chunk"
    REFUSED = "refused"  # an event or a message in the quarantine container
    CONFLICT = "conflict"  # a chunk's task in the quarantine container that the catalog does not report
    POISONED = "poisoned"  # a message in a poison queue
    DEAD_LETTER = "dead_letter"  # events that Event Grid could not deliver
    UNREADABLE = "unreadable"  # a row of the catalog that this version cannot read


@dataclass(frozen=True)
class Held:
    """One held item.

    Attributes:
        id: unique among all held items.
        reason: a code of docs/errors.md; for a dead letter Event Grid's own word.
        at: since when it is held.
        payload: its content, as received: an event, a task, or whatever was stored.
        state: of a chunk, in lower case.
        attempts: how often it was tried.
        redrives: how often an operator re-queued it.
        time_left: until ACS may delete the media, where known.
        entries: its quarantine entries, where one event was refused on several delivery paths.
        suspects: the names of media that awaits a decision; what `accept` takes as `blobName`.
    """

    id: str
    kind: Kind
    reason: str
    at: datetime
    payload: str
    recording_id: str | None = None
    document_id: str | None = None
    index: int | None = None
    state: str | None = None
    attempts: int = 0
    redrives: int = 0
    event_time: datetime | None = None
    time_left: timedelta | None = None
    entries: tuple[str, ...] = ()
    suspects: tuple[str, ...] = ()


def chunk_id(record: ChunkRecord) -> str:
    """Return a held chunk's id among all held items."""
    return f"{record.task.recording_id}/{record.key}"


def of_chunk(record: ChunkRecord, now: datetime) -> Held:
    """Describe a chunk that the line has given up."""
    return Held(
        id=chunk_id(record),
        kind=Kind.CHUNK,
        reason=record.quarantine_reason or record.last_error or record.state.lower(),
        at=record.changed_at,
        state=record.state.lower(),
        attempts=record.attempts,
        redrives=record.redrives,
        suspects=tuple(suspect.blob_name for suspect in record.suspects),
        **_chunk_fields(record.task, now),
    )


def of_entry(name: str, entry: QuarantineEntry, task: ChunkTask | None, settings: Settings, now: datetime) -> Held:
    """Describe a quarantine entry; with its task where it holds one."""
    kind = Kind.REFUSED if task is None else Kind.CONFLICT
    if task is not None:
        fields = _chunk_fields(task, now)
    else:
        event = first_event(entry.payload)
        fields = {
            "payload": entry.payload,
            "recording_id": entry.recording_id or recording_of(event),
            "document_id": entry.document_id,
            **({} if entry.origin.is_beside_the_line else _times_of(event, entry.at, settings, now)),
        }
    return Held(id=name, kind=kind, reason=entry.reason, at=entry.at, entries=(name,), **fields)


def of_message(message: PoisonMessage, settings: Settings, now: datetime) -> Held:
    """Describe a message that the host gave up on."""
    at, task = message.at or now, task_in(message, now, settings)
    if task is not None:
        return Held(message.id, Kind.POISONED, "poisoned", at, attempts=task.attempt, **_chunk_fields(task, now))
    event = first_event(message.body)
    fields = {"recording_id": recording_of(event), **_times_of(event, at, settings, now)}
    return Held(message.id, Kind.POISONED, "poisoned", at, payload=message.body, **fields)


def of_leftover(message: PoisonMessage, now: datetime) -> Held:
    """Describe a message of another queue that the host gave up on."""
    found = first_event(message.body)
    subject = found.get("subject")
    named = found.get("recordingid")
    if isinstance(subject, dict) and subject.get("kind") == SubjectKind.RECORDING:
        named = subject.get("id")
    name = canonical_id(named) if isinstance(named, str) and is_opaque_id(named) else None
    return Held(message.id, Kind.POISONED, "poisoned", message.at or now, payload=message.body, recording_id=name)


def of_letter(letter: DeadLetter, settings: Settings, now: datetime) -> Held:
    """Describe events that Event Grid could not deliver."""
    event = first_event(letter.body)
    attempts = event.get("deliveryattempts", 0)
    return Held(
        id=letter.name,
        kind=Kind.DEAD_LETTER,
        reason=str(event.get("deadletterreason", Code.UNREADABLE_EVENT))[:64],
        at=letter.at,
        payload=letter.body,
        recording_id=recording_of(event),
        attempts=attempts if isinstance(attempts, int) else 0,
        **_times_of(event, letter.at, settings, now),
    )


def by_urgency(one: Held) -> tuple[bool, timedelta, str]:
    """Sort items that can still be saved first, by time left, then the rest."""
    left = one.time_left if one.time_left is not None else timedelta.max
    return left <= timedelta(), left, one.id


def first_event(text: str) -> dict[str, Any]:
    """Read the first event in a text, with names in lower case (Event Grid and CloudEvents differ in capitals)."""
    try:
        content = json.loads(text)
        return {
            str(name).lower(): value for name, value in (content[0] if isinstance(content, list) else content).items()
        }
    except (ValueError, AttributeError, LookupError, RecursionError):
        return {}


def recording_of(event: dict[str, Any]) -> str | None:
    """Return the recording id in an event's subject or data, if it has the form of an id."""
    found = IN_SUBJECT.search(str(event.get("subject") or ""))
    data = event.get("data")
    told, in_data = found[1] if found else None, data.get("recordingId") if isinstance(data, dict) else None
    in_subject, in_data = (
        in_plain_letters(unescaped(one)) if isinstance(one, str) else None for one in (told, in_data)
    )
    plain = fuller_id(in_subject, in_data) if in_subject else in_data or ""
    return canonical_id(plain) if is_opaque_id(plain) else None


def _chunk_fields(task: ChunkTask, now: datetime) -> dict[str, Any]:
    return {
        "payload": task.model_dump_json(),
        "recording_id": task.recording_id,
        "document_id": task.document_id,
        "index": task.index,
        "event_time": task.event_time,
        "time_left": deadline.time_left(task.expires_at, now),
    }


def _times_of(event: dict[str, Any], at: datetime, settings: Settings, now: datetime) -> dict[str, Any]:
    """Return the event's time, if it has a plausible one, and the time left since then; no later than its arrival."""
    told = believable_time(event.get("eventtime") or event.get("time"), at)
    time = min(told, at) if told is not None else None
    try:
        left = deadline.time_left(deadline.expires_at(time or at, settings.retention), now)
    except OverflowError:
        left = None
    return {"event_time": time, "time_left": left}
