"""Copying anew: the chunk returns to the start of the line, is on record, and never takes names without end."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest

from dev.in_memory.builders import CONTAINER, event, metadata, record, task, wav
from dev.in_memory.hand import HandInArchive, first_half, serve_wrongly
from dev.in_memory.world import World, intercept, leave_alone, world
from recording.archive.claim import Work
from recording.archive.recopy import MOST_NAMES, copy_anew
from recording.domain.incoming.requests import HeldFilter
from recording.domain.state.chunk import ChunkState, Home
from recording.errors import ContentConflictError, SourceBrokenError, SourceBusyError
from recording.errors.codes import Code
from recording.operate.held import Kind, list_held, redrive


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
    assert (ended.value.code, here.state()) == ("stored_differs", ChunkState.PENDING)


def test_a_copy_that_vanished_needs_no_other_name_however_many_there_were() -> None:
    """Nothing has its name."""
    assert anew(copied(here := world(), name_version=5), is_name_taken=False) == "stored_differs"
    assert (here.state(), here.record().name_version) == (ChunkState.PENDING, 5)


def test_a_file_in_the_customers_storage_stays_and_its_documents_get_another_name() -> None:
    """It is read again where it is; what is stored about it under the name is never replaced."""
    outside = task(home=Home.EXTERNAL, content_location=f"{CONTAINER}/a.wav", delete_location=None)
    anew(copied(here := world(), task=outside), is_name_taken=True)
    assert (here.record(outside).name_version, here.record(outside).suspects) == (2, ())


def test_a_chunk_without_a_copy_has_no_name_to_leave() -> None:
    """Whoever asks must not have to know whether there is one."""
    anew(copied(here := world(), ChunkState.PENDING), is_name_taken=True)
    assert (here.record().name_version, here.record().suspects) == (1, ())


SPOILS = {"empties": HandInArchive.empties, "overwrites": HandInArchive.overwrites}


@pytest.mark.parametrize("spoil", SPOILS.values(), ids=SPOILS)
@pytest.mark.parametrize("kind", [".wav", ".receipt.json", ".metadata.json"])
@pytest.mark.parametrize("before", ["put_once", "put_if_unchanged", "save_chunk"])
def test_what_is_damaged_in_every_copy_is_held_and_copied_anew_once_the_damage_has_ended(
    spoil: Callable[[HandInArchive, str], None], kind: str, before: str
) -> None:
    """The last damaged copy counted as archived, with nothing held and ACS's file left to expire; or kept its name."""
    here = world()
    here.holds(task())
    hand = HandInArchive(here.fakes.archive)

    def touch(_port: str, method: str) -> tuple[None, bool]:
        names = [name for name in here.fakes.archive.blobs if name.endswith(kind)]
        if method == before and names and names[-1] not in hand.touched:
            spoil(hand, names[-1])
        return None, False

    intercept(here, touch)
    here.fakes.queue.send(task())
    here.runs(hours=5)
    leave_alone(here)
    if here.state() is not ChunkState.SOURCE_DELETED:  # some of these are noticed before anything is damaged
        assert here.state() is ChunkState.QUARANTINED
        assert [one.kind for one in list_held(here.ports, here.settings)] == [Kind.CHUNK]
        assert here.source.deleted == []
        redrive(here.ports, here.settings, HeldFilter())
        here.runs(hours=5)
    record = here.record()
    assert (record.state, here.fakes.archive.blobs[record.blob_name or ""].data) == (ChunkState.SOURCE_DELETED, wav())
    assert {suspect.blob_name for suspect in record.suspects}.isdisjoint({record.blob_name})


def test_a_fault_that_the_source_delivers_ends_by_time_and_not_by_a_count() -> None:
    """The line breaks once in each copy of half a file, so that each is judged only after it was stored."""
    here = world(copy_block_bytes=65536)
    made = here.holds(task(recording_duration_ms=20_000), wav(20_000), metadata(chunkDuration=20_000))
    whole_again = serve_wrongly(here.source, made.content_location, first_half)
    plain, begun_at = here.source.open_content, dict[int, int]()

    @contextmanager
    def breaks(place: str, first: int = 0, length: int | None = None) -> Iterator[Any]:
        known = here.record(made)
        if first >= 131_072 and begun_at.setdefault(known.name_version, known.attempts) == known.attempts:
            raise SourceBusyError("the connection broke")
        with plain(place, first, length) as content:
            yield content

    here.source.open_content = breaks  # type: ignore[method-assign,assignment]
    here.announces(event(data={"recordingDurationMs": 20_000}))
    here.runs(hours=3, until_quiet=False)
    assert here.state(made) is ChunkState.PENDING
    assert len(here.media_blobs()) <= 2 * MOST_NAMES
    whole_again()
    here.runs(hours=3)
    assert here.state(made) is ChunkState.SOURCE_DELETED
