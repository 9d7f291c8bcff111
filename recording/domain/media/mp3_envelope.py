"""The loudness of MP3 sound, read from the side information of its frames: no sample is decoded. Pure.

A frame says how its quantised lines are scaled (`global_gain`), and by its choice of Huffman tables how large the
largest of them is; together they tell how loud it is, within a few decibels for voices. That is enough to see speech
and silence, without a decoder (ISO 11172-3, 2.4.1.7 and table B.7; 13818-3 for the lower rates).
"""

from math import log2

from recording.domain.media.mp3 import WITHOUT_SOUND, frame_at
from recording.domain.media.waveform import MOST_BUCKETS, SHORTEST_BUCKET_SECONDS, Waveform

_HEADER, _CRC = 4, 2
_LOUDEST = 255
_GAIN_OF_ONE = 210  # `global_gain` at which lines are not scaled
_SCALE = 0.8  # powers of two between the largest line and full scale, found by decoding voices
_POWER = 4 / 3  # a line's value is raised to this power
_SMALL_TABLES = (0, 1, 2, 2, 0, 3, 3, 5, 5, 5, 7, 7, 7, 15, 0, 15)  # the largest value of Huffman tables 0 to 15
_ESCAPE_BITS = (1, 2, 3, 4, 6, 8, 10, 13, 4, 5, 6, 7, 8, 9, 11, 13)  # of tables 16 to 31, for values beyond 14
_LARGEST = (*_SMALL_TABLES, *(14 + (1 << bits) for bits in _ESCAPE_BITS))
_LONGEST_FRAME = 4096


class Mp3Envelope:
    """Takes the bytes of an MP3 file; steps from frame to frame, and skips what is not one."""

    def __init__(self) -> None:
        self._rest = b""
        self._skip = 0
        self._levels = bytearray()
        self._frame_seconds = 0.0

    def feed(self, piece: bytes) -> None:
        """Take the next bytes."""
        self._walk(self._rest + piece, keep=_LONGEST_FRAME)

    def finish(self) -> Waveform:
        """Return the waveform.

        Raises:
            ValueError: when there was no frame.
        """
        self._walk(self._rest, keep=0)
        if not self._levels:
            raise ValueError("the MP3 file holds no frames")
        size = max(len(self._levels) / MOST_BUCKETS, SHORTEST_BUCKET_SECONDS / self._frame_seconds)
        size = int(size) + (size > int(size))
        peaks = tuple(max(self._levels[at : at + size]) for at in range(0, len(self._levels), size))
        return Waveform(size * self._frame_seconds, (peaks,), "frame gains")

    def _walk(self, data: bytes, keep: int) -> None:
        at = min(self._skip, len(data))
        self._skip -= at
        while at + _HEADER <= len(data) - keep:
            if data[at : at + 3] == b"ID3":
                at += _tag_bytes(data[at : at + 10])
                continue
            frame = frame_at(data[at : at + _HEADER])
            if frame is None:
                at = _next_sync(data, at + 1)
                continue
            self._take(data[at : at + frame.size], frame.samples / frame.sample_rate)
            at += frame.size
        self._skip += max(0, at - len(data))
        self._rest = data[at:]

    def _take(self, frame: bytes, seconds: float) -> None:
        if any(name in frame[:60] for name in WITHOUT_SOUND):
            return
        self._frame_seconds = self._frame_seconds or seconds
        self._levels.append(_level_of(frame))


def _level_of(frame: bytes) -> int:
    """Return how loud a frame is, from 0 to 255: the loudest of its granules and channels."""
    is_one, has_crc, is_mono = frame[1] >> 3 & 1, not frame[1] & 1, frame[3] >> 6 == 3
    channels = 1 if is_mono else 2
    if is_one:
        size, before, width, count = (17 if is_mono else 32), 9 + (5 if is_mono else 3) + 4 * channels, 59, 2 * channels
    else:
        size, before, width, count = (9 if is_mono else 17), 8 + channels, 63, channels
    start = _HEADER + (_CRC if has_crc else 0)
    side, bits = int.from_bytes(frame[start : start + size].ljust(size, b"\0"), "big"), size * 8
    parts = [side >> bits - before - (part + 1) * width & (1 << width) - 1 for part in range(count)]
    return max(_loudness(part, width) for part in parts)


def _loudness(part: int, width: int) -> int:
    """Return how loud the sound of one granule and channel is, by its part of the side information."""
    length_bits, gain = part >> width - 12, part >> width - 29 & 255
    rest = width - 29 - (4 if width == 59 else 9)  # behind what the scale factors take
    tables = part >> rest - 14 & 1023 if part >> rest - 1 & 1 else part >> rest - 16 & 0x7FFF
    largest = max(_LARGEST[tables >> shift & 31] for shift in (10, 5, 0))
    if not length_bits or not largest:
        return 0
    power = (gain - _GAIN_OF_ONE) / 4 + _POWER * log2(largest) + _SCALE
    return int(_LOUDEST * 2.0 ** min(power, 0.0) + 0.5)


def _tag_bytes(head: bytes) -> int:
    """Return the length of an ID3 tag; its size has seven bits in each byte."""
    sizes = head[6:10].ljust(4, b"\0")
    return 10 + sum((byte & 127) << shift for byte, shift in zip(sizes, (21, 14, 7, 0), strict=True))


def _next_sync(data: bytes, at: int) -> int:
    found = [place for place in (data.find(b"\xff", at), data.find(b"ID3", at)) if place >= 0]
    return min(found, default=len(data))
