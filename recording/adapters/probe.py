"""Fills the doctor's port Probe: each method does one harmless thing for real, and leaves nothing that counts."""

import json
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from functools import partial
from typing import Any
from uuid import uuid4

from azure.core import MatchConditions, PipelineClient
from azure.core.exceptions import HttpResponseError, ResourceExistsError, ResourceNotFoundError
from azure.core.pipeline.policies import BearerTokenCredentialPolicy, ProxyPolicy
from azure.core.rest import HttpRequest
from azure.storage.blob import ContainerClient
from pydantic import SecretStr

from recording.adapters.azure_sdk.clients import CLIENT_OPTIONS, attempt, credential
from recording.adapters.azure_sdk.errors import status_of, translate_errors
from recording.adapters.blob.container import blob_service
from recording.adapters.storage_queue import queue_client
from recording.adapters.table.tables import table_service
from recording.domain.names import CHUNKS_QUEUE, EVENTS_QUEUE, INGEST_FUNCTION, QUARANTINE_CONTAINER
from recording.domain.watched.protection import Immutability, Protection
from recording.errors import StorageError, StorageRefusedError
from recording.ports import QueueDepth
from recording.ports.probe import SubscriptionFacts
from recording.settings import Settings, StorageConnection, needed

PROBE = "doctor-probe"  # how all that is written here is named
_KEYS = {"PartitionKey": "!doctor"}
_HIDDEN_SECONDS = 24 * 3600  # the probe's message is removed at once; if that fails, nobody sees it for a day
_NEVER: Mapping[str, Any] = {"etag": '"doctor"', "match_condition": MatchConditions.IfNotModified}
_ARM, _API, _STORAGE_API = "https://management.azure.com", "2022-06-15", "2023-05-01"
_PROBE_LIVES_SECONDS = 600
_MOST_PAGES = 100
_IMMUTABILITIES = {"Unlocked": Immutability.UNLOCKED, "Locked": Immutability.LOCKED}


@dataclass(frozen=True)
class Webhook:
    """Where Event Grid delivers events to the app's function: the app's host, and the system key of the extension."""

    host: str
    key: SecretStr


ReadWebhook = Callable[[], Webhook | None]


