"""Fills the port ChunkQueue with Azure Queue Storage: base64 as the host does, messages that never expire."""

import base64
import binascii
import json
import math
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from datetime import timedelta
from functools import partial
from itertools import chain
from typing import Any

from azure.core.exceptions import ResourceExistsError, ResourceNotFoundError
from azure.storage.queue import QueueClient, TextBase64EncodePolicy

from recording.adapters.azure_sdk.clients import CLIENT_OPTIONS, attempt, credential
from recording.adapters.azure_sdk.errors import translate_errors
from recording.domain.calls.guards import GuardTask
from recording.domain.incoming.delivery import text_of
from recording.domain.names import (
    BESIDE_THE_LINE,
    CHUNKS_POISON_QUEUE,
    CHUNKS_QUEUE,
    DERIVED_QUEUE,
    EVENTS_POISON_QUEUE,
    EVENTS_QUEUE,
    EXPORTS_QUEUE,
    FOLLOW_UPS_QUEUE,
    GUARDS_QUEUE,
    OUTBOX_QUEUE,
    poison_of,
)
from recording.domain.outgoing.message import NotifyTask
from recording.domain.schema import message_of
from recording.domain.state.chunk import ChunkTask
from recording.ports import MOST_SHOWN, Peeked, PoisonMessage, QueueDepth
from recording.settings import Settings, StorageConnection, needed

LONGEST_DELAY = timedelta(days=7)  # of the service
HIDDEN_SECONDS = 5 * 60  # after that, the messages of a sweep that died are available to the next one
MOST_AT_ONCE = 1000  # messages that one sweep reads; the next one continues
FOLLOW_UP_LIVES = 24 * 60 * 60  # seconds
OUTBOX_LIVES = 7 * 24 * 60 * 60  # seconds
LONGEST_HIDDEN = timedelta(days=6)  # less than the message's time to live
NEVER = -1  # time to live: a task must not vanish before its chunk is settled (the default is seven days)


class StorageChunkQueue:
    """The queue `recording-chunks`, and the poison queues of chunks and events."""

    def __init__(self, settings: Settings) -> None:
        self._queue = queue_client(settings.host_storage, CHUNKS_QUEUE)
        self._poison = {
            name: queue_client(settings.host_storage, name) for name in (CHUNKS_POISON_QUEUE, EVENTS_POISON_QUEUE)
        }
        self._others = {EVENTS_QUEUE: queue_client(settings.host_storage, EVENTS_QUEUE), **self._poison}

    def close(self) -> None:
        """Close the connections."""
        self._queue.close()
        for other in self._others.values():
            other.close()

    def send(self, task: ChunkTask, delay: timedelta = timedelta()) -> None:
        """Enqueue a task; the queue is created if it turns out to be missing."""
        self.send_again(message_of(task), delay)

    def send_again(self, body: str, delay: timedelta = timedelta()) -> None:
        """Enqueue a message as it is."""
        with translate_errors("enqueuing a task"):
            _send_later(self._queue, body, delay, NEVER)

    def poisoned(self) -> Iterator[PoisonMessage]:
        """Yield up to a thousand messages, hidden for five minutes; nothing when the host never made the queue."""
        return self._receive(CHUNKS_POISON_QUEUE)

    def poisoned_events(self) -> Iterator[PoisonMessage]:
        """Yield poisoned events in the same way."""
        return self._receive(EVENTS_POISON_QUEUE)

    def depths(self) -> list[QueueDepth]:
        """Return the service's approximate count, and the age of the oldest among the next 32 visible messages."""
        return [self._depth(name, queue) for name, queue in {CHUNKS_QUEUE: self._queue, **self._others}.items()]

    def _depth(self, name: str, queue: QueueClient) -> QueueDepth:
        with translate_errors("counting a queue"):
            try:
                count = attempt(queue.get_queue_properties).approximate_message_count or 0
                seen = attempt(partial(queue.peek_messages, max_messages=32)) if count else []
            except ResourceNotFoundError:
                return QueueDepth(name, 0)
        return QueueDepth(
            name, count, min((message.inserted_on for message in seen if message.inserted_on), default=None)
        )

    def peek_poisoned(self) -> Peeked:
        """Return the first visible messages of each poison queue, as many as the service shows at once."""
        seen = [_peek(queue) for queue in self._poison.values()]
        return Peeked(tuple(chain.from_iterable(seen)), any(len(one) >= MOST_SHOWN for one in seen))

    def remove_poisoned(self, message: PoisonMessage) -> None:
        """Remove a message from where it was read, by its receipt."""
        name, *receipt = message.receipt
        _remove(self._poison[name], receipt)

    def _receive(self, name: str) -> Iterator[PoisonMessage]:
        return _receive(self._poison[name], name, MOST_AT_ONCE)


