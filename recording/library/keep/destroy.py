"""Destroy a recording: the only place where anything of the archive is destroyed, and only behind `may_destroy`.

1. Everything of the recording is listed, and the guard `may_destroy` is asked.
2. Its custody row becomes DESTROYING, under the ETag that it was read with: a hold that was placed meanwhile makes this
   fail, and a later one is refused. The chunks that the decision covers are noted.
3. The guard is asked again, with the rules and chunks of that moment. If it says no, nothing was destroyed.
4. Directory rows are removed first, then every version of every blob, then what the catalog says of the recording
   beyond the fact that it existed.
5. The certificate is written, and the row becomes DISPOSED.

Every step can be repeated: after the death of a worker the next run continues.
"""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from enum import StrEnum

from recording import __version__
from recording.domain.archived.layout import JSON
from recording.domain.find.placement import is_placed
from recording.domain.keep import custody as row_of
from recording.domain.keep.custody import Custody, CustodyState, Refusal
from recording.domain.keep.destroy import (
    Look,
    Obstacle,
    Place,
    StoredVersion,
    certificate_name,
    certificate_of,
    folders_of,
    is_kept_beside,
    is_of_later_chunk,
    mark_as_decided,
    may_destroy,
    may_destroy_again,
    may_destroy_beside,
    obstacles,
    refusal_of,
)
from recording.domain.model import with_changes
from recording.domain.state.chunk import ChunkRecord
from recording.domain.state.recording import RecordingRecord
from recording.errors import ClaimLostError, StorageBusyError
from recording.errors.codes import Code
from recording.library.follow_up import follow_up
from recording.library.keep.assess import assessed, custody_of, keeping_of, rules_in_force
from recording.library.keep.forget import forget, leave_the_directory, remember
from recording.library.keep.leftovers import Leftovers, close_bundle, close_derived
from recording.library.seal.waiting import offline_proofs, seal_file, withdraw_folder
from recording.ports import AuditEntry, Ports
from recording.ports.library.keeping import Custodian, DestroyAnswer
from recording.ports.outgoing.announce import announce
from recording.ports.stored import all_chunks_of
from recording.settings import Settings
from recording.telemetry import Event, emit

OPERATION = "dispose"  # in the audit trail
OFFLINE = "archive_tier"  # the reason of a refusal: proofs whose leaves must be withdrawn first cannot be read
UNREAD = Code.UNREADABLE_RECORD.value  # likewise: a chunk whose row cannot be read may be at work, or of another year


class Outcome(StrEnum):
    """How an attempt to destroy a recording ended."""

    DISPOSED = "disposed"
    REFUSED = "refused_by_storage"
    SPARED = "not_due_any_more"
    WAITS = "waits"  # marked too recently, or the line works on it
    BESIDE = "others_destroyed"  # other files under the ids of a destroyed recording
    LOST = "changed_meanwhile"  # another writer changed the row; the next run decides anew


def destroy(recording_id: str, leftovers: Leftovers, custodian: Custodian, ports: Ports, settings: Settings) -> Outcome:
    """Destroy a recording that was marked long enough ago, or continue where an earlier run ended.

    Raises:
        StorageError: storage does not answer; the next run continues.
    """
    keeping = keeping_of(ports)
    row = keeping.custody(recording_id)
    if row is None or row.state in (CustodyState.KEPT, CustodyState.DISPOSED):
        return Outcome.SPARED
    if row.state is CustodyState.MARKED:
        try:
            decided = _decide(row, leftovers, custodian, ports, settings)
        except ClaimLostError:
            return Outcome.LOST
        if isinstance(decided, Outcome):
            return decided
        row = decided
    return _carry_out(row, leftovers, custodian, ports, settings)


