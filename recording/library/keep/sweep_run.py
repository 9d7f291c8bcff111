"""One look for one erasure request through the stores beside the archive: whom it is about, what is kept and done."""

import json
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import cache, cached_property
from typing import Any, TypeVar

from recording.control.tenants import as_owner
from recording.domain.archived.exports import ExportRecord, ExportState
from recording.domain.ids import name_of
from recording.domain.incoming.named import recordings_in, words_in
from recording.domain.keep.custody import Claim, Custody
from recording.domain.keep.destroy import Obstacle, Place, StoredVersion, refusal_of
from recording.domain.keep.erasure import Erasure, KeptTraces, Scope, Unswept
from recording.domain.keep.rules import RuleSet
from recording.domain.keep.spellings import readings
from recording.domain.keep.traces import WITHHELD, Subject
from recording.domain.model import with_changes
from recording.domain.state.chunk import ChunkRecord
from recording.domain.state.recording import RecordingRecord
from recording.errors import RecordingError
from recording.library.keep.assess import assessed, custody_of, keeping_of, rules_in_force
from recording.library.keep.destroy import destroy_versions
from recording.library.keep.leftovers import exports_in
from recording.ports import Custodian, Ports, Unreadable
from recording.ports.bulkhead import ODD_CONTENT, code_of
from recording.settings import Settings

R = TypeVar("R", RecordingRecord, ChunkRecord, Custody, Erasure, RuleSet, ExportRecord)
_PEOPLE = frozenset({"by", "released_by", "requested_by", "approved_by", "started_by"})  # here a pseudonym stands
# Ids and derived facts name no person, and a changed one would be another recording's.
_IDS = frozenset(
    {"recording_id", "acs_id", "folder", "call_id", "server_call_id", "task", "facts", "placement", "etag"}
)
MOST_FAILED = 10  # rows or blobs, each with the time limits of storage, before it is asked whether it answers
LEAST_STEPS = 2  # of a run: the beginning of its store, and of its first row or blob
NOTED_EVERY = timedelta(minutes=1)  # how far a look has come: the host may end its process at any time


class SweepPausedError(Exception):
    """The time of a run is over: how far the look has come is noted, and the next run continues there."""


@dataclass
class Swept:
    """What one look through the stores did.

    Attributes:
        count: how many traces were erased.
        kept: the traces that are left, by place and reason.
    """

    count: int = 0
    kept: dict[tuple[str, str], KeptTraces] = field(default_factory=dict)

    def keep(self, place: str, reason: str, until: datetime | None = None, count: int = 1) -> None:
        """Note traces that are left, and until when at the latest."""
        known = self.kept.get((place, reason))
        ends = [one for one in (until, known.until if known else None) if one is not None]
        total = count + (known.count if known else 0)
        self.kept[place, reason] = KeptTraces(place=place, reason=reason, until=max(ends, default=None), count=total)


