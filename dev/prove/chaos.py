"""Broken connections everywhere: chaos below HTTP before Azurite and before ACS, at 10, 30 and 50 in a hundred.

Workers run the use cases over the real adapters, as a host would: a message that failed comes again. Each event and
message is handled by adapters that have no connection yet, as on a fresh instance: kept connections would be few, and
mostly good. Delays are cut to a moment, and claims and timeouts are short; nothing else differs from production.
"""

import base64
import random
import threading
import time
from collections import Counter
from collections.abc import Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import AbstractContextManager, ExitStack
from dataclasses import dataclass, field
from datetime import timedelta
from urllib.parse import urlsplit

from azure.storage.queue import QueueClient

from dev.acs_simulator.options import SimulatorOptions
from dev.acs_simulator.threaded import SimulatorHandle, run_in_thread
from dev.azurite import Azurite
from dev.prove import real_line as line
from dev.prove.at_rest import AtRest
from dev.prove.relay import LoopThread
from dev.prove.tcp_chaos import TcpChaos
from dev.prove.witness import event_about
from recording.archive.line import archive_message
from recording.domain.state.quarantine import Origin
from recording.errors import RecordingError
from recording.ingest import ingest_event
from recording.ports import Ports
from recording.ports.bulkhead import readable
from recording.settings import Settings

SHARES = (0.1, 0.3, 0.5)
WORKERS = 8
TIMEOUT_SECONDS = 2.0
CLAIM = timedelta(seconds=10)  # above the longest call of a worker: two tries of two seconds each
LEASE_SECONDS = 10
LONGEST_DELAY = timedelta(seconds=1)
STUCK_AFTER = 120.0


@dataclass
class Lived:
    """What happened at one share."""

    share: float
    chunks: int = 0
    seconds: float = 0.0
    met: Counter[str] = field(default_factory=Counter)
    errors: Counter[str] = field(default_factory=Counter)
    violations: list[str] = field(default_factory=list)


def live(share: float, chunks: int, seed: int) -> Lived:
    """Return at least so many chunks through connections of which a share is spoiled."""
    lived, begun = Lived(share), time.monotonic()
    with ExitStack() as stack:
        stack.enter_context(line.quiet())
        stack.enter_context(line.short_timeouts(TIMEOUT_SECONDS, pauses=(0.05, 0.1)))
        azurite = stack.enter_context(Azurite())
        simulator = stack.enter_context(run_in_thread(SimulatorOptions()))
        loop = stack.enter_context(LoopThread())
        behind = _ports_behind(azurite.connection_string, simulator)
        proxies = _proxies(stack, loop, behind, share, seed)
        settings = _settings(azurite.connection_string, simulator, {name: one.port for name, one in proxies.items()})
        events = _made(simulator, chunks, seed)
        _Line(settings, azurite.connection_string, simulator, lived).run(events)
        calm = stack.enter_context(fresh(_settings(azurite.connection_string, simulator, behind)))
        at_rest = AtRest(azurite.connection_string, simulator.client, list(readable(calm.catalog.all_chunks(), "t")))
        lived.violations += at_rest.violations()
        lived.chunks = len(simulator.client.objects())
        lived.met = sum((one.met for one in proxies.values()), Counter())
    lived.seconds = time.monotonic() - begun
    return lived


def _ports_behind(storage: str, simulator: SimulatorHandle) -> dict[str, int]:
    return {**line.service_ports(storage), "acs": urlsplit(simulator.addresses.proxy_url).port or 0}


def _proxies(
    stack: ExitStack, loop: LoopThread, behind: dict[str, int], share: float, seed: int
) -> dict[str, TcpChaos]:
    proxies = {name: TcpChaos(port, share, seed + at) for at, (name, port) in enumerate(behind.items())}
    for proxy in proxies.values():
        loop.run(proxy.start())
        stack.callback(_stop, loop, proxy)
    return proxies


def _stop(loop: LoopThread, proxy: TcpChaos) -> None:
    loop.run(proxy.stop())


def _settings(storage: str, simulator: SimulatorHandle, ports: dict[str, int]) -> Settings:
    reached = line.relayed(storage, {name: port for name, port in ports.items() if name != "acs"})
    settings = line.line_settings(reached, simulator, ports["acs"], simulator.addresses.ca_bundle)
    return settings.model_copy(update={"claim_length": CLAIM})


