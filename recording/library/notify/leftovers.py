"""Leftovers: what the host gave up on in the queues beside the line goes back to its queue, and is removed after that.

In doubt a message is in both places, never in none: what these queues ask for can be done twice. What the line's own
queues leave is reconcile's (`reconcile.sweep`).
"""

from collections.abc import Set
from functools import partial

from recording.ports import PoisonMessage, Ports
from recording.ports.bulkhead import Bulkhead
from recording.ports.queues import Leftovers
from recording.telemetry import Event, emit

MOST = 1000  # messages of one queue in one run; the next one goes on


def put_back_all(ports: Ports, bulkhead: Bulkhead) -> int:
    """Put back the messages of each poison queue; returns how many. A failing one does not delay the others."""
    leftovers = ports.leftovers
    if leftovers is None:
        return 0
    count = 0
    for name in leftovers.names:
        received = bulkhead.part(partial(leftovers.received, name, MOST), list[PoisonMessage](), name)
        count += len(bulkhead.each(received, partial(put_back, name, leftovers), name, lambda message: message.id))
    return count


def put_back(name: str, leftovers: Leftovers, message: PoisonMessage) -> None:
    """Enqueue a message as it came, then remove it from the poison queue.

    Raises:
        StorageError: storage does not answer; the message is still there, or in both.
    """
    leftovers.put_back(name, message)
    emit(Event.REDRIVEN, reason="poisoned", queue=name)


def put_back_these(ids: Set[str], ports: Ports) -> set[str]:
    """Put back the messages of these ids, as an operator asks; returns which of them were there.

    Raises:
        StorageError: storage does not answer; what was put back until then is at work.
    """
    done: set[str] = set()
    if not ids or ports.leftovers is None:
        return done
    for name in ports.leftovers.names:
        for message in ports.leftovers.received(name, MOST):
            if message.id in ids:
                put_back(name, ports.leftovers, message)
                done.add(message.id)
    return done
