"""The doctor's probe against real storage and a loopback Azure API: green when well, and red when not."""

import base64
import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from azure.core.credentials import AccessToken
from azure.storage.blob import BlobServiceClient
from azure.storage.queue import QueueClient, QueueServiceClient
from pydantic import SecretStr

from dev.in_memory.builders import RESOURCE
from dev.in_memory.builders import settings as good_settings
from dev.loopback import Answer, World
from recording.adapters import probe as probing
from recording.adapters.probe import AzureProbe
from recording.domain.incoming.events import EVENT_TYPE
from recording.domain.watched.protection import Immutability, Protection
from recording.errors import StorageError, StorageRefusedError
from recording.settings import Settings, StorageConnection

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
def test_nothing_is_put_on_a_poison_queue(deployed: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    """Storage logs each message that is put there, and `message-poisoned` would be set off by every look at health."""
    seen: list[str] = []

    def noting(_: StorageConnection, name: str) -> QueueClient:
        def note(request: Any) -> None:
            seen.append(request.http_request.method)

        return QueueClient.from_connection_string(text_of(deployed), name, raw_request_hook=note)

    monkeypatch.setattr(probing, "queue_client", noting)
    with QueueServiceClient.from_connection_string(text_of(deployed)) as queues:
        queues.create_queue("recording-chunks-poison").close()
    assert AzureProbe(deployed).queue("recording-chunks-poison").messages == 0
    assert set(seen) == {"GET"}
    assert AzureProbe(deployed).queue("recording-events").messages == 0
    assert {"POST", "DELETE"} <= set(seen)


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


def page(link: str, *names: str) -> Answer:
    """What Azure's API answers to a long list: some of it, and where the rest is."""
    facts = {"destination": {"endpointType": "WebHook"}}
    items = [{"name": name, "properties": facts} for name in names]
    return Answer(200, json.dumps({"value": items, "nextLink": link}).encode(), {"Content-Type": "application/json"})


def test_a_list_is_read_to_its_end(azure: AzureProbe, world: World) -> None:
    """A topic with many subscriptions is told in pages; ours may be on the last one."""
    ours = {"id": TOPIC, "properties": {"source": RESOURCE}}
    world.script.on("GET", f"{GROUP}/providers/Microsoft.EventGrid/systemTopics", listed(ours))
    path = f"{TOPIC}/eventSubscriptions"
    link = f"https://management.azure.com{path}?api-version=2022-06-15&$skipToken=2"
    world.script.on("GET", path, page(link, "one", "two"), page(link, "three"), page("", "four"))
    assert [each.name for each in azure.subscriptions()] == ["one", "two", "three", "four"]
    assert {seen.host for seen in world.script.seen} == {"management.azure.com"}


@pytest.mark.parametrize(
    "link",
    [
        "https://evil.example/next",
        "http://management.azure.com/next",
        "https://management.azure.com.evil.example/next",
        "https://management.azure.com@evil.example/next",
        "https://management.azure.com:444/next",
        "//evil.example/next",
    ],
)
def test_a_next_page_elsewhere_gets_no_token(azure: AzureProbe, world: World, link: str) -> None:
    """The token opens the subscription; a link in an answer is a text."""
    ours = {"id": TOPIC, "properties": {"source": RESOURCE}}
    world.script.on("GET", f"{GROUP}/providers/Microsoft.EventGrid/systemTopics", listed(ours))
    world.script.on("GET", f"{TOPIC}/eventSubscriptions", page(link, "one"))
    with pytest.raises(StorageError, match="another host"):
        azure.subscriptions()
    assert {seen.host for seen in world.script.seen} == {"management.azure.com"}


def test_a_list_without_an_end_ends(azure: AzureProbe, world: World) -> None:
    """Each page names itself as the next one."""
    ours = {"id": TOPIC, "properties": {"source": RESOURCE}}
    world.script.on("GET", f"{GROUP}/providers/Microsoft.EventGrid/systemTopics", listed(ours))
    path = f"{TOPIC}/eventSubscriptions"
    world.script.on("GET", path, page(f"https://management.azure.com{path}", "one"))
    with pytest.raises(StorageError, match="further pages"):
        azure.subscriptions()


@pytest.mark.usefixtures("no_pauses")
def test_an_identity_that_may_not_ask_is_told_so(azure: AzureProbe, world: World) -> None:
    """Without the reader's role there, the doctor says that it has not looked."""
    world.script.on("GET", f"{GROUP}/providers/Microsoft.EventGrid/systemTopics", Answer(403))
    with pytest.raises(StorageRefusedError):
        azure.subscriptions()


# --- protection of the archive, through Azure's own API ---------------------------------------------------------------

ACCOUNT = "/subscriptions/6f1c0d52/resourceGroups/rg/providers/Microsoft.Storage/storageAccounts/archive"


def protected(world: World, rules: Answer | None = None, state: str = "Unlocked") -> None:
    """An account as infra/ deploys it."""
    policy = {"immutabilityPeriodSinceCreationInDays": 30, "state": state, "allowProtectedAppendWrites": False}
    facts = {"immutableStorageWithVersioning": {"enabled": True, "immutabilityPolicy": policy}}
    kept = {"enabled": True, "days": 30}
    service = {"isVersioningEnabled": True, "deleteRetentionPolicy": kept, "containerDeleteRetentionPolicy": kept}
    world.script.on("GET", ACCOUNT, answered({"properties": facts}))
    world.script.on("GET", f"{ACCOUNT}/blobServices/default", answered({"properties": service}))
    world.script.on("GET", f"{ACCOUNT}/managementPolicies/default", rules or Answer(404))


def answered(content: dict[str, Any]) -> Answer:
    """What Azure's API answers."""
    return Answer(200, json.dumps(content).encode(), {"Content-Type": "application/json"})


def rule(name: str, prefixes: list[str] | None, delete: dict[str, float] | None, *, enabled: bool = True) -> Any:
    """A lifecycle rule as Azure tells it."""
    base = {"tierToCool": {"daysAfterModificationGreaterThan": 30}, **({"delete": delete} if delete else {})}
    filters = {"blobTypes": ["blockBlob"], **({"prefixMatch": prefixes} if prefixes else {})}
    return {"name": name, "enabled": enabled, "definition": {"filters": filters, "actions": {"baseBlob": base}}}


def of_versions(name: str, delete: dict[str, float]) -> Any:
    """A rule that deletes earlier versions and moves nothing."""
    return {"name": name, "enabled": True, "definition": {"filters": {}, "actions": {"version": {"delete": delete}}}}


@pytest.fixture
def of_account(world: World, monkeypatch: pytest.MonkeyPatch) -> AzureProbe:
    """A probe that knows the archive's account."""
    monkeypatch.setattr(probing, "credential", lambda _: Identity())
    known = good_settings(archive_resource_id=ACCOUNT)
    return AzureProbe(known, proxies={"https": world.proxy.url}, connection_verify=world.ca_bundle)


def test_an_account_tells_how_it_is_protected(of_account: AzureProbe, world: World) -> None:
    """As infra/ deploys it."""
    protected(world)
    assert of_account.protection() == Protection(
        has_versions=True,
        soft_delete_days=30,
        container_soft_delete_days=30,
        immutability=Immutability.UNLOCKED,
        immutability_days=30,
    )


@pytest.mark.parametrize(("state", "told"), [("Locked", "Locked"), ("Disabled", "Off"), ("Other", "Off")])
def test_each_state_of_a_policy_has_its_word(of_account: AzureProbe, world: World, state: str, told: str) -> None:
    """A state that nobody knows protects nothing."""
    protected(world, state=state)
    assert of_account.protection().immutability == told


def test_an_account_without_any_of_it_says_so(of_account: AzureProbe, world: World) -> None:
    """Azure leaves out what is off."""
    protected(world)
    world.script.on("GET", ACCOUNT, answered({"properties": {}}))
    off = {"deleteRetentionPolicy": {"enabled": False}}
    world.script.on("GET", f"{ACCOUNT}/blobServices/default", answered({"properties": off}))
    found = of_account.protection()
    assert found == Protection(
        has_versions=False, soft_delete_days=None, container_soft_delete_days=None, immutability=Immutability.OFF
    )


def test_only_active_rules_that_delete_recordings_count(of_account: AzureProbe, world: World) -> None:
    """By any clock, for the container, a folder of it, or the whole account."""
    rules = [
        rule("cheaper", ["recordings/"], None),
        rule("ours", ["recordings/"], {"daysAfterModificationGreaterThan": 365}),
        rule("folder", ["other/", "recordings/2026/"], {"daysAfterCreationGreaterThan": 90}),
        rule("whole", None, {"daysAfterLastAccessTimeGreaterThan": 30}),
        of_versions("versions", {"daysAfterCreationGreaterThan": 20}),
        rule("other", ["logs/", "recordings-old/"], {"daysAfterModificationGreaterThan": 1}),
        rule("off", ["recordings/"], {"daysAfterModificationGreaterThan": 1}, enabled=False),
    ]
    protected(world, answered({"properties": {"policy": {"rules": rules}}}))
    assert of_account.protection().deletes == (("ours", 365.0), ("folder", 90.0), ("whole", 30.0), ("versions", 20.0))


@pytest.mark.usefixtures("no_pauses")
def test_an_identity_that_may_not_read_the_account_is_refused(of_account: AzureProbe, world: World) -> None:
    """The doctor then skips the check."""
    world.script.on("GET", ACCOUNT, Answer(403))
    with pytest.raises(StorageRefusedError):
        of_account.protection()


# --- the doctor's own event -------------------------------------------------------------------------------------------


@pytest.mark.azurite
def test_a_probe_event_is_in_the_queue_as_event_grid_would_put_it_and_can_be_taken_back(deployed: Settings) -> None:
    """Base64, as the host reads it; and nothing stays."""
    probe = AzureProbe(deployed)
    with (
        QueueServiceClient.from_connection_string(text_of(deployed)) as queues,
        queues.get_queue_client("recording-events") as queue,
    ):
        take_back = probe.queue_event({"id": "x"})
        (seen,) = queue.peek_messages()
        assert json.loads(base64.b64decode(seen.content)) == {"id": "x"}
        take_back()
        assert queue.get_queue_properties().approximate_message_count == 0
        again = probe.queue_event({"id": "y"})
        queue.clear_messages()
        again()  # it is gone already: no fault


def test_a_probe_event_is_posted_as_event_grid_does(world: World) -> None:
    """With the key in a header, never in the address."""
    webhook = probing.Webhook("app.azurewebsites.net", SecretStr("the-key"))
    options = {"proxies": {"https": world.proxy.url}, "connection_verify": world.ca_bundle}
    probe = AzureProbe(good_settings(), lambda: webhook, **options)
    world.script.on("POST", "/runtime/webhooks/EventGrid", Answer(202))
    assert probe.post_event({"id": "x"})
    (seen,) = world.script.seen
    assert (seen.host, seen.headers["aeg-event-type"]) == ("app.azurewebsites.net", "Notification")
    assert seen.headers["x-functions-key"] == "the-key"
    assert not AzureProbe(good_settings()).post_event({"id": "x"})


@pytest.mark.usefixtures("no_pauses")
@pytest.mark.parametrize("status", [401, 403, 404, 302])
def test_a_function_that_refuses_its_event_is_told(world: World, status: int) -> None:
    """A wrong key, sign-in in front of it, no such function; and no redirect is followed."""
    webhook = probing.Webhook("app.azurewebsites.net", SecretStr("the-key"))
    options = {"proxies": {"https": world.proxy.url}, "connection_verify": world.ca_bundle}
    world.script.on("POST", "/runtime/webhooks/EventGrid", Answer(status, b"", {"Location": "https://evil.example/"}))
    with pytest.raises(StorageError) as told:
        AzureProbe(good_settings(), lambda: webhook, **options).post_event({"id": "x"})
    assert "the-key" not in str(told.value)
    assert {seen.host for seen in world.script.seen} == {"app.azurewebsites.net"}
