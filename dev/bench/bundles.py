"""How fast and in how much memory a bundle is made, and that it is a ZIP64 which others read.

    python -m dev.bench.bundles GIB

It streams from a source that makes its bytes into a store that forgets the large ones: what is measured is the app's
own work, hashing and packing, and not a disk. Prints one line of JSON. Of each size a process of its own is asked, so
that the most memory it has ever had (VmHWM) is that of this bundle.
"""

import bisect
import io
import itertools
import json
import logging
import os
import subprocess
import sys
import time
import zipfile
from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Any

from dev.bench.ours import rss_mb
from dev.bench.servers import REPOSITORY
from dev.in_memory.builders import record, settings
from dev.in_memory.fakes.archive import FakeArchive
from dev.in_memory.fakes.ports import Fakes
from recording.domain.state.chunk import ChunkState
from recording.domain.state.recording import RecordingRecord
from recording.library.handover.export import request_export, work_on_export
from recording.ports.library.exports import ExportPorts

PIECE = os.urandom(4 << 20)
GIB = 1 << 30
BEYOND_32_BITS = 1 << 32
SMALL_BYTES = 1 << 20  # blocks of documents and of the directory; those of media are larger
MIB_IN_MB = (1 << 20) / 1e6


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
    """A store that keeps small blobs and small blocks, and of large blocks their length."""

    def __init__(self) -> None:
        super().__init__()
        self.lengths: dict[str, int] = {}
        self.small: dict[str, bytes] = {}
        self.committed: tuple[str, ...] = ()

    def stage_block(self, name: str, block_id: str, data: Any, crc64: int | None = None) -> None:  # noqa: ARG002
        """Note its length; keep it when it is small."""
        self.lengths[block_id] = len(data)
        if len(data) <= SMALL_BYTES:
            self.small[block_id] = bytes(data)

    def commit(self, _name: str, block_ids: Sequence[str], *_: Any) -> bool:
        """Note the order of the blocks."""
        self.committed = tuple(block_ids)
        return True

    def bundle(self) -> "HollowFile":
        """Return what was committed."""
        return HollowFile([(self.lengths[one], self.small.get(one)) for one in self.committed])


class HollowFile(io.RawIOBase):
    """A file made of blocks, of which those that were forgotten read as zeros."""

    def __init__(self, blocks: Sequence[tuple[int, bytes | None]]) -> None:
        super().__init__()
        self._blocks = [content for _, content in blocks]
        self._starts = [0, *itertools.accumulate(length for length, _ in blocks)]
        self._place = 0

    @property
    def length_bytes(self) -> int:
        """Return how long it is."""
        return self._starts[-1]

    def readable(self) -> bool:
        """Return that it can be read."""
        return True

    def seekable(self) -> bool:
        """Return that any place in it can be read."""
        return True

    def seek(self, offset: int, whence: int = os.SEEK_SET) -> int:
        """Go to a place, and return it."""
        before = {os.SEEK_SET: 0, os.SEEK_CUR: self._place, os.SEEK_END: self.length_bytes}[whence]
        self._place = before + offset
        return self._place

    def readinto(self, buffer: Any) -> int:
        """Read to the end of a block at most; return how much."""
        if self._place >= self.length_bytes:
            return 0
        at = bisect.bisect_right(self._starts, self._place) - 1
        start, length = self._place - self._starts[at], min(len(buffer), self._starts[at + 1] - self._place)
        content = self._blocks[at]
        buffer[:length] = content[start : start + length] if content is not None else bytes(length)
        self._place += length
        return length


def export_of(gib: float) -> dict[str, float]:
    """Return seconds, MB a second, memory, and what another reader finds in a bundle of one medium of this size."""
    archive, store = EndlessArchive(), ForgetfulStore()
    archive.length_bytes = int(gib * GIB)
    fakes = Fakes(archive=archive)
    made = record(ChunkState.SOURCE_DELETED, length_bytes=archive.length_bytes, sha512="ab" * 64)
    fakes.catalog.add_chunk(made)
    fakes.catalog.add_recording(RecordingRecord(recording_id=made.task.recording_id, folder=made.task.folder))
    ports = replace(fakes.ports, exports=ExportPorts(fakes.export_queue, store))
    asked = request_export({"recordings": [made.task.recording_id]}, None, ports, settings())
    idle, begun = rss_mb("VmRSS"), time.monotonic()
    work_on_export(asked["exportId"], ports, settings())
    seconds, peak = time.monotonic() - begun, rss_mb("VmHWM")
    whole = store.bundle()
    return {
        "seconds": seconds,
        "mb_s": whole.length_bytes / 1e6 / seconds,
        "peak_mib": peak / MIB_IN_MB,
        "grown_mib": (peak - idle) / MIB_IN_MB,
        **read_back(whole, archive.length_bytes),
    }


def read_back(whole: HollowFile, media_bytes: int) -> dict[str, float]:
    """Return a bundle's length, its entries, and how many of them have a size or a place beyond 32 bits.

    Raises:
        RuntimeError: Python's reader finds no medium of this length, or a document that is not as it was packed.
    """
    with zipfile.ZipFile(io.BufferedReader(whole)) as opened:
        entries = opened.infolist()
        for one in entries:
            if one.file_size < SMALL_BYTES:
                opened.read(one)  # its CRC is checked
    if media_bytes not in [one.file_size for one in entries]:
        raise RuntimeError("the bundle has no medium of this length")
    beyond = [one for one in entries if max(one.file_size, one.header_offset) >= BEYOND_32_BITS]
    return {"length_bytes": whole.length_bytes, "entries": len(entries), "zip64_entries": len(beyond)}


def measured_export(gib: float) -> dict[str, float]:
    """Return the same, measured in a process of its own.

    Raises:
        RuntimeError: the process ended without figures.
    """
    command = [sys.executable, "-m", "dev.bench.bundles", f"{gib:g}"]
    done = subprocess.run(command, cwd=REPOSITORY, capture_output=True, text=True, check=False)
    if done.returncode:
        raise RuntimeError(f"a bundle of {gib:g} GiB: {done.stderr[-500:]}")
    found: dict[str, float] = json.loads(done.stdout.splitlines()[-1])
    return found


def growth(exports: Sequence[dict[str, float]]) -> float:
    """Return by how many MiB the memory of the largest bundle is above that of the smallest."""
    smallest, *_, largest = sorted(exports, key=lambda one: one["length_bytes"])
    return max(0.0, largest["grown_mib"] - smallest["grown_mib"])


if __name__ == "__main__":
    logging.getLogger("recording").setLevel(logging.CRITICAL)
    print(json.dumps(export_of(float(sys.argv[1]))), flush=True)
