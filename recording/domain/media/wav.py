"""WAV: size, rate, channels and bits of the sound give the duration (RIFF, RF64 and BW64; EBU Tech 3306)."""

import struct
from collections.abc import Generator

from recording.domain.formats import FormatType
from recording.domain.media.facts import MediaFacts
from recording.domain.media.intake import TO_THE_END, Intake, Parsing, Skip
from recording.domain.media.wav_layout import EXTENSIBLE, LARGE_FORMS, bytes_of_sample, extended_kind, is_unpadded

_NO_SIZE = 1 << 63  # players read the large form's size with a sign
# integers, floats, A-law, µ-law: each sample has its own bits; and how many bytes it may have
_WIDTHS = {1: (1, 2, 3, 4, 8), 3: (4, 8), 6: (1,), 7: (1,)}
_EXTENSION_BYTES = 22  # that hold the kind of an extensible form; with fewer, players know none
_COMPRESSED = frozenset(  # kinds that players play; what has another one cannot be heard
    (
        *(0x02, 0x0A, 0x11, 0x17, 0x20, 0x22, 0x31, 0x32, 0x38, 0x40, 0x42, 0x45, 0x50, 0x55, 0x57, 0x58, 0x61, 0x62),
        *(0x64, 0x69, 0x75, 0x83, 0x111, 0x130, 0x135, 0x160, 0x161, 0x162, 0x163, 0x165, 0x166, 0x200, 0x215),
        *(0x216, 0x270, 0x28F, 0x401, 0x402, 0x500, 0x501, 0x1500, 0x1501, 0x1600, 0x1602, 0x2000, 0x2001, 0x2048),
        *(0x4143, 0x594A, 0x674F, 0x6750, 0x6751, 0x676F, 0x6770, 0x6771, 0x6C75, 0x704F, 0x706D, 0x729A, 0x77A1),
        *(0xA100, 0xA106, 0xA109, 0xF1AC),
    )
)
_MOST_CHUNKS = 1_000_000
_ROUND_SIZES = (1 << 28, 1 << 29, 1 << 30, 1 << 31, 1 << 32)
_NEAR_ROUND = 64 * 1024  # writers round a placeholder down to a page or block, or take their header off it
_LONGEST_MS = 24 * 3600 * 1000  # ACS keeps a file for a day; no header that promises more was meant

REMARK_LARGE_FORM = "the WAV file has the form for large files"
REMARK_RIFF_SIZE = "the WAV file's outer size is wrong"
REMARK_SOUND_SIZE = "the WAV file's size of the sound was never filled in"
REMARK_BYTE_RATE = "the WAV file's byte rate contradicts its rate, channels and bits"
REMARK_BYTES_AFTER = "the WAV file has other bytes after its sound"
REMARK_PADDING = "the WAV file has an odd chunk without padding"
REMARK_COMPRESSED = "the WAV file's sound is compressed"
FAULT_NO_SIZES = "the WAV file has the form for large files without its sizes"
FAULT_WIDTH = "the WAV file's samples have a width that no player knows"
FAULT_KIND = "the WAV file's sound is in an unknown form"
FAULT_TOO_MANY = "the WAV file has too many chunks"
FAULT_SHORT = "the WAV file is shorter than its header says"


