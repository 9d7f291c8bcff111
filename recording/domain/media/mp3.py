"""MP3: a sequence of frames; their count gives the duration (MPEG audio layer III, ISO 11172-3 and 13818-3)."""

import re
import struct
from collections import Counter
from functools import cache
from itertools import product
from typing import NamedTuple

from recording.domain.formats import FormatType
from recording.domain.media.facts import MediaFacts

_BIT_RATES_1 = (0, 32, 40, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320)
_BIT_RATES_2 = (0, 8, 16, 24, 32, 40, 48, 56, 64, 80, 96, 112, 128, 144, 160)
_SAMPLE_RATES = {3: (44100, 48000, 32000), 2: (22050, 24000, 16000), 0: (11025, 12000, 8000)}
_SAME = 0xFFFE0C00  # sync, version, layer and sample rate: equal in all frames of a stream
_MOST_BEFORE = 1 << 20  # players look no further for the first frame
_MOST_BETWEEN_FRAMES = 2  # a gap of two frames or more is a hole
_MOST_AFTER = 16 * 1024  # tags are known by name and size; more than this after the last frame is a hole too
_MOST_IN_A_SHORT_FILE = 1024
_MOST_TRIES = 1_000_000  # of tags and of what may begin a frame, outside of the row of frames
_LONGEST_LOOK = 16 * 1024  # a tag's header, and the three frames that a new beginning needs, fit in
_JOINED = 4 * _LONGEST_LOOK  # bytes of a piece that are put behind what is left of the one before
_FIRST_RUN, _LONGEST_RUN = 8, 1 << 16  # frames of one size that are compared at once
_AT_ONCE = 64  # frames of any sizes that are matched by one regular expression
_STEPS_BETWEEN_RUNS = 4 * _AT_ONCE + 1  # single steps, before frames are compared at once again
# The second and the third byte that a legal header of layer III may have; what else looks like one is not tried.
_THIRD = b"".join(b"\\x%02x" % third for third in range(0x10, 0xF0) if third >> 2 & 3 != 3)
_CANDIDATE = re.compile(rb"\xff[\xe2\xe3\xf2\xf3\xfa\xfb][%s]|ID3|TAG|APETAGEX|LYRICSBEGIN" % _THIRD)
WITHOUT_SOUND = (b"Xing", b"Info")  # an encoder's table in place of sound
_CRC = 2  # bytes behind the header of a protected frame
_NEVER_FILLED_IN = (0, 0xFFFFFFFF)
_LYRICS_MARK = re.compile(rb"LYRICS(?:200|END|(BEGIN))")  # no words hold the beginning of others

REMARK_BEFORE = "the MP3 file has other bytes before its first frame"
REMARK_BETWEEN = "the MP3 file has other bytes between its frames"
REMARK_AFTER = "the MP3 file has other bytes after its last frame"
REMARK_CUT_TAG = "the MP3 file ends inside a tag"
REMARK_MORE_FRAMES = "the MP3 file holds more frames than its header says"
FAULT_UNKNOWN = "the first bytes are of no known media format"
FAULT_CUT = "the MP3 file ends inside a frame"
FAULT_HOLE = "the MP3 file's frames do not follow each other"
FAULT_TOO_MANY = "the MP3 file has too many tags or beginnings of frames"
FAULT_FEWER = "the MP3 file holds fewer frames than its header says"


class Frame(NamedTuple):
    """One frame's header, decoded."""

    size: int
    samples: int
    sample_rate: int


def _frames() -> dict[int, Frame]:
    """Return every legal header, by the twelve bits behind the sync: version to padding."""
    legal = {}
    for version, bits, rate, padding, protection in product((0, 2, 3), range(1, 15), range(3), (0, 1), (0, 1)):
        is_one, sample_rate = version == 3, _SAMPLE_RATES[version][rate]
        bit_rate = (_BIT_RATES_1 if is_one else _BIT_RATES_2)[bits] * 1000
        size = (144 if is_one else 72) * bit_rate // sample_rate + padding
        key = version << 10 | 1 << 8 | protection << 7 | bits << 3 | rate << 1 | padding
        legal[key] = Frame(size, 1152 if is_one else 576, sample_rate)
    return legal


_FRAMES = _frames()


