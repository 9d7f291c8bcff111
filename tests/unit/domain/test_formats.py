"""Which content, channel and format go together."""

import itertools
from collections.abc import Mapping
from pathlib import Path

import pytest

from recording.domain.archived.vcon import MEDIA_TYPES
from recording.domain.formats import (
    LEGAL_COMBINATIONS,
    ChannelType,
    ContentType,
    FormatType,
    chosen_combination,
)
from recording.domain.media.probe import WALKERS
from recording.errors import RequestError


@pytest.mark.parametrize("table", [WALKERS, MEDIA_TYPES], ids=["walkers", "media types of a vCon"])
def test_each_format_is_known_everywhere(table: Mapping[FormatType, object]) -> None:
    """One that was added to the list alone would be read by the walker of another."""
    assert set(table) == set(FormatType)


def test_each_format_can_be_chosen_in_the_console() -> None:
    """The page has its own list."""
    script = (Path(__file__).parents[3] / "recording/console/search.js").read_text()
    assert [f'"{each.value}"' in script for each in FormatType] == [True] * len(FormatType)


# --- formats ---------------------------------------------------------------------------------------------------------

LEGAL = {
    ("audioVideo", "mixed", "mp4"),
    ("audio", "mixed", "mp3"),
    ("audio", "mixed", "wav"),
    ("audio", "unmixed", "wav"),
}


def _only(expected: str, code: str) -> None:
    assert code == expected


def _asked(content: str | None, channel: str | None, format_type: str | None) -> tuple[str, str, str] | None:
    try:
        chosen = chosen_combination(ContentType.read(content), ChannelType.read(channel), FormatType.read(format_type))
    except RequestError as error:
        _only("illegal_combination", error.code)
        return None
    return chosen.content.value, chosen.channel.value, chosen.format.value


@pytest.mark.parametrize(
    "asked",
    list(itertools.product([None, "audio", "audioVideo"], [None, "mixed", "unmixed"], [None, "wav", "mp3", "mp4"])),
)
def test_a_request_gets_a_documented_combination_or_a_refusal(asked: tuple[str | None, str | None, str | None]) -> None:
    """All 36 requests: what ACS does with an undocumented one is not known, so it is never asked for."""
    agreeing = {legal for legal in LEGAL if all(a in (None, b) for a, b in zip(asked, legal, strict=True))}
    chosen = _asked(*asked)
    assert chosen in agreeing if agreeing else chosen is None


def test_what_acs_does_by_itself_is_what_nothing_asks_for() -> None:
    """Without types ACS records mixed audio and video as mp4."""
    assert _asked(None, None, None) == ("audioVideo", "mixed", "mp4")
    assert len(LEGAL_COMBINATIONS) == len(LEGAL)


@pytest.mark.parametrize(("text", "expected"), [("Wav", "wav"), ("WAV", "wav"), ("mP4", "mp4"), ("ogg", None)])
def test_a_format_is_read_whatever_its_case(text: str, expected: str | None) -> None:
    """Three services write it in three ways."""
    assert FormatType.read(text) == expected


@pytest.mark.parametrize("value", [None, 3, b"wav", ["wav"], ""])
def test_what_is_no_text_is_no_format(value: object) -> None:
    """Metadata may hold anything."""
    assert FormatType.read(value) is None


def test_every_format_has_the_media_type_that_players_expect() -> None:
    """A recording that does not play from the archive is half lost."""
    assert {form.value: form.media_type for form in FormatType} == {
        "wav": "audio/wav",
        "mp3": "audio/mpeg",
        "mp4": "video/mp4",
    }