def _decide(
    row: Custody, leftovers: Leftovers, custodian: Custodian, ports: Ports, settings: Settings
) -> Custody | Outcome:
    """Decide under the row's ETag, and ask the guard again afterwards.

    Returns:
        The row in its state DESTROYING; or how the attempt ended.
    """
    keeping, now = keeping_of(ports), ports.clock.now()
    if unread := all_chunks_of(row.recording_id, ports.catalog)[1]:
        return _note_refusal(row, Refusal(reason=UNREAD, at=now, blobs=len(unread)), ports)
    look = _look(row, leftovers, custodian, ports, settings)
    if look is None:
        return Outcome.WAITS
    if against := obstacles(row, look, now, settings.dispose_after):
        return _note_obstacles(row, against, look, now, ports)
    if offline := offline_proofs(_folders(row.recording_id, ports), ports):
        return _note_refusal(row, Refusal(reason=OFFLINE, at=now, blobs=len(offline)), ports)
    row = with_changes(row, {"mark": mark_as_decided(row.mark, look.found, now)})
    _audit(row, "destroying", ports)
    stored = sum(not version.is_deleted for version in look.versions)
    begun = row_of.destroying(row, now, tuple(str(chunk.key) for chunk in look.chunks), stored)
    begun = keeping.save_custody(begun)
    again = _look(begun, leftovers, custodian, ports, settings)
    if again is not None and may_destroy(begun, again, ports.clock.now(), settings.dispose_after):
        return begun
    keeping.save_custody(row_of.unmarked(begun))
    _audit(row, "spared", ports)
    return Outcome.SPARED


def _note_obstacles(row: Custody, against: Sequence[Obstacle], look: Look, now: datetime, ports: Ports) -> Outcome:
    """Note what forbids the destruction: the mark is removed, or storage's refusal is kept on the row."""
    if Obstacle.NOT_DUE in against or Obstacle.NOT_MARKED in against:
        keeping_of(ports).save_custody(row_of.unmarked(row))
        return Outcome.SPARED
    refusal = refusal_of(look.versions, now)
    if refusal is None or any(not obstacle.is_of_storage for obstacle in against):
        return Outcome.WAITS
    return _note_refusal(row, refusal, ports)


def _note_refusal(row: Custody, refusal: Refusal, ports: Ports) -> Outcome:
    known = row.refused
    if known is None or (known.reason, known.until, known.blobs) != (refusal.reason, refusal.until, refusal.blobs):
        keeping_of(ports).save_custody(row_of.refused(row, refusal))
    emit(Event.DISPOSE_REFUSED, recording_id=row.recording_id, reason=refusal.reason, count=refusal.blobs)
    return Outcome.REFUSED


def _look(row: Custody, leftovers: Leftovers, custodian: Custodian, ports: Ports, settings: Settings) -> Look | None:
    """Return all that the guard decides by; None while the chunks' facts are not gathered.

    Versions are listed before the chunks are read: a chunk's row is written before its blobs, so no blob lacks its row.
    """
    record = ports.catalog.get_recording(row.recording_id)
    if record is None:
        return None
    folders = folders_of(record, ports.catalog.chunks_of(row.recording_id))
    versions = _versions(row.recording_id, folders, leftovers, custodian)
    known = known_now(row.recording_id, ports)
    if known is None:
        return None
    record, chunks = known
    found = assessed(record, row, rules_in_force(ports, settings), ports.clock.now(), settings).disposition
    return Look(found, chunks, versions)


def _folders(recording_id: str, ports: Ports) -> list[str]:
    return folders_of(ports.catalog.get_recording(recording_id), ports.catalog.chunks_of(recording_id))


def known_now(recording_id: str, ports: Ports) -> tuple[RecordingRecord, list[ChunkRecord]] | None:
    """Return a recording and its chunks, its facts gathered from all of them; None where that does not succeed now.

    A chunk that was archived a moment ago may add a participant, a format or minutes that a rule is about; and of one
    whose row cannot be read nothing is known.

    Raises:
        StorageError: catalog, archive or directory do not answer.
    """
    for _ in range(2):
        record, (chunks, unread) = ports.catalog.get_recording(recording_id), all_chunks_of(recording_id, ports.catalog)
        if unread:
            return None
        if record is not None and (record.facts is None or is_placed(record, chunks, ())):
            return record, chunks
        follow_up(recording_id, ports)
    return None


