"""A whole world in memory: fakes, settings, a host that redelivers and poisons, and a witness beside every delete.

The witness knows what ACS really holds and checks I1 at the only moment that counts: when a DELETE reaches ACS.
"""

import json
import random
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any

from dev.in_memory.builders import FAKE_CLOCK_START, event, metadata, settings, task, wav
from dev.in_memory.fakes.outgoing import FakeOutgoing, FakeWay
from dev.in_memory.fakes.ports import Fakes
from dev.in_memory.fakes.scripted import Scripted
from dev.in_memory.fakes.source import FakeSource
from dev.in_memory.hand import SkewedClock
from dev.in_memory.pools import shared_pool
from recording.archive.line import archive_message
from recording.control.guards.fire import guard_message
from recording.domain.archived.layout import metadata_name, receipt_name
from recording.domain.incoming.locations import DEFAULT_CONTENT_HOSTS, checked_location
from recording.domain.state.chunk import ChunkRecord, ChunkState, ChunkTask, MetadataOutcome
from recording.domain.state.quarantine import Origin
from recording.domain.state.records import stored_name
from recording.domain.state.transitions import is_archived, is_finished
from recording.ingest import ingest_text
from recording.library.follow_up import follow_up_message
from recording.library.notify.send import notify_message
from recording.ports import BufferPool
from recording.reconcile.overdue import Reconciled, reconcile
from recording.settings import Settings

REDELIVERED_AFTER = timedelta(minutes=1)  # host.json visibilityTimeout
POISONED_AFTER = 20  # host.json maxDequeueCount
RECONCILED_EVERY = timedelta(minutes=5)


class WorkerDiedError(Exception):
    """The process is gone: nothing in the app catches this, and nothing more runs."""


class WitnessedSource(FakeSource):
    """ACS's storage with a witness who looks at the archive whenever a DELETE arrives."""

    def __init__(self) -> None:
        super().__init__()
        self.witness: Callable[[str], None] = lambda _location: None

    def delete(self, location: str) -> bool:
        self.witness(self.final_location(location))
        return super().delete(location)


