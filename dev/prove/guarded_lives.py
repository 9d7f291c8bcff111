"""Calls under each policy, in lives that a seed decides: refusals of ACS, outages, deaths, duplicates, wrong clocks.

A witness stands at ACS, where recordings really run or rest, and knows what callers asked for. It says at each change
whether that may be, and at the end, when the trouble is long over, whether each recording is as its policy wants it.
"""

import random
from base64 import b64encode
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from dev.in_memory.builders import chunk, document_id, event, settings
from dev.in_memory.pools import one_thread_pool
from dev.in_memory.world import REDELIVERED_AFTER, WorkerDiedError, World, intercept, leave_alone
from recording.control.consents import tell_consent
from recording.control.guards import guard_message
from recording.control.pauses import pause_recording, resume_recording, stop_recording
from recording.control.recordings import start_recording
from recording.domain.calls.consent import ConsentState, ConsentStep, consent_state
from recording.domain.calls.pauses import open_pause
from recording.domain.calls.policy import CallPolicy, ConsentRule, TimeIsUp, Withdrawal
from recording.domain.incoming.requests import ConsentRequest, PauseRequest
from recording.domain.outgoing.events import EventType
from recording.domain.state.recording import LastAction, RecordingRecord
from recording.errors import ControlError, RecordingError, RequestError, StorageBusyError
from recording.errors.codes import Code

POLICIES: Mapping[str, CallPolicy] = {
    "not required": CallPolicy(name="plain"),
    "required at start": CallPolicy(name="start", consent=ConsentRule.AT_START, on_withdrawal=Withdrawal.STOP),
    "consent first": CallPolicy(name="first", consent=ConsentRule.FIRST, consent_within_seconds=60),
    "pause, then resume": CallPolicy(name="cards", longest_pause_seconds=90),
    "pause, then stop": CallPolicy(name="stops", longest_pause_seconds=90, on_pause_timeout=TimeIsUp.STOP),
    "pause, then alarm": CallPolicy(name="alarms", longest_pause_seconds=90, on_pause_timeout=TimeIsUp.ALARM),
    "must be recorded": CallPolicy(name="desk", longest_pause_seconds=90, must_be_recorded=True),
    "must be recorded, with consent": CallPolicy(
        name="advice", consent=ConsentRule.AT_START, longest_pause_seconds=90, must_be_recorded=True
    ),
    "must be recorded, or stopped": CallPolicy(
        name="deal",
        longest_pause_seconds=90,
        on_pause_timeout=TimeIsUp.STOP,
        on_withdrawal=Withdrawal.STOP,
        must_be_recorded=True,
        longest_recording_seconds=1200,
        warn_before_seconds=300,
    ),
    "longest recording": CallPolicy(name="capped", longest_recording_seconds=1200, warn_before_seconds=300),
    "running per caller": CallPolicy(name="few"),
}
LIMIT = 2  # recordings of a caller at once, where that is the policy
TROUBLE, CALM = timedelta(minutes=30), timedelta(minutes=45)
LATE = timedelta(minutes=15)  # after its time, what is still not done after the trouble never will be
DEATHS, REFUSALS, OUTAGES, DUPLICATES, RIVALS, ACTS = 0.02, 0.05, 0.04, 0.2, 0.02, 0.3
SKEWS = (timedelta(),) * 4 + (timedelta(hours=25), timedelta(hours=-25), timedelta(minutes=10), timedelta(minutes=-10))
RECONCILED_EVERY = timedelta(minutes=5)
STOPPED_ELSEWHERE = 0.01  # of the steps of a life
ENDS = ("stopped", "stopped_elsewhere")  # a recording ends once, whoever reports it first
EVIDENCE = {"basis": "spoken", "reference": "IVR-7", "capturedAt": "2026-11-23T08:00:00Z", "capturedBy": "ivr"}
Act = Callable[[], Any]


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


