"""A running simulator and the untouched SDK pointed at it; every test has a simulator of its own."""

from collections.abc import Iterator

import pytest
from azure.communication.callautomation import CallAutomationClient

from dev.acs_simulator.options import SimulatorOptions
from dev.acs_simulator.threaded import SimulatorHandle, run_in_thread
from tests.dev.acs_simulator.helpers import sdk_for


@pytest.fixture
def options() -> SimulatorOptions:
    """Override it, or parametrise it, to start the simulator with something else."""
    return SimulatorOptions()


@pytest.fixture
def simulator(options: SimulatorOptions) -> Iterator[SimulatorHandle]:
    with run_in_thread(options) as handle:
        yield handle
        assert handle.client.health()["failures"] == [], "work in the simulator's background failed"


@pytest.fixture
def sdk(simulator: SimulatorHandle) -> Iterator[CallAutomationClient]:
    """The SDK as an app would make it, without retries, so that every fault is seen."""
    with sdk_for(simulator) as client:
        yield client
