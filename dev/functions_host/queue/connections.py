"""Queue clients by connection name: a connection string or the identity form, as the storage extension reads them."""

from collections.abc import Mapping
from typing import Any

from azure.storage.queue.aio import QueueClient, QueueServiceClient

from dev.functions_host.functions import AppError

DEFAULT_CONNECTION = "AzureWebJobsStorage"
# Azurite's fixed account and key, printed in its documentation: what "UseDevelopmentStorage=true" stands for.
_DEVELOPMENT_STORAGE = (
    "DefaultEndpointsProtocol=http;AccountName=devstoreaccount1;"
    "AccountKey=Eby8vdM02xNOcqFlqUwJPLlmEtlCDXJ1OUzFT50uSRZ6IFsuFq2UVErCz4I6tq/K1SZFPTOtr/KBHBeksoGMGw==;"
    "QueueEndpoint=http://127.0.0.1:10001/devstoreaccount1;"
)


class QueueConnections:
    """Opens one client per storage account and keeps it until closed."""

    def __init__(self, settings: Mapping[str, str]) -> None:
        self._settings = settings
        self._services: dict[str, QueueServiceClient] = {}
        self._credentials: list[Any] = []

    def queue(self, connection: str, name: str) -> QueueClient:
        """Return a client of that queue. Message texts pass through it unchanged; no request is made yet.

        Raises:
            AppError: no setting describes the connection.
        """
        key = connection or DEFAULT_CONNECTION
        if key not in self._services:
            self._services[key] = self._open(key)
        return self._services[key].get_queue_client(name)

    async def close(self) -> None:
        """Close all clients and credentials."""
        for closable in (*self._services.values(), *self._credentials):
            await closable.close()
        self._services.clear()
        self._credentials.clear()

    def _open(self, connection: str) -> QueueServiceClient:
        for prefix in dict.fromkeys((f"AzureWebJobs{connection}", connection)):
            if text := self._settings.get(prefix):
                return _from_connection_string(connection, text)
            if url := self._queue_url(prefix):
                return QueueServiceClient(url, credential=self._credential(prefix))
        raise AppError(
            f"connection '{connection}': set {connection} to a connection string, "
            f"or {connection}__queueServiceUri or {connection}__accountName to use an identity"
        )

    def _queue_url(self, prefix: str) -> str | None:
        if account := self._settings.get(f"{prefix}__accountName"):
            return f"https://{account}.queue.core.windows.net"
        return self._settings.get(f"{prefix}__queueServiceUri")

    def _credential(self, prefix: str) -> Any:
        from azure.identity.aio import DefaultAzureCredential, ManagedIdentityCredential

        client_id = self._settings.get(f"{prefix}__clientId")
        is_managed = self._settings.get(f"{prefix}__credential", "").lower() == "managedidentity"
        credential = ManagedIdentityCredential(client_id=client_id) if is_managed else DefaultAzureCredential()
        self._credentials.append(credential)
        return credential


def _from_connection_string(connection: str, text: str) -> QueueServiceClient:
    is_development = text.strip().rstrip(";").lower() == "usedevelopmentstorage=true"
    try:
        return QueueServiceClient.from_connection_string(_DEVELOPMENT_STORAGE if is_development else text)
    except ValueError as error:
        raise AppError(f"connection '{connection}': not a storage connection string: {error}") from error
