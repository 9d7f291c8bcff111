"""Any whole file that a decoder plays is accepted, any broken one is refused: files built from drawn plans (I1, I8)."""

import struct
from dataclasses import replace

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from dev.compare_media.built import SAMPLE_BYTES, Mp3, Mp4
from dev.compare_media.judge import played_ms
from dev.compare_media.odd_files import (
    AFTER,
    BEFORE,
    CHUNKS,
    CODINGS,
    FILLERS,
    SECONDS,
    TAILS,
    UNFILLED,
    Wav,
    id3v2,
)
from dev.in_memory.builders import box, pieces_of
from recording.domain.media import MediaFacts, MediaProbe
from recording.domain.media.mp3 import FAULT_CUT, FAULT_HOLE, FAULT_UNKNOWN

pytestmark = pytest.mark.slow

SCRAP_MS, SLACK_MS = 160.0, 120.0
MANY = settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.too_slow])
CUTS = st.lists(st.integers(0, 1 << 20), max_size=6)


def probed(data: bytes, cuts: list[int] | None = None) -> MediaFacts:
    probe = MediaProbe(None)
    for piece in pieces_of(data, cuts or []):
        probe.feed(piece)
    return probe.finish()


def judged(data: bytes, whole_ms: float, cuts: list[int]) -> MediaFacts:
    """Hold the verdict on a whole file against a decoder; it is the same however the bytes are cut into pieces."""
    facts, plays = probed(data), played_ms(data)
    assert probed(data, cuts) == facts
    if plays <= SCRAP_MS:
        assert facts.fault is not None, "accepted, and the decoder plays nothing"
    elif plays >= whole_ms - SLACK_MS:
        assert facts.fault is None, f"refused, and the decoder plays all {plays} ms of it"
    if facts.fault is None and facts.duration_ms is not None:
        assert facts.duration_ms == pytest.approx(plays, abs=SLACK_MS)
    return facts


# --- WAV

WAVS = st.builds(
    Wav,
    coding=st.sampled_from(sorted(CODINGS)),
    channels=st.integers(1, 5),
    form=st.sampled_from([b"RIFF", b"RIFF", b"RF64", b"BW64"]),
    is_extensible=st.booleans(),
    before=st.sampled_from(sorted(CHUNKS)),
    after=st.sampled_from(sorted(CHUNKS)),
    tail=st.sampled_from(sorted(TAILS)),
    riff_size=st.sampled_from([None, None, *UNFILLED, 36]),
    byte_rate=st.sampled_from([None, None, 0, 1, 64_000]),
    align=st.sampled_from([None, None, 0, 1, 4]),
)


@MANY
@given(made=WAVS, cuts=CUTS)
def test_any_whole_wav_file_is_judged_as_a_decoder_does(made: Wav, cuts: list[int]) -> None:
    """Several things may be odd in one file."""
    judged(made.written(), SECONDS * 1000, cuts)


@MANY
@given(made=WAVS, share=st.floats(0.01, 0.97), cuts=CUTS)
def test_a_cut_wav_file_whose_header_says_its_size_never_passes(made: Wav, share: float, cuts: list[int]) -> None:
    """Whatever else is odd in it; an outer size that says something else does not excuse it."""
    data = replace(made, cut=share, riff_size=None).written()
    assert probed(data, cuts).fault is not None


# --- MP3

BITS = st.lists(st.integers(1, 14), min_size=30, max_size=60)
MP3S = st.builds(
    Mp3,
    bits=BITS | st.integers(1, 14).map(lambda bits: (bits,) * 40),
    version=st.sampled_from([3, 2, 0]),
    rate=st.integers(0, 2),
    is_mono=st.booleans(),
    is_protected=st.booleans(),
    table=st.sampled_from([b"", b"", b"Xing", b"Info", b"VBRI"]),
    before=st.sampled_from(sorted(BEFORE)),
    after=st.sampled_from(sorted(AFTER)),
)


@MANY
@given(made=MP3S, cuts=CUTS)
def test_any_whole_mp3_file_is_judged_as_a_decoder_does(made: Mp3, cuts: list[int]) -> None:
    """All versions and rates, fixed and changing bit rates, with checksums, tables and tags."""
    facts = judged(made.written(), len(made.bits) * made.frame_ms, cuts)
    assert facts.duration_ms == pytest.approx(len(made.bits) * made.frame_ms)


