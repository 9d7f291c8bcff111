"""The JSON of the admin API: what can be asked for and what is shown. Its fields are the public names."""

from collections.abc import Iterator
from datetime import datetime
from typing import Literal

from pydantic import Field, model_validator

from dev.acs_simulator.exact import Exact
from dev.acs_simulator.faults.kinds import Argument, FaultKind, Operation
from dev.acs_simulator.faults.script import Fault, ScriptedFault
from dev.acs_simulator.state.journal import JournalEntry
from dev.acs_simulator.state.model import (
    Call,
    CallKind,
    CallPlatform,
    Participant,
    Recording,
    RecordingKind,
    RecordingState,
    SessionEnd,
    StoredObject,
)
from dev.acs_simulator.state.participants import ParticipantKind, new_participant, teams_phone_participants
from dev.media.spec import Channel, Content, Format


class NewParticipant(Exact):
    """Somebody in a call to be: a phone needs a number in E.164, or gets one that nobody has."""

    display_name: str
    kind: ParticipantKind | None = None
    phone_number: str | None = None


class NewCall(Exact):
    """Begins a call. It can be recorded once `establish_after_seconds` have passed.

    A participant is a name, a phone number, or both with a kind. A call of `teams_phone` has, unless others are
    named, a caller, the resource account that was called and an agent; it publishes no call events.
    """

    participants: tuple[str | NewParticipant, ...] | None = None
    platform: CallPlatform = CallPlatform.STANDALONE
    kind: CallKind = CallKind.SERVER
    recording_kind: RecordingKind = RecordingKind.ACS
    establish_after_seconds: float = Field(default=0.0, ge=0)

    def people(self, resource: str) -> tuple[Participant, ...]:
        """Return the participants with their raw ids; raises ValueError for a number that is none."""
        if self.participants is None and self.platform is CallPlatform.TEAMS_PHONE:
            return teams_phone_participants(resource)
        asked = ("Ada", "Grace") if self.participants is None else self.participants
        named = [NewParticipant(display_name=one) if isinstance(one, str) else one for one in asked]
        return tuple(new_participant(one.display_name, resource, one.kind, one.phone_number) for one in named)


class Joining(Exact):
    """People who join a call that goes on: names, numbers, or both with a kind."""

    participants: tuple[str | NewParticipant, ...] = Field(min_length=1)

    def people(self, resource: str) -> tuple[Participant, ...]:
        """Return them with their raw ids; raises ValueError for a number that is none."""
        return NewCall(participants=self.participants).people(resource)


class Leaving(Exact):
    """Somebody who leaves a call, by raw id or display name."""

    participant: str


class Crowd(Exact):
    """Begins many calls at once, as a contact centre has them: each with a caller by telephone and an agent.

    The agents are so many, each in several calls; every caller has another number that nobody has.
    """

    calls: int = Field(default=100, ge=1, le=10_000)
    agents: int = Field(default=20, ge=1)

    def people(self, resource: str) -> Iterator[tuple[Participant, ...]]:
        """Yield the people of each call."""
        agents = [new_participant(f"Agent {number}", resource) for number in range(min(self.agents, self.calls))]
        for number in range(self.calls):
            caller = new_participant(f"+1555{number:07d}", resource, ParticipantKind.PHONE)
            yield caller, agents[number % len(agents)]


class NewObjects(Exact):
    """Makes the chunks of one recording without a call, readable at once.

    Each chunk plays `duration_ms`, or as long as a WAV of at most `wav_bytes` does. `recording_id`, `first_index` and
    `document_ids` let several files share ids, as after a failover.
    """

    content: Content = "audio"
    channel: Channel = "mixed"
    format: Format = "wav"
    participants: tuple[str, ...] = ("Ada", "Grace")
    duration_ms: int = Field(default=1000, ge=1)
    wav_bytes: int | None = Field(default=None, ge=76)
    chunks: int = Field(default=1, ge=1)
    publish_event: bool = True
    recording_id: str | None = None
    first_index: int = Field(default=0, ge=0)
    document_ids: tuple[str, ...] | None = None

    @model_validator(mode="after")
    def _document_id_per_chunk(self) -> "NewObjects":
        if self.document_ids is not None and len(self.document_ids) != self.chunks:
            raise ValueError(f"{self.chunks} chunks need as many document ids")
        return self


class NewFault(Exact):
    """Scripts a fault; see the table of faults.

    `count` null means for ever, which is also the default beside `for_seconds`: so long after its first strike it ends.
    `only_expired` lets it strike only objects whose retention is over.
    """

    kind: FaultKind
    operation: Operation
    count: int | None = Field(default=1, ge=1)
    skip: int = Field(default=0, ge=0)
    for_seconds: float | None = Field(default=None, gt=0)
    only_expired: bool = False
    recording_id: str | None = None
    document_id: str | None = None
    index: int | None = None
    arguments: dict[str, Argument] = Field(default_factory=dict)

    def fault(self) -> Fault:
        """Return the fault; raises ValueError when kind, operation and arguments do not fit."""
        given = dict(self)
        if self.for_seconds is not None and "count" not in self.model_fields_set:
            given["count"] = None
        return Fault(**given)


