"""The world of the tests of ingest."""

import pytest

from dev.in_memory.world import World, world


@pytest.fixture
def here() -> World:
    """A world with nothing in it."""
    return world()
