"""The tracks of an MP4 file: how long their samples play, and where the index says that they are (ISO 14496-12)."""

import re
import struct
from array import array
from collections.abc import Iterator
from itertools import chain, islice

from recording.domain.media.intake import Extents

MEDIA_HANDLERS = (b"vide", b"soun")
ENCRYPTED_ENTRIES = (b"encv", b"enca", b"drmi", b"drms")
# Compressed forms whose frames are short, or never hold three zeros in a row: a long run of zeros cannot be one.
NEVER_ZERO_ENTRIES = frozenset((b"avc1", b"avc3", b"hvc1", b"hev1", b"mp4a", b"Opus", b".mp3"))
KNOWN_ENTRIES = frozenset(  # ACS writes avc1 and mp4a; the others are what ordinary players play
    (
        *(b"avc1", b"avc2", b"avc3", b"hvc1", b"hev1", b"dvh1", b"dvhe", b"dva1", b"dvav", b"av01", b"vvc1", b"vvi1"),
        *(b"vp08", b"vp09", b"mp4v", b"s263", b"h263", b"H263", b"jpeg", b"mjpa", b"mjpb", b"png ", b"apcn", b"apch"),
        *(b"apcs", b"apco", b"ap4h", b"raw ", b"SVQ1", b"SVQ3", b"rle ", b"cvid", b"mp4a", b".mp3", b"ms\0U", b"mp3 "),
        *(b"Opus", b"fLaC", b"alac", b"ac-3", b"ec-3", b"dtsc", b"dtsh", b"dtsl", b"dtse", b"samr", b"sawb", b"sqcp"),
        *(
            b"lpcm",
            b"ipcm",
            b"fpcm",
            b"sowt",
            b"twos",
            b"in24",
            b"in32",
            b"fl32",
            b"fl64",
            b"ulaw",
            b"alaw",
            b"ima4",
            b"iamf",
        ),
        *(b"QDM2", b"QDMC", b"MAC3", b"MAC6", b"agsm", b"wma ", b"vc-1", b"mlpa", b"dvc ", b"dvcp", b"NONE"),
    )
)
_SIZES_OF_A_HOLE = re.compile(bytes(4 * 64))  # 64 samples in a row without a byte; a sector of zeros is 128 of them
_SIZES_IN_DOUBT = re.compile(bytes(4 * 8))  # some in a row: a picture that did not change, or a smaller hole
_BELOW_ZERO = 1 << 31  # read with a sign: a length that some writers compute for the last sample
_SEQUENCE_PARAMETERS = 7  # as a kind of unit
_DAMAGED = "the MP4 file's index is damaged"
FAULT_NO_LENGTHS = "the MP4 file's index names samples without a length"
_NOWHERE = "the MP4 file's index has a track that does not say where its media is (dref)"


