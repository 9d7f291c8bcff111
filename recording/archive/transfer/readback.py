"""Read back: compare the archive's bytes with the source's, block by block, and hash the whole."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import partial

from recording.archive.claim import Work
from recording.archive.transfer.hashing import Arrival, OrderedPass
from recording.archive.transfer.pace import FIRST_BLOCK, MIB, SMALLEST_BLOCK
from recording.archive.transfer.scheduler import Flow, Job
from recording.archive.transfer.traffic import Traffic, traffic_to
from recording.domain.archived.blocks import Block, StagedBlock, crc64_of, plan
from recording.domain.archived.integrity import Digest
from recording.domain.media import MediaFacts, MediaProbe
from recording.errors import ContentConflictError
from recording.errors.codes import Code
from recording.ports import Archive
from recording.ports.buffers import Buffer

ARCHIVE = "archive"  # the one host that is read back from
_LARGEST_RANGE = 8 * MIB  # half as many ranges as of 4 MiB, and a tenth less time
_MOST_AT_ONCE = 8  # ranges of that size that the buffers have room for


@dataclass(frozen=True)
class Stored:
    """A committed blob, and the known checksums of the source's bytes.

    `blocks` are the source's ranges with their checksums, where they are known: they are read and compared one by one.
    `etag` is that of the version to read: a blob that is replaced meanwhile is refused, not read in part.
    """

    name: str
    length_bytes: int
    blocks: Sequence[StagedBlock] = ()
    etag: str | None = None


def range_for(budget_bytes: int, block_bytes: int | None) -> int:
    """Return the bytes of a range where the blob's blocks do not matter.

    Args:
        budget_bytes: of all buffers together.
        block_bytes: the size of a block, where COPY_BLOCK_MIB pins it; a range is not larger.
    """
    fair = max(SMALLEST_BLOCK, min(_LARGEST_RANGE, budget_bytes // _MOST_AT_ONCE))
    return min(fair, block_bytes or fair)


def read_back(
    work: Work, stored: Stored, probe: MediaProbe | None = None, *, with_sha512: bool = False
) -> tuple[Digest, MediaFacts]:
    """Read a committed blob in parallel and in bounded memory; return its digests and media facts.

    Args:
        work: the claimed chunk; its claim is kept meanwhile.
        stored: which blob.
        probe: fed with all of it, when the media has not been looked at before.
        with_sha512: also compute SHA-512, when no pass over the source has.

    Raises:
        ContentConflictError: `stored_differs` when the length or a block differs from the source's.
        StorageError: the blob cannot be read.
    """
    pool = work.ports.pool
    range_bytes = range_for(pool.budget_bytes, work.settings.copy_block_bytes)
    with Flow(work, traffic_to(ARCHIVE, pool, range_bytes)) as flow:
        ordered = OrderedPass(pool.hashers, probe, with_sha512=with_sha512)
        reader = _Reader(work.ports.archive, flow.traffic, stored, ordered)
        if stored.length_bytes <= min(FIRST_BLOCK, range_bytes) and len(stored.blocks) < 2:
            flow.go_first()
            reader.read_at_once(flow.slot(stored.length_bytes, is_first=True))
        else:
            flow.run(_jobs(flow, reader, range_bytes))
        return ordered.finish()


@dataclass(frozen=True)
class _Reader:
    """The reader of one blob's blocks."""

    archive: Archive
    traffic: Traffic
    stored: Stored
    ordered: OrderedPass

    def read_at_once(self, slot: Buffer) -> None:
        """Read a small blob in the caller's thread, which need not wait for ranges or hashing of large ones."""
        block = self.stored.blocks[0] if len(self.stored.blocks) == 1 else Block(0, self.stored.length_bytes)
        self.ordered.take(self._compared(block, slot))

    def read(self, block: Block, slot: Buffer) -> None:
        """Read a block, compare it with the source's known checksum, and have it hashed."""
        self.ordered.deliver(Arrival(block, self._compared(block, slot), slot.drop))

    def _compared(self, block: Block, slot: Buffer) -> memoryview:
        meter = self.traffic.meter()
        data = slot.view[: block.length]
        total = self.archive.fill(self.stored.name, block.offset, data, self.stored.etag)
        meter.arrived(block.length)
        meter.end()
        if total != self.stored.length_bytes:
            raise ContentConflictError("the archived blob has another length than the source", code=Code.STORED_DIFFERS)
        if isinstance(block, StagedBlock) and f"{crc64_of(data):016x}" != block.crc64:
            raise ContentConflictError(
                f"archived bytes at {block.offset} differ from the source's", code=Code.STORED_DIFFERS
            )
        return data


def _jobs(flow: Flow, reader: _Reader, range_bytes: int) -> Iterator[Job]:
    stored = reader.stored
    for block in stored.blocks or plan(stored.length_bytes, lambda: range_bytes):
        flow.share.bytes_left = stored.length_bytes - block.end
        yield partial(reader.read, block, flow.slot(block.length))
