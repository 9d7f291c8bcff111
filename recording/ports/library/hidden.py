"""Hidden: recordings that an approved erasure covers can no longer be found, played or exported.

A hold makes a recording visible again to those who need it as evidence. A request about one speaker hides the recording
until the voice is removed, or that is refused. Covered recordings are on a list, written before the approval is saved
and confirmed by the request's own row, so checking one costs the same however many requests there are (ADR 0066).
"""

from collections.abc import Callable, Iterable, Iterator

from recording.domain.ids import name_of
from recording.domain.keep.custody import Custody
from recording.domain.keep.erasure import Covering, Scope
from recording.errors import RequestError, StorageError
from recording.errors.codes import OF_ONE_ROW, Code
from recording.ports import Ports, Unreadable
from recording.ports.library.keeping import Covered, Keeping

FEW = 3  # so many recordings are checked one by one
FEW_ASKED = 20  # for so many recordings a long list is not read to its end


def hidden_recordings(ports: Ports) -> Callable[[str], bool]:
    """Return a test for whether a recording is hidden, for use on many.

    One page of the list is read once, then the own entries of the recordings on it. Where the list is longer than a
    page, each recording is looked up, and after some of them the rest of the list is read.

    Raises:
        StorageError: requests or rows do not answer; then nothing may be shown.
    """
    keeping = ports.keeping
    if keeping is None:
        return lambda _recording_id: False
    first = keeping.covered()
    return _Many(first, keeping, ports).is_hidden if first.is_whole else _by_requests(keeping, ports)


def check_is_shown(recording_ids: Iterable[str], ports: Ports) -> None:
    """Check that none of these recordings is hidden.

    Raises:
        RequestError: `erasure_approved`.
        StorageError: requests or rows do not answer.
    """
    wanted = list(dict.fromkeys(recording_ids))
    if len(wanted) <= FEW and ports.keeping is not None:
        keeping = ports.keeping
        is_hidden = any(_is_hidden_alone(one, keeping, ports) for one in wanted)
    else:
        is_hidden = any(map(hidden_recordings(ports), wanted))
    if is_hidden:
        raise RequestError("the erasure of this recording has been approved", code=Code.ERASURE_APPROVED)


def _is_hidden_alone(recording_id: str, keeping: Keeping, ports: Ports) -> bool:
    """Return whether a recording is hidden, by its own entries and row, however many requests there are."""
    listed = keeping.covering(recording_id)
    if listed is None:
        return _by_requests(keeping, ports)(recording_id)
    now, row = ports.clock.now(), _row_of(recording_id, ports)
    requests = [one for one in listed if one.is_watched(now)]
    return any(_hides(one, row) for one in (*requests, *_claimed(row)))


def _claimed(row: Custody | None) -> Iterator[Covering]:
    """Yield the requests that the row itself names: an instance of an earlier version does not write the list."""
    if row is not None:
        yield from (Covering(one.request_id, Scope.RECORDING) for one in row.claims)
        yield from (Covering(one.request_id, Scope.SPEAKER) for one in row.speakers)


class _Many:
    """The list as read so far, while many recordings are checked."""

    def __init__(self, first: Covered, keeping: Keeping, ports: Ports) -> None:
        self._keeping, self._ports = keeping, ports
        self._names, self._next, self._asked = set(first.names), first.next, 0
        self._known: dict[str, bool] = {}

    def is_hidden(self, recording_id: str) -> bool:
        """Return whether one recording is hidden."""
        if recording_id not in self._known:
            self._known[recording_id] = self._may_be_listed(recording_id) and self._find_out(recording_id)
        return self._known[recording_id]

    def _may_be_listed(self, recording_id: str) -> bool:
        if not self._next or name_of(recording_id) in self._names:
            return name_of(recording_id) in self._names
        self._asked += 1
        if self._asked <= FEW_ASKED:
            return True
        while self._next:
            page = self._keeping.covered(self._next)
            self._names |= page.names
            self._next = page.next
        return name_of(recording_id) in self._names

    def _find_out(self, recording_id: str) -> bool:
        listed, now = self._keeping.covering(recording_id) or (), self._ports.clock.now()
        requests = [one for one in listed if one.is_watched(now)]
        if not requests:
            return False
        row = _row_of(recording_id, self._ports)
        return any(_hides(one, row) for one in requests)


def _by_requests(keeping: Keeping, ports: Ports) -> Callable[[str], bool]:
    """Read all requests, until the daily run or the next approval has listed those of an earlier version."""
    covered: dict[str, list[Covering]] = {}
    now, whole = ports.clock.now(), ports.beneath or ports  # requests of others hide from a tenant, too
    for erasure in (whole.keeping or keeping).erasures():
        if not isinstance(erasure, Unreadable) and erasure.is_watched(now):
            for recording_id in erasure.recordings:
                covered.setdefault(recording_id, []).append(Covering(erasure.erasure_id, erasure.scope))
    known: dict[str, bool] = {}

    def is_hidden(recording_id: str) -> bool:
        if recording_id not in covered or (ports.beneath and ports.catalog.get_recording(recording_id) is None):
            return False  # of a recording of another tenant nothing is said
        if recording_id not in known:
            row = _row_of(recording_id, ports)
            known[recording_id] = any(_hides(one, row) for one in covered[recording_id])
        return known[recording_id]

    return is_hidden


def _row_of(recording_id: str, ports: Ports) -> Custody | None:
    """Return a recording's row; an unreadable one shows no hold, so that the request hides the recording."""
    try:
        return ports.keeping.custody(recording_id) if ports.keeping is not None else None
    except StorageError as error:
        if error.code not in OF_ONE_ROW:
            raise
        return None


def _hides(erasure: Covering, row: Custody | None) -> bool:
    if row is not None and row.active_holds:
        return False
    if erasure.scope is Scope.RECORDING or row is None:
        return True
    claim = next((one for one in row.speakers if one.request_id == erasure.erasure_id), None)
    return claim is None or (claim.done_at is None and claim.refused is None)