class StorageLeftovers:
    """The poison queues of the secondary queues."""

    names = BESIDE_THE_LINE

    def __init__(self, settings: Settings) -> None:
        self._queues = {name: queue_client(settings.host_storage, name) for name in self.names}
        self._poison = {name: queue_client(settings.host_storage, poison_of(name)) for name in self.names}

    def close(self) -> None:
        """Close the connections."""
        for queue in (*self._queues.values(), *self._poison.values()):
            queue.close()

    def received(self, name: str, most: int) -> list[PoisonMessage]:
        """Return messages, hidden for five minutes; none when the host never made the queue."""
        return list(_receive(self._poison[name], name, most))

    def peek(self) -> list[tuple[str, PoisonMessage]]:
        """Return the first 32 of each that are visible."""
        return [(name, message) for name, queue in self._poison.items() for message in _peek(queue)]

    def put_back(self, name: str, message: PoisonMessage) -> None:
        """Send the text, then delete the message by its receipt."""
        with translate_errors("putting a message back"):
            _send_later(self._queues[name], message.body, timedelta(), NEVER)
        self.remove(name, message)

    def remove(self, name: str, message: PoisonMessage) -> None:
        """Delete the message by its receipt."""
        _, *receipt = message.receipt
        _remove(self._poison[name], receipt)


def _peek(queue: QueueClient) -> list[PoisonMessage]:
    with translate_errors("looking into a poison queue"):
        try:
            found = attempt(partial(queue.peek_messages, max_messages=MOST_SHOWN))
        except ResourceNotFoundError:
            return []
    return [PoisonMessage(_decoded(seen.content), None, seen.id, seen.inserted_on) for seen in found]


def _receive(queue: QueueClient, name: str, most: int) -> Iterator[PoisonMessage]:
    with translate_errors("reading a poison queue"), suppress(ResourceNotFoundError):
        for message in queue.receive_messages(
            messages_per_page=min(most, 32), visibility_timeout=HIDDEN_SECONDS, max_messages=most
        ):
            receipt = (name, message.id, message.pop_receipt)
            yield PoisonMessage(_decoded(message.content), receipt, message.id, message.inserted_on)


def _remove(queue: QueueClient, receipt: Sequence[str]) -> None:
    message_id, pop_receipt = receipt
    with translate_errors("removing a poison message"), suppress(ResourceNotFoundError):
        attempt(partial(queue.delete_message, message_id, pop_receipt))


class StorageFollowUps:
    """The queue `recording-follow-ups`."""

    def __init__(self, settings: Settings) -> None:
        self._queue = queue_client(settings.host_storage, FOLLOW_UPS_QUEUE)

    def close(self) -> None:
        """Close the connections."""
        self._queue.close()

    def send(self, recording_id: str, attempt: int = 0, delay: timedelta = timedelta()) -> None:
        """Enqueue a message that expires after a day: reconcile requests again what is not done by then."""
        body = json.dumps({"recordingId": recording_id, "attempt": attempt})
        with translate_errors("enqueuing a follow-up"):
            _send_later(self._queue, body, delay, FOLLOW_UP_LIVES)

    def log(self, event: str, facts: Mapping[str, str | int | float | bool]) -> None:
        """Enqueue a line for the app's log; it expires after a day."""
        with translate_errors("enqueuing a line of the log"):
            _send_later(self._queue, json.dumps({"log": {"event": event, **facts}}), timedelta(), FOLLOW_UP_LIVES)


