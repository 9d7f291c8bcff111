"""Holds, rules and requests for erasure within a scope."""

from collections.abc import Callable, Iterator

from recording.control.tenants.reach import Reach
from recording.domain.ids import canonical_id
from recording.domain.keep.custody import Custody
from recording.domain.keep.erasure import Covering, Erasure
from recording.domain.keep.rules import RuleSet
from recording.errors import ClaimLostError, StorageError
from recording.ports import Keeping, Page, Unreadable
from recording.ports.library.keeping import Covered

LARGEST_READ = 1000  # rows that are read at once


class ScopedKeeping:
    """The decisions about recordings within a scope."""

    def __init__(self, whole: Keeping, reach: Reach) -> None:
        self._whole, self._reach = whole, reach

    def custody(self, recording_id: str) -> Custody | None:
        """Act as `Keeping` does."""
        return self._whole.custody(recording_id) if self._reach.has(recording_id) else None

    def add_custody(self, custody: Custody) -> bool:
        """Act as `Keeping` does."""
        return self._reach.has(custody.recording_id) and self._whole.add_custody(custody)

    def save_custody(self, custody: Custody) -> Custody:
        """Act as `Keeping` does."""
        if not self._reach.has(custody.recording_id):
            raise ClaimLostError("the recording is not of this scope")
        return self._whole.save_custody(custody)

    def custodies(self, first: str, last: str) -> Iterator[Custody | Unreadable]:
        """Act as `Keeping` does."""
        return self._reach.only(_readable(self._whole.custodies(first, last)), _recording_of)

    def held(self, after: str = "", most: int = 1000) -> Page[Custody]:
        """Act as `Keeping` does; a page ends at a row within the scope, and continues only if another one follows.

        Rows of others are skipped, to the end if necessary: neither a position nor a short page reveals them.
        """
        found: list[Custody] = []
        last = (after, 0)  # behind which position of the whole, and how many rows on, the page's last row is
        while True:
            page = self._whole.held(after, LARGEST_READ)
            if page.error:
                return Page(error=page.error)
            own = {row.recording_id for row in self._reach.only(_readable(iter(page.items)), _recording_of)}
            for number, row in enumerate(page.items):
                if isinstance(row, Unreadable) or row.recording_id not in own:
                    continue
                if len(found) == most:
                    return Page(tuple(found), self._whole.held(*last).next)
                found.append(row)
                last = (after, number + 1)
            if not page.next:
                return Page(tuple(found))
            after = page.next

    def rules(self) -> RuleSet:
        """Act as `Keeping` does."""
        return self._whole.rules()

    def add_rules(self, rules: RuleSet) -> bool:
        """Refuse: rules concern the whole archive."""
        raise StorageError(f"rules {rules.number} would be about the whole archive")

    def rules_history(self) -> Iterator[RuleSet | Unreadable]:
        """Act as `Keeping` does."""
        return self._whole.rules_history()

    def reword_rules(self, rules: RuleSet) -> None:
        """Refuse: rules are about the whole archive."""
        raise StorageError(f"rules {rules.number} are about the whole archive")

    def erasure(self, erasure_id: str) -> Erasure | None:
        """Act as `Keeping` does."""
        found = self._whole.erasure(erasure_id)
        return found if found is not None and self._reach.scope.covers_all(found.tenants) else None

    def add_erasure(self, erasure: Erasure) -> bool:
        """Act as `Keeping` does."""
        return self._whole.add_erasure(erasure)

    def save_erasure(self, erasure: Erasure) -> Erasure:
        """Act as `Keeping` does."""
        return self._whole.save_erasure(erasure)

    def erasures(self) -> Iterator[Erasure | Unreadable]:
        """Act as `Keeping` does."""
        covers = self._reach.scope.covers_all
        return (one for one in self._whole.erasures() if isinstance(one, Erasure) and covers(one.tenants))

    def list_covered(self, erasure: Erasure) -> None:
        """Act as `Keeping` does."""
        self._whole.list_covered(erasure)

    def covered(self, after: str = "", most: int = 1000) -> Covered:
        """Act as `Keeping` does: a request of the whole archive, or of another tenant, hides from all."""
        return self._whole.covered(after, most)

    def covering(self, recording_id: str) -> tuple[Covering, ...] | None:
        """Act as `Keeping` does, about recordings within the scope."""
        return self._whole.covering(recording_id) if self._reach.has(recording_id) else ()

    def all_are_listed(self) -> None:
        """Refuse: the list is about the whole archive."""
        raise StorageError("the list of what is covered is about the whole archive")

    def unlist_covered(self, ended: Callable[[str], bool]) -> int:
        """Refuse: the list is about the whole archive."""
        raise StorageError(f"the list of what is covered is about the whole archive: {ended.__name__}")


def _readable(rows: Iterator[Custody | Unreadable]) -> Iterator[Custody]:
    return (row for row in rows if isinstance(row, Custody))


def _recording_of(row: Custody) -> frozenset[str]:
    return frozenset({canonical_id(row.recording_id)})
