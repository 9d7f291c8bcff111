"""One probe for the three formats: fed with a file's pieces in order, it ends with the facts or with what is wrong."""

from dataclasses import dataclass
from typing import Protocol

from recording.domain.formats import FormatType
from recording.domain.media.mp3 import Mp3Walker, is_mp3
from recording.domain.media.mp4 import Mp4Walker
from recording.domain.media.wav import WavWalker

SNIFF_BYTES = 16


@dataclass(frozen=True)
class MediaFacts:
    """What a file says of itself. `fault` is a short stable sentence when it does not open as `format`.

    `duration_ms` and `channels` are None where the container does not tell (a fragmented mp4).
    """

    format: FormatType | None
    duration_ms: float | None = None
    channels: int | None = None
    sample_rate: int | None = None
    fault: str | None = None


class _Walker(Protocol):
    def __init__(self) -> None: ...

    def feed(self, piece: memoryview) -> None: ...

    def finish(self) -> tuple[float | None, int | None, int | None]: ...


_WALKERS: dict[FormatType, type[_Walker]] = {
    FormatType.WAV: WavWalker,
    FormatType.MP3: Mp3Walker,
    FormatType.MP4: Mp4Walker,
}


def sniff(head: bytes | bytearray | memoryview) -> FormatType | None:
    """The format that the first 16 bytes announce, whatever the file was called."""
    start = bytes(memoryview(head)[:SNIFF_BYTES])
    if start[:4] == b"RIFF" and start[8:12] == b"WAVE":
        return FormatType.WAV
    if start[4:8] == b"ftyp":
        return FormatType.MP4
    return FormatType.MP3 if is_mp3(start) else None


class MediaProbe:
    """Fed once with every byte of a file, in order, in pieces of any size; never raises on bad media."""

    def __init__(self, announced: FormatType | None) -> None:
        """A probe for a file announced as a format (event or metadata); None lets the first bytes decide."""
        self._format = announced
        self._walker: _Walker | None = None
        self._head = bytearray()
        self._fault: str | None = None

    def feed(self, piece: bytes | bytearray | memoryview) -> None:
        """Takes the next piece."""
        view = memoryview(piece).cast("B")
        if self._fault is not None:
            return
        if self._walker is None:
            self._head += view
            if len(self._head) < SNIFF_BYTES:
                return
            view = memoryview(self._head)
            self._open()
        self._walk(view)

    def finish(self) -> MediaFacts:
        """The facts, after the last piece."""
        if self._walker is None and self._fault is None:
            self._fault = "the file is empty" if not self._head else "the file is too short to be media"
        if self._fault is None and self._walker is not None:
            try:
                duration_ms, channels, sample_rate = self._walker.finish()
            except ValueError as error:
                self._fault = str(error)
            else:
                return MediaFacts(self._format, duration_ms, channels, sample_rate)
        return MediaFacts(self._format, fault=self._fault)

    def _open(self) -> None:
        seen = sniff(self._head)
        if seen is None:
            self._fault = "the first bytes are of no known media format"
        elif self._format not in (None, seen):
            self._fault = f"announced as {self._format}, but the bytes are {seen}"
        else:
            self._format = seen
            self._walker = _WALKERS[seen]()

    def _walk(self, view: memoryview) -> None:
        if self._walker is None or self._fault is not None:
            return
        try:
            self._walker.feed(view)
        except ValueError as error:
            self._fault = str(error)