@cache
def _frames_at_once(same: int, near: int) -> re.Pattern[bytes]:
    """Return what matches so many frames of one stream in a row, whatever their bit rates and paddings.

    Bit rates near the given one, by its four bits, are tried first: most frames are like the first.
    """
    version, rate = same >> 19 & 3, same >> 10 & 3
    ways = []
    for bits, padding in product(sorted(range(1, 15), key=lambda bits: abs(bits - near)), (0, 1)):
        third = bits << 4 | rate << 2 | padding << 1  # and the private bit
        size = _FRAMES[version << 10 | 1 << 8 | bits << 3 | rate << 1 | padding].size
        ways.append(b"[\\x%02x\\x%02x].{%d}" % (third, third | 1, size - 3))
    sync = b"\\xff[\\x%02x\\x%02x]" % (same >> 16 & 0xFE, same >> 16 & 0xFE | 1)
    return re.compile(b"(?:%s(?>%s)){%d}" % (sync, b"|".join(ways), _AT_ONCE), re.DOTALL)


_Bytes = bytes | memoryview
_SIZES = tuple(_FRAMES[key].size if key in _FRAMES else 0 for key in range(1 << 12))
_word_at = struct.Struct(">I").unpack_from


def frame_at(header: bytes) -> Frame | None:
    """Return the frame that four bytes announce, or None if they are not a layer III frame header."""
    word = int.from_bytes(header[:4].ljust(4, b"\0"), "big")
    return _FRAMES.get(word >> 9 & 0xFFF) if word >> 21 == 0x7FF else None


def is_mp3(head: bytes) -> bool:
    """Return whether a file starts like an MP3: with an ID3 tag or a frame."""
    return head[:3] == b"ID3" or frame_at(head[:4]) is not None


