"""The simulator's nouns: calls, recordings and stored objects, and the refusals ACS answers with."""

from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from pathlib import Path

from dev.media import MediaSpec
from dev.media.spec import Channel, Content, Format


class CallKind(StrEnum):
    """How a call came to be, which decides the locators it has."""

    SERVER = "server"
    GROUP = "group"
    ROOM = "room"


class CallPlatform(StrEnum):
    """What a call runs on: ACS by itself, or Teams Phone Extensibility, whose calls have no call events."""

    STANDALONE = "standalone"
    TEAMS_PHONE = "teams_phone"


class RecordingKind(StrEnum):
    """The platform that records."""

    ACS = "azureCommunicationServices"
    TEAMS = "teams"
    TEAMS_COMPLIANCE = "teamsCompliance"


class RecordingState(StrEnum):
    """What ACS says of a recording that has not ended: `inactive` is just started, or paused."""

    ACTIVE = "active"
    INACTIVE = "inactive"


class SessionEnd(StrEnum):
    """`sessionEndReason` of the event. That a stop is told as `InitiatorLeft` is an assumption."""

    CALL_ENDED = "CallEnded"
    STOPPED = "InitiatorLeft"


class Refusal(Exception):  # noqa: N818  it is the service's answer, not an error of the simulator
    """An answer in ACS's error shape: HTTP status, numeric code as text, message."""

    def __init__(self, status: int, code: str, message: str) -> None:
        super().__init__(f"{status} {code}: {message}")
        self.status = status
        self.code = code
        self.message = message


@dataclass(frozen=True)
class Participant:
    """Somebody in a call; `mri` is the raw id that metadata documents carry.

    Without `joined_at` they are there from its beginning, without `left_at` to its end. Who comes back is there twice.
    """

    display_name: str
    mri: str
    joined_at: datetime | None = None
    left_at: datetime | None = None

    def is_there(self, since: datetime, until: datetime) -> bool:
        """Return whether they were in the call at any moment of this time."""
        return (self.joined_at is None or self.joined_at < until) and (self.left_at is None or self.left_at > since)


@dataclass
class Call:
    """A call with the ids it can be located by."""

    call_id: str
    server_call_id: str
    call_connection_id: str
    kind: CallKind
    participants: tuple[Participant, ...]
    established_at: datetime
    group_call_id: str | None = None
    room_id: str | None = None
    recording_kind: RecordingKind = RecordingKind.ACS
    platform: CallPlatform = CallPlatform.STANDALONE
    ended_at: datetime | None = None


@dataclass(frozen=True)
class RecordingFormat:
    """What a recording was asked to be: REST names, as `MediaSpec` takes them."""

    content: Content = "audioVideo"
    channel: Channel = "mixed"
    format: Format = "mp4"


@dataclass(frozen=True)
class Transition:
    """From `at` on the recording is in `state`."""

    at: datetime
    state: RecordingState


@dataclass
class Recording:
    """One recording session of one call. `transitions` are in order of time; some may lie ahead."""

    recording_id: str
    call: Call
    asked: RecordingFormat
    started_at: datetime
    transitions: list[Transition] = field(default_factory=list)
    callback_uri: str | None = None
    container_url: str | None = None
    ended_at: datetime | None = None
    end_reason: SessionEnd | None = None
    files_ready_at: datetime | None = None

    def state_at(self, now: datetime) -> RecordingState:
        """Return what a GET answers at this time."""
        return next((t.state for t in reversed(self.transitions) if t.at <= now), RecordingState.INACTIVE)

    @property
    def wanted_state(self) -> RecordingState:
        """Return the state it is in or on its way to."""
        return self.transitions[-1].state if self.transitions else RecordingState.INACTIVE


@dataclass
class StoredObject:
    """A chunk on the storage plane: media and metadata under one document id. Its record outlives its deletion."""

    document_id: str
    recording_id: str
    index: int
    spec: MediaSpec
    path: Path
    metadata: bytes
    length_bytes: int
    sha256: str
    readable_at: datetime
    expires_at: datetime
    deleted_at: datetime | None = None
    delete_count: int = 0
    metadata_deleted: bool = False

    def has_media(self, now: datetime) -> bool:
        """Return whether the media can be read at this time."""
        return self.deleted_at is None and self.readable_at <= now < self.expires_at

    def has_metadata(self, now: datetime) -> bool:
        """Return whether the metadata document can be read at this time."""
        return self.has_media(now) and not self.metadata_deleted
