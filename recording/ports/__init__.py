"""Ports: small protocols for what the use cases need from outside, filled by adapters and by the tests' fakes."""

import random
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Protocol

from recording.domain.incoming.tenants import Scope
from recording.ports.acs import (
    CallRecordingLog,
    ExternalStorage,
    RecordingControl,
    RecordingSource,
    RecordingSummary,
    SourceContent,
    WholeContent,
)
from recording.ports.archive import Archive, DeadLetter, DeadLetters, Quarantine, QuarantineEntry
from recording.ports.audit import AuditEntry, AuditTrail
from recording.ports.buffers import BufferPool
from recording.ports.catalog import Catalog
from recording.ports.guards import Guards
from recording.ports.library.directory import Directory, DirectoryPage, IndexKeySource
from recording.ports.library.exports import DerivedPorts, ExportPorts
from recording.ports.library.keeping import AuditEraser, Custodian, Keeping
from recording.ports.library.links import DownloadLinks
from recording.ports.library.seal import SealPorts
from recording.ports.memory import Memory
from recording.ports.outgoing import OutgoingPorts
from recording.ports.queues import MOST_SHOWN, ChunkQueue, FollowUps, Leftovers, Peeked, PoisonMessage, QueueDepth
from recording.ports.start_counts import RunningCounts, StartCounts
from recording.ports.stored import Page, Unreadable

__all__ = [
    "MOST_SHOWN",
    "Archive",
    "AuditEntry",
    "AuditEraser",
    "AuditTrail",
    "BufferPool",
    "CallRecordingLog",
    "Catalog",
    "ChunkQueue",
    "Clock",
    "Custodian",
    "DeadLetter",
    "DeadLetters",
    "Directory",
    "DirectoryPage",
    "DownloadLinks",
    "ExternalStorage",
    "FollowUps",
    "Guards",
    "IndexKeySource",
    "Keeping",
    "Leftovers",
    "Memory",
    "OutgoingPorts",
    "Page",
    "Peeked",
    "PoisonMessage",
    "Ports",
    "Quarantine",
    "QuarantineEntry",
    "QueueDepth",
    "RecordingControl",
    "RecordingSource",
    "RecordingSummary",
    "RunningCounts",
    "SourceContent",
    "StartCounts",
    "Unreadable",
    "WholeContent",
]


class Clock(Protocol):
    """The clock."""

    def now(self) -> datetime:
        """Return the time, aware UTC."""
        ...


@dataclass(frozen=True)
class Ports:
    """Everything the use cases may touch, filled by `wiring` or by a test."""

    clock: Clock
    control: RecordingControl
    source: RecordingSource
    external: ExternalStorage
    archive: Archive
    catalog: Catalog
    queue: ChunkQueue
    quarantine: Quarantine
    audit: AuditTrail
    start_counts: StartCounts
    pool: BufferPool
    fallback: Archive | None = None  # only where FALLBACK_STORAGE is set
    dead_letters: DeadLetters | None = None  # only where DEAD_LETTER_STORAGE is set
    log: CallRecordingLog | None = None  # only where MONITOR_WORKSPACE_ID is set
    jitter: Callable[[], float] = random.random  # from 0 to 1: spreads retries, guards nothing
    directory: Directory | None = None  # None only in a world that leaves it out
    follow_ups: FollowUps | None = None
    index_keys: IndexKeySource | None = None
    analysts: Archive | None = None  # only where PARQUET_CONTAINER is set
    seal: SealPorts | None = None  # only where SEAL_KEY is set
    exports: ExportPorts | None = None
    derived: DerivedPorts | None = None
    keeping: Keeping | None = None
    memory: Memory = field(default_factory=Memory)
    custodian: Custodian | None = None  # only where CUSTODIAN_STORAGE is set
    audit_eraser: AuditEraser | None = None  # only where CUSTODIAN_STORAGE is set
    guards: Guards | None = None
    running: RunningCounts | None = None
    scope: Scope | None = None  # the tenants whose recordings these ports show; None: all
    beneath: "Ports | None" = None  # the ports of the whole archive, where these have a scope
    leftovers: Leftovers | None = None  # None within a scope: it holds messages of all tenants
    outgoing: OutgoingPorts | None = None  # only where EVENTS_TOPIC_ENDPOINT or WEBHOOKS is set
    links: DownloadLinks | None = None  # only where DOWNLOAD_LINK_MINUTES is set
