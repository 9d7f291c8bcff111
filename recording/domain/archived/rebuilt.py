"""Rebuild records from documents in the archive: receipts, manifests and metadata. Pure.

The locations of a chunk at ACS are in no document, so a rebuilt record is finished: it causes no request to ACS and no
delete there.
"""

import json
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

from pydantic import ValidationError

from recording.domain.archived.importing import IMPORTED
from recording.domain.archived.layout import media_of_receipt, name_version_of
from recording.domain.calls.pauses import CommandedPause, pause_in
from recording.domain.formats import FormatType
from recording.domain.ids import canonical_id, is_opaque_id
from recording.domain.incoming.events import HIGHEST_INDEX
from recording.domain.incoming.facts import facts_of_metadata
from recording.domain.incoming.metadata import read_metadata
from recording.domain.state.chunk import (
    Acceptance,
    ChunkRecord,
    ChunkState,
    ChunkTask,
    Home,
    MetadataOutcome,
    Silenced,
    SourceOutcome,
    Suspect,
)
from recording.domain.state.recording import RecordingRecord
from recording.domain.state.stored import sha256_of
from recording.errors import SourceBrokenError

REASON = "the record was made again from the archive"
Document = Mapping[str, Any]


def read_document(raw: bytes) -> Document | None:
    """Return a stored document as a mapping; None when it is not one."""
    try:
        document = json.loads(raw)
    except (ValueError, RecursionError):
        return None
    return document if isinstance(document, dict) else None


def chunk_of(
    receipt_name: str, receipt: Document, metadata: bytes | None, retention: timedelta, now: datetime
) -> ChunkRecord | None:
    """Return the record of a chunk from its receipt; None when this version cannot read the receipt.

    Args:
        receipt_name: where it is stored; the media is beside it.
        receipt: its content.
        metadata: the metadata document beside it, if there is one.
        retention: how long ACS keeps a recording.
        now: for times that the receipt does not have.
    """
    try:
        return _chunk(receipt_name, receipt, metadata, retention, now)
    except (ArithmeticError, ValueError, KeyError, TypeError, AttributeError):
        return None


def _chunk(
    receipt_name: str, receipt: Document, metadata: bytes | None, retention: timedelta, now: datetime
) -> ChunkRecord:
    kind = FormatType.read(receipt.get("format"))
    name = receipt.get("blobName") or media_of_receipt(receipt_name, kind)
    event_time = datetime.fromisoformat(receipt["eventTime"])
    task = ChunkTask(
        recording_id=_id(receipt["recordingId"]),
        call_id=receipt["callId"],
        server_call_id=receipt.get("serverCallId"),
        document_id=_id(receipt["documentId"]),
        index=_index(receipt["index"]),
        content_location=receipt.get("externalLocation") or "",
        home=Home(receipt.get("home", Home.ACS)),
        format=kind,
        end_reason=receipt.get("endReason"),
        session_end_reason=receipt.get("sessionEndReason"),
        recording_start_time=receipt.get("recordingStartTime"),
        recording_duration_ms=receipt.get("recordingDurationMs"),
        event_id=receipt["eventId"],
        event_time=event_time,
        expires_at=event_time if IMPORTED in (receipt.get("remarks") or ()) else event_time + retention,
        folder=receipt_name.rpartition("/")[0],
    )
    verified_at = receipt.get("verifiedAt") or now
    outcome, reason = _metadata(receipt, metadata)
    return ChunkRecord(
        task=task,
        state=ChunkState.CATALOGED,
        first_seen_at=event_time,
        changed_at=verified_at,
        blob_name=name,
        format=kind,
        length_bytes=receipt["lengthBytes"],
        sha256=receipt["sha256"],
        sha512=receipt.get("sha512"),
        duration_ms=receipt.get("durationMs"),
        container=receipt.get("container"),
        channels=receipt.get("channels"),
        sample_rate=receipt.get("sampleRate"),
        media_fault=receipt.get("mediaFault"),
        media_warning=receipt.get("mediaWarning"),
        suspects=tuple(_suspect(one) for one in receipt.get("suspects") or ()),
        accepted=_accepted(receipt.get("accepted")),
        silenced=tuple(_silenced(one) for one in receipt.get("erasedSpeakers") or ()),
        name_version=name_version_of(name or ""),
        remarks=tuple(receipt.get("remarks") or ()),
        verified_how=tuple(receipt.get("verifiedHow") or ()),
        copied_at=receipt.get("copiedAt"),
        verified_at=receipt.get("verifiedAt"),
        cataloged_at=verified_at,
        metadata=outcome,
        metadata_reason=reason,
        metadata_sha256=sha256_of(metadata) if metadata is not None else None,
        facts=_facts(metadata),
        source=SourceOutcome.NOT_OURS if task.home is Home.EXTERNAL else SourceOutcome.LEFT_TO_EXPIRE,
        source_reason=REASON,
    )


def _metadata(receipt: Document, metadata: bytes | None) -> tuple[MetadataOutcome, str | None]:
    """Return the outcome of the metadata, by the receipt; a document that was announced after it is beside it."""
    told = MetadataOutcome(receipt.get("metadata", MetadataOutcome.NOT_ANNOUNCED))
    is_without = told in (MetadataOutcome.NOT_ANNOUNCED, MetadataOutcome.NOT_ASKED)
    if is_without and metadata is not None and _facts(metadata) is not None:
        return MetadataOutcome.ARCHIVED, None
    return told, receipt.get("metadataReason")


