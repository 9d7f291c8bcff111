"""Silence all but some channels of an unmixed WAV file while it streams by; the file's length stays. Pure."""

from collections.abc import Collection, Iterable, Iterator
from itertools import chain

from recording.domain.media.silence import silenceable, silenced
from recording.domain.media.wav_layout import WavLayout
from recording.errors import SourceBrokenError

LARGEST_HEADER = 1 << 20  # of what stands before the sound


def with_channels_only(pieces: Iterable[bytes], total: int, kept: Collection[int]) -> Iterator[bytes]:
    """Yield a WAV file in which every other channel is silent, and everything after the sound is zeros.

    The bytes behind the sound could be sound that the header does not count.

    Args:
        pieces: of the file, in order.
        total: the file's length.
        kept: the channels that stay, counted from 0.

    Raises:
        SourceBrokenError: it is not an uncompressed WAV file.
    """
    stream, head = iter(pieces), bytearray()
    for piece in stream:
        head += piece
        if len(head) >= LARGEST_HEADER:
            break
    layout = silenceable(bytes(head), total)
    if layout is None:
        raise SourceBrokenError("this is not an uncompressed WAV file")
    others = [channel for channel in range(layout.channels) if channel not in kept]
    yield from _blank_behind(silenced(chain([bytes(head)], stream), layout, others), layout)


def _blank_behind(pieces: Iterable[bytes], layout: WavLayout) -> Iterator[bytes]:
    end, at = layout.sound_at + layout.sound_bytes, 0
    for piece in pieces:
        heard = min(max(end - at, 0), len(piece))
        yield piece if heard == len(piece) else piece[:heard] + bytes(len(piece) - heard)
        at += len(piece)
