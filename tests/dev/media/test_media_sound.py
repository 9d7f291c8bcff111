"""Each participant can be told from the others by ear, in every chunk."""

from dataclasses import replace

import numpy as np
import pytest
from numpy.typing import NDArray

from dev.media import MediaSpec
from dev.media.sound import sound, voices

UNMIXED = MediaSpec("audio", "unmixed", "wav", 45_000, ("a", "b", "c", "d", "e"), seed=7)


def test_the_blocks_add_up_to_the_recorded_time() -> None:
    """Lengths are exact down to the sample, or the WAV header lies."""
    for duration_ms in (1, 999, 20_000, 45_001):
        assert sum(len(block) for block in sound(replace(UNMIXED, duration_ms=duration_ms))) == duration_ms * 16


def test_every_channel_has_its_own_pitch() -> None:
    """Unmixed audio is only worth something when the channels can be attributed."""
    heard = _whole(UNMIXED)
    pitches = [_loudest_hz(heard[:, channel]) for channel in range(5)]
    expected = [voice.pitch_hz for voice in voices(UNMIXED)]
    assert pitches == pytest.approx(expected, abs=2)
    assert min(np.diff(sorted(pitches))) > 10


def test_nobody_is_ever_completely_silent() -> None:
    """A channel of zeros would look like the silent recordings users report."""
    after_the_chime = _whole(replace(UNMIXED, duration_ms=1000))[4000:]
    for channel in after_the_chime.T:
        assert np.abs(channel.astype(int)).max() > 50


def test_another_seed_sounds_different() -> None:
    """Swapped chunks must be noticed."""
    assert not np.array_equal(_whole(UNMIXED), _whole(replace(UNMIXED, seed=8)))


def test_no_two_repetitions_of_the_pattern_are_the_same() -> None:
    """A copy that repeats or skips a stretch would otherwise go unseen."""
    heard = _whole(UNMIXED)
    assert not np.array_equal(heard[: 20 * 16_000], heard[20 * 16_000 : 40 * 16_000])


def test_mixed_audio_holds_everybody() -> None:
    """One channel, all voices."""
    heard = _whole(replace(UNMIXED, channel="mixed"))
    spectrum = np.abs(np.fft.rfft(heard[:, 0]))
    typical = float(np.median(spectrum))
    for voice in voices(UNMIXED):
        assert spectrum[round(voice.pitch_hz * 45)] > 20 * typical


def _whole(spec: MediaSpec) -> NDArray[np.int16]:
    return np.concatenate(list(sound(spec)))


def _loudest_hz(channel: NDArray[np.int16]) -> float:
    quiet_of_chimes = channel[4000 : 20 * 16_000]
    spectrum = np.abs(np.fft.rfft(quiet_of_chimes))
    return float(np.argmax(spectrum) * 16_000 / len(quiet_of_chimes))
