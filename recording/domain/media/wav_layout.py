"""Where the sound of a WAV file is, and how one speaker's samples are taken out of it. Pure."""

import struct
from dataclasses import dataclass

HEAD_BYTES = 64 * 1024  # within these the sound begins: what comes before is a few small chunks
MONO_HEADER_BYTES = 44
_EXTENSIBLE = 0xFFFE
_UNFILLED = (0, 0xFFFFFFFF)
_RIFF_ALIKE = (b"RIFF", b"RF64", b"BW64")


@dataclass(frozen=True)
class WavLayout:
    """Where the sound is and how it is built.

    Attributes:
        kind: 1 for integers (PCM); others as the format's table says.
        frame_bytes: of one sample of every channel.
    """

    sound_at: int
    sound_bytes: int
    kind: int
    channels: int
    sample_rate: int
    frame_bytes: int

    @property
    def sample_bytes(self) -> int:
        """Return the bytes of one sample of one channel."""
        return self.frame_bytes // self.channels

    @property
    def frames(self) -> int:
        """Return how many samples each channel has."""
        return self.sound_bytes // self.frame_bytes

    @property
    def seconds(self) -> float:
        """Return how long it plays."""
        return self.frames / self.sample_rate

    @property
    def mono_bytes(self) -> int:
        """Return the length of a WAV file with one of its channels."""
        return MONO_HEADER_BYTES + self.frames * self.sample_bytes


def read_wav_layout(head: bytes, total: int) -> WavLayout:
    """Return the layout that the first bytes of a file tell.

    Args:
        head: its first HEAD_BYTES, or all of a shorter file.
        total: its length; a size of the sound that was never filled in reaches to the end.

    Raises:
        ValueError: it is no WAV file, or its sound does not begin within the head.
    """
    if head[:4] not in _RIFF_ALIKE or head[8:12] != b"WAVE":
        raise ValueError("this is no WAV file")
    at, large, form = 12, 0, None
    while at + 8 <= len(head):
        name, size = struct.unpack_from("<4sI", head, at)
        body = head[at + 8 : at + 8 + size]
        if name == b"ds64" and len(body) >= 16:
            large = int.from_bytes(body[8:16], "little")
        elif name == b"fmt " and len(body) >= 16:
            form = _form(body)
        elif name == b"data" and form is not None:
            return _layout(at + 8, large or size if size == _UNFILLED[1] else size, total, form)
        at += 8 + size + (size & 1)
    raise ValueError("the WAV file's sound does not begin where it should")


def _form(body: bytes) -> tuple[int, int, int, int]:
    kind, channels, rate, _, align, bits = struct.unpack_from("<HHIIHH", body)
    if kind == _EXTENSIBLE and len(body) >= 26:
        kind = int.from_bytes(body[24:26], "little")
    frame = channels * ((bits + 7) // 8) or align
    if not (channels and rate and frame) or frame % channels:
        raise ValueError("the WAV file's format cannot be read")
    return kind, channels, rate, frame


def _layout(sound_at: int, size: int, total: int, form: tuple[int, int, int, int]) -> WavLayout:
    there = max(total - sound_at, 0)
    kind, channels, rate, frame = form
    return WavLayout(sound_at, there if size in _UNFILLED else min(size, there), kind, channels, rate, frame)


def mono_header(layout: WavLayout) -> bytes:
    """Return the header of a WAV file that holds one of the channels."""
    width, size = layout.sample_bytes, layout.mono_bytes - MONO_HEADER_BYTES
    form = struct.pack("<HHIIHH", layout.kind, 1, layout.sample_rate, layout.sample_rate * width, width, width * 8)
    riff = b"RIFF" + struct.pack("<I", size + MONO_HEADER_BYTES - 8) + b"WAVE"
    return riff + b"fmt " + struct.pack("<I", len(form)) + form + b"data" + struct.pack("<I", size)


def channel_of(frames: bytes, layout: WavLayout, channel: int) -> bytes:
    """Return one channel's samples out of whole frames."""
    width, step, start = layout.sample_bytes, layout.frame_bytes, channel * layout.sample_bytes
    taken = bytearray(len(frames) // step * width)
    for place in range(width):
        taken[place::width] = frames[start + place :: step]
    return bytes(taken)
