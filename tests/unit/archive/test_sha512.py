"""SHA-512 beside SHA-256: computed while the source is read, kept with the proof, compared whenever bytes are read."""

import hashlib
import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from dev.in_memory.builders import record, stored, task, wav
from dev.in_memory.world import World, world
from recording.domain.archived.layout import receipt_name
from recording.domain.archived.receipt import manifest_of, receipt_of
from recording.domain.state.chunk import ChunkState, Home
from recording.domain.state.recording import RecordingRecord
from recording.domain.state.records import changed
from recording.domain.state.stored import is_receipt_of
from recording.operate.get_recording_files import files_of, get_file
from recording.operate.verify_recording import verify

RECORDING_ID = task().recording_id


def sha512(data: bytes) -> str:
    return hashlib.sha512(data).hexdigest()


def archived(media: bytes, **facts: Any) -> World:
    """A world in which this media is archived."""
    here = world(**facts)
    here.works(here.holds(task(recording_duration_ms=None, metadata_location=None), media))
    assert here.state(task()) is ChunkState.SOURCE_DELETED
    return here


@pytest.mark.parametrize("seconds", [1, 600])
def test_record_receipt_and_manifest_tell_the_digest_of_what_acs_had(seconds: int) -> None:
    """A file of one block and a file of many go two ways through the copy."""
    media = wav(seconds * 1000)
    here = archived(media)
    assert here.record().sha512 == sha512(media)
    assert here.receipt()["sha512"] == sha512(media)
    assert [chunk["sha512"] for chunk in here.manifest()["chunks"]] == [sha512(media)]
    assert here.fakes.archive.blobs[here.record().blob_name or ""].facts["sha512"] == sha512(media)


@pytest.mark.parametrize("readback", [True, False])
def test_a_copy_that_another_worker_committed_keeps_its_digest(readback: bool) -> None:
    """He died before he could tell the record; the blob tells."""
    media = wav(1000)
    here = archived(media, verify_readback=readback)
    known = here.record()
    first = record(task=known.task, attempts=1)
    here.fakes.catalog.chunks.clear()
    here.fakes.catalog.add_chunk(first)
    here.holds(known.task, media, b"")
    here.works(known.task)
    assert here.record().sha512 == sha512(media)


def test_a_copy_of_an_older_version_gets_it_while_it_is_read_back() -> None:
    """It was copied before the upgrade and is verified after it: nothing has to be read a second time later."""
    media = wav(1000)
    here = archived(media)
    blob_name = here.record().blob_name or ""
    blob = here.fakes.archive.blobs[blob_name]
    before = changed(here.record(), sha512=None, verified_at=None, source=None, source_deleted_at=None)
    here.fakes.catalog.chunks.clear()
    here.fakes.archive.blobs = {blob_name: blob}
    here.fakes.catalog.add_chunk(before.model_copy(update={"state": ChunkState.COPIED}))
    here.holds(before.task, media, b"")
    here.works(before.task)
    assert here.record().sha512 == sha512(media)
    assert here.receipt()["sha512"] == sha512(media)


def test_media_in_the_customers_own_storage_has_it_too() -> None:
    """It is read where it is stored."""
    media = wav(1000)
    here = world(external_containers=("https://customer.blob.core.windows.net/calls/",))
    location = "https://customer.blob.core.windows.net/calls/a.wav"
    outside = task(
        home=Home.EXTERNAL, content_location=location, metadata_location=None, delete_location=None,
        recording_duration_ms=None,
    )  # fmt: skip
    here.fakes.external.objects[location] = media
    here.works(outside)
    assert here.record(outside).sha512 == sha512(media)


def test_documents_of_chunks_without_it_stay_as_they_were_and_valid() -> None:
    """What was archived before has no second digest, in no document; and is proved all the same."""
    old = record(ChunkState.CATALOGED)
    recording = RecordingRecord(recording_id=RECORDING_ID)
    assert "sha512" not in json.loads(receipt_of(old, "1.0.0"))
    assert "sha512" not in json.loads(manifest_of(recording, [old], ()))["chunks"][0]
    newer = changed(old, sha512="cd" * 64)
    assert is_receipt_of(newer, receipt_of(old, "1.0.0"))
    assert is_receipt_of(old, receipt_of(newer, "1.0.0"))
    assert not is_receipt_of(changed(old, sha512="ef" * 64), receipt_of(newer, "1.0.0"))
    assert stored(newer).receipt == receipt_of(newer, "1.2.3")


def test_an_archive_without_it_is_verified_and_downloaded(tmp_path: Path) -> None:
    """The whole archive of an older version."""
    here = archived(wav(1000))
    older = changed(here.record(), sha512=None)
    here.fakes.catalog.chunks[next(iter(here.fakes.catalog.chunks))] = older
    name = older.blob_name or ""
    receipt = here.fakes.archive.blobs[receipt_name(name)]
    here.fakes.archive.blobs[receipt_name(name)] = replace(receipt, data=receipt_of(older, "1.0.0"))
    manifest = next(name for name in here.fakes.archive.blobs if name.endswith("manifest.json"))
    recording = RecordingRecord(recording_id=RECORDING_ID)
    here.fakes.catalog.add_recording(recording)
    content = manifest_of(recording, [older], ())
    here.fakes.archive.blobs[manifest] = replace(here.fakes.archive.blobs[manifest], data=content)
    told = verify(RECORDING_ID, here.ports, here.settings)
    assert told is not None
    assert told.is_proved, told
    media = next(one for one in files_of(RECORDING_ID, here.ports) if one.blob_name == name)
    assert get_file(media, tmp_path, here.ports, lambda _: None).proved is True


def test_verify_and_get_compare_both_digests(tmp_path: Path) -> None:
    """The one that the catalog has and that does not fit is enough to say no."""
    here = archived(wav(1000))
    key = next(iter(here.fakes.catalog.chunks))
    here.fakes.catalog.chunks[key] = changed(here.record(), sha512="0" * 128)
    told = verify(RECORDING_ID, here.ports, here.settings)
    assert told is not None
    assert any(one.startswith("media_bytes") for one in told.differences)
    assert any(one.startswith("receipt_altered") for one in told.differences)
    media = next(one for one in files_of(RECORDING_ID, here.ports) if one.blob_name == here.record().blob_name)
    got = get_file(media, tmp_path, here.ports, lambda _: None)
    assert (got.proved, got.path.name.endswith(".differs")) == (False, True)
