"""The world of most tests of the archive."""

import pytest

from dev.in_memory.builders import task
from dev.in_memory.world import World, world


@pytest.fixture
def here() -> World:
    """A world in which ACS holds one good chunk."""
    fresh = world()
    fresh.holds(task())
    return fresh