@dataclass
class World:
    """One app, one ACS, one clock."""

    settings: Settings = field(default_factory=settings)
    source: WitnessedSource = field(default_factory=WitnessedSource)
    truth: dict[str, tuple[bytes, bytes | None]] = field(default_factory=dict)  # object id → media, metadata
    deaths: int = 0
    failed_deliveries: dict[str, int] = field(default_factory=dict)  # body → how often its worker did not return
    skew: timedelta = timedelta()  # by how much the clock of the instance that works now is wrong
    seed: float | str = 0  # decides the jitter of retries
    pool: BufferPool = field(default_factory=shared_pool)

    def __post_init__(self) -> None:
        self.fakes = Fakes(source=self.source, pool=self.pool, jitter=random.Random(self.seed).random)
        self.source.witness = self._check_delete

    # --- what happens outside ----------------------------------------------------------------------------------------

    def holds(self, task: ChunkTask, media: bytes | None = None, document: bytes | None = None) -> ChunkTask:
        """Let ACS have recorded this chunk: its media and its metadata document (`b""`: there is none yet)."""
        media = wav() if media is None else media
        document = metadata(task) if document is None else document
        self.source.objects[task.content_location] = media
        if task.metadata_location is not None and document:
            self.source.objects[task.metadata_location] = document
        object_id = checked_location(task.content_location, DEFAULT_CONTENT_HOSTS).object_id or ""
        self.truth[object_id] = media, (document if task.metadata_location else None) or None
        return task

    def forgets(self, task: ChunkTask) -> None:
        """Let ACS's retention end."""
        for place in (task.content_location, task.metadata_location):
            self.source.objects.pop(place or "", None)

    def announces(self, envelope: dict[str, Any] | None = None) -> None:
        """Event Grid delivers an event on the queue path."""
        ingest_text(json.dumps(envelope or event()), Origin.EVENT_QUEUE, self.ports, self.settings)

    # --- the host ----------------------------------------------------------------------------------------------------

    @property
    def ports(self) -> Any:
        """Return the ports over the fakes, as the instance that works now sees them."""
        ports = self.fakes.ports
        return replace(ports, clock=SkewedClock(self.fakes.clock, self.skew)) if self.skew else ports

    @property
    def now(self) -> datetime:
        """Return the time in this world."""
        return self.fakes.clock.now()

    @property
    def scripted(self) -> list[Scripted]:
        """Return every fake that can be made to fail."""
        fakes = self.fakes
        others = (fakes.fallback, fakes.dead_letters, fakes.log, fakes.custodian)
        optional: list[Scripted] = [fake for fake in others if fake is not None]
        if (outgoing := fakes.outgoing) is not None:
            optional += [outgoing.queue, outgoing.outbox, *outgoing.ways]
        return [
            fakes.control,
            fakes.source,
            fakes.external,
            fakes.archive,
            fakes.catalog,
            fakes.queue,
            fakes.quarantine,
            fakes.audit,
            fakes.start_counts,
            fakes.running,
            fakes.directory,
            fakes.follow_ups,
            fakes.index_keys,
            fakes.keeping,
            fakes.guards,
            fakes.derived,
            fakes.bundles,
            fakes.export_queue,
            fakes.leftovers,
            *optional,
        ]

    def works(self, task: ChunkTask) -> None:
        """Hand one message to a worker; whatever it raises goes to the caller."""
        archive_message(task.model_dump_json(), self.ports, self.settings)

    def delivers(self, task: ChunkTask) -> bool:
        """Return the host's part: a worker that does not return gets its message again, and in the end it is poison."""
        body = task.model_dump_json()
        try:
            archive_message(body, self.ports, self.settings)
        except AssertionError:  # the witness speaks, not the worker
            raise
        except Exception:  # noqa: BLE001 - the host takes whatever a function raises
            self.deaths += 1
            self.failed_deliveries[body] = self.failed_deliveries.get(body, 0) + 1
            if self.failed_deliveries[body] >= POISONED_AFTER:
                self.fakes.queue.poison(body)
                self.failed_deliveries.pop(body)
            else:
                self.fakes.queue.sent.append((task, self.now + REDELIVERED_AFTER))
            return False
        self.failed_deliveries.pop(body, None)
        return True

    def runs_due(self) -> int:
        """Return all messages that are visible now are delivered once."""
        due = self.fakes.queue.take_due()
        for message in due:
            self.delivers(message)
        return len(due)

    def follows_up(self) -> int:
        """Return all follow-ups that are due are delivered once; one whose worker is gone is delivered again later."""
        due = self.fakes.follow_ups.take_due()
        for recording_id, attempt in due:
            body = json.dumps({"recordingId": recording_id, "attempt": attempt})
            try:
                follow_up_message(body, self.ports)
            except Exception:  # noqa: BLE001 - the host takes whatever a function raises
                self.fakes.follow_ups.sent.append((recording_id, attempt, self.now + REDELIVERED_AFTER))
        return len(due)

    def guards(self) -> int:
        """Return all guards that are due fire once; one whose worker is gone is delivered again later."""
        due = self.fakes.guards.take_due()
        for body in due:
            try:
                guard_message(body, self.ports, self.settings)
            except Exception:  # noqa: BLE001 - the host takes whatever a function raises
                self.fakes.guards.sent.append((body, self.now + REDELIVERED_AFTER))
        return len(due)

    def reports_to(self, *ways: FakeWay) -> FakeOutgoing:
        """Report what happens from now on to these receivers, or to one that takes everything."""
        outgoing = FakeOutgoing(self.fakes.clock, *ways)
        object.__setattr__(self.fakes, "outgoing", outgoing)
        return outgoing

    def notifies(self) -> int:
        """Return all messages about events that are due are delivered once.

        One whose worker is gone comes again later.
        """
        if (outgoing := self.fakes.outgoing) is None:
            return 0
        due = outgoing.queue.take_due()
        for body in due:
            try:
                notify_message(body, self.ports)
            except Exception:  # noqa: BLE001 - the host takes whatever a function raises
                outgoing.queue.sent.append((body, self.now + REDELIVERED_AFTER))
        return len(due)

    def reconciles(self) -> Reconciled:
        """Return the timer fires."""
        return reconcile(self.ports, self.settings)

    def runs(self, *, hours: float = 60, until_quiet: bool = True) -> None:
        """Let time go by: messages are delivered when they are due, and the timer fires every five minutes."""
        end = self.now + timedelta(hours=hours)
        next_timer = self.now + RECONCILED_EVERY
        while self.now < end:
            self.runs_due()
            self.follows_up()
            self.guards()
            self.notifies()
            waiting = [visible_at for _, visible_at in self.fakes.queue.sent]
            waiting += [visible_at for *_, visible_at in self.fakes.follow_ups.sent]
            waiting += [visible_at for _, visible_at in self.fakes.guards.sent]
            waiting += [visible_at for _, visible_at in self.fakes.outgoing.queue.sent] if self.fakes.outgoing else []
            if until_quiet and not waiting and not self._is_unfinished():
                return
            step = min([next_timer, *waiting], default=next_timer)
            self.fakes.clock.advance(seconds=max((step - self.now).total_seconds(), 0.001))
            if self.now >= next_timer:
                self.reconciles()
                next_timer = self.now + RECONCILED_EVERY

    def _is_unfinished(self) -> bool:
        is_open = any(not is_finished(record) for record in self.fakes.catalog.chunks.values())
        letters = self.fakes.dead_letters
        return is_open or bool(self.fakes.queue.poison_bodies) or bool(letters is not None and letters.kept)

    # --- looking -----------------------------------------------------------------------------------------------------

    def record(self, of: ChunkTask | None = None) -> ChunkRecord:
        """Return a chunk's record."""
        of = of or task()
        found = [record for record in self.fakes.catalog.chunks.values() if record.key == of.key]
        assert len(found) == 1, "the chunk is not known"
        return found[0]

    def state(self, of: ChunkTask | None = None) -> ChunkState:
        """Return a chunk's state."""
        return self.record(of).state

    def media_blobs(self, document_id: str = "") -> dict[str, bytes]:
        """Return the committed blobs that are media, by name."""
        is_paper = (".metadata.json", ".receipt.json", "manifest.json")
        blobs = self.fakes.archive.blobs.items()
        return {name: blob.data for name, blob in blobs if not name.endswith(is_paper) and document_id in name}

    def manifest(self) -> dict[str, Any]:
        """Return the one manifest."""
        found = [blob.data for name, blob in self.fakes.archive.blobs.items() if name.endswith("manifest.json")]
        assert len(found) == 1
        content: dict[str, Any] = json.loads(found[0])
        return content

    def receipt(self, of: ChunkTask | None = None) -> dict[str, Any]:
        """Return a chunk's receipt."""
        name = receipt_name(stored_name(self.record(of)))
        content: dict[str, Any] = json.loads(self.fakes.archive.blobs[name].data)
        return content

    def _check_delete(self, location: str) -> None:
        object_id = checked_location(location, DEFAULT_CONTENT_HOSTS).object_id or ""
        media, document = self.truth[object_id]
        named = [r for r in self.fakes.catalog.chunks.values() if r.task.document_id == object_id and is_archived(r)]
        records = [r for r in named if object_id in r.task.content_location]  # not another object under the same id
        assert records, "I1: a DELETE for a chunk that the catalog does not call archived"
        record = records[0]
        assert self.now < record.task.expires_at, "I1: a DELETE when ACS may have forgotten the media by itself"
        blobs, name = self.fakes.archive.blobs, stored_name(record)
        assert blobs[name].data == media, "I1: a DELETE while the archive does not hold the committed, equal bytes"
        assert json.loads(blobs[receipt_name(name)].data)["sha256"] == record.sha256, "I1: a DELETE without a receipt"
        if record.metadata is MetadataOutcome.ARCHIVED:
            assert blobs[metadata_name(name)].data == document, "I1: a DELETE without the metadata as served"
        else:
            assert record.metadata_reason, "I1: a DELETE without metadata or a reason"
            assert document is None, "I1: a DELETE that loses metadata"


