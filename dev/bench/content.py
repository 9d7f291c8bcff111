"""The bytes of the benchmark: a valid WAV file of any length, made on the fly, never stored, the same in every run.

Behind the header comes noise that repeats with a prime period. Two blocks at different places are therefore never
equal (block sizes are powers of two, so places differ by a multiple of the period only after terabytes): a swapped,
doubled or shifted block changes the file. Making the bytes costs nothing: pieces are views into one buffer.
"""

import hashlib
import random
import re
import struct
from collections.abc import Iterator
from functools import cache

PERIOD = 16_777_213  # the largest prime below 2**24
PIECE = 1 << 20
HEADER_BYTES = 44
LONGEST = 0xFFFFFFFF + 8  # the header counts in 32 bits
_BYTE_RATE = 16_000  # 8-bit mono: any length is a whole number of samples
_OBJECT_ID = re.compile(r"0-bench-d1-([0-9a-f]{1,9})")


def pieces(length: int, start: int = 0, stop: int | None = None) -> Iterator[memoryview]:
    """The bytes from `start` to `stop` (or the end) of the file of this length, at most 1 MiB at a time."""
    stop = length if stop is None else min(stop, length)
    if start < HEADER_BYTES:
        yield memoryview(_header(length))[start : min(stop, HEADER_BYTES)]
        start = HEADER_BYTES
    noise = memoryview(_noise())
    while start < stop:
        place, size = start % PERIOD, min(PIECE, stop - start)
        yield noise[place : place + size]
        start += size


@cache
def sha256_of(length: int) -> str:
    """SHA-256 of the file of this length, in hexadecimal."""
    digest = hashlib.sha256()
    for piece in pieces(length):
        digest.update(piece)
    return digest.hexdigest()


def object_id(length: int) -> str:
    """The document id under which a source serves the file of this length."""
    return f"0-bench-d1-{length:09x}"


def length_of(text: str) -> int | None:
    """The length that an id (or a path with one in it) names; None when there is none."""
    found = _OBJECT_ID.search(text)
    return int(found[1], 16) if found else None


def location(length: int) -> str:
    """Where a source serves the file of this length, in the form that ACS uses."""
    return f"https://storage.asm.skype.com/v1/objects/{object_id(length)}/content/video"


def _header(length: int) -> bytes:
    """RIFF, `fmt ` and `data` with the exact sizes, cut off when the file is shorter than that."""
    sound = max(length - HEADER_BYTES, 0)
    form = struct.pack("<4sI4s", b"RIFF", min(sound + 36, 0xFFFFFFFF), b"WAVE")
    kind = struct.pack("<4sIHHIIHH", b"fmt ", 16, 1, 1, _BYTE_RATE, _BYTE_RATE, 1, 8)
    return (form + kind + struct.pack("<4sI", b"data", min(sound, 0xFFFFFFFF)))[:length]


@cache
def _noise() -> bytes:
    """One period and the beginning of the next, so that a piece is always one view."""
    noise = random.Random(2026).randbytes(PERIOD)
    return noise + noise[:PIECE]
