"""Routes of the console alone: the overview, a recording's page, verification, the audit trail, CSV."""

import csv
import hashlib
import io
import json
from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from itertools import islice
from typing import Any

import azure.functions as func

from recording.control import recordings as control
from recording.control.notes import check_recording_id
from recording.domain.archived.receipt import gaps_in
from recording.domain.calls.consent import as_shown
from recording.domain.find.directory import IndexRow
from recording.domain.find.find_query import FindQuery, FindState, plan_of
from recording.domain.ids import canonical_id
from recording.domain.incoming.lenient import read_time
from recording.domain.incoming.requests import VerifyRequest
from recording.domain.incoming.roles import Operation
from recording.domain.spreadsheet import safe_cell
from recording.domain.state.chunk import ChunkRecord
from recording.domain.state.recording import RecordingRecord
from recording.domain.state.transitions import is_archived
from recording.domain.watched.attention import AttentionItem
from recording.errors import RequestError
from recording.errors.codes import Code
from recording.http.routes import Dependencies, as_json, caller_of, endpoint, json_body, recording_id_of
from recording.http.views import in_json
from recording.http.views.attention import AttentionItemView
from recording.http.views.library import FoundView
from recording.http.views.proofs import VerifiedView
from recording.http.views.status import QueueView
from recording.http.views.trail import TrailEntryView
from recording.library.directory import Found, find, states_of
from recording.library.follow_up import library_of
from recording.library.tags import etag_of
from recording.library.trail_pages import Trail, page_of
from recording.library.waveforms import pauses_of
from recording.operate.attention import needs_attention
from recording.operate.verify_recording import VerifiedPart, verify_part
from recording.ports import AuditEntry, Directory, Ports
from recording.ports.audit import DONE
from recording.settings import Settings

MOST_ITEMS = 500  # attention items on one page
MOST_ROWS = 10_000  # recordings counted per day
MOST_ENTRIES = 500  # rows of the audit trail on one page
LONGEST_DAY = timedelta(hours=48)
LARGEST_PART = 1 << 30  # bytes that one request verifies, unless a single file is larger
_LOOK_KEPT, _VOLUME_KEPT = timedelta(seconds=3), timedelta(seconds=30)  # shared by all who have the page open
_NOT_ARCHIVED = (FindState.RECORDING, FindState.AT_RISK, FindState.HELD, FindState.MISSING, FindState.INCOMPLETE)
_COLUMNS = (
    "startedAt",
    "recordingId",
    "callId",
    "durationMs",
    "lengthBytes",
    "chunkCount",
    "formats",
    "states",
    "tags",
)


@endpoint(Operation.SEE_NOW)
def see_now(request: func.HttpRequest, ports: Ports, settings: Settings) -> func.HttpResponse:
    """GET now: 200 with attention items, today's volume and the queues; 304 while nothing has changed."""
    now = ports.clock.now()
    since = _midnight(request.params.get("from"), now)
    content = ports.memory.known_or("now", now, _LOOK_KEPT, lambda: _standing(ports, settings))
    volume = ports.memory.known_or(("volume", since), now, _VOLUME_KEPT, lambda: _volume(since, ports))
    content = {**content, "volume": {"today": volume}}
    etag = f'"{hashlib.sha256(json.dumps(content, default=in_json).encode()).hexdigest()[:32]}"'
    if etag in request.headers.get("If-None-Match", ""):  # a proxy may have weakened it
        return func.HttpResponse(status_code=304, headers={"ETag": etag})
    return as_json({"generatedAt": now.isoformat(), **content}, 200, {"ETag": etag})


@endpoint(Operation.GET)
def see_recording(request: func.HttpRequest, ports: Ports, settings: Settings) -> func.HttpResponse:
    """GET recordings/{recordingId}: 200 with the state as on the keyed route, and what the player needs."""
    recording_id = recording_id_of(request)
    seen = control.look_at(recording_id, ports)
    record, chunks = seen.record, seen.chunks
    content = control.told_of(seen, ports, settings)
    by_key = {(chunk.task.index, chunk.task.document_id): chunk for chunk in chunks}
    content["chunks"] = [
        {**told, **_of_chunk(by_key.get((told["index"], told["documentId"])))} for told in content["chunks"]
    ]
    content |= {"facts": _facts(record, ports, settings), "gaps": _gaps(record, seen)}
    content["consents"] = as_shown(record.consent, record.consents) if record else None
    content["mediaPauses"] = [{"index": one.task.index, **pause} for one in chunks for pause in pauses_of(one)]
    content["holds"] = _holds(recording_id, ports)
    return as_json(content, 200, {"ETag": etag_of(record.current_tags if record else {})})