def world(*, seed: int = 0, pool: BufferPool | None = None, **changes: Any) -> World:
    """Return a world with these settings; its clock stands two minutes after the event, the seed decides the jitter."""
    fresh = World(settings=settings(**changes), seed=seed, pool=pool or shared_pool())
    assert fresh.now == FAKE_CLOCK_START
    return fresh


def intercept(world: World, decide: Callable[[str, str], tuple[Exception | None, bool]]) -> None:
    """Ask `decide(port, method)` at every port call: an error to raise, and whether after the effect."""

    def watch(fake: Scripted) -> None:
        port = type(fake).__name__
        plain = type(fake).next_failure

        def next_failure(method: str) -> tuple[Exception | None, bool]:
            error, after = decide(port, method)
            return (error, after) if error else plain(fake, method)

        fake.next_failure = next_failure  # type: ignore[method-assign]  # the test stands between the app and the fake

    for fake in world.scripted:
        watch(fake)


def leave_alone(world: World) -> None:
    """End the interception."""
    for fake in world.scripted:
        vars(fake).pop("next_failure", None)


def dies_at(world: World, call: int, act: Callable[[], object], *, after: bool = False) -> None:
    """Let the worker die at its so many-th call to a port."""
    seen = 0

    def decide(_port: str, _method: str) -> tuple[Exception | None, bool]:
        nonlocal seen
        seen += 1
        return (WorkerDiedError("gone") if seen == call else None), after

    intercept(world, decide)
    with suppress(WorkerDiedError):
        act()
    leave_alone(world)


def interrupted(world: World, work: Callable[[], object], *acts: tuple[int, Callable[[World], object]]) -> int:
    """Do some work with acts of others, each before the port call of its number; return how many calls the work had."""
    calls, is_inside = 0, False

    def decide(_port: str, _method: str) -> tuple[Exception | None, bool]:
        nonlocal calls, is_inside
        if is_inside:
            return None, False
        calls += 1
        is_inside = True
        for at, act in acts:
            if at == calls:
                act(world)
        is_inside = False
        return None, False

    intercept(world, decide)
    try:
        work()
    finally:
        leave_alone(world)
    return calls