class AzureProbe:
    """Real calls to the accounts in the settings. Clients live as long as one call: this runs now and then."""

    def __init__(self, settings: Settings, webhook: ReadWebhook = lambda: None, **options: Any) -> None:
        self._settings = settings
        self._webhook = webhook
        self._options = options  # of the client for Azure's own API

    def table(self, name: str) -> None:
        """Insert a row in a partition of its own, read it, delete it; the table is made if it is not there."""
        row = {**_KEYS, "RowKey": uuid4().hex, "proof": uuid4().hex}
        with (
            translate_errors(f"probing the table {name}"),
            table_service(self._settings.host_storage) as service,
            service.get_table_client(name) as table,
        ):
            try:
                attempt(partial(table.create_entity, row))
            except ResourceNotFoundError:
                service.create_table_if_not_exists(name)
                attempt(partial(table.create_entity, row))
            found = attempt(partial(table.get_entity, row["PartitionKey"], row["RowKey"]))
            attempt(partial(table.delete_entity, row["PartitionKey"], row["RowKey"]))
        if found["proof"] != row["proof"]:
            raise StorageError(f"the table {name} did not return the row that was written")

    def queue(self, name: str) -> QueueDepth:
        """Send a message that is hidden from all, delete it, and look at the queue.

        A poison queue is only looked at, because each message put there is an alarm; one that is missing is empty.
        """
        is_poison = name.endswith("-poison")
        with (
            translate_errors(f"probing the queue {name}"),
            queue_client(self._settings.host_storage, name) as queue,
        ):
            if not is_poison:
                sent = attempt(partial(queue.send_message, PROBE, visibility_timeout=_HIDDEN_SECONDS))
                attempt(partial(queue.delete_message, sent.id, sent.pop_receipt))
            try:
                count = attempt(queue.get_queue_properties).approximate_message_count or 0
                seen = attempt(partial(queue.peek_messages, max_messages=32))
            except ResourceNotFoundError:
                if is_poison:  # the host makes it with its first poison message
                    return QueueDepth(name, 0)
                raise
        return QueueDepth(
            name, count, min((message.inserted_on for message in seen if message.inserted_on), default=None)
        )

    def quarantine(self) -> None:
        """Upload a small blob, read it back, delete it; the container is made if it is not there."""
        name, proof = f"{PROBE}/{uuid4().hex}", uuid4().hex.encode()
        with (
            translate_errors("probing the quarantine"),
            _container(self._settings.host_storage, QUARANTINE_CONTAINER) as container,
        ):
            try:
                attempt(partial(container.upload_blob, name, proof))
            except ResourceNotFoundError:
                _make(container)
                attempt(partial(container.upload_blob, name, proof))
            found = attempt(lambda: container.download_blob(name).readall())
            attempt(partial(container.delete_blob, name))
        if found != proof:
            raise StorageError("the quarantine did not return the bytes that were written")

    def archive(self, *, is_fallback: bool, may_write: bool = True) -> None:
        """Request a write that would replace a version that does not exist; an identity that may write gets 412."""
        chosen, told = self._settings, "the second destination" if is_fallback else "the archive"
        connection = chosen.fallback_storage if is_fallback else chosen.archive_storage
        name = chosen.fallback_container if is_fallback else chosen.archive_container
        with (
            translate_errors(f"probing {told}"),
            _container(connection or StorageConnection(), name) as container,
            container.get_blob_client(PROBE) as blob,
        ):
            try:
                attempt(lambda: next(iter(container.list_blob_names()), None))
            except ResourceNotFoundError:
                _make(container)
            if may_write:
                _expect_absent(lambda: blob.upload_blob(PROBE.encode(), overwrite=True, **_NEVER))

    def may_delete(self) -> bool:
        """Ask to delete a version which never was: the answer is a refusal, or that there is none."""
        with (
            translate_errors("asking whether the archive may be deleted from"),
            _container(self._settings.archive_storage, self._settings.archive_container) as container,
            container.get_blob_client(PROBE) as blob,
        ):
            try:
                _expect_absent(lambda: blob.delete_blob(**_NEVER))
            except HttpResponseError as error:
                if status_of(error) == 403:
                    return False
                raise
        return True

    def protection(self) -> Protection:
        """Ask Azure's own API: the account, its blob service and its lifecycle rules."""
        account = needed(self._settings.archive_resource_id, "ARCHIVE_RESOURCE_ID")
        container = f"{self._settings.archive_container}/"
        with translate_errors("reading how the archive is protected"), self._azure() as client:
            facts = _read(client, account, _STORAGE_API)["properties"]
            service = _read(client, f"{account}/blobServices/default", _STORAGE_API)["properties"]
            rules = _read(client, f"{account}/managementPolicies/default", _STORAGE_API, absent={})
        policy = (facts.get("immutableStorageWithVersioning") or {}).get("immutabilityPolicy") or {}
        return Protection(
            has_versions=bool(service.get("isVersioningEnabled")),
            soft_delete_days=_days(service.get("deleteRetentionPolicy")),
            container_soft_delete_days=_days(service.get("containerDeleteRetentionPolicy")),
            immutability=_IMMUTABILITIES.get(str(policy.get("state")), Immutability.OFF),
            immutability_days=policy.get("immutabilityPeriodSinceCreationInDays"),
            deletes=tuple(_deletes(rules, container)),
            allows_purges=bool((service.get("deleteRetentionPolicy") or {}).get("allowPermanentDelete")),
        )

    def queue_event(self, envelope: Mapping[str, Any]) -> Callable[[], None]:
        """Send a message that lives for ten minutes, so that nothing is left even if it is not taken back."""
        with (
            translate_errors("sending the probe event"),
            queue_client(self._settings.host_storage, EVENTS_QUEUE) as queue,
        ):
            sent = attempt(partial(queue.send_message, json.dumps(envelope), time_to_live=_PROBE_LIVES_SECONDS))
        return partial(self._take_back, sent.id, sent.pop_receipt)

    def _take_back(self, message_id: str, receipt: str | None) -> None:
        with (
            translate_errors("taking the probe event back"),
            queue_client(self._settings.host_storage, EVENTS_QUEUE) as queue,
        ):
            try:
                attempt(partial(queue.delete_message, message_id, receipt))
            except HttpResponseError as error:
                if status_of(error) not in (400, 404):  # another reader has it at this moment, or has removed it
                    raise

    def post_event(self, envelope: Mapping[str, Any]) -> bool:
        """Post it with the system key in a header; redirects are not followed."""
        webhook = self._webhook()
        if webhook is None:
            return False
        request = HttpRequest(
            "POST",
            f"https://{webhook.host}/runtime/webhooks/EventGrid?functionName={INGEST_FUNCTION}",
            headers={"aeg-event-type": "Notification", "x-functions-key": webhook.key.get_secret_value()},
            json=[dict(envelope)],
        )
        with (
            translate_errors("posting the probe event"),
            PipelineClient(
                f"https://{webhook.host}",
                policies=[ProxyPolicy(**self._options)],
                **{**CLIENT_OPTIONS, **self._options},
            ) as client,
        ):
            answer = attempt(partial(client.send_request, request))
            answer.raise_for_status()
            if answer.status_code >= 300:  # a page to sign in, put in front of the function
                raise StorageRefusedError(
                    "the function's webhook did not accept the event: a gateway in front of it may have answered"
                )
        return True

    def pause(self, length: timedelta) -> None:
        """Sleep."""
        time.sleep(length.total_seconds())

    def host_account(self) -> str:
        """Read it from the address that the client uses."""
        with queue_client(self._settings.host_storage, EVENTS_QUEUE) as queue:
            return str(queue.account_name)

    def dead_letters(self) -> int:
        """Count the blobs, up to a thousand."""
        connection = self._settings.dead_letter_storage or StorageConnection()
        with (
            translate_errors("probing the dead letters"),
            _container(connection, self._settings.dead_letter_container) as container,
        ):
            page = next(container.list_blob_names(results_per_page=1000).by_page(), iter(()))
            return sum(1 for _ in page)

    def server_time(self) -> datetime:
        """Return the `Date` of an answer."""
        dates: list[str] = []
        with (
            translate_errors("asking the storage for its time"),
            queue_client(self._settings.host_storage, CHUNKS_QUEUE) as queue,
        ):
            hook = lambda answer: dates.append(answer.http_response.headers.get("Date", ""))  # noqa: E731
            attempt(partial(queue.get_queue_properties, raw_response_hook=hook))
        try:
            return parsedate_to_datetime(dates[-1]).astimezone(UTC)
        except (IndexError, OverflowError, TypeError, ValueError):
            raise StorageError("the storage's answer has no date") from None

    def is_same_account(self) -> bool:
        """Compare the addresses that the clients use."""
        fallback = needed(self._settings.fallback_storage, "FALLBACK_STORAGE")
        with blob_service(self._settings.archive_storage) as archive, blob_service(fallback) as second:
            return bool(archive.url == second.url)

    def subscriptions(self) -> list[SubscriptionFacts]:
        """Ask Azure's own API, as the app's identity: the system topics of the resource, then their subscriptions."""
        resource = needed(self._settings.acs.resource_id, "ACS_RESOURCE_ID")
        group = resource.partition("/providers/")[0]
        with translate_errors("reading the Event Grid subscriptions"), self._azure() as client:
            topics = _listed(client, f"{group}/providers/Microsoft.EventGrid/systemTopics")
            ours = [topic for topic in topics if str(topic["properties"]["source"]).lower() == resource.lower()]
            return [_facts(each) for topic in ours for each in _listed(client, f"{topic['id']}/eventSubscriptions")]

    def _azure(self) -> "PipelineClient[Any, Any]":
        """Return a client of Azure's own API, as the app's identity."""
        identity = credential(self._settings.acs.client_id)
        policies = [ProxyPolicy(**self._options), BearerTokenCredentialPolicy(identity, f"{_ARM}/.default")]
        return PipelineClient(_ARM, policies=policies, **{**CLIENT_OPTIONS, **self._options})


