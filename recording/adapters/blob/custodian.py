"""Fills the port Custodian with Azure Blob Storage, under its own identity: versions, holds, the only deletes.

With versioning, deleting the current version by its name makes it an earlier one; an earlier one is deleted by its id;
soft delete then keeps it for its days, unless the account allows permanent deletes and CUSTODIAN_PURGES is on.
"""

from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any

from azure.core.exceptions import AzureError, HttpResponseError, ResourceNotFoundError
from azure.storage.blob import BlobProperties, BlobServiceClient, ContainerClient

from recording.adapters.azure_sdk.clients import attempt
from recording.adapters.azure_sdk.errors import error_code_of, is_locked, status_of, translate_errors
from recording.adapters.blob.container import blob_service
from recording.domain.keep.destroy import Place, StoredVersion
from recording.domain.model import with_changes
from recording.domain.names import EXPORT_CONTAINER, QUARANTINE_CONTAINER, SEAL_CONTAINER
from recording.ports.library.keeping import DestroyAnswer, HoldAnswer
from recording.settings import Settings, StorageConnection

_UNSUPPORTED = {
    "FeatureNotSupported",
    "UnsupportedHeader",
    "ImmutableStorageWithVersioningNotEnabled",
}
_VERSIONED: dict[str, Any] = {"include": ["versions", "deleted", "legalhold", "immutabilitypolicy"]}
_EVERYTHING: dict[str, Any] = {"include": ["snapshots", "deleted"]}


class BlobCustodian:
    """Every container that may contain personal data."""

    def __init__(self, settings: Settings) -> None:
        self._purges = settings.custodian_purges
        places = {
            Place.ARCHIVE: (settings.custodian_storage, settings.archive_container),
            Place.FALLBACK: (as_custodian(settings.fallback_storage, settings), settings.fallback_container),
            Place.QUARANTINE: (settings.host_storage, QUARANTINE_CONTAINER),
            Place.DEAD_LETTERS: (settings.dead_letter_storage, settings.dead_letter_container),
            Place.EXPORTS: (settings.custodian_storage, EXPORT_CONTAINER),
            Place.SEAL: (settings.custodian_storage, SEAL_CONTAINER),
            Place.ANALYSTS: (
                settings.custodian_storage if settings.parquet_container else None,
                settings.parquet_container or "",
            ),
        }
        self._services = {place: blob_service(known) for place, (known, _) in places.items() if known is not None}
        self._containers = {
            place: service.get_container_client(places[place][1]) for place, service in self._services.items()
        }

    def close(self) -> None:
        """Close the connections."""
        for service in self._services.values():
            _close(service)

    def versions(self, place: Place, prefix: str) -> Iterator[StoredVersion]:
        """List with versions; an account that keeps none is listed with what it has."""
        container = self._containers.get(place)
        if container is None:
            return
        with translate_errors("listing versions"):
            try:
                yield from _listed(container, place, prefix, _VERSIONED)
            except ResourceNotFoundError:
                return
            except HttpResponseError as error:
                if not _is_unsupported(error):
                    raise
                yield from _listed(container, place, prefix, _EVERYTHING)

    def set_legal_hold(self, version: StoredVersion, *, is_held: bool) -> HoldAnswer:
        """Make one request for each version."""
        blob = self._containers[version.place].get_blob_client(version.name)
        with translate_errors("setting a legal hold"):
            try:
                attempt(partial(blob.set_legal_hold, is_held, **_of(version)))
            except ResourceNotFoundError:
                return HoldAnswer.GONE
            except HttpResponseError as error:
                if _is_unsupported(error):
                    return HoldAnswer.UNSUPPORTED
                raise
        return HoldAnswer.DONE

    def read(self, version: StoredVersion) -> bytes | None:
        """Download this version."""
        blob = self._containers[version.place].get_blob_client(version.name)
        with translate_errors("reading a version"):
            try:
                data: bytes = attempt(lambda: blob.download_blob(**_of(version)).readall())
            except ResourceNotFoundError:
                return None
        return data

    def destroy(self, version: StoredVersion) -> DestroyAnswer:
        """Delete the current version by its name first, and each version by its id."""
        container = self._containers[version.place]
        blob = container.get_blob_client(version.name)
        if version.is_deleted:
            return self._purge(version, container) if self._purges else DestroyAnswer.DONE
        with translate_errors("destroying a version"):
            if version.is_current:
                answer = _destroy(blob.delete_blob)
                if answer is DestroyAnswer.REFUSED or version.version is None:
                    return answer
            answer = _destroy(partial(blob.delete_blob, **_of(version)))
        has_more = self._purges and version.version is not None and answer is DestroyAnswer.DONE
        return self._purge(version, container) if has_more else answer

    def _purge(self, version: StoredVersion, container: ContainerClient) -> DestroyAnswer:
        """Purge a soft-deleted version now; where account or role do not allow that, it stays until it expires."""
        blob = container.get_blob_client(version.name)
        with translate_errors("destroying a version"):
            try:
                return _destroy(partial(blob.delete_blob, blob_delete_type="Permanent", **_of(version)))
            except HttpResponseError as error:
                if status_of(error) in (400, 403, 409) or _is_unsupported(error):
                    return DestroyAnswer.DONE
                raise


def as_custodian(connection: StorageConnection | None, settings: Settings) -> StorageConnection | None:
    """Return how the custodian reaches another account: there by its own identity as well."""
    known = settings.custodian_storage
    if connection is None or known is None or connection.connection_string is not None:
        return connection
    return with_changes(connection, {"client_id": known.client_id})


def _listed(container: ContainerClient, place: Place, prefix: str, include: dict[str, Any]) -> Iterator[StoredVersion]:
    for blob in container.list_blobs(name_starts_with=prefix, **include):
        yield _version(blob, place)


def _version(blob: BlobProperties, place: Place) -> StoredVersion:
    policy = blob.immutability_policy
    return StoredVersion(
        place=place,
        name=blob.name,
        version=blob.version_id,
        is_current=bool(blob.is_current_version) if blob.version_id else not blob.deleted,
        gone_at=_gone_at(blob),
        immutable_until=_utc(policy.expiry_time) if policy is not None and policy.policy_mode else None,
        is_held=bool(blob.has_legal_hold),
        length_bytes=blob.size or 0,
    )


def _gone_at(blob: BlobProperties) -> datetime | None:
    """Return when the service purges a deleted blob; it reports whole days, so one more day is the safe answer."""
    if not blob.deleted:
        return None
    return datetime.now(UTC) + timedelta(days=(blob.remaining_retention_days or 0) + 1)


def _utc(moment: datetime | None) -> datetime | None:
    return moment.astimezone(UTC) if isinstance(moment, datetime) else None


def _destroy(call: Callable[[], Any]) -> DestroyAnswer:
    try:
        attempt(call)
    except ResourceNotFoundError:
        return DestroyAnswer.DONE
    except HttpResponseError as error:
        if is_locked(error):
            return DestroyAnswer.REFUSED
        raise
    return DestroyAnswer.DONE


def _of(version: StoredVersion) -> dict[str, Any]:
    return {"version_id": version.version} if version.version else {}


def _is_unsupported(error: AzureError) -> bool:
    return status_of(error) == 501 or error_code_of(error) in _UNSUPPORTED


def _close(service: BlobServiceClient) -> None:
    service.close()
