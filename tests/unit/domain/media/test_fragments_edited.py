"""Fragments in time: an edit list leaves out what comes before its start, and no fragment goes back (I1)."""

import struct
from collections.abc import Sequence

import pytest

from dev.in_memory import media_kinds as kinds
from dev.in_memory.builders import box
from recording.domain.media import MediaFacts, MediaProbe
from recording.domain.media.mp4 import FAULT_PLAYS_NOTHING
from recording.domain.media.mp4_fragments import FAULT_LOST

SAMPLES, TICKS, SIZE = 10, 100, 100  # of a fragment of one second


def probed(data: bytes) -> MediaFacts:
    probe = MediaProbe(None)
    probe.feed(data)
    return probe.finish()


def fragment(time: bytes, shift: int | None) -> bytes:
    """Return a fragment with its time, whose first sample is shown so many ticks later than it is stored."""
    shifts = [] if shift is None else [shift, *[0] * (SAMPLES - 1)]
    rows = b"".join(struct.pack(">II", TICKS, SIZE) + struct.pack(">i", one) for one in shifts)
    rows = rows or struct.pack(">II", TICKS, SIZE) * SAMPLES
    flags = 0x301 if shift is None else 0x1000B01
    header = box(b"tfhd", struct.pack(">II", 0x20000, 1)) + time
    length = 8 + 8 + len(header) + 8 + 12 + len(rows)
    run = box(b"trun", struct.pack(">IIi", flags, SAMPLES, length + 8) + rows)
    return box(b"moof", box(b"traf", header + run)) + box(b"mdat", bytes(SAMPLES * SIZE))


def edited(
    edits: Sequence[tuple[int, int]], count: int, *, first: int | None = None, shift: int | None = None
) -> bytes:
    """Return so many fragments of one second, the first at a time of its own, behind an index with an edit list."""
    extends = box(b"mvex", box(b"trex", struct.pack(">IIIIII", 0, 1, 1, 0, 0, 0)))
    data = kinds.KIND + kinds.index(kinds.track(0, (), 0, edits=edits), extends=extends)
    for number in range(count):
        time = b"" if first is None else box(b"tfdt", struct.pack(">IQ", 1 << 24, first + number * 1000))
        data += fragment(time, shift)
    return data


@pytest.mark.parametrize(
    ("edits", "first", "plays_ms"),
    [
        ((), None, 3000),
        (((0, 0),), None, 3000),
        (((0, 64),), None, 2936),
        (((0, 1500),), None, 1500),
        (((0, 1500),), 0, 1500),
        (((0, 1500),), 1000, 2500),
        (((0, 90_000),), 90_000, 3000),
        (((0, 91_500),), 90_000, 1500),
        (((500, -1), (0, 1500)), None, 1500),
        (((3000, 1500),), None, 1500),
    ],
)
def test_what_comes_before_the_edit_is_not_played(
    edits: Sequence[tuple[int, int]], first: int | None, plays_ms: int
) -> None:
    """It counts from the media's beginning, which a stream that was joined late has never had."""
    facts = probed(edited(edits, 3, first=first))
    assert (facts.fault, facts.duration_ms) == (None, plays_ms)


@pytest.mark.parametrize("count", [1, 2])
def test_fragments_that_end_before_the_edit_play_nothing(count: int) -> None:
    """All that was played is cut off, and what is left is as long as some chunk."""
    assert probed(edited([(0, 2500)], 3)).duration_ms == 500
    assert probed(edited([(0, 2500)], count)).fault == FAULT_PLAYS_NOTHING


def test_an_edit_behind_the_index_starts_in_the_fragments() -> None:
    """One second is in the index, two are in fragments."""
    assert probed(kinds.first_only(edits=[(0, 1500)])).duration_ms == 1500
    assert probed(kinds.first_only(edits=[(0, 300)])).duration_ms == 2700


@pytest.mark.parametrize(("shift", "plays_ms"), [(2000, 3000), (500, 1500), (0, 1000), (-500, 1000)])
def test_an_edit_that_starts_where_the_first_picture_is_shown_leaves_nothing_out(shift: int, plays_ms: int) -> None:
    """Pictures that are stored in another order than they are shown in: at one a second that is two seconds."""
    assert probed(edited([(0, 2000)], 3, shift=shift)).duration_ms == plays_ms


@pytest.mark.parametrize("lost", [1, 2])
def test_a_fragment_that_goes_back_in_time_is_not_played(lost: int) -> None:
    """Its time is zeros, or the file begins again: players leave out what they have had."""
    whole = edited((), 3, first=5000)
    assert probed(whole).fault is None
    time = struct.pack(">Q", 5000 + lost * 1000)
    assert probed(whole.replace(time, bytes(8), 1)).fault == FAULT_LOST
    again = whole[whole.index(b"moof") - 4 :]
    assert probed(whole + again).fault == FAULT_LOST


def test_fragments_may_jump_ahead_or_begin_together() -> None:
    """A stream has gaps, and a fragment may be empty."""
    whole = edited((), 3, first=5000)
    for time in (6000, 7000):
        assert probed(whole.replace(struct.pack(">Q", 7000), struct.pack(">Q", time))).fault is None
    assert probed(whole.replace(struct.pack(">Q", 7000), struct.pack(">Q", 700_000))).duration_ms == 3000
