"""A Functions host in a thread of this process: the quickest way for a test to have one."""

import asyncio
import threading
from collections.abc import Iterator
from concurrent.futures import Future
from contextlib import contextmanager

from dev.functions_host.host import FunctionsHost
from dev.functions_host.options import HostOptions


@contextmanager
def run_in_thread(options: HostOptions) -> Iterator[FunctionsHost]:
    """Start a host, yield it ready (`url`, `keys`, `functions`), and drain it at the end.

    One host at a time: the settings are those of the process, and the worker library runs one app per process.

    Raises:
        AppError: the app, host.json or the settings are at fault.
    """
    started: Future[FunctionsHost] = Future()
    stop = threading.Event()
    thread = threading.Thread(target=lambda: asyncio.run(_serve(options, started, stop)), name="functions-host")
    thread.start()
    try:
        yield started.result()
    finally:
        stop.set()
        thread.join()


async def _serve(options: HostOptions, started: "Future[FunctionsHost]", stop: threading.Event) -> None:
    try:
        async with FunctionsHost(options) as host:
            started.set_result(host)
            await asyncio.to_thread(stop.wait)
    except BaseException as error:  # handed to the thread that waits for the start
        if started.done():
            raise
        started.set_exception(error)
