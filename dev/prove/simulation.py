"""One seed is one life of six chunks through the real use cases: faults, deaths, rivals, jumps of the clock.

Everything is decided by the seed's dice, and all port calls come from one thread: a seed gives the same life each time.
A witness stands where it counts: at each DELETE, at each write of media, and at the end.
"""

import logging
import random
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from dev.in_memory.builders import chunk, document_id, event, location, metadata, settings, task, wav
from dev.in_memory.pools import one_thread_pool
from dev.in_memory.world import WorkerDiedError, World, intercept, leave_alone
from dev.prove.powers import BESIDE, POWERS, was_never_ours_to_delete
from dev.prove.powers.of_events import WrongIndexFirst
from dev.prove.powers.power import Power
from recording.domain.archived import layout
from recording.domain.model import with_changes
from recording.domain.state.chunk import ChunkRecord, ChunkState, ChunkTask, MetadataOutcome
from recording.domain.state.transitions import is_archived, is_disowned, is_finished
from recording.errors import RecordingError, SourceBusyError, SourceRefusedError, SourceThrottledError, StorageBusyError
from recording.settings import Settings

CHUNKS = 6
FAULTS, DEATHS, LIES, RIVALS, JUMPS = 0.25, 0.05, 0.06, 0.01, 0.01
POWERS_A_LIFE = [0, 0, 1, 1, 2]
BESIDE_THEM = 1 / 8  # of the lives, for each of the powers that come beside the drawn ones
HOURS_OF_TROUBLE = [0.05, 0.2, 0.5, 1] * 5 + [30]  # one life in twenty-one has trouble beyond the expiry
DELIVERED_AGAIN_AFTER = timedelta(minutes=20)
MOST_DELIVERIES = 3
_SOURCE_ERRORS = (SourceBusyError, SourceRefusedError, SourceThrottledError)
_MEDIA = [wav(20, sample=bytes([number + 1, 7])) for number in range(CHUNKS)]
_TASKS = [task(number, document_id(number), recording_duration_ms=20) for number in range(CHUNKS)]
_PAPERS = [metadata(made, chunkDuration=20) for made in _TASKS]
_USUAL = tuple(zip(_MEDIA, _PAPERS, strict=True))
Files = tuple[tuple[bytes, bytes], ...]  # the media and the metadata of each chunk
_TOLD_MS = 20
_FORGED = document_id(0xBAD)


class ViolationError(AssertionError):
    """The promise was broken; the message says which invariant and how."""


@dataclass
class Life:
    """What happened in one seed."""

    seed: int
    counts: Counter[str] = field(default_factory=Counter)
    violations: list[str] = field(default_factory=list)
    catalog: tuple[tuple[Any, ...], ...] = ()


@contextmanager
def silent_log() -> Iterator[None]:
    """Silence the app's log, which thousands of lives would fill."""
    log = logging.getLogger("recording")
    was_disabled, log.disabled = log.disabled, True
    try:
        yield
    finally:
        log.disabled = was_disabled


