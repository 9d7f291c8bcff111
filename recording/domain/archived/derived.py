"""Derived files: what can be made from a recording's archived media, under which names, and its receipt. Pure.

A derived file is named after its sources, so the same work always has the same name, and a chunk archived later makes
another file. Chunks are joined in the order of recording: nothing is inserted where time is missing between them, and
the receipt lists each joint (ADR 0034).
"""

import hashlib
import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any

from recording.domain.archived.layout import derived_stem
from recording.domain.archived.receipt import gap_facts, gaps_in
from recording.domain.foreign_json import read_json
from recording.domain.formats import FormatType
from recording.domain.incoming.requests import Exact
from recording.domain.state.chunk import ChunkRecord, Home
from recording.domain.state.records import required, stored_name
from recording.domain.state.transitions import is_archived, is_finished
from recording.errors import RequestError
from recording.errors.codes import Code

SCHEMA = 1
TOOL = "recording-archive derive"
TOOL_VERSION = 1  # another version makes other bytes from the same chunks, under another name
JOINTS = "chunks follow each other as they were recorded; nothing is inserted between them"
NO_VIDEO = "a video cannot be joined or split without encoding it again"
NOT_OURS = "its media stays in the customer's own storage"
_TOLD: Mapping[str, tuple[type, ...]] = {  # what is used of a receipt
    "format": (str,),
    "lengthBytes": (int,),
    "sha256": (str,),
    "durationMs": (int, float),
    "inputs": (list,),
    "joints": (list,),
}


class DerivedKind(StrEnum):
    """What is made."""

    JOINED = "joined"  # one file of all chunks
    SPEAKERS = "speakers"  # a file for each channel of each chunk


class DeriveRequest(Exact):
    """The body of `POST recordings/{recordingId}/derived`."""

    kind: DerivedKind


@dataclass(frozen=True)
class Source:
    """A chunk that a file is made from."""

    index: int
    document_id: str
    blob_name: str
    length_bytes: int
    sha256: str
    format: FormatType
    channels: int | None = None
    started_at: datetime | None = None
    duration_ms: float | None = None
    paused_ms: float = 0.0


@dataclass(frozen=True)
class Wanted:
    """A file that is to be made.

    Attributes:
        channel: of a speaker's file.
        left_out: indexes of chunks that exist but cannot be used, each with the reason.
    """

    recording_id: str
    folder: str
    kind: DerivedKind
    sources: tuple[Source, ...]
    channel: int | None = None
    gaps: tuple[range, ...] = ()
    left_out: tuple[tuple[int, str], ...] = ()

    @property
    def mark(self) -> str:
        """Return its id, made from its sources."""
        made_of = [[source.blob_name, source.sha256] for source in self.sources]
        said = [TOOL_VERSION, self.kind, self.channel, made_of]
        return hashlib.sha256(json.dumps(said, separators=(",", ":")).encode()).hexdigest()[:16]

    @property
    def format(self) -> FormatType:
        """Return what it is; all sources are of one format."""
        return self.sources[0].format

    @property
    def stem(self) -> str:
        """Return how its name and those of its documents begin."""
        what = "joined" if self.channel is None else f"speaker-{self.channel}.{self.sources[0].index:04d}"
        return derived_stem(self.folder, what, self.mark)

    @property
    def blob_name(self) -> str:
        """Return where it is stored."""
        return f"{self.stem}.{self.format.value}"


def receipt_name_of(stem: str) -> str:
    """Return where a derived file's receipt is stored; without one the file does not count."""
    return f"{stem}.json"


def read_derived_receipt(name: str, raw: bytes | None) -> dict[str, Any] | None:
    """Return the receipt of a derived file; None for another document, and for one about a file that is not beside it.

    Args:
        name: of the receipt.
        raw: what is stored under it.
    """
    try:
        found = read_json(raw or b"")
    except ValueError:
        return None
    if not isinstance(found, dict):
        return None
    blob_name, stem = found.get("blobName"), name.removesuffix("json")
    is_beside = isinstance(blob_name, str) and blob_name.startswith(stem) and "/" not in blob_name[len(stem) :]
    is_whole = all(type(found.get(field)) in kinds for field, kinds in _TOLD.items())
    return found if is_beside and is_whole else None


def asked_name_of(stem: str) -> str:
    """Return the name of the document that records a request for a file."""
    return f"{stem}.asked.json"


def failed_name_of(stem: str) -> str:
    """Return the name of the document that records why a file could not be made."""
    return f"{stem}.failed.json"


def files_wanted(
    recording_id: str, kind: DerivedKind, chunks: Sequence[ChunkRecord], least_count: int | None
) -> list[Wanted]:
    """Return the files that a request asks for.

    Args:
        recording_id: as the catalog knows it.
        kind: the kind of file.
        chunks: all of the recording; the row of each can be read.
        least_count: as `gaps_in`.

    Raises:
        RequestError: `unknown_recording`, `not_archived` while a chunk is being archived, `media_disposed`, or
            `not_derivable` with the reason.
    """
    sources, left_out = _usable(chunks)
    first = next(chunk for chunk in chunks if chunk.task.index == sources[0].index)
    folder = first.task.folder
    if kind is DerivedKind.JOINED:
        gaps = tuple(gaps_in([chunk for chunk in chunks if is_archived(chunk)], least_count, ()))
        return [Wanted(recording_id, folder, kind, tuple(sources), gaps=gaps, left_out=tuple(left_out))]
    if sources[0].format is not FormatType.WAV:
        raise RequestError("only a WAV file has channels that can be taken apart", code=Code.NOT_DERIVABLE)
    return [
        Wanted(recording_id, folder, kind, (source,), channel)
        for source in sources
        for channel in range(source.channels or 1)
    ]


