"""A metadata location that is announced later counts as long as the first one has given nothing."""

import pytest

from dev.in_memory.builders import chunk, document_id, event, location, task
from dev.in_memory.world import world
from recording.domain.state.chunk import ChunkState, MetadataOutcome, SourceOutcome

WRONG = location(document_id(), "/content/acsmetadatb")


@pytest.mark.parametrize("hours", [0, 1, 10])
@pytest.mark.parametrize("further", [0, 2])
def test_the_right_metadata_location_may_come_later(hours: float, further: int) -> None:
    """At the first one ACS answers 404: the document would be lost, though a later event says where it is."""
    here, made = world(), task(0)
    here.holds(made)
    here.announces(event(chunk(0, metadataLocation=WRONG)))
    here.runs(hours=hours, until_quiet=False)
    here.announces(event(chunk(0), id="event-2"))
    for number in range(further):
        here.announces(event(chunk(0, metadataLocation=WRONG), id=f"further-{number}"))
    here.runs(hours=30, until_quiet=False)
    found = here.record(made)
    assert (found.state, found.metadata) == (ChunkState.SOURCE_DELETED, MetadataOutcome.ARCHIVED)


def test_a_wrong_location_that_comes_later_takes_no_document_away() -> None:
    """The first one is late; the two take turns."""
    here, made = world(), task(0)
    here.holds(made)
    document = here.source.objects.pop(made.metadata_location or "")
    here.announces()
    here.runs(hours=1, until_quiet=False)
    here.announces(event(chunk(0, metadataLocation=WRONG), id="event-2"))
    here.runs(hours=1, until_quiet=False)
    here.source.objects[made.metadata_location or ""] = document
    here.runs(hours=30, until_quiet=False)
    found = here.record(made)
    assert (found.state, found.metadata) == (ChunkState.SOURCE_DELETED, MetadataOutcome.ARCHIVED)


@pytest.mark.parametrize("is_first", [True, False])
@pytest.mark.parametrize("place", ["metadataLocation", "deleteLocation"])
def test_a_location_that_may_be_called_counts_before_a_refused_one(place: str, is_first: bool) -> None:
    """Both events are there before the file is."""
    here, made = world(), task(0)
    events = [event(chunk(0, **{place: "https://files.example.org/x"})), event(chunk(0), id="event-2")]
    for told in events if is_first else reversed(events):
        here.announces(told)
        here.runs(hours=1, until_quiet=False)
    here.holds(made)
    here.runs(hours=6, until_quiet=False)
    found = here.record(made)
    assert (found.metadata, found.source) == (MetadataOutcome.ARCHIVED, SourceOutcome.DELETED)
