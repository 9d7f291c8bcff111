"""The cookbook on the local world: the archive sends, the recipes work, and the other sides get what they need.

Both apps run in hosts of their own, as they would in Azure; that of the recipes is a copy of its folder alone.
"""

import json
import shutil
import wave
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

import pytest
import urllib3
from azure.storage.blob import BlobServiceClient

from dev.azurite import is_installed
from dev.functions_host.process import HostProcess
from dev.policies.repository import ROOT
from dev.world import LocalWorld, WorldOptions, free_port
from recipes import power_bi
from recipes.outside import Outside, OutsideError
from tests.conftest import missing
from tests.examples.notes import Notes
from tests.examples.others import SPEECH_KEY, Identity, Others

SECRET = "whsec_" + "QUJD" * 8
PATIENCE_SECONDS = 120.0  # a follow-up waits for the line, and CI has few cores
POLICY = [{"name": "desk", "tags": {"desk": "fx"}, "mustBeRecorded": True}]
QUICK = {"maxPollingInterval": "00:00:01", "visibilityTimeout": "00:00:02", "maxDequeueCount": 60}


@dataclass
class Here:
    """The archive's world, and what the other sides were asked."""

    world: LocalWorld
    others: Others
    cookbook: HostProcess

    def asked(self, method: str, path: str, body: Any = None) -> tuple[int, Any]:
        data = json.dumps(body).encode() if body is not None else None
        address = f"{self.world.host_url}/api/{path}"
        answer = urllib3.request(method, address, body=data, timeout=30.0, retries=False)
        return answer.status, json.loads(answer.data) if answer.data else None

    def waits(self, holds: Callable[[], Any]) -> Any:
        return self.world.simulator.wait_until(holds, PATIENCE_SECONDS)


@pytest.fixture(scope="module")
def here(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Here]:
    if not is_installed():
        missing("Azurite is not installed: run 'npm ci'")
    app, port = tmp_path_factory.mktemp("cookbook") / "app", free_port()
    _copied(app)
    hook = {"name": "cookbook", "url": f"http://127.0.0.1:{port}/api/events", "secrets": [SECRET]}
    settings = {
        "WEBHOOKS": json.dumps([hook]),
        "WEBHOOK_NETWORKS": "127.0.0.0/8",
        "CALL_POLICIES": json.dumps(POLICY),
        "PARQUET_CONTAINER": "analysts",
    }
    with Others() as others, LocalWorld(WorldOptions(host="builtin", settings=settings)) as world:
        own = {
            "FUNCTIONS_WORKER_RUNTIME": "python",
            "AzureWebJobsStorage": world.storage,
            "WEBHOOK_SECRETS": SECRET,
            "ARCHIVE_API_URL": f"{world.host_url}/api",
            "ARCHIVE_CONTAINER_URL": "https://account.blob.core.windows.net/recordings",
            **{name: value for name, value in others.settings().items() if not name.startswith("POWER_BI")},
            "SPEECH_KEY": SPEECH_KEY,  # this machine has no identity
        }
        with HostProcess(app, own, app.parent / "host", port=port) as cookbook:
            yield Here(world, others, cookbook)


def _copied(app: Path) -> None:
    """Copies the folder as it is deployed, with a host.json that waits for seconds instead of minutes."""
    shutil.copytree(ROOT / "examples" / "cookbook", app, ignore=shutil.ignore_patterns("__pycache__"))
    known = json.loads((app / "host.json").read_text())
    known["extensions"]["queues"] = QUICK
    (app / "host.json").write_text(json.dumps(known))


def test_a_call_of_three_people_is_transcribed_by_a_file_for_each(here: Here) -> None:
    """From the recording over the event and the split to Speech, which can read each file."""
    call = here.world.simulator.create_call(["Ann", "Ben", "Cleo"])["serverCallId"]
    body = {"serverCallId": call, "content": "audio", "channel": "unmixed", "format": "wav"}
    status, started = here.asked("POST", "recordings", body)
    assert status == 201
    here.world.simulator.advance(5)
    here.asked("POST", f"recordings/{started['recordingId']}/stop")
    here.world.simulator.advance(10)
    (asked,) = here.waits(lambda: list(here.others.transcriptions) or None)
    names = [unquote(urlsplit(url).path).removeprefix("/recordings/") for url in asked["contentUrls"]]
    assert len(names) >= 3
    with BlobServiceClient.from_connection_string(here.world.storage) as service:
        for name in names:
            data = service.get_blob_client("recordings", name).download_blob().readall()
            with wave.open(BytesIO(data)) as sound:
                assert sound.getnchannels() == 1


def test_a_call_that_must_be_recorded_and_is_not_is_a_card_and_a_ticket(here: Here) -> None:
    """ACS refuses the start; seconds later somebody knows."""
    body = {"serverCallId": "bm8gc3VjaCBjYWxs", "tags": {"desk": "fx"}}
    status, _ = here.asked("POST", "recordings", body)
    assert status >= 400
    (card,) = here.waits(lambda: list(here.others.messages) or None)
    (ticket,) = here.waits(lambda: list(here.others.tickets) or None)
    assert "must be recorded" in card["body"][0]["text"]
    assert "reason: start_refused" in ticket["description"]
    assert (ticket["urgency"], len(here.others.tickets)) == ("1", 1)


def test_what_is_not_signed_reaches_no_recipe(here: Here) -> None:
    """The address is known to whoever reads a setting."""
    forged = {"type": "recording_archive.missing.v1", "data": {"recordingId": "x"}}
    answer = urllib3.request("POST", f"{here.cookbook.url}/api/events", json=forged, timeout=30.0, retries=False)
    assert answer.status == 401


def test_power_bi_is_refreshed_once_after_the_nights_files(here: Here) -> None:
    """The archive's own timer writes them; the files of the night are asked for once."""
    answer = urllib3.request(
        "POST", f"{here.world.host_url}/admin/functions/export_directory", body=b"{}", timeout=30.0
    )
    assert answer.status == 202
    outside = Outside(
        {**here.others.settings(), "PARQUET_CONNECTION": here.world.storage, "PARQUET_CONTAINER": "analysts"},
        Identity(),
        Notes(),
    )

    def is_refreshed() -> bool:
        with suppress(OutsideError):  # the container is made with the first file
            return power_bi.refresh(outside)
        return False

    here.waits(is_refreshed)
    assert (here.others.refreshes, power_bi.refresh(outside)) == (1, False)
