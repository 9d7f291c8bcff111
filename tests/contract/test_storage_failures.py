"""Every failure of Azure storage becomes one of our own errors, tells no secret, and never parks the worker."""

import base64
import time
import traceback
from collections.abc import Callable, Iterator
from contextlib import closing
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from dev.loopback import Answer, HttpServer, Script
from dev.world import free_port
from recording.adapters.blob.archive import BlobArchive
from recording.adapters.blob.external import ExternalBlobs
from recording.adapters.blob.quarantine import BlobQuarantine
from recording.adapters.storage_queue import StorageChunkQueue
from recording.adapters.table.catalog import TableCatalog
from recording.domain.archived.blocks import crc64_of
from recording.domain.names import CHUNKS_POISON_QUEUE
from recording.domain.state.chunk import ChunkRecord
from recording.domain.state.recording import StartReservation
from recording.errors import (
    RecordingError,
    SourceBusyError,
    SourceError,
    SourceRefusedError,
    StorageBusyError,
    StorageError,
    StorageRefusedError,
)
from recording.ports import PoisonMessage, QuarantineEntry
from recording.settings import Settings
from tests.contract.conftest import storage_settings
from tests.contract.test_queue_contract import TASK

NOW = datetime(2026, 11, 23, 9, 0, tzinfo=UTC)
KEY = "a3VuYmFyYSBrdW5iYXJhIGt1bmJhcmE="
SAS = "sv=2026-01-01&sig=VerySecretSignature"
RECORD = ChunkRecord(task=TASK, first_seen_at=NOW, changed_at=NOW, etag='"1"')
ENTRY = QuarantineEntry("reason", "detail", "payload", "event_grid", NOW)
RESERVATION = StartReservation(key="k", fingerprint="f", repeatability_id="r", first_sent=NOW)

Call = Callable[[Settings], object]


def using(adapter: Callable[[Settings], Any], call: Callable[[Any], object]) -> Call:
    """A call on a fresh adapter, which is closed at the end."""

    def run(settings: Settings) -> object:
        with closing(adapter(settings)) as made:
            return call(made)

    return run


def in_external(settings: Settings) -> str:
    return f"{settings.external_containers[0]}/a.json"


CALLS: dict[str, Call] = {
    "stage_block": using(BlobArchive, lambda archive: archive.stage_block("name", "id", b"data")),
    "put_media": using(BlobArchive, lambda archive: archive.put_media("name", memoryview(b"data"), "audio/wav", {})),
    "staged_blocks": using(BlobArchive, lambda archive: archive.staged_blocks("name")),
    "read_range": using(BlobArchive, lambda archive: archive.read_range("name", 0, 4)),
    "fill": using(BlobArchive, lambda archive: archive.fill("name", 0, memoryview(bytearray(4)))),
    "commit": using(BlobArchive, lambda archive: archive.commit("name", ["id"], "audio/wav", {"sha256": "ab"})),
    "put_once": using(BlobArchive, lambda archive: archive.put_once("name", b"data", "text/plain")),
    "put_if_unchanged": using(BlobArchive, lambda archive: archive.put_if_unchanged("name", b"", "text/plain", '"1"')),
    "get": using(BlobArchive, lambda archive: archive.get("name")),
    "look_up": using(BlobArchive, lambda archive: archive.look_up("name")),
    "read": using(BlobArchive, lambda archive: list(archive.read("name"))),
    "quarantine": using(BlobQuarantine, lambda quarantine: quarantine.put(ENTRY)),
    "entries": using(BlobQuarantine, lambda quarantine: list(quarantine.entries())),
    "send": using(StorageChunkQueue, lambda queue: queue.send(TASK)),
    "poisoned_events": using(StorageChunkQueue, lambda queue: list(queue.poisoned_events())),
    "poisoned": using(StorageChunkQueue, lambda queue: list(queue.poisoned())),
    "remove_poisoned": using(
        StorageChunkQueue, lambda queue: queue.remove_poisoned(PoisonMessage("x", (CHUNKS_POISON_QUEUE, "id", "r")))
    ),
    "get_chunk": using(TableCatalog, lambda catalog: catalog.get_chunk(TASK.key)),
    "add_chunk": using(TableCatalog, lambda catalog: catalog.add_chunk(RECORD)),
    "save_chunk": using(TableCatalog, lambda catalog: catalog.save_chunk(RECORD)),
    "chunks_of": using(TableCatalog, lambda catalog: catalog.chunks_of("rec-1")),
    "chunk_rows_of": using(TableCatalog, lambda catalog: catalog.chunk_rows_of("rec-1")),
    "open_chunks": using(TableCatalog, lambda catalog: list(catalog.open_chunks())),
    "add_reservation": using(TableCatalog, lambda catalog: catalog.add_reservation(RESERVATION)),
    "external": lambda settings: using(ExternalBlobs, lambda external: external.read_metadata(in_external(settings)))(
        settings
    ),
}
pytestmark = pytest.mark.usefixtures("no_pauses")
every_call = pytest.mark.parametrize("call", CALLS.values(), ids=CALLS)


