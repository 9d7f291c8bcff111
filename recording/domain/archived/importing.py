"""What is to be imported: a mapping file, or the names that ACS or the published samples give to files. Pure.

File names may hold numbers and names of people. So ids are made from their hashes, and the name itself is written into
the metadata document only.
"""

import codecs
import csv
import hashlib
import io
import json
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Annotated, Any

from pydantic import BeforeValidator, Field, ValidationError

from recording.domain.formats import FormatType
from recording.domain.ids import canonical_id, is_opaque_id, without_numbers
from recording.domain.incoming.lenient import Time
from recording.domain.incoming.metadata import ChunkMetadata
from recording.domain.incoming.participants import canonical_participant, last_digits
from recording.domain.incoming.requests import MOST_TAGS, Exact, ShortText, TagName, TagValue
from recording.errors import RequestError

IMPORTED = "imported; the source is unknown to ACS"
_METADATA_ENDS = (".json", ".metadata.json", "-metadata.json", "_metadata.json", "-acsmetadata.json", ".JSON")
ODD_NAME = "its name gives an id or an index that is not legal; name it in a mapping"
LONGEST_ID = 256
_UTF_16 = (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)
_SEPARATOR_TOLD = re.compile(r"sep=(?P<separator>[;,\t])\r?\n", re.IGNORECASE)  # a spreadsheet's own first line
_NUMBER_INSIDE = re.compile(r"\+[0-9]{6}", re.ASCII)  # also behind a date and a hyphen
_NOT_DIGITS = re.compile(r"[^0-9]", re.ASCII)
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
    pairs = [(name.strip(), text.strip()) for name, _, text in (part.partition("=") for part in _listed(value))]
    if len(dict(pairs)) < len(pairs):
        raise ValueError("names a tag twice")
    return dict(pairs)


class ImportEntry(Exact):
    """One media file and what is known of it; only `blob` is needed."""

    blob: Annotated[str, Field(min_length=1, max_length=1024)]
    recording_id: ShortText | None = None
    call_id: ShortText | None = None
    document_id: ShortText | None = None
    index: int = Field(0, ge=0, le=1_000_000)
    started_at: Time | None = None
    participants: Annotated[tuple[ShortText, ...], BeforeValidator(_listed)] = ()
    tags: Annotated[dict[TagName, TagValue], BeforeValidator(_paired), Field(max_length=MOST_TAGS)] = Field(
        default_factory=dict
    )
    format: str | None = None
    sha256: Annotated[str, Field(pattern=r"^[0-9a-fA-F]{64}$")] | None = None
    sha512: Annotated[str, Field(pattern=r"^[0-9a-fA-F]{128}$")] | None = None
    metadata: str | None = None  # the name of a metadata document of ACS beside it

    @property
    def mark(self) -> str:
        """Return a hash of the file's name."""
        return hashlib.sha256(self.blob.encode()).hexdigest()[:32]

    @property
    def id_of_document(self) -> str:
        """Return the document's id: as given, or made from the name."""
        return canonical_id(self.document_id or f"imported-{self.mark}")

    @property
    def id_of_recording(self) -> str:
        """Return the recording's id: as given, or made from the name."""
        return canonical_id(self.recording_id or f"imported-{self.mark}")

    @property
    def lacks(self) -> dict[str, Any]:
        """Return what the recording lacked already, as its metadata document keeps it."""
        return {}

    @property
    def announced_format(self) -> FormatType | None:
        """Return the format as given, or by the name's extension."""
        return FormatType.read(self.format) or FormatType.read(self.blob.rpartition(".")[2])

    def document(self, duration_ms: float | None) -> bytes:
        """Return a metadata document in the form that ACS uses; people and file names are written nowhere else."""
        facts = {
            "callId": self.call_id,
            "chunkDocumentId": self.id_of_document,
            "chunkIndex": self.index,
            "chunkStartTime": self.started_at.isoformat() if self.started_at else None,
            "chunkDuration": duration_ms,
            "participants": [{"participantId": person} for person in self.participants],
            "source": {"kind": "import", "name": self.blob, **self.lacks},
        }
        return (
            json.dumps({name: value for name, value in facts.items() if value is not None}, indent=2).encode() + b"\n"
        )


class LackedChunk(Exact):
    """Something that a recording lacked where it was handed over, with the reason."""

    what: ShortText
    why: ShortText


