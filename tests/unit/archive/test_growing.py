"""A file that still grows while it is copied: its first part opens and plays like a whole one."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest

from dev.in_memory.builders import chunk, document_id, event, metadata, mp3, mp4, task, wav
from dev.in_memory.world import World, world
from recording.domain.formats import FormatType
from recording.domain.state.chunk import ChunkRecord, ChunkState, ChunkTask, SourceOutcome
from recording.errors import SourceBusyError
from recording.operate.attention import needs_attention

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


LACKS_MS = [36, 144, 500, 1000, 1900]  # of the sound's end; a length that is told may be rounded by two seconds
TOLD_MS = FRAMES * 36


def lacks_its_end(here: World, made: ChunkTask, lacks_ms: int, minutes: float) -> None:
    """Let ACS serve all but the end of the file, well formed and without a change, for so many minutes."""
    place, begun, plain = made.content_location, here.now, here.source.open

    def served(location: str, first: int = 0, length: int | None = None) -> Any:
        if location == place:
            is_whole = here.now - begun >= timedelta(minutes=minutes)
            here.source.objects[place] = WHOLE if is_whole else mp3(FRAMES - lacks_ms // 36)
        return plain(location, first, length)

    here.source.open = served  # type: ignore[method-assign]


@pytest.mark.parametrize("lacks_ms", LACKS_MS)
@pytest.mark.parametrize("minutes", [0.5, 5, 9])
@pytest.mark.parametrize("pauses", [[], [{"startTime": "2026-11-23T08:56:02Z", "duration": 5000}]])
def test_the_last_second_is_no_matter_of_rounding(lacks_ms: int, minutes: float, pauses: list[object]) -> None:
    """A file that says nothing of its own end, with metadata of the whole: the source goes with the whole only."""
    here = world()
    made = task(format=FormatType.MP3, recording_duration_ms=None)
    paused_ms = 5000 * len(pauses)
    here.holds(made, WHOLE, metadata(made, chunkDuration=TOLD_MS + paused_ms, pauseResumeIntervals=pauses))
    lacks_its_end(here, made, lacks_ms, minutes)
    here.announces(event(data={"recordingDurationMs": None}))
    here.runs(hours=6)
    assert here.state() is ChunkState.SOURCE_DELETED
    assert here.fakes.archive.blobs[here.record().blob_name or ""].data == WHOLE


@pytest.mark.parametrize("lacks_ms", LACKS_MS)
def test_nor_is_it_where_only_the_event_gives_the_length(lacks_ms: int) -> None:
    """The event's length is that of the one file, and is rounded as well."""
    here = world()
    made = here.holds(task(metadata_location=None, format=FormatType.MP3), WHOLE)
    lacks_its_end(here, made, lacks_ms, 5)
    here.announces(told(recordingDurationMs=TOLD_MS))
    here.runs(hours=6)
    assert here.fakes.archive.blobs[here.record(made).blob_name or ""].data == WHOLE


@pytest.mark.parametrize("told_ms", [TOLD_MS, TOLD_MS - 105, TOLD_MS + 15, TOLD_MS / 1000])
def test_a_file_that_plays_to_its_end_is_settled_in_one_turn(told_ms: float) -> None:
    """An encoder adds up to three frames, and a length may be given in seconds."""
    here = world()
    made = task(format=FormatType.MP3, recording_duration_ms=None)
    here.holds(made, WHOLE, metadata(made, chunkDuration=told_ms))
    here.announces(event(data={"recordingDurationMs": None}))
    here.runs_due()
    assert (here.state(), here.source.calls.count("open_content")) == (ChunkState.SOURCE_DELETED, 1)


@pytest.mark.parametrize(("media", "kind"), [(wav(), FormatType.WAV), (mp4(), FormatType.MP4)])
def test_a_file_that_states_its_own_end_is_settled_in_one_turn(media: bytes, kind: FormatType) -> None:
    """Neither event nor metadata give a length; the header or the index does, so a part would not pass."""
    here = world()
    made = here.holds(task(metadata_location=None, recording_duration_ms=None, format=kind), media)
    here.works(made)
    assert here.record(made).state is ChunkState.SOURCE_DELETED


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


