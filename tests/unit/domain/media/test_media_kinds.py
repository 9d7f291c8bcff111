"""Each kind of odd file is read with its length, each kind of broken one is refused, however the bytes arrive (I8)."""

import io
import math
import random
from collections.abc import Iterable

import av
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dev.compare_media.built import Mp4
from dev.compare_media.judge import lenient
from dev.in_memory import media_kinds as kinds
from dev.in_memory.builders import MP3_FRAME, box, pieces_of, task
from dev.in_memory.builders import mp4 as mp4_file
from recording.domain.archived.integrity import (
    REMARK_NO_LENGTH,
    REMARK_PROMISE,
    duration_fault,
    find_fault,
    media_remarks,
)
from recording.domain.formats import ChannelType, Combination, ContentType, FormatType
from recording.domain.incoming.metadata import ChunkMetadata, Pause
from recording.domain.media import MediaFacts, MediaProbe, mp3, mp4, wav

WAV, MP3, MP4 = FormatType.WAV, FormatType.MP3, FormatType.MP4
WHOLE = {
    **{f"WAV, {name}": (WAV, data, 1000.0) for name, data in kinds.WHOLE_WAV.items()},
    **{f"MP3, {name}": (MP3, *of) for name, of in kinds.WHOLE_MP3.items()},
    **{f"MP4, {name}": (MP4, *of) for name, of in kinds.WHOLE_MP4.items()},
}
BROKEN = {
    f"{kind}, {name}": (kind, data)
    for kind, files in ((WAV, kinds.CUT_WAV), (MP3, kinds.CUT_MP3), (MP4, kinds.CUT_MP4))
    for name, data in files.items()
}


def probed(pieces: Iterable[bytes], announced: FormatType | None = None) -> MediaFacts:
    """Return what the probe finds."""
    probe = MediaProbe(announced)
    for piece in pieces:
        probe.feed(piece)
    return probe.finish()


@pytest.mark.parametrize("name", WHOLE)
@pytest.mark.parametrize("is_announced", [True, False])
def test_an_odd_but_whole_file_is_read_with_its_length(name: str, is_announced: bool) -> None:
    """Players play these; refusing one would leave a good recording to expire."""
    kind, data, plays_ms = WHOLE[name]
    facts = probed([data], kind if is_announced else None)
    assert (facts.fault, facts.format) == (None, kind)
    assert facts.duration_ms == pytest.approx(plays_ms, abs=0.01)


@pytest.mark.parametrize("version", [0, 1])
def test_a_file_that_ends_anywhere_inside_its_segment_index_is_refused(version: int) -> None:
    """It is cut, and no place of the cut is an error of the reader."""
    data = kinds.segmented(3, 3, version=version)
    begun = data.index(b"sidx") - 4
    for end in range(begun + 1, begun + int.from_bytes(data[begun : begun + 4], "big")):
        assert probed([data[:end]], MP4).fault is not None


@pytest.mark.parametrize("version", [0, 1])
def test_a_segment_index_that_is_too_short_for_its_count_promises_nothing(version: int) -> None:
    """Players do not need it."""
    data = bytearray(kinds.segmented(3, 3, version=version))
    count = data.index(b"sidx") + 4 + (30 if version else 22)
    assert data[count : count + 2] == b"\0\3"
    data[count : count + 2] = b"\xff\xff"
    facts = probed([bytes(data)], MP4)
    assert (facts.fault, facts.duration_ms) == (None, 3000)


STRICTER = ("WAV, odd chunk without its padding",)  # PyAV does not open it; other players do
SOUNDS = [name for name, (kind, _, _) in WHOLE.items() if kind is not MP4 and name not in STRICTER]


@pytest.mark.parametrize("name", SOUNDS)
def test_a_decoder_plays_the_odd_files_as_long(name: str) -> None:
    """Its judgement is independent; it may count a frame that holds only a table as sound."""
    _, data, plays_ms = WHOLE[name]
    with av.open(io.BytesIO(data), "r", **lenient(av.__version__)) as container:
        played = math.fsum(frame.samples * 1000 / frame.sample_rate for frame in container.decode(audio=0))
    assert played == pytest.approx(plays_ms, abs=40)


@pytest.mark.parametrize("name", BROKEN)
@pytest.mark.parametrize("is_announced", [True, False])
def test_a_broken_file_is_refused(name: str, is_announced: bool) -> None:
    """Being mild to odd files must not let a cut one through."""
    kind, data = BROKEN[name]
    assert probed([data], kind if is_announced else None).fault is not None


