"""Destroy bundles that have expired, failed or were never finished; each one's document stays.

A bundle is a copy, so neither rules nor holds apply to it, and the archive keeps the recordings in it. A bundle that
was made while a recording in it was destroyed is destroyed the same night, and so is one whose document is missing.
An erasure destroys the bundles that name the person, and takes the person out of the documents.
"""

from collections.abc import Callable, Iterator
from contextlib import suppress
from datetime import datetime

from pydantic import ValidationError

from recording.domain.archived import exports as form
from recording.domain.archived.exports import ExportRecord, ExportState
from recording.domain.archived.layout import JSON
from recording.domain.keep.destroy import Obstacle, Place, StoredVersion
from recording.domain.model import with_changes
from recording.domain.state.recording import RecordingRecord
from recording.errors import BlobLockedError, ClaimLostError, RecordingError, StorageError
from recording.errors.codes import Code
from recording.library.keep.leftovers import close_bundle, exports_in
from recording.library.keep.sweep_run import Run, without_person
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


def end_early(export: ExportRecord, run: Run) -> ExportRecord | None:
    """Destroy the bundle of an export that names an erased person.

    Returns:
        The export as its document has to say it; None when storage protects a version, which is noted.

    Raises:
        StorageError: storage does not answer; the next run continues.
    """
    folder, keep = f"{export.export_id}/", form.state_name(export.export_id)
    close_bundle(folder, run.ports)
    doomed = [one for one in run.custodian.versions(Place.EXPORTS, folder) if one.name != keep]
    if not run.destroy(Place.EXPORTS, doomed):
        return None
    if any(not one.is_deleted for one in doomed):
        row = AuditEntry(run.ports.clock.now(), OPERATION, None, None, DESTROYED, f"export {export.export_id}")
        run.ports.audit.add(row)
    if export.state in (ExportState.REQUESTED, ExportState.RUNNING):  # its worker may write once more: it ends in days
        return with_changes(export, {"state": ExportState.FAILED, "error": Code.ERASURE_APPROVED.value})
    if export.state is not ExportState.DONE:
        return export
    left = [one.gone_at for one in run.custodian.versions(Place.EXPORTS, folder) if one.name != keep and one.gone_at]
    return with_changes(export, {"state": ExportState.GONE, "gone_at": max(left, default=run.ports.clock.now())})


def save_export(export: ExportRecord, etag: str, ports: Ports) -> bool:
    """Write an export's document if it still has this ETag; return whether it had.

    Raises:
        StorageError: storage does not answer, or protects the document (`BlobLockedError`).
    """
    content = export.model_dump_json(indent=2).encode() + b"\n"
    store = ports.exports.store if ports.exports is not None else None
    return store is not None and store.put_if_unchanged(form.state_name(export.export_id), content, JSON, etag)


def sweep_bundles(run: Run) -> None:
    """Destroy each bundle with an erased recording in it, also one that is being made, and what names the person."""
    erased, is_any = frozenset(run.erased), run.subject.is_person and run.erasure.tenants is None
    for export_id, known in exports_in(run.ports) if run.erased or run.cleaned or run.subject.is_person else ():
        with run.alone(Place.EXPORTS):
            if isinstance(known, tuple) and erased.isdisjoint(known[0].recordings):
                _sweep_export(*known, run, has_cleaned=not run.cleaned.isdisjoint(known[0].recordings))
            elif isinstance(known, Unreadable) and known.code is not Code.UNREADABLE_RECORD:
                if is_any or run.erased or run.cleaned:
                    run.done.keep(Place.EXPORTS, known.code)
            elif run.erased or run.cleaned:
                close_bundle(f"{export_id}/", run.ports)
                run.destroy(Place.EXPORTS, list(run.custodian.versions(Place.EXPORTS, f"{export_id}/")))
    if run.is_full:
        _earlier_documents("", run)


def _sweep_export(export: ExportRecord, etag: str, run: Run, *, has_cleaned: bool) -> bool:
    """Destroy a bundle that names the person, and erase the person from its document, which stays.

    Args:
        export: as its document says.
        etag: of the document.
        run: the look.
        has_cleaned: whether a recording is in it whose row names, or named, the person.

    Returns:
        Whether nothing is left that storage protects.
    """
    reworded = _reworded(export, run)
    if reworded is not None and any(map(run.is_still_kept, export.recordings)):
        run.done.keep(Place.EXPORTS, Obstacle.NOT_DUE)
        reworded = None
    if reworded is None and not has_cleaned:
        return True
    fresh = end_early(reworded or export, run)
    if fresh is not None and fresh != export:
        if not save_export(fresh, etag, run.ports):
            raise ClaimLostError("the document of an export changed meanwhile")
        run.done.count += 1
    if reworded is not None:
        _earlier_documents(form.state_name(export.export_id), run)
    return fresh is not None


def _reworded(export: ExportRecord, run: Run) -> ExportRecord | None:
    """Return an export that names the person without that; None for others, and for those of other tenants."""
    ours = run.erasure.tenants
    if ours is not None and (export.tenants is None or not set(export.tenants) <= set(ours)):
        return None
    cleaned = without_person(with_changes(export, {"recordings": ()}), run)
    return None if cleaned is None else with_changes(cleaned, {"recordings": export.recordings})


def _earlier_documents(prefix: str, run: Run) -> None:
    """Destroy the earlier versions of exports' documents that name the person."""
    for version in list(run.custodian.versions(Place.EXPORTS, prefix)) if run.subject.is_person else ():
        if version.is_current or version.is_deleted or not version.name.endswith(form.state_name("")):
            continue
        with run.alone(Place.EXPORTS), suppress(ValidationError):
            export = ExportRecord.model_validate_json(run.custodian.read(version) or b"")
            if _reworded(export, run) is not None and not any(map(run.is_still_kept, export.recordings)):
                run.destroy(Place.EXPORTS, [version])


def end_bundles_with(recording_id: str, run: Run) -> bool:
    """Destroy the bundles of a recording whose row names the person, before the row does so no more."""
    run.cleaned.add(recording_id)
    if run.ports.exports is None:
        return True
    ended = []
    for export_id in run.bundles.get(recording_id, ()):
        if (stored := run.ports.exports.store.get(form.state_name(export_id))) is not None:
            export = ExportRecord.model_validate_json(stored[0])
            ended.append(_sweep_export(export, stored[1], run, has_cleaned=True))
    return all(ended)


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
    with suppress(BlobLockedError):  # the bundle is destroyed anyway, and the next run finds nothing to do
        save_export(changed, etag, ports)
