"""MP4: a sequence of boxes. What the index and the fragments name must be in the media boxes (ISO 14496-12)."""

import struct
from collections.abc import Generator

from recording.domain.formats import FormatType
from recording.domain.media.facts import MediaFacts
from recording.domain.media.intake import Extents, Holes, Intake, Parsing, Skip
from recording.domain.media.mp4_fragments import FAULT_LOST, Fragment, Tail, movie_times, promised_ticks
from recording.domain.media.mp4_tracks import (
    ENCRYPTED_ENTRIES,
    FAULT_NO_LENGTHS,
    KNOWN_ENTRIES,
    NEVER_ZERO_ENTRIES,
    Track,
)

LARGEST_INDEX = 64 << 20  # bytes of memory; four hours of 60 pictures and 47 sound frames a second need up to 60 MiB
_LARGEST_HEADER = 1 << 16  # of a box that has no table
_TO_THE_END = 1 << 62  # where a box without a size ends
_SHORTFALL_MS, _SHORTFALL_SHARE = 2000.0, 0.1
_INNER_BOXES = frozenset((b"moov", b"trak", b"edts", b"mdia", b"minf", b"dinf", b"stbl", b"mvex", b"moof", b"traf"))
# What a byte of a table takes in memory, with the places in the file that it names.
_TABLES = {b"stts": 1, b"stsc": 1, b"stsz": 1, b"stz2": 8, b"stco": 6, b"co64": 3, b"trun": 1, b"elst": 2}
_HEADERS = frozenset(
    (
        b"mvhd",
        b"tkhd",
        b"mdhd",
        b"hdlr",
        b"vmhd",
        b"smhd",
        b"dref",
        b"stsd",
        b"mehd",
        b"trex",
        b"tfhd",
        b"tfdt",
        b"ctts",
    )
)
_MOST_BOXES = 4_000_000  # a day of fragments of one picture each has as many
_MOST_TRACKS = 1000  # as players have it
_DEEPEST = 8  # boxes within boxes that are walked; an index has six
_MOST_UNNAMED = 64  # bytes of media that no track names, where the index is damaged; sound of a second has more
_LARGEST_SEGMENT_INDEX = 32 + 12 * 0xFFFF
_OPENING = frozenset((b"styp", b"sidx", b"ssix", b"emsg", b"prft"))  # stand before a fragment
_WITHOUT_SAMPLES = frozenset((b"free", b"skip", b"wide", b"uuid", b"udta", b"meta", b"mfra"))
_INSIDE_FRAGMENTS = frozenset((b"mfhd", b"traf", b"tfhd", b"tfdt", b"trun", b"tfra", b"mfro"))
_NOTED = _INSIDE_FRAGMENTS | {b"moov", b"moof", b"mdat", b"mvhd", b"mvex"}

REMARK_TOO_LARGE = "the MP4 file's index is too large to be checked"
REMARK_BYTES_AFTER = "the MP4 file has other bytes after its last box"
REMARK_CUT_TAIL = "the MP4 file's last box is cut, but holds no sample that is missing"
REMARK_TRACKS_DIFFER = "the MP4 file's tracks differ in length"
REMARK_INDEX_LENGTH = "the MP4 file's index says another length than its samples have"
FAULT_NOT_THERE = "the MP4 file's index refers to media that is missing"
FAULT_SEGMENTS = "the MP4 file ends before the segments that its index names"
FAULT_TOO_MANY = "the MP4 file has too many boxes"
FAULT_TOO_MANY_TRACKS = "the MP4 file's index has too many tracks"
FAULT_OPENED = "the MP4 file ends where another fragment begins"
FAULT_NO_HEADER = "the MP4 file's index has no header (mvhd)"
FAULT_NO_FRAGMENTS = "the MP4 file's index says nothing of fragments (mvex)"
FAULT_PLAYS_NOTHING = "the MP4 file's edit list plays nothing"
FAULT_NO_SIZES = "the MP4 file's index has zeros where the sizes of samples should be"
FAULT_NOT_DESCRIBED = "the MP4 file's index has a track of sound or picture without a description"
FAULT_NOT_CONFIGURED = "the MP4 file's picture has no parameters (avcC)"
FAULT_NO_TIME_SCALE = "the MP4 file's index has a track of sound or picture without a time scale"
FAULT_UNNAMED = "the MP4 file's index is damaged, and names a part of the media only"
FAULT_NO_PARAMETERS = "the MP4 file's sound has no parameters (esds)"
FAULT_HOLE = "the MP4 file has zeros where its index says that media is"


