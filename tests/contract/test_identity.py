"""With an identity instead of keys: the right token goes to the right place, and a missing one is told plainly."""

from dataclasses import dataclass, field
from typing import Any

import pytest
from azure.core.credentials import AccessToken
from azure.core.exceptions import ClientAuthenticationError
from azure.identity import DefaultAzureCredential, ManagedIdentityCredential

from dev.loopback import Answer, World
from recording.adapters.acs import control as acs_control
from recording.adapters.acs.control import AcsControl
from recording.adapters.acs.source import AcsSource
from recording.adapters.azure_sdk import clients as _azure_clients
from recording.adapters.blob.container import blob_service
from recording.adapters.blob.external import ExternalBlobs
from recording.adapters.storage_queue import queue_client
from recording.adapters.table.tables import table_service
from recording.errors import ControlError, SourceRedirectError, SourceRefusedError, UnsafeLocationError
from recording.settings import AcsConnection, StorageConnection
from tests.contract.conftest import storage_settings

PATH = "/v1/objects/0-eus-d1-aa/content/audio"
LOCATION = f"https://storage.asm.skype.com{PATH}"


@dataclass
class Identity:
    """A credential that gives the same token to all who ask, or none."""

    fails: bool = False
    asked: list[tuple[str, ...]] = field(default_factory=list)

    def get_token(self, *scopes: str, **_: Any) -> AccessToken:
        self.asked.append(scopes)
        if self.fails:
            raise ClientAuthenticationError("talk of tenant-secret")
        return AccessToken("the-token", 4_000_000_000)


@pytest.fixture
def identity(monkeypatch: pytest.MonkeyPatch) -> Identity:
    made = Identity()
    for module in (_azure_clients, acs_control):
        monkeypatch.setattr(module, "credential", lambda _: made)
    return made


@pytest.fixture
def keyless(acs: AcsConnection) -> AcsConnection:
    return acs.model_copy(update={"access_key": None})


def test_the_source_sends_a_token_for_communication_services(
    keyless: AcsConnection, identity: Identity, world: World
) -> None:
    """The scope has two slashes, as the SDK asks for it."""
    world.script.on("GET", PATH, Answer(200, b"{}"))
    source = AcsSource(keyless)
    assert source.read_metadata(LOCATION) == b"{}"
    source.close()
    assert world.script.seen[0].headers["Authorization"] == "Bearer the-token"
    assert world.script.seen[0].headers["x-ms-host"] == "contoso.unitedstates.communication.azure.com"
    assert identity.asked == [("https://communication.azure.com//.default",)]


def test_a_token_does_not_follow_a_redirect_out_of_the_allow_list(
    keyless: AcsConnection, identity: Identity, world: World
) -> None:
    """A bearer token works for whoever holds it."""
    world.script.on("GET", PATH, Answer(302, headers={"Location": f"https://evil.example{PATH}"}))
    source = AcsSource(keyless)
    with pytest.raises(SourceRedirectError):
        source.read_metadata(LOCATION)
    source.close()
    assert world.proxy.asked == ["storage.asm.skype.com:443"]


def test_an_unsafe_location_asks_for_no_token(keyless: AcsConnection, identity: Identity) -> None:
    """The guard comes before everything else."""
    source = AcsSource(keyless)
    with pytest.raises(UnsafeLocationError):
        source.delete("https://evil.example/v1/objects/a")
    source.close()
    assert identity.asked == []


def test_an_identity_without_a_token_is_a_refusal(keyless: AcsConnection, identity: Identity, world: World) -> None:
    """The operator must act; ACS was never asked."""
    identity.fails = True
    source, control = AcsSource(keyless), AcsControl(keyless)
    with pytest.raises(SourceRefusedError) as refused:
        source.read_metadata(LOCATION)
    assert "tenant-secret" not in str(refused.value)
    with pytest.raises(ControlError) as without_token:
        control.stop("rec-1")
    assert (without_token.value.code, without_token.value.acs_status) == ("token_unavailable", None)
    assert world.script.seen == []
    source.close()
    control.close()


def test_the_control_plane_sends_the_token(keyless: AcsConnection, identity: Identity, world: World) -> None:
    """The same identity for both planes."""
    world.script.on("DELETE", "/calling/recordings/rec-1", Answer(204))
    control = AcsControl(keyless)
    control.stop("rec-1")
    control.close()
    assert world.script.seen[0].headers["Authorization"] == "Bearer the-token"


def test_storage_is_reached_by_address_and_identity() -> None:
    """The identity form of the settings; nothing is contacted here."""
    connection = StorageConnection(
        blob_uri="https://a.blob.core.windows.net",
        queue_uri="https://a.queue.core.windows.net",
        table_uri="https://a.table.core.windows.net",
        client_id="11111111-2222-3333-4444-555555555555",
    )
    with (
        blob_service(connection) as blobs,
        queue_client(connection, "q-1") as queue,
        table_service(connection) as tables,
    ):
        assert blobs.account_name == queue.account_name == tables.account_name == "a"
        assert blobs.credential is _azure_clients.credential(connection.client_id)


def test_a_container_in_another_account_is_reached_by_the_identity() -> None:
    """The archive's key opens the archive's account only; it must not be sent to another."""
    settings = storage_settings("DefaultEndpointsProtocol=https;AccountName=own;AccountKey=a2V5;")
    external = ExternalBlobs(settings)
    with external._service("https://own.blob.core.windows.net") as own:
        assert own.credential.account_key == "a2V5"
    with external._service("https://other.blob.core.windows.net") as other:
        assert other.credential is _azure_clients.credential(None)


def test_one_credential_serves_the_whole_process() -> None:
    """Tokens are cached in it; a new one for each client would ask the identity endpoint each time."""
    assert isinstance(_azure_clients.credential(None), DefaultAzureCredential)
    assert _azure_clients.credential(None) is _azure_clients.credential(None)
    assert isinstance(_azure_clients.credential("an-id"), ManagedIdentityCredential)
