"""Makes whole and damaged files that no encoder writes: real sound and pictures, wrapped in every odd way."""

import math
import struct
from array import array
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from itertools import chain

RATE = 16_000
SECONDS = 0.5
_ALL_ONES = 0xFFFFFFFF
UNFILLED = (0, _ALL_ONES, 0x7FFFFFFF, 0x80000000)
TAILS = {"nothing": b"", "a zero": b"\0", "zeros": bytes(64), "text": b"<p>busy</p>\n" * 3}


# --- WAV


def _samples(pack: Callable[[float], bytes], channels: int, seconds: float) -> bytes:
    curve = (math.sin(2 * math.pi * 300 * at / RATE) for at in range(round(RATE * seconds)))
    return b"".join(pack(0.5 * value) * channels for value in curve)


def _law(_value: float) -> bytes:
    return b"\x2a"


@dataclass(frozen=True)
class Coding:
    """A form of samples: the kind and the bits that the format chunk says, and how one is written."""

    kind: int
    bits: int
    pack: Callable[[float], bytes]
    width: int


CODINGS = {
    "u8": Coding(1, 8, lambda value: bytes([round(128 + 127 * value)]), 1),
    "s16": Coding(1, 16, lambda value: struct.pack("<h", round(32_000 * value)), 2),
    "s12": Coding(1, 12, lambda value: struct.pack("<h", round(32_000 * value)), 2),
    "s24": Coding(1, 24, lambda value: struct.pack("<i", round((1 << 22) * value))[:3], 3),
    "s24 in 4 bytes": Coding(1, 24, lambda value: struct.pack("<i", round((1 << 30) * value)), 4),
    "s20": Coding(1, 20, lambda value: struct.pack("<i", round((1 << 22) * value))[:3], 3),
    "s32": Coding(1, 32, lambda value: struct.pack("<i", round((1 << 30) * value)), 4),
    "f32": Coding(3, 32, lambda value: struct.pack("<f", value), 4),
    "f64": Coding(3, 64, lambda value: struct.pack("<d", value), 8),
    "A-law": Coding(6, 8, _law, 1),
    "µ-law": Coding(7, 8, _law, 1),
    "A-law of 16 bits": Coding(6, 16, _law, 1),
    "µ-law of 0 bits": Coding(7, 0, _law, 1),
    "no width": Coding(1, 0, lambda value: struct.pack("<h", round(32_000 * value)), 2),
    "5 bytes": Coding(1, 40, lambda _value: bytes(5), 5),
    "half a float": Coding(3, 16, lambda value: struct.pack("<e", value), 2),
    "a kind that nobody knows": Coding(0x1234, 16, lambda value: struct.pack("<h", round(32_000 * value)), 2),
}


def riff_chunk(name: bytes, content: bytes, size: int | None = None) -> bytes:
    """Return one chunk, padded; `size` is what its header claims."""
    return name + struct.pack("<I", len(content) if size is None else size) + content + bytes(len(content) & 1)


CHUNKS = {
    "nothing": b"",
    "LIST": riff_chunk(b"LIST", b"INFOISFT" + struct.pack("<I", 4) + b"made"),
    "odd LIST": riff_chunk(b"LIST", b"INFOISFT" + struct.pack("<I", 5) + b"maker"),
    "JUNK": riff_chunk(b"JUNK", bytes(28)),
    "bext": riff_chunk(b"bext", bytes(602)),
    "empty": riff_chunk(b"cue ", b""),
    "page of zeros": riff_chunk(b"PAD ", bytes(4000)),
    "id3": riff_chunk(b"id3 ", b"ID3\x04\0\0\0\0\0\0"),
    "a name of zeros": riff_chunk(b"\0\0\0\0", b""),
    "a name in no letters": riff_chunk(b"\xff\xfe\xfd\xfc", bytes(20)),
    "fact": riff_chunk(b"fact", struct.pack("<I", round(RATE * SECONDS))),
}


