"""The source is deleted, or left, with the reason on record."""

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from dev.in_memory.builders import EVENT_TIME, chunk, document_id, event, location, mp3, task
from dev.in_memory.world import World, world
from recording.archive.claim import Work
from recording.archive.delete_source import settle_source
from recording.domain.formats import FormatType
from recording.domain.state.chunk import Acceptance, ChunkRecord, ChunkState, MetadataOutcome, SourceOutcome
from recording.errors import (
    ClaimLostError,
    RecordingError,
    SourceBrokenError,
    SourceBusyError,
    SourceError,
    SourceGoneError,
    SourceRefusedError,
)
from recording.settings.values import MediaCheck


def settled(here: World, **changes: Any) -> tuple[ChunkState, SourceOutcome | None, str | None]:
    """Archive a chunk, change its record, settle its source, and return what became of it."""
    here.source.fail_next("delete", SourceBusyError("not yet"))
    here.works(here.holds(task()))
    settle_source(claimed(here, here.record(), **changes))
    record = here.record()
    return record.state, record.source, record.source_reason


def claimed(here: World, found: ChunkRecord, **changes: Any) -> Work:
    """Return the turn of a worker that has claimed a chunk before its source is settled."""
    assert (found.state, found.source) == (ChunkState.CATALOGED, None)
    claim = {"claim_owner": "this turn", "claim_expires_at": here.now + timedelta(minutes=2), **changes}
    saved = here.fakes.catalog.save_chunk(found.model_copy(update=claim))
    return Work(saved, here.ports, here.settings, started_at=here.now)


def test_that_a_file_has_grown_is_on_record_before_the_turn_fails() -> None:
    """A worker that dies right after it must not leave a copy that counts as proved."""
    here = world()
    made = here.holds(task(metadata_location=None, format=FormatType.MP3), mp3(300))
    here.announces(event(chunk(metadataLocation=None), data={"recordingDurationMs": None}))
    here.runs_due()
    here.fakes.clock.advance(minutes=11)
    here.source.objects[made.content_location] = mp3(600)
    with pytest.raises(SourceBrokenError) as failed:
        settle_source(claimed(here, here.record(made)))
    record = here.record(made)
    assert (failed.value.code, record.last_error, record.state) == ("length_unproven", "length_unproven", "PENDING")
    assert [known.reason for known in record.suspects] == ["the source's file had grown since"]
    assert here.source.deleted == []


@pytest.mark.parametrize(
    ("kind", "changes", "code", "state", "name_version"),
    [
        (".wav", {"etag": "another"}, "media_touched", ChunkState.COPIED, 1),
        (".wav", {"data": b"other bytes"}, "media_altered", ChunkState.PENDING, 2),
        (".wav", None, "media_vanished", ChunkState.PENDING, 1),
        (".receipt.json", None, "documents_vanished", ChunkState.VERIFIED, 1),
        (".metadata.json", None, "documents_vanished", ChunkState.VERIFIED, 1),
        (".receipt.json", {"data": b"{}"}, "documents_altered", ChunkState.PENDING, 2),
        (".metadata.json", {"data": b"{}"}, "documents_altered", ChunkState.PENDING, 2),
    ],
)
def test_a_chunk_goes_back_to_the_step_whose_result_is_gone_and_no_further(
    kind: str, changes: dict[str, Any] | None, code: str, state: ChunkState, name_version: int
) -> None:
    """A lost receipt must not cost a second copy of the recording under another name."""
    here = world()
    here.source.fail_next("delete", SourceBusyError("not yet"))
    here.works(here.holds(task()))
    blobs = here.fakes.archive.blobs
    (name,) = (name for name in blobs if name.endswith(kind))
    blob = blobs.pop(name)
    if changes is not None:
        blobs[name] = replace(blob, **changes)
    with pytest.raises(RecordingError) as failed:
        settle_source(claimed(here, here.record()))
    known = here.record()
    assert (failed.value.code, known.last_error) == (code, code)
    assert (known.state, known.name_version, here.source.deleted) == (state, name_version, [])


