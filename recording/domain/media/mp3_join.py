"""Join MP3 files frame by frame: tags and encoders' tables are dropped, one new table gives the length. Pure.

A frame may begin its sound in frames before it (the bit reservoir, ISO 11172-3, 2.4.3.4). Where those are not the ones
that it was made with, a decoder would play noise; such frames keep their bytes and their time, and are silent. A silent
frame reaches back as far as later frames need it: decoders keep no older bytes than a frame began with.
"""

import struct
from collections.abc import Iterator
from dataclasses import dataclass, field

from recording.domain.media.mp3 import WITHOUT_SOUND, Frame, frame_at, tag_size

_LONGEST_LOOK = 16 * 1024  # a tag's header, and the frames that a new beginning needs, fit in
_SAME = 0xFFFE0C00  # sync, version, layer and sample rate: equal in all frames of a stream
_ENOUGH = 3  # frames that follow each other make a beginning
_MARKS_EVERY = 32  # frames; the table of places is made from these
_PLACES = 100
_ALL_FIELDS = 7  # frames, bytes, places
_TABLE_BYTES = 4 + 4 + 4 + 4 + _PLACES
_MONO = 3
_LONGEST_RESERVOIR = 511


@dataclass
class Joined:
    """What one file contributed.

    Attributes:
        frames: of sound.
        silenced: of them, whose sound began in frames that are not there.
        first_sample: where it begins in the joined file, in samples.
        scraps: bytes that are neither a frame nor a tag.
    """

    frames: int = 0
    silenced: int = 0
    first_sample: int = 0
    scraps: int = 0


@dataclass
class _File:
    told: Joined
    rest: bytes = b""
    skip: int = 0
    is_continuing: bool = False
    begun: list[bytes] = field(default_factory=list)  # its first frames, until none reaches behind its begin any more
    there: int = 0  # bytes of sound in them
    is_first: bool = True
    is_cut: bool = False  # it ends inside a frame
    same: int | None = None
    is_settled: bool = False


