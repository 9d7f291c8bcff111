"""One host over the sample app for all tests that only send it requests."""

from collections.abc import Iterator

import pytest

from dev.azurite import Azurite
from dev.functions_host.threaded import run_in_thread
from tests.dev.functions_host.sample_world import RunningSample, new_world


@pytest.fixture(scope="module")
def sample(azurite: Azurite, tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningSample]:
    """One host for the module, with keys switched on."""
    world = new_world(azurite.connection_string, tmp_path_factory.mktemp("sample"))
    with run_in_thread(world.options(enable_auth=True)) as host:
        yield RunningSample(world, host)
