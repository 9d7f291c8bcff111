"""Azurite, the storage emulator of the local world: blob, queue and table on loopback, started and stopped here."""

import os
import re
import shutil
import signal
import subprocess
import tempfile
import threading
import time
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType

from dev.children import ending_with_this_process

REPOSITORY = Path(__file__).resolve().parents[1]
COMMAND = REPOSITORY / "node_modules" / ".bin" / "azurite"
ACCOUNT = "devstoreaccount1"
# Azurite's own fixed key, printed in its documentation; it opens nothing but an emulator.
ACCOUNT_KEY = "Eby8vdM02xNOcqFlqUwJPLlmEtlCDXJ1OUzFT50uSRZ6IFsuFq2UVErCz4I6tq/K1SZFPTOtr/KBHBeksoGMGw=="
_LISTENING = re.compile(r"Azurite (Blob|Queue|Table) service is successfully listening at (http://\S+)")
_START_SECONDS = 60.0  # about 1.5 s when warm, 5 s when cold, more on a busy machine


class AzuriteError(Exception):
    """Azurite is not installed or did not start; the text says what to do."""


@dataclass(frozen=True)
class Ports:
    """Where the three services listen; 0 takes a free port."""

    blob: int = 0
    queue: int = 0
    table: int = 0


DEFAULT_PORTS = Ports(10000, 10001, 10002)


class Azurite:
    """One Azurite process; use it as a context manager, or call `start` and `stop`.

    Args:
        data_dir: keeps everything there, across restarts. None keeps it in memory and loses it at the end.
        ports: fixed ports, so that a connection string stays valid across restarts.

    Attributes:
        connection_string: for all three services, once started.
    """

    def __init__(self, data_dir: Path | None = None, ports: Ports = Ports()) -> None:
        self.connection_string = ""
        self._data_dir = data_dir
        self._ports = ports
        self._process: subprocess.Popen[bytes] | None = None
        self._log_dir: Path | None = None

    def __enter__(self) -> "Azurite":
        """Start and wait until all three services answer."""
        return self.start()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Stop."""
        self.stop()

    def start(self) -> "Azurite":
        """Start and wait until all three services answer.

        Raises:
            AzuriteError: it is not installed, or it ended with the error that is quoted.
        """
        if shutil.which("node") is None:
            raise AzuriteError("Node 20 or newer is needed, since Azurite runs on it, and `node` is not on PATH")
        if not is_installed():
            raise AzuriteError(f"Azurite is not installed: run 'npm ci' in {REPOSITORY}")
        self._log_dir = Path(tempfile.mkdtemp(prefix="azurite-"))
        with self._log_path.open("wb") as output:
            self._process = subprocess.Popen(
                ending_with_this_process(self._arguments()),
                cwd=self._log_dir,
                stdout=output,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        try:
            self.connection_string = _connection_string(self._wait_until_listening())
        except BaseException:
            self.stop()
            raise
        return self

    @property
    def pid(self) -> int:
        """Return the process that was started.

        Raises:
            AzuriteError: none runs.
        """
        if self._process is None:
            raise AzuriteError("Azurite has not been started")
        return self._process.pid

    def stop(self) -> None:
        """End the process and its children, and nothing else. Do nothing when it has ended already."""
        if self._process is not None:
            _end_group(self._process)
            self._process = None
        if self._log_dir is not None:
            shutil.rmtree(self._log_dir)
            self._log_dir = None

    @property
    def _log_path(self) -> Path:
        if self._log_dir is None:
            raise AzuriteError("Azurite has not been started")
        return self._log_dir / "azurite.log"

    def _arguments(self) -> list[str]:
        ports = ("--blobPort", self._ports.blob, "--queuePort", self._ports.queue, "--tablePort", self._ports.table)
        # Without --skipApiVersionCheck it refuses the SDKs of this year: they ask for newer API versions than it knows.
        flags = ("--skipApiVersionCheck", "--disableTelemetry", "--silent")
        return [str(part) for part in (COMMAND, *ports, *flags, *self._persistence())]

    def _persistence(self) -> list[str]:
        if self._data_dir is None:
            return ["--inMemoryPersistence"]
        self._data_dir.mkdir(parents=True, exist_ok=True)
        return ["--location", str(self._data_dir.resolve())]

    def _wait_until_listening(self) -> dict[str, str]:
        give_up_at = time.monotonic() + _START_SECONDS
        while len(found := dict(_LISTENING.findall(output := self._log_path.read_text(encoding="utf-8")))) < 3:
            if self._has_ended() or time.monotonic() > give_up_at:
                raise AzuriteError(f"Azurite did not start:\n{output}")
            time.sleep(0.05)
        return found

    def _has_ended(self) -> bool:
        return self._process is None or self._process.poll() is not None


def is_installed() -> bool:
    """Return whether the pinned Azurite is there (`npm ci` brings it)."""
    return COMMAND.exists() and shutil.which("node") is not None


def main(data_dir: Path | None = None, ports: Ports = DEFAULT_PORTS) -> int:
    """Return the command `azurite`: runs until SIGTERM or Ctrl-C, and prints the connection string.

    Returns:
        The exit code: 0 after a stop, 2 when Azurite is absent or cannot start.
    """
    stop = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stop.set())
    try:
        with Azurite(data_dir, ports) as azurite:
            print(azurite.connection_string, flush=True)
            while not stop.wait(0.2):  # a wait without a limit would keep the signal from being seen
                pass
    except AzuriteError as error:
        print(error)
        return 2
    return 0


def _connection_string(urls: dict[str, str]) -> str:
    endpoints = "".join(f"{service}Endpoint={url}/{ACCOUNT};" for service, url in urls.items())
    return f"DefaultEndpointsProtocol=http;AccountName={ACCOUNT};AccountKey={ACCOUNT_KEY};{endpoints}"


def _end_group(process: "subprocess.Popen[bytes]") -> None:
    """SIGTERM lets Azurite write what it has in memory to disk; SIGKILL follows when it does not end."""
    try:
        os.killpg(process.pid, signal.SIGTERM)
        process.wait(timeout=10)
    except ProcessLookupError:
        process.wait()
    except subprocess.TimeoutExpired:
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()
