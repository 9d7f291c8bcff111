"""Sends ACS's events to the topic as a real sender does: with Microsoft's own publisher, one after the other."""

import asyncio
from collections.abc import Callable
from contextlib import AsyncExitStack

from dev.acs_simulator.events.file_status import Event


class Publisher:
    """A queue in front of Microsoft's `EventGridPublisherClient`. All methods belong to one event loop.

    An event that the topic refuses is a failure of the simulator, and told to `failed`: only whole events come here.
    """

    def __init__(self, failed: Callable[[str], None]) -> None:
        self._failed = failed
        self._waiting: asyncio.Queue[Event] = asyncio.Queue()
        self._stack = AsyncExitStack()
        self._task: asyncio.Task[None] | None = None

    async def open(self, endpoint: str, key: str) -> None:
        """Begin to send to this topic, with its key; until then events wait."""
        from azure.core.credentials import AzureKeyCredential
        from azure.core.pipeline.transport import AioHttpTransport
        from azure.eventgrid.aio import EventGridPublisherClient

        # Loopback only: a proxy of the environment must not be asked.
        transport = AioHttpTransport(use_env_settings=False)
        client = EventGridPublisherClient(endpoint, AzureKeyCredential(key), transport=transport)
        await self._stack.enter_async_context(client)
        self._task = asyncio.create_task(self._run(client.send))

    def put(self, event: Event) -> None:
        """Send this event after those that wait already."""
        self._waiting.put_nowait(event)

    async def settle(self) -> None:
        """Return once everything that was put is with the topic."""
        await self._waiting.join()

    async def close(self) -> None:
        """Stop; what waits is abandoned."""
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)
        await self._stack.aclose()

    async def _run(self, send: Callable[..., object]) -> None:
        from azure.core.exceptions import AzureError

        while True:
            event = await self._waiting.get()
            try:
                await send(event)  # type: ignore[misc]  # the client's own type says nothing of it
            except AzureError as error:
                self._failed(f"the event {event.get('id')} was not published: {error}")
            finally:
                self._waiting.task_done()
