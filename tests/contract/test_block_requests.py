"""Put Block and ranged Get Blob: what authorizes them, whom it is shown to, and which answers are believed."""

import base64
import socket
from collections.abc import Iterator

import certifi
import pytest
from azure.storage.blob import BlobServiceClient
from pydantic import SecretStr

from dev.loopback import Answer, HttpServer, World
from recording.adapters.blob import block_requests
from recording.adapters.blob.archive import BlobArchive
from recording.domain.archived.blocks import crc64_of
from recording.domain.state.stored import StoredBlob
from recording.errors import StorageBusyError, StorageRefusedError
from recording.settings import Settings, StorageConnection
from tests.contract.conftest import storage_settings
from tests.contract.test_identity import Identity

AZURE = "DefaultEndpointsProtocol=https;AccountName=own;AccountKey=a2V5;"
OWN = "sv=2026-01-01&sig=Own"
pytestmark = pytest.mark.usefixtures("no_pauses")


@pytest.fixture
def identity() -> Identity:
    return Identity()


def archive_at(connection: StorageConnection) -> BlobArchive:
    """The archive in this account."""
    return BlobArchive(storage_settings(AZURE).model_copy(update={"archive_storage": connection}))


@pytest.fixture
def blobs(world: World, identity: Identity, monkeypatch: pytest.MonkeyPatch) -> Iterator[BlobArchive]:
    """The archive by address and identity, at a host that this test plays."""
    plain = socket.getaddrinfo
    monkeypatch.setattr(block_requests, "credential", lambda _: identity)
    monkeypatch.setattr(certifi, "where", lambda: world.ca_bundle)
    monkeypatch.setattr(
        socket,
        "getaddrinfo",
        lambda *to, **more: plain(*(world.proxy.target if str(to[0]).endswith(".net") else to), **more),
    )
    connection = StorageConnection(blob_uri="https://contoso.blob.core.windows.net", client_id=None)
    archive = archive_at(connection)
    yield archive
    archive.close()


def test_blocks_are_sent_and_read_with_a_token_for_storage(
    blobs: BlobArchive, identity: Identity, world: World
) -> None:
    """One token serves many blocks: asking for it anew each time would cost more than the block."""
    crc64 = base64.b64encode(crc64_of(b"data").to_bytes(8, "little")).decode()
    world.script.on("PUT", "/recordings/name", Answer(201, headers={"x-ms-content-crc64": crc64}))
    world.script.on("GET", "/recordings/name", Answer(206, b"data", {"Content-Range": "bytes 0-3/4"}))
    view = memoryview(bytearray(4))
    for _ in range(3):
        blobs.stage_block("name", "id", b"data")
        assert blobs.fill("name", 0, view) == 4
    assert {seen.headers["Authorization"] for seen in world.script.seen} == {"Bearer the-token"}
    assert identity.asked == [("https://storage.azure.com/.default",)]
    assert bytes(view) == b"data"


def test_an_identity_without_a_token_stages_nothing(blobs: BlobArchive, identity: Identity, world: World) -> None:
    """What the identity's library says may hold anything; the error is the one of a missing right."""
    identity.fails = True
    with pytest.raises(StorageRefusedError) as refused:
        blobs.stage_block("name", "id", b"data")
    assert "tenant-secret" not in str(refused.value)
    assert world.script.seen == []


def test_a_token_is_not_sent_without_tls() -> None:
    """Anybody on the way could use it: the SDK makes no client for such an address, and the addresses are its own."""
    with pytest.raises(ValueError, match="HTTPS"):
        archive_at(StorageConnection(blob_uri="http://127.0.0.1:1/acct"))


