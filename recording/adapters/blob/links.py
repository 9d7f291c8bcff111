"""Fills the port DownloadLinks with user-delegation SAS: signed by the app's identity, never by the account's key."""

from datetime import datetime, timedelta
from functools import partial
from urllib.parse import quote

from azure.storage.blob import BlobSasPermissions, generate_blob_sas

from recording.adapters.azure_sdk.clients import attempt
from recording.adapters.azure_sdk.errors import translate_errors
from recording.adapters.blob.container import BlobContainer, blob_service
from recording.errors import StorageRefusedError
from recording.settings import Settings

_CLOCKS = timedelta(minutes=5)  # by which the service's clock may be behind


class DelegatedLinks:
    """Links into the archive container."""

    def __init__(self, settings: Settings) -> None:
        known = settings.archive_storage
        self._name = settings.archive_container
        self._length = settings.download_links_for or timedelta()
        has_identity = known.connection_string is None and (known.blob_uri or "").startswith("https://")
        self._service = blob_service(known) if has_identity else None

    def close(self) -> None:
        """Close the connections."""
        if self._service is not None:
            self._service.close()

    def link(self, name: str, file_name: str, media_type: str, until: datetime) -> str:
        """Request a key that lives no longer than the link, and sign with it; it is not stored."""
        if self._service is None:
            raise StorageRefusedError("download links need an account that is reached over https with an identity")
        with translate_errors("asking for a key to sign a link with"):
            begin = until - self._length - _CLOCKS  # not by the own clock, which may be hours ahead
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
        return f"{BlobContainer(self._service, self._name).blob(name).url}?{signature}"
