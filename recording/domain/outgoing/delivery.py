"""Delivery of an event: for each way out, how often it was tried and when it is tried again. Pure."""

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from enum import StrEnum

from pydantic import BaseModel, ConfigDict, Field

from recording.domain.model import with_changes
from recording.domain.outgoing.events import OutgoingEvent
from recording.domain.times import SKEW, UtcTime, is_within_reason

SCHEDULE = (  # before the second try, the third one and so on: three and a half days in all, as Standard Webhooks says
    timedelta(seconds=5),
    timedelta(minutes=5),
    timedelta(minutes=30),
    timedelta(hours=2),
    timedelta(hours=5),
    timedelta(hours=10),
    timedelta(hours=14),
    timedelta(hours=20),
    timedelta(hours=24),
)
JITTER = 0.1  # each wait is up to a tenth longer, so that a whole day's events are not sent at once
DEAD_AFTER = timedelta(days=5)  # without a success: nothing more is sent there until an operator enables it again
REPORTED_AFTER = timedelta(hours=1)  # an endpoint that fails for so long needs attention
REST = timedelta(seconds=30)  # after a failure, before another event tries the same way
LONGEST_REST = timedelta(minutes=10)  # of a way that fails for hours: a backlog would otherwise try it all day
REST_SHARE = 20  # the rest is this part of the time for which a way fails
CLAIM = timedelta(minutes=2)  # longer than one try takes; it is renewed before each
WAITS_FOR = timedelta(minutes=5)  # until an event that waits for a setting is looked at again
LONGEST_TRY = timedelta(minutes=1)  # of any way, with the time that DNS takes


class Result(StrEnum):
    """The result of one try."""

    DELIVERED = "delivered"
    FAILED = "failed"
    GONE = "gone"  # 410: the receiver wants no more events
    REFUSED = "refused"  # our own check of addresses forbids it
    WAITS = "waits"  # not tried: the receivers are not known until a setting is corrected


class Progress(BaseModel):
    """The progress of one way with an event."""

    model_config = ConfigDict(frozen=True, extra="allow")

    tries: int = 0
    due: UtcTime | None = None  # None: at once, or never again once it is over
    is_over: bool = False
    code: str | None = None  # of the last failure

    def due_at(self, now: datetime) -> datetime | None:
        """Return when it is tried again; None for at once, also where no wait after so many tries is as long."""
        scheduled = SCHEDULE[self.tries - 1] if 0 < self.tries <= len(SCHEDULE) else timedelta()
        longest = max(scheduled, 2 * LONGEST_REST) * (1 + JITTER) + SKEW  # a longer one is by a clock that is ahead
        is_believed = self.due is not None and is_within_reason(self.due, now) and self.due - now <= longest
        return self.due if is_believed else None


class Entry(BaseModel):
    """An event that waits in the outbox, and the progress of each way with it; saved under its ETag."""

    model_config = ConfigDict(frozen=True, extra="allow")

    event: OutgoingEvent
    ways: dict[str, Progress] = Field(default_factory=dict)
    only: tuple[str, ...] = ()  # a replay for these ways; empty: for all
    added_at: UtcTime | None = None  # None: written by an older version
    claimed_until: UtcTime | None = None  # another worker is sending it
    etag: str | None = Field(None, exclude=True)

    def progress(self, way: str) -> Progress:
        """Return the progress of a way; one that is not mentioned has not tried yet."""
        return self.ways.get(way, Progress())

    def is_meant_for(self, way: str) -> bool:
        """Return whether a way still has to deliver it."""
        return (not self.only or way in self.only) and not self.progress(way).is_over

    def is_due(self, way: str, now: datetime) -> bool:
        """Return whether a way may try now."""
        due = self.progress(way).due_at(now)
        return due is None or due <= now

    def is_claimed(self, now: datetime) -> bool:
        """Return whether another worker is sending it."""
        until = self.claimed_until
        return until is not None and now < until <= now + CLAIM + SKEW

    def with_progress(self, way: str, progress: Progress) -> "Entry":
        """Return the entry with the progress of a way."""
        return with_changes(self, {"ways": {**self.ways, way: progress}})

    def claimed(self, until: datetime | None) -> "Entry":
        """Return the entry claimed until then; None releases it."""
        return with_changes(self, {"claimed_until": until})

    def claim_ends_within(self, length: timedelta, now: datetime) -> bool:
        """Return whether the claim ends before so much time has passed."""
        return self.claimed_until is None or self.claimed_until - now < length

    def replayed(self, only: Sequence[str]) -> "Entry":
        """Return the entry with these ways to deliver it again; empty: all of them.

        A way that is still trying keeps its tries; one that has delivered it, or gave up, begins anew.
        """
        ways = {name: done for name, done in self.ways.items() if not done.is_over or (only and name not in only)}
        wider = tuple(sorted({*self.only, *only})) if self.only and only else ()
        return with_changes(self, {"ways": ways, "only": wider})