class Mp4Walker:
    """Steps from box to box; keeps the tracks' tables and where the media boxes are."""

    def __init__(self) -> None:
        self._tracks: list[Track] = []
        self._by_id: dict[int, Track] = {}
        self._defaults: dict[int, tuple[int, int, int]] = {}  # `trex`, which may come before the tracks
        self._movie_scale = 0
        self._movie_ticks = 0
        self._fragmented_ticks = 0  # `mehd`
        self._named = Extents()  # where index and fragments say that samples are
        self._media = Extents()  # where media boxes are
        self._segments_end = 0  # as `sidx` says
        self._seen: set[bytes] = set()
        self._kept = 0
        self._remarks: dict[str, None] = {}
        self._is_cut_inside = b""  # the box in which the file ends
        self._is_inner_cut = False  # whether it ends in a box within that box
        self._last = b""  # the last box
        self._boxes_left = _MOST_BOXES
        self._tail = Tail()
        self._fragment: Fragment | None = None
        self._is_checked = True
        self._is_in_doubt = False  # whether index or fragments have boxes that can be none, or runs without samples
        self._holes = Holes()
        self._intake = Intake(self._boxes)

    def feed(self, piece: memoryview) -> None:
        """Take the next bytes.

        Raises:
            ValueError: when they cannot be an MP4 file.
        """
        self._intake.feed(piece)
        self._holes.feed(piece)

    def finish(self) -> MediaFacts:
        """Return the facts.

        Raises:
            ValueError: when the file has no index, or its index names media that is not there.
        """
        self._intake.finish()
        self._check_whole()
        playing = self._playing()
        lengths = [track.length_ms(self._movie_scale, b"moof" in self._seen) for track in playing]
        known = [length for length in lengths if length]
        if any(track.has_edits and track.has_length and not ms for track, ms in zip(playing, lengths, strict=True)):
            raise ValueError(FAULT_PLAYS_NOTHING)
        if known and any(track.lacks_lengths for track in playing):
            raise ValueError(FAULT_NO_LENGTHS)
        longest = max(known, default=None)
        self._compare_promise(longest)
        if known and max(known) - min(known) > _SHORTFALL_MS + _SHORTFALL_SHARE * max(known):
            self._remarks[REMARK_TRACKS_DIFFER] = None
        sound = next((track for track in playing if track.handler == b"soun"), Track())
        return MediaFacts(
            FormatType.MP4,
            longest,
            sound.channels,
            sound.sample_rate,
            remarks=tuple(self._remarks),
            container="fragmented mp4" if b"moof" in self._seen else "mp4",
            has_video=any(track.handler == b"vide" for track in playing),
        )

    # --- judging

    def _playing(self) -> list[Track]:
        """Return the tracks that have media; samples without a byte are a promise only."""
        tracks = [track for track in self._tracks if track.is_media and track.samples + track.fragment_samples]
        return [track for track in tracks if track.media_bytes or not self._is_checked]

    def _check_whole(self) -> None:
        if self._is_cut_inside in (b"moov", b"moof"):
            raise ValueError("the MP4 file ends inside its index")
        if b"moov" not in self._seen:
            raise ValueError("the MP4 file has no index (moov)")
        if b"mdat" not in self._seen:
            raise ValueError("the MP4 file has no media (mdat)")
        self._check_fragments()
        if not self._is_checked:
            self._check_not_cut()
            return
        if not any(track.is_media for track in self._tracks):
            raise ValueError("the MP4 file's index names no track of sound or picture")
        if not self._playing():
            raise ValueError("the MP4 file holds no sound and no picture")
        if b"mvhd" not in self._seen and all(track.has_edits for track in self._playing()):
            raise ValueError(FAULT_NO_HEADER)  # edit lists count in its time scale; without them nothing needs it
        self._check_descriptions()
        self._media.end_at(self._intake.position)
        if not self._media.holds(self._named):
            raise ValueError(FAULT_NOT_THERE)
        self._check_named()
        is_compressed = all(track.entry in NEVER_ZERO_ENTRIES for track in self._playing())
        if is_compressed:
            self._check_holes(sum(track.media_bytes for track in self._playing()))

    def _check_not_cut(self) -> None:
        """Raise where the file ends inside a box that may hold samples: no index says that it holds none."""
        if self._is_cut_inside and self._is_cut_inside not in _WITHOUT_SAMPLES:
            raise ValueError(FAULT_NOT_THERE)

    def _check_descriptions(self) -> None:
        if any(track.is_media and not track.entry.strip(b"\0") for track in self._tracks):
            raise ValueError(FAULT_NOT_DESCRIBED)  # nothing plays it, and some players open no other track
        if any(track.entry in ENCRYPTED_ENTRIES for track in self._playing()):
            raise ValueError("the MP4 file is encrypted")
        if not any(track.entry in KNOWN_ENTRIES for track in self._playing()):
            raise ValueError("the MP4 file's sound and picture are in an unknown form")
        if lacking := [track for track in self._playing() if not track.is_configured]:
            raise ValueError(FAULT_NOT_CONFIGURED if lacking[0].handler == b"vide" else FAULT_NO_PARAMETERS)
        if not all(track.time_scale for track in self._playing()):
            raise ValueError(FAULT_NO_TIME_SCALE)
        if any(track.is_holed for track in self._playing()):
            raise ValueError(FAULT_NO_SIZES)

    def _check_fragments(self) -> None:
        if b"moof" in self._seen and b"mvex" not in self._seen:
            raise ValueError(FAULT_NO_FRAGMENTS)  # players play none then
        if not self._seen & {b"moof", b"mvex"}:
            return
        if self._segments_end > self._intake.position:  # without fragments, it was left by a tool
            raise ValueError(FAULT_SEGMENTS)
        if self._is_cut_inside in _OPENING or self._last in (b"styp", b"prft"):
            raise ValueError(FAULT_OPENED)
        if self._seen & _INSIDE_FRAGMENTS or self._tail.is_lost(sum(track.media_bytes for track in self._tracks)):
            raise ValueError(FAULT_LOST)

    def _check_named(self) -> None:
        """Raise where the index seems to have lost something, and media is left that no track names."""
        unnamed = self._media.covered - sum(track.media_bytes for track in self._tracks if track.has_kind)
        if unnamed > _MOST_UNNAMED and (self._is_in_doubt or any(track.is_in_doubt for track in self._tracks)):
            raise ValueError(FAULT_UNNAMED)

    def _check_holes(self, media_bytes: int) -> None:
        """Raise for a long run of zeros; in a small file also for shorter ones that are a quarter of the media."""
        shares = [self._named.shares(run) for run in self._holes.finish()]
        if max(shares, default=0) >= Holes.LEAST or sum(shares) * 4 >= max(media_bytes, 1):
            raise ValueError(FAULT_HOLE)

    def _compare_promise(self, longest_ms: float | None) -> None:
        """Compare the length that the index promises for all fragments with what they hold."""
        if not self._movie_scale or longest_ms is None:
            return
        promised = max(self._movie_ticks, self._fragmented_ticks) * 1000 / self._movie_scale
        if promised - longest_ms > _SHORTFALL_MS + _SHORTFALL_SHARE * promised:
            if b"moof" in self._seen:
                raise ValueError("the MP4 file's fragments end before its index says")
            self._remarks[REMARK_INDEX_LENGTH] = None

    # --- walking

    def _boxes(self, intake: Intake) -> Parsing:
        while True:
            start = intake.position
            self._count_box()
            header, name, size = yield from self._header()
            if size is None:
                break
            end = start + size if size else _TO_THE_END
            self._note(name)
            self._last = name
            if name == b"mdat":
                self._note_media(intake.position, end)
            if name in (b"moov", b"moof"):
                yield from self._index(intake, name, start, end)
            if name == b"sidx" and size:
                self._read_segments((yield min(end - intake.position, _LARGEST_SEGMENT_INDEX)), end)
            yield Skip(end - intake.position)
            if intake.position < end:
                self._end_inside(name, start, is_open=not size and not self._is_inner_cut)
                return
        if intake.position > start:
            self._remarks[REMARK_BYTES_AFTER] = None
        while header:
            self._tail.take(header)
            header = yield Tail.PIECE

    def _note(self, name: bytes) -> None:
        if name in _NOTED:
            self._seen.add(name)

    def _add_track(self) -> None:
        if len(self._tracks) == _MOST_TRACKS:
            raise ValueError(FAULT_TOO_MANY_TRACKS)
        self._tracks.append(Track())

    def _count_box(self) -> None:
        self._boxes_left -= 1
        if not self._boxes_left:
            raise ValueError(FAULT_TOO_MANY)

    def _header(self) -> Generator[int | Skip, bytes, tuple[bytes, bytes, int | None]]:
        """Read a box's bytes before its content, name and size (0: to the end).

        The size is None where there is no further box.
        """
        header = yield 8
        name, size = header[4:8], int.from_bytes(header[:4], "big")
        least = 8
        if size == 1 and len(header) == 8:
            long_size = yield 8
            size, least = int.from_bytes(long_size, "big"), 16
            header += long_size
        is_box = len(header) >= 8 and is_name(name) and (size == 0 or least <= size < _TO_THE_END)
        return header, name, size if is_box else None

    def _read_segments(self, content: bytes, end: int) -> None:
        """Note where the last segment ends that a segment index names; one that cannot be read promises nothing."""
        at = 28 if content[:1] == b"\1" else 20
        if len(content) < at + 4:
            return
        rows = content[at + 4 :][: 12 * int.from_bytes(content[at + 2 : at + 4], "big")]
        if len(rows) % 12:
            return
        sizes = [size & 0x7FFFFFFF for size, _, _ in struct.iter_unpack(">III", rows)]
        first = end + int.from_bytes(content[20:28] if at == 28 else content[16:20], "big")
        self._segments_end = max(self._segments_end, first + sum(sizes))

    def _note_media(self, start: int, end: int) -> None:
        if len(self._media) * 16 < LARGEST_INDEX:
            self._media.add(start, end - start)
        else:
            self._give_up()

    def _end_inside(self, name: bytes, start: int, *, is_open: bool) -> None:
        if is_open:
            return
        self._is_cut_inside = name
        self._remarks[REMARK_CUT_TAIL] = None
        if name not in _WITHOUT_SAMPLES and name != b"mdat":
            self._tail.take_unseen(self._intake.position - start)

    def _index(self, intake: Intake, name: bytes, start: int, end: int) -> Parsing:
        if name == b"moov" and self._tracks:
            return  # players take the first index
        if name == b"moof":
            self._fragment = Fragment(start, self._by_id, self._named) if b"mvex" in self._seen else None
        yield from self._inside(intake, end)
        self._is_in_doubt = self._is_in_doubt or (self._fragment is not None and self._fragment.is_in_doubt)
        is_open = end == _TO_THE_END and not self._is_inner_cut
        if name == b"moov" and (intake.position == end or is_open):
            self._close_index()
        self._keep(0)

    def _inside(self, intake: Intake, end: int, depth: int = 0) -> Parsing:
        """Walk the boxes inside a box; one that says it is longer than its parent ends with it."""
        while intake.position + 8 <= end:
            start = intake.position
            self._count_box()
            header = yield 8
            name, size = header[4:8], int.from_bytes(header[:4], "big")
            if size == 1:
                long_size = yield 8
                size = int.from_bytes(long_size, "big")
            self._is_in_doubt = self._is_in_doubt or not is_name(name) or not 0 < size <= end - start
            if len(header) < 8 or (size and size < intake.position - start):
                self._is_inner_cut = 0 < len(header) < 8
                break
            box_end = min(start + size, end) if size else end
            yield from self._box(intake, name, box_end, depth)
            yield Skip(box_end - intake.position)
            if intake.position < box_end:
                self._is_inner_cut = box_end < _TO_THE_END
                return
        yield Skip(max(0, end - intake.position))

    def _box(self, intake: Intake, name: bytes, end: int, depth: int) -> Parsing:
        if name in (b"mvhd", b"mvex"):
            self._seen.add(name)
        if name == b"trak":
            self._add_track()
        if name in _INNER_BOXES and depth < _DEEPEST:
            yield from self._inside(intake, end, depth + 1)
            return
        length = end - intake.position
        if name in _HEADERS:
            length = min(length, _LARGEST_HEADER)
        elif name not in _TABLES or not self._keep(length * _TABLES[name]):
            return
        content = yield length
        if len(content) == length:
            self._read(name, content)

    def _keep(self, length: int) -> bool:
        """Count the bytes of the index that are kept; beyond the limit nothing of it is checked."""
        self._kept += length
        if self._kept + 16 * len(self._named) > LARGEST_INDEX:
            self._give_up()
        return self._is_checked

    def _give_up(self) -> None:
        self._is_checked = False
        self._named = Extents()
        self._remarks[REMARK_TOO_LARGE] = None

    def _read(self, name: bytes, content: bytes) -> None:
        if self._fragment is not None and name in (b"tfhd", b"tfdt", b"trun"):
            self._fragment.read(name, content)
            self._kept -= len(content) if name == b"trun" else 0
        elif name == b"mvhd":
            self._movie_scale, self._movie_ticks = movie_times(content)
        elif name == b"mehd":
            self._fragmented_ticks = promised_ticks(content)
        elif name == b"trex" and len(content) >= 20 and len(self._defaults) < _MOST_TRACKS:
            track_id, description, ticks, size = struct.unpack_from(">IIII", content, 4)
            self._defaults[track_id] = (description, ticks, size)
        elif self._tracks:
            self._tracks[-1].read(name, content)

    def _close_index(self) -> None:
        for track in self._tracks:
            self._by_id.setdefault(track.id, track)
            track.defaults = self._defaults.get(track.id)
            if track.is_media and self._is_checked:
                track.place_samples(self._named)
            else:
                track.count_bytes()
        self._kept = 0


def is_name(name: bytes) -> bool:
    """Return whether four bytes can be a box's name: letters, digits, blanks; the copyright sign of QuickTime."""
    return all(32 <= letter < 127 or letter == 0xA9 for letter in name) and name.strip() != b""