@dataclass
class Run:
    """One look for one request: the request, the person or recordings it is about, and the means."""

    erasure: Erasure
    subject: Subject
    custodian: Custodian
    ports: Ports
    settings: Settings
    done: Swept = field(default_factory=Swept)
    failures: int = 0
    is_full: bool = True
    cleaned: set[str] = field(default_factory=set)  # recordings that stay, from whose rows the person was erased
    is_erased: bool = False  # nothing is left to do at recordings
    is_over: Callable[[], bool] = lambda: False  # whether the time of the run is over
    store: str = ""  # that is being looked at
    position: str = ""  # within it, where this run begins
    noted_at: datetime | None = None
    steps: int = 0

    def reached(self, position: str) -> None:
        """Note how far the look has come within its store, each minute, and when the time is over.

        Each run takes one row or blob at least, so that every look ends.

        Raises:
            SweepPausedError: the time is over.
            ClaimLostError: another instance carries on the same request.
            StorageError: storage does not answer.
        """
        self.steps += 1
        now, is_over = self.ports.clock.now(), self.is_over() and self.steps > LEAST_STEPS
        self.noted_at = self.noted_at or now
        if not is_over and now < self.noted_at + NOTED_EVERY:
            return
        known = self.erasure.unswept
        unswept = Unswept(
            store=self.store,
            position=position,
            is_full=self.is_full,
            was_erased=known.was_erased if known else self.is_erased,
            covers=known.covers if known else len(self.erasure.recordings),
            count=self.done.count,
            kept=tuple(self.done.kept.values()),
        )
        self.erasure = keeping_of(self.ports).save_erasure(with_changes(self.erasure, {"unswept": unswept}))
        self.noted_at = now
        if is_over:
            raise SweepPausedError

    @contextmanager
    def alone(self, place: str) -> Iterator[None]:
        """Look at one thing on its own: where that fails, traces may be left, which keeps the request open.

        Raises:
            StorageError: many have failed, and storage does not answer.
        """
        try:
            yield
        except (RecordingError, *ODD_CONTENT) as error:
            self.done.keep(place, code_of(error))
            self.failures += 1
            if self.failures % MOST_FAILED == 0:
                self.ports.catalog.time()

    @cached_property
    def erased(self) -> tuple[str, ...]:
        """Return the recordings that the request covers as a whole, and that nothing keeps any more."""
        return tuple(one for one in self.whole if not self.is_kept(one))

    @property
    def whole(self) -> tuple[str, ...]:
        """Return the recordings that are erased as a whole."""
        return self.erasure.recordings if self.erasure.scope is Scope.RECORDING else ()

    @property
    def pseudonym(self) -> str:
        """Return what replaces the person where rows must still say that one and the same person acted."""
        return self.erasure.pseudonym

    @cached_property
    def rules(self) -> RuleSet:
        """Return the retention rules in force, read once for the whole look."""
        return rules_in_force(self.ports, self.settings)

    @cached_property
    def owner(self) -> Ports:
        """Return the ports within the request's tenants: it must touch nothing of others."""
        return as_owner(self.ports, self.erasure.tenants)

    def is_within(self, data: bytes) -> bool:
        """Return whether bytes are about recordings within the request's tenants only."""
        if self.erasure.tenants is None:
            return True
        named = _recordings_in(data)
        return bool(named) and all(self.owner.catalog.get_recording(one) is not None for one in named)

    @cached_property
    def is_still_kept(self) -> Callable[[str], bool]:
        """Return `is_kept`, with one answer for the whole look."""
        return cache(self.is_kept)

    @cached_property
    def bundles(self) -> Mapping[str, Sequence[str]]:
        """Return the exports whose bundle exists, by the recordings in it, as they were at the first question."""
        found = defaultdict[str, list[str]](list)
        for export_id, known in exports_in(self.ports):
            if isinstance(known, tuple) and known[0].state is not ExportState.GONE:
                for recording_id in known[0].recordings:
                    found[recording_id].append(export_id)
        return found

    @cached_property
    def may_reword(self) -> Callable[[str, str | None], bool]:
        """Return whether a row of the trail, or its sealed copy, may change, by where it is and what it is about.

        What is about no recording belongs to no tenant, and rows about a recording that is kept are kept with it.
        The answers stay the same for the whole look: both copies of a row change, or none.
        """
        owner, is_kept = self.owner.catalog, self.is_still_kept
        is_ours = cache(lambda recording_id: isinstance(owner.get_recordings([recording_id])[0], RecordingRecord))

        def may(place: str, recording_id: str | None) -> bool:
            if self.erasure.tenants is not None and (recording_id is None or not is_ours(recording_id)):
                return False
            if recording_id is None or not is_kept(recording_id):
                return True
            self.done.keep(place, Obstacle.NOT_DUE)
            return False

        return may

    def is_about(self, data: bytes) -> bool:
        """Return whether bytes name the person, or an erased recording."""
        return any(
            bool(self.erased and not words_in(text).isdisjoint(self.erased))
            or bool(self.subject.is_person and self.subject.spans(text))
            for text in readings(data)
        )

    def may_be_about(self, data: bytes) -> bool:
        """Return whether bytes may hold an erased recording or name the person; for files that are only written again.

        Values in a Parquet file have no space between them, so that an id counts as a part of a word, too.
        """
        return self.is_about(data) or any(one in text for text in readings(data) for one in self.erased)

    def is_needed(self, data: bytes) -> bool:
        """Return whether bytes are about a recording that a hold or a legal retention keeps."""
        return any(self.is_kept(found) for found in _recordings_in(data))

    def note_unread(self, place: str, row: Unreadable) -> None:
        """Note a row that cannot be read: whether it names the person, or is of an erased recording, is not known."""
        ours = {*self.whole, *map(name_of, self.whole)}
        is_any = self.subject.is_person and self.erasure.tenants is None
        if is_any or row.where.partition("/")[0] in ours:
            self.done.keep(place, row.code)

    def is_kept(self, recording_id: str) -> bool:
        """Return whether a hold, its grace period, or a legal retention keeps a recording from this request.

        What a row says that cannot be read is not known, so it keeps its recording.
        """
        row = custody_of(recording_id, self.ports)
        if isinstance(row, Unreadable) or (row is not None and row.active_holds):
            return True
        (record,) = self.ports.catalog.get_recordings([recording_id])
        if not isinstance(record, RecordingRecord):
            return record is not None
        at, asked = self.erasure.approved_at or self.ports.clock.now(), row or Custody(recording_id=recording_id)
        if not any(one.request_id == self.erasure.erasure_id for one in asked.claims):
            made = Claim(request_id=self.erasure.erasure_id, approved_at=at)
            asked = with_changes(asked, {"claims": (*asked.claims, made)})
        found = assessed(record, asked, self.rules, self.ports.clock.now(), self.settings)
        return bool(found.disposition.refused)

    def destroy(self, place: Place, versions: list[StoredVersion]) -> bool:
        """Destroy versions; note those that storage protects, and until when; return whether there is none."""
        refused = destroy_versions(versions, self.custodian)
        self.done.count += sum(not one.is_deleted for one in versions) - len(refused)
        if refused:
            refusal = refusal_of(refused, self.ports.clock.now())
            reason = refusal.reason if refusal else "refused"
            self.done.keep(place, reason, refusal.until if refusal else None, len(refused))
        return not refused


def without_person(record: R, run: Run) -> R | None:
    """Return the row with no text that names the person; None when none does."""
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


def _recordings_in(data: bytes) -> frozenset[str]:
    """Return the recordings that bytes name, in every way in which they may be written."""
    return frozenset[str]().union(*map(recordings_in, readings(data)))
