"""MP3 files joined by their frames, held against what FFmpeg decodes of the parts and of the whole."""

import io
import math
from itertools import pairwise

import av
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dev.in_memory.builders import MP3_FRAME, pieces_of
from dev.in_memory.media_kinds import ape, id3, table_frame
from recording.domain.media.mp3 import frame_at
from recording.domain.media.mp3_join import Mp3Joiner
from recording.domain.media.probe import MediaProbe

ID3V1 = b"TAG" + bytes(125)


def encoded(seconds: float, rate: int = 16_000, layout: str = "mono", seed: int = 1, **options: str) -> bytes:
    """Encode a voice-like sound with LAME; `write_xing=0` leaves out the table, as a cut stream has none."""
    random = np.random.default_rng(seed)
    time = np.arange(int(seconds * rate)) / rate
    tone = 0.4 * np.sin(2 * np.pi * 300 * time) * (1 + np.sin(2 * np.pi * 2 * time)) / 2
    tone += 0.02 * random.standard_normal(len(time))
    channels = {"mono": 1, "stereo": 2}[layout]
    samples = np.stack([tone * (1 - 0.3 * number) for number in range(channels)]).astype(np.float32)
    file = io.BytesIO()
    muxing: dict[str, str] = {
        name: options.pop(name) for name in ("write_xing", "id3v2_version", "write_id3v1") if name in options
    }
    with av.open(file, "w", format="mp3", options=muxing) as output:
        bit_rate = int(options.pop("bit_rate", "0"))
        stream = output.add_stream("libmp3lame", rate=rate, layout=layout, options=options)
        assert isinstance(stream, av.AudioStream)
        if bit_rate:
            stream.bit_rate = bit_rate
        frame = av.AudioFrame.from_ndarray(samples, format="fltp", layout=layout)
        frame.sample_rate = rate
        for packet in [*stream.encode(frame), *stream.encode(None)]:
            output.mux(packet)
    return file.getvalue()


def plain(seconds: float, rate: int = 16_000, **more: str) -> bytes:
    return encoded(seconds, rate, **{"write_xing": "0", "id3v2_version": "0", **more})  # type: ignore[arg-type]


def frames_of(data: bytes) -> list[bytes]:
    """Cut a stream of nothing but frames into them."""
    found, at = [], 0
    while at + 4 <= len(data):
        frame = frame_at(data[at : at + 4])
        assert frame is not None
        found.append(data[at : at + frame.size])
        at += frame.size
    return found


def joined(files: list[bytes], *, is_continuing: bool = True, size: int = 1 << 16) -> tuple[bytes, Mp3Joiner]:
    joiner, made = Mp3Joiner(), b""
    for file in files:
        joiner.begin(is_continuing=is_continuing)
        for at in range(0, len(file), size):
            made += joiner.feed(file[at : at + size])
        made += joiner.end()
    return joiner.table() + made, joiner


def decoded(data: bytes) -> np.ndarray[tuple[int, ...], np.dtype[np.float32]]:
    with av.open(io.BytesIO(data), "r", format="mp3") as opened:
        return np.concatenate([frame.to_ndarray() for frame in opened.decode(audio=0)], axis=1)


def duration_ms(data: bytes) -> float:
    probe = MediaProbe(None)
    probe.feed(data)
    facts = probe.finish()
    assert facts.fault is None, facts
    return facts.duration_ms or 0.0


@pytest.mark.parametrize("layout", ["mono", "stereo"])
@pytest.mark.parametrize("rate", [8000, 16_000, 24_000, 44_100, 48_000])
@pytest.mark.parametrize("options", [{"bit_rate": "32000"}, {"bit_rate": "64000"}, {"compression_level": "5"}])
def test_a_joined_file_is_as_long_as_its_parts_and_says_so(rate: int, layout: str, options: dict[str, str]) -> None:
    """By the walker's count, by the table, and by what a decoder gives; whatever the bit rate does."""
    files = [encoded(1.3, rate, layout, seed, **options) for seed in range(3)]
    whole, joiner = joined(files)
    assert duration_ms(whole) == pytest.approx(sum(map(duration_ms, files)))
    with av.open(io.BytesIO(whole), "r", format="mp3") as opened:
        told = (opened.duration or 0) / 1000
        found = sum(frame.samples for frame in opened.decode(audio=0))
    assert told == pytest.approx(joiner.samples * 1000 / rate, abs=1)
    assert found == joiner.samples
    assert [part.silenced for part in joiner.parts] == [0, 0, 0]


def test_the_sound_is_the_parts_sound_and_has_no_click() -> None:
    """Behind the first frames of each part, which a decoder blends with what was before, it is the same to the bit."""
    files = [plain(1.0) for _ in range(3)]
    whole, joiner = joined(files)
    sound, parts = decoded(whole), [decoded(file) for file in files]
    for told, part in zip(joiner.parts, parts, strict=True):
        at, blended = told.first_sample, 2 * 576
        assert np.allclose(sound[:, at + blended : at + part.shape[1]], part[:, blended:], atol=1e-6)
    steps = np.abs(np.diff(sound[0]))
    for told in joiner.parts[1:]:
        near = steps[told.first_sample - 300 : told.first_sample + 300]
        assert near.max() <= max(np.abs(np.diff(part[0])).max() for part in parts)


