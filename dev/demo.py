"""The demo: five calls are recorded, something goes wrong on purpose, and every file must end up proven in the archive.

The judge is not the app: each archived blob is read back and compared with what the simulator made, byte for byte.
"""

import hashlib
import re
import shutil
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from azure.storage.blob import BlobServiceClient, ContainerClient

from dev.api import JSON, RecordingApi
from dev.world import LocalWorld

PATIENCE_SECONDS = 150.0
CHUNK_MAX_SECONDS = 60.0  # ACS cuts at four hours; here a "long" call is two and a half minutes
_FINISHED_WELL = "SOURCE_DELETED"


@dataclass(frozen=True)
class Call:
    """One call of the demo, and what is asked for its recording; `short` is its word in the line of progress."""

    title: str
    short: str
    participants: tuple[str, ...]
    request: JSON
    chunks: int


CALLS = (
    Call(
        "Video consultation, paused once",
        "video",
        ("Dr. Amara Osei", "Lena Fischer", "Interpreter"),
        {"content": "audioVideo", "channel": "mixed", "format": "mp4", "tags": {"case": "C-1042"}},
        chunks=1,
    ),
    Call(
        "Unmixed call, three participants",
        "unmixed",
        ("Agent 7", "Customer", "Supervisor"),
        {"content": "audio", "channel": "unmixed", "format": "wav"},
        chunks=1,
    ),
    Call(
        "Long audio call, three chunks",
        "long",
        ("Trading desk", "Counterparty"),
        {"content": "audio", "channel": "mixed", "format": "mp3"},
        chunks=3,
    ),
    Call(
        "Events twice and out of order",
        "twice",
        ("Front office", "Visitor"),
        {"content": "audio", "channel": "mixed", "format": "mp3"},
        chunks=3,
    ),
    Call(
        "First download is 0 bytes",
        "empty",
        ("Night line", "+15550100147"),
        {"content": "audio", "channel": "mixed", "format": "wav"},
        chunks=1,
    ),
)


@dataclass(frozen=True)
class Recorded:
    """A call whose recording has been started."""

    call: Call
    call_id: str
    recording_id: str


@dataclass(frozen=True)
class Proof:
    """What the judge found about one chunk."""

    title: str
    index: int
    length_bytes: int
    duration_ms: float
    blob_name: str
    how: tuple[str, ...]
    faults: tuple[str, ...]


Progress = Callable[[list[JSON]], None]


def record_calls(world: LocalWorld, say: Callable[[str], None]) -> list[Recorded]:
    """Play the five calls on the simulator's clock, through the app's own API."""
    api = RecordingApi(world.host_url)
    recorded = [_start(call, world, api) for call in CALLS]
    video, unmixed, long_call, shuffled, empty = recorded
    simulator = world.simulator
    say(f"{len(recorded)} calls are being recorded")
    simulator.add_fault("content", "zero_bytes", times=1, recording_id=empty.recording_id)
    simulator.add_fault("event", "split_chunks", times=1, recording_id=shuffled.recording_id)
    simulator.add_fault("event", "duplicate", times=1, recording_id=shuffled.recording_id)
    simulator.add_fault("event", "reverse_chunks", times=1, recording_id=shuffled.recording_id)
    simulator.advance(seconds=7)
    api.act(video.recording_id, "pause")
    simulator.advance(seconds=5)
    api.act(video.recording_id, "resume")
    say("the video call was paused for 5 s and resumed")
    simulator.advance(seconds=7)
    api.act(video.recording_id, "stop")
    simulator.advance(seconds=6)
    simulator.end_call(unmixed.call_id)
    api.act(empty.recording_id, "stop")
    say("the video call and the 0-byte call were stopped; the unmixed call ended by itself")
    simulator.advance(seconds=125)
    api.act(long_call.recording_id, "stop")
    api.act(shuffled.recording_id, "stop")
    say("the two long calls were stopped after 2½ minutes (on the simulator's clock)")
    simulator.advance(seconds=10)
    return recorded


