"""Place and release holds: a case keeps a recording, whatever rules and requests say.

The custody row decides; it says who placed each hold, why and when. Where the storage account has legal holds, those of
the blobs follow: they are set and cleared here at once, and compared by the daily run.
"""

from collections.abc import Callable, Iterator
from functools import partial

from recording.domain.keep import custody as rules_of
from recording.domain.keep.custody import Custody, CustodyState
from recording.domain.keep.destroy import Place, folders_of
from recording.domain.model import with_changes
from recording.errors import ClaimLostError, RequestError, StorageError
from recording.errors.codes import OF_ONE_ROW, Code
from recording.library.keep.assess import has_come_back, keeping_of
from recording.ports import Custodian, Page, Ports, Unreadable
from recording.ports.changing import change_row
from recording.ports.outgoing.announce import IN_CASE, announce
from recording.ports.stored import all_chunks_of
from recording.telemetry import Event, emit


def place_hold(recording_id: str, case: str, reason: str, by: str | None, ports: Ports) -> Custody:
    """Hold a recording for a case; repeating it changes nothing.

    Args:
        recording_id: the recording's id.
        case: names the hold; one case has one hold on a recording.
        reason: in the caller's words.
        by: the object id of the caller; None for a key holder.
        ports: catalog, custody, and the custodian where there is one.

    Raises:
        RequestError: `recording_not_found`, `invalid_case`, `too_many_holds`, `being_destroyed`, or
            `recording_disposed`.
        StorageError: storage does not answer; the same again completes it.
    """
    name = rules_of.checked_case(case)
    if not _is_known(recording_id, ports):
        raise RequestError("the catalog does not know this recording", code=Code.RECORDING_NOT_FOUND)
    announce(recording_id, ports, IN_CASE)  # beforehand as well: reported even if this process dies after the change

    def placed(row: Custody) -> Custody:
        if row.state is CustodyState.DISPOSED and has_come_back(recording_id, ports):
            row = rules_of.unmarked(row)
        return rules_of.held(row, name, reason, by, ports.clock.now())

    row = change_custody(recording_id, placed, ports)
    announce(recording_id, ports)
    return _with_blobs(row, ports)


def _is_known(recording_id: str, ports: Ports) -> bool:
    """Return whether there is such a recording; one whose row cannot be read can be held like any other."""
    try:
        return ports.catalog.get_recording(recording_id) is not None
    except StorageError as error:
        if error.code not in OF_ONE_ROW:
            raise
        return True


def release_hold(recording_id: str, case: str, reason: str, by: str | None, ports: Ports) -> Custody:
    """Release a recording from a case; after the last one the grace period begins.

    Raises:
        RequestError: `hold_not_found`, or `invalid_case`.
        StorageError: storage does not answer; the same again completes it.
    """
    name = rules_of.checked_case(case)
    announce(recording_id, ports, IN_CASE)
    row = change_custody(recording_id, lambda row: rules_of.released(row, name, reason, by, ports.clock.now()), ports)
    announce(recording_id, ports)
    return _with_blobs(row, ports)


def _with_blobs(row: Custody, ports: Ports) -> Custody:
    """Set or clear the blobs' legal hold at once; after a failure the daily run does it, and the row decides anyway."""
    if ports.custodian is None or not is_to_be_compared(row):
        return row
    try:
        known = keeping_of(ports).custody(row.recording_id)
        return hold_blobs(known, ports.custodian, ports) if known is not None else row
    except StorageError as error:
        emit(Event.DISPOSE_REFUSED, recording_id=row.recording_id, code=error.code, reason="blob_hold")
        return row


def list_holds(after: str, most: int, ports: Ports) -> Page[Custody]:
    """Return a page of the recordings that are held, by case.

    Args:
        after: the position that the page before gave; "" for the first page.
        most: recordings on the page.
        ports: custody.

    Raises:
        StorageError: storage does not answer.
    """
    return keeping_of(ports).held(after, most)


def all_held(ports: Ports) -> Iterator[Custody | Unreadable]:
    """Yield every recording that is held, once for each case.

    Raises:
        StorageError: storage does not answer.
    """
    position = ""
    while True:
        page = keeping_of(ports).held(position)
        yield from page.items
        position = page.next
        if not position:
            return


def change_custody(recording_id: str, change: Callable[[Custody], Custody], ports: Ports) -> Custody:
    """Change a recording's custody row under its ETag; after a lost race the change is applied to the newer row.

    Raises:
        RequestError: as `change` does.
        StorageError: storage does not answer, or the row keeps changing.
    """
    keeping = keeping_of(ports)

    def changed(row: Custody | None) -> Custody:
        return change(row or Custody(recording_id=recording_id))

    return change_row(partial(keeping.custody, recording_id), changed, keeping.add_custody, keeping.save_custody)


# --- the blobs' own legal hold, where the storage account has it ------------------------------------------------------


def is_to_be_compared(custody: Custody) -> bool:
    """Return whether the blobs are to be compared with the row: daily while it is held, once after the last release."""
    return bool(custody.active_holds) or custody.blobs_held_at is not None


def hold_blobs(row: Custody, custodian: Custodian, ports: Ports) -> Custody:
    """Set or clear the legal hold of each blob as the row says; return the row, which notes it.

    Where the blobs of a chunk are is not known while its row cannot be read: each daily run compares them again then,
    also after the last release.

    Raises:
        StorageError: storage does not answer; the daily run tries again.
    """
    record, (chunks, unread) = (
        ports.catalog.get_recording(row.recording_id),
        all_chunks_of(row.recording_id, ports.catalog),
    )
    wanted = bool(row.active_holds)
    for place in (Place.ARCHIVE, Place.FALLBACK):
        for folder in folders_of(record, chunks):
            for version in custodian.versions(place, f"{folder}/"):
                if not version.is_deleted and version.is_held != wanted:
                    custodian.set_legal_hold(version, is_held=wanted)
    if unread:
        emit(Event.DISPOSE_REFUSED, recording_id=row.recording_id, code=unread[0].code, reason="blob_hold")
        if not wanted:
            return row
    noted = with_changes(row, {"blobs_held_at": ports.clock.now() if wanted else None})
    try:
        return keeping_of(ports).save_custody(noted)
    except ClaimLostError:
        return row
