"""Builds MP3 and MP4 files from a plan, frame by frame and box by box: silent sound that any decoder plays."""

import struct
from collections.abc import Sequence
from dataclasses import dataclass

from dev.compare_media.odd_files import AFTER, BEFORE, FILLERS, TAILS, Box
from recording.domain.media.mp3 import Frame, frame_at

SAMPLE_BYTES, SAMPLE_MS, RATE = 800, 100, 8000
_SOUND = b"\xd5\x54\x5a\xda" * (SAMPLE_BYTES // 4)  # µ-law: a quiet tone
_CRC = b"\0\0"


# --- MP3


@dataclass(frozen=True)
class Mp3:
    """An MP3 file of one stream: `bits` are the bit rates of its frames, by the four bits of their headers."""

    bits: Sequence[int] = (9,) * 40
    version: int = 3  # 3: MPEG-1, 2: MPEG-2, 0: MPEG-2.5
    rate: int = 0
    is_mono: bool = False
    is_protected: bool = False  # by a checksum behind each header
    table: bytes = b""
    promised: int | None = None  # by the table; None is the truth
    before: str = "nothing"
    after: str = "nothing"
    starts_inside: int = 0  # bytes of the first frame that are gone

    def frames(self) -> list[bytes]:
        """Return the frames, that of the table first."""
        made = [self._frame(bits) for bits in self.bits]
        return [self._table_frame(), *made] if self.table else made

    def written(self) -> bytes:
        """Return the file."""
        return BEFORE[self.before] + b"".join(self.frames())[self.starts_inside :] + AFTER[self.after]

    def _frame(self, bits: int, content: bytes = b"") -> bytes:
        header = self._header(bits)
        return (header + content).ljust(_frame_of(header).size, b"\0")

    def _header(self, bits: int) -> bytes:
        mode = 3 if self.is_mono else 0
        protection = 0 if self.is_protected else 1
        word = 0x7FF << 21 | self.version << 19 | 1 << 17 | protection << 16 | bits << 12 | self.rate << 10 | mode << 6
        return word.to_bytes(4, "big")

    def _table_frame(self) -> bytes:
        count = len(self.bits) if self.promised is None else self.promised
        check = _CRC if self.is_protected else b""
        if self.table == b"VBRI":
            return self._frame(9, bytes(32) + b"VBRI" + bytes(10) + struct.pack(">I", count))
        side = {(3, False): 32, (3, True): 17, (2, False): 17, (2, True): 9}[max(self.version, 2), self.is_mono]
        return self._frame(9, check + bytes(side) + self.table + struct.pack(">II", 1, count))

    @property
    def frame_ms(self) -> float:
        """Return how long one frame plays."""
        frame = _frame_of(self._header(9))
        return frame.samples * 1000 / frame.sample_rate


def _frame_of(header: bytes) -> Frame:
    frame = frame_at(header)
    if frame is None:
        raise ValueError("this is the header of no frame")
    return frame


# --- MP4


@dataclass(frozen=True)
class Mp4:
    """An MP4 file with one track of µ-law: so many samples in each media box, and the index before one of them.

    With `fragments` the index is empty and each media box has a fragment before it.
    """

    media: Sequence[int] = (10,)
    index_at: int = 0
    has_kind: bool = True
    fillers: Sequence[str] = ()  # before each box
    inner: Sequence[str] = ()  # within the index
    wide: frozenset[bytes] = frozenset()
    long_offsets: bool = False
    sizes: str = "same"  # for all, or for `each`, or `compact`
    edits: Sequence[tuple[int, int]] = ()
    is_extended: bool = False  # fragments may follow the index, though none does
    fragments: str = ""  # where a fragment's places count from: moof, absolute, none
    tail: str = "nothing"
    is_open: bool = False  # the last box has no size
    has_lengths: bool = True  # of its samples
    has_more_runs: bool = False  # of chunks than it places
    taken: int = 0  # bytes of media that the last media box lacks, with a size to match

    @property
    def plays_ms(self) -> float:
        """Return how long all samples play."""
        return float(sum(self.media) * SAMPLE_MS)

    def written(self) -> bytes:
        """Return the file."""
        if self.fragments:
            return self._with_fragments()
        places: list[int] = [0] * len(self.media)
        for _ in range(2):  # the offsets decide nothing about the sizes
            data, places = self._laid_out(places)
        return data

    def _laid_out(self, places: Sequence[int]) -> tuple[bytes, list[int]]:
        index = Box(b"moov", self._index(places))
        order: list[Box] = [self._media_box(number) for number in range(len(self.media))]
        order.insert(self.index_at % (len(self.media) + 1), index)
        data, found = self._kind(), []
        for number, box in enumerate(order):
            data += self._filled() + self._box(box, is_last=number == len(order) - 1)
            if box is not index:
                found.append(len(data) - len(box.content))
        return data + TAILS[self.tail], found

    def _with_fragments(self) -> bytes:
        data = self._kind() + self._filled() + self._box(Box(b"moov", self._index(())))
        for number, count in enumerate(self.media):
            data += self._filled()
            media = self._media_box(number)
            data += self._fragment(len(data), count) + media.written()
        return data + TAILS[self.tail]

    def _fragment(self, start: int, count: int) -> bytes:
        flags, base = {"moof": (0x20000, b""), "absolute": (1, struct.pack(">Q", start)), "none": (0, b"")}[
            self.fragments
        ]
        rows = struct.pack(">II", SAMPLE_BYTES, SAMPLE_BYTES) * count
        header = Box(b"tfhd", struct.pack(">II", flags, 1) + base).written()
        length = 8 + 8 + len(header) + 8 + 12 + len(rows)
        run = Box(b"trun", struct.pack(">IIi", 0x301, count, length + 8) + rows).written()
        return Box(b"moof", Box(b"traf", header + run).written()).written()

    def _media_box(self, number: int) -> Box:
        content = _SOUND * self.media[number]
        is_last = number == len(self.media) - 1
        return Box(b"mdat", content[: len(content) - self.taken] if is_last else content)

    def _kind(self) -> bytes:
        return self._box(Box(b"ftyp", b"isom\0\0\2\0isommp42")) if self.has_kind else b""

    def _filled(self) -> bytes:
        return b"".join(Box(*FILLERS[name]).written() for name in self.fillers)

    def _box(self, box: Box, *, is_last: bool = False) -> bytes:
        is_open = is_last and self.is_open and not TAILS[self.tail]
        return box.written(0 if is_open else 8 if box.name in self.wide else 4)

    def _index(self, places: Sequence[int]) -> bytes:
        movie_ms = 0 if self.fragments else sum(length for length, _ in self.edits) or int(self.plays_ms)
        head = Box(b"mvhd", struct.pack(">IIIII", 0, 0, 0, 1000, movie_ms) + bytes(80))
        track = Box(b"tkhd", struct.pack(">IIIIII", 7, 0, 0, 1, 0, movie_ms) + bytes(60)).written()
        if self.edits:
            rows = b"".join(struct.pack(">IiI", length, start, 0x10000) for length, start in self.edits)
            track += self._box(Box(b"edts", Box(b"elst", struct.pack(">II", 0, len(self.edits)) + rows).written()))
        media = Box(b"mdhd", struct.pack(">IIIIII", 0, 0, 0, RATE, 0, 0)).written()
        media += Box(b"hdlr", bytes(8) + b"soun" + bytes(13)).written()
        info = Box(b"smhd", bytes(8)).written() + self._box(Box(b"stbl", self._table(places)))
        media += self._box(Box(b"minf", info))
        inner = b"".join(Box(*FILLERS[name]).written() for name in self.inner)
        extends = Box(b"mvex", Box(b"trex", struct.pack(">IIIIII", 0, 1, 1, 0, 0, 0)).written()).written()
        track = self._box(Box(b"trak", track + self._box(Box(b"mdia", media))))
        return inner + head.written() + track + inner + extends * (self.is_extended or bool(self.fragments))

    def _table(self, places: Sequence[int]) -> bytes:
        sound = bytes(6) + struct.pack(">HIIHHHHI", 1, 0, 0, 1, 16, 0, 0, RATE << 16)
        described = Box(b"stsd", struct.pack(">II", 0, 1) + Box(b"ulaw", sound).written()).written()
        counts = [] if self.fragments else list(self.media)
        total = sum(counts)
        changes = [at for at, count in enumerate(counts) if at == 0 or count != counts[at - 1]]
        runs = b"".join(struct.pack(">III", at + 1, counts[at], 1) for at in changes)
        rows = 1 if total and self.has_lengths else 0
        more = 1 if self.has_more_runs else 0
        runs += struct.pack(">III", 1 << 20, 1, 1) * more
        boxes = [
            Box(b"stts", struct.pack(">II", 0, rows) + struct.pack(">II", total, SAMPLE_BYTES) * rows),
            Box(b"stsc", struct.pack(">II", 0, len(changes) + more) + runs),
            self._sizes(total),
            self._offsets(places if total else ()),
        ]
        return described + b"".join(box.written() for box in boxes)

    def _sizes(self, total: int) -> Box:
        if self.sizes == "compact":
            sizes = struct.pack(f">{total}H", *[SAMPLE_BYTES] * total)
            return Box(b"stz2", struct.pack(">III", 0, 16, total) + sizes)
        if self.sizes == "each":
            return Box(b"stsz", struct.pack(">III", 0, 0, total) + struct.pack(f">{total}I", *[SAMPLE_BYTES] * total))
        return Box(b"stsz", struct.pack(">III", 0, SAMPLE_BYTES, total))

    def _offsets(self, places: Sequence[int]) -> Box:
        name, form = (b"co64", "Q") if self.long_offsets else (b"stco", "I")
        return Box(name, struct.pack(f">II{len(places)}{form}", 0, len(places), *places))