def _silenced(told: Document) -> Silenced:
    return Silenced(
        channels=tuple(told["channels"]),
        at=told["at"],
        request_id=told["erasureId"],
        requested_by=told.get("requestedBy"),
        approved_by=told.get("approvedBy"),
        sha256_before=told.get("sha256Before"),
        sha256_after=told.get("sha256After"),
        kinds=tuple(told.get("kinds") or ()),
    )


def recording_of(
    folder: str, manifest: Document | None, chunks: Sequence[ChunkRecord], now: datetime, odd: list[str] | None = None
) -> RecordingRecord | None:
    """Return the record of a recording from its manifest and chunks; None when neither names it.

    A field of the manifest that this version cannot read is left out, and its name is added to `odd`.
    """
    told = manifest or {}
    task = chunks[0].task if chunks else None
    recording_id = task.recording_id if task else told.get("recordingId")
    if not isinstance(recording_id, str) or not is_opaque_id(recording_id):
        return None
    request = told.get("request") if isinstance(told.get("request"), dict) else {}
    tags = told.get("tags") if isinstance(told.get("tags"), dict) else {}
    facts = {
        "started_here": bool(told.get("startedHere")),
        "started_at": told.get("startedAt"),
        "started_by": told.get("startedBy"),
        "request": request or {},
        "tenant": told["tenant"] if isinstance(told.get("tenant"), str) else None,
        "consent": told.get("consent") if isinstance(told.get("consent"), dict) else None,
        "consents": told["consents"] if isinstance(told.get("consents"), list) else (),
        "more_consents": _count(told.get("moreConsents")),
        "pauses": _pauses_in(told),
        "more_pauses": _count(told.get("moreCommandedPauses")),
        "tags": None if (request or {}).get("tags", {}) == tags else tags,
        "announced_count": _announced(told),
    }
    known = {
        "recording_id": _id(recording_id),
        "folder": folder,
        "call_id": _text(told.get("callId")) or (task.call_id if task else None),
        "server_call_id": _text(told.get("serverCallId")) or (task.server_call_id if task else None),
        "first_event_at": min((chunk.first_seen_at for chunk in chunks), default=now),
    }
    try:
        return RecordingRecord.model_validate(facts | known)
    except ValidationError as error:
        left_out = {str(fault["loc"][0]) for fault in error.errors()}
        if odd is not None:
            odd += sorted(left_out)
    return RecordingRecord.model_validate({name: facts[name] for name in facts.keys() - left_out} | known)


def _text(told: object) -> str | None:
    """Return a text that tables can store."""
    return told if isinstance(told, str) and told.isprintable() else None


def _count(told: object) -> int:
    return told if isinstance(told, int) and told > 0 else 0


def unfinished_in(manifest: Document | None, chunks: Sequence[ChunkRecord]) -> int:
    """Return the number of chunks in a manifest without a receipt: they were not archived when it was written."""
    entries = (manifest or {}).get("chunks")
    known = {f"{chunk.task.index}/{chunk.task.document_id}" for chunk in chunks}
    named = {
        f"{entry.get('index')}/{entry.get('documentId')}"
        for entry in (entries if isinstance(entries, list) else [])
        if isinstance(entry, dict)
    }
    return len(named - known)


def chosen(records: Sequence[ChunkRecord]) -> list[ChunkRecord]:
    """Return one record for each chunk, that of the latest version of its name."""
    best: dict[str, ChunkRecord] = {}
    for record in sorted(records, key=lambda one: one.name_version):
        best[str(record.key)] = record
    return [best[key] for key in sorted(best)]


def _pauses_in(manifest: Document) -> tuple[CommandedPause, ...]:
    """Return the requested pauses; an unreadable one is left out without losing the recording."""
    listed = manifest.get("commandedPauses")
    found = [pause_in(one) for one in (listed if isinstance(listed, list) else []) if isinstance(one, dict)]
    return tuple(one for one in found if one is not None)


def _announced(manifest: Document) -> int | None:
    """Return how many files there must be, by the gaps in the manifest."""
    ranges = manifest.get("missingRanges")
    lasts = [gap[-1] for gap in ranges if isinstance(gap, list) and gap] if isinstance(ranges, list) else []
    return max((last + 1 for last in lasts if isinstance(last, int)), default=None)


def _id(text: str) -> str:
    if not is_opaque_id(text):
        raise ValueError("not an id")
    return canonical_id(text)


def _index(told: object) -> object:
    if isinstance(told, int | float) and not 0 <= told <= HIGHEST_INDEX:
        raise ValueError("not the index of a file")
    return told


def _facts(metadata: bytes | None) -> Any:
    try:
        return facts_of_metadata(read_metadata(metadata)) if metadata is not None else None
    except SourceBrokenError:
        return None


def _suspect(one: Document) -> Suspect:
    return Suspect(
        blob_name=one["blobName"],
        sha256=one.get("sha256"),
        length_bytes=one["lengthBytes"],
        reason=one["reason"],
        at=one["at"],
    )


def _accepted(one: Document | None) -> Acceptance | None:
    return Acceptance(by=one.get("by"), note=one["note"], at=one["at"]) if one else None
