"""Files made to be expensive: tables and units without end take bounded memory, and junk is not walked byte by byte."""

import struct
import sys
import tracemalloc
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from itertools import islice, product
from string import ascii_letters
from typing import Any

import pytest

from dev.in_memory.builders import MP3_FRAME, box, wav
from recording.domain.formats import FormatType
from recording.domain.media import MediaFacts, MediaProbe, mp4

MIB = 1 << 20
PLAIN = bytes(4)  # version and flags


def boxed(name: bytes, *parts: bytes) -> bytes:
    return box(name, b"".join(parts))


ONE_OF_EACH = {
    "elst": b"",
    "stts": boxed(b"stts", PLAIN, struct.pack(">III", 1, 10, 1024)),
    "stsc": boxed(b"stsc", PLAIN, struct.pack(">IIII", 1, 1, 10, 1)),
    "stsz": boxed(b"stsz", PLAIN, struct.pack(">II", 20, 10)),
    "stco": boxed(b"stco", PLAIN, struct.pack(">II", 1, 1000)),
}
FTYP, MDAT = boxed(b"ftyp", b"isom", PLAIN), boxed(b"mdat", b"\x55" * 4000)
MOVIE = boxed(b"mvhd", PLAIN, struct.pack(">IIII", 0, 0, 1000, 213), bytes(80))
FRAGMENTED = boxed(b"mvex", boxed(b"trex", PLAIN, struct.pack(">IIIII", 1, 1, 5, 7, 0)))
WAV_FORMAT = b"fmt " + struct.pack("<IHHIIHH", 16, 1, 1, 16000, 32000, 2, 16)


def track(**tables: bytes) -> bytes:
    """Return a track of ten samples, with other tables in place of its own."""
    parts: Mapping[str, bytes] = ONE_OF_EACH | tables
    description = boxed(
        b"stsd", PLAIN, struct.pack(">I", 1), boxed(b"mp4a", bytes(16), _u(1 << 16 | 16, 0, 48000 << 16))
    )
    table = boxed(b"stbl", description, *(parts[name] for name in ("stts", "stsc", "stsz", "stco")))
    media = boxed(b"mdhd", PLAIN, struct.pack(">IIII", 0, 0, 48000, 10240), PLAIN)
    handler = boxed(b"hdlr", PLAIN, PLAIN, b"soun", bytes(13))
    header = boxed(b"tkhd", PLAIN, struct.pack(">IIIII", 0, 0, 1, 0, 1000), bytes(60))
    return boxed(b"trak", header, parts["elst"], boxed(b"mdia", media, handler, boxed(b"minf", table)))


def movie(*parts: bytes) -> bytes:
    return FTYP + boxed(b"moov", MOVIE, *parts) + MDAT


@contextmanager
def peak() -> Iterator[Callable[[], int]]:
    """Yield what tells the most bytes that Python has held at once since."""
    tracemalloc.start()
    try:
        yield lambda: tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()


