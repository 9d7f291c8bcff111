"""Erase one speaker from a recording: write new files with a silent channel, have the custodian destroy the old ones.

1. The custody row becomes ERASING_SPEAKER under its ETag, as for a destruction: a hold that was placed first wins, a
   later one is refused. The guard is asked before and after.
2. For each file, the new one is written beside it and proved, then the metadata without the person, and a receipt with
   both digests. The catalog is changed last.
3. Directory and manifest are written again, the leaves of the old documents are declared void, and every version of
   what was superseded is destroyed: media, documents, waveforms, copies in the second destination, bundles.
4. The certificate is written, and the row returns to its state before.

Each step finds its own earlier result: after the death of a worker the next run continues.
"""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import datetime
from enum import StrEnum

from recording import __version__
from recording.archive.manifest import rewrite_manifest
from recording.domain.archived import layout
from recording.domain.archived.layout import JSON
from recording.domain.keep import speaker as rules_of
from recording.domain.keep.custody import Custody, CustodyState, SpeakerClaim
from recording.domain.keep.destroy import Look, Place, StoredVersion, certificate_name, folders_of, refusal_of
from recording.domain.keep.speaker import NotAlone, Voice, voice_in
from recording.domain.model import with_changes
from recording.domain.state.chunk import ChunkRecord
from recording.domain.state.transitions import is_archived, is_finished
from recording.errors import BlobLockedError, ClaimLostError, StorageError
from recording.errors.codes import Code
from recording.library.follow_up import follow_up
from recording.library.keep.assess import assessed, keeping_of, rules_in_force
from recording.library.keep.destroy import destroy_versions, known_now
from recording.library.keep.leftovers import bundles_about, close_bundle, close_derived
from recording.library.keep.speaker_files import SpeakerTask, layout_of, silence
from recording.library.keep.sweep import clean_recording
from recording.library.keep.sweep_run import Run
from recording.library.seal.waiting import seal_file, seal_recording
from recording.library.seal.withdraw import withdraw_documents
from recording.ports import AuditEntry, Custodian
from recording.ports.stored import all_chunks_of
from recording.telemetry import Event, emit

OPERATION = "erase_speaker"  # in the audit trail


class SpeakerOutcome(StrEnum):
    """How an attempt ended."""

    ERASED = "speaker_erased"
    NOTHING = "speaker_not_in_it"
    REFUSED = "speaker_refused"
    WHOLE = "whole_recording_claimed"
    WAITS = "speaker_waits"
    LOST = "changed_meanwhile"


def erase_speaker(recording_id: str, task: SpeakerTask) -> SpeakerOutcome:
    """Erase the person of an approved request from a recording, or continue where an earlier run ended.

    Raises:
        StorageError: storage does not answer; the next run continues.
    """
    row = keeping_of(task.ports).custody(recording_id)
    claim = next((one for one in row.speakers if one.request_id == task.erasure.erasure_id), None) if row else None
    if row is None or claim is None or row.state in (CustodyState.DESTROYING, CustodyState.DISPOSED):
        return SpeakerOutcome.NOTHING
    task = replace(task, claim=claim)
    try:
        if row.state is not CustodyState.ERASING_SPEAKER:
            decided = _decide(row, task)
            if isinstance(decided, SpeakerOutcome):
                return decided
            row = decided
        elif row.speaker_of != claim.request_id:
            return SpeakerOutcome.WAITS
        return _carry_out(row, task)
    except ClaimLostError:
        return SpeakerOutcome.LOST


# --- the decision ----------------------------------------------------------------------------------------------------


def _decide(row: Custody, task: SpeakerTask) -> Custody | SpeakerOutcome:
    """Decide under the row's ETag, and ask the guard again afterwards.

    Returns:
        The row in its state ERASING_SPEAKER; or how the attempt ended.
    """
    keeping, ports = keeping_of(task.ports), task.ports
    chunks, unread = all_chunks_of(row.recording_id, ports.catalog)
    if unread:
        return _note_unread(row, task)
    if not all(is_finished(chunk) for chunk in chunks):
        return SpeakerOutcome.WAITS
    found, fault = _voices(chunks, task)
    if fault is not None:
        return _refuse(row, fault, task)
    if not found:
        if task.claim.done_at is None:
            row = keeping.save_custody(rules_of.with_claim(row, _done(task.claim, ports.clock.now())))
        _destroy_stragglers(row, chunks, task)
        return SpeakerOutcome.NOTHING
    look = _look(row, task)
    if look is None:
        return SpeakerOutcome.WAITS
    if rules_of.against(row, look, ports.clock.now()):
        return _note_obstacles(row, look, task)
    _audit(row, task, "begun")
    begun = keeping.save_custody(rules_of.begun(row, task.claim, ports.clock.now()))
    again = _look(begun, task)
    if again is not None and not rules_of.against(begun, again, ports.clock.now()):
        return begun
    keeping.save_custody(rules_of.ended(begun, None))
    _audit(begun, task, "spared")
    return SpeakerOutcome.WAITS


