"""The port ExternalStorage: the same promises from the fake and from Blob storage."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import pytest
from azure.storage.blob import BlobServiceClient, ContainerClient

from dev.in_memory.fakes.source import FakeExternal
from recording.adapters.blob.external import ExternalBlobs
from recording.errors import SourceBrokenError, SourceGoneError, UnsafeLocationError
from recording.ports import ExternalStorage
from tests.contract.conftest import EXTERNAL_CONTAINER


@dataclass
class Subject:
    """External storage under test, its container's URL, and the customer's own hand in it."""

    storage: ExternalStorage
    container: str
    put: Callable[[str, bytes], None]


@pytest.fixture(params=["fake", pytest.param("azurite", marks=pytest.mark.azurite)])
def subject(request: pytest.FixtureRequest) -> Iterator[Subject]:
    if request.param == "fake":
        fake = FakeExternal(("https://customer.blob.core.windows.net/calls",))
        container = "https://customer.blob.core.windows.net/calls"
        yield Subject(fake, container, lambda name, data: fake.objects.update({f"{container}/{name}": data}))
        return
    settings = request.getfixturevalue("storage")
    adapter = ExternalBlobs(settings)
    with BlobServiceClient.from_connection_string(settings.archive_storage.connection_string.get_secret_value()) as own:
        client = own.create_container(EXTERNAL_CONTAINER)
        yield Subject(adapter, settings.external_containers[0], lambda name, data: put(client, name, data))
    adapter.close()


def put(container: ContainerClient, name: str, data: bytes) -> None:
    container.upload_blob(name, data)


def test_a_blob_is_read_whole_with_its_length(subject: Subject) -> None:
    """It is hashed and checked like any other chunk."""
    data = b"0123456789abcdef" * (5 * 65536)  # 5 MiB: more than one piece
    subject.put("20261123/call/0-audio.wav", data)
    with subject.storage.open_content(f"{subject.container}/20261123/call/0-audio.wav") as content:
        assert content.declared_total == len(data)
        assert b"".join(content.pieces()) == data


@pytest.mark.parametrize(("first", "length"), [(0, 1), (3, 4), (0, 100), (9, 1), (8, 50)])
def test_a_range_is_read_with_the_length_of_all(subject: Subject, first: int, length: int) -> None:
    """A player hears it where it is; nobody copies it first."""
    subject.put("0-audio.wav", b"0123456789")
    found = subject.storage.read_range(f"{subject.container}/0-audio.wav", first, length)
    assert found == (b"0123456789"[first : first + length], 10)


def test_a_range_outside_the_containers_or_of_nothing_is_refused(subject: Subject) -> None:
    """The same guard as for the whole."""
    with pytest.raises(UnsafeLocationError):
        subject.storage.read_range("https://evil.example/calls/0-audio.wav", 0, 1)
    with pytest.raises(SourceGoneError):
        subject.storage.read_range(f"{subject.container}/absent.wav", 0, 1)


def test_metadata_is_read_as_it_lies_there(subject: Subject) -> None:
    """Bytes, not JSON: they are archived as served."""
    subject.put("meta.json", b'{"a":\r\n1}')
    assert subject.storage.read_metadata(f"{subject.container}/meta.json") == b'{"a":\r\n1}'


def test_metadata_above_a_mebibyte_is_refused(subject: Subject) -> None:
    """Nobody's metadata is that large; memory is ours."""
    subject.put("meta.json", bytes(1024 * 1024 + 1))
    with pytest.raises(SourceBrokenError) as refused:
        subject.storage.read_metadata(f"{subject.container}/meta.json")
    assert refused.value.code == "metadata_too_large"


def test_an_absent_blob_is_gone(subject: Subject) -> None:
    """The deadline decides what that means."""
    with pytest.raises(SourceGoneError):
        subject.storage.read_metadata(f"{subject.container}/absent.json")
    with pytest.raises(SourceGoneError), subject.storage.open_content(f"{subject.container}/absent.wav"):
        pytest.fail("nothing can be opened")


@pytest.mark.parametrize(
    "location",
    [
        "https://evil.example/calls/a.wav",
        "{container}s/a.wav",
        "{container}/../other/a.wav",
        "{container}/a.wav?sig=secret",
        "{container}",
        "{container}/%2e%2e/a.wav",
    ],
)
def test_only_blobs_in_the_configured_containers_are_touched(subject: Subject, location: str) -> None:
    """I5: an event must not make us read, with our identity, what it likes."""
    location = location.format(container=subject.container)
    with pytest.raises(UnsafeLocationError) as refused:
        subject.storage.read_metadata(location)
    assert "a.wav" not in str(refused.value)
    with pytest.raises(UnsafeLocationError), subject.storage.open_content(location):
        pytest.fail("nothing may be opened")
