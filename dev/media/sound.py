"""What a chunk sounds like: one voice per participant, speaking in turns, each with its own pitch.

Twenty seconds are synthesised and then repeated, so hours of sound cost little time and no memory. A short chime opens
every repetition; its pitch depends on the seed and on the repetition, so no two stretches of a file are the same.
"""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from dev.media.spec import SAMPLE_RATE_HZ, MediaSpec

Samples = NDArray[np.int16]
Curve = NDArray[np.float64]

PATTERN_SECONDS = 20
CHIME_SECONDS = 0.25
SPEECH_AMPLITUDE = 9000
HUM = 0.02
"""A silent participant is still faintly there, as a live microphone is; a channel of zeros would look broken."""
HARMONICS = ((1, 0.7), (2, 0.2), (3, 0.1))
LOWEST_PITCH_HZ, PITCH_STEP = 125, 1.189
"""Three semitones apart: participants can be told apart by ear and by a Fourier transform."""


@dataclass(frozen=True)
class Voice:
    """How one participant sounds, and in which seconds of the pattern they speak."""

    pitch_hz: float
    syllables_per_second: float
    phase: float
    speaks: NDArray[np.bool_]

    def loudness(self, seconds: Curve) -> Curve:
        """Return a value between 0 and 1 at each moment; the picture's level bars show the same."""
        within = seconds % PATTERN_SECONDS
        turn = self.speaks[within.astype(np.int64)] * np.sin(np.pi * (within % 1)) ** 0.3
        syllables = 0.25 + 0.75 * np.abs(np.sin(np.pi * self.syllables_per_second * within + self.phase))
        return np.maximum(turn * syllables, HUM)


def sound(spec: MediaSpec) -> Iterator[Samples]:
    """Yield the whole chunk in blocks of a second, each shaped (samples, channels); their lengths add up exactly."""
    pattern, left, second = _pattern(spec), spec.samples, 0
    while left > 0:
        block = _second_of(pattern, second, spec.seed)[:left]
        yield block
        left -= len(block)
        second += 1


def voices(spec: MediaSpec) -> tuple[Voice, ...]:
    """Return one voice per participant; a mixed recording without participants still has the room's."""
    random = np.random.default_rng(spec.seed)
    count = max(1, len(spec.participants))
    speaker_in_second = np.concatenate([random.permutation(count) for _ in range(PATTERN_SECONDS)])[:PATTERN_SECONDS]
    return tuple(_voice(place, speaker_in_second == place, random) for place in range(count))


def _voice(place: int, speaks: NDArray[np.bool_], random: np.random.Generator) -> Voice:
    detuned = LOWEST_PITCH_HZ * PITCH_STEP ** (place % 16) * random.uniform(0.97, 1.03)
    whole_cycles = round(detuned * PATTERN_SECONDS) / PATTERN_SECONDS  # so the pattern repeats without a click
    return Voice(whole_cycles, random.uniform(2.5, 4.5), random.uniform(0, np.pi), speaks)


def _pattern(spec: MediaSpec) -> Samples:
    seconds = np.arange(min(spec.samples, PATTERN_SECONDS * SAMPLE_RATE_HZ)) / SAMPLE_RATE_HZ
    spoken = [_spoken(voice, seconds) for voice in voices(spec)]
    columns = spoken if spec.channel == "unmixed" else [np.sum(spoken, axis=0)]
    return _as_samples(np.stack(columns, axis=1))


def _spoken(voice: Voice, seconds: Curve) -> Curve:
    cycle = 2 * np.pi * voice.pitch_hz * seconds
    tone: Curve = sum((share * np.sin(harmonic * cycle) for harmonic, share in HARMONICS), np.zeros_like(seconds))
    return SPEECH_AMPLITUDE * tone * voice.loudness(seconds)


def _second_of(pattern: Samples, second: int, seed: int) -> Samples:
    repetition, place = divmod(second, PATTERN_SECONDS)
    block = pattern[place * SAMPLE_RATE_HZ : (place + 1) * SAMPLE_RATE_HZ]
    return block if place else _with_chime(block, seed, repetition)


def _with_chime(block: Samples, seed: int, repetition: int) -> Samples:
    seconds = np.arange(min(len(block), int(CHIME_SECONDS * SAMPLE_RATE_HZ))) / SAMPLE_RATE_HZ
    pitch_hz = 600 + (seed * 7919 + repetition * 613) % 14_000 / 10
    chime = SPEECH_AMPLITUDE / 2 * np.sin(2 * np.pi * pitch_hz * seconds) * (1 - seconds / CHIME_SECONDS)
    opened = block.copy()
    opened[: len(chime)] = _as_samples(block[: len(chime)] + chime[:, np.newaxis])
    return opened


def _as_samples(curve: Curve) -> Samples:
    return np.clip(curve, -32768, 32767).astype("<i2")