@pytest.mark.slow
@settings(max_examples=30)
@given(st.integers(1, 5000), st.lists(st.integers(1, 60), min_size=1, max_size=4), st.booleans())
def test_a_stream_that_was_cut_between_frames_is_whole_again(size: int, cuts: list[int], is_tagged: bool) -> None:
    """The reservoir goes over the cuts: joined, the bytes are those of the stream, in pieces of any size."""
    stream = plain(2.0, bit_rate="48000")
    frames = frames_of(stream)
    places = sorted({0, len(frames), *(cut % len(frames) for cut in cuts)})
    files = [b"".join(frames[low:high]) for low, high in pairwise(places)]
    if is_tagged:
        files = [id3(77) + file + ape(bytes(20)) + ID3V1 for file in files]
    whole, joiner = joined(files, size=size)
    assert whole == joiner.table() + stream
    assert np.array_equal(decoded(whole), decoded(stream))


@pytest.mark.parametrize(
    ("rate", "bit_rate"), [(16_000, 48_000), (24_000, 64_000), (48_000, 64_000), (44_100, 128_000)]
)
def test_what_reaches_into_frames_that_are_not_there_is_silent_and_as_long(rate: int, bit_rate: int) -> None:
    """A chunk is missing in between: without care a decoder would play its neighbour's bits as noise."""
    frames = frames_of(plain(4.0, rate, bit_rate=str(bit_rate)))
    samples = 1152 if rate > 24_000 else 576
    start = next(number for number, frame in enumerate(frames) if number > 50 and (frame[4], frame[5] >> 7) > (0, 0))
    first, second = b"".join(frames[:40]), b"".join(frames[start:])
    whole, joiner = joined([first, second], is_continuing=False)
    told = joiner.parts[1]
    assert told.silenced > 0
    assert len(whole) == len(joiner.table()) + len(first) + len(second)
    sound = decoded(whole)
    assert sound.shape[1] == joiner.samples
    at, settled = told.first_sample, told.first_sample + (told.silenced + 2) * samples
    truth = decoded(b"".join(frames))[0, start * samples :]
    assert np.allclose(sound[0, settled:], truth[settled - at :], atol=1e-6)
    assert np.abs(sound[0, at:settled]).max() <= np.abs(truth).max() * 1.1
    assert np.abs(np.diff(sound[0, at - samples : settled])).max() <= np.abs(np.diff(truth)).max() * 1.1


def test_tables_tags_and_scraps_go_and_are_counted() -> None:
    """What is no sound of a part is none of the whole."""
    sound = MP3_FRAME * 10
    files = [id3(300) + table_frame(b"Xing", 10) + sound + ID3V1, b"\0" * 99 + sound + ape(), sound + MP3_FRAME[:50]]
    whole, joiner = joined(files)
    assert whole == joiner.table() + sound * 3
    assert [part.frames for part in joiner.parts] == [10, 10, 10]
    assert [part.scraps for part in joiner.parts] == [0, 99, 50]
    assert duration_ms(whole) == pytest.approx(3 * 10 * 36)


def test_the_table_leads_to_the_right_places() -> None:
    """A player that is asked for the middle begins there, in a file of changing bit rates too."""
    quiet, loud = plain(20.0, bit_rate="16000"), plain(20.0, bit_rate="128000")
    whole, _ = joined([quiet, loud])
    table = whole[: len(whole) - len(quiet) - len(loud)]
    places = table[table.index(b"Info") + 16 :][:100]
    middle = places[50] / 256 * len(whole)
    assert math.isclose(middle, len(table) + len(quiet), abs_tol=len(whole) / 100)
    assert list(places) == sorted(places)


@pytest.mark.parametrize("other", [plain(0.5, layout="stereo"), encoded(0.5, 24_000)])
def test_files_that_do_not_fit_are_refused(other: bytes) -> None:
    """A decoder would play one of them too fast, or stop."""
    with pytest.raises(ValueError, match="differ"):
        joined([plain(0.5), other])


def test_nothing_that_is_no_mp3_is_joined() -> None:
    """There is nothing to say how long it is."""
    with pytest.raises(ValueError, match="no frames"):
        joined([b"\0" * 3000])


@given(st.binary(max_size=3000), st.lists(st.integers(0, 3000), max_size=4))
def test_no_bytes_make_it_fail_and_no_cut_changes_it(data: bytes, cuts: list[int]) -> None:
    """Archived media may be anything; pieces are of any size."""
    joiner, made = Mp3Joiner(), b""
    joiner.begin(is_continuing=False)
    for piece in pieces_of(MP3_FRAME * 5 + data, tuple(cuts)):
        made += joiner.feed(bytes(piece))
    made += joiner.end()
    once, _ = joined([MP3_FRAME * 5 + data])
    assert once == joiner.table() + made
