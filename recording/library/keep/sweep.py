"""Sweep: erase what names a person, or is about an erased recording, outside the recordings' own folders.

Each store of the table in `domain/keep/stores` has its sweep here. What a hold still needs, and what storage protects,
is left and told; the next day's run looks again. Repeating a sweep changes nothing.
"""

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import cached_property, partial
from typing import Any, TypeVar

from recording.archive.manifest import rewrite_manifest
from recording.control.tenants import as_owner
from recording.domain import names
from recording.domain.incoming.named import recordings_in, words_in
from recording.domain.keep.custody import Claim, Custody
from recording.domain.keep.destroy import Obstacle, Place, StoredVersion, refusal_of
from recording.domain.keep.erasure import Erasure, KeptTraces, Scope
from recording.domain.keep.rules import RuleSet
from recording.domain.keep.spellings import readings
from recording.domain.keep.traces import WITHHELD, Subject
from recording.domain.model import with_changes
from recording.domain.state.chunk import ChunkRecord
from recording.domain.state.recording import RecordingRecord
from recording.domain.state.records import changed
from recording.domain.state.transitions import is_archived
from recording.errors import BlobLockedError, ClaimLostError, StorageError
from recording.errors.codes import Code
from recording.library.analysts import rewrite_where
from recording.library.keep.assess import assessed, custody_of, every_recording, keeping_of, rules_in_force
from recording.library.keep.destroy import destroy_versions
from recording.library.keep.leftovers import bundles_about, close_bundle
from recording.library.seal.withdraw import withdraw_rows
from recording.ports import Custodian, PoisonMessage, Ports, Unreadable
from recording.ports.library.follow_ups import request_follow_up
from recording.settings import Settings

MOST = 1000  # messages of one queue in one look; those that are hidden meanwhile are looked at on the next day
IN_FORCE = "rule_in_force"  # what a rule is about names the person: other rules have to be set first
R = TypeVar("R", RecordingRecord, ChunkRecord, Custody, Erasure, RuleSet)
_PEOPLE = frozenset({"by", "released_by", "requested_by", "approved_by", "started_by"})
# Ids and derived facts name nobody, and a changed one would be another recording's.
_IDS = frozenset(
    {"recording_id", "acs_id", "folder", "call_id", "server_call_id", "task", "facts", "placement", "etag"}
)


@dataclass
class Swept:
    """What one look through the stores did: traces that were erased, and those that are left with the reason."""

    count: int = 0
    kept: dict[tuple[str, str], KeptTraces] = field(default_factory=dict)

    def keep(self, place: str, reason: str, until: Any = None, count: int = 1) -> None:
        """Note traces that are left."""
        known = self.kept.get((place, reason))
        ends = [one for one in (until, known.until if known else None) if one is not None]
        total = count + (known.count if known else 0)
        self.kept[place, reason] = KeptTraces(place=place, reason=reason, until=max(ends, default=None), count=total)


