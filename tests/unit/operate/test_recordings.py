"""The list of recordings: each with one word for its state, the newest first, within limits that are said."""

from datetime import timedelta
from typing import Any

from dev.in_memory.builders import EVENT_TIME, document_id, record, task
from dev.in_memory.world import World, world
from recording.domain.state.chunk import ChunkState, Dismissal
from recording.domain.state.recording import RecordingRecord
from recording.operate.attention import needs_attention
from recording.operate.recordings import Listed, Listing, list_recordings


def put(here: World, name: str, *states: ChunkState, minutes: int = 0, **changes: Any) -> None:
    """Let the catalog have a recording that began so many minutes later, with one chunk in each of these states."""
    began = EVENT_TIME + timedelta(minutes=minutes)
    here.fakes.catalog.add_recording(RecordingRecord(recording_id=name, started_at=began))
    for index, state in enumerate(states):
        one = task(index, document_id(100 * minutes + index), recording_id=name, recording_start_time=began)
        here.fakes.catalog.add_chunk(record(state, task=one, **changes))


def listed(here: World, **how: Any) -> Listing:
    """The list, with what needs attention now."""
    return list_recordings(here.ports, needs_attention(here.ports, here.settings).items, **how)


def by_name(here: World, **how: Any) -> dict[str, Listed]:
    """What is listed, by recording."""
    return {one.recording_id: one for one in listed(here, **how).items}


def test_each_recording_has_one_word_for_its_state() -> None:
    """What needs attention says so before anything else; the rest is archived, open, dismissed or without files."""
    here = world()
    done, held = ChunkState.SOURCE_DELETED, ChunkState.QUARANTINED
    put(here, "archived", done, done)
    put(here, "open", done, ChunkState.PENDING, minutes=1)
    put(here, "no-files", minutes=2)
    put(here, "held", done, held, minutes=3)
    put(here, "dismissed", held, minutes=4, dismissed=Dismissal(at=EVENT_TIME, by="operator", note="a test call"))
    found = by_name(here)
    words = {name: one.state for name, one in found.items()}
    assert words == {
        "archived": "archived",
        "open": "open",
        "no-files": "no files yet",
        "held": "held",
        "dismissed": "dismissed",
    }
    assert (found["open"].chunks, found["open"].archived) == (2, 1)
    assert found["open"].time_left == EVENT_TIME + timedelta(hours=24) - here.now
    assert found["archived"].time_left is None


def test_the_newest_are_first_and_how_many_more_there_are_is_said() -> None:
    """A list that is cut off in silence would be read as all there is."""
    here = world()
    for minutes in range(5):
        put(here, f"recording-{minutes}", ChunkState.SOURCE_DELETED, minutes=minutes)
    found = listed(here, limit=2)
    assert [one.recording_id for one in found.items] == ["recording-4", "recording-3"]
    assert (found.more, found.complete) == (3, True)
    assert by_name(here, since=EVENT_TIME + timedelta(minutes=3)).keys() == {"recording-3", "recording-4"}


def test_a_filter_by_state_finds_the_second_trouble_of_a_recording_too() -> None:
    """A recording at risk may also be held; who looks for held ones must see it."""
    here = world()
    put(here, "both", ChunkState.QUARANTINED)
    late = task(1, document_id(1), recording_id="both", expires_at=here.now + timedelta(minutes=5))
    here.fakes.catalog.add_chunk(record(task=late))
    put(here, "fine", ChunkState.SOURCE_DELETED, minutes=1)
    assert by_name(here)["both"].state == "at_risk"
    for state in ("at_risk", "held"):
        assert by_name(here, states=(state,)).keys() == {"both"}
    assert by_name(here, states=("archived",)).keys() == {"fine"}
