"""What the contract suites share: storage in Azurite, wiped before each test, and a loopback world that plays ACS."""

import base64
from collections.abc import Iterator
from contextlib import suppress

import pytest
from azure.core.exceptions import ResourceNotFoundError
from azure.data.tables import TableServiceClient
from azure.storage.blob import BlobServiceClient
from azure.storage.queue import QueueServiceClient
from pydantic import SecretStr

from dev.acs_simulator.options import SimulatorOptions
from dev.acs_simulator.threaded import SimulatorHandle, run_in_thread
from dev.azurite import Azurite
from dev.in_memory.fakes.catalog import FakeCatalog
from dev.loopback import ConnectProxy, HttpServer, World, certificates
from recording.adapters.acs.source import AcsSource
from recording.adapters.table.catalog import TableCatalog
from recording.ports import Catalog
from recording.settings import AcsConnection, Settings, StorageConnection

ENDPOINT = "https://contoso.unitedstates.communication.azure.com"
ACCESS_KEY = base64.b64encode(b"not a secret, only a test's key.").decode()
EXTERNAL_CONTAINER = "calls"


@pytest.fixture
def storage(azurite: Azurite) -> Settings:
    """Settings whose storage is an empty Azurite."""
    _wipe(azurite.connection_string)
    return storage_settings(azurite.connection_string)


def storage_settings(connection_string: str) -> Settings:
    """Settings with this storage for everything; its own account also holds an external container."""
    connection = StorageConnection(connection_string=SecretStr(connection_string))
    with BlobServiceClient.from_connection_string(connection_string) as service:
        external = f"{service.url.rstrip('/')}/{EXTERNAL_CONTAINER}"
    return Settings(
        acs=AcsConnection(endpoint=ENDPOINT, access_key=SecretStr(ACCESS_KEY)),
        host_storage=connection,
        archive_storage=connection,
        external_containers=(external,),
    )


def _wipe(connection_string: str) -> None:
    with BlobServiceClient.from_connection_string(connection_string) as blobs:
        for name in ("recordings", "recording-quarantine", "recording-seal", "recording-exports", EXTERNAL_CONTAINER):
            with suppress(ResourceNotFoundError):
                blobs.delete_container(name)
    with QueueServiceClient.from_connection_string(connection_string) as queues:
        queued = ("chunks", "chunks-poison", "follow-ups", "exports", "guards", "outbox")
        for name in (f"recording-{each}" for each in queued):
            with suppress(ResourceNotFoundError):
                queues.delete_queue(name)
    with TableServiceClient.from_connection_string(connection_string) as tables:
        for name in ("recordings", "chunks", "audit", "directory", "seal", "custody", "outbox"):
            tables.delete_table(name)


@pytest.fixture(scope="session")
def _loopback(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[HttpServer, ConnectProxy, str]]:
    context, bundle = certificates(tmp_path_factory.mktemp("ca"))
    with HttpServer(context) as server, ConnectProxy(server.port) as proxy:
        yield server, proxy, bundle


@pytest.fixture
def world(_loopback: tuple[HttpServer, ConnectProxy, str]) -> World:
    """A scripted server that plays every host, behind a CONNECT proxy."""
    server, proxy, bundle = _loopback
    proxy.asked.clear()
    return World(server.new_script(), proxy, bundle)


@pytest.fixture
def acs(world: World) -> AcsConnection:
    """How to reach the loopback world as if it were ACS."""
    return AcsConnection(
        endpoint=ENDPOINT,
        access_key=SecretStr(ACCESS_KEY),
        proxy_url=world.proxy.url,
        ca_bundle=world.ca_bundle,
    )


@pytest.fixture
def no_pauses(monkeypatch: pytest.MonkeyPatch) -> None:
    """Quick retries without their waits: what is tested is whether they happen."""
    monkeypatch.setattr("recording.adapters.azure_sdk.clients.PAUSES", (0.0, 0.0))


@pytest.fixture(scope="session")
def simulator() -> Iterator[SimulatorHandle]:
    """One ACS simulator for the whole run; tests make calls and media of their own in it."""
    with run_in_thread(SimulatorOptions(endpoint_host=ENDPOINT.removeprefix("https://"))) as running:
        yield running


@pytest.fixture
def simulated_acs(simulator: SimulatorHandle) -> AcsConnection:
    """How to reach the simulator."""
    found = simulator.addresses
    return AcsConnection(
        endpoint=found.endpoint,
        access_key=SecretStr(found.access_key),
        proxy_url=found.proxy_url,
        ca_bundle=str(found.ca_bundle),
    )


@pytest.fixture(params=["fake", pytest.param("azurite", marks=pytest.mark.azurite)])
def catalog(request: pytest.FixtureRequest) -> Iterator[Catalog]:
    if request.param == "fake":
        yield FakeCatalog()
        return
    adapter = TableCatalog(request.getfixturevalue("storage"))
    yield adapter
    adapter.close()


@pytest.fixture
def source(acs: AcsConnection) -> Iterator[AcsSource]:
    adapter = AcsSource(acs)
    yield adapter
    adapter.close()
