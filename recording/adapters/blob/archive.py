"""Fills the port Archive with Azure Blob Storage: the service checks every block, and refuses to replace media."""

from collections.abc import Iterator, Mapping, Sequence
from functools import partial
from typing import Any

from azure.core import MatchConditions
from azure.core.exceptions import HttpResponseError, ResourceNotFoundError
from azure.storage.blob import BlobBlock, ContentSettings, StandardBlobTier

from recording.adapters.azure_sdk.clients import attempt
from recording.adapters.azure_sdk.errors import is_locked, is_refused_condition, translate_errors
from recording.adapters.blob.block_requests import BlockRequests
from recording.adapters.blob.checksum import ServiceChecksum
from recording.adapters.blob.container import BlobContainer, blob_service, open_blob, range_of
from recording.domain.archived.drift import BlobFacts
from recording.domain.state.stored import StoredBlob
from recording.settings import Settings


class BlobArchive:
    """The archive container."""

    def __init__(self, settings: Settings) -> None:
        service = blob_service(settings.archive_storage)
        self._container = BlobContainer(service, settings.archive_container)
        self._blocks_of = BlockRequests(settings.archive_storage, service, settings.archive_container)
        tier = settings.archive_access_tier
        self._checksum = ServiceChecksum()
        self._tier = StandardBlobTier(tier) if tier else None

    def close(self) -> None:
        """Close the connections."""
        self._container.close()
        self._blocks_of.close()

    def stage_block(
        self, name: str, block_id: str, data: bytes | bytearray | memoryview, crc64: int | None = None
    ) -> None:
        """Upload a block with its checksum, which the service compares before it keeps the block."""
        blob = self._container.blob(name)

        def send(headers: Mapping[str, str]) -> Mapping[str, Any]:
            return self._container.writing(lambda: self._blocks_of.put_block(blob, block_id, data, headers))

        with translate_errors("staging a block"):
            self._checksum.send(data, send, crc64)

    def staged_blocks(self, name: str) -> Mapping[str, int]:
        """Return the uncommitted blocks; none when there is no such blob at all."""
        return dict(self._blocks(name, "uncommitted"))

    def committed_blocks(self, name: str) -> list[tuple[str, int]]:
        """Return the blocks of a committed blob."""
        return self._blocks(name, "committed")

    def _blocks(self, name: str, kind: str) -> list[tuple[str, int]]:
        with translate_errors("listing blocks"):
            try:
                committed, uncommitted = attempt(partial(self._container.blob(name).get_block_list, kind))
            except ResourceNotFoundError:
                return []
        return [(block.id, block.size) for block in (committed if kind == "committed" else uncommitted)]

    def put_media(self, name: str, data: memoryview, media_type: str, blob_metadata: Mapping[str, str]) -> bool:
        """Upload media in one Put Blob with its checksum, unless a blob exists there (If-None-Match: *)."""
        blob, properties = self._container.blob(name), {"x-ms-blob-content-type": media_type}
        if self._tier:
            properties["x-ms-access-tier"] = self._tier.value

        def send(checksum: Mapping[str, str]) -> Mapping[str, Any]:
            return self._container.writing(
                lambda: self._blocks_of.put_blob(blob, data, {**properties, **checksum}, blob_metadata)
            )

        with translate_errors("writing media"):
            try:
                self._checksum.send(data, send)
            except HttpResponseError as error:
                if is_refused_condition(error) or (is_locked(error) and self._is_there(name)):
                    return False
                raise
        return True

    def commit(self, name: str, block_ids: Sequence[str], media_type: str, blob_metadata: Mapping[str, str]) -> bool:
        """Commit exactly these blocks unless a blob exists there (If-None-Match: *)."""
        blob = self._container.blob(name)
        with translate_errors("committing a blob"):
            try:
                self._container.writing(
                    lambda: blob.commit_block_list(
                        [BlobBlock(block_id) for block_id in block_ids],
                        content_settings=ContentSettings(content_type=media_type),
                        metadata=dict(blob_metadata),
                        standard_blob_tier=self._tier,
                        match_condition=MatchConditions.IfMissing,
                    )
                )
            except HttpResponseError as error:
                if is_refused_condition(error) or (is_locked(error) and self._is_there(name)):
                    return False
                raise
        return True

    def _is_there(self, name: str) -> bool:
        """Return whether a protected blob is why a write that must not replace anything was refused."""
        return self.look_up(name) is not None

    def put_once(self, name: str, data: bytes, media_type: str) -> bool:
        """Write a small blob unless one exists there."""
        return self._container.put(name, data, media_type)

    def put_if_unchanged(self, name: str, data: bytes, media_type: str, etag: str | None) -> bool:
        """Write a small blob under its ETag."""
        return self._container.put(name, data, media_type, etag)

    def get(self, name: str) -> tuple[bytes, str] | None:
        """Return a small blob and its ETag."""
        return self._container.get(name)

    def look_up(self, name: str) -> StoredBlob | None:
        """Return length, facts and ETag, by one HEAD. Names of facts come back in lower case."""
        with translate_errors("looking up a blob"):
            try:
                return attempt(partial(self._blocks_of.head, self._container.blob(name)))
            except ResourceNotFoundError:
                return None

    def read_range(self, name: str, first: int, length: int) -> tuple[bytes, int]:
        """Return a range of the bytes as the service stores them."""
        with translate_errors("reading a blob"):
            return attempt(partial(range_of, self._container.blob(name), first, length))

    def fill(self, name: str, first: int, view: memoryview, etag: str | None = None) -> int:
        """Read a range straight into a view."""
        with translate_errors("reading a blob"):
            return attempt(partial(self._blocks_of.fill, self._container.blob(name), first, view, etag))

    def read(self, name: str) -> Iterator[bytes]:
        """Yield the bytes as the service stores them; a blob that changes meanwhile ends in StorageError."""
        _, pieces = open_blob(self._container.blob(name))
        yield from pieces

    def list(self, prefix: str) -> Iterator[BlobFacts]:
        """Name, length and facts, five thousand a request; staged blocks show as a blob that cannot be looked up."""
        for blob in self._container.listed(prefix):
            facts = {key.lower(): value for key, value in (blob.metadata or {}).items()}
            is_committed = bool(blob.size) or self.look_up(blob.name) is not None
            yield BlobFacts(blob.name, blob.size or 0, facts, is_committed, blob.blob_tier)
