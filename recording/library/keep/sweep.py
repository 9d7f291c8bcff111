"""Sweep the stores beside the archive: erase what names a person, or is about an erased recording.

Each store of the table in `domain/keep/stores` has its sweep here. Traces that a hold still needs, or that storage
protects, are left and reported; the next day's run tries again. Repeating a sweep changes nothing.
"""

import json
from collections.abc import Callable, Mapping
from functools import lru_cache, partial

from recording.archive.manifest import rewrite_manifest
from recording.domain import names
from recording.domain.archived.layout import receipt_name
from recording.domain.foreign_json import text_in
from recording.domain.keep.destroy import Obstacle, Place, StoredVersion, refusal_of
from recording.domain.keep.erasure import Erasure
from recording.domain.keep.rules import RuleSet
from recording.domain.model import with_changes
from recording.domain.state.chunk import ChunkRecord
from recording.domain.state.recording import RecordingRecord
from recording.domain.state.records import changed
from recording.domain.state.transitions import is_archived
from recording.errors import BlobLockedError, ClaimLostError
from recording.errors.codes import Code
from recording.library.analysts import rewrite_where
from recording.library.keep.assess import every_recording, keeping_of
from recording.library.keep.bundles import end_bundles_with, sweep_bundles
from recording.library.keep.sweep_run import Run, Swept, without_person
from recording.library.seal.withdraw import withdraw_rows
from recording.ports import PoisonMessage, Unreadable
from recording.ports.library.follow_ups import request_follow_up

MOST = 1000  # messages of one queue in one look; others, hidden at that moment, are read on the next day
MOST_TEXTS = 10_000  # of the trail, remembered within one look
IN_RECEIPT = "in_receipt"  # it names who accepted suspect media: it is never changed, and goes with its recording
IN_FORCE = "rule_in_force"  # the filter of a rule in force names the person: other rules have to be set first


def sweep(run: Run, *, is_full: bool) -> Swept:
    """Erase the traces in all stores, and return what was done and what is left.

    Args:
        run: the look, for one request.
        is_full: whether to look through the rows of the catalog and the files of analysts as well. If not, what the
            last full look left there is carried over.

    A row, a blob or a whole store that fails keeps the request open, and no other is kept from being looked at.

    Raises:
        StorageError: storage does not answer at all; the next run continues.
    """
    run.is_full = is_full
    for name, look in SWEEPS.items():
        if not is_full and name in _LARGE:
            run.done.kept |= {(one.place, one.reason): one for one in run.erasure.kept if one.place == _LARGE[name]}
            continue
        with run.alone(_PLACES.get(name, name)):
            look(run)
    return run.done


# --- containers ------------------------------------------------------------------------------------------------------


def _scan(place: Place) -> Callable[[Run], None]:
    """Return the sweep of a container of small blobs: every version of each is read."""

    def look(run: Run) -> None:
        for version in list(run.custodian.versions(place, "")):
            with run.alone(place):
                _scan_version(version, place, run)

    return look


def _scan_version(version: StoredVersion, place: Place, run: Run) -> None:
    data = None if version.is_deleted else run.custodian.read(version)
    if data is None or not (run.is_about(data) or run.is_about(version.name.encode())) or not run.is_within(data):
        return
    if run.is_needed(data):
        run.done.keep(place, Obstacle.NOT_DUE)
    else:
        run.destroy(place, [version])


def _journals(run: Run) -> None:
    """Withdraw the rows of the seal's journals that name the person, but for those that stay in the trail, too."""

    def is_to_go(row: bytes) -> bool:
        return run.subject.is_in(row) and run.may_reword(Place.SEAL, text_in(json.loads(row).get("recordingId")))

    if run.ports.seal is not None:
        done = withdraw_rows(is_to_go, run.erasure.erasure_id, run.custodian, run.ports)
        run.done.count += done.count
        if done.refused:
            refusal = refusal_of(done.refused, run.ports.clock.now())
            run.done.keep(Place.SEAL, refusal.reason if refusal else "refused", refusal.until if refusal else None)


def _analysts(run: Run) -> None:
    """Write again the analysts' files that hold an erased recording or name the person; destroy earlier versions."""
    if run.settings.analysts_wait:  # a setting is wrong: where files are that may name the person is not known
        run.done.keep(Place.ANALYSTS, Code.SETTING_SET_ASIDE.value)
    if run.ports.analysts is None:
        return
    rewrite_where(run.may_be_about, run.ports, run.settings)
    earlier = [one for one in run.custodian.versions(Place.ANALYSTS, "") if not one.is_current and not one.is_deleted]
    run.destroy(Place.ANALYSTS, earlier)


# --- rows ------------------------------------------------------------------------------------------------------------