def fresh(settings: Settings) -> AbstractContextManager[Ports]:
    """Open adapters without a connection, and a queue that does not wait long."""
    return line.real_ports(settings, line.SkippedTime(), lambda _: None, LONGEST_DELAY)


def _made(simulator: SimulatorHandle, chunks: int, seed: int) -> list[line.JSON]:
    """Return events about recordings of one to four chunks, small and large; three in ten come twice."""
    chance, events, made = random.Random(seed), list[line.JSON](), 0
    while made < chunks:
        length = chance.choice((20_000, 50_000, 200_000))
        objects = simulator.client.create_objects(wav_bytes=length, chunks=chance.randint(1, 4), publish_event=False)
        made += len(objects)
        event = event_about(objects, simulator.client.now(), simulator.addresses.resource_id)
        events += [event] * (1 + (chance.random() < 0.3))
    chance.shuffle(events)
    return events


@dataclass
class _Line:
    """The workers, and the host that hands them events and messages."""

    settings: Settings
    storage: str
    simulator: SimulatorHandle
    lived: Lived
    _stop: threading.Event = field(default_factory=threading.Event)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def run(self, events: list[line.JSON]) -> None:
        """Return when ACS has nothing left and no message waits, or when nothing moves any more."""
        with line.open_queue(self.storage) as queue:
            queue.create_queue()  # as the deployment does
        with ThreadPoolExecutor(WORKERS) as pool:
            workers = [pool.submit(self._work, events) for _ in range(WORKERS)]
            self._wait(workers)
            self._stop.set()
            for worker in workers:
                worker.result()

    def _wait(self, workers: Sequence[Future[None]]) -> None:
        fewest, moved_at = -1, time.monotonic()
        with line.open_queue(self.storage) as queue:
            while True:
                left = sum(not one["deletedAt"] for one in self.simulator.client.objects())
                waiting = queue.get_queue_properties().approximate_message_count if not left else 1
                if (not left and not waiting) or any(worker.done() for worker in workers):
                    return
                if fewest == -1 or left + (waiting or 0) < fewest:
                    fewest, moved_at = left + (waiting or 0), time.monotonic()
                if time.monotonic() - moved_at > STUCK_AFTER:
                    self.lived.violations.append(f"nothing moves any more: {left} chunks, {waiting} messages")
                    return
                time.sleep(0.5)

    def _work(self, events: list[line.JSON]) -> None:
        with line.open_queue(self.storage) as queue:
            while not self._stop.is_set():
                try:
                    event = events.pop()  # one step of the interpreter: two workers never get the same
                except IndexError:
                    self._take_a_turn(queue)
                else:
                    self._ingest(event, events)

    def _ingest(self, event: line.JSON, events: list[line.JSON]) -> None:
        try:
            with fresh(self.settings) as ports:
                ingest_event(event, Origin.EVENT_GRID, ports, self.settings)
        except RecordingError as error:
            self._note(error)
            events.insert(0, event)

    def _take_a_turn(self, queue: QueueClient) -> None:
        message = next(iter(queue.receive_messages(max_messages=1, visibility_timeout=LEASE_SECONDS)), None)
        if message is None:
            self._stop.wait(0.2)
            return
        try:
            with fresh(self.settings) as ports:
                archive_message(base64.b64decode(message.content).decode(), ports, self.settings)
        except RecordingError as error:  # the message comes back when its lease ends
            self._note(error)
        else:
            line.delete_if_ours(queue, message)

    def _note(self, error: RecordingError) -> None:
        with self._lock:
            self.lived.errors[error.code] += 1


def print_chaos(chunks: int, seed: int) -> int:
    """Run all shares, a line of figures for each; 1 on a violation."""
    bad = 0
    for share in SHARES:
        lived = live(share, chunks, seed)
        bad += len(lived.violations)
        for what in lived.violations[:10]:
            print(f"chaos: VIOLATION at {share:.0%}: {what}")
            print(f"replay it: python -m dev prove chaos --first {seed}")
        met = ", ".join(f"{lived.met[name]:,} {name}" for name in ("good", "refuse", "reset", "end", "stall", "slow"))
        print(
            f"chaos: {share:.0%} of connections: {lived.chunks} chunks in {lived.seconds:.0f} s, connections: {met}; "
            f"{sum(lived.errors.values())} redeliveries, {len(lived.violations)} violations",
            flush=True,
        )
    return min(bad, 1)
