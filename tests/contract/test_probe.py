"""The doctor's probe against real storage and a loopback Azure API: green when well, and red when not."""

import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from azure.core.credentials import AccessToken
from azure.storage.blob import BlobServiceClient
from azure.storage.queue import QueueServiceClient
from pydantic import SecretStr

from dev.in_memory.builders import RESOURCE
from dev.in_memory.builders import settings as good_settings
from recording.adapters import probe as probing
from recording.adapters.probe import AzureProbe
from recording.domain.incoming.events import EVENT_TYPE
from recording.errors import StorageError, StorageRefusedError
from recording.settings import Settings, StorageConnection
from tests.contract.loopback import Answer, World

TOPIC = "/subscriptions/6f1c0d52/resourceGroups/rg-voice/providers/Microsoft.EventGrid/systemTopics/voice"
GROUP = RESOURCE.partition("/providers/")[0]


def text_of(settings: Settings) -> str:
    """The connection string of the host's storage."""
    assert settings.host_storage.connection_string is not None
    return settings.host_storage.connection_string.get_secret_value()


@pytest.fixture
def deployed(storage: Settings) -> Iterator[Settings]:
    """Azurite as a deployment leaves it."""
    with QueueServiceClient.from_connection_string(text_of(storage)) as queues:
        for name in ("recording-events", "recording-chunks"):
            queues.create_queue(name).close()
        with BlobServiceClient.from_connection_string(text_of(storage)) as blobs:
            blobs.create_container("recording-dead-letters")
            yield storage.model_copy(update={"dead_letter_storage": storage.host_storage})
            blobs.delete_container("recording-dead-letters")
        queues.delete_queue("recording-events")


@pytest.mark.azurite
def test_every_probe_passes_and_leaves_nothing_behind(deployed: Settings) -> None:
    """It is run in production."""
    probe = AzureProbe(deployed)
    for name in ("chunks", "recordings", "audit"):
        probe.table(name)
    assert probe.queue("recording-chunks").messages == 0
    assert probe.queue("recording-chunks-poison").messages == 0
    probe.quarantine()
    probe.archive(is_fallback=False)
    assert probe.may_delete()  # a key may do everything
    assert probe.dead_letters() == 0
    assert abs(probe.server_time() - datetime.now(UTC)) < timedelta(minutes=1)
    with BlobServiceClient.from_connection_string(text_of(deployed)) as blobs:
        names = [
            blob.name
            for each in blobs.list_containers()
            for blob in blobs.get_container_client(each).list_blobs(include=["uncommittedblobs"])
        ]
    assert [name for name in names if name.startswith(probing.PROBE)] == []


@pytest.mark.azurite
def test_waiting_messages_and_letters_are_counted(deployed: Settings) -> None:
    """How many, and since when."""
    with (
        QueueServiceClient.from_connection_string(text_of(deployed)) as queues,
        queues.get_queue_client("recording-events") as queue,
    ):
        queue.send_message("one")
        queue.send_message("two")
    with BlobServiceClient.from_connection_string(text_of(deployed)) as blobs:
        blobs.get_blob_client("recording-dead-letters", "a.json").upload_blob(b"[]")
    facts = AzureProbe(deployed).queue("recording-events")
    assert facts.messages == 2
    assert facts.oldest_at is not None
    assert AzureProbe(deployed).dead_letters() == 1


@pytest.mark.azurite
@pytest.mark.usefixtures("no_pauses")
def test_a_wrong_key_is_refused_everywhere(storage: Settings) -> None:
    """Each probe really asks."""
    wrong = text_of(storage).replace("AccountKey=", "AccountKey=AAAA")
    connection = StorageConnection(connection_string=SecretStr(wrong))
    places = ("host_storage", "archive_storage", "fallback_storage", "dead_letter_storage")
    probe = AzureProbe(storage.model_copy(update=dict.fromkeys(places, connection)))
    calls = [
        lambda: probe.table("chunks"),
        lambda: probe.queue("recording-chunks"),
        probe.quarantine,
        lambda: probe.archive(is_fallback=False),
        lambda: probe.archive(is_fallback=True),
        probe.dead_letters,
    ]
    for call in calls:
        with pytest.raises(StorageRefusedError) as refused:
            call()
        assert "AAAA" not in str(refused.value)