def _carry_out(row: Custody, leftovers: Leftovers, custodian: Custodian, ports: Ports, settings: Settings) -> Outcome:
    """Destroy what the decision covers, and nothing that arrived after it."""
    record = ports.catalog.get_recording(row.recording_id)
    folders = folders_of(record, ports.catalog.chunks_of(row.recording_id))
    for bundle in leftovers.bundles(row.recording_id):
        close_bundle(bundle, ports)
    for folder in folders:
        close_derived(folder, ports)
    if record is not None:
        record = remember(record, ports)
    listed = _versions(row.recording_id, folders, leftovers, custodian)
    chunks, unread = all_chunks_of(row.recording_id, ports.catalog)
    if unread:
        return _note_refusal(row, Refusal(reason=UNREAD, at=ports.clock.now(), blobs=len(unread)), ports)
    template = settings.archive_path_template
    later = row_of.later_than(row, chunks)
    is_partial = bool(later)
    if not is_partial:
        leave_the_directory(record, ports)
    ours = [
        version
        for version in listed
        if not is_of_later_chunk(version.name, later, template) and not (is_partial and _is_manifest(version))
    ]
    name = certificate_name(row.recording_id, row.destroying_since or ports.clock.now())
    if not is_partial:
        for folder in folders:
            withdraw_folder(folder, name, ports)
    refused = destroy_versions(ours, custodian)
    if refused:
        now = ports.clock.now()
        refusal = refusal_of(refused, now) or Refusal(reason="refused", at=now, blobs=len(refused))
        return _note_refusal(row, refusal, ports)
    gone_at = _gone_at(ours, row.recording_id, folders, leftovers, custodian)
    spared = {chunk.key for chunk in later}
    destroyed = [chunk for chunk in chunks if chunk.key not in spared]
    forget(record, destroyed, name, row, ports, rules=None if is_partial else rules_in_force(ports, settings).rules)
    blobs = len(ours) if is_partial else max(len(ours), row.decided_versions)  # earlier runs have destroyed some
    document = certificate_of(row, destroyed, blobs, gone_at, __version__)
    ports.archive.put_once(name, document, JSON)
    seal_file(name, ports)
    _audit(row, "disposed", ports)
    try:
        keeping_of(ports).save_custody(row_of.disposed(row, ports.clock.now(), gone_at, name))
    except ClaimLostError:
        return Outcome.LOST
    announce(row.recording_id, ports)
    emit(Event.DISPOSED, recording_id=row.recording_id, count=len(ours), reason=row.mark.why if row.mark else None)
    return Outcome.DISPOSED


def destroy_again(recording_id: str, custodian: Custodian, ports: Ports) -> int:
    """Destroy what a restore or an undelete has brought back of an erased recording; return how many versions.

    Raises:
        StorageError: storage does not answer; the next run tries again.
    """
    row, (chunks, unread) = custody_of(recording_id, ports), all_chunks_of(recording_id, ports.catalog)
    if not isinstance(row, Custody) or unread or not may_destroy_again(row, chunks):
        return 0
    folders = folders_of(ports.catalog.get_recording(recording_id), chunks)
    places = (Place.ARCHIVE, Place.FALLBACK)
    found = [one for place in places for folder in folders for one in custodian.versions(place, f"{folder}/")]
    back = [one for one in found if not one.is_deleted]
    if back:
        _audit(row, "came_back", ports)
    return len(back) - len(destroy_versions(back, custodian))


