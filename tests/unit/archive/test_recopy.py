"""Copying anew: the chunk returns to the start of the line, is on record, and never takes names without end."""

from typing import Any

import pytest

from dev.in_memory.builders import CONTAINER, record, task
from dev.in_memory.world import World, world
from recording.archive.claim import Work
from recording.archive.recopy import MOST_NAMES, copy_anew
from recording.domain.state.chunk import ChunkState, Home
from recording.errors import ContentConflictError, SourceBrokenError
from recording.errors.codes import Code


def copied(here: World, state: ChunkState = ChunkState.COPIED, **facts: Any) -> Work:
    """The turn of a worker on a chunk whose media is committed."""
    here.fakes.catalog.add_chunk(record(state, **facts))
    (known,) = here.fakes.catalog.chunks.values()
    work = Work(known, here.ports, here.settings, started_at=here.now)
    work.save(claim_owner="me")
    return work


def anew(work: Work, *, is_name_taken: bool) -> str:
    """The code with which the attempt ends, so that the next one copies."""
    with pytest.raises(SourceBrokenError) as ended:
        copy_anew(work, Code.STORED_DIFFERS, "other bytes", is_name_taken=is_name_taken)
    return ended.value.code


@pytest.mark.parametrize("is_name_taken", [True, False])
def test_the_chunk_is_on_record_at_the_start_of_the_line_before_the_attempt_ends(
    caplog: pytest.LogCaptureFixture, *, is_name_taken: bool
) -> None:
    """A worker that dies right after it must not leave a copy that counts; and an operator must hear of it."""
    work = copied(here := world())
    assert anew(work, is_name_taken=is_name_taken) == "stored_differs"
    known = here.record()
    assert (known.state, known.last_error, known.blob_name) == (ChunkState.PENDING, "stored_differs", None)
    assert known.name_version == (2 if is_name_taken else 1)
    assert [suspect.reason for suspect in known.suspects] == (["other bytes"] if is_name_taken else [])
    assert "recording.chunk.media_lost" in caplog.text


def test_an_archive_that_damages_every_copy_is_left_to_an_operator() -> None:
    """More names would fill it with spoiled copies; the source stays."""
    assert MOST_NAMES == 5
    assert anew(copied(here := world(), name_version=4), is_name_taken=True) == "stored_differs"
    assert here.record().name_version == 5
    work = copied(here := world(), name_version=5)
    with pytest.raises(ContentConflictError) as ended:
        copy_anew(work, Code.STORED_DIFFERS, "other bytes", is_name_taken=True)
    assert (ended.value.code, here.state()) == ("stored_differs", ChunkState.COPIED)


def test_a_copy_that_vanished_needs_no_other_name_however_many_there_were() -> None:
    """Nothing has its name."""
    assert anew(copied(here := world(), name_version=5), is_name_taken=False) == "stored_differs"
    assert (here.state(), here.record().name_version) == (ChunkState.PENDING, 5)


def test_a_file_in_the_customers_storage_has_no_name_of_ours_to_leave() -> None:
    """It is read again where it is."""
    outside = task(home=Home.EXTERNAL, content_location=f"{CONTAINER}/a.wav", delete_location=None)
    anew(copied(here := world(), task=outside), is_name_taken=True)
    assert (here.record(outside).name_version, here.record(outside).suspects) == (1, ())


def test_a_chunk_without_a_copy_has_no_name_to_leave() -> None:
    """Whoever asks must not have to know whether there is one."""
    anew(copied(here := world(), ChunkState.PENDING), is_name_taken=True)
    assert (here.record().name_version, here.record().suspects) == (1, ())