def test_an_answer_without_a_length_says_nothing_of_growth() -> None:
    """Neither that the file has grown nor that it has not."""
    here = world()
    made = here.holds(task(metadata_location=None, format=FormatType.MP3), mp3(FRAMES // 2))
    here.announces(told(recordingDurationMs=None))
    here.runs_due()
    here.source.objects[made.content_location] = WHOLE
    here.truth[made.document_id] = WHOLE, None
    here.source.declared[made.content_location] = None
    here.runs(hours=1, until_quiet=False)
    assert (here.state(made), here.source.deleted) == (ChunkState.CATALOGED, [])
    here.source.declared.clear()
    here.runs(hours=3)
    assert here.state(made) is ChunkState.SOURCE_DELETED
    assert here.fakes.archive.blobs[here.record(made).blob_name or ""].data == WHOLE


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


@pytest.mark.parametrize("behind", [b"\0" * 4, b"\0" * 4096, b"junk" * 300], ids=["a word", "zeros", "text"])
@pytest.mark.parametrize(
    ("made", "whole"),
    [(task(), wav()), (task(format=FormatType.MP4), mp4()), (task(format=FormatType.MP3), WHOLE)],
    ids=["wav", "mp4", "mp3"],
)
def test_bytes_that_one_answer_had_behind_the_file_are_not_taken_for_the_file(
    made: ChunkTask, whole: bytes, behind: bytes
) -> None:
    """Media plays with other bytes behind it, so they are a remark; but ACS is asked once more what its file is."""
    here = world()
    made = here.holds(made.model_copy(update={"metadata_location": None, "recording_duration_ms": None}), whole)
    place, plain, answers = made.content_location, here.source.open, 0

    def served(location: str, first: int = 0, length: int | None = None) -> Any:
        nonlocal answers
        if location == place:
            answers += 1
            here.source.objects[place] = whole + behind if answers == 1 else whole
        return plain(location, first, length)

    here.source.open = served  # type: ignore[method-assign]
    here.announces(
        event(chunk(metadataLocation=None), data={"recordingDurationMs": None, "recordingFormatType": made.format})
    )
    here.runs(hours=6)
    assert here.state() is ChunkState.SOURCE_DELETED
    assert here.fakes.archive.blobs[here.record().blob_name or ""].data == whole


def test_a_file_that_grows_all_day_is_copied_a_few_times() -> None:
    """It was copied every twenty minutes, and each copy stayed."""
    here = world()
    made = here.holds(task(metadata_location=None, format=FormatType.MP3), WHOLE)
    grows(here, made, 23 * 60)
    here.announces(told(recordingDurationMs=None))
    here.runs(hours=30, until_quiet=False)
    assert len(here.media_blobs()) <= 12
    found = here.record(made)
    assert found.state is ChunkState.SOURCE_DELETED
    assert here.fakes.archive.blobs[found.blob_name or ""].data == WHOLE


def test_a_length_that_is_told_wrongly_at_each_look_is_settled_by_the_same_bytes() -> None:
    """A proxy counts one byte more where one byte is asked for; the file is whole and steady."""
    here = world()
    made = here.holds(task(metadata_location=None, format=FormatType.MP3), WHOLE)
    plain = here.source.open

    def served(location: str, first: int = 0, length: int | None = None) -> Any:
        content = plain(location, first, length)
        if length == 1:
            content.declared_total = len(WHOLE) + 1
        return content

    here.source.open = served  # type: ignore[method-assign]
    here.announces(told(recordingDurationMs=None))
    here.runs(hours=12)
    found = here.record(made)
    assert (found.state, found.source) == (ChunkState.CATALOGED, SourceOutcome.LEFT_TO_EXPIRE)
    assert list(here.media_blobs().values()) == [WHOLE, WHOLE]
    assert needs_attention(here.ports, here.settings).items == ()
