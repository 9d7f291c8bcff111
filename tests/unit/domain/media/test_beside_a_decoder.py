"""Files that no encoder writes, beside a decoder: what it plays whole is accepted, what it cannot play is not."""

import struct
from dataclasses import replace
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest

from dev.compare_media import judge
from dev.compare_media.built import SAMPLE_BYTES, Mp3, Mp4
from dev.compare_media.encode import REORDERED, write_file
from dev.compare_media.odd_files import AFTER, BEFORE, SECONDS, Layout, Wav, layouts, rewrapped, wav_files
from recording.domain.media import MediaFacts, MediaProbe

pytestmark = pytest.mark.slow

SCRAP_MS = 160.0  # a few frames
SLACK_MS = 120.0  # encoders put some frames before the sound


def probed(data: bytes) -> MediaFacts:
    probe = MediaProbe(None)
    probe.feed(data)
    return probe.finish()


played_ms = cache(judge.played_ms)


def compare(data: bytes, whole_ms: float, *, is_whole: bool) -> None:
    """Hold the probe against the decoder; `is_whole` says whether something was taken away."""
    facts, plays = probed(data), played_ms(data)
    if plays <= SCRAP_MS:
        assert facts.fault is not None, "accepted, and the decoder plays nothing"
    elif is_whole and plays >= whole_ms - SLACK_MS:
        assert facts.fault is None, "refused, and the decoder plays all of it"
    if facts.fault is None and facts.duration_ms is not None:
        assert facts.duration_ms == pytest.approx(plays, abs=SLACK_MS)


@pytest.mark.parametrize("made", list(wav_files()), ids=str)
def test_a_wav_file_in_any_wrapping(made: Wav) -> None:
    """Writers differ in everything but the sound."""
    compare(made.written(), SECONDS * 1000, is_whole=made.is_whole)


@pytest.mark.parametrize("channels", [1, 2])
def test_aac_in_a_wav_file_is_played_by_nobody(channels: int) -> None:
    """Its packets have no sizes, and the decoder finds none of them."""
    data = encoded("a.wav", ("aac",), (), 16_000, channels)
    compare(data, SECONDS * 1000, is_whole=True)
    assert probed(data).fault is not None


BASES = {
    "the usual one": "0000 1000 8000 00aa 0038 9b71",
    "ambisonics": "2107 d311 8644 c8c1 ca00 0000",
    "shifted by four bytes": "0000 0000 0000 1000 8000 00aa",
    "another last byte": "0000 1000 8000 00aa 0038 9b72",
    "zeros": "0000 0000 0000 0000 0000 0000",
    "text": "4142 4344 4546 4748 494a 4b4c",
}


@pytest.mark.parametrize("number", [1, 0x10001], ids=["integers", "more than two bytes"])
@pytest.mark.parametrize("base", BASES)
def test_the_form_of_an_extensible_wav_file_is_named_by_all_of_its_sixteen_bytes(base: str, number: int) -> None:
    """The first two were believed, and no player plays what the others do not confirm."""
    form = struct.pack("<HHIIHHHHII", 0xFFFE, 1, 16_000, 32_000, 2, 16, 22, 16, 4, number) + bytes.fromhex(BASES[base])
    sound = bytes(range(250)) * 256
    riff = b"WAVEfmt " + struct.pack("<I", 40) + form + b"data" + struct.pack("<I", len(sound)) + sound
    data = b"RIFF" + struct.pack("<I", len(riff)) + riff
    compare(data, 2000, is_whole=True)
    assert (probed(data).fault is None) == (played_ms(data) > SCRAP_MS)


@cache
def encoded(
    name: str, codecs: tuple[str, ...], options: tuple[tuple[str, str], ...], rate: int, channels: int
) -> bytes:
    """Return a file of two seconds as the encoder writes it."""
    with TemporaryDirectory() as folder:
        path = Path(folder) / name
        write_file(path, dict(options), codecs, rate, channels)
        return path.read_bytes()


def mp3(rate: int = 16_000, channels: int = 1, xing: str = "0") -> bytes:
    return encoded("a.mp3", ("libmp3lame",), (("write_xing", xing), ("id3v2_version", "0")), rate, channels)


