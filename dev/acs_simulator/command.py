"""`python -m dev simulator`: runs the simulator alone, says how to reach it, and stops when asked."""

import asyncio
import json
import signal
from pathlib import Path

from dev.acs_simulator.options import SimulatorOptions
from dev.acs_simulator.simulator import Addresses, Simulator


def main(*, as_json: bool = False, data_folder: Path | None = None, proxy_port: int = 0, admin_port: int = 0) -> int:
    """Runs until SIGINT or SIGTERM; prints a block to read, or one JSON line. Returns the exit code."""
    options = SimulatorOptions(data_folder=data_folder, proxy_port=proxy_port, admin_port=admin_port)
    asyncio.run(_run(options, as_json=as_json))
    return 0


async def _run(options: SimulatorOptions, *, as_json: bool) -> None:
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, stop.set)
    async with Simulator(options) as simulator:
        print(_as_json(simulator.addresses) if as_json else _to_read(simulator.addresses), flush=True)
        await stop.wait()


def _as_json(addresses: Addresses) -> str:
    return json.dumps(
        {
            "endpoint": addresses.endpoint,
            "connectionString": addresses.connection_string,
            "accessKey": addresses.access_key,
            "proxyUrl": addresses.proxy_url,
            "caBundle": str(addresses.ca_bundle),
            "adminUrl": addresses.admin_url,
            "resourceId": addresses.resource_id,
        }
    )


def _to_read(addresses: Addresses) -> str:
    return f"""The ACS simulator runs. Nothing leaves loopback. Point the app at it with these settings:

  ACS_CONNECTION_STRING={addresses.connection_string}
  ACS_PROXY_URL={addresses.proxy_url}
  ACS_CA_BUNDLE={addresses.ca_bundle}
  ACS_RESOURCE_ID={addresses.resource_id}

Make calls, move the clock and script faults at {addresses.admin_url}/_simulator/
  begin a call:  curl -s {addresses.admin_url}/_simulator/calls -d '{{"participants":["Ada","Grace"]}}'
  look around:   curl -s {addresses.admin_url}/_simulator/journal

Ctrl-C stops it."""