def _recordings(run: Run) -> None:
    """Erase the person from the rows of recordings that stay, and from the counts of starts."""
    if run.subject.is_person and run.erasure.tenants is None:  # a caller starts recordings of any tenant
        counts = (run.ports.start_counts, run.ports.running)
        run.done.count += sum(one.forget(run.subject.is_in) for one in counts if one is not None)
    for record in every_recording(run.owner.catalog, partial(run.note_unread, names.RECORDINGS_TABLE)):
        with run.alone(names.RECORDINGS_TABLE):
            if record.recording_id not in run.whole:
                clean_recording(record, run)
            elif record.disposed_at is not None and (left := without_person(record, run)) is not None:  # who started it
                _save(lambda left=left: run.ports.catalog.save_recording(left), names.RECORDINGS_TABLE, run)  # type: ignore[misc]


def clean_recording(record: RecordingRecord, run: Run) -> None:
    """Erase the person from one recording's row, and from every version of its manifest."""
    cleaned = without_person(record, run)
    if cleaned is None:
        return
    if run.is_kept(record.recording_id):
        run.done.keep(names.RECORDINGS_TABLE, Obstacle.NOT_DUE)
        return
    if not end_bundles_with(record.recording_id, run):
        return
    try:
        run.ports.catalog.save_recording(changed(cleaned, settled_at=None, look_at=None))
    except ClaimLostError:
        run.done.keep(names.RECORDINGS_TABLE, "changed_meanwhile")
        return
    run.done.count += 1
    request_follow_up(record.recording_id, run.ports)
    _clean_manifests(record, run)


def _clean_manifests(record: RecordingRecord, run: Run) -> None:
    """Write the manifest again, and destroy the versions of it that name the person."""
    chunks = run.ports.catalog.chunks_of(record.recording_id)
    archived = next((chunk for chunk in chunks if is_archived(chunk)), None)
    if archived is None:
        return
    try:
        rewrite_manifest(archived.task, run.ports)
    except BlobLockedError:
        run.done.keep(Place.ARCHIVE, Obstacle.IMMUTABLE)
    versions = [
        version
        for version in run.custodian.versions(Place.ARCHIVE, f"{archived.task.folder}/manifest.")
        if not version.is_deleted and not version.is_current and run.subject.is_in(run.custodian.read(version) or b"")
    ]
    run.destroy(Place.ARCHIVE, versions)


def _chunks(run: Run) -> None:
    for chunk in run.ports.catalog.all_chunks():
        if isinstance(chunk, Unreadable):
            run.note_unread(names.CHUNKS_TABLE, chunk)
            continue
        with run.alone(names.CHUNKS_TABLE):
            _clean_chunk(chunk, run)


def _clean_chunk(chunk: ChunkRecord, run: Run) -> None:
    cleaned, accepted = without_person(chunk, run), chunk.blob_name if chunk.accepted is not None else None
    if cleaned is None and (accepted is None or not run.subject.is_person):
        return
    if not run.is_within(f"recordingId={chunk.task.recording_id}".encode()):
        return
    receipt = run.ports.archive.get(receipt_name(accepted)) if accepted is not None else None
    if receipt is not None and run.subject.is_in(receipt[0]):
        run.done.keep(names.CHUNKS_TABLE, IN_RECEIPT)
    if cleaned is None:
        return
    if run.is_kept(chunk.task.recording_id):
        run.done.keep(names.CHUNKS_TABLE, Obstacle.NOT_DUE)
        return
    if not end_bundles_with(chunk.task.recording_id, run):
        return
    _save(lambda: run.ports.catalog.save_chunk(cleaned), names.CHUNKS_TABLE, run)


def _audit(run: Run) -> None:
    if run.ports.audit_eraser is not None and run.subject.is_person:
        once = lru_cache(MOST_TEXTS)(run.subject.without)  # a text costs up to a millisecond, and rows repeat them
        run.done.count += run.ports.audit_eraser.withhold(
            once, lambda caller: once(caller, run.pseudonym), partial(run.may_reword, names.AUDIT_TABLE)
        )


def _custody(run: Run) -> None:
    keeping = keeping_of(run.owner)
    for row in list(keeping.custodies("", "~")):
        if isinstance(row, Unreadable):
            run.note_unread(names.CUSTODY_TABLE, row)
            continue
        with run.alone(names.CUSTODY_TABLE):
            cleaned = without_person(row, run)
            if cleaned is not None and cleaned.active_holds:  # a case is released by its name, which must not change
                run.done.keep(names.CUSTODY_TABLE, Obstacle.NOT_DUE)
            elif cleaned is not None:
                _save(lambda cleaned=cleaned: keeping.save_custody(cleaned), names.CUSTODY_TABLE, run)  # type: ignore[misc]
    for erasure in list(keeping.erasures()):
        if isinstance(erasure, Unreadable) or erasure.erasure_id == run.erasure.erasure_id:
            continue  # the request of this run is cleaned when the run is noted on it
        with run.alone(names.CUSTODY_TABLE):
            cleaned_request = without_person(erasure, run)
            if cleaned_request is not None:
                _save(lambda one=cleaned_request: keeping.save_erasure(one), names.CUSTODY_TABLE, run)  # type: ignore[misc]
    if run.erasure.tenants is None:
        _rules(run)


