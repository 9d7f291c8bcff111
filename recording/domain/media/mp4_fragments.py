"""The fragments of an MP4 file: what each `moof` adds to the tracks, and where its samples are (ISO 14496-12 §8.8)."""

import re
import struct
from array import array
from collections.abc import Mapping

from recording.domain.media.intake import Extents
from recording.domain.media.mp4_tracks import Track

_DAMAGED = "the MP4 file's fragments are damaged"
FAULT_LOST = "the MP4 file's fragments do not follow each other"
FAULT_UNKNOWN_TRACK = "the MP4 file's fragments are of a track that its index does not know"
_BASE_OFFSET, _DESCRIPTION, _TICKS, _SIZE, _BASE_IS_MOOF = 0x1, 0x2, 0x8, 0x10, 0x20000
_RUN_OFFSET, _RUN_FIRST_FLAGS, _RUN_TICKS, _RUN_SIZES, _RUN_FLAGS, _RUN_SHIFTS = 0x1, 0x4, 0x100, 0x200, 0x400, 0x800


_MOST_ZEROS, _MOST_IN_A_SHORT_FILE = 16 * 1024, 4 * 1024
_MOST_OTHERS = 256  # padding of other bytes, a tag, a line of text
_BOX_OF_FRAGMENT = re.compile(rb"moof|mdat|traf|tfhd|trun|mfra|tfra|mfro")
_BOX_BEGUN = re.compile(rb".{4}(?:m|mo|moo|md|mda|s|st|sty|si|sid|ss|ssi|e|em|ems|p|pr|prf)", re.DOTALL)
_TEXT = re.compile(rb"[\t\n\r\x20-\x7e][\0\t\n\r\x20-\x7e]*")


class Tail:
    """What follows the last box of a file: padding, a tag or a line of text, or what is left of lost fragments."""

    PIECE = 1 << 16

    def __init__(self) -> None:
        self._length = 0
        self._is_zeros = True
        self._head = b""

    def take(self, piece: bytes) -> None:
        """Look at the next bytes."""
        self._head += piece[: max(0, _MOST_OTHERS - self._length)]
        self._length += len(piece)
        self._is_zeros = self._is_zeros and not piece.strip(b"\0")

    def take_unseen(self, length: int) -> None:
        """Count bytes that seemed to be a box of unknown name."""
        self._length += length
        self._is_zeros = False

    def is_lost(self, media_bytes: int) -> bool:
        """Return whether fragments were here, or began here; `media_bytes` is what those before it have."""
        if self._is_zeros:
            is_quarter = self._length > _MOST_IN_A_SHORT_FILE and self._length * 4 > media_bytes
            return self._length > _MOST_ZEROS or is_quarter
        is_plain = len(set(self._head)) <= 1 or _TEXT.fullmatch(self._head) is not None
        is_begun = _BOX_BEGUN.fullmatch(self._head) is not None or _BOX_OF_FRAGMENT.search(self._head) is not None
        return self._length > _MOST_OTHERS or is_begun or not is_plain


