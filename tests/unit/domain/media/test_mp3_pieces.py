"""What is said of an MP3 does not depend on how its bytes arrive, and junk without end is not looked at without end."""

import random
from dataclasses import replace

import pytest

from dev.compare_media.built import Mp3
from dev.in_memory.builders import MP3_FRAME
from dev.in_memory.media_kinds import table_frame
from recording.domain.formats import FormatType
from recording.domain.media import MediaFacts, MediaProbe, mp3

PIECES = (500, 1000, 4096, 16_384, 65_536)
SMALL, LARGE = 1, 14  # bit rates by their four bits: 104 and 1044 bytes


def probed(data: bytes, piece: int | None = None) -> MediaFacts:
    probe = MediaProbe(FormatType.MP3)
    for at in range(0, len(data), piece or len(data)):
        probe.feed(memoryview(data)[at : at + (piece or len(data))])
    return probe.finish()


def frames(lead: int, count: int = 400) -> list[bytes]:
    """Return small frames with a large one among each 64, which are matched at once."""
    return Mp3(bits=[LARGE if number % 64 == lead and number > 3 else SMALL for number in range(count)]).frames()


@pytest.mark.parametrize("lead", range(8))
@pytest.mark.parametrize("share", [0.2, 0.3])
def test_a_quarter_of_the_file_is_the_same_quarter_however_it_arrives(lead: int, share: float) -> None:
    """Sixty-four frames were counted as large as their first one."""
    sound = b"".join(frames(lead))
    data = sound + bytes(min(int(len(sound) * share), 16_000))
    expected = probed(data)
    assert expected.fault == (mp3.FAULT_HOLE if (len(data) - len(sound)) * 4 > len(sound) else None)
    assert {probed(data, piece) for piece in PIECES} == {expected}


@pytest.mark.parametrize("lead", range(8))
def test_a_gap_is_measured_by_the_frames_beside_it_however_it_arrives(lead: int) -> None:
    """Not by the first of those that were matched with them."""
    made = frames(lead)
    for at in range(60, 140):
        beside = min(len(made[at - 1]), len(made[at]))
        for gap in (2 * beside - 1, 2 * beside):
            data = b"".join(made[:at]) + bytes(gap) + b"".join(made[at:])
            found = {probed(data, piece).fault for piece in (None, *PIECES)}
            assert found == {mp3.FAULT_HOLE if gap == 2 * beside else None}


def test_the_length_is_the_same_number_however_it_arrives() -> None:
    """Also behind the decimal point: it is compared with what was stored."""
    dice = random.Random(3)
    data = Mp3(bits=[dice.randint(1, 14) for _ in range(700)]).written()
    assert {probed(data, piece).duration_ms for piece in (None, *PIECES)} == {probed(data).duration_ms}


JUNK = {
    "headers": b"\xff\xfb\x90\x64",
    "headers that promise a short frame": b"\xff\xfb\x10\xc4",
    "headers and nothing": b"\xff\xe3\x18",
    "empty tags": b"ID3\4\0\0\0\0\0\0",
    "footers of tags": b"APETAGEX" + bytes(24),
    "frames of two streams in turn": b"".join(
        frame for rate in (0, 1) for frame in Mp3(bits=(1, 1), rate=rate).frames()
    ),
}


@pytest.mark.parametrize("name", JUNK)
@pytest.mark.parametrize("begins", [b"", MP3_FRAME * 20, table_frame(b"Xing", 20) + MP3_FRAME * 20])
def test_junk_without_end_is_not_tried_without_end(monkeypatch: pytest.MonkeyPatch, name: str, begins: bytes) -> None:
    """A gigabyte of it took half an hour of CPU behind a table that promised what was there."""
    monkeypatch.setattr(mp3, "_MOST_TRIES", 1000)
    tries = 0
    tried = mp3.tag_size

    def counted(data: bytes | memoryview, at: int) -> int:
        nonlocal tries
        tries += 1
        return tried(data, at)

    monkeypatch.setattr(mp3, "tag_size", counted)
    data = begins + JUNK[name] * (400_000 // len(JUNK[name]))
    found = {replace(probed(data, piece), format=None) for piece in (None, *PIECES)}
    assert tries <= 1000 * (1 + len(PIECES))
    assert len(found) == 1
    assert found.pop().fault is not None


def test_a_day_of_tags_between_frames_is_read() -> None:
    """Radio writes a title every few seconds; each is one try of a million."""
    assert mp3._MOST_TRIES >= 24 * 3600 * 10
    tag = b"TAG" + bytes(125)
    facts = probed((MP3_FRAME * 4 + tag) * 2000)
    assert (facts.fault, facts.duration_ms) == (None, 4 * 2000 * 36.0)
