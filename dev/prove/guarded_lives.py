"""Calls under each policy, in lives that a seed decides: refusals of ACS, outages, deaths, duplicates, wrong clocks.

The witness (`guarded_witness`) says at each change at ACS whether it may be, and at the end, when the trouble is long
over, whether each recording is as its policy wants it.
"""

import random
from base64 import b64encode
from collections.abc import Callable
from contextlib import suppress
from datetime import timedelta
from typing import Any

from dev.in_memory.builders import chunk, document_id, event, settings
from dev.in_memory.pools import one_thread_pool
from dev.in_memory.world import REDELIVERED_AFTER, WorkerDiedError, World, intercept, leave_alone
from dev.prove.guarded_policies import LIMIT, POLICIES
from dev.prove.guarded_witness import Life, Witness
from dev.prove.odd_guards import OddGuards
from recording.control.consents import tell_consent
from recording.control.guards.fire import guard_message
from recording.control.pauses import pause_recording
from recording.control.recordings import start_recording
from recording.control.resumes import resume_recording, stop_recording
from recording.domain.calls.consent import ConsentStep
from recording.domain.calls.guards import GuardKind
from recording.domain.calls.pauses import guarded_pause
from recording.domain.calls.policy import ConsentRule
from recording.domain.incoming.requests import ConsentRequest, PauseRequest
from recording.domain.state.recording import LastAction
from recording.errors import ControlError, RecordingError, RequestError, StorageBusyError
from recording.errors.codes import Code
from recording.library.notify.catch_up import catch_up