def _container(connection: StorageConnection, name: str) -> ContainerClient:
    """Return a container's client; it shares the process's connections, so closing it closes none."""
    return blob_service(connection).get_container_client(name)


def _expect_absent(call: Callable[[], object]) -> None:
    """Return when the service says that there is no such version; what it does instead of that is raised."""
    try:
        attempt(call)
    except HttpResponseError as error:
        if status_of(error) not in (404, 412):
            raise
        return
    raise StorageError("storage ignored the condition of a write")


def _make(container: ContainerClient) -> None:
    try:
        attempt(container.create_container)
    except ResourceExistsError:
        return


def _listed(client: "PipelineClient[Any, Any]", path: str) -> Iterator[Mapping[str, Any]]:
    """Yield every item of a list, page after page; the token goes to Azure's own API and to no other host."""
    page = _read(client, path, _API)
    yield from page["value"]
    for _ in range(_MOST_PAGES):
        link = str(page.get("nextLink") or "")
        if not link:
            return
        if not link.startswith(f"{_ARM}/"):
            raise StorageError("Azure's API names another host for its next page")
        page = _got(client, link).json()
        yield from page["value"]
    raise StorageError(f"Azure's API has more than {_MOST_PAGES} further pages")


def _read(
    client: "PipelineClient[Any, Any]", path: str, version: str, absent: Mapping[str, Any] | None = None
) -> Mapping[str, Any]:
    """Return what is under a path; `absent` where there is nothing."""
    answer = attempt(lambda: client.send_request(HttpRequest("GET", f"{_ARM}{path}?api-version={version}")))
    if answer.status_code == 404 and absent is not None:
        return absent
    answer.raise_for_status()
    found: Mapping[str, Any] = answer.json()
    return found