@endpoint(Operation.VERIFY)
def verify_now(request: func.HttpRequest, ports: Ports, settings: Settings) -> func.HttpResponse:
    """POST recordings/{recordingId}/verify: 200 with the result for a part of it, and where to continue.

    One request reads `LARGEST_PART` or one file, so that it ends before the platform ends it (docs/adr/0068); the
    audit trail has an entry for each.
    """
    recording_id = recording_id_of(request)
    check_recording_id(recording_id)
    first = VerifyRequest.read(json_body(request)).first if request.get_body() else 0
    part = verify_part(recording_id, first, LARGEST_PART, ports, settings)
    if part is None:
        raise RequestError("the catalog knows no file of this recording", code=Code.RECORDING_NOT_FOUND)
    entry = AuditEntry(ports.clock.now(), Operation.VERIFY, recording_id, caller_of(request, settings), DONE)
    ports.audit.add(replace(entry, note=_verdict(part)))
    told = VerifiedView.of(recording_id, part.found).plain()
    told |= {"proved": part.is_all and part.found.is_proved, "disposed": part.found.disposed}
    told |= {"first": part.first, "files": part.files, "next": part.end if part.end < part.files else None}
    return as_json(told, 200)


def _verdict(part: VerifiedPart) -> str:
    """Return the entry for the audit trail: for a part, only the result for its files."""
    if part.is_all:
        return "destroyed" if part.found.is_destroyed else "proved" if part.found.is_proved else "not proved"
    fine = not part.found.differences and not part.found.unread
    return f"files {part.first + 1} to {part.end} of {part.files}: {'nothing differs' if fine else 'not proved'}"


def read_audit(request: func.HttpRequest, dependencies: Dependencies) -> func.HttpResponse:
    """GET audit: 200 with a page of the trail, newest first; that of one recording is open to all readers."""
    is_all = not request.params.get("recording")
    return (_read_whole_audit if is_all else _read_audit_of_recording)(request, dependencies)


@endpoint(Operation.READ_AUDIT)
def _read_whole_audit(request: func.HttpRequest, ports: Ports, _settings: Settings) -> func.HttpResponse:
    return _page_of_trail(request, None, ports)


@endpoint(Operation.READ_AUDIT_OF_RECORDING)
def _read_audit_of_recording(request: func.HttpRequest, ports: Ports, _settings: Settings) -> func.HttpResponse:
    recording_id = canonical_id(request.params["recording"])
    check_recording_id(recording_id)
    return _page_of_trail(request, recording_id, ports)


def _page_of_trail(request: func.HttpRequest, recording_id: str | None, ports: Ports) -> func.HttpResponse:
    since, until = _time(request.params.get("from")), _time(request.params.get("to"), "to")
    rows, more = page_of(Trail(recording_id, since, until), request.params.get("next") or "", MOST_ENTRIES, ports)
    return as_json({"entries": [row.plain() for row in TrailEntryView.all_of(rows)], "next": more}, 200)


@endpoint(Operation.SEARCH)
def as_table(request: func.HttpRequest, ports: Ports, settings: Settings) -> func.HttpResponse:
    """POST recordings/csv: 200 with a page of results as CSV that no spreadsheet takes for formulas."""
    page = find(FindQuery.read(json_body(request)), ports, settings)
    text = io.StringIO()
    writer = csv.writer(text)
    writer.writerow(_COLUMNS)
    writer.writerows(_cells(FoundView.of(one).plain()) for one in page.items)
    headers = {"Content-Disposition": 'attachment; filename="recordings.csv"'}
    headers |= {
        "X-Recordings-Count": str(len(page.items)),
        **({"X-Recordings-Next": page.next} if page.next else {}),
    }
    body = text.getvalue().encode("utf-8-sig")
    return func.HttpResponse(body, status_code=200, headers=headers, mimetype="text/csv", charset="utf-8")


# --- now -------------------------------------------------------------------------------------------------------------


def _standing(ports: Ports, settings: Settings) -> dict[str, Any]:
    now = ports.clock.now()
    found = needs_attention(ports, settings)
    queues = [QueueView(name=q.name, messages=q.messages, oldest_at=q.oldest_at).plain() for q in ports.queue.depths()]
    return {
        "attention": [_due(item, now) for item in found.items[:MOST_ITEMS]],
        "attentionCount": len(found.items),
        "attentionComplete": found.complete,
        "queues": queues,
        "lastReconcileAt": found.reconciled.at.isoformat() if found.reconciled else None,
    }


