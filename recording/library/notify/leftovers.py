"""Leftovers: re-queue messages of the secondary queues that the host gave up on, and only then remove them.

In doubt a message is in both places, never in neither: the work of these queues may be done twice. The queues of events
and chunks are swept by reconcile (`reconcile.sweep`).
"""

from collections.abc import Set
from functools import partial

from recording.ports import PoisonMessage, Ports
from recording.ports.bulkhead import MOST_IN_A_ROW, Bulkhead, from_anywhere
from recording.ports.queues import Leftovers
from recording.telemetry import Event, emit

MOST = 1000  # messages of one queue in one run; the next run continues


def put_back_all(ports: Ports, bulkhead: Bulkhead) -> int:
    """Re-queue the messages of each poison queue; return how many. A failing queue does not delay the others."""
    leftovers = ports.leftovers
    if leftovers is None:
        return 0
    count = 0
    for name in leftovers.names:
        received = bulkhead.part(partial(leftovers.received, name, MOST), list[PoisonMessage](), name)
        turned = from_anywhere(received, ports.jitter) if len(received) > MOST_IN_A_ROW else received
        count += len(bulkhead.each(turned, partial(put_back, name, leftovers), name, lambda message: message.id))
    return count


def put_back(name: str, leftovers: Leftovers, message: PoisonMessage) -> None:
    """Enqueue a message unchanged, then remove it from the poison queue.

    Raises:
        StorageError: storage does not answer; the message is still there, or in both queues.
    """
    leftovers.put_back(name, message)
    emit(Event.REDRIVEN, reason="poisoned", queue=name)


def put_back_these(ids: Set[str], ports: Ports, bulkhead: Bulkhead) -> set[str]:
    """Re-queue the messages with these ids for an operator, each on its own; return those that are queued again."""
    done: set[str] = set()
    if not ids or (leftovers := ports.leftovers) is None:
        return done

    def put_back_one(name: str, message: PoisonMessage) -> str:
        put_back(name, leftovers, message)
        return message.id

    for name in leftovers.names:
        received = bulkhead.part(partial(leftovers.received, name, MOST), list[PoisonMessage](), name)
        chosen = [message for message in received if message.id in ids]
        done.update(bulkhead.each(chosen, partial(put_back_one, name), name, lambda message: message.id))
    return done
