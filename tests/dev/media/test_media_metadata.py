"""The metadata document has every oddity of the live one, and the documented form on request."""

import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import pytest

from dev.media import ChunkFacts, MediaSpec, Pause, metadata_document

START = datetime(2026, 3, 4, 5, 6, 7, 123456, tzinfo=UTC)
VIDEO = MediaSpec("audioVideo", "mixed", "mp4", 7000, ("Ada", "Alan"))
UNMIXED = MediaSpec("audio", "unmixed", "wav", 7000, ("Ada", "Alan"))
CHUNK = ChunkFacts("resource", "call", "0-eus-d1-" + "a" * 32, 3, START, ("8:acs:r_1", "8:acs:r_2"))


def test_live_documents_swap_content_and_channel_type() -> None:
    """Seen in every recorded live document: classify by value, not by key."""
    info = _parsed(metadata_document(VIDEO, CHUNK))["recordingInfo"]
    assert (info["contentType"], info["channelType"], info["format"]) == ("mixed", "audioVideo", "mp4")
    assert info["videoConfiguration"] == {
        "longerSideLength": 1920,
        "shorterSideLength": 1080,
        "framerate": 16,
        "bitRate": 1_000_000,
    }


def test_the_documented_form_is_to_be_had_too() -> None:
    """A reader that only knows the live form breaks on the day the service is mended."""
    info = _parsed(metadata_document(VIDEO, CHUNK, swapped=False))["recordingInfo"]
    assert (info["contentType"], info["channelType"]) == ("audioVideo", "mixed")
    assert info["videoConfiguration"]["frameRate"] == 16
    assert "framerate" not in info["videoConfiguration"]


def test_the_chunk_covers_its_pauses_and_lists_them() -> None:
    """The file plays for chunkDuration minus the pauses: the rule by which durations are verified."""
    pauses = (Pause(START + timedelta(seconds=1), 2000), Pause(START + timedelta(seconds=5), 500))
    document = _parsed(metadata_document(VIDEO, replace(CHUNK, pauses=pauses)))
    assert document["chunkDuration"] == 9500
    assert document["pauseResumeIntervals"][1] == {"startTime": "2026-03-04T05:06:12.1234566Z", "duration": 500}
    assert document["chunkDuration"] - sum(p["duration"] for p in document["pauseResumeIntervals"]) == VIDEO.duration_ms


def test_times_have_seven_digits_and_are_utc() -> None:
    """Python's own parser takes six; a reader has to trim."""
    in_berlin = replace(CHUNK, started_at=START.astimezone(timezone(timedelta(hours=1))))
    assert _parsed(metadata_document(VIDEO, in_berlin))["chunkStartTime"] == "2026-03-04T05:06:07.1234566Z"


def test_only_unmixed_media_says_who_is_on_which_channel() -> None:
    """That mapping exists nowhere else; losing the document makes the audio unattributable."""
    assert _parsed(metadata_document(VIDEO, CHUNK))["participants"][0] == {"participantId": "8:acs:r_1"}
    unmixed = _parsed(metadata_document(UNMIXED, CHUNK))
    assert unmixed["participants"][1] == {"participantId": "8:acs:r_2", "channel": 1}
    assert unmixed["recordingInfo"]["audioConfiguration"] == {"sampleRate": 16000, "bitRate": 512_000, "channels": 2}
    assert "videoConfiguration" not in unmixed["recordingInfo"]


def test_unmixed_media_needs_an_id_for_each_channel() -> None:
    """A document that attributes four of five channels would be a fault nobody scripted."""
    with pytest.raises(ValueError, match="participant ids"):
        metadata_document(UNMIXED, replace(CHUNK, participant_ids=("8:acs:r_1",)))


def test_both_layouts_hold_the_same_document() -> None:
    """Live documents were seen indented with CRLF, and compact; the archive keeps the bytes as they are."""
    indented, compact = metadata_document(VIDEO, CHUNK), metadata_document(VIDEO, CHUNK, style="compact")
    assert indented.count(b"\r\n") == indented.count(b"\n") > 20
    assert b"\n" not in compact
    assert b": " not in compact
    assert _parsed(indented) == _parsed(compact)


def test_numbers_may_come_as_text_and_as_fractions() -> None:
    """Both were seen live."""
    raw = metadata_document(VIDEO, CHUNK, style="compact", sample_rate_as_text=True, duration_as_float=True)
    assert b'"sampleRate":"16000"' in raw
    assert b'"chunkDuration":7000.0,' in raw


def _parsed(document: bytes) -> dict[str, Any]:
    parsed: dict[str, Any] = json.loads(document)
    return parsed
