"""Fills the port Quarantine: one JSON blob an entry, named by day, reason and payload so that repeats are one entry."""

import hashlib
import json
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, fields, replace
from datetime import UTC, datetime
from functools import partial
from itertools import groupby
from types import MappingProxyType
from typing import Any

from recording.adapters.blob.container import BlobContainer, blob_service
from recording.domain.foreign_json import read_json
from recording.domain.ids import name_of
from recording.domain.names import QUARANTINE_CONTAINER
from recording.domain.state.quarantine import Origin
from recording.domain.times import as_utc
from recording.errors import StorageBusyError, StorageError
from recording.errors.codes import Code
from recording.ports import QuarantineEntry
from recording.settings import Settings

READERS = 16  # entries read at once: one subscription by mistake makes thousands in a day, and each costs a request
_TIMES = ("at", "redriven_at", "dismissed_at")
_FIELDS = {field.name for field in fields(QuarantineEntry)}


class BlobQuarantine:
    """The container `recording-quarantine` in the host's account."""

    def __init__(self, settings: Settings) -> None:
        self._container = BlobContainer(blob_service(settings.host_storage), QUARANTINE_CONTAINER)

    def close(self) -> None:
        """Close the connections."""
        self._container.close()

    def put(self, entry: QuarantineEntry) -> str:
        """Store an entry; the same payload for the same reason on one day is stored once."""
        name, document = entry_name(entry), written(entry)
        if self._container.put(name, document, "application/json"):
            return name
        found = self._container.get(name)
        if found is not None and read_entry(found[0], name[:10]).redriven_at is not None:
            self._container.put(name, document, "application/json", found[1])
        return name

    def mark_redriven(self, name: str, at: datetime) -> None:
        """Write the time into the entry; a concurrent writer writes the same."""
        self._mark(name, lambda entry: replace(entry, redriven_at=at))

    def mark_dismissed(self, name: str, at: datetime, note: str) -> None:
        """Write the time and the note into the entry. A foreign blob is replaced by an entry."""
        self._mark(name, lambda entry: replace(entry, dismissed_at=at, note=note))

    def _mark(self, name: str, mark: Callable[[QuarantineEntry], QuarantineEntry]) -> None:
        found = self._container.get(name)
        if found is not None:
            marked = mark(read_entry(found[0], name[:10]))
            self._container.put(name, written(marked, _of_newer_versions(found[0])), "application/json", found[1])

    def entries(self) -> Iterator[tuple[str, QuarantineEntry]]:
        """Yield entries day by day, within a day by time; one day's entries are in memory at once."""
        for day, names in groupby(self._container.names(), key=lambda name: name[:10]):
            yield from sorted(self._read(list(names), day), key=lambda named: named[1].at)

    def _read(self, names: list[str], day: str) -> Iterator[tuple[str, QuarantineEntry]]:
        with ThreadPoolExecutor(READERS) as readers:
            for name, entry in zip(names, readers.map(partial(self._entry, day=day), names), strict=True):
                if entry is not None:
                    yield name, entry

    def _entry(self, name: str, day: str) -> QuarantineEntry | None:
        """Return the entry in a blob; None when it has been removed meanwhile."""
        try:
            found = self._container.get(name)
        except StorageBusyError:
            raise
        except StorageError:  # moved to the archive tier, or under another key: it must not hide the others
            return _foreign("a blob in the quarantine container cannot be read as it is stored", "", day)
        return read_entry(found[0], day) if found else None


def entry_name(entry: QuarantineEntry) -> str:
    """Return `yyyy/MM/dd/{reason}/{start of the payload's SHA-256}.json`."""
    digest = hashlib.sha256(entry.payload.encode(errors="surrogatepass")).hexdigest()
    return f"{entry.at.astimezone(UTC):%Y/%m/%d}/{name_of(entry.reason)}/{digest[:32]}.json"


def written(entry: QuarantineEntry, others: Mapping[str, Any] = MappingProxyType({})) -> bytes:
    """Return the document in an entry's blob, with the fields of newer versions that were in it."""
    return json.dumps({**others, **asdict(entry)}, indent=1, default=datetime.isoformat).encode()


def _of_newer_versions(raw: bytes) -> dict[str, Any]:
    """Return the fields of an entry that this version does not know."""
    try:
        document = read_json(raw)
    except ValueError:
        return {}
    is_entry = isinstance(document, dict) and {"reason", "payload", "at"} <= document.keys()
    return {name: value for name, value in document.items() if name not in _FIELDS} if is_entry else {}


def read_entry(raw: bytes, day: str) -> QuarantineEntry:
    """Return the entry in a blob.

    Any other blob in the container is shown as it is: nothing there may be overlooked.
    """
    try:
        document: dict[str, Any] = read_json(raw)
        times = {name: as_utc(datetime.fromisoformat(document[name])) for name in _TIMES if document.get(name)}
        known = {name: value for name, value in document.items() if name in _FIELDS}  # others are of a newer version
        return _checked(QuarantineEntry(**known | times | {"at": times["at"]}))
    except (ValueError, TypeError, KeyError, AttributeError):
        return _foreign(
            "a blob in the quarantine container is not an entry of this app", raw.decode(errors="replace"), day
        )


def _checked(entry: QuarantineEntry) -> QuarantineEntry:
    """Return the entry, or raise TypeError for a fact in another form than every reader of entries relies on."""
    told = (entry.reason, entry.detail, entry.payload, entry.came_from)
    optional = (entry.recording_id, entry.document_id, entry.note)
    if not all(isinstance(one, str) for one in told) or not all(isinstance(one, str | None) for one in optional):
        raise TypeError("a field that holds text has another type")
    if entry.index is not None and type(entry.index) is not int:
        raise TypeError("the index is not a whole number")
    return entry


def _foreign(detail: str, payload: str, day: str) -> QuarantineEntry:
    return QuarantineEntry(Code.UNREADABLE_ENTRY, detail, payload, came_from=Origin.FOREIGN, at=_start_of(day))


def _start_of(day: str) -> datetime:
    try:
        return datetime.strptime(day, "%Y/%m/%d").replace(tzinfo=UTC)
    except ValueError:
        return datetime.min.replace(tzinfo=UTC)
