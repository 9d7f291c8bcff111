"""Export: request a bundle, see its progress, and build it recording by recording, in as many runs as needed.

A recording's part is staged as blocks, then recorded; nothing is visible before all blocks are committed in one
request. A run that ends or dies is continued after the last recorded part; blocks beyond that are never committed.
"""

import secrets
from collections.abc import Callable
from datetime import timedelta
from typing import Any

from recording.control.tenants import names_of
from recording.domain.archived import exports as form
from recording.domain.archived.exports import ExportRecord, ExportRequest, ExportState, Part
from recording.domain.archived.layout import JSON
from recording.domain.find.find_query import FindQuery
from recording.domain.foreign_json import read_json
from recording.domain.ids import is_opaque_id, without_numbers
from recording.domain.incoming.roles import Operation
from recording.domain.model import with_changes
from recording.domain.outgoing.events import SubjectKind
from recording.domain.state.quarantine import Origin
from recording.errors import RecordingError, RequestError, StorageError
from recording.errors.codes import Code
from recording.library.directory import find_all
from recording.library.follow_up import library_of
from recording.library.handover.bundle import Bundle
from recording.library.handover.part import make_end, make_part
from recording.ports import AuditEntry, Ports
from recording.ports.audit import DONE
from recording.ports.bulkhead import ODD_CONTENT
from recording.ports.library.exports import ExportPorts
from recording.ports.library.hidden import check_is_shown
from recording.ports.outgoing.announce import IN_CASE, announce_subject
from recording.ports.unread import keep_unread
from recording.settings import Settings
from recording.telemetry import Event, emit

RUN = timedelta(minutes=10)  # of one message; host.json allows a function 30
MADE = "export_made"  # in the audit trail


def request_export(body: Any, caller: str | None, ports: Ports, settings: Settings) -> dict[str, Any]:
    """Store an export request and queue it.

    Raises:
        RequestError: the body is not valid, `unknown_recording`, `erasure_approved`, or `export_too_large`.
        StorageError: nothing was queued.
    """
    asked, exports = ExportRequest.read(body), exports_of(ports)
    unread: list[str] = []
    chosen = [*_choose(asked, ports, settings, unread.append), *unread]
    if not chosen:
        raise RequestError("none of the selected recordings is archived", code=Code.UNKNOWN_RECORDING)
    if len(chosen) > form.MOST_RECORDINGS:
        message = f"more than {form.MOST_RECORDINGS} recordings; narrow it down"
        raise RequestError(message, code=Code.EXPORT_TOO_LARGE)
    speaker = asked.participant or asked.number
    export = ExportRecord(
        export_id=secrets.token_hex(16),
        requested_at=ports.clock.now(),
        requested_by=caller,
        note=without_numbers(asked.note) if asked.note else None,
        recordings=tuple(chosen),
        unread=tuple(unread),
        derived=asked.derived,
        tenants=names_of(ports.scope),
        speaker=library_of(ports)[1].keys().current.participant(speaker) if asked.only_speaker and speaker else None,
    )
    exports.store.put_once(form.state_name(export.export_id), _written(export), JSON)
    exports.queue.send(export.export_id)
    return shown(export, ports)


def get_export(export_id: str, ports: Ports) -> dict[str, Any]:
    """Return the progress of an export.

    Raises:
        RequestError: `export_not_found`.
    """
    exports = exports_of(ports)
    return shown(_with_progress(_read(export_id, exports)[0], exports), ports)


def export_message(text: str, ports: Ports, settings: Settings) -> None:
    """Work on the export that a message names; a failure is stored with it for the caller.

    A message that cannot be read is quarantined.
    """
    exports = exports_of(ports)
    export_id = _export_id(text)
    if export_id is None:
        keep_unread(text, Origin.EXPORTS_QUEUE, ports)
        return
    try:
        work_on_export(export_id, ports, settings)
    except (RequestError, *ODD_CONTENT) as error:
        code = error.code if isinstance(error, RecordingError) else Code.INTERNAL_ERROR
        emit(Event.EXPORT_FAILED, code=code, entry=export_id)
        export, etag = _read(export_id, exports)
        _save(with_changes(export, {"state": ExportState.FAILED, "error": code}), etag, exports)