def _usable(chunks: Sequence[ChunkRecord]) -> tuple[list[Source], list[tuple[int, str]]]:
    if not chunks:
        raise RequestError("no file of this recording is known", code=Code.UNKNOWN_RECORDING)
    if not all(is_finished(chunk) or is_archived(chunk) for chunk in chunks):
        raise RequestError("not all of it is archived yet", code=Code.NOT_ARCHIVED)
    if any(chunk.task.home is Home.EXTERNAL for chunk in chunks):
        raise RequestError(NOT_OURS, code=Code.NOT_DERIVABLE)
    known: dict[int, Source] = {}
    left_out = []
    for chunk in sorted(chunks, key=lambda chunk: (chunk.task.index, chunk.task.document_id)):
        index, why = chunk.task.index, _why_not(chunk, known)
        if why is None:
            known[index] = _source(chunk)
        else:
            left_out.append((index, why))
    if not known:
        is_gone = all(chunk.disposed_at is not None for chunk in chunks)
        code = Code.MEDIA_DISPOSED if is_gone else Code.NOT_DERIVABLE
        raise RequestError("; ".join(sorted({why for _, why in left_out})), code=code)
    formats = {source.format for source in known.values()}
    if FormatType.MP4 in formats:
        raise RequestError(NO_VIDEO, code=Code.NOT_DERIVABLE)
    if len(formats) > 1:
        raise RequestError("its chunks are of different formats", code=Code.NOT_DERIVABLE)
    return list(known.values()), left_out


def _why_not(chunk: ChunkRecord, known: Mapping[int, Source]) -> str | None:
    if chunk.disposed_at is not None:
        return "the media was lawfully deleted"
    if not is_archived(chunk) or not (chunk.blob_name and chunk.sha256 and chunk.length_bytes):
        return "the media is not archived"
    if chunk.format is None:
        return "its format is not known"
    return "another document has the same index" if chunk.task.index in known else None


def _source(chunk: ChunkRecord) -> Source:
    facts = chunk.facts
    return Source(
        index=chunk.task.index,
        document_id=chunk.task.document_id,
        blob_name=stored_name(chunk),
        length_bytes=required(chunk.length_bytes, "length_bytes"),
        sha256=required(chunk.sha256, "sha256"),
        format=required(chunk.format, "format"),
        channels=chunk.channels,
        started_at=facts.started_at if facts else None,
        duration_ms=chunk.duration_ms,
        paused_ms=sum(pause.duration_ms or 0.0 for pause in facts.pauses) if facts else 0.0,
    )


# --- what was made ---------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Made:
    """The result of making a file.

    Attributes:
        places: for each source, its position and length in the file, in samples of a channel.
        notes: for each source, remarks: bytes that were left out, frames that are silent.
    """

    sample_rate: int
    channels: int
    places: tuple[tuple[int, int], ...]
    notes: tuple[Mapping[str, int], ...] = field(default=())


def derived_receipt(wanted: Wanted, made: Made, stored: tuple[int, str], at: datetime, app: str) -> bytes:
    """Return the receipt: sources with digests, tool, and the positions of the joints."""
    samples, (length_bytes, sha256) = sum(count for _, count in made.places), stored
    facts = {
        "schema": SCHEMA,
        "derivedId": wanted.mark,
        "kind": wanted.kind,
        "channel": wanted.channel,
        "recordingId": wanted.recording_id,
        "blobName": wanted.blob_name,
        "format": wanted.format,
        "lengthBytes": length_bytes,
        "sha256": sha256,
        "durationMs": round(samples * 1000 / made.sample_rate, 3),
        "sampleRate": made.sample_rate,
        "channels": made.channels,
        "inputs": [_input(source, notes) for source, notes in zip(wanted.sources, made.notes, strict=True)],
        "joints": list(_joints(wanted, made)),
        "gaps": JOINTS,
        "complete": not (wanted.gaps or wanted.left_out),
        **gap_facts(wanted.gaps),
        "leftOut": [{"index": index, "why": why} for index, why in wanted.left_out],
        "tool": TOOL,
        "toolVersion": TOOL_VERSION,
        "appVersion": app,
        "madeAt": at.isoformat(),
    }
    return json.dumps(facts, indent=2).encode() + b"\n"


def _input(source: Source, notes: Mapping[str, int]) -> dict[str, Any]:
    return {
        "index": source.index,
        "documentId": source.document_id,
        "blobName": source.blob_name,
        "lengthBytes": source.length_bytes,
        "sha256": source.sha256,
        **notes,
    }


def _joints(wanted: Wanted, made: Made) -> Iterable[dict[str, Any]]:
    """Yield where each chunk but the first begins, and how much time is missing before it, where that is known."""
    for number in range(1, len(wanted.sources)):
        before, source, (first, _) = wanted.sources[number - 1], wanted.sources[number], made.places[number]
        yield {
            "index": source.index,
            "atSample": first,
            "atSeconds": round(first / made.sample_rate, 6),
            "startedAt": source.started_at.isoformat() if source.started_at else None,
            "missingMs": _missing_ms(before, source),
        }


def _missing_ms(before: Source, source: Source) -> float | None:
    if before.started_at is None or source.started_at is None or before.duration_ms is None:
        return None
    between = (source.started_at - before.started_at).total_seconds() * 1000
    return round(between - before.duration_ms - before.paused_ms, 3)
