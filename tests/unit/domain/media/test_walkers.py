"""The media probe: real files open, cut and foreign ones do not, and how the bytes arrive makes no difference (I8)."""

import random
import struct
import sys
import tracemalloc
from collections.abc import Iterable, Sequence
from dataclasses import replace
from functools import lru_cache
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytest
from hypothesis import given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from dev.in_memory.builders import MP3_FRAME, box, mp3, mp4, mp4_index, pieces_of, wav
from dev.media import MediaSpec, render
from recording.domain.formats import FormatType
from recording.domain.media import MediaFacts, MediaProbe, sniff
from recording.domain.media.mp3 import FAULT_CUT, Mp3Walker, frame_at

WAV, MP3, MP4 = FormatType.WAV, FormatType.MP3, FormatType.MP4
MIB = 1 << 20


def probed(pieces: Iterable[bytes], announced: FormatType | None = None) -> MediaFacts:
    probe = MediaProbe(announced)
    for piece in pieces:
        probe.feed(piece)
    return probe.finish()


@lru_cache
def real(name: str) -> bytes:
    """A file as an encoder writes it; rendered once, on first use."""
    specs = {
        "wav": MediaSpec("audio", "mixed", "wav", 300),
        "unmixed": MediaSpec("audio", "unmixed", "wav", 200, ("Ada", "Grace", "Joan")),
        "mp3": MediaSpec("audio", "mixed", "mp3", 900),
        "mp4": MediaSpec("audioVideo", "mixed", "mp4", 250),
    }
    with TemporaryDirectory() as folder:
        path = Path(folder) / name
        render(specs[name], path)
        return path.read_bytes()


REAL = {"wav": (WAV, 300, 1), "unmixed": (WAV, 200, 3), "mp3": (MP3, 900, 1), "mp4": (MP4, 250, 1)}


@pytest.mark.parametrize("name", REAL)
@pytest.mark.parametrize("is_announced", [True, False])
def test_a_real_file_opens_and_tells_how_long_it_plays(name: str, is_announced: bool) -> None:
    """A check that refuses what encoders write would quarantine every recording."""
    format_type, duration_ms, channels = REAL[name]
    facts = probed([real(name)], format_type if is_announced else None)
    assert (facts.fault, facts.format, facts.channels) == (None, format_type, channels)
    assert facts.duration_ms == pytest.approx(duration_ms, abs=120)


@pytest.mark.parametrize(
    ("data", "format_type", "duration_ms"),
    [
        (wav(), WAV, 2000),
        (wav(10, 5), WAV, 10),
        (mp3(), MP3, 56 * 36),
        (mp3(tag=3000), MP3, 56 * 36),
        (mp4(), MP4, 2000),
        (mp4(wide=True), MP4, 2000),
        (mp4() + box(b"free", bytes(100)), MP4, 2000),
        (mp4()[:-4104] + struct.pack(">I4s", 0, b"mdat") + bytes(4096), MP4, 2000),  # a last box without a size
        (mp4(0), MP4, None),  # a sample without a length
    ],
)
def test_files_made_by_hand_open_too(data: bytes, format_type: FormatType, duration_ms: float | None) -> None:
    """The standard's corners that our encoder does not write."""
    facts = probed([data])
    assert (facts.fault, facts.format, facts.duration_ms) == (None, format_type, duration_ms)


@pytest.mark.parametrize("name", ["wav", "unmixed"])
def test_a_wav_file_cut_at_any_byte_is_found(name: str) -> None:
    """Its header tells its size, so not one byte may be missing."""
    data = real(name)
    assert all(probed([data[:length]], WAV).fault for length in range(len(data)))


def test_an_mp4_file_cut_at_any_byte_is_found() -> None:
    """Boxes must tile the file, and the encoder writes the index last."""
    data = real("mp4")
    assert all(probed([data[:length]], MP4).fault for length in range(0, len(data), 11))
    small = mp4(media_bytes=64)
    assert all(probed([small[:length]], MP4).fault for length in range(len(small)))


