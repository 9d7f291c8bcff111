"""Kills our copy again and again, and counts what the source had to give twice."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable

from dev.bench.runs import Bench
from dev.bench.servers import REPOSITORY, stats_of

_LOOK_SECONDS = 0.005


def fetched_over_size(bench: Bench, length: int, every_bytes: int, say: Callable[[str], None]) -> tuple[float, int]:
    """Return how often the file was fetched in all, and how often its worker was killed.

    Args:
        bench: with Python's source and sink, which count.
        length: of the file.
        every_bytes: a worker is killed with SIGKILL when the source has given so many since it began.
        say: told after each kill.
    """
    kills, begun_at = 0, stats_of(bench.source)["bytes_moved"]
    while True:
        options = ["--resume"] if kills else []
        process = subprocess.Popen(
            [sys.executable, "-m", "dev.bench.ours", str(length), *options],
            env=bench.environment(),
            cwd=REPOSITORY,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        if not _killed_after(process, bench, stats_of(bench.source)["bytes_moved"] + every_bytes):
            break
        kills += 1
        say(f"{kills} kills, {stats_of(bench.sink)['bytes_moved'] / length:.0%} staged")
    fetched = stats_of(bench.source)["bytes_moved"] - begun_at
    return fetched / length, kills


def _killed_after(process: "subprocess.Popen[bytes]", bench: Bench, limit: int) -> bool:
    while process.poll() is None:
        if stats_of(bench.source)["bytes_moved"] >= limit:
            os.kill(process.pid, signal.SIGKILL)
            process.wait()
            return True
        time.sleep(_LOOK_SECONDS)
    if process.returncode:
        raise RuntimeError(f"our copy ended with {process.returncode}")
    return False
