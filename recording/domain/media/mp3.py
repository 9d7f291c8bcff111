"""MP3: a row of frames; their count is the duration (MPEG audio layer III, ISO 11172-3 and 13818-3)."""

from functools import lru_cache
from typing import NamedTuple

_BIT_RATES_1 = (0, 32, 40, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320)
_BIT_RATES_2 = (0, 8, 16, 24, 32, 40, 48, 56, 64, 80, 96, 112, 128, 144, 160)
_SAMPLE_RATES = {3: (44100, 48000, 32000), 2: (22050, 24000, 16000), 0: (11025, 12000, 8000)}
_MOST_LOST_BYTES = 64 * 1024  # tags and padding are smaller; more than this between frames is not an MP3 any more
_ID3V1_BYTES = 128


class Frame(NamedTuple):
    """One frame's header, decoded."""

    size: int
    samples: int
    sample_rate: int
    channels: int


@lru_cache(maxsize=256)
def frame_at(header: bytes) -> Frame | None:
    """The frame that four bytes announce, or None if they are not a layer III frame header."""
    word = int.from_bytes(header, "big")
    version, layer = word >> 19 & 3, word >> 17 & 3
    bits, rate, padding = word >> 12 & 15, word >> 10 & 3, word >> 9 & 1
    if word >> 21 != 0x7FF or version == 1 or layer != 1 or bits in (0, 15) or rate == 3:
        return None
    is_one = version == 3
    sample_rate = _SAMPLE_RATES[version][rate]
    bit_rate = (_BIT_RATES_1 if is_one else _BIT_RATES_2)[bits] * 1000
    size = (144 if is_one else 72) * bit_rate // sample_rate + padding
    return Frame(size, 1152 if is_one else 576, sample_rate, 1 if word >> 6 & 3 == 3 else 2)


def is_mp3(head: bytes) -> bool:
    """Whether a file starts like an MP3: with an ID3 tag or a frame."""
    return head[:3] == b"ID3" or frame_at(head[:4]) is not None


class Mp3Walker:
    """Steps from frame to frame; only the piece at hand and a few bytes before it are kept."""

    def __init__(self) -> None:
        self._rest = b""
        self._skip = 0
        self._started = False
        self._lost = 0
        self._samples = 0
        self._frame: Frame | None = None

    def feed(self, piece: memoryview) -> None:
        """Takes the next bytes.

        Raises:
            ValueError: when there is too much between the frames.
        """
        if self._skip >= len(piece):
            self._skip -= len(piece)
            return
        data = self._rest + bytes(piece[self._skip :])
        self._skip = 0
        self._walk(data, self._after_tag(data))

    def finish(self) -> tuple[float | None, int | None, int | None]:
        """Duration in ms, channels and sample rate.

        Raises:
            ValueError: when no sound was found.
        """
        if self._frame is None or self._lost > max(_ID3V1_BYTES + 4, _MOST_LOST_BYTES):
            raise ValueError("the MP3 file holds no frames")
        return self._samples * 1000 / self._frame.sample_rate, self._frame.channels, self._frame.sample_rate

    def _after_tag(self, data: bytes) -> int:
        """Where the frames begin: behind an ID3v2 tag (its size is four times seven bits)."""
        if self._started:
            return 0
        self._started = True
        if data[:3] != b"ID3":
            return 0
        return 10 + (data[6] << 21 | data[7] << 14 | data[8] << 7 | data[9])

    def _walk(self, data: bytes, at: int) -> None:
        last = len(data) - 4
        while at <= last:
            frame = frame_at(data[at : at + 4])
            if frame is None:
                at += 1
                self._lost += 1
                if self._lost > _MOST_LOST_BYTES:
                    raise ValueError("the MP3 file's frames do not follow each other")
                continue
            self._samples += frame.samples
            self._frame = self._frame or frame
            at += frame.size
        self._rest = data[at:] if at < len(data) else b""
        self._skip = max(0, at - len(data))
