"""What the timers saw at their last run, kept so that every later look notices a silent timer. Pure."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Self, TypeVar

from pydantic import BaseModel, ConfigDict, ValidationError

from recording.domain.incoming.lenient import Time
from recording.domain.times import EARLIEST, is_within_reason
from recording.domain.watched.attention import Attention, AttentionItem

RECONCILED, SCRUBBED, COMPARED = "reconcile_seen", "scrub_seen", "seal_compared"  # the cursors that keep them
RECONCILE_LATE_AFTER = timedelta(minutes=15)  # it runs every five; the alert app-silent looks as far back
SCRUB_LATE_AFTER = timedelta(hours=30)  # it runs each night; the alert scrub-behind looks as far back
SEAL_LATE_AFTER = timedelta(hours=30)  # it is compared each night; the alert seal-differs looks as far back
L = TypeVar("L", bound="_Look")


class _Look(BaseModel):
    model_config = ConfigDict(frozen=True, extra="allow")  # a newer version may say more, and it stays
    at: Time

    @classmethod
    def read(cls, text: str) -> Self | None:
        """Return what was kept; None when there is nothing, or nothing that this version can read."""
        try:
            return cls.model_validate_json(text)
        except ValidationError:
            return None


class _TimerLook(_Look):
    @classmethod
    def read(cls, text: str) -> Self | None:
        """Return what was kept; a note that cannot be read proves no run: the timer counts as silent until the next."""
        found = super().read(text)
        return cls(at=EARLIEST) if found is None and text else found


class ReconcileLook(_TimerLook):
    """A run of reconcile: what was open, what it found, what it re-queued."""

    open_chunks: int = 0
    at_risk: int = 0
    expired: int = 0
    missing: int = 0
    incomplete: int = 0
    poisoned: int = 0
    redriven: int = 0
    attention: int = 0


class ScrubLook(_TimerLook):
    """A run of the scrub. `coverage` is the share of chunks whose media was read whole within its cycle."""

    coverage: float = 1.0
    chunks: int = 0
    behind: int = 0
    oldest_at: Time | None = None


class SealLook(_Look):
    """The progress and findings of the nightly comparison of log and trail with what was sealed.

    Attributes:
        began_at: when the present pass began, at the log's first checkpoint.
        number: the checkpoint that is looked at next.
        unfinished: time ran out, and the next hourly run continues.
        rows: of the trail that are as they were sealed, in this pass.
        found: digests of the differences of this pass.
        before: those of the last pass, until this one ends.
        accepted: differences that an operator has explained.
        owed: leaves that were withdrawn, and whose statement was not met yet in this pass.
        owed_before: those of when the log's end was reached last; what is still owed then is a difference.
        since: since when there are differences.
    """

    began_at: Time
    number: int = 0
    unfinished: bool = False
    rows: int = 0
    found: tuple[str, ...] = ()
    before: tuple[str, ...] = ()
    accepted: tuple[str, ...] = ()
    owed: tuple[int, ...] = ()
    owed_before: tuple[int, ...] = ()
    since: Time | None = None

    @property
    def differences(self) -> int:
        """Return how many are unexplained."""
        return len({*self.found, *self.before} - {*self.accepted})


def late(
    reconciled: ReconcileLook | None, scrubbed: ScrubLook | None, compared: SealLook | None, now: datetime
) -> Iterator[AttentionItem]:
    """Yield what timers owe, and what the seal's found; one that never ran owes nothing yet."""
    if reconciled is not None and _is_silent(reconciled.at, now, RECONCILE_LATE_AFTER):
        yield _item(Attention.RECONCILE_LATE, "reconcile", reconciled.at)
    if scrubbed is not None and (scrubbed.behind or _is_silent(scrubbed.at, now, SCRUB_LATE_AFTER)):
        yield _item(Attention.SCRUB_BEHIND, "scrub", scrubbed.at)
    if compared is not None and compared.differences:
        yield _item(Attention.SEAL_DIFFERS, "seal", compared.since or compared.at)
    elif compared is not None and _is_silent(compared.at, now, SEAL_LATE_AFTER):
        yield replace(_item(Attention.SEAL_DIFFERS, "seal", compared.at), reason="seal_not_compared")


def _is_silent(at: datetime, now: datetime, after: timedelta) -> bool:
    """Return whether a timer's last run was too long ago; a time that was never meant proves no run."""
    return now - at > after or not is_within_reason(at, now)


def _item(kind: Attention, name: str, since: datetime) -> AttentionItem:
    return AttentionItem(kind, name, kind.value, since, fault="operator")