@MANY
@given(made=MP3S, bytes_gone=st.integers(1, 20), cuts=CUTS)
def test_an_mp3_file_whose_last_frame_is_cut_never_passes(made: Mp3, bytes_gone: int, cuts: list[int]) -> None:
    """No frame is as short as what is gone."""
    data = replace(made, after="nothing").written()
    assert probed(data[:-bytes_gone], cuts).fault == FAULT_CUT


@MANY
@given(made=MP3S, share=st.floats(0.2, 0.7), hole=st.integers(6000, 60_000), cuts=CUTS)
def test_a_hole_of_zeros_between_mp3_frames_never_passes(made: Mp3, share: float, hole: int, cuts: list[int]) -> None:
    """A storage that lost bytes gives zeros."""
    frames = made.frames()
    at = round(len(frames) * share)
    assert probed(b"".join(frames[:at]) + bytes(hole) + b"".join(frames[at:]), cuts).fault == FAULT_HOLE


@MANY
@given(made=MP3S, share=st.floats(0.01, 0.9), cuts=CUTS)
def test_an_mp3_file_that_begins_inside_a_frame_plays_from_the_next(made: Mp3, share: float, cuts: list[int]) -> None:
    """A stream may be cut in at any byte."""
    made = replace(made, table=b"", before="nothing", after="nothing")
    data = replace(made, starts_inside=max(4, int(len(made.frames()[0]) * share))).written()
    facts = probed(data, cuts)
    assert facts.fault is None
    assert facts.duration_ms == pytest.approx((len(made.bits) - 1) * made.frame_ms)


@MANY
@given(made=MP3S, table=st.sampled_from([b"Xing", b"Info", b"VBRI"]), cuts=CUTS)
def test_an_mp3_file_with_fewer_frames_than_its_table_says_never_passes(
    made: Mp3, table: bytes, cuts: list[int]
) -> None:
    """Cut between two frames, only the encoder's count tells it; players read it with and without a checksum."""
    assert probed(replace(made, table=table, promised=len(made.bits) + 10).written(), cuts).fault is not None


# --- MP4

MP4S = st.builds(
    Mp4,
    media=st.lists(st.integers(1, 8), min_size=1, max_size=4).filter(lambda media: sum(media) >= 4),
    index_at=st.integers(0, 4),
    has_kind=st.booleans(),
    fillers=st.lists(st.sampled_from(sorted(FILLERS)), max_size=2),
    inner=st.lists(st.sampled_from(sorted(FILLERS)), max_size=2),
    wide=st.frozensets(st.sampled_from([b"mdat", b"moov", b"ftyp", b"trak", b"mdia", b"minf", b"stbl", b"edts"])),
    long_offsets=st.booleans(),
    sizes=st.sampled_from(["same", "each", "compact"]),
    edits=st.sampled_from([(), (), ((300, 0),), ((200, -1), (300, 0)), ((300, 800),)]),
    fragments=st.sampled_from(["", "", "moof", "absolute", "none"]),
    tail=st.sampled_from(sorted(TAILS)),
    is_open=st.booleans(),
)


def ordinary(made: Mp4) -> Mp4:
    """Return a plan without what contradicts itself: fragments are found by their place, and have no edits here."""
    if not made.fragments:
        return made
    return replace(made, edits=(), wide=made.wide - {b"mdat"}, is_open=False)


@MANY
@given(made=MP4S, cuts=CUTS)
def test_any_whole_mp4_file_is_judged_as_a_decoder_does(made: Mp4, cuts: list[int]) -> None:
    """Boxes in any order, with 64-bit sizes and offsets, several media boxes, fragments and edit lists."""
    made = ordinary(made)
    played = sum(length for length, start in made.edits if start >= 0) or made.plays_ms
    facts = judged(made.written(), played, cuts)
    assert facts.fault is None
    assert facts.duration_ms == pytest.approx(played, abs=1)


@MANY
@given(made=MP4S, share=st.floats(0.001, 1), cuts=CUTS)
def test_media_that_is_empty_cut_or_half_there_never_passes(made: Mp4, share: float, cuts: list[int]) -> None:
    """The index promises what the last media box does not hold, with a size to match; what follows is no media."""
    made = ordinary(made)
    gone = max(1, int(made.media[-1] * SAMPLE_BYTES * share))
    assert probed(replace(made, taken=gone).written(), cuts).fault is not None


