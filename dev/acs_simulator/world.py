"""Puts the simulator's parts together, without a server: state, planes and what connects them."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from dev.acs_simulator.control_plane.callbacks import Callbacks
from dev.acs_simulator.control_plane.operations import ControlPlane
from dev.acs_simulator.events.file_status import Event
from dev.acs_simulator.faults.script import FaultScript
from dev.acs_simulator.files.finaliser import Finaliser
from dev.acs_simulator.front_door import FrontDoor
from dev.acs_simulator.net.certificates import Certificates
from dev.acs_simulator.options import SimulatorOptions
from dev.acs_simulator.state.background import Background
from dev.acs_simulator.state.calls import Calls
from dev.acs_simulator.state.journal import Journal
from dev.acs_simulator.state.objects import Objects
from dev.acs_simulator.state.recordings import Recordings
from dev.acs_simulator.storage_plane.operations import StoragePlane
from dev.clock import MovableClock


@dataclass(frozen=True)
class World:
    """Everything one simulator knows and does. All of it belongs to one event loop."""

    options: SimulatorOptions
    clock: MovableClock
    calls: Calls
    recordings: Recordings
    objects: Objects
    faults: FaultScript
    journal: Journal
    background: Background
    finaliser: Finaliser
    callbacks: Callbacks
    front_door: FrontDoor


def build_world(
    options: SimulatorOptions,
    clock: MovableClock,
    certificates: Certificates,
    media_folder: Path,
    publish: Callable[[Event], None],
) -> World:
    """Return a world with nothing in it yet. Needs a running loop; close `background`, then `callbacks`."""
    calls, objects, journal = Calls(options.immutable_resource_id), Objects(), Journal()
    faults = FaultScript(clock.now)
    background = Background()
    callbacks = Callbacks(clock, faults, journal, background, certificates.client)
    finaliser = Finaliser(
        options=options,
        clock=clock,
        objects=objects,
        faults=faults,
        background=background,
        publish=publish,
        folder=media_folder,
    )
    recordings = Recordings(options, callbacks.state_changed, finaliser.begin)
    front_door = FrontDoor(
        options=options,
        clock=clock,
        control_plane=ControlPlane(options, clock, calls, recordings, callbacks.start_failed),
        storage_plane=StoragePlane(options, clock, objects),
        objects=objects,
        faults=faults,
        journal=journal,
        background=background,
    )
    return World(
        options, clock, calls, recordings, objects, faults, journal, background, finaliser, callbacks, front_door
    )
