"""A queue trigger: fetches batches, runs their messages in parallel, waits longer while the queue is empty."""

import asyncio
import logging
from collections.abc import Sequence

from azure.core.exceptions import AzureError, ResourceNotFoundError
from azure.storage.queue import QueueMessage
from azure.storage.queue.aio import QueueClient

from dev.functions_host.host_json import QueueSettings
from dev.functions_host.queue.connections import QueueConnections
from dev.functions_host.queue.message import MessageProcessor, Run
from dev.functions_host.queue.output import create_if_absent
from dev.functions_host.queue.polling import PollingBackoff

log = logging.getLogger("host.queue")

_POISON_SUFFIX = "-poison"
_LONGEST_QUEUE_NAME = 63


class QueueListener:
    """Serves one function's queue from `start` to `stop`. At most batch size + threshold messages run at a time."""

    def __init__(self, queue: QueueClient, processor: MessageProcessor, settings: QueueSettings) -> None:
        self._queue = queue
        self._processor = processor
        self._settings = settings
        self._backoff = PollingBackoff(settings.max_polling_interval_seconds)
        self._running: set[asyncio.Task[None]] = set()
        self._notified = asyncio.Event()
        self._is_stopping = False
        self._loop: asyncio.Task[None] | None = None

    @property
    def queue_name(self) -> str:
        """Return the queue that is served."""
        return self._queue.queue_name

    def start(self) -> None:
        """Begin to poll. Do nothing when it polls already."""
        self._is_stopping = False
        if self._loop is None or self._loop.done():
            self._loop = asyncio.create_task(self._poll_until_stopped())

    def notify(self) -> None:
        """End the current wait: an output of this host has just written to the queue."""
        self._notified.set()

    async def stop(self) -> None:
        """Fetch no more and return when the messages already fetched are done with."""
        self._is_stopping = True
        self.notify()
        if self._loop is not None:
            await self._loop
        if self._running:
            await asyncio.wait(self._running)

    async def _poll_until_stopped(self) -> None:
        while not self._is_stopping:
            batch = await self._receive()
            for message in batch:
                self._begin(message)
            if batch:
                self._backoff.after(found=True)
                await self._wait_for_threshold()
            else:
                await self._pause(self._backoff.after(found=False))

    async def _receive(self) -> Sequence[QueueMessage]:
        """Return one batch; storage faults count as an empty look, so the wait grows and the host stays up."""
        try:
            return await self._receive_batch()
        except ResourceNotFoundError:
            return await self._create_queue()
        except AzureError as error:
            log.warning("queue %s cannot be read: %s", self.queue_name, error.message)
            return []

    async def _receive_batch(self) -> Sequence[QueueMessage]:
        pages = self._queue.receive_messages(
            messages_per_page=self._settings.batch_size,
            visibility_timeout=self._processor.lease_seconds,
            retry_total=0,  # the next look is the retry; the SDK's own would hide an outage for most of a minute
        ).by_page()
        async for page in pages:
            return [message async for message in page]
        return []

    async def _create_queue(self) -> Sequence[QueueMessage]:
        try:
            await create_if_absent(self._queue)
            log.warning("queue %s did not exist and was created; the real host waits for it instead", self.queue_name)
        except AzureError as error:
            log.warning("queue %s cannot be created: %s", self.queue_name, error.message)
        return []

    def _begin(self, message: QueueMessage) -> None:
        task = asyncio.create_task(self._process(message))
        self._running.add(task)
        task.add_done_callback(self._running.discard)

    async def _process(self, message: QueueMessage) -> None:
        try:
            await self._processor.process(message)
        except AzureError as error:
            # The message becomes visible again when its lease ends; nothing is lost, so the listener goes on.
            log.error(  # noqa: TRY400 - the service's own words are enough, a stack of the SDK is not
                "message %s of %s could not be settled: %s", message.id, self.queue_name, error.message
            )

    async def _wait_for_threshold(self) -> None:
        while len(self._running) > self._settings.new_batch_threshold and not self._is_stopping:
            await asyncio.wait(self._running, return_when=asyncio.FIRST_COMPLETED)

    async def _pause(self, seconds: float) -> None:
        try:
            await asyncio.wait_for(self._notified.wait(), seconds)
        except TimeoutError:
            return
        finally:
            self._notified.clear()


def create_listener(
    connections: QueueConnections,
    connection: str,
    queue_name: str,
    settings: QueueSettings,
    run: Run,
    *,
    lease_seconds: int,
) -> QueueListener:
    """Return a listener for that queue. Raises AppError when the connection is not configured."""
    queue = connections.queue(connection, queue_name)
    poison_name = poison_queue_name(queue_name)
    poison = connections.queue(connection, poison_name) if poison_name else None
    return QueueListener(queue, MessageProcessor(queue, poison, settings, lease_seconds, run), settings)


def poison_queue_name(queue_name: str) -> str | None:
    """Return where failing messages go.

    A poison queue, and a queue whose name has no room for the suffix, have none.
    """
    name = queue_name + _POISON_SUFFIX
    return None if queue_name.endswith(_POISON_SUFFIX) or len(name) > _LONGEST_QUEUE_NAME else name