@dataclass
class Run:
    """One look for one request."""

    erasure: Erasure
    subject: Subject
    custodian: Custodian
    ports: Ports
    settings: Settings
    done: Swept = field(default_factory=Swept)

    @cached_property
    def erased(self) -> tuple[str, ...]:
        """Return the recordings that it covers and nothing keeps any more."""
        return tuple(one for one in self.whole if not self.is_kept(one))

    @property
    def whole(self) -> tuple[str, ...]:
        """Return the recordings that go as a whole."""
        return self.erasure.recordings if self.erasure.scope is Scope.RECORDING else ()

    @property
    def pseudonym(self) -> str:
        """Return what stands for the person where rows must still say that one person did it."""
        return self.erasure.pseudonym

    @cached_property
    def rules(self) -> RuleSet:
        """Return the rules in force, read once for the whole look."""
        return rules_in_force(self.ports, self.settings)

    @cached_property
    def owner(self) -> Ports:
        """Return the ports of those who asked: a request within some tenants touches nothing of others."""
        return as_owner(self.ports, self.erasure.tenants)

    def is_within(self, data: bytes) -> bool:
        """Return whether bytes are about recordings within the request's tenants only."""
        if self.erasure.tenants is None:
            return True
        named = _recordings_in(data)
        return bool(named) and all(self.owner.catalog.get_recording(one) is not None for one in named)

    def is_about(self, data: bytes) -> bool:
        """Return whether bytes name the person, or an erased recording."""
        return any(
            bool(self.erased and not words_in(text).isdisjoint(self.erased))
            or bool(self.subject.is_person and self.subject.spans(text))
            for text in readings(data)
        )

    def may_be_about(self, data: bytes) -> bool:
        """Return whether bytes may hold an erased recording or name the person; for files that are only made again.

        Values of a Parquet file have no space between them, so that an id counts as a part of a word, too.
        """
        return self.is_about(data) or any(one in text for text in readings(data) for one in self.erased)

    def is_needed(self, data: bytes) -> bool:
        """Return whether bytes are about a recording that a hold or the law keeps."""
        return any(self.is_kept(found) for found in _recordings_in(data))

    def is_kept(self, recording_id: str) -> bool:
        """Return whether a hold, its time of grace, or a legal retention keeps a recording from this request."""
        row = custody_of(recording_id, self.ports)
        if isinstance(row, Unreadable) or (row is not None and row.active_holds):
            return True
        record = self.ports.catalog.get_recording(recording_id)
        if record is None:
            return False
        at, asked = self.erasure.approved_at or self.ports.clock.now(), row or Custody(recording_id=recording_id)
        if not any(one.request_id == self.erasure.erasure_id for one in asked.claims):
            made = Claim(request_id=self.erasure.erasure_id, approved_at=at)
            asked = with_changes(asked, {"claims": (*asked.claims, made)})
        found = assessed(record, asked, self.rules, self.ports.clock.now(), self.settings)
        return bool(found.disposition.refused)

    def destroy(self, place: Place, versions: list[StoredVersion]) -> None:
        """Destroy versions; those that storage protects are reported with the day until which it does."""
        refused = destroy_versions(versions, self.custodian)
        self.done.count += sum(not one.is_deleted for one in versions) - len(refused)
        if refused:
            refusal = refusal_of(refused, self.ports.clock.now())
            reason = refusal.reason if refusal else "refused"
            self.done.keep(place, reason, refusal.until if refusal else None, len(refused))


def _recordings_in(data: bytes) -> frozenset[str]:
    """Return the recordings that bytes name, in every way in which they may be written."""
    return frozenset[str]().union(*map(recordings_in, readings(data)))


def sweep(run: Run, *, is_full: bool) -> Swept:
    """Look through the stores; the rows of the catalog and the files of analysts only when it is to be a full look.

    Raises:
        StorageError: storage does not answer; the next run goes on.
    """
    for name, look in SWEEPS.items():
        if not is_full and name in _LARGE:
            run.done.kept |= {(one.place, one.reason): one for one in run.erasure.kept if one.place == _LARGE[name]}
            continue
        try:
            look(run)
        except StorageError as error:
            if name not in _ELSEWHERE:
                raise
            run.done.keep(_ELSEWHERE[name], error.code)  # traces may be there: the request stays open
    return run.done


# --- containers ------------------------------------------------------------------------------------------------------


def _scan(place: Place) -> Callable[[Run], None]:
    """Return the sweep of a container whose blobs are small: each version is read, earlier ones too."""

    def look(run: Run) -> None:
        for version in list(run.custodian.versions(place, "")):
            data = None if version.is_deleted else run.custodian.read(version)
            if (
                data is None
                or not (run.is_about(data) or run.is_about(version.name.encode()))
                or not run.is_within(data)
            ):
                continue
            if run.is_needed(data):
                run.done.keep(place, Obstacle.NOT_DUE)
            else:
                run.destroy(place, [version])

    return look


