"""Derived files over real storage: the queue's message, and copies inside storage where it offers them."""

import base64
import hashlib
import json
from collections.abc import Iterator
from urllib.parse import parse_qs, urlsplit

import pytest
from azure.storage.queue import QueueServiceClient
from pydantic import SecretStr

from dev.in_memory.builders import settings
from dev.in_memory.fakes.archive import FakeArchive
from dev.in_memory.fakes.clock import FakeClock
from dev.in_memory.fakes.exports import FakeDerived
from dev.loopback import Answer, HttpServer, Script
from recording.adapters.blob.archive import BlobArchive
from recording.adapters.blob.block_copies import BlockCopies
from recording.adapters.storage_queue import StorageDerived
from recording.domain.names import DERIVED_QUEUE
from recording.errors import StorageError
from recording.settings import Settings, StorageConnection

SOUND = bytes(range(256)) * 40
KEY = base64.b64encode(b"a key of the tests").decode()


@pytest.mark.azurite
def test_the_message_is_what_the_function_reads(storage: Settings) -> None:
    """The host decodes base64, and hands the text on."""
    adapter = StorageDerived(storage)
    adapter.send("recording-1", "joined")
    adapter.close()
    connection = storage.host_storage.connection_string
    assert connection is not None
    text = connection.get_secret_value()
    with QueueServiceClient.from_connection_string(text) as service, service.get_queue_client(DERIVED_QUEUE) as queue:
        (message,) = queue.receive_messages(max_messages=1)
        queue.clear_messages()
    assert json.loads(base64.b64decode(message.content)) == {"recordingId": "recording-1", "kind": "joined"}


@pytest.mark.azurite
def test_a_storage_without_copies_says_so_and_stages_nothing(storage: Settings) -> None:
    """Azurite has none; the blocks then go through the app."""
    archive, copies = BlobArchive(storage), BlockCopies(storage)
    name = f"derived/{hashlib.sha256(SOUND).hexdigest()[:8]}.wav"
    archive.put_media(f"{name}.source", memoryview(SOUND), "audio/wav", {})
    for _ in range(2):
        assert not copies.copy_block(name, "00000001", f"{name}.source", 10, 100)
    assert dict(archive.staged_blocks(name)) == {}
    copies.close()
    archive.close()


def test_the_fake_copies_ranges_or_says_that_it_does_not() -> None:
    """As the service: a block of the source's bytes, that can be committed; nothing of a source that is not there."""
    archive = FakeArchive()
    derived = FakeDerived(FakeClock(), archive)
    archive.put_media("a.wav", memoryview(SOUND), "audio/wav", {})
    for _ in range(2):
        assert derived.copy_block("b.wav", "1", "a.wav", 10, 100)
    assert archive.commit("b.wav", ["1"], "audio/wav", {})
    assert archive.blobs["b.wav"].data == SOUND[10:110]
    with pytest.raises(StorageError):
        derived.copy_block("b.wav", "1", "c.wav", 0, 1)
    derived.copies = False
    assert not derived.copy_block("d.wav", "1", "a.wav", 10, 100)
    assert dict(archive.staged_blocks("d.wav")) == {}


@pytest.fixture
def server() -> Iterator[HttpServer]:
    """Storage as this test plays it."""
    with HttpServer() as made:
        yield made


@pytest.fixture
def script(server: HttpServer) -> Script:
    """What it answers."""
    return server.new_script()


@pytest.fixture
def account(server: HttpServer, script: Script) -> Settings:
    """An archive with an account's key."""
    del script
    address = f"http://127.0.0.1:{server.port}/archive1"
    text = f"DefaultEndpointsProtocol=http;AccountName=archive1;AccountKey={KEY};BlobEndpoint={address}"
    return settings(archive_storage=StorageConnection(connection_string=SecretStr(text)))


def test_a_copy_is_one_request_that_may_read_this_one_blob(account: Settings, script: Script) -> None:
    """The service reads the range itself; the signature is for reading that blob, for minutes."""
    script.anything(Answer(201))
    copies = BlockCopies(account)
    assert copies.copy_block("folder/b.wav", "00000001", "folder/a.wav", 10, 100)
    copies.close()
    (seen,) = script.seen
    assert (seen.method, seen.body) == ("PUT", b"")
    assert parse_qs(urlsplit(seen.path).query)["comp"] == ["block"]
    headers = {name.lower(): value for name, value in seen.headers.items()}
    assert headers["x-ms-source-range"] == "bytes=10-109"
    source = urlsplit(headers["x-ms-copy-source"])
    assert (source.hostname, source.path) == ("127.0.0.1", "/archive1/recordings/folder/a.wav")
    signed = parse_qs(source.query)
    assert (signed["sp"], signed["sr"]) == (["r"], ["b"])


@pytest.mark.parametrize(("status", "code"), [(501, "NotImplemented"), (403, "CannotVerifyCopySource")])
def test_a_service_that_does_not_offer_it_is_asked_once(
    status: int, code: str, account: Settings, script: Script
) -> None:
    """A firewall in between, or an emulator."""
    script.anything(Answer(status, headers={"x-ms-error-code": code}))
    copies = BlockCopies(account)
    for _ in range(3):
        assert not copies.copy_block("b.wav", "00000001", "a.wav", 10, 100)
    copies.close()
    assert len(script.seen) == 1


def test_other_failures_are_failures(account: Settings, script: Script) -> None:
    """A source that is gone is no reason to go another way."""
    script.anything(Answer(404, headers={"x-ms-error-code": "CannotVerifyCopySource404"}))
    copies = BlockCopies(account)
    with pytest.raises(StorageError):
        copies.copy_block("b.wav", "00000001", "a.wav", 10, 100)
    copies.close()
