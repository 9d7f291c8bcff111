"""Put Block From URL: copy a range of one archived blob into a block of another, inside storage."""

from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any

from azure.core.exceptions import HttpResponseError
from azure.storage.blob import BlobSasPermissions, generate_blob_sas

from recording.adapters.azure_sdk.clients import STORAGE_SCOPE, attempt, credential
from recording.adapters.azure_sdk.errors import error_code_of, status_of, translate_errors
from recording.adapters.blob.container import BlobContainer, blob_service
from recording.settings import Settings

_SIGNED_FOR = timedelta(minutes=15)
_CLOCKS = timedelta(minutes=15)
_NOT_OFFERED = {"NotImplemented", "FeatureNotSupported", "UnsupportedHeader", "CannotVerifyCopySource"}


class BlockCopies:
    """Copies inside the archive container, by the identity or the account's key."""

    def __init__(self, settings: Settings) -> None:
        self._connection, self._name = settings.archive_storage, settings.archive_container
        self._service = blob_service(settings.archive_storage)
        self._container = BlobContainer(self._service, settings.archive_container)
        self._is_offered = True

    def close(self) -> None:
        """Close the connections."""
        self._container.close()

    def copy_block(self, name: str, block_id: str, source: str, first: int, length: int) -> bool:
        """Copy with one request; a service that does not support it, or cannot reach the source, is not tried again."""
        if not self._is_offered:
            return False
        with translate_errors("copying a block"):
            self._is_offered = attempt(partial(self._copy, name, block_id, source, first, length))
        return self._is_offered

    def _copy(self, name: str, block_id: str, source: str, first: int, length: int) -> bool:
        url, authorization = self._authorize(source)
        try:
            self._container.blob(name).stage_block_from_url(
                block_id, url, source_offset=first, source_length=length, **authorization
            )
        except HttpResponseError as error:
            if status_of(error) == 501 or error_code_of(error) in _NOT_OFFERED:
                return False
            raise
        return True

    def _authorize(self, source: str) -> tuple[str, dict[str, Any]]:
        """Return the source's address, with what lets the service read it."""
        address = str(self._container.blob(source).url)
        if not self._connection.connection_string:
            token = credential(self._connection.client_id).get_token(STORAGE_SCOPE).token
            return address, {"source_authorization": f"Bearer {token}"}
        key = getattr(self._service.credential, "account_key", None)
        if "?" in address or key is None:
            return address, {}  # a signature of the connection string's own
        now = datetime.now(UTC)
        signature = generate_blob_sas(
            str(self._service.account_name),
            self._name,
            source,
            account_key=key,
            permission=BlobSasPermissions(read=True),
            start=now - _CLOCKS,
            expiry=now + _SIGNED_FOR,
        )
        return f"{address}?{signature}", {}
