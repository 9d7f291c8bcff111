"""The port RecordingSource: the same promises from the fake and from the adapter against the ACS simulator."""

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass

import pytest

from dev.in_memory.fakes.source import FakeSource
from recording.adapters.acs.source import AcsSource
from recording.errors import SourceGoneError, UnsafeLocationError
from recording.ports import RecordingSource


@dataclass
class Recorded:
    """One chunk at the source."""

    source: RecordingSource
    content_location: str
    metadata_location: str
    delete_location: str
    sha256: str
    length_bytes: int
    metadata: bytes


@pytest.fixture(params=["fake", "simulator"])
def recorded(request: pytest.FixtureRequest) -> Iterator[Recorded]:
    if request.param == "fake":
        yield in_memory()
        return
    client = request.getfixturevalue("simulator").client
    (made,) = client.create_objects(duration_ms=40_000)  # 1.25 MiB: more than one piece
    source = AcsSource(request.getfixturevalue("simulated_acs"))
    event = next(event for event in reversed(client.events()) if made["documentId"] in str(event))
    (chunk,) = event["data"]["recordingStorageInfo"]["recordingChunks"]
    yield Recorded(
        source=source,
        content_location=chunk["contentLocation"],
        metadata_location=chunk["metadataLocation"],
        delete_location=chunk["deleteLocation"],
        sha256=made["sha256"],
        length_bytes=made["lengthBytes"],
        metadata=made["metadata"].encode(),
    )
    source.close()


def in_memory() -> Recorded:
    source, data = FakeSource(), b"0123456789" * 100_000
    base = "https://storage.asm.skype.com/v1/objects/0-eus-d1-aa"
    source.objects = {f"{base}/content/audio": data, f"{base}/content/acsmetadata": b"{}"}
    digest = hashlib.sha256(data).hexdigest()
    return Recorded(source, f"{base}/content/audio", f"{base}/content/acsmetadata", base, digest, len(data), b"{}")


def test_a_download_gives_the_whole_object_and_its_length(recorded: Recorded) -> None:
    """The copy is proven against both."""
    digest, length = hashlib.sha256(), 0
    with recorded.source.open_content(recorded.content_location) as content:
        for piece in content.pieces():
            digest.update(piece)
            length += len(piece)
        assert content.declared_total == length == recorded.length_bytes
    assert digest.hexdigest() == recorded.sha256


@pytest.mark.parametrize("first", [0, 1, 100_000])
def test_a_range_is_that_part_and_tells_the_whole_length(recorded: Recorded, first: int) -> None:
    """Parallel ranges make one file; each answer is compared with the first."""
    with recorded.source.open_content(recorded.content_location) as content:
        whole = b"".join(content.pieces())
        version = content.version
    room = memoryview(bytearray(60_000))
    with recorded.source.open_content(recorded.content_location, first, 50_000) as content:
        assert (content.declared_total, content.is_whole, content.version) == (len(whole), False, version)
        assert content.fill(room[:20_000]) == 20_000
        assert content.fill(room[20_000:]) == 30_000
    assert room[:50_000] == whole[first : first + 50_000]


def test_a_range_that_is_longer_than_the_object_is_all_of_it(recorded: Recorded) -> None:
    """One request for a small file, whose length nobody knows before."""
    with recorded.source.open_content(recorded.content_location, 0, recorded.length_bytes + 1) as content:
        assert (content.declared_total, content.is_whole) == (recorded.length_bytes, True)


def test_metadata_comes_as_served(recorded: Recorded) -> None:
    """It is archived byte for byte."""
    assert recorded.source.read_metadata(recorded.metadata_location) == recorded.metadata


def test_a_deleted_object_is_gone_with_its_metadata(recorded: Recorded) -> None:
    """A repeated delete finds nothing, and that is success."""
    assert recorded.source.delete(recorded.delete_location) is True
    assert recorded.source.delete(recorded.delete_location) is False
    with pytest.raises(SourceGoneError), recorded.source.open_content(recorded.content_location):
        pytest.fail("nothing can be opened")
    with pytest.raises(SourceGoneError):
        recorded.source.read_metadata(recorded.metadata_location)


def test_an_unknown_object_is_gone(recorded: Recorded) -> None:
    """The deadline decides whether it is late or lost."""
    unknown = recorded.delete_location[:-2] + "00"
    assert recorded.source.delete(unknown) is False
    with pytest.raises(SourceGoneError):
        recorded.source.read_metadata(f"{unknown}/content/acsmetadata")


@pytest.mark.parametrize("location", ["https://evil.example/v1/objects/a", "http://storage.asm.skype.com/v1/objects/a"])
def test_unsafe_locations_are_refused(recorded: Recorded, location: str) -> None:
    """I5: use cases rely on this wherever the port comes from."""
    with pytest.raises(UnsafeLocationError):
        recorded.source.delete(location)
    with pytest.raises(UnsafeLocationError):
        recorded.source.read_metadata(location)
    with pytest.raises(UnsafeLocationError), recorded.source.open_content(location):
        pytest.fail("nothing may be opened")
