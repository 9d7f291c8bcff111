"""Catalog: sidecar documents are written once, never replaced, and no step passes without them."""

from dataclasses import replace

import pytest

from dev.in_memory.builders import metadata, record, task
from dev.in_memory.fakes.archive import FakeArchive
from dev.in_memory.world import World, world
from recording.archive.catalog import catalog
from recording.archive.claim import Work
from recording.domain.archived import layout
from recording.domain.archived.layout import JSON
from recording.domain.state.chunk import ChunkState, MetadataOutcome
from recording.errors import SourceBrokenError, StorageBusyError
from recording.settings.values import MediaCheck

NAME = record(ChunkState.VERIFIED).blob_name or ""
DOCUMENTS = {"metadata": layout.metadata_name(NAME), "receipt": layout.receipt_name(NAME)}


def verified(here: World) -> Work:
    """The turn of a worker on a chunk that is verified and not yet cataloged."""
    here.holds(task())
    here.fakes.catalog.add_chunk(record(ChunkState.VERIFIED))
    return turn(here)


def turn(here: World) -> Work:
    """The turn of one worker."""
    work = Work(here.record(), here.ports, here.settings, started_at=here.now)
    work.save(claim_owner="a worker")
    return work


class RefusingArchive(FakeArchive):
    """An archive that refuses each write as if the name were taken: a lease, or an account that fails over."""

    def put_once(self, name: str, data: bytes, media_type: str) -> bool:
        """Refuse."""
        return False


def test_both_documents_are_stored_before_the_record_says_so() -> None:
    """A worker that dies in between leaves documents that the next one finds."""
    work = verified(here := world())
    here.fakes.catalog.fail_next("save_chunk", StorageBusyError("down"))
    with pytest.raises(StorageBusyError):
        catalog(work)
    assert set(DOCUMENTS.values()) <= here.fakes.archive.blobs.keys()
    assert here.state() is ChunkState.VERIFIED
    catalog(turn(here))
    assert (here.state(), here.record().metadata) == (ChunkState.CATALOGED, MetadataOutcome.ARCHIVED)


@pytest.mark.parametrize("document", DOCUMENTS)
def test_another_document_under_the_name_is_kept_and_the_chunk_copied_under_another(document: str) -> None:
    """Whose it is is not known, and documents are never replaced; the source is there to copy from."""
    work = verified(here := world())
    foreign = metadata(task(1)) if document == "metadata" else b"{}"
    here.fakes.archive.put_once(DOCUMENTS[document], foreign, JSON)
    with pytest.raises(SourceBrokenError) as ended:
        catalog(work)
    assert ended.value.code == "documents_altered"
    assert here.fakes.archive.blobs[DOCUMENTS[document]].data == foreign
    assert (here.state(), here.record().name_version, here.record().blob_name) == (ChunkState.PENDING, 2, None)


def test_a_refused_write_of_a_document_that_is_not_there_is_no_success() -> None:
    """Storage refuses for many reasons in the same words; without its documents no chunk is cataloged."""
    work = verified(here := world())
    work.ports = replace(here.ports, archive=RefusingArchive())
    with pytest.raises(StorageBusyError, match="cannot return it"):
        catalog(work)
    assert here.state() is ChunkState.VERIFIED


def test_media_that_its_metadata_contradicts_is_copied_again(caplog: pytest.LogCaptureFixture) -> None:
    """Late metadata may be the first to say that half a file was served; those bytes lose the chunk's name."""
    work = verified(here := world())
    here.holds(task(), document=metadata(chunkDuration=60_000))
    with pytest.raises(SourceBrokenError) as ended:
        catalog(work)
    assert (ended.value.code, here.state()) == ("media_unreadable", ChunkState.PENDING)
    assert (here.record().broken_tries, here.record().name_version) == (1, 2)
    assert "recording.chunk.archived" not in caplog.text


def test_with_warn_it_is_cataloged_and_reported(caplog: pytest.LogCaptureFixture) -> None:
    """The setting says that suspect media is archived all the same; it is never archived in silence."""
    work = verified(here := world(media_check=MediaCheck.WARN))
    here.holds(task(), document=metadata(chunkDuration=60_000))
    catalog(work)
    assert (here.state(), here.record().media_fault) == (ChunkState.CATALOGED, None)
    assert here.record().media_warning
    assert here.receipt()["mediaWarning"] == here.record().media_warning
    assert "recording.chunk.media_suspect" in caplog.text
