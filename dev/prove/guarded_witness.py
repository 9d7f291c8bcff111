"""The witness at ACS of a life under a policy: what really runs or rests, whether that may be, and how it all ends.

It knows what callers asked for, and what the row says of consent.
"""

from collections import Counter
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from dev.in_memory.world import World
from recording.domain.calls.consent import ConsentState, ConsentStep, consent_state
from recording.domain.calls.pauses import open_pause, open_withdrawal
from recording.domain.calls.policy import CallPolicy, ConsentRule, TimeIsUp, Withdrawal
from recording.domain.outgoing.events import EventType
from recording.domain.state.recording import LastAction, RecordingRecord
from recording.errors.codes import Code

SEEN_TO = timedelta(minutes=3)  # how long after two requests at once their recording may be as neither asked for
LATE = timedelta(minutes=15)  # after its time, what is still not done after the trouble never will be
ENDS = ("stopped", "stopped_elsewhere")  # a recording ends once, whoever reports it first


@dataclass
class Life:
    """What one life came to."""

    counts: Counter[str] = field(default_factory=Counter)
    violations: list[str] = field(default_factory=list)


@dataclass
class _Seen:
    """What the witness knows of a recording: when it began, how ACS has it, and which pause a caller asked for."""

    began: datetime
    state: str | None
    paused_at: datetime | None = None
    length: timedelta = timedelta()


