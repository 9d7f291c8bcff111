"""The metadata document is read in every form it was seen in, and what is unreadable in it costs nothing else."""

import json
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dev.in_memory.builders import document_id, metadata, task
from dev.in_memory.canaries import PARTICIPANT, PHONE
from recording.domain.formats import ChannelType, ContentType, FormatType
from recording.domain.incoming.metadata import ChunkMetadata, Participant, read_metadata
from recording.errors import SourceBrokenError


def _info(**changes: Any) -> dict[str, Any]:
    facts = {"contentType": "mixed", "channelType": "audioVideo", "format": "mp4"}
    return {"recordingInfo": {**facts, **changes}}


def test_a_live_document_is_read() -> None:
    """Keys swapped, lines ending in CRLF."""
    raw = metadata()
    assert b"\r\n" in raw
    assert read_metadata(raw) == ChunkMetadata(
        document_id=document_id(),
        index=0,
        call_id=task().call_id,
        started_at=datetime(2026, 11, 23, 8, 56, 0, 123456, tzinfo=UTC),
        duration_ms=2000.0,
        content=ContentType.AUDIO,
        channel=ChannelType.MIXED,
        format=FormatType.WAV,
        participant_count=1,
        participants=(Participant(raw_id=PARTICIPANT), Participant(raw_id=PHONE)),
        channel_count=1,
        sample_rate=16_000,
        bit_rate=256_000,
    )


@pytest.mark.parametrize("keys", [("contentType", "channelType"), ("channelType", "contentType")])
def test_content_and_channel_are_told_apart_by_value(keys: tuple[str, str]) -> None:
    """Every live document has them swapped, the documentation has not."""
    told = read_metadata(metadata(**_info(**{keys[0]: "unmixed", keys[1]: "Audio"})))
    assert (told.content, told.channel) == (ContentType.AUDIO, ChannelType.UNMIXED)


@pytest.mark.parametrize("duration", [2000, 2000.0, "2000", "2000.0"])
@pytest.mark.parametrize("layout", ["crlf", "compact", "bom", "utf-16", "utf-16-le", "utf-32"])
def test_numbers_and_layouts_vary(duration: Any, layout: str) -> None:
    """Integers, floats and texts were seen live; so were compact documents; a BOM is one editor away."""
    raw = metadata(chunkDuration=duration, chunkIndex="0")
    raw = json.dumps(json.loads(raw)).encode() if layout == "compact" else raw
    raw = raw.decode().encode(layout) if layout.startswith("utf") else raw
    told = read_metadata(b"\xef\xbb\xbf" + raw if layout == "bom" else raw)
    assert (told.duration_ms, told.index) == (2000.0, 0)


@pytest.mark.parametrize("rate", [16000, "16000", None, "fast"])
@pytest.mark.parametrize("key", ["framerate", "frameRate"])
def test_configurations_of_any_form_do_no_harm(rate: Any, key: str) -> None:
    """A sample rate as text and two spellings of the frame rate were seen."""
    audio = {"sampleRate": rate, "bitRate": 128000, "channels": "5"}
    told = read_metadata(metadata(**_info(audioConfiguration=audio, videoConfiguration={key: 8})))
    assert (told.channel_count, told.format) == (5, FormatType.MP4)


def test_pauses_shorten_what_must_play() -> None:
    """The document's duration covers the wall clock; the file has the pauses cut out."""
    pauses = [{"startTime": "2026-11-23T08:56:01Z", "duration": 300}, {"duration": "200"}]
    told = read_metadata(metadata(pauseResumeIntervals=pauses))
    assert (len(told.pauses), told.shortest_media_ms) == (2, 1500.0)


def test_pauses_longer_than_the_chunk_leave_nothing_to_demand() -> None:
    """A minimum below zero would be nonsense in a message."""
    assert read_metadata(metadata(pauseResumeIntervals=[{"duration": 9999}])).shortest_media_ms == 0


