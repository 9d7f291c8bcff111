"""Disposition: until when a recording is kept, why, what blocks its destruction, and what is to be done now. Pure.

| holds | erasure | rules that retain | rules that delete | result |
|---|---|---|---|---|
| one or more | any | any | any | keep; the request is refused while it is held |
| none, the last released recently | any | any | any | keep to the end of the grace period, then as below |
| none | yes | in force, legal | any | keep to their end; the request is refused until then |
| none | yes | none, expired, or not legal | any | erase now |
| none | no | some | some | keep to the longest one and to the earliest delete, whichever is later; then delete |
| none | no | none | some | delete at the earliest |
| none | no | any | none | keep: no rule asks for its destruction |
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum

from recording.domain.keep.holds import ErasureClaim, Hold, grace_ends
from recording.domain.keep.rules import AppliedRule, KeptRecording, RuleSet, applied

GRACE = timedelta(days=30)  # after the last release of a hold


class Action(StrEnum):
    """What is to be done with a recording now."""

    KEEP = "keep"
    DELETE = "delete"  # a rule asks for it
    ERASE = "erase"  # a person's request asks for it


class Because(StrEnum):
    """Why a recording is kept or destroyed."""

    HOLD = "hold"
    GRACE = "grace_after_hold"
    RETAINED = "retained_by_rule"
    DELETED = "deleted_by_rule"
    ERASURE = "erasure_requested"
    NO_RULE = "no_rule_deletes_it"
    FACTS_UNKNOWN = "facts_unknown"  # the directory has not gathered them yet, and then nothing is destroyed
    UNREADABLE = "unreadable"  # the row of its holds cannot be read by this version


@dataclass(frozen=True)
class Reason:
    """One reason: of which kind, by which case, rule or request, and until when it counts."""

    because: Because
    source: str | None = None
    since: datetime | None = None
    until: datetime | None = None


@dataclass(frozen=True)
class RefusedClaim:
    """A request that is not carried out now: why, and until when; None: until the hold is released."""

    request_id: str
    because: Because
    until: datetime | None


@dataclass(frozen=True)
class Disposition:
    """The decision about a recording at one time.

    Attributes:
        action: what is to be done now.
        kept_until: when its destruction is due as things stand; None if nothing asks for it.
        reasons: everything that counts, in the order hold, grace, retain, delete, erasure.
        blocked_by: those of the reasons that keep it now, even against a rule or request to destroy it.
        refused: the requests that are not carried out now.
        rules: the number of the rules that were applied.
    """

    action: Action
    kept_until: datetime | None
    reasons: tuple[Reason, ...] = ()
    blocked_by: tuple[Reason, ...] = ()
    refused: tuple[RefusedClaim, ...] = ()
    rules: int = 0
    requests: tuple[str, ...] = field(default=())

    @property
    def is_due(self) -> bool:
        """Return whether it is to be destroyed."""
        return self.action is not Action.KEEP


def disposition(
    recording: KeptRecording,
    rules: RuleSet,
    holds: Sequence[Hold],
    requests: Sequence[ErasureClaim],
    now: datetime,
    *,
    grace: timedelta = GRACE,
) -> Disposition:
    """Decide about a recording: hold before retain before delete, the longest retain, the shortest delete."""
    about = applied(rules.rules, recording)
    blocks = [*_of_holds(holds, now, grace), *_of_retains(about, now)]
    reasons = [*blocks, *_of_deletes(about), *_of_requests(requests)]
    due_at = _due_at(about, requests, holds, grace)
    if any(hold.is_active for hold in holds) or due_at is None or due_at > now:
        action = Action.KEEP
    else:
        action = Action.ERASE if requests else Action.DELETE
    if due_at is None and not any(reason.because is Because.HOLD for reason in blocks):
        reasons.append(Reason(Because.NO_RULE))
    return Disposition(
        action=action,
        kept_until=None if any(hold.is_active for hold in holds) else due_at,
        reasons=tuple(reasons),
        blocked_by=tuple(blocks) if action is Action.KEEP else (),
        refused=_refused(requests, about, holds, now, grace) if action is Action.KEEP else (),
        rules=rules.number,
        requests=tuple(claim.request_id for claim in requests),
    )


def _due_at(
    about: Sequence[AppliedRule], requests: Sequence[ErasureClaim], holds: Sequence[Hold], grace: timedelta
) -> datetime | None:
    """Return the time at which nothing keeps the recording any more and something asks for its destruction."""
    candidates = []
    deletes = [one.until for one in about if one.deletes]
    if deletes:
        candidates.append(max([min(deletes), *(one.until for one in about if one.retains)]))
    if requests:
        asked = min(claim.approved_at for claim in requests)
        candidates.append(max([asked, *(one.until for one in _legal(about))]))
    if not candidates:
        return None
    ends = grace_ends(tuple(holds), grace)
    return max(min(candidates), ends) if ends is not None else min(candidates)


def _of_holds(holds: Sequence[Hold], now: datetime, grace: timedelta) -> list[Reason]:
    active = [Reason(Because.HOLD, hold.case, hold.since) for hold in holds if hold.is_active]
    ends = grace_ends(tuple(holds), grace)
    if ends is None or ends <= now:
        return active
    return [Reason(Because.GRACE, until=ends)]


def _of_retains(about: Sequence[AppliedRule], now: datetime) -> list[Reason]:
    in_force = [one for one in about if one.retains and one.until > now]
    in_force.sort(key=lambda one: one.until, reverse=True)
    return [Reason(Because.RETAINED, one.rule.name, until=one.until) for one in in_force]


def _of_deletes(about: Sequence[AppliedRule]) -> list[Reason]:
    deletes = sorted((one for one in about if one.deletes), key=lambda one: one.until)
    return [Reason(Because.DELETED, one.rule.name, until=one.until) for one in deletes]


def _of_requests(requests: Sequence[ErasureClaim]) -> list[Reason]:
    return [Reason(Because.ERASURE, claim.request_id, claim.approved_at) for claim in requests]


def _refused(
    requests: Sequence[ErasureClaim],
    about: Sequence[AppliedRule],
    holds: Sequence[Hold],
    now: datetime,
    grace: timedelta,
) -> tuple[RefusedClaim, ...]:
    if any(hold.is_active for hold in holds):
        return tuple(RefusedClaim(claim.request_id, Because.HOLD, None) for claim in requests)
    ends, legal = grace_ends(tuple(holds), grace), max((one.until for one in _legal(about)), default=None)
    if legal is not None and legal > now and (ends is None or legal >= ends):
        return tuple(RefusedClaim(claim.request_id, Because.RETAINED, legal) for claim in requests)
    if ends is not None and ends > now:
        return tuple(RefusedClaim(claim.request_id, Because.GRACE, ends) for claim in requests)
    return ()


def _legal(about: Sequence[AppliedRule]) -> list[AppliedRule]:
    return [one for one in about if one.retains and one.rule.legal]
