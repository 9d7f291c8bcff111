"""Fills the port ExternalStorage: reads blobs in the configured containers that ACS writes to, and nothing else."""

from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial

from azure.storage.blob import BlobClient, BlobServiceClient

from recording.adapters.azure_sdk.clients import CLIENT_OPTIONS, attempt, credential
from recording.adapters.azure_sdk.errors import SOURCE, translate_errors
from recording.adapters.blob.container import blob_service, open_blob, range_of
from recording.domain.incoming.locations import checked_external_blob
from recording.domain.incoming.metadata import LARGEST_METADATA
from recording.errors import SourceBrokenError
from recording.errors.codes import Code
from recording.settings import Settings


class ExternalContent:
    """One open blob; its length is the one of the version that is read."""

    def __init__(self, length_bytes: int, pieces: Iterator[bytes]) -> None:
        self._length_bytes, self._pieces = length_bytes, pieces

    @property
    def declared_total(self) -> int:
        """Return the blob's length."""
        return self._length_bytes

    def pieces(self) -> Iterator[bytes]:
        """Yield the bytes, once."""
        return self._pieces


class ExternalBlobs:
    """The containers in `EXTERNAL_STORAGE_CONTAINERS`."""

    def __init__(self, settings: Settings) -> None:
        self._containers = settings.external_containers
        self._archive = settings.archive_storage
        self._services: dict[str, BlobServiceClient] = {}

    def close(self) -> None:
        """Close the connections."""
        for service in self._services.values():
            service.close()

    @contextmanager
    def open_content(self, location: str) -> Iterator[ExternalContent]:
        """Open a blob after the guard has found it inside one of the containers."""
        yield ExternalContent(*open_blob(self._blob(location), SOURCE))

    def read_range(self, location: str, first: int, length: int) -> tuple[bytes, int]:
        """Return a range of a blob that the guard has found inside one of the containers."""
        with translate_errors("reading a blob", SOURCE):
            return attempt(partial(range_of, self._blob(location), first, length))

    def read_metadata(self, location: str) -> bytes:
        """Return a small blob's bytes."""
        with self.open_content(location) as content:
            if content.declared_total > LARGEST_METADATA:
                raise SourceBrokenError("the metadata is larger than 1 MiB", code=Code.METADATA_TOO_LARGE)
            return b"".join(content.pieces())

    def _blob(self, location: str) -> BlobClient:
        checked = checked_external_blob(location, self._containers)
        account_url, container = checked.container_url.rsplit("/", 1)
        if account_url not in self._services:
            self._services[account_url] = self._service(account_url)
        return self._services[account_url].get_blob_client(container, checked.name)

    def _service(self, account_url: str) -> BlobServiceClient:
        """Reach the archive's own account as the archive is reached, any other one with the identity."""
        archive = blob_service(self._archive)
        if archive.url.rstrip("/") == account_url:
            return archive
        archive.close()
        return BlobServiceClient(account_url, credential(self._archive.client_id), **CLIENT_OPTIONS)
