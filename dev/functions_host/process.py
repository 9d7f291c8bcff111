"""A Functions host as a child process: for scenarios that kill it, restart it or weigh it."""

import json
import os
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import Any

import psutil

from dev.children import ending_with_this_process
from dev.functions_host.options import LEASE_SECONDS

_REPOSITORY = Path(__file__).resolve().parents[2]


class HostNotReadyError(Exception):
    """The host ended or did not get ready in time; the text holds the end of its log."""


class HostProcess:
    """Runs `python -m dev.functions_host` over an app; may be started again after it has ended.

    Args:
        work_dir: where settings, the ready file, timer status and the log (`host.log`) are written.
        settings: app settings; names in it are hidden from the inherited environment, so they always count.
        port: 0 takes a free one at each start.
        extra: more command-line arguments.
    """

    def __init__(
        self,
        app_dir: Path,
        settings: Mapping[str, str],
        work_dir: Path,
        *,
        port: int = 0,
        enable_auth: bool = False,
        queue_lease: int = LEASE_SECONDS,
        drain_limit: float = 10.0,
        engine: str | None = None,
        keys: Mapping[str, str] | None = None,
        sign_in: bool = False,
        extra: Sequence[str] = (),
        python: str = sys.executable,
    ) -> None:
        self.log_path = work_dir / "host.log"
        self._app_dir = app_dir
        self._settings = dict(settings)
        self._work_dir = work_dir
        self._ready_path = work_dir / "ready.json"
        self._ready: dict[str, Any] = {}
        self._process: subprocess.Popen[bytes] | None = None
        self._arguments = [python, "-m", "dev.functions_host", "--app-dir", str(app_dir), "--port", str(port)]
        self._arguments += ["--settings", str(work_dir / "settings.json"), "--ready-file", str(self._ready_path)]
        self._arguments += ["--state-dir", str(work_dir), "--queue-lease", str(queue_lease)]
        self._arguments += ["--drain-limit", str(drain_limit), *(["--enable-auth"] if enable_auth else [])]
        self._arguments += ["--engine", engine] if engine else []
        self._arguments += ["--sign-in"] if sign_in else []
        self._arguments += [part for name, value in (keys or {}).items() for part in ("--key", f"{name}={value}")]
        self._arguments += extra

    def __enter__(self) -> "HostProcess":
        """Start it and wait until it is ready."""
        try:
            return self.start().wait_ready()
        except BaseException:
            self.kill()
            raise

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Kill it when it still runs."""
        self.kill()

    @property
    def url(self) -> str:
        """Base URL, once ready."""
        return str(self._ready["url"])

    @property
    def keys(self) -> dict[str, Any]:
        """Return all keys, once ready: `master`, `host`, `system`, `functions`."""
        return dict(self._ready["keys"])

    @property
    def pid(self) -> int:
        """Return the process id, once started."""
        return self._started().pid

    def start(self) -> "HostProcess":
        """Start the process; its output is appended to the log."""
        self._work_dir.mkdir(parents=True, exist_ok=True)
        self._ready_path.unlink(missing_ok=True)
        (self._work_dir / "settings.json").write_text(json.dumps({"IsEncrypted": False, "Values": self._settings}))
        with self.log_path.open("ab") as output:
            self._process = subprocess.Popen(
                ending_with_this_process(self._arguments),
                cwd=self._app_dir,
                env=self._environment(),
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
            )
        return self

    def wait_ready(self, timeout_seconds: float = 30.0) -> "HostProcess":
        """Return once requests are answered. Raises HostNotReadyError with the end of the log."""
        give_up_at = time.monotonic() + timeout_seconds
        while not self._ready_path.exists():
            if self._started().poll() is not None or time.monotonic() > give_up_at:
                raise HostNotReadyError(f"the host is not ready:\n{self.log_text()[-4000:]}")
            time.sleep(0.02)
        self._ready = json.loads(self._ready_path.read_text())
        return self

    def terminate(self, timeout_seconds: float = 30.0) -> int:
        """Ask it to stop (SIGTERM), wait for the drain, and return the exit code."""
        self._started().terminate()
        return self._started().wait(timeout_seconds)

    def kill(self) -> None:
        """End it at once (kill -9), as a crash or a scale-in would. Do nothing when it has ended already."""
        if self._process is not None:
            self._process.kill()
            self._process.wait()

    def is_running(self) -> bool:
        """Return whether the process still exists."""
        return self._process is not None and self._process.poll() is None

    def rss_bytes(self) -> int:
        """Return the resident memory of the process, in bytes."""
        return int(psutil.Process(self.pid).memory_info().rss)

    def log_text(self) -> str:
        """Return everything it has written so far, over all starts."""
        return self.log_path.read_text(encoding="utf-8", errors="replace") if self.log_path.exists() else ""

    def _started(self) -> subprocess.Popen[bytes]:
        if self._process is None:
            raise HostNotReadyError("the host has not been started")
        return self._process

    def _environment(self) -> dict[str, str]:
        inherited = {name: value for name, value in os.environ.items() if name not in self._settings}
        path = os.pathsep.join(filter(None, [str(_REPOSITORY), inherited.get("PYTHONPATH")]))
        return {**inherited, "PYTHONPATH": path, "PYTHONUNBUFFERED": "1"}
