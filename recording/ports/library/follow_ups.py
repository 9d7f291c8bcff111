"""Request a follow-up: work derived from a recording never delays the recording itself (I14)."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from threading import Lock

from recording.errors import RecordingError
from recording.errors.codes import Code
from recording.ports import Ports
from recording.ports.bulkhead import ODD_CONTENT
from recording.telemetry import Event, emit

WHILE_BUSY = timedelta(seconds=45)
MOST_FAILURES = 3  # per run; each costs the time-outs of a queue that does not answer


def request_follow_up(recording_id: str, ports: Ports, delay: timedelta = timedelta()) -> bool:
    """Request an update of the directory; a failing queue is reported, and reconcile requests it again."""
    if ports.follow_ups is None:
        return True
    try:
        ports.follow_ups.send(recording_id, delay=delay)
    except (RecordingError, OSError, *ODD_CONTENT) as error:
        code = error.code if isinstance(error, RecordingError) else Code.INTERNAL_ERROR
        emit(Event.FOLLOW_UP_FAILED, code=code, reason="not_sent", recording_id=recording_id)
        return False
    return True


class Turns:
    """The turns that this process works on now; a follow-up would compete with them."""

    def __init__(self) -> None:
        self._count = 0
        self._counting = Lock()

    @contextmanager
    def one_more(self) -> Iterator[None]:
        """Count a turn for as long as it lasts."""
        with self._counting:
            self._count += 1
        try:
            yield
        finally:
            with self._counting:
                self._count -= 1

    def delay(self) -> timedelta:
        """Return the delay of a follow-up: none when no other turn is running, else nearly a minute (I10)."""
        return WHILE_BUSY if self._count else timedelta()


class FollowUpRequests:
    """The requests of one run over many recordings; they stop soon after the queue has failed MOST_FAILURES times.

    Several threads may request at once, so those in progress by then still fail.
    """

    def __init__(self, ports: Ports) -> None:
        self._ports = ports
        self._failures = 0
        self._counting = Lock()

    def request(self, recording_id: str) -> None:
        """Request one, unless the queue has failed too often in this run."""
        if self._failures >= MOST_FAILURES or request_follow_up(recording_id, self._ports):
            return
        with self._counting:
            self._failures += 1
