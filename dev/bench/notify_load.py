"""Load for the lag of events: state changes at a steady rate, told by the real use case over real HTTP.

What is in memory: the catalog, the queue and the outbox, as dictionaries. What is real: the derivation of events from
records, ids and marks, claims, the order of a subject, health, signatures, and a connection for each delivery.
"""

import logging
import multiprocessing
import os
import time
from collections import defaultdict
from collections.abc import Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from itertools import count

from dev.in_memory.builders import record
from dev.in_memory.fakes.outgoing import FakeOutbox
from dev.in_memory.fakes.ports import Fakes
from recording.adapters.outgoing.webhooks import WebhookWay
from recording.adapters.system_clock import SystemClock
from recording.domain.outgoing.delivery import Entry
from recording.domain.outgoing.events import Subject, SubjectKind
from recording.domain.outgoing.message import NotifyTask
from recording.domain.state.chunk import ChunkRecord, ChunkState
from recording.errors import ClaimLostError
from recording.library.notify.send import notify_message
from recording.ports.outgoing import OutgoingPorts
from recording.settings import read_settings

SECRET = "whsec_bG9jYWwgd2ViaG9vayBzZWNyZXQgb2YgdGhpcyBtYWNoaW5l"  # of a receiver on loopback: no secret
THREADS = 16  # as many as a worker process of the app has
AHEAD = 2.0  # seconds until all processes begin at the same moment
_ACCOUNT = "DefaultEndpointsProtocol=https;AccountName=contoso;AccountKey=YWNjb3VudC1rZXk="
_USUAL = {
    "ACS_ENDPOINT": "https://contoso.communication.azure.com",
    "AzureWebJobsStorage": _ACCOUNT,
    "ARCHIVE_STORAGE": _ACCOUNT,
}


@dataclass(frozen=True)
class Share:
    """What one process does: so many changes, the first at `begins`, each `every` seconds after the one before."""

    number: int
    changes: int
    begins: float
    every: float
    settings: dict[str, str]


def run_load(rate: float, seconds: float, sink_settings: dict[str, str], processes: int | None = None) -> int:
    """Let state change at this rate for so long, spread over processes as over instances; returns how many changes.

    Raises:
        RuntimeError: a process has failed.
    """
    number = processes or max(os.cpu_count() or 1, 1)
    begins, each = time.time() + AHEAD + number, int(rate * seconds / number)
    shares = [Share(at, each, begins + at / rate, number / rate, sink_settings) for at in range(number)]
    context = multiprocessing.get_context("spawn")
    running = [context.Process(target=tell_share, args=(share,)) for share in shares]
    for process in running:
        process.start()
    for process in running:
        process.join()
    if any(process.exitcode for process in running):
        raise RuntimeError("a process of the load has failed")
    return each * number


def tell_share(share: Share) -> None:
    """Let the state of recordings change by the clock, and have each change told by a pool of threads."""
    logging.getLogger("recording").disabled = True
    catalog = _Changes()
    known = read_settings(_USUAL | share.settings)
    ways = [WebhookWay(known, endpoint) for endpoint in known.webhooks]
    outgoing = OutgoingPorts(_NoQueue(), _Outbox(), ways)
    ports = replace(Fakes().ports, clock=SystemClock(), catalog=catalog, outgoing=outgoing)  # type: ignore[arg-type]
    told: list[Future[None]] = []
    with ThreadPoolExecutor(THREADS) as pool:
        for number in range(share.changes):
            at = share.begins + number * share.every
            time.sleep(max(0.0, at - time.time()))
            name = f"load-{share.number}-{number}"
            catalog.archives(name, datetime.fromtimestamp(at, UTC))
            message = NotifyTask(subject=Subject(kind=SubjectKind.RECORDING, id=name)).as_message()
            told.append(pool.submit(notify_message, message, ports))
    for one in told:
        one.result()


class _Changes:
    """A catalog of one chunk for each recording."""

    def __init__(self) -> None:
        self._plain = record(ChunkState.CATALOGED)
        self._chunks: dict[str, ChunkRecord] = {}

    def archives(self, name: str, at: datetime) -> None:
        """Change the state of a recording: its chunk is cataloged at this moment."""
        of = self._plain.task.model_copy(update={"recording_id": name})
        self._chunks[name] = self._plain.model_copy(update={"task": of, "cataloged_at": at, "changed_at": at})

    def get_recording(self, name: str) -> None:
        """Return nothing: such a recording was started elsewhere."""

    def chunk_rows_of(self, name: str) -> Sequence[ChunkRecord]:
        """Return its chunk."""
        return [self._chunks[name]]


class _Outbox(FakeOutbox):
    """The outbox of the tests, by subject, so that a backlog does not make each look dearer."""

    def __init__(self) -> None:
        super().__init__()
        self._of: dict[str, dict[str, Entry]] = defaultdict(dict)
        self._numbers = count(1)

    def add(self, entry: Entry) -> bool:
        """See `Outbox.add`."""
        rows, key = self._of[entry.event.subject.name], entry.event.id
        if key in rows:
            return False
        rows[key] = self._numbered(entry)
        return True

    def pending(self, subject: Subject) -> list[Entry]:
        """See `Outbox.pending`."""
        return sorted(self._of[subject.name].values(), key=lambda entry: entry.event.sequence)

    def save(self, entry: Entry) -> Entry:
        """See `Outbox.save`."""
        rows, key = self._of[entry.event.subject.name], entry.event.id
        if key not in rows or rows[key].etag != entry.etag:
            raise ClaimLostError("the entry has changed")
        rows[key] = self._numbered(entry)
        return rows[key]

    def remove(self, entry: Entry) -> None:
        """See `Outbox.remove`."""
        self._of[entry.event.subject.name].pop(entry.event.id, None)

    def _numbered(self, entry: Entry) -> Entry:
        return entry.model_copy(update={"etag": f'"{next(self._numbers)}"'})


class _NoQueue:
    """A queue for what has to wait: under this load nothing should."""

    def send(self, task: NotifyTask, delay: timedelta = timedelta()) -> None:
        """Refuse: what waits would spoil the figure in silence."""
        raise RuntimeError(f"{task.subject.name} has to wait for {delay}")

    def send_again(self, body: str, delay: timedelta) -> None:
        """Refuse: there is no newer version here."""
        raise RuntimeError(f"{len(body)} bytes have to wait for {delay}")