class Advance(Exact):
    """Moves the clock forward, after at most `settle_seconds` of the wall clock for deliveries under way."""

    advance_seconds: float = Field(ge=0)
    settle_seconds: float = Field(default=5.0, ge=0)


class ClockView(Exact):
    """The simulated time."""

    now: datetime


class ParticipantView(Exact):
    """Somebody in a call."""

    display_name: str
    mri: str
    joined_at: datetime | None
    left_at: datetime | None

    @classmethod
    def of(cls, one: Participant) -> "ParticipantView":
        """Show somebody."""
        return cls(**{name: getattr(one, name) for name in cls.model_fields})


class CallView(Exact):
    """A call with every id it can be located by."""

    call_id: str
    server_call_id: str
    call_connection_id: str
    group_call_id: str | None
    room_id: str | None
    kind: CallKind
    platform: CallPlatform
    participants: tuple[ParticipantView, ...]
    established_at: datetime
    ended_at: datetime | None

    @classmethod
    def of(cls, call: Call) -> "CallView":
        """Show a call."""
        names = cls.model_fields.keys() - {"participants"}
        people = tuple(map(ParticipantView.of, call.participants))
        return cls(participants=people, **{name: getattr(call, name) for name in names})


class RecordingView(Exact):
    """A recording, ended or not; `state` is null once it has ended."""

    recording_id: str
    call_id: str
    server_call_id: str
    content: Content
    channel: Channel
    format: Format
    state: RecordingState | None
    started_at: datetime
    ended_at: datetime | None
    end_reason: SessionEnd | None
    files_ready_at: datetime | None

    @classmethod
    def of(cls, recording: Recording, now: datetime) -> "RecordingView":
        """Show a recording as it is at this time."""
        return cls(
            recording_id=recording.recording_id,
            call_id=recording.call.call_id,
            server_call_id=recording.call.server_call_id,
            content=recording.asked.content,
            channel=recording.asked.channel,
            format=recording.asked.format,
            state=recording.state_at(now) if recording.ended_at is None else None,
            started_at=recording.started_at,
            ended_at=recording.ended_at,
            end_reason=recording.end_reason,
            files_ready_at=recording.files_ready_at,
        )


class ObjectView(Exact):
    """A stored chunk; the record stays when the object is deleted, so that copies can be compared with it."""

    document_id: str
    recording_id: str
    index: int
    content: Content
    channel: Channel
    format: Format
    channels: int
    duration_ms: int
    length_bytes: int
    sha256: str
    metadata: str
    readable_at: datetime
    expires_at: datetime
    deleted_at: datetime | None
    delete_count: int
    is_readable: bool
    has_metadata: bool

    @classmethod
    def of(cls, stored: StoredObject, now: datetime) -> "ObjectView":
        """Show an object as it is at this time."""
        same = {"document_id", "recording_id", "index", "length_bytes", "sha256"}
        same |= {"readable_at", "expires_at", "deleted_at", "delete_count"}
        of_spec = {"content", "channel", "format", "channels", "duration_ms"}
        return cls(
            metadata=stored.metadata.decode(),
            is_readable=stored.has_media(now),
            has_metadata=stored.has_metadata(now),
            **{name: getattr(stored, name) for name in same},
            **{name: getattr(stored.spec, name) for name in of_spec},
        )


class FaultView(NewFault):
    """A scripted fault, how often it may still strike (null: always) and how often it did."""

    fault_id: int
    left: int | None
    struck: int

    @classmethod
    def of(cls, scripted: ScriptedFault) -> "FaultView":
        """Show a fault with what is left of it."""
        given = {name: getattr(scripted.fault, name) for name in NewFault.model_fields}
        given["arguments"] = dict(scripted.fault.arguments)
        return cls(fault_id=scripted.fault_id, left=scripted.left, struck=scripted.struck, **given)


class JournalView(Exact):
    """A request that was seen, or a refused contact with a foreign host (`isForeign`)."""

    at: datetime
    host: str
    method: str
    path: str
    operation: str | None
    recording_id: str | None
    document_id: str | None
    index: int | None
    status: int | None
    credential: str | None
    range: str | None
    bytes_sent: int
    fault: str | None
    is_foreign: bool

    @classmethod
    def of(cls, entry: JournalEntry) -> "JournalView":
        """Show an entry as it is by now."""
        return cls(**vars(entry))


class Health(Exact):
    """Whether all is well; `failures` are of the simulator itself, never scripted ones."""

    status: Literal["ok", "failing"]
    endpoint: str
    proxy_url: str
    resource_id: str
    failures: tuple[str, ...] = ()