def _start(call: Call, world: LocalWorld, api: RecordingApi) -> Recorded:
    made = world.simulator.create_call(call.participants)
    started = api.start({"serverCallId": made["serverCallId"], **call.request}, idempotency_key=made["callId"])
    return Recorded(call, made["callId"], started["recordingId"])


def wait_until_finished(world: LocalWorld, recorded: list[Recorded], progress: Progress) -> bool:
    """Ask the app for each recording until all chunks are finished; False when patience ends first."""
    api = RecordingApi(world.host_url)
    give_up_at = time.monotonic() + PATIENCE_SECONDS
    while time.monotonic() < give_up_at:
        states = [api.get(recording.recording_id) for recording in recorded]
        progress(states)
        if all(_is_done(recording, state) for recording, state in zip(recorded, states, strict=True)):
            return True
        time.sleep(0.4)
    return False


def _is_done(recorded: Recorded, state: JSON) -> bool:
    chunks = state["chunks"]
    return len(chunks) >= recorded.call.chunks and all(chunk["finished"] for chunk in chunks)


def judge(world: LocalWorld, recorded: list[Recorded]) -> list[Proof]:
    """Compare archive and simulator: every chunk there once, byte-equal, and gone at the source."""
    api = RecordingApi(world.host_url)
    objects = world.simulator.objects()
    with BlobServiceClient.from_connection_string(world.storage) as service:
        container = service.get_container_client("recordings")
        blobs = [blob.name for blob in container.list_blobs()]
        return [
            _proof(recording, chunk, objects, blobs, container)
            for recording in recorded
            for chunk in api.get(recording.recording_id)["chunks"]
        ]


def keep(world: LocalWorld, proofs: list[Proof], folder: Path) -> list[Path]:
    """Write the archived media into a folder that stays, under names that one can read; return the files."""
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    kept = []
    with BlobServiceClient.from_connection_string(world.storage) as service:
        container = service.get_container_client("recordings")
        for proof in proofs:
            if not proof.blob_name:
                continue
            title = re.sub(r"[^a-z0-9]+", "-", proof.title.lower()).strip("-")
            path = folder / f"{title}-{proof.index}.{proof.blob_name.rpartition('.')[2]}"
            with path.open("wb") as file:
                container.download_blob(proof.blob_name).readinto(file)
            kept.append(path)
    return kept


def _proof(recorded: Recorded, chunk: JSON, objects: list[JSON], blobs: list[str], container: ContainerClient) -> Proof:
    made = next((entry for entry in objects if entry["documentId"] == chunk["documentId"]), {})
    name = chunk["blobName"] or ""
    faults = list(_faults(chunk, made, blobs))
    if not faults and _sha256(container, name) != made["sha256"]:
        faults.append("the archived bytes are not the bytes that were recorded")
    return Proof(
        title=recorded.call.title,
        index=chunk["index"],
        length_bytes=chunk["lengthBytes"] or 0,
        duration_ms=chunk["durationMs"] or 0.0,
        blob_name=name,
        how=tuple(chunk["verifiedHow"]),
        faults=tuple(faults),
    )


def _faults(chunk: JSON, made: JSON, blobs: list[str]) -> list[str]:
    copies = [name for name in blobs if chunk["documentId"] in name and not name.endswith(".json")]
    papers = [name for name in blobs if chunk["documentId"] in name and name.endswith(".json")]
    checks: list[tuple[Any, str]] = [
        (made, "the simulator made no such object"),
        (chunk["state"] == _FINISHED_WELL, f"the chunk is {chunk['state']}"),
        (copies == [chunk["blobName"]], f"{len(copies)} copies in the archive"),
        (len(papers) == 2, "metadata or receipt is missing"),
        (made.get("deletedAt"), "the source still holds it"),
    ]
    return [fault for is_good, fault in checks if not is_good]


def _sha256(container: ContainerClient, name: str) -> str:
    digest = hashlib.sha256()
    for piece in container.download_blob(name).chunks():
        digest.update(piece)
    return digest.hexdigest()


def left_at_source(world: LocalWorld) -> int:
    """Return how many objects the simulator still holds."""
    return sum(1 for entry in world.simulator.objects() if not entry.get("deletedAt"))
