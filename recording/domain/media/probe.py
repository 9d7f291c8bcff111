"""One probe for the three formats: it takes a file's pieces in order and returns the facts or the fault."""

import struct
from typing import Protocol

from recording.domain.formats import FormatType
from recording.domain.media.facts import MediaFacts
from recording.domain.media.mp3 import FAULT_UNKNOWN, Mp3Walker, is_mp3
from recording.domain.media.mp4 import Mp4Walker, is_name
from recording.domain.media.wav import WavWalker

SNIFF_BYTES = 16
_WAV_FORMS = (b"RIFF", b"RF64", b"BW64")
_FIRST_BOXES = (
    *(b"ftyp", b"styp", b"moov", b"moof", b"mdat", b"free", b"skip", b"wide", b"sidx", b"ssix", b"prft", b"emsg"),
    *(b"uuid", b"pdin", b"meta", b"udta", b"pnot", b"junk", b"PICT", b"mfra"),
)
_LARGEST_UNKNOWN_BOX = 1 << 24  # a box of unknown name is believed if it is smaller; text is larger, read as a size
FAULT_UNREADABLE = "the file's structure cannot be read"
_NOT_THOUGHT_OF = (
    LookupError,
    ArithmeticError,
    struct.error,
)  # what bytes can make a reader raise beside its sentences


class _Walker(Protocol):
    def __init__(self) -> None: ...

    def feed(self, piece: memoryview) -> None: ...

    def finish(self) -> MediaFacts: ...


WALKERS: dict[FormatType, type[_Walker]] = {
    FormatType.WAV: WavWalker,
    FormatType.MP3: Mp3Walker,
    FormatType.MP4: Mp4Walker,
}


def sniff(head: bytes | bytearray | memoryview) -> FormatType | None:
    """Return the format that the first 16 bytes announce, whatever the file was called."""
    start = bytes(memoryview(head)[:SNIFF_BYTES])
    if start[:4] in _WAV_FORMS and start[8:12] == b"WAVE":
        return FormatType.WAV
    if start[4:8] in _FIRST_BOXES and _is_box_size(start):
        return FormatType.MP4
    return FormatType.MP3 if is_mp3(start) else None


def _is_box_size(start: bytes) -> bool:
    size = int.from_bytes(start[:4], "big")
    if size == 1:
        return int.from_bytes(start[8:16], "big") >= 16
    return size >= 8 or (size == 0 and start[4:8] == b"mdat")


def _is_unknown_box(start: bytes) -> bool:
    return 8 <= int.from_bytes(start[:4], "big") < _LARGEST_UNKNOWN_BOX and is_name(start[4:8])


class MediaProbe:
    """Fed once with every byte of a file, in order, in pieces of any size; never raises on bad media."""

    def __init__(self, announced: FormatType | None) -> None:
        """Prepare for a file announced as a format (event or metadata), or as None; the bytes decide."""
        self._announced = announced
        self._walker: _Walker | None = None
        self._head = bytearray()
        self._fault: str | None = None

    def feed(self, piece: bytes | bytearray | memoryview) -> None:
        """Take the next piece."""
        view = memoryview(piece).cast("B")
        if self._fault is not None:
            return
        if self._walker is None:
            held = bytes(self._head)
            self._head += view[: SNIFF_BYTES - len(held)]
            if len(self._head) < SNIFF_BYTES:
                return
            self._walker = WALKERS[self._guess()]()
            self._walk(self._walker, memoryview(held))
        self._walk(self._walker, view)

    def _walk(self, walker: _Walker, piece: memoryview) -> None:
        if not piece or self._fault is not None:
            return
        try:
            walker.feed(piece)
        except ValueError as error:
            self._fault = str(error)
        except _NOT_THOUGHT_OF:
            self._fault = FAULT_UNREADABLE

    def finish(self) -> MediaFacts:
        """Return the facts, after the last piece."""
        if self._walker is None:
            fault = "the file is too short to be media" if self._head else "the file is empty"
            return MediaFacts(self._announced, fault=fault)
        if self._fault is None:
            try:
                return self._walker.finish()
            except ValueError as error:
                self._fault = str(error)
            except _NOT_THOUGHT_OF:
                self._fault = FAULT_UNREADABLE
        return MediaFacts(self._found(), fault=self._fault)

    def _guess(self) -> FormatType:
        """Return which walker to ask; frames of an MP3 may begin after anything."""
        start = bytes(self._head[:SNIFF_BYTES])
        if (known := sniff(start)) is not None:
            return known
        may_be_boxes = self._announced in (None, FormatType.MP4)
        return FormatType.MP4 if may_be_boxes and _is_unknown_box(start) else FormatType.MP3

    def _found(self) -> FormatType | None:
        """Return the format of a faulty file: what its first bytes say, or what was announced."""
        if self._fault == FAULT_UNKNOWN:
            return self._announced
        return sniff(self._head) or self._announced