def _rules(run: Run) -> None:
    """Erase the person from all rules there ever were, but for the filters of those in force.

    A reworded filter would match other recordings. It is reported until other rules are set.
    """
    keeping = keeping_of(run.ports)
    history = list(keeping.rules_history())
    for rules in history:
        if isinstance(rules, Unreadable):
            run.note_unread(names.CUSTODY_TABLE, rules)
            continue
        with run.alone(names.CUSTODY_TABLE):
            _clean_rules(rules, run, is_in_force=rules is history[-1])


def _clean_rules(rules: RuleSet, run: Run, *, is_in_force: bool) -> None:
    cleaned = without_person(rules, run)
    if cleaned is None:
        return
    if is_in_force:
        fitting = zip(cleaned.rules, rules.rules, strict=True)
        kept = tuple(with_changes(words, {"when": known.when}) for words, known in fitting)
        cleaned = with_changes(cleaned, {"rules": kept})
        if without_person(cleaned, run) is not None:
            run.done.keep(names.CUSTODY_TABLE, IN_FORCE)
    if cleaned != rules:
        keeping_of(run.ports).reword_rules(cleaned)
        run.done.count += 1


def cleaned_request(erasure: Erasure, run: Run) -> Erasure:
    """Return the request without the person in its own texts."""
    return without_person(erasure, run) or erasure


def _save(save: Callable[[], object], place: str, run: Run) -> None:
    try:
        save()
    except ClaimLostError:
        run.done.keep(place, "changed_meanwhile")
        return
    run.done.count += 1


# --- messages --------------------------------------------------------------------------------------------------------


def _drain(which: str) -> Callable[[Run], None]:
    """Return the sweep of a poison queue: messages that name the person are removed, others reappear within minutes."""

    def look(run: Run) -> None:
        queue = run.owner.queue
        found = list(queue.poisoned() if which == names.CHUNKS_POISON_QUEUE else queue.poisoned_events())
        _take_out(found, which, queue.remove_poisoned, run)

    return look


def _drain_beside(name: str) -> Callable[[Run], None]:
    """Return the sweep of a queue beside the line; the timer puts the other messages back on their queue, as always."""

    def look(run: Run) -> None:
        leftovers = run.ports.leftovers
        if leftovers is not None:
            found = [message for message in leftovers.received(name, MOST) if run.is_within(_body(message))]
            _take_out(found, names.poison_of(name), partial(leftovers.remove, name), run)

    return look


def _take_out(found: list[PoisonMessage], store: str, remove: Callable[[PoisonMessage], None], run: Run) -> None:
    """Remove the messages that name the person, unless a hold or the law keeps what they are about."""
    for message in found:
        body = _body(message)
        if not run.subject.is_in(body):
            continue
        with run.alone(store):
            if run.is_needed(body):
                run.done.keep(store, Obstacle.NOT_DUE)
            else:
                remove(message)
                run.done.count += 1


def _body(message: PoisonMessage) -> bytes:
    return message.body.encode(errors="surrogatepass")


SWEEPS: Mapping[str, Callable[[Run], None]] = {
    names.EVENTS_POISON_QUEUE: _drain(names.EVENTS_POISON_QUEUE),
    names.CHUNKS_POISON_QUEUE: _drain(names.CHUNKS_POISON_QUEUE),
    **{names.poison_of(name): _drain_beside(name) for name in names.BESIDE_THE_LINE},
    names.QUARANTINE_CONTAINER: _scan(Place.QUARANTINE),
    names.DEAD_LETTER_CONTAINER: _scan(Place.DEAD_LETTERS),
    names.RECORDINGS_TABLE: _recordings,
    names.CHUNKS_TABLE: _chunks,
    names.EXPORT_CONTAINER: sweep_bundles,  # after the rows: what is in them is in bundles
    names.CUSTODY_TABLE: _custody,
    names.AUDIT_TABLE: _audit,
    names.SEAL_CONTAINER: _journals,
    "{PARQUET_CONTAINER}": _analysts,
}
_LARGE = {  # read by a full look alone, with the place under which it notes what is left
    **{name: name for name in (names.RECORDINGS_TABLE, names.CHUNKS_TABLE, names.CUSTODY_TABLE)},
    "{PARQUET_CONTAINER}": Place.ANALYSTS,
}
_PLACES = {  # under which a store's traces are noted, where that is not its name
    names.QUARANTINE_CONTAINER: Place.QUARANTINE,
    names.DEAD_LETTER_CONTAINER: Place.DEAD_LETTERS,
    names.EXPORT_CONTAINER: Place.EXPORTS,
    names.SEAL_CONTAINER: Place.SEAL,
    "{PARQUET_CONTAINER}": Place.ANALYSTS,
}
