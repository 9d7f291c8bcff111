"""Accounts and containers that contradict each other.

Each kind of file needs a container of its own, since what reads one kind may remove what it finds; and the custodian
must look where the archive is, since it takes what it does not find for destroyed.
"""

from collections.abc import Mapping
from typing import Any, Protocol

from recording.domain.names import EXPORT_CONTAINER, QUARANTINE_CONTAINER, SEAL_CONTAINER
from recording.settings.values import parts_of


class Connection(Protocol):
    """How to reach a storage account."""

    @property
    def connection_string(self) -> Any:
        """Return the secret that names the account; None with an identity."""

    @property
    def blob_uri(self) -> str | None:
        """Return the address of the account's blobs, with an identity."""


# The setting that names the container, or a sentence; where it is; and the field of its name, or the name.
_ARCHIVE = ("ARCHIVE_CONTAINER", "archive_storage", "archive_container")
_FIXED = (
    ("what is quarantined", "host_storage", QUARANTINE_CONTAINER),
    ("the seal's log", "archive_storage", SEAL_CONTAINER),
    ("bundles", "archive_storage", EXPORT_CONTAINER),
)
_OTHERS = (
    ("FALLBACK_CONTAINER", "fallback_storage", "fallback_container"),
    ("DEAD_LETTER_CONTAINER", "dead_letter_storage", "dead_letter_container"),
    ("PARQUET_CONTAINER", "archive_storage", "parquet_container"),
)


def misplaced(found: Mapping[str, Any]) -> dict[str, str]:
    """Return the faults of settings that name the container of another kind of file, or another account's archive.

    Args:
        found: what was read, by the fields of `Settings`; a part that could not be read is None.
    """
    archive, custodian = found["archive_storage"], found["custodian_storage"]
    faults = _shared(found)
    if archive is not None and custodian is not None and account_of(archive) != account_of(custodian):
        faults["CUSTODIAN_STORAGE"] = "must be the account of ARCHIVE_STORAGE, reached by another identity"
    return faults


def _shared(found: Mapping[str, Any]) -> dict[str, str]:
    taken = {(account_of(found[storage]), name): kind for kind, storage, name in _FIXED if found[storage] is not None}
    faults: dict[str, str] = {}
    for setting, storage, field in (_ARCHIVE, *_OTHERS):
        if found[storage] is None or found[field] is None:
            continue
        other = taken.setdefault((account_of(found[storage]), found[field]), setting)
        if other != setting:
            faults[setting] = f"names the container of {other}: each needs a container of its own"
    return faults


def account_of(connection: Connection) -> str:
    """Return the name of an account, whichever way it is given."""
    if connection.blob_uri is not None:
        host, _, path = connection.blob_uri.partition("://")[2].partition("/")
        return (path or host.partition(".")[0]).lower()  # an emulator has the account in the path
    secret = connection.connection_string
    return parts_of(secret.get_secret_value() if secret else "").get("accountname", "devstoreaccount1").lower()
