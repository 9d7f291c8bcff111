"""Ports of keeping and destroying: what is decided about recordings, and the identity that may act on it."""

from collections.abc import Iterator
from typing import Protocol

from recording.domain.keep.custody import Custody
from recording.domain.keep.rules import RuleSet
from recording.ports.stored import Page, Unreadable


class Keeping(Protocol):
    """Holds, marks and rules, beside the catalog and never in it. Every method raises StorageError."""

    def custody(self, recording_id: str) -> Custody | None:
        """One recording's row with its ETag; None when nothing was ever decided about it."""
        ...

    def add_custody(self, custody: Custody) -> bool:
        """Adds a row. False, and no change, when there is one."""
        ...

    def save_custody(self, custody: Custody) -> Custody:
        """Replaces the row if it still has its ETag. Raises ClaimLostError."""
        ...

    def custodies(self, first: str, last: str) -> Iterator[Custody | Unreadable]:
        """The rows of the recordings whose names (`name_of`) are in this range, both ends included."""
        ...

    def held(self, after: str = "", most: int = 1000) -> Page[Custody]:
        """Behind a position, the rows with at least one active hold, by case: once for each case that holds it."""
        ...

    def rules(self) -> RuleSet:
        """The newest rules; number 0, and no rule, before there are any."""
        ...

    def add_rules(self, rules: RuleSet) -> bool:
        """Adds rules under their number. False, and no change, when that number is taken; none is ever replaced."""
        ...

    def rules_history(self) -> Iterator[RuleSet]:
        """All rules there ever were, the oldest first."""
        ...
