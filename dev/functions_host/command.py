"""The command `host`: starts the chosen host, tells where it is, and ends it politely on SIGTERM or Ctrl-C."""

import asyncio
import json
import logging
import os
import signal
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import FrameType

from dev.functions_host.core_tools import HostChoice, choose_host, run_func
from dev.functions_host.functions import HTTP_TRIGGER, AppError, FunctionSpec
from dev.functions_host.host import FunctionsHost
from dev.functions_host.http.server import methods_of
from dev.functions_host.logs import configure_logging
from dev.functions_host.options import DRAIN_LIMIT_SECONDS, LEASE_SECONDS, HostOptions
from dev.functions_host.settings import read_local_settings

log = logging.getLogger("host")


def main(
    port: int = 7071,
    settings: Path | None = None,
    enable_auth: bool = False,
    app_dir: Path = Path(),
    *,
    host: HostChoice = "auto",
    engine: str | None = None,
    keys: Sequence[str] = (),
    ready_file: Path | None = None,
    state_dir: Path | None = None,
    queue_lease: int = LEASE_SECONDS,
    drain_limit: float = DRAIN_LIMIT_SECONDS,
    log_json: bool = False,
    sign_in: bool = False,
) -> int:
    """Run a host until it is told to stop. What follows `host` counts for the built-in host only.

    Args:
        port: 0 takes a free one.
        settings: local.settings.json; None takes the one in the app when it exists.
        enable_auth: ask for keys; off by default, as with `func start`.
        app_dir: where function_app.py and host.json are.
        host: `builtin`, `func` (Core Tools), or `auto` for Core Tools when they are on PATH.
        engine: `worker` or `direct`; None takes the worker library on Python 3.13 and newer.
        keys: given keys as NAME=VALUE, instead of random ones.
        ready_file: where to write url, pid and keys as JSON once requests are answered.
        state_dir: where timers keep their status.
        queue_lease: seconds that a fetched queue message stays invisible.
        drain_limit: seconds that running functions may go on after a stop.
        log_json: log one JSON object a line.
        sign_in: sign made-up people in, as App Service authentication would.

    Returns:
        The exit code: 0 after a stop, 2 when the app, host.json or the settings are at fault.
    """
    configure_logging(as_json=log_json)
    try:
        values = _settings(app_dir, settings)
        if choose_host(host) == "func":
            return run_func(port, values, enable_auth=enable_auth, app_dir=app_dir)
        options = HostOptions(
            app_dir=app_dir,
            settings=values,
            port=port,
            enable_auth=enable_auth,
            engine=engine,
            queue_lease_seconds=queue_lease,
            state_dir=state_dir,
            keys=_given_keys(keys),
            drain_limit_seconds=drain_limit,
            sign_in=sign_in,
        )
        return asyncio.run(_run_until_stopped(options, ready_file))
    except AppError as error:
        log.error("%s", error)  # noqa: TRY400 - the text says what to change; a stack would hide it
        return 2


async def _run_until_stopped(options: HostOptions, ready_file: Path | None) -> int:
    stop = _StopSignal()
    async with FunctionsHost(options) as host:
        _announce(host)
        if ready_file:
            _write_ready_file(ready_file, host)
        name = await stop.wait()
        log.info("%s: draining, up to %s s; a second signal ends at once", name, options.drain_limit_seconds)
    if host.left_behind:
        _leave_behind(host.left_behind)
    log.info("Host stopped")
    return 0


class _StopSignal:
    """The first SIGTERM or SIGINT is a request, the second an order."""

    def __init__(self) -> None:
        self._loop = asyncio.get_running_loop()
        self._came = asyncio.Event()
        self._name = ""
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, self._received)

    async def wait(self) -> str:
        """Return the name of the signal that came."""
        await self._came.wait()
        return self._name

    def _received(self, number: int, _frame: FrameType | None) -> None:
        if self._name:
            os._exit(128 + number)
        self._name = signal.Signals(number).name
        self._loop.call_soon_threadsafe(self._came.set)  # also wakes the loop, which a signal alone does not


def _leave_behind(running: list[str]) -> None:
    """Exit without joining the threads of functions that outlived the limit: production kills the worker, too."""
    log.warning("Host stopped; left behind: %s", ", ".join(running))
    logging.shutdown()
    sys.stdout.flush()
    os._exit(0)


def _settings(app_dir: Path, given: Path | None) -> dict[str, str]:
    path = given or app_dir / "local.settings.json"
    return read_local_settings(path) if given or path.exists() else {}


def _given_keys(texts: Sequence[str]) -> Mapping[str, str]:
    pairs = [text.partition("=") for text in texts]
    for name, _, value in pairs:
        if not value:
            raise AppError(f"--key {name}: write NAME=VALUE")
    return {name: value for name, _, value in pairs}


def _announce(host: FunctionsHost) -> None:
    print(f"\nFunctions ({host.engine_name} engine, Python {sys.version_info.major}.{sys.version_info.minor}):\n")
    for function in host.functions.values():
        print(f"    {function.name}: {_how_to_run(host, function)}")
    print(
        f"\nThe host is ready on {host.url}" + (f"  master key: {host.keys.master}" if host.options.enable_auth else "")
    )
    sys.stdout.flush()


def _how_to_run(host: FunctionsHost, function: FunctionSpec) -> str:
    if function.trigger.type == HTTP_TRIGGER:
        return f"[{','.join(methods_of(function)) or 'any method'}] {host.url_of(function)}"
    return f"{function.trigger.type} {host.url_of(function) or ''}".rstrip()


def _write_ready_file(path: Path, host: FunctionsHost) -> None:
    content = {
        "url": host.url,
        "pid": os.getpid(),
        "engine": host.engine_name,
        "functions": sorted(host.functions),
        "keys": host.keys.as_json(),
    }
    partial = path.with_suffix(".partial")
    partial.write_text(json.dumps(content, indent=2), encoding="utf-8")
    partial.replace(path)