class GuardedLife:
    """One policy, a few calls, and everything that may go wrong about them."""

    def __init__(self, seed: int, policy: str) -> None:
        self.policy = POLICIES[policy]
        self.dice = random.Random(f"{policy} {seed}")
        self.limit = LIMIT if policy == "running per caller" else None
        known = settings(call_policies=(self.policy,), running_per_caller=self.limit)
        self.here = World(settings=known, seed=seed, pool=one_thread_pool())
        self.here.reports_to()
        self.life = Life()
        self.seen: dict[str, _Seen] = {}
        self.repeated: dict[str, Act] = {}  # what callers send again until it is answered
        self.expected: set[tuple[str, str]] = set()  # recordings that must be told of, and why
        self.asked = timedelta()  # how long the pause is to last that a caller asks for at this moment
        self.begun = ""  # which recording a caller has paused at this moment, by a pause of its own
        self.is_troubled = False
        self._is_rival, self._who = False, "caller"
        self._starts, self._stops = 0, 0
        self._elsewhere = random.Random(f"elsewhere {policy} {seed}")  # draws of its own
        self._reconciled_at = self.here.now

    def run(self) -> Life:
        """Live: half an hour of trouble, then the calm in which everything must come right."""
        calm, end = self.here.now + TROUBLE, self.here.now + TROUBLE + CALM
        while self.here.now < end:
            self.is_troubled = self.here.now < calm
            self._callers()
            self._guards()
            self._others()
            self.here.fakes.clock.advance(seconds=self._step())
        self._judge()
        return self.life

    # --- who acts ----------------------------------------------------------------------------------------------------

    def _callers(self) -> None:
        for name, act in list(self.repeated.items()):
            self._call(name, act)
        if not self.is_troubled or self.dice.random() >= ACTS:
            return
        running = sorted(self.here.fakes.control.states)
        if not running or (len(running) < 4 and self.dice.random() < 0.3):
            self._start()
        else:
            acts = (self._pause, self._pause, self._pause, self._resume, self._consent, self._stop)
            acts[self.dice.randrange(len(acts))](self.dice.choice(running))

    def _start(self) -> None:
        self._starts += 1
        number = self._starts
        body: dict[str, Any] = {"serverCallId": b64encode(f"call-{number}".encode()).decode()}
        if self.policy.consent is ConsentRule.AT_START or self.dice.random() < 0.3:
            body["consent"] = EVIDENCE
        self._call(
            f"start {number}",
            lambda: start_recording(body, f"key {number}", "ada", self.here.ports, self.here.settings),
        )
        self.life.counts["starts"] += 1

    def _pause(self, name: str) -> None:
        seconds = self.dice.choice((None, 20, self.policy.longest_pause_seconds))
        length = timedelta(seconds=seconds or self.policy.longest_pause_seconds)
        self.repeated.pop(f"resume {name}", None)

        def act() -> None:
            self.asked = length
            asked = PauseRequest(reason="card number", max_seconds=seconds)
            row = self.here.fakes.catalog.recordings.get(name)
            before = {pause.id for pause in row.pauses} if row is not None else set[str]()
            told = pause_recording(name, self.here.ports, self.here.settings, asked, "ada")
            self.begun = name if told["pause"]["pauseId"] not in before else ""

        self._call(f"pause {name}", act)
        self.life.counts["pauses"] += 1

    def _resume(self, name: str) -> None:
        self.repeated.pop(f"pause {name}", None)
        self._call(f"resume {name}", lambda: resume_recording(name, self.here.ports, settings=self.here.settings))

    def _consent(self, name: str) -> None:
        step = self.dice.choice((ConsentStep.GIVEN, ConsentStep.GIVEN, ConsentStep.WITHDRAWN))
        facts = EVIDENCE if step is ConsentStep.GIVEN else {}
        asked = ConsentRequest.read({"step": step.value, **facts})
        is_known = name in self.here.fakes.control.states

        def act() -> None:
            tell_consent(name, asked, "ada", self.here.ports, self.here.settings)
            if step is ConsentStep.WITHDRAWN and self.policy.must_be_recorded and is_known:
                self.expected.add((name, "consent_withdrawn"))

        self._call(f"consent {name}", act, once=True)
        self.life.counts["consents"] += 1

    def _stop(self, name: str) -> None:
        if self.dice.random() < 0.3:
            self.repeated.pop(f"pause {name}", None)

            def act() -> None:
                stop_recording(name, self.here.ports, self.here.settings)
                row = self.here.fakes.catalog.recordings[name]
                if self.policy.must_be_recorded and row.ended_seen_at is None:  # else it was over before
                    self.expected.add((name, "stopped"))

            self._call(f"stop {name}", act, once=True)

    def _call(self, what: str, act: Act, *, once: bool = False) -> None:
        """Let a caller act; what fails is sent again, but for what a caller may leave at that."""
        self.repeated.pop(what, None)
        error = self._attempt(act, "consent" if what.startswith("consent ") else "caller")
        if isinstance(error, StorageBusyError) and what.startswith("pause "):
            self.seen[what.removeprefix("pause ")].paused_at = None  # not all is noted, and the caller knows
        if isinstance(error, ControlError) and what.startswith("start ") and self.policy.must_be_recorded:
            self.expected.add(("", "start_refused"))
        if error is not None and not once and not isinstance(error, RequestError) and not _is_final(error):
            self.repeated[what] = act

    def _guards(self) -> None:
        queue = self.here.fakes.guards
        for body in queue.take_due():
            times = 2 if self.is_troubled and self.dice.random() < DUPLICATES else 1
            if times == 2:
                queue.sent.append((body, self.here.now + timedelta(seconds=self.dice.randrange(600))))
            for _ in range(times):
                error = self._attempt(self._firing(body), "guard")
                if error is not None:
                    queue.sent.append((body, self.here.now + REDELIVERED_AFTER))
            self.life.counts["guards"] += times

    def _firing(self, body: str) -> Act:
        return lambda: guard_message(body, self.here.ports, self.here.settings)

    def _others(self) -> None:
        if self.is_troubled and self.policy.must_be_recorded and self._elsewhere.random() < STOPPED_ELSEWHERE:
            self._stop_elsewhere()
        self.here.fakes.follow_ups.sent.clear()
        if self.here.now - self._reconciled_at >= RECONCILED_EVERY:
            self._reconciled_at = self.here.now
            self._attempt(self.here.reconciles, "guard")
        self.here.skew = timedelta()
        self.here.notifies()

    def _stop_elsewhere(self) -> None:
        """Let another application stop a recording of ours; its event comes, or is lost."""
        rows = self.here.fakes.catalog.recordings
        ours = [name for name in sorted(self.here.fakes.control.states) if name in rows and rows[name].started_here]
        if not ours:
            return
        self._stops += 1
        name, part = self._elsewhere.choice(ours), chunk(0, document_id(self._stops))
        del self.here.fakes.control.states[name]
        self._look("elsewhere")
        if rows[name].last_action is not LastAction.STOPPED:
            self.expected.add((name, "stopped_elsewhere"))
        if self._elsewhere.random() < 0.5:
            subject = f"/recording/call/call-{name}/serverCallId/x/recordingId/{name}"
            told = event(part, subject=subject, data={"sessionEndReason": "InitiatorLeft"})
            self._attempt(lambda: self.here.announces(told), "acs")
        self.life.counts["stops elsewhere"] += 1

    # --- what goes wrong ---------------------------------------------------------------------------------------------

    def _attempt(self, act: Act, who: str) -> Exception | None:
        """Let an instance act, with its own clock and its own troubles, and look; returns what ended it."""
        self._who, self.asked, self.begun = who, timedelta(), ""
        is_right = not self.is_troubled or self.limit is not None  # places are freed by the instance's own clock
        self.here.skew = timedelta() if is_right else self.dice.choice(SKEWS)
        if self.is_troubled:
            intercept(self.here, self._trouble)
        try:
            act()
        except (RecordingError, WorkerDiedError) as error:
            self.life.counts["deaths"] += isinstance(error, WorkerDiedError)
            return error
        finally:
            leave_alone(self.here)
            self._look(who)
        return None

    def _trouble(self, port: str, _method: str) -> tuple[Exception | None, bool]:
        if self._is_rival:
            return None, False
        drawn, after = self.dice.random(), self.dice.random() < 0.5
        if drawn < DEATHS:
            return WorkerDiedError("gone"), after
        if drawn < DEATHS + RIVALS:
            self._rival()
        elif port == "FakeControl" and drawn > 1 - REFUSALS:
            return ControlError("busy", code=Code.ACS_UNAVAILABLE), after
        elif port not in ("FakeControl", "FakeOutboxQueue") and drawn > 1 - OUTAGES:
            return StorageBusyError("503"), after
        return None, False

    def _rival(self) -> None:
        """Let another worker take the next guards at this very moment."""
        self._is_rival = True
        self._look(self._who)
        try:
            for body in self.here.fakes.guards.take_due():
                guard_message(body, self.here.ports, self.here.settings)
                self._look("guard")
                self.life.counts["rivals"] += 1
        finally:
            self._is_rival = False

    def _step(self) -> float:
        due = [at for _, at in self.here.fakes.guards.sent]
        wait = min(due, default=self.here.now + timedelta(minutes=1)) - self.here.now
        return max(min(wait.total_seconds(), self.dice.uniform(2, 30)), 0.5)

    # --- the witness -------------------------------------------------------------------------------------------------

    def _look(self, who: str) -> None:
        control = self.here.fakes.control
        for name in control.started:
            state = control.states.get(name)
            seen = self.seen.setdefault(name, _Seen(self.here.now, state))
            if state == "inactive" and self.begun == name and not seen.length:  # consent was withdrawn before
                seen.paused_at, seen.length = self.here.now, self.asked
            if state == seen.state:
                continue
            if state == "inactive":
                seen.paused_at, seen.length = self.here.now, self.asked
            elif state == "active":
                self._resumed(name, seen, who)
            elif state is None and who == "guard":
                self._stopped(name, seen)
            seen.state = state
        if self.limit is not None and len(control.states) > self.limit:
            self._violates(f"{len(control.states)} recordings of a caller run, and {self.limit} may")

    def _resumed(self, name: str, seen: _Seen, who: str) -> None:
        row = self.here.fakes.catalog.recordings.get(name)
        state = _consent(row)
        if state is ConsentState.WITHDRAWN:
            self._violates(f"{name} records again, and consent is withdrawn ({who})")
        if self.policy.consent is ConsentRule.FIRST and state is not ConsentState.GIVEN:
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

    def _judge(self) -> None:
        """Look at every recording that runs or rests when the trouble is over for three quarters of an hour."""
        for name, state in sorted(self.here.fakes.control.states.items()):
            row = self.here.fakes.catalog.recordings.get(name)
            if row is None or not row.started_here:  # its start was never noted: nothing can watch over it
                self.life.counts["starts not noted"] += 1
                continue
            if said := self._why_not(row, state, self.here.now - self.seen[name].began):
                self._violates(f"{name} is {state} at the end: {said}")
        told = self._told()
        for name, reason in sorted(self.expected):
            if told[name, reason] == 0 and not self._is_told_otherwise(name, reason, told):
                self._violates(f"nobody was told that {name or 'a call'} is not recorded: {reason}")
        for name in sorted({name for name, _ in told}):
            ends = sum(told[name, reason] for reason in ENDS)
            if ends > 1:
                self._violates(f"{ends} alarms say that {name} has ended")

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