class Simulation:
    """A world, its dice and its witness."""

    def __init__(
        self,
        seed: int,
        chosen: Settings | None = None,
        *,
        is_calm: bool = False,
        powers: Sequence[type[Power]] | None = None,
        like: "Simulation | None" = None,
    ) -> None:
        self.life = Life(seed)
        self.dice = random.Random(seed)
        self.world = World(settings=chosen or settings(), seed=seed, pool=one_thread_pool())
        self._depth = 0
        self._is_calm = is_calm
        self._watch()
        drawn = [] if is_calm else self.dice.sample(POWERS, self.dice.choice(POWERS_A_LIFE))
        drawn += [
            power
            for power in BESIDE
            if not is_calm and random.Random(f"{seed} {power.__name__}").random() < BESIDE_THEM
        ]
        drawn = drawn if powers is None else list(powers)
        self.told_ms: int = like.told_ms if like else max([_TOLD_MS, *(power.told_ms for power in drawn)])
        self.files: Files = like.files if like else _files(drawn)
        self.tasks = [with_changes(made, {"recording_duration_ms": float(self.told_ms)}) for made in _TASKS]
        for made, (media, paper) in zip(self.tasks, self.files, strict=True):
            self.world.holds(made, media, paper)
        self.powers: list[Power] = [power(self.world, self.tasks, self.dice) for power in drawn]

    # --- the life -----------------------------------------------------------------------------------------------------

    def run(self) -> Life:
        """Return all of it; the violations are in the result."""
        arrivals = self._arrivals()
        hours = [power.hours_of_trouble for power in self.powers if power.hours_of_trouble is not None]
        end_of_trouble = self.world.now + timedelta(hours=max(hours, default=self.dice.choice(HOURS_OF_TROUBLE)))
        for power in self.powers:
            self.life.counts[f"lives with {type(power).__name__}"] += 1
            power.begin()
        if not self._is_calm:
            intercept(self.world, self._decide)
        late = []
        for at, envelope in arrivals:
            self._go_to(min(at, end_of_trouble))
            late += [] if self._is_taken(envelope) else [envelope]
        while late and self.world.now < end_of_trouble:
            self._go_to(min(self.world.now + DELIVERED_AGAIN_AFTER, end_of_trouble))
            late = [envelope for envelope in late if not self._is_taken(envelope)]
        self._go_to(end_of_trouble)
        leave_alone(self.world)
        self._is_calm = True
        self._tell_truth()
        for power in self.powers:
            power.end()
        for envelope in late:
            self.world.announces(envelope)
        self._go_to(self.world.now + timedelta(hours=60))
        self._check_end()
        return self.life

    def _arrivals(self) -> list[tuple[datetime, dict[str, Any]]]:
        """Return one event for all chunks or one for each, up to three times, in any order, and a forged one."""
        chunks = [facts for made in self.tasks if (facts := self._told(made)) is not None]
        told = {"recordingDurationMs": self.told_ms}
        events = [event(*chunks, data=told)] if chunks else []
        if self.dice.random() < 0.7:
            events = [event(each, id=f"e{at}", data=told) for at, each in enumerate(chunks)]
        forged = chunk(99, _FORGED, contentLocation=location(_FORGED, host="evil.example.org"))
        events = [*events, event(forged, id="forged")]
        told_often = [each for each in events for _ in range(self.dice.randint(1, MOST_DELIVERIES))]
        self.dice.shuffle(told_often)
        return [(self.world.now + timedelta(minutes=2 * self.dice.random() * at), e) for at, e in enumerate(told_often)]

    def _told(self, made: ChunkTask) -> dict[str, Any] | None:
        facts: dict[str, Any] | None = chunk(made.index, made.document_id)
        for power in self.powers:
            facts = power.tells(made, facts) if facts is not None else None
        return facts

    def _is_taken(self, envelope: dict[str, Any]) -> bool:
        """Return three tries in a minute each; Event Grid and the queue come back later with what was not taken."""
        self.life.counts["events"] += 1
        for _ in range(3):
            try:
                self.world.announces(envelope)
            except (RecordingError, WorkerDiedError):
                self.world.fakes.clock.advance(seconds=30)
                continue
            return True
        return False

    def _go_to(self, end: datetime) -> None:
        """Time goes by until nothing is left to do, or until `end`."""
        fakes = self.world.fakes
        timer = self.world.now + timedelta(minutes=5)
        while self.world.now < end:
            self._turn()
            waiting = [visible_at for _, visible_at in fakes.queue.sent]
            if not waiting and self._is_quiet():
                fakes.clock.advance(seconds=max(0.0, (end - self.world.now).total_seconds()))
                return
            step = max((min([timer, *waiting]) - self.world.now).total_seconds(), 0.001)
            fakes.clock.advance(seconds=step)
            if self.world.now >= timer:
                timer = self.world.now + timedelta(minutes=5)
                self._reconcile()

    def _is_quiet(self) -> bool:
        fakes = self.world.fakes
        return not fakes.queue.poison_bodies and all(is_finished(r) for r in fakes.catalog.chunks.values())

    def _turn(self) -> None:
        forgotten_at = _TASKS[0].expires_at + max((power.memory for power in self.powers), default=timedelta())
        if self.world.now >= forgotten_at:
            for made in _TASKS:
                self.world.forgets(made)
        for power in self.powers:
            power.at_turn()
        due = self.world.fakes.queue.take_due()
        self.dice.shuffle(due)
        for message in due:
            self.life.counts["deliveries"] += 1
            self.world.delivers(message)
        if self.world.now < forgotten_at and self._is_one_expired():
            self._violated("I9: a chunk is EXPIRED while ACS still has it")

    def _is_one_expired(self) -> bool:
        records = self.world.fakes.catalog.chunks.values()
        return any(
            record.state is ChunkState.EXPIRED and not any(power.excuses(record) for power in self.powers)
            for record in records
        )

    def _reconcile(self) -> None:
        try:
            self.world.reconciles()
        except (RecordingError, WorkerDiedError):
            self.life.counts["timer runs that failed"] += 1

    # --- the adversary ------------------------------------------------------------------------------------------------

    def _decide(self, port: str, method: str) -> tuple[Exception | None, bool]:
        """Return at each port call: nothing, a failure, a death, a rival's whole turn, or a long pause."""
        self.life.counts["port calls"] += 1
        for power in self.powers:
            power.at_call(method)
        if method == "open_content":
            self._lie_or_not()
        roll = self.dice.random()
        after = self.dice.random() < 0.5
        if roll < DEATHS:
            self.life.counts["deaths"] += 1
            return WorkerDiedError("the process is gone"), after
        if roll < DEATHS + FAULTS:
            self.life.counts["faults"] += 1
            return (self.dice.choice(_SOURCE_ERRORS) if port == "WitnessedSource" else StorageBusyError)(
                "not now"
            ), after
        if roll < DEATHS + FAULTS + JUMPS:
            self.life.counts["pauses"] += 1
            self.world.fakes.clock.advance(minutes=self.dice.choice([0.1, 2, 6, 20]))
        elif roll < DEATHS + FAULTS + JUMPS + RIVALS and not self._depth:
            self._second_worker()
        return None, False

    def _second_worker(self) -> None:
        """Another worker has its whole turn between two port calls of the first."""
        self.life.counts["rival turns"] += 1
        self._depth += 1
        if known := list(self.world.fakes.catalog.chunks.values()):
            self.world.delivers(self.dice.choice(known).task)
        self._depth -= 1

    def _lie_or_not(self) -> None:
        """The next answer of the source may end early, with or without an error, or be empty."""
        self._tell_truth()
        if self.dice.random() < LIES:
            self.life.counts["lies"] += 1
            way = self.dice.choice([self.world.source.truncated, self.world.source.broken])
            cut = self.dice.choice([0, 1, 44, 300])
            way.update({made.content_location: cut for made in _TASKS})

    def _tell_truth(self) -> None:
        self.world.source.truncated.clear()
        self.world.source.broken.clear()

    # --- the witness --------------------------------------------------------------------------------------------------

    def _watch(self) -> None:
        plain_delete, archive = self.world.source.witness, self.world.fakes.archive
        plain_keep = archive._keep

        def delete(location: str) -> None:
            self.life.counts["deletes"] += 1
            try:
                plain_delete(location)
            except (AssertionError, KeyError) as error:
                self._violated(str(error) if isinstance(error, AssertionError) else f"I1: an unproven DELETE: {error}")

        def keep(name: str, data: bytes, *rest: Any) -> bool:
            if name in archive.blobs and not name.endswith("manifest.json") and archive.blobs[name].data != data:
                self._violated(f"I3: {name} was replaced by other bytes")
            return plain_keep(name, data, *rest)

        self.world.source.witness = delete
        archive._keep = keep  # type: ignore[method-assign, assignment]

    def _violated(self, what: str) -> None:
        self.life.violations.append(what)

    def _check_end(self) -> None:
        every = list(self.world.fakes.catalog.chunks.values())
        records = [record for record in every if not any(power.owns(record) for power in self.powers)]
        self.life.violations += [fault for power in self.powers for fault in power.faults()]
        known = {record.task.document_id: record for record in records if record.task.index < WrongIndexFirst.OFFSET}
        for made, (media, _) in zip(self.tasks, self.files, strict=True):
            record = known.pop(made.document_id, None)
            if record is None and self._is_judged_elsewhere(made):
                self.life.counts["two files"] += 1
            elif record is None and any(power.excuses_absence(made) for power in self.powers):
                self.life.counts["held under their true index"] += 1
            elif record is None:
                self._violated(f"I2: chunk {made.index} was announced and is not known")
            else:
                self._check_chunk(record, made, media)
        if known or not any(entry.payload.count(_FORGED) for entry in self.world.fakes.quarantine.kept.values()):
            self._violated("I6: the forged event was taken, or not kept")
        for record in records:
            if record.task.index >= WrongIndexFirst.OFFSET:
                self._check_wrong_name(record)
        self._check_same_catalog(records)

    def _is_judged_elsewhere(self, made: ChunkTask) -> bool:
        records = [one for one in self.world.fakes.catalog.chunks.values() if one.key == made.key]
        return any(power.owns(record) for record in records for power in self.powers)

    def _check_wrong_name(self, record: ChunkRecord) -> None:
        """I3: a file has one index, the one that its metadata names."""
        self.life.counts["wrong indexes"] += 1
        if not is_disowned(record) and not any(power.excuses(record) for power in self.powers):
            self._violated(f"I3: a wrong index is {record.state}, and does not give way to the one that metadata names")

    def _check_chunk(self, record: ChunkRecord, made: ChunkTask, media: bytes) -> None:
        if any(power.excuses(record) for power in self.powers):
            self.life.counts["touched by a hand"] += 1
            return
        if not was_never_ours_to_delete(self.world, record):
            self._violated(f"I2: chunk {made.index} is {record.state}, and we deleted its source")
        media_blobs = self.world.media_blobs(made.document_id)
        others = self.world.fakes.catalog.chunks.values()
        aside = {one.blob_name for other in others for one in other.suspects}
        aside |= {other.blob_name or "" for other in others if any(power.owns(other) for power in self.powers)}
        blobs = [data for name, data in media_blobs.items() if ".suspect-" not in name and name not in aside]
        self.life.counts["suspect bytes kept aside"] += len(media_blobs) - len(blobs)
        if is_archived(record):
            self.life.counts["archived"] += 1
            if blobs != [media]:
                self._violated(f"I3: chunk {made.index} is archived with {len(blobs)} media blobs, or other bytes")
        elif record.state is ChunkState.EXPIRED and record.changed_at >= made.expires_at:
            self.life.counts["expired"] += 1
        else:
            self._violated(f"I9: chunk {made.index} rests in {record.state} since {record.changed_at}")

    def _check_same_catalog(self, records: list[ChunkRecord]) -> None:
        """I7: what is archived is described the same way, whatever came before."""
        self.life.catalog = tuple(
            sorted(
                (r.task.index, r.task.document_id, self._name_of(r), r.sha256, r.length_bytes, _metadata_of(r))
                for r in records
                if is_archived(r) and not any(power.excuses(r) for power in self.powers)
            )
        )
        if self.life.catalog and not self.life.violations and not self._is_calm_catalog():
            other = set(self.life.catalog) - set(_calm_catalog(self))
            self._violated(f"I7: the catalog is not what a calm day gives: {sorted(other)[0]}")

    def _name_of(self, record: ChunkRecord) -> str | None:
        """Return the name of a chunk's media, without its version where an earlier copy may have the first one."""
        task, template = record.task, self.world.settings.archive_path_template
        first = layout.media_name(template, task.folder, task.index, task.document_id, record.format)
        is_versioned = record.blob_name == layout.versioned_name(first, record.name_version)
        return first if is_versioned and any(power.leaves_names for power in self.powers) else record.blob_name

    def _is_calm_catalog(self) -> bool:
        return set(self.life.catalog) <= set(_calm_catalog(self))


