"""Durations at their exact limits; test_metadata.py has what is plain."""

from dev.in_memory.builders import task
from recording.domain.archived.integrity import duration_fault
from recording.domain.incoming.metadata import ChunkMetadata

TEN_SECONDS = task(recording_duration_ms=10_000)
SLACK_MS = 2000 + 10  # two seconds, and a thousandth of what is allowed


TOLD = ChunkMetadata(duration_ms=10_000)


def test_the_event_bounds_the_duration_from_above_only() -> None:
    """It tells the whole recording's duration, and nothing of its pauses."""
    assert duration_fault(0.0, None, TEN_SECONDS) is None
    assert duration_fault(10_000.0 + SLACK_MS, None, TEN_SECONDS) is None
    found = duration_fault(10_000.0 + SLACK_MS + 0.1, None, TEN_SECONDS)
    assert found == "plays 12.0 s, but the event says 0.0 to 10.0 s"


def test_metadata_bounds_it_from_both_sides() -> None:
    """Shorter than the chunk is half a call."""
    for plays in (10_000.0 - SLACK_MS, 10_000.0, 10_000.0 + SLACK_MS):
        assert duration_fault(plays, TOLD, task()) is None
    for plays in (10_000.0 - SLACK_MS - 0.1, 10_000.0 + SLACK_MS + 0.1):
        assert "its metadata" in (duration_fault(plays, TOLD, task()) or "")


def test_what_tells_no_duration_is_not_compared() -> None:
    """Half of the documented samples leave something out."""
    assert duration_fault(None, TOLD, TEN_SECONDS) is None
    assert duration_fault(99_000.0, None, task(recording_duration_ms=None)) is None
    silent = ChunkMetadata()
    assert "the event" in (duration_fault(99_000.0, silent, TEN_SECONDS) or "")
