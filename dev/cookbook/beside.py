"""Runs the cookbook's app in a host of its own beside a local world, as it would run beside the archive in Azure."""

import json
import shutil
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path
from tempfile import TemporaryDirectory
from types import TracebackType
from typing import Any, Self

from dev.cookbook.others import IDENTITY, IDENTITY_PATH, Others
from dev.functions_host.process import HostProcess
from dev.world import REPOSITORY, LocalWorld, free_port, is_free

FOLDER = REPOSITORY / "examples" / "cookbook"
SECRET = "whsec_" + "QUJD" * 8  # of an endpoint on loopback: no secret
OTHERS_PORT = 8950
PORT = 8951
# Azure tries again each minute, and `func start` reads the same file; here it is each second.
QUICK = {"maxPollingInterval": "00:00:01", "visibilityTimeout": "00:00:02", "maxDequeueCount": 60}
POLICY = [{"name": "desk", "tags": {"desk": "fx"}, "mustBeRecorded": True}]


class Cookbook:
    """The app and the other sides; use it as a context manager, and start the app once the archive runs.

    Args:
        say: is told a line for each thing that a recipe has done at another side.
        usual_ports: takes the ports that the pages of the cookbook print, where they are free.
    """

    def __init__(self, say: Callable[[str], None] = lambda _: None, *, usual_ports: bool = False) -> None:
        self.others = Others(say=say, listen_on=_usual(OTHERS_PORT) if usual_ports else 0)
        self._port = (_usual(PORT) if usual_ports else 0) or free_port()
        self._stack = ExitStack()

    @property
    def url(self) -> str:
        """Return the address of the app."""
        return f"http://127.0.0.1:{self._port}"

    def __enter__(self) -> Self:
        """Begin to answer for the other sides."""
        self._stack.enter_context(self.others)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Stop the app and the other sides."""
        self._stack.close()

    def endpoint(self) -> dict[str, Any]:
        """Return the app's endpoint, as the archive's setting `WEBHOOKS` names it."""
        return {"name": "cookbook", "url": f"{self.url}/api/events", "secrets": [SECRET]}

    def settings_of_the_archive(self) -> dict[str, str]:
        """Return the archive's settings that the recipes work from, beside `WEBHOOKS`."""
        return {"CALL_POLICIES": json.dumps(POLICY), "PARQUET_CONTAINER": "analysts"}

    def start(self, world: LocalWorld) -> None:
        """Start the app on a copy of its folder, which is all that is deployed of it."""
        folder = Path(self._stack.enter_context(TemporaryDirectory()))
        shutil.copytree(FOLDER, folder / "app", ignore=shutil.ignore_patterns("__pycache__"))
        host_json = folder / "app" / "host.json"
        known = json.loads(host_json.read_text(encoding="utf-8"))
        known["extensions"]["queues"] = QUICK
        host_json.write_text(json.dumps(known), encoding="utf-8")
        host = HostProcess(folder / "app", self.settings(world), folder / "host", port=self._port)
        self._stack.callback(host.kill)
        host.start().wait_ready(60.0)

    def settings(self, world: LocalWorld) -> dict[str, str]:
        """Return the app's own settings; its identity is App Service's, played by the other sides."""
        return {
            "FUNCTIONS_WORKER_RUNTIME": "python",
            "AzureWebJobsStorage": world.storage,
            "IDENTITY_ENDPOINT": f"{self.others.url}{IDENTITY_PATH}",
            "IDENTITY_HEADER": IDENTITY,
            "AZURE_TOKEN_CREDENTIALS": "ManagedIdentityCredential",
            "WEBHOOK_SECRETS": SECRET,
            "ARCHIVE_API_URL": f"{world.host_url}/api",
            "ARCHIVE_CONTAINER_URL": "https://account.blob.core.windows.net/recordings",
            "CONSOLE_URL": f"{world.host_url}/api/console",
            "PARQUET_CONNECTION": world.storage,
            "PARQUET_CONTAINER": "analysts",
            **self.others.settings(),
        }


def _usual(port: int) -> int:
    return port if is_free(port) else 0
