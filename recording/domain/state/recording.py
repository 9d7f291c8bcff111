"""A recording: its start request if it was started here, else what its files reveal."""

from enum import StrEnum

from pydantic import BaseModel, ConfigDict, Field, field_validator

from recording.domain.calls.consent import ConsentEntry, ConsentState, consent_state
from recording.domain.calls.pauses import CommandedPause
from recording.domain.incoming.facts import Placement, RecordingFacts, Remembered
from recording.domain.state.chunk import Dismissal
from recording.domain.times import UtcTime

WAITS_FOR_CONSENT = "waitsForConsent"  # in the noted start request, beside pauseOnStart


class LastAction(StrEnum):
    """The last control operation that ACS accepted from us."""

    STARTED = "started"
    STARTED_PAUSED = "started_paused"
    PAUSED = "paused"
    RESUMED = "resumed"
    STOPPED = "stopped"


class KnownState(StrEnum):
    """A recording's state as this app reports it: ACS's answer merged with the catalog."""

    STARTING = "starting"
    RECORDING = "recording"
    PAUSED = "paused"
    ENDED = "ended"
    UNKNOWN = "unknown"


MOST_PAUSES = 300  # that a recording's row keeps, and MOST_CONSENTS likewise: the audit trail has all of them
MOST_CONSENTS = 100


class Unrecorded(BaseModel):
    """An alarm about a call that must be recorded and is not, as it was raised; its event follows from it."""

    model_config = ConfigDict(frozen=True, extra="allow")

    reason: str
    at: UtcTime
    marks: tuple[str, ...] = ()  # which pause, or which step of consent


MOST_FILES = 1_000_000  # of a recording; a larger count was not written by this app