def after_try(before: Progress, result: Result, code: str | None, now: datetime, jitter: float) -> Progress:
    """Return the progress of a way after a try; past the schedule's end it is given up."""
    if result is Result.WAITS:  # however long that lasts, no try is used up and the event is not given up
        return _progressed(before, before.tries, due=now + WAITS_FOR * (1 + JITTER * jitter), code=code)
    tries = before.tries + 1
    if result is Result.DELIVERED:
        return _progressed(before, tries, is_over=True)
    if result is Result.GONE or tries > len(SCHEDULE):
        return _progressed(before, tries, is_over=True, code=code)
    wait = SCHEDULE[tries - 1] * (1 + JITTER * jitter)
    return _progressed(before, tries, due=now + wait, code=code)


def _progressed(
    before: Progress, tries: int, *, due: datetime | None = None, is_over: bool = False, code: str | None = None
) -> Progress:
    """Return the progress with these facts; what another version noted stays."""
    return with_changes(before, {"tries": tries, "due": due, "is_over": is_over, "code": code})


class WayHealth(BaseModel):
    """The health of a way, apart from its events; saved under its ETag."""

    model_config = ConfigDict(frozen=True, extra="allow")

    way: str
    failing_since: UtcTime | None = None
    failed_at: UtcTime | None = None
    code: str | None = None
    given_up: int = 0  # events that were never delivered
    disabled_at: UtcTime | None = None
    delivered_at: UtcTime | None = None  # when it last recovered
    etag: str | None = Field(None, exclude=True)

    @property
    def is_disabled(self) -> bool:
        """Return whether nothing is sent there."""
        return self.disabled_at is not None

    def is_resting(self, now: datetime) -> bool:
        """Return whether it failed a moment ago, so that no other event tries it yet."""
        failed_at = self.failed_at
        return failed_at is not None and failed_at <= now + SKEW and now - failed_at < self.rest

    @property
    def rest(self) -> timedelta:
        """Return how long no other event tries it after a failure: longer, the longer it fails."""
        if self.failing_since is None or self.failed_at is None:
            return REST
        return min(max((self.failed_at - self.failing_since) / REST_SHARE, REST), LONGEST_REST)

    def needs_attention(self, now: datetime) -> bool:
        """Return whether an operator should look at it."""
        return self.is_disabled or (self.failing_since is not None and now - self.failing_since >= REPORTED_AFTER)


def health_after(before: WayHealth, result: Result, code: str | None, now: datetime, *, is_lost: bool) -> WayHealth:
    """Return the health of a way after a try."""
    if result is Result.DELIVERED:
        changes: Mapping[str, object] = {"failing_since": None, "failed_at": None, "code": None, "delivered_at": now}
        return with_changes(before, changes)
    told = before.failing_since
    since = told if told is not None and told <= now and is_within_reason(told, now) else now
    is_dead = result is Result.GONE or (result is not Result.WAITS and now - since >= DEAD_AFTER)
    return with_changes(
        before,
        {
            "failing_since": since,
            "failed_at": now,
            "code": code,
            "given_up": before.given_up + is_lost,
            "disabled_at": before.disabled_at or (now if is_dead else None),
        },
    )


def enabled(before: WayHealth) -> WayHealth:
    """Return the health of a way that an operator has enabled again."""
    cleared = dict.fromkeys(("failing_since", "failed_at", "code", "disabled_at", "delivered_at"))
    return with_changes(before, cleared)
