"""Where undeliverable events end: the document Event Grid writes, its name, and a blob container to write it to."""

import asyncio
import uuid
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any, Protocol

from dev.event_grid.encodings import Encoding, documents, schema_of, written
from dev.event_grid.envelope import Event, Schema, timestamp
from dev.event_grid.policy import Answer


class DeadLettersUnavailableError(Exception):
    """The destination does not answer now; Event Grid tries for four hours."""


class DeadLettersMissingError(Exception):
    """The destination does not exist; Event Grid drops the events at once."""


class DeadLetterSink(Protocol):
    """A place for dead letters. It may be shared by subscriptions."""

    async def write(self, name: str, body: bytes) -> None:
        """Keep the document under this name; the same name is written once only.

        Raises:
            DeadLettersUnavailableError: Trying again may help.
            DeadLettersMissingError: It will not.
        """


class BlobDeadLetters:
    """Dead letters in a container of a storage account; the container must exist, as for the real service."""

    def __init__(self, connection_string: str, container: str) -> None:
        self._connection_string = connection_string
        self._container = container

    async def write(self, name: str, body: bytes) -> None:
        """See `DeadLetterSink.write`."""
        await asyncio.to_thread(self._upload, name, body)

    def _upload(self, name: str, body: bytes) -> None:
        from azure.core.exceptions import AzureError, ResourceNotFoundError
        from azure.storage.blob import ContainerClient, ContentSettings

        settings = ContentSettings(content_type="application/json")
        # No retries of the SDK's own: the delivery rules say when to try again.
        container = ContainerClient.from_connection_string(self._connection_string, self._container, retry_total=0)
        try:
            with container:
                container.upload_blob(name, body, content_settings=settings)
        except ResourceNotFoundError as error:
            raise DeadLettersMissingError(self._container) from error
        except AzureError as error:
            raise DeadLettersUnavailableError(self._container) from error


def dead_letter_name(topic: str, subscription: str, at: datetime) -> str:
    """Return `{topic}/{SUBSCRIPTION}/{yyyy}/{m}/{d}/{h}/{guid}.json`: capitals, UTC, no leading zeros."""
    resource, utc = topic.rstrip("/").rsplit("/", 1)[-1], at.astimezone(UTC)
    return f"{resource}/{subscription.upper()}/{utc.year}/{utc.month}/{utc.day}/{utc.hour}/{uuid.uuid4()}.json"


def dead_letter_document(
    events: Sequence[Event],
    schema: Schema,
    *,
    reason: str,
    attempts: int,
    last: Answer,
    published_at: datetime,
    last_attempt_at: datetime | None,
    encoding: Encoding = "plain",
) -> bytes:
    """Return a JSON array of the events as the subscriber would have got them.

    Each with why and when it was given up.
    """
    facts = {
        "deadLetterReason": reason,
        "deliveryAttempts": attempts,
        "lastDeliveryOutcome": last.outcome,
        "publishTime": timestamp(published_at),
    }
    if last.status is not None:
        facts["lastHttpStatusCode"] = last.status
    if last_attempt_at is not None:
        facts["lastDeliveryAttemptTime"] = timestamp(last_attempt_at)
    told = _spelled(facts, schema_of(schema, encoding))
    return written([{**document, **told} for document in documents(events, schema, encoding)], encoding)


def _spelled(facts: dict[str, Any], schema: Schema) -> dict[str, Any]:
    """CloudEvents allow lower-case letters only in the names of extensions."""
    return {name.lower(): value for name, value in facts.items()} if schema == "CloudEventSchemaV1_0" else facts
