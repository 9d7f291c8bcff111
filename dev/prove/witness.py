"""A witness that does not trust the app: it holds Azurite's own bytes against the simulator's own digests."""

import hashlib
import json
import re
import threading
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

from azure.core.exceptions import ResourceNotFoundError
from azure.storage.blob import BlobServiceClient

from dev.in_memory import builders
from recording.domain.names import QUARANTINE_CONTAINER
from recording.domain.state.chunk import ChunkKey, ChunkRecord, ChunkState, SourceOutcome

JSON = dict[str, Any]
ARCHIVE = "recordings"
_VERSION = re.compile(r"\.v(\d+)\.")


@dataclass
class Storage:
    """What really lies in Azurite, seen past the relays."""

    connection_string: str
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def blobs(self, mark: str, container: str = ARCHIVE) -> dict[str, bytes]:
        """Return the blobs whose names hold this mark, with their bytes."""
        with self._lock, BlobServiceClient.from_connection_string(self.connection_string) as service:
            client = service.get_container_client(container)
            try:
                names = [name for name in client.list_blob_names() if mark in name]
            except ResourceNotFoundError:
                return {}
            return {name: client.download_blob(name).readall() for name in names}

    def quarantined(self, mark: str) -> list[str]:
        """Return why entries that hold this mark are kept for a person."""
        entries = self.blobs("", QUARANTINE_CONTAINER).values()
        return [json.loads(raw)["reason"] for raw in entries if mark.encode() in raw]


def proof_faults(made: JSON, storage: Storage) -> list[str]:
    """Return what is missing or wrong in the archive about one object of the simulator.

    Its media, metadata and receipt.
    """
    found = storage.blobs(made["documentId"])
    found = {name: data for name, data in found.items() if f".v{_latest(found)}." in name} or found
    media = [data for name, data in found.items() if not name.endswith(".json") and ".suspect-" not in name]
    metadata = [data for name, data in found.items() if name.endswith(".metadata.json")]
    receipts = [json.loads(data) for name, data in found.items() if name.endswith(".receipt.json")]
    faults = [] if len(media) == 1 else [f"{len(media)} media blobs"]
    faults += ["the media is not what ACS had" for data in media if sha256(data) != made["sha256"]]
    faults += [] if metadata == [made["metadata"].encode()] else ["the metadata is not as served"]
    faults += [] if made["sha256"] in json.dumps(receipts) else ["no receipt with the media's digest"]
    return faults


def _latest(names: Iterable[str]) -> int:
    """Return the latest version of the media's name: earlier ones were given up because their bytes were doubted."""
    return max(map(version_of, names), default=1)


def version_of(name: str) -> int:
    """Return which version of its chunk's name a blob has."""
    found = _VERSION.search(name)
    return int(found[1]) if found else 1


def without_version(name: str) -> str:
    """Return the name that all versions of a blob share."""
    return _VERSION.sub(".", name)


def final_faults(made: JSON, record: ChunkRecord | None, storage: Storage) -> list[str]:
    """Return what contradicts the promise once nothing is left to do for one object of the simulator."""
    faults = proof_faults(made, storage)
    if record is None or record.state is not ChunkState.SOURCE_DELETED:
        faults.append(f"the catalog says {record.state if record else 'nothing'}")
    elif record.sha256 != made["sha256"]:
        faults.append("the catalog has another digest")
    is_told_gone = record is not None and record.source is SourceOutcome.ALREADY_GONE
    if not made["deletedAt"] and not is_told_gone:
        faults.append("the source is still there")
    return faults + [f"in quarantine: {reason}" for reason in storage.quarantined(made["documentId"])]


def sha256(data: bytes) -> str:
    """Return the digest as the simulator tells it."""
    return hashlib.sha256(data).hexdigest()


def event_about(made: list[JSON], now: str, resource_id: str) -> JSON:
    """Return the event that ACS would send about these objects of one recording."""
    recording_id = made[0]["recordingId"]
    chunks = [
        builders.chunk(
            one["index"],
            one["documentId"],
            contentLocation=builders.location(one["documentId"], host="us-storage.asm.skype.com"),
            metadataLocation=builders.location(one["documentId"], "/content/acsmetadata", "us-storage.asm.skype.com"),
            deleteLocation=builders.location(one["documentId"], "", "us-storage.asm.skype.com"),
        )
        for one in made
    ]
    return builders.event(
        *chunks,
        id=f"event-{recording_id}",
        data={"recordingDurationMs": sum(one["durationMs"] for one in made), "recordingStartTime": None},
        topic=resource_id,
        subject=f"/recording/call/{recording_id[:36]}/recordingId/{recording_id}",
        eventTime=now,
    )


def key_of(made: JSON) -> ChunkKey:
    """Return the chunk that an object of the simulator is."""
    return ChunkKey(recording_id=made["recordingId"], index=made["index"], document_id=made["documentId"])
