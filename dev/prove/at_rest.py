"""What the archive must look like at rest, chunk by chunk, against what the simulator made and when it deleted it."""

import json
from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from azure.core.exceptions import ResourceNotFoundError
from azure.storage.blob import BlobServiceClient, ContainerClient

from dev.acs_simulator.client import SimulatorClient
from dev.prove.witness import ARCHIVE, JSON, sha256
from recording.domain.names import QUARANTINE_CONTAINER
from recording.domain.state.chunk import ChunkRecord, ChunkState

_MEDIA, _METADATA, _RECEIPT = "media", "metadata", "receipt"


@dataclass(frozen=True)
class Blob:
    """A blob as it lies there. What is written once was last changed when it was made."""

    name: str
    data: bytes
    made_at: datetime

    @property
    def kind(self) -> str:
        """Return what it is for a chunk."""
        for kind in (_METADATA, _RECEIPT):
            if self.name.endswith(f".{kind}.json"):
                return kind
        return _MEDIA


@dataclass(frozen=True)
class AtRest:
    """The end of a proof: Azurite's blobs, the simulator's objects, and the catalog."""

    storage: str
    simulator: SimulatorClient
    records: Sequence[ChunkRecord]

    def violations(self) -> list[str]:
        """Return everything that contradicts the promise, by chunk."""
        return list(self._found())

    def _found(self) -> Iterator[str]:
        with BlobServiceClient.from_connection_string(self.storage) as service:
            blobs = list(_blobs(service.get_container_client(ARCHIVE)))
            held = list(_blobs(service.get_container_client(QUARANTINE_CONTAINER)))
        yield from (f"in quarantine: {json.loads(blob.data)['reason']}" for blob in held)
        made = self.simulator.objects()
        yield from faults_of_chunks(made, by_document(blobs), {one.task.document_id: one for one in self.records})
        yield from faults_of_manifests(made, [blob for blob in blobs if blob.name.endswith("manifest.json")])
        if len(self.records) != len(made):
            yield f"{len(made)} chunks and {len(self.records)} records"
        status = self.simulator.health()
        yield from (f"the simulator failed: {failure}" for failure in status["failures"])


def _blobs(container: ContainerClient) -> Iterator[Blob]:
    try:
        for found in container.list_blobs():
            yield Blob(found.name, container.download_blob(found.name).readall(), found.last_modified)
    except ResourceNotFoundError:
        return


def by_document(blobs: Sequence[Blob]) -> dict[str, list[Blob]]:
    """Return the blobs by the document id in their names: `{index}-{document id}.{what}`."""
    found = defaultdict(list)
    for blob in blobs:
        name = blob.name.rpartition("/")[2]
        if name != "manifest.json":
            found[name.partition("-")[2].partition(".")[0]].append(blob)
    return found


def faults_of_chunks(
    made: Sequence[JSON], blobs: dict[str, list[Blob]], records: dict[str, ChunkRecord]
) -> Iterator[str]:
    """Yield what is wrong with each object of the simulator: its blobs, its record, and when it was deleted."""
    for one in made:
        mine = blobs.get(one["documentId"], [])
        for what in (*_of_blobs(one, mine), *_of_record(one, records.get(one["documentId"])), *_too_early(one, mine)):
            yield f"{one['documentId']}: {what}"


def _of_blobs(one: JSON, blobs: Sequence[Blob]) -> Iterator[str]:
    by_kind: dict[str, list[bytes]] = defaultdict(list)
    for blob in blobs:
        by_kind[blob.kind].append(blob.data)
    if [sha256(data) for data in by_kind[_MEDIA]] != [one["sha256"]]:
        yield f"{len(by_kind[_MEDIA])} media blobs, not once what ACS had"
    if by_kind[_METADATA] != [one["metadata"].encode()]:
        yield "the metadata is not once there as served"
    if [json.loads(data).get("sha256") for data in by_kind[_RECEIPT]] != [one["sha256"]]:
        yield "there is not one receipt with the media's digest"


def _of_record(one: JSON, record: ChunkRecord | None) -> Iterator[str]:
    if record is None or record.state is not ChunkState.SOURCE_DELETED:
        yield f"the catalog says {record.state if record else 'nothing'}"
    elif record.sha256 != one["sha256"] or record.cataloged_at is None:
        yield "the catalog has another digest"
    elif one["deletedAt"] and record.cataloged_at > _time(one["deletedAt"]):
        yield "deleted before it was cataloged"


def _too_early(one: JSON, blobs: Sequence[Blob]) -> Iterator[str]:
    """Storage tells times in whole seconds, rounded down, so a blob of the same second passes."""
    if not one["deletedAt"]:
        yield "the source is still there"
        return
    late = [blob.kind for blob in blobs if blob.made_at > _time(one["deletedAt"])]
    yield from (f"deleted before its {kind} was there" for kind in late)


def faults_of_manifests(made: Sequence[JSON], manifests: Sequence[Blob]) -> Iterator[str]:
    """Yield a fault unless the manifests name every chunk once."""
    wanted = sorted((one["recordingId"], one["documentId"]) for one in made)
    told: list[tuple[str, str]] = []
    for blob in manifests:
        manifest: dict[str, Any] = json.loads(blob.data)
        told += [(manifest["recordingId"], chunk["documentId"]) for chunk in manifest["chunks"]]
    if sorted(told) != wanted:
        yield "the manifests do not name every chunk once"


def _time(text: str) -> datetime:
    return datetime.fromisoformat(text)
