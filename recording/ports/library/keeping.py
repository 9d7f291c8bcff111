"""Ports of retention: decisions about recordings, and the identity that may destroy them."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from enum import StrEnum
from typing import Protocol

from recording.domain.keep.custody import Custody
from recording.domain.keep.destroy import Place, StoredVersion
from recording.domain.keep.erasure import Covering, Erasure
from recording.domain.keep.rules import RuleSet
from recording.ports.stored import Page, Unreadable


@dataclass(frozen=True)
class Covered:
    """A page of the recordings that requests for erasure may cover.

    Attributes:
        names: of the recordings (`name_of`).
        next: the position after which more are listed; "" when there are no more.
        is_whole: whether every request in force is on the list; one of an earlier version may not be.
    """

    names: frozenset[str] = frozenset()
    next: str = ""
    is_whole: bool = False


class Keeping(Protocol):
    """Holds, marks and rules, beside the catalog and never in it. Every method raises StorageError."""

    def custody(self, recording_id: str) -> Custody | None:
        """Return one recording's row with its ETag; None when no decision was ever made about it."""
        ...

    def add_custody(self, custody: Custody) -> bool:
        """Add a row. False, and no change, when there is one."""
        ...

    def save_custody(self, custody: Custody) -> Custody:
        """Replace the row if it still has its ETag. Raises ClaimLostError."""
        ...

    def custodies(self, first: str, last: str) -> Iterator[Custody | Unreadable]:
        """Yield the rows of the recordings whose names (`name_of`) are in this range, both ends included."""
        ...

    def held(self, after: str = "", most: int = 1000) -> Page[Custody]:
        """Return a page of rows with an active hold after a position, by case: one for each case that holds it."""
        ...

    def rules(self) -> RuleSet:
        """Return the newest rules; number 0, and no rule, before there are any."""
        ...

    def add_rules(self, rules: RuleSet) -> bool:
        """Add rules under their number. False, and no change, when that number is taken; none is ever replaced."""
        ...

    def rules_history(self) -> Iterator[RuleSet | Unreadable]:
        """Yield all rules there ever were, the oldest first."""
        ...

    def reword_rules(self, rules: RuleSet) -> None:
        """Replace the words of rules that there are, for an erasure; idempotent. Nothing, where none has the number."""
        ...

    def erasure(self, erasure_id: str) -> Erasure | None:
        """Return one request for erasure with its ETag."""
        ...

    def add_erasure(self, erasure: Erasure) -> bool:
        """Add a request. False, and no change, when there is one of this id."""
        ...

    def save_erasure(self, erasure: Erasure) -> Erasure:
        """Replace a request if it still has its ETag. Raises ClaimLostError."""
        ...

    def erasures(self) -> Iterator[Erasure | Unreadable]:
        """Yield all requests for erasure, in no particular order."""
        ...

    def list_covered(self, erasure: Erasure) -> None:
        """Put every recording of a request on the list of covered ones; repeating changes nothing."""
        ...

    def covered(self, after: str = "", most: int = 1000) -> Covered:
        """Return a page of that list after a position."""
        ...

    def covering(self, recording_id: str) -> tuple[Covering, ...] | None:
        """Return the listed requests that cover one recording, as in their own rows; None when not all are listed.

        A request whose row cannot be read counts: it is listed because it was approved.
        """
        ...

    def all_are_listed(self) -> None:
        """Record that every request in force is on the list."""
        ...

    def unlist_covered(self, ended: Callable[[str], bool]) -> int:
        """Remove requests from the list by their ids; return how many entries were removed."""
        ...


class AuditEraser(Protocol):
    """Removes a person from the audit trail; what was done, and when, always remains."""

    def withhold(
        self,
        without: Callable[[str], str],
        pseudonymous: Callable[[str], str] = str,
        may_change: Callable[[str | None], bool] = lambda _recording_id: True,
        after: str = "",
        reached: Callable[[str, int], object] = lambda _position, _changed: None,
    ) -> int:
        """Replace every note and part by the result of `without`, and every caller by that of `pseudonymous`.

        An entry that would change stays as it is where `may_change` refuses it by the recording that it is about.
        Entries are taken in a fixed order, from the position `after` on; `reached` is given the position of each one
        that was taken, and how many have changed until then. Returns how many entries changed. Raises StorageError.
        """
        ...


class HoldAnswer(StrEnum):
    """The outcome of setting or clearing the legal hold of one version of a blob."""

    DONE = "done"
    GONE = "gone"
    UNSUPPORTED = "unsupported"  # the account has no legal holds: the row of the recording alone counts


class BlobHolds(Protocol):
    """The blobs' own legal holds: one flag for each version, whatever the number of cases."""

    def versions(self, place: Place, prefix: str) -> Iterator[StoredVersion]:
        """Yield every version of the blobs with this prefix, including earlier and soft-deleted ones.

        Raises StorageError.
        """
        ...

    def set_legal_hold(self, version: StoredVersion, *, is_held: bool) -> HoldAnswer:
        """Set or clear the flag of one version; repeating is harmless. Raises StorageError."""
        ...


class DestroyAnswer(StrEnum):
    """The outcome of destroying one version of a blob."""

    DONE = "done"  # deleted, or gone before
    REFUSED = "refused"  # a policy, a legal hold or a lease protects it


class Custodian(BlobHolds, Protocol):
    """The one identity that may destroy. Destroyed versions may stay soft-deleted until the day `versions` reports."""

    def read(self, version: StoredVersion) -> bytes | None:
        """Return the bytes of one version that is not deleted; None when it is gone. Raises StorageError."""
        ...

    def destroy(self, version: StoredVersion) -> DestroyAnswer:
        """Delete exactly one version. Deleting what is gone is success. Raises StorageError."""
        ...
