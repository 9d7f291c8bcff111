"""A rolling upgrade and a rollback under load: the last version's zip and this one's, on the same queues and tables.

Five phases: the last version alone, both, this one alone, both, the last one alone. Recordings arrive all the time by
both delivery paths, and a share of chunks is refused once by ACS, so that one version goes on where the other stopped.
"""

import tempfile
import threading
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path

from dev.acs_simulator.client import SimulatorClient
from dev.functions_host.process import HostProcess
from dev.prove.at_rest import AtRest
from dev.prove.kills import records
from dev.prove.last_version import NoHistoryError, Unpacked, unpack_last_version, unpack_this_version
from dev.prove.next_version import refused_by_last_version, violations_of_redrive, violations_of_this_version
from dev.prove.real_line import quiet
from dev.prove.witness import JSON
from dev.world import LocalWorld, WorldOptions, free_port
from recording.domain.names import EVENTS_QUEUE

CLAIM_SECONDS = 6  # as in `kills`: what minutes are in production are seconds here
REFUSED_IN = 4  # one recording in so many is refused once by ACS, and tried again ten seconds later
LONGEST_DELAY = timedelta(seconds=90)  # from readable at ACS to deleted there, proven: waits, drains and a slow machine
STUCK_AFTER = 120.0
OLD, NEW = "last version", "this version"
PHASES: tuple[tuple[str, ...], ...] = ((OLD,), (OLD, NEW), (NEW,), (NEW, OLD), (OLD,))


@dataclass
class Rolled:
    """What happened: the chunks, which version archived how many of them, and what was wrong."""

    chunks: int = 0
    archived: Counter[str] = field(default_factory=Counter)
    shared: int = 0
    longest_delay: timedelta = timedelta()
    seconds: float = 0.0
    violations: list[str] = field(default_factory=list)


def live(phase_seconds: float) -> Rolled:
    """Run all phases, then messages and rows of the next version.

    Raises:
        NoHistoryError: the last version is not in this clone.
    """
    rolled, begun = Rolled(), time.monotonic()
    with tempfile.TemporaryDirectory() as folder, quiet():
        old = unpack_last_version(Path(folder) / "last")
        new = unpack_this_version(Path(folder) / "this")
        options = WorldOptions(settings={"CLAIM_SECONDS": str(CLAIM_SECONDS)})
        with _Places(options) as world, _Fleet(world, {OLD: old, NEW: new}) as fleet:
            with _recordings(world.simulator) as maker:
                for phase in PHASES:
                    fleet.becomes(phase)
                    time.sleep(phase_seconds)
            _wait_until_settled(world.simulator, rolled)
            rolled.violations += maker.errors
            _judge(world, fleet, rolled)
            rolled.violations += _meets_next_version(world, fleet)
    rolled.seconds = time.monotonic() - begun
    return rolled


class _Places(LocalWorld):
    """The local world without a host of its own; Event Grid delivers to the queue from the beginning."""

    def start_host(self) -> None:
        """Leave the hosts to the fleet."""

    def subscribe(self) -> None:
        """Subscribe the queue that both versions read."""
        self.simulator.subscribe_queue(self.storage, EVENTS_QUEUE)


class _Fleet:
    """The hosts of both versions; each has a webhook subscription of its own, and all share the queues."""

    def __init__(self, world: LocalWorld, versions: dict[str, Unpacked]) -> None:
        self._world = world
        self._subscribed: set[str] = set()
        self.hosts = {
            name: HostProcess(
                unpacked.folder,
                world.settings(),
                world.folder / name.replace(" ", "-"),
                port=free_port(),
                queue_lease=CLAIM_SECONDS,
            )
            for name, unpacked in versions.items()
        }

    def __enter__(self) -> "_Fleet":
        return self

    def __exit__(self, *_error: object) -> None:
        for host in self.hosts.values():
            host.kill()

    def becomes(self, wanted: tuple[str, ...]) -> None:
        """Start what is wanted and not there, then let the others drain, as a deployment does."""
        for name in wanted:
            if not self.hosts[name].is_running():
                self.hosts[name].start().wait_ready(60.0)
                self._subscribe(name)
        for name, host in self.hosts.items():
            if name not in wanted and host.is_running():
                host.terminate()

    def _subscribe(self, name: str) -> None:
        if name not in self._subscribed:
            self._subscribed.add(name)
            url = self.hosts[name].url
            self._world.simulator.subscribe_webhook(f"{url}/runtime/webhooks/EventGrid?functionName=ingest_event")