def _metadata_of(record: ChunkRecord) -> MetadataOutcome:
    """As it would be without trouble: metadata that ACS did not give until it forgot it is given up, and rightly so."""
    is_given_up = record.metadata is MetadataOutcome.NEVER_CAME and record.changed_at >= record.task.expires_at
    return MetadataOutcome.ARCHIVED if is_given_up else record.metadata


def _files(drawn: Sequence[type[Power]]) -> Files:
    """Return what ACS has recorded: the usual files, or those that a power is about."""
    chosen = [[file for power in drawn if (file := power.file_of(made)) is not None] for made in _TASKS]
    return tuple(found[0] if found else usual for found, usual in zip(chosen, _USUAL, strict=True))


_calm: dict[Files, tuple[tuple[Any, ...], ...]] = {}


def _calm_catalog(of: Simulation) -> tuple[tuple[Any, ...], ...]:
    """Return the catalog of the same files after a day without any trouble."""
    if of.files not in _calm:
        _calm[of.files] = ()
        simulation = Simulation(0, is_calm=True, like=of)
        simulation._is_calm_catalog = lambda: True  # type: ignore[method-assign]
        _calm[of.files] = simulation.run().catalog
    return _calm[of.files]


def live(seed: int, chosen: Settings | None = None, powers: Sequence[type[Power]] | None = None) -> Life:
    """Live one seed, in this thread; `powers` are drawn by the seed unless they are given."""
    return Simulation(seed, chosen, powers=powers).run()