class VconEntry(ImportEntry):
    """A media file that a vCon is about, with what the vCon says it lacks."""

    left_out: Annotated[tuple[LackedChunk, ...], Field(max_length=1000)] = ()

    @property
    def lacks(self) -> dict[str, Any]:
        """Return what the vCon says it lacks."""
        return {"leftOut": [one.model_dump() for one in self.left_out]} if self.left_out else {}


def read_mapping(raw: bytes) -> list[ImportEntry]:
    """Return the entries of a mapping file: a JSON list of objects, or CSV with a header, as spreadsheets save it.

    Raises:
        RequestError: `invalid_request`; the file has another form, an entry is not legal, or two name one chunk.
    """
    try:
        text = raw.decode("utf-16" if raw.startswith(_UTF_16) else "utf-8-sig")
        documents = json.loads(text) if text.lstrip().startswith(("[", "{")) else list(_rows(text))
    except (ValueError, csv.Error, RecursionError):
        raise RequestError("the mapping is neither a JSON list nor CSV with a header") from None
    if not isinstance(documents, list) or not documents:
        raise RequestError("the mapping has no entries")
    entries = [_entry(number, document) for number, document in enumerate(documents, start=1)]
    _check_each_once(entries)
    return entries


def _check_each_once(entries: Iterable[ImportEntry]) -> None:
    chunks: set[tuple[str, int]] = set()
    files: set[str] = set()
    for number, entry in enumerate(entries, start=1):
        key = (entry.id_of_recording, entry.index)
        if key in chunks:
            raise RequestError(f"entry {number} names a recording and index that another entry has")
        if entry.blob in files:
            raise RequestError(f"entry {number} names a file that another entry has")
        chunks.add(key)
        files.add(entry.blob)


@dataclass(frozen=True)
class LeftOut:
    """A file of a container that is not imported, and why."""

    blob: str
    why: str


def byos_entries(names: Iterable[str], left_out: list[LeftOut] | None = None) -> list[ImportEntry]:
    """Return the entries for files that ACS wrote into a container of the customer's, with their metadata.

    The service may export a file several times, into folders of other names. The first one gives the recording its
    name; the others are entries of the same chunk, which an import compares with it.

    Args:
        names: of all files in the container.
        left_out: gains each file whose name gives what no entry may have; it hides no other.
    """
    found = [match for name in sorted(names) if (match := _BYOS.fullmatch(name))]
    documents = {(one["folder"], one["document"]): one[0] for one in found if one["kind"] == "acsmetadata"}
    media = [one for one in found if one["kind"] != "acsmetadata" and FormatType.read(one["extension"])]
    first: dict[tuple[str, str], str] = {}
    for one in media:
        first.setdefault((one["call"], one["document"]), one["recording"])
    made = (
        _made(
            left_out,
            blob=one[0],
            recording_id=_id(first[one["call"], one["document"]]),
            call_id=one["call"],
            document_id=_id(one["document"]),
            index=one["chunk"],
            metadata=documents.get((one["folder"], one["document"])),
        )
        for one in media
    )
    return [entry for entry in made if entry is not None]


def _id(name: str | None) -> str | None:
    """Return a part of a name that may be an id; without it, the id is made from the whole name."""
    return name if name and len(name) <= LONGEST_ID and is_opaque_id(name) else None


def _made(left_out: list[LeftOut] | None, **facts: Any) -> ImportEntry | None:
    """Return an entry by what names or documents of others say; None where that is not legal, and noted."""
    try:
        return ImportEntry(**facts)
    except ValidationError:
        if left_out is not None:
            left_out.append(LeftOut(facts["blob"], ODD_NAME))
        return None


def pairs_of(names: Iterable[str]) -> list[tuple[str, str | None]]:
    """Return media with the metadata document beside each, as the published samples name them.

    Those save `{documentId}.mp4` and `{documentId}.json`; other common endings of the document are understood too.
    """
    known = set(names)
    media = sorted(name for name in known if FormatType.read(name.rpartition(".")[2]) and not _BYOS.fullmatch(name))
    stems = [(name, name.rpartition(".")[0]) for name in media]
    return [
        (name, next((beside for end in _METADATA_ENDS if (beside := f"{stem}{end}") in known), None))
        for name, stem in stems
    ]


