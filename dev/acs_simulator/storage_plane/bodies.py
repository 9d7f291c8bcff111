"""Bytes that can be sent in pieces, however many there are: a file, a few bytes, or one of them altered."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

PIECE_BYTES = 1024 * 1024
"""Large enough for the network to be the limit (four times less CPU than 64 KiB), small enough for flat memory."""


class Body(Protocol):
    """A sequence of bytes of known length."""

    @property
    def length_bytes(self) -> int:
        """Return how many bytes there are."""
        ...

    def pieces(self, start: int, stop: int, size: int = PIECE_BYTES) -> Iterator[bytes]:
        """Yield the bytes from `start` up to `stop`, at most `size` at a time."""
        ...


@dataclass(frozen=True)
class BytesBody:
    """Bytes in memory."""

    data: bytes

    @property
    def length_bytes(self) -> int:
        return len(self.data)

    def pieces(self, start: int, stop: int, size: int = PIECE_BYTES) -> Iterator[bytes]:
        for at in range(start, stop, size):
            yield self.data[at : min(at + size, stop)]


@dataclass(frozen=True)
class FileBody:
    """A file. Reads block the event loop, but a piece from the page cache takes less than handing it to a thread."""

    path: Path

    @property
    def length_bytes(self) -> int:
        return self.path.stat().st_size

    def pieces(self, start: int, stop: int, size: int = PIECE_BYTES) -> Iterator[bytes]:
        with self.path.open("rb", buffering=0) as file:
            file.seek(start)
            left = stop - start
            while left > 0 and (piece := file.read(min(size, left))):
                left -= len(piece)
                yield piece


@dataclass(frozen=True)
class PatchedBody:
    """Another body with one byte inverted."""

    body: Body
    offset: int

    @property
    def length_bytes(self) -> int:
        return self.body.length_bytes

    def pieces(self, start: int, stop: int, size: int = PIECE_BYTES) -> Iterator[bytes]:
        at = start
        for piece in self.body.pieces(start, stop, size):
            place = self.offset - at
            at += len(piece)
            inside = 0 <= place < len(piece)
            yield piece[:place] + bytes([piece[place] ^ 0xFF]) + piece[place + 1 :] if inside else piece


@dataclass(frozen=True)
class PrefixBody:
    """The first bytes of another body, as of an object that is still growing."""

    body: Body
    length: int

    @property
    def length_bytes(self) -> int:
        return min(self.length, self.body.length_bytes)

    def pieces(self, start: int, stop: int, size: int = PIECE_BYTES) -> Iterator[bytes]:
        yield from self.body.pieces(start, min(stop, self.length_bytes), size)


@dataclass(frozen=True)
class GrownBody:
    """Another body with zeros after its end."""

    body: Body
    by_bytes: int

    @property
    def length_bytes(self) -> int:
        return self.body.length_bytes + self.by_bytes

    def pieces(self, start: int, stop: int, size: int = PIECE_BYTES) -> Iterator[bytes]:
        end = self.body.length_bytes
        yield from self.body.pieces(min(start, end), min(stop, end), size)
        zeros = max(stop, end) - max(start, end)
        for at in range(0, zeros, size):
            yield bytes(min(size, zeros - at))
