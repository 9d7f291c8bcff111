"""Every fault on every operation, each alone, on the real adapters: afterwards the line has gone on, and kept its word.

Printed as a table: `.` archived and proved, `k` kept for a person with its source, `!` a violation.
"""

import time
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from tempfile import TemporaryDirectory
from urllib.parse import urlsplit

from dev.acs_simulator.options import SimulatorOptions
from dev.acs_simulator.threaded import SimulatorHandle, run_in_thread
from dev.azurite import Azurite
from dev.loopback import certificates
from dev.prove import real_line as line
from dev.prove import witness
from dev.prove.exchange import Message
from dev.prove.fault_cells import OPERATIONS, Cell, cells
from dev.prove.relay import MODES, LoopThread, Relay, Strike, plain, through_proxy
from recording.errors import RecordingError

TIMEOUT_SECONDS = 1.5
AN_HOUR = timedelta(hours=1)
ENDPOINT_HOST = "contoso.unitedstates.communication.azure.com"


@dataclass(frozen=True)
class Outcome:
    """What became of one cell."""

    cell: Cell
    violations: tuple[str, ...]
    turns: int
    errors: tuple[str, ...]


@dataclass
class FaultLab:
    """Relays, adapters and witnesses; `live` runs one cell."""

    simulator: SimulatorHandle
    storage: witness.Storage
    relays: dict[str, Relay]
    host: line.PlayedHost
    deletes: list[str] = field(default_factory=list)
    unproven: list[str] = field(default_factory=list)

    def live(self, cell: Cell) -> Outcome:
        """Return one chunk's life with one fault in it."""
        operation = OPERATIONS[cell.operation]
        self.host.clock.reset()
        self.host.errors.clear()
        self.unproven.clear()
        delays = self._delays()
        delays.clear()
        made = self.simulator.client.create_objects(wav_bytes=operation.bytes_of_media, publish_event=False)[0]
        strike = self._armed(cell)
        said, turns = self._lived(made)
        violations = [*said, *self.unproven, *self._final(cell, made), *self._struck(cell, strike)]
        if _must_wait(cell) and max(delays, default=timedelta()) < AN_HOUR and not self.host.errors:
            violations.append("the hour that was asked for was not waited")
        self._disarm()
        return Outcome(cell, tuple(violations), turns, tuple(self.host.errors))

    def _delays(self) -> list[timedelta]:
        queue = self.host.ports.queue
        assert isinstance(queue, line.UnhurriedQueue)
        return queue.delays

    def _armed(self, cell: Cell) -> Strike | None:
        operation = OPERATIONS[cell.operation]
        if cell.told is not None:
            kind, arguments = cell.told
            target = "metadata" if cell.operation == "metadata" else "content"
            self.simulator.client.add_fault(target, kind, skip=operation.skip, **arguments)
            return None
        assert cell.blow is not None
        strike = Strike(operation.is_meant, cell.blow, operation.skip)
        self.relays[operation.side].strike = strike
        return strike

    def _disarm(self) -> None:
        self.simulator.client.clear_faults()
        for relay in self.relays.values():
            relay.strike = None

    def _lived(self, made: witness.JSON) -> tuple[list[str], int]:
        event = witness.event_about([made], self.simulator.client.now(), self.simulator.addresses.resource_id)
        try:
            self.host.deliver(event)
            return [], self.host.work()
        except RecordingError as error:
            return [str(error)], line.MOST_TURNS

    def _final(self, cell: Cell, made: witness.JSON) -> list[str]:
        now = next(one for one in self.simulator.client.objects(made["recordingId"]))
        record = self.host.ports.catalog.get_chunk(witness.key_of(made))
        return witness.final_faults(now, record, self.storage)

    def _struck(self, cell: Cell, strike: Strike | None) -> list[str]:
        has_struck = strike.struck if strike else any(one["struck"] for one in self.simulator.client.faults())
        return [] if has_struck else ["the fault was never met: this cell shows nothing"]

    def witness(self, request: Message) -> None:
        """Look at the archive at the moment when a DELETE is on its way to ACS (I1)."""
        if request.method != "DELETE":
            return
        document_id = request.target.split("/")[3]
        made = next(one for one in self.simulator.client.objects() if one["documentId"] == document_id)
        faults = witness.proof_faults(made, self.storage)
        self.deletes.append(document_id)
        self.unproven += [f"deleted unproven: {fault}" for fault in faults]