def _got(client: "PipelineClient[Any, Any]", link: str) -> Any:
    """Return the answer for a whole address of Azure's own API."""
    answer = attempt(lambda: client.send_request(HttpRequest("GET", link)))
    answer.raise_for_status()
    return answer


def _days(policy: Mapping[str, Any] | None) -> int | None:
    return int(policy.get("days") or 0) if policy and policy.get("enabled") else None


def _deletes(policies: Mapping[str, Any], container: str) -> Iterator[tuple[str, float]]:
    """Yield the active rules that delete blobs or versions of the container, each with its least number of days."""
    for rule in ((policies.get("properties") or {}).get("policy") or {}).get("rules") or ():
        definition = rule.get("definition") or {}
        prefixes = (definition.get("filters") or {}).get("prefixMatch") or [""]
        actions = (definition.get("actions") or {}).values()
        delete = [float(days) for action in actions for days in ((action or {}).get("delete") or {}).values()]
        is_about_it = any(prefix.startswith(container) or container.startswith(prefix) for prefix in prefixes)
        if rule.get("enabled", True) and delete and is_about_it:
            yield str(rule.get("name")), min(delete)


def _facts(subscription: Mapping[str, Any]) -> SubscriptionFacts:
    facts = subscription["properties"]
    by_identity = facts.get("deliveryWithResourceIdentity") or {}
    destination = facts.get("destination") or by_identity.get("destination") or {}
    return SubscriptionFacts(
        name=str(subscription["name"]),
        kind=str(destination.get("endpointType")),
        event_types=tuple((facts.get("filter") or {}).get("includedEventTypes") or ()),
        destination=_destination(destination.get("properties") or {}),
        has_dead_letter=bool(facts.get("deadLetterDestination") or facts.get("deadLetterWithResourceIdentity")),
    )


def _destination(facts: Mapping[str, Any]) -> str:
    """Return a function's name, or account/queue, from the resource id of a destination."""
    last = str(facts.get("resourceId") or "").rpartition("/")[2]
    return f"{last}/{facts['queueName']}" if facts.get("queueName") else last