def export_record(export_id: str, ports: Ports) -> ExportRecord:
    """Return an export's own document.

    Raises:
        RequestError: `export_not_found`.
        StorageError: the container of bundles does not answer.
    """
    return _read(export_id, exports_of(ports))[0]


def _with_progress(export: ExportRecord, exports: ExportPorts) -> ExportRecord:
    """Return the export with its present progress, which a run saves only at its end, after minutes."""
    if export.state not in (ExportState.REQUESTED, ExportState.RUNNING):
        return export
    done = sum(1 for _ in exports.store.list(form.parts_prefix(export.export_id)))
    return with_changes(export, {"done": done, "state": ExportState.RUNNING if done else export.state})


def work_on_export(export_id: str, ports: Ports, settings: Settings, run: timedelta = RUN) -> ExportRecord:
    """Build as much of a bundle as fits into a run; another message continues with the rest.

    Raises:
        RequestError: `export_not_found`, or `export_too_large`.
        StorageError: the host delivers the message again, and the work continues after the last recorded part.
    """
    exports, end_at = exports_of(ports), ports.clock.now() + run
    export, etag = _read(export_id, exports)
    if export.state in (ExportState.DONE, ExportState.FAILED, ExportState.GONE):
        return export
    parts = _parts(export, exports)
    while len(parts) < len(export.recordings):
        parts.append(_make_part(export, parts, ports, settings))
        _check_size(parts)
        if ports.clock.now() >= end_at:
            break
    progress = {"state": ExportState.RUNNING, "done": len(parts), "length_bytes": _length(parts)}
    export = with_changes(export, progress)
    if len(parts) < len(export.recordings):
        exports.queue.send(export_id)
        _save(export, etag, exports)
        return export
    return _finish(export, etag, parts, ports, exports)


def exports_of(ports: Ports) -> ExportPorts:
    """Return what exports need.

    Raises:
        StorageError: they are not configured, as in some tests.
    """
    if ports.exports is None:
        raise StorageError("this installation makes no exports")
    return ports.exports


def shown(export: ExportRecord, ports: Ports) -> dict[str, Any]:
    """Return the public view of an export."""
    is_expired = export.is_expired(ports.clock.now())
    return {
        "exportId": export.export_id,
        "state": ExportState.GONE.value if is_expired else export.state.value,
        "requestedAt": export.requested_at.isoformat(),
        "recordings": len(export.recordings),
        "done": export.done,
        "lengthBytes": export.length_bytes,
        "finishedAt": export.finished_at.isoformat() if export.finished_at else None,
        "expiresAt": export.expires_at.isoformat() if export.expires_at else None,
        "goneAt": export.gone_at.isoformat() if export.gone_at else None,
        "blobName": form.bundle_name(export.export_id) if export.state is ExportState.DONE and not is_expired else None,
        "sha256": export.sha256,
        "error": export.error,
        "leftOut": [{"recordingId": one.recording_id, "what": one.what, "why": one.why} for one in export.left_out],
        "leftOutCount": export.left_out_count,
    }


def _choose(asked: ExportRequest, ports: Ports, settings: Settings, unread: Callable[[str], object]) -> list[str]:
    """Return the recordings that are asked for; `unread` is given those of which nobody knows it."""
    if asked.recordings:
        known = ports.catalog.get_recordings(list(dict.fromkeys(asked.recordings)))
        missing = [name for name, found in zip(dict.fromkeys(asked.recordings), known, strict=True) if found is None]
        if missing:
            raise RequestError("the catalog does not know all of these recordings", code=Code.UNKNOWN_RECORDING)
        check_is_shown(asked.recordings, ports)
        return list(dict.fromkeys(asked.recordings))
    words = {"participant": asked.participant, "number": asked.number, "tag": asked.tag}
    query = FindQuery.read({name: word for name, word in words.items() if word is not None})
    return [found.recording.recording_id for found in find_all(query, ports, settings, unread=unread)]


