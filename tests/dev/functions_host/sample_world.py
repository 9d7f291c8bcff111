"""A host over the sample app, queues of its own in Azurite, and the traces that the sample's functions leave."""

import base64
import json
import time
import uuid
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import urllib3
from azure.core.exceptions import ResourceExistsError, ResourceNotFoundError
from azure.storage.queue import QueueClient, TextBase64EncodePolicy

from dev.functions_host.host import FunctionsHost
from dev.functions_host.options import HostOptions

SAMPLE_APP = Path(__file__).resolve().parents[2] / "fixtures" / "sample_app"
NEVER = "0 0 0 29 2 *"


def wait_until(happens: Callable[[], Any], seconds: float = 15.0) -> Any:
    """Returns what `happens` answers as soon as it is truthy; fails the test after the time."""
    give_up_at = time.monotonic() + seconds
    while not (answer := happens()):
        assert time.monotonic() < give_up_at, "it did not happen in time"
        time.sleep(0.02)
    return answer


@dataclass(frozen=True)
class SampleWorld:
    """Where one host over the sample app finds and leaves things."""

    work_dir: Path
    connection_string: str
    name: str
    changed: Mapping[str, str]

    @property
    def settings(self) -> dict[str, str]:
        return {
            "AzureWebJobsStorage": self.connection_string,
            "CHUNK_QUEUE": f"{self.name}-chunks",
            "ASYNC_QUEUE": f"{self.name}-async",
            "RESULT_QUEUE": f"{self.name}-results",
            "TIMER_SCHEDULE": NEVER,
            "SAMPLE_TRACE": str(self.work_dir / "trace.jsonl"),
            "SAMPLE_SETTING": "from the settings",
            **self.changed,
        }

    def options(self, **changes: Any) -> HostOptions:
        """The options of a host over this world, on a free port unless one is given."""
        own = {"app_dir": SAMPLE_APP, "settings": self.settings, "port": 0, "state_dir": self.work_dir}
        return HostOptions(**{**own, **changes})

    def traces(self, **wanted: Any) -> list[dict[str, Any]]:
        """The traces that hold all wanted values, oldest first."""
        path = self.work_dir / "trace.jsonl"
        lines = path.read_text().splitlines() if path.exists() else []
        found = [json.loads(line) for line in lines]
        return [trace for trace in found if wanted.items() <= trace.items()]

    @contextmanager
    def queue(self, kind: str) -> Iterator[QueueClient]:
        """A client of one of the world's queues that sends base64 and reads raw texts."""
        name = f"{self.name}-{kind}"
        policy = TextBase64EncodePolicy()
        with QueueClient.from_connection_string(self.connection_string, name, message_encode_policy=policy) as client:
            yield client

    def send(self, kind: str, content: object) -> None:
        """Sends a text as it is, anything else as JSON, both as base64; creates the queue when it is absent."""
        with self.queue(kind) as queue:
            with suppress(ResourceExistsError):
                queue.create_queue()
            queue.send_message(content if isinstance(content, str) else json.dumps(content))

    def count(self, kind: str) -> int:
        """How many messages the queue holds, visible or not; -1 when there is no such queue."""
        with self.queue(kind) as queue:
            try:
                return int(queue.get_queue_properties().approximate_message_count or 0)
            except ResourceNotFoundError:
                return -1

    def peek(self, kind: str) -> list[str]:
        """The decoded contents of the visible messages; none when there is no such queue."""
        with self.queue(kind) as queue:
            try:
                return [base64.b64decode(message.content).decode() for message in queue.peek_messages(32)]
            except ResourceNotFoundError:
                return []


@dataclass(frozen=True)
class RunningSample:
    """A host that runs, and the world it runs in."""

    world: SampleWorld
    host: FunctionsHost

    def request(self, method: str, path: str, **details: Any) -> urllib3.BaseHTTPResponse:
        with urllib3.PoolManager(retries=False) as pool:
            return pool.request(method, f"{self.host.url}{path}", **details)


def new_world(connection_string: str, work_dir: Path, **changed: str) -> SampleWorld:
    """A world with queues of its own and the given settings changed."""
    return SampleWorld(work_dir, connection_string, f"q{uuid.uuid4().hex[:12]}", changed)