@pytest.mark.parametrize(
    "pause", [{"startTime": "x"}, {"duration": 0}, {"duration": None}, {"duration": "00:00:08"}, 7]
)
def test_a_pause_without_a_usable_length_leaves_nothing_to_demand(pause: Any) -> None:
    """A call that ends while it is paused has a pause without an end."""
    told = read_metadata(metadata(pauseResumeIntervals=[{"duration": 300}, pause]))
    assert (len(told.pauses), told.paused_ms, told.shortest_media_ms) == (2, None, 0.0)


@pytest.mark.parametrize("duration", [0, 0.0, "0", -1, None])
def test_a_duration_of_zero_is_unknown(duration: Any) -> None:
    """An unset number looks like that; the event's duration of zero counts as unknown as well."""
    told = read_metadata(metadata(participants=[], chunkDuration=duration))
    assert (told.participant_count, told.duration_ms, told.shortest_media_ms) == (0, None, None)


@pytest.mark.parametrize("raw", [b"", b"{", b"\xff\xfe{}", b"<html>", b"[]", b"null", b"7", b'"x"', b"[" * 100_000])
def test_what_is_no_json_object_is_fetched_again(raw: bytes) -> None:
    """An error page instead of the document heals; accepting it would lose the participants."""
    with pytest.raises(SourceBrokenError) as raised:
        read_metadata(raw)
    assert (raised.value.code, raised.value.retryable) == ("metadata_unreadable", True)


Json = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=6,
)


@given(field=st.sampled_from(sorted(json.loads(metadata()))), value=Json)
def test_one_unreadable_field_leaves_the_others(field: str, value: Any) -> None:
    """The bytes are archived as served; reading them may never fail for a field."""
    told = read_metadata(json.dumps({**json.loads(metadata()), field: value}).encode())
    assert told.format is FormatType.WAV or field == "recordingInfo"
    assert told.document_id == document_id() or field == "chunkDocumentId"


@given(st.dictionaries(st.sampled_from([*json.loads(metadata()), "x"]), Json))
def test_no_object_of_any_content_makes_reading_fail(document: dict[str, Any]) -> None:
    """As above, for all fields at once."""
    assert isinstance(read_metadata(json.dumps(document).encode()), ChunkMetadata)


@pytest.mark.parametrize(
    "entry",
    [
        {"participantId": PHONE},
        {"rawId": PHONE},
        {"phoneNumber": {"value": PHONE}},
        {"identifier": {"rawId": PHONE}},
        {"participantId": {"phoneNumber": {"value": PHONE}}},
        PHONE,
    ],
)
def test_a_participant_is_read_in_every_form(entry: Any) -> None:
    """Metadata writes a raw id; identifier models of the control plane and of events are forms that may follow."""
    told = read_metadata(metadata(participants=[entry]))
    assert [one.raw_id for one in told.participants] == [PHONE]


def test_a_participants_channel_is_its_own_and_odd_entries_are_passed_over() -> None:
    """With unmixed audio the channel exists nowhere else."""
    entries = [{"participantId": PHONE, "channel": "2"}, {"channel": 1}, None, 7, {"participantId": ["x"]}]
    told = read_metadata(metadata(participants=entries))
    assert told.participants == (Participant(raw_id=PHONE, channel=2),)


@pytest.mark.parametrize("channels", [65_536, 900_000_000_000_000, "1e14"])
def test_a_number_of_channels_that_no_file_has_is_unknown(channels: Any) -> None:
    """A vCon lists each of them: one document took all memory of the worker that made it."""
    info = {"contentType": "audio", "channelType": "unmixed", "audioConfiguration": {"channels": channels}}
    assert read_metadata(metadata(task(), recordingInfo=info)).channel_count is None
    info["audioConfiguration"] = {"channels": 65_535}
    assert read_metadata(metadata(task(), recordingInfo=info)).channel_count == 65_535
