"""The seam between the host and Python: start an app, invoke a function, stop. Two engines fill it."""

import asyncio
import sys
import threading
from collections.abc import Coroutine, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol, TypeVar

from azure.functions.meta import Datum

from dev.functions_host.functions import AppError, FunctionSpec

T = TypeVar("T")

APP_MODULE = "function_app"
WORKER = "worker"
DIRECT = "direct"
_LONGEST_END_SECONDS = 1.0


class FunctionFailedError(Exception):
    """The function (or the decoding of its input, or the encoding of its result) raised."""

    def __init__(self, message: str, stack: str = "") -> None:
        super().__init__(message)
        self.stack = stack


@dataclass(frozen=True)
class Call:
    """One invocation to make: which function, with which trigger value and which trigger metadata."""

    invocation_id: str
    function: FunctionSpec
    trigger: Datum
    metadata: Mapping[str, Datum] = field(default_factory=dict)


@dataclass(frozen=True)
class Outcome:
    """What a successful invocation gave back: the returned value and the outputs that were set."""

    returned: Datum | None
    outputs: Mapping[str, Datum]


class Engine(Protocol):
    """Runs the functions of one app in this process."""

    name: str

    async def start(self, app_dir: Path) -> list[FunctionSpec]:
        """Import and index the app. Raises AppError with the reason when it cannot be indexed."""

    async def invoke(self, call: Call) -> Outcome:
        """Run one function to its end. Raises FunctionFailedError when it did not succeed."""

    async def stop(self) -> None:
        """End the worker thread. Functions still running are left to end on their own."""


def make_importable(app_dir: Path) -> None:
    """Put the app first on the import path and forget an earlier app's module, as a fresh worker would see it."""
    if not (app_dir / f"{APP_MODULE}.py").is_file():
        raise AppError(f"no {APP_MODULE}.py in {app_dir}")
    location = str(app_dir.resolve())
    if location in sys.path:
        sys.path.remove(location)
    sys.path.insert(0, location)
    sys.modules.pop(APP_MODULE, None)


class WorkerLoop:
    """One thread with its own event loop, so that a blocking async function stalls the app and never the host."""

    def __init__(self) -> None:
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, name="python-worker", daemon=True)
        self._thread.start()

    async def run(self, work: Coroutine[Any, Any, T]) -> T:
        """Run the coroutine on the worker's loop. Python functions are never cancelled, as in production."""
        return await asyncio.shield(asyncio.wrap_future(asyncio.run_coroutine_threadsafe(work, self._loop)))

    def stop(self) -> None:
        """End the loop and its thread; what still runs on it is dropped, and a blocked loop is left behind."""
        asyncio.run_coroutine_threadsafe(self._end(), self._loop)
        self._thread.join(_LONGEST_END_SECONDS)
        if not self._thread.is_alive():
            self._loop.close()

    async def _end(self) -> None:
        others = asyncio.all_tasks() - {asyncio.current_task()}
        for task in others:
            task.cancel()
        if others:
            await asyncio.wait(others, timeout=_LONGEST_END_SECONDS / 2)
        self._loop.call_soon(self._loop.stop)
