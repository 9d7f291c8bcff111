"""The curl lines of docs/local-world.md work as printed, against a running simulator."""

import json
import re
import shlex
from collections.abc import Iterator
from uuid import uuid4

import pytest
import urllib3
from azure.storage.queue import QueueClient

from dev.acs_simulator.options import SimulatorOptions
from dev.acs_simulator.threaded import SimulatorHandle, run_in_thread
from dev.azurite import Azurite
from dev.policies.repository import DOCS

LINES = re.findall(r"^curl .*$", (DOCS / "local-world.md").read_text(encoding="utf-8"), re.MULTILINE)


@pytest.fixture(scope="module")
def simulator(azurite: Azurite) -> Iterator[SimulatorHandle]:
    queue = f"curl-lines-{uuid4().hex[:8]}"
    with QueueClient.from_connection_string(azurite.connection_string, queue) as client:
        client.create_queue()
    with run_in_thread(SimulatorOptions()) as handle:
        handle.client.subscribe_queue(azurite.connection_string, queue, name="webhook-1")
        yield handle


@pytest.mark.azurite
@pytest.mark.parametrize("line", LINES)
def test_a_line_of_the_page_is_understood(line: str, simulator: SimulatorHandle) -> None:
    """It is copied by somebody who has never seen the simulator."""
    call = simulator.client.create_call()
    method, url, body = _read(line.replace("$SIM", simulator.addresses.admin_url).replace("CALL_ID", call["callId"]))
    answer = urllib3.request(method, url, body=body, retries=False, timeout=30.0)
    assert answer.status < 300, answer.data
    assert method == "DELETE" or json.loads(answer.data) is not None
    assert method == "DELETE" or answer.data.endswith(b"\n"), "the prompt would stand behind the answer"


def test_the_page_has_lines_for_everything_that_matters() -> None:
    """Calls, clock, faults, deliveries: if the pattern found none, the test above would prove nothing."""
    assert {"calls", "objects", "clock", "faults", "deliveries"} <= {_read(line)[1].split("/")[2] for line in LINES}


def _read(line: str) -> tuple[str, str, str | None]:
    """Method, URL and body of a curl command that uses only -s, -X and -d."""
    words = shlex.split(line)
    assert words[:2] == ["curl", "-s"]
    body = words[words.index("-d") + 1] if "-d" in words else None
    method = words[words.index("-X") + 1] if "-X" in words else ("POST" if body else "GET")
    url = next(word for word in words if "/_simulator/" in word)
    return method, url, body
