"""WAV: the header tells the exact size of the sound, so a cut file is always found (RIFF, PCM)."""

import struct

_STREAMED = (0, 0xFFFFFFFF)  # sizes that a writer leaves behind when it could not seek back
_LONGEST_HEADER = 1 << 20


class WavWalker:
    """Reads the header, counts the rest."""

    def __init__(self) -> None:
        self._head = bytearray()
        self._seen = 0
        self._data_offset = 0
        self._data_size = 0
        self._riff_size = 0
        self._format: tuple[int, int, int] | None = None  # channels, sample rate, bytes a second

    def feed(self, piece: memoryview) -> None:
        """Takes the next bytes.

        Raises:
            ValueError: when they cannot be a WAV file.
        """
        self._seen += len(piece)
        if self._data_offset:
            return
        self._head += piece
        self._read_header()

    def finish(self) -> tuple[float | None, int | None, int | None]:
        """Duration in ms, channels and sample rate.

        Raises:
            ValueError: when the sound is missing or shorter than the header says.
        """
        if not self._data_offset or self._format is None:
            raise ValueError("the WAV file ends inside its header")
        channels, sample_rate, byte_rate = self._format
        there = self._seen - self._data_offset
        size = there if self._data_size in _STREAMED else self._data_size
        if size > there:
            raise ValueError("the WAV file is shorter than its header says")
        if self._riff_size not in _STREAMED and self._seen > self._riff_size + 9:  # 8 of the header, 1 of padding
            raise ValueError("the WAV file is longer than its header says")
        if size == 0:
            raise ValueError("the WAV file holds no sound")
        return size * 1000 / byte_rate, channels, sample_rate

    def _read_header(self) -> None:
        """Walks the RIFF chunks up to `data`, as far as they have come."""
        offset = 12
        self._riff_size = int.from_bytes(self._head[4:8], "little")
        while len(self._head) >= offset + 8:
            name, size = struct.unpack_from("<4sI", self._head, offset)
            if name == b"data":
                self._data_offset, self._data_size = offset + 8, size
                if self._format is None:
                    raise ValueError("the WAV file has no format before its sound")
                self._head.clear()
                return
            if name == b"fmt " and len(self._head) >= offset + 24:
                self._read_format(offset + 8)
            offset += 8 + size + (size & 1)
            if offset > _LONGEST_HEADER:
                raise ValueError("no sound within the first MiB of the WAV file")

    def _read_format(self, offset: int) -> None:
        _kind, channels, sample_rate, byte_rate = struct.unpack_from("<HHII", self._head, offset)
        if not (channels and sample_rate and byte_rate):
            raise ValueError("the WAV file's format has no channels or no rate")
        self._format = (channels, sample_rate, byte_rate)
