"""One blob container: created when missing, written conditionally, read in pieces with bounded memory."""

from collections.abc import Callable, Iterator
from functools import lru_cache, partial
from typing import Any, TypeVar

from azure.core import MatchConditions
from azure.core.exceptions import HttpResponseError, ResourceExistsError, ResourceNotFoundError, ServiceResponseError
from azure.storage.blob import BlobClient, BlobProperties, BlobServiceClient, ContainerClient, ContentSettings

from recording.adapters.azure_sdk.clients import CLIENT_OPTIONS, attempt, credential
from recording.adapters.azure_sdk.errors import (
    STORAGE,
    ErrorFamily,
    error_code_of,
    is_locked,
    is_refused_condition,
    status_of,
    translate_errors,
)
from recording.adapters.blob.transport import shared_transport
from recording.errors import StorageError, StorageRefusedError
from recording.ports.archive import LARGEST_DOCUMENT
from recording.settings import StorageConnection, needed

T = TypeVar("T")
_MOST_CLIENTS = 32  # of single blobs, kept: making one takes a third of what a request takes
PIECE = 4 * 1024 * 1024  # larger pieces save requests (about 1 ms CPU each) but cost memory for every copy that runs


def blob_service(connection: StorageConnection) -> BlobServiceClient:
    """Return a client for the account, by connection string or identity."""
    if connection.connection_string:
        text = connection.connection_string.get_secret_value()
        return BlobServiceClient.from_connection_string(text, transport=shared_transport(), **CLIENT_OPTIONS)
    address = needed(connection.blob_uri, "blobServiceUri")
    return BlobServiceClient(address, credential(connection.client_id), transport=shared_transport(), **CLIENT_OPTIONS)


def account_url(connection: StorageConnection) -> str:
    """Return the address of an account, without a trailing slash."""
    with blob_service(connection) as service:
        return str(service.url).rstrip("/")


class BlobContainer:
    """A container by name. Every method raises StorageError."""

    def __init__(self, service: BlobServiceClient, name: str) -> None:
        self._service = service
        self._client: ContainerClient = service.get_container_client(name)
        self._blobs = lru_cache(_MOST_CLIENTS)(self._client.get_blob_client)

    def close(self) -> None:
        """Close the connections."""
        self._service.close()

    def blob(self, name: str) -> BlobClient:
        """Return a client for one blob."""
        return self._blobs(name)

    def writing(self, call: Callable[[], T]) -> T:
        """Return the result of a call that writes; the container is created if it turns out to be missing."""
        try:
            return attempt(call)
        except ResourceNotFoundError as error:
            if error_code_of(error) != "ContainerNotFound":
                raise
        self._make()
        return attempt(call)

    def _make(self) -> None:
        try:
            attempt(self._client.create_container)
        except ResourceExistsError:
            return  # another worker was faster
        except HttpResponseError as error:
            if status_of(error) not in (401, 403):
                raise
            raise StorageRefusedError(
                f"the container {self._client.container_name} is missing, and this identity may not create it"
            ) from None

    def put(self, name: str, data: bytes, media_type: str, etag: str | None = None) -> bool:
        """Write a small blob if it still has this ETag (None: if it is absent). False, and no change, otherwise."""
        unchanged: dict[str, Any] = {"etag": etag, "match_condition": MatchConditions.IfNotModified}
        condition = unchanged if etag else {"match_condition": MatchConditions.IfMissing}
        with translate_errors("writing a small blob"):
            try:
                self.writing(
                    lambda: self.blob(name).upload_blob(
                        data,
                        content_settings=ContentSettings(content_type=media_type),
                        validate_content=True,
                        **condition,
                    )
                )
            except HttpResponseError as error:
                if is_refused_condition(error) or (etag is None and is_locked(error) and self._is_there(name)):
                    return False
                raise
        return True

    def _is_there(self, name: str) -> bool:
        try:
            properties_of(self.blob(name))
        except ResourceNotFoundError:
            return False
        return True

    def get(self, name: str) -> tuple[bytes, str] | None:
        """Return a small blob, or the beginning of a large one, and its ETag; None when absent."""
        with translate_errors("reading a small blob"):
            try:
                return attempt(partial(_whole, self.blob(name)))
            except ResourceNotFoundError:
                return None

    def remove(self, name: str) -> None:
        """Delete a blob. Deleting what is gone is success."""
        with translate_errors("removing a small blob"):
            try:
                attempt(self.blob(name).delete_blob)
            except ResourceNotFoundError:
                return

    def names(self) -> Iterator[str]:
        """Yield the names of all blobs, in the order of names; nothing when the container is missing."""
        with translate_errors("listing blobs"):
            try:
                yield from self._client.list_blob_names()
            except ResourceNotFoundError:
                return

    def listed(self, prefix: str) -> Iterator[BlobProperties]:
        """Yield all blobs with this prefix and their metadata, including uncommitted ones.

        Nothing without a container.
        """
        with translate_errors("listing blobs"):
            try:
                yield from self._client.list_blobs(name_starts_with=prefix, include=["metadata", "uncommittedblobs"])
            except ResourceNotFoundError:
                return


def open_blob(blob: BlobClient, family: ErrorFamily = STORAGE) -> tuple[int, Iterator[bytes]]:
    """Yield a blob's length and its bytes in pieces, all of one and the same version of it."""
    with translate_errors("looking up a blob", family):
        properties = properties_of(blob)
    return properties.size, _pieces(blob, properties.size, properties.etag, family)


def properties_of(blob: BlobClient) -> BlobProperties:
    """Return the facts from one HEAD. An answer without an ETag is not from storage but from a proxy."""
    properties = attempt(blob.get_blob_properties)
    if not properties.etag:
        raise ServiceResponseError("storage answered without an ETag")
    return properties


def _pieces(blob: BlobClient, length: int, etag: str, family: ErrorFamily) -> Iterator[bytes]:
    """Yield range by range: each can be retried alone, and a change of the blob in between is refused (412)."""
    for offset in range(0, length, PIECE):
        with translate_errors("reading a blob", family):
            piece = attempt(partial(_range, blob, offset, etag))
        if not piece:
            raise StorageError("a blob ended before its declared length")
        yield piece


def range_of(blob: BlobClient, first: int, length: int) -> tuple[bytes, int]:
    """Return up to `length` bytes of a blob, and its total size."""
    download = blob.download_blob(first, length)
    data = b"".join(download.chunks())  # one piece: `readall` would copy it twice more
    told = download.properties.content_range or f"/{len(data)}"  # "bytes 0-3/12"
    return data, int(told.rpartition("/")[2])


def _whole(blob: BlobClient) -> tuple[bytes, str]:
    download = blob.download_blob()
    content: bytes = download.readall() if download.size <= LARGEST_DOCUMENT else download.read(LARGEST_DOCUMENT)
    return content, download.properties.etag


def _range(blob: BlobClient, offset: int, etag: str) -> bytes:
    download = blob.download_blob(offset, PIECE, etag=etag, match_condition=MatchConditions.IfNotModified)
    return download.readall()
