"""A track that the index or a fragment has lost is not passed over, however whole the other one is (I1)."""

import struct
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest

from dev.compare_media.encode import write_file
from dev.in_memory import media_kinds as kinds
from dev.in_memory.builders import box
from recording.domain.media import MediaFacts, MediaProbe
from recording.domain.media.mp4 import FAULT_NO_TIME_SCALE, FAULT_PLAYS_NOTHING, FAULT_UNNAMED
from recording.domain.media.mp4_fragments import FAULT_UNKNOWN_TRACK
from recording.domain.media.mp4_tracks import FAULT_NO_LENGTHS

OUTER = (b"moov", b"trak", b"edts", b"mdia", b"minf", b"dinf", b"stbl", b"mvex", b"moof", b"traf")
SECTOR = 512
FRAGMENTS = (("movflags", "frag_keyframe+empty_moov+default_base_moof"),)


def probed(data: bytes) -> MediaFacts:
    probe = MediaProbe(None)
    probe.feed(data)
    return probe.finish()


@cache
def encoded(*options: tuple[str, str]) -> bytes:
    """Return picture and sound of two seconds as an encoder writes them."""
    with TemporaryDirectory() as folder:
        path = Path(folder) / "a.mp4"
        write_file(path, dict(options), ("libx264", "aac"), 16_000)
        return path.read_bytes()


FILES = {"index": (), "fragments": FRAGMENTS}


def boxes(data: bytes, start: int, end: int, path: str = "") -> Iterator[tuple[str, int, int]]:
    """Yield each box with its path, start and end."""
    at = start
    while at + 8 <= end:
        size, name = struct.unpack_from(">I4s", data, at)
        yield f"{path}/{name.decode()}", at, at + size
        if name in OUTER:
            yield from boxes(data, at + 8, at + size, f"{path}/{name.decode()}")
        at += size


def zeroed(data: bytes, start: int, end: int) -> bytes:
    return data[:start] + bytes(end - start) + data[end:]


def replaced(data: bytes, path: str, content: bytes, number: int = 0) -> bytes:
    """Return the file with the content of a box replaced by as many other bytes."""
    _, start, end = [found for found in boxes(data, 0, len(data)) if found[0] == path][number]
    return data[: start + 8] + content.ljust(end - start - 8, b"\0") + data[end:]


@pytest.mark.parametrize("name", FILES)
@pytest.mark.parametrize("part", ["all", "head", "name", "content"])
@pytest.mark.parametrize("level", ["trak", "trak/mdia", "trak/mdia/minf/stbl"])
@pytest.mark.parametrize("number", [0, 1])
def test_a_track_that_is_zeros_is_missed(name: str, part: str, level: str, number: int) -> None:
    """Players play the other one, which is as long."""
    whole = encoded(*FILES[name])
    assert probed(whole).fault is None
    _, start, end = [found for found in boxes(whole, 0, len(whole)) if found[0] == f"/moov/{level}"][number]
    first, last = {"all": (start, end), "head": (start, start + 8), "name": (start + 4, start + 8)}.get(
        part, (start + 8, end)
    )
    assert probed(zeroed(whole, first, last)).fault is not None


def test_a_sector_of_zeros_anywhere_among_the_tables_is_a_hole() -> None:
    """Tables of chunks and sizes, descriptions, headers: what they said is known from nowhere else."""
    whole = encoded()
    _, start, end = next(found for found in boxes(whole, 0, len(whole)) if found[0] == "/moov")
    spared = [
        (first, last)
        for path, first, last in boxes(whole, 0, len(whole))
        if path.rsplit("/")[-1] in ("mvhd", "udta", "ctts", "stss", "sgpd", "sbgp")
    ]
    for at in range(start + 8, end - SECTOR, 64):
        if any(first < at + SECTOR and at < last for first, last in spared):
            continue  # shifts and key pictures are no places
        assert probed(zeroed(whole, at, at + SECTOR)).fault is not None, at


@pytest.mark.parametrize("name", FILES)
@pytest.mark.parametrize("number", [0, 1])
def test_a_track_without_its_handler_is_known_by_the_header_of_its_media(name: str, number: int) -> None:
    """Players play it whole."""
    whole = encoded(*FILES[name])
    assert probed(replaced(whole, "/moov/trak/mdia/hdlr", b"", number)) == probed(whole)


