"""The world of the years: the app's stores, and beside them what was done to each recording, as its people know it."""

import random
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

from dev.in_memory.builders import settings
from dev.in_memory.fakes.archive import FakeArchive
from dev.in_memory.fakes.quarantine import FakeDeadLetters
from dev.in_memory.keep_world import attached
from dev.in_memory.pools import one_thread_pool
from dev.in_memory.world import World
from dev.prove.years.habits import LONG, short_habits
from dev.prove.years.known import Known, Rule
from recording.domain.ids import name_of
from recording.domain.keep.custody import Custody, CustodyState
from recording.domain.keep.destroy import Place
from recording.domain.keep.holds import Hold

DENSE_DAYS = 120
BUNDLE_DAYS, UNFINISHED_DAYS = 7, 14
_BEGUN = (CustodyState.DESTROYING, CustodyState.ERASING_SPEAKER)


@dataclass
class Years:
    """What a life came to."""

    counts: Counter[str] = field(default_factory=Counter)
    violations: list[str] = field(default_factory=list)


@dataclass
class Handed:
    """A bundle, as those who asked for it know it."""

    recordings: tuple[str, ...]
    asked: datetime
    finished: datetime | None = None

    @property
    def over_at(self) -> datetime:
        """Return when its time is over."""
        if self.finished is not None:
            return self.finished + timedelta(days=BUNDLE_DAYS)
        return self.asked + timedelta(days=UNFINISHED_DAYS)


class YearsWorld:
    """One world over some days, and what is known of it.

    Attributes:
        habits: what happens often, and what never.
        rules: in force.
        late: how many late chunks each recording had.
        bundles: by their ids.
        odd: entries of the quarantine and dead letters, and which recordings they name.
        unknown: documents that arrived after a decision, and when that one was taken.
        deciding: the recording about which a worker decides at this moment.
    """

    def __init__(self, seed: int, days: int, acts: list[str]) -> None:
        self.days = days
        self.random = random.Random(f"years {seed}")
        self.habits = short_habits(seed, self.random, acts) if days <= DENSE_DAYS else LONG
        self.here = World(settings=settings(), seed=seed, pool=one_thread_pool())
        self.letters = FakeDeadLetters()
        self.here.fakes = replace(self.here.fakes, fallback=FakeArchive(), dead_letters=self.letters)
        self.custodian = attached(self.here.fakes, has_holds=self.random.random() < 0.5)
        self.custodian.soft_delete = timedelta(days=self.random.choice((0, 7)))
        self.note_letter = self.custodian.watch(Place.DEAD_LETTERS, lambda name: self.letters.kept.pop(name, None))
        self.known: dict[str, Known] = {}
        self.rules: list[Rule] = []
        self.late: Counter[str] = Counter()
        self.bundles: dict[str, Handed] = {}
        self.odd: dict[str, tuple[str, ...]] = {}
        self.unknown: dict[str, datetime | None] = {}
        self.deciding: str | None = None
        self.done = Years()

    @property
    def now(self) -> datetime:
        """Return the time."""
        return self.here.now

    def counts(self, what: str) -> None:
        """Count something that happened."""
        self.done.counts[what] += 1

    def objects(self, what: str) -> None:
        """Note what must not be."""
        self.done.violations.append(f"{self.now:%Y-%m-%d}: {what}")

    def any_recording(self) -> Known:
        """Return one of the recordings that there are, or were; while a worker decides about one, rather that one."""
        begun = (
            [self.deciding] if self.deciding else sorted(name for name, one in self.known.items() if self.is_begun(one))
        )
        if begun and self.random.random() < 0.8:
            return self.known[self.random.choice(begun)]
        return self.known[self.random.choice(sorted(self.known))]

    def rules_have_changed(self) -> None:
        """Begin the time of what is not due by the rules as they are now anew, should they change back tonight."""
        for one in self.known.values():
            if one.answer(self.rules, self.now) == "keep":
                one.since = None
            if one.answer(self.rules, self.now, voices=True) == "keep":
                one.voice_since = None

    def is_there(self, one: Known) -> bool:
        """Return whether a reader finds anything of it."""
        return any(f"/{one.recording_id}/" in name for name in self.here.fakes.archive.blobs)

    def cases(self, one: Known) -> tuple[Hold, ...]:
        """Return the cases that hold it, by its row."""
        row = self._row(one)
        return row.active_holds if row else ()

    def state(self, one: Known) -> CustodyState | None:
        """Return how far its destruction is; None before anything was decided."""
        row = self._row(one)
        return row.state if row else None

    def is_begun(self, one: Known) -> bool:
        """Return whether it is decided, so that no hold, rule or tag counts any more."""
        return self.state(one) in _BEGUN

    def begun_at(self, one: Known) -> datetime | None:
        """Return when the decision was taken that is being carried out."""
        row = self._row(one)
        return row.destroying_since if row else None

    def media_of(self, one: Known) -> list[str]:
        """Return the names of its chunks' media, and not of what was derived from them."""
        names: Iterator[str] = (name for name in self.here.fakes.archive.blobs if f"/{one.recording_id}/" in name)
        return sorted(name for name in names if name.endswith(".wav") and "/derived." not in name)

    def _row(self, one: Known) -> Custody | None:
        return self.here.fakes.keeping.rows.get(name_of(one.recording_id))
