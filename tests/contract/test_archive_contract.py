"""The port Archive: the same promises from the fake and from Blob storage."""

import hashlib
from collections.abc import Callable, Iterator
from functools import partial

import pytest
from azure.storage.blob import BlobServiceClient

from dev.in_memory.fakes import archive as fake_archive
from dev.in_memory.fakes.archive import FakeArchive
from recording.adapters.blob import container
from recording.adapters.blob.archive import BlobArchive
from recording.errors import BlobLockedError, StorageError
from recording.ports import Archive

NAME = "2026/11/23/call-1/recording-1/0000-0-eus-d1.wav"


@pytest.fixture(params=["fake", pytest.param("azurite", marks=pytest.mark.azurite)])
def archive(request: pytest.FixtureRequest) -> Iterator[Archive]:
    if request.param == "fake":
        yield FakeArchive()
        return
    adapter = BlobArchive(request.getfixturevalue("storage"))
    yield adapter
    adapter.close()


def commit(archive: Archive, *blocks: bytes, name: str = NAME) -> bool:
    block_ids = [f"{number:05d}" for number in range(len(blocks))]
    for block_id, data in zip(block_ids, blocks, strict=True):
        archive.stage_block(name, block_id, data)
    return archive.commit(name, block_ids, "audio/wav", {"sha256": "ab12", "source": "x"})


def test_a_committed_blob_is_its_blocks_in_the_order_of_the_commit(archive: Archive) -> None:
    """Blocks may be staged in any order; the list decides."""
    archive.stage_block(NAME, "b", b"second")
    archive.stage_block(NAME, "a", b"first ")
    assert archive.commit(NAME, ["a", "b"], "audio/wav", {})
    assert b"".join(archive.read(NAME)) == b"first second"


def test_staged_blocks_are_no_blob(archive: Archive) -> None:
    """A half copy must not look like a recording."""
    archive.stage_block(NAME, "a", b"half")
    assert archive.look_up(NAME) is None
    assert archive.get(NAME) is None


def test_a_second_commit_changes_nothing(archive: Archive) -> None:
    """I3: other bytes never replace a committed blob."""
    assert commit(archive, b"the first")
    assert not commit(archive, b"another")
    assert b"".join(archive.read(NAME)) == b"the first"


def test_staging_over_a_committed_blob_leaves_it_alone(archive: Archive) -> None:
    """A slow worker may still be staging when a faster one has committed."""
    commit(archive, b"the first")
    archive.stage_block(NAME, "late", b"late")
    stored = archive.look_up(NAME)
    assert stored is not None
    assert stored.length_bytes == len(b"the first")


@pytest.mark.parametrize("kind", [bytes, bytearray, memoryview])
def test_blocks_may_be_any_buffer(archive: Archive, kind: type) -> None:
    """The copy stages a reused buffer without copying it once more."""
    assert commit(archive, kind(b"buffer"))
    assert b"".join(archive.read(NAME)) == b"buffer"


def test_staging_a_block_twice_keeps_the_last_one(archive: Archive) -> None:
    """A repeated step must be harmless."""
    archive.stage_block(NAME, "a", b"torn")
    archive.stage_block(NAME, "a", b"whole")
    archive.commit(NAME, ["a"], "audio/wav", {})
    assert b"".join(archive.read(NAME)) == b"whole"


def test_facts_and_length_are_known_without_reading(archive: Archive) -> None:
    """A worker that comes after a crash finds its predecessor's result by them."""
    commit(archive, b"12345")
    stored = archive.look_up(NAME)
    assert stored is not None
    assert stored.length_bytes == 5
    assert dict(stored.facts) == {"sha256": "ab12", "source": "x"}


def test_committing_a_block_that_is_not_staged_fails(archive: Archive) -> None:
    """A hole must not become a recording."""
    archive.stage_block(NAME, "a", b"there")
    with pytest.raises(StorageError):
        archive.commit(NAME, ["a", "b"], "audio/wav", {})
    assert archive.look_up(NAME) is None


def test_a_large_blob_is_read_in_pieces(archive: Archive) -> None:
    """I8: reading back must not hold the whole file."""
    block = bytes(range(256)) * 16384  # 4 MiB
    commit(archive, block, block, b"tail")
    pieces = list(archive.read(NAME))
    assert len(pieces) >= 3
    assert b"".join(pieces) == block + block + b"tail"


def test_an_empty_blob_has_no_pieces(archive: Archive) -> None:
    """Nothing is read of nothing, without an error."""
    archive.put_once(NAME, b"", "text/plain")
    assert list(archive.read(NAME)) == []


def test_reading_what_is_absent_fails(archive: Archive) -> None:
    """Only the questions `get` and `look_up` may be answered with nothing."""
    with pytest.raises(StorageError):
        list(archive.read("absent"))