class Mp3Walker:
    """Steps from frame to frame; a few bytes of the piece before are all that is kept."""

    def __init__(self) -> None:
        self._rest = b""
        self._skip = 0  # bytes of the current frame or tag still to come
        self._is_frame_open = False  # whether what is skipped is a frame
        self._same: int | None = None  # what all headers have in common; None while no frame is known
        self._near = 0  # the bit rate of the stream's beginning
        self._counts: Counter[int] = Counter()  # frames by header
        self._sound = 0  # bytes of all frames
        self._tries_left = _MOST_TRIES
        self._gap = 0  # bytes since the last frame or tag that are neither
        self._run = _FIRST_RUN
        self._silent = 0  # frames that hold an encoder's table and no sound
        self._promised: int | None = None  # frames, as that table says
        self._channels = 0
        self._last_size = 0
        self._remarks: dict[str, None] = {}

    def feed(self, piece: memoryview) -> None:
        """Take the next bytes.

        Raises:
            ValueError: when there is too much between the frames.
        """
        at = 0
        if self._rest:
            at = min(len(piece), _JOINED)
            self._walk(self._rest + bytes(piece[:at]), 0, is_end=False)
            if at == len(piece):
                return
            at -= len(self._rest)  # which are in this piece: from here on it is read in place, without a copy
            self._rest = b""
        if at + self._skip >= len(piece):
            self._skip -= len(piece) - at
            return
        at, self._skip = at + self._skip, 0
        self._walk(piece, at, is_end=False)

    def finish(self) -> MediaFacts:
        """Return the facts.

        Raises:
            ValueError: when no sound was found, or the file ends inside a frame or before its header says.
        """
        rest, self._rest = self._rest, b""
        if not self._skip:
            self._walk(rest, 0, is_end=True)
        if not self._counts:
            raise ValueError(FAULT_UNKNOWN if self._gap else "the MP3 file holds no frames")
        is_header_cut = self._ends_in_header(rest[-3:]) and not self._is_promise_kept()
        if (self._skip and self._is_frame_open) or is_header_cut:
            raise ValueError(FAULT_CUT)
        if self._skip:
            self._remarks[REMARK_CUT_TAG] = None
        self._judge_end()
        first = _FRAMES[next(iter(self._counts))]
        lengths: Counter[tuple[int, int]] = Counter()  # whatever the frames' sizes: pieces must not show in a sum
        for key, count in self._counts.items():
            lengths[_FRAMES[key].samples, _FRAMES[key].sample_rate] += count
        duration_ms = sum(samples * count * 1000 / rate for (samples, rate), count in lengths.items())
        return MediaFacts(
            FormatType.MP3,
            duration_ms - self._silent * first.samples * 1000 / first.sample_rate,
            self._channels,
            first.sample_rate,
            remarks=tuple(self._remarks),
            container="mp3",
            has_video=False,
        )

    def _is_promise_kept(self) -> bool:
        """Return whether all frames are there that the encoder's table counts: what follows is not a frame of it."""
        return self._promised is not None and self._counts.total() - self._silent >= self._promised

    def _judge_end(self) -> None:
        if self._promised is None and self._is_large(self._gap):
            raise ValueError(FAULT_HOLE)
        if self._gap:
            self._remarks[REMARK_AFTER] = None
        there = self._counts.total() - self._silent
        if self._promised is None:
            return
        if there < self._promised - 2:
            raise ValueError(FAULT_FEWER)
        if there > self._promised + 2:
            self._remarks[REMARK_MORE_FRAMES] = None

    def _is_large(self, gap: int) -> bool:
        """Return whether the bytes after the last frame are too many for padding: also a quarter of a short file."""
        return gap > _MOST_AFTER or (gap > _MOST_IN_A_SHORT_FILE and gap * 4 > self._sound)

    def _ends_in_header(self, tail: bytes) -> bool:
        """Return whether the last bytes, fewer than four, begin like another frame."""
        if not 0 < self._gap < 4:
            return False
        mask = _SAME >> 16 & (0xFF00 if self._gap == 1 else 0xFFFF)
        begun = int.from_bytes(tail[-self._gap :][:2].ljust(2, b"\0"), "big")
        return begun & mask == (self._same or 0) >> 16 & mask

    # --- walking

    def _walk(self, data: _Bytes, at: int, *, is_end: bool) -> None:
        goes_on = True
        while goes_on:
            at = at if self._gap else self._follow(data, at)  # behind a gap a frame counts only where others follow it
            at, goes_on = self._start_again(data, at, is_end=is_end)
        self._rest = bytes(data[at:])
        self._skip = max(0, at - len(data))

    def _follow(self, data: _Bytes, at: int) -> int:
        """Step from header to header, as long as they are of the same stream; many of one size at once."""
        same, counts, last, begun, latest, steps = self._same, self._counts, len(data) - 4, at, at, 0
        while at <= last:
            (word,) = _word_at(data, at)
            key = word >> 9 & 0xFFF
            if word & _SAME != same or not _SIZES[key]:
                break
            if steps % _AT_ONCE == 1 and (many := _frames_at_once(same, self._near).match(data, at)):
                counts[key] += _AT_ONCE  # all are as long in time, whatever their sizes
                latest, at = at, many.end()
                continue
            size, steps, count = _SIZES[key], steps - 1, 1
            if steps < 0:
                count = self._equal_headers(data, at, size)
                steps = _STEPS_BETWEEN_RUNS if count == 1 else 0
            counts[key] += count
            latest, at = at + (count - 1) * size, at + count * size
        if at > begun:
            self._gap, self._is_frame_open, self._last_size = 0, True, _last_size(data, latest, at)
            self._sound += at - begun
        return at

    def _equal_headers(self, data: _Bytes, at: int, size: int) -> int:
        """Count frames of one size with equal headers from here, in strides over the whole piece instead of steps."""
        count = min(self._run, (len(data) - 4 - at) // size + 1)
        end = at + count * size
        for place in range(3):
            if bytes(data[at + place : end : size]) != bytes(data[at + place : at + place + 1]) * count:
                self._run = _FIRST_RUN
                return 1
        self._run = min(self._run * 2, _LONGEST_RUN)
        return count

    def _start_again(self, data: _Bytes, at: int, *, is_end: bool) -> tuple[int, bool]:
        """Step over a tag, or to the next frame that is followed by others; False where more bytes are needed."""
        while at < len(data) and (is_end or len(data) - at > _LONGEST_LOOK):
            found = _CANDIDATE.search(data, at)
            place = found.start() if found else len(data) if is_end else len(data) - _LONGEST_LOOK
            self._lose(place - at)
            at = place
            if found is None or not (is_end or len(data) - at > _LONGEST_LOOK):
                break
            self._tries_left -= 1
            if not self._tries_left:
                raise ValueError(FAULT_TOO_MANY)
            if tag := tag_size(data, at):
                self._is_frame_open = False
                return at + tag, at + tag < len(data)
            if self._begins_stream(data, at, is_end=is_end):
                return at, True
            self._lose(1)
            at += 1
        return at, False

    def _lose(self, count: int) -> None:
        self._gap += count
        self._is_frame_open = self._is_frame_open and not count
        if not self._counts and self._gap > _MOST_BEFORE:
            raise ValueError(FAULT_UNKNOWN)
        if self._counts and self._gap > _MOST_AFTER and self._promised is None:
            raise ValueError(FAULT_HOLE)  # whatever follows

    def _begins_stream(self, data: _Bytes, at: int, *, is_end: bool) -> bool:
        """Return whether a frame is here that is followed by others like it, or by the end of the file."""
        needed = 3 if self._same is None else 2
        if not _has_frames(data, at, needed, is_end=is_end):
            return False
        (word,) = _word_at(data, at)
        self._close_gap(_FRAMES[word >> 9 & 0xFFF].size)
        if self._same is None:
            self._read_table(bytes(data[at : at + 200]))
            self._channels = 1 if word >> 6 & 3 == 3 else 2
        self._same, self._near = word & _SAME, word >> 12 & 15
        return True

    def _close_gap(self, frame_size: int) -> None:
        if self._gap and not self._counts:
            self._remarks[REMARK_BEFORE] = None
        elif self._gap >= _MOST_BETWEEN_FRAMES * min(frame_size, self._last_size or frame_size):
            raise ValueError(FAULT_HOLE)
        elif self._gap:
            self._remarks[REMARK_BETWEEN] = None
        self._gap = 0

    def _read_table(self, frame: bytes) -> None:
        """Read how many frames the encoder says there are: a Xing or VBRI table instead of the first sound."""
        is_one, is_mono = frame[1] >> 3 & 1, frame[3] >> 6 == 3
        at = 4 + ((17 if is_mono else 32) if is_one else (9 if is_mono else 17))
        if not frame[1] & 1 and frame[at + _CRC : at + _CRC + 4] in WITHOUT_SOUND:  # some count the checksum in
            at += _CRC
        if frame[at : at + 4] in WITHOUT_SOUND and len(frame) >= at + 12:
            self._silent = 1
            if frame[at + 7] & 1:
                self._promised = int.from_bytes(frame[at + 8 : at + 12], "big")
        elif frame[36:40] == b"VBRI":
            self._silent, self._promised = 1, int.from_bytes(frame[50:54], "big")
        if self._promised in _NEVER_FILLED_IN:
            self._promised = None


def _last_size(data: _Bytes, at: int, end: int) -> int:
    """Return the size of the last frame of a row that ends there: of one, or of those that were matched at once."""
    size = 0
    while at < end:
        size = _SIZES[_word_at(data, at)[0] >> 9 & 0xFFF]
        at += size
    return size


def _has_frames(data: _Bytes, at: int, count: int, *, is_end: bool) -> bool:
    """Return whether frames of one stream follow each other from here: so many, or fewer up to the very end."""
    place = at
    for _ in range(count):
        if is_end and place > at and place == len(data):
            return True
        frame = frame_at(bytes(data[place : place + 4])) if len(data) - place >= 4 else None
        if frame is None or (_word_at(data, place)[0] ^ _word_at(data, at)[0]) & _SAME:
            return False
        place += frame.size
    return True


def tag_size(data: _Bytes, at: int) -> int:
    """Return how long the tag is that begins here (ID3v1, ID3v2, APE, Lyrics3); 0 if none does."""
    head = bytes(data[at : at + 32])
    if head[:3] == b"ID3" and len(head) >= 10 and head[3] < 0xFF and max(head[6:10]) < 0x80:
        return 10 + (head[6] << 21 | head[7] << 14 | head[8] << 7 | head[9]) + (10 if head[5] & 0x10 else 0)
    if head[:8] == b"APETAGEX" and len(head) == 32:
        is_header = int.from_bytes(head[20:24], "little") >> 29 & 1
        return 32 + (int.from_bytes(head[12:16], "little") if is_header else 0)
    if head[:11] == b"LYRICSBEGIN":
        mark = _LYRICS_MARK.search(data, at + 11, at + _LONGEST_LOOK)
        return mark.end() - at if mark and not mark[1] else 0
    if head[:4] == b"TAG+":
        return 227
    return 128 if head[:3] == b"TAG" and len(data) - at >= 128 else 0