@MANY
@given(made=MP4S, share=st.floats(0, 1), cuts=CUTS)
def test_an_mp4_file_that_ends_anywhere_before_its_last_sample_never_passes(
    made: Mp4, share: float, cuts: list[int]
) -> None:
    """Whole fragments before the cut play what they hold; the metadata tells the rest."""
    made = replace(ordinary(made), tail="nothing")
    data = made.written()
    last = data.rindex(b"mdat") if made.index_at % (len(made.media) + 1) < len(made.media) else len(data) - 1
    facts = probed(data[: int(last * share)], cuts)
    is_fragmented = facts.container == "fragmented mp4" and (facts.duration_ms or 0) < made.plays_ms
    assert facts.fault is not None or is_fragmented


# --- all of them


@MANY
@given(
    data=WAVS.map(Wav.written) | MP3S.map(Mp3.written) | MP4S.map(ordinary).map(Mp4.written),
    changes=st.lists(st.tuples(st.integers(0, 1 << 30), st.binary(min_size=1, max_size=12)), max_size=5),
    head=st.booleans(),
    cuts=CUTS,
)
def test_no_change_of_bytes_is_an_error_of_the_reader(
    data: bytes, changes: list[tuple[int, bytes]], head: bool, cuts: list[int]
) -> None:
    """Every fault is a sentence in the facts, and the same one however the bytes arrive."""
    changed = bytearray(data)
    for at, new in changes:
        place = at % min(len(data), 2000 if head else len(data))
        changed[place : place + len(new)] = new
    facts = probed(bytes(changed))
    assert facts.fault is None or (facts.fault and "\n" not in facts.fault)
    assert probed(bytes(changed), cuts) == facts


@pytest.mark.parametrize("name", [b"trak", b"moov", b"stbl", b"traf"])
@pytest.mark.parametrize("outer", [b"moov", b"moof"])
def test_boxes_within_boxes_without_end_are_no_error_of_the_reader(name: bytes, outer: bytes) -> None:
    """A worker that dies of a file is given the same file again."""
    nested = b""
    for _ in range(3000):
        nested = box(name, nested)
    assert probed(box(b"ftyp", b"isom") + box(outer, nested)).fault is not None


def test_an_index_whose_chunks_are_named_again_and_again_is_read_in_time() -> None:
    """A table that goes back to the first chunk in each row would be walked for hours."""
    count = 40_000
    runs = struct.pack(">IIIIII", 1, 0, 1, count, 0, 1) * (count // 2)
    data = Mp4(media=(4, 4)).written()
    table = box(b"stsc", struct.pack(">II", 0, count) + runs)
    offsets = box(b"stco", struct.pack(">II", 0, count) + bytes(4 * count))
    sizes = box(b"stsz", struct.pack(">III", 0, 0, 1) + struct.pack(">I", SAMPLE_BYTES))
    handler = box(b"hdlr", bytes(8) + b"soun" + bytes(13))
    track = box(b"trak", box(b"mdia", handler + box(b"minf", box(b"stbl", table + offsets + sizes))))
    assert probed(data[:24] + box(b"moov", track) + box(b"mdat", bytes(100))).fault is not None


@pytest.mark.parametrize("tag", [300, 300_000])
def test_a_wav_file_behind_a_tag_is_refused_as_long_as_the_decoder_plays_nothing_of_it(tag: int) -> None:
    """Old players stepped over the tag. If a newer decoder does again, this test says that the rule may follow."""
    data = id3v2(tag) + Wav().written()
    assert played_ms(data) == 0.0
    assert probed(data).fault == FAULT_UNKNOWN


def test_an_mp3_of_free_format_is_refused_as_long_as_the_decoder_plays_nothing_of_it() -> None:
    """Its frames say no bit rate, so only their distance tells how long they are. ACS makes none."""
    frame = (0x7FF << 21 | 3 << 19 | 1 << 17 | 1 << 16).to_bytes(4, "big") + bytes(413)
    data = frame * 60
    assert played_ms(data) <= SCRAP_MS
    assert probed(data).fault is not None
