"""The commands `demo` and `up`: the local world with a person in front of it."""

import sys
from pathlib import Path
from typing import Any

from dev.acs_simulator.options import SimulatorOptions
from dev.azurite import AzuriteError
from dev.demo import CHUNK_MAX_SECONDS, judge, left_at_source, record_calls, wait_until_finished
from dev.functions_host.functions import AppError
from dev.functions_host.process import HostNotReadyError
from dev.screen import Screen
from dev.stopping import wait_for_stop
from dev.world import LocalWorld, WorldError, WorldOptions

_FAULTS = (AzuriteError, WorldError, HostNotReadyError, AppError)


def play_demo(host: Any) -> int:
    """Runs the demo; 0 only if every chunk is archived once, byte-equal, and none is left at the source."""
    screen = Screen()
    screen.console.print("[bold]ACS Recording Archive[/]: five calls, recorded and archived on this machine only.\n")
    options = WorldOptions(host=host, simulator=SimulatorOptions(chunk_max_seconds=CHUNK_MAX_SECONDS))
    try:
        with LocalWorld(options, screen.say) as world:
            return _played(world, screen)
    except _FAULTS as error:
        screen.console.print(f"[red]The demo could not run:[/] {error}")
        return 1


def _played(world: LocalWorld, screen: Screen) -> int:
    recorded = record_calls(world, screen.say)
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
    return 0 if is_good else 1


def stay_up(host: Any, port: int, data: Path | None) -> int:
    """Starts the world and waits for Ctrl-C."""
    screen = Screen()
    options = WorldOptions(host=host, port=port, data_dir=data.resolve() if data else None)
    try:
        with LocalWorld(options, screen.say) as world:
            _print_what_to_try(world, screen)
            wait_for_stop()
            screen.say("stopping …")
    except _FAULTS as error:
        screen.console.print(f"[red]The local world could not start:[/] {error}")
        return 1
    return 0


def _python() -> str:
    """How to type this Python from here."""
    program = Path(sys.executable)
    return str(program.relative_to(Path.cwd())) if program.is_relative_to(Path.cwd()) else str(program)


def _print_what_to_try(world: LocalWorld, screen: Screen) -> None:
    lines = f"""
[bold]Everything runs.[/] Functions host {world.host_url} · simulator {world.addresses.admin_url} · log {world.log_path()}

Try (each line works as printed):

  # a call with two people, and the start of its recording
  CALL=$(curl -s {world.addresses.admin_url}/_simulator/calls -d '{{"participants":["Ann","Ben"]}}' | python3 -c 'import json,sys; print(json.load(sys.stdin)["serverCallId"])')
  REC=$(curl -s {world.host_url}/api/recordings -d "{{\\"serverCallId\\":\\"$CALL\\",\\"format\\":\\"wav\\"}}" | python3 -c 'import json,sys; print(json.load(sys.stdin)["recordingId"])')

  # twenty seconds pass on the simulator's clock; then it is stopped and its file comes
  curl -s {world.addresses.admin_url}/_simulator/clock -d '{{"advanceSeconds":20}}'
  curl -s -X POST {world.host_url}/api/recordings/$REC/stop
  curl -s {world.addresses.admin_url}/_simulator/clock -d '{{"advanceSeconds":10}}'
  sleep 3

  # what the app knows, and what the simulator still holds
  curl -s {world.host_url}/api/recordings/$REC
  curl -s {world.addresses.admin_url}/_simulator/objects
  curl -s {world.host_url}/api/health

  # what an operator asks
  {_python()} -m recording.cli --settings {world.settings_file()} doctor

Ctrl-C stops it all."""  # noqa: E501 - lines to copy stay whole
    screen.console.print(lines, soft_wrap=True)
