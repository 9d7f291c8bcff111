"""Compare the log and the audit trail with what was sealed, each night; a pass continues where the last turn stopped.

A pass reads the log from its first checkpoint to its last: each is chained to the one before, is signed, and covers
exactly its leaves; each row of its journal is a leaf, and is in the trail as it was sealed, in both places; and the
trail has no other row of that time. The nights after a pass read what is new. The next pass begins a week after the
last one began, or the next night where something differs.
"""

import hashlib
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import timedelta

from recording.domain.model import with_changes
from recording.domain.watched.looks import COMPARED, SealLook
from recording.errors import StorageError
from recording.errors.codes import Code
from recording.library.seal.compare_checkpoint import Difference, Walk
from recording.library.seal.log import head_of
from recording.ports import AuditEntry, Ports
from recording.ports.audit import DONE
from recording.ports.clock import by_the_shared_clock
from recording.ports.library.seal import SealPorts
from recording.telemetry import Event, emit

NIGHT_HOUR = 4  # UTC; a night's work continues in the following hours until it is done
COMPARE_TIME = timedelta(minutes=10)  # of a turn; the host ends a function after half an hour
OVERDUE_AFTER = timedelta(hours=25)  # since the last turn: then a night has failed, and any hour makes up for it
PASS_EVERY = timedelta(days=7)
MOST_KEPT = 300  # differences, and owed leaves, that the cursor keeps
MOST_RAISED = 100  # log events of one turn
ACCEPT = "accept_seal_differences"  # the operation in the audit trail


def compare_if_due(ports: Ports) -> SealLook | None:
    """Compare each night, and in each hour after it until the log's end is reached; None when nothing is due.

    Raises:
        StorageError: storage does not answer; the next hourly run continues.
    """
    if ports.seal is None:
        return None
    ports = by_the_shared_clock(ports)
    last, now = SealLook.read(ports.catalog.cursor(COMPARED)), ports.clock.now()
    is_due = last is None or last.unfinished or now - last.at > OVERDUE_AFTER
    is_due = is_due or now.hour == NIGHT_HOUR
    return compare(ports, ports.seal) if is_due and ports.seal is not None else None


def compare(ports: Ports, seal: SealPorts, clock: Callable[[], float] = time.monotonic) -> SealLook:
    """Continue the present pass for one turn; report each difference, and save the position.

    Args:
        ports: the trail is read; only the cursor of this comparison is written.
        seal: the log.
        clock: seconds of this process, for `COMPARE_TIME`.

    Raises:
        StorageError: storage does not answer; the next turn begins where this one began.
    """
    began, turn = clock(), _Turn(_present_pass(ports))
    try:
        head = head_of(ports, seal)
        walk = Walk(turn.look.number, ports, seal)
        while turn.number <= head.number and not turn.is_late(clock() - began):
            turn.take(walk.look_at(turn.number))
        turn.rows, turn.stated, turn.owed = walk.rows, walk.stated, walk.owed
        turn.is_end = turn.number > head.number
    except StorageError as error:
        if error.code is not Code.SEAL_ALTERED:
            raise
        turn.found.append(Difference("checkpoints", Code.SEAL_ALTERED, "the end that is remembered is not there"))
    look = turn.looked(ports)
    ports.catalog.save_cursor(COMPARED, look.model_dump_json())
    _report(turn, look, timedelta(seconds=clock() - began))
    return look


def accept_differences(note: str, caller: str | None, ports: Ports) -> int:
    """Accept all differences found so far as explained, and return their number; the audit row is written first.

    Args:
        note: why, in the operator's words.
        caller: the object id of the operator; None where it is not known.
        ports: audit trail and catalog.

    Raises:
        StorageError: the trail or the catalog do not answer.
    """
    look = SealLook.read(ports.catalog.cursor(COMPARED))
    if look is None:
        return 0
    explained = sorted({*look.found, *look.before} - {*look.accepted})
    ports.audit.add(AuditEntry(ports.clock.now(), ACCEPT, None, caller, DONE, f"{note}; {len(explained)} differences"))
    kept = (*look.accepted, *explained)[-MOST_KEPT:]
    ports.catalog.save_cursor(COMPARED, with_changes(look, {"accepted": kept, "since": None}).model_dump_json())
    return len(explained)


def _present_pass(ports: Ports) -> SealLook:
    """Return the present pass; a new one where the last is over and the next is due."""
    now = ports.clock.now()
    last = SealLook.read(ports.catalog.cursor(COMPARED))
    if last is None:
        return SealLook(at=now, began_at=now)
    is_over = not last.unfinished and (last.differences or now - last.began_at >= PASS_EVERY)
    if not is_over:
        return last
    fresh = {"began_at": now, "number": 0, "rows": 0, "found": (), "before": last.found or last.before, "owed": ()}
    return with_changes(last, fresh)


@dataclass
class _Turn:
    """One turn: what it found, and its last position."""

    look: SealLook
    found: list[Difference] = field(default_factory=list)
    stated: set[int] = field(default_factory=set)
    owed: set[int] = field(default_factory=set)
    rows: int = 0
    checkpoints: int = 0
    is_end: bool = False

    @property
    def number(self) -> int:
        """Return the number of the checkpoint to examine next."""
        return self.look.number + self.checkpoints

    def is_late(self, seconds: float) -> bool:
        """Return whether the turn's time is over; never before its first checkpoint."""
        return bool(self.checkpoints) and seconds > COMPARE_TIME.total_seconds()

    def take(self, differences: Sequence[Difference]) -> None:
        """Add the differences of one checkpoint."""
        self.found += differences
        self.checkpoints += 1

    def looked(self, ports: Ports) -> SealLook:
        """Return the pass as it is after this turn, to be saved."""
        look, now = self.look, ports.clock.now()
        owed = ({*look.owed} | self.owed) - self.stated
        owed_before = {*look.owed_before} - self.stated
        if self.is_end:
            self.found += [
                Difference(f"leaf {leaf}", "row_missing", "it was withdrawn, and nothing says why")
                for leaf in sorted(owed & owed_before)
            ]
        found = tuple(dict.fromkeys([*look.found, *map(digest_of, self.found)]))[:MOST_KEPT]
        changes = {
            "at": now,
            "number": self.number,
            "unfinished": not self.is_end,
            "rows": look.rows + self.rows,
            "found": found,
            "before": () if self.is_end else look.before,
            "owed": tuple(sorted(owed))[:MOST_KEPT],
            "owed_before": tuple(sorted(owed if self.is_end else owed_before))[:MOST_KEPT],
        }
        after = with_changes(look, changes)
        return with_changes(after, {"since": (look.since or now) if after.differences else None})


def digest_of(one: Difference) -> str:
    """Return a short name for a difference that discloses nothing about it."""
    return hashlib.sha256("|".join((one.name, one.problem, one.detail)).encode()).hexdigest()[:16]


def _report(turn: _Turn, look: SealLook, took: timedelta) -> None:
    fresh = [one for one in turn.found if digest_of(one) not in look.accepted]
    for one in fresh[:MOST_RAISED]:
        emit(Event.SEAL_DIFFERS, reason=one.problem, entry=one.name, detail=one.detail or None)
    emit(
        Event.SEAL_COMPARED,
        count=look.differences,
        requests=turn.checkpoints,
        files=turn.rows,
        reason="time_ran_out" if look.unfinished else None,
        took_ms=round(took.total_seconds() * 1000),
    )
