"""The local world: Azurite, the ACS simulator and the Functions host, wired together and started with one call.

Nothing leaves loopback. The app runs as it would in Azure: it reaches the simulator through a proxy and a private CA
by settings that production has too, and both event paths (webhook and storage queue) deliver every event.
"""

import fcntl
import json
import os
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from types import TracebackType

import urllib3
from azure.storage.blob import BlobServiceClient
from azure.storage.queue import QueueServiceClient

from dev.acs_simulator.options import SimulatorOptions
from dev.acs_simulator.threaded import Addresses, run_in_thread
from dev.azurite import Azurite
from dev.children import ending_with_this_process
from dev.functions_host.core_tools import HostChoice, choose_host, func_command
from dev.functions_host.process import HostProcess
from recording.domain.names import CHUNKS_QUEUE, DEAD_LETTER_CONTAINER, EVENTS_QUEUE

REPOSITORY = Path(__file__).resolve().parents[1]
READY_SECONDS = 60.0
Say = Callable[[str], None]


@dataclass(frozen=True)
class WorldOptions:
    """What can be chosen about a local world.

    Attributes:
        data_dir: keeps Azurite's data, the media and the logs there; None uses a temporary folder that is removed.
        port: of the Functions host; 0 takes a free one.
        host: `builtin`, `func`, or `auto` for Core Tools when they are on PATH.
        simulator: options of the ACS simulator.
        settings: app settings on top of the usual ones.
        sign_in: sign made-up people in, so that the console opens; only the built-in host can.
        queue_lease: how long a fetched queue message stays invisible, in seconds; the real host takes ten minutes.
    """

    data_dir: Path | None = None
    port: int = 0
    host: HostChoice = "auto"
    simulator: SimulatorOptions = field(default_factory=SimulatorOptions)
    settings: Mapping[str, str] = field(default_factory=dict)
    queue_lease: int = 600
    sign_in: bool = False


