"""Both ways that events leave the app, to one receiver: a custom topic with a subscription, and a webhook."""

import json
from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack
from types import TracebackType
from typing import Any, Self

from dev.event_grid.custom_topics import KEY, CustomTopics
from dev.event_grid.dead_letters import DeadLetterSink
from dev.event_grid.receiver import GRID_PATH, Receiver
from dev.event_grid.subscriptions import WebhookSubscription

TOPIC = "recordings"
SUBSCRIPTION = "everything"
DEAD_LETTERS = "outgoing-dead-letters"  # a container of its own: the app reads the other one


class OutgoingEvents:
    """A running topic and a running receiver; use it as a context manager.

    Args:
        say: is told a line for each event that arrives.
        port: of the receiver; 0 takes a free one.
    """

    def __init__(self, say: Callable[[str], None] = lambda _: None, port: int = 0) -> None:
        self.receiver = Receiver(say, port)
        self.topics = CustomTopics()
        self._stack = ExitStack()
        self._endpoint = ""

    def __enter__(self) -> Self:
        """Begin to listen, with a topic that nobody has subscribed to yet."""
        self._stack.enter_context(self.receiver)
        self._stack.enter_context(self.topics)
        self._endpoint = self.topics.create(TOPIC)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Stop both."""
        self._stack.close()

    def settings(self, api: str = "", others: Sequence[Mapping[str, Any]] = ()) -> dict[str, str]:
        """Return the app settings that send events here, both ways, and to other webhook endpoints."""
        return {
            "EVENTS_TOPIC_ENDPOINT": self._endpoint,
            "EVENTS_TOPIC_KEY": KEY,
            "WEBHOOKS": json.dumps([self.receiver.endpoint(), *others]),
            "WEBHOOK_NETWORKS": "127.0.0.0/8",
        } | ({"EVENTS_API_URL": api} if api else {})

    def subscribe(
        self, dead_letter: DeadLetterSink | None = None, types: frozenset[str] | None = None, name: str = SUBSCRIPTION
    ) -> None:
        """Subscribe the receiver to the topic; without types, to all of them."""
        wanted = WebhookSubscription(
            name=name,
            url=f"{self.receiver.url}{GRID_PATH}",
            schema="CloudEventSchemaV1_0",
            dead_letter=dead_letter,
            included_event_types=types,
        )
        self.topics.subscribe(TOPIC, wanted)
