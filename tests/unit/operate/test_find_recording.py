"""Find: what an operator types names one recording or one item, or is refused; it never means more than was typed."""

import pytest

from dev.in_memory.builders import RECORDING_ID, document_id, record, task
from dev.in_memory.world import World, world
from recording.domain.find.short_ids import short_id
from recording.domain.state.chunk import ChunkState
from recording.domain.state.recording import RecordingRecord
from recording.errors import RequestError
from recording.errors.codes import Code
from recording.operate.find_recording import find_item, find_recording

SHORT = short_id(RECORDING_ID)
HELD = {"quarantine_reason": "source_forbidden"}


def held(*indexes: int) -> World:
    """A world in which these files of one recording are held."""
    made = world()
    for index in indexes:
        one = task(index, document_id(index))
        made.fakes.catalog.add_chunk(record(ChunkState.QUARANTINED, task=one, **HELD))
    return made


@pytest.mark.parametrize(
    "typed", [RECORDING_ID, SHORT, SHORT[:4], SHORT.upper(), f"h-{SHORT}", f"…{RECORDING_ID[-6:]}", document_id(0)]
)
def test_each_name_that_a_screen_shows_is_understood(typed: str) -> None:
    """Tables show the short id, folders the whole digest, the console the end, and events the document."""
    assert find_recording(typed, held(0).ports) == RECORDING_ID


@pytest.mark.parametrize("typed", ["", SHORT[:3], "…ab", "never heard of"])
def test_too_little_names_no_recording(typed: str) -> None:
    """A shell variable that is not set is nothing, even where there is only one recording."""
    with pytest.raises(RequestError, match="at least four characters") as refused:
        find_recording(typed, held(0).ports)
    assert refused.value.code == Code.UNKNOWN_RECORDING


def test_a_file_is_not_taken_for_its_recording() -> None:
    """What is done to one file must not be done to all of them."""
    with pytest.raises(RequestError, match=f"names one file; the recording is {SHORT}"):
        find_recording(f"{SHORT}/0", held(0).ports)


def test_a_call_with_two_recordings_names_neither() -> None:
    """Both are named in the answer, so that the operator can choose."""
    here = world()
    for recording_id in ("first", "second"):
        here.fakes.catalog.add_recording(RecordingRecord(recording_id=recording_id, call_id="the-call-of-both"))
    with pytest.raises(RequestError, match=r"names 2 recordings \(first, second\)"):
        find_recording("the-call-of-both", here.ports)


def test_a_file_has_its_own_name_though_another_begins_with_it() -> None:
    """File 1 of a long recording could not be named while file 11 needed attention as well."""
    here = held(1, 11)
    keys = {one.task.index: f"{RECORDING_ID}/{one.key}" for one in here.fakes.catalog.chunks_of(RECORDING_ID)}
    assert find_item(f"{SHORT}/1", here.ports, here.settings) == keys[1]
    assert find_item(f"{SHORT}/11", here.ports, here.settings) == keys[11]
    with pytest.raises(RequestError, match="names 2 things"):
        find_item(SHORT, here.ports, here.settings)


@pytest.mark.parametrize("typed", ["", SHORT[:3]])
def test_too_little_names_no_item(typed: str) -> None:
    """An unset variable must not decide about the one item that happens to be held."""
    here = held(0)
    assert find_item(SHORT[:4], here.ports, here.settings).startswith(RECORDING_ID)
    with pytest.raises(RequestError, match="at least four characters") as refused:
        find_item(typed, here.ports, here.settings)
    assert refused.value.code == Code.UNKNOWN_ID


def test_a_file_that_was_archived_meanwhile_is_said_to_be_so() -> None:
    """An operator who comes second learns that nothing is left to do."""
    here = world()
    here.fakes.catalog.add_chunk(record(ChunkState.SOURCE_DELETED, task=task()))
    with pytest.raises(RequestError, match=f"{SHORT}/0 is archived"):
        find_item(f"{SHORT}/0", here.ports, here.settings)
    with pytest.raises(RequestError, match=f"recording {SHORT} has no file 7"):
        find_item(f"{SHORT}/7", here.ports, here.settings)
