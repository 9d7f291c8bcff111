"""A box that is shorter than its kind needs is a finding, or promises nothing; it never ends the worker (I8)."""

import struct
from collections.abc import Iterator

import pytest

from dev.in_memory import media_kinds as kinds
from dev.in_memory.builders import box
from recording.domain.formats import FormatType
from recording.domain.media import MediaFacts, MediaProbe, probe
from recording.domain.media.probe import FAULT_UNREADABLE

OUTER = (b"moov", b"trak", b"edts", b"mdia", b"minf", b"stbl", b"mvex", b"moof", b"traf")
LENGTHS = (*range(9), 11, 12, 13, 15, 16, 17, 19, 20, 21, 24, 27, 28)


def probed(data: bytes) -> MediaFacts:
    found = MediaProbe(None)
    found.feed(data)
    return found.finish()


def shortened(data: bytes) -> Iterator[tuple[str, int, bytes]]:
    """Yield the file with each of its boxes cut to each length; those around it fit, and an offset may not."""
    at = 0
    while at + 8 <= len(data):
        size, name = struct.unpack_from(">I4s", data, at)
        size = size or len(data) - at
        before, content, after = data[:at], data[at + 8 : at + size], data[at + size :]
        if name in OUTER:
            for path, length, changed in shortened(content):
                yield f"{name.decode()}/{path}", length, before + box(name, changed) + after
        for length in LENGTHS:
            if length < len(content):
                yield name.decode(), length, before + box(name, content[:length]) + after
        at += size


FILES = {
    "index": kinds.two_tracks(),
    "edits": kinds.late_index(edits=[(1000, 500)]),
    "compact": kinds.late_index(is_compact=True),
    "fragments": kinds.fragmented("moof", promised_ms=2000),
    "segments": kinds.segmented(2, 2, version=1),
}


@pytest.mark.parametrize("name", FILES)
def test_no_length_of_a_box_is_an_error_of_the_reader(name: str) -> None:
    """A worker that fails of a file is given the same file again, until ACS has forgotten it."""
    assert probed(FILES[name]).fault is None
    for path, length, data in shortened(FILES[name]):
        assert probed(data).fault != FAULT_UNREADABLE, f"{path} of {length} bytes"


@pytest.mark.parametrize("length", range(12))
@pytest.mark.parametrize("version", [0, 1])
def test_a_promise_of_length_that_is_cut_is_none(version: int, length: int) -> None:
    """Players play such a file whole."""
    whole = box(b"mehd", struct.pack(">II", 0, 2000))
    promise = (bytes((version, 0, 0, 0)) + struct.pack(">Q" if version else ">I", 2000))[:length]
    data = kinds.fragmented("none", promised_ms=2000).replace(whole, box(b"mehd", promise))
    moved = len(whole) - 8 - len(promise)
    start = data.index(b"moov") - 4
    sizes = [start, data.index(b"mvex") - 4]
    for at in sizes:
        (size,) = struct.unpack_from(">I", data, at)
        data = data[:at] + struct.pack(">I", size - moved) + data[at + 4 :]
    facts = probed(data)
    assert (facts.fault, facts.duration_ms) == (None, 2000)


@pytest.mark.parametrize("error", [IndexError(), KeyError(1), struct.error("x"), OverflowError(), ZeroDivisionError()])
@pytest.mark.parametrize("at", ["feed", "finish"])
def test_an_error_of_a_reader_is_a_fault_of_the_file(
    monkeypatch: pytest.MonkeyPatch, error: Exception, at: str
) -> None:
    """Whatever the readers have not thought of, the file is quarantined with its sentence and not tried for days."""

    class Erring:
        def feed(self, _piece: memoryview) -> None:
            if at == "feed":
                raise error

        def finish(self) -> MediaFacts:
            raise error

    monkeypatch.setitem(probe.WALKERS, FormatType.MP4, Erring)
    facts = probed(kinds.late_index())
    assert (facts.format, facts.fault) == (FormatType.MP4, FAULT_UNREADABLE)
