"""Tags: what people call a recording; given at its start, changed later under an ETag, and searchable."""

import hashlib
import json
from collections.abc import Mapping
from typing import Any

from pydantic import Field

from recording.control.watching import follow_tags
from recording.domain.ids import composed
from recording.domain.incoming.requests import MOST_TAGS, Exact, TagName, TagValue
from recording.domain.incoming.tenants import owner_after_tagging
from recording.domain.state.recording import RecordingRecord
from recording.domain.state.records import changed
from recording.errors import RequestError
from recording.errors.codes import Code
from recording.ports import Ports
from recording.ports.changing import change_recording
from recording.ports.library.follow_ups import request_follow_up
from recording.settings import Settings


class TagRequest(Exact):
    """The body of `PATCH recordings/{recordingId}`: tags to set, and with null those to remove (RFC 7396)."""

    tags: dict[TagName, TagValue | None] = Field(max_length=2 * MOST_TAGS)


def change_tags(
    recording_id: str, body: Any, if_match: str | None, ports: Ports, settings: Settings | None = None
) -> dict[str, Any]:
    """Set and remove tags of a recording, also of one that was started elsewhere.

    One that runs, and must be recorded by its new tags, is watched from now on.

    Args:
        recording_id: as the catalog knows it.
        body: a `TagRequest`.
        if_match: the ETag of the tags as the caller has seen them, or `*`.
        ports: the catalog, the queues of follow-ups and guards, and what an alarm needs.
        settings: a tag may say to which tenant nobody's recording goes, and which policy covers it; None: there are
            neither tenants nor policies.

    Raises:
        RequestError: `etag_missing` (428), `etag_mismatch` (412), `recording_not_found` (404), `too_many_tags`,
            `tenant_fixed`, or the body is not legal.
        StorageError: the catalog or the queue of guards does not answer.
    """
    request = TagRequest.read(body)
    if not if_match:
        raise RequestError("send If-Match with the ETag of the recording", code=Code.ETAG_MISSING)

    def tagged(record: RecordingRecord | None) -> RecordingRecord:
        if record is None:
            message = "the catalog does not know this recording"
            raise RequestError(message, code=Code.RECORDING_NOT_FOUND)
        _check_match(if_match, record.current_tags)
        tags = _merged(record.current_tags, request.tags)
        owner = owner_after_tagging(settings.tenants if settings else None, record.tenant, tags)
        if tags == record.current_tags and owner == record.tenant:
            return record
        after = _tagged(record, tags, owner)
        if settings is not None:
            after = follow_tags(record, after, ports, settings)
        return after

    tags = change_recording(recording_id, tagged, ports.catalog).current_tags
    request_follow_up(recording_id, ports)
    return {"recordingId": recording_id, "tags": tags, "etag": etag_of(tags)}


def etag_of(tags: Mapping[str, str]) -> str:
    """Return the ETag of these tags; it changes with them and with nothing else of the recording."""
    content = json.dumps(dict(tags), sort_keys=True).encode()
    return f'"{hashlib.sha256(content).hexdigest()[:32]}"'


def _tagged(record: RecordingRecord, tags: dict[str, str], owner: str | None) -> RecordingRecord:
    """Return the record with these tags, open again, so that reconcile sees the directory follow."""
    return changed(record, tags=tags, tenant=owner, settled_at=None, look_at=None)


def _check_match(if_match: str, tags: Mapping[str, str]) -> None:
    asked = [part.strip().removeprefix("W/") for part in if_match.split(",")]
    if "*" not in asked and etag_of(tags) not in asked:
        message = "the tags have changed since; read the recording again"
        raise RequestError(message, code=Code.ETAG_MISMATCH)


def _merged(known: Mapping[str, str], changes: Mapping[str, str | None]) -> dict[str, str]:
    merged = {name: value for name, value in known.items() if composed(name) not in changes}
    merged |= {name: value for name, value in changes.items() if value is not None}
    if len(merged) > MOST_TAGS:
        raise RequestError(f"a recording has at most {MOST_TAGS} tags", code=Code.TOO_MANY_TAGS)
    return merged
