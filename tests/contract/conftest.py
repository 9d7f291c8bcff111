"""What the contract suites share: storage in Azurite, wiped before each test, and a loopback world that plays ACS."""

import base64
from collections.abc import Iterator

import pytest
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
CONTAINERS = {"recordings", "recording-quarantine", "recording-seal", "recording-exports", EXTERNAL_CONTAINER}
QUEUES = {f"recording-{each}" for each in ("chunks", "chunks-poison", "follow-ups", "exports", "guards", "outbox")}
TABLES = {"recordings", "chunks", "audit", "directory", "seal", "custody", "outbox"}


@pytest.fixture
def storage(azurite: Azurite, _services: tuple[BlobServiceClient, QueueServiceClient, TableServiceClient]) -> Settings:
    """Settings whose storage is an empty Azurite."""
    _wipe(*_services)
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


@pytest.fixture(scope="session")
def _services(azurite: Azurite) -> Iterator[tuple[BlobServiceClient, QueueServiceClient, TableServiceClient]]:
    with (
        BlobServiceClient.from_connection_string(azurite.connection_string) as blobs,
        QueueServiceClient.from_connection_string(azurite.connection_string) as queues,
        TableServiceClient.from_connection_string(azurite.connection_string) as tables,
    ):
        yield blobs, queues, tables


def _wipe(blobs: BlobServiceClient, queues: QueueServiceClient, tables: TableServiceClient) -> None:
    """Delete what there is: three listings cost a test less than a request for each name that there could be."""
    for name in CONTAINERS & {found.name for found in blobs.list_containers()}:
        blobs.delete_container(name)
    for name in QUEUES & {found.name for found in queues.list_queues()}:
        queues.delete_queue(name)
    for name in TABLES & {found.name for found in tables.list_tables()}:
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
