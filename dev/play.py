"""The commands `demo` and `up`: the local world with a person in front of it."""

import re
import sys
import webbrowser
from contextlib import nullcontext, suppress
from pathlib import Path
from shlex import quote
from typing import Any

from dev.acs_simulator.options import SimulatorOptions
from dev.api import RecordingApi
from dev.azurite import AzuriteError
from dev.cookbook import Cookbook
from dev.demo import CHUNK_MAX_SECONDS, judge, keep, left_at_source, record_calls, wait_until_finished
from dev.event_grid import BlobDeadLetters
from dev.event_grid.outgoing import DEAD_LETTERS, OutgoingEvents
from dev.functions_host.functions import AppError
from dev.functions_host.process import HostNotReadyError
from dev.screen import Screen
from dev.stopping import stopped_cleanly, wait_for_stop
from dev.watching import Watcher, short
from dev.world import LocalWorld, WorldError, WorldOptions, is_free

SIMULATOR_PORT = 8900
KEPT = Path(".local-world") / "demo"
HEARD = Path(".local-world") / "heard"
_LONG_ID = re.compile(r"[\w-]{60,}")
_FAULTS = (AzuriteError, WorldError, HostNotReadyError, AppError)


def play_demo(host: Any, *, stay: bool = False) -> int:
    """Run the demo; 0 only if every chunk is archived once, byte-equal, and none is left at the source.

    Args:
        host: which Functions host.
        stay: leave everything running afterwards, with the console open in the browser, until Ctrl-C.
    """
    screen = Screen()
    screen.console.print("[bold]ACS Recording Archive[/]: five calls, recorded and archived on this machine only.\n")
    simulator = SimulatorOptions(chunk_max_seconds=CHUNK_MAX_SECONDS)
    options = WorldOptions(host=host, simulator=simulator, sign_in=True)
    try:
        with stopped_cleanly(), LocalWorld(options, screen.say) as world:
            code = _played(world, screen)
            _end(world, screen, stay=stay)
            return code
    except KeyboardInterrupt:
        screen.console.print("stopped; nothing is left running")
        return 130
    except _FAULTS as error:
        screen.console.print(f"[red]The demo could not run:[/] {error}")
        return 1


def _played(world: LocalWorld, screen: Screen) -> int:
    recorded = record_calls(world, screen.say)
    screen.legend()
    is_finished = wait_until_finished(world, recorded, screen.progress)
    proofs, left = judge(world, recorded), left_at_source(world)
    screen.console.print()
    screen.table(proofs)
    screen.places(proofs)
    expected = sum(recording.call.chunks for recording in recorded)
    is_good = is_finished and left == 0 and len(proofs) == expected and not any(proof.faults for proof in proofs)
    if is_good:
        text = f"[green]All {expected} chunks are archived once, byte-equal to what was recorded; ACS holds none.[/]"
    else:
        log = "\n".join(world.log_path().read_text(errors="replace").splitlines()[-40:])
        screen.console.print(log, markup=False)
        found = f"{len(proofs)} of {expected} chunks seen, {left} objects left at the source"
        text = f"[red]Not everything is archived and proven: {found}.[/]"
    screen.console.print(f"\n{text}  ({screen.seconds():.0f} s)")
    kept = keep(world, proofs, KEPT)
    screen.console.print(f"[bold]Listen:[/] {len(kept)} files in {KEPT}/, for example {kept[0] if kept else '-'}")
    return 0 if is_good else 1


def _end(world: LocalWorld, screen: Screen, *, stay: bool) -> None:
    """Say where to go on; or stay, with the console open."""
    address = world.console_url()
    if address is None or not stay:
        screen.console.print(
            "[bold]Next:[/] make demo OPEN=1 leaves it running and opens the console; make up, an empty one"
        )
        return
    screen.console.print(f"[bold]Console:[/] {address}  (choose who you are; Ctrl-C stops it all)")
    webbrowser.open(address)
    wait_for_stop()


