"""Lets a parser read a stream in sequence although the stream arrives in pieces of any size."""

from array import array
from bisect import bisect_right
from collections.abc import Callable, Generator
from typing import NamedTuple, TypeAlias


class Skip(NamedTuple):
    """Ask to step over some bytes without keeping them."""

    length: int


Parsing: TypeAlias = Generator[int | Skip, bytes, None]
"""A parser yields how many bytes it wants, or what to skip; it receives fewer bytes only at the end of the file."""

TO_THE_END = Skip(1 << 63)


class Holes:
    """Notes long runs of zeros in a file, which a storage or a proxy may return for bytes that it has lost.

    One byte of each page is looked at; only where that is a zero, the whole page.
    """

    PAGE = 4096
    LEAST = 4 * PAGE  # shorter ones may be padding
    SMALL = 16 * PAGE  # up to here all are noted: in a small file, shorter ones may be most of it
    MOST = 16  # noted; each is compared with all places of the index

    def __init__(self) -> None:
        self.found: list[tuple[int, int]] = []  # first and last byte, the last not included
        self._position = 0
        self._begun = self._ends = 0
        self._seen = 0  # bytes of a page that continues in the next piece

    def feed(self, piece: memoryview) -> None:
        """Look at the next bytes."""
        if self._seen:  # of a page that is zeros so far
            rest = piece[: self.PAGE - self._seen]
            self._take_page(rest, self._position - self._seen)
        first = -self._position % self.PAGE
        looked_at = bytes(piece[first :: self.PAGE])
        number = looked_at.find(0)
        while number >= 0:
            at = first + number * self.PAGE
            self._take_page(piece[at : at + self.PAGE], self._position + at)
            number = looked_at.find(0, number + 1)
        self._position += len(piece)

    def _take_page(self, part: memoryview, start: int) -> None:
        """Take a page, or a part of one that began or ends in another piece."""
        if part != _NOTHING[: len(part)]:
            self._seen = 0
            return
        self._seen += len(part)
        if self._seen == self.PAGE:
            self._seen = 0
            self._extend(start)

    def finish(self) -> list[tuple[int, int]]:
        """Return the runs, after the last piece."""
        self._close()
        return self.found

    def _extend(self, start: int) -> None:
        if start != self._ends:
            self._close()
            self._begun = start
        self._ends = start + self.PAGE

    def _close(self) -> None:
        is_long = self._ends - self._begun >= (self.PAGE if self._ends <= self.SMALL else self.LEAST)
        if is_long and len(self.found) < self.MOST:
            self.found.append((self._begun, self._ends))
        self._begun = self._ends = 0


class Extents:
    """A list of places in the file, two numbers each; neighbours are joined."""

    def __init__(self) -> None:
        self._starts = array("Q")
        self._ends = array("Q")

    def __len__(self) -> int:
        return len(self._starts)

    @property
    def covered(self) -> int:
        """Return how many bytes the places have together."""
        return sum(self._ends) - sum(self._starts)

    def add(self, start: int, length: int) -> None:
        """Add a place.

        Raises:
            ValueError: when no file can have it.
        """
        if not 0 <= start < 1 << 62 or length >= 1 << 62:
            raise ValueError("the MP4 file's index refers to media that is missing")
        if self._ends and self._ends[-1] == start:
            self._ends[-1] = start + length
        else:
            self._starts.append(start)
            self._ends.append(start + length)

    def holds(self, other: "Extents") -> bool:
        """Return whether each place of the other list is within one place of this one, whose places are in order."""
        for start, end in zip(other._starts, other._ends, strict=True):
            at = bisect_right(self._starts, start) - 1
            if at < 0 or end > self._ends[at]:
                return False
        return True

    def shares(self, place: tuple[int, int]) -> int:
        """Return how many bytes of a place of the file this list covers."""
        first, last = place
        pairs = zip(self._starts, self._ends, strict=True)
        return sum(min(end, last) - max(start, first) for start, end in pairs if start < last and end > first)

    def end_at(self, position: int) -> None:
        """Cut the last place off at the end of the file."""
        if self._ends:
            self._ends[-1] = max(self._starts[-1], min(self._ends[-1], position))


_NOTHING = memoryview(bytes(Holes.PAGE))


class Intake:
    """Feeds a parser; keeps nothing but the bytes that the parser has asked for and that have not all arrived."""

    def __init__(self, parse: Callable[["Intake"], Parsing]) -> None:
        self.position = 0  # bytes of the file handed to the parser or skipped so far
        self._gathered = bytearray()
        self._wanted = 0
        self._to_skip = 0
        self._is_over = False
        self._parsing = parse(self)
        self._resume(None)

    def feed(self, piece: memoryview) -> None:
        """Hand the next bytes to the parser.

        Raises:
            ValueError: whatever the parser finds wrong.
        """
        while len(piece) and not self._is_over:
            piece = self._skipped(piece) if self._to_skip else self._gathering(piece)

    def finish(self) -> None:
        """End the file: the parser receives what is left.

        Raises:
            ValueError: whatever the parser finds wrong.
        """
        while not self._is_over:
            self._to_skip = 0
            self._resume(self._flushed())

    def _skipped(self, piece: memoryview) -> memoryview:
        count = min(self._to_skip, len(piece))
        self._to_skip -= count
        self.position += count
        if not self._to_skip:
            self._resume(b"")
        return piece[count:]

    def _gathering(self, piece: memoryview) -> memoryview:
        part = piece[: self._wanted - len(self._gathered)]
        self._gathered += part
        self.position += len(part)
        if len(self._gathered) == self._wanted:
            self._resume(self._flushed())
        return piece[len(part) :]

    def _flushed(self) -> bytes:
        gathered = bytes(self._gathered)
        self._gathered.clear()
        return gathered

    def _resume(self, answer: bytes | None) -> None:
        """Answer the parser and note its next request; requests for nothing are answered at once."""
        try:
            request = next(self._parsing) if answer is None else self._parsing.send(answer)
            while request in (0, Skip(0)):
                request = self._parsing.send(b"")
        except StopIteration:
            self._is_over = True
            return
        self._wanted, self._to_skip = (0, request.length) if isinstance(request, Skip) else (request, 0)