class LocalWorld:
    """A running local world; use it as a context manager."""

    def __init__(self, options: WorldOptions = WorldOptions(), say: Say = lambda _: None) -> None:
        self.options = options
        self._say = say
        self._stack = ExitStack()
        self._func: subprocess.Popen[bytes] | None = None
        self.host: HostProcess | None = None
        self.host_url = ""

    def __enter__(self) -> "LocalWorld":
        """Start everything and subscribe the app to events; stop what was started when something fails."""
        try:
            self._start()
        except BaseException:
            self._stack.close()
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Stop everything, in the opposite order."""
        self._stack.close()

    def _start(self) -> None:
        self.folder = self.options.data_dir or Path(self._stack.enter_context(tempfile.TemporaryDirectory()))
        self.folder.mkdir(parents=True, exist_ok=True)
        self._stack.enter_context(held_alone(self.folder))
        self._say("Azurite (blob, queue and table storage) …")
        data_dir = self.folder / "azurite" if self.options.data_dir else None
        self._azurite = self._stack.enter_context(Azurite(data_dir))
        self.storage = self._azurite.connection_string
        self._create_places()
        self._say("ACS simulator (TLS, real media) …")
        simulator_options = replace(
            self.options.simulator,
            data_folder=self.folder / "simulator",
            blob_connection_strings=(self.storage,),
        )
        running = self._stack.enter_context(run_in_thread(simulator_options))
        self.addresses: Addresses = running.addresses
        self.simulator = running.client
        self.start_host()
        self._say("Event Grid subscriptions (webhook and storage queue) …")
        self.subscribe()

    def _create_places(self) -> None:
        """Create what a deployment creates and Event Grid must find.

        The queues, and the container of dead letters.
        """
        with QueueServiceClient.from_connection_string(self.storage) as service:
            there = {queue.name for queue in service.list_queues()}
            for name in {EVENTS_QUEUE, CHUNKS_QUEUE} - there:
                service.create_queue(name).close()

        self.create_container(DEAD_LETTER_CONTAINER)

    def create_container(self, name: str) -> None:
        """Create a container; one that is there is left as it is."""
        with BlobServiceClient.from_connection_string(self.storage) as blobs:
            if not (container := blobs.get_container_client(name)).exists():
                container.create_container()

    def start_host(self) -> None:
        """Start the Functions host and wait until the app is healthy; also after it was killed."""
        choice = choose_host(self.options.host)
        self._say(f"Functions host ({'Core Tools' if choice == 'func' else 'built-in'}) …")
        if choice == "func":
            self._start_core_tools()
        else:
            self._start_builtin()
        self._wait_until_healthy()

    def subscribe(self) -> None:
        """Subscribe the function's webhook and the events queue, as the deployed system topic does."""
        place = {"connectionString": self.storage, "container": DEAD_LETTER_CONTAINER}
        self.simulator.subscribe_webhook(self.webhook_url(), deadLetter=place)
        self.simulator.subscribe_queue(self.storage, EVENTS_QUEUE, deadLetter=place)

    def stop_storage(self) -> None:
        """Stop Azurite, as an outage of all storage would."""
        self._azurite.stop()

    def webhook_url(self) -> str:
        """Return where Event Grid delivers to the function."""
        return f"{self.host_url}/runtime/webhooks/EventGrid?functionName=ingest_event"

    def console_url(self) -> str | None:
        """Return where the console is; None where nobody is signed in, and so it is closed."""
        return f"{self.host_url}/api/console/" if self.options.sign_in and self._func is None else None

    def settings(self) -> dict[str, str]:
        """Return the app settings of this world; the same names as in production."""
        return {
            "FUNCTIONS_WORKER_RUNTIME": "python",
            "PYTHON_THREADPOOL_THREAD_COUNT": "16",
            "AzureWebJobsStorage": self.storage,
            "ARCHIVE_STORAGE": self.storage,
            "DEAD_LETTER_STORAGE": self.storage,
            "ACS_CONNECTION_STRING": self.addresses.connection_string,
            "ACS_PROXY_URL": self.addresses.proxy_url,
            "ACS_CA_BUNDLE": str(self.addresses.ca_bundle),
            "ACS_RESOURCE_ID": self.addresses.resource_id,
            **self.options.settings,
        }

    def settings_file(self) -> Path:
        """Return the settings in a file, for `python -m recording.cli --settings`.

        It goes when the world's folder goes.
        """
        path = self.folder / "local.settings.json"
        path.write_text(json.dumps({"IsEncrypted": False, "Values": self.settings()}, indent=2), encoding="utf-8")
        path.chmod(0o600)
        return path

    def log_path(self) -> Path:
        """Return where the host writes its log."""
        return self.folder / "host" / "host.log"

    def _start_builtin(self) -> None:
        if self.host is None:
            self.host = HostProcess(
                REPOSITORY,
                self.settings(),
                self.folder / "host",
                port=self.options.port or free_port(),
                queue_lease=self.options.queue_lease,
                sign_in=self.options.sign_in,
            )
            self._stack.callback(self._stop_host)
        self.host_url = self.host.start().wait_ready(READY_SECONDS).url

    def _stop_host(self) -> None:
        if self.host is not None and self.host.is_running():
            try:
                self.host.terminate()
            except subprocess.TimeoutExpired:
                self.host.kill()

    def _start_core_tools(self) -> None:
        port = self.options.port or free_port()
        self.log_path().parent.mkdir(parents=True, exist_ok=True)
        log = self._stack.enter_context(self.log_path().open("ab"))
        environment = {**os.environ, **self.settings()}
        path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ.get('PATH', '')}"
        self._func = subprocess.Popen(
            ending_with_this_process(func_command(port, enable_auth=False)),
            cwd=REPOSITORY,
            env={**environment, "PATH": path},
            stdout=log,
            stderr=subprocess.STDOUT,
        )
        self._stack.callback(self._func.wait)
        self._stack.callback(self._func.terminate)
        self.host_url = f"http://127.0.0.1:{port}"

    def _wait_until_healthy(self) -> None:
        give_up_at = time.monotonic() + READY_SECONDS
        while True:
            try:
                answer = urllib3.request("GET", f"{self.host_url}/api/health", retries=False, timeout=5.0)
            except urllib3.exceptions.HTTPError:
                answer = None
            if answer is not None and answer.status == 200:
                return
            if time.monotonic() > give_up_at:
                said = answer.data.decode() if answer is not None else "no answer"
                raise WorldError(f"the app is not healthy after {READY_SECONDS:.0f} s: {said}\nlog: {self.log_path()}")
            time.sleep(0.1)


class WorldError(Exception):
    """The local world could not be started; the text says what happened and where the log is."""


@contextmanager
def held_alone(folder: Path) -> Iterator[None]:
    """Keep other worlds out of a folder; the system lets go of it when this process ends, however it ends.

    Raises:
        WorldError: another one runs in it. Two would write the same files, and the printed commands would lead to one.
    """
    with (folder / ".in-use").open("w") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise WorldError(f"another local world runs in {folder}. Stop it, or choose another folder.") from None
        yield


def is_free(port: int) -> bool:
    """Return whether a server can listen on this port of loopback."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
        return True


def free_port() -> int:
    """Return a port of loopback that nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