@pytest.mark.parametrize("before", BEFORE)
@pytest.mark.parametrize("after", AFTER)
@pytest.mark.parametrize("rate", [8_000, 16_000, 44_100])
def test_an_mp3_file_between_any_tags(before: str, after: str, rate: int) -> None:
    """Tags and bytes of other programs stand before and behind the sound."""
    sound = mp3(rate)
    compare(BEFORE[before] + sound + AFTER[after], played_ms(sound), is_whole=True)


@pytest.mark.parametrize("xing", ["0", "1"])
@pytest.mark.parametrize("share", range(1, 16))
def test_an_mp3_file_that_is_cut_or_has_a_hole(share: int, xing: str) -> None:
    """At a sixteenth of its length each; one without a count may end between two frames, and then plays shorter."""
    sound = mp3(xing=xing)
    at = len(sound) * share // 16
    compare(sound[:at], played_ms(sound), is_whole=False)
    assert probed(sound[:at] + bytes(2000) + sound[at:]).fault is not None
    is_at_the_end = at + 2500 > len(sound)  # there, no frame says that something was to follow
    assert is_at_the_end or probed(sound[:at] + bytes(1500) + sound[at + 1500 :]).fault is not None


@pytest.mark.parametrize(
    "behind", [b"\0" * 6000, b"\xa5" * 6000, b"<p>Service Unavailable</p>" * 300], ids=["zeros", "noise", "a page"]
)
def test_a_short_mp3_file_of_which_a_large_part_is_no_sound(behind: bytes) -> None:
    """A storage that lost the rest of a short file gives as little as this."""
    sound = mp3(xing="0")
    half = sound[: len(sound) // 2]
    assert len(behind) * 4 > len(half)
    assert probed(half + behind).fault is not None


@pytest.mark.parametrize("bits", [1, 4])
def test_an_mp3_file_of_the_lowest_rate_whose_second_half_is_zeros(bits: int) -> None:
    """Three seconds of it are five thousand bytes."""
    whole = Mp3(bits=(bits,) * 80, version=0, rate=2, is_mono=True).written()
    half = whole[: len(whole) // 2]
    assert probed(whole).fault is None
    assert probed(half + bytes(len(half))).fault is not None


@pytest.mark.parametrize("tail", [b"\xff", b"\xff\xfb", b"\xff\xf3\x40"])
def test_bytes_behind_all_the_frames_that_are_counted_are_no_cut_frame(tail: bytes) -> None:
    """The encoder's table says how many frames there are; without one, the bytes begin another."""
    counted, uncounted = mp3(44_100, xing="1"), mp3(44_100)
    compare(counted + tail, played_ms(counted), is_whole=True)
    assert probed(counted + tail).fault is None
    assert probed(uncounted + tail[:1]).fault is not None


MOVFLAGS = ("", "frag_keyframe+empty_moov+default_base_moof")
TRACKS = (("aac",), ("libx264", "aac"))


LAYOUTS = list(layouts())


@pytest.mark.parametrize("layout", LAYOUTS, ids=map(str, range(len(LAYOUTS))))
@pytest.mark.parametrize("flags", MOVFLAGS)
def test_an_mp4_file_in_any_layout(layout: Layout, flags: str) -> None:
    """Any box may be first, any may be wide, and what players pass over is passed over."""
    for codecs in TRACKS:
        data = encoded("a.mp4", codecs, (("movflags", flags),), 16_000, 1)
        compare(rewrapped(data, layout), played_ms(data), is_whole=True)


@pytest.mark.parametrize("edits", ["0", "1"])
@pytest.mark.parametrize("codecs", TRACKS, ids="-".join)
def test_an_mp4_index_without_its_header(codecs: tuple[str, ...], edits: str) -> None:
    """Players need it for edit lists only."""
    data = encoded("a.mp4", codecs, (("use_editlist", edits),), 16_000, 1)
    compare(data.replace(b"mvhd", b"free"), played_ms(data), is_whole=True)


@pytest.mark.parametrize("share", range(1, 16))
@pytest.mark.parametrize("flags", MOVFLAGS)
def test_an_mp4_file_that_is_cut(share: int, flags: str) -> None:
    """At a sixteenth of its length each; whole fragments play what they hold, and the metadata tells the rest."""
    data = encoded("a.mp4", ("aac",), (("movflags", flags),), 16_000, 1)
    cut = data[: len(data) * share // 16]
    compare(cut, played_ms(data), is_whole=False)
    facts = probed(cut)
    assert facts.fault is not None or facts.container == "fragmented mp4"


@cache
def slow(flags: str, pictures: int) -> bytes:
    """Return few pictures a second, stored in another order than they are shown in."""
    with TemporaryDirectory() as folder:
        path = Path(folder) / "a.mp4"
        write_file(path, {"movflags": flags}, ("libx264",), pictures=pictures, encoder=REORDERED)
        return path.read_bytes()


@pytest.mark.parametrize("pictures", [1, 2, 5, 15])
@pytest.mark.parametrize("flags", [*MOVFLAGS, "faststart", "negative_cts_offsets", "frag_keyframe"])
def test_few_pictures_a_second_that_are_stored_out_of_order_play_whole(flags: str, pictures: int) -> None:
    """The edit list starts where the first one is shown; at one a second that is two seconds behind the start."""
    data = slow(flags, pictures)
    facts = probed(data)
    assert facts.fault is None
    assert facts.duration_ms == pytest.approx(32 * 1000 / pictures, rel=0.01)


@pytest.mark.parametrize("flags", ["frag_keyframe+empty_moov+default_base_moof", "frag_keyframe+empty_moov", "cmaf"])
def test_fragments_that_the_index_does_not_know_of_are_played_by_nobody(flags: str) -> None:
    """They are all there, and players look for them only where the index says so."""
    data = encoded("a.mp4", ("aac",), (("movflags", flags),), 16_000, 1)
    broken = data.replace(b"mvex", b"free")
    assert played_ms(broken) <= SCRAP_MS
    assert probed(broken).fault is not None


@pytest.mark.parametrize("has_lengths", [True, False])
@pytest.mark.parametrize("sizes", ["same", "each", "compact"])
def test_an_index_that_no_player_opens(has_lengths: bool, sizes: str) -> None:
    """It names chunks without saying where they are, or says of no sample how long it is."""
    made = Mp4(media=(4, 4), sizes=sizes)
    assert probed(made.written()).fault is None
    data = replace(made, has_lengths=has_lengths, has_more_runs=has_lengths).written()
    assert played_ms(data) <= SCRAP_MS
    assert probed(data).fault is not None


@pytest.mark.parametrize("is_extended", [True, False], ids=["fragments may follow", "no fragments"])
@pytest.mark.parametrize(
    "edits", [((0, -1),), ((500, -1),), ((100, -1), (300, -1)), ((0, 0),), ((0, -1), (500, 0))], ids=str
)
def test_an_edit_list_that_plays_nothing(edits: tuple[tuple[int, int], ...], is_extended: bool) -> None:
    """Delays alone show no media, nor does a length of 0 where no fragment follows; the samples are all there."""
    data = Mp4(edits=edits, is_extended=is_extended).written()
    compare(data, 500, is_whole=True)
    assert (
        (played_ms(data) > SCRAP_MS) is (probed(data).fault is None) is any(length for length, at in edits if at >= 0)
    )


@pytest.mark.parametrize("length", [0xFFFFFFFF, 0x80000000, 0xFFFFFC00])
def test_a_length_below_zero_is_that_of_one_tick(length: int) -> None:
    """Writers compute it for a last sample that is stored out of order; players play the file whole."""
    lengths = struct.pack(">4sIIII", b"stts", 0, 1, 20, SAMPLE_BYTES)
    data = Mp4(media=(20,), index_at=1).written()  # the index is last, and may grow
    data = data.replace(lengths, struct.pack(">4sIIIIII", b"stts", 0, 2, 19, SAMPLE_BYTES, 1, length))
    for name in (b"moov", b"trak", b"mdia", b"minf", b"stbl", b"stts"):
        place = data.index(name) - 4
        (size,) = struct.unpack_from(">I", data, place)
        data = data[:place] + struct.pack(">I", size + 8) + data[place + 4 :]
    assert played_ms(data) == 2000
    facts = probed(data)
    assert (facts.fault, facts.remarks) == (None, ())
    assert facts.duration_ms == pytest.approx(1900, abs=1)
