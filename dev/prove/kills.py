"""A thousand recordings through the whole local world while its host is killed, again and again, at random moments.

The app runs in its own process, with real queues, real TLS and Event Grid's own ways: each event comes by webhook and
by queue, three in ten come twice, half in another order. Nothing here restarts anything but the host.
"""

import random
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass, field

from azure.storage.queue import QueueClient
from pydantic import SecretStr

from dev.acs_simulator.client import SimulatorClient
from dev.acs_simulator.options import SimulatorOptions
from dev.prove.at_rest import AtRest
from dev.prove.real_line import quiet
from dev.world import LocalWorld, WorldOptions
from recording.adapters.table.catalog import TableCatalog
from recording.domain.names import CHUNKS_QUEUE
from recording.domain.state.chunk import ChunkRecord
from recording.ports.bulkhead import readable
from recording.settings import AcsConnection, Settings, StorageConnection

CLAIM_SECONDS = 6  # a dead worker's claim and message come back in seconds here; in production it is minutes
TOLD_EVERY = 15.0
STUCK_AFTER = 240.0  # seconds without a single chunk settled
LONGEST_LIFE = 20.0  # seconds that a host is given to do its share
LONGEST_WAIT = 2.0  # seconds more, by chance
DUPLICATED, REORDERED = 0.3, 0.5
LARGE_IN, LARGE_BYTES = 40, 2_500_000  # one recording in so many has chunks of several blocks


@dataclass(frozen=True)
class KillPlan:
    """How many recordings and kills, and the seed that decides sizes, duplicates and moments."""

    recordings: int
    kills: int
    seed: int


@dataclass
class Killed:
    """What happened."""

    made: list[dict[str, object]] = field(default_factory=list)
    duplicated: int = 0
    kills: int = 0
    kills_at_work: int = 0
    seconds: float = 0.0
    violations: list[str] = field(default_factory=list)


def options(plan: KillPlan) -> WorldOptions:
    """Return the local world of this proof."""
    quick = {"CLAIM_SECONDS": str(CLAIM_SECONDS), "COPY_BLOCK_MIB": "1"}
    return WorldOptions(host="builtin", settings=quick, queue_lease=CLAIM_SECONDS, simulator=SimulatorOptions())


def live(plan: KillPlan) -> Killed:
    """Return the whole proof; what it found is in `violations`."""
    lived, begun = Killed(), time.monotonic()
    with quiet(), LocalWorld(options(plan)) as world:
        maker = _Maker(world.simulator, plan, lived)
        maker.start()
        _kill(world, plan, lived)
        maker.join()
        lived.violations += maker.errors
        lived.violations += _settled(world, lived)
        _deliver_the_rest(world.simulator)
        lived.violations += AtRest(world.storage, world.simulator, list(records(world.storage))).violations()
    lived.seconds = time.monotonic() - begun
    return lived


class _Maker(threading.Thread):
    """Makes recordings and has them announced, while the host lives and dies."""

    def __init__(self, simulator: SimulatorClient, plan: KillPlan, lived: Killed) -> None:
        super().__init__(name="proof-maker", daemon=True)
        self.errors: list[str] = []
        self._client, self._plan, self._lived = simulator, plan, lived
        self._chance = random.Random(plan.seed)

    def run(self) -> None:
        left = self._plan.recordings
        while left > 0:
            left -= self._make_some(left)

    def _make_some(self, most: int) -> int:
        """Return one recording whose event comes twice, a handful whose events come in another order, or just one."""
        draw, count = self._chance.random(), 1
        if draw < DUPLICATED:
            self._client.plan_deliveries("duplicate", delay_seconds=self._chance.choice((0, 5)))
            self._lived.duplicated += 1
        elif draw < DUPLICATED + REORDERED / 4:  # four at once
            count = min(4, most)
            self._client.plan_deliveries("reorder", count=count)
        for _ in range(count):
            large = self._chance.randrange(LARGE_IN) == 0
            length = LARGE_BYTES if large else self._chance.randint(2_000, 60_000)
            self._lived.made += self._client.create_objects(wav_bytes=length, chunks=self._chance.randint(1, 4))
        return count


