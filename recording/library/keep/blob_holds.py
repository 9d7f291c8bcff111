"""Make the blobs' own legal hold follow the recording's custody row, where the storage account has legal holds."""

from recording.domain.keep.custody import Custody
from recording.domain.keep.destroy import Place, folders_of
from recording.domain.model import with_changes
from recording.errors import ClaimLostError
from recording.library.keep.assess import keeping_of
from recording.ports import Custodian, Ports
from recording.ports.stored import all_chunks_of
from recording.telemetry import Event, emit


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
