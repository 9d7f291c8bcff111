"""The command `acs-simulator`: runs the simulator alone, says how to reach it, and stops when asked."""

import asyncio
import json
import signal
from dataclasses import replace
from pathlib import Path
from typing import Annotated

import typer

from dev.acs_simulator.addresses import Addresses
from dev.acs_simulator.exports import LANGUAGES, exports
from dev.acs_simulator.options import SimulatorOptions, options_of_seed
from dev.acs_simulator.simulator import Simulator

app = typer.Typer(add_completion=False, pretty_exceptions_enable=False)

DEFAULT_PORT = 8900
DEFAULT_PROXY_PORT = 8901


@app.command()
def main(  # noqa: PLR0917 - typer takes options as parameters
    port: Annotated[
        int, typer.Option(help="of the page and the admin API; 0 takes a free one", min=0, max=65535)
    ] = DEFAULT_PORT,
    proxy_port: Annotated[
        int, typer.Option(help="of the proxy that leads to ACS", min=0, max=65535)
    ] = DEFAULT_PROXY_PORT,
    tls_port: Annotated[int, typer.Option(help="of the service itself, behind the proxy", min=0, max=65535)] = 0,
    access_key: Annotated[str | None, typer.Option(help="base64; made up if not given")] = None,
    seed: Annotated[int | None, typer.Option(help="ids and keys repeat from run to run")] = None,
    call_events: Annotated[bool, typer.Option("--call-events", help="publish CallStarted and CallEnded too")] = False,
    data: Annotated[Path | None, typer.Option(help="keep the CA and the media in this folder", file_okay=False)] = None,
    export: Annotated[
        str | None, typer.Option(help=f"also print how to use it from {', '.join(LANGUAGES)}, or all")
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="print the addresses as one JSON line")] = False,
) -> None:
    """Run the ACS simulator on loopback until Ctrl-C, and print how to reach it."""
    if export is not None and export not in {*LANGUAGES, "all"}:
        raise typer.BadParameter(f"one of {', '.join(LANGUAGES)}, all", param_hint="--export")
    options = SimulatorOptions() if seed is None else options_of_seed(seed)
    options = replace(
        options,
        data_folder=data.resolve() if data else None,
        admin_port=port,
        proxy_port=proxy_port,
        tls_port=tls_port,
        access_key=access_key or options.access_key,
        event=replace(options.event, call_events=call_events),
    )
    raise typer.Exit(_run_to_the_end(options, as_json=as_json, export=export))


def _run_to_the_end(options: SimulatorOptions, *, as_json: bool, export: str | None) -> int:
    try:
        asyncio.run(_run(options, as_json=as_json, export=export))
    except OSError as error:
        print(f"The simulator cannot start: {error.strerror or error}.")
        print("Is another one running? Choose others with --port and --proxy-port.")
        return 2
    except ValueError as error:
        print(f"The simulator cannot start: {error}")
        return 2
    return 0


async def _run(options: SimulatorOptions, *, as_json: bool, export: str | None) -> None:
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        loop.add_signal_handler(number, stop.set)
    async with Simulator(options) as simulator:
        print(_as_json(simulator.addresses) if as_json else _to_read(simulator.addresses, export), flush=True)
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
            "topicEndpoint": addresses.topic_endpoint,
            "topicKey": addresses.topic_key,
        }
    )


def _to_read(addresses: Addresses, export: str | None) -> str:
    texts = exports(addresses)
    wanted = ["shell", *(LANGUAGES if export == "all" else [export] if export else [])]
    shown = "\n\n".join(f"# {name}\n{texts[name]}" for name in dict.fromkeys(wanted))
    return f"""The ACS simulator runs. Nothing leaves loopback. Its page: {addresses.admin_url}/

{shown}

# this repository's app
ACS_CONNECTION_STRING={addresses.connection_string}
ACS_PROXY_URL={addresses.proxy_url}
ACS_CA_BUNDLE={addresses.ca_bundle}
ACS_RESOURCE_ID={addresses.resource_id}

Ctrl-C stops it. --export python, dotnet, node, java or curl shows how to use it from there."""
