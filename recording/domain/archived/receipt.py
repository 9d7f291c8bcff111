"""The sidecar documents: a receipt of what was proved about a chunk, and a manifest of the whole recording."""

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import chain, islice, pairwise
from typing import Any

from recording.domain.archived.layout import metadata_name, receipt_name
from recording.domain.calls.pauses import documented
from recording.domain.formats import MORE_TO_COME
from recording.domain.state.chunk import ChunkRecord, Home
from recording.domain.state.recording import RecordingRecord
from recording.domain.state.transitions import is_archived, is_disowned

SCHEMA = 1
MOST_LISTED = 1000  # indexes in a list; the ranges beside it have all of them


def receipt_of(record: ChunkRecord, app_version: str) -> bytes:
    """Return the receipt of a chunk: length, SHA-256, SHA-512, how it was verified, ACS's ids and times."""
    task = record.task
    facts = {
        "schema": SCHEMA,
        "recordingId": task.recording_id,
        "callId": task.call_id,
        "serverCallId": task.server_call_id,
        "documentId": task.document_id,
        "index": task.index,
        "home": task.home,
        **_where(record),
        "format": record.format,
        "lengthBytes": record.length_bytes,
        "sha256": record.sha256,
        **_sha512(record),
        "durationMs": record.duration_ms,
        "container": record.container,
        "channels": record.channels,
        "sampleRate": record.sample_rate,
        "verifiedHow": list(record.verified_how),
        "mediaFault": record.media_fault,
        "mediaWarning": record.media_warning,
        "metadata": record.metadata,
        "metadataReason": record.metadata_reason,
        "endReason": task.end_reason,
        "sessionEndReason": task.session_end_reason,
        "recordingStartTime": task.recording_start_time,
        "recordingDurationMs": task.recording_duration_ms,
        "eventId": task.event_id,
        "eventTime": task.event_time,
        "copiedAt": record.copied_at,
        "verifiedAt": record.verified_at,
        "suspects": _suspects(record),
        "remarks": list(record.remarks),
        **_acceptance(record),
        **_erased_speakers(record),
        "appVersion": app_version,
    }
    return _json(facts)


@dataclass(frozen=True)
class UnreadRow:
    """A chunk's row that this version cannot read: its key says which chunk it is, and nothing else is known of it.

    Attributes:
        key: of the row, as `ChunkKey` spells it.
        code: why, stable.
    """

    key: str
    code: str

    @property
    def index(self) -> int | None:
        """Return the chunk's index; None when a row was written by hand under another key."""
        told = self.key.partition("-")[0]
        return int(told) if told.isascii() and told.isdecimal() else None

    def facts(self) -> dict[str, Any]:
        """Return the row as documents and answers show it."""
        return {"index": self.index, "key": self.key, "code": self.code}


def manifest_of(recording: RecordingRecord, chunks: Iterable[ChunkRecord], unread: Sequence[UnreadRow]) -> bytes:
    """Return the manifest: every chunk of a recording, every gap, and the rows that cannot be read.

    The same facts give the same manifest, whatever order they arrived in (I7).
    """
    known = sorted(chunks, key=lambda record: (record.task.index, record.task.document_id))
    facts = {
        "schema": SCHEMA,
        "recordingId": recording.recording_id,
        "callId": recording.call_id,
        "serverCallId": recording.server_call_id,
        "startedAt": recording.started_at,
        "startedHere": recording.started_here,
        "startedBy": recording.started_by,
        "request": recording.request or None,
        "tags": recording.current_tags or None,
        **({"tenant": recording.tenant} if recording.tenant is not None else {}),
        "consent": recording.consent,
        **({"consents": [step.model_dump(mode="json") for step in recording.consents]} if recording.consents else {}),
        **({"moreConsents": recording.more_consents} if recording.more_consents else {}),
        **_commanded_pauses(recording),
        "sessionEndReason": _last_end_reason(known),
        "lengthBytes": sum(record.length_bytes or 0 for record in known if is_archived(record)),
        "durationMs": sum(record.duration_ms or 0.0 for record in known if is_archived(record)),
        "complete": is_complete(known, recording.least_count, unread),
        **gap_facts(gaps_in(known, recording.least_count, unread)),
        "chunks": [_entry(record) for record in known],
        **({"unreadable": [row.facts() for row in sorted(unread, key=lambda row: row.key)]} if unread else {}),
    }
    return _json(facts)


def gaps_in(chunks: Iterable[ChunkRecord], least_count: int | None, unread: Sequence[UnreadRow]) -> list[range]:
    """Return the indexes that must exist but have no chunk, as ranges; ACS counts from 0.

    Below the highest known one all must exist, and the next one if that one ended for its size; and as many as ACS's
    own log counts or events announced, where that is known (`least_count`). A chunk whose row cannot be read was
    announced: its index is not a gap.
    """
    reasons: dict[int, set[str | None]] = {row.index: set() for row in unread if row.index is not None}
    for record in chunks:
        if not is_disowned(record):  # an index that the file's own metadata denies implies nothing about others
            reasons.setdefault(record.task.index, set()).add(record.task.end_reason)
    last = max(reasons, default=-1)
    end = max(last + 2 if reasons.get(last) == {MORE_TO_COME} else last + 1, least_count or 0)
    edges = [-1, *sorted(reasons), max(end, last + 1)]
    return [range(low + 1, high) for low, high in pairwise(edges) if low + 1 < high]


