"""Request a follow-up: what is derived from a recording is never in the way of the recording itself (I14)."""

from threading import Lock

from recording.errors import RecordingError
from recording.errors.codes import Code
from recording.ports import Ports
from recording.ports.bulkhead import ODD_CONTENT
from recording.telemetry import Event, emit

MOST_FAILURES = 3  # of one run; each costs the time-outs of a queue that does not answer


def request_follow_up(recording_id: str, ports: Ports) -> bool:
    """Ask that the directory be brought up to date; a queue that fails is reported, and reconcile asks again."""
    if ports.follow_ups is None:
        return True
    try:
        ports.follow_ups.send(recording_id)
    except (RecordingError, OSError, *ODD_CONTENT) as error:
        code = error.code if isinstance(error, RecordingError) else Code.INTERNAL_ERROR
        emit(Event.FOLLOW_UP_FAILED, code=code, reason="not_sent", recording_id=recording_id)
        return False
    return True


class FollowUpRequests:
    """The requests of one run over many recordings; they end soon after the queue has failed MOST_FAILURES times.

    Several threads may ask at once, so those that are on their way by then still fail.
    """

    def __init__(self, ports: Ports) -> None:
        self._ports = ports
        self._failures = 0
        self._counting = Lock()

    def request(self, recording_id: str) -> None:
        """Ask for one, unless the queue has failed too often in this run."""
        if self._failures >= MOST_FAILURES or request_follow_up(recording_id, self._ports):
            return
        with self._counting:
            self._failures += 1