class Track:
    """One track of the index, and what fragments add to it."""

    def __init__(self) -> None:
        self.id = 0
        self.handler = b""
        self.entry = b""  # of the sample description: the codec
        self.is_configured = True  # whether the sample description has what a decoder must know first
        self.is_holed = False  # whether the table of sizes has a run of zeros
        self.has_zeros = False  # whether it has a short one
        self.channels: int | None = None
        self.sample_rate: int | None = None
        self.time_scale = 0
        self.samples = 0
        self.ticks = 0  # the samples' lengths, together
        self.media_bytes = 0  # of all samples that were placed
        self._edits = array("q")  # pairs: length in the movie's time scale, start in the track's
        self.first_shift = 0  # ticks from the first sample's place in the file's order to its place in time
        self.defaults: tuple[int, int, int] | None = None  # of its fragments, as `trex` says: description, ticks, size
        self.fragment_ticks = 0
        self.first_time = 0  # of the first fragment: ticks since the media's beginning
        self.latest_time = 0  # of the latest
        self.fragment_samples = 0
        self._times = array("I")  # pairs: how many samples, and how long each of them is
        self._sizes: tuple[int, array[int]] = (0, array("I"))  # one for all, or one each
        self._chunk_offsets = array("Q")
        self._runs = array("I")  # in threes: first chunk (from 1), samples in each chunk, their description

    @property
    def is_media(self) -> bool:
        """Return whether it is a picture or a sound, and not a hint, a text or a time code."""
        return self.handler in MEDIA_HANDLERS

    @property
    def has_edits(self) -> bool:
        """Return whether the index says which parts of the media are played."""
        return bool(self._edits)

    @property
    def has_length(self) -> bool:
        """Return whether the index says how long the samples play."""
        return bool(self.time_scale and self.ticks + self.fragment_ticks)

    @property
    def lacks_lengths(self) -> bool:
        """Return whether several samples have no length at all; a single picture may have none."""
        return self.samples + self.fragment_samples > 1 and not self.ticks + self.fragment_ticks

    def length_ms(self, movie_scale: int, is_fragmented: bool) -> float | None:
        """Return how long the track plays with what is there; None where its time scale is missing."""
        if not self.time_scale:
            return None
        media_ms = self.ticks * 1000 / self.time_scale
        return (
            self._edited(media_ms, movie_scale, is_fragmented) + self._fragments_ticks_played() * 1000 / self.time_scale
        )

    def _fragments_ticks_played(self) -> int:
        """Leave out what the last edit does: it may start after the first fragment, wherever that is in time."""
        start = self._edits[-1] if self._edits else 0
        before = max(start - self.first_shift - max(self.ticks, self.first_time), 0)
        return max(self.fragment_ticks - before, 0)

    def _edited(self, media_ms: float, movie_scale: int, is_fragmented: bool) -> float:
        """Apply the edit list: it may leave out a part, or play one twice. Delays (-1) are not media, also alone.

        A length of 0 means all that follows where fragments follow, and nothing where the index is all there is.
        Where pictures are stored in another order than they are shown in, the first is shown later: only an edit that
        starts after it leaves something out.
        """
        if not self._edits:
            return media_ms

        def played(length: int, start: int) -> float:
            left = media_ms - max(start - self.first_shift, 0) * 1000 / self.time_scale
            is_open = not movie_scale or (is_fragmented and not length)
            return max(left if is_open else min(length * 1000 / movie_scale, left), 0.0)

        return sum(played(length, start) for length, start in _columns(self._edits, 2) if start >= 0)

    # --- the boxes of the sample table

    def read(self, name: bytes, content: bytes) -> None:
        """Take a box of the track.

        Raises:
            ValueError: when its content is shorter than it says.
        """
        reader = _READERS.get(name)
        if reader is not None:
            try:
                reader(self, content)
            except (struct.error, IndexError) as error:
                raise ValueError(_DAMAGED) from error

    def _read_header(self, content: bytes) -> None:
        (self.id,) = struct.unpack_from(">I", content, 20 if content[0] else 12)

    def _read_media_header(self, content: bytes) -> None:
        (self.time_scale,) = struct.unpack_from(">I", content, 20 if content[0] else 12)

    def _read_handler(self, content: bytes) -> None:
        told = content[8:12]
        self.handler = self.handler if self.is_media or not any(told) else told

    def _read_picture_header(self, _content: bytes) -> None:
        self.handler = self.handler or b"vide"  # a track without a handler is known by its media's header

    def _read_sound_header(self, _content: bytes) -> None:
        self.handler = self.handler or b"soun"

    def _read_description(self, content: bytes) -> None:
        self.entry = content[12:16]
        if self.entry == b"avc1":
            self.is_configured = _has_parameter_sets(content)
        elif (
            self.entry == b"mp4a" and len(content) >= 44
        ):  # players guess it from channels and rate, if these are there
            self.is_configured = any(content[32:34] + content[40:42]) or _aac_config(content[8:]) != b""
        if self.handler == b"soun" and len(content) >= 44:
            self.channels, self.sample_rate = audio_of(content[8:])

    def _read_times(self, content: bytes) -> None:
        self._times = _table(content, "I", 2, 4)
        if max(memoryview(self._times)[1::2], default=0) >= _BELOW_ZERO:
            for row in range(1, len(self._times), 2):
                self._times[row] = self._times[row] if self._times[row] < _BELOW_ZERO else 1  # as players have it
        self.ticks = sum(count * ticks for count, ticks in _columns(self._times, 2))

    def _read_shifts(self, content: bytes) -> None:
        if int.from_bytes(content[4:8], "big"):
            (shift,) = struct.unpack_from(">i", content, 12)
            self.first_shift = max(shift, 0)

    def _read_runs(self, content: bytes) -> None:
        self._runs = _table(content, "I", 3, 4)
        if 0 in memoryview(self._runs)[3::3]:  # they count from 1, and players forgive it in the first row
            raise ValueError(_DAMAGED)

    def _read_references(self, content: bytes) -> None:
        if not any(content[4:8]):
            raise ValueError(_NOWHERE)

    def _read_sizes(self, content: bytes) -> None:
        size, count = struct.unpack_from(">II", content, 4)
        self.samples = count
        self._sizes = (size, array("I") if size else _numbers(content, "I", count, 12))

    def _read_compact_sizes(self, content: bytes) -> None:
        bits, count = content[7], struct.unpack_from(">I", content, 8)[0]
        self.samples = count
        if bits == 4:
            packed = memoryview(content)[12 : 12 + (count + 1) // 2]
            sizes = array("I", islice(chain.from_iterable((byte >> 4, byte & 15) for byte in packed), count))
        else:
            sizes = array("I", _numbers(content, "B" if bits == 8 else "H", count, 12))
        if len(sizes) < count:
            raise ValueError(_DAMAGED)
        self._sizes = (0, sizes)

    def _read_offsets(self, content: bytes) -> None:
        self._chunk_offsets = array("Q", _table(content, "I", 1, 4))

    def _read_long_offsets(self, content: bytes) -> None:
        self._chunk_offsets = _table(content, "Q", 1, 4)

    def _read_edits(self, content: bytes) -> None:
        (count,) = struct.unpack_from(">I", content, 4)
        layout = ">QqI" if content[0] else ">IiI"
        width = struct.calcsize(layout)
        count = count or (len(content) - 8) // width  # players count the rows that are there
        entries = struct.iter_unpack(layout, memoryview(content)[8 : 8 + count * width])
        longest = (1 << 63) - 1
        self._edits = array("q", chain.from_iterable((min(length, longest), start) for length, start, _ in entries))

    @property
    def has_kind(self) -> bool:
        """Return whether the index says of what kind the track is: sound, picture or any other."""
        return self.handler.strip() != b""

    @property
    def is_in_doubt(self) -> bool:
        """Return whether the index may have lost what it said of the track: its kind, its samples or some sizes."""
        has_none = not self.media_bytes or not self.samples + self.fragment_samples
        return self.has_zeros or has_none if self.is_media else not self.has_kind

    def place_samples(self, extents: Extents) -> None:
        """Add where the index says that the samples are; then forget the table.

        Raises:
            ValueError: when the table names more samples than chunks, or chunks that it does not place; or when it
                says of no sample how long it is. Players open neither.
        """
        if self.samples and not any(memoryview(self._times)[::2]):
            raise ValueError(FAULT_NO_LENGTHS)
        if self._runs and self._runs[-3] > len(self._chunk_offsets):
            raise ValueError("the MP4 file's index names more chunks than it places")
        same, each = self._sizes
        sample = media_bytes = 0
        for first, last, per_chunk in self._chunk_runs():
            for chunk in range(first, last):
                end = min(sample + per_chunk, self.samples)
                if end > sample:
                    length = same * (end - sample) or sum(each[sample:end])
                    extents.add(self._chunk_offsets[chunk], length)
                    media_bytes += length
                sample = end
        if sample < self.samples:
            raise ValueError("the MP4 file's index names samples without a place")
        self.media_bytes += media_bytes
        self.note_sizes(each)
        self._drop_lengths_without_samples()
        self._times, self._sizes = array("I"), (0, array("I"))
        self._chunk_offsets, self._runs = array("Q"), array("I")

    def note_sizes(self, sizes: "array[int]") -> None:
        """Look for a hole of zeros in a table of sizes: what is placed by it is placed wrongly."""
        self.is_holed = self.is_holed or _SIZES_OF_A_HOLE.search(sizes) is not None
        self.has_zeros = self.has_zeros or _SIZES_IN_DOUBT.search(sizes) is not None

    def count_bytes(self) -> None:
        """Count the bytes of a track that is not played, wherever they are; then forget the table."""
        same, each = self._sizes
        self.media_bytes += same * self.samples or sum(each)
        self._sizes = (0, array("I"))

    def _drop_lengths_without_samples(self) -> None:
        """Count no length for a sample that the table of sizes does not know."""
        left, self.ticks = self.samples, 0
        for count, ticks in _columns(self._times, 2):
            self.ticks += min(count, left) * ticks
            left -= min(count, left)

    def _chunk_runs(self) -> Iterator[tuple[int, int, int]]:
        """Yield each run's chunks; no chunk is in two of them, in whatever order a damaged table names them."""
        count, begun = len(self._chunk_offsets), 0
        ends = chain((first - 1 for first, *_ in islice(_columns(self._runs, 3), 1, None)), (count,))
        for (first, per_chunk, _), end in zip(_columns(self._runs, 3), ends, strict=False):  # no runs: one end too many
            begun, last = max(first - 1, begun), min(end, count)
            if begun < last:
                yield begun, last, per_chunk
                begun = last


def _table(content: bytes, kind: str, columns: int, at: int) -> "array[int]":
    """Read a count and that many rows of big-endian numbers."""
    (count,) = struct.unpack_from(">I", content, at)
    return _numbers(content, kind, count * columns, at + 4)


def _numbers(content: bytes, kind: str, count: int, at: int) -> "array[int]":
    numbers = array(kind)
    end = at + count * numbers.itemsize
    if len(content) < end:
        raise ValueError(_DAMAGED)
    numbers.frombytes(memoryview(content)[at:end])
    numbers.byteswap()  # the machines that this runs on are little-endian
    return numbers


def _columns(table: "array[int]", width: int) -> Iterator[tuple[int, ...]]:
    """Yield a table's rows, without a copy of it."""
    view = memoryview(table)
    return zip(*(view[column::width] for column in range(width)), strict=True)


_READERS = {
    b"tkhd": Track._read_header,
    b"mdhd": Track._read_media_header,
    b"hdlr": Track._read_handler,
    b"vmhd": Track._read_picture_header,
    b"smhd": Track._read_sound_header,
    b"stsd": Track._read_description,
    b"stts": Track._read_times,
    b"ctts": Track._read_shifts,
    b"dref": Track._read_references,
    b"stsc": Track._read_runs,
    b"stsz": Track._read_sizes,
    b"stz2": Track._read_compact_sizes,
    b"stco": Track._read_offsets,
    b"co64": Track._read_long_offsets,
    b"elst": Track._read_edits,
}


def _has_parameter_sets(description: bytes) -> bool:
    """Return whether a description of H.264 has one of its sets of sequence parameters (ISO 14496-15 §5.3.3)."""
    at = description.find(b"avcC") + 4
    if at < 8 or len(description) < at + 9:
        return False
    version, count, kind = description[at], description[at + 5] & 31, description[at + 8] & 31
    return version == 1 and count > 0 and kind == _SEQUENCE_PARAMETERS


# --- the sound's own description (ISO 14496-1 §7.2.6, 14496-3 §1.6.2)

_SAMPLE_RATES = (96000, 88200, 64000, 48000, 44100, 32000, 24000, 22050, 16000, 12000, 11025, 8000, 7350)
_CHANNELS = (None, 1, 2, 3, 4, 5, 6, 8)


def audio_of(entry: bytes) -> tuple[int | None, int | None]:
    """Return channels and sample rate of a sound's entry; AAC's own configuration counts more than the entry's."""
    channels, rate = int.from_bytes(entry[24:26], "big"), int.from_bytes(entry[32:34], "big")
    if entry[4:8] == b"mp4a" and (config := _aac_config(entry)):
        bits = int.from_bytes(config[:2].ljust(2, b"\0"), "big")
        place, count = bits >> 7 & 15, bits >> 3 & 15
        if bits >> 11 != 31 and place < len(_SAMPLE_RATES):
            return (_CHANNELS[count] if count < len(_CHANNELS) else None), _SAMPLE_RATES[place]
        return None, None
    return channels or None, rate or None


def _aac_config(entry: bytes) -> bytes:
    """Return the decoder's configuration from the chain of descriptors, or nothing."""
    at = entry.find(b"esds") + 8
    for tag, fixed in ((3, 3), (4, 13), (5, 0)):
        if at < 8 or at >= len(entry) or entry[at] != tag:
            return b""
        at += 1
        while at < len(entry) and entry[at] & 0x80:
            at += 1
        at += 1 + fixed
    return entry[at : at + 2]