@pytest.mark.parametrize("changes", [{"verified_at": None}, {"cataloged_at": None}, {"media_fault": "too short"}])
def test_what_the_guard_refuses_is_not_deleted_though_all_else_agrees(changes: dict[str, Any]) -> None:
    """The stored files are as proved and nothing says to leave the source: the guard alone stands before it."""
    here = world()
    here.source.fail_next("delete", SourceBusyError("not yet"))
    here.works(here.holds(task()))
    with pytest.raises(RecordingError) as refused:
        settle_source(claimed(here, here.record(), **changes))
    assert (refused.value.code, here.source.deleted, here.state()) == ("delete_refused", [], ChunkState.CATALOGED)


@pytest.mark.parametrize("check", [MediaCheck.WARN, MediaCheck.OFF])
def test_where_media_is_not_judged_no_length_is_asked_for_again(check: MediaCheck) -> None:
    """An operator's choice: what only warns of bad media must not delay its delete either."""
    here = world(media_check=check)
    made = here.holds(task(metadata_location=None, format=FormatType.MP3, recording_duration_ms=None), mp3(300))
    here.works(made)
    assert here.state(made) is ChunkState.SOURCE_DELETED


def test_a_worker_whose_claim_has_ended_deletes_nothing() -> None:
    """Another worker may be copying the chunk anew by then."""
    here = world()
    here.source.fail_next("delete", SourceBusyError("not yet"))
    here.works(here.holds(task()))
    work = claimed(here, here.record())
    here.fakes.clock.advance(minutes=3)
    with pytest.raises(ClaimLostError):
        settle_source(work)
    assert (here.source.deleted, here.state()) == ([], ChunkState.CATALOGED)


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"accepted": Acceptance(by=None, note="heard it", at=EVENT_TIME)}, "an operator accepted suspect bytes"),
        ({"metadata": MetadataOutcome.PENDING}, "the metadata is not archived"),
        ({"metadata": MetadataOutcome.NOT_ANNOUNCED, "metadata_reason": None}, "the metadata is not archived"),
    ],
)
def test_a_source_that_may_be_worth_more_than_the_copy_is_left(changes: dict[str, Any], reason: str) -> None:
    """ACS deletes it by itself in the end; until then an operator may fetch what the copy lacks."""
    here = world()
    assert settled(here, **changes) == (ChunkState.CATALOGED, SourceOutcome.LEFT_TO_EXPIRE, reason)
    assert here.source.calls.count("delete") == 1


def test_a_source_whose_copy_is_proved_is_deleted() -> None:
    """Without this, a guard that leaves everything would pass."""
    assert settled(world()) == (ChunkState.SOURCE_DELETED, SourceOutcome.DELETED, None)


@pytest.mark.parametrize(
    ("changes", "event_name"),
    [({}, "recording.chunk.source_deleted"), ({"delete_location": None}, "recording.chunk.source_left_to_expire")],
)
def test_what_became_of_the_source_is_one_line_in_the_log(
    changes: dict[str, Any], event_name: str, caplog: pytest.LogCaptureFixture
) -> None:
    """An operator looks for it there, and metrics count it."""
    here = world()
    made = here.holds(task(**changes))
    with caplog.at_level("INFO"):
        here.works(made)
    lines = [entry for entry in caplog.records if "chunk.source_" in entry.getMessage()]
    assert [(entry.getMessage().split()[0], made.document_id in entry.getMessage()) for entry in lines] == [
        (event_name, True)
    ]


def test_a_source_that_is_gone_already_counts_as_deleted(here: World) -> None:
    """The delete's answer was lost, or ACS was faster: 404 is what was wanted."""
    here.source.fail_next("delete", SourceBusyError("lost"), after=True)
    here.fakes.queue.send(task())
    here.runs(hours=1)
    assert (here.state(), here.record().source) == (ChunkState.SOURCE_DELETED, SourceOutcome.ALREADY_GONE)


def test_a_source_whose_delete_says_that_it_is_gone_was_not_deleted_by_us(here: World) -> None:
    """What the record says of an erasure must be true: ACS or another client deleted it."""
    here.source.fail_next("delete", SourceGoneError("404"))
    here.works(task())
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