@dataclass
class Mp3Joiner:
    """Takes files one after the other, and gives back the bytes of the joined one; a few KiB are kept.

    Raises:
        ValueError: from `feed` and `end`, when a file's frames do not fit those before it.
    """

    parts: list[Joined] = field(default_factory=list)
    frames: int = 0
    length_bytes: int = 0  # of the frames, without the table
    samples: int = 0
    sample_rate: int = 0
    channels: int = 0
    _file: _File = field(default_factory=lambda: _File(Joined()))
    _first: bytes = b""
    _same: int = 0
    _marks: list[int] = field(default_factory=list)

    def begin(self, *, is_continuing: bool) -> None:
        """Begin the next file; `is_continuing` says that it was recorded right after the one before."""
        told = Joined(first_sample=self.samples)
        self.parts.append(told)
        self._file = _File(told, is_continuing=is_continuing and not self._file.is_cut)

    def feed(self, piece: bytes) -> bytes:
        """Take the next bytes of the file; return the bytes to append to the joined one."""
        return b"".join(self._walk(self._file.rest + piece, keep=_LONGEST_LOOK))

    def end(self) -> bytes:
        """End the file; return its last bytes for the joined one."""
        return b"".join(self._walk(self._file.rest, keep=0)) + self._settled()

    def table(self) -> bytes:
        """Return the frame to put first: it gives players the duration and a table for seeking.

        Raises:
            ValueError: there were no frames.
        """
        if not self.frames:
            raise ValueError("the MP3 files hold no frames")
        header, frame = _table_header(self._first)
        content = struct.pack(">4sIII", b"Info", _ALL_FIELDS, self.frames, self.length_bytes + frame.size)
        content += bytes(self._place(number, frame.size) for number in range(_PLACES))
        start = 4 + _side_bytes(header)
        return (header + bytes(start - 4) + content).ljust(frame.size, b"\0")

    def _place(self, percent: int, before: int) -> int:
        mark = self._marks[percent * self.frames // 100 // _MARKS_EVERY]
        return min(255, (mark + before) * 256 // (self.length_bytes + before))

    # --- frames

    def _walk(self, data: bytes, *, keep: int) -> Iterator[bytes]:
        file = self._file
        at = min(file.skip, len(data))
        file.skip -= at
        while len(data) - at > keep:
            frame = frame_at(data[at : at + 4]) if len(data) - at >= 4 else None
            if frame is not None and self._is_next(data, at, frame, is_end=not keep):
                if at + frame.size > len(data):
                    file.told.scraps, file.is_cut = file.told.scraps + len(data) - at, True
                    at = len(data)
                    break
                yield self._taken(data[at : at + frame.size], frame)
                at += frame.size
            elif tag := tag_size(data, at):
                at += tag
            else:
                file.same = None
                file.told.scraps += 1
                at += 1
        file.skip += max(0, at - len(data))
        file.rest = data[at:]

    def _is_next(self, data: bytes, at: int, frame: Frame, *, is_end: bool) -> bool:
        """Return whether a frame of the file's stream begins here; after anything else, others have to follow it."""
        same = int.from_bytes(data[at : at + 4], "big") & _SAME
        if self._file.same is not None:
            return same == self._file.same
        place = at
        for _ in range(_ENOUGH):
            place += frame.size
            if (is_end and place >= len(data) - 3) or tag_size(data, place):
                break
            found = frame_at(data[place : place + 4])
            if found is None or int.from_bytes(data[place : place + 4], "big") & _SAME != same:
                return False
            frame = found
        self._file.same = same
        return True

    def _taken(self, frame: bytes, facts: Frame) -> bytes:
        file = self._file
        is_first, file.is_first = file.is_first, False
        file.is_continuing = file.is_continuing and not file.told.scraps
        if is_first and _is_table(frame):
            file.is_continuing = False  # the file is an encoder's own, from its begin
            return b""
        self._check(frame, facts)
        if self.frames % _MARKS_EVERY == 0:
            self._marks.append(self.length_bytes)
        self.frames += 1
        self.samples += facts.samples
        self.length_bytes += len(frame)
        file.told.frames += 1
        return frame if self._is_settled() else self._gathered(frame)

    def _check(self, frame: bytes, facts: Frame) -> None:
        same, channels = int.from_bytes(frame[:4], "big") & _SAME, 1 if frame[3] >> 6 == _MONO else 2
        if not self._first:
            self._first, self._same, self.channels, self.sample_rate = frame, same, channels, facts.sample_rate
        if (same, channels) != (self._same, self.channels):
            raise ValueError("the MP3 files differ in rate or channels")

    def _is_settled(self) -> bool:
        """Return whether frames are as they were made to follow each other, and need no look."""
        file = self._file
        file.is_settled = file.is_settled or file.is_continuing or len(self.parts) == 1
        return file.is_settled

    def _gathered(self, frame: bytes) -> bytes:
        """Keep one of the file's first frames; returns all of them when the next ones reach no further back."""
        file = self._file
        file.begun.append(frame)
        if file.there >= _LONGEST_RESERVOIR:
            return self._settled()
        file.there += _sound_bytes(frame)
        return b""

    def _settled(self) -> bytes:
        """Return the file's first frames, those of them silent whose sound began in frames that are not there."""
        file, there, silent = self._file, 0, set[int]()
        for number, frame in enumerate(file.begun):
            if _reservoir(frame) > there:
                silent.add(number)
            there += _sound_bytes(frame)
        needed = 0
        for number in range(len(file.begun) - 1, -1, -1):
            frame = file.begun[number]
            back = max(needed - _sound_bytes(frame), 0)
            if number in silent:
                file.begun[number] = _silent(frame, back)
            needed = back if number in silent else max(_reservoir(frame), back)
        file.told.silenced += len(silent)
        file.is_settled = True
        first, file.begun = b"".join(file.begun), []
        return first


def _is_table(frame: bytes) -> bool:
    is_one, is_mono = frame[1] >> 3 & 1, frame[3] >> 6 == _MONO
    at = 4 + ((17 if is_mono else 32) if is_one else (9 if is_mono else 17))
    return frame[at : at + 4] in WITHOUT_SOUND or frame[36:40] == b"VBRI"


def _side_bytes(frame: bytes) -> int:
    """Return how long the check sum and the side information are."""
    is_one, has_crc, is_mono = frame[1] >> 3 & 1, not frame[1] & 1, frame[3] >> 6 == _MONO
    side = (17 if is_mono else 32) if is_one else (9 if is_mono else 17)
    return side + 2 * has_crc


def _reservoir(frame: bytes) -> int:
    """Return how many bytes before it a frame's sound begins: nine bits of the side information, or eight."""
    at = 4 + 2 * (not frame[1] & 1)
    return frame[at] << 1 | frame[at + 1] >> 7 if frame[1] >> 3 & 1 else frame[at]


def _sound_bytes(frame: bytes) -> int:
    return len(frame) - 4 - _side_bytes(frame)


def _silent(frame: bytes, back: int) -> bytes:
    """Return a frame of the same size and time without sound of its own; what later frames need of it stays."""
    start, crc = 4 + _side_bytes(frame), 2 * (not frame[1] & 1)
    header = bytes((frame[0], frame[1] | 1, *frame[2:4]))  # without a check sum, whose bytes become unused ones
    is_one = frame[1] >> 3 & 1
    begin = bytes((back >> 1, (back & 1) << 7)) if is_one else bytes((back,))
    return header + begin.ljust(start - 4 - crc, b"\0") + bytes(crc) + frame[start:]


def _table_header(first: bytes) -> tuple[bytes, Frame]:
    """Return the header of the smallest frame of the stream's kind that the table fits into."""
    for bits in range(1, 15):
        header = bytes((first[0], first[1] | 1, bits << 4 | first[2] & 0x0C, first[3] & 0xC0))
        frame = frame_at(header)
        if frame is not None and frame.size >= 4 + _side_bytes(header) + _TABLE_BYTES:
            return header, frame
    raise ValueError("no frame holds the table")
