"""The archive in memory: committed blobs, staged blocks."""

import hashlib
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import count

from dev.in_memory.fakes.scripted import Scripted, scripted
from dev.in_memory.fakes.source import PIECE
from recording.domain.archived.blocks import crc64_of
from recording.domain.archived.drift import BlobFacts
from recording.domain.state.stored import StoredBlob
from recording.errors import BlobLockedError, StorageBusyError, StorageError
from recording.ports.archive import LARGEST_DOCUMENT


@dataclass(frozen=True)
class FakeBlob:
    """A committed blob."""

    data: bytes
    media_type: str
    facts: Mapping[str, str]
    etag: str
    blocks: tuple[tuple[str, int], ...] = ()


class FakeArchive(Scripted):
    """The archive: `blobs` is what is committed, `staged` the blocks that are not."""

    def __init__(self) -> None:
        super().__init__()
        self.blobs: dict[str, FakeBlob] = {}
        self.staged: dict[str, dict[str, bytes]] = defaultdict(dict)
        self.tiers: dict[str, str] = {}  # by name; the archive tier refuses to be read
        self.archives_at_once = False  # a rule of the account moves each new blob to the archive tier
        self.locks_at_once = False  # a retention policy, a legal hold or a lease: no blob may be written again
        self.kept: Callable[[str, bytes], None] = lambda _name, _data: None  # a custodian watches
        self._etags = count(1)

    @scripted
    def stage_block(
        self, name: str, block_id: str, data: bytes | bytearray | memoryview, crc64: int | None = None
    ) -> None:
        if crc64 not in (None, crc64_of(data)):
            raise StorageBusyError("Crc64Mismatch")
        self.staged[name][block_id] = bytes(data)

    @scripted
    def staged_blocks(self, name: str) -> Mapping[str, int]:
        return {block_id: len(data) for block_id, data in self.staged.get(name, {}).items()}

    @scripted
    def committed_blocks(self, name: str) -> list[tuple[str, int]]:
        return list(self.blobs[name].blocks) if name in self.blobs else []

    @scripted
    def put_media(self, name: str, data: memoryview, media_type: str, blob_metadata: Mapping[str, str]) -> bool:
        return name not in self.blobs and self._keep(name, bytes(data), media_type, blob_metadata)

    @scripted
    def read_range(self, name: str, first: int, length: int) -> tuple[bytes, int]:
        if name not in self.blobs:
            raise StorageError("the archive has no such blob")
        self._check_online(name)
        data = self.blobs[name].data
        return data[first : first + length], len(data)

    @scripted
    def fill(self, name: str, first: int, view: memoryview, etag: str | None = None) -> int:
        if name not in self.blobs:
            raise StorageError("the archive has no such blob")
        self._check_online(name)
        blob = self.blobs[name]
        if etag not in (None, blob.etag):
            raise StorageError("the blob has another ETag")
        part = blob.data[first : first + len(view)]
        view[: len(part)] = part
        return len(blob.data)

    @scripted
    def commit(self, name: str, block_ids: Sequence[str], media_type: str, blob_metadata: Mapping[str, str]) -> bool:
        if name in self.blobs:
            return False
        if missing := [block_id for block_id in block_ids if block_id not in self.staged[name]]:
            raise StorageError(f"{len(missing)} blocks are not staged")
        staged = self.staged.pop(name, {})
        data = b"".join(staged[block_id] for block_id in block_ids)
        self._keep(
            name, data, media_type, blob_metadata, tuple((block_id, len(staged[block_id])) for block_id in block_ids)
        )
        return True

    @scripted
    def put_once(self, name: str, data: bytes, media_type: str) -> bool:
        return name not in self.blobs and self._keep(name, data, media_type, {})

    @scripted
    def put_if_unchanged(self, name: str, data: bytes, media_type: str, etag: str | None) -> bool:
        present = self.blobs[name].etag if name in self.blobs else None
        if present != etag:
            return False
        self._check_online(name)
        if self.locks_at_once and name in self.blobs:
            raise BlobLockedError("the blob may not be written again")
        return self._keep(name, data, media_type, {})

    def _keep(
        self,
        name: str,
        data: bytes,
        media_type: str,
        facts: Mapping[str, str],
        blocks: tuple[tuple[str, int], ...] = (),
    ) -> bool:
        self.blobs[name] = FakeBlob(data, media_type, dict(facts), f'"{next(self._etags)}"', blocks)
        self.kept(name, data)
        if self.archives_at_once:
            self.tiers[name] = "Archive"
        return True

    def _check_online(self, name: str) -> None:
        if name in self.blobs and self.tiers.get(name) == "Archive":
            raise BlobLockedError("the blob is in the archive tier")

    @scripted
    def get(self, name: str) -> tuple[bytes, str] | None:
        self._check_online(name)
        return (self.blobs[name].data[:LARGEST_DOCUMENT], self.blobs[name].etag) if name in self.blobs else None

    @scripted
    def look_up(self, name: str) -> StoredBlob | None:
        if name not in self.blobs:
            return None
        blob = self.blobs[name]
        md5 = None if blob.blocks else hashlib.md5(blob.data, usedforsecurity=False).digest()
        return StoredBlob(len(blob.data), blob.facts, blob.etag, md5)

    @scripted
    def read(self, name: str) -> Iterator[bytes]:
        if name not in self.blobs:
            raise StorageError("the archive has no such blob")
        self._check_online(name)
        data = self.blobs[name].data
        return (data[start : start + PIECE] for start in range(0, len(data), PIECE))

    @scripted
    def list(self, prefix: str) -> Iterator[BlobFacts]:
        committed = {
            name: BlobFacts(name, len(blob.data), blob.facts, tier=self.tiers.get(name))
            for name, blob in self.blobs.items()
        }
        staged = {name: BlobFacts(name, 0, {}, is_committed=False) for name, blocks in self.staged.items() if blocks}
        found = {**staged, **committed}
        return iter([found[name] for name in sorted(found) if name.startswith(prefix)])
