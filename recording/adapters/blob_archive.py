"""Fills the port Archive with Azure Blob Storage: the service checks every block, and refuses to replace media."""

import hashlib
from collections.abc import Iterator, Mapping, Sequence

from azure.core import MatchConditions
from azure.core.exceptions import HttpResponseError, ResourceNotFoundError
from azure.storage.blob import BlobBlock, ContentSettings, StandardBlobTier

from recording.adapters._azure_errors import is_refused_condition, translated
from recording.adapters._blob_container import BlobContainer, blob_service, open_blob, properties_of
from recording.domain.drift import BlobFacts
from recording.ports import StoredBlob
from recording.settings import Settings


class BlobArchive:
    """The archive container."""

    def __init__(self, settings: Settings) -> None:
        self._container = BlobContainer(blob_service(settings.archive_storage), settings.archive_container)
        tier = settings.archive_access_tier
        self._tier = StandardBlobTier(tier) if tier else None

    def close(self) -> None:
        """Closes the connections."""
        self._container.close()

    def stage_block(self, name: str, block_id: str, data: bytes | bytearray | memoryview) -> None:
        """Uploads a block with its MD5, which the service compares before it keeps the block.

        The checksum is ours because the SDK's `validate_content` takes only `bytes`, and a copy of each block into
        `bytes` would double the memory. MD5, not CRC64: Azurite and every service version check it.
        """
        digest = bytearray(hashlib.md5(data, usedforsecurity=False).digest())
        blob = self._container.blob(name)
        with translated("staging a block"):
            self._container.writing(
                lambda: blob.stage_block(
                    block_id,
                    data,  # type: ignore[arg-type]  # the transport takes any buffer; the SDK's hints name fewer
                    length=len(data),
                    transactional_content_md5=digest,
                )
            )

    def commit(self, name: str, block_ids: Sequence[str], media_type: str, facts: Mapping[str, str]) -> bool:
        """Commits exactly these blocks unless a blob lies there (If-None-Match: *)."""
        blob = self._container.blob(name)
        with translated("committing a blob"):
            try:
                self._container.writing(
                    lambda: blob.commit_block_list(
                        [BlobBlock(block_id) for block_id in block_ids],
                        content_settings=ContentSettings(content_type=media_type),
                        metadata=dict(facts),
                        standard_blob_tier=self._tier,
                        match_condition=MatchConditions.IfMissing,
                    )
                )
            except HttpResponseError as error:
                if is_refused_condition(error):
                    return False
                raise
        return True

    def put_once(self, name: str, data: bytes, media_type: str) -> bool:
        """Writes a small blob unless one lies there."""
        return self._container.put(name, data, media_type)

    def put_if_unchanged(self, name: str, data: bytes, media_type: str, etag: str | None) -> bool:
        """Writes a small blob under its ETag."""
        return self._container.put(name, data, media_type, etag)

    def get(self, name: str) -> tuple[bytes, str] | None:
        """A small blob and its ETag."""
        return self._container.get(name)

    def look_up(self, name: str) -> StoredBlob | None:
        """Length and facts, by one HEAD. Names of facts come back in lower case."""
        with translated("looking up a blob"):
            try:
                properties = properties_of(self._container.blob(name))
            except ResourceNotFoundError:
                return None
        return StoredBlob(properties.size, {key.lower(): value for key, value in properties.metadata.items()})

    def read(self, name: str) -> Iterator[bytes]:
        """The bytes as the service stores them; a blob that changes meanwhile ends in StorageError."""
        _, pieces = open_blob(self._container.blob(name))
        yield from pieces

    def list(self, prefix: str) -> Iterator[BlobFacts]:
        """Name, length and facts, five thousand a request; staged blocks show as a blob that cannot be looked up."""
        for blob in self._container.listed(prefix):
            facts = {key.lower(): value for key, value in (blob.metadata or {}).items()}
            is_committed = bool(blob.size) or self.look_up(blob.name) is not None
            yield BlobFacts(blob.name, blob.size or 0, facts, is_committed)