@pytest.fixture(scope="module")
def server() -> Iterator[HttpServer]:
    with HttpServer() as running:
        yield running


@pytest.fixture
def script(server: HttpServer) -> Script:
    return server.new_script()


@pytest.fixture
def settings(server: HttpServer) -> Settings:
    return storage_settings(connection_string(server.port, f"AccountKey={KEY}"))


def connection_string(port: int, credential: str) -> str:
    endpoints = ";".join(f"{service}Endpoint=http://127.0.0.1:{port}/acct" for service in ("Blob", "Queue", "Table"))
    return f"DefaultEndpointsProtocol=http;AccountName=acct;{credential};{endpoints}"


def failure(status: int, code: str = "Oops", **headers: str) -> Answer:
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    body = f'<?xml version="1.0"?><Error><Code>{code}</Code><Message>talk of /acct/private</Message></Error>'
    return Answer(status, body.encode(), {"x-ms-error-code": code, "Content-Type": "application/xml", **named})


def failed(call: Call, settings: Settings) -> RecordingError:
    with pytest.raises((StorageError, SourceError)) as caught:
        call(settings)
    return caught.value


@every_call
@pytest.mark.parametrize("answer", [failure(500), failure(503, "ServerBusy"), Answer(502), Answer(is_dropped=True)])
def test_a_failing_service_is_busy_after_two_quick_retries(
    settings: Settings, script: Script, call: Call, answer: Answer
) -> None:
    """It will mend itself; the queue brings the work back."""
    script.anything(answer)
    error = failed(call, settings)
    assert isinstance(error, StorageBusyError | SourceBusyError)
    assert error.retryable
    assert len(script.seen) <= 3


@every_call
def test_a_retry_after_is_handed_on_and_not_slept_through(settings: Settings, script: Script, call: Call) -> None:
    """azure-core would sleep for an hour here, with the worker's claim running out."""
    script.anything(failure(503, "ServerBusy", Retry_After="3600"))
    began = time.monotonic()
    error = failed(call, settings)
    assert time.monotonic() - began < 5
    assert error.retry_after == timedelta(hours=1)
    assert len(script.seen) == 1


UNREADABLE = {
    "a proxy's page": Answer(502, b"<html>", {"Content-Type": "text/html"}),
    "a list for an error": Answer(500, b"[1]", {"Content-Type": "application/json"}),
    "half an error": Answer(503, b"{", {"Content-Type": "application/json"}),
    "cut": Answer(200, b"abc", {"Content-Type": "application/json"}, length=10),
    "half an xml": Answer(200, b"<x", {"Content-Type": "application/xml"}),
}


@every_call
@pytest.mark.parametrize("answer", UNREADABLE.values(), ids=UNREADABLE)
def test_an_answer_that_cannot_be_read_is_busy(settings: Settings, script: Script, call: Call, answer: Answer) -> None:
    """The SDKs fall over some of these with a TypeError of their own; a proxy's page must not become a result."""
    script.anything(answer)
    assert isinstance(failed(call, settings), StorageBusyError | SourceBusyError)


@every_call
@pytest.mark.parametrize("status", [401, 403])
def test_a_missing_right_is_told_as_such(settings: Settings, script: Script, call: Call, status: int) -> None:
    """An operator must act: a role, a firewall rule, a key."""
    script.anything(failure(status, "AuthorizationPermissionMismatch"))
    error = failed(call, settings)
    assert isinstance(error, StorageRefusedError | SourceRefusedError)
    assert len(script.seen) == 1


@every_call
def test_a_refused_request_is_no_success_and_not_tried_again(settings: Settings, script: Script, call: Call) -> None:
    """400 is our own fault; it must be seen."""
    script.anything(failure(400, "InvalidInput"))
    failed(call, settings)
    assert len(script.seen) == 1


@every_call
@pytest.mark.parametrize("answer", [failure(403), Answer(is_dropped=True)])
@pytest.mark.parametrize("credential", [f"AccountKey={KEY}", f"SharedAccessSignature={SAS}"], ids=["key", "sas"])
def test_errors_tell_no_secret(script: Script, server: HttpServer, call: Call, answer: Answer, credential: str) -> None:
    """Error texts and their tracebacks are logged; an address may hold a signature."""
    script.anything(answer)
    error = failed(call, storage_settings(connection_string(server.port, credential)))
    lines = traceback.format_exception(error)
    text = "".join(line for line in lines if not line.startswith("  File"))
    for secret in (KEY, "VerySecretSignature", "SharedKey", "/acct/private", f"127.0.0.1:{server.port}"):
        assert secret not in text


@pytest.mark.parametrize("call", ["get_chunk", "send", "entries", "look_up"])
def test_storage_that_is_not_there_is_told_with_its_address(call: str) -> None:
    """`ServiceRequestError` alone leaves a person to guess which of four accounts is down."""
    port = free_port()
    error = failed(CALLS[call], storage_settings(connection_string(port, f"AccountKey={KEY}")))
    assert isinstance(error, StorageBusyError)
    assert f"no connection to 127.0.0.1:{port}: connection refused" in str(error)
    assert KEY not in str(error)


