"""Bundles end: what has expired, failed or was never finished is destroyed by the custodian, and its document stays.

A bundle is a copy: no rule and no hold is about it, and the recordings in it are where they were. One that was made
while a recording in it was destroyed goes the same night, and so does one whose document is gone.
"""

from collections.abc import Iterator
from datetime import datetime

from recording.domain.archived import exports as form
from recording.domain.archived.exports import ExportRecord, ExportState
from recording.domain.keep.destroy import Place, StoredVersion
from recording.domain.state.recording import RecordingRecord
from recording.errors import BlobLockedError
from recording.library.keep.leftovers import close_bundle, exports_in
from recording.ports import AuditEntry, Ports
from recording.ports.library.keeping import Custodian, DestroyAnswer

OPERATION = "dispose"
DESTROYED, REFUSED = "bundle_destroyed", "bundle_refused"


def end_bundles(custodian: Custodian, ports: Ports) -> Iterator[str]:
    """Destroy every expired bundle; yields the outcome of each. The next run goes on where this one ended.

    Raises:
        StorageError: storage does not answer.
    """
    for export_id, known in exports_in(ports):
        if known is None and is_lost(export_id, ports):
            yield REFUSED if _destroy(export_id, custodian, ports, keep=None) is None else DESTROYED
        elif known is not None and (known[0].is_over(ports.clock.now()) or _has_destroyed(known[0], ports)):
            yield _end(*known, custodian, ports)


def is_lost(export_id: str, ports: Ports) -> bool:
    """Return whether an export has no document any more; one that another version has written counts as one.

    Raises:
        StorageError: the container does not answer.
    """
    return ports.exports is not None and ports.exports.store.get(form.state_name(export_id)) is None


def _has_destroyed(export: ExportRecord, ports: Ports) -> bool:
    """Return whether a recording in a bundle that can still be handed out was destroyed after it was asked for."""
    if export.state is ExportState.GONE:
        return False
    found = ports.catalog.get_recordings(export.recordings)
    ends = [one.disposed_at for one in found if isinstance(one, RecordingRecord)]
    return any(at is not None and at >= export.requested_at for at in ends)


def _end(export: ExportRecord, etag: str, custodian: Custodian, ports: Ports) -> str:
    """Destroy everything of an export but its document, which says from then on that it is gone, and when."""
    left = _destroy(export.export_id, custodian, ports, keep=form.state_name(export.export_id))
    if left is None:
        return REFUSED
    _note(export, max((one.gone_at for one in left if one.gone_at), default=None), etag, ports)
    return DESTROYED


def _destroy(export_id: str, custodian: Custodian, ports: Ports, *, keep: str | None) -> list[StoredVersion] | None:
    """Destroy everything of an export but one document; return what storage still keeps, or None when it may not go."""
    folder = f"{export_id}/"
    close_bundle(folder, ports)
    doomed = [one for one in custodian.versions(Place.EXPORTS, folder) if one.name != keep]
    answers = [custodian.destroy(one) for one in doomed]
    if DestroyAnswer.REFUSED in answers:  # a policy of the account; it is asked again each day
        return None
    left = [one for one in custodian.versions(Place.EXPORTS, folder) if one.name != keep]
    if any(not one.is_deleted for one in left):
        return None  # a worker is still busy with it
    ports.audit.add(AuditEntry(ports.clock.now(), OPERATION, None, None, DESTROYED, f"export {export_id}"))
    return left


def _note(export: ExportRecord, gone_at: datetime | None, etag: str, ports: Ports) -> None:
    changed = export.model_copy(update={"state": ExportState.GONE, "gone_at": gone_at or ports.clock.now()})
    content = changed.model_dump_json(indent=2).encode() + b"\n"
    try:
        if ports.exports is not None:
            ports.exports.store.put_if_unchanged(form.state_name(export.export_id), content, "application/json", etag)
    except BlobLockedError:
        return  # the bundle is gone all the same, and the next run finds nothing to do