def gap_facts(gaps: Sequence[range]) -> dict[str, Any]:
    """Return the gaps for a document: how many, as ranges (first and last), and one by one as far as they are few."""
    return {
        "missingIndexes": list(islice(chain.from_iterable(gaps), MOST_LISTED)),
        "missingCount": sum(map(len, gaps)),
        "missingRanges": [[gap[0], gap[-1]] for gap in gaps],
    }


def gaps_in_words(gaps: Sequence[range]) -> str:
    """Return the first gaps as text: `1, 3-7`."""
    return ", ".join(str(gap[0]) if len(gap) == 1 else f"{gap[0]}-{gap[-1]}" for gap in gaps[:50])


def is_complete(chunks: Sequence[ChunkRecord], least_count: int | None, unread: Sequence[UnreadRow]) -> bool:
    """Return whether every chunk up to the last is archived; one that ended for its size announces another.

    Of a chunk whose row cannot be read nobody knows.
    """
    if unread:
        return False
    counted = [record for record in chunks if not is_disowned(record)]
    return bool(counted) and not gaps_in(counted, least_count, ()) and all(map(is_archived, counted))


def _entry(record: ChunkRecord) -> dict[str, Any]:
    archived = is_archived(record)
    return {
        "index": record.task.index,
        "documentId": record.task.document_id,
        "archived": archived,
        **_where(record),
        "lengthBytes": record.length_bytes,
        "sha256": record.sha256,
        **_sha512(record),
        "durationMs": record.duration_ms,
        "format": record.format,
        "facts": _facts(record),
        "receipt": receipt_name(record.blob_name) if archived and record.blob_name else None,
        "metadata": metadata_name(record.blob_name) if archived and record.blob_name else None,
        "endReason": record.task.end_reason,
        "remarks": list(record.remarks),
        "suspects": _suspects(record),
    }


def _commanded_pauses(recording: RecordingRecord) -> dict[str, Any]:
    """Return the requested pauses: start, end, reason, caller, and the maximum duration of each."""
    if not recording.pauses:
        return {}
    more = {"moreCommandedPauses": recording.more_pauses} if recording.more_pauses else {}
    return {"commandedPauses": [documented(pause) for pause in recording.pauses], **more}


def _last_end_reason(known: Sequence[ChunkRecord]) -> str | None:
    return next((record.task.session_end_reason for record in reversed(known) if record.task.session_end_reason), None)


def _facts(record: ChunkRecord) -> dict[str, Any] | None:
    """Return the facts of the metadata, without people, whom only the metadata document names."""
    facts = record.facts
    if facts is None:
        return None
    return {
        "startedAt": facts.started_at,
        "durationMs": facts.duration_ms,
        "content": facts.content,
        "channel": facts.channel,
        "sampleRate": facts.sample_rate,
        "bitRate": facts.bit_rate,
        "audioChannels": facts.audio_channels,
        "participantCount": facts.participant_count,
        "participantChannels": list(facts.participant_channels),
        "pauses": [{"startedAt": pause.started_at, "durationMs": pause.duration_ms} for pause in facts.pauses],
    }


def _sha512(record: ChunkRecord) -> dict[str, str]:
    """Return the second digest; documents of chunks that have none stay byte for byte as they were."""
    return {"sha512": record.sha512} if record.sha512 is not None else {}


def _suspects(record: ChunkRecord) -> list[dict[str, Any]]:
    """Return the bytes that failed the media check and are stored beside the chunk."""
    return [
        {
            "blobName": suspect.blob_name,
            "lengthBytes": suspect.length_bytes,
            "sha256": suspect.sha256,
            "reason": suspect.reason,
            "at": suspect.at,
        }
        for suspect in record.suspects
    ]


def _acceptance(record: ChunkRecord) -> dict[str, Any]:
    if record.accepted is None:
        return {}
    return {"accepted": {"by": record.accepted.by, "note": record.accepted.note, "at": record.accepted.at}}


def _erased_speakers(record: ChunkRecord) -> dict[str, Any]:
    """Return the silenced channels with request, reason and digests before and after, without names."""
    if not record.silenced:
        return {}
    told = [
        {
            "channels": list(one.channels),
            "at": one.at,
            "why": "erasure",
            "erasureId": one.request_id,
            "requestedBy": one.requested_by,
            "approvedBy": one.approved_by,
            "sha256Before": one.sha256_before,
            "sha256After": one.sha256_after,
            **({"kinds": list(one.kinds)} if one.kinds else {}),
        }
        for one in record.silenced
    ]
    return {"erasedSpeakers": told}


def _where(record: ChunkRecord) -> dict[str, Any]:
    """Return the media's blob name in the archive, or its place in the customer's own storage."""
    if record.task.home is Home.EXTERNAL:
        return {"blobName": None, "externalLocation": record.task.content_location}
    return {"blobName": record.blob_name}


def _json(facts: dict[str, Any]) -> bytes:
    return json.dumps(facts, indent=2, default=lambda value: value.isoformat()).encode() + b"\n"