@dataclass(frozen=True)
class Wav:
    """A WAV file, with everything that a writer may get wrong."""

    coding: str = "s16"
    channels: int = 1
    form: bytes = b"RIFF"
    is_extensible: bool = False
    is_short_form: bool = False  # 14 bytes: what came before the bits were told
    before: str = "nothing"
    after: str = "nothing"
    tail: str = "nothing"
    riff_size: int | None = None
    data_size: int | None = None
    byte_rate: int | None = None
    align: int | None = None
    cut: float = 1.0  # the share of the sound that is there

    @property
    def is_whole(self) -> bool:
        """Return whether nothing of it is missing."""
        return self.cut == 1.0

    def written(self) -> bytes:
        """Return the file."""
        coding = CODINGS[self.coding]
        sound = _samples(coding.pack, self.channels, SECONDS)
        is_large = self.form != b"RIFF"
        told = self.data_size if self.data_size is not None else _ALL_ONES if is_large else None
        body = self._format(coding) + CHUNKS[self.before]
        if is_large:
            body = riff_chunk(b"ds64", struct.pack("<QQQI", 0, len(sound), len(sound), 0)) + body
        if not self.is_whole:
            body += riff_chunk(b"data", sound, told)[: 8 + int(len(sound) * self.cut)]
            whole = len(body) + len(sound) - int(len(sound) * self.cut)
        else:
            body += riff_chunk(b"data", sound, told) + CHUNKS[self.after] + TAILS[self.tail]
            whole = len(body) - len(TAILS[self.tail])
        size = self.riff_size if self.riff_size is not None else _ALL_ONES if is_large else whole + 4
        return self.form + struct.pack("<I", size) + b"WAVE" + body

    def _format(self, coding: Coding) -> bytes:
        align = coding.width * self.channels
        rate = RATE * align if self.byte_rate is None else self.byte_rate
        kind = 0xFFFE if self.is_extensible else coding.kind
        align = align if self.align is None else self.align
        content = struct.pack("<HHIIHH", kind, self.channels, RATE, rate, align, coding.bits)
        if self.is_short_form:
            content = content[:14]
        elif self.is_extensible:
            content += struct.pack("<HHIIHHQ", 22, coding.bits, 0, coding.kind, 0, 16, 0x719B3800AA000080)
        elif coding.kind != 1:
            content += b"\0\0"
        return riff_chunk(b"fmt ", content)


def wav_files() -> Iterator[Wav]:
    """Yield files with one or two things odd."""
    plain = Wav()
    for coding in CODINGS:
        for channels in (1, 2, 5):
            yield replace(plain, coding=coding, channels=channels)
            yield replace(plain, coding=coding, channels=channels, is_extensible=True)
    yield replace(plain, coding="u8", is_short_form=True)
    for form in (b"RIFF", b"RF64", b"BW64"):
        for name in CHUNKS:
            yield replace(plain, form=form, before=name)
            yield replace(plain, form=form, after=name)
        for tail in TAILS:
            yield replace(plain, form=form, tail=tail, after="odd LIST")
        for share in range(1, 16):
            yield replace(plain, form=form, cut=share / 16)
            yield replace(plain, form=form, cut=share / 16, channels=5)
    for size in (*UNFILLED, 36, 4):
        yield replace(plain, riff_size=size)
        yield replace(plain, riff_size=size, after="LIST")
    for size in UNFILLED:
        yield replace(plain, data_size=size)
        yield replace(plain, data_size=size, riff_size=size)
        yield replace(plain, data_size=size, cut=0.5)
    for rate in (0, 1, 64_000, _ALL_ONES):
        yield replace(plain, byte_rate=rate)
        yield replace(plain, byte_rate=rate, channels=5, is_extensible=True)
    for align in (0, 1, 3, 4, 512):
        yield replace(plain, align=align)
        yield replace(plain, align=align, coding="s24", channels=2)


# --- MP3


def id3v2(size: int, *, has_footer: bool = False) -> bytes:
    """Return an ID3v2.4 tag of padding."""
    sizes = bytes(size >> shift & 127 for shift in (21, 14, 7, 0))
    head = b"\x04\x00" + (b"\x10" if has_footer else b"\x00") + sizes
    return b"ID3" + head + bytes(size) + (b"3DI" + head if has_footer else b"")


def ape_tag(*, has_header: bool) -> bytes:
    """Return an APEv2 tag of one item."""
    item = struct.pack("<II", 4, 0) + b"Title\0" + b"test"
    size = len(item) + 32
    flags = 0x80000000 if has_header else 0
    footer = b"APETAGEX" + struct.pack("<IIII", 2000, size, 1, flags) + bytes(8)
    header = b"APETAGEX" + struct.pack("<IIII", 2000, size, 1, 0xA0000000) + bytes(8)
    return (header if has_header else b"") + item + footer


ID3V1 = b"TAG" + b"title".ljust(125, b"\0")
LYRICS = b"LYRICSBEGININD0000200" + b"000030" + b"LYRICS200"
BEFORE = {
    "nothing": b"",
    "ID3v2": id3v2(300),
    "large ID3v2": id3v2(300_000),
    "ID3v2 with a footer": id3v2(300, has_footer=True),
    "two ID3v2": id3v2(300) + id3v2(5000),
    "zeros": bytes(2000),
    "text": b"any words of some text. " * 100,
    "line break": b"\r\n",
}
AFTER = {
    "nothing": b"",
    "ID3v1": ID3V1,
    "APE": ape_tag(has_header=True),
    "APE without a header, ID3v1": ape_tag(has_header=False) + ID3V1,
    "APE, Lyrics3, ID3v1": ape_tag(has_header=True) + LYRICS + ID3V1,
    "ID3v2 with a footer": id3v2(100, has_footer=True),
    "zeros": bytes(600),
}


# --- MP4

_CONTAINERS = (b"moov", b"trak", b"mdia", b"minf", b"stbl", b"edts", b"mvex", b"moof", b"traf")
FILLERS = {
    "free": (b"free", bytes(40)),
    "empty free": (b"free", b""),
    "skip": (b"skip", bytes(9)),
    "wide": (b"wide", b""),
    "uuid": (b"uuid", bytes(range(16)) + b"<xmp/>" * 20),
    "unknown": (b"beam", bytes(100)),
    "styp": (b"styp", b"msdh\0\0\0\0msdh"),
    "udta": (b"udta", b""),
}


