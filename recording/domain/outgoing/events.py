"""Outgoing events: their types, ids and data. They hold ids, states and times, and nothing personal.

An id is derived from what happened, never random or from the time of sending: the same fact has the same id in every
delivery, on every instance, after every crash.
"""

import hashlib
from datetime import datetime
from enum import StrEnum
from typing import Any

from pydantic import BaseModel, ConfigDict, Field, ValidationError
from pydantic.alias_generators import to_camel

from recording.domain.ids import name_of
from recording.domain.model import with_changes
from recording.domain.times import UtcTime, as_utc

VERSION = 1  # of stored events; a newer one is left to a newer version of the app
PREFIX = "recording_archive."


class EventType(StrEnum):
    """What an event reports. Its name on the wire is `recording_archive.<word>.v1`."""

    UNRECORDED = "unrecorded"  # a call that must be recorded is not, or was not for too long
    PAUSED_TOO_LONG = "paused_too_long"  # a pause lasted as long as its policy lets it, or could not be ended
    ENDS_SOON = "ends_soon"  # the longest duration is near, then the recording is stopped
    ARCHIVED = "archived"  # a chunk is verified and cataloged
    AT_RISK = "at_risk"  # little time is left before ACS forgets a chunk
    QUARANTINED = "quarantined"  # a chunk is held for an operator
    EXPIRED = "expired"  # ACS has forgotten a chunk that was not archived
    MISSING = "missing"  # a recording is over, and no file of it was announced
    INCOMPLETE = "incomplete"  # some files of a recording were announced, others not
    HELD = "held"  # a case holds a recording
    RELEASED = "released"  # a case no longer holds a recording
    EXPORTED = "exported"  # a bundle is ready
    ERASED = "erased"  # what was archived of a recording is destroyed, and a certificate says why
    SEALED = "sealed"  # a checkpoint is signed

    @property
    def wire_name(self) -> str:
        """Return the type as it is sent."""
        return f"{PREFIX}{self.value}.v1"


def type_named(text: str) -> EventType | None:
    """Return the type of a name, as it is sent or as the bare word; None when there is no such type."""
    word = text.strip().removeprefix(PREFIX).removesuffix(".v1").replace("-", "_")
    return EventType(word) if word in set(EventType) else None


class SubjectKind(StrEnum):
    """What events are about."""

    RECORDING = "recordings"
    EXPORT = "exports"
    SEAL = "seal"
    CALL = "calls"  # a start that was refused: there is no recording


class Subject(BaseModel):
    """One thing that events are about; those about the same thing are sent in order."""

    model_config = ConfigDict(frozen=True)

    kind: SubjectKind
    id: str = Field(min_length=1, max_length=512)

    @property
    def name(self) -> str:
        """Return a name for table keys."""
        return f"{self.kind.value}-{name_of(self.id)}"


class Data(BaseModel):
    """The data of an event; each type has a form of its own, and unknown fields are refused."""

    model_config = ConfigDict(frozen=True, extra="forbid", alias_generator=to_camel, populate_by_name=True)


class ChunkData(Data):
    """About one chunk."""

    recording_id: str
    index: int
    document_id: str
    state: str


class ArchivedData(ChunkData):
    """A chunk that is archived: what receivers need to fetch and to compare it."""

    format: str | None = None
    length_bytes: int | None = None
    sha256: str | None = None


class TroubledData(ChunkData):
    """A chunk in trouble; `code` is listed in docs/errors.md, and `expiresAt` is when ACS forgets the file."""

    code: str | None = None
    expires_at: UtcTime | None = None


class RecordingData(Data):
    """About a recording whose files are missing; `chunks` is how many of them were announced."""

    recording_id: str
    chunks: int


class CallData(Data):
    """About a call that is under way. Without a recording when its start was refused."""

    recording_id: str | None = None
    reason: str
    code: str | None = None


class EndsSoonData(Data):
    """About a recording that will be stopped."""

    recording_id: str
    seconds_left: int