class Witness:
    """Looks at ACS after each step of a life, and judges it at the end.

    Attributes:
        expected: recordings whose alarm a receiver must get, and why.
        asked: the recording that a caller asks to pause at this moment, and for how long.
        begun: which recording a caller has paused at this moment, by a pause of its own.
    """

    def __init__(self, here: World, policy: CallPolicy, limit: int | None, life: Life) -> None:
        self.here, self.policy, self.limit, self.life = here, policy, limit, life
        self.expected: set[tuple[str, str]] = set()
        self.asked: dict[str, timedelta] = {}
        self.begun = ""
        self._seen: dict[str, _Seen] = {}
        self._ran: set[str] = set()
        self._doubts: dict[str, datetime] = {}  # until when two requests at once are seen to

    def told_paused(self, name: str) -> None:
        """Hear that a caller was told of a pause: ACS must not be about to begin the recording."""
        if self.here.fakes.control.changing.get(name) == "active" and name not in self._ran:
            self._violates(f"a caller was told that {name} is paused, and it begins in a moment")

    def told_consent(self, name: str) -> None:
        """Hear that a caller gave consent and was told so: the pause of a withdrawal is over then."""
        row, control = self.here.fakes.catalog.recordings.get(name), self.here.fakes.control
        rests = control.states.get(name) == "inactive" and name not in control.changing
        if rests and row is not None and open_withdrawal(row.pauses) and _consent(row) is ConsentState.GIVEN:
            self._violates(f"consent to {name} was given, and it rests")

    def forget_pause(self, name: str) -> None:
        """Take a pause for one that no caller counts on: its request failed, and the caller knows."""
        self._seen[name].paused_at = None

    def doubt(self, name: str) -> None:
        """Hear that two requests overlap: which of them ACS has heard last shows within minutes."""
        self._doubts[name] = self.here.now + SEEN_TO
        if name in self._seen:
            self.forget_pause(name)

    def is_doubted(self, name: str) -> bool:
        """Return whether two requests about it have overlapped lately: of two pauses, the shorter one may be noted."""
        return name in self._doubts

    def forget_doubt(self, name: str) -> None:
        """Hear that another step of consent follows."""
        self._doubts.pop(name, None)

    def look(self, who: str) -> None:
        """See what ACS has accepted since the last look, and by whose act; it may show later.

        Args:
            who: `caller`, `consent`, `guard`, `acs`, or `elsewhere` for another application.
        """
        control = self.here.fakes.control
        for name in control.started:
            state = control.wanted(name)
            self._ran |= {name} if control.states.get(name) == "active" else set()
            seen = self._seen.setdefault(name, _Seen(self.here.now, state))
            asked = self.asked.get(name, timedelta()) if who == "caller" else timedelta()
            if state == "inactive" and self.begun == name and not seen.length:  # consent was withdrawn before
                seen.paused_at, seen.length = self.here.now, asked
            if state == seen.state:
                continue
            if self.here.now + SEEN_TO > self._doubts.get(name, self.here.now + SEEN_TO):  # of a later request
                del self._doubts[name]
            if state == "inactive":
                seen.paused_at, seen.length = self.here.now, asked
            elif state == "active":
                self._resumed(name, seen, who)
            elif state is None and who == "guard":
                self._stopped(name, seen)
            seen.state = state
        self._decide_doubts()
        if self.limit is not None and len(control.states) > self.limit:
            self._violates(f"{len(control.states)} recordings of a caller run, and {self.limit} may")

    def _decide_doubts(self) -> None:
        """Judge a recording about which two requests overlapped, some minutes later."""
        for name in [name for name, until in self._doubts.items() if until <= self.here.now]:
            del self._doubts[name]
            row, state = self.here.fakes.catalog.recordings.get(name), self.here.fakes.control.wanted(name)
            if row is None or state is None or name in self.here.fakes.control.changing:
                continue
            consent, is_first = _consent(row), self.policy.consent is ConsentRule.FIRST
            may_run = consent is ConsentState.GIVEN or (consent is ConsentState.NONE and not is_first)
            if state == "active" and not may_run:
                self._violates(f"{name} records without consent, minutes after two requests at once")
            if state == "inactive" and may_run and not _waited(row) and open_pause(row.pauses) is None:
                self._violates(f"{name} rests without a pause, minutes after two requests at once")

    def _resumed(self, name: str, seen: _Seen, who: str) -> None:
        if name in self._doubts:
            seen.paused_at, seen.length = None, timedelta()
            return
        row = self.here.fakes.catalog.recordings.get(name)
        state = _consent(row)
        if state is ConsentState.WITHDRAWN and who != "elsewhere":
            self._violates(f"{name} records again, and consent is withdrawn ({who})")
        if self.policy.consent is ConsentRule.FIRST and state is not ConsentState.GIVEN and who != "elsewhere":
            self._violates(f"{name} records, and there is no consent ({who})")
        was_paused = seen.paused_at is not None and who in ("guard", "consent") and not _waited(row)
        if was_paused and self.here.now < (seen.paused_at or self.here.now) + seen.length - timedelta(seconds=1):
            self._violates(f"the pause of {name} ended before its time ({who})")
        if was_paused and seen.length and who == "guard" and self.policy.must_be_recorded and not _was_withdrawn(row):
            self.expected.add((name, "paused_too_long"))
        seen.paused_at, seen.length = None, timedelta()

    def _stopped(self, name: str, seen: _Seen) -> None:
        """Expect the alarm about a call that a guard has stopped because it lasted too long."""
        longest = self.policy.longest_recording_seconds
        is_over = longest is not None and self.here.now - seen.began >= timedelta(seconds=longest)
        if is_over and seen.state == "active" and self.policy.must_be_recorded:
            self.expected.add((name, "stopped"))

    def judge(self) -> None:
        """Look at every recording that runs or rests when the trouble is over for three quarters of an hour."""
        for name, state in sorted(self.here.fakes.control.states.items()):
            row = self.here.fakes.catalog.recordings.get(name)
            if row is None or not row.started_here:  # its start was never noted: nothing can watch over it
                self.life.counts["starts not noted"] += 1
                continue
            if said := self._why_not(row, state, self.here.now - self._seen[name].began):
                self._violates(f"{name} is {state} at the end: {said}")
        told = self._told()
        for name, reason in sorted(self.expected):
            if self._is_nobodys(name):
                continue
            if told[name, reason] == 0 and not self._is_told_otherwise(name, reason, told):
                self._violates(f"nobody was told that {name or 'a call'} is not recorded: {reason}")
        for name in sorted({name for name, _ in told}):
            ends = sum(told[name, reason] for reason in ENDS)
            if ends > 1:
                self._violates(f"{ends} alarms say that {name} has ended")

    def _is_nobodys(self, name: str) -> bool:
        """Return whether its start was never noted, so that no policy of its caller is known."""
        row = self.here.fakes.catalog.recordings.get(name)
        return bool(name and self.policy.callers) and (row is None or not row.started_here)

    def _is_told_otherwise(self, name: str, reason: str, told: Counter[tuple[str, str]]) -> bool:
        """Return whether another alarm says it: one about the same end, or about the stop that a policy asks for.

        A rival may have stopped it for its pause, and said so, while consent was being withdrawn or it was stopped.
        """
        by_policy = [
            "paused_too_long" if self.policy.on_pause_timeout is TimeIsUp.STOP else "",
            "consent_withdrawn" if self.policy.on_withdrawal is Withdrawal.STOP else "",
        ]
        if reason == "consent_withdrawn":
            return told[name, by_policy[0]] > 0
        return reason in ENDS and any(told[name, other] for other in (*ENDS, *by_policy))

    def _why_not(self, row: RecordingRecord, state: str, age: timedelta) -> str:
        """Return why a recording may not be as it is; nothing if it may."""
        policy, consent = self.policy, _consent(row)
        longest = policy.longest_recording_seconds
        if longest is not None and age > timedelta(seconds=longest) + LATE:
            return "it lasts too long"
        if max(Counter(pause.ends_by is None for pause in row.pauses if pause.how is None).values(), default=0) > 1:
            return "it has two pauses of a kind at once"
        if consent is ConsentState.WITHDRAWN:
            is_fine = state == "inactive" and policy.on_withdrawal is Withdrawal.PAUSE
            return "" if is_fine else "consent is withdrawn"
        if (
            state == "inactive"
            and policy.consent is ConsentRule.FIRST
            and (consent is ConsentState.NONE or _waited(row))
            and not _was_resumed(row)
        ):
            return (
                "it waits for consent" if consent is ConsentState.NONE else "consent was given, and it was not resumed"
            )
        if state == "active":
            return ""
        is_raised = policy.on_pause_timeout is TimeIsUp.ALARM and row.call_alarm == Code.PAUSE_OVERDUE
        return "" if is_raised else "its pause is forgotten"

    def _told(self) -> Counter[tuple[str, str]]:
        """Count the alarms by what they say; one that is told twice, in doubt, has one id and counts once."""
        outgoing = self.here.fakes.outgoing
        kept = outgoing.outbox.kept.values() if outgoing is not None else ()
        unrecorded = {event.id: event.data for event in kept if event.type is EventType.UNRECORDED}
        return Counter((str(data.get("recordingId", "")), str(data["reason"])) for data in unrecorded.values())

    def _violates(self, what: str) -> None:
        self.life.violations.append(f"{self.here.now:%H:%M:%S} {what}")


def _consent(row: RecordingRecord | None) -> ConsentState:
    return consent_state(row.consent, row.consents) if row is not None else ConsentState.NONE


def _waited(row: RecordingRecord | None) -> bool:
    return row is not None and row.last_action is LastAction.STARTED_PAUSED


def _was_withdrawn(row: RecordingRecord | None) -> bool:
    return row is not None and any(step.step is ConsentStep.WITHDRAWN for step in row.consents)


def _was_resumed(row: RecordingRecord) -> bool:
    return row.was_resumed