def _bundles(run: Run) -> None:
    """Destroy each bundle with an erased recording in it, made or still being made."""
    for folder in bundles_about(run.erased, run.ports):
        close_bundle(folder, run.ports)
        run.destroy(Place.EXPORTS, list(run.custodian.versions(Place.EXPORTS, folder)))


def _journals(run: Run) -> None:
    """Withdraw the rows of the seal's journals that name the person."""
    if run.ports.seal is not None:
        done = withdraw_rows(run.subject.is_in, run.erasure.erasure_id, run.custodian, run.ports)
        run.done.count += done.count
        if done.refused:
            refusal = refusal_of(done.refused, run.ports.clock.now())
            run.done.keep(Place.SEAL, refusal.reason if refusal else "refused", refusal.until if refusal else None)


def _analysts(run: Run) -> None:
    """Make the analysts' files again that hold an erased recording or name the person, and destroy the earlier ones."""
    if run.settings.analysts_wait:  # there may be files that name the person, and nobody can say where
        run.done.keep(Place.ANALYSTS, Code.SETTING_SET_ASIDE.value)
    if run.ports.analysts is None:
        return
    rewrite_where(run.may_be_about, run.ports, run.settings)
    earlier = [one for one in run.custodian.versions(Place.ANALYSTS, "") if not one.is_current and not one.is_deleted]
    run.destroy(Place.ANALYSTS, earlier)


# --- rows ------------------------------------------------------------------------------------------------------------


def _recordings(run: Run) -> None:
    """Take the person out of requests, tags, consent and notes of recordings that stay, and out of counts of starts."""
    if run.subject.is_person:
        counts = (run.ports.start_counts, run.ports.running)
        run.done.count += sum(one.forget(run.subject.is_in) for one in counts if one is not None)
    for record in every_recording(run.owner.catalog):
        if record.recording_id not in run.whole:
            clean_recording(record, run)
        elif record.disposed_at is not None and (left := _cleaned(record, run)) is not None:  # who had started it
            _save(lambda left=left: run.ports.catalog.save_recording(left), names.RECORDINGS_TABLE, run)  # type: ignore[misc]


def clean_recording(record: RecordingRecord, run: Run) -> None:
    """Take the person out of one recording's row, and out of every version of its manifest."""
    cleaned = _cleaned(record, run)
    if cleaned is None:
        return
    if run.is_kept(record.recording_id):
        run.done.keep(names.RECORDINGS_TABLE, Obstacle.NOT_DUE)
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
            continue
        cleaned = _cleaned(chunk, run)
        if cleaned is None or not run.is_within(f"recordingId={chunk.task.recording_id}".encode()):
            continue
        if run.is_kept(chunk.task.recording_id):
            run.done.keep(names.CHUNKS_TABLE, Obstacle.NOT_DUE)
            continue
        _save(lambda cleaned=cleaned: run.ports.catalog.save_chunk(cleaned), names.CHUNKS_TABLE, run)  # type: ignore[misc]


def _audit(run: Run) -> None:
    if run.ports.audit_eraser is not None and run.subject.is_person:
        subject = run.subject
        run.done.count += run.ports.audit_eraser.withhold(
            subject.without, lambda caller: subject.without(caller, run.pseudonym)
        )


def _custody(run: Run) -> None:
    keeping = keeping_of(run.owner)
    for row in list(keeping.custodies("", "~")):
        cleaned = None if isinstance(row, Unreadable) else _cleaned(row, run)
        if cleaned is not None and cleaned.active_holds:  # a case is released by its name
            run.done.keep(names.CUSTODY_TABLE, Obstacle.NOT_DUE)
        elif cleaned is not None:
            _save(lambda cleaned=cleaned: keeping.save_custody(cleaned), names.CUSTODY_TABLE, run)  # type: ignore[misc]
    for erasure in list(keeping.erasures()):
        if isinstance(erasure, Unreadable) or erasure.erasure_id == run.erasure.erasure_id:
            continue  # this one is saved, and cleaned, when its run is noted
        cleaned_request = _cleaned(erasure, run)
        if cleaned_request is not None:
            _save(lambda one=cleaned_request: keeping.save_erasure(one), names.CUSTODY_TABLE, run)  # type: ignore[misc]
    if run.erasure.tenants is None:
        _rules(run)


