"""A fragmented MP4 file that has lost fragments is refused: no index tells how many there should be (I1)."""

import struct

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dev.compare_media.built import SAMPLE_BYTES, Mp4
from dev.compare_media.odd_files import boxes
from dev.in_memory.builders import box, pieces_of
from recording.domain.media import MediaFacts, MediaProbe
from recording.domain.media.mp4 import FAULT_OPENED, FAULT_SEGMENTS, REMARK_BYTES_AFTER, REMARK_CUT_TAIL
from recording.domain.media.mp4_fragments import FAULT_LOST

FORMS = ["moof", "absolute", "none"]
CUTS = st.lists(st.integers(0, 1 << 20), max_size=4)
SEGMENT_TYPE = box(b"styp", b"msdh\0\0\0\0msdh")
CLOCK = box(b"prft", bytes(24))


def probed(data: bytes, cuts: list[int] | None = None) -> MediaFacts:
    probe = MediaProbe(None)
    for piece in pieces_of(data, cuts or []):
        probe.feed(piece)
    return probe.finish()


def fragmented(form: str = "moof", samples: int = 2, fragments: int = 6) -> bytes:
    return Mp4(media=(samples,) * fragments, fragments=form).written()


def starts_of_boxes(data: bytes) -> list[int]:
    """Return where each box begins, and where the file ends."""
    return [found.at - 8 for found in boxes(data)] + [len(data)]


@settings(max_examples=200, deadline=None)
@given(data=st.data(), form=st.sampled_from(FORMS), samples=st.sampled_from([1, 2, 9]), cuts=CUTS)
def test_bytes_lost_between_two_fragments_are_noticed(
    data: st.DataObject, form: str, samples: int, cuts: list[int]
) -> None:
    """A download that was resumed at a wrong place lacks some of the middle: what follows is no box."""
    whole = fragmented(form, samples)
    starts = starts_of_boxes(whole)
    first = data.draw(st.integers(starts[2], starts[-3] - 1))
    last = data.draw(st.integers(first + 1, starts[-3]))
    if (first in starts and last in starts) or (last - first) % (starts[4] - starts[2]) == 0:
        return  # whole fragments are gone: the metadata's length tells
    assert probed(whole[:first] + whole[last:], cuts).fault is not None


@settings(max_examples=100, deadline=None)
@given(data=st.data(), samples=st.sampled_from([1, 2, 9]), cuts=CUTS)
def test_zeros_over_the_head_of_a_fragment_are_noticed(data: st.DataObject, samples: int, cuts: list[int]) -> None:
    """Players find no fragment behind them."""
    whole = fragmented(samples=samples)
    at = data.draw(st.sampled_from(starts_of_boxes(whole)[2:-1:2]))
    length = data.draw(st.integers(8, len(whole) - at))
    if at + length == len(whole) and length <= 4096:
        return  # zeros up to the end of the file are taken for its padding
    assert probed(whole[:at] + bytes(length) + whole[at + length :], cuts).fault is not None


@pytest.mark.parametrize("opening", [SEGMENT_TYPE, CLOCK, box(b"emsg", bytes(40)), box(b"sidx", bytes(40))])
def test_a_file_that_ends_inside_what_begins_a_segment_is_cut(opening: bytes) -> None:
    """Another fragment was to follow."""
    for length in range(8, len(opening)):
        assert probed(fragmented() + opening[:length]).fault in (FAULT_OPENED, FAULT_SEGMENTS)


@pytest.mark.parametrize("opening", [SEGMENT_TYPE, CLOCK])
def test_a_segment_that_was_begun_is_missing(opening: bytes) -> None:
    """Cut right before its first fragment. With a fragment behind it, and where there are none, it is ordinary."""
    whole = fragmented()
    at = starts_of_boxes(whole)[-3]
    assert probed(whole + opening).fault == FAULT_OPENED
    assert probed(whole[:at] + opening + whole[at:]).fault is None
    assert probed(Mp4().written() + opening).fault is None


@pytest.mark.parametrize("length", [5, 6, 7])
@pytest.mark.parametrize("name", [b"moof", b"styp", b"mdat", b"sidx"])
def test_a_file_that_ends_inside_the_name_of_a_box_is_cut(name: bytes, length: int) -> None:
    """What follows the last fragment begins like another."""
    head = struct.pack(">I4s", 200, name)[:length]
    assert probed(fragmented() + head).fault == FAULT_LOST
    assert probed(Mp4().written() + head).remarks == (REMARK_BYTES_AFTER,)


@pytest.mark.parametrize("samples", [2, 30])
@pytest.mark.parametrize(
    ("tail", "remark"),
    [
        (b"\0", REMARK_BYTES_AFTER),
        (bytes(64), REMARK_BYTES_AFTER),
        (bytes(4000), REMARK_BYTES_AFTER),
        (b"<p>busy</p>\n" * 3, REMARK_CUT_TAIL),
        (b"\xff" * 128, REMARK_BYTES_AFTER),
        (b"TAG" + b"title".ljust(125, b"\0"), REMARK_CUT_TAIL),
        (box(b"free", bytes(9000))[:5000], REMARK_CUT_TAIL),
        (box(b"mfra", bytes(900))[:500], REMARK_CUT_TAIL),
    ],
)
def test_little_that_is_no_fragment_hurts_no_player(tail: bytes, remark: str, samples: int) -> None:
    """Padding, a tag, a table of places that is cut."""
    facts = probed(fragmented(samples=samples) + tail)
    assert (facts.fault, facts.remarks) == (None, (remark,))
    assert facts.duration_ms == pytest.approx(6 * samples * 100)


@pytest.mark.parametrize(
    "tail",
    [
        bytes(20_000),
        b"\xff" * 600,
        b"hello world, this is text\n" * 40,
        bytes(9) + b"moof",
        bytes(4) + b"\1",
        b"\xd5\x54\x5a",
    ],
)
def test_other_bytes_behind_the_last_fragment_are_what_is_left_of_others(tail: bytes) -> None:
    """Only where the index names all samples, nothing can be missing."""
    assert probed(fragmented() + tail).fault == FAULT_LOST
    assert probed(Mp4().written() + tail).fault is None


@pytest.mark.parametrize("name", [b"mfhd", b"traf", b"tfhd", b"tfdt", b"trun"])
def test_a_part_of_a_fragment_that_stands_alone_is_what_is_left_of_one(name: bytes) -> None:
    """The bytes before it are lost."""
    assert probed(fragmented() + box(name, bytes(SAMPLE_BYTES))).fault == FAULT_LOST
