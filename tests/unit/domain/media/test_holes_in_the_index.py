"""Zeros where a part of an MP4 file's index was lost: the boxes are whole, and a decoder plays little or nothing."""

import struct

import pytest

from dev.compare_media.built import SAMPLE_BYTES, Mp4
from dev.compare_media.judge import played_ms
from dev.in_memory.builders import box, mp4
from dev.in_memory.media_kinds import index, track
from recording.domain.media import MediaFacts, MediaProbe
from recording.domain.media.mp4 import (
    FAULT_NO_PARAMETERS,
    FAULT_NO_SIZES,
    FAULT_NOT_CONFIGURED,
    FAULT_NOT_DESCRIBED,
    FAULT_UNNAMED,
)

SAMPLES = 600
KIND = box(b"ftyp", b"isom\0\0\2\0isommp42")


def probed(data: bytes) -> MediaFacts:
    probe = MediaProbe(None)
    probe.feed(data)
    return probe.finish()


def holed(data: bytes, name: bytes, start: int, length: int) -> bytes:
    """Return the file with zeros in the box of this name, so many bytes behind the name."""
    at = data.index(name) + 4 + start
    return data[:at] + bytes(length) + data[at + length :]


@pytest.mark.parametrize("sizes", ["each", "compact"])
@pytest.mark.parametrize("start", [12, 61, 400])
def test_a_sector_of_zeros_in_the_table_of_sizes_is_a_hole(sizes: str, start: int) -> None:
    """What the table places behind it is placed wrongly: the decoder reads its frames from between the frames."""
    whole = Mp4(media=(SAMPLES,), sizes=sizes).written()
    assert probed(whole).fault is None
    assert probed(holed(whole, b"stsz" if sizes == "each" else b"stz2", start, 512)).fault == FAULT_NO_SIZES


def test_a_sector_of_zeros_in_a_fragments_sizes_is_a_hole() -> None:
    """A run's samples have their lengths and sizes in turn; without the sizes, lengths alone are no media."""
    whole = Mp4(media=(SAMPLES,), fragments="moof").written()
    assert probed(whole).fault is None
    assert probed(holed(whole, b"trun", 12, SAMPLES * 8)).fault is not None
    row = struct.pack(">II", SAMPLE_BYTES, SAMPLE_BYTES)
    assert probed(whole.replace(row * 100, struct.pack(">II", SAMPLE_BYTES, 0) * 100, 1)).fault == FAULT_NO_SIZES


def test_some_samples_without_a_byte_are_no_hole() -> None:
    """Recorders of screens write one for a picture that did not change."""
    fewer = Mp4(media=(SAMPLES,), sizes="each", taken=20 * SAMPLE_BYTES).written()
    at = fewer.index(b"stsz") + 16
    assert probed(fewer[:at] + bytes(4 * 20) + fewer[at + 80 :]).fault is None


def test_some_samples_without_a_byte_are_a_hole_where_media_is_left() -> None:
    """The decoder reads their frames from the places of others, and the last ones are read by nobody."""
    whole = Mp4(media=(SAMPLES,), sizes="each").written()
    at = whole.index(b"stsz") + 16
    assert probed(whole[:at] + bytes(4 * 20) + whole[at + 80 :]).fault == FAULT_UNNAMED


@pytest.mark.parametrize(
    ("start", "length"),
    [(0, 8), (0, 30), (-4, 4), (0, 1), (5, 1), (8, 1)],
    ids=["its head", "most of it", "its name", "version", "count", "kind"],
)
def test_a_picture_without_its_parameters_is_played_by_nobody(start: int, length: int) -> None:
    """They are in the description only: no frame has them."""
    whole = mp4()
    data = holed(whole, b"avcC", start, length)
    assert probed(whole).fault is None
    assert probed(data).fault == FAULT_NOT_CONFIGURED
    assert played_ms(data) == 0.0


def test_a_track_whose_tables_are_gone_is_not_passed_over() -> None:
    """The other track is whole, and no player opens the file."""
    sound, picture = track(40, (100,), 2000, handler=b"soun"), track(140, (100,), 2000, number=2)
    whole = KIND + box(b"mdat", b"A" * 300) + index(picture, sound)
    assert probed(whole).fault is None
    start = whole.index(b"stsd", whole.index(b"vide")) - 8
    end = whole.index(b"trak", start) - 4
    assert probed(whole[:start] + bytes(end - start) + whole[end:]).fault == FAULT_NOT_DESCRIBED


def test_a_sound_without_its_parameters_is_played_by_nobody() -> None:
    """AAC does not say how many channels it has. Without its configuration, players go by the entry's numbers."""
    entry = bytes(6) + struct.pack(">HIIHHHHI", 1, 0, 0, 2, 16, 0, 0, 48000 << 16)
    config = bytes.fromhex("00000000031900000004114015000000000000000000000005021190060102")
    for numbers, parameters, fault in (
        (entry, config, None),
        (entry, bytes(len(config)), None),
        (bytes(len(entry)), config, None),
        (bytes(len(entry)), bytes(len(config)), FAULT_NO_PARAMETERS),
    ):
        sound = box(b"mp4a", numbers + box(b"esds", parameters))
        described = box(b"stsd", struct.pack(">II", 0, 1) + sound)
        whole = index(track(40, (100,), 2000, handler=b"soun"))
        start = whole.index(b"stsd") - 4
        end = start + int.from_bytes(whole[start : start + 4], "big")
        grown = whole[:start] + described + whole[end:]
        for name in (b"moov", b"trak", b"mdia", b"minf", b"stbl"):
            at = grown.index(name) - 4
            size = int.from_bytes(grown[at : at + 4], "big") + len(described) - (end - start)
            grown = grown[:at] + struct.pack(">I", size) + grown[at + 4 :]
        assert probed(KIND + box(b"mdat", b"A" * 300) + grown).fault == fault
