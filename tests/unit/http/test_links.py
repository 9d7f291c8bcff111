"""Links for downloads over the console: off by default, short, of one file, noted before they are handed out."""

from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import azure.functions as func
import pytest

from dev.in_memory.builders import RECORDING_ID, event, metadata, task, wav
from dev.in_memory.fakes.links import FakeLinks
from dev.in_memory.world import World, world
from recording.domain.state.records import changed
from recording.errors import StorageBusyError
from recording.settings import read_settings
from tests.unit.http.test_console import OWN_PAGE, ask, content, outcome, principal
from tests.unit.settings.test_settings import GOOD

LISTENER = OWN_PAGE | principal("Recording.Listen") | {"X-MS-CLIENT-PRINCIPAL-ID": "ann"}
PATH = f"recordings/{RECORDING_ID}/chunks/0/link"


def archived(**changes: Any) -> World:
    """One recording is archived; links open for ten minutes."""
    here = world(platform_auth=True, **{"download_links_for": timedelta(minutes=10), **changes})
    if here.settings.download_links_for is not None:
        here.fakes = replace(here.fakes, links=FakeLinks(here.fakes.clock, here.fakes.archive))
    here.holds(task(), media=wav(2000, 3), document=metadata(task()))
    here.announces(event())
    here.runs_due()
    here.follows_up()
    return here


def link(here: World, who: dict[str, str] = LISTENER, path: str = PATH, **params: str) -> func.HttpResponse:
    return ask(here, path, who, "POST", b"{}", **params)


def noted(here: World) -> list[tuple[str | None, str, str | None]]:
    return [(row.caller, row.outcome, row.part) for row in here.fakes.audit.written if row.operation == "download_link"]


def test_a_link_opens_the_archived_bytes_for_minutes_and_the_trail_has_who_was_given_it() -> None:
    """The whole of the promise."""
    here = archived()
    made = link(here)
    assert (made.status_code, made.headers["Cache-Control"]) == (201, "private, no-store")
    found = content(made)
    assert here.fakes.links is not None
    assert here.fakes.links.open(found["url"]) == wav(2000, 3)
    assert datetime.fromisoformat(found["expiresAt"]) - here.now <= timedelta(minutes=10)
    assert found["fileName"].startswith("2026-11-23 08-56")
    ((who, how, part),) = noted(here)
    assert (who, how) == ("ann", "done")
    assert (part or "").startswith("chunk 0, all of it, by a link until ")
    here.fakes.clock.advance(seconds=601)
    assert here.fakes.links.open(found["url"]) is None


@pytest.mark.parametrize("hours", [25, -25])
def test_a_link_is_valid_for_minutes_whatever_the_own_clock_says(hours: int) -> None:
    """An instance a day ahead handed out links for a day; one that is behind, links that had expired."""
    here = archived()
    here.skew = timedelta(hours=hours)
    found = content(link(here))
    assert datetime.fromisoformat(found["expiresAt"]) == here.now.replace(microsecond=0) + timedelta(minutes=10)


def test_without_the_setting_there_are_no_links() -> None:
    """Off by default; the page does not show the button either."""
    here = archived(download_links_for=None)
    assert outcome(link(here)) == (403, "download_links_off")
    assert noted(here) == []
    assert not content(ask(here, "me", LISTENER))["may"]["link"]
    assert content(ask(archived(), "me", LISTENER))["may"]["link"]
    assert not content(ask(archived(), "me", OWN_PAGE | principal("Recording.Read")))["may"]["link"]


def test_an_account_that_signs_nothing_is_told_and_noted() -> None:
    """The operator must act; the caller can download through the app."""
    here = archived()
    assert here.fakes.links is not None
    here.fakes.links.allows = False
    assert outcome(link(here)) == (409, "download_link_refused")
    assert [how for _, how, _ in noted(here)] == ["download_link_refused"]


def test_without_a_row_in_the_trail_no_link_leaves() -> None:
    """Who was given it must be known."""
    here = archived()
    here.fakes.audit.fail_next("add", StorageBusyError("busy"))
    made = link(here)
    assert made.status_code == 503
    assert b"sig=" not in made.get_body()


def test_what_cannot_be_read_gets_no_link() -> None:
    """Another chunk, one speaker of several, the archive tier, media that was disposed of."""
    here = archived()
    assert outcome(link(here, path=PATH.replace("/0/", "/7/"))) == (404, "chunk_not_found")
    assert outcome(link(here, channel="1")) == (404, "no_such_channel")
    (chunk,) = here.fakes.catalog.chunks_of(RECORDING_ID)
    here.fakes.archive.tiers[chunk.blob_name or ""] = "Archive"
    assert outcome(link(here)) == (409, "media_offline")
    here.fakes.archive.tiers.clear()
    here.fakes.catalog.save_chunk(changed(chunk, disposed_at=here.now))
    assert outcome(link(here)) == (410, "media_disposed")
    assert noted(here) == []


def test_a_link_is_not_handed_to_other_sites_and_other_roles() -> None:
    """The same door as everything of the console."""
    here = archived()
    for who in (LISTENER | {"Sec-Fetch-Site": "cross-site"}, principal("Recording.Listen")):
        assert outcome(link(here, who)) == (403, "cross_site_request")
    for role in ("Recording.Read", "Recording.Export", "Recording.Control"):
        assert outcome(link(here, OWN_PAGE | principal(role))) == (403, "role_missing")


@pytest.mark.parametrize(("text", "minutes"), [("", None), ("1", 1), ("30", 30)])
def test_the_setting_is_a_few_minutes(text: str, minutes: int | None) -> None:
    """Or nothing."""
    found = read_settings({**GOOD, "DOWNLOAD_LINK_MINUTES": text}).download_links_for
    assert found == (None if minutes is None else timedelta(minutes=minutes))


@pytest.mark.parametrize("text", ["0", "31", "-5", "true", "1e9", "nan"])
def test_longer_links_are_not_made(text: str) -> None:
    """A link of a day would be a copy that nobody watches; the setting is set aside, and there are none."""
    found = read_settings({**GOOD, "DOWNLOAD_LINK_MINUTES": text})
    assert found.download_links_for is None
    assert [one.name for one in found.set_aside] == ["DOWNLOAD_LINK_MINUTES"]
