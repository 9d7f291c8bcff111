"""The short form of `python -m dev prove hostile`: nothing forged gets through, and the proof can fail."""

import json
import zlib

import pytest

from dev.in_memory.builders import event
from dev.prove import hostile, parsers
from dev.prove.bombs import MOST_BYTES, bomb, memory_taken, prove_bombs
from dev.prove.forged import FORGED, Forged
from recording.domain.incoming import locations
from recording.errors import UnsafeLocationError
from recording.errors.codes import Code

DOORS = pytest.mark.parametrize("door", hostile.DOORS)
FORGERIES = pytest.mark.parametrize("forged", FORGED, ids=lambda forged: forged.name)


@DOORS
@FORGERIES
def test_a_forged_event_is_counted_kept_and_calls_nobody(forged: Forged, door: str) -> None:
    """I6, for every forgery that we could think of, by both doors."""
    assert hostile.outcome(forged, door)[1] == []


def test_an_event_that_is_taken_would_be_noticed() -> None:
    """The proof can fail: a good event is no forgery."""
    good = Forged("good", json.dumps(event()), "other_resource")
    assert len(hostile.outcome(good, "queue")[1]) >= 2


def test_no_parser_reads_another_host_than_the_guard() -> None:
    """20,000 cases of one seed; the command runs more of them."""
    counts, differences = parsers.fuzzed(0, 20_000)
    assert differences == []
    assert counts["accepted"] > 5_000, "a guard that accepts nothing proves nothing"
    assert counts["read in several ways"] > 1_000, "cases on which all agree need no guard"


def test_a_guard_with_a_hole_would_be_noticed(monkeypatch: pytest.MonkeyPatch) -> None:
    """The proof can fail: this one believes what one parser says, as the SDK's did."""

    def believing(url: str, _hosts: tuple[str, ...]) -> locations.Location:
        read = parsers.readings(url)["urllib"]
        if read is None or read[0] != "https" or not str(read[1]).endswith(".asm.skype.com"):
            raise UnsafeLocationError("no", code=Code.UNSAFE_LOCATION)
        return locations.Location(url, read[1], read[4], "")

    monkeypatch.setattr(parsers, "checked_location", believing)
    assert len(parsers.fuzzed(0, 3_000)[1]) > 10


def test_nasty_ids_stay_in_their_folder_and_on_their_line() -> None:
    """Names are made of ids; logs tell ids."""
    assert hostile.prove_ids(0, 1_000)[1] == []


@pytest.mark.parametrize(
    "line", ["recording.x\nrecording.chunk.archived", "recording.x \u0430", "recording.x \x1b[2K", "x"]
)
def test_a_forged_line_would_be_noticed(line: str) -> None:
    """The proof can fail."""
    assert hostile.Witness(lines=[line]).forged_lines == [line]


@pytest.mark.parametrize("name", hostile.DOCUMENTS)
def test_no_metadata_document_costs_a_recording(name: str) -> None:
    """It is only for checks and for the index: the media is archived whatever it holds."""
    assert hostile.archived_despite(hostile.DOCUMENTS[name]()) == []


def test_a_compressed_answer_is_never_unpacked() -> None:
    """64 MiB of nothing in 64 KiB, in every form; the command takes a GiB."""
    assert prove_bombs(64 << 20)[1] == []


def test_a_bomb_that_goes_off_would_be_noticed() -> None:
    """The proof can fail."""
    packed = bomb(64 << 20)
    assert memory_taken(lambda: zlib.decompress(packed, wbits=31)) > MOST_BYTES
