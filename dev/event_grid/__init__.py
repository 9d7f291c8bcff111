"""Event Grid for the local world: the handshake, deliveries, retries, dead letters and faults of the real service."""

from dev.event_grid.dead_letters import (
    BlobDeadLetters,
    DeadLetterSink,
    DeadLettersMissingError,
    DeadLettersUnavailableError,
)
from dev.event_grid.endpoints import SubscriptionRefusedError
from dev.event_grid.envelope import InvalidEventError
from dev.event_grid.grid import EventGrid, PendingDelivery
from dev.event_grid.log import DeliveryRecord
from dev.event_grid.plans import DeliveryPlan
from dev.event_grid.subscriptions import StorageQueueSubscription, Subscription, WebhookSubscription

__all__ = [
    "BlobDeadLetters",
    "DeadLetterSink",
    "DeadLettersMissingError",
    "DeadLettersUnavailableError",
    "DeliveryPlan",
    "DeliveryRecord",
    "EventGrid",
    "InvalidEventError",
    "PendingDelivery",
    "StorageQueueSubscription",
    "Subscription",
    "SubscriptionRefusedError",
    "WebhookSubscription",
]
