"""Measures the cold start: listing the triggers, and the first chunk of a fresh process."""

import json
import os
import statistics
import subprocess
import sys

from dev.bench.runs import Bench
from dev.bench.servers import REPOSITORY

_LISTING = "import time; t = time.perf_counter(); import function_app; function_app.app.get_functions();"
_INDEX = f"{_LISTING} print(time.perf_counter() - t)"
_SETTINGS = ("ACS_", "ARCHIVE_", "AzureWebJobsStorage")


def index_seconds(times: int) -> float:
    """Return median seconds to list the triggers with no settings present, over a bare interpreter.

    Compiled files are there, as after an installation by pip: a first run, which is not counted, writes them.
    """
    bare = {name: text for name, text in os.environ.items() if not name.startswith(_SETTINGS)}
    found = [float(_output([sys.executable, "-c", _INDEX], bare)) for _ in range(times + 1)]
    return statistics.median(found[1:])


def first_chunk_seconds(bench: Bench, times: int) -> float:
    """Return median seconds of a fresh process from its first import to a chunk of 1 MB, copied and verified."""
    script = (
        f"{_LISTING}from dev.bench import ours; ours.main(['1000000', '--readback']); print(time.perf_counter() - t)"
    )
    command = [sys.executable, "-c", script]
    found = [float(_output(command, bench.environment()).splitlines()[-1]) for _ in range(times + 1)]
    return statistics.median(found[1:])


def _output(command: list[str], environment: dict[str, str]) -> str:
    environment = {name: text for name, text in environment.items() if name != "PYTHONDONTWRITEBYTECODE"}
    done = subprocess.run(command, env=environment, cwd=REPOSITORY, capture_output=True, text=True, check=False)
    if done.returncode:
        raise RuntimeError(done.stderr[-400:])
    return done.stdout.strip()


if __name__ == "__main__":
    print(json.dumps({"index": index_seconds(3)}))
