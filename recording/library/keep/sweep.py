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
from recording.domain.ids import name_of
from recording.domain.keep.custody import Custody
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
from recording.library.seal.withdraw import Withdrawn, withdraw_rows
from recording.ports import PoisonMessage, Unreadable
from recording.ports.library.follow_ups import request_follow_up

MOST = 1000  # messages of one queue in one look; others, hidden at that moment, are read on the next day
MOST_TEXTS = 10_000  # of the trail, remembered within one look
IN_RECEIPT = "in_receipt"  # it names who accepted suspect media: it is never changed, and goes with its recording
IN_FORCE = "rule_in_force"  # the filter of a rule in force names the person: other rules have to be set first


def sweep_and_note(run: Run, left_out: int) -> Erasure:
    """Erase traces in the other stores, and note on the request what was erased there and what is left.

    So are the recordings that did not fit into its row (`left_out`): with them it is not done.

    Raises:
        SweepPausedError: the time is over; the request notes how far the look has come.
        StorageError: storage does not answer at all; the next run continues.
    """
    done = sweep(run, is_full=run.erasure.unswept.is_full if run.erasure.unswept else run.is_full)
    if left_out:
        done.keep(names.RECORDINGS_TABLE, Code.TOO_MANY_RECORDINGS.value, None, left_out)
    changes = {"swept_at": run.ports.clock.now(), "swept": run.erasure.swept + done.count}
    ended = {**changes, "kept": tuple(done.kept.values()), "unswept": None}
    return keeping_of(run.ports).save_erasure(with_changes(without_person(run.erasure, run) or run.erasure, ended))


def sweep(run: Run, *, is_full: bool) -> Swept:
    """Erase the traces in all stores, and return what was done and what is left.

    Args:
        run: the look, for one request.
        is_full: whether to look through the rows of the catalog and the files of analysts as well. If not, what the
            last full look left there is carried over.

    A row, a blob or a whole store that fails keeps the request open, and no other is kept from being looked at. A look
    that an earlier run had no time to end is continued where it stopped.

    Raises:
        SweepPausedError: the time is over; the request notes how far the look has come.
        StorageError: storage does not answer at all; the next run continues.
    """
    run.is_full, begun, order = is_full, run.erasure.unswept, list(SWEEPS)
    first, position = order[0], ""
    if begun is not None and begun.store in SWEEPS:
        first, position = begun.store, begun.position
        run.done.count, run.done.kept = begun.count, {(one.place, one.reason): one for one in begun.kept}
    for name in order[order.index(first) :]:
        run.store, run.position = name, position if name == first else ""
        run.reached(run.position)
        if not is_full and name in _LARGE:
            run.done.kept |= {(one.place, one.reason): one for one in run.erasure.kept if one.place == _LARGE[name]}
            continue
        with run.alone(_PLACES.get(name, name)):
            SWEEPS[name](run)
    return run.done


# --- containers ------------------------------------------------------------------------------------------------------


def _scan(place: Place) -> Callable[[Run], None]:
    """Return the sweep of a container of small blobs: every version of each is read."""

    def look(run: Run) -> None:
        last = run.position
        for version in [one for one in run.custodian.versions(place, "") if one.name > last]:
            if version.name != last:
                run.reached(last)
            last = version.name
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

    def note(done: Withdrawn) -> None:
        run.done.count += done.count
        if done.refused:
            refusal = refusal_of(done.refused, run.ports.clock.now())
            run.done.keep(Place.SEAL, refusal.reason if refusal else "refused", refusal.until if refusal else None)
        done.count, done.refused = 0, []

    def reached(name: str, done: Withdrawn) -> None:
        note(done)
        run.reached(name)

    if run.ports.seal is not None:
        note(
            withdraw_rows(
                is_to_go, run.erasure.erasure_id, run.custodian, run.ports, after=run.position, reached=reached
            )
        )


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
    unread = partial(run.note_unread, names.RECORDINGS_TABLE)
    for record in every_recording(run.owner.catalog, unread, run.position, run.reached):
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
    last = run.position
    for chunk in run.ports.catalog.all_chunks(last):
        if (name := _name_in(chunk)) != last:
            run.reached(last)
        last = name
        if isinstance(chunk, Unreadable):
            run.note_unread(names.CHUNKS_TABLE, chunk)
            continue
        with run.alone(names.CHUNKS_TABLE):
            _clean_chunk(chunk, run)


def _name_in(row: ChunkRecord | Custody | Unreadable) -> str:
    """Return the name of the recording that a row is about: the first part of its key."""
    if isinstance(row, Unreadable):
        return row.where.partition("/")[0]
    return name_of(row.task.recording_id if isinstance(row, ChunkRecord) else row.recording_id)


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
        before = run.done.count

        def reached(position: str, changed: int) -> None:
            run.done.count = before + changed
            run.reached(position)

        may_change = partial(run.may_reword, names.AUDIT_TABLE)
        run.done.count = before + run.ports.audit_eraser.withhold(
            once, lambda caller: once(caller, run.pseudonym), may_change, run.position, reached
        )


def _custody(run: Run) -> None:
    keeping = keeping_of(run.owner)
    for row in list(keeping.custodies(run.position, "~")):
        run.reached(_name_in(row))
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