@pytest.mark.parametrize("code", ["ContainerBeingDeleted", "OperationTimedOut"])
@pytest.mark.parametrize("call", ["commit", "put_once"])
def test_a_conflict_that_passes_is_not_taken_for_a_blob_that_lies_there(
    settings: Settings, script: Script, call: str, code: str
) -> None:
    """A `False` here would make the caller believe that the blob exists."""
    script.anything(failure(409, code))
    assert isinstance(failed(CALLS[call], settings), StorageBusyError)


CRC64_OF_DATA = base64.b64encode(crc64_of(b"data").to_bytes(8, "little")).decode()
CHECKED = Answer(201, headers={"x-ms-content-crc64": CRC64_OF_DATA, "x-ms-request-server-encrypted": "true"})


@pytest.mark.parametrize("call", ["stage_block", "put_media"])
def test_a_block_that_was_damaged_on_its_way_is_sent_again(settings: Settings, script: Script, call: str) -> None:
    """The service compares our checksum before it keeps anything."""
    script.anything(failure(400, "Crc64Mismatch"), CHECKED)
    CALLS[call](settings)
    assert [seen.headers["x-ms-content-crc64"] for seen in script.seen] == [CRC64_OF_DATA] * 2


@pytest.mark.parametrize(
    "answer",
    [
        failure(500, "FeatureNotSupported"),
        failure(400, "UnsupportedHeader"),
        Answer(201),
        Answer(201, headers={"x-ms-content-crc64": base64.b64encode(b"another!").decode()}),
    ],
    ids=["emulator", "old service", "ignored", "another"],
)
def test_a_service_that_does_not_check_crc64_gets_an_md5(settings: Settings, script: Script, answer: Answer) -> None:
    """A checksum that nobody compares proves nothing: the answer must repeat it."""
    script.anything(answer, Answer(201))
    CALLS["stage_block"](settings)
    assert [seen.headers.get("Content-MD5") for seen in script.seen] == [None, "jXd/OF09/siBXSD3SWAm3A=="]


def test_a_container_that_may_not_be_made_is_named(settings: Settings, script: Script) -> None:
    """The operator must know which one to create."""
    script.anything(failure(404, "ContainerNotFound"))
    script.on("PUT", "/acct/recordings", failure(403, "AuthorizationPermissionMismatch"))
    error = failed(CALLS["stage_block"], settings)
    assert isinstance(error, StorageRefusedError)
    assert "recordings" in str(error)


def test_a_missing_container_is_made_once_and_the_write_repeated(settings: Settings, script: Script) -> None:
    """A new deployment needs no step by hand."""
    script.on("PUT", "/acct/recordings", Answer(201))
    script.anything(failure(404, "ContainerNotFound"), CHECKED)
    CALLS["stage_block"](settings)
    assert [seen.path.partition("?")[0] for seen in script.seen] == [
        "/acct/recordings/name",
        "/acct/recordings",
        "/acct/recordings/name",
    ]


def test_a_commit_asks_the_service_to_refuse_a_second_one(settings: Settings, script: Script) -> None:
    """Looking first would let two workers pass."""
    script.anything(Answer(201))
    assert CALLS["commit"](settings.model_copy(update={"archive_access_tier": "Cool"})) is True
    (seen,) = script.seen
    assert seen.headers["If-None-Match"] == "*"
    assert seen.headers["x-ms-blob-content-type"] == "audio/wav"
    assert seen.headers["x-ms-access-tier"] == "Cool"
    assert seen.headers["x-ms-meta-sha256"] == "ab"


def test_a_blob_that_changes_while_it_is_read_is_noticed(settings: Settings, script: Script) -> None:
    """Pieces of two versions are no proof of either."""
    headers = {"Content-Length": "8000000", "ETag": '"1"', "x-ms-blob-type": "BlockBlob"}
    script.on("HEAD", "/acct/recordings/name", Answer(200, headers=headers, length=-1))
    script.on("GET", "/acct/recordings/name", failure(412, "ConditionNotMet"))
    failed(CALLS["read"], settings)
    assert script.seen[-1].headers["If-Match"] == '"1"'


@every_call
@pytest.mark.parametrize("code", ["https://acct.example/?sig=secret", "\x1b[2J", "x" * 10_000])
def test_a_code_that_is_none_is_not_repeated(settings: Settings, script: Script, call: Call, code: str) -> None:
    """A proxy may write anything there; errors go to logs and terminals."""
    script.anything(Answer(400, headers={"x-ms-error-code": code}))
    assert code[:4] not in str(failed(call, settings))


@pytest.mark.parametrize("call", ["get_chunk", "chunks_of"])
@pytest.mark.parametrize("status", [200, 400, 503])
def test_deep_answers_are_busy(settings: Settings, script: Script, call: str, status: int) -> None:
    """The parser gives up with an error of its own, which no worker expects."""
    script.anything(Answer(status, b'{"value":' * 100_000, {"Content-Type": "application/json"}))
    assert isinstance(failed(CALLS[call], settings), StorageBusyError)
