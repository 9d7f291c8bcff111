"""Reading and deleting what was recorded, judged by the untouched SDK."""

from typing import Any

import pytest
from azure.communication.callautomation import CallAutomationClient
from azure.core.exceptions import HttpResponseError, ResourceNotFoundError

from dev.acs_simulator.client import JSON
from dev.acs_simulator.options import SimulatorOptions
from dev.acs_simulator.threaded import SimulatorHandle
from tests.dev.acs_simulator.helpers import CONTENT, DELETE, METADATA, download, make_object


def whole(sdk: CallAutomationClient, stored: JSON) -> bytes:
    """The media, all of it."""
    return download(sdk, CONTENT.format(stored["documentId"])).body


def test_a_whole_download_is_the_object_and_says_its_length_twice(
    simulator: SimulatorHandle, sdk: CallAutomationClient
) -> None:
    """Content-Range comes even with a 200, and it is all there is to check a copy against: no ETag, no checksum."""
    stored = make_object(simulator)
    got = download(sdk, CONTENT.format(stored["documentId"]))
    length = stored["lengthBytes"]
    assert (got.status, len(got.body)) == (200, length)
    assert got.headers["Content-Range"] == f"bytes 0-{length - 1}/{length}"
    assert got.headers["Content-Length"] == str(length)
    assert {"ETag", "Last-Modified", "Content-MD5"}.isdisjoint(got.headers)


@pytest.mark.parametrize(
    ("asked", "part"),
    [
        ({"offset": 100, "length": 50}, slice(100, 150)),
        ({"headers": {"Range": "bytes=0-499"}}, slice(0, 500)),
        ({"headers": {"Range": "bytes=0-99999999"}}, slice(0, None)),
        ({"headers": {"Range": "bytes=31000-"}}, slice(31_000, None)),
        ({"headers": {"Range": "bytes=-20"}}, slice(-20, None)),
    ],
)
def test_a_range_is_answered_exactly(simulator: SimulatorHandle, sdk: CallAutomationClient, asked, part):  # type: ignore[no-untyped-def]
    """Resuming rests on it. Offset 0 goes through headers, because the SDK drops the range it would build."""
    stored = make_object(simulator)
    bytes_of_object = whole(sdk, stored)
    got = download(sdk, CONTENT.format(stored["documentId"]), **asked)
    first, last, _ = part.indices(len(bytes_of_object))
    assert (got.status, got.body) == (206, bytes_of_object[part])
    assert got.headers["Content-Range"] == f"bytes {first}-{last - 1}/{len(bytes_of_object)}"


@pytest.mark.parametrize("header", ["bytes=None", "bytes=5", "bytes=0-1,5-6", "lines=1-2", "bytes=9-3", "bytes=-"])
def test_a_range_that_is_not_understood_gives_the_whole_object(
    simulator: SimulatorHandle, sdk: CallAutomationClient, header: str
) -> None:
    """SDKs up to 1.4.0 sent the first two; the service answered 200."""
    stored = make_object(simulator)
    got = download(sdk, CONTENT.format(stored["documentId"]), headers={"Range": header})
    assert (got.status, len(got.body)) == (200, stored["lengthBytes"])


def test_a_range_behind_the_end_is_416_and_names_the_length(
    simulator: SimulatorHandle, sdk: CallAutomationClient
) -> None:
    """A resume at the very end must be told from an error."""
    stored = make_object(simulator)
    got = download(sdk, CONTENT.format(stored["documentId"]), offset=stored["lengthBytes"], length=1)
    assert (got.status, got.body) == (416, b"")
    assert got.headers["Content-Range"] == f"bytes */{stored['lengthBytes']}"


def test_the_metadata_is_served_beside_the_media(simulator: SimulatorHandle, sdk: CallAutomationClient) -> None:
    """It is archived as bytes, so the bytes and their type count."""
    stored = make_object(simulator)
    got = download(sdk, METADATA.format(stored["documentId"]))
    assert (got.status, got.body.decode()) == (200, stored["metadata"])
    assert got.headers["Content-Type"] == "application/octet-stream"


def test_a_delete_removes_media_and_metadata_and_happens_once(
    simulator: SimulatorHandle, sdk: CallAutomationClient
) -> None:
    """The second delete is 404, which a client whose first answer was lost takes for success."""
    stored = make_object(simulator)
    document_id = stored["documentId"]
    sdk.delete_recording(DELETE.format(document_id))
    with pytest.raises(ResourceNotFoundError):
        sdk.delete_recording(DELETE.format(document_id))
    assert download(sdk, CONTENT.format(document_id)).status == 404
    assert download(sdk, METADATA.format(document_id)).status == 404
    (record,) = simulator.client.objects()
    assert record["deletedAt"] is not None
    assert (record["deleteCount"], record["sha256"]) == (2, stored["sha256"])


