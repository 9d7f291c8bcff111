"""The line on its real adapters, against Azurite and the ACS simulator; the proof plays the host and skips the waits.

Between the adapters and the services stand relays. Only the limits are shorter than in production, so that it is quick.
"""

import base64
import logging
import re
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Protocol, TypeVar, cast
from urllib.parse import urlsplit

import pytest
from azure.core.exceptions import HttpResponseError, ResourceNotFoundError
from azure.storage.queue import QueueClient, QueueMessage
from pydantic import SecretStr

from dev.acs_simulator.threaded import SimulatorHandle
from recording.adapters.acs.control import AcsControl
from recording.adapters.acs.source import AcsSource
from recording.adapters.azure_sdk.clients import CLIENT_OPTIONS
from recording.adapters.blob import container as _blob_container
from recording.adapters.blob.archive import BlobArchive
from recording.adapters.blob.external import ExternalBlobs
from recording.adapters.blob.quarantine import BlobQuarantine
from recording.adapters.blob.transport import shared_transport
from recording.adapters.storage_queue import StorageChunkQueue
from recording.adapters.table.audit import TableAudit
from recording.adapters.table.catalog import TableCatalog
from recording.adapters.table.start_counts import TableStartCounts
from recording.archive.line import archive_message
from recording.archive.transfer.buffers import process_pool
from recording.domain.names import CHUNKS_QUEUE
from recording.domain.state.chunk import ChunkRecord, ChunkTask
from recording.domain.state.quarantine import Origin
from recording.domain.state.records import changed
from recording.errors import RecordingError
from recording.ingest import ingest_event
from recording.ports import Catalog, ChunkQueue, Ports
from recording.settings import AcsConnection, Settings, StorageConnection

JSON = dict[str, Any]
A = TypeVar("A", bound="Closeable")
BLOCK_BYTES = 64 * 1024
MOST_TURNS = 40  # of one chunk: a line that needs more runs in a circle
REDELIVERED_AFTER = timedelta(minutes=1)  # host.json visibilityTimeout


class Closeable(Protocol):
    """Any adapter."""

    def close(self) -> None:
        """Close the connections."""
        ...


class SkippedTime:
    """The clock of a proof: what would be waited for is skipped."""

    def __init__(self) -> None:
        self.ahead = timedelta()

    def now(self) -> datetime:
        """Return the time, aware UTC."""
        return datetime.now(UTC) + self.ahead

    def skip(self, time: timedelta) -> None:
        """Let that much time go by."""
        self.ahead += time

    def reset(self) -> None:
        """Return to the present, so that many chunks in a row do not outlive ACS's limit."""
        self.ahead = timedelta()


class SkippedCatalog:
    """The real catalog, whose clock has skipped what the proof's clock has: all instances share one time."""

    def __init__(self, catalog: TableCatalog, clock: SkippedTime) -> None:
        self._catalog, self._clock = catalog, clock

    def save_chunk(self, record: ChunkRecord) -> ChunkRecord:
        """Save it, and return it with the time of the save."""
        saved = self._catalog.save_chunk(record)
        return saved if saved.saved_at is None else changed(saved, saved_at=saved.saved_at + self._clock.ahead)

    def time(self) -> datetime:
        """Return the catalog's time."""
        return self._catalog.time() + self._clock.ahead

    def __getattr__(self, name: str) -> Any:
        return getattr(self._catalog, name)


class UnhurriedQueue:
    """The real queue, whose delays are noted and skipped instead of waited for, as far as they go beyond `most`."""

    def __init__(
        self, queue: StorageChunkQueue, skip: Callable[[timedelta], None], most: timedelta = timedelta()
    ) -> None:
        self.delays: list[timedelta] = []
        self._queue, self._skip, self._most = queue, skip, most

    def send(self, task: ChunkTask, delay: timedelta = timedelta()) -> None:
        """Enqueue for then, or sooner."""
        self._queue.send(task, min(delay, self._most))
        self.delays.append(delay)
        self._skip(delay)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._queue, name)


@contextmanager
def short_timeouts(seconds: float, pauses: tuple[float, float] = (0.01, 0.02)) -> Iterator[None]:
    """Shorten the adapters' own limits: a stalled call ends in a second instead of thirty."""

    def transport() -> Any:
        made = shared_transport()
        made.connection_config.read_timeout = made.connection_config.timeout = seconds
        return made

    with pytest.MonkeyPatch.context() as patch:
        patch.setitem(CLIENT_OPTIONS, "read_timeout", seconds)
        patch.setitem(CLIENT_OPTIONS, "connection_timeout", seconds)
        patch.setattr(_blob_container, "shared_transport", transport)
        patch.setattr("recording.adapters.azure_sdk.clients.PAUSES", pauses)
        patch.setattr("recording.adapters.http1.connections.READ_SECONDS", seconds)
        patch.setattr("recording.adapters.http1.connections.CONNECT_SECONDS", seconds)
        yield