class _Maker(threading.Thread):
    """Makes recordings at a steady pace until it is told to stop."""

    def __init__(self, simulator: SimulatorClient) -> None:
        super().__init__(name="proof-maker", daemon=True)
        self._simulator, self._is_over = simulator, threading.Event()
        self.errors: list[str] = []

    def run(self) -> None:
        number = 0
        while not self._is_over.wait(0.2):
            number += 1
            try:
                self._make(number)
            except Exception as error:  # noqa: BLE001 - the proof reports it
                self.errors.append(f"no recording could be made: {error}")
                return

    def _make(self, number: int) -> None:
        recording_id = f"rolling-{number:05d}"
        if number % REFUSED_IN == 0:
            self._simulator.add_fault("content", "status", recording_id=recording_id, status=503)
        self._simulator.create_objects(recording_id=recording_id, wav_bytes=8_000, chunks=1 + number % 3)

    def stop(self) -> None:
        """Return when the last recording is made."""
        self._is_over.set()
        self.join()


@contextmanager
def _recordings(simulator: SimulatorClient) -> Iterator[_Maker]:
    maker = _Maker(simulator)
    maker.start()
    try:
        yield maker
    finally:
        maker.stop()


def _wait_until_settled(simulator: SimulatorClient, rolled: Rolled) -> None:
    moved_at, most = time.monotonic(), -1
    while True:
        left = sum(not one["deletedAt"] for one in simulator.objects())
        if not left:
            return
        if left != most:
            most, moved_at = left, time.monotonic()
        if time.monotonic() - moved_at > STUCK_AFTER:
            rolled.violations.append(f"{left} chunks are not settled")
            return
        time.sleep(0.5)


def _judge(world: LocalWorld, fleet: _Fleet, rolled: Rolled) -> None:
    made = world.simulator.objects()
    logs = {name: host.log_text() for name, host in fleet.hosts.items()}
    seen = {name: _touched(log, made) for name, log in logs.items()}
    rolled.chunks = len(made)
    rolled.archived.update({name: log.count("recording.chunk.archived ") for name, log in logs.items()})
    rolled.shared = len(seen[OLD] & seen[NEW])
    rolled.violations += AtRest(world.storage, world.simulator, list(records(world.storage))).violations()
    delays = [_time(one["deletedAt"]) - _time(one["readableAt"]) for one in made if one["deletedAt"]]
    rolled.longest_delay = max(delays, default=timedelta())
    if rolled.longest_delay > LONGEST_DELAY:
        rolled.violations.append(f"a chunk was delayed by {rolled.longest_delay.total_seconds():.0f} s")
    for name, log in logs.items():
        for event in ("recording.event.rejected", "recording.needs_attention", "recording.chunk.quarantined"):
            if event in log:
                rolled.violations.append(f"{name} says {event}")
        if not rolled.archived[name]:
            rolled.violations.append(f"{name} archived nothing, so nothing is proved")
    if not rolled.shared:
        rolled.violations.append("no chunk was worked on by both versions, so nothing is proved")


def _meets_next_version(world: LocalWorld, fleet: _Fleet) -> list[str]:
    fleet.becomes((OLD,))
    task, found = refused_by_last_version(world)
    fleet.becomes((NEW,))
    found += violations_of_redrive(world, task, fleet.hosts[NEW].url)
    return found + violations_of_this_version(world)


def _touched(log: str, made: list[JSON]) -> set[str]:
    """Return the chunks that a version worked on, not only heard of."""
    worked = [line for line in log.splitlines() if "recording.chunk." in line]
    text = "\n".join(worked)
    return {one["documentId"] for one in made if one["documentId"] in text}


def _time(text: str) -> datetime:
    return datetime.fromisoformat(text)


def print_compatibility(phase_seconds: float) -> int:
    """Run it and print one line of figures; 1 on a violation, 3 when the clone has no history."""
    try:
        rolled = live(phase_seconds)
    except NoHistoryError as error:
        print(f"compatibility: SKIPPED: {error}")
        return 3
    for what in rolled.violations[:10]:
        print(f"compatibility: VIOLATION: {what}")
    if rolled.violations:
        return 1
    print(
        f"compatibility: {rolled.chunks:,} chunks through upgrade and rollback; the last version archived "
        f"{rolled.archived[OLD]:,}, this one {rolled.archived[NEW]:,}, {rolled.shared:,} were worked on by both; "
        f"longest from readable to deleted {rolled.longest_delay.total_seconds():.0f} s; messages and rows of "
        f"a next version kept: 0 lost, 0 twice, 0 held, in {rolled.seconds:.0f} s",
        flush=True,
    )
    return 0
