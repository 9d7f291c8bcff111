"""A chunk's life under everything that may go wrong: whatever happens, in whatever order, the promise holds.

A deterministic simulation of the real use cases on in-memory ports. A witness looks at the archive whenever a DELETE
reaches ACS (I1). A failing seed is printed by its number: `test_no_seed_breaks_the_promise[17]` runs it alone.
"""

import random
from contextlib import suppress

import pytest
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from dev.in_memory.builders import chunk, document_id, event, task, wav
from dev.in_memory.world import WorkerDiedError, World, intercept, leave_alone, world
from recording.domain.state.chunk import ChunkState, ChunkTask
from recording.errors import RecordingError, SourceBusyError, SourceRefusedError, StorageBusyError

SEEDS = 300
CHUNKS = 4
FAULTS = 0.2
DEATHS = 0.04
SOURCE_ERRORS = (SourceBusyError("busy"), SourceRefusedError("401"))


def recorded(here: World, number: int) -> ChunkTask:
    """Chunk `number`, with sound of its own."""
    made = task(number, document_id(number))
    return here.holds(made, wav(sample=bytes([number + 1, 7])))


def mishap(port: str, dice: random.Random) -> tuple[Exception | None, bool]:
    """Nothing, a failure, or the end of the process; before or after the effect."""
    roll = dice.random()
    if roll < DEATHS:
        return WorkerDiedError("the process is gone"), dice.random() < 0.5
    if roll < DEATHS + FAULTS:
        error: RecordingError = dice.choice(SOURCE_ERRORS) if port == "WitnessedSource" else StorageBusyError("busy")
        return error, dice.random() < 0.5
    return None, False


def announced(here: World, envelopes: list[dict[str, object]]) -> None:
    """Each event is delivered until ingest returns, as Event Grid and the queue do."""
    for envelope in envelopes:
        for _ in range(50):
            try:
                here.announces(envelope)
            except (RecordingError, WorkerDiedError):
                continue
            break


def deliveries(dice: random.Random) -> list[dict[str, object]]:
    """One event for all chunks or one for each, some twice, in any order."""
    chunks = [chunk(number, document_id(number)) for number in range(CHUNKS)]
    one = [event(*chunks)] if dice.random() < 0.5 else [event(each, id=f"e{at}") for at, each in enumerate(chunks)]
    told = one + [envelope for envelope in one if dice.random() < 0.5]
    dice.shuffle(told)
    return told


def check_promise(here: World) -> None:
    """I2, I3: every chunk archived once and equal to what ACS had, or in a state that alarms with its source alone."""
    for number in range(CHUNKS):
        made = task(number, document_id(number))
        media, _ = here.truth[document_id(number)]
        blobs = here.media_blobs(document_id(number))
        state = here.state(made)
        assert state in (ChunkState.SOURCE_DELETED, ChunkState.CATALOGED, ChunkState.EXPIRED)
        if state is ChunkState.EXPIRED:
            assert not any(document_id(number) in location for location in here.source.deleted)
        else:
            assert list(blobs.values()) == [media]


@pytest.mark.parametrize("seed", range(SEEDS))
def test_no_seed_breaks_the_promise(seed: int) -> None:
    """Faults at a fifth of all port calls, deaths, duplicates, any order: nothing lost, doubled or deleted unproven."""
    dice, here = random.Random(seed), world()
    for number in range(CHUNKS):
        recorded(here, number)
    intercept(here, lambda port, _method: mishap(port, dice))
    announced(here, deliveries(dice))
    with suppress(RecordingError, WorkerDiedError):  # the timer's own run may die; the next one goes on
        here.runs(hours=dice.uniform(0.1, 6), until_quiet=False)
    leave_alone(here)
    announced(here, deliveries(dice))
    here.runs(hours=60)

    check_promise(here)
    assert here.manifest()["complete"] == all(
        here.state(task(number, document_id(number))) is not ChunkState.EXPIRED for number in range(CHUNKS)
    )


def test_the_final_catalog_does_not_depend_on_order_or_duplicates() -> None:
    """I7: twenty orders of the same deliveries end with the same manifest."""
    manifests = []
    for seed in range(20):
        dice, here = random.Random(seed), world()
        for number in range(CHUNKS):
            recorded(here, number)
        announced(here, deliveries(dice))
        here.runs()
        manifests.append(here.manifest())

    assert all(manifest == manifests[0] for manifest in manifests)


class ChunkLife(RuleBasedStateMachine):
    """Whatever an adversary does between two steps, the witness finds no unproven delete, and no blob ever changes."""

    @initialize()
    def begin(self) -> None:
        """ACS has recorded."""
        self.here = world()
        self.seen: dict[str, bytes] = {}
        for number in range(CHUNKS):
            recorded(self.here, number)

    @rule(number=st.integers(0, CHUNKS - 1))
    def announce(self, number: int) -> None:
        """An event arrives, perhaps again."""
        self.here.announces(event(chunk(number, document_id(number))))

    @rule()
    def work(self) -> None:
        """The host delivers what is due."""
        self.here.runs_due()

    @rule(seed=st.integers(0, 10_000))
    def work_badly(self, seed: int) -> None:
        """The same with faults and deaths."""
        dice = random.Random(seed)
        intercept(self.here, lambda port, _method: mishap(port, dice))
        self.here.runs_due()
        leave_alone(self.here)

    @rule(minutes=st.sampled_from([0.1, 3, 15, 120]))
    def wait(self, minutes: float) -> None:
        """Time goes by."""
        self.here.fakes.clock.advance(minutes=minutes)

    @rule()
    def lose_the_messages(self) -> None:
        """The queue forgets everything."""
        self.here.fakes.queue.sent.clear()

    @rule()
    def reconcile(self) -> None:
        """The timer fires."""
        self.here.reconciles()

    @invariant()
    def committed_media_never_changes(self) -> None:
        """I3: different bytes never replace what is archived."""
        blobs = self.here.media_blobs() if hasattr(self, "here") else {}
        for name, content in self.seen.items() if hasattr(self, "seen") else ():
            assert blobs[name] == content
        if blobs:
            self.seen = dict(blobs)

    def teardown(self) -> None:
        """When the trouble ends, everything announced ends well."""
        if not hasattr(self, "here"):
            return
        self.here.runs(hours=80)
        for record in self.here.fakes.catalog.chunks.values():
            media, _ = self.here.truth[record.task.document_id]
            if record.state is not ChunkState.EXPIRED:
                assert list(self.here.media_blobs(record.task.document_id).values()) == [media]


TestChunkLife = ChunkLife.TestCase
TestChunkLife.settings = hypothesis_settings(max_examples=60, stateful_step_count=30, deadline=None)
