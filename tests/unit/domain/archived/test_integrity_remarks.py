"""Remarks about media: what a receipt says is odd about a file, and how it differs from what was said of it."""

from typing import Any

import pytest

from dev.in_memory.builders import task
from recording.domain.archived.integrity import (
    REMARK_NO_LENGTH,
    REMARK_PROMISE,
    REMARK_SHORTER,
    media_remarks,
)
from recording.domain.formats import MORE_TO_COME, ChannelType, Combination, ContentType, FormatType
from recording.domain.incoming.metadata import ChunkMetadata
from recording.domain.media import MediaFacts

TEN_SECONDS = 10_000.0
PLAYS = MediaFacts(FormatType.WAV, TEN_SECONDS, channels=1, sample_rate=16_000, has_video=False)
NOTHING_COMPARED = "neither metadata nor event gives a length: none was compared"


def remarks(
    metadata: ChunkMetadata | None = None, requested: Combination | None = None, **facts: Any
) -> tuple[str, ...]:
    """The remarks about a file of ten seconds of which the event says the same, with these facts of the event."""
    made = task(**{"recording_duration_ms": TEN_SECONDS, "format": None, **facts})
    return media_remarks(PLAYS, metadata, made, requested)


def of_file(metadata: ChunkMetadata | None = None, **facts: Any) -> tuple[str, ...]:
    """The remarks about a file with these facts, of which nothing is known but its metadata."""
    fields = {"format": FormatType.WAV, "duration_ms": TEN_SECONDS, **facts}
    return media_remarks(MediaFacts(**fields), metadata, task(recording_duration_ms=TEN_SECONDS, format=None))


def test_a_file_that_is_as_everybody_says_has_no_remark() -> None:
    """A remark on everything would be read by nobody."""
    asked = Combination(ContentType.AUDIO, ChannelType.MIXED, FormatType.WAV)
    as_told = ChunkMetadata(
        duration_ms=TEN_SECONDS,
        content=ContentType.AUDIO,
        channel=ChannelType.MIXED,
        format=FormatType.WAV,
        channel_count=1,
        sample_rate=16_000,
        participant_count=3,
    )
    kind = {"content": ContentType.AUDIO, "channel": ChannelType.MIXED, "format": FormatType.WAV}
    assert remarks(as_told, asked, **kind) == ()
    assert remarks(ChunkMetadata()) == remarks(None) == ()


def test_remarks_of_the_file_itself_are_first_and_none_is_there_twice() -> None:
    """Event and metadata may say the same wrong thing, and the file may be odd in several places."""
    odd = MediaFacts(FormatType.MP3, TEN_SECONDS, remarks=("odd", "odd", "odder"))
    said = ChunkMetadata(format=FormatType.WAV)
    wrong = task(recording_duration_ms=TEN_SECONDS, format=FormatType.MP4)
    assert media_remarks(odd, said, wrong) == (
        "odd",
        "odder",
        "the event says mp4, the bytes are mp3",
        "the metadata says wav, the bytes are mp3",
    )


# --- the length


def test_a_file_without_a_length_says_that_none_was_compared_unless_its_fault_says_why() -> None:
    """A file that does not open has no length either, and says so itself."""
    assert of_file(duration_ms=None) == (REMARK_NO_LENGTH,)
    assert of_file(duration_ms=None, fault="does not open") == ()


def test_a_header_that_the_metadata_contradicts_is_remarked() -> None:
    """Its size was never filled in; without metadata nothing shows it."""
    said = ChunkMetadata(duration_ms=TEN_SECONDS)
    assert of_file(said, promised_ms=99_000.0) == (REMARK_PROMISE,)
    assert of_file(promised_ms=99_000.0) == of_file(said, promised_ms=TEN_SECONDS) == ()
    assert of_file(ChunkMetadata(), promised_ms=99_000.0) == ()
    longer = ChunkMetadata(duration_ms=99_000)
    assert of_file(longer, promised_ms=99_000.0) == ()


@pytest.mark.parametrize("event_ms", [None, 0])
def test_a_length_that_nothing_gives_is_not_called_compared(event_ms: float | None) -> None:
    """A receipt must not let a reader believe in a comparison that was not made."""
    assert remarks(recording_duration_ms=event_ms) == (NOTHING_COMPARED,)
    assert remarks(ChunkMetadata(), recording_duration_ms=event_ms) == (NOTHING_COMPARED,)
    assert remarks(ChunkMetadata(duration_ms=TEN_SECONDS), recording_duration_ms=event_ms) == ()


