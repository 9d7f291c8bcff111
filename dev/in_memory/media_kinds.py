"""Odd and broken media files, each made from its parts: what other writers leave, and what a cut takes."""

import struct
from collections.abc import Callable, Sequence

from dev.in_memory.builders import MP3_FRAME, box, description

SECOND = bytes(range(200)) * 160  # one second of 16 kHz, 16 bits, mono
FRAME_MS = 36.0
ALL_ONES = 0xFFFFFFFF


# --- WAV


def chunk(name: bytes, content: bytes, size: int | None = None, *, is_padded: bool = True) -> bytes:
    """Return one chunk; `size` is what its header claims."""
    padding = bytes(len(content) & 1) if is_padded else b""
    return name + struct.pack("<I", len(content) if size is None else size) + content + padding


def form(channels: int = 1, byte_rate: int | None = None, *, is_extensible: bool = False) -> bytes:
    """Return the format chunk of 16 kHz and 16 bits."""
    rate = 32_000 * channels if byte_rate is None else byte_rate
    content = struct.pack("<HHIIHH", 0xFFFE if is_extensible else 1, channels, 16_000, rate, 2 * channels, 16)
    subtype = struct.pack("<HHIIHHQ", 22, 16, 0, 1, 0, 16, 0x719B3800AA000080)
    return chunk(b"fmt ", content + (subtype if is_extensible else b""))


def riff(body: bytes, size: int | None = None, name: bytes = b"RIFF") -> bytes:
    """Return the outer form; `size` is what its header claims."""
    return name + struct.pack("<I", len(body) + 4 if size is None else size) + b"WAVE" + body


