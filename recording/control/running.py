"""Concurrent recordings: a caller has a number of places, and a start takes one; finished recordings free theirs.

A start reads and writes one row, however many recordings there are. Only when every place is taken are their recordings
checked, and ACS is asked about a few that seem to be still running (docs/adr/0031).
"""

from contextlib import suppress
from datetime import timedelta

from recording.control.notes import acs_id_of
from recording.domain.incoming.running import Place, RunningCount
from recording.domain.state.recording import RecordingRecord
from recording.domain.watched.expectation import is_known_over
from recording.errors import ControlError, RequestError, StorageError
from recording.errors.codes import Code
from recording.ports import Ports
from recording.ports.start_counts import RunningCounts

LONGEST_ASKED, OTHERS_ASKED = 2, 3  # recordings that ACS is asked about for one refused start
WAIT = timedelta(seconds=30)
Seeming = tuple[Place, str, RecordingRecord]  # a place, and the recording that seems to run in it
_MOST_RACES = 50  # each lost one is another start of the same caller at the same moment


def take_place(key: str, caller: str | None, limit: int | None, ports: Ports) -> None:
    """Take a place for a start, unless the caller has reached the limit of running recordings.

    Args:
        key: of the start's reservation; the same key takes no second place.
        caller: the caller from the platform's sign-in; all key holders without one are one caller.
        limit: how many may run at once; None: any number, and nothing is counted.
        ports: what the use case touches.

    Raises:
        RequestError: `too_many_running` (429), with the time to wait.
        StorageError: the places cannot be read or written; nothing was done.
    """
    if limit is None or ports.running is None:
        return
    whole, counts = ports.beneath or ports, ports.running
    for _ in range(_MOST_RACES):
        known = counts.get(caller) or RunningCount(caller)
        if known.has(key):
            return
        now = ports.clock.now()
        wanted = known.with_place(key, limit, now) or known.without(_given_back(known, whole)).with_place(
            key, limit, now
        )
        if wanted is None:
            message = f"{limit} recordings of this caller run already; stop one, or wait until one is over"
            raise RequestError(message, code=Code.TOO_MANY_RUNNING, retry_after=WAIT)
        if counts.save(wanted):
            return
    raise RequestError(
        "other starts of the same caller keep interfering; send the same again",
        code=Code.TOO_MANY_RUNNING,
        retry_after=WAIT,
    )


def give_back(key: str, caller: str | None, limit: int | None, ports: Ports) -> None:
    """Release the place of a start that ACS refused; one that cannot be released now is free in some minutes."""
    if limit is None or ports.running is None:
        return
    with suppress(StorageError):
        _without(key, caller, ports.running)


def _without(key: str, caller: str | None, counts: RunningCounts) -> None:
    for _ in range(_MOST_RACES):
        known = counts.get(caller)
        if known is None or not known.has(key) or counts.save(known.without({key})):
            return


def _given_back(known: RunningCount, ports: Ports) -> set[str]:
    """Return the places of starts that failed, and of recordings that are over."""
    started = {place: _recording_of(place, ports) for place in known.places}
    now = ports.clock.now()
    free = {place.key for place, name in started.items() if name is None and place.is_untold(now)}
    noted = [(place, name) for place, name in started.items() if name is not None]
    rows = ports.catalog.get_recordings([name for _, name in noted])
    left: list[Seeming] = []
    for (place, name), row in zip(noted, rows, strict=True):
        if row is None or (isinstance(row, RecordingRecord) and is_known_over(row)):
            free.add(place.key)
        elif isinstance(row, RecordingRecord):
            left.append((place, name, row))
    if not free:
        free |= {place.key for place, name, row in _to_ask(left, ports.jitter()) if _is_gone(name, row, ports)}
    return free


def _to_ask(left: list[Seeming], chance: float) -> list[Seeming]:
    """Return those that run longest, and some of the others by chance: long recordings hide none that is over."""
    longest, others = left[:LONGEST_ASKED], left[LONGEST_ASKED:]
    start = int(chance * len(others))
    return [*longest, *(others[start:] + others[:start])[:OTHERS_ASKED]]


def _recording_of(place: Place, ports: Ports) -> str | None:
    reservation = ports.catalog.get_reservation(place.key)
    return reservation.recording_id if reservation is not None else None


def _is_gone(recording_id: str, record: RecordingRecord, ports: Ports) -> bool:
    """Return whether ACS no longer knows a recording; without an answer, it may be running."""
    try:
        return ports.control.state(acs_id_of(recording_id, record)) is None
    except ControlError:
        return False
