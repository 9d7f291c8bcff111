"""A token service that answers oddly: nobody is held for long, and what failed is told, not ACS or storage."""

import time
from collections.abc import Callable, Iterator

import pytest

from dev.loopback import Answer, HttpServer, Script, World
from recording.adapters.acs.control import AcsControl
from recording.adapters.acs.source import AcsSource
from recording.adapters.azure_sdk import clients, identities
from recording.adapters.blob.archive import BlobArchive
from recording.errors import ControlError, StorageRefusedError, TokenUnavailableError
from recording.settings import AcsConnection, StorageConnection
from tests.contract.conftest import storage_settings

CLIENT_ID = "11111111-2222-3333-4444-555555555555"
JSON = {"Content-Type": "application/json"}
ODD = {
    "a page": Answer(200, b"<html>", {"Content-Type": "text/html"}),
    "nothing": Answer(200, b"", JSON),
    "no content": Answer(204),
    "a list": Answer(200, b"[]", JSON),
    "a text": Answer(200, b'"x"', JSON),
    "no token": Answer(200, b"{}", JSON),
    "a time that is none": Answer(200, b'{"access_token":"a","expires_on":"soon","resource":"x"}', JSON),
    "a time without an end": Answer(200, b'{"access_token":"a","expires_on":1e400,"resource":"x"}', JSON),
    "deep": Answer(200, b"[" * 100_000, JSON),
    "no text": Answer(200, b"\xff\xfe", JSON),
    "a failure": Answer(500, b"x"),
    "an hour's wait": Answer(429, b"{}", JSON | {"Retry-After": "3600"}),
    "a failure with a wait": Answer(503, b"{}", JSON | {"Retry-After": "3600"}),
    "a right that is missing": Answer(403, b"{}", JSON),
    "no answer": Answer(is_dropped=True),
}
odd = pytest.mark.parametrize("answer", ODD.values(), ids=ODD)


@pytest.fixture
def service(monkeypatch: pytest.MonkeyPatch) -> Iterator[Script]:
    """The token service of this host."""
    monkeypatch.setattr(identities, "PAUSES", (0.0, 0.0))
    with HttpServer() as server:
        monkeypatch.setenv("IDENTITY_ENDPOINT", f"http://127.0.0.1:{server.port}/msi/token")
        monkeypatch.setenv("IDENTITY_HEADER", "header")
        clients.credential.cache_clear()
        yield server.new_script()
        clients.credential.cache_clear()


@odd
def test_the_source_is_not_asked_and_says_so(service: Script, acs: AcsConnection, world: World, answer: Answer) -> None:
    """An error that nobody expects would end the worker, and a long wait hold it."""
    service.anything(answer)
    source = AcsSource(acs.model_copy(update={"access_key": None, "client_id": CLIENT_ID}))
    begun = time.monotonic()
    with pytest.raises(TokenUnavailableError):
        source.delete("https://storage.asm.skype.com/v1/objects/a")
    assert time.monotonic() - begun < 20
    assert world.script.seen == []
    source.close()


@odd
def test_a_control_call_is_not_made_and_says_so(
    service: Script, acs: AcsConnection, world: World, answer: Answer
) -> None:
    """A failure of the token service is none of ACS's."""
    service.anything(answer)
    control = AcsControl(acs.model_copy(update={"access_key": None, "client_id": CLIENT_ID}))
    with pytest.raises(ControlError) as failed:
        control.stop("rec-1")
    assert failed.value.code == "token_unavailable"
    assert world.script.seen == []
    control.close()


@odd
def test_storage_is_not_asked_and_says_so(service: Script, answer: Answer) -> None:
    """Neither by the SDK nor by the requests of our own."""
    service.anything(answer)
    own = StorageConnection(blob_uri="https://contoso.blob.core.windows.net", client_id=CLIENT_ID)
    base = storage_settings("DefaultEndpointsProtocol=https;AccountName=own;AccountKey=a2V5;")
    archive = BlobArchive(base.model_copy(update={"archive_storage": own}))
    calls: list[Callable[[], object]] = [
        lambda: archive.stage_block("name", "id", b"data"),
        lambda: archive.look_up("name"),
    ]
    for call in calls:
        with pytest.raises(StorageRefusedError) as failed:
            call()
        assert failed.value.code == "token_unavailable"
    archive.close()


def test_a_moments_failure_of_the_token_service_is_not_noticed(service: Script) -> None:
    """Like those of all other services."""
    good = Answer(200, b'{"access_token":"good","expires_on":"4000000000","resource":"x"}', JSON)
    service.anything(Answer(500, b"x"), ODD["a page"], good)
    assert clients.credential(CLIENT_ID).get_token("https://storage.azure.com/.default").token == "good"
    assert len(service.seen) == 3


def test_a_secret_of_the_token_service_is_not_repeated(service: Script, acs: AcsConnection) -> None:
    """What it answers may hold a token."""
    service.anything(Answer(200, b'"secret-token"', JSON))
    source = AcsSource(acs.model_copy(update={"access_key": None, "client_id": CLIENT_ID}))
    with pytest.raises(TokenUnavailableError) as failed:
        source.delete("https://storage.asm.skype.com/v1/objects/a")
    assert "secret" not in str(failed.value)
    source.close()