class RecordingRecord(BaseModel):
    """The catalog's row about a recording; saved under its ETag."""

    model_config = ConfigDict(frozen=True, extra="allow")

    version: int = 1
    recording_id: str
    acs_id: str | None = None  # as ACS spells the id, where that is another spelling
    folder: str | None = None  # where its files are stored in the archive; None until the first event
    call_id: str | None = None
    server_call_id: str | None = None
    started_here: bool = False
    started_at: UtcTime | None = None
    started_by: str | None = None
    is_vouched: bool | None = None  # whether the platform authenticated the caller; None: written by an older version
    request: dict[str, object] = Field(default_factory=dict)  # the start request as accepted: locator, options, tags
    tenant: str | None = None  # its tenant, set once; None: none, or there are no tenants
    consent: dict[str, object] | None = None
    last_action: LastAction | None = None
    last_action_at: UtcTime | None = None
    first_event_at: UtcTime | None = None
    session_end_reason: str | None = None  # ACS's reason for its end, from the first event that has one
    was_resumed: bool = False
    pauses: tuple[CommandedPause, ...] = ()  # asked for here, in order
    more_pauses: int = 0  # earlier ones, which the row has no room for
    consents: tuple[ConsentEntry, ...] = ()  # the steps reported after the start, in order
    more_consents: int = 0  # earlier ones, likewise
    call_alarm: str | None = None  # the code of the alarm about the call itself, until it is over
    call_alarm_since: UtcTime | None = None
    call_dismissed: Dismissal | None = None  # nothing more is to be done about that alarm
    watched_seconds: int | None = None  # the progress of the watch over a call that must be recorded
    stopped_alarm_at: UtcTime | None = None  # when it was reported that what must be recorded was stopped
    unrecorded: tuple[Unrecorded, ...] = ()  # the alarms about it, where events go out
    chunk_count: int | None = None  # how many files ACS's own log counts, where that log is read
    announced_count: int | None = None  # the least number of files announced by events, where one of them is held
    asked_at: UtcTime | None = None  # when ACS was last asked whether it still records
    unanswered_since: UtcTime | None = None  # since when ACS has not answered that question
    ended_seen_at: UtcTime | None = None  # when ACS was first found not to know this recording any more
    missing_since: UtcTime | None = None  # the alarm: it is over, and no file arrived in time
    incomplete_since: UtcTime | None = None  # the alarm: some files arrived, others did not
    settled_at: UtcTime | None = None  # nothing more is expected of it
    look_at: UtcTime | None = None  # when reconcile checks it next; None: in its next run
    stands: str | None = None  # its alarm at reconcile's last check: "missing", "incomplete" or "unreadable"
    dismissed: Dismissal | None = None  # nothing more is to be done about the alarm at that time
    tags: dict[str, str] | None = None  # as changed later; None: those of the start request
    disposed_at: UtcTime | None = None  # when its archived files were destroyed
    certificate: str | None = None  # states what was destroyed, when and why
    remembered: Remembered | None = None  # facts about the destroyed files that rules need
    facts: RecordingFacts | None = None  # derived by `follow_up`
    placement: Placement | None = None  # where the directory's rows about it are
    etag: str | None = Field(None, exclude=True)

    @field_validator("chunk_count", "announced_count", mode="before")
    @classmethod
    def _count_within_reason(cls, value: object) -> object:
        """Treat a count that no recording has as absent: another hand wrote it."""
        return None if isinstance(value, int) and not 0 <= value <= MOST_FILES else value

    @property
    def current_tags(self) -> dict[str, str]:
        """Return its tags: as last changed, or as given at the start."""
        given = self.request.get("tags")
        started_with = {str(key): str(value) for key, value in given.items()} if isinstance(given, dict) else {}
        return started_with if self.tags is None else self.tags

    @property
    def known_caller(self) -> str | None:
        """Return the caller that selects policies; a name that a key holder chose does not count."""
        return None if self.is_vouched is False else self.started_by

    @property
    def open_call_alarm(self) -> str | None:
        """Return the code of the alarm about the call itself; None when it was dismissed since it began."""
        since, dismissed = self.call_alarm_since, self.call_dismissed
        is_over = since is not None and dismissed is not None and dismissed.at >= since
        return None if is_over else self.call_alarm

    @property
    def least_count(self) -> int | None:
        """Return the least number of files, by ACS's own log or by announced events."""
        return max((count for count in (self.chunk_count, self.announced_count) if count is not None), default=None)

    @property
    def is_withdrawn(self) -> bool:
        """Return whether consent to it is withdrawn."""
        return consent_state(self.consent, self.consents) is ConsentState.WITHDRAWN

    @property
    def waits_for_consent(self) -> bool:
        """Return whether it has been paused since its start for lack of consent, whatever later policies say."""
        return bool(self.request.get(WAITS_FOR_CONSENT)) and not self.was_resumed

    @property
    def was_never_heard(self) -> bool:
        """Return whether it was started paused and never resumed here, so that it has no content."""
        return bool(self.request.get("pauseOnStart")) and not self.was_resumed


def merged_state(acs_state: str | None, record: RecordingRecord | None) -> KnownState:
    """Return the state of a recording, from ACS's answer and the catalog.

    ACS says `inactive` both for a recording that has just started and for a paused one, and forgets a recording that
    has ended (404, here None).

    Args:
        acs_state: "active", "inactive", another word of a future version, or None when ACS knows no such recording.
        record: what the catalog knows, if anything.
    """
    if acs_state is None:
        return KnownState.ENDED if record else KnownState.UNKNOWN
    state = acs_state.lower()
    if state == "active":
        return KnownState.RECORDING
    if state != "inactive":
        return KnownState.UNKNOWN
    if record is None:
        return KnownState.PAUSED  # started elsewhere: a start takes seconds, a pause may last
    if record.last_action is LastAction.STOPPED:
        return KnownState.ENDED
    is_settled = any(pause.how is None and pause.settled for pause in record.pauses)  # ACS did not answer, or refused
    is_paused = record.last_action in (LastAction.PAUSED, LastAction.STARTED_PAUSED) or is_settled
    return KnownState.PAUSED if is_paused else KnownState.STARTING


class StartReservation(BaseModel):
    """An `Idempotency-Key` and what was asked under it; the recording id follows once ACS has answered."""

    model_config = ConfigDict(frozen=True, extra="allow")

    version: int = 1
    key: str
    fingerprint: str
    repeatability_id: str
    first_sent: UtcTime
    recording_id: str | None = None
    acs_state: str | None = None
    etag: str | None = Field(None, exclude=True)
