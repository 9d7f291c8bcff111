"""Twins at ingest: what is looked up before the tasks of an event are enqueued, and what is not."""

from dev.in_memory.builders import chunk, document_id, event
from dev.in_memory.world import World


def test_a_recording_without_a_row_has_no_chunks_to_look_up(here: World) -> None:
    """Nearly every event is the first and only one of its recording: a query for each would find nothing."""
    here.announces()
    assert "chunks_of" not in here.fakes.catalog.calls
    here.announces(event(chunk(1, document_id(1)), id="event-2"))
    assert "chunks_of" in here.fakes.catalog.calls
