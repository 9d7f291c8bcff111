"""What is to be imported: a mapping file, or the names that ACS gives files in a customer's own container. Pure.

File names may hold numbers and names of people. So ids are made from their hashes, and the name itself is written into
the metadata document only.
"""

import csv
import hashlib
import io
import json
import re
from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime
from typing import Annotated, Any

from pydantic import BeforeValidator, Field

from recording.domain.formats import FormatType
from recording.domain.ids import is_opaque_id
from recording.domain.incoming.events import Time
from recording.domain.incoming.requests import MOST_TAGS, Exact, ShortText
from recording.errors import RequestError

IMPORTED = "imported; the source is unknown to ACS"
# `20230105/{call}/{recording}/{chunk}-audiomp3.{document}.mp3`, as ACS writes to a customer's own container
_BYOS = re.compile(
    r"(?P<folder>(?:.*/)?(?P<call>[^/]+)/(?P<recording>[^/]+))/(?P<chunk>[0-9]+)-(?P<kind>[a-z0-9]+)"
    r"\.(?P<document>[^/]+)\.(?P<extension>[A-Za-z0-9]+)",
    re.ASCII,
)


def _listed(value: Any) -> Any:
    """Return a list; a table writes one as text with semicolons."""
    return [part.strip() for part in value.split(";") if part.strip()] if isinstance(value, str) else value or ()


def _paired(value: Any) -> Any:
    """Return a mapping; a table writes one as `name=value; name=value`."""
    if not isinstance(value, str):
        return value or {}
    return {name.strip(): text.strip() for name, _, text in (part.partition("=") for part in _listed(value))}


class ImportEntry(Exact):
    """One media file and what is known of it; only `blob` is needed."""

    blob: Annotated[str, Field(min_length=1, max_length=1024)]
    recording_id: ShortText | None = None
    call_id: ShortText | None = None
    index: int = Field(0, ge=0, le=1_000_000)
    started_at: Time | None = None
    participants: Annotated[tuple[ShortText, ...], BeforeValidator(_listed)] = ()
    tags: Annotated[dict[ShortText, str], BeforeValidator(_paired), Field(max_length=MOST_TAGS)] = Field(
        default_factory=dict
    )
    format: str | None = None
    sha256: Annotated[str, Field(pattern=r"^[0-9a-fA-F]{64}$")] | None = None
    metadata: str | None = None  # the name of a metadata document of ACS beside it

    @property
    def mark(self) -> str:
        """Return a hash of the file's name."""
        return hashlib.sha256(self.blob.encode()).hexdigest()[:32]

    @property
    def id_of_recording(self) -> str:
        """Return the recording's id: as given, or made from the name."""
        return self.recording_id or f"imported-{self.mark}"

    @property
    def announced_format(self) -> FormatType | None:
        """Return the format as given, or by the name's extension."""
        return FormatType.read(self.format) or FormatType.read(self.blob.rpartition(".")[2])

    def document(self, duration_ms: float | None) -> bytes:
        """Return a metadata document in the form that ACS uses; people and file names are written nowhere else."""
        facts = {
            "callId": self.call_id,
            "chunkDocumentId": f"imported-{self.mark}",
            "chunkIndex": self.index,
            "chunkStartTime": self.started_at.isoformat() if self.started_at else None,
            "chunkDuration": duration_ms,
            "participants": [{"participantId": person} for person in self.participants],
            "source": {"kind": "import", "name": self.blob},
        }
        return (
            json.dumps({name: value for name, value in facts.items() if value is not None}, indent=2).encode() + b"\n"
        )


def read_mapping(raw: bytes) -> list[ImportEntry]:
    """Return the entries of a mapping file: a JSON list of objects, or CSV with a header.

    Raises:
        RequestError: `invalid_request`; the file has another form, an entry is not legal, or two name one chunk.
    """
    try:
        text = raw.decode("utf-8-sig")
        documents = json.loads(text) if text.lstrip().startswith(("[", "{")) else list(_rows(text))
    except (ValueError, csv.Error):
        raise RequestError("the mapping is neither a JSON list nor CSV with a header") from None
    if not isinstance(documents, list) or not documents:
        raise RequestError("the mapping has no entries")
    entries = [_entry(number, document) for number, document in enumerate(documents, start=1)]
    seen: set[tuple[str, int]] = set()
    for number, entry in enumerate(entries, start=1):
        key = (entry.id_of_recording, entry.index)
        if key in seen:
            raise RequestError(f"entry {number} names a recording and index that another entry has")
        seen.add(key)
    return entries


def byos_entries(names: Iterable[str]) -> list[ImportEntry]:
    """Return the entries for files that ACS wrote into a container of the customer's, with their metadata."""
    found = [match for name in sorted(names) if (match := _BYOS.fullmatch(name))]
    documents = {(one["folder"], one["document"]): one[0] for one in found if one["kind"] == "acsmetadata"}
    return [
        ImportEntry(
            blob=one[0],
            recording_id=one["recording"] if is_opaque_id(one["recording"]) else None,
            call_id=one["call"],
            index=int(one["chunk"]),
            metadata=documents.get((one["folder"], one["document"])),
        )
        for one in found
        if one["kind"] != "acsmetadata" and FormatType.read(one["extension"])
    ]


def started_of(entry: ImportEntry, *others: datetime | None) -> datetime | None:
    """Return when the recording began: as the mapping tells, or the first time that is known."""
    return entry.started_at or next((one for one in others if one is not None), None)


def _rows(text: str) -> Iterator[Mapping[str, Any]]:
    for row in csv.DictReader(io.StringIO(text), strict=True):
        if None in row:
            raise ValueError("a row has more cells than the header")
        yield {name: value for name, value in row.items() if value not in (None, "")}


def _entry(number: int, document: Any) -> ImportEntry:
    try:
        entry = ImportEntry.read(document)
    except RequestError as error:
        raise RequestError(f"entry {number}: {error}") from None
    if not is_opaque_id(entry.id_of_recording):
        raise RequestError(f"entry {number}: recordingId has characters that no id has")
    return entry
