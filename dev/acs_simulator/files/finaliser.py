"""Turns an ended recording into objects that can be read and events that tell of them."""

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path

from dev.acs_simulator.events.file_status import Event, ExportedChunk, FilesReady, files_ready_event
from dev.acs_simulator.faults.events import events_instead
from dev.acs_simulator.faults.kinds import FaultKind, Operation
from dev.acs_simulator.faults.script import Fault, FaultScript
from dev.acs_simulator.files.byos import export
from dev.acs_simulator.files.chunk_files import Production, produce
from dev.acs_simulator.files.chunking import ChunkPlan, plan_chunks
from dev.acs_simulator.options import SimulatorOptions
from dev.acs_simulator.state.background import Background
from dev.acs_simulator.state.identifiers import new_document_id
from dev.acs_simulator.state.model import Recording, StoredObject
from dev.acs_simulator.state.objects import Objects
from dev.clock import MovableClock

RENDERERS = 2
"""Files made at a time, so that a burst of ended calls leaves a core for those who fetch."""


class Finaliser:
    """Makes media in threads, stores it when `file_delay` has passed, and publishes. `publish` must not block."""

    def __init__(
        self,
        *,
        options: SimulatorOptions,
        clock: MovableClock,
        objects: Objects,
        faults: FaultScript,
        background: Background,
        publish: Callable[[Event], None],
        folder: Path,
    ) -> None:
        self._options = options
        self._clock = clock
        self._objects = objects
        self._faults = faults
        self._background = background
        self._publish = publish
        self._folder = folder
        self._renderers = asyncio.Semaphore(RENDERERS)

    def begin(self, recording: Recording) -> None:
        """Finalise an ended recording in the background."""
        self._background.spawn(self._finalise(recording))

    async def store(
        self, recording: Recording, plans: Sequence[ChunkPlan], document_ids: Sequence[str], ready_at: datetime
    ) -> list[StoredObject]:
        """Make the files of these chunks and let them be read from `ready_at`."""
        made = [await self._produce(recording, plan, name) for plan, name in zip(plans, document_ids, strict=True)]
        await self._clock.sleep_until(ready_at)
        stored = [_stored(recording, production, self._clock.now(), self._options.retention) for production in made]
        for one in stored:
            self._objects.add(one)
        recording.files_ready_at = self._clock.now()
        return stored

    async def tell(self, recording: Recording, stored: Sequence[StoredObject]) -> None:
        """Publish what ACS publishes for these files, struck by the faults of the script."""
        exported = await self._exported(recording, stored)
        duration_ms = sum(one.spec.duration_ms for one in stored)
        chunk_count = max(one.index for one in stored) + 1
        groups = [[one] for one in stored] if self._options.event.event_per_chunk else [list(stored)]
        for group in groups:
            self._announce(FilesReady(recording, group, chunk_count, duration_ms, exported))

    async def _finalise(self, recording: Recording) -> None:
        ended_at = recording.ended_at or self._clock.now()
        plans = plan_chunks(recording.transitions, ended_at, self._options.chunk_max_seconds)
        if not plans:
            return  # never active: ACS makes no file and no event
        ready_at = ended_at + timedelta(seconds=self._options.file_delay)
        stored = await self.store(recording, plans, [new_document_id() for _ in plans], ready_at)
        await self.tell(recording, stored)

    async def _produce(self, recording: Recording, plan: ChunkPlan, document_id: str) -> Production:
        async with self._renderers:
            return await asyncio.to_thread(produce, recording, plan, document_id, self._folder, self._options)

    async def _exported(self, recording: Recording, stored: Sequence[StoredObject]) -> dict[str, ExportedChunk]:
        """Return the chunks in the customer's container.

        Empty when they are not wanted there or could not be written.
        """
        if recording.container_url is None:
            return {}
        fault = self._faults.take(Operation.EXPORT, recording.recording_id)
        kind = fault.kind if fault is not None else None
        if kind is FaultKind.EXPORT_FAILED:
            return {}
        times = 2 if kind is FaultKind.EXPORT_TWICE else 1
        accounts = self._options.blob_connection_strings
        exported = await asyncio.to_thread(export, recording, stored, accounts, times)
        if fault is None or kind is not FaultKind.EXPORT_HALF:
            return exported
        return {name: _half(place, fault.text("exported")) for name, place in exported.items()}

    def _announce(self, ready: FilesReady) -> None:
        only = ready.chunks[0] if len(ready.chunks) == 1 else None
        document_id, index = (only.document_id, only.index) if only is not None else (None, None)
        faults = self._faults.take_all(Operation.EVENT, ready.recording.recording_id, document_id, index)
        self._hide(ready.chunks, _seconds(faults, FaultKind.EARLY_EVENT))
        events = events_instead(files_ready_event(ready, self._options, self._clock.now()), faults)
        self._background.spawn(self._publish_all(events, _seconds(faults, FaultKind.LATE)))

    def _hide(self, stored: Sequence[StoredObject], how_long: timedelta) -> None:
        for one in stored:
            one.readable_at += how_long
            one.expires_at += how_long

    async def _publish_all(self, events: Sequence[Event], delay: timedelta) -> None:
        await self._clock.sleep(delay.total_seconds())
        for event in events:
            self._publish(event)


def _half(place: ExportedChunk, exported: str) -> ExportedChunk:
    """The blob of the other half is there too, but no event names it, as after an export that broke off."""
    return replace(place, **{"content_url" if exported == "metadata" else "metadata_url": None})


def _seconds(faults: Sequence[Fault], kind: FaultKind) -> timedelta:
    """Return how long the faults of this kind last together."""
    return timedelta(seconds=sum(fault.number("seconds") for fault in faults if fault.kind is kind))


def _stored(recording: Recording, production: Production, now: datetime, retention: timedelta) -> StoredObject:
    return StoredObject(
        document_id=production.document_id,
        recording_id=recording.recording_id,
        index=production.index,
        spec=production.spec,
        path=production.media.path,
        metadata=production.metadata,
        length_bytes=production.media.length_bytes,
        sha256=production.media.sha256,
        readable_at=now,
        expires_at=now + retention,
    )
