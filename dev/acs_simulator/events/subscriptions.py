"""The JSON that subscribes a webhook or a storage queue to the simulator's events."""

from datetime import datetime
from typing import Literal

from pydantic import Field

from dev.acs_simulator.exact import Exact
from dev.event_grid import (
    BlobDeadLetters,
    DeliveryRecord,
    PendingDelivery,
    StorageQueueSubscription,
    WebhookSubscription,
)
from dev.event_grid.log import Result


class DeadLetterPlace(Exact):
    """The container that takes what cannot be delivered."""

    connection_string: str = Field(repr=False)
    container: str


class NewSubscription(Exact):
    """A webhook needs `url`; a storage queue needs `connectionString` and `queue`. The name is made up if not given."""

    kind: Literal["webhook", "storage_queue"]
    name: str | None = None
    url: str | None = Field(default=None, repr=False)
    endpoint_type: Literal["WebHook", "AzureFunction"] = "WebHook"
    connection_string: str | None = Field(default=None, repr=False)
    queue: str | None = None
    event_schema: Literal["EventGridSchema", "CloudEventSchemaV1_0"] = "EventGridSchema"
    ttl_minutes: int = 1440
    max_attempts: int = 30
    included_event_types: frozenset[str] | None = None
    dead_letter: DeadLetterPlace | None = None

    def subscription(self, name: str) -> WebhookSubscription | StorageQueueSubscription:
        """Return the subscription, under this name; raise ValueError when something it needs is missing."""
        if self.kind == "webhook":
            return self._webhook(name)
        if self.connection_string is None or self.queue is None:
            raise ValueError("a storage queue subscription needs connectionString and queue")
        return StorageQueueSubscription(
            name=name,
            connection_string=self.connection_string,
            queue_name=self.queue,
            schema=self.event_schema,
            ttl_minutes=self.ttl_minutes,
            max_attempts=self.max_attempts,
            included_event_types=self.included_event_types,
            dead_letter=self._dead_letters(),
        )

    def _webhook(self, name: str) -> WebhookSubscription:
        if self.url is None:
            raise ValueError("a webhook subscription needs a url")
        return WebhookSubscription(
            name=name,
            url=self.url,
            endpoint_type=self.endpoint_type,
            schema=self.event_schema,
            ttl_minutes=self.ttl_minutes,
            max_attempts=self.max_attempts,
            included_event_types=self.included_event_types,
            dead_letter=self._dead_letters(),
        )

    def _dead_letters(self) -> BlobDeadLetters | None:
        place = self.dead_letter
        return None if place is None else BlobDeadLetters(place.connection_string, place.container)


class SubscriptionView(Exact):
    """A subscription, without what may be secret."""

    name: str
    kind: Literal["webhook", "storage_queue"]
    event_schema: str


class DeliveryView(Exact):
    """One attempt for one event, or its end without delivery; see `dev.event_grid.DeliveryRecord`."""

    subscription: str
    event_id: str
    attempt: int
    result: Result
    outcome: str
    status: int | None
    at: datetime

    @classmethod
    def of(cls, record: DeliveryRecord) -> "DeliveryView":
        """Show a record."""
        return cls(**vars(record))


class PendingView(Exact):
    """Events that are neither delivered nor given up; see `dev.event_grid.PendingDelivery`."""

    subscription: str
    event_ids: tuple[str, ...]
    attempts: int
    stage: str
    due: datetime | None

    @classmethod
    def of(cls, pending: PendingDelivery) -> "PendingView":
        """Show what is pending."""
        return cls(**vars(pending))