def _must_wait(cell: Cell) -> bool:
    """The first look at the metadata is a courtesy to the copy: without it the chunk goes on, and asks again later."""
    return cell.fault.endswith("+1h") and cell.operation != "metadata"


@contextmanager
def fault_lab(azurite: Azurite) -> Iterator[FaultLab]:
    """Start everything and warm it up with one quiet life, so that containers and tables are there."""
    with ExitStack() as stack:
        stack.enter_context(line.short_timeouts(TIMEOUT_SECONDS))
        simulator = stack.enter_context(run_in_thread(SimulatorOptions(endpoint_host=ENDPOINT_HOST)))
        loop = stack.enter_context(LoopThread())
        context, bundle = certificates(Path(stack.enter_context(TemporaryDirectory())))
        proxy_port = urlsplit(simulator.addresses.proxy_url).port or 0
        reach = through_proxy(proxy_port, str(simulator.addresses.ca_bundle))
        relays = {"acs": Relay(reach, tls=context)}
        for service, port in line.service_ports(azurite.connection_string).items():
            relays[service] = Relay(plain(port))
        for relay in relays.values():
            loop.run(relay.start())
            stack.callback(_stop, loop, relay)
        ports = {service: relay.port for service, relay in relays.items() if service != "acs"}
        storage = line.relayed(azurite.connection_string, ports)
        settings = line.line_settings(storage, simulator, relays["acs"].port, bundle)
        clock = line.SkippedTime()
        adapters = stack.enter_context(line.real_ports(settings, clock, clock.skip))
        queue = stack.enter_context(line.open_queue(azurite.connection_string))
        host = line.PlayedHost(adapters, settings, clock, queue)
        lab = FaultLab(simulator, witness.Storage(azurite.connection_string), relays, host)
        relays["acs"].watch = lab.witness
        lab.live(Cell("content", "f", MODES["f"]))
        yield lab


def _stop(loop: LoopThread, relay: Relay) -> None:
    loop.run(relay.stop())


def print_faults(only: Sequence[str] = ()) -> int:
    """Run all cells (or the named ones), print the table and one line of figures; 1 on a violation."""
    begun = time.monotonic()
    chosen = [cell for cell in cells() if not only or cell.name in only]
    outcomes: list[Outcome] = []
    with line.quiet(), Azurite() as azurite, fault_lab(azurite) as lab:
        for cell in chosen:
            outcomes.append(lab.live(cell))
            if outcomes[-1].violations:
                _tell(outcomes[-1])
            if cell is chosen[-1] or chosen[len(outcomes)].operation != cell.operation:
                print(_row(cell.operation, outcomes), flush=True)
        deletes = len(lab.deletes)
        assert lab.simulator.client.health()["status"] == "ok", "a simulator that fails proves nothing"
    bad = [outcome for outcome in outcomes if outcome.violations]
    errors = Counter(code for outcome in outcomes for code in outcome.errors)
    print(
        f"faults: {len(outcomes)} cells, {len({cell.operation for cell in chosen})} operations, {deletes} deletes "
        f"witnessed, {sum(errors.values())} redeliveries by the host, {len(bad)} violations, "
        f"in {time.monotonic() - begun:.0f} s"
    )
    return 1 if bad else 0


def _tell(outcome: Outcome) -> None:
    print(f"VIOLATION at {outcome.cell.name}: {'; '.join(outcome.violations)}")
    print(f"  replay it: python -m dev prove faults --only '{outcome.cell.name}'", flush=True)


def _row(operation: str, outcomes: Sequence[Outcome]) -> str:
    shown = (outcome for outcome in outcomes if outcome.cell.operation == operation)
    return f"{operation:>14} | " + "  ".join(f"{one.cell.fault} {_sign(one)}" for one in shown)


def _sign(outcome: Outcome) -> str:
    if outcome.violations:
        return "!"
    return "."
