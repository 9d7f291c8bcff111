"""The host as a process: ready, killed, restarted, drained, weighed."""

import json
import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import urllib3

from dev.azurite import Azurite
from dev.functions_host.process import HostNotReadyError, HostProcess
from tests.dev.functions_host.sample_world import SAMPLE_APP, SampleWorld, new_world, wait_until

pytestmark = pytest.mark.azurite


@pytest.fixture
def world(azurite: Azurite, tmp_path: Path) -> SampleWorld:
    return new_world(azurite.connection_string, tmp_path)


def host_over(world: SampleWorld, **options: Any) -> HostProcess:
    return HostProcess(SAMPLE_APP, world.settings, world.work_dir, **options)


def get(url: str) -> int:
    with urllib3.PoolManager(retries=False) as pool:
        return pool.request("GET", url).status


def test_a_killed_hosts_message_comes_again_after_its_lease(world: SampleWorld) -> None:
    """Kill -9 in the middle of a copy: the message is invisible for a lease, then counts one more try."""
    world.send("chunks", {"name": "cut", "sleep": 1.0})
    with host_over(world, queue_lease=2) as host:
        wait_until(lambda: world.traces(task="cut", at="start"))
        first_pid = host.pid
        host.kill()
        assert not host.is_running()
        assert world.traces(task="cut", at="end") == []
        host.start().wait_ready()
        ended = wait_until(lambda: world.traces(task="cut", at="end"))
    assert (ended[0]["try"], ended[0]["pid"] == first_pid) == (2, False)


def test_sigterm_lets_running_functions_finish_and_exits_with_zero(world: SampleWorld) -> None:
    """The polite end: nothing is left half done, nothing comes twice."""
    world.send("chunks", {"name": "slow", "sleep": 0.5})
    with host_over(world) as host:
        wait_until(lambda: world.traces(task="slow", at="start"))
        assert host.terminate() == 0
    assert world.traces(task="slow", at="end")
    assert world.count("chunks") == 0
    assert "SIGTERM: draining" in host.log_text()
    assert "task done  task=slow" in host.log_text()


def test_the_drain_ends_at_its_limit_and_a_second_signal_ends_it_at_once(world: SampleWorld) -> None:
    """Neither a supervisor nor a person should have to wait for a hanging function."""
    world.send("chunks", {"name": "hangs", "sleep": 60})
    with host_over(world, drain_limit=0.3, queue_lease=1) as host:
        wait_until(lambda: world.traces(task="hangs", at="start"))
        assert host.terminate(timeout_seconds=10) == 0
        assert "left behind: work" in host.log_text()
    with host_over(world, drain_limit=60, queue_lease=1) as host:
        wait_until(lambda: len(world.traces(task="hangs", at="start")) == 2)
        os.kill(host.pid, signal.SIGINT)
        wait_until(lambda: "SIGINT: draining" in host.log_text())
        assert host.terminate(timeout_seconds=5) == 128 + signal.SIGTERM


def test_the_ready_file_tells_where_the_host_is_and_how_to_get_in(world: SampleWorld) -> None:
    """Other processes wait for it instead of guessing."""
    with host_over(world, enable_auth=True, keys={"master": "M", "host/default": "H"}) as host:
        ready = json.loads((world.work_dir / "ready.json").read_text())
        assert (ready["pid"], ready["url"], ready["keys"]["master"]) == (host.pid, host.url, "M")
        assert host.keys["functions"]["echo"]["default"]
        assert host.keys["system"]["eventgrid_extension"]
        assert get(f"{host.url}/admin/host/status?code=H") == 401
        assert get(f"{host.url}/admin/host/status?code=M") == 200
        assert host.rss_bytes() < 150 * 1024 * 1024
        assert f"ingest: eventGridTrigger {host.url}/runtime/webhooks/EventGrid" in host.log_text()
        assert f"hello: [GET] {host.url}/api/hello/{{name:alpha}}" in host.log_text()


def test_json_logs_can_be_read_by_programs(world: SampleWorld) -> None:
    """One object a line, with the fields of the app."""
    world.send("chunks", {"name": "logged"})
    with host_over(world, extra=["--log-json"]) as host:
        wait_until(lambda: "Functions.work succeeded" in host.log_text())
    lines = [json.loads(line) for line in host.log_text().splitlines() if line.startswith("{")]
    assert [line["task"] for line in lines if line["message"] == "task done"] == ["logged"]


def test_a_host_that_cannot_start_shows_why(world: SampleWorld) -> None:
    """The reason must be in the error, not in a file that nobody opens."""
    broken = HostProcess(world.work_dir, world.settings, world.work_dir)
    with pytest.raises(HostNotReadyError, match=r"no host\.json in"), broken:
        pass
    assert not broken.is_running()


@pytest.mark.parametrize("arguments", [["--key", "master"], ["--settings", "absent.json"], ["--engine", "worker"]])
def test_faults_of_the_command_line_exit_with_two(tmp_path: Path, arguments: list[str]) -> None:
    """Scripts tell a faulty call from a crash by the exit code."""
    command = [sys.executable, "-m", "dev.functions_host", "--app-dir", str(tmp_path), *arguments]
    ended = subprocess.run(command, capture_output=True, text=True, check=False, timeout=30)
    assert ended.returncode == 2
    assert "Traceback" not in ended.stderr
