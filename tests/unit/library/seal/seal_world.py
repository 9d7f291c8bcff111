"""A world whose files are sealed: recordings are archived, the timer fires, and everything is copied to a folder."""

import json
from dataclasses import replace
from pathlib import Path

from dev.in_memory.builders import chunk, event, task, wav
from dev.in_memory.fakes.ports import Fakes
from dev.in_memory.fakes.seal import FakeSeal
from dev.in_memory.world import World, world
from recording.library.seal.turn import Sealed, seal
from recording.library.seal.verdict import FolderFiles, Verdict
from recording.library.seal.verify import verify
from recording.ports import AuditEntry

LOG, ARCHIVE = "recording-seal", "recordings"


def sealed_world(*, seed: int = 0) -> World:
    """A world with a seal."""
    fresh = world(seed=seed)
    fresh.fakes = replace_seal(fresh.fakes, FakeSeal())
    return fresh


def replace_seal(fakes: Fakes, new: FakeSeal) -> Fakes:
    """The same fakes with this seal."""
    object.__setattr__(fakes, "seal", new)
    return fakes


def seal_of(of: World) -> FakeSeal:
    """The world's seal."""
    assert of.fakes.seal is not None
    return of.fakes.seal


def archives(of: World, *indexes: int) -> None:
    """The line archives these chunks of the one recording."""
    numbers = indexes or (0,)
    for number in numbers:
        of.holds(task(number), wav(sample=bytes([1, number + 2])))
    of.announces(event(*(chunk(number) for number in numbers)))
    of.runs(hours=1)


def acts(of: World, operation: str = "stop_recording", **changes: object) -> None:
    """A row of the audit trail."""
    row = AuditEntry(of.now, operation, task().recording_id, "11111111-2222-3333-4444-555555555555", "done")
    of.ports.audit.add(replace(row, **changes))  # type: ignore[arg-type]  # of the entry's own fields


def seals(of: World) -> Sealed:
    """The timer fires."""
    return seal(of.ports)


def copied(of: World, folder: Path) -> Path:
    """Everything there is, as `azcopy` would bring it to a folder."""
    for container, blobs in {
        LOG: seal_of(of).store.blobs,
        ARCHIVE: {name: blob.data for name, blob in of.fakes.archive.blobs.items()},
    }.items():
        for name, data in blobs.items():
            path = folder / container / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(data)
    return folder


def verified(folder: Path, *keys: bytes, whole: bool = True) -> Verdict:
    """What the verifier says about a folder."""
    return verify(FolderFiles(folder), keys, whole=whole)


def numbers(of: World) -> list[int]:
    """The checkpoints there are."""
    names = [name for name in seal_of(of).store.blobs if name.startswith("checkpoints/")]
    return sorted(int(name[12:22]) for name in names)


def leaves_in(of: World) -> int:
    """How many leaves the log has."""
    last = seal_of(of).store.blobs[f"checkpoints/{numbers(of)[-1]:010d}.txt"]
    return int(last.split(b"\n")[1])


def proofs_in(of: World) -> list[dict[str, object]]:
    """Every proof that lies beside a file."""
    documents = [blob.data for name, blob in of.fakes.archive.blobs.items() if "/seal." in name]
    return [one for raw in documents for one in json.loads(raw)["files"]]
