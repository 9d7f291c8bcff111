"""A power over one life of the simulation: what it may do, and when."""

import random
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, ClassVar

from dev.in_memory.world import World
from recording.domain.state.chunk import ChunkRecord, ChunkTask


@dataclass
class Power:
    """One power over one life; the base has none."""

    world: World
    tasks: list[ChunkTask]
    dice: random.Random

    memory: ClassVar[timedelta] = timedelta()  # by how much longer ACS keeps the files than it promises
    hours_of_trouble: ClassVar[float | None] = None  # None: as the seed says
    told_ms: ClassVar[int] = 0  # the length that events give, where it is to be longer than usual
    leaves_names: ClassVar[bool] = False  # what was copied too early keeps the chunk's first name

    @classmethod
    def file_of(cls, made: ChunkTask) -> tuple[bytes, bytes] | None:
        """Return the media and the metadata that ACS has of a chunk; None for the usual ones."""
        del made
        return None

    def begin(self) -> None:
        """Start, when the life starts."""

    def tells(self, made: ChunkTask, facts: dict[str, Any]) -> dict[str, Any] | None:
        """Return what an event says of a chunk; None when it says nothing of it."""
        del made
        return facts

    def at_call(self, method: str) -> None:
        """Act before a port call."""

    def at_turn(self) -> None:
        """Act before the messages of a moment are delivered."""

    def end(self) -> None:
        """Stop: the trouble is over."""

    def excuses(self, record: ChunkRecord) -> bool:
        """Return whether the end of a chunk other than "archived, once, with equal bytes" is this power's doing."""
        return False

    def excuses_absence(self, made: ChunkTask) -> bool:
        """Return whether it is this power's doing that a chunk is held and has no row."""
        del made
        return False

    def owns(self, record: ChunkRecord) -> bool:
        """Return whether a chunk is not one of the usual ones, and `faults` judges it instead."""
        return False

    def faults(self) -> list[str]:
        """Return which promises are broken for the chunks that this power owns, when all is over."""
        return []
