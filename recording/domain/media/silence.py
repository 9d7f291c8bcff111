"""Silence some channels of a WAV file while it streams by, and prove that nothing else has changed. Pure."""

from collections.abc import Collection, Iterable, Iterator

from recording.domain.media.wav_layout import WavLayout, read_wav_layout

_INTEGERS, _FLOATS = 1, 3
_MIDDLE_OF_BYTES = 0x80  # samples of 8 bits have no sign: their silence is in the middle


def silenceable(head: bytes, total: int) -> WavLayout | None:
    """Return how a file is laid out whose channels can be silenced; None for every other file.

    Args:
        head: its first HEAD_BYTES, or more.
        total: its length.
    """
    try:
        layout = read_wav_layout(head, total)
    except ValueError:
        return None
    return layout if layout.kind in (_INTEGERS, _FLOATS) else None


def silenced(pieces: Iterable[bytes], layout: WavLayout, channels: Collection[int]) -> Iterator[bytes]:
    """Yield the file with these channels silent; all other bytes, before, in and behind the sound, as they are."""
    keep, quiet = _patterns(layout, channels)
    for at, piece in _placed(pieces):
        first, last = _sound_in(at, piece, layout)
        if first >= last:
            yield piece
            continue
        sound = _masked(piece[first:last], at + first - layout.sound_at, keep, quiet)
        yield piece[:first] + sound + piece[last:]


def is_silenced(before: Iterable[bytes], after: Iterable[bytes], layout: WavLayout, channels: Collection[int]) -> bool:
    """Return whether a file equals another but for these channels, which are silent from begin to end."""
    erased, (_, quiet) = set(channels), _patterns(layout, channels)
    old, new = _Reader(before), _Reader(after)
    if old.take(layout.sound_at) != new.take(layout.sound_at):
        return False
    left, width, frame = layout.frames * layout.frame_bytes, layout.sample_bytes, layout.frame_bytes
    while left:
        size = min(left, max(1, (1 << 20) // frame) * frame)
        was, now = old.take(size), new.take(size)
        if len(was) != size or len(now) != size:
            return False
        for place in range(frame):
            channel = place // width
            wanted = bytes([quiet[place]]) * (size // frame) if channel in erased else was[place::frame]
            if now[place::frame] != wanted:
                return False
        left -= size
    part = layout.sound_bytes % frame
    was, now = old.take(part), new.take(part)
    wanted = bytes(quiet[at] if at // width in erased else letter for at, letter in enumerate(was))
    return now == wanted and old.rest_equals(new)


def _patterns(layout: WavLayout, channels: Collection[int]) -> tuple[bytes, bytes]:
    """Return one frame of what is kept, and one of the silence that is put in."""
    width = layout.sample_bytes
    silence = bytes([_MIDDLE_OF_BYTES]) if (layout.kind, width) == (_INTEGERS, 1) else bytes(width)
    keep = b"".join(bytes(width) if one in channels else b"\xff" * width for one in range(layout.channels))
    quiet = b"".join(silence if one in channels else bytes(width) for one in range(layout.channels))
    return keep, quiet


def _placed(pieces: Iterable[bytes]) -> Iterator[tuple[int, bytes]]:
    at = 0
    for piece in pieces:
        yield at, piece
        at += len(piece)


def _sound_in(at: int, piece: bytes, layout: WavLayout) -> tuple[int, int]:
    """Return where the sound begins and ends in a piece; a rest shorter than a frame is silenced too."""
    first = min(max(layout.sound_at - at, 0), len(piece))
    last = min(max(layout.sound_at + layout.sound_bytes - at, 0), len(piece))
    return first, last


def _masked(sound: bytes, offset: int, keep: bytes, quiet: bytes) -> bytes:
    """Lay both patterns over samples that begin anywhere in a frame: big integers do it in C."""
    turn, count = offset % len(keep), len(sound)
    times = (turn + count) // len(keep) + 1
    mask = int.from_bytes((keep * times)[turn : turn + count], "little")
    silence = int.from_bytes((quiet * times)[turn : turn + count], "little")
    return ((int.from_bytes(sound, "little") & mask) | silence).to_bytes(count, "little")


class _Reader:
    """Gives so many bytes at a time, whatever the pieces are."""

    def __init__(self, pieces: Iterable[bytes]) -> None:
        self._pieces, self._buffer = iter(pieces), bytearray()

    def take(self, size: int) -> bytes:
        while len(self._buffer) < size:
            piece = next(self._pieces, None)
            if piece is None:
                break
            self._buffer += piece
        taken = bytes(self._buffer[:size])
        del self._buffer[:size]
        return taken

    def rest_equals(self, other: "_Reader") -> bool:
        """Return whether what follows is the same."""
        while True:
            mine, theirs = self.take(1 << 20), other.take(1 << 20)
            if mine != theirs:
                return False
            if not mine:
                return True
