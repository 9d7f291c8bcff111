"""The loudness of MP3 by its frames' side information, held against what a decoder makes of the same file."""

import math
from pathlib import Path

import av
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from dev.in_memory.builders import MP3_FRAME, mp3, pieces_of
from recording.domain.media.mp3_envelope import Mp3Envelope
from recording.domain.media.waveform import Waveform

RATE = 16_000
LEVELS = (0.0, 0.003, 0.01, 0.05, 0.2, 0.7)  # of the seconds of the file, again and again


def drawn(data: bytes, cuts: tuple[int, ...] = ()) -> Waveform:
    made = Mp3Envelope()
    for piece in pieces_of(data, cuts):
        made.feed(piece)
    return made.finish()


@pytest.fixture(scope="module")
def encoded(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A minute of voiced sound whose loudness steps each second."""
    random = np.random.default_rng(5)
    seconds = np.arange(RATE * 60) / RATE
    level = np.array([LEVELS[int(at) % len(LEVELS)] for at in seconds])
    voice = sum(np.sin(2 * np.pi * 120 * tone * seconds) / tone for tone in range(1, 15))
    samples = (level * (voice / np.abs(voice).max() + random.normal(0, 0.05, len(seconds))) * 30_000).clip(
        -32768, 32767
    )
    path = tmp_path_factory.mktemp("mp3") / "steps.mp3"
    with av.open(str(path), "w", format="mp3") as container:
        stream = container.add_stream("libmp3lame", rate=RATE, layout="mono")
        stream.bit_rate = 48_000
        for at in range(0, len(samples), RATE):
            frame = av.AudioFrame.from_ndarray(samples[None, at : at + RATE].astype(np.int16), "s16", "mono")
            frame.sample_rate, frame.pts = RATE, at
            container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
    return path


def decoded_peaks(path: Path, bucket_seconds: float) -> list[float]:
    with av.open(str(path)) as container:
        sound = np.concatenate([frame.to_ndarray()[0] for frame in container.decode(audio=0)]).astype(float)
    scale = 32768 if np.abs(sound).max() > 2 else 1
    size = int(bucket_seconds * RATE)
    return [float(np.abs(sound[at : at + size]).max()) / scale for at in range(0, len(sound), size)]


def test_loud_is_loud_and_silence_is_silence(encoded: Path) -> None:
    """Each second's level, within what an eye can tell on a waveform: 6 dB for most, and in the right order."""
    found = drawn(encoded.read_bytes())
    truth = decoded_peaks(encoded, found.bucket_seconds)
    by_level: dict[float, list[float]] = {level: [] for level in LEVELS}
    errors = []
    for place, (peak, true) in enumerate(zip(found.channels[0], truth, strict=False)):
        middle = (place + 0.5) * found.bucket_seconds - 0.07  # the encoder's delay
        if 0.25 < middle % 1 < 0.75:
            by_level[LEVELS[int(middle) % len(LEVELS)]].append(peak)
            if true > 0.02 and peak:
                errors.append(abs(20 * math.log10(peak / 255 / true)))
    medians = [float(np.median(by_level[level])) for level in LEVELS]
    assert medians == sorted(medians)
    assert medians[0] <= 1
    assert medians[-1] > 100
    assert float(np.median(errors)) < 6


def test_the_peaks_cover_the_whole_file(encoded: Path) -> None:
    """A place on the waveform is a time."""
    found = drawn(encoded.read_bytes())
    assert found.how == "frame gains"
    assert abs(len(found.channels[0]) * found.bucket_seconds - 60) < 0.3


@given(st.lists(st.integers(0, 20_000), max_size=5))
def test_pieces_may_be_cut_anywhere(cuts: list[int]) -> None:
    """Also inside a header, a tag or a frame."""
    data = mp3(60, tag=300)
    assert drawn(data, tuple(cuts)) == drawn(data)


def test_silent_frames_are_silence() -> None:
    """Frames without any bits of sound."""
    found = drawn(MP3_FRAME * 100)
    assert set(found.channels[0]) == {0}
    assert abs(len(found.channels[0]) * found.bucket_seconds - 3.6) < found.bucket_seconds


def test_other_bytes_between_the_frames_are_stepped_over() -> None:
    """Tags in the middle of joined files."""
    assert (
        drawn(b"junk" * 50 + MP3_FRAME * 20 + b"\0" * 777 + MP3_FRAME * 20).channels == drawn(MP3_FRAME * 40).channels
    )


@given(st.binary(max_size=3000))
def test_no_bytes_make_it_fail_otherwise(data: bytes) -> None:
    """Archived media may be anything."""
    try:
        found = drawn(data)
    except ValueError:
        return
    assert all(0 <= peak <= 255 for peak in found.channels[0])
