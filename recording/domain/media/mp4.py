"""MP4: a row of boxes that must tile the file exactly, with an index (`moov`) and the media (`mdat`) among them."""

import struct
from collections.abc import Iterator

_LARGEST_INDEX = 64 << 20  # four hours of 16 frames a second need about 5 MiB of index
_FULL_SIZE = 1  # size field: the real size follows in 64 bits
_TO_THE_END = 0  # size field: this box reaches to the end of the file


class Mp4Walker:
    """Steps from box to box; keeps the index only."""

    def __init__(self) -> None:
        self._header = bytearray()
        self._left = 0  # bytes of the current box still to come
        self._open_end = False
        self._kept: bytearray | None = None
        self._index: bytes | None = None
        self._seen: set[bytes] = set()

    def feed(self, piece: memoryview) -> None:
        """Takes the next bytes.

        Raises:
            ValueError: when they cannot be an MP4 file.
        """
        while len(piece):
            if self._open_end:
                return
            if not self._left:
                piece = self._read_header(piece)
                continue
            part = piece[: self._left]
            if self._kept is not None:
                self._kept += part
            self._left -= len(part)
            piece = piece[len(part) :]
            self._close_if_done()

    def finish(self) -> tuple[float | None, int | None, int | None]:
        """Duration in ms (None when the file is fragmented), None, None.

        Raises:
            ValueError: when the file ends inside a box, or has no index or no media.
        """
        if self._left or self._header:
            raise ValueError("the MP4 file ends inside a box")
        if self._index is None:
            raise ValueError("the MP4 file has no index (moov)")
        if b"mdat" not in self._seen:
            raise ValueError("the MP4 file has no media (mdat)")
        if not any(name == b"trak" for name, _ in boxes(self._index)):
            raise ValueError("the MP4 file's index names no track")
        return _duration_ms(self._index), None, None

    def _read_header(self, piece: memoryview) -> memoryview:
        """Collects 8 or 16 bytes of box header and opens the box."""
        wanted = 16 if len(self._header) >= 8 and self._short_size() == _FULL_SIZE else 8
        taken = piece[: wanted - len(self._header)]
        self._header += taken
        if len(self._header) == wanted and not (wanted == 8 and self._short_size() == _FULL_SIZE):
            self._open_box(wanted)
        return piece[len(taken) :]

    def _short_size(self) -> int:
        return int.from_bytes(self._header[:4], "big")

    def _open_box(self, header_size: int) -> None:
        name, size = bytes(self._header[4:8]), self._short_size()
        if header_size == 16:
            size = int.from_bytes(self._header[8:16], "big")
        self._header.clear()
        if not name.strip().isalnum():  # zeros at the end of a cut and padded file would be a box to the end
            raise ValueError("the MP4 file has a box without a name")
        self._seen.add(name)
        if size == _TO_THE_END:
            self._open_end = True
            return
        if size < header_size:
            raise ValueError("the MP4 file has a box of impossible size")
        self._left = size - header_size
        if name == b"moov":
            if self._left > _LARGEST_INDEX:
                raise ValueError("the MP4 file's index is impossibly large")
            self._kept = bytearray()
        self._close_if_done()

    def _close_if_done(self) -> None:
        if not self._left and self._kept is not None:
            self._index, self._kept = bytes(self._kept), None


def boxes(data: bytes) -> Iterator[tuple[bytes, bytes]]:
    """The boxes directly inside a box's content, as (name, content).

    Raises:
        ValueError: when they do not tile it.
    """
    at = 0
    while at + 8 <= len(data):
        size, name = struct.unpack_from(">I4s", data, at)
        if size < 8 or at + size > len(data):
            raise ValueError("the MP4 file's index is damaged")
        yield name, data[at + 8 : at + size]
        at += size


def _duration_ms(index: bytes) -> float | None:
    """The presentation's duration, from the movie header (ISO 14496-12 §8.2.2)."""
    header = next((content for name, content in boxes(index) if name == b"mvhd"), b"")
    if len(header) < 32:
        raise ValueError("the MP4 file's index has no movie header")
    layout, offset = (">IQ", 20) if header[0] == 1 else (">II", 12)
    scale, duration = struct.unpack_from(layout, header, offset)
    if not scale:
        raise ValueError("the MP4 file's index has no time scale")
    is_unknown = duration in (0, 0xFFFFFFFF, 0xFFFFFFFFFFFFFFFF)  # fragmented, or all ones as the standard says
    return None if is_unknown else duration * 1000 / scale