def test_an_mp3_file_cut_at_any_byte_is_found_or_plays_shorter() -> None:
    """A cut inside a frame is a fault; one between two frames shows in the encoder's count, or in the length."""
    data = real("mp3")
    assert all(probed([data[:length]], MP3).fault for length in range(0, len(data), 7))
    plain = mp3(40)
    for length in range(8 * 216, len(plain)):
        facts = probed([plain[:length]], MP3)
        assert facts.fault == (FAULT_CUT if length % 216 else None)
        assert facts.fault or facts.duration_ms == 36 * (length // 216)


@pytest.mark.parametrize(
    ("data", "announced", "words"),
    [
        (b"", None, "empty"),
        (b"", WAV, "empty"),
        (b"RIFF", WAV, "too short"),
        (b"\x00" * 10_000, None, "no known media format"),
        (bytes(2 * MIB), WAV, "no known media format"),
        (b"<!DOCTYPE html><html>busy</html>", MP4, "no known media format"),
        (b'{"title": "Unauthorized", "status": 401}', MP3, "no known media format"),
        (wav(0), WAV, "holds no sound"),
        (wav()[:20], WAV, "inside its header"),
        (wav()[:12] + b"data" + bytes(100), WAV, "no format before its sound"),
        (wav()[:22] + bytes(2) + wav()[24:], WAV, "no channels or no rate"),
        (b"ID3\x04\x00\x00\x00\x00\x00\x64" + bytes(100), MP3, "no frames"),
        (mp3(3) + bytes(70_000), MP3, "do not follow each other"),
        (box(b"ftyp", b"isom") + box(b"mdat", b"x"), MP4, "no index"),
        (mp4()[:-4104], MP4, "no media"),
        (mp3()[:-1], MP3, "ends inside a frame"),
        (mp3()[: -216 + 2], MP3, "ends inside a frame"),
        (mp3(8) + bytes(600) + mp3(8), MP3, "do not follow each other"),
        (mp3(8) + b"<p>busy</p>" * 60 + mp3(8), MP3, "do not follow each other"),
        (box(b"ftyp", b"isom") + box(b"moov", box(b"mvhd", bytes(100))) + box(b"mdat", b"x"), MP4, "no track"),
        (box(b"ftyp", b"isom") + box(b"moov", b"\xff" * 40) + box(b"mdat", b"x"), MP4, "no track"),
        (mp4()[:60], MP4, "inside its index"),
        (mp4()[:-4104] + box(b"mdat", bytes(100)), MP4, "refers to media that is missing"),
    ],
)
def test_what_is_no_media_says_what_is_wrong(data: bytes, announced: FormatType | None, words: str) -> None:
    """The sentence goes into the receipt and to the person who looks."""
    facts = probed([data], announced)
    assert words in (facts.fault or "")


def test_a_wav_file_whose_writer_could_not_seek_back_is_measured() -> None:
    """Streamed files have 0 or all ones where the size should be; what is there is what there is."""
    for size in (0, 0xFFFFFFFF):
        streamed = wav(500)[:40] + struct.pack("<I", size) + wav(500)[44:]
        facts = probed([streamed], WAV)
        assert (facts.fault, facts.duration_ms, facts.channels, facts.sample_rate) == (None, 500.0, 1, 16_000)


def test_chunks_before_the_sound_are_stepped_over() -> None:
    """Some writers put a LIST there, padded to an even length."""
    listed = bytearray(wav()[:36] + b"LIST" + struct.pack("<I", 5) + bytes(6) + wav()[36:])
    struct.pack_into("<I", listed, 4, len(listed) - 8)
    assert probed([bytes(listed)], WAV).duration_ms == 2000


@pytest.mark.parametrize(
    ("head", "expected"),
    [
        (wav(), WAV),
        (mp3(), MP3),
        (mp3(tag=20), MP3),
        (mp4(), MP4),
        (b"", None),
        (b"RIFFxxxxAVI ", None),
        (b"\xff", None),
    ],
)
def test_the_first_bytes_tell_the_format(head: bytes, expected: FormatType | None) -> None:
    """The location's name does not: an MP3 was seen under `/content/video`."""
    assert sniff(head) is expected


LISTED = wav(10)[:36] + b"LIST" + struct.pack("<I", 5) + bytes(6) + wav(10)[36:]
HAND_MADE = [
    LISTED,
    wav(30),
    wav(20, 3),
    mp3(12),
    mp3(5, tag=40),
    mp4(media_bytes=900),
    mp4(media_bytes=500, wide=True),
]


@given(
    data=st.sampled_from(HAND_MADE),
    length=st.floats(0, 1),
    tail=st.binary(max_size=40),
    cuts=st.lists(st.integers(0, 10**6), max_size=12),
    announced=st.sampled_from([None, *FormatType]),
)
def test_the_result_does_not_depend_on_the_pieces(
    data: bytes, length: float, tail: bytes, cuts: list[int], announced: FormatType | None
) -> None:
    """The network decides where pieces end; whole, cut and padded files alike must not notice."""
    data = data[: round(len(data) * length)] + tail
    assert probed(pieces_of(data, cuts), announced) == probed([data], announced)


@pytest.mark.parametrize("data", HAND_MADE)
def test_one_byte_at_a_time_gives_the_same(data: bytes) -> None:
    """The smallest pieces there are."""
    assert probed(data[at : at + 1] for at in range(len(data))) == probed([data])


@given(data=st.binary(max_size=300), head=st.sampled_from([b"", wav(0)[:36], mp3(1), mp4()[:24]]))
def test_no_bytes_make_the_probe_raise(data: bytes, head: bytes) -> None:
    """Bad media is a finding, not an exception."""
    assert isinstance(probed([head + data]), MediaFacts)


def test_pieces_may_be_any_kind_of_buffer() -> None:
    """Adapters hand out what their client gives them."""
    data = wav(20)
    for kind in (bytes, bytearray, memoryview):
        assert probed([kind(data)]) == probed([data])  # type: ignore[list-item]  # bytearray and memoryview are meant


# --- work and memory -------------------------------------------------------------------------------------------------


def _long_file(format_type: FormatType, size: int) -> Iterable[bytes]:
    """A file of about `size` bytes in pieces of 64 KiB, never whole in memory."""
    if format_type is WAV:
        header = bytearray(wav(0)[:40] + struct.pack("<I", size))
        struct.pack_into("<I", header, 4, len(header) - 8 + size)
        yield bytes(header)
        piece = bytes(65_536)
    elif format_type is MP3:
        piece = MP3_FRAME * 303
    else:
        head = mp4(media_bytes=0)[:24]
        offset = len(mp4(media_bytes=0))
        yield head + mp4_index(2000, offset, size) + struct.pack(">I4s", size + 8, b"mdat")
        piece = bytes(range(256)) * 256
    yield from (piece for _ in range(size // 65_536))


def _work(format_type: FormatType, size: int) -> tuple[int, int]:
    """How many calls the probe makes for a file, and the most memory it holds."""
    calls = 0

    def count(_frame: Any, _event: str, _argument: Any) -> None:
        nonlocal calls
        calls += 1

    tracemalloc.start()
    profiler = sys.getprofile()
    sys.setprofile(count)
    try:
        facts = probed(_long_file(format_type, size), format_type)
    finally:
        sys.setprofile(profiler)
        peak = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
    assert facts.fault is None
    return calls, peak


@pytest.mark.parametrize("format_type", FormatType)
def test_work_grows_with_the_size_and_memory_does_not(format_type: FormatType) -> None:
    """Calls in proportion and a flat peak leave no room for work that grows faster than the file."""
    calls, peak = _work(format_type, 8 * MIB)
    more_calls, more_peak = _work(format_type, 64 * MIB)
    assert more_calls <= 8.5 * calls
    assert more_peak <= peak + 64 * 1024 < 2 * MIB


def _frames_of(sizes: Sequence[tuple[int, int]], version: int, rate: int) -> bytes:
    """Frames of these bit rates (their four bits) and paddings, in one stream; their bytes may look like headers."""
    made = bytearray()
    for bits, padding in sizes:
        head = (0x7FF << 21 | version << 19 | 1 << 17 | 1 << 16 | bits << 12 | rate << 10 | padding << 9).to_bytes(4)
        frame = frame_at(head)
        assert frame is not None
        made += head + (b"\xff\xfb\x90\x00" * frame.size)[: frame.size - 4]
    return bytes(made)


@hypothesis_settings(max_examples=60, deadline=None)
@given(
    sizes=st.lists(st.tuples(st.integers(1, 14), st.integers(0, 1)), min_size=3, max_size=300),
    stream=st.sampled_from([(3, 0), (3, 1), (2, 0), (2, 2), (0, 2)]),
    piece=st.integers(700, 200_000),
    cut=st.integers(0, 20),  # less than any frame
)
def test_frames_of_any_sizes_are_counted_as_one_by_one(
    sizes: list[tuple[int, int]], stream: tuple[int, int], piece: int, cut: int
) -> None:
    """Many are matched at once, which must not show: not in the count, and not where the file is cut."""
    data = _frames_of(sizes, *stream)
    walker = Mp3Walker()
    view = memoryview(data)[: len(data) - cut]
    for at in range(0, len(view), piece):
        walker.feed(view[at : at + piece])
    if cut:
        with pytest.raises(ValueError, match="ends inside a frame"):
            walker.finish()
        return
    facts, frame = walker.finish(), frame_at(data[:4])
    assert frame is not None
    assert facts.duration_ms == pytest.approx(len(sizes) * frame.samples * 1000 / frame.sample_rate)


@pytest.mark.parametrize("piece", [70_001, 1 << 18, 999_999, 1 << 21])
def test_an_mp3_is_walked_where_it_is(piece: int) -> None:
    """A copy of each block would cost as much as looking at it; and the buffer is filled anew after each piece."""
    tag = b"TAG" + bytes(125)
    frames = _frames_of([(number % 14 + 1, number & 1) for number in range(12_000)], 3, 0)
    data = frames + tag + frames + b"ID3" + bytes((4, 0, 0, 0, 1, 0, 0)) + bytes(1 << 14) + frames + tag
    expected, buffer, probe = probed([data], MP3), bytearray(piece), MediaProbe(MP3)
    tracemalloc.start()
    try:
        for at in range(0, len(data), piece):
            count = len(data[at : at + piece])
            buffer[:count] = memoryview(data)[at : at + piece]
            tracemalloc.reset_peak()
            before = tracemalloc.get_traced_memory()[0]
            probe.feed(memoryview(buffer)[:count])
            assert tracemalloc.get_traced_memory()[1] - before < 200_000
            buffer[:] = b"\xff" * piece
    finally:
        tracemalloc.stop()
    found = probe.finish()
    assert expected.fault is None
    assert found.duration_ms == pytest.approx(expected.duration_ms)
    assert replace(found, duration_ms=None) == replace(expected, duration_ms=None)


@pytest.mark.parametrize("kind", ["one size", "padding", "any bit rate"])
def test_no_mp3_costs_a_python_step_for_each_frame(kind: str) -> None:
    """A gigabyte holds two million frames; at a step each, the check would cost as much as the copy."""
    dice = random.Random(1)
    sizes = {
        "one size": [(9, 0)] * 8000,
        "padding": [(9, number % 25 and 1) for number in range(8000)],
        "any bit rate": [(dice.randint(3, 12), dice.randint(0, 1)) for _ in range(8000)],
    }[kind]
    data, lines = _frames_of(sizes, 3, 0), 0

    def count(_frame: object, event: str, _arg: object) -> Any:
        nonlocal lines
        lines += event == "line"
        return count

    Mp3Walker().feed(memoryview(data))  # compiles the expression
    walker, before = Mp3Walker(), sys.gettrace()
    sys.settrace(count)
    try:
        for at in range(0, len(data), 1 << 20):
            walker.feed(memoryview(data)[at : at + (1 << 20)])
    finally:
        sys.settrace(before)
    assert lines < 8000
