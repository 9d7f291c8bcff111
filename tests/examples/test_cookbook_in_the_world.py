"""The cookbook on the local world: the archive sends, the recipes work, and the other sides get what they need.

Both apps run in hosts of their own, as they would in Azure; that of the recipes is a copy of its folder alone.
"""

import json
import os
import re
import subprocess
import wave
from collections.abc import Iterator
from dataclasses import dataclass
from io import BytesIO
from typing import Any
from urllib.parse import unquote, urlsplit

import pytest
import urllib3
from azure.storage.blob import BlobServiceClient

from dev.azurite import is_installed
from dev.cookbook import Cookbook, Others
from dev.event_grid.outgoing import OutgoingEvents
from dev.policies.repository import DOCS
from dev.world import LocalWorld, WorldOptions
from tests.conftest import missing

PATIENCE_SECONDS = 120.0  # a follow-up waits for the line, and CI has few cores
PAGES = DOCS / "cookbook"


@dataclass
class Here:
    """The archive's world, and what the other sides were asked."""

    world: LocalWorld
    cookbook: Cookbook

    @property
    def others(self) -> Others:
        return self.cookbook.others

    def played(self, name: str) -> str:
        """Pastes the commands that a page prints for the local world, and returns what the shell shows."""
        addresses = {
            "APP": self.world.host_url,
            "SIM": f"{self.world.addresses.admin_url}/_simulator",
            "OTHERS": self.others.url,
            "COOKBOOK": self.cookbook.url,
        }
        done = subprocess.run(
            ["bash", "-c", "\n".join(["set -euo pipefail", *(f"{line}\necho" for line in commands_of(name))])],
            env={"PATH": os.environ["PATH"], "NO_PROXY": "127.0.0.1", **addresses},
            capture_output=True,
            text=True,
            check=False,
            timeout=PATIENCE_SECONDS,
        )
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout


def commands_of(name: str) -> list[str]:
    """Return the commands in a page's section about the local world, a line each."""
    section = (
        (PAGES / f"{name}.md").read_text(encoding="utf-8").partition("\n## Try it here\n")[2].partition("\n## ")[0]
    )
    return "\n".join(re.findall(r"^```bash\n(.*?)^```$", section, re.MULTILINE | re.DOTALL)).splitlines()


def last_list(shown: str) -> list[Any]:
    """Return the list that a stand-in has printed last."""
    found: list[Any] = json.loads(shown[f"\n{shown}".rindex("\n[") :])
    return found


@pytest.fixture(scope="module")
def here() -> Iterator[Here]:
    if not is_installed():
        missing("Azurite is not installed: run 'npm ci'")
    with OutgoingEvents() as events, Cookbook() as cookbook:
        settings = {**events.settings(others=[cookbook.endpoint()]), **cookbook.settings_of_the_archive()}
        with LocalWorld(WorldOptions(host="builtin", settings=settings)) as world:
            cookbook.start(world)
            yield Here(world, cookbook)


def test_a_call_of_three_people_is_transcribed_by_a_file_for_each(here: Here) -> None:
    """From the recording over the event and the split to Speech, which can read each file."""
    asked = last_list(here.played("transcribe"))
    names = [unquote(urlsplit(url).path).removeprefix("/recordings/") for url in asked[0]["contentUrls"]]
    assert len(names) == 3
    with BlobServiceClient.from_connection_string(here.world.storage) as service:
        for name in names:
            data = service.get_blob_client("recordings", name).download_blob().readall()
            with wave.open(BytesIO(data)) as sound:
                assert sound.getnchannels() == 1


def test_a_call_that_must_be_recorded_and_is_not_is_a_card(here: Here) -> None:
    """ACS refuses the start; seconds later the channel knows."""
    shown = here.played("teams")
    assert "must be recorded" in last_list(shown)[0]["body"][0]["text"]
    assert '"status": 400' in shown


def test_an_event_that_is_sent_twice_is_one_ticket(here: Here) -> None:
    """The page replays it; the ticket's correlation id is the event's."""
    shown = here.played("ticket")
    tickets, (sent,) = last_list(shown), re.findall(r'"events": (\d+)', shown)
    assert int(sent) >= 1
    assert all("reason: start_refused" in ticket["description"] for ticket in tickets)
    assert {ticket["urgency"] for ticket in tickets} == {"1"}
    assert len({ticket["correlation_id"] for ticket in tickets}) == len(tickets)


def test_power_bi_is_refreshed_once_after_the_nights_files(here: Here) -> None:
    """The archive's own timer writes them, the cookbook's timer asks; and asks no second time."""
    here.played("transcribe")  # the page begins where that one ends
    assert len(last_list(here.played("power-bi"))) == 1


def test_what_is_not_signed_reaches_no_recipe(here: Here) -> None:
    """The address is known to whoever reads a setting."""
    forged = {"type": "recording_archive.missing.v1", "data": {"recordingId": "x"}}
    answer = urllib3.request("POST", f"{here.cookbook.url}/api/events", json=forged, timeout=30.0, retries=False)
    assert answer.status == 401


def test_every_page_can_be_played() -> None:
    """A page without commands would be played without a result."""
    assert all("$OTHERS" in "".join(commands_of(path.stem)) for path in PAGES.glob("[a-z]*.md"))