def test_the_older_delete_location_deletes_too(simulator: SimulatorHandle, sdk: CallAutomationClient) -> None:
    """Events of one shape name `content/deletedata`; the app calls whatever they name."""
    stored = make_object(simulator)
    sdk.delete_recording(f"https://storage.asm.skype.com/v1/objects/{stored['documentId']}/content/deletedata")
    assert simulator.client.objects()[0]["deletedAt"] is not None


def test_a_malformed_id_is_400_without_a_body(simulator: SimulatorHandle, sdk: CallAutomationClient) -> None:
    """Seen live; it must not be taken for an object that is gone."""
    with pytest.raises(HttpResponseError) as caught:
        sdk.delete_recording(DELETE.format("no-such-id"))
    assert (caught.value.status_code, type(caught.value)) == (400, HttpResponseError)
    assert download(sdk, CONTENT.format("no-such-id")).body == b""


def test_objects_vanish_when_their_day_is_over(simulator: SimulatorHandle, sdk: CallAutomationClient) -> None:
    """This is what the whole app runs against: one minute before the end it is there, at the end it is not."""
    stored = make_object(simulator)
    simulator.client.advance(24 * 3600 - 60)
    assert download(sdk, CONTENT.format(stored["documentId"])).status == 200
    simulator.client.advance(60)
    assert download(sdk, CONTENT.format(stored["documentId"])).status == 404
    with pytest.raises(ResourceNotFoundError):
        sdk.delete_recording(DELETE.format(stored["documentId"]))
    assert simulator.client.objects()[0]["isReadable"] is False


class TestObjectsHomedElsewhere:
    """The live service was seen to answer 302 to another host."""

    @pytest.fixture
    def options(self) -> SimulatorOptions:
        return SimulatorOptions(redirect_content=True)

    def test_the_sdk_follows_when_it_may_keep_its_signature(
        self, simulator: SimulatorHandle, sdk: CallAutomationClient
    ) -> None:
        """With `disable_redirect_cleanup` each hop is signed again, and the bytes arrive."""
        stored = make_object(simulator)
        got = download(sdk, CONTENT.format(stored["documentId"]), headers={"Range": "bytes=0-9"})
        assert (got.status, len(got.body)) == (206, 10)
        hosts = [entry["host"] for entry in simulator.client.journal(operation="content")]
        assert hosts == ["storage.asm.skype.com", "sa1-storage.asm.skype.com"]

    def test_the_sdk_as_it_comes_loses_its_signature_and_gets_401(self, simulator: SimulatorHandle) -> None:
        """The trap an archiver falls into: azure-core removes Authorization when the host changes."""
        stored = make_object(simulator)
        plain = CallAutomationClient.from_connection_string(
            simulator.addresses.connection_string,
            proxies={"https": simulator.addresses.proxy_url},
            connection_verify=str(simulator.addresses.ca_bundle),
        )
        with plain:
            got = download(plain, CONTENT.format(stored["documentId"]))
        assert (got.status, got.body, got.error) == (401, b"", "ClientAuthenticationError")


def test_memory_stays_flat_while_a_large_object_is_served(
    simulator: SimulatorHandle, sdk: CallAutomationClient
) -> None:
    """Four-hour chunks have gigabytes; 64 MiB in a few pieces shows that nobody gathers them."""
    import tracemalloc

    stored = make_object(simulator, wavBytes=64 * 1024 * 1024)
    response: Any = sdk.download_recording(CONTENT.format(stored["documentId"]))
    tracemalloc.start()
    length = sum(len(piece) for piece in response.iter_bytes())
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert length == stored["lengthBytes"] > 63 * 1024 * 1024
    assert peak < 24 * 1024 * 1024


def test_two_files_may_share_a_recording_an_index_and_even_a_document_id(simulator: SimulatorHandle) -> None:
    """After a failover ACS delivers such pairs; an archive must keep both apart by their bytes."""
    first = make_object(simulator)
    same = {"recordingId": first["recordingId"], "documentIds": [first["documentId"]]}
    second = make_object(simulator, durationMs=1500, **same)
    assert keys_of(first) == keys_of(second)
    assert first["sha256"] != second["sha256"]


def keys_of(stored: JSON) -> tuple[str, str, int]:
    """What ought to be unique."""
    return stored["recordingId"], stored["documentId"], stored["index"]
