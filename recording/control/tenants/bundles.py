"""Exports within a scope: those requested within it, and their bundles; others do not exist here."""

import builtins
from collections.abc import Iterator, Mapping, Sequence

from recording.control.tenants.reach import refuse
from recording.domain.archived.drift import BlobFacts
from recording.domain.archived.exports import ExportRecord, state_name
from recording.domain.incoming.tenants import Scope
from recording.domain.state.stored import StoredBlob
from recording.errors import StorageError
from recording.ports import Archive
from recording.ports.bulkhead import ODD_CONTENT


class ScopedBundles:
    """The container of exports; each export's document names the tenants of its request."""

    def __init__(self, whole: Archive, scope: Scope) -> None:
        self._whole, self._scope = whole, scope

    def put_once(self, name: str, data: bytes, media_type: str) -> bool:
        """Act as `Archive` does."""
        return self._whole.put_once(name, data, media_type)

    def get(self, name: str) -> tuple[bytes, str] | None:
        """Act as `Archive` does."""
        return self._whole.get(name) if self._has(name) else None

    def look_up(self, name: str) -> StoredBlob | None:
        """Act as `Archive` does."""
        return self._whole.look_up(name) if self._has(name) else None

    def list(self, prefix: str) -> Iterator[BlobFacts]:
        """Act as `Archive` does."""
        known: dict[str, bool] = {}
        for blob in self._whole.list(prefix):
            export_id = blob.name.partition("/")[0]
            if export_id not in known:
                known[export_id] = self._has(blob.name)
            if known[export_id]:
                yield blob

    def read_range(self, name: str, first: int, length: int) -> tuple[bytes, int]:
        """Act as `Archive` does."""
        return self._whole.read_range(self._checked(name), first, length)

    def read(self, name: str) -> Iterator[bytes]:
        """Act as `Archive` does."""
        return self._whole.read(self._checked(name))

    def _has(self, name: str) -> bool:
        stored = self._whole.get(state_name(name.partition("/")[0]))
        try:
            export = ExportRecord.model_validate_json(stored[0]) if stored is not None else None
        except ODD_CONTENT:
            return False
        return export is not None and self._scope.covers_all(export.tenants)

    def _checked(self, name: str) -> str:
        if not self._has(name):
            raise StorageError("there is no such blob")
        return name

    # --- what only the queue's worker does, for the whole archive ----------------------------------------------------

    def stage_block(
        self, name: str, block_id: str, data: bytes | bytearray | memoryview, crc64: int | None = None
    ) -> None:
        """Refuse."""
        refuse(name, block_id, data, crc64)

    def staged_blocks(self, name: str) -> Mapping[str, int]:
        """Refuse."""
        refuse(name)

    def commit(self, name: str, block_ids: Sequence[str], media_type: str, blob_metadata: Mapping[str, str]) -> bool:
        """Refuse."""
        refuse(name, block_ids, media_type, blob_metadata)

    def put_media(self, name: str, data: memoryview, media_type: str, blob_metadata: Mapping[str, str]) -> bool:
        """Refuse."""
        refuse(name, data, media_type, blob_metadata)

    def committed_blocks(self, name: str) -> "builtins.list[tuple[str, int]]":
        """Refuse."""
        refuse(name)

    def fill(self, name: str, first: int, view: memoryview, etag: str | None = None) -> int:
        """Refuse."""
        refuse(name, first, view, etag)

    def put_if_unchanged(self, name: str, data: bytes, media_type: str, etag: str | None) -> bool:
        """Refuse."""
        refuse(name, data, media_type, etag)
