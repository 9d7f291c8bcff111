"""Runs a simulator beside code that has no event loop: in a thread of its own, until the `with` block ends."""

import asyncio
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from dev.acs_simulator.addresses import Addresses
from dev.acs_simulator.client import SimulatorClient
from dev.acs_simulator.options import SimulatorOptions
from dev.acs_simulator.simulator import Simulator

__all__ = ["Addresses", "SimulatorHandle", "run_in_thread"]

START_SECONDS = 30.0


@dataclass(frozen=True)
class SimulatorHandle:
    """A running simulator: how to reach it, and a client of its admin API."""

    addresses: Addresses
    client: SimulatorClient


@contextmanager
def run_in_thread(options: SimulatorOptions | None = None) -> Iterator[SimulatorHandle]:
    """Yield a running simulator; it is stopped at the end of the block. Raises what kept it from starting."""
    runner = _Runner(options or SimulatorOptions())
    addresses = runner.start()
    client = SimulatorClient(addresses.admin_url)
    try:
        yield SimulatorHandle(addresses, client)
    finally:
        client.close()
        runner.stop()


class _Runner:
    def __init__(self, options: SimulatorOptions) -> None:
        self._options = options
        self._started = threading.Event()
        self._thread = threading.Thread(target=self._run, name="acs-simulator", daemon=True)
        self._addresses: Addresses | None = None
        self._error: BaseException | None = None
        self._stop: tuple[asyncio.AbstractEventLoop, asyncio.Event] | None = None

    def start(self) -> Addresses:
        self._thread.start()
        self._started.wait(START_SECONDS)
        if self._error is not None:
            raise self._error
        if self._addresses is None:
            raise TimeoutError(f"the simulator did not start within {START_SECONDS:.0f} s")
        return self._addresses

    def stop(self) -> None:
        if self._stop is not None:
            loop, stop = self._stop
            loop.call_soon_threadsafe(stop.set)
        self._thread.join()
        if self._error is not None:
            raise self._error

    def _run(self) -> None:
        try:
            asyncio.run(self._live())
        except BaseException as error:  # noqa: BLE001  carried over to the thread that waits, and raised there
            self._error = error
        finally:
            self._started.set()

    async def _live(self) -> None:
        stop = asyncio.Event()
        async with Simulator(self._options) as simulator:
            self._addresses = simulator.addresses
            self._stop = (asyncio.get_running_loop(), stop)
            self._started.set()
            await stop.wait()
