"""Unread messages: what a queue's reader cannot read is quarantined and reported, never dropped."""

from recording.domain.ids import without_numbers
from recording.domain.incoming.named import recordings_named
from recording.domain.state.quarantine import Origin
from recording.errors.codes import Code
from recording.ports import Ports, QuarantineEntry
from recording.telemetry import Event, emit

LONGEST = 256 * 1024  # characters; a message of a queue has at most 64 KiB


def keep_unread(text: str, came_from: Origin, ports: Ports) -> None:
    """Quarantine a message that is not one of its queue's, for an operator; the message itself may go.

    Raises:
        StorageError: it could not be stored; the host delivers the message again.
    """
    detail = f"a message of {came_from.value} is not one that this version reads"
    named = recordings_named(text) or frozenset()
    recording_id = next(iter(named)) if len(named) == 1 else None
    entry = QuarantineEntry(
        reason=Code.UNREADABLE_TASK,
        detail=detail,
        payload=without_numbers(text)[:LONGEST],
        came_from=came_from,
        at=ports.clock.now(),
        recording_id=recording_id,
    )
    name = ports.quarantine.put(entry)
    emit(
        Event.EVENT_REJECTED,
        reason=entry.reason,
        detail=detail,
        came_from=came_from,
        entry=name,
        recording_id=recording_id,
    )
