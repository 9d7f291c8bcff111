"""What proves where a file ends, so that its source may be deleted without asking for the length again."""

from typing import Any

import pytest

from dev.in_memory.builders import chunk, event, mp3, record, task
from dev.in_memory.world import world
from recording.archive.delete_source import is_length_proved
from recording.domain.archived.integrity import PROOF_EVENT, PROOF_METADATA
from recording.domain.formats import FormatType
from recording.domain.incoming.facts import ChunkFacts, KnownPause
from recording.domain.media import mp3 as mp3_file
from recording.domain.media import mp4 as mp4_file
from recording.domain.media import wav as wav_file
from recording.domain.state.chunk import ChunkState

PLAYED_MS = 100_000.0
BY_METADATA: dict[str, Any] = {"verified_how": (PROOF_METADATA,)}
BY_EVENT: dict[str, Any] = {"verified_how": (PROOF_EVENT,)}


def told(length_ms: float | None, *pauses: float | None) -> ChunkFacts:
    """Return the facts of metadata with this duration, and pauses of these lengths."""
    return ChunkFacts(duration_ms=length_ms, pauses=tuple(KnownPause(duration_ms=pause) for pause in pauses))


def by_event(length_ms: float | None) -> dict[str, Any]:
    """Return what a record has whose length was compared with its event's."""
    return {**BY_EVENT, "task": task(recording_duration_ms=length_ms)}


def is_proved(container: str = "mp3", **changes: Any) -> bool:
    """Return the verdict on a cataloged chunk that plays 100 s."""
    facts = {"container": container, "duration_ms": PLAYED_MS, "task": task(recording_duration_ms=None), **changes}
    return is_length_proved(record(ChunkState.CATALOGED, **facts))


@pytest.mark.parametrize("container", ["RIFF", "RF64", "BW64", "mp4"])
def test_a_header_or_an_index_states_the_end(container: str) -> None:
    """A part of such a file does not pass for the whole."""
    assert is_proved(container)


@pytest.mark.parametrize("container", ["mp3", "mp4-fragments", None])
def test_other_files_do_not_state_their_end(container: str) -> None:
    """Their first part opens and plays like a whole one."""
    assert not is_proved(container)


def test_a_wav_whose_size_was_never_filled_in_states_no_end() -> None:
    """Its sound ends where the file does, wherever that is."""
    assert not is_proved("RIFF", remarks=(wav_file.REMARK_SOUND_SIZE,))
    assert is_proved("RIFF", remarks=(wav_file.REMARK_BYTE_RATE,))


def test_an_index_that_is_too_large_to_be_checked_states_no_end() -> None:
    """Nobody compared what it says with what is there."""
    assert not is_proved("mp4", remarks=(mp4_file.REMARK_TOO_LARGE,))
    assert is_proved("mp4", remarks=(mp4_file.REMARK_TRACKS_DIFFER,))


@pytest.mark.parametrize(
    ("container", "remark"),
    [
        ("RIFF", wav_file.REMARK_BYTES_AFTER),
        ("RIFF", wav_file.REMARK_RIFF_SIZE),
        ("mp4", mp4_file.REMARK_BYTES_AFTER),
        ("mp4", mp4_file.REMARK_CUT_TAIL),
        ("mp3", mp3_file.REMARK_AFTER),
        ("mp3", mp3_file.REMARK_MORE_FRAMES),
    ],
)
def test_bytes_behind_the_stated_end_prove_nothing(container: str, remark: str) -> None:
    """They may be another file's, which one answer had."""
    assert not is_proved(container, remarks=(remark,), **BY_METADATA, facts=told(PLAYED_MS))


@pytest.mark.parametrize(
    ("facts", "is_it"),
    [
        (told(PLAYED_MS), True),
        (told(PLAYED_MS + 15), True),
        (told(PLAYED_MS + 25), False),
        (told(PLAYED_MS + 1000), False),
        (told(PLAYED_MS / 1000), True),
        (told(PLAYED_MS + 3000, 1000.0, 2000.0), True),
        (told(PLAYED_MS + 3030, 1000.0, 2000.0), False),
        (told(PLAYED_MS + 3000, 1000.0, None), False),
        (told(PLAYED_MS, None), False),
        (told(None), False),
        (told(0.0), False),
        (None, False),
    ],
)
def test_the_metadata_tells_the_end_where_each_pause_has_a_length(facts: ChunkFacts | None, is_it: bool) -> None:
    """What plays shorter than that may still grow; an encoder adds at most a frame."""
    assert is_proved(**BY_METADATA, facts=facts) is is_it
    assert not is_proved(facts=facts), "what was not compared proves nothing"
    assert not is_proved(**BY_METADATA, facts=facts, duration_ms=None), "a file without a length plays to no end"


@pytest.mark.parametrize(
    ("length_ms", "is_it"), [(PLAYED_MS, True), (PLAYED_MS + 15, True), (PLAYED_MS + 25, False), (None, False)]
)
def test_the_event_tells_the_end_where_it_was_compared(length_ms: float | None, is_it: bool) -> None:
    """A recording of one chunk has the chunk's length."""
    assert is_proved(**by_event(length_ms)) is is_it
    assert not is_proved(**{**by_event(length_ms), "verified_how": ()})


def test_metadata_without_a_length_leaves_the_word_to_the_event() -> None:
    """0 is what an unset number looks like."""
    both = {**by_event(PLAYED_MS), "verified_how": (PROOF_METADATA, PROOF_EVENT)}
    assert [is_proved(**both, facts=told(length)) for length in (0.0, None)] == [True, True]


def test_the_question_for_the_length_asks_for_the_first_byte_alone() -> None:
    """A file of gigabytes is not fetched a second time."""
    here = world()
    made = here.holds(task(metadata_location=None, format=FormatType.MP3), mp3(300))
    here.announces(
        event(chunk(metadataLocation=None), data={"recordingFormatType": "Mp3", "recordingDurationMs": None})
    )
    here.runs_due()
    asked: list[tuple[int, int | None]] = []
    plain = here.source.open

    def noted(location: str, first: int = 0, length: int | None = None) -> Any:
        asked.append((first, length))
        return plain(location, first, length)

    here.source.open = noted  # type: ignore[method-assign]
    here.runs(hours=1)
    assert here.state(made) is ChunkState.SOURCE_DELETED
    assert asked == [(0, 1)]
