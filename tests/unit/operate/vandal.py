"""A vandal changes one thing in an archive, and names the drift that must be reported."""

import json
from collections.abc import Callable
from dataclasses import dataclass, replace

from dev.in_memory.fakes.archive import FakeBlob
from dev.in_memory.world import World
from recording.domain.archived import layout
from recording.domain.archived.drift import Drift, DriftKind
from recording.domain.keep.custody import Custody, disposed
from recording.domain.keep.destroy import certificate_name, certificate_of
from recording.domain.state.chunk import ChunkRecord
from recording.domain.state.records import changed as changed_record


def injected(record: ChunkRecord, kind: DriftKind, name: str | None = None) -> Drift:
    """Return the difference as a report names it."""
    of = record.task
    return Drift(name or record.blob_name or "", kind, of.recording_id, of.document_id, of.index)


def destroyed(here: World, record: ChunkRecord) -> str:
    """Let rows and a certificate say that a chunk was destroyed; return the certificate's name."""
    name = certificate_name(record.task.recording_id, here.now)
    row = Custody(recording_id=record.task.recording_id, destroying_since=here.now)
    gone = changed_record(record, disposed_at=here.now, disposed_why=f"a rule; {name}")
    here.fakes.catalog.save_chunk(gone)
    here.fakes.keeping.add_custody(disposed(row, here.now, None, name))
    here.fakes.archive.put_once(name, certificate_of(row, [gone], 3, None, "0.1.0"), layout.JSON)
    return name


@dataclass
class Vandal:
    """Changes one thing behind the app's back, and says what a report must call it."""

    here: World
    record: ChunkRecord

    @property
    def blobs(self) -> dict[str, FakeBlob]:
        return self.here.fakes.archive.blobs

    @property
    def name(self) -> str:
        return self.record.blob_name or ""

    def _change(self, name: str, **facts: object) -> None:
        self.blobs[name] = replace(self.blobs[name], **facts)  # type: ignore[arg-type]

    def media_missing(self) -> Drift:
        del self.blobs[self.name]
        return injected(self.record, DriftKind.MEDIA_MISSING)

    def media_length(self) -> Drift:
        self._change(self.name, data=self.blobs[self.name].data[:-1])
        return injected(self.record, DriftKind.MEDIA_LENGTH)

    def media_bytes(self) -> Drift:
        data = self.blobs[self.name].data
        self._change(self.name, data=data[:-1] + bytes([data[-1] ^ 1]))
        return injected(self.record, DriftKind.MEDIA_BYTES)

    def media_facts(self) -> Drift:
        self._change(self.name, facts={**self.blobs[self.name].facts, "sha256": "00"})
        return injected(self.record, DriftKind.MEDIA_FACTS)

    def receipt_missing(self) -> Drift:
        del self.blobs[layout.receipt_name(self.name)]
        return injected(self.record, DriftKind.RECEIPT_MISSING, layout.receipt_name(self.name))

    def receipt_altered(self) -> Drift:
        name = layout.receipt_name(self.name)
        told = json.loads(self.blobs[name].data) | {"lengthBytes": 1}
        self._change(name, data=json.dumps(told).encode())
        return injected(self.record, DriftKind.RECEIPT_ALTERED, name)

    def receipt_unreadable(self) -> Drift:
        name = layout.receipt_name(self.name)
        self._change(name, data=b"[]")
        return injected(self.record, DriftKind.RECEIPT_ALTERED, name)

    def metadata_missing(self) -> Drift:
        del self.blobs[layout.metadata_name(self.name)]
        return injected(self.record, DriftKind.METADATA_MISSING, layout.metadata_name(self.name))

    def metadata_altered(self) -> Drift:
        name = layout.metadata_name(self.name)
        self._change(name, data=self.blobs[name].data.replace(b"chunkIndex", b"chunkindex"))
        return injected(self.record, DriftKind.METADATA_ALTERED, name)

    def metadata_emptied(self) -> Drift:
        name = layout.metadata_name(self.name)
        self._change(name, data=b"")
        return injected(self.record, DriftKind.METADATA_ALTERED, name)

    def destroyed_but_present(self) -> Drift:
        for name in (self.name, layout.receipt_name(self.name)):
            del self.blobs[name]
        destroyed(self.here, self.record)
        return injected(self.record, DriftKind.NOT_GONE, layout.metadata_name(self.name))

    def certificate_missing(self) -> Drift:
        name = destroyed(self.here, self.record)
        for each in (self.name, layout.receipt_name(self.name), layout.metadata_name(self.name)):
            del self.blobs[each]
        del self.blobs[name]
        return Drift(name, DriftKind.CERTIFICATE_MISSING, self.record.task.recording_id)

    def manifest_missing(self) -> Drift:
        name = layout.manifest_name(self.record.task.folder)
        del self.blobs[name]
        return Drift(name, DriftKind.MANIFEST_MISSING, self.record.task.recording_id)

    def manifest_altered(self) -> Drift:
        name = layout.manifest_name(self.record.task.folder)
        self._change(name, data=self.blobs[name].data.replace((self.record.sha256 or "").encode(), b"0" * 64))
        return Drift(name, DriftKind.MANIFEST_ALTERED, self.record.task.recording_id)

    def manifest_emptied(self) -> Drift:
        name = layout.manifest_name(self.record.task.folder)
        self._change(name, data=b"")
        return Drift(name, DriftKind.MANIFEST_ALTERED, self.record.task.recording_id)

    def stranger_inside(self) -> Drift:
        name = f"{self.record.task.folder}/9999-stranger-{self.record.task.index}.mp4"
        self.here.fakes.archive.put_once(name, b"?", "video/mp4")
        return Drift(name, DriftKind.UNKNOWN_BLOB)

    def stranger_in_other_format(self) -> Drift:
        name = self.name.replace(".wav", ".mp4")
        self.here.fakes.archive.put_once(name, b"?", "video/mp4")
        return Drift(name, DriftKind.UNKNOWN_BLOB)

    def stranger_outside(self) -> Drift:
        name = f"elsewhere/{self.record.task.document_id}.mp4"
        self.here.fakes.archive.put_once(name, b"?", "video/mp4")
        return Drift(name, DriftKind.UNKNOWN_BLOB)

    def staged_inside(self) -> Drift:
        name = f"{self.name.removesuffix('.wav')}.mp3"
        self.here.fakes.archive.stage_block(name, "a", b"half")
        return Drift(name, DriftKind.UNCOMMITTED)

    def staged_outside(self) -> Drift:
        name = f"elsewhere/{self.record.task.document_id}.wav"
        self.here.fakes.archive.stage_block(name, "a", b"half")
        return Drift(name, DriftKind.UNCOMMITTED)


PLAIN = [
    Vandal.stranger_inside,
    Vandal.stranger_in_other_format,
    Vandal.stranger_outside,
    Vandal.staged_inside,
    Vandal.staged_outside,
    Vandal.metadata_missing,
]
MEDIA = [Vandal.media_missing, Vandal.media_length, Vandal.media_bytes, Vandal.media_facts]
RECEIPT = [Vandal.receipt_missing, Vandal.receipt_altered, Vandal.receipt_unreadable]
DOCUMENT = [Vandal.metadata_altered, Vandal.metadata_emptied]
EVERY = [
    *PLAIN,
    *MEDIA,
    *RECEIPT,
    *DOCUMENT,
    Vandal.manifest_missing,
    Vandal.manifest_altered,
    Vandal.manifest_emptied,
    Vandal.destroyed_but_present,
    Vandal.certificate_missing,
]
Change = Callable[[Vandal], Drift]
