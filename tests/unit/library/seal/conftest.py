"""What stories of the seal begin with."""

import pytest

from dev.in_memory.world import World
from tests.unit.library.seal.seal_world import acts, archives, sealed_world


@pytest.fixture
def of() -> World:
    """A world with one archived recording and a command in the audit trail."""
    made = sealed_world()
    acts(made)
    archives(made)
    return made
