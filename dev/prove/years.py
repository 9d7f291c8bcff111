"""Seven simulated years of keeping: rules, holds, erasures, late chunks, deaths at any call, and two workers.

A witness stands beside every version that is destroyed, and each evening what is left is held against a reference that
shares no code with the app: nothing goes while it is held or before its time, and nothing stays past its time and the
stated delay. Wrong variants of the decision must be caught.
"""

import random
import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from dev.in_memory.builders import chunk, document_id, event, settings, task
from dev.in_memory.keep_world import attached
from dev.in_memory.pools import one_thread_pool
from dev.in_memory.world import WorkerDiedError, World, intercept, leave_alone
from dev.prove.daily_run import figures
from recording.domain.keep import disposition as deciding
from recording.domain.keep.custody import CustodyState
from recording.domain.keep.destroy import Place, StoredVersion
from recording.errors import RequestError
from recording.library.keep import assess
from recording.library.keep.dispose import dispose
from recording.library.keep.erasures import approve_erasure, request_erasure
from recording.library.keep.holds import place_hold, release_hold
from recording.library.keep.retention import set_rules
from recording.library.tags import change_tags
from tests.unit.domain.keep import reference

DAYS = 7 * 365
RECORDINGS = 12
DELAY_DAYS = 14
GRACE_DAYS = 30
SLACK_DAYS = 1  # the daily run comes once a day
TAGS = ("sales", "help")
Decide = Callable[..., deciding.Disposition]


@dataclass
class Years:
    """What a life of seven years came to."""

    counts: Counter[str] = field(default_factory=Counter)
    violations: list[str] = field(default_factory=list)


@dataclass
class _Known:
    """What the witness knows of a recording, from what was done and not from what the app stored."""

    ended: datetime
    tag: str = ""
    holds: list[tuple[datetime, datetime | None]] = field(default_factory=list)
    asked: list[datetime] = field(default_factory=list)
    since: datetime | None = None  # due without a break since then
    arrived: datetime | None = None  # its newest chunk


