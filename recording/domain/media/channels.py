"""Silence the other channels of an unmixed WAV file while it streams by: one speaker stays, the length too. Pure."""

import struct
from collections.abc import Collection, Iterable, Iterator

from recording.errors import SourceBrokenError

LARGEST_HEADER = 1 << 20
_FORMATS = (1, 0xFFFE)  # PCM, and PCM in the extensible form


def with_channels_only(pieces: Iterable[bytes], kept: Collection[int]) -> Iterator[bytes]:
    """Yield a WAV file in which every other channel is silent.

    Args:
        pieces: of the file, in order.
        kept: the channels that stay, counted from 0.

    Raises:
        SourceBrokenError: it is no uncompressed WAV file.
    """
    stream = iter(pieces)
    head, channels, sample = b"", 0, 0
    for piece in stream:
        head += piece
        found = _header(head)
        if found is not None:
            start, channels, sample = found
            break
        if len(head) > LARGEST_HEADER:
            break
    if not channels:
        raise SourceBrokenError("this is no uncompressed WAV file")
    yield head[:start]
    mask = b"".join((b"\xff" if channel in kept else b"\0") * sample for channel in range(channels))
    yield from _masked(_frames(head[start:], stream, len(mask)), mask)


def _header(head: bytes) -> tuple[int, int, int] | None:
    """Return where the sound starts, how many channels it has and how many bytes a sample; None when more is needed."""
    if head[:4] not in (b"RIFF", b"RF64")[: 2 if len(head) >= 4 else 0] or head[8:12] != b"WAVE":
        return None
    place, channels, sample = 12, 0, 0
    while place + 8 <= len(head):
        name, length = head[place : place + 4], struct.unpack_from("<I", head, place + 4)[0]
        if name == b"data":
            return (place + 8, channels, sample) if channels else None
        if name == b"fmt ":
            if place + 24 > len(head):
                return None
            kind, channels, _, _, _, bits = struct.unpack_from("<HHIIHH", head, place + 8)
            if kind not in _FORMATS or bits % 8 or not channels:
                raise SourceBrokenError("this is no uncompressed WAV file")
            sample = bits // 8
        place += 8 + length + (length & 1)
    return None


def _frames(first: bytes, stream: Iterator[bytes], size: int) -> Iterator[bytes]:
    """Yield pieces that begin and end between two frames; what is left at the end is no frame."""
    rest = first
    for piece in stream:
        rest += piece
        whole = len(rest) - len(rest) % size
        if whole:
            yield rest[:whole]
            rest = rest[whole:]
    if rest:
        yield rest


def _masked(frames: Iterable[bytes], mask: bytes) -> Iterator[bytes]:
    """Yield each piece with the mask laid over it, again and again: one big AND, which Python does in C."""
    long_mask = b""
    for piece in frames:
        if len(long_mask) < len(piece):
            long_mask = mask * (len(piece) // len(mask) + 1)
        number = int.from_bytes(piece, "little") & int.from_bytes(long_mask[: len(piece)], "little")
        yield number.to_bytes(len(piece), "little")