def _kill(world: LocalWorld, plan: KillPlan, lived: Killed) -> None:
    """Kill the host and start it again, spread over all of the work; each fifth time it dies in its start, too."""
    moments, told = random.Random(plan.seed + 1), time.monotonic()
    host = world.host
    assert host is not None
    with QueueClient.from_connection_string(world.storage, CHUNKS_QUEUE) as queue:
        while lived.kills < plan.kills:
            _wait_for_share(world.simulator, lived, lived.kills / plan.kills)
            time.sleep(moments.uniform(0.05, LONGEST_WAIT))
            lived.kills_at_work += bool(queue.get_queue_properties().approximate_message_count)
            host.kill()
            lived.kills += 1
            if moments.random() < 0.2 and lived.kills < plan.kills:
                host.start()
                time.sleep(moments.uniform(0.0, LONGEST_WAIT))
                host.kill()
                lived.kills += 1
            world.start_host()
            if time.monotonic() - told > TOLD_EVERY:
                told = time.monotonic()
                print(f"  {lived.kills} kills, {len(lived.made)} chunks made", flush=True)


def _wait_for_share(simulator: SimulatorClient, lived: Killed, share: float) -> None:
    """Return when this share of the chunks is settled, or soon: a host must not live long only because it is slow."""
    give_up_at = time.monotonic() + LONGEST_LIFE
    while time.monotonic() < give_up_at:
        if sum(bool(one["deletedAt"]) for one in simulator.objects()) >= share * len(lived.made):
            return
        time.sleep(0.5)


def _settled(world: LocalWorld, lived: Killed) -> list[str]:
    """Wait until ACS has no chunk left; tell those that stay when nothing moves any more."""
    open_chunks, moved_at, told = len(lived.made), time.monotonic(), time.monotonic()
    while left := [one for one in world.simulator.objects() if not one["deletedAt"]]:
        now = time.monotonic()
        if len(left) < open_chunks:
            open_chunks, moved_at = len(left), now
        if now - moved_at > STUCK_AFTER:
            return [f"{one['documentId']} is not settled" for one in left]
        if now - told > TOLD_EVERY:
            told = now
            print(f"  {len(lived.made) - len(left)} of {len(lived.made)} chunks settled", flush=True)
        time.sleep(1.0)
    return []


def _deliver_the_rest(simulator: SimulatorClient) -> None:
    """Event Grid's late retries: they must find everything done. Its clock is moved instead of waited for."""
    for _ in range(30):
        if not simulator.pending_deliveries():
            return
        simulator.advance(60)
        time.sleep(1.0)


def records(storage: str) -> Iterator[ChunkRecord]:
    connection = StorageConnection(connection_string=SecretStr(storage))
    acs = AcsConnection(endpoint="https://contoso.communication.azure.com")
    catalog = TableCatalog(Settings(acs=acs, host_storage=connection, archive_storage=connection))
    try:
        yield from readable(catalog.all_chunks(), "all_chunks")
    finally:
        catalog.close()


def print_kills(plan: KillPlan) -> int:
    """Run it and print one line of figures; 1 on a violation."""
    lived = live(plan)
    for what in lived.violations[:10]:
        print(f"kills: VIOLATION: {what}")
    if lived.violations:
        print(f"replay it: python -m dev prove kills --first {plan.seed} (moments are those of the machine, too)")
        return 1
    print(
        f"kills: {plan.recordings:,} recordings, {len(lived.made):,} chunks, {lived.duplicated} events twice by each "
        f"path, {lived.kills} kills, {lived.kills_at_work} of them with tasks waiting: 0 lost, 0 twice, 0 deleted "
        f"unproven, in {lived.seconds:.0f} s",
        flush=True,
    )
    return 0
