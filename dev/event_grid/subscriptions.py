"""Who gets which events, in which schema, for how long Event Grid tries, and where it leaves what it cannot deliver."""

from dataclasses import dataclass, field
from datetime import timedelta
from typing import Literal

from dev.event_grid.dead_letters import DeadLetterSink
from dev.event_grid.envelope import Schema

LONGEST_TTL_MINUTES = 1440
MOST_ATTEMPTS = 30


@dataclass(frozen=True, kw_only=True)
class Subscription:
    """What every subscription has; use one of its two kinds.

    Attributes:
        name: Unique. Event Grid writes it in capitals in headers and dead-letter names.
        schema: What the subscriber receives; events are published in the Event Grid schema.
        ttl_minutes: 1 to 1440, counted from publishing.
        max_attempts: 1 to 30.
        dead_letter: None drops what cannot be delivered, as the real service does without a destination.
        included_event_types: None lets every type through.
    """

    name: str
    schema: Schema = "EventGridSchema"
    ttl_minutes: int = LONGEST_TTL_MINUTES
    max_attempts: int = MOST_ATTEMPTS
    dead_letter: DeadLetterSink | None = None
    included_event_types: frozenset[str] | None = None

    def __post_init__(self) -> None:
        if not 1 <= self.ttl_minutes <= LONGEST_TTL_MINUTES:
            raise ValueError(f"the time to live is 1 to 1440 minutes, not {self.ttl_minutes}")
        if not 1 <= self.max_attempts <= MOST_ATTEMPTS:
            raise ValueError(f"Event Grid makes 1 to 30 attempts, not {self.max_attempts}")

    @property
    def ttl(self) -> timedelta:
        """Return how long after publishing Event Grid still tries."""
        return timedelta(minutes=self.ttl_minutes)

    @property
    def is_azure_resource(self) -> bool:
        """Return whether the rules for Azure resources apply, which differ from those for webhooks in 401 and 404."""
        return True

    def wants(self, event_type: str) -> bool:
        """Return whether the filter lets an event of this type through."""
        return self.included_event_types is None or event_type in self.included_event_types


@dataclass(frozen=True, kw_only=True)
class WebhookSubscription(Subscription):
    """Events POSTed to a URL, after a validation handshake.

    Attributes:
        url: Used as it stands; it may carry a key, so it is not shown.
        endpoint_type: "AzureFunction" changes which answers are retried (`policy.py`); the requests are the same.
    """

    url: str = field(repr=False)
    endpoint_type: Literal["WebHook", "AzureFunction"] = "WebHook"

    @property
    def is_azure_resource(self) -> bool:
        """Return whether it is a resource of Azure: a function is one, a plain webhook is not."""
        return self.endpoint_type == "AzureFunction"


@dataclass(frozen=True, kw_only=True)
class StorageQueueSubscription(Subscription):
    """Events put into a Storage Queue: one message an event, its JSON in base64. The queue must exist."""

    connection_string: str = field(repr=False)
    queue_name: str
