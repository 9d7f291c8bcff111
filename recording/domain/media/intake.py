"""Lets a parser read a stream in sequence although the stream arrives in pieces of any size."""

from collections.abc import Callable, Generator
from typing import NamedTuple, TypeAlias


class Skip(NamedTuple):
    """Ask to step over some bytes without keeping them."""

    length: int


Parsing: TypeAlias = Generator[int | Skip, bytes, None]
"""A parser yields how many bytes it wants, or what to skip; it receives fewer bytes only at the end of the file."""

TO_THE_END = Skip(1 << 63)


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
        """Tell the parser that the file ends here.

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