def _voices(chunks: Sequence[ChunkRecord], task: SpeakerTask) -> tuple[list[Voice], NotAlone | None]:
    """Return the files from which the person can be erased, and why one of the other files does not allow it.

    Returns:
        The files with the channels to silence; and a reason, None when every file with the person allows it.
    """
    voices, fault = list[Voice](), None
    for chunk in chunks:
        if chunk.disposed_at is not None:
            continue
        if rules_of.is_stored_unproved(chunk):
            fault = NotAlone.HELD
        if not is_archived(chunk) or not chunk.blob_name:
            continue
        found: Voice | NotAlone | None
        try:
            stored = task.ports.archive.get(layout.metadata_name(chunk.blob_name))
            found = voice_in(chunk, stored[0] if stored else None, task.subject)
        except BlobLockedError:
            found = NotAlone.OFFLINE
        if isinstance(found, Voice):
            form = layout_of(chunk, found.channels, task)
            found = form if isinstance(form, NotAlone) else found
        if isinstance(found, NotAlone):
            fault = found
        elif found is not None:
            voices.append(found)
    return voices, fault


def _refuse(row: Custody, why: NotAlone, task: SpeakerTask) -> SpeakerOutcome:
    """Note on the claim why it cannot be done; or claim the whole recording, if the request says so."""
    keeping = keeping_of(task.ports)
    refused = with_changes(task.claim, {"refused": why.value, "done_at": None})
    if not task.claim.else_recording:
        if task.claim.refused != why.value:
            keeping.save_custody(rules_of.with_claim(row, refused))
        return SpeakerOutcome.REFUSED
    made = task.claim.to_all()
    if any(one.request_id == made.request_id for one in row.claims):
        return SpeakerOutcome.WHOLE
    keeping.save_custody(with_changes(rules_of.with_claim(row, refused), {"claims": (*row.claims, made)}))
    return SpeakerOutcome.WHOLE


def _note_unread(row: Custody, task: SpeakerTask) -> SpeakerOutcome:
    """Note on the claim that a chunk's row cannot be read: whether the person is in its file is not known."""
    noted = with_changes(task.claim, {"refused": Code.UNREADABLE_RECORD.value, "done_at": None})
    if noted != task.claim:
        keeping_of(task.ports).save_custody(rules_of.with_claim(row, noted))
    emit(Event.DISPOSE_REFUSED, recording_id=row.recording_id, reason=Code.UNREADABLE_RECORD)
    return SpeakerOutcome.REFUSED


def _note_obstacles(row: Custody, look: Look, task: SpeakerTask) -> SpeakerOutcome:
    """Note on the claim what forbids it, and until when: a hold, a legal retention, or the protection of storage."""
    refused = next((one for one in look.found.refused if one.request_id == task.claim.request_id), None)
    storage = refusal_of(look.versions, task.ports.clock.now())
    if refused is not None:
        noted = with_changes(task.claim, {"refused": refused.because.value, "until": refused.until})
    elif storage is not None:
        noted = with_changes(task.claim, {"refused": storage.reason, "until": storage.until})
    else:
        return SpeakerOutcome.WAITS
    if noted != task.claim:
        keeping_of(task.ports).save_custody(rules_of.with_claim(row, noted))
    return SpeakerOutcome.REFUSED


def _look(row: Custody, task: SpeakerTask) -> Look | None:
    """Return all that the guard decides by, as if the whole recording were to be destroyed."""
    ports = task.ports
    known = known_now(row.recording_id, ports)
    if known is None:
        return None
    record, chunks = known
    versions = list(_versions(folders_of(record, chunks), task.custodian))
    asked = with_changes(row, {"claims": (task.claim.to_all(),)})
    found = assessed(record, asked, rules_in_force(ports, task.settings), ports.clock.now(), task.settings)
    return Look(found.disposition, chunks, versions)


def _versions(folders: Sequence[str], custodian: Custodian) -> Iterator[StoredVersion]:
    for place in (Place.ARCHIVE, Place.FALLBACK):
        for folder in folders:
            yield from custodian.versions(place, f"{folder}/")


# --- the work --------------------------------------------------------------------------------------------------------


def _carry_out(row: Custody, task: SpeakerTask) -> SpeakerOutcome:
    ports, recording_id = task.ports, row.recording_id
    known, unread = all_chunks_of(recording_id, ports.catalog)
    found, fault = _voices(known, task)  # a fault: a file has arrived since
    for voice in found:
        silence(voice, row, task)
    chunks = ports.catalog.chunks_of(recording_id)
    ours = _silenced_by(task, chunks)
    _write_again(recording_id, chunks, task)
    name = certificate_name(recording_id, row.speaker_since or ports.clock.now())
    superseded = _superseded(recording_id, chunks, ours, name, task)
    row = _note_count(row, len(superseded), task)
    refused = destroy_versions(superseded, task.custodian)
    if refused:
        return _note_protection(row, refused, task)
    document = rules_of.certificate_of(row, ours, task.claim.request_id, row.decided_versions, __version__)
    ports.archive.put_once(name, document, JSON)
    seal_file(name, ports)
    seal_recording(recording_id, ports)
    _audit(row, task, "done")
    claim = _done(task.claim, ports.clock.now()) if fault is None and not unread else None
    keeping_of(ports).save_custody(rules_of.ended(row, claim, name))
    emit(Event.DISPOSED, recording_id=recording_id, count=row.decided_versions, reason=OPERATION)
    return SpeakerOutcome.ERASED


