"""Fills the port DownloadLinks with user-delegation SAS: signed by the app's identity, never by the account's key."""

from datetime import UTC, datetime, timedelta
from functools import partial
from urllib.parse import quote

from azure.storage.blob import BlobSasPermissions, generate_blob_sas

from recording.adapters.azure_sdk.clients import attempt
from recording.adapters.azure_sdk.errors import translated
from recording.adapters.blob.container import BlobContainer, blob_service
from recording.errors import StorageRefusedError
from recording.settings import Settings

_CLOCKS = timedelta(minutes=5)  # by which the service's may be behind


class DelegatedLinks:
    """Links into the archive container."""

    def __init__(self, settings: Settings) -> None:
        self._has_identity = settings.archive_storage.connection_string is None
        self._name = settings.archive_container
        self._service = blob_service(settings.archive_storage)
        self._container = BlobContainer(self._service, settings.archive_container)

    def close(self) -> None:
        """Close the connections."""
        self._container.close()

    def link(self, name: str, file_name: str, media_type: str, until: datetime) -> str:
        """Ask for a key that lives no longer than the link, and sign with it; it is kept nowhere."""
        address = str(self._container.blob(name).url)
        if not self._has_identity or not address.startswith("https://") or "?" in address:
            raise StorageRefusedError("links need an identity and https, and this account is reached otherwise")
        with translated("asking for a key to sign a link with"):
            begin = datetime.now(UTC) - _CLOCKS
            key = attempt(partial(self._service.get_user_delegation_key, begin, until))
            signature = generate_blob_sas(
                str(self._service.account_name),
                self._name,
                name,
                user_delegation_key=key,
                permission=BlobSasPermissions(read=True),
                expiry=until,
                protocol="https",
                cache_control="private, no-store",
                content_disposition=f"attachment; filename*=UTF-8''{quote(file_name)}",
                content_type=media_type,
            )
        return f"{address}?{signature}"
