"""Unread content: what is refused, or cannot be read, is quarantined and reported, never dropped."""

from dataclasses import replace

from recording.domain.incoming.delivery import as_kept
from recording.domain.incoming.named import recordings_named
from recording.domain.state.quarantine import Origin
from recording.errors.codes import Code
from recording.ports import Ports, QuarantineEntry
from recording.telemetry import Event, emit

# Characters kept. An event has up to 1 MiB at Event Grid, and up to thrice as much with its letters escaped; one that
# is cut could never be redriven.
LONGEST_PAYLOAD = 4 * 1024 * 1024


def keep_and_report(entry: QuarantineEntry, ports: Ports) -> None:
    """Quarantine content that is refused, and report it with the name of its entry.

    Raises:
        StorageError: it could not be stored.
    """
    name = ports.quarantine.put(replace(entry, payload=entry.payload[:LONGEST_PAYLOAD]))
    emit(
        Event.EVENT_REJECTED,
        reason=entry.reason,
        detail=entry.detail,
        came_from=entry.came_from,
        entry=name,
        recording_id=entry.recording_id,
        index=entry.index,
    )


def keep_unread(text: str, came_from: Origin, ports: Ports) -> None:
    """Quarantine a message that is not one of its queue's, for an operator; the message itself may go.

    Raises:
        StorageError: it could not be stored; the host delivers the message again.
    """
    named = recordings_named(text) or frozenset()
    recording_id = next(iter(named)) if len(named) == 1 else None
    entry = QuarantineEntry(
        reason=Code.UNREADABLE_TASK,
        detail=f"a message of {came_from.value} is not one that this version reads",
        payload=as_kept(text),
        came_from=came_from,
        at=ports.clock.now(),
        recording_id=recording_id,
    )
    keep_and_report(entry, ports)
