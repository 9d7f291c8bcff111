"""How a file is divided into blocks, and the information in a staged block's id.

An id contains the block's position, length, object and the CRC-64 of its bytes as read from the source. So a later
worker knows what is already staged, and a block of another object or attempt cannot slip in.
"""

import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass

_ID = re.compile(
    r"(?P<offset>[0-9a-f]{10})(?P<length>[0-9a-f]{8})(?P<mark>[0-9a-f]{16})(?P<crc64>[0-9a-f]{16})", re.ASCII
)
MOST_BLOCKS = 50_000  # Blob storage's limit for one blob


@dataclass(frozen=True)
class Block:
    """One range of a file."""

    offset: int
    length: int

    @property
    def end(self) -> int:
        """Return the offset after its last byte."""
        return self.offset + self.length


@dataclass(frozen=True)
class StagedBlock(Block):
    """A range that storage holds, with the CRC-64 of its bytes as read from the source (hex)."""

    crc64: str


def crc64_of(data: bytes | bytearray | memoryview) -> int:
    """Return the checksum that Blob storage calls CRC64 (CRC-64/NVME); about 30 GB/s, so it is never the bottleneck."""
    from awscrt import checksums  # a compiled library: loaded by the first copy, not by an idle app

    return int(checksums.crc64nvme(data))


def block_id(block: Block, mark: str, crc64: int) -> str:
    """Return the id under which a block is staged; all ids of a blob have the same length, as the service demands.

    Args:
        block: where it belongs.
        mark: a fingerprint of the object it came from, 16 hex digits or more.
        crc64: of its bytes as read from the source.
    """
    return f"{block.offset:010x}{block.length:08x}{mark[:16]}{crc64:016x}"


def staged_block(text: str, mark: str | None = None) -> StagedBlock | None:
    """Return the block of an id; None when the id is not ours, or of another object than `mark`."""
    found = _ID.fullmatch(text)
    if found is None or (mark is not None and found["mark"] != mark[:16]):
        return None
    return StagedBlock(int(found["offset"], 16), int(found["length"], 16), found["crc64"])


def usable(staged: Mapping[str, int], mark: str, total: int) -> dict[StagedBlock, str]:
    """Return the reusable blocks of an earlier attempt, in order and without overlap, with their ids.

    Two different blocks over the same bytes mean that the object has changed, or that two workers divided it
    differently: none of those is reused.

    Args:
        staged: ids and lengths as the service lists them.
        mark: of the object being copied.
        total: its length.
    """
    ours = {
        block: text
        for text, length in staged.items()
        if (block := staged_block(text, mark)) is not None and block.length == length > 0 and block.end <= total
    }
    ordered = sorted(ours, key=lambda block: (block.offset, block.length))
    alone = (block for place, block in enumerate(ordered) if not _overlaps_neighbour(ordered, place))
    return {block: ours[block] for block in alone}


def _overlaps_neighbour(ordered: list[StagedBlock], place: int) -> bool:
    """Return whether a block shares bytes with another.

    `ordered` by offset, so those before it must be looked at whole.
    """
    block = ordered[place]
    follows = place + 1 < len(ordered) and ordered[place + 1].offset < block.end
    return follows or any(other.end > block.offset for other in ordered[:place])


def plan(total: int, block_bytes: Callable[[], int], kept: Iterable[Block] = ()) -> Iterator[Block]:
    """Yield the ranges still to be fetched, in order.

    Args:
        total: length of the file.
        block_bytes: called before each block for its size; a huge file makes blocks larger.
        kept: reused blocks, in order and without overlap.
    """
    offset = 0
    for wall in (*kept, Block(total, 0)):
        while offset < wall.offset:
            size = max(block_bytes(), -(-total // MOST_BLOCKS))
            block = Block(offset, min(size, wall.offset - offset))
            yield block
            offset = block.end
        offset = max(offset, wall.end)


def regrouped(pieces: Iterable[bytes], size: int) -> Iterator[bytes]:
    """Yield the same bytes in blocks of this size; the last one is shorter, and none is empty."""
    gathered = bytearray()
    for piece in pieces:
        gathered += piece
        while len(gathered) >= size:
            yield bytes(gathered[:size])
            del gathered[:size]
    if gathered:
        yield bytes(gathered)
