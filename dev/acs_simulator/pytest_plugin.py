"""The fixture `acs_simulator`: a running simulator for one test, with its addresses and a client of its admin API.

Override `acs_simulator_options` to start it with something else.
"""

from collections.abc import Iterator

import pytest

from dev.acs_simulator.options import SimulatorOptions
from dev.acs_simulator.threaded import SimulatorHandle, run_in_thread


@pytest.fixture
def acs_simulator_options() -> SimulatorOptions:
    """Return the options of the simulator; the defaults are today's ACS."""
    return SimulatorOptions()


@pytest.fixture
def acs_simulator(acs_simulator_options: SimulatorOptions) -> Iterator[SimulatorHandle]:
    """Run a simulator for the test, on free ports; a failure of its own fails the test."""
    with run_in_thread(acs_simulator_options) as handle:
        yield handle
        assert handle.client.health()["failures"] == [], "the simulator itself failed"  # noqa: S101 - it is a test's