def _silenced_by(task: SpeakerTask, chunks: Sequence[ChunkRecord]) -> list[ChunkRecord]:
    return [one for one in chunks if any(each.request_id == task.claim.request_id for each in one.silenced)]


def _done(claim: SpeakerClaim, now: datetime) -> SpeakerClaim:
    return with_changes(claim, {"done_at": now, "refused": None, "until": None})


def _note_protection(row: Custody, refused: Sequence[StoredVersion], task: SpeakerTask) -> SpeakerOutcome:
    """Note on the claim that storage protects some versions, and until when."""
    refusal = refusal_of(refused, task.ports.clock.now())
    noted = with_changes(
        task.claim, {"refused": refusal.reason if refusal else "refused", "until": refusal.until if refusal else None}
    )
    keeping_of(task.ports).save_custody(rules_of.with_claim(row, noted))
    return SpeakerOutcome.REFUSED


def _write_again(recording_id: str, chunks: Sequence[ChunkRecord], task: SpeakerTask) -> None:
    """Erase the person from the recording's row, and write directory and manifest from what is left."""
    record = task.ports.catalog.get_recording(recording_id)
    if record is not None:
        clean_recording(record, Run(task.erasure, task.subject, task.custodian, task.ports, task.settings))
    follow_up(recording_id, task.ports, again=True)
    archived = next((chunk for chunk in chunks if is_archived(chunk)), None)
    if archived is not None:
        rewrite_manifest(archived.task, task.ports)


def _note_count(row: Custody, count: int, task: SpeakerTask) -> Custody:
    """Note how many versions are to go before the first one goes: the next run sees only what an earlier one left."""
    if count <= row.decided_versions:
        return row
    return keeping_of(task.ports).save_custody(with_changes(row, {"decided_versions": count}))


def _superseded(
    recording_id: str, chunks: Sequence[ChunkRecord], ours: Sequence[ChunkRecord], certificate: str, task: SpeakerTask
) -> list[StoredVersion]:
    """Declare void all that new files have superseded, and return its versions, which are to be destroyed.

    Raises:
        StorageError: storage fails, or it is not known whether a bundle has the voice.
    """
    ports, custodian = task.ports, task.custodian
    record = ports.catalog.get_recording(recording_id)
    folders = folders_of(record, chunks)
    bundles, unread = bundles_about([recording_id], ports)
    if unread:  # the voice may be in one of them: the next run asks again
        raise StorageError("the document of an export cannot be read", code=unread[0].code)
    for folder in folders:
        close_derived(folder, ports)
        names = [one.name for one in ports.archive.list(f"{folder}/") if rules_of.is_superseded(one.name, ours)]
        withdraw_documents(folder, names, certificate, ports)
    for bundle in bundles:
        close_bundle(bundle, ports)
    found = [one for one in _versions(folders, custodian) if _is_to_go(one, ours)]
    return found + [one for bundle in bundles for one in custodian.versions(Place.EXPORTS, bundle)]


def _destroy_stragglers(row: Custody, chunks: Sequence[ChunkRecord], task: SpeakerTask) -> None:
    """Destroy what was made of an old file after its destruction: a waveform, or a derived file."""
    ours = _silenced_by(task, chunks)
    if not ours or not task.erasure.is_watched(task.ports.clock.now()):
        return
    record = task.ports.catalog.get_recording(row.recording_id)
    marks = rules_of.marks_of_now(row.recording_id, chunks, record.least_count if record else None)
    late = [
        one
        for one in _versions(folders_of(record, chunks), task.custodian)
        if rules_of.is_straggler(one.name, ours, marks) and not one.is_deleted
    ]
    look = _look(row, task) if late else None
    if look is not None and not rules_of.against(row, look, task.ports.clock.now()):
        _audit(row, task, "came_back")
        destroy_versions(late, task.custodian)


def _is_to_go(version: StoredVersion, ours: Sequence[ChunkRecord]) -> bool:
    """Return whether a version is of a superseded file, or an earlier one of a document that was written again."""
    if rules_of.is_superseded(version.name, ours) or (version.place is Place.FALLBACK and ours):
        return True
    name = version.name.rpartition("/")[2]
    return not version.is_current and name.startswith(("manifest.", "seal."))


def _audit(row: Custody, task: SpeakerTask, outcome: str) -> None:
    """Write a row of the audit trail; a failure raises, so that nothing is changed without it."""
    note = f"erasure {task.claim.request_id}"
    task.ports.audit.add(AuditEntry(task.ports.clock.now(), OPERATION, row.recording_id, None, outcome, note))