class Fragment:
    """One `moof`: adds each run of samples to its track, and the runs' places to the extents."""

    def __init__(self, start: int, tracks: Mapping[int, Track], extents: Extents) -> None:
        self._start = start
        self._tracks = tracks
        self._extents = extents
        self._track = Track()
        self._base = start
        self._next = start  # where the last run ended
        self._defaults = (0, 0)
        self.is_in_doubt = False  # whether a run has no samples

    def read(self, name: bytes, content: bytes) -> None:
        """Take a box of the fragment.

        Raises:
            ValueError: when its content is shorter than it says, its track or its description is not in the index, or
                its time is before that of the fragment before it.
        """
        try:
            if name == b"tfhd":
                self._read_header(content)
            elif name == b"tfdt":
                self._read_time(content)
            elif name == b"trun":
                self._read_run(content)
        except struct.error as error:
            raise ValueError(_DAMAGED) from error

    def _read_header(self, content: bytes) -> None:
        flags, track_id = struct.unpack_from(">II", content)
        track = self._tracks.get(track_id)
        if track is None or track.defaults is None:
            raise ValueError(FAULT_UNKNOWN_TRACK)
        self._track, (description, ticks, size) = track, track.defaults
        at, self._base = 8, self._start if flags & _BASE_IS_MOOF else self._next
        if flags & _BASE_OFFSET:
            (self._base,) = struct.unpack_from(">Q", content, at)
        at += 8 * bool(flags & _BASE_OFFSET)
        if flags & _DESCRIPTION:
            (description,) = struct.unpack_from(">I", content, at)
        if not description:  # they count from 1
            raise ValueError(FAULT_UNKNOWN_TRACK)
        at += 4 * bool(flags & _DESCRIPTION)
        if flags & _TICKS:
            (ticks,) = struct.unpack_from(">I", content, at)
        if flags & _SIZE:
            (size,) = struct.unpack_from(">I", content, at + 4 * bool(flags & _TICKS))
        self._defaults = (ticks, size)
        self._next = self._base

    def _read_time(self, content: bytes) -> None:
        (time,) = struct.unpack_from(">Q" if content[:1] > b"\0" else ">I", content, 4)
        if time < self._track.latest_time:
            raise ValueError(FAULT_LOST)
        if not self._track.fragment_samples:
            self._track.first_time = time
        self._track.latest_time = time

    def _read_run(self, content: bytes) -> None:
        flags, count = struct.unpack_from(">II", content)
        self.is_in_doubt = self.is_in_doubt or not count
        at, start = 8, self._next
        if flags & _RUN_OFFSET:
            start = self._base + struct.unpack_from(">i", content, at)[0]
        at += 4 * bool(flags & _RUN_OFFSET) + 4 * bool(flags & _RUN_FIRST_FLAGS)
        columns = [flag for flag in (_RUN_TICKS, _RUN_SIZES, _RUN_FLAGS, _RUN_SHIFTS) if flags & flag]
        rows = array("I", content[at : at + 4 * count * len(columns)])
        if len(rows) < count * len(columns):
            raise ValueError(_DAMAGED)
        rows.byteswap()
        ticks, size = (
            sum(rows[columns.index(flag) :: len(columns)]) if flags & flag else default * count
            for flag, default in zip((_RUN_TICKS, _RUN_SIZES), self._defaults, strict=True)
        )
        if flags & _RUN_SIZES:
            self._track.note_sizes(rows[columns.index(_RUN_SIZES) :: len(columns)])
        if flags & _RUN_SHIFTS and count and not self._track.samples + self._track.fragment_samples:
            shift = rows[columns.index(_RUN_SHIFTS)]
            self._track.first_shift = shift if shift < 1 << 31 else 0  # or below zero
        self._add(start, count, ticks, size)

    def _add(self, start: int, count: int, ticks: int, size: int) -> None:
        self._next = start + size
        self._track.fragment_ticks += ticks
        self._track.fragment_samples += count
        self._track.media_bytes += size
        if self._track.is_media and size:
            self._extents.add(start, size)


def promised_ticks(content: bytes) -> int:
    """Return how long all fragments play, in the movie's time scale (`mehd`); 0 where the box is cut short."""
    end = 12 if content[:1] > b"\0" else 8
    return int.from_bytes(content[4:end], "big") if len(content) >= end else 0


def movie_times(content: bytes) -> tuple[int, int]:
    """Return the movie's time scale and length; 0 where it is unknown (all ones, or cut short)."""
    layout, offset = (">IQ", 20) if content[:1] == b"\1" else (">II", 12)
    if len(content) < offset + struct.calcsize(layout):
        return 0, 0
    scale, ticks = struct.unpack_from(layout, content, offset)
    return scale, 0 if ticks in (0xFFFFFFFF, 0xFFFFFFFFFFFFFFFF) else ticks
