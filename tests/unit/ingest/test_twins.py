"""Twins at ingest: what is looked up before the tasks of an event are enqueued, and what is not."""

import pytest

from dev.in_memory.builders import chunk, document_id, event, location, record, task
from dev.in_memory.world import World
from recording.domain.state.chunk import ChunkState, SourceOutcome


def test_a_recording_without_a_row_has_no_chunks_to_look_up(here: World) -> None:
    """Nearly every event is the first and only one of its recording: a query for each would find nothing."""
    here.announces()
    assert "chunks_of" not in here.fakes.catalog.calls
    here.announces(event(chunk(1, document_id(1)), id="event-2"))
    assert "chunks_of" in here.fakes.catalog.calls


LETTERS = f"0-weu-d7-{'ab' * 16}"
CAPITALS = f"0-weu-d7-{'AB' * 16}"


@pytest.mark.parametrize("spelt", [(LETTERS, CAPITALS), (CAPITALS, LETTERS), (CAPITALS,)])
@pytest.mark.parametrize("is_one_event", [True, False])
@pytest.mark.parametrize("in_location", [LETTERS, CAPITALS])
def test_capitals_in_a_document_id_make_no_second_file(
    here: World, spelt: tuple[str, ...], is_one_event: bool, in_location: str
) -> None:
    """Its hexadecimal digits have no case; as a second file it would be reported as lost, once the source is gone."""
    places = {"contentLocation": location(in_location), "deleteLocation": location(in_location, "")}
    places["metadataLocation"] = location(in_location, "/content/acsmetadata")
    made = task(0, in_location)
    here.holds(made)
    chunks = [chunk(0, one, **places) for one in spelt]
    events = [event(*chunks)] if is_one_event else [event(one, id=f"e{at}") for at, one in enumerate(chunks)]
    for told in events:
        here.announces(told)
        here.runs(hours=1)
    here.runs(hours=40, until_quiet=False)
    (row,) = here.fakes.catalog.chunks.values()
    assert (row.state, row.source) == (ChunkState.SOURCE_DELETED, SourceOutcome.DELETED)
    assert len(here.media_blobs()) == 1


@pytest.mark.parametrize("state", [ChunkState.SOURCE_DELETED, ChunkState.PENDING, ChunkState.VERIFIED])
@pytest.mark.parametrize("spelt", [LETTERS, CAPITALS])
def test_an_event_is_about_the_row_of_before_that_has_capitals(here: World, spelt: str, state: ChunkState) -> None:
    """An earlier version kept the id as the event spelt it; a second row would be reported as a lost file."""
    here.announces(event(chunk(1, document_id(1))))
    made = task(0, CAPITALS, content_location=location(LETTERS))
    here.fakes.catalog.add_chunk(record(state, task=made))
    places = {"contentLocation": location(LETTERS), "deleteLocation": location(LETTERS, "")}
    here.announces(event(chunk(0, spelt, **places), id="event-2"))
    assert [one.task.document_id for one in here.fakes.catalog.chunks.values() if one.task.index == 0] == [CAPITALS]


@pytest.mark.parametrize("is_one_event", [True, False])
@pytest.mark.parametrize("spelt", [(LETTERS, CAPITALS), (CAPITALS, LETTERS)])
def test_capitals_in_one_of_two_locations_make_no_second_file(
    here: World, spelt: tuple[str, str], is_one_event: bool
) -> None:
    """The two locations are compared like those of any file that is announced twice."""
    chunks = [chunk(0, one) for one in spelt]
    events = [event(*chunks)] if is_one_event else [event(one, id=f"e{at}") for at, one in enumerate(chunks)]
    for told in events:
        here.announces(told)
    here.holds(task(0, spelt[0]))
    here.runs(hours=40, until_quiet=False)
    (row,) = here.fakes.catalog.chunks.values()
    assert (row.task.document_id, row.state) == (spelt[0], ChunkState.SOURCE_DELETED)
    assert here.fakes.quarantine.reasons == []


@pytest.mark.parametrize("one", ["Doc-A", "0-weu-d7-AB"])
def test_capitals_in_an_id_of_another_form_stay(here: World, one: str) -> None:
    """Nobody knows whether they count in it."""
    for index, name in enumerate((one, one.lower())):
        here.announces(event(chunk(index, name), id=name))
    assert {row.task.document_id for row in here.fakes.catalog.chunks.values()} == {one, one.lower()}
