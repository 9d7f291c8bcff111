"""A world whose chunks are copied in small blocks."""

import random
from typing import Any

from dev.in_memory.builders import task
from dev.in_memory.world import World, world
from recording.ports import BufferPool
from recording.settings.values import MediaCheck

BLOCK = 1000


def blocks_world(
    length: int, block_bytes: int = BLOCK, pool: BufferPool | None = None, **changes: Any
) -> tuple[World, bytes]:
    """ACS holds a file of this length; what is in it does not matter."""
    here = world(pool=pool, copy_block_bytes=block_bytes, media_check=MediaCheck.OFF, **changes)
    media = random.Random(length).randbytes(length)
    here.holds(task(), media)
    return here, media
