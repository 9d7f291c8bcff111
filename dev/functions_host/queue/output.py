"""Queue output bindings: what the host makes of a value that a function put into `func.Out`.

The rewriting of single texts is the real host's doing: its collector parses a text that looks like JSON. A text
`{…}` is written back indented, a text `[…]` becomes one message per element. `Out[List[str]]` passes unchanged.
"""

import base64
import json
from collections.abc import Callable, Iterable, Mapping
from contextlib import suppress
from typing import Any

from azure.core.exceptions import AzureError, ResourceExistsError, ResourceNotFoundError
from azure.functions.meta import Datum
from azure.storage.queue.aio import QueueClient

from dev.functions_host.engines.engine import FunctionFailedError
from dev.functions_host.functions import QUEUE_OUTPUT, Binding, FunctionSpec
from dev.functions_host.queue.connections import QueueConnections
from dev.functions_host.settings import resolve_names


class QueueOutputs:
    """Writes the outputs of succeeded functions, message by message, creating a queue that is absent."""

    def __init__(
        self,
        connections: QueueConnections,
        settings: Mapping[str, str],
        *,
        is_base64: bool,
        written: Callable[[str], None],
    ) -> None:
        self._connections = connections
        self._settings = settings
        self._is_base64 = is_base64
        self._written = written

    async def write(self, function: FunctionSpec, values: Mapping[str, Datum]) -> None:
        """Send all messages of all queue outputs; what was sent before a failure stays sent.

        Raises:
            FunctionFailedError: storage refused a message (too large, for instance). The invocation has failed.
        """
        for name, value in values.items():
            binding = function.output(name)
            if binding is not None and binding.type == QUEUE_OUTPUT:
                await self._send_all(binding, messages_of(value))

    async def _send_all(self, binding: Binding, texts: Iterable[bytes]) -> None:
        queue_name = resolve_names(binding.text("queueName"), self._settings)
        queue = self._connections.queue(binding.text("connection"), queue_name)
        try:
            for text in texts:
                await send_creating(queue, self._encode(text))
        except AzureError as error:
            raise FunctionFailedError(
                f"Error while handling parameter {binding.name} after function returned: {error}"
            ) from error
        self._written(queue_name)

    def _encode(self, content: bytes) -> str:
        return base64.b64encode(content).decode() if self._is_base64 else content.decode()


async def send_creating(queue: QueueClient, text: str) -> None:
    """Send the text as it is, creating the queue first when it is absent."""
    try:
        await queue.send_message(text)
    except ResourceNotFoundError:
        await create_if_absent(queue)
        await queue.send_message(text)


async def create_if_absent(queue: QueueClient) -> None:
    """Create the queue; someone else may have done so in the meantime."""
    with suppress(ResourceExistsError):
        await queue.create_queue()


def messages_of(value: Datum) -> list[bytes]:
    """Return the contents of the messages that one output value becomes."""
    if value.type == "json":
        return _from_json(json.loads(value.value))
    if value.type == "bytes":
        return [value.value]
    return _from_text(str(value.value))


def _from_text(text: str) -> list[bytes]:
    stripped = text.strip()
    looks_like_json = (stripped[:1], stripped[-1:]) in (("{", "}"), ("[", "]"))
    try:
        return _from_json(json.loads(text)) if looks_like_json else [text.encode()]
    except json.JSONDecodeError:
        return [text.encode()]


def _from_json(content: Any) -> list[bytes]:
    elements = content if isinstance(content, list) else [content]
    return [_element_text(element).encode() for element in elements]


def _element_text(element: Any) -> str:
    return element if isinstance(element, str) else json.dumps(element, indent=2, ensure_ascii=False)