def _is_final(error: Exception) -> bool:
    return isinstance(error, ControlError) and error.code in (Code.RECORDING_NOT_FOUND, Code.PAUSE_RESUME_NOT_ALLOWED)


def _consent(row: RecordingRecord | None) -> ConsentState:
    return consent_state(row.consent, row.consents) if row is not None else ConsentState.NONE


def _waited(row: RecordingRecord | None) -> bool:
    return row is not None and row.last_action is LastAction.STARTED_PAUSED


def _was_withdrawn(row: RecordingRecord | None) -> bool:
    return row is not None and any(step.step is ConsentStep.WITHDRAWN for step in row.consents)


def _was_resumed(row: RecordingRecord) -> bool:
    return row.was_resumed


# --- lives -----------------------------------------------------------------------------------------------------------


def live(seed: int, policy: str) -> Life:
    """Return what a life under this policy came to."""
    return GuardedLife(seed, policy).run()


def forgotten_pause(restarts: int = 60) -> timedelta:
    """Let a guard die so many times in a row, its message come twice and a host be 25 hours ahead.

    Returns:
        How long after its time the pause was over.

    Raises:
        AssertionError: it is never over, it ended early, or its alarm stands for ever.
    """
    here = World(settings=settings(call_policies=(POLICIES["pause, then resume"],)), pool=one_thread_pool())
    name = str(
        start_recording({"serverCallId": "aHR0cHM6Ly9jYWxs"}, "key", "ada", here.ports, here.settings)["recordingId"]
    )
    pause_recording(name, here.ports, here.settings, PauseRequest(reason="card number"), "ada")
    due = here.now + timedelta(seconds=90)
    here.skew = timedelta(hours=25)
    here.reconciles()
    here.guards()
    assert here.fakes.control.states[name] == "inactive", "a fast clock ended the pause"
    here.fakes.clock.advance(seconds=91)
    over: datetime | None = None
    for number in range(restarts + 3):
        if number < restarts:
            _dies(here, 1 + number % 9, after=number % 2 == 0)
            here.fakes.guards.sent += here.fakes.guards.sent[:1]
        else:
            here.skew = timedelta()
            here.guards()
        if over is None and here.fakes.control.states[name] == "active":
            over = here.now
        here.fakes.clock.advance(seconds=61)
    row = here.fakes.catalog.recordings[name]
    assert here.fakes.control.states[name] == "active", "the pause is forgotten"
    assert open_pause(row.pauses) is None, "the row says that it is paused"
    assert row.call_alarm is None, "the alarm stands for ever"
    return (over or here.now) - due


def _dies(here: World, at: int, *, after: bool) -> None:
    seen = 0

    def decide(_port: str, _method: str) -> tuple[Exception | None, bool]:
        nonlocal seen
        seen += 1
        return (WorkerDiedError("gone") if seen == at else None), after

    intercept(here, decide)
    here.guards()
    leave_alone(here)
