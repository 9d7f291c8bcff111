"""Trail, quarantine, queues and dead letters within a scope; items that name no recording are not shown."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime, timedelta

from recording.control.tenants.reach import Reach
from recording.domain.incoming.named import recordings_named
from recording.domain.state.chunk import ChunkTask
from recording.ports import (
    AuditEntry,
    AuditTrail,
    ChunkQueue,
    DeadLetter,
    DeadLetters,
    Peeked,
    PoisonMessage,
    Quarantine,
    QuarantineEntry,
    QueueDepth,
    Unreadable,
)

OUT_OF_REACH = "out of reach"


class ScopedAudit:
    """The audit trail within a scope."""

    def __init__(self, whole: AuditTrail, reach: Reach) -> None:
        self._whole, self._reach = whole, reach

    def add(self, entry: AuditEntry) -> None:
        """Act as `AuditTrail` does.

        A request for a recording outside the scope leaves a row for those who see all, in no recording's timeline.
        """
        if entry.recording_id is not None and not self._reach.has(entry.recording_id):
            said = "; ".join(text for text in (entry.note, f"{OUT_OF_REACH}: {entry.recording_id}") if text)
            entry = replace(entry, recording_id=None, note=said)
        self._whole.add(entry)

    def entries(self, since: datetime) -> Iterator[AuditEntry]:
        """Act as `AuditTrail` does."""
        return self._reach.only(
            self._whole.entries(since), lambda one: frozenset({one.recording_id}) if one.recording_id else None
        )

    def entries_about(self, recording_id: str) -> Iterator[AuditEntry]:
        """Act as `AuditTrail` does."""
        return self._whole.entries_about(recording_id) if self._reach.has(recording_id) else iter(())


class ScopedQuarantine:
    """The quarantine's entries that are only about recordings within a scope."""

    def __init__(self, whole: Quarantine, reach: Reach) -> None:
        self._whole, self._reach = whole, reach

    def put(self, entry: QuarantineEntry) -> str:
        """Act as `Quarantine` does."""
        return self._whole.put(entry)

    def mark_redriven(self, name: str, at: datetime) -> None:
        """Act as `Quarantine` does."""
        self._whole.mark_redriven(name, at)

    def mark_dismissed(self, name: str, at: datetime, note: str) -> None:
        """Act as `Quarantine` does."""
        self._whole.mark_dismissed(name, at, note)

    def entries(self) -> Iterator[tuple[str, QuarantineEntry]]:
        """Act as `Quarantine` does."""
        return self._reach.only(self._whole.entries(), lambda pair: _named_in(pair[1]))


class ScopedQueue:
    """The queues within a scope; their depth would reveal something about other tenants, and is not shown."""

    def __init__(self, whole: ChunkQueue, reach: Reach) -> None:
        self._whole, self._reach = whole, reach

    def send(self, task: ChunkTask, delay: timedelta = timedelta()) -> None:
        """Act as `ChunkQueue` does."""
        self._whole.send(task, delay)

    def send_again(self, body: str, delay: timedelta = timedelta()) -> None:
        """Act as `ChunkQueue` does."""
        self._whole.send_again(body, delay)

    def poisoned(self) -> Iterator[PoisonMessage]:
        """Act as `ChunkQueue` does."""
        return self._reach.only(self._whole.poisoned(), _named_in_message)

    def poisoned_events(self) -> Iterator[PoisonMessage]:
        """Act as `ChunkQueue` does."""
        return self._reach.only(self._whole.poisoned_events(), _named_in_message)

    def depths(self) -> list[QueueDepth]:
        """Return nothing."""
        return []

    def peek_poisoned(self) -> Peeked:
        """Act as `ChunkQueue` does; own messages may well be behind those of others that filled what is shown."""
        seen = self._whole.peek_poisoned()
        return replace(seen, messages=tuple(self._reach.only(seen.messages, _named_in_message)))

    def remove_poisoned(self, message: PoisonMessage) -> None:
        """Act as `ChunkQueue` does."""
        self._whole.remove_poisoned(message)


class ScopedDeadLetters:
    """Dead letters within a scope."""

    def __init__(self, whole: DeadLetters, reach: Reach) -> None:
        self._whole, self._reach = whole, reach

    def letters(self, after: str = "") -> Iterator[DeadLetter | Unreadable]:
        """Act as `DeadLetters` does; a listing without visible items is followed by the next one."""
        while listed := list(self._whole.letters(after)):
            readable = [one for one in listed if isinstance(one, DeadLetter)]
            found = list(self._reach.only(readable, lambda one: recordings_named(one.body)))
            if found:
                yield from found
                return
            after = max(one.name if isinstance(one, DeadLetter) else one.where for one in listed)

    def remove(self, letter: DeadLetter) -> None:
        """Act as `DeadLetters` does."""
        self._whole.remove(letter)


def _named_in_message(message: PoisonMessage) -> frozenset[str] | None:
    return recordings_named(message.body)


def _named_in(entry: QuarantineEntry) -> frozenset[str] | None:
    """Return the recordings that an entry is about, by its own fields and by its payload."""
    named = recordings_named(entry.payload)
    if named is None or entry.recording_id is None:
        return named
    return named | {entry.recording_id}