def _make_part(export: ExportRecord, parts: list[Part], ports: Ports, settings: Settings) -> Part:
    """Build the next part and record it; the record counts, so it is written after all blocks are staged."""
    number, exports = len(parts), exports_of(ports)
    bundle = Bundle(form.bundle_name(export.export_id), number, _length(parts), exports.store)
    facts = make_part(export, number, bundle, ports, settings)
    note = f"export {export.export_id}"
    row = AuditEntry(ports.clock.now(), Operation.EXPORT, export.recordings[number], export.requested_by, DONE, note)
    ports.audit.add(row)  # before the part is recorded: nothing is handed over without a row about it
    part = Part(files=bundle.files, blocks=bundle.blocks, length_bytes=bundle.length_bytes, facts=facts)
    name, content = form.part_name(export.export_id, number), part.model_dump_json().encode()
    if exports.store.put_once(name, content, JSON):
        return part
    noted = exports.store.get(name)  # another worker was faster, and may have seen other facts: its blocks count
    return Part.model_validate_json(noted[0]) if noted else part


def _finish(export: ExportRecord, etag: str, parts: list[Part], ports: Ports, exports: ExportPorts) -> ExportRecord:
    """Add the pages and the directory, commit, and announce it."""
    now = ports.clock.now()
    end = Bundle(form.bundle_name(export.export_id), len(parts), _length(parts), exports.store)
    make_end(export, parts, end, ports)
    left_out = form.left_out_of(parts)
    blocks = [block for part in parts for block in part.blocks] + list(end.blocks)
    name = form.bundle_name(export.export_id)
    exports.store.commit(name, blocks, "application/zip", {"exportid": export.export_id})
    result = {
        "state": ExportState.DONE,
        "done": len(export.recordings),
        "length_bytes": _length(parts) + end.length_bytes,
        "finished_at": now,
        "expires_at": now + form.LIVES,
        "sha256": end.manifest_sha256,
        "left_out": tuple(left_out[: form.MOST_TOLD]),
        "left_out_count": len(left_out),
    }
    export = with_changes(export, result)
    said = f"export {export.export_id}, SHA256SUMS {end.manifest_sha256}"  # the next checkpoint seals it
    ports.audit.add(AuditEntry(now, MADE, None, export.requested_by, DONE, said))
    announce_subject(SubjectKind.EXPORT, export.export_id, ports, IN_CASE)  # in case this process ends now
    _save(export, etag, exports)
    emit(Event.EXPORTED, count=len(export.recordings), length_bytes=export.length_bytes, entry=export.export_id)
    announce_subject(SubjectKind.EXPORT, export.export_id, ports)
    return export


def _parts(export: ExportRecord, exports: ExportPorts) -> list[Part]:
    """Return the recorded parts that form an unbroken sequence."""
    found: list[Part] = []
    while len(found) < len(export.recordings):
        stored = exports.store.get(form.part_name(export.export_id, len(found)))
        if stored is None:
            break
        found.append(Part.model_validate_json(stored[0]))
    return found


def _check_size(parts: list[Part]) -> None:
    if sum(len(part.blocks) for part in parts) > form.MOST_BLOCKS:
        raise RequestError(
            "the bundle needs more blocks than a blob can have; select fewer recordings", code=Code.EXPORT_TOO_LARGE
        )


def _length(parts: list[Part]) -> int:
    return sum(part.length_bytes for part in parts)


def _read(export_id: str, exports: ExportPorts) -> tuple[ExportRecord, str]:
    stored = exports.store.get(form.state_name(export_id)) if is_opaque_id(export_id) else None
    if stored is None:
        raise RequestError("there is no such export", code=Code.EXPORT_NOT_FOUND)
    return ExportRecord.model_validate_json(stored[0]), stored[1]


def _save(export: ExportRecord, etag: str, exports: ExportPorts) -> None:
    """Save the progress; if two workers do, both have built the same."""
    exports.store.put_if_unchanged(form.state_name(export.export_id), _written(export), JSON, etag)


def _written(export: ExportRecord) -> bytes:
    return export.model_dump_json(indent=2).encode() + b"\n"


def _export_id(text: str) -> str | None:
    try:
        export_id = read_json(text)["exportId"]
    except (ValueError, LookupError, TypeError):
        return None
    return export_id if isinstance(export_id, str) and is_opaque_id(export_id) else None