@contextmanager
def quiet() -> Iterator[None]:
    """Silence the log lines that thousands of failures on purpose would write."""
    logging.disable(logging.CRITICAL)
    try:
        yield
    finally:
        logging.disable(logging.NOTSET)


def relayed(connection_string: str, ports: Mapping[str, int]) -> str:
    """Return a storage connection string whose services are reached through other ports of loopback."""
    for service, port in ports.items():
        pattern = rf"({service}Endpoint=http://[^:;]+):\d+"
        connection_string = re.sub(pattern, rf"\g<1>:{port}", connection_string, flags=re.IGNORECASE)
    return connection_string


def service_ports(connection_string: str) -> dict[str, int]:
    """Return where Azurite's three services listen."""
    parts = dict(part.split("=", 1) for part in connection_string.split(";") if part)
    return {name: urlsplit(parts[f"{name.title()}Endpoint"]).port or 0 for name in ("blob", "queue", "table")}


def line_settings(storage: str, simulator: SimulatorHandle, proxy_port: int, ca_bundle: Path | str) -> Settings:
    """Return settings for relays: small blocks, so that small media has many."""
    connection = StorageConnection(connection_string=SecretStr(storage))
    addresses = simulator.addresses
    acs = AcsConnection(
        endpoint=addresses.endpoint,
        access_key=SecretStr(addresses.access_key),
        proxy_url=f"http://127.0.0.1:{proxy_port}",
        ca_bundle=str(ca_bundle),
        resource_id=addresses.resource_id,
    )
    return Settings(acs=acs, host_storage=connection, archive_storage=connection, copy_block_bytes=BLOCK_BYTES)


@contextmanager
def real_ports(
    settings: Settings, clock: SkippedTime, skip: Callable[[timedelta], None], longest_delay: timedelta = timedelta()
) -> Iterator[Ports]:
    """Yield the production adapters, closed at the end."""
    with ExitStack() as stack:

        def opened(adapter: A) -> A:
            stack.callback(adapter.close)
            return adapter

        yield Ports(
            clock=clock,
            control=opened(AcsControl(settings.acs)),
            source=opened(AcsSource(settings.acs)),
            external=opened(ExternalBlobs(settings)),
            archive=opened(BlobArchive(settings)),
            catalog=cast("Catalog", SkippedCatalog(opened(TableCatalog(settings)), clock)),
            queue=cast("ChunkQueue", UnhurriedQueue(opened(StorageChunkQueue(settings)), skip, longest_delay)),
            quarantine=opened(BlobQuarantine(settings)),
            audit=opened(TableAudit(settings)),
            start_counts=opened(TableStartCounts(settings)),
            pool=opened(process_pool(settings.copy_slots, settings.copy_block_bytes)),
        )


@dataclass
class PlayedHost:
    """Delivers events and queue messages as Functions does: again, after an error, until it is handled."""

    ports: Ports
    settings: Settings
    clock: SkippedTime
    queue: QueueClient
    errors: list[str] = field(default_factory=list)

    def deliver(self, event: JSON) -> None:
        """Deliver an event until it is answered well. Raises RecordingError when it never is."""
        for _ in range(MOST_TURNS):
            try:
                ingest_event(event, Origin.EVENT_GRID, self.ports, self.settings)
            except RecordingError as error:
                self.errors.append(error.code)
                self.clock.skip(REDELIVERED_AFTER)
            else:
                return
        raise RecordingError(f"the event was refused {MOST_TURNS} times")

    def work(self) -> int:
        """Hand out messages until none is left; return how many turns that took."""
        for turn in range(MOST_TURNS):
            message = next(iter(self.queue.receive_messages(max_messages=1, visibility_timeout=60)), None)
            if message is None:
                return turn
            try:
                archive_message(base64.b64decode(message.content).decode(), self.ports, self.settings)
            except RecordingError as error:
                self.errors.append(error.code)
                self.clock.skip(REDELIVERED_AFTER)
                self.queue.update_message(message, visibility_timeout=0)
                continue
            self.queue.delete_message(message)
        raise RecordingError(f"the chunk was not settled in {MOST_TURNS} turns")


def open_queue(connection_string: str) -> QueueClient:
    """Return the chunk queue, past the relays."""
    return QueueClient.from_connection_string(connection_string, CHUNKS_QUEUE)


def delete_if_ours(queue: QueueClient, message: QueueMessage) -> None:
    """Delete a handled message, unless its lease has ended and somebody else has it by now."""
    try:
        queue.delete_message(message)
    except ResourceNotFoundError:
        return
    except HttpResponseError as error:
        if error.error_code != "PopReceiptMismatch":  # type: ignore[attr-defined]  # the storage SDK adds it
            raise