class HoldData(Data):
    """About a hold. The case is not sent, since its name may identify a person; `holds` counts those in force."""

    recording_id: str
    holds: int


class ExportData(Data):
    """About a bundle that is ready."""

    export_id: str
    recordings: int
    length_bytes: int
    sha256: str | None = None
    expires_at: UtcTime | None = None


class ErasedData(Data):
    """About a recording that is destroyed."""

    recording_id: str
    certificate: str | None = None


class SealedData(Data):
    """About a checkpoint: its number, and how many leaves the log has."""

    checkpoint: int
    leaves: int


DATA: dict[EventType, type[Data]] = {
    EventType.UNRECORDED: CallData,
    EventType.PAUSED_TOO_LONG: CallData,
    EventType.ENDS_SOON: EndsSoonData,
    EventType.ARCHIVED: ArchivedData,
    EventType.AT_RISK: TroubledData,
    EventType.QUARANTINED: TroubledData,
    EventType.EXPIRED: TroubledData,
    EventType.MISSING: RecordingData,
    EventType.INCOMPLETE: RecordingData,
    EventType.HELD: HoldData,
    EventType.RELEASED: HoldData,
    EventType.EXPORTED: ExportData,
    EventType.ERASED: ErasedData,
    EventType.SEALED: SealedData,
}


class OutgoingEvent(BaseModel):
    """One event, as it waits in the outbox.

    Attributes:
        at: when it happened, not when it is sent.
        tenant: whose recording it is; None if no tenant's. It decides where the event goes, and is not sent.
    """

    model_config = ConfigDict(frozen=True, extra="allow")

    version: int = VERSION
    id: str
    type: EventType
    subject: Subject
    at: UtcTime
    data: dict[str, Any]
    tenant: str | None = None

    @property
    def sequence(self) -> str:
        """Return a text that sorts the events of a subject: by when they happened, then by their types."""
        return f"{stamp(self.at)}-{list(EventType).index(self.type):02d}"

    def of_tenant(self, tenant: str | None) -> "OutgoingEvent":
        """Return the event as one of this tenant's; its id stays."""
        return self if tenant == self.tenant else with_changes(self, {"tenant": tenant})


def event_of(kind: EventType, subject: Subject, at: datetime, data: Data, *marks: object) -> OutgoingEvent:
    """Return an event whose id is derived from its type, its subject and these marks of what happened.

    Raises:
        TypeError: the data is of another type's form.
    """
    if type(data) is not DATA[kind]:
        raise TypeError(f"an event {kind.value} needs a {DATA[kind].__name__}")
    said = data.model_dump(mode="json", by_alias=True, exclude_none=True)
    return OutgoingEvent(id=event_id(kind, subject, *marks), type=kind, subject=subject, at=at, data=said)


def event_id(kind: EventType, subject: Subject, *marks: object) -> str:
    """Return the id of an event: the same facts give the same id, other facts another one."""
    parts = [kind.value, subject.kind.value, subject.id, *(mark_text(mark) for mark in marks)]
    text = "".join(f"{len(part)}:{part}" for part in parts)
    return hashlib.sha256(text.encode()).hexdigest()[:32]


def stamp(at: datetime) -> str:
    """Return a time as a text of fixed width that sorts as times do."""
    return as_utc(at).isoformat(timespec="milliseconds")[:23].replace("-", "").replace(":", "").replace(".", "")


def read_stored(text: str) -> OutgoingEvent | None:
    """Return a stored event; None when it cannot be read, or a newer version must read it."""
    try:
        event = OutgoingEvent.model_validate_json(text)
        DATA[event.type].model_validate(event.data)
    except (ValidationError, ValueError, RecursionError):
        return None
    return event if event.version <= VERSION else None


def mark_text(mark: object) -> str:
    """Return a mark as a text: times as stamps, all else as it prints."""
    return stamp(mark) if isinstance(mark, datetime) else str(mark)
