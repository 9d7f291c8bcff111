"""A part of a bundle in the making: files become blocks in bounded memory; each header is staged after its file."""

import hashlib
import secrets
from collections.abc import Iterable
from datetime import UTC, datetime

from recording.domain.archived.blocks import regrouped
from recording.domain.archived.exports import BundledFile, block_name
from recording.domain.archived.zip64 import ZipEntry, central_header, crc_of, end_records, local_header
from recording.ports import Archive

BLOCK_BYTES = 8 << 20
EPOCH = datetime(1980, 1, 1, tzinfo=UTC)


class Bundle:
    """Stages blocks of one part.

    Args:
        name: of the blob.
        part: its number; blocks are named by it and by a mark of this worker.
        offset: of its first byte in the whole bundle.
        store: where it is stored.
    """

    def __init__(self, name: str, part: int, offset: int, store: Archive) -> None:
        self._name, self._part, self._start, self._store = name, part, offset, store
        self._numbers, self._worker = 0, secrets.token_hex(2)
        self._small = bytearray()
        self._files: list[BundledFile] = []
        self._blocks: list[str] = []
        self.length_bytes = 0
        self.manifest_sha256: str | None = None

    @property
    def files(self) -> tuple[BundledFile, ...]:
        """Return the files so far, with their positions in the whole bundle."""
        return tuple(self._files)

    @property
    def blocks(self) -> tuple[str, ...]:
        """Return the blocks in the order of the commit, after staging the pending small files."""
        self._flush()
        return tuple(self._blocks)

    def add(self, name: str, content: bytes, at: datetime = EPOCH) -> BundledFile:
        """Add a small file; several of them share a block."""
        file = self._note(name, len(content), crc_of(content), hashlib.sha256(content).hexdigest())
        self._small += self._header(file, at) + content
        self.length_bytes += len(content)
        if len(self._small) >= BLOCK_BYTES:
            self._flush()
        return file

    def stream(self, name: str, pieces: Iterable[bytes], at: datetime = EPOCH) -> BundledFile:
        """Add a file of any size, with one block in memory at a time."""
        self._flush()
        place, reserved = len(self._blocks), self._reserve()
        try:
            length, crc, sha256 = self._stage_file(pieces)
        except Exception:
            del self._blocks[place:]  # its staged blocks are never committed
            raise
        file = self._note(name, length, crc, sha256)
        self._store.stage_block(self._name, reserved, self._header(file, at))
        self._blocks.insert(place, reserved)
        self.length_bytes += length
        return file

    def _stage_file(self, pieces: Iterable[bytes]) -> tuple[int, int, str]:
        """Stage a file's bytes; return length, CRC-32 and SHA-256."""
        crc, length, digest = 0, 0, hashlib.sha256()
        for block in regrouped(pieces, BLOCK_BYTES):
            crc, length = crc_of(block, crc), length + len(block)
            digest.update(block)
            self._stage(block)
        return length, crc, digest.hexdigest()

    def end(self, files: Iterable[BundledFile]) -> None:
        """Add the ZIP directory of all files of the bundle, and its end record."""
        headers, count = bytearray(), 0
        for file in files:
            headers += central_header(ZipEntry(file.name, file.length_bytes, file.crc32, EPOCH, file.offset))
            count += 1
        place = self._start + self.length_bytes
        closing = bytes(headers) + end_records(count, place, len(headers))
        self._flush()
        for at in range(0, len(closing), BLOCK_BYTES):
            self._stage(closing[at : at + BLOCK_BYTES])
        self.length_bytes += len(closing)

    def _note(self, name: str, length: int, crc: int, sha256: str) -> BundledFile:
        offset = self._start + self.length_bytes
        file = BundledFile(name=name, length_bytes=length, crc32=crc, sha256=sha256, offset=offset)
        self._files.append(file)
        return file

    def _header(self, file: BundledFile, at: datetime) -> bytes:
        header = local_header(ZipEntry(file.name, file.length_bytes, file.crc32, at))
        self.length_bytes += len(header)
        return header

    def _reserve(self) -> str:
        self._numbers += 1
        return block_name(self._part, self._numbers, self._worker)

    def _stage(self, data: bytes) -> None:
        block = self._reserve()
        self._store.stage_block(self._name, block, data)
        self._blocks.append(block)

    def _flush(self) -> None:
        if self._small:
            self._stage(bytes(self._small))
            self._small.clear()