LOST = {
    "sizes, that of all and their count": ("/moov/trak/mdia/minf/stbl/stsz", bytes(12), None),
    "lengths, and of how many samples": ("/moov/trak/mdia/minf/stbl/stts", struct.pack(">II", 0, 1), FAULT_NO_LENGTHS),
    "lengths": ("/moov/trak/mdia/minf/stbl/stts", struct.pack(">III", 0, 1, 100), FAULT_NO_LENGTHS),
    "runs of chunks": (
        "/moov/trak/mdia/minf/stbl/stsc",
        struct.pack(">5I3I", 0, 2, 1, 1, 1, 0, 1, 1),
        "the MP4 file's index is damaged",
    ),
    "time scale": ("/moov/trak/mdia/mdhd", b"", FAULT_NO_TIME_SCALE),
    "rows of the edit list, and their count": ("/moov/trak/edts/elst", b"", FAULT_PLAYS_NOTHING),
    "references to the media": (
        "/moov/trak/mdia/minf/dinf/dref",
        b"",
        "the MP4 file's index has a track that does not say where its media is (dref)",
    ),
}


@pytest.mark.parametrize("name", LOST)
@pytest.mark.parametrize("number", [0, 1])
def test_a_table_of_zeros_is_a_hole_in_either_track(name: str, number: int) -> None:
    """The boxes are whole. Players play one track, or open nothing."""
    path, content, fault = LOST[name]
    found = probed(replaced(encoded(), path, content, number)).fault
    assert found == fault if fault else found is not None


def test_media_that_no_track_names_is_ordinary_where_nothing_is_lost() -> None:
    """Editors leave what they have cut out in the media box, and a writer may open a track that stays empty."""
    empty = kinds.track(0, (), 0, number=2, handler=b"soun")
    assert probed(kinds.late_index(media=kinds.MEDIA + bytes(range(256)) * 40)).fault is None
    whole = kinds.KIND + box(b"mdat", kinds.MEDIA)
    both = whole + kinds.index(kinds.track(len(kinds.KIND) + 8, kinds.SIZES, 100), empty)
    assert probed(both).fault is None
    more = kinds.KIND + box(b"mdat", kinds.MEDIA + bytes(range(256)))
    lost = more + kinds.index(kinds.track(len(kinds.KIND) + 8, kinds.SIZES, 100), empty)
    assert probed(lost).fault == FAULT_UNNAMED


@pytest.mark.parametrize(
    ("path", "content", "fault"),
    [
        ("/moov/mvex/trex", b"", FAULT_UNKNOWN_TRACK),
        ("/moov/mvex/trex", struct.pack(">II", 0, 1), FAULT_UNKNOWN_TRACK),
        ("/moov/trak/tkhd", b"", FAULT_UNKNOWN_TRACK),
        ("/moof/traf/tfhd", b"", FAULT_UNKNOWN_TRACK),
        ("/moof/traf/tfhd", struct.pack(">II", 0x20000, 9), FAULT_UNKNOWN_TRACK),
        ("/moof/traf/trun", b"", FAULT_UNNAMED),
        ("/moof/traf", b"", FAULT_UNNAMED),
        ("/moof", b"", FAULT_UNNAMED),
    ],
)
@pytest.mark.parametrize("number", [0, 1])
def test_a_fragment_whose_track_or_run_is_lost_is_missed(path: str, content: bytes, fault: str, number: int) -> None:
    """The last fragment of the track is as late as before, so that the length says nothing."""
    whole = encoded(*FRAGMENTS)
    assert probed(whole).fault is None
    assert probed(replaced(whole, path, content, number)).fault == fault


@pytest.mark.parametrize("name", [b"moof", b"traf", b"tfhd", b"trun"])
def test_a_part_of_a_fragment_without_its_name_is_missed(name: bytes) -> None:
    """Its size is there, and players step over it."""
    whole = encoded(*FRAGMENTS)
    at = whole.index(name, whole.index(b"moof") + 4 * (name != b"moof"))
    assert probed(whole[:at] + bytes(4) + whole[at + 4 :]).fault is not None