def _due(item: AttentionItem, now: datetime) -> dict[str, Any]:
    """Return an item with its deadline, which, unlike the time left, does not change."""
    told = AttentionItemView.of(item).plain()
    del told["timeLeftSeconds"]
    left = item.time_left
    due = None if left is None else (now + left + timedelta(milliseconds=500)).replace(microsecond=0)
    return {**told, "dueAt": due.isoformat() if due else None}


def _midnight(text: str | None, now: datetime) -> datetime:
    since = _time(text)
    if since is None:
        return now.replace(hour=0, minute=0, second=0, microsecond=0)
    return max(since, now - LONGEST_DAY)


def _time(text: str | None, name: str = "from") -> datetime | None:
    if not text:
        return None
    try:
        return read_time(text.replace(" ", "+"))
    except ValueError:
        raise RequestError(f"{name} is not a time") from None


def _volume(since: datetime, ports: Ports) -> dict[str, Any] | None:
    """Return the volume recorded since then, from a few pages of the directory's index."""
    if ports.directory is None:
        return None
    directory, source = library_of(ports)
    keys = source.keys()
    everything, is_whole = _rows_of(directory, plan_of(FindQuery(since=since), keys).spans)
    unfinished: set[str] = set()
    for state in _NOT_ARCHIVED:
        rows, _ = _rows_of(directory, plan_of(FindQuery(since=since, state=state), keys).spans)
        unfinished |= rows.keys()
    return {
        "recordings": len(everything),
        "archived": len(everything.keys() - unfinished),
        "chunks": sum(row.chunk_count for row in everything.values()),
        "bytes": sum(row.length_bytes for row in everything.values()),
        "durationMs": sum(row.duration_ms or 0.0 for row in everything.values()),
        "isWhole": is_whole,
    }


def _rows_of(directory: Directory, spans: Sequence[Any]) -> tuple[dict[str, IndexRow], bool]:
    found: dict[str, IndexRow] = {}
    for span in spans:
        after = ""
        while len(found) < MOST_ROWS:
            page = directory.read(span, after)
            found |= {row.recording_id: row for row in page.rows}
            if page.is_end or not page.rows:
                break
            after = page.rows[-1].row_key
    return found, len(found) < MOST_ROWS


# --- a recording's page ----------------------------------------------------------------------------------------------


def _of_chunk(chunk: ChunkRecord | None) -> dict[str, Any]:
    if chunk is None:
        return {}
    facts = chunk.facts
    begins = (facts.started_at if facts else None) or (
        chunk.task.recording_start_time if chunk.task.index == 0 else None
    )
    paused = sum(pause.duration_ms or 0.0 for pause in facts.pauses) / 1000 if facts else 0.0
    return {
        "startsAt": begins.isoformat() if begins else None,
        "durationSeconds": None if chunk.duration_ms is None else chunk.duration_ms / 1000,
        "pausedSeconds": paused,
        "channels": chunk.channels or (facts.audio_channels if facts else None),
        "sizeBytes": chunk.length_bytes,
        "playable": is_archived(chunk) and chunk.disposed_at is None,
    }


def _facts(record: RecordingRecord | None, ports: Ports, settings: Settings) -> dict[str, Any] | None:
    if record is None or record.facts is None:
        return None
    states = states_of(record.facts, ports.clock.now(), settings)
    return FoundView.of(Found(record, record.facts, states)).plain()


def _gaps(record: RecordingRecord | None, seen: control.Look) -> list[dict[str, Any]]:
    """Return the missing chunks, by the chunk that they follow."""
    missing = gaps_in(seen.chunks, record.least_count if record else None, seen.unread)
    return [{"afterIndex": gap[0] - 1, "missing": list(islice(gap, 100)), "seconds": None} for gap in missing]


def _holds(recording_id: str, ports: Ports) -> list[dict[str, Any]]:
    """Return the cases that hold the recording now."""
    if ports.keeping is None:
        return []
    custody = ports.keeping.custody(recording_id)
    held = [hold for hold in (custody.holds if custody else ()) if hold.released_at is None]
    return [{"case": h.case, "reason": h.reason, "by": h.by, "since": h.since.isoformat()} for h in held]


# --- the table -------------------------------------------------------------------------------------------------------


def _cells(found: dict[str, Any]) -> list[str]:
    told = {
        **found,
        "formats": " ".join(found["formats"]),
        "states": " ".join(found["states"]),
        "tags": "; ".join(f"{name}={value}" for name, value in found["tags"].items()),
    }
    return [safe_cell(told[name]) for name in _COLUMNS]
