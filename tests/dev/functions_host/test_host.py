"""A host as a whole: what a start refuses, and what a stop leaves behind."""

import os
import socket
import time
from pathlib import Path
from typing import Any

import pytest

from dev.azurite import Azurite
from dev.functions_host.functions import AppError
from dev.functions_host.threaded import run_in_thread
from tests.dev.functions_host.sample_world import RunningSample, new_world, wait_until

pytestmark = pytest.mark.azurite


def test_without_auth_everything_is_open_and_disabled_functions_are_gone(azurite: Azurite, tmp_path: Any) -> None:
    """`func start` asks for no key; a disabled function is a 404."""
    world = new_world(azurite.connection_string, tmp_path, **{"AzureWebJobs.fail.Disabled": "true"})
    with run_in_thread(world.options()) as host:
        open_sample = RunningSample(world, host)
        assert open_sample.request("POST", "/api/echo").status == 200
        assert open_sample.request("GET", "/admin/functions").status == 200
        assert open_sample.request("GET", "/api/fail").status == 404
        assert open_sample.request("OPTIONS", "/runtime/webhooks/EventGrid?functionName=ingest").status == 200


@pytest.mark.parametrize(
    ("changed", "named"),
    [
        ({"CHUNK_QUEUE": ""}, "CHUNK_QUEUE, which is not set"),
        ({"TIMER_SCHEDULE": "sometimes"}, "schedule 'sometimes'"),
        ({"AzureWebJobsStorage": ""}, "connection 'AzureWebJobsStorage': set AzureWebJobsStorage"),
        ({"AzureWebJobsStorage": "nonsense"}, "not a storage connection string"),
    ],
)
def test_a_missing_or_faulty_setting_stops_the_start_and_is_named(
    azurite: Azurite, tmp_path: Path, changed: dict[str, str], named: str
) -> None:
    """A host that starts with half of its triggers would lose recordings in silence."""
    world = new_world(azurite.connection_string, tmp_path, **changed)
    with pytest.raises(AppError, match=named), run_in_thread(world.options()):
        pass
    assert "SAMPLE_TRACE" not in os.environ


def test_a_port_in_use_is_an_error_with_the_port(azurite: Azurite, tmp_path: Path) -> None:
    """7071 is often taken by another host."""
    world = new_world(azurite.connection_string, tmp_path)
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        with pytest.raises(AppError, match=f"port {port}"), run_in_thread(world.options(port=port)):
            pass


def test_a_stop_waits_for_running_messages_and_deletes_them(azurite: Azurite, tmp_path: Path) -> None:
    """A message processed but not deleted would be processed again."""
    world = new_world(azurite.connection_string, tmp_path)
    world.send("chunks", {"name": "slow", "sleep": 0.5})
    with run_in_thread(world.options()) as host:
        wait_until(lambda: world.traces(task="slow", at="start"))
    assert len(world.traces(task="slow", at="end")) == 1
    assert world.count("chunks") == 0
    assert host.left_behind == []


def test_a_stop_waits_no_longer_than_its_limit(azurite: Azurite, tmp_path: Path) -> None:
    """The platform kills a worker that does not end; the message comes again after its lease."""
    world = new_world(azurite.connection_string, tmp_path)
    world.send("chunks", {"name": "endless", "sleep": 3})
    with run_in_thread(world.options(drain_limit_seconds=0.2)) as host:
        wait_until(lambda: world.traces(task="endless", at="start"))
        started = time.monotonic()
    assert time.monotonic() - started < 2.5
    assert host.left_behind == ["work"]
    assert world.count("chunks") == 1
