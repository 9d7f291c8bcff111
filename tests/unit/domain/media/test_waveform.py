"""Waveforms of WAV: the loudest sample of each stretch, however the bytes arrive."""

import struct
import time
from array import array
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from recording.domain.media import waveform
from recording.domain.media.wav_layout import WavLayout
from recording.domain.media.waveform import MOST_BUCKETS, WavWaveform


def layout(sound: bytes, channels: int = 1, rate: int = 1000, width: int = 2) -> WavLayout:
    return WavLayout(44, len(sound), 1, channels, rate, channels * width)


def drawn(sound: bytes, shape: WavLayout, cuts: tuple[int, ...] = ()) -> tuple[tuple[int, ...], ...]:
    made = WavWaveform(shape)
    edges = [0, *sorted(cuts), len(sound)]
    for start, end in pairwise(edges):
        made.feed(sound[start:end])
    return made.finish().channels


def reference(samples: list[int], size: int) -> tuple[int, ...]:
    """The same by the book: upper byte of the magnitude, the largest of each stretch."""
    levels = [min(127, (value if value >= 0 else -value - 1) >> 8) for value in samples]
    loudest = [max(levels[at : at + size]) for at in range(0, len(levels), size)]
    return tuple(level * 2 + 1 if level else 0 for level in loudest)


@given(st.lists(st.integers(-32768, 32767), min_size=1, max_size=400), st.integers(1, 5), st.data())
def test_each_peak_is_the_loudest_sample_of_its_stretch(values: list[int], channels: int, data: st.DataObject) -> None:
    """Whatever the number of channels, and wherever the pieces are cut."""
    whole = values[: len(values) - len(values) % channels]
    sound = array("h", whole).tobytes()
    cuts = tuple(data.draw(st.lists(st.integers(0, len(sound)), max_size=4)))
    found = drawn(sound, layout(sound, channels), cuts)
    assert found == tuple(reference(whole[channel::channels], 50) for channel in range(channels))


def test_full_scale_and_silence_are_the_ends() -> None:
    """Of the upper byte; 42 dB below full scale is nothing."""
    sound = array("h", [0] * 50 + [-32768] * 50 + [32767] * 50 + [255] * 50).tobytes()
    assert drawn(sound, layout(sound)) == ((0, 255, 255, 0),)


@pytest.mark.parametrize("width", [1, 2, 3, 4])
def test_every_width_of_integers_is_drawn(width: int) -> None:
    """8 bits are unsigned, the others signed."""
    loud = b"\xff" if width == 1 else bytes(width - 1) + b"\x7f"
    quiet = b"\x80" if width == 1 else bytes(width)
    sound = quiet * 50 + loud * 50
    assert drawn(sound, layout(sound, width=width)) == ((0, 255),)


def test_other_samples_than_integers_are_not_drawn() -> None:
    """A made-up picture is worse than none."""
    with pytest.raises(ValueError, match="not integers"):
        WavWaveform(WavLayout(44, 100, 3, 1, 8000, 4))


def test_what_lies_behind_the_sound_is_not_sound() -> None:
    """Tags at the end are loud."""
    sound = array("h", [100] * 100).tobytes()
    made = WavWaveform(layout(sound))
    made.feed(sound + b"\x7f" * 500)
    assert made.finish().channels == ((0, 0),)


@pytest.mark.slow
def test_a_long_file_has_no_more_peaks_than_a_page_can_draw() -> None:
    """Four hours: fewer than 7,200, in seconds of work, and a single loud second is still seen."""
    rate, seconds = 16_000, 4 * 3600
    shape = WavLayout(44, rate * seconds * 2, 1, 1, rate, 2)
    silence, loud = bytes(rate * 2 * 60), struct.pack("<h", 20_000) * rate + bytes(rate * 2 * 59)
    made, begun = WavWaveform(shape), time.process_time()
    for minute in range(seconds // 60):
        made.feed(loud if minute == 100 else silence)
    found = made.finish()
    assert len(found.channels[0]) <= MOST_BUCKETS
    assert abs(len(found.channels[0]) * found.bucket_seconds - seconds) < found.bucket_seconds
    at = max(range(len(found.channels[0])), key=lambda place: found.channels[0][place])
    assert at * found.bucket_seconds <= 6000 < (at + 2) * found.bucket_seconds
    assert time.process_time() - begun < 30


def test_the_work_is_bounded_by_looking_at_fewer_samples(monkeypatch: pytest.MonkeyPatch) -> None:
    """The peaks of steady sound stay the same."""
    sound = array("h", [20_000] * 10_000).tobytes()
    whole = drawn(sound, layout(sound))
    monkeypatch.setattr(waveform, "MOST_SAMPLES", 1000)
    made = WavWaveform(layout(sound))
    made.feed(sound)
    found = made.finish()
    assert set(found.channels[0]) == set(whole[0])
    assert abs(len(found.channels[0]) * found.bucket_seconds - 10) < 0.2