class WavWalker:
    """Steps from chunk to chunk; keeps a few numbers."""

    def __init__(self) -> None:
        self._remarks: dict[str, None] = {}
        self._form = b""
        self._riff_size = 0
        self._large_size = 0  # of the sound, as `ds64` says
        self._format: tuple[int, int, int, int, int] | None = None  # kind, channels, rate, byte rate, bytes per frame
        self._samples = 0  # as `fact` says
        self._sound: tuple[int, int] | None = None  # declared, there
        self._carried = b""  # a byte that was read as padding and is not
        self._intake = Intake(self._chunks)

    def feed(self, piece: memoryview) -> None:
        """Take the next bytes.

        Raises:
            ValueError: when they cannot be a WAV file.
        """
        self._intake.feed(piece)

    def finish(self) -> MediaFacts:
        """Return the facts; a file that holds less than its header says carries that as its fault.

        Raises:
            ValueError: when there is no sound.
        """
        self._intake.finish()
        if self._sound is None:
            raise ValueError("the WAV file ends inside its header")
        if self._format is None:  # there is no sound without one
            raise ValueError("the WAV file has no format before its sound")
        if self._form in LARGE_FORMS and not 0 < self._large_size < _NO_SIZE:
            raise ValueError(FAULT_NO_SIZES)
        return self._facts(self._format, *self._sound)

    def _facts(self, form: tuple[int, int, int, int, int], declared: int, there: int) -> MediaFacts:
        kind, channels, sample_rate, byte_rate, frame = form
        if there < max(frame, 1):
            raise ValueError("the WAV file holds no sound")
        plays = self._plays_ms(there, declared)
        promised = self._plays_ms(declared, declared)
        is_cut = there < declared and not self._is_never_filled_in(declared, promised)
        self._note_sizes(declared, there)
        if kind in _WIDTHS and byte_rate != sample_rate * frame:
            self._remarks[REMARK_BYTE_RATE] = None
        return MediaFacts(
            FormatType.WAV,
            plays,
            channels,
            sample_rate,
            fault=FAULT_SHORT if is_cut else None,
            remarks=tuple(self._remarks),
            container=self._form.decode("ascii"),
            has_video=False,
            promised_ms=promised if is_cut else None,
        )

    def _plays_ms(self, size: int, declared: int) -> float | None:
        kind, _, sample_rate, byte_rate, frame = self._format or (0, 0, 1, 0, 0)
        if kind in _WIDTHS and frame:
            return size // frame * 1000 / sample_rate
        if self._samples and size == declared:
            return self._samples * 1000 / sample_rate
        return size * 1000 / byte_rate if byte_rate else None

    def _is_never_filled_in(self, declared: int, promised_ms: float | None) -> bool:
        """Return whether a size beyond the file's end is the writer's placeholder, and the file is not cut.

        Where the outer size fits the file exactly, nothing is missing.
        """
        fits_outer = self._intake.position - 8 - self._riff_size in (0, 1) and self._form == b"RIFF"
        is_round = any(-_NEAR_ROUND <= declared - size <= _NEAR_ROUND for size in _ROUND_SIZES)
        return fits_outer or is_round or (promised_ms or 0) > _LONGEST_MS

    def _note_sizes(self, declared: int, there: int) -> None:
        if declared == 0 or declared > there:
            self._remarks[REMARK_SOUND_SIZE] = None
        elif self._form == b"RIFF" and self._intake.position - 8 - self._riff_size not in (0, 1):
            self._remarks[REMARK_RIFF_SIZE] = None

    def _chunks(self, intake: Intake) -> Parsing:
        head = yield 12
        self._form, self._riff_size = head[:4], int.from_bytes(head[4:8], "little")
        if self._form in LARGE_FORMS:
            self._remarks[REMARK_LARGE_FORM] = None
        size, is_first, left = 0, True, _MOST_CHUNKS
        while len(header := (yield from self._header_after(size))) == 8:
            name, size = struct.unpack("<4sI", header)
            left -= 1
            if not left:
                raise ValueError(FAULT_TOO_MANY)
            if self._sound is not None and not all(32 <= letter < 127 for letter in name):
                break  # before the sound, players step over chunks of any name
            if is_first and self._form in LARGE_FORMS and name != b"ds64":
                raise ValueError(FAULT_NO_SIZES)  # players look for it nowhere else
            size, is_first = (yield from self._chunk(intake, name, size)), False
        if header:
            self._remarks[REMARK_BYTES_AFTER] = None
        yield TO_THE_END

    def _header_after(self, size: int) -> Generator[int | Skip, bytes, bytes]:
        """Read the next chunk's header; some writers leave out the padding of a chunk of odd size."""
        if not size & 1:
            return (yield 8)
        got = yield 9
        if is_unpadded(got):
            self._remarks[REMARK_PADDING] = None
            self._carried = got[8:]
            return got[:8]
        return got[1:]

    def _chunk(self, intake: Intake, name: bytes, size: int) -> Generator[int | Skip, bytes, int]:
        """Read a chunk or step over it, and return its size; that of a large file's sound is stored elsewhere."""
        carried, self._carried = self._carried, b""
        if name == b"data" and self._sound is None:
            return (yield from self._data(intake, size, len(carried)))
        kept = min(size, {b"fmt ": 40, b"ds64": 28, b"fact": 4}.get(name, 0))
        content = carried[:kept]
        content += yield kept - len(content)
        self._read(name, content)
        yield Skip(size - max(kept, len(carried)))
        return size

    def _data(self, intake: Intake, size: int, carried: int) -> Generator[int | Skip, bytes, int]:
        if self._format is None:
            raise ValueError("the WAV file has no format before its sound")
        start = intake.position - carried
        declared = self._large_size or size if self._form in LARGE_FORMS else size
        yield TO_THE_END if declared == 0 else Skip(declared - carried)
        there = intake.position - start
        self._sound = (declared, there)
        return declared

    def _read(self, name: bytes, content: bytes) -> None:
        if name == b"fmt " and len(content) >= 14 and self._format is None:  # players believe the first
            self._read_format(content)
        elif name == b"ds64" and len(content) >= 16:
            self._large_size = int.from_bytes(content[8:16], "little")
        elif name == b"fact" and len(content) == 4:
            self._samples = int.from_bytes(content, "little")

    def _read_format(self, content: bytes) -> None:
        kind, channels, sample_rate, byte_rate = struct.unpack_from("<HHII", content)
        bits = int.from_bytes(content[14:16], "little") if len(content) >= 16 else 8  # the oldest form says none
        if not (channels and sample_rate):
            raise ValueError("the WAV file's format has no channels or no rate")
        if kind == EXTENSIBLE and min(int.from_bytes(content[16:18], "little"), len(content) - 18) >= _EXTENSION_BYTES:
            kind = extended_kind(content[24:40])
        width = bytes_of_sample(kind, bits, int.from_bytes(content[12:14], "little") / channels)
        if kind in _COMPRESSED:
            self._remarks[REMARK_COMPRESSED] = None
        elif width not in _WIDTHS.get(kind, ()):
            raise ValueError(FAULT_WIDTH if kind in _WIDTHS else FAULT_KIND)
        self._format = (kind, channels, sample_rate, byte_rate, channels * width if kind in _WIDTHS else 1)
