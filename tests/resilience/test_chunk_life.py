"""A chunk's life under everything that may go wrong: whatever happens, in whatever order, the promise holds.

Hypothesis decides what happens next, and shrinks a history that fails to its shortest form. A witness looks at the
archive whenever a DELETE reaches ACS (I1). Long lives by seed are in `test_simulation.py`.
"""

import random

from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from dev.in_memory.builders import chunk, document_id, event, task, wav
from dev.in_memory.world import WorkerDiedError, World, intercept, leave_alone, world
from recording.domain.state.chunk import ChunkState, ChunkTask
from recording.errors import RecordingError, SourceBusyError, SourceRefusedError, StorageBusyError

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