@pytest.mark.slow
@settings(max_examples=300)
@given(
    data=st.sampled_from([*(of[1] for of in WHOLE.values()), *(of[1] for of in BROKEN.values())]),
    length=st.just(1.0) | st.floats(0, 1),
    cuts=st.lists(st.integers(0, 10**6), max_size=12),
    announced=st.sampled_from([None, *FormatType]),
)
def test_the_pieces_make_no_difference_to_any_kind(
    data: bytes, length: float, cuts: list[int], announced: FormatType | None
) -> None:
    """The network decides where pieces end."""
    data = data[: round(len(data) * length)]
    assert probed(pieces_of(data, cuts), announced) == probed([data], announced)


@pytest.mark.parametrize("form", [b"RF64", b"BW64"])
@pytest.mark.parametrize("name", [b"LIST", b"axml", b"chna", b"id3 "])
def test_a_chunk_behind_the_sound_of_a_large_file_is_nothing_odd(form: bytes, name: bytes) -> None:
    """The placeholder of the sound's size is odd; the size itself decides whether a byte of padding follows."""
    facts = probed([kinds.large(form, kinds.chunk(name, b"<xml/>"))])
    assert (facts.fault, facts.remarks) == (None, (wav.REMARK_LARGE_FORM,))


def test_a_track_of_samples_without_bytes_tells_nothing_of_the_sound() -> None:
    """Its channels and its minute are a promise that no byte keeps."""
    facts = probed([kinds.half_empty()])
    assert (facts.fault, facts.duration_ms, facts.channels, facts.has_video) == (None, 2000, None, True)


@pytest.mark.parametrize("size", [5000, 1 << 24])
def test_a_last_tag_that_is_cut_is_a_remark(size: int) -> None:
    """Nobody can say what stood behind it; the sound before it is whole."""
    facts = probed([MP3_FRAME * 30 + kinds.id3(size)[:100]])
    assert (facts.fault, facts.remarks) == (None, (mp3.REMARK_CUT_TAG,))


@pytest.mark.parametrize("table", [b"Xing", b"Info", b"VBRI"])
@pytest.mark.parametrize("frames", [0, kinds.ALL_ONES])
def test_a_count_of_frames_that_was_never_filled_in_promises_nothing(table: bytes, frames: int) -> None:
    """A writer that could not go back left it; a hole behind the frames is noticed as without a table."""
    whole = kinds.table_frame(table, frames) + MP3_FRAME * 30
    assert (probed([whole]).fault, probed([whole]).remarks) == (None, ())
    assert probed([whole + bytes(200_000)]).fault == mp3.FAULT_HOLE


def test_an_index_beyond_the_bound_is_a_remark(monkeypatch: pytest.MonkeyPatch) -> None:
    """Memory stays flat; what was not checked is said."""
    monkeypatch.setattr(mp4, "LARGEST_INDEX", 64)
    facts = probed([kinds.late_index()])
    assert (facts.fault, facts.remarks) == (None, (mp4.REMARK_TOO_LARGE,))