class _Life:
    """One world over seven years."""

    def __init__(self, seed: int, days: int) -> None:
        self.days = days
        self.random = random.Random(f"years {seed}")
        self.here = World(settings=settings(), seed=seed, pool=one_thread_pool())
        self.custodian = attached(self.here.fakes, has_holds=self.random.random() < 0.5)
        self.custodian.soft_delete = timedelta(days=self.random.choice((0, 7)))
        self.custodian.on_destroy = self._witness
        self.known: dict[str, _Known] = {}
        self.rules: list[tuple[str, int, bool, str]] = []  # action, days, legal, tag ("" is all)
        self.late: Counter[str] = Counter()
        self.done = Years()

    def run(self) -> Years:
        births = sorted(self.random.randrange(max(self.days - 400, 30)) for _ in range(RECORDINGS))
        for day in range(self.days):
            while births and births[0] <= day:
                births.pop(0)
                self._records()
            if self.random.random() < 0.06:
                self._something_happens()
            self._night()
            self._evening()
            self.here.fakes.clock.advance(days=1)
        self.done.counts["days"] = self.days
        return self.done

    # --- what people and calls do ------------------------------------------------------------------------------------

    def _records(self) -> None:
        number = len(self.known)
        recording_id = f"recording-{number}"
        self._arrives(recording_id, 0)
        tag = self.random.choice(("", *TAGS))
        record = self.here.fakes.catalog.recordings[recording_id]
        facts = record.facts
        assert facts is not None
        ended = facts.started_at + timedelta(milliseconds=(facts.duration_ms or 0) + facts.paused_ms)
        self.known[recording_id] = _Known(ended, tag, arrived=self.here.now)
        if tag:
            change_tags(recording_id, {"tags": {"line": tag}}, "*", self.here.ports)
            self.here.follows_up()
        self.done.counts["recordings"] += 1

    def _arrives(self, recording_id: str, index: int) -> None:
        number = int(recording_id.rpartition("-")[2]) * 50 + index
        document = document_id(number)
        self.here.holds(task(index, document, recording_id=recording_id))
        subject = f"/recording/call/call-{recording_id}/serverCallId/x/recordingId/{recording_id}"
        began = self.here.now.isoformat()
        if recording_id in self.known:
            began = self.known[recording_id].ended.isoformat()
        said = event(
            chunk(index, document),
            subject=subject,
            id=f"{recording_id}-{index}",
            eventTime=self.here.now.isoformat(),
            data={"recordingStartTime": began},
        )
        self.here.announces(said)
        self.here.runs_due()
        self.here.follows_up()

    def _something_happens(self) -> None:
        if not self.known:
            return
        act = self.random.choice(
            (self._hold, self._hold, self._release, self._release, self._rule, self._erase, self._late)
        )
        act(self.random.choice(sorted(self.known)))

    def _hold(self, recording_id: str) -> None:
        case = f"case-{self.random.randrange(3)}"
        held = {hold.case for hold in self._row(recording_id)}
        with suppress(RequestError):
            place_hold(recording_id, case, "lawsuit", None, self.here.ports)
            if case not in held:
                self.known[recording_id].holds.append((self.here.now, None))
            self.done.counts["holds"] += 1

    def _release(self, recording_id: str) -> None:
        active = list(self._row(recording_id))
        if not active:
            return
        with suppress(RequestError):
            release_hold(recording_id, self.random.choice(active).case, "over", None, self.here.ports)
            known = self.known[recording_id].holds
            place = next(at for at, (_, end) in enumerate(known) if end is None)
            known[place] = (known[place][0], self.here.now)
            self.done.counts["releases"] += 1

    def _row(self, recording_id: str) -> Any:
        row = self.here.fakes.keeping.custody(recording_id)
        return row.active_holds if row else ()

    def _rule(self, _recording_id: str) -> None:
        made = [
            (self.random.choice(("retain", "delete", "delete", "retain_and_delete")), self.random.randrange(20, 1500))
            for _ in range(self.random.randrange(4))
        ]
        self.rules = [(a, d, self.random.random() < 0.7, self.random.choice(("", *TAGS))) for a, d in made]
        body = [
            {"name": f"rule {at}", "action": a, "days": d, "legal": legal, "when": {"tags": {"line": t} if t else {}}}
            for at, (a, d, legal, t) in enumerate(self.rules)
        ]
        set_rules({"note": "policy", "rules": body}, "*", "alice", self.here.ports)
        self.done.counts["rules"] += 1

    def _erase(self, recording_id: str) -> None:
        ports = self.here.ports
        asked = request_erasure({"recordings": [recording_id], "reason": "letter"}, "alice", ports, self.here.settings)
        if self.random.random() < 0.8:
            approve_erasure(asked.erasure_id, "bob", ports, self.here.settings)
            self.known[recording_id].asked.append(self.here.now)
            self.done.counts["erasures"] += 1

    def _late(self, recording_id: str) -> None:
        self.late[recording_id] += 1
        if self.late[recording_id] < 40:
            self._arrives(recording_id, self.late[recording_id])
            self.known[recording_id].arrived = self.here.now
            self.done.counts["late chunks"] += 1

    # --- the daily run, and those who look ---

    def _night(self) -> None:
        trouble = self.random.random()
        if trouble < 0.25:
            self._troubled(self.random.randrange(1, 40), is_death=trouble < 0.17, after=trouble < 0.08)
        dispose(self.here.ports, self.here.settings)  # the next hour's run goes on

    def _troubled(self, at: int, *, is_death: bool, after: bool) -> None:
        calls, is_rival = 0, False

        def decide(_port: str, _method: str) -> tuple[Exception | None, bool]:
            nonlocal calls, is_rival
            if is_rival:
                return None, False
            calls += 1
            if calls != at:
                return None, False
            if is_death:
                self.done.counts["deaths"] += 1
                return WorkerDiedError("gone"), after
            is_rival = True
            self.done.counts["second workers"] += 1
            dispose(self.here.ports, self.here.settings)
            is_rival = False
            return None, False

        intercept(self.here, decide)
        with suppress(WorkerDiedError):
            dispose(self.here.ports, self.here.settings)
        leave_alone(self.here)

    def _witness(self, version: StoredVersion) -> None:
        """Say at the moment of destruction whether it may go, by the reference alone."""
        self.done.counts["versions destroyed"] += 1
        recording_id = self._owner(version)
        if recording_id is None:
            self.done.violations.append(f"{version.name} belongs to nobody")
        elif self._answer(recording_id).action == "keep":
            self.done.violations.append(f"{self.here.now:%Y-%m-%d}: {recording_id} destroyed while it must be kept")

    def _evening(self) -> None:
        """Look for what is still there although its time, and the stated delay, are over."""
        there = {self._owner(one.facts) for one in self.custodian.remaining() if not one.facts.is_deleted}
        for recording_id, known in self.known.items():
            is_due = self._answer(recording_id).action != "keep" and recording_id in there
            if not is_due:
                known.since = None
                row = self.here.fakes.keeping.custody(recording_id)
                if row is not None and row.state is CustodyState.DISPOSED and recording_id not in there:
                    known.tag = ""  # nothing of it is left, its tags neither
                continue
            known.since = known.since or self.here.now
            late = known.arrived or known.since
            waited = self.here.now - max(known.since, late)
            if waited > timedelta(days=DELAY_DAYS + SLACK_DAYS):
                self.done.violations.append(f"{self.here.now:%Y-%m-%d}: {recording_id} is kept past its time")
                known.since = None

    def _answer(self, recording_id: str) -> reference.Answer:
        known = self.known[recording_id]
        rules = [(a, self._days(known.ended) + d, legal) for a, d, legal, tag in self.rules if tag in ("", known.tag)]
        holds = [(self._days(since), None if end is None else self._days(end)) for since, end in known.holds]
        asked = [self._days(at) for at in known.asked]
        return reference.decide(rules, holds, asked, self._days(self.here.now), GRACE_DAYS)  # type: ignore[arg-type]

    @staticmethod
    def _days(moment: datetime) -> float:
        return moment.timestamp() / 86_400

    def _owner(self, version: StoredVersion) -> str | None:
        if version.place is not Place.ARCHIVE or version.name.startswith("_certificates/"):
            return None
        return next((one for one in self.known if f"/{one}/" in version.name), None)


