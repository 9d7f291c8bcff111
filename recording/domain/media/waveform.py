"""Waveforms: the loudest sample of each short stretch of time, from 0 to 255, counted while the bytes go by. Pure.

Of 16-bit samples the upper byte is looked at, so the quietest step is 42 dB below full scale. Of very long files every
few samples are looked at: a processor has seconds for a waveform, and a stretch still has hundreds of samples.
"""

from dataclasses import dataclass
from math import ceil

from recording.domain.media.wav_layout import WavLayout

MOST_BUCKETS = 7200
SHORTEST_BUCKET_SECONDS = 0.05
MOST_SAMPLES = 40_000_000  # looked at in one file: about a second of one processor
_PCM = 1
_SIGNED = bytes(min(127, value if value < 128 else 255 - value) for value in range(256))
_UNSIGNED = bytes(min(127, abs(value - 128)) for value in range(256))


@dataclass(frozen=True)
class Waveform:
    """The peaks of each channel, one for each `bucket_seconds`; `how` says what they were made from."""

    bucket_seconds: float
    channels: tuple[tuple[int, ...], ...]
    how: str


class WavWaveform:
    """Takes the bytes of a WAV file's sound.

    Raises:
        ValueError: when its samples are not integers.
    """

    def __init__(self, layout: WavLayout) -> None:
        if layout.kind != _PCM:
            raise ValueError("the samples are not integers")
        self._layout = layout
        self._stride = max(1, ceil(layout.frames * layout.channels / MOST_SAMPLES))
        frames = max(layout.frames / MOST_BUCKETS, layout.sample_rate * SHORTEST_BUCKET_SECONDS)
        self._bucket = max(1, ceil(frames / self._stride))  # samples that are looked at in a bucket of one channel
        self._table = _UNSIGNED if layout.sample_bytes == 1 else _SIGNED
        self._left = layout.sound_bytes
        self._rest = b""
        self._waiting = [b""] * layout.channels
        self._peaks: list[list[int]] = [[] for _ in range(layout.channels)]

    def feed(self, piece: bytes) -> None:
        """Take the next bytes of the sound; what follows it is skipped."""
        data = self._rest + piece[: self._left]
        self._left -= min(self._left, len(piece))
        step = self._layout.frame_bytes * self._stride
        whole = len(data) - len(data) % step
        self._rest = data[whole:]
        width = self._layout.sample_bytes
        for channel in range(self._layout.channels):
            upper = data[channel * width + width - 1 : whole : step].translate(self._table)
            self._count(channel, self._waiting[channel] + upper)

    def finish(self) -> Waveform:
        """Return the waveform of what was there."""
        for peaks, rest in zip(self._peaks, self._waiting, strict=True):
            if rest:
                peaks.append(_scaled(max(rest)))
        seconds = self._bucket * self._stride / self._layout.sample_rate
        return Waveform(seconds, tuple(map(tuple, self._peaks)), "samples")

    def _count(self, channel: int, levels: bytes) -> None:
        size = self._bucket
        whole = len(levels) - len(levels) % size
        self._peaks[channel] += [_scaled(max(levels[at : at + size])) for at in range(0, whole, size)]
        self._waiting[channel] = levels[whole:]


def _scaled(level: int) -> int:
    return level * 2 + 1 if level else 0