def sizes_of(sound: int, after: int = 0) -> bytes:
    """Return the chunk that holds the sizes of a large file."""
    outer = (sound + 72 + after) % (1 << 64)
    return chunk(b"ds64", struct.pack("<QQQI", outer, sound, len(SECOND) // 2, 0))


_LARGE_SOUND = chunk(b"data", SECOND, ALL_ONES)


def large(name: bytes, after: bytes = b"") -> bytes:
    """Return one second in the form for large files, and what stands behind the sound."""
    return riff(sizes_of(len(SECOND), len(after)) + form() + _LARGE_SOUND + after, ALL_ONES, name)


def sized(size: int) -> bytes:
    """Return one second whose sizes are placeholders."""
    return riff(form() + chunk(b"data", SECOND, size), size)


_PLAIN = form() + chunk(b"data", SECOND)
_LIST = chunk(b"LIST", b"INFOISFT" + struct.pack("<I", 4) + b"made")
WHOLE_WAV = {
    "plain": riff(_PLAIN),
    "RF64": large(b"RF64"),
    "BW64": large(b"BW64"),
    **{f"sizes 0x{size:08x}": sized(size) for size in (0, 0x7FFFFFFF, 0x80000000, 0xFFFFF000, ALL_ONES)},
    "outer size without the data": riff(form() + chunk(b"data", SECOND, 0), 36),
    "outer size 8 short": riff(_PLAIN, len(_PLAIN) - 4),
    "LIST after, not counted": riff(_PLAIN, len(_PLAIN) + 4) + _LIST,
    "LIST after, counted": riff(_PLAIN + _LIST),
    "zeros after": riff(_PLAIN) + bytes(16),
    "byte rate 0": riff(form(byte_rate=0) + chunk(b"data", SECOND)),
    "byte rate doubled": riff(form(byte_rate=64_000) + chunk(b"data", SECOND)),
    "odd chunk without its padding": riff(form() + chunk(b"LIST", b"INFO!", is_padded=False) + chunk(b"data", SECOND)),
    "a second format before the sound": riff(form() + form(5) + chunk(b"data", SECOND)),
    "extensible, 5 channels": riff(form(5, is_extensible=True) + chunk(b"data", SECOND * 5)),
}
CUT_WAV = {
    "cut": riff(_PLAIN)[:-1000],
    "cut, 5 channels": riff(form(5) + chunk(b"data", SECOND * 5))[:-10],
    "cut, RF64": large(b"RF64")[:-2],
    "cut, BW64": large(b"BW64")[:-2],
    **{
        f"{name.decode()} whose size was {what}": riff(sizes_of(size) + form() + _LARGE_SOUND, ALL_ONES, name)
        for name in (b"RF64", b"BW64")
        for what, size in (("never filled in", 0), ("filled with ones", (1 << 64) - 1))
    },
    "RF64 whose sizes are not first": riff(form() + sizes_of(len(SECOND)) + _LARGE_SOUND, ALL_ONES, b"RF64"),
    "RF64 without its sizes": riff(_PLAIN, ALL_ONES, b"RF64"),
    "BW64 without its sizes": riff(_PLAIN, ALL_ONES, b"BW64"),
    "cut in the header": riff(_PLAIN)[:30],
    "the format after the sound": riff(chunk(b"data", SECOND) + form()),
}


# --- MP3


def id3(size: int) -> bytes:
    """Return an ID3v2 tag."""
    return b"ID3\x04\x00\x00" + bytes(size >> shift & 127 for shift in (21, 14, 7, 0)) + bytes(size)


def table_frame(name: bytes, frames: int) -> bytes:
    """Return a first frame that holds an encoder's table instead of sound."""
    frame = bytearray(MP3_FRAME)
    if name == b"VBRI":
        frame[36:54] = b"VBRI" + bytes(10) + struct.pack(">I", frames)
    else:
        frame[13:25] = name + struct.pack(">II", 1, frames)
    return bytes(frame)


def ape(content: bytes = b"") -> bytes:
    """Return an APEv2 tag with header and footer."""
    size = len(content) + 32
    header = b"APETAGEX" + struct.pack("<IIII", 2000, size, 0, 0xA0000000) + bytes(8)
    return header + content + b"APETAGEX" + struct.pack("<IIII", 2000, size, 0, 0x80000000) + bytes(8)


_SLOW_FRAME = bytes((0xFF, 0xE3, 0x18, 0xC0)) + bytes(68)  # MPEG-2.5, 8 kbit/s, 8 kHz: 72 bytes, 72 ms
_SOUND = MP3_FRAME * 40
WHOLE_MP3 = {
    "plain": (_SOUND, 40 * FRAME_MS),
    "zeros first": (bytes(1024) + _SOUND, 40 * FRAME_MS),
    "text first": (b"any text of some words. " * 40 + _SOUND, 40 * FRAME_MS),
    "mid-frame first": (_SOUND[100:], 39 * FRAME_MS),
    "ID3 twice": (id3(300) + id3(400) + _SOUND, 40 * FRAME_MS),
    "ID3v1 after": (_SOUND + b"TAG" + bytes(125), 40 * FRAME_MS),
    "APE and ID3v1 after": (_SOUND + ape(bytes(40)) + b"TAG" + bytes(125), 40 * FRAME_MS),
    **{
        f"{name.decode()} table": (table_frame(name, 40) + _SOUND, 40 * FRAME_MS)
        for name in (b"Xing", b"Info", b"VBRI")
    },
    "MPEG-2.5, 8 kHz": (_SLOW_FRAME * 20, 20 * 72.0),
}
CUT_MP3 = {
    "hole of zeros": MP3_FRAME * 20 + bytes(2000) + MP3_FRAME * 20,
    "hole of zeros near the end": MP3_FRAME * 8 + bytes(12_000) + MP3_FRAME * 15,
    "last frame cut": _SOUND[:-10],
    "page of text": b"<!DOCTYPE html><html><body>Service unavailable</body></html>" * 80,
    **{
        f"{name.decode()} table, half gone": table_frame(name, 40) + MP3_FRAME * 20
        for name in (b"Xing", b"Info", b"VBRI")
    },
}


# --- MP4


def wide(name: bytes, content: bytes) -> bytes:
    """Return a box with a 64-bit size."""
    return box(name, content, wide=True)


Box = Callable[[bytes, bytes], bytes]


def track(
    offset: int,
    sizes: Sequence[int],
    ticks: int,
    *,
    number: int = 1,
    handler: bytes = b"vide",
    edits: Sequence[tuple[int, int]] = (),
    is_compact: bool = False,
    timed: int | None = None,
    has_handler: bool = True,
    outer: Box = box,
) -> bytes:
    """Return a track whose samples lie one behind the other, each of `ticks` ms; `timed` is how many have a length."""
    entry = b"avc1" if handler == b"vide" else b"mp4a"
    if is_compact:
        table_of_sizes = box(b"stz2", struct.pack(">III", 0, 16, len(sizes)) + struct.pack(f">{len(sizes)}H", *sizes))
    else:
        table_of_sizes = box(b"stsz", struct.pack(">III", 0, 0, len(sizes)) + struct.pack(f">{len(sizes)}I", *sizes))
    chunks = 1 if sizes else 0
    table = (
        description(entry)
        + box(
            b"stts",
            struct.pack(">II", 0, chunks) + struct.pack(">II", len(sizes) if timed is None else timed, ticks) * chunks,
        )
        + box(b"stsc", struct.pack(">II", 0, chunks) + struct.pack(">III", 1, len(sizes), 1) * chunks)
        + table_of_sizes
        + box(b"stco", struct.pack(">II", 0, chunks) + struct.pack(">I", offset) * chunks)
    )
    media = box(b"mdhd", struct.pack(">IIIIII", 0, 0, 0, 1000, ticks * len(sizes), 0))
    media += box(b"hdlr", bytes(8) + handler + bytes(13)) if has_handler else b""
    header = box(b"vmhd", bytes(12)) if handler == b"vide" else box(b"smhd", bytes(8))
    media += outer(b"minf", header + outer(b"stbl", table))
    head = box(b"tkhd", struct.pack(">IIII", 7, 0, 0, number) + bytes(68))
    if edits:
        rows = b"".join(struct.pack(">IiI", length, start, 0x10000) for length, start in edits)
        head += box(b"edts", box(b"elst", struct.pack(">II", 0, len(edits)) + rows))
    return outer(b"trak", head + outer(b"mdia", media))


def index(*tracks: bytes, length_ms: int = 0, extends: bytes = b"", outer: Box = box) -> bytes:
    """Return the index of a file."""
    head = box(b"mvhd", struct.pack(">IIIII", 0, 0, 0, 1000, length_ms) + bytes(80))
    return outer(b"moov", head + b"".join(tracks) + extends)


SIZES = (100,) * 20  # of 100 ms each
KIND = box(b"ftyp", b"isom\x00\x00\x02\x00isomiso2")
MEDIA = bytes(sum(SIZES))


def late_index(first: bytes = KIND, after: bytes = b"", media: bytes = MEDIA, **changes: object) -> bytes:
    """Return a file whose index is last."""
    return first + box(b"mdat", media) + index(track(len(first) + 8, SIZES, 100, **changes)) + after  # type: ignore[arg-type]


def early_index(end: bytes, before: bytes = KIND, *, outer: Box = box) -> bytes:
    """Return a file whose index is first, and what follows it."""
    length = len(index(track(0, SIZES, 100, outer=outer), outer=outer))
    return before + index(track(len(before) + length + 8, SIZES, 100, outer=outer), outer=outer) + end


def open_index(media: bytes = MEDIA, after: bytes = b"") -> bytes:
    """Return a file whose index is last and reaches to the end, as its size of 0 says."""
    before = KIND + box(b"mdat", media)
    return before + bytes(4) + index(track(len(KIND) + 8, SIZES, 100))[4:] + after


def two_tracks() -> bytes:
    """Return picture and sound, one behind the other."""
    first = len(KIND) + 8
    tracks = track(first, SIZES, 100), track(first + len(MEDIA), (50,) * 40, 50, number=2, handler=b"soun")
    return KIND + box(b"mdat", MEDIA + bytes(2000)) + index(*tracks)


def fragment(start: int, base: str, count: int = 10, size: int = 100, ticks: int = 100) -> bytes:
    """Return a fragment at a place in the file, whose samples are found by the given rule."""
    flags, fields = {"moof": (0x20000, b""), "absolute": (1, struct.pack(">Q", start)), "none": (0, b"")}[base]
    rows = struct.pack(">II", ticks, size) * count
    length = 8 + 8 + (8 + 8 + len(fields)) + (8 + 12 + len(rows))
    header = box(b"tfhd", struct.pack(">II", flags, 1) + fields)
    run = box(b"trun", struct.pack(">IIi", 0x301, count, length + 8) + rows)
    return box(b"moof", box(b"traf", header + run)) + box(b"mdat", bytes(count * size))


def fragmented(base: str, count: int = 2, *, promised_ms: int = 0, size: int = 100) -> bytes:
    """Return a file of fragments of one second."""
    promise = box(b"mehd", struct.pack(">II", 0, promised_ms)) if promised_ms else b""
    extends = box(b"mvex", promise + box(b"trex", struct.pack(">IIIIII", 0, 1, 1, 100, 100, 0)))
    data = KIND + index(track(0, (), 0), extends=extends)
    for _ in range(count):
        data += fragment(len(data), base, size=size)
    return data


def fragment_of_two(start: int, base: str) -> bytes:
    """Return a file of one fragment with runs of two tracks; without a base the second counts from the first's end."""
    rows = struct.pack(">II", 100, 100) * 10
    length = 8 + 2 * (8 + 16 + 20 + len(rows))
    flags, second = (0x20000, length + 8 + 1000) if base == "moof" else (0, 0)
    runs = b"".join(
        box(
            b"traf",
            box(b"tfhd", struct.pack(">II", flags, number))
            + box(b"trun", struct.pack(">IIi", 0x301, 10, offset) + rows),
        )
        for number, offset in ((1, length + 8), (2, second))
    )
    return box(b"moof", runs) + box(b"mdat", bytes(2000))


def fragmented_two(base: str) -> bytes:
    """Return a file of one fragment with picture and sound."""
    extends = box(b"mvex", b"".join(box(b"trex", struct.pack(">IIIIII", 0, n, 1, 100, 100, 0)) for n in (1, 2)))
    data = KIND + index(track(0, (), 0), track(0, (), 0, number=2, handler=b"soun"), extends=extends)
    return data + fragment_of_two(len(data), base)


def first_only(edits: Sequence[tuple[int, int]] = ()) -> bytes:
    """Return a file whose index covers one second; two fragments follow."""
    extends = box(b"mvex", box(b"trex", struct.pack(">IIIIII", 0, 1, 1, 100, 100, 0)))
    length = len(index(track(0, (100,) * 10, 100, edits=edits), extends=extends))
    first = track(len(KIND) + length + 8, (100,) * 10, 100, edits=edits)
    data = KIND + index(first, extends=extends) + box(b"mdat", bytes(1000))
    for _ in range(2):
        data += fragment(len(data), "moof")
    return data


def segmented(count: int, left: int, *, version: int = 0) -> bytes:
    """Return a file whose segment index names so many fragments of one second, of which so many are left."""
    extends = box(b"mvex", box(b"trex", struct.pack(">IIIIII", 0, 1, 1, 100, 100, 0)))
    data = KIND + index(track(0, (), 0), extends=extends)
    times = struct.pack(">QQ" if version else ">II", 0, 0)
    rows = struct.pack(">III", len(fragment(0, "moof")), 1000, 0x90000000) * count
    data += box(b"sidx", struct.pack(">III", version << 24, 1, 1000) + times + struct.pack(">HH", 0, count) + rows)
    for _ in range(left):
        data += fragment(len(data), "moof")
    return data


def small_hole(first: int, length: int) -> bytes:
    """Return two seconds in 24 kB of media, where a run of zeros lies."""
    sizes = (1200,) * 20
    media = bytes(at % 251 + 1 for at in range(24_000))
    media = media[:first] + bytes(length) + media[first + length :]
    return KIND + box(b"mdat", media) + index(track(len(KIND) + 8, sizes, 100))


def half_empty() -> bytes:
    """Return a picture beside a sound of a minute that has no bytes."""
    silent = track(len(KIND) + 8, (0,) * 600, 100, number=2, handler=b"soun")
    return KIND + box(b"mdat", MEDIA) + index(track(len(KIND) + 8, SIZES, 100), silent)


WHOLE_MP4 = {
    "index last": (late_index(), 2000),
    "index first": (early_index(box(b"mdat", MEDIA)), 2000),
    **{f"{name.decode()} first": (late_index(box(name, bytes(16))), 2000) for name in (b"free", b"styp", b"wide")},
    "moov first": (early_index(box(b"mdat", MEDIA), b""), 2000),
    "64-bit sizes inside": (early_index(box(b"mdat", MEDIA), outer=wide), 2000),
    "zeros after": (late_index(after=bytes(64)), 2000),
    "text after": (late_index(after=b"<p>busy</p>" * 6), 2000),
    "mdat to the end": (early_index(struct.pack(">I4s", 0, b"mdat") + MEDIA), 2000),
    "compact sizes": (late_index(is_compact=True), 2000),
    "edit list, half": (late_index(edits=[(1000, 500)]), 1000),
    "edit list, a delay": (late_index(edits=[(300, -1), (2000, 0)]), 2000),
    "two tracks": (two_tracks(), 2000),
    **{f"fragments, base {base}": (fragmented(base), 2000) for base in ("moof", "absolute", "none")},
    **{f"fragment of two, base {base}": (fragmented_two(base), 1000) for base in ("moof", "none")},
    "index of the first fragment": (first_only(), 3000),
    "index to the end": (open_index(), 2000),
    "index to the end, with zeros": (open_index(after=bytes(64)), 2000),
    "more lengths than samples": (late_index(timed=36_000), 2000),
    "samples without bytes in another track": (half_empty(), 2000),
    **{f"segments, index of version {version}": (segmented(3, 3, version=version), 3000) for version in (0, 1)},
    "no header of the index": (late_index().replace(b"mvhd", b"free"), 2000),
    "no handler": (late_index(has_handler=False), 2000),
    "edit list of length 0, fragments": (first_only(edits=[(0, 0)]), 3000),
    "a short run of zeros": (small_hole(5000, 3000), 2000),
}
CUT_MP4 = {
    "empty mdat": early_index(box(b"mdat")),
    "half mdat": early_index(box(b"mdat", MEDIA[:1000])),
    "cut in mdat": early_index(box(b"mdat", MEDIA))[:-1],
    "index beyond the file": KIND + box(b"mdat", MEDIA) + index(track(1 << 30, SIZES, 100)),
    "no index": KIND + box(b"mdat", MEDIA),
    "fragment cut": fragmented("moof")[:-1],
    "half the fragments, promised": fragmented("moof", 2, promised_ms=8000),
    "half mdat, index to the end": open_index(MEDIA[:1000]),
    "empty mdat, index to the end": open_index(b""),
    **{f"index to the end, {cut} bytes cut": open_index()[:-cut] for cut in (1, 30, 90, 400)},
    "samples without bytes": KIND + box(b"mdat", b"") + index(track(len(KIND) + 8, (0,) * 20, 100)),
    "fragments without bytes": fragmented("moof", size=0),
    **{f"the last of {count} segments gone": segmented(count, count - 1, version=count % 2) for count in (2, 3)},
    "edit list without the index's header": late_index(edits=[(2000, 0)]).replace(b"mvhd", b"free"),
    "edit list that plays nothing": late_index(edits=[(0, 0)]),
    "edit list beyond the media": late_index(edits=[(1000, 90_000)]),
    "small, and zeros only": small_hole(0, 24_000),
    "small, and half of it zeros": small_hole(12_000, 12_000),
}
