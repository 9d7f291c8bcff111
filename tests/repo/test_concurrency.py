"""How many chunks run at once is said in three places, which must agree (ADR 0035)."""

import json
import re
from pathlib import Path

from dev.bench.many import host_concurrency
from dev.world import LocalWorld

REPOSITORY = Path(__file__).parents[2]
_OTHER_FUNCTIONS = 4  # events, timers and requests that must not wait for chunks


def test_every_chunk_that_the_host_hands_out_finds_a_thread() -> None:
    """One that waits for a thread keeps its message invisible, and its lease runs."""
    threads = int(re.findall(r"PYTHON_THREADPOOL_THREAD_COUNT: '(\d+)'", _infra())[0])
    assert threads >= host_concurrency() + _OTHER_FUNCTIONS


def test_the_local_world_runs_as_many_as_the_templates() -> None:
    """What is measured at a desk would else be another app."""
    (in_infra,) = re.findall(r"PYTHON_THREADPOOL_THREAD_COUNT: '(\d+)'", _infra())
    (in_world,) = re.findall(r'"PYTHON_THREADPOOL_THREAD_COUNT": "(\d+)"', _source_of_the_world())
    assert in_world == in_infra


def test_the_page_says_what_host_json_says() -> None:
    """An operator who changes one must find the other."""
    queues = json.loads((REPOSITORY / "host.json").read_text(encoding="utf-8"))["extensions"]["queues"]
    page = (REPOSITORY / "docs" / "configuration.md").read_text(encoding="utf-8")
    assert f"`batchSize` {queues['batchSize']}, `newBatchThreshold` {queues['newBatchThreshold']}" in page


def _infra() -> str:
    return (REPOSITORY / "infra" / "main.bicep").read_text(encoding="utf-8")


def _source_of_the_world() -> str:
    module = LocalWorld.__module__.replace(".", "/")
    return (REPOSITORY / f"{module}.py").read_text(encoding="utf-8")