@pytest.mark.azurite
def test_a_queue_or_a_container_that_is_not_there_is_a_fault(storage: Settings) -> None:
    """Event Grid cannot write to it, and says so to nobody here."""
    probe = AzureProbe(storage.model_copy(update={"dead_letter_storage": storage.host_storage}))
    for call in (lambda: probe.queue("recording-events"), probe.dead_letters):
        with pytest.raises(StorageError, match="NotFound"):
            call()


def test_two_addresses_of_one_account_are_one() -> None:
    """The second destination in the same account is none."""
    one, two = (StorageConnection(blob_uri=f"https://{name}.blob.core.windows.net") for name in ("one", "two"))
    assert AzureProbe(good_settings(archive_storage=one, fallback_storage=one)).is_same_account()
    assert not AzureProbe(good_settings(archive_storage=one, fallback_storage=two)).is_same_account()


# --- Event Grid, through Azure's own API -----------------------------------------------------------------------------


class Identity:
    """A credential that gives the same token to all who ask."""

    def get_token(self, *_: str, **__: Any) -> AccessToken:
        return AccessToken("the-token", 4_000_000_000)


@pytest.fixture
def azure(world: World, monkeypatch: pytest.MonkeyPatch) -> AzureProbe:
    """A probe whose way to Azure's API ends in the loopback world."""
    monkeypatch.setattr(probing, "credential", lambda _: Identity())
    return AzureProbe(good_settings(), proxies={"https": world.proxy.url}, connection_verify=world.ca_bundle)


def listed(*items: dict[str, Any]) -> Answer:
    """What Azure's API answers to a list."""
    return Answer(200, json.dumps({"value": items}).encode(), {"Content-Type": "application/json"})


def test_the_subscriptions_of_our_resource_are_told(azure: AzureProbe, world: World) -> None:
    """Both ways of writing a destination, with the identity and without."""
    other = {"id": "/x", "properties": {"source": RESOURCE + "-other"}}
    ours = {"id": TOPIC, "properties": {"source": RESOURCE.upper()}}
    world.script.on("GET", f"{GROUP}/providers/Microsoft.EventGrid/systemTopics", listed(other, ours))
    own_filter = {"includedEventTypes": [EVENT_TYPE]}
    function = {"destination": {"endpointType": "AzureFunction"}, "filter": own_filter}
    by_identity = {
        "destination": {"endpointType": "StorageQueue", "properties": {"resourceId": "/x/host", "queueName": "events"}}
    }
    queue = {
        "deliveryWithResourceIdentity": by_identity,
        "filter": own_filter,
        "deadLetterWithResourceIdentity": {"x": 1},
    }
    answer = listed({"name": "to-function", "properties": function}, {"name": "to-queue", "properties": queue})
    world.script.on("GET", f"{TOPIC}/eventSubscriptions", answer)
    found = azure.subscriptions()
    assert [(each.name, each.kind, each.has_dead_letter) for each in found] == [
        ("to-function", "AzureFunction", False),
        ("to-queue", "StorageQueue", True),
    ]
    assert [each.destination for each in found] == ["", "host/events"]
    assert {each.event_types for each in found} == {(EVENT_TYPE,)}
    assert {seen.host for seen in world.script.seen} == {"management.azure.com"}
    assert {seen.headers["Authorization"] for seen in world.script.seen} == {"Bearer the-token"}


@pytest.mark.usefixtures("no_pauses")
def test_an_identity_that_may_not_ask_is_told_so(azure: AzureProbe, world: World) -> None:
    """Without the reader's role there, the doctor says that it has not looked."""
    world.script.on("GET", f"{GROUP}/providers/Microsoft.EventGrid/systemTopics", Answer(403))
    with pytest.raises(StorageRefusedError):
        azure.subscriptions()