@pytest.mark.parametrize("index_at", [0, 1, 2])
@pytest.mark.parametrize("sizes", ["each", "compact"])
def test_a_file_with_an_index_beyond_the_bound_that_is_cut_never_passes(
    index_at: int, sizes: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What cannot be checked against its index must at least be there to its last box."""
    monkeypatch.setattr(mp4, "LARGEST_INDEX", 64)
    whole = Mp4(media=(20, 20), index_at=index_at, sizes=sizes).written()
    assert probed([whole]).remarks == (mp4.REMARK_TOO_LARGE,)
    faults = {probed([whole[: len(whole) * share // 64]]).fault for share in range(1, 64)}
    assert None not in faults


def test_equal_frames_are_compared_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """Four hours are 400,000 frames; a step of Python for each of them would hold a worker up."""
    runs, plain = 0, mp3.Mp3Walker._equal_headers

    def counted(walker: mp3.Mp3Walker, data: bytes, at: int, size: int) -> int:
        nonlocal runs
        runs += 1
        return plain(walker, data, at, size)

    monkeypatch.setattr(mp3.Mp3Walker, "_equal_headers", counted)
    frames = 20_000
    assert probed([MP3_FRAME * frames]).duration_ms == frames * 36
    assert 0 < runs < frames / 500


TOLD = task(recording_duration_ms=None)


@pytest.mark.parametrize(
    ("plays_ms", "told_ms", "is_fault"),
    [
        (60_000, 60, False),
        (60_000, 40, True),
        (600_000, 60, True),
        (60_000, 60_000, False),
        (60_000, 60_000_000, True),
        (1_000, 60_000, True),
    ],
)
def test_a_length_in_seconds_counts_only_where_that_makes_it_agree(
    plays_ms: float, told_ms: float, is_fault: bool
) -> None:
    """A thousandfold error heals one mistake of a writer and excuses no other."""
    found = duration_fault(plays_ms, ChunkMetadata(duration_ms=told_ms), TOLD)
    assert (found is not None) is is_fault


def test_a_pause_without_an_end_takes_away_the_lower_bound_only() -> None:
    """Stopped while paused: nobody knows how much was left out, but nothing was added."""
    document = ChunkMetadata(duration_ms=60_000, pauses=(Pause(started_at=None, duration_ms=None),))
    assert duration_fault(5_000, document, TOLD) is None
    assert duration_fault(70_000, document, TOLD) is not None


def test_a_broken_promise_is_a_fault_unless_the_metadata_contradicts_it() -> None:
    """Without a third witness the file counts as cut."""
    media = MediaFacts(WAV, 2_000.0, fault="cut", promised_ms=20_000.0)
    assert find_fault(media, None, TOLD) == "cut"
    assert find_fault(media, ChunkMetadata(duration_ms=20_000), TOLD) == "cut"
    agreeing = ChunkMetadata(duration_ms=2_000)
    assert find_fault(media, agreeing, TOLD) is None
    assert REMARK_PROMISE in media_remarks(media, agreeing, TOLD)


def test_what_differs_from_what_was_told_is_a_remark_each() -> None:
    """Odd is no fault: the media is the evidence, and documents have been wrong before."""
    media = MediaFacts(WAV, 2_000.0, channels=2, sample_rate=16_000, has_video=False)
    document = ChunkMetadata(
        duration_ms=2_000, channel_count=5, sample_rate=48_000, participant_count=7, channel=ChannelType.UNMIXED
    )
    requested = Combination(ContentType.AUDIO_VIDEO, ChannelType.MIXED, MP4)
    assert media_remarks(media, document, task(format=WAV), requested) == (
        "the metadata says 5 channels, the file has 2",
        "the metadata says 48000 Hz, the file has 16000 Hz",
        "7 participants, but the file has channels for 2",
        "the request says mp4, the bytes are wav",
        "the request says audioVideo, the file has no picture",
    )


def test_a_length_that_nobody_read_or_told_is_a_remark() -> None:
    """The receipt must not suggest a comparison that was not made."""
    told = ChunkMetadata(duration_ms=2_000)
    assert media_remarks(MediaFacts(WAV), told, TOLD) == (REMARK_NO_LENGTH,)
    assert media_remarks(MediaFacts(WAV, 2_000.0), told, TOLD) == ()
    (remark,) = media_remarks(MediaFacts(WAV, 2_000.0), ChunkMetadata(), TOLD)
    assert remark.startswith("neither metadata nor event")


LARGE = 300_000  # bytes of media, of one sample
NOISE = random.Random(7).randbytes(LARGE)


def with_media(media: bytes, *, first: bytes = b"", entry: bytes = b"avc1") -> bytes:
    """Return an MP4 file of this media; `first` lies in a box of its own before it."""
    plain = mp4_file(2000, len(media))
    head = plain[: -len(media) - 8].replace(b"avc1", entry)
    if first:
        return late_index_of(box(b"free", first), media)
    return head + box(b"mdat", media)


def late_index_of(before: bytes, media: bytes) -> bytes:
    start = kinds.KIND + before
    return start + box(b"mdat", media) + kinds.index(kinds.track(len(start) + 8, (len(media),), 2000))


@pytest.mark.parametrize("start", [0, 1, 4095, 100_000])
@pytest.mark.parametrize("length", [20_480, 200_000])
def test_zeros_where_the_index_says_that_media_is_are_a_hole(start: int, length: int) -> None:
    """What a storage gives for bytes that it has lost: the structure is whole, and nothing plays."""
    holed = NOISE[:start] + bytes(length) + NOISE[start + length :]
    for data in (with_media(holed), late_index_of(b"", holed)):
        assert probed([data]).fault == mp4.FAULT_HOLE
        assert probed(pieces_of(data, range(0, len(data), 70_001))).fault == mp4.FAULT_HOLE


def test_an_mp4_of_nothing_but_zeros_is_refused() -> None:
    """Lengths, index and boxes agree, and a decoder finds no picture in it."""
    assert probed([with_media(bytes(LARGE))]).fault == mp4.FAULT_HOLE


@pytest.mark.parametrize(
    "data",
    [
        with_media(NOISE),
        with_media(NOISE[:1000] + bytes(12_000) + NOISE[13_000:]),
        with_media(NOISE, first=bytes(200_000)),
        with_media(NOISE) + bytes(200_000),
        with_media(bytes(LARGE), entry=b"raw "),
        with_media((bytes(3) + b"\x0c" + b"A" * 12) * 20_000),
        with_media((bytes(200) + b"!") * 1500),
    ],
    ids=["none", "short", "in another box", "after", "of silence", "of equal small frames", "of padding"],
)
def test_other_zeros_are_no_hole(data: bytes) -> None:
    """Padding hurts no player, and what is not compressed may be silent."""
    assert probed([data]).fault is None
    assert probed(pieces_of(data, range(0, len(data), 4097))).fault is None
