"""One message of a trigger queue: keep its lease, run the function, then delete, put back or set aside as poison.

The rules are those of the storage extension (QueueProcessor): a message that was dequeued more than
`maxDequeueCount` times is not run at all, one that fails for the `maxDequeueCount`th time goes to `<queue>-poison`.
"""

import asyncio
import base64
import binascii
import json
import logging
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from azure.core.exceptions import AzureError, HttpResponseError
from azure.functions.meta import Datum
from azure.storage.queue import QueueMessage
from azure.storage.queue.aio import QueueClient

from dev.functions_host.engines.engine import FunctionFailedError
from dev.functions_host.host_json import QueueSettings
from dev.functions_host.queue.output import send_creating

log = logging.getLogger("host.queue")

Run = Callable[[Datum, Mapping[str, Datum]], Awaitable[object]]
_LOST_RECEIPT = ("PopReceiptMismatch", "MessageNotFound")


@dataclass(frozen=True)
class MessageProcessor:
    """Takes received messages of one queue to their end. Lease in seconds."""

    queue: QueueClient
    poison: QueueClient | None
    settings: QueueSettings
    lease_seconds: int
    run: Run

    async def process(self, message: QueueMessage) -> None:
        """Run the function once for this message, unless the message is poison already."""
        content = decode(str(message.content or ""), is_base64=self.settings.is_base64)
        if content is None:
            log.warning("message %s of %s is not base64", message.id, self.queue.queue_name)
            await self._set_aside(message)
        elif (message.dequeue_count or 0) > self.settings.max_dequeue_count:
            await self._set_aside(message)
        else:
            await self._run_under_lease(message, content)

    async def _run_under_lease(self, message: QueueMessage, content: bytes) -> None:
        finished = asyncio.Event()
        lease = asyncio.create_task(self._keep_lease(message, finished))
        try:
            succeeded = await self._succeeds(message, content)
        finally:
            finished.set()
        await lease  # a renewal under way changes the pop receipt, so it must end before the message is settled
        await (self._delete(message) if succeeded else self._failed(message))

    async def _succeeds(self, message: QueueMessage, content: bytes) -> bool:
        try:
            await self.run(Datum(content.decode(errors="replace"), "string"), metadata_of(message, content))
        except FunctionFailedError:
            return False
        return True

    async def _keep_lease(self, message: QueueMessage, finished: asyncio.Event) -> None:
        """Renew at half of the lease while the function runs; give up for good when the lease is lost."""
        while not await _happens_within(self.lease_seconds / 2, finished):
            try:
                await self._update(message, self.lease_seconds)
            except AzureError as error:
                log.warning("lease of message %s was not renewed: %s", message.id, error.message)
                if _is_lost(error):
                    return

    async def _failed(self, message: QueueMessage) -> None:
        if self.poison is None:
            return  # without a poison queue the message stays invisible for the rest of its lease
        if (message.dequeue_count or 0) >= self.settings.max_dequeue_count:
            await self._set_aside(message)
        else:
            await self._unless_lost(message, self._update(message, self.settings.visibility_timeout_seconds))

    async def _set_aside(self, message: QueueMessage) -> None:
        if self.poison is None:
            return
        log.warning("message %s has been moved to %s", message.id, self.poison.queue_name)
        await send_creating(self.poison, str(message.content or ""))
        await self._delete(message)

    async def _update(self, message: QueueMessage, visibility_seconds: int) -> None:
        updated = await self.queue.update_message(
            message.id, message.pop_receipt, visibility_timeout=visibility_seconds
        )
        message.pop_receipt = updated.pop_receipt

    async def _delete(self, message: QueueMessage) -> None:
        await self._unless_lost(message, self.queue.delete_message(message.id, message.pop_receipt))

    async def _unless_lost(self, message: QueueMessage, request: Awaitable[object]) -> None:
        """A lost lease is only noted: someone else has the message now."""
        try:
            await request
        except HttpResponseError as error:
            if not _is_lost(error):
                raise
            log.warning("message %s is leased elsewhere now: %s", message.id, _code(error))


def decode(text: str, *, is_base64: bool) -> bytes | None:
    """Return the content of a message text; None when it is not what `messageEncoding` says."""
    if not is_base64:
        return text.encode()
    try:
        return base64.b64decode("".join(text.split()), validate=True)
    except (binascii.Error, ValueError):
        return None


def metadata_of(message: QueueMessage, content: bytes) -> dict[str, Datum]:
    """Return the trigger metadata.

    The message's own facts, and the top-level properties of a JSON message beneath them.
    """
    return {
        **_top_level_properties(content),
        "QueueTrigger": Datum(content.decode(errors="replace"), "string"),
        "Id": Datum(str(message.id), "string"),
        "DequeueCount": Datum(json.dumps(message.dequeue_count), "json"),
        "PopReceipt": Datum(str(message.pop_receipt), "string"),
        "InsertionTime": _time(message.inserted_on),
        "ExpirationTime": _time(message.expires_on),
        "NextVisibleTime": _time(message.next_visible_on),
    }


def _top_level_properties(content: bytes) -> dict[str, Datum]:
    try:
        parsed = json.loads(content)
    except ValueError:
        return {}
    return {str(name): _property(value) for name, value in parsed.items()} if isinstance(parsed, dict) else {}


def _property(value: Any) -> Datum:
    return Datum(value, "string") if isinstance(value, str) else Datum(json.dumps(value), "json")


def _time(moment: datetime | None) -> Datum:
    return Datum(json.dumps(moment.isoformat() if moment else None), "json")


def _is_lost(error: AzureError) -> bool:
    return isinstance(error, HttpResponseError) and (_code(error) in _LOST_RECEIPT or error.status_code == 404)


def _code(error: HttpResponseError) -> str:
    return str(getattr(error, "error_code", ""))


async def _happens_within(seconds: float, event: asyncio.Event) -> bool:
    try:
        await asyncio.wait_for(event.wait(), seconds)
    except TimeoutError:
        return False
    return True