class StorageExports:
    """The queue `recording-exports`."""

    def __init__(self, settings: Settings) -> None:
        self._queue = queue_client(settings.host_storage, EXPORTS_QUEUE)

    def close(self) -> None:
        """Close the connections."""
        self._queue.close()

    def send(self, export_id: str, delay: timedelta = timedelta()) -> None:
        """Enqueue a message that never expires: the caller waits for it."""
        with translate_errors("enqueuing an export"):
            _send_later(self._queue, json.dumps({"exportId": export_id}), delay, NEVER)


class StorageDerived:
    """The queue `recording-derived`."""

    def __init__(self, settings: Settings) -> None:
        self._queue = queue_client(settings.host_storage, DERIVED_QUEUE)

    def close(self) -> None:
        """Close the connections."""
        self._queue.close()

    def send(self, recording_id: str, kind: str, delay: timedelta = timedelta()) -> None:
        """Enqueue a message that never expires: the caller waits for it."""
        with translate_errors("enqueuing derived files"):
            _send_later(self._queue, json.dumps({"recordingId": recording_id, "kind": kind}), delay, NEVER)


class StorageGuards:
    """The queue `recording-guards`."""

    def __init__(self, settings: Settings) -> None:
        self._queue = queue_client(settings.host_storage, GUARDS_QUEUE)

    def close(self) -> None:
        """Close the connections."""
        self._queue.close()

    def send(self, task: GuardTask, delay: timedelta) -> None:
        """Enqueue a guard; it becomes visible by the service's own clock."""
        self.send_again(task.as_message(), delay)

    def send_again(self, body: str, delay: timedelta) -> None:
        """Enqueue a message as it is."""
        with translate_errors("enqueuing a guard"):
            _send_later(self._queue, body, delay, NEVER)


class StorageOutboxQueue:
    """The queue `recording-outbox`."""

    def __init__(self, settings: Settings) -> None:
        self._queue = queue_client(settings.host_storage, OUTBOX_QUEUE)

    def close(self) -> None:
        """Close the connections."""
        self._queue.close()

    def send(self, task: NotifyTask, delay: timedelta = timedelta()) -> None:
        """Enqueue a message; one that carries its event never expires, since only the others are in the outbox."""
        self._send(task.as_message(), delay, NEVER if task.event is not None else OUTBOX_LIVES)

    def send_again(self, body: str, delay: timedelta) -> None:
        """Enqueue a message as it is."""
        self._send(body, delay, NEVER)

    def _send(self, body: str, delay: timedelta, lives: int) -> None:
        with translate_errors("enqueuing an event"):
            _send_later(self._queue, body, min(delay, LONGEST_HIDDEN), lives)


def _send_later(queue: QueueClient, body: str, delay: timedelta, lives: int) -> None:
    """Send a message that becomes visible later; the queue is created if it turns out to be missing."""
    hidden = math.ceil(min(max(delay, timedelta()), LONGEST_DELAY).total_seconds())
    send = partial(queue.send_message, body, visibility_timeout=hidden, time_to_live=lives)
    try:
        attempt(send)
    except ResourceNotFoundError:
        with suppress(ResourceExistsError):  # another worker may be faster
            attempt(queue.create_queue)
        attempt(send)


def queue_client(connection: StorageConnection, name: str) -> QueueClient:
    """Return a client that writes base64 and reads raw text: a poison queue may contain anything."""
    options: dict[str, Any] = {**CLIENT_OPTIONS, "message_encode_policy": TextBase64EncodePolicy()}
    if connection.connection_string:
        return QueueClient.from_connection_string(connection.connection_string.get_secret_value(), name, **options)
    return QueueClient(
        needed(connection.queue_uri, "queueServiceUri"), name, credential=credential(connection.client_id), **options
    )


def _decoded(content: str) -> str:
    """Return the text in base64, in any encoding of Unicode, or the content itself when it is not base64."""
    try:
        raw = base64.b64decode(content, validate=True)
    except (binascii.Error, ValueError):
        return content
    return text_of(raw)
