"""Destroy bundles that have expired, failed or were never finished; each one's document stays.

A bundle is a copy, so neither rules nor holds apply to it, and the archive keeps the recordings in it. A bundle that
was made while a recording in it was destroyed is destroyed the same night, and so is one whose document is missing.
"""

from collections.abc import Callable, Iterator
from datetime import datetime

from recording.domain.archived import exports as form
from recording.domain.archived.exports import ExportRecord, ExportState
from recording.domain.archived.layout import JSON
from recording.domain.keep.destroy import Place, StoredVersion
from recording.domain.model import with_changes
from recording.domain.state.recording import RecordingRecord
from recording.errors import BlobLockedError, RecordingError, StorageError
from recording.library.keep.leftovers import close_bundle, exports_in
from recording.ports import AuditEntry, Ports, Unreadable
from recording.ports.bulkhead import ODD_CONTENT
from recording.ports.library.keeping import Custodian, DestroyAnswer

OPERATION = "dispose"
MOST_FAILED = 3  # bundles, each with the time limits of storage, before it is asked whether it answers
DESTROYED, REFUSED = "bundle_destroyed", "bundle_refused"


def end_bundles(custodian: Custodian, ports: Ports, failed: Callable[[str, Exception], object]) -> Iterator[str]:
    """Destroy the bundles whose time is over, yielding each outcome; the next run continues where this one ended.

    Args:
        custodian: destroys them.
        ports: the container of bundles.
        failed: is given each export that failed, with the reason; the others are destroyed nevertheless.

    Raises:
        StorageError: storage does not answer.
    """
    failures = 0
    for export_id, known in exports_in(ports):
        try:
            if isinstance(known, Unreadable):
                raise StorageError("the document of an export cannot be read", code=known.code)
            if known is None and is_lost(export_id, ports):
                yield REFUSED if _destroy(export_id, custodian, ports, keep=None) is None else DESTROYED
            elif known is not None and (known[0].is_over(ports.clock.now()) or _has_destroyed(known[0], ports)):
                yield _end(*known, custodian, ports)
        except (RecordingError, *ODD_CONTENT) as error:
            failures += 1
            failed(export_id, error)
            if failures % MOST_FAILED == 0:
                ports.catalog.time()


def is_lost(export_id: str, ports: Ports) -> bool:
    """Return whether an export's document is missing; one that cannot be read is there.

    Raises:
        StorageError: the container does not answer.
    """
    return ports.exports is not None and ports.exports.store.get(form.state_name(export_id)) is None


def _has_destroyed(export: ExportRecord, ports: Ports) -> bool:
    """Return whether a recording in a bundle that still exists was destroyed after the bundle was requested."""
    if export.state is ExportState.GONE:
        return False
    found = ports.catalog.get_recordings(export.recordings)
    ends = [one.disposed_at for one in found if isinstance(one, RecordingRecord)]
    return any(at is not None and at >= export.requested_at for at in ends)


def _end(export: ExportRecord, etag: str, custodian: Custodian, ports: Ports) -> str:
    """Destroy everything of an export but its document, and note there when the last byte is gone."""
    left = _destroy(export.export_id, custodian, ports, keep=form.state_name(export.export_id))
    if left is None:
        return REFUSED
    _note(export, max((one.gone_at for one in left if one.gone_at), default=None), etag, ports)
    return DESTROYED


def _destroy(export_id: str, custodian: Custodian, ports: Ports, *, keep: str | None) -> list[StoredVersion] | None:
    """Destroy everything of an export but one document.

    Returns:
        The versions that storage keeps for its days of soft delete; None when a version could not be destroyed.
    """
    folder = f"{export_id}/"
    close_bundle(folder, ports)
    doomed = [one for one in custodian.versions(Place.EXPORTS, folder) if one.name != keep]
    answers = [custodian.destroy(one) for one in doomed]
    if DestroyAnswer.REFUSED in answers:  # a policy of the account; it is asked again each day
        return None
    left = [one for one in custodian.versions(Place.EXPORTS, folder) if one.name != keep]
    if any(not one.is_deleted for one in left):
        return None  # a worker is still writing it
    ports.audit.add(AuditEntry(ports.clock.now(), OPERATION, None, None, DESTROYED, f"export {export_id}"))
    return left


def _note(export: ExportRecord, gone_at: datetime | None, etag: str, ports: Ports) -> None:
    changed = with_changes(export, {"state": ExportState.GONE, "gone_at": gone_at or ports.clock.now()})
    content = changed.model_dump_json(indent=2).encode() + b"\n"
    try:
        if ports.exports is not None:
            ports.exports.store.put_if_unchanged(form.state_name(export.export_id), content, JSON, etag)
    except BlobLockedError:
        return  # the bundle is destroyed anyway, and the next run finds nothing to do
