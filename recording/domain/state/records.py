"""Change records safely: a misspelt name or a value of the wrong type is refused before it is stored."""

from datetime import datetime
from typing import Any, TypedDict, TypeVar, Unpack, overload

from recording.domain.calls.consent import ConsentEntry
from recording.domain.calls.pauses import CommandedPause
from recording.domain.formats import FormatType
from recording.domain.incoming.facts import ChunkFacts, Placement, RecordingFacts, Remembered
from recording.domain.model import with_changes
from recording.domain.state.chunk import (
    Acceptance,
    ChunkRecord,
    ChunkTask,
    Dismissal,
    FallbackCopy,
    MetadataOutcome,
    Silenced,
    SourceOutcome,
    Suspect,
)
from recording.domain.state.recording import LastAction, RecordingRecord, StartReservation, Unrecorded
from recording.errors import RecordingError
from recording.errors.codes import Code

T = TypeVar("T")


class ChunkChanges(TypedDict, total=False):
    """The changeable fields of a chunk's record, except its state, which `moved` advances.

    A test compares them with the record's own fields.
    """

    task: ChunkTask
    first_seen_at: datetime
    changed_at: datetime
    claim_owner: str | None
    claim_expires_at: datetime | None
    attempts: int
    sent_again: bool
    redrives: int
    last_error: str | None
    next_attempt_at: datetime | None
    at_risk_since: datetime | None
    blob_name: str | None
    format: FormatType | None
    length_bytes: int | None
    sha256: str | None
    sha512: str | None
    duration_ms: float | None
    container: str | None
    channels: int | None
    sample_rate: int | None
    has_video: bool | None
    media_fault: str | None
    media_warning: str | None
    broken_sha256: str | None
    broken_since: datetime | None
    broken_tries: int
    suspects: tuple[Suspect, ...]
    accepted: Acceptance | None
    taken_from: str | None
    name_version: int
    remarks: tuple[str, ...]
    gone_since: datetime | None
    past_deadline_since: datetime | None
    copy_epoch: int
    verified_how: tuple[str, ...]
    stored_etag: str | None
    metadata_sha256: str | None
    facts: ChunkFacts | None
    copied_at: datetime | None
    verified_at: datetime | None
    cataloged_at: datetime | None
    source_deleted_at: datetime | None
    metadata: MetadataOutcome
    metadata_reason: str | None
    source: SourceOutcome | None
    source_reason: str | None
    quarantine_reason: str | None
    archive_refused_since: datetime | None
    fallback: FallbackCopy | None
    read_whole_at: datetime | None
    offline_seen_at: datetime | None
    dismissed: Dismissal | None
    silenced: tuple[Silenced, ...]
    disposed_at: datetime | None
    disposed_why: str | None
    etag: str | None
    saved_at: datetime | None


class RecordingChanges(TypedDict, total=False):
    """The changeable fields of a recording's record."""

    acs_id: str | None
    folder: str | None
    call_id: str | None
    server_call_id: str | None
    started_here: bool
    started_at: datetime | None
    started_by: str | None
    is_vouched: bool | None
    request: dict[str, object]
    tenant: str | None
    consent: dict[str, object] | None
    last_action: LastAction | None
    last_action_at: datetime | None
    first_event_at: datetime | None
    session_end_reason: str | None
    was_resumed: bool
    pauses: tuple[CommandedPause, ...]
    more_pauses: int
    consents: tuple[ConsentEntry, ...]
    more_consents: int
    call_alarm: str | None
    call_alarm_since: datetime | None
    call_dismissed: Dismissal | None
    watched_seconds: int | None
    stopped_alarm_at: datetime | None
    unrecorded: tuple[Unrecorded, ...]
    chunk_count: int | None
    announced_count: int | None
    asked_at: datetime | None
    unanswered_since: datetime | None
    ended_seen_at: datetime | None
    missing_since: datetime | None
    incomplete_since: datetime | None
    settled_at: datetime | None
    look_at: datetime | None
    stands: str | None
    dismissed: Dismissal | None
    tags: dict[str, str] | None
    disposed_at: datetime | None
    certificate: str | None
    remembered: Remembered | None
    facts: RecordingFacts | None
    placement: Placement | None
    etag: str | None


class ReservationChanges(TypedDict, total=False):
    """The changeable fields of a reservation."""

    recording_id: str | None
    acs_state: str | None
    etag: str | None


@overload
def changed(record: ChunkRecord, **changes: Unpack[ChunkChanges]) -> ChunkRecord: ...
@overload
def changed(record: RecordingRecord, **changes: Unpack[RecordingChanges]) -> RecordingRecord: ...
@overload
def changed(record: StartReservation, **changes: Unpack[ReservationChanges]) -> StartReservation: ...
def changed(record: Any, **changes: Any) -> Any:
    """Return the record with these changes.

    Raises:
        TypeError: a name that the record does not have, or a value of the wrong type.
    """
    return with_changes(record, changes)


def required(value: T | None, what: str) -> T:
    """Return a field that the chunk's state requires.

    Raises:
        RecordingError: `incomplete_record`, the stored row lacks it.
    """
    if value is None:
        raise RecordingError(f"the chunk's record has no {what}", code=Code.INCOMPLETE_RECORD)
    return value


def stored_name(record: ChunkRecord) -> str:
    """Return the name of a copied chunk's media in the archive.

    Raises:
        RecordingError: `incomplete_record`, the stored row lacks it.
    """
    return required(record.blob_name, "blob_name")
