"""Round trip: the doctor sends an event on each delivery path and waits until the app has recognised it."""

import secrets
from datetime import timedelta

from recording.domain.incoming.probe_event import WAITING, note_of, probe_event
from recording.errors import StorageError
from recording.ports import Catalog, Ports
from recording.ports.probe import EventSender

PATIENCE = timedelta(seconds=20)  # the host polls queues every two seconds
PAUSE = timedelta(milliseconds=500)


def by_queue(ports: Ports, sender: EventSender) -> timedelta | None:
    """Return how long the queue path took; None when the event was not taken in time and was removed.

    Raises:
        StorageError: storage does not answer.
    """
    nonce = secrets.token_hex(16)
    began = ports.clock.now()
    with _Waiting(ports.catalog, nonce) as waiting:
        take_back = sender.queue_event(probe_event(nonce, began))
        if not waiting.until("event_queue", sender):
            take_back()
            return None
    return ports.clock.now() - began


def by_post(ports: Ports, sender: EventSender) -> bool | None:
    """Return whether the function recognised a posted event; None where it cannot be posted from here.

    Raises:
        StorageError: storage or the function do not answer.
    """
    nonce = secrets.token_hex(16)
    with _Waiting(ports.catalog, nonce) as waiting:
        if not sender.post_event(probe_event(nonce, ports.clock.now())):
            return None
        return waiting.until("event_grid", sender)


class _Waiting:
    """A row in the catalog saying that an event is awaited; it is removed at the end in any case."""

    def __init__(self, catalog: Catalog, nonce: str) -> None:
        self._catalog, self._note = catalog, note_of(nonce)

    def __enter__(self) -> "_Waiting":
        self._catalog.save_cursor(self._note, WAITING)
        return self

    def __exit__(self, *_: object) -> None:
        try:
            self._catalog.save_cursor(self._note, "")
        except StorageError:  # leaves a row of a few bytes that nothing reads
            return

    def until(self, came_from: str, sender: EventSender) -> bool:
        """Wait until the event arrived, and return whether it did."""
        for _ in range(int(PATIENCE / PAUSE)):
            if self._catalog.cursor(self._note) == came_from:
                return True
            sender.pause(PAUSE)
        return self._catalog.cursor(self._note) == came_from
