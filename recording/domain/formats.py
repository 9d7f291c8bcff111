"""Formats: the table of legal combinations of content, channel and format."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from functools import cache
from typing import Self

from recording.errors import RequestError
from recording.errors.codes import Code

MORE_TO_COME = "ChunkMaximumSizeExceeded"  # the end reason of every chunk but the last
MOST_UNMIXED_CHANNELS = 5  # call recording overview: unmixed audio has one participant per channel, up to five


class _CaseBlind(StrEnum):
    @classmethod
    def read(cls, value: object) -> Self | None:
        """Return the member for a service's value in any case (REST camelCase, events PascalCase), or None."""
        found = _by_lower_case(cls).get(value.lower()) if isinstance(value, str) else None
        return found if isinstance(found, cls) else None


@cache
def _by_lower_case(kind: type[_CaseBlind]) -> dict[str, _CaseBlind]:
    return {member.value.lower(): member for member in kind}


class ContentType(_CaseBlind):
    """What is recorded."""

    AUDIO = "audio"
    AUDIO_VIDEO = "audioVideo"


class ChannelType(_CaseBlind):
    """All participants in one channel, or one participant per channel."""

    MIXED = "mixed"
    UNMIXED = "unmixed"


class FormatType(_CaseBlind):
    """The container of the file; also its extension."""

    WAV = "wav"
    MP3 = "mp3"
    MP4 = "mp4"

    @property
    def media_type(self) -> str:
        """Return the MIME type that players expect."""
        return {"wav": "audio/wav", "mp3": "audio/mpeg", "mp4": "video/mp4"}[self.value]


@dataclass(frozen=True)
class Combination:
    """One way to record that ACS supports."""

    content: ContentType
    channel: ChannelType
    format: FormatType

    def __str__(self) -> str:
        return f"{self.content} {self.channel} {self.format}"


# Overview, "Call Recording that supports your business needs". The first one is ACS's default.
LEGAL_COMBINATIONS = (
    Combination(ContentType.AUDIO_VIDEO, ChannelType.MIXED, FormatType.MP4),
    Combination(ContentType.AUDIO, ChannelType.MIXED, FormatType.MP3),
    Combination(ContentType.AUDIO, ChannelType.MIXED, FormatType.WAV),
    Combination(ContentType.AUDIO, ChannelType.UNMIXED, FormatType.WAV),
)


def requested_combination(noted: Mapping[str, object]) -> Combination | None:
    """Return the combination that a stored start request asked for; None where the request is incomplete."""
    content, channel = ContentType.read(noted.get("content")), ChannelType.read(noted.get("channel"))
    format_type = FormatType.read(noted.get("format"))
    return Combination(content, channel, format_type) if content and channel and format_type else None


def chosen_combination(
    content: ContentType | None, channel: ChannelType | None, format_type: FormatType | None
) -> Combination:
    """Return the first legal combination that matches the request.

    Raises:
        RequestError: `illegal_combination`, listing the legal ones, when none matches.
    """
    for legal in LEGAL_COMBINATIONS:
        if (
            content in (None, legal.content)
            and channel in (None, legal.channel)
            and format_type in (None, legal.format)
        ):
            return legal
    asked = " ".join(str(part) for part in (content, channel, format_type) if part)
    legal_ones = "; ".join(str(legal) for legal in LEGAL_COMBINATIONS)
    raise RequestError(
        f"ACS cannot record {asked}. Allowed are: {legal_ones} (up to {MOST_UNMIXED_CHANNELS} channels).",
        code=Code.ILLEGAL_COMBINATION,
    )
