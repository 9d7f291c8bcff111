"""All fakes of one test under one clock, as the use cases receive them."""

import random
from collections.abc import Callable
from dataclasses import dataclass, field

from dev.in_memory.fakes.archive import FakeArchive
from dev.in_memory.fakes.audit import FakeAudit, FakeRunningCounts, FakeStartCounts
from dev.in_memory.fakes.catalog import FakeCatalog
from dev.in_memory.fakes.clock import FakeClock
from dev.in_memory.fakes.control import FakeControl
from dev.in_memory.fakes.custodian import FakeCustodian
from dev.in_memory.fakes.exports import FakeDerived, FakeExportQueue
from dev.in_memory.fakes.keeping import FakeKeeping
from dev.in_memory.fakes.leftovers import FakeLeftovers
from dev.in_memory.fakes.library import FakeDirectory, FakeFollowUps, FakeGuards, FakeIndexKeys
from dev.in_memory.fakes.links import FakeLinks
from dev.in_memory.fakes.log import FakeLog
from dev.in_memory.fakes.outgoing import FakeOutgoing
from dev.in_memory.fakes.quarantine import FakeDeadLetters, FakeQuarantine
from dev.in_memory.fakes.queue import FakeQueue
from dev.in_memory.fakes.seal import FakeSeal
from dev.in_memory.fakes.source import FakeExternal, FakeSource
from dev.in_memory.pools import shared_pool
from recording.ports import BufferPool, Memory, Ports
from recording.ports.library.exports import DerivedPorts, ExportPorts


@dataclass(frozen=True)
class Fakes:
    """All fakes of one test, under one clock; `ports` is what a use case is given."""

    clock: FakeClock = field(default_factory=FakeClock)
    control: FakeControl = field(default_factory=FakeControl)
    source: FakeSource = field(default_factory=FakeSource)
    external: FakeExternal = field(default_factory=FakeExternal)
    archive: FakeArchive = field(default_factory=FakeArchive)
    catalog: FakeCatalog = field(default_factory=FakeCatalog)
    quarantine: FakeQuarantine = field(default_factory=FakeQuarantine)
    audit: FakeAudit = field(default_factory=FakeAudit)
    start_counts: FakeStartCounts = field(default_factory=FakeStartCounts)
    running: FakeRunningCounts = field(default_factory=FakeRunningCounts)
    fallback: FakeArchive | None = None
    dead_letters: FakeDeadLetters | None = None
    log: FakeLog | None = None
    pool: BufferPool = field(default_factory=shared_pool)
    jitter: Callable[[], float] = field(default_factory=lambda: random.Random(0).random)
    directory: FakeDirectory = field(default_factory=FakeDirectory)
    index_keys: FakeIndexKeys = field(default_factory=FakeIndexKeys)
    seal: FakeSeal | None = None  # as without SEAL_KEY
    keeping: FakeKeeping = field(default_factory=FakeKeeping)
    analysts: FakeArchive | None = None  # as without PARQUET_CONTAINER
    memory: Memory = field(default_factory=Memory)
    custodian: FakeCustodian | None = None  # as without CUSTODIAN_STORAGE
    outgoing: FakeOutgoing | None = None  # as without EVENTS_TOPIC_ENDPOINT and WEBHOOKS
    links: FakeLinks | None = None  # as without DOWNLOAD_LINK_MINUTES
    queue: FakeQueue = field(init=False)
    follow_ups: FakeFollowUps = field(init=False)
    bundles: FakeArchive = field(default_factory=FakeArchive)
    export_queue: FakeExportQueue = field(init=False)
    guards: FakeGuards = field(init=False)
    derived: FakeDerived = field(init=False)
    leftovers: FakeLeftovers = field(init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "queue", FakeQueue(self.clock))
        object.__setattr__(self, "follow_ups", FakeFollowUps(self.clock))
        object.__setattr__(self, "export_queue", FakeExportQueue(self.clock))
        object.__setattr__(self, "guards", FakeGuards(self.clock))
        object.__setattr__(self, "leftovers", FakeLeftovers(self.clock))
        object.__setattr__(self, "derived", FakeDerived(self.clock, self.archive))
        self.catalog.clock = self.clock

    @property
    def ports(self) -> Ports:
        """Return the ports, filled with these fakes."""
        return Ports(
            clock=self.clock,
            control=self.control,
            source=self.source,
            external=self.external,
            archive=self.archive,
            catalog=self.catalog,
            queue=self.queue,
            quarantine=self.quarantine,
            audit=self.audit,
            start_counts=self.start_counts,
            pool=self.pool,
            running=self.running,
            fallback=self.fallback,
            dead_letters=self.dead_letters,
            log=self.log,
            jitter=self.jitter,
            directory=self.directory,
            follow_ups=self.follow_ups,
            index_keys=self.index_keys,
            analysts=self.analysts,
            seal=self.seal.ports if self.seal else None,
            exports=ExportPorts(self.export_queue, self.bundles),
            derived=DerivedPorts(self.derived, self.derived),
            keeping=self.keeping,
            memory=self.memory,
            custodian=self.custodian,
            audit_eraser=self.audit if self.custodian else None,
            guards=self.guards,
            outgoing=self.outgoing.ports if self.outgoing else None,
            links=self.links,
            leftovers=self.leftovers,
        )
