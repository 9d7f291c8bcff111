"""The fields that version 0.1.0 reads: it refuses a row or a message with any other field.

Rows store later fields separately, where 0.1.0 does not look; messages carry them only when they are set. So both
versions work side by side, and a rollback finds nothing unreadable.
"""

import json
from collections.abc import Mapping
from functools import cache
from typing import Any

from pydantic import BaseModel

from recording.domain.foreign_json import read_json

Document = dict[str, Any]


def _names(text: str) -> frozenset[str]:
    return frozenset(text.split())


TASK_FIELDS = _names(
    "version recording_id call_id server_call_id document_id index content_location metadata_location "
    "delete_location home content channel format end_reason session_end_reason chunks_in_event "
    "recording_start_time recording_duration_ms event_id event_time expires_at folder attempt"
)
FALLBACK_FIELDS = _names("blob_name length_bytes sha256 kept_at")
CHUNK_FIELDS = _names(
    "task state first_seen_at changed_at claim_owner claim_expires_at attempts redrives last_error "
    "next_attempt_at at_risk_since blob_name format length_bytes sha256 duration_ms media_fault "
    "media_warning broken_sha256 copy_epoch verified_how copied_at verified_at cataloged_at "
    "source_deleted_at metadata metadata_reason source source_reason quarantine_reason "
    "archive_refused_since fallback"
)
RECORDING_FIELDS = _names(
    "recording_id folder call_id server_call_id started_here started_at started_by request consent "
    "last_action last_action_at first_event_at was_resumed chunk_count asked_at unanswered_since "
    "ended_seen_at missing_since incomplete_since settled_at"
)
RESERVATION_FIELDS = _names("key fingerprint repeatability_id first_sent recording_id acs_state")

_FIRST = {
    "ChunkTask": TASK_FIELDS,
    "ChunkRecord": CHUNK_FIELDS,
    "RecordingRecord": RECORDING_FIELDS,
    "StartReservation": RESERVATION_FIELDS,
}
_NOTHING = object()
_MOST_VERSIONS_AHEAD = 1000  # of a message that waits for a worker that can read it; others wait in the quarantine
_NESTED = {"ChunkRecord": {"task": TASK_FIELDS, "fallback": FALLBACK_FIELDS}}
# Words that 0.1.0 does not know, each with the one that it reads instead: here, too, it leaves the source alone.
_WORDS: Mapping[str, Mapping[str, Mapping[str, str]]] = {"ChunkRecord": {"metadata": {"not_asked": "never_came"}}}


def message_of(task: BaseModel) -> str:
    """Return the queue message of a task, with later fields only where they are set."""
    document = task.model_dump(mode="json")
    defaults = {name: field.default for name, field in type(task).model_fields.items()}
    said = {
        name: value for name, value in document.items() if name in TASK_FIELDS or value != defaults.get(name, _NOTHING)
    }
    return json.dumps(said, ensure_ascii=False, separators=(",", ":"))


def is_newer(told: int, version: int) -> bool:
    """Return whether a message's schema number is that of a later version; a giant number is not a version."""
    return version < told <= version + _MOST_VERSIONS_AHEAD


def is_newer_message(text: str, version: int) -> bool:
    """Return whether a queue message is from a newer version of this app, to which it may mean something else."""
    try:
        found = read_json(text)
    except ValueError:
        return False
    told = found.get("version") if isinstance(found, dict) else None
    return isinstance(told, int) and is_newer(told, version)


def divided(record: BaseModel) -> tuple[str, str]:
    """Return a record's JSON in two parts: what 0.1.0 reads, and all later fields ("" when there are none)."""
    kind, document = type(record).__name__, record.model_dump(mode="json")
    first, later = _split(document, _FIRST[kind])
    for name, fields in _NESTED.get(kind, {}).items():
        if isinstance(document.get(name), dict):
            first[name], more = _split(document[name], fields)
            later |= {name: more} if more else {}
    for name, words in _WORDS.get(kind, {}).items():
        if document[name] in words:
            first[name], later[name] = words[document[name]], document[name]
    return _written(first), _written(later) if later else ""


def joined(first: str, later: str) -> Document:
    """Return the document from both parts; one that 0.1.0 wrote has no later fields.

    Raises:
        ValueError: when a part is not a JSON object.
    """
    document, more = _object(first), _object(later) if later else {}
    for name, value in more.items():
        nested = document.get(name)
        document[name] = {**nested, **value} if isinstance(nested, dict) and isinstance(value, dict) else value
    return document


@cache
def _defaulted(model: type[BaseModel]) -> frozenset[str]:
    """Return the fields that are not null by default, but decide nothing about a record."""
    fields = model.model_fields.items()
    optional = ((name, field) for name, field in fields if not field.is_required())
    has_value = (name for name, field in optional if field.get_default(call_default_factory=True) is not None)
    return frozenset(has_value) - {"state"}


def without_nulls(model: type[BaseModel], document: Document) -> Document:
    """Return a document without nulls in fields that forbid them: some writers use null for absent values."""
    defaulted = _defaulted(model)
    return {name: value for name, value in document.items() if value is not None or name not in defaulted}


def _split(document: Mapping[str, Any], fields: frozenset[str]) -> tuple[Document, Document]:
    first = {name: value for name, value in document.items() if name in fields}
    return first, {name: value for name, value in document.items() if name not in fields}


def _written(document: Document) -> str:
    return json.dumps(document, ensure_ascii=False, separators=(",", ":"))


def _object(text: str) -> Document:
    document = json.loads(text)
    if not isinstance(document, dict):
        raise ValueError("not a JSON object")  # noqa: TRY004 - unreadable content, as damaged JSON is
    return document
