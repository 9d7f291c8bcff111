"""The queue trigger against a real queue: counts, poison, leases and limits, as the storage extension has them."""

import base64
import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from azure.core.exceptions import ResourceNotFoundError
from azure.storage.queue import QueueClient

from dev.azurite import Azurite
from dev.functions_host.queue.listener import poison_queue_name
from dev.functions_host.threaded import run_in_thread
from tests.dev.functions_host.sample_world import SampleWorld, new_world, wait_until

pytestmark = pytest.mark.azurite


@pytest.fixture
def world(azurite: Azurite, tmp_path: Path) -> SampleWorld:
    return new_world(azurite.connection_string, tmp_path)


@contextmanager
def running(world: SampleWorld, **options: Any) -> Iterator[None]:
    with run_in_thread(world.options(**options)):
        yield


def send_raw(world: SampleWorld, text: str) -> None:
    with QueueClient.from_connection_string(world.connection_string, f"{world.name}-chunks") as queue:
        queue.create_queue()
        queue.send_message(text)


def tries(world: SampleWorld, name: str) -> list[int]:
    return [trace["try"] for trace in world.traces(task=name, at="start")]


def test_a_message_that_succeeds_is_run_once_and_deleted(world: SampleWorld) -> None:
    """The normal case; everything else is for when it is not."""
    world.send("chunks", {"name": "one"})
    with running(world):
        wait_until(lambda: world.traces(task="one", at="end"))
        wait_until(lambda: world.count("chunks") == 0)
    assert tries(world, "one") == [1]
    assert world.traces(task="one", at="start")[0]["inserted"].endswith("+00:00")


def test_a_failing_message_is_tried_up_to_the_limit_and_then_set_aside(world: SampleWorld) -> None:
    """Three tries a second apart, by host.json; then the poison queue holds the same content under a new id."""
    message = {"name": "bad", "fail": True}
    world.send("chunks", message)
    with running(world):
        wait_until(lambda: world.peek("chunks-poison"))
    assert tries(world, "bad") == [1, 2, 3]
    assert json.loads(world.peek("chunks-poison")[0]) == message
    assert world.count("chunks") == 0


def test_a_message_that_was_dequeued_too_often_is_set_aside_without_a_run(world: SampleWorld) -> None:
    """Crashes use up tries as well: after the last one nothing runs any more."""
    world.send("chunks", {"name": "worn"})
    with world.queue("chunks") as queue:
        for _ in range(3):
            found = queue.receive_message(visibility_timeout=60)
            assert found is not None
            queue.update_message(found.id, found.pop_receipt, visibility_timeout=0)
    with running(world):
        wait_until(lambda: world.peek("chunks-poison"))
    assert tries(world, "worn") == []


@pytest.mark.parametrize("text", ["not base64!", "abc"])
def test_a_message_that_is_not_base64_is_set_aside_as_it_is(world: SampleWorld, text: str) -> None:
    """Someone else's message must neither be run nor be lost."""
    send_raw(world, text)
    with running(world):
        wait_until(lambda: world.count("chunks-poison") == 1)
    with world.queue("chunks-poison") as poison:
        assert [message.content for message in poison.peek_messages()] == [text]
    assert world.count("chunks") == 0


def test_the_lease_is_renewed_for_as_long_as_the_function_runs(world: SampleWorld) -> None:
    """Long copies outlive the lease by far; without renewal they would run twice at a time."""
    world.send("chunks", {"name": "long", "sleep": 3.5})
    with running(world, queue_lease_seconds=2):
        wait_until(lambda: world.traces(task="long", at="end"))
        wait_until(lambda: world.count("chunks") == 0)
    assert tries(world, "long") == [1]


def test_a_lost_lease_is_noted_and_the_message_is_left_to_its_new_owner(
    world: SampleWorld, caplog: pytest.LogCaptureFixture
) -> None:
    """Deleting what someone else holds would lose the work."""
    world.send("chunks", {"name": "stolen", "sleep": 2})
    with running(world, queue_lease_seconds=1, drain_limit_seconds=20):
        wait_until(lambda: world.traces(task="stolen", at="start"))
        with world.queue("chunks") as queue:
            queue.clear_messages()
        wait_until(lambda: world.traces(task="stolen", at="end"))
        wait_until(lambda: "is leased elsewhere now" in caplog.text)
    assert caplog.text.count("was not renewed") == 1


def test_no_more_than_batch_and_threshold_run_at_a_time(world: SampleWorld) -> None:
    """Memory and bandwidth of the archive are planned with this number: 4 + 1 in the sample."""
    for number in range(12):
        world.send("chunks", {"name": f"p{number}", "sleep": 0.2})
    with running(world):
        wait_until(lambda: len(world.traces(at="end")) == 12)
    most = max(trace["parallel"] for trace in world.traces() if "parallel" in trace)
    assert 4 <= most <= 5


def test_a_queue_that_is_absent_is_created_and_an_output_wakes_its_listener(world: SampleWorld) -> None:
    """An async function, `$return` as an output, and a result queue that nobody made."""
    with running(world):
        wait_until(lambda: world.count("async") == 0)
        world.send("async", "pass me on")
        wait_until(lambda: world.peek("results") == ["pass me on"])


def test_a_queue_that_is_deleted_while_the_host_runs_is_made_again(world: SampleWorld) -> None:
    """Storage faults must not end the listener."""
    with running(world):
        wait_until(lambda: world.count("chunks") == 0)
        with world.queue("chunks") as queue:
            queue.delete_queue()
            wait_until(lambda: world.count("chunks") == 0)
            queue.send_message(json.dumps({"name": "after"}))
        wait_until(lambda: world.traces(task="after", at="end"))


def test_poison_queues_have_no_poison_queue_of_their_own() -> None:
    """Nor have names that leave no room for the suffix."""
    assert poison_queue_name("chunks") == "chunks-poison"
    assert poison_queue_name("chunks-poison") is None
    assert poison_queue_name("c" * 57) is None


def test_without_a_poison_queue_a_failed_message_stays_for_the_rest_of_its_lease(
    azurite: Azurite, tmp_path: Path
) -> None:
    """The real host does not put it back at once, to keep it from failing in a tight loop."""
    name = f"{tmp_path.name.replace('_', '-')[-30:].strip('-').lower()}-poison"
    world = new_world(azurite.connection_string, tmp_path, CHUNK_QUEUE=name)
    with QueueClient.from_connection_string(world.connection_string, name) as queue:
        queue.create_queue()
        queue.send_message(base64.b64encode(json.dumps({"name": "stuck", "fail": True}).encode()).decode())
        with running(world):
            wait_until(lambda: world.traces(task="stuck", at="start"))
        assert queue.get_queue_properties().approximate_message_count == 1
        assert queue.peek_messages() == []
        with pytest.raises(ResourceNotFoundError):
            QueueClient.from_connection_string(world.connection_string, f"{name}-poison").get_queue_properties()
