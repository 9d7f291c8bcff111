"""Powers that reality has and a list of port failures does not: each seed of the simulation draws up to two of them.

A power begins and ends with the trouble of its life, and says which ends of a chunk it excuses: what a hand has taken
after the source was gone, nobody can bring back, and a blob that it has overwritten cannot be replaced.
"""

from dev.in_memory.world import World
from dev.prove.powers.of_acs import (
    ErrorAsMetadata,
    GrowingObject,
    LongMemory,
    NotThereYet,
    OddDeleteLocations,
    RedirectsElsewhere,
    SteadyWrongBody,
)
from dev.prove.powers.of_events import BackdatedFirst, TimelessByAWrongClock, WrongClock, WrongIndexFirst
from dev.prove.powers.of_ids import TwoFilesOfOneId
from dev.prove.powers.of_the_archive import HandInTheArchive
from dev.prove.powers.power import Power
from recording.domain.state.chunk import ChunkRecord
from recording.domain.state.transitions import is_archived

POWERS: tuple[type[Power], ...] = (
    HandInTheArchive,
    SteadyWrongBody,
    ErrorAsMetadata,
    WrongClock,
    NotThereYet,
    LongMemory,
    RedirectsElsewhere,
    OddDeleteLocations,
    BackdatedFirst,
    WrongIndexFirst,
    GrowingObject,
)
# Each comes into one life in eight, by dice of its own.
BESIDE: tuple[type[Power], ...] = (TwoFilesOfOneId, TimelessByAWrongClock)


def was_never_ours_to_delete(world: World, record: ChunkRecord) -> bool:
    """Return whether the source of a chunk that is not archived was left alone."""
    return is_archived(record) or not any(record.task.document_id in gone for gone in world.source.deleted)