@pytest.mark.parametrize(
    ("facts", "is_remarked"),
    [
        ({}, True),
        ({"index": 1}, False),
        ({"index": 2}, False),
        ({"chunks_in_event": 2}, False),
        ({"end_reason": MORE_TO_COME}, False),
        ({"recording_duration_ms": 12_010.0}, False),
        ({"recording_duration_ms": 12.0}, False),
    ],
)
def test_the_only_chunk_of_a_recording_should_play_as_long_as_the_event_says(
    facts: dict[str, Any], *, is_remarked: bool
) -> None:
    """Paused or cut, nobody knows; the length that the event gives is of all chunks together."""
    found = remarks(**{"recording_duration_ms": 60_000.0, **facts})
    assert found == ((REMARK_SHORTER,) if is_remarked else ())


# --- the sound


def test_channels_and_rate_are_compared_with_the_metadata() -> None:
    """Only where both are known."""
    said = ChunkMetadata(duration_ms=TEN_SECONDS, channel_count=2, sample_rate=16_000)
    assert of_file(said, channels=2, sample_rate=16_000) == of_file(said) == ()
    assert of_file(said, channels=1) == ("the metadata says 2 channels, the file has 1",)
    assert of_file(said, sample_rate=8_000) == ("the metadata says 16000 Hz, the file has 8000 Hz",)


@pytest.mark.parametrize(
    ("participants", "channels", "is_remarked"),
    [(2, 2, False), (2, 3, False), (2, 1, True), (5, 5, False), (5, 4, True), (9, 5, False), (9, 4, True)],
)
def test_unmixed_sound_has_a_channel_for_each_participant_up_to_five(
    participants: int, channels: int, *, is_remarked: bool
) -> None:
    """More than five share the channels; a voice without a channel is missing in the file."""
    said = ChunkMetadata(duration_ms=TEN_SECONDS, channel=ChannelType.UNMIXED, participant_count=participants)
    remark = f"{participants} participants, but the file has channels for {channels}"
    assert of_file(said, channels=channels) == ((remark,) if is_remarked else ())
    assert of_file(said, channels=None) == ()
    assert of_file(said.model_copy(update={"channel": None}), channels=1) == ()


# --- the kind


@pytest.mark.parametrize(("channels", "is_remarked"), [(None, False), (1, False), (2, False), (3, True)])
def test_mixed_sound_is_mono_or_stereo(channels: int | None, *, is_remarked: bool) -> None:
    """More channels are one per participant, whatever was said."""
    said = ChunkMetadata(duration_ms=TEN_SECONDS, channel=ChannelType.MIXED)
    remark = f"the metadata says mixed, the file has {channels} channels"
    assert of_file(said, channels=channels) == ((remark,) if is_remarked else ())


@pytest.mark.parametrize(
    ("content", "has_video", "remark"),
    [
        (ContentType.AUDIO, True, "the metadata says audio, the file has a picture"),
        (ContentType.AUDIO_VIDEO, False, "the metadata says audioVideo, the file has no picture"),
        (ContentType.AUDIO, False, None),
        (ContentType.AUDIO_VIDEO, True, None),
        (ContentType.AUDIO_VIDEO, None, None),
        (ContentType.AUDIO, None, None),
        (None, True, None),
        (None, False, None),
    ],
)
def test_a_picture_is_compared_with_what_was_to_be_recorded(
    content: ContentType | None, has_video: bool | None, remark: str | None
) -> None:
    """Only where both are known."""
    said = ChunkMetadata(duration_ms=TEN_SECONDS, content=content)
    assert of_file(said, has_video=has_video) == ((remark,) if remark else ())


def test_request_event_and_metadata_are_compared_each_under_its_name() -> None:
    """An operator must see which of them was wrong."""
    asked = Combination(ContentType.AUDIO_VIDEO, ChannelType.MIXED, FormatType.MP4)
    assert remarks(requested=asked) == (
        "the request says mp4, the bytes are wav",
        "the request says audioVideo, the file has no picture",
    )
    assert remarks(format=FormatType.MP3) == ("the event says mp3, the bytes are wav",)
    said = ChunkMetadata(duration_ms=TEN_SECONDS, format=FormatType.MP3)
    assert remarks(said) == ("the metadata says mp3, the bytes are wav",)
    assert of_file(said, format=None) == ()
