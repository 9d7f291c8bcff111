"""Holds, marks and rules in memory, under the same contract suite as the table."""

from collections.abc import Callable, Iterator
from itertools import count

from dev.in_memory.fakes.limits import check_document
from dev.in_memory.fakes.scripted import Scripted, scripted
from recording.domain.ids import name_of
from recording.domain.keep.custody import Custody, case_key
from recording.domain.keep.erasure import Covering, Erasure, covering_of
from recording.domain.keep.rules import RuleSet
from recording.errors import ClaimLostError, StorageError
from recording.errors.codes import Code
from recording.ports import Page, Unreadable
from recording.ports.library.keeping import Covered


class FakeKeeping(Scripted):
    """The table `custody`: `rows` by the recording's name, `made` the rules by their number, and what is unreadable."""

    def __init__(self) -> None:
        super().__init__()
        self.rows: dict[str, Custody] = {}
        self.made: dict[int, RuleSet] = {}
        self.requests: dict[str, Erasure] = {}
        self.unreadable: set[str] = set()
        self.listed: set[tuple[str, str]] = set()  # recordings that requests cover, by name
        self.is_listed = False
        self._etags = count(1)

    @scripted
    def custody(self, recording_id: str) -> Custody | None:
        if name_of(recording_id) in self.unreadable:
            raise StorageError("a newer version has written this row", code=Code.NEWER_RECORD)
        return self.rows.get(name_of(recording_id))

    @scripted
    def add_custody(self, custody: Custody) -> bool:
        if name_of(custody.recording_id) in self.rows:
            return False
        self._keep(custody)
        return True

    @scripted
    def save_custody(self, custody: Custody) -> Custody:
        known = self.rows.get(name_of(custody.recording_id))
        if known is None or known.etag != custody.etag:
            raise ClaimLostError("the row has changed")
        return self._keep(custody)

    @scripted
    def custodies(self, first: str, last: str) -> Iterator[Custody | Unreadable]:
        names = [name for name in sorted(self.rows) if first <= name <= last]
        return iter([Unreadable(name) if name in self.unreadable else self.rows[name] for name in names])

    @scripted
    def held(self, after: str = "", most: int = 1000) -> Page[Custody]:
        found = {case_key(hold.case, row.recording_id): row for row in self.rows.values() for hold in row.active_holds}
        behind = [key for key in sorted(found) if key > after]
        taken = behind[:most]
        rows = (found[key] for key in taken)
        seen = [Unreadable(row.recording_id) if name_of(row.recording_id) in self.unreadable else row for row in rows]
        return Page(tuple(seen), taken[-1] if len(behind) > len(taken) else "")

    @scripted
    def rules(self) -> RuleSet:
        return self.made[max(self.made)] if self.made else RuleSet()

    @scripted
    def add_rules(self, rules: RuleSet) -> bool:
        if rules.number in self.made:
            return False
        self.made[rules.number] = rules
        return True

    @scripted
    def rules_history(self) -> Iterator[RuleSet | Unreadable]:
        odd = self.unreadable
        return iter([Unreadable(f"!rules/{n}") if f"!rules/{n}" in odd else self.made[n] for n in sorted(self.made)])

    @scripted
    def reword_rules(self, rules: RuleSet) -> None:
        if rules.number in self.made:
            self.made[rules.number] = rules

    @scripted
    def erasure(self, erasure_id: str) -> Erasure | None:
        if erasure_id in self.unreadable:
            raise StorageError("a newer version has written this row", code=Code.NEWER_RECORD)
        return self.requests.get(erasure_id)

    @scripted
    def add_erasure(self, erasure: Erasure) -> bool:
        if erasure.erasure_id in self.requests:
            return False
        self._keep_request(erasure)
        return True

    @scripted
    def save_erasure(self, erasure: Erasure) -> Erasure:
        known = self.requests.get(erasure.erasure_id)
        if known is None or known.etag != erasure.etag:
            raise ClaimLostError("the row has changed")
        return self._keep_request(erasure)

    @scripted
    def erasures(self) -> Iterator[Erasure | Unreadable]:
        odd = self.unreadable
        return iter([Unreadable(name) if name in odd else self.requests[name] for name in list(self.requests)])

    @scripted
    def list_covered(self, erasure: Erasure) -> None:
        self.listed |= {(name_of(recording_id), erasure.erasure_id) for recording_id in erasure.recordings}

    @scripted
    def covered(self, after: str = "", most: int = 1000) -> Covered:
        keys = ["!all"] * self.is_listed + [f"{name}!{one}" for name, one in sorted(self.listed)]
        behind = [key for key in sorted(keys) if key > after]
        names = frozenset(key.partition("!")[0] for key in behind[:most] if key != "!all")
        return Covered(names, behind[most - 1] if len(behind) > most else "", "!all" in behind[:most])

    @scripted
    def covering(self, recording_id: str) -> tuple[Covering, ...] | None:
        if not self.is_listed:
            return None
        ids = sorted(one for name, one in self.listed if name == name_of(recording_id))
        return tuple(covering_of(one, self.requests.get(one), recording_id) for one in ids)

    @scripted
    def all_are_listed(self) -> None:
        self.is_listed = True

    @scripted
    def unlist_covered(self, ended: Callable[[str], bool]) -> int:
        gone = {entry for entry in self.listed if ended(entry[1])}
        self.listed -= gone
        return len(gone)

    def _keep_request(self, erasure: Erasure) -> Erasure:
        check_document(erasure.model_dump_json())
        kept = erasure.model_copy(update={"etag": f'"{next(self._etags)}"'})
        self.requests[erasure.erasure_id] = kept
        return kept

    def _keep(self, custody: Custody) -> Custody:
        check_document(custody.model_dump_json())
        kept = custody.model_copy(update={"etag": f'"{next(self._etags)}"'})
        self.rows[name_of(custody.recording_id)] = kept
        return kept
