"""Files in the customer's own storage are proved in place and never deleted."""

import hashlib

from dev.in_memory.builders import CONTAINER, metadata, task, wav
from dev.in_memory.world import dies_at, world
from recording.domain.state.chunk import ChunkState, Home, SourceOutcome

EXTERNAL = task(
    home=Home.EXTERNAL,
    content_location=f"{CONTAINER}/20261123/call/0.wav",
    metadata_location=f"{CONTAINER}/20261123/call/0.json",
    delete_location=None,
)


def test_a_file_in_the_customers_own_storage_is_proved_where_it_lies_and_never_deleted() -> None:
    """It is their only copy: read, hashed, described; not copied, not touched."""
    here = world()
    here.fakes.external.objects |= {EXTERNAL.content_location: wav(), EXTERNAL.metadata_location or "": metadata()}
    here.works(EXTERNAL)
    record = here.record(EXTERNAL)
    assert (record.state, record.source) == (ChunkState.CATALOGED, SourceOutcome.NOT_OURS)
    assert here.media_blobs() == {}
    assert here.source.calls == []
    assert here.receipt(EXTERNAL)["externalLocation"] == EXTERNAL.content_location
    assert here.manifest()["complete"]


def test_an_external_file_that_changes_between_two_reads_is_read_anew() -> None:
    """Two reads must agree before anything is promised about it; one that was written to meanwhile is no loss."""
    here = world()
    here.fakes.external.objects |= {EXTERNAL.content_location: wav(), EXTERNAL.metadata_location or "": metadata()}
    save = here.fakes.catalog.save_chunk

    def changing(record: object) -> object:
        saved = save(record)  # type: ignore[arg-type]  # passes on what it was given
        if saved.state is ChunkState.COPIED:
            here.fakes.external.objects[EXTERNAL.content_location] = wav()[:-2] + b"??"
        return saved

    here.fakes.catalog.save_chunk = changing  # type: ignore[method-assign,assignment]
    here.works(EXTERNAL)
    assert (here.state(EXTERNAL), here.record(EXTERNAL).last_error) == (ChunkState.PENDING, "source_changed")
    here.runs(hours=1)
    assert here.state(EXTERNAL) is ChunkState.CATALOGED
    assert here.record(EXTERNAL).sha256 == hashlib.sha256(wav()[:-2] + b"??").hexdigest()


def test_documents_that_are_stored_with_other_bytes_get_another_name() -> None:
    """A worker dies behind storing the metadata, and the export is written again: the first document had the name."""
    ends = set[ChunkState]()
    for call in range(1, 40):
        here = world()
        here.fakes.external.objects |= {EXTERNAL.content_location: wav(), EXTERNAL.metadata_location or "": metadata()}
        here.fakes.queue.send(EXTERNAL)
        dies_at(here, call, lambda here=here: here.works(EXTERNAL))  # type: ignore[misc]
        here.fakes.external.objects[EXTERNAL.metadata_location or ""] = metadata().replace(b"{", b"{ ", 1)
        here.runs(hours=6)
        ends.add(here.state(EXTERNAL))
    assert ends == {ChunkState.CATALOGED}
