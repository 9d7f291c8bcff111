"""Blocks: stage a derived file in bounded memory; blocks that an earlier run staged are not sent again."""

from collections.abc import Callable, Iterator

from recording.ports import Ports

BLOCK_BYTES = 8 << 20


def ranges(first: int, end: int) -> Iterator[tuple[int, int]]:
    """Yield the parts of a range that become blocks: where each begins, and its length."""
    for at in range(first, end, BLOCK_BYTES):
        yield at, min(BLOCK_BYTES, end - at)


class Blocks:
    """Stages one file block by block, under names that are the same on every attempt."""

    def __init__(self, name: str, ports: Ports) -> None:
        self._name, self._ports = name, ports
        self._staged = dict(ports.archive.staged_blocks(name))
        self._gathered = bytearray()
        self.ids: list[str] = []

    def put(self, data: bytes) -> None:
        """Add bytes; they are gathered into blocks."""
        self._gathered += data
        while len(self._gathered) >= BLOCK_BYTES:
            self._stage(bytes(self._gathered[:BLOCK_BYTES]))
            del self._gathered[:BLOCK_BYTES]

    def copy(self, source: str, first: int, length: int, read: Callable[[], bytes]) -> None:
        """Add a range of another blob, copied inside storage where possible, else through this process."""
        self.flush()
        block = self._next()
        if self._staged.get(block) == length:
            return
        derived = self._ports.derived
        if derived is None or not derived.copying.copy_block(self._name, block, source, first, length):
            self._ports.archive.stage_block(self._name, block, read())

    def put_first(self, data: bytes) -> None:
        """Add the header, which is first in the file but known last."""
        block = "0" * 8
        self._ports.archive.stage_block(self._name, block, data)
        self.ids.insert(0, block)

    def flush(self) -> None:
        """Stage what is gathered."""
        if self._gathered:
            self._stage(bytes(self._gathered))
            self._gathered.clear()

    def _stage(self, data: bytes) -> None:
        block = self._next()
        if self._staged.get(block) != len(data):
            self._ports.archive.stage_block(self._name, block, data)

    def _next(self) -> str:
        self.ids.append(f"{len(self.ids) + 1:08d}")
        return self.ids[-1]
