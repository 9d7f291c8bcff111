"""Where the sound of a WAV file is, how one speaker's samples are taken out of it, and what stands before it. Pure."""

import struct
from collections.abc import Callable, Generator
from dataclasses import dataclass, replace

HEAD_BYTES = 64 * 1024  # within these the sound nearly always begins: only a few small chunks precede it
MONO_HEADER_BYTES = 44
MOST_CHUNKS = 1000  # before the sound; a file with more is none
LARGEST_RIFF = 0xFFFFFFFE  # as an outer size; a longer file has the form for large files
CHUNK_IDS = (b"fmt ", b"data", b"LIST", b"fact", b"bext", b"JUNK", b"junk", b"id3 ", b"ID3 ", b"PEAK", b"cue ")
_PCM, EXTENSIBLE = 1, 0xFFFE
_UNFILLED = (0, 0xFFFFFFFF)
_ALL_ONES = 0xFFFFFFFF
LARGE_FORMS = (b"RF64", b"BW64")
_LARGEST_FORM = 40  # the extensible one; what writers add behind it is theirs
# What follows the kind in the 16 bytes of an extensible form, as players know it: the usual one, that of ambisonics,
# and one that some writers have shifted by four bytes.
_BASES = (
    bytes.fromhex("0000 1000 8000 00aa 0038 9b71"),
    bytes.fromhex("2107 d311 8644 c8c1 ca00 0000"),
    bytes.fromhex("0000 0000 0000 1000 8000 00aa"),
)
_LAWS = (6, 7)
_SPLITTABLE = (1, 3, 6, 7)  # integers, floats, A-law, µ-law: each sample has its own bytes


@dataclass(frozen=True)
class WavLayout:
    """Where the sound is and how it is built.

    Attributes:
        kind: 1 for integers (PCM); others as the format's table says.
        frame_bytes: of one sample of every channel.
        form: the format chunk's content, as the file has it.
    """

    sound_at: int
    sound_bytes: int
    kind: int
    channels: int
    sample_rate: int
    frame_bytes: int
    form: bytes = b""

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
        return len(mono_header(self)) + self.frames * self.sample_bytes

    @property
    def has_plain_samples(self) -> bool:
        """Return whether each sample has bytes of its own, so that files can be cut and joined between them."""
        return self.kind in _SPLITTABLE

    @property
    def bits(self) -> int:
        """Return the bits of a sample, as the format says."""
        return int.from_bytes(self.form[14:16], "little")

    def fits(self, other: "WavLayout") -> bool:
        """Return whether both files' samples may follow each other."""
        mine = (self.kind, self.channels, self.sample_rate, self.frame_bytes, self.bits)
        return mine == (other.kind, other.channels, other.sample_rate, other.frame_bytes, other.bits)


def read_wav_layout(head: bytes, total: int) -> WavLayout:
    """Return the layout that the first bytes of a file describe.

    Args:
        head: its first HEAD_BYTES, or all of a shorter file.
        total: its length; a size of the sound that was never filled in reaches to the end.

    Raises:
        ValueError: it is not a WAV file, or its sound does not begin within the head.
    """
    return find_wav_layout(lambda first, length: head[first : first + length], total)


def find_wav_layout(read: Callable[[int, int], bytes], total: int) -> WavLayout:
    """Return the layout of a file, wherever its sound begins.

    Args:
        read: returns so many bytes from there, or fewer at the end.
        total: as `read_wav_layout`.

    Raises:
        ValueError: it is not a WAV file, or has no sound.
    """
    stepping = _chunks(total)
    first, length = next(stepping)
    try:
        while True:
            first, length = stepping.send(read(first, length))
    except StopIteration as end:
        layout: WavLayout = end.value
        return layout


def in_windows(read: Callable[[int, int], bytes], total: int) -> Callable[[int, int], bytes]:
    """Return a reader that asks `read` for HEAD_BYTES at once, for what is wanted is small and close together."""
    known: list[tuple[int, bytes]] = [(0, b"")]

    def part(first: int, length: int) -> bytes:
        begin, window = known[0]
        if not begin <= first <= min(first + length, total) <= begin + len(window):
            most = max(min(max(length, HEAD_BYTES), total - first), 0)
            begin, window = known[0] = first, read(first, most) if most else b""
        return window[first - begin : first - begin + length]

    return part


