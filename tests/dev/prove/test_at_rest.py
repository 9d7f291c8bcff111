"""The witness of kills, chaos and upgrades: it accepts the archive as it should be, and notices each wrong in it."""

import json
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Any

import pytest

from dev.in_memory.builders import EVENT_TIME, document_id, record, task
from dev.prove.at_rest import Blob, by_document, faults_of_chunks, faults_of_manifests
from dev.prove.witness import sha256
from recording.domain.state.chunk import ChunkRecord, ChunkState
from recording.domain.state.records import changed

DOCUMENT, MEDIA, METADATA = document_id(0), b"media", b'{"documentId": 0}'
STEM = f"2026/call/rec/0-{DOCUMENT}"
MADE = {
    "recordingId": "rec",
    "documentId": DOCUMENT,
    "sha256": sha256(MEDIA),
    "metadata": METADATA.decode(),
    "deletedAt": EVENT_TIME.isoformat(),
}
BEFORE, LATER = EVENT_TIME - timedelta(seconds=5), EVENT_TIME + timedelta(seconds=5)


@dataclass(frozen=True)
class Rest:
    """An archive at rest with one chunk."""

    made: dict[str, Any]
    blobs: tuple[Blob, ...]
    chunk: ChunkRecord | None
    manifest: Blob

    def faults(self) -> list[str]:
        """Return what the witness says."""
        records = {DOCUMENT: self.chunk} if self.chunk is not None else {}
        found = list(faults_of_chunks([self.made], by_document(self.blobs), records))
        return found + list(faults_of_manifests([self.made], [self.manifest]))


def manifest(*documents: str) -> Blob:
    content = {"recordingId": "rec", "chunks": [{"documentId": one} for one in documents]}
    return Blob("2026/call/rec/manifest.json", json.dumps(content).encode(), BEFORE)


GOOD = Rest(
    MADE,
    (
        Blob(f"{STEM}.wav", MEDIA, BEFORE),
        Blob(f"{STEM}.metadata.json", METADATA, BEFORE),
        Blob(f"{STEM}.receipt.json", json.dumps({"sha256": sha256(MEDIA)}).encode(), BEFORE),
    ),
    record(
        ChunkState.SOURCE_DELETED,
        task=task(0, DOCUMENT, recording_id="rec"),
        sha256=sha256(MEDIA),
        cataloged_at=BEFORE,
    ),
    manifest(DOCUMENT),
)


def without(at: int) -> Callable[[Rest], Rest]:
    return lambda rest: replace(rest, blobs=tuple(blob for place, blob in enumerate(rest.blobs) if place != at))


def with_blob(at: int, **changes: Any) -> Callable[[Rest], Rest]:
    return lambda rest: replace(
        rest, blobs=tuple(replace(blob, **changes) if place == at else blob for place, blob in enumerate(rest.blobs))
    )


def with_chunk(**changes: Any) -> Callable[[Rest], Rest]:
    return lambda rest: replace(rest, chunk=changed(rest.chunk, **changes) if rest.chunk else None)


WRONGS: dict[str, Callable[[Rest], Rest]] = {
    "no media": without(0),
    "no metadata": without(1),
    "no receipt": without(2),
    "other media": with_blob(0, data=b"medix"),
    "media twice": lambda rest: replace(rest, blobs=(*rest.blobs, Blob(f"{STEM}.v2.wav", MEDIA, BEFORE))),
    "metadata not as served": with_blob(1, data=METADATA + b"\n"),
    "a receipt of other bytes": with_blob(2, data=b'{"sha256": "0"}'),
    "media written after the delete": with_blob(0, made_at=LATER),
    "metadata written after the delete": with_blob(1, made_at=LATER),
    "a receipt written after the delete": with_blob(2, made_at=LATER),
    "no record": lambda rest: replace(rest, chunk=None),
    "a record that is not finished": with_chunk(state=ChunkState.CATALOGED),
    "a record with another digest": with_chunk(sha256="0"),
    "a record that was never cataloged": with_chunk(cataloged_at=None),
    "a delete before the catalog": with_chunk(cataloged_at=LATER),
    "a source that is still there": lambda rest: replace(rest, made={**rest.made, "deletedAt": None}),
    "a manifest without the chunk": lambda rest: replace(rest, manifest=manifest()),
    "a manifest that names it twice": lambda rest: replace(rest, manifest=manifest(DOCUMENT, DOCUMENT)),
}


def test_the_archive_as_it_should_be_is_accepted() -> None:
    """A witness that objects to everything would notice each wrong as well."""
    assert GOOD.faults() == []


@pytest.mark.parametrize("wrong", WRONGS.values(), ids=WRONGS)
def test_each_wrong_is_noticed(wrong: Callable[[Rest], Rest]) -> None:
    """What the witness cannot see, no number of kills can show."""
    assert wrong(GOOD).faults() != []