@pytest.mark.parametrize(
    ("credential", "holds"),
    [("AccountKey=a2V5", ("sig=", "sp=rcw", "sr=c")), (f"SharedAccessSignature={OWN}", (OWN,))],
    ids=["account key", "own signature"],
)
def test_a_connection_string_signs_blocks(credential: str, holds: tuple[str, ...]) -> None:
    """The key itself never leaves; a signature that the string brings along is used as it is."""
    with HttpServer() as server:
        script = server.new_script()
        script.anything(Answer(206, b"data", {"Content-Range": "bytes 0-3/4"}))
        text = f"AccountName=acct;{credential};BlobEndpoint=http://127.0.0.1:{server.port}/acct"
        connection = StorageConnection(connection_string=SecretStr(text))
        archive = archive_at(connection)
        archive.fill("a b/ü", 0, memoryview(bytearray(4)), '"1"')
        archive.close()
    (seen,) = script.seen
    path, _, query = seen.path.partition("?")
    assert path == "/acct/recordings/a%20b/%C3%BC"
    assert all(text in query for text in holds)
    assert "a2V5" not in str(seen)
    assert "Authorization" not in seen.headers
    assert (seen.headers["If-Match"], seen.headers["Range"]) == ('"1"', "bytes=0-3")


@pytest.mark.parametrize("told", ["bytes 1-4/9", "bytes 0-2/9", "bytes 0-3/*", "nonsense", None])
def test_an_answer_about_another_range_is_not_read(told: str | None) -> None:
    """Bytes in the wrong place would be compared as if they were the right ones."""
    with HttpServer() as server:
        server.new_script().anything(Answer(206, b"data", {"Content-Range": told} if told else {}))
        text = f"{AZURE}BlobEndpoint=http://127.0.0.1:{server.port}/a"
        connection = StorageConnection(connection_string=SecretStr(text))
        archive = archive_at(connection)
        with pytest.raises(StorageBusyError):
            archive.fill("name", 0, memoryview(bytearray(4)))
        archive.close()


def test_a_whole_blob_is_what_the_sdk_would_have_stored_and_would_find(storage: Settings) -> None:
    """Put Blob and HEAD are made here, because the SDK's take twice their time; both must say the same as its own."""
    archive = BlobArchive(storage.model_copy(update={"archive_access_tier": "Cool"}))
    facts = {"sha256": "ab12", "recordingid": "r-1"}
    assert archive.put_media("a b/ü.wav", memoryview(b"whole"), "audio/wav", facts)
    found = archive.look_up("a b/ü.wav")
    archive.close()
    text = storage.archive_storage.connection_string
    assert text is not None
    with BlobServiceClient.from_connection_string(text.get_secret_value()) as service:
        blob = service.get_blob_client(storage.archive_container, "a b/ü.wav")
        told, content = blob.get_blob_properties(), blob.download_blob().readall()
    assert (content, told.blob_type, str(told.blob_tier)) == (b"whole", "BlockBlob", "Cool")
    assert (told.metadata, told.content_settings.content_type) == (facts, "audio/wav")
    assert found == StoredBlob(5, facts, told.etag, bytes(told.content_settings.content_md5 or b""))


@pytest.mark.parametrize(
    "headers",
    [{}, {"ETag": '"1"', "Content-Length": "odd"}, {"ETag": "", "Content-Length": "5"}],
    ids=["a page of a proxy", "an odd length", "an empty ETag"],
)
def test_an_answer_that_is_not_from_storage_says_nothing_about_a_blob(
    blobs: BlobArchive, world: World, headers: dict[str, str]
) -> None:
    """It would be taken for a blob that changed, or for one that is there."""
    world.script.anything(Answer(200, headers=headers))
    with pytest.raises(StorageBusyError):
        blobs.look_up("name")


def test_metadata_is_found_by_its_name_in_lower_case(blobs: BlobArchive, world: World) -> None:
    """Storage keeps the case in which another program wrote a name."""
    told = {"ETag": '"1"', "Content-Length": "0", "X-Ms-Meta-Sha256": "AB", "x-ms-meta-Name": "Value"}
    world.script.anything(Answer(200, headers=told))
    found = blobs.look_up("name")
    assert found == StoredBlob(0, {"sha256": "AB", "name": "Value"}, '"1"')
