"""A running local world for the scenarios: the app in its own process, real TLS, real queues, real media."""

from collections.abc import Callable, Iterator
from typing import Any

import pytest

from dev.acs_simulator.options import SimulatorOptions
from dev.azurite import is_installed
from dev.in_memory import canaries
from dev.world import LocalWorld, WorldOptions
from tests.conftest import missing
from tests.system.steps import Steps

# A dead worker's claim and message come back in seconds here; in production it is minutes.
QUICK = {"CLAIM_SECONDS": "4"}
QUICK_LEASE_SECONDS = 4

StartWorld = Callable[..., Steps]


@pytest.fixture(scope="session")
def world() -> Iterator[Steps]:
    """One world for all scenarios that only add recordings to it."""
    yield from _running(SimulatorOptions(chunk_max_seconds=60))


@pytest.fixture
def own_world() -> Iterator[Steps]:
    """A world that the test may damage."""
    yield from _running(SimulatorOptions())


def _running(options: SimulatorOptions, **changes: Any) -> Iterator[Steps]:
    if not is_installed():
        missing("Azurite is not installed: run 'npm ci'")
    chosen = WorldOptions(host="builtin", simulator=options, settings=QUICK, queue_lease=QUICK_LEASE_SECONDS, **changes)
    with LocalWorld(chosen) as running:
        yield Steps(running)
        log = running.log_path().read_text(errors="replace")
        told = [*canaries.seen_in(log), *(what for what in (running.addresses.access_key, "8:acs:") if what in log)]
    assert told == [], "the host's log tells what nobody may read"
