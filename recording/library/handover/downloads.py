"""Download exports: list them, and serve their bundles in ranges, each after a row in the audit trail."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from recording.domain.archived import exports as form
from recording.domain.archived.exports import ExportRecord, ExportState
from recording.domain.ids import is_opaque_id
from recording.domain.incoming.roles import Operation
from recording.domain.times import newest_first
from recording.errors import RequestError
from recording.errors.codes import Code
from recording.library.handover.export import exports_of, shown
from recording.ports import AuditEntry, Page, Ports
from recording.ports.audit import DONE
from recording.ports.bulkhead import ODD_CONTENT
from recording.ports.library.hidden import check_is_shown
from recording.ports.stored import page_in_order

MOST_BYTES = 4 * 1024 * 1024  # of one answer: a worker holds it in memory
MOST_LISTED = 100
REMEMBERED = timedelta(minutes=10)


@dataclass(frozen=True)
class BundleFile:
    """A bundle to download: its name in storage and its length."""

    export_id: str
    name: str
    length_bytes: int
    etag: str

    @property
    def file_name(self) -> str:
        """Return the file name for saving; it names no person."""
        return f"export-{self.export_id[:8]}.zip"


def list_exports(ports: Ports, after: str = "", most: int = MOST_LISTED) -> Page[dict[str, Any]]:
    """Return a page of the exports that still exist, the newest first, behind `next` of the page before.

    Raises:
        StorageError: storage does not answer.
    """
    there = [one for one in exports_there_are(ports) if not one.is_expired(ports.clock.now())]
    page = page_in_order(there, lambda one: f"{newest_first(one.requested_at)}-{one.export_id}", after, most)
    found = (one for one in page.items if isinstance(one, ExportRecord))
    shown_ones = [shown(one, ports) | {"requestedBy": one.requested_by, "note": one.note} for one in found]
    return Page(tuple(shown_ones), page.next)


def exports_there_are(ports: Ports) -> list[ExportRecord]:
    """Return the documents of all exports that are not destroyed, in no order; each costs a request.

    Raises:
        StorageError: storage does not answer.
    """
    exports, found = exports_of(ports), list[ExportRecord]()
    for blob in exports.store.list(""):  # a bundle is deleted after a week
        export_id, _, rest = blob.name.partition("/")
        if blob.name == form.state_name(export_id) and rest and (stored := exports.store.get(blob.name)):
            try:
                found.append(ExportRecord.model_validate_json(stored[0]))
            except ODD_CONTENT:  # written by another version; it can be read by its id
                continue
    return found


def find_bundle(export_id: str, ports: Ports) -> BundleFile:
    """Return the bundle of a finished export.

    Raises:
        RequestError: `export_not_found`: there is no such export, it is not finished, or it is gone;
            `erasure_approved`: one of the recordings in it is to be erased.
        StorageError: storage does not answer.
    """
    store = exports_of(ports).store
    stored = store.get(form.state_name(export_id)) if is_opaque_id(export_id) else None
    export = ExportRecord.model_validate_json(stored[0]) if stored else None
    if export is None or export.state is not ExportState.DONE or export.is_expired(ports.clock.now()):
        raise RequestError("there is no such bundle", code=Code.EXPORT_NOT_FOUND)
    check_is_shown(export.recordings, ports)
    name = form.bundle_name(export_id)
    blob = store.look_up(name)
    if blob is None:
        raise RequestError("the bundle is gone", code=Code.EXPORT_NOT_FOUND)
    return BundleFile(export_id, name, blob.length_bytes, f'"{export.sha256}"')


def take_part(bundle: BundleFile, first: int, length: int, caller: str | None, ports: Ports) -> bytes:
    """Return a range of a bundle, after writing to the trail who downloads it, once in ten minutes.

    Raises:
        StorageError: the trail cannot be written, or storage does not answer; then nothing is handed over.
    """
    now: datetime = ports.clock.now()
    key = (Operation.TAKE_BUNDLE, caller, bundle.export_id)
    if ports.memory.get(key, now) is None:
        note = f"export {bundle.export_id}"
        ports.audit.add(AuditEntry(now, Operation.TAKE_BUNDLE, None, caller, DONE, note=note))
        ports.memory.put(key, True, now + REMEMBERED)
    return exports_of(ports).store.read_range(bundle.name, first, length)[0]
