"""What sealing costs in requests, and how fast and in how much memory a bundle is made.

The export streams from a source that makes its bytes, into a store that counts and forgets them: what is measured is
the app's own work, hashing and packing, and not a disk.
"""

import logging
import os
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any

import psutil

from dev.in_memory.builders import chunk, document_id, event, record, settings, task
from dev.in_memory.fakes.archive import FakeArchive
from dev.in_memory.fakes.ports import Fakes
from dev.in_memory.fakes.seal import FakeSeal
from dev.in_memory.world import World, world
from recording.domain.state.chunk import ChunkState
from recording.domain.state.recording import RecordingRecord
from recording.library.handover.export import request_export, work_on_export
from recording.library.seal.turn import seal
from recording.ports.library.exports import ExportPorts

Say = Callable[[str], None]
PIECE = os.urandom(4 << 20)
GIB = 1 << 30


class EndlessArchive(FakeArchive):
    """An archive whose one medium is as long as it is said to be."""

    length_bytes = 0

    def read(self, name: str) -> Iterator[bytes]:  # noqa: ARG002 - as the port has it
        """Yield one piece again and again."""
        left = self.length_bytes
        while left > 0:
            yield PIECE[: min(left, len(PIECE))]
            left -= len(PIECE)


class ForgetfulStore(FakeArchive):
    """A store that keeps small blobs and only counts what is staged."""

    staged_bytes = 0

    def stage_block(self, name: str, block_id: str, data: Any, crc64: int | None = None) -> None:  # noqa: ARG002
        """Count it."""
        self.staged_bytes += len(data)

    def commit(self, *_: Any) -> bool:
        """Accept it."""
        return True


def export_of(gib: float) -> dict[str, float]:
    """Return seconds, MB a second and how much memory grew for a bundle of this size."""
    archive, store = EndlessArchive(), ForgetfulStore()
    archive.length_bytes = int(gib * GIB)
    fakes = Fakes(archive=archive)
    made = record(ChunkState.SOURCE_DELETED, length_bytes=archive.length_bytes, sha512="ab" * 64)
    fakes.catalog.add_chunk(made)
    fakes.catalog.add_recording(RecordingRecord(recording_id=made.task.recording_id, folder=made.task.folder))
    ports = replace(fakes.ports, exports=ExportPorts(fakes.export_queue, store))
    asked = request_export({"recordings": [made.task.recording_id]}, None, ports, settings())
    with _Watched() as memory:
        begun = time.monotonic()
        work_on_export(asked["exportId"], ports, settings())
        seconds = time.monotonic() - begun
    return {"seconds": seconds, "mb_s": store.staged_bytes / 1e6 / seconds, "grown_mib": memory.grown / (1 << 20)}


def seal_turns(recordings: int) -> dict[str, float]:
    """Return the requests of a quiet turn, and of one that seals so many new recordings."""
    here = with_recordings(recordings)
    seal(here.ports)
    quiet = _requests_of(here)
    for number in range(recordings):
        here.fakes.audit.written.clear()
        _archive(here, recordings + number)
    here.follows_up()
    busy = _requests_of(here)
    return {"quiet_requests": quiet, "busy_requests": busy, "requests_a_recording": (busy - quiet) / recordings}


def with_recordings(count: int) -> World:
    """Return a world with a seal and so many archived recordings, all of which wait to be sealed."""
    here = world()
    object.__setattr__(here.fakes, "seal", FakeSeal())
    for number in range(count):
        _archive(here, number)
    here.follows_up()
    return here


def _archive(here: World, number: int) -> None:
    document, recording_id = document_id(number), f"recording-{number}"
    here.holds(task(0, document, recording_id=recording_id))
    subject = f"/recording/call/c{number}/serverCallId/s/recordingId/{recording_id}"
    here.announces(event(chunk(0, document), id=f"e{number}", subject=subject))
    here.runs_due()


def _requests_of(here: World) -> int:
    """Return how many requests to storage and vault a turn makes."""
    sealing = here.fakes.seal or FakeSeal()
    fakes = (here.fakes.archive, here.fakes.audit, here.fakes.catalog, sealing.store, sealing.waiting)
    watched = (*fakes, sealing.key)
    before = sum(len(fake.calls) for fake in watched)
    seal(here.ports)
    return sum(len(fake.calls) for fake in watched) - before


class _Watched:
    """Watches how far this process grows."""

    def __init__(self) -> None:
        self._process, self._over = psutil.Process(), threading.Event()
        self.grown = 0

    def __enter__(self) -> "_Watched":
        self._before = self._process.memory_info().rss
        self._thread = threading.Thread(target=self._watch, daemon=True)
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._over.set()
        self._thread.join()

    def _watch(self) -> None:
        while not self._over.wait(0.05):
            self.grown = max(self.grown, self._process.memory_info().rss - self._before)


def measure(say: Say, *, quick: bool) -> dict[str, Any]:
    """Return the figures of exports by size, and of the seal."""
    logging.getLogger("recording").setLevel(logging.CRITICAL)
    found: dict[str, Any] = {}
    for gib in (0.25,) if quick else (1.0, 10.0):
        say(f"a bundle of {gib:g} GiB")
        found[f"export, {gib:g} GiB"] = export_of(gib)
    say("turns of the seal")
    found["seal"] = seal_turns(5 if quick else 100)
    return found