def probed(data: bytes, format_type: FormatType) -> MediaFacts:
    probe = MediaProbe(format_type)
    for at in range(0, len(data), MIB // 4):
        probe.feed(memoryview(data)[at : at + MIB // 4])
    return probe.finish()


def rows(name: bytes, count: int, row: Callable[[int], bytes], more: bytes = b"", flags: bytes = PLAIN) -> bytes:
    return boxed(name, flags, more, struct.pack(">I", count), b"".join(map(row, range(count))))


def _u(*numbers: int) -> bytes:
    return struct.pack(f">{len(numbers)}I", *numbers)


def _edits(count: int) -> bytes:
    return boxed(b"edts", rows(b"elst", count, lambda n: struct.pack(">IiI", 1000 + n, n, 0x10000)))


def _wide_edits(count: int) -> bytes:
    wide = rows(b"elst", count, lambda n: struct.pack(">QqI", 1 << 62, n, 0x10000), flags=b"\1\0\0\0")
    return boxed(b"edts", wide)


TABLES: dict[
    str, tuple[int, Callable[[int], bytes]]
] = {  # the memory that a row takes by the count; a track of so many
    "lengths": (8, lambda n: track(stts=rows(b"stts", n, lambda i: _u(1, 70_000 + i)))),
    "runs": (12, lambda n: track(stsc=rows(b"stsc", n, lambda i: _u(i + 1, 70_000 + i, 1)))),
    "sizes": (4, lambda n: track(stsz=rows(b"stsz", n, lambda i: _u(70_000 + i), more=PLAIN))),
    "sizes of 8 bits": (8, lambda n: track(stsz=boxed(b"stz2", PLAIN, _u(8, n), bytes(range(256)) * (n // 256 + 1)))),
    "sizes of 4 bits": (4, lambda n: track(stsz=boxed(b"stz2", PLAIN, _u(4, n), bytes(range(256)) * (n // 512 + 1)))),
    "places": (
        24,
        lambda n: track(
            stts=boxed(b"stts", PLAIN, _u(1, n, 1024)),
            stsc=boxed(b"stsc", PLAIN, _u(1, 1, 1, 1)),
            stsz=boxed(b"stsz", PLAIN, _u(20, n)),
            stco=rows(b"stco", n, lambda i: _u(100 + 40 * i)),
        ),
    ),
    "places of 64 bits": (24, lambda n: track(stco=rows(b"co64", n, lambda i: struct.pack(">Q", 1 << 40 | i << 20)))),
    "edits": (24, lambda n: track(elst=_edits(n))),
    "edits of 64 bits": (40, lambda n: track(elst=_wide_edits(n))),
}


@pytest.mark.parametrize("name", TABLES)
def test_an_index_takes_no_more_memory_than_its_limit(monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    """Twelve files are copied at once, on instances of 512 MB too. A table is there twice while it is read."""
    width, made = TABLES[name]
    monkeypatch.setattr(mp4, "LARGEST_INDEX", MIB)
    for count, is_checked in ((MIB * 9 // 10 // width, True), (4 * MIB // width, False)):
        data = movie(made(count))
        with peak() as taken:
            facts = probed(data, FormatType.MP4)
            assert taken() < 2.75 * MIB
        assert (mp4.REMARK_TOO_LARGE not in facts.remarks) is is_checked


UNITS = MIB // 4
NAMES = [bytes(letters) for letters in islice(product(ascii_letters.encode(), repeat=4), UNITS // 8)]
EMPTY_BOX = _u(8)
SMALL_UNITS: dict[str, tuple[FormatType, Callable[[], bytes]]] = {
    "tracks": (FormatType.MP4, lambda: movie(track(), boxed(b"trak") * (UNITS // 8))),
    "tracks within a track": (FormatType.MP4, lambda: movie(track(), boxed(b"trak", boxed(b"trak") * (UNITS // 8)))),
    "defaults of fragments": (
        FormatType.MP4,
        lambda: movie(track(), boxed(b"mvex", *(boxed(b"trex", PLAIN, _u(n, 1, 5, 7, 0)) for n in range(UNITS // 32)))),
    ),
    "names": (FormatType.MP4, lambda: movie(track()) + b"".join(EMPTY_BOX + name for name in NAMES)),
    "places of media": (
        FormatType.MP4,
        lambda: movie(track()) + (boxed(b"mdat", b"x") + boxed(b"free")) * (UNITS // 17),
    ),
    "fragments": (
        FormatType.MP4,
        lambda: (
            movie(track(), FRAGMENTED) + boxed(b"moof", boxed(b"traf", boxed(b"tfhd", PLAIN, _u(1)))) * (UNITS // 32)
        ),
    ),
    "indexes": (FormatType.MP4, lambda: movie(track()) + boxed(b"moov", MOVIE, track()) * (UNITS // 600)),
    "indexes of segments": (FormatType.MP4, lambda: FTYP + boxed(b"sidx", bytes(24)) * (UNITS // 32) + movie(track())),
    "chunks": (
        FormatType.WAV,
        lambda: wav(100)[:12] + WAV_FORMAT + b"".join(name + PLAIN for name in NAMES) + wav(100)[36:],
    ),
    "tags": (FormatType.MP3, lambda: b"ID3\4\0\0\0\0\0\0" * (UNITS // 10) + MP3_FRAME * 20),
    "beginnings of frames": (FormatType.MP3, lambda: MP3_FRAME * 20 + b"\xff\xfb\x90" * (UNITS // 3)),
}


@pytest.mark.parametrize("name", SMALL_UNITS)
def test_units_without_end_are_not_remembered(name: str) -> None:
    """A track of eight bytes once took a hundred times as much memory."""
    format_type, made = SMALL_UNITS[name]
    data = made()
    with peak() as taken:
        probed(data, format_type)
        assert taken() < MIB


def test_an_index_of_a_thousand_tracks_is_the_largest() -> None:
    """Players draw the line there."""
    assert probed(movie(*[track()] * 1000), FormatType.MP4).fault == mp4.FAULT_NOT_THERE
    assert probed(movie(*[track()] * 1001), FormatType.MP4).fault == mp4.FAULT_TOO_MANY_TRACKS


@pytest.mark.parametrize("junk", [b"\xff", b"\xff\xff\xfb", b"\xff\xe0", b"\xff\xfb\x00", b"\xff\xfb\xfc\x00"])
def test_what_cannot_be_a_frame_is_not_tried(junk: bytes) -> None:
    """A disk that lost its blocks returns bytes like these; each was a step of its own, four seconds for a megabyte."""
    calls = 0

    def count(_frame: Any, _event: str, _argument: Any) -> None:
        nonlocal calls
        calls += 1

    table = bytearray(MP3_FRAME[:4] + bytes(len(MP3_FRAME) - 4))
    table[36:48] = b"Xing" + _u(1, 20)  # it promises the frames that are there: whatever follows is looked at
    for first in (b"", bytes(table)):
        data = first + MP3_FRAME * 20 + junk * (MIB // len(junk))
        profiler = sys.getprofile()
        sys.setprofile(count)
        try:
            probed(data, FormatType.MP3)
        finally:
            sys.setprofile(profiler)
    assert calls < 10_000
