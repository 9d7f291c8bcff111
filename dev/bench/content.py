"""The bytes of the benchmark: valid WAV, MP3 and MP4 files of any length, made on the fly, the same in every run.

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

from dev.in_memory.builders import box, mp4_index

PERIOD = 16_777_213  # the largest prime below 2**24
PIECE = 1 << 20
HEADER_BYTES = 44
LONGEST = 0xFFFFFFFF + 8  # the header counts in 32 bits
_BYTE_RATE = 16_000  # 8-bit mono: any length is a whole number of samples
_OBJECT_ID = re.compile(r"0-bench-d([1-3])-([0-9a-f]{1,9})")
KINDS = ("wav", "mp3", "mp4")
_MP3_HEAD = {False: b"\xff\xfb\x90\xc4", True: b"\xff\xfb\x92\xc4"}  # 128 kbit/s at 44.1 kHz, without and with padding
_MP3_ROW = 20_480  # bytes of 49 frames, after which the paddings repeat


def pieces(length: int, start: int = 0, stop: int | None = None, kind: str = "wav") -> Iterator[memoryview]:
    """Yield the bytes from `start` to `stop`.

    or the end) of the file of this length and kind, at most 1 MiB at a time.
    """
    stop = length if stop is None else min(stop, length)
    head, body, tail = _parts(length, kind)
    if start < len(head):
        yield memoryview(head)[start : min(stop, len(head))]
        start = len(head)
    view, period = memoryview(body), len(body) - PIECE
    sound_end = min(stop, length - tail)
    while start < sound_end:
        place, size = start % period, min(PIECE, sound_end - start)
        yield view[place : place + size]
        start += size
    if start < stop:
        yield memoryview(bytes(stop - start))


def _parts(length: int, kind: str) -> tuple[bytes, bytes, int]:
    """Return a file's head, what repeats behind it (and its first piece once more), and how many zeros end it."""
    if kind == "mp3":
        return b"", _mp3(), _mp3_tail(length)
    return (_mp4_head(length) if kind == "mp4" else _header(length)), _noise(), 0


@cache
def _mp3() -> bytes:
    """Return an odd number of rows of frames, and the first ones again."""
    noise, made, at = _noise(), bytearray(), 0
    for number in range(49 * 801):
        size, is_padded = _mp3_frame(number)
        made += _MP3_HEAD[is_padded] + noise[at : at + size - 4]
        at = (at + size) % (PERIOD - 500)
    return bytes(made) + bytes(made[:PIECE])


def _mp3_frame(number: int) -> tuple[int, bool]:
    """Return a frame's size, and whether it is a byte longer so that the bit rate is kept."""
    begin, end = (number * _MP3_ROW // 49, (number + 1) * _MP3_ROW // 49)
    return end - begin, end - begin == 418


def _mp3_tail(length: int) -> int:
    """Return how many bytes do not make a whole frame any more."""
    rows, rest = divmod(length, _MP3_ROW)
    end = max(at for number in range(50) if (at := number * _MP3_ROW // 49) <= rest)
    return length - rows * _MP3_ROW - end


@cache
def _mp4_head(length: int) -> bytes:
    """Index first, then the box of the only sample."""
    kind = box(b"ftyp", b"isom\x00\x00\x02\x00isomiso2")
    head = len(kind) + len(mp4_index(60_000, 0, 0)) + 8
    index = mp4_index(60_000, head, length - head)
    return kind + index + struct.pack(">I4s", length - head + 8, b"mdat")


@cache
def sha256_of(length: int) -> str:
    """Return SHA-256 of the file of this length, in hexadecimal."""
    digest = hashlib.sha256()
    for piece in pieces(length):
        digest.update(piece)
    return digest.hexdigest()


def object_id(length: int, kind: str = "wav") -> str:
    """Return the document id under which a source serves the file of this length and kind."""
    return f"0-bench-d{KINDS.index(kind) + 1}-{length:09x}"


def length_of(text: str) -> int | None:
    """Return the length that an id (or a path with one in it) names; None when there is none."""
    found = _OBJECT_ID.search(text)
    return int(found[2], 16) if found else None


def kind_of(text: str) -> str:
    """Return the kind of file that an id (or a path with one in it) names."""
    found = _OBJECT_ID.search(text)
    return KINDS[int(found[1]) - 1] if found else "wav"


def location(length: int, kind: str = "wav") -> str:
    """Return where a source serves the file of this length, in the form that ACS uses."""
    return f"https://storage.asm.skype.com/v1/objects/{object_id(length, kind)}/content/video"


def _header(length: int) -> bytes:
    """RIFF, `fmt ` and `data` with the exact sizes, cut off when the file is shorter than that."""
    sound = max(length - HEADER_BYTES, 0)
    form = struct.pack("<4sI4s", b"RIFF", min(sound + 36, 0xFFFFFFFF), b"WAVE")
    kind = struct.pack("<4sIHHIIHH", b"fmt ", 16, 1, 1, _BYTE_RATE, _BYTE_RATE, 1, 8)
    return (form + kind + struct.pack("<4sI", b"data", min(sound, 0xFFFFFFFF)))[:length]


@cache
def _noise() -> bytes:
    """Return one period and the beginning of the next, so that a piece is always one view."""
    noise = random.Random(2026).randbytes(PERIOD)
    return noise + noise[:PIECE]