TROUBLE, CALM = timedelta(minutes=30), timedelta(minutes=45)
DEATHS, REFUSALS, OUTAGES, DUPLICATES, RIVALS, ACTS = 0.02, 0.05, 0.04, 0.2, 0.02, 0.3
SKEWS = (timedelta(),) * 4 + (timedelta(hours=25), timedelta(hours=-25), timedelta(minutes=10), timedelta(minutes=-10))
RECONCILED_EVERY = timedelta(minutes=5)
STOPPED_ELSEWHERE, RESUMED_ELSEWHERE = 0.01, 0.02  # of the steps of a life
PAUSED_AT_ONCE = 0.3  # of the starts
STOPPED_EARLY = 0.5  # of the starts whose policy nobody else's row has
DIES_AFTER_STOP = (0, 3, 4, 5)  # calls of the start's worker after such a stop: its note is the second
LATE, SHOWS, SHOWS_WITHIN = 0.5, 0.3, timedelta(seconds=4)  # what ACS accepts: of the lives, of the steps, at most
RIVAL_CALLERS = 0.3  # of the rivals: another caller instead of a guard
DIES_IN = (0, 5, 6)  # calls of a withdrawal's worker: its note may be the last it did; 0: it lives
EVIDENCE = {"basis": "spoken", "reference": "IVR-7", "capturedAt": "2026-11-23T08:00:00Z", "capturedBy": "ivr"}
Act = Callable[[], Any]


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
        self.witness = Witness(self.here, self.policy, self.limit, self.life)
        self.repeated: dict[str, Act] = {}  # what callers send again until it is answered
        self.is_troubled = False
        self._is_rival, self._who = False, "caller"
        self._starts, self._stops = 0, 0
        self._elsewhere = random.Random(f"elsewhere {policy} {seed}")  # draws of its own
        self._resumes = random.Random(f"resumes {policy} {seed}")
        self._begins = random.Random(f"begins {policy} {seed}")
        self.here.fakes.control.is_slow = self._begins.random() < LATE
        self._settled_at = self.here.now
        self._withdrawals, self._dies_in = random.Random(f"withdrawals {policy} {seed}"), 0
        self._early, self._stops_early = random.Random(f"early {policy} {seed}"), False
        self._reconciled_at = self.here.now
        self._callers_meanwhile = random.Random(f"rivals {policy} {seed}")
        self._odd = OddGuards(self.here, f"odd {policy} {seed}")
        self._has_odd = seed % 2 == 1

    def run(self) -> Life:
        """Live: half an hour of trouble, then the calm in which everything must come right."""
        calm, end = self.here.now + TROUBLE, self.here.now + TROUBLE + CALM
        while self.here.now < end:
            self.is_troubled = self.here.now < calm
            if self._begins.random() < SHOWS or self.here.now - self._settled_at >= SHOWS_WITHIN:
                self._settle()
            self._callers()
            self._guards()
            self._others()
            self.here.fakes.clock.advance(seconds=self._step())
        self.witness.judge()
        self.life.violations += self._odd.lost()
        self.life.counts["messages of others"] += self._odd.count
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
        self._stops_early = bool(self.policy.callers) and self._early.random() < STOPPED_EARLY
        self._call(
            f"start {number}",
            lambda: start_recording(body, f"key {number}", "ada", self.here.ports, self.here.settings),
            once=self._stops_early and self._early.random() < 0.5,
        )
        self._stops_early, self._dies_in = False, 0
        self.life.counts["starts"] += 1
        if self._begins.random() < PAUSED_AT_ONCE and (begun := sorted(self.here.fakes.control.changing)):
            self._pause(begun[-1])

    def _pause(self, name: str) -> None:
        seconds = self.dice.choice((None, 20, self.policy.longest_pause_seconds))
        length = timedelta(seconds=seconds or self.policy.longest_pause_seconds)
        self.repeated.pop(f"resume {name}", None)

        def act() -> None:
            self.witness.asked = {name: length}
            asked = PauseRequest(reason="card number", max_seconds=seconds)
            row = self.here.fakes.catalog.recordings.get(name)
            before = {pause.id for pause in row.pauses} if row is not None else set[str]()
            told = pause_recording(name, self.here.ports, self.here.settings, asked, "ada")
            self.witness.told_paused(name)
            is_own = told["pause"]["pauseId"] not in before and not self.witness.is_doubted(name)
            self.witness.begun = name if is_own else ""

        self._call(f"pause {name}", act)
        self.life.counts["pauses"] += 1

    def _resume(self, name: str) -> None:
        self.repeated.pop(f"pause {name}", None)

        def act() -> None:
            self.witness.forget_pause(name)  # from now on a guard may resume what does not show yet
            resume_recording(name, self.here.ports, settings=self.here.settings)

        self._call(f"resume {name}", act)

    def _consent(self, name: str) -> None:
        step = self.dice.choice((ConsentStep.GIVEN, ConsentStep.GIVEN, ConsentStep.WITHDRAWN))
        facts = EVIDENCE if step is ConsentStep.GIVEN else {}
        asked = ConsentRequest.read({"step": step.value, **facts})
        is_known = name in self.here.fakes.control.states
        self.witness.forget_doubt(name)

        def act() -> None:
            tell_consent(name, asked, "ada", self.here.ports, self.here.settings)
            if step is ConsentStep.GIVEN:
                self.witness.told_consent(name)
            if step is ConsentStep.WITHDRAWN and self.policy.must_be_recorded and is_known:
                self.witness.expected.add((name, "consent_withdrawn"))

        self._dies_in = self._withdrawals.choice(DIES_IN) if step is ConsentStep.WITHDRAWN else 0
        self._call(f"consent {name}", act, once=True)
        self._dies_in = 0
        self.life.counts["consents"] += 1

    def _stop(self, name: str) -> None:
        if self.dice.random() < 0.3:
            self.repeated.pop(f"pause {name}", None)

            def act() -> None:
                stop_recording(name, self.here.ports, self.here.settings)
                row = self.here.fakes.catalog.recordings[name]
                if self.policy.must_be_recorded and row.ended_seen_at is None:  # else it was over before
                    self.witness.expected.add((name, "stopped"))

            self._call(f"stop {name}", act, once=True)

    def _call(self, what: str, act: Act, *, once: bool = False) -> None:
        """Let a caller act; what fails is sent again, but for what a caller may leave at that."""
        self.repeated.pop(what, None)
        error = self._attempt(act, "consent" if what.startswith("consent ") else "caller")
        name = what.removeprefix("pause ")
        if error is not None and name != what:
            row = self.here.fakes.catalog.recordings.get(name)
            is_noted = row is not None and guarded_pause(row.pauses) is not None
            if isinstance(error, StorageBusyError | WorkerDiedError) or not is_noted:
                self.witness.forget_pause(name)  # not all is noted, and the caller knows
        is_refused = isinstance(error, ControlError) and error.code is not Code.ALREADY_RECORDING
        if is_refused and what.startswith("start ") and self.policy.must_be_recorded:
            self.witness.expected.add(("", "start_refused"))
        if error is not None and not once and not isinstance(error, RequestError) and not _is_final(error):
            self.repeated[what] = act

    def _guards(self) -> None:
        queue = self.here.fakes.guards
        for body in queue.take_due():
            if self._odd.is_one(body):
                self._deliver_odd(body)
                continue
            times = 2 if self.is_troubled and self.dice.random() < DUPLICATES else 1
            if times == 2:
                queue.sent.append((body, self.here.now + timedelta(seconds=self.dice.randrange(600))))
            for _ in range(times):
                error = self._attempt(self._firing(body), "guard")
                if error is not None:
                    queue.sent.append((body, self.here.now + REDELIVERED_AFTER))
            self.life.counts["guards"] += times

    def _deliver_odd(self, body: str) -> None:
        ours, self.dice = self.dice, self._odd.dice
        if self._attempt(self._firing(body), "guard") is not None:
            self.here.fakes.guards.sent.append((body, self.here.now + REDELIVERED_AFTER))
        self.dice = ours

    def _firing(self, body: str) -> Act:
        return lambda: guard_message(body, self.here.ports, self.here.settings)

    def _others(self) -> None:
        if self.is_troubled and self.policy.must_be_recorded and self._elsewhere.random() < STOPPED_ELSEWHERE:
            self._stop_elsewhere()
        if self.is_troubled and self._resumes.random() < RESUMED_ELSEWHERE:
            self._resume_elsewhere()
        if self.is_troubled and self._has_odd:
            self._odd.may_come()
        if not self.is_troubled:
            self.here.fakes.control.is_slow = False
        self.here.fakes.follow_ups.sent.clear()
        if self.here.now - self._reconciled_at >= RECONCILED_EVERY:
            self._reconciled_at = self.here.now
            self._attempt(self.here.reconciles, "guard")
            self._attempt(lambda: catch_up(self.here.ports), "guard")
        self.here.skew = timedelta()
        self.here.notifies()

    def _settle(self) -> None:
        """Let what ACS has accepted show."""
        self._settled_at = self.here.now
        self.here.fakes.control.settle()
        self.witness.look("acs")

    def _stop_elsewhere(self) -> None:
        """Let another application stop a recording of ours; its event comes, or is lost."""
        rows = self.here.fakes.catalog.recordings
        ours = [name for name in sorted(self.here.fakes.control.states) if name in rows and rows[name].started_here]
        if not ours:
            return
        self._stops += 1
        name, part = self._elsewhere.choice(ours), chunk(0, document_id(self._stops))
        del self.here.fakes.control.states[name]
        self.witness.look("elsewhere")
        if rows[name].last_action is not LastAction.STOPPED:
            self.witness.expected.add((name, "stopped_elsewhere"))
        if self._elsewhere.random() < 0.5:
            subject = f"/recording/call/call-{name}/serverCallId/x/recordingId/{name}"
            told = event(part, subject=subject, data={"sessionEndReason": "InitiatorLeft"})
            self._attempt(lambda: self.here.announces(told), "acs")
        self.life.counts["stops elsewhere"] += 1

    def _resume_elsewhere(self) -> None:
        """Let another application resume a recording whose consent is withdrawn; ACS sends no event for it."""
        control, rows = self.here.fakes.control, self.here.fakes.catalog.recordings
        rests = [
            name
            for name, state in sorted(control.states.items())
            if state == "inactive" and name not in control.changing
        ]
        withdrawn = [name for name in rests if name in rows and rows[name].is_withdrawn]
        if withdrawn:
            control.states[self._resumes.choice(withdrawn)] = "active"
            self.witness.look("elsewhere")
            self.life.counts["resumed elsewhere"] += 1

    def _stop_early(self) -> None:
        """Let a caller stop a recording before its start is noted: the id is known from ACS's callback."""
        name = list(self.here.fakes.control.started)[-1]
        self._stops_early, self._is_rival = False, True
        self.witness.look("caller")
        try:
            stop_recording(name, self.here.ports, self.here.settings)
        finally:
            self._is_rival = False
        self.witness.look("caller")
        self.witness.expected.add((name, "stopped"))
        self._dies_in = self._early.choice(DIES_AFTER_STOP)
        self.life.counts["early stops"] += 1

    # --- what goes wrong ---------------------------------------------------------------------------------------------

    def _attempt(self, act: Act, who: str) -> Exception | None:
        """Let an instance act, with its own clock and its own troubles, and look; returns what ended it."""
        self._who, self.witness.asked, self.witness.begun = who, {}, ""
        is_right = not self.is_troubled or self.limit is not None  # places are freed by the instance's own clock
        self.here.skew = timedelta() if is_right else self.dice.choice(SKEWS)
        if self.is_troubled:
            intercept(self.here, self._trouble)
        try:
            act()
        except (RecordingError, WorkerDiedError) as error:
            self.life.counts["deaths"] += isinstance(error, WorkerDiedError)
            return error
        except Exception as error:  # noqa: BLE001 - of the product itself: the host delivers the message again
            self.life.violations.append(f"{self.here.now:%H:%M:%S} {who} failed: {error!r}")
            return error
        finally:
            leave_alone(self.here)
            self.witness.look(who)
        return None

    def _trouble(self, port: str, method: str) -> tuple[Exception | None, bool]:
        if self._is_rival:
            return None, False
        if self._stops_early and method == "add_recording":
            self._stop_early()
            return None, False
        if self._dies_in:
            self._dies_in -= 1
            if self._dies_in == 0:
                return WorkerDiedError("gone"), False
        drawn, after = self.dice.random(), self.dice.random() < 0.5
        if drawn < DEATHS:
            return WorkerDiedError("gone"), after
        if drawn < DEATHS + RIVALS:
            self._rival()
        elif port == "FakeControl" and drawn > 1 - REFUSALS:
            return ControlError("busy", code=Code.ACS_UNAVAILABLE), after
        elif port != "FakeControl" and drawn > 1 - OUTAGES:
            return StorageBusyError("503"), after
        return None, False

    def _rival(self) -> None:
        """Let another worker take the next guards at this very moment; the queue offers again what fails there."""
        queue = self.here.fakes.guards
        self._is_rival = True
        self.witness.look(self._who)
        running = sorted(self.here.fakes.control.states)
        if running and self._callers_meanwhile.random() < RIVAL_CALLERS:
            busy = [name for name in running if name in self.witness.asked]
            self._ask_meanwhile(self._callers_meanwhile.choice(busy or running))
        for body in queue.take_due():
            try:
                guard_message(body, self.here.ports, self.here.settings)
            except RecordingError:
                queue.sent.append((body, self.here.now + REDELIVERED_AFTER))
            self.witness.look("guard")
            self.life.counts["rivals"] += 1
        self._is_rival = False

    def _ask_meanwhile(self, name: str) -> None:
        """Let another caller ask for something while a worker is in the middle of its own work."""
        ports, known = self.here.ports, self.here.settings
        step = self._callers_meanwhile.choice((ConsentStep.GIVEN, ConsentStep.WITHDRAWN))
        facts = EVIDENCE if step is ConsentStep.GIVEN else {}
        acts: tuple[Act, ...] = (
            lambda: pause_recording(name, ports, known, PauseRequest(reason="card number", max_seconds=20), "bob"),
            lambda: resume_recording(name, ports, settings=known),
            lambda: tell_consent(name, ConsentRequest.read({"step": step.value, **facts}), "bob", ports, known),
        )
        self.witness.doubt(name)
        asked, self.witness.asked = self.witness.asked, {}
        number = self._callers_meanwhile.randrange(len(acts))
        with suppress(RecordingError):
            acts[number]()
            if number == len(acts) - 1 and step is ConsentStep.WITHDRAWN and self.policy.must_be_recorded:
                self.witness.expected.add((name, "consent_withdrawn"))
        self.witness.look("caller")
        self.witness.asked = asked
        self.life.counts["callers meanwhile"] += 1

    def _step(self) -> float:
        # Looks come each second, and odd messages change no life.
        due = [
            at
            for body, at in self.here.fakes.guards.sent
            if GuardKind.SETTLE not in body and not self._odd.is_one(body)
        ]
        wait = min(due, default=self.here.now + timedelta(minutes=1)) - self.here.now
        return max(min(wait.total_seconds(), self.dice.uniform(2, 30)), 0.5)


def _is_final(error: Exception) -> bool:
    return isinstance(error, ControlError) and error.code in (Code.RECORDING_NOT_FOUND, Code.PAUSE_RESUME_NOT_ALLOWED)


def live(seed: int, policy: str) -> Life:
    """Return what a life under this policy came to."""
    return GuardedLife(seed, policy).run()