@dataclass(frozen=True)
class Box:
    """A box of an MP4 file; `at` is where its content was."""

    name: bytes
    content: bytes
    at: int = 0

    def written(self, size_bytes: int = 4) -> bytes:
        """Return the box with its size in 4 bytes, in 8, or (0) without one: to the end of the file."""
        if size_bytes == 8:
            return struct.pack(">I4sQ", 1, self.name, len(self.content) + 16) + self.content
        return struct.pack(">I4s", len(self.content) + 8 if size_bytes else 0, self.name) + self.content


def boxes(data: bytes, start: int = 0) -> list[Box]:
    """Return the row of boxes in some bytes that begin at this place of the file."""
    found, at = [], 0
    while at + 8 <= len(data):
        size, name = struct.unpack_from(">I4s", data, at)
        header = 8
        if size == 1:
            (size,), header = struct.unpack_from(">Q", data, at + 8), 16
        size = size or len(data) - at
        found.append(Box(name, data[at + header : at + size], start + at + header))
        at += size
    return found


@dataclass(frozen=True)
class Layout:
    """How the boxes of a file are put together anew; its index is made to fit where it is not in fragments."""

    index_first: bool = True
    has_kind: bool = True
    fillers: Sequence[str] = ()  # before each box
    inner: Sequence[str] = ()  # within the index
    wide: frozenset[bytes] = field(default_factory=frozenset)
    is_open: bool = False  # the last box has no size
    long_offsets: bool = False
    tail: str = "nothing"


def rewrapped(data: bytes, layout: Layout) -> bytes:
    """Return the file in another layout; the samples are the same."""
    top = [box for box in boxes(data) if box.name not in (b"free", b"mfra")]
    if any(box.name == b"moof" for box in top):
        made = [replace(box, content=_index(box.content, layout, 0)) if box.name == b"moov" else box for box in top]
        return _written(made if layout.has_kind else made[1:], replace(layout, wide=layout.wide - {b"mdat"}))
    kind, index, media = (next(box for box in top if box.name == name) for name in (b"ftyp", b"moov", b"mdat"))
    rest = [index, media] if layout.index_first else [media, index]
    order = [kind, *rest] if layout.has_kind else rest
    moved = 0
    for _ in range(2):  # the offsets decide nothing about the sizes
        made = [replace(box, content=_index(box.content, layout, moved)) if box is index else box for box in order]
        whole = _written(made, layout)
        moved = whole.index(media.content) - media.at
    return whole


def _written(top: Sequence[Box], layout: Layout) -> bytes:
    filled = b"".join(Box(*FILLERS[name]).written() for name in layout.fillers)
    parts = []
    for number, box in enumerate(top):
        is_of_fragment = box.name == b"mdat" and number > 0 and top[number - 1].name == b"moof"  # which counts from it
        is_last = number == len(top) - 1
        size_bytes = 0 if is_last and layout.is_open else 8 if box.name in layout.wide else 4
        parts.append((b"" if is_of_fragment else filled) + box.written(size_bytes))
    return b"".join(parts) + TAILS[layout.tail]


def _index(content: bytes, layout: Layout, moved: int) -> bytes:
    made = []
    for box in boxes(content):
        if box.name in _CONTAINERS:
            made.append(Box(box.name, _index(box.content, layout, moved)))
        elif box.name in (b"stco", b"co64"):
            made.append(_offsets(box, layout, moved))
        else:
            made.append(box)
    fillers = [Box(*FILLERS[name]) for name in layout.inner]
    return b"".join(box.written(8 if box.name in layout.wide else 4) for box in chain(fillers, made, fillers))


def _offsets(box: Box, layout: Layout, moved: int) -> Box:
    numbers = array("I" if box.name == b"stco" else "Q", box.content[8:])
    numbers.byteswap()
    is_long = layout.long_offsets or box.name == b"co64"
    form = f">{len(numbers)}{'Q' if is_long else 'I'}"
    return Box(b"co64" if is_long else b"stco", box.content[:8] + struct.pack(form, *(one + moved for one in numbers)))


def layouts() -> Iterator[Layout]:
    """Yield layouts with one or two things odd."""
    for index_first in (True, False):
        plain = Layout(index_first)
        yield plain
        yield replace(plain, has_kind=False)
        yield replace(plain, long_offsets=True)
        yield replace(plain, is_open=True)
        for names in ((b"mdat",), (b"moov",), (b"trak", b"mdia", b"minf", b"stbl"), (b"mdat", b"moov", b"ftyp")):
            yield replace(plain, wide=frozenset(names))
        for name in FILLERS:
            yield replace(plain, fillers=(name,))
            yield replace(plain, inner=(name,))
        yield replace(plain, fillers=("free", "uuid", "wide"), inner=("udta", "free"), long_offsets=True)
        for tail in TAILS:
            yield replace(plain, tail=tail)
