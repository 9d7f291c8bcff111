"""A file that still grows while it is copied: its first part opens and plays like a whole one."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest

from dev.in_memory.builders import chunk, document_id, event, metadata, mp3, task
from dev.in_memory.world import World, world
from recording.domain.formats import FormatType
from recording.domain.state.chunk import ChunkRecord, ChunkState, ChunkTask
from recording.errors import SourceBusyError

FRAMES = 3000  # of 36 ms: 108 s
WHOLE = mp3(FRAMES)


def grows(here: World, made: ChunkTask, minutes: float) -> None:
    """Let ACS serve the frames that there are by now; all of them after so many minutes."""
    place, begun, plain = made.content_location, here.now, here.source.open

    def served(location: str, first: int = 0, length: int | None = None) -> Any:
        if location == place:
            share = min(1.0, 0.2 + 0.8 * (here.now - begun).total_seconds() / (minutes * 60))
            here.source.objects[place] = mp3(round(FRAMES * share))
        return plain(location, first, length)

    here.source.open = served  # type: ignore[method-assign]


def told(**data: object) -> dict[str, Any]:
    return event(chunk(metadataLocation=None), data={"recordingFormatType": "Mp3", **data})


@pytest.mark.parametrize("minutes", [0.1, 0.5, 3, 9, 30, 75])
@pytest.mark.parametrize("told_ms", [None, 0, 108_000, 7_200_000])
def test_a_growing_file_without_metadata_is_archived_whole_before_its_source_goes(
    minutes: float, told_ms: int | None
) -> None:
    """The witness beside the DELETE objects to anything but the whole."""
    here = world()
    made = here.holds(task(metadata_location=None, format=FormatType.MP3), WHOLE)
    grows(here, made, minutes)
    here.announces(told(recordingDurationMs=told_ms))
    here.runs(hours=6)
    found = here.record(made)
    assert found.state is ChunkState.SOURCE_DELETED
    assert here.fakes.archive.blobs[found.blob_name or ""].data == WHOLE


def test_metadata_that_says_nothing_of_the_length_is_no_proof_either() -> None:
    """0 is what an unset number looks like."""
    here = world()
    made = task(format=FormatType.MP3, recording_duration_ms=None)
    here.holds(made, WHOLE, metadata(made, chunkDuration=0))
    grows(here, made, 5)
    here.announces(event(data={"recordingDurationMs": None}))
    here.runs(hours=6)
    assert here.state() is ChunkState.SOURCE_DELETED
    assert here.fakes.archive.blobs[here.record().blob_name or ""].data == WHOLE


@pytest.mark.parametrize(
    ("made", "envelope"),
    [(task(), event()), (task(metadata_location=None), event(chunk(metadataLocation=None)))],
    ids=["metadata", "event"],
)
def test_where_the_length_is_told_nothing_waits(made: ChunkTask, envelope: dict[str, Any]) -> None:
    """The ordinary recording is settled in one turn, and ACS is asked for its media once."""
    here = world()
    here.holds(made)
    here.announces(envelope)
    here.runs_due()
    assert here.state() is ChunkState.SOURCE_DELETED
    assert here.source.calls.count("open_content") == 1


def test_acs_that_does_not_answer_the_question_keeps_its_file() -> None:
    """A refusal says nothing of the length."""
    here = world()
    made = here.holds(task(metadata_location=None, format=FormatType.MP3), WHOLE)
    here.announces(told(recordingDurationMs=None))
    here.runs_due()
    here.source.fail_next("open_content", SourceBusyError("503"), times=1000)
    here.runs(hours=0.3, until_quiet=False)
    assert (here.state(made), here.source.deleted) == (ChunkState.CATALOGED, [])
    here.source.fails_no_more("open_content")
    here.runs(hours=3)
    assert here.state(made) is ChunkState.SOURCE_DELETED


def first_half(good: bytes) -> bytes:
    return good[: len(good) // 2]


def block_page(_good: bytes) -> bytes:
    return b"<!doctype html><html>blocked by policy</html>" * 3


@pytest.mark.parametrize("wrong", [first_half, block_page])
@pytest.mark.parametrize("hours_ago", [23.7, 23.99, 25, 30, 300])
@pytest.mark.parametrize("minutes", [1, 12, 25])
def test_a_wrong_body_past_the_told_deadline_is_not_final_at_once(
    wrong: Callable[[bytes], bytes], hours_ago: float, minutes: float
) -> None:
    """After an outage every deadline of the backlog is over, and a proxy serves a block page for a minute."""
    here = world()
    here.holds(task())
    good = here.source.objects[task().content_location]
    here.source.objects[task().content_location] = wrong(good)
    here.announces(event(eventTime=(here.now - timedelta(hours=hours_ago)).isoformat()))
    here.runs(hours=minutes / 60, until_quiet=False)
    here.source.objects[task().content_location] = good
    here.runs(hours=3)
    found = here.record()
    assert found.state in (ChunkState.CATALOGED, ChunkState.SOURCE_DELETED)
    assert here.fakes.archive.blobs[found.blob_name or ""].data == good
    assert (found.blob_name or "").endswith(f"0000-{document_id()}.wav")


def test_a_wrong_body_past_the_deadline_is_kept_at_its_first_try_and_named_within_the_hour() -> None:
    """ACS may forget it at any moment, and an operator may accept it."""
    here = world()
    here.holds(task(), b"no media at all" * 10)
    here.announces(event(eventTime=(here.now - timedelta(days=3)).isoformat()))
    here.runs_due()
    suspects: ChunkRecord = here.record()
    assert len(suspects.suspects) == 1
    here.runs(hours=1.2)
    assert (here.state(), here.record().quarantine_reason) == (ChunkState.QUARANTINED, "media_suspect")