def _rules(run: Run) -> None:
    """Take the person out of all rules there ever were, but not out of what those in force are about.

    A filter that was reworded would fit other recordings. It is reported until other rules are set.
    """
    keeping = keeping_of(run.ports)
    history = list(keeping.rules_history())
    for rules in history:
        cleaned = _cleaned(rules, run)
        if cleaned is None:
            continue
        if rules is history[-1]:
            fitting = zip(cleaned.rules, rules.rules, strict=True)
            kept = tuple(with_changes(words, {"when": known.when}) for words, known in fitting)
            cleaned = with_changes(cleaned, {"rules": kept})
            if _cleaned(cleaned, run) is not None:
                run.done.keep(names.CUSTODY_TABLE, IN_FORCE)
        if cleaned != rules:
            keeping.reword_rules(cleaned)
            run.done.count += 1


def cleaned_request(erasure: Erasure, run: Run) -> Erasure:
    """Return the request itself without the person in its words."""
    return _cleaned(erasure, run) or erasure


def _save(save: Callable[[], object], place: str, run: Run) -> None:
    try:
        save()
    except ClaimLostError:
        run.done.keep(place, "changed_meanwhile")
        return
    run.done.count += 1


def _cleaned(record: R, run: Run) -> R | None:
    """Return a row in which no text names the person; None when it names nobody."""
    document = record.model_dump(mode="json", exclude=set(_IDS))
    if not run.subject.is_person or not run.subject.is_in(json.dumps(document, ensure_ascii=False)):
        return None
    fresh = _redacted(document, run)
    kept = {name: getattr(record, name) for name in _IDS if name in type(record).model_fields}
    return type(record).model_validate(fresh | kept)


def _redacted(value: Any, run: Run, name: str = "") -> Any:
    if isinstance(value, str):
        return run.subject.without(value, run.pseudonym if name in _PEOPLE else WITHHELD)
    if isinstance(value, dict):
        return {run.subject.without(str(key)): _redacted(one, run, str(key)) for key, one in value.items()}
    if isinstance(value, list):
        return [_redacted(one, run, name) for one in value]
    return value


# --- messages --------------------------------------------------------------------------------------------------------


def _drain(which: str) -> Callable[[Run], None]:
    """Return the sweep of a poison queue: what names the person goes, and all else is visible again in minutes."""

    def look(run: Run) -> None:
        queue = run.owner.queue
        found = list(queue.poisoned() if which == names.CHUNKS_POISON_QUEUE else queue.poisoned_events())
        _take_out(found, which, queue.remove_poisoned, run)

    return look


def _drain_beside(name: str) -> Callable[[Run], None]:
    """Return the same for a queue beside the line; what is left goes back to its queue by the timer, as ever."""

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
    names.EXPORT_CONTAINER: _bundles,
    names.RECORDINGS_TABLE: _recordings,
    names.CHUNKS_TABLE: _chunks,
    names.CUSTODY_TABLE: _custody,
    names.AUDIT_TABLE: _audit,
    names.SEAL_CONTAINER: _journals,
    "{PARQUET_CONTAINER}": _analysts,
}
_LARGE = {  # where what was left by a full look stays noted until the next one
    **{name: name for name in (names.RECORDINGS_TABLE, names.CHUNKS_TABLE, names.CUSTODY_TABLE)},
    "{PARQUET_CONTAINER}": Place.ANALYSTS,
}
_ELSEWHERE = {"{PARQUET_CONTAINER}": Place.ANALYSTS}  # storage that may fail on its own, and stops no other request