def _chunks(total: int) -> Generator[tuple[int, int], bytes, WavLayout]:
    """Ask for places of the file, chunk by chunk, until the sound is found."""
    head = yield 0, 12
    is_large = head[:4] in LARGE_FORMS
    if not (is_large or head[:4] == b"RIFF") or head[8:12] != b"WAVE":
        raise ValueError("this is not a WAV file")
    at, large, form = 12, 0, b""
    for _ in range(MOST_CHUNKS):
        header = yield at, 8
        if len(header) < 8:
            break
        name, size = struct.unpack("<4sI", header)
        if name == b"data" and form:
            return _layout(at + 8, (large or size) if is_large else size, total, form)
        if name in (b"fmt ", b"ds64"):
            body = yield at + 8, min(size, _LARGEST_FORM)
            if name == b"fmt " and len(body) >= 16 and not form:  # players believe the first
                form = body
            elif name == b"ds64" and len(body) >= 16:
                large = int.from_bytes(body[8:16], "little")
        at += 8 + size
        if size & 1:
            at += not is_unpadded((yield at, 9))
    raise ValueError("the WAV file's sound does not begin where it should")


def is_unpadded(behind: bytes) -> bool:
    """Return whether a chunk of odd size has no padding: the nine bytes behind it begin with the next one."""
    return behind[:4] in CHUNK_IDS and behind[1:5] not in CHUNK_IDS


def bytes_of_sample(kind: int, bits: int, apart: float) -> int:
    """Return the bytes of one sample; those of A-law and µ-law have one, whatever the format says.

    Args:
        kind: as the format's table says.
        bits: as the format says.
        apart: how many bytes a sample of one channel takes in a frame: 24 bits may be stored in four.
    """
    if kind == _PCM and (bits, apart) == (24, 4):
        return 4
    return 1 if kind in _LAWS else (bits + 7) // 8


def extended_kind(sixteen: bytes) -> int:
    """Return the kind that the 16 bytes of an extensible form name, or the form's own, which no player plays."""
    return int.from_bytes(sixteen[:4], "little") if sixteen[4:16] in _BASES else EXTENSIBLE


def _layout(sound_at: int, size: int, total: int, form: bytes) -> WavLayout:
    there = max(total - sound_at, 0)
    kind, channels, rate, _, align, bits = struct.unpack_from("<HHIIHH", form)
    if kind == EXTENSIBLE and len(form) >= 26:
        kind = int.from_bytes(form[24:26], "little")
    frame = channels * bytes_of_sample(kind, bits, align / max(channels, 1)) or align
    if not (channels and rate and frame) or frame % channels:
        raise ValueError("the WAV file's format cannot be read")
    return WavLayout(sound_at, there if size in _UNFILLED else min(size, there), kind, channels, rate, frame, form)


# --- the header before the sound --------------------------------------------------------------------------------------


def wav_header(layout: WavLayout, frames: int) -> bytes:
    """Return the header before this many frames; longer files than 4 GiB get the form for them.

    A file whose sound has an odd length ends with a byte of padding (`wav_padding`).
    """
    form = _chunk(b"fmt ", _form_of(layout))
    fact = _chunk(b"fact", struct.pack("<I", min(frames, _ALL_ONES))) if layout.kind != _PCM else b""
    size = frames * layout.frame_bytes
    outer = 4 + len(form) + len(fact) + 8 + size + (size & 1)
    if outer <= LARGEST_RIFF:
        return struct.pack("<4sI4s", b"RIFF", outer, b"WAVE") + form + fact + struct.pack("<4sI", b"data", size)
    sizes = _chunk(b"ds64", struct.pack("<QQQI", outer + 36, size, frames, 0))
    riff = struct.pack("<4sI4s", b"RF64", _ALL_ONES, b"WAVE")
    return riff + sizes + form + fact + struct.pack("<4sI", b"data", _ALL_ONES)


def wav_padding(layout: WavLayout, frames: int) -> bytes:
    """Return the padding after the samples."""
    return bytes(frames * layout.frame_bytes & 1)


def one_channel(layout: WavLayout) -> WavLayout:
    """Return the layout of a file with one of the channels."""
    width, rate = layout.sample_bytes, layout.sample_rate
    form = struct.pack("<HHIIHH", layout.kind, 1, rate, rate * width, width, layout.bits or width * 8)
    return replace(layout, channels=1, frame_bytes=width, sound_bytes=layout.frames * width, form=form)


def _form_of(layout: WavLayout) -> bytes:
    """Return the format as the file has it, with the rate and the size of a frame that its samples really have."""
    rate = struct.pack("<IH", layout.sample_rate * layout.frame_bytes, layout.frame_bytes)
    form = layout.form[:8] + rate + layout.form[14:]
    return form + b"\0\0" if len(form) == 16 and layout.kind != _PCM else form


def _chunk(name: bytes, content: bytes) -> bytes:
    return name + struct.pack("<I", len(content)) + content + bytes(len(content) & 1)


def mono_header(layout: WavLayout) -> bytes:
    """Return the header of a WAV file that holds one of the channels; beyond 4 GiB it has the form for that."""
    width, size = layout.sample_bytes, layout.frames * layout.sample_bytes
    if size + MONO_HEADER_BYTES - 8 > LARGEST_RIFF:
        return wav_header(one_channel(layout), layout.frames)
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