def live(seed: int, days: int = DAYS) -> Years:
    """Return what seven years, or so many days, with this seed came to."""
    return _Life(seed, days).run()


def _without_holds(right: Decide) -> Decide:
    return lambda recording, rules, _holds, requests, now, **more: right(recording, rules, (), requests, now, **more)


def _without_grace(right: Decide) -> Decide:
    def decide(recording: Any, rules: Any, holds: Any, requests: Any, now: Any, **_more: Any) -> deciding.Disposition:
        return right(recording, rules, holds, requests, now, grace=timedelta())

    return decide


def _deletes_first(right: Decide) -> Decide:
    def decide(recording: Any, rules: Any, holds: Any, requests: Any, now: Any, **more: Any) -> deciding.Disposition:
        left = tuple(rule for rule in rules.rules if rule.action != "retain")
        return right(recording, rules.model_copy(update={"rules": left}), holds, requests, now, **more)

    return decide


def _never_erases(right: Decide) -> Decide:
    return lambda recording, rules, holds, _requests, now, **more: right(recording, rules, holds, (), now, **more)


VARIANTS: Mapping[str, Callable[[Decide], Decide]] = {
    "holds are not asked": _without_holds,
    "no grace period": _without_grace,
    "delete before retain": _deletes_first,
    "erasures are forgotten": _never_erases,
}


@contextmanager
def wrong(variant: Callable[[Decide], Decide]) -> Iterator[None]:
    """Decide wrongly for as long as the context lasts."""
    right = deciding.disposition
    vars(assess)["disposition"] = variant(right)
    try:
        yield
    finally:
        vars(assess)["disposition"] = right


def caught_at(name: str, most: int, days: int = DAYS) -> int | None:
    """Return the first seed at which a wrong variant is caught."""
    with wrong(VARIANTS[name]):
        return next((seed for seed in range(most) if live(seed, days).violations), None)


def print_years(first: int, seeds: int, *, is_long: bool) -> int:
    """Live so many lives, let the wrong variants be caught, and measure a day of many recordings."""
    whole, began = Years(), time.perf_counter()
    for seed in range(first, first + seeds):
        life = live(seed)
        whole.counts += life.counts
        whole.violations += [f"seed {seed}: {said}" for said in life.violations]
    for said in whole.violations[:20]:
        print(said)
    told = ", ".join(f"{count:,} {name}" for name, count in sorted(whole.counts.items()))
    print(f"years: {seeds} lives of seven years in {time.perf_counter() - began:.0f} s: {told}")
    print(f"years: {len(whole.violations)} destroyed under hold or before their time, or kept past time and delay")
    missed = 0
    for name in VARIANTS:
        caught = caught_at(name, 20)
        missed += caught is None
        print(f"years: wrong variant {name!r}: {'NOT CAUGHT' if caught is None else f'caught at seed {caught}'}")
    count = 1_000_000 if is_long else 100_000
    seconds, requests = figures(count)
    monthly = requests * 30 * 0.00036 / 10_000
    cost = f"{seconds:.1f} s of one core, {requests:,} requests, ${monthly:.4f} a month"
    print(f"years: a day of {count:,} recordings: {cost}")
    return 1 if whole.violations or missed else 0


__all__ = ["VARIANTS", "caught_at", "figures", "live", "print_years"]