def stay_up(
    host: Any, port: int, data: Path | None, simulator_port: int = SIMULATOR_PORT, *, with_cookbook: bool = False
) -> int:
    """Start the world, say what happens in it, and wait for Ctrl-C."""
    screen = Screen()
    if port and not is_free(port):
        screen.console.print(
            f"[red]Port {port} is in use.[/] Is another `make up` running? Stop it, or: make up PORT={port + 1}"
        )
        return 1
    ports = _simulator_ports(simulator_port, screen)
    try:
        with (
            stopped_cleanly(),
            OutgoingEvents(lambda line: screen.say(_LONG_ID.sub(lambda found: short(found[0]), line))) as events,
            Cookbook(screen.say, usual_ports=True) if with_cookbook else nullcontext() as cookbook,
            LocalWorld(
                WorldOptions(
                    host=host,
                    port=port,
                    data_dir=data.resolve() if data else None,
                    simulator=ports,
                    sign_in=True,
                    settings=_settings(events, cookbook, port),
                ),
                screen.say,
            ) as world,
        ):
            world.create_container(DEAD_LETTERS)
            events.subscribe(BlobDeadLetters(world.storage, DEAD_LETTERS))
            _print_what_to_try(world, screen)
            _print_where_events_go(events, screen)
            if cookbook is not None:
                cookbook.start(world)
                _print_the_cookbook(cookbook, world, screen)
            screen.console.print("\nCtrl-C stops it all. What happens follows, a line for each event.")
            with Watcher(world.simulator.recordings, RecordingApi(world.host_url), screen.say):
                wait_for_stop()
            with suppress(OSError):  # the terminal may be gone
                screen.say("stopping …")
    except KeyboardInterrupt:
        return 130
    except OSError as error:
        what = (
            f"The folder cannot be written:[/] {error.filename}"
            if error.filename
            else f"The local world could not start:[/] {error}"
        )
        screen.console.print(f"[red]{what}")
        return 1
    except _FAULTS as error:
        screen.console.print(f"[red]The local world could not start:[/] {error}")
        return 1
    return 0


def _settings(events: OutgoingEvents, cookbook: Cookbook | None, port: int) -> dict[str, str]:
    """Return the app settings of what was chosen."""
    api = f"http://127.0.0.1:{port}/api" if port else ""
    if cookbook is None:
        return events.settings(api)
    return {**events.settings(api, [cookbook.endpoint()]), **cookbook.settings_of_the_archive()}


def _print_the_cookbook(cookbook: Cookbook, world: LocalWorld, screen: Screen) -> None:
    screen.console.print(
        "[bold]Cookbook:[/] the recipes work beside the archive, with stand-ins for the other sides. Its pages use:\n"
        f"  APP={world.host_url} SIM={world.addresses.admin_url}/_simulator\n"
        f"  OTHERS={cookbook.others.url} COOKBOOK={cookbook.url}",
        soft_wrap=True,
    )


def _print_where_events_go(events: OutgoingEvents, screen: Screen) -> None:
    screen.console.print(
        f"[bold]Events[/] that the app sends, to a topic and to a webhook: {events.receiver.url}/  (JSON for curl)\n"
        f"       topic, subscription and what became of each event: {events.topics.url}/",
        soft_wrap=True,
    )


def _simulator_ports(port: int, screen: Screen) -> SimulatorOptions:
    """Return the usual ports, so that requests.http and bookmarks stay true; free ones beside another world."""
    if port and not (is_free(port) and is_free(port + 1)):
        screen.say(f"port {port} or {port + 1} is in use: the simulator takes free ones")
        return SimulatorOptions()
    return SimulatorOptions(admin_port=port, proxy_port=port + 1 if port else 0)


def _python() -> str:
    """Return how to type this Python from here."""
    program = Path(sys.executable)
    return str(program.relative_to(Path.cwd())) if program.is_relative_to(Path.cwd()) else str(program)


def _print_what_to_try(world: LocalWorld, screen: Screen) -> None:
    console = world.console_url()
    page = f"\n[bold]Console:[/] {console}  (choose who you are)" if console else ""
    lines = f"""{page}
[bold]Everything runs.[/] Functions host {world.host_url} · simulator {world.addresses.admin_url}/ (a page) · log {world.log_path()}

Try, in a second terminal in this folder (each line works as printed):

  # a call with two people, and the start of its recording
  CALL=$(curl -s {world.addresses.admin_url}/_simulator/calls -d '{{"participants":["Ann","Ben"]}}' | python3 -c 'import json,sys; print(json.load(sys.stdin)["serverCallId"])')
  REC=$(curl -s {world.host_url}/api/recordings -d "{{\\"serverCallId\\":\\"$CALL\\",\\"format\\":\\"wav\\"}}" | python3 -c 'import json,sys; print(json.load(sys.stdin)["recordingId"])')

  # twenty seconds pass on the simulator's clock; then it is stopped and its file is announced
  curl -s {world.addresses.admin_url}/_simulator/clock -d '{{"advanceSeconds":20}}'
  curl -s -X POST {world.host_url}/api/recordings/$REC/stop
  curl -s {world.addresses.admin_url}/_simulator/clock -d '{{"advanceSeconds":10}}'
  sleep 3

  # what the app knows, and what the simulator still holds
  curl -s {world.host_url}/api/recordings/$REC
  curl -s {world.addresses.admin_url}/_simulator/objects
  curl -s {world.host_url}/api/health

  # what an operator asks; then the files on this disk, to be heard
  recordings() {{ {quote(_python())} -m recording.cli --settings {quote(str(world.settings_file()))} "$@"; }}
  recordings status
  recordings show $REC
  recordings get $REC --to {HEARD}
  recordings doctor
"""  # noqa: E501 - lines to copy stay whole
    screen.console.print(lines, soft_wrap=True)
