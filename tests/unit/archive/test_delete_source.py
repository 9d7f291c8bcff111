"""The source is deleted, or left, with the reason on record."""

import pytest

from dev.in_memory.builders import document_id, location, task
from dev.in_memory.world import World, world
from recording.domain.state.chunk import ChunkState, SourceOutcome
from recording.errors import (
    SourceBusyError,
    SourceError,
    SourceRefusedError,
)


def test_a_source_that_is_gone_already_counts_as_deleted(here: World) -> None:
    """The delete's answer was lost, or ACS was faster: 404 is what was wanted."""
    here.source.fail_next("delete", SourceBusyError("lost"), after=True)
    here.fakes.queue.send(task())
    here.runs(hours=1)
    assert (here.state(), here.record().source) == (ChunkState.SOURCE_DELETED, SourceOutcome.ALREADY_GONE)


@pytest.mark.parametrize("reason", ["foreign_host", "unsafe_location", "metadata_refused"])
def test_a_delete_location_that_the_event_named_and_ingest_refused_is_told_as_refused(reason: str) -> None:
    """The event did name one: who looks into it must not be told that ACS sent none."""
    here = world()
    chunk = task(delete_location=None, delete_refused=reason)
    here.holds(chunk)
    here.works(chunk)
    assert here.record().source is SourceOutcome.LEFT_TO_EXPIRE
    assert here.record().source_reason == f"the delete location was refused: {reason}"


@pytest.mark.parametrize(
    ("delete", "words"),
    [
        (None, "names no delete location"),
        (location(document_id(9), ""), "names another object"),
        (location("", "").rstrip("/"), "names another object"),
        ("https://evil.example/v1/objects/x", "foreign_host"),
        ("http://weu-storage.asm.skype.com/v1", "unsafe_location"),
    ],
)
def test_a_delete_location_that_cannot_be_trusted_is_not_called(delete: str | None, words: str) -> None:
    """A published sample names another document; it is left to expire, and the record says so."""
    here = world()
    chunk = task(delete_location=delete)
    here.holds(chunk)
    here.works(chunk)
    record = here.record()
    assert (record.state, record.source) == (ChunkState.CATALOGED, SourceOutcome.LEFT_TO_EXPIRE)
    assert words in (record.source_reason or "")
    assert "delete" not in here.source.calls


@pytest.mark.parametrize("error", [SourceRefusedError("403"), SourceBusyError("503")])
def test_a_refused_delete_is_asked_again_until_the_deadline_and_then_left(here: World, error: SourceError) -> None:
    """The recording is safe; the source goes by itself in the end."""
    here.source.fail_next("delete", error, times=10_000)
    here.fakes.queue.send(task())
    here.runs(hours=30)
    record = here.record()
    assert (record.state, record.source) == (ChunkState.CATALOGED, SourceOutcome.LEFT_TO_EXPIRE)
    assert record.source_reason == "the deadline has passed"
    assert (here.fakes.queue.tasks, here.fakes.quarantine.kept) == ([], {})


def test_nothing_is_deleted_after_the_deadline(here: World) -> None:
    """ACS deletes by itself then; a late DELETE proves nothing and risks what took the id over."""
    here.fakes.clock.advance(hours=25)
    here.works(task())
    assert (here.state(), here.record().source) == (ChunkState.CATALOGED, SourceOutcome.LEFT_TO_EXPIRE)
    assert "delete" not in here.source.calls
