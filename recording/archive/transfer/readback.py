"""Read back: what the archive gives is compared with what the source gave, block by block, and hashed as a whole."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial

from recording.archive.claim import Work
from recording.archive.transfer.buffers import MIB, Slot, SlotPool
from recording.archive.transfer.hashing import Arrival, OrderedPass
from recording.archive.transfer.scheduler import Flow, Job, Pace
from recording.domain.archived.blocks import Block, StagedBlock, crc64_of, plan
from recording.domain.archived.integrity import Digest
from recording.domain.media import MediaFacts, MediaProbe
from recording.errors import ContentConflictError
from recording.errors.codes import Code
from recording.ports import Archive

_RANGE = 4 * MIB
_COPIES = 3  # what the SDK holds of a range while it joins its pieces


@dataclass(frozen=True)
class Stored:
    """A committed blob and what is known of the source's bytes.

    `blocks` are the source's ranges with their checksums, where they are known: they are read and compared one by one.
    """

    name: str
    length_bytes: int
    blocks: Sequence[StagedBlock] = ()


def read_back(
    work: Work, pool: SlotPool, stored: Stored, probe: MediaProbe | None = None, *, with_sha512: bool = False
) -> tuple[Digest, MediaFacts]:
    """Length, digests and media facts of a committed blob, read in parallel and in flat memory.

    Args:
        work: the claimed chunk; its claim is kept meanwhile.
        pool: the process's buffers and threads.
        stored: which blob.
        probe: fed with all of it, when the media has not been looked at before.
        with_sha512: compute it too, when no pass over the source has.

    Raises:
        ContentConflictError: `stored_differs` when length or a block is not what the source gave.
        StorageError: the blob cannot be read.
    """
    with Flow(work, pool, Pace(pool, _RANGE)) as flow:
        ordered = OrderedPass(pool.hashers, probe, with_sha512=with_sha512)
        flow.run(_jobs(flow, stored, partial(_read, work.ports.archive, stored, ordered)))
        return ordered.finish()


def _jobs(flow: Flow, stored: Stored, read: Callable[[Block, Slot], None]) -> Iterator[Job]:
    for block in stored.blocks or plan(stored.length_bytes, lambda: _RANGE):
        yield partial(read, block, flow.slot(block.length * _COPIES, buffered=False))


def _read(archive: Archive, stored: Stored, ordered: OrderedPass, block: Block, slot: Slot) -> None:
    data, total = archive.read_range(stored.name, block.offset, block.length)
    if total != stored.length_bytes or len(data) != block.length:
        raise ContentConflictError("the archived blob has another length than the source", code=Code.STORED_DIFFERS)
    if isinstance(block, StagedBlock) and f"{crc64_of(data):016x}" != block.crc64:
        raise ContentConflictError(
            f"archived bytes at {block.offset} differ from the source's", code=Code.STORED_DIFFERS
        )
    ordered.deliver(Arrival(block, data, slot.drop))