def destroy_beside(
    recording_id: str, leftovers: Leftovers, custodian: Custodian, ports: Ports, settings: Settings
) -> Outcome | None:
    """Destroy other files that were kept under the ids of a destroyed recording, and their entries in quarantine.

    No chunk's row has them, so no rule would find them. An operator has `DISPOSE_AFTER_DAYS` to look at them.

    Returns:
        How the attempt ended; None where there are none.

    Raises:
        StorageError: storage does not answer; the next run continues.
    """
    entries = leftovers.conflicts(recording_id)
    if not entries:
        return None
    row, (chunks, unread) = custody_of(recording_id, ports), all_chunks_of(recording_id, ports.catalog)
    now, delay = ports.clock.now(), settings.dispose_after
    if not isinstance(row, Custody) or unread or not may_destroy_beside(row, chunks, max(entries.values()), now, delay):
        return Outcome.WAITS
    folders = folders_of(ports.catalog.get_recording(recording_id), chunks)
    places = (Place.ARCHIVE, Place.FALLBACK)
    stored = (one for place in places for folder in folders for one in custodian.versions(place, f"{folder}/"))
    files = [one for one in stored if is_kept_beside(one.name, chunks, settings.archive_path_template)]
    told = [one for name in entries for one in custodian.versions(Place.QUARANTINE, name)]
    if all(one.is_deleted for one in (*files, *told)):
        return None
    _audit(row, "kept_beside", ports)
    # The entries go last: only through them are the files found again.
    if refused := destroy_versions(files, custodian) or destroy_versions(told, custodian):
        refusal = refusal_of(refused, now) or Refusal(reason="refused", at=now, blobs=len(refused))
        return _note_refusal(row, refusal, ports)
    if row.refused is not None:
        keeping_of(ports).save_custody(with_changes(row, {"refused": None}))
    emit(Event.DISPOSED, recording_id=recording_id, count=len(files), reason="kept_beside")
    return Outcome.BESIDE


def destroy_versions(versions: Iterable[StoredVersion], custodian: Custodian) -> list[StoredVersion]:
    """Destroy each of these versions, and return those that storage protects.

    Raises:
        StorageError: storage does not answer; the same call again continues.
    """
    return [version for version in versions if custodian.destroy(version) is DestroyAnswer.REFUSED]


def _gone_at(
    ours: Sequence[StoredVersion],
    recording_id: str,
    folders: Iterable[str],
    leftovers: Leftovers,
    custodian: Custodian,
) -> datetime | None:
    """Check that every version is destroyed, and return when storage drops the last soft-deleted one; None for none.

    Raises:
        StorageBusyError: a version that was destroyed is still there, or again; the next run destroys it.
    """
    known = {(one.place, one.name, one.version) for one in ours}
    left = [
        one
        for one in _versions(recording_id, folders, leftovers, custodian)
        if (one.place, one.name, one.version) in known
    ]
    if any(not one.is_deleted for one in left):
        raise StorageBusyError("a version that was destroyed still exists; the next run destroys it")
    return max((one.gone_at for one in left if one.gone_at is not None), default=None)


def _versions(
    recording_id: str, folders: Iterable[str], leftovers: Leftovers, custodian: Custodian
) -> list[StoredVersion]:
    places: Mapping[Place, Iterable[str]] = {
        Place.ARCHIVE: [f"{folder}/" for folder in folders],
        Place.FALLBACK: [f"{folder}/" for folder in folders],
        Place.QUARANTINE: leftovers.quarantined(recording_id),
        Place.DEAD_LETTERS: leftovers.dead_letters(recording_id),
        Place.EXPORTS: leftovers.bundles(recording_id),
    }
    return [version for place, names in places.items() for name in names for version in custodian.versions(place, name)]


def _is_manifest(version: StoredVersion) -> bool:
    return version.is_current and version.name.rpartition("/")[2].startswith("manifest.")


def _audit(row: Custody, outcome: str, ports: Ports) -> None:
    """Write a row of the audit trail; a failure raises, so that nothing is destroyed without it."""
    note = row.mark.why if row.mark else None
    ports.audit.add(AuditEntry(ports.clock.now(), OPERATION, row.recording_id, None, outcome, note))