def test_absent_blobs_are_none_even_before_the_container_exists(archive: Archive) -> None:
    """The first worker of a new deployment asks before anything was written."""
    assert archive.get("absent") is None
    assert archive.look_up("absent") is None


def test_of_a_document_without_end_only_the_beginning_is_read(
    archive: Archive, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A hand may put a file of any size in the place of a receipt; its reader must not run out of memory."""
    monkeypatch.setattr(container, "LARGEST_DOCUMENT", 1000)
    monkeypatch.setattr(fake_archive, "LARGEST_DOCUMENT", 1000)
    for length in (0, 999, 1000, 1001, 100_000):
        archive.put_once(f"{length}.json", b"x" * length, "application/json")
        found = archive.get(f"{length}.json")
        assert found is not None
        assert found[0] == b"x" * min(length, 1000)
        assert found[1]


def test_put_once_keeps_the_first(archive: Archive) -> None:
    """Metadata as served is written once."""
    assert archive.put_once("a.json", b"1", "application/json")
    assert not archive.put_once("a.json", b"2", "application/json")
    found = archive.get("a.json")
    assert found is not None
    assert found[0] == b"1"


def test_put_if_unchanged_refuses_a_stale_etag(archive: Archive) -> None:
    """Two workers rewrite one manifest: the slower one must notice."""
    assert archive.put_if_unchanged("manifest.json", b"1", "application/json", None)
    assert not archive.put_if_unchanged("manifest.json", b"x", "application/json", None)
    found = archive.get("manifest.json")
    assert found is not None
    assert archive.put_if_unchanged("manifest.json", b"2", "application/json", found[1])
    assert not archive.put_if_unchanged("manifest.json", b"3", "application/json", found[1])
    latest = archive.get("manifest.json")
    assert latest is not None
    assert latest[0] == b"2"


def test_an_etag_of_an_absent_blob_writes_nothing(archive: Archive) -> None:
    """What was deleted by a person is not brought back by a stale writer."""
    archive.put_once("other.json", b"1", "application/json")
    found = archive.get("other.json")
    assert found is not None
    assert not archive.put_if_unchanged("absent.json", b"x", "application/json", found[1])
    assert archive.get("absent.json") is None


def test_a_listing_tells_names_lengths_and_facts(archive: Archive) -> None:
    """The archive is compared with the catalog without reading it."""
    assert list(archive.list("2026/")) == []
    commit(archive, b"12345")
    commit(archive, b"1", name="2026/11/23/call-1/recording-2/0000-x.wav")
    archive.put_once("2026/11/23/call-1/recording-1/manifest.json", b"{}", "application/json")
    listed = {blob.name: blob for blob in archive.list("2026/11/23/call-1/recording-1/")}
    assert listed.keys() == {NAME, "2026/11/23/call-1/recording-1/manifest.json"}
    found = listed[NAME]
    assert (found.length_bytes, found.is_committed) == (5, True)
    assert dict(found.facts) == {"sha256": "ab12", "source": "x"}


def test_a_listing_tells_staged_blocks_from_a_blob_that_is_empty(archive: Archive) -> None:
    """Half a copy that nobody goes on with is found; a blob of 0 bytes is a blob."""
    archive.stage_block(NAME, "a", b"half")
    archive.put_once("2026/empty.json", b"", "text/plain")
    found = {(blob.name, blob.is_committed) for blob in archive.list("")}
    assert found == {(NAME, False), ("2026/empty.json", True)}


def test_staged_blocks_are_listed_until_they_are_committed(archive: Archive) -> None:
    """What a dead worker staged need not be fetched again."""
    assert archive.staged_blocks(NAME) == {}
    archive.stage_block(NAME, "b", b"second")
    archive.stage_block(NAME, "a", b"first ")
    assert archive.staged_blocks(NAME) == {"a": 6, "b": 6}
    archive.commit(NAME, ["a"], "audio/wav", {})
    assert archive.staged_blocks(NAME) == {}
    assert archive.committed_blocks(NAME) == [("a", 6)]


def test_media_of_one_block_is_put_at_once_and_never_replaced(archive: Archive) -> None:
    """One request instead of two, with the same promises."""
    facts = {"sha256": "ab12"}
    assert archive.put_media(NAME, memoryview(bytearray(b"whole")), "audio/wav", facts)
    assert not archive.put_media(NAME, memoryview(b"another"), "audio/wav", facts)
    assert archive.read_range(NAME, 0, 100) == (b"whole", 5)
    assert archive.committed_blocks(NAME) == []
    stored = archive.look_up(NAME)
    assert stored is not None
    assert (stored.length_bytes, stored.facts) == (5, facts)


def test_a_range_comes_with_the_length_of_the_whole(archive: Archive) -> None:
    """A blob that is longer than what is compared is noticed."""
    commit(archive, b"first ", b"second")
    assert archive.read_range(NAME, 4, 4) == (b"t se", 12)
    with pytest.raises(StorageError):
        archive.read_range("absent", 0, 4)


@pytest.mark.parametrize("name", [NAME, "odd names/ü ä/100%?&#+.wav"])
def test_a_range_is_read_straight_into_a_buffer(archive: Archive, name: str) -> None:
    """No copy of the bytes is made on their way, and a view that is too long is filled as far as the blob goes."""
    archive.stage_block(name, "a", b"the stored bytes")
    assert archive.commit(name, ["a"], "audio/wav", {})
    view = memoryview(bytearray(20))
    assert archive.fill(name, 4, view[:6]) == 16
    assert bytes(view[:6]) == b"stored"
    assert archive.fill(name, 11, view) == 16
    assert bytes(view[:5]) == b"bytes"
    with pytest.raises(StorageError):
        archive.fill("absent", 0, view)


def test_another_version_than_was_asked_for_is_not_read(archive: Archive) -> None:
    """Half of one blob and half of another would be compared with the source as one."""
    archive.stage_block(NAME, "a", b"the stored bytes")
    assert archive.commit(NAME, ["a"], "audio/wav", {})
    stored = archive.look_up(NAME)
    assert stored is not None
    view = memoryview(bytearray(3))
    assert archive.fill(NAME, 0, view, stored.etag) == 16
    with pytest.raises(StorageError):
        archive.fill(NAME, 0, view, '"0x8D000000000000"')


def moved_to_the_archive_tier(archive: Archive, name: str, request: pytest.FixtureRequest) -> None:
    """Move a blob, as a rule of age does."""
    if isinstance(archive, FakeArchive):
        archive.tiers[name] = "Archive"
        return
    settings = request.getfixturevalue("storage")
    connection = settings.archive_storage.connection_string
    assert connection is not None
    with BlobServiceClient.from_connection_string(connection.get_secret_value()) as service:
        service.get_blob_client(settings.archive_container, name).set_standard_blob_tier("Archive")


def test_a_blob_in_the_archive_tier_is_known_and_refuses_to_be_read(
    archive: Archive, request: pytest.FixtureRequest
) -> None:
    """Documents are moved as media is: what reads them has to be told that it is no outage."""
    assert commit(archive, b"12345")
    assert archive.put_once("a.receipt.json", b"{}", "application/json")
    for name in (NAME, "a.receipt.json"):
        moved_to_the_archive_tier(archive, name, request)
        reads: list[Callable[[], object]] = [
            partial(archive.get, name),
            partial(lambda one: list(archive.read(one)), name),
            partial(archive.read_range, name, 0, 2),
            partial(archive.fill, name, 0, memoryview(bytearray(2))),
        ]
        for read in reads:
            with pytest.raises(BlobLockedError):
                read()
        assert archive.look_up(name) is not None
        assert not archive.put_once(name, b"other", "application/json")
    assert [(blob.name, blob.is_offline) for blob in archive.list("a.")] == [("a.receipt.json", True)]
    assert not archive.commit(NAME, [], "audio/wav", {})


@pytest.mark.parametrize(
    "name",
    [
        "a b/c d.wav",
        "a%20b.wav",
        "a%2Fb.wav",
        "50%.wav",
        "M\u00fcller/\u65e5\u672c\u8a9e.wav",
        "#1 & 2?.wav",
        "a+b.wav",
        "UPPER.WAV",
        "a..b/..c.wav",
        "'quote'.wav",
    ],
)
def test_a_blob_is_read_under_the_very_name_that_it_is_listed_with(archive: Archive, name: str) -> None:
    """Containers that are imported have names of all kinds; another file must not be read for it."""
    assert archive.put_once(name, b"this one", "audio/wav")
    assert [blob.name for blob in archive.list("")] == [name]
    stored = archive.get(name)
    assert stored is not None
    assert (stored[0], b"".join(archive.read(name))) == (b"this one", b"this one")
    assert archive.look_up(name) is not None


def test_the_digest_of_a_small_blob_is_known_also_in_the_archive_tier(
    archive: Archive, request: pytest.FixtureRequest
) -> None:
    """A manifest that cannot be read is compared by it, so that attempts add no versions; media of blocks has none."""
    for content in (b"", b"{}", b"x" * 100_000):
        name = f"manifest.{len(content) + 2}.json"
        assert archive.put_once(name, content, "application/json")
        moved_to_the_archive_tier(archive, name, request)
        stored = archive.look_up(name)
        assert stored is not None
        assert (stored.length_bytes, stored.md5) == (
            len(content),
            hashlib.md5(content, usedforsecurity=False).digest(),
        )
    assert commit(archive, b"12345")
    media = archive.look_up(NAME)
    assert media is not None
    assert media.md5 is None
