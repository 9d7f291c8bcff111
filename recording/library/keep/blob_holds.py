"""Blob holds: the blobs' own legal hold follows the row of the recording, where the account has such holds."""

from recording.domain.keep.custody import Custody
from recording.domain.keep.destroy import Place, folders_of
from recording.domain.model import with_changes
from recording.errors import ClaimLostError
from recording.library.keep.assess import keeping_of
from recording.ports import Custodian, Ports


def is_to_be_compared(custody: Custody) -> bool:
    """Return whether the blobs are to be looked at: daily while it is held, and once after the last release."""
    return bool(custody.active_holds) or custody.blobs_held_at is not None


def hold_blobs(row: Custody, custodian: Custodian, ports: Ports) -> Custody:
    """Make the blobs' own legal hold agree with the row, where the account has holds.

    Raises:
        StorageError: storage does not answer; the next run does it.
    """
    record, chunks = ports.catalog.get_recording(row.recording_id), ports.catalog.chunks_of(row.recording_id)
    wanted = bool(row.active_holds)
    for place in (Place.ARCHIVE, Place.FALLBACK):
        for folder in folders_of(record, chunks):
            for version in custodian.versions(place, f"{folder}/"):
                if not version.is_deleted and version.is_held != wanted:
                    custodian.set_legal_hold(version, is_held=wanted)
    noted = with_changes(row, {"blobs_held_at": ports.clock.now() if wanted else None})
    try:
        return keeping_of(ports).save_custody(noted)
    except ClaimLostError:
        return row
