"""What `make up` tells while it runs."""

from typing import Any

from dev.watching import Told, is_over, news

RECORDING = {
    "recordingId": "0123456789abcdef",
    "content": "audio",
    "channel": "mixed",
    "format": "wav",
    "endedAt": None,
    "endReason": None,
}
ID = "0123456789abcdef"


def chunk(**changes: Any) -> dict[str, Any]:
    return {"index": 0, "state": "PENDING", "lastError": None, "blobName": None, **changes}


def told_by(told: Told, *chunks: dict[str, Any], held: int = 0, **recording: Any) -> list[str]:
    return news(told, [{**RECORDING, **recording}], {ID: {"chunks": list(chunks)}} if chunks else {}, held)


def test_the_story_of_a_recording_is_told_once_from_start_to_proof() -> None:
    """A line an event, in the words of the docs, and none of them twice."""
    told = Told()
    assert told_by(told) == ["recording …abcdef started (audio mixed wav)"]
    assert told_by(told) == []
    ended: dict[str, Any] = {"endedAt": "2026-01-01T00:00:00Z", "endReason": "CallEnded"}
    assert told_by(told, **ended) == ["recording …abcdef ended (CallEnded); its files will be announced"]
    assert told_by(told, chunk(), chunk(index=1), **ended) == ["recording …abcdef announced: 2 chunks"]
    done = chunk(state="SOURCE_DELETED", blobName="2026/a.wav")
    (line,) = told_by(told, done, chunk(index=1), **ended)
    assert "chunk 0 of …abcdef [green]archived and proven[/], source deleted: a.wav" in line
    assert told_by(told, done, chunk(index=1), **ended) == []


def test_trouble_is_told_with_its_code_and_again_when_it_changes() -> None:
    """A chunk that fails must not be silent; one that goes on failing must not fill the screen."""
    told = Told()
    told_by(told, chunk())
    (first,) = told_by(told, chunk(lastError="source_busy"))
    assert "trouble, tried again[/]: source_busy" in first
    assert told_by(told, chunk(lastError="source_busy")) == []
    (second,) = told_by(told, chunk(lastError="media_suspect", state="QUARANTINED"))
    assert "QUARANTINED[/]: media_suspect" in second


def test_what_needs_attention_is_told_when_there_is_more_of_it() -> None:
    """A refused event belongs to no recording, and shows nowhere else on this screen."""
    told = Told()
    told_by(told)
    (line,) = told_by(told, held=1)
    assert "needs attention" in line
    assert told_by(told, held=1) == []


def test_a_recording_that_is_archived_is_asked_for_no_more() -> None:
    """Twice a second, for ever, each a request to ACS."""
    done = {"state": "ended", "complete": True, "chunks": [chunk(state="SOURCE_DELETED")]}
    assert is_over(done)
    assert not is_over({**done, "state": "recording"})
    assert not is_over({**done, "complete": False})
    assert not is_over({**done, "chunks": [chunk(state="CATALOGED")]})