def sample_entries(
    found: Iterable[tuple[str, str | None, ChunkMetadata | None]], left_out: list[LeftOut] | None = None
) -> list[ImportEntry]:
    """Return the entries for media with the metadata documents beside them, which have the rest.

    A document names call and index, but no recording. Files of one call whose indexes are 0, 1, 2 … are taken for the
    chunks of one recording; where an index is there twice the call was recorded several times, and each file is a
    recording of its own. `left_out` gains each file whose document gives what no entry may have.
    """
    calls: dict[str, list[tuple[str, str | None, ChunkMetadata]]] = {}
    entries: list[ImportEntry | None] = []
    for name, beside, document in found:
        if document is None or document.call_id is None or document.index is None:
            entries.append(_made(left_out, blob=name, metadata=beside))
        else:
            calls.setdefault(document.call_id, []).append((name, beside, document))
    for call_id, files in calls.items():
        is_one = sorted(document.index or 0 for *_, document in files) == list(range(len(files)))
        shared = f"imported-{hashlib.sha256(call_id.encode()).hexdigest()[:32]}" if is_one and len(files) > 1 else None
        entries += [_sample_entry(name, beside, document, shared, left_out) for name, beside, document in files]
    return sorted((entry for entry in entries if entry is not None), key=lambda entry: entry.blob)


def _sample_entry(
    name: str, beside: str | None, document: ChunkMetadata, recording_id: str | None, left_out: list[LeftOut] | None
) -> ImportEntry | None:
    return _made(
        left_out,
        blob=name,
        recording_id=recording_id,
        call_id=document.call_id,
        document_id=_id(document.document_id),
        index=(document.index or 0) if recording_id else 0,
        metadata=beside,
    )


def place_fault(entry: ImportEntry, people: Iterable[str]) -> str | None:
    """Say why a file cannot stay where it is; None when it can.

    Its name becomes its place in catalog and receipt, and no number and no id of a person belongs there (I15).
    """
    name = entry.blob
    digits = _NOT_DIGITS.sub("", name)
    numbers = (last_digits(canonical_participant(person).removeprefix("4:")) for person in people)
    names_somebody = any(person in name for person in people) or any(one in digits for one in numbers if one)
    if names_somebody or without_numbers(name) != name:
        return "its name tells a number or a participant: copy it instead"
    return None


def call_of(call_id: str) -> str:
    """Return the id under which a call is kept: old systems named some by the number that rang, and that is hashed."""
    is_plain = without_numbers(call_id) == call_id and not _NUMBER_INSIDE.search(call_id)
    return call_id if is_plain else f"imported-{hashlib.sha256(call_id.encode()).hexdigest()[:32]}"


def started_of(entry: ImportEntry, *others: datetime | None) -> datetime | None:
    """Return when the recording began: as mapped, or the first known time."""
    return entry.started_at or next((one for one in others if one is not None), None)


def _rows(text: str) -> Iterator[Mapping[str, Any]]:
    """Yield each row by the names of the header; rows without any content are passed over."""
    told = _SEPARATOR_TOLD.match(text)
    table = text[told.end() :] if told else text
    rows = csv.reader(io.StringIO(table, newline=""), strict=True, delimiter=_separator(table, told))
    header = [name.strip() for name in next(rows, [])]
    if len(set(header)) < len(header):
        raise ValueError("two columns have the same name")
    for row in rows:
        if len(row) > len(header):
            raise ValueError("a row has more cells than the header")
        if any(row):
            yield {name: value for name, value in zip(header, row, strict=False) if value}


def _separator(table: str, told: re.Match[str] | None) -> str:
    """Return what separates cells: a comma, or what a spreadsheet writes where numbers have one."""
    header = table.partition("\n")[0].partition("\r")[0]
    return told["separator"] if told else next((one for one in ",;\t" if one in header), ",")


def _entry(number: int, document: Any) -> ImportEntry:
    try:
        entry = ImportEntry.read(document)
    except RequestError as error:
        raise RequestError(f"entry {number}: {error}") from None
    for field, name in (("blob", entry.blob), ("metadata", entry.metadata or "")):
        if not {".", ".."}.isdisjoint(
            name.replace("\\", "/").split("/")
        ):  # clients resolve it, even out of the container
            raise RequestError(f"entry {number}: {field} has a part that is . or ..")
    for field, value in (("recordingId", entry.id_of_recording), ("documentId", entry.id_of_document)):
        if not is_opaque_id(value):
            raise RequestError(f"entry {number}: {field} has characters that no id has")
    return entry
