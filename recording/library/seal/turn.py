"""Seal: sign, every few minutes, a checkpoint over everything written since the last one, beside the line (I13, I14).

The order of writes makes every death of a worker harmless:

1. Journal and list of leaves are written under names that hold their digests; without a checkpoint nothing reads them.
2. The checkpoint is written under its number, unless there is one. That decides: a second instance starts over.
3. The proofs are written beside the files.
4. The sealed items leave the list. An item that is still on it is examined again, and skipped if it has its proof.
"""

import hashlib
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from recording.domain.archived.layout import JSON
from recording.domain.outgoing.events import SubjectKind
from recording.domain.seal.checkpoint import SealFormatError
from recording.domain.seal.leaves import (
    Batch,
    Leaf,
    Line,
    Proved,
    leaf_of,
    read_proofs,
    sealed_name,
    sealed_number,
    token_name,
    written_journal,
    written_proofs,
)
from recording.errors import BlobLockedError, RecordingError
from recording.errors.codes import Code
from recording.library.seal.gather import Gathered, NewFile, gather
from recording.library.seal.log import QUIET_FOR, Head, commit, head_of, remember
from recording.ports import Ports
from recording.ports.bulkhead import ODD_CONTENT
from recording.ports.clock import by_the_shared_clock
from recording.ports.library.seal import SealPorts
from recording.ports.outgoing.announce import announce_subject
from recording.telemetry import Event, emit

BEHIND_AFTER = timedelta(hours=1)  # without a new checkpoint, while sealing fails: then the alarm is raised
STAMP_LOOP = "seal-stamp"  # the cursor: the day of the last time-stamp
MOST_TURNS = 10  # of one run, while the list is long


@dataclass(frozen=True)
class Sealed:
    """What a run did.

    Attributes:
        checkpoints: how many it made.
        leaves: how many are in them.
        end: number and digest of the last one; None when it made none.
        error: why it ended early, if it did.
        is_behind: whether the alarm about an old last checkpoint was raised.
    """

    checkpoints: int = 0
    leaves: int = 0
    end: str | None = None
    error: RecordingError | None = None
    is_behind: bool = False


def seal(ports: Ports) -> Sealed:
    """Seal what is on the list; a key or a store that fails is reported, and the next run continues."""
    seal_ports = ports.seal
    if seal_ports is None:
        return Sealed()
    done, ports = Sealed(), by_the_shared_clock(ports)  # an instance a day ahead would leave a day of rows unread
    try:
        for _ in range(MOST_TURNS):
            head, is_all = _take_turn(ports, seal_ports)
            if head is not None:
                done = _with_checkpoint(done, head)
            if is_all:
                break
    except (RecordingError, *ODD_CONTENT) as error:
        done = replace(done, error=_report_failure(error))
    if done.checkpoints:
        emit(Event.SEALED, count=done.leaves, requests=done.checkpoints, entry=done.end)  # a witness elsewhere
        announce_subject(SubjectKind.SEAL, "log", ports)
    return replace(done, is_behind=_alarm_if_behind(done, ports, seal_ports))


def _with_checkpoint(done: Sealed, head: Head) -> Sealed:
    leaves = done.leaves + (len(head.batch.leaves) if head.batch else 0)
    return replace(done, checkpoints=done.checkpoints + 1, leaves=leaves, end=head.line)


def _report_failure(error: Exception) -> RecordingError:
    failure = error if isinstance(error, RecordingError) else RecordingError("sealing read something of unknown form")
    emit(Event.SEAL_FAILED, code=failure.code, reason=type(error).__name__)
    return failure


def _take_turn(ports: Ports, seal: SealPorts) -> tuple[Head | None, bool]:
    """Make one checkpoint if there is reason to.

    Returns:
        The checkpoint, None where none was made; and whether nothing is left to seal.
    """
    head = head_of(ports, seal)
    found = gather(head, ports, seal)
    late = _write_late_proofs(head, found, ports)
    found.files = [one for one in found.files if one not in late]
    found.lines = [line for line in found.lines if _leaf_of(line) not in _leaves_of(head)]
    if not found.files and not found.lines and not _is_due(head, ports.clock.now()):
        _leave_list(found, seal)
        return None, found.is_all
    made = _commit(head, found, ports.clock.now(), seal)
    if made is None:  # another instance made it, from the same list
        return None, True
    remember(made, ports)
    _write_proofs(made, found.files, ports)
    _leave_list(found, seal)
    _stamp(made, ports, seal)
    return made, found.is_all


def _leave_list(found: Gathered, seal: SealPorts) -> None:
    """Remove what is sealed; what could not be read goes to the end of a long list, so that it hides nothing."""
    seal.waiting.remove(found.done)
    if not found.is_all:
        for item in found.failed:
            seal.waiting.add(replace(item, place=None))
        seal.waiting.remove(found.failed)


def _is_due(head: Head, now: datetime) -> bool:
    return head.at is None or now - head.at >= QUIET_FOR


def _leaf_of(line: Line) -> Leaf:
    return leaf_of(line.kind, line.salt, line.content)


def _leaves_of(head: Head) -> Mapping[Leaf, int]:
    """Return the leaves of the last checkpoint with their numbers."""
    return {leaf: head.batch.first + at for at, leaf in enumerate(head.batch.leaves)} if head.batch else {}


def _commit(head: Head, found: Gathered, now: datetime, seal: SealPorts) -> Head | None:
    first = head.tree.size
    numbered = [replace(line, leaf=first + len(found.files) + at) for at, line in enumerate(found.lines)]
    settled = head.tree.settled()
    batch = Batch(
        number=head.number + 1,
        first=first,
        frontier=settled.frontier,
        leaves=(*(one.leaf for one in found.files), *(_leaf_of(line) for line in numbered)),
        audit_until=found.audit_until,
        recent=found.recent,
        stamp=_stamp_over(head, seal),
    )
    return commit(head, batch, written_journal(numbered) if numbered else None, now, seal)


def _stamp_over(head: Head, seal: SealPorts) -> str | None:
    """Return the digest of the time-stamp over the last checkpoint, so that the next one seals it."""
    token = seal.store.get(token_name(head.number)) if seal.stamps is not None and head.signed is not None else None
    return hashlib.sha256(token[0]).hexdigest() if token else None


def _write_late_proofs(head: Head, found: Gathered, ports: Ports) -> list[NewFile]:
    """Write the proofs that a worker owes the last checkpoint because it died; return the files they are about."""
    known = _leaves_of(head)
    late = [one for one in found.files if one.leaf in known]
    if late:
        _write_proofs(head, late, ports)
    return late


def _write_proofs(head: Head, files: Sequence[NewFile], ports: Ports) -> None:
    numbers, folders = _leaves_of(head), defaultdict[str, list[Proved]](list)
    for one in files:
        leaf = numbers[one.leaf]
        path = tuple(head.tree.path(leaf))
        folders[one.folder].append(Proved(one.name, one.leaf.kind, one.salt, one.leaf.digest, leaf, path))
    raw = head.signed.raw if head.signed else b""
    for folder, proofs in folders.items():
        _put_proofs(sealed_name(folder, head.number), raw, written_proofs(raw, proofs), ports)


def _put_proofs(name: str, checkpoint: bytes, document: bytes, ports: Ports) -> None:
    """Write a document of proofs once; one of another checkpoint of this number, lost in a failover, is replaced."""
    if ports.archive.put_once(name, document, JSON):
        return
    stored = ports.archive.get(name)
    try:
        is_ours = stored is not None and read_proofs(stored[0])[0] == checkpoint
    except SealFormatError:
        is_ours = False
    if stored is None or is_ours:
        return
    try:
        ports.archive.put_if_unchanged(name, document, JSON, stored[1])
    except BlobLockedError as error:
        emit(Event.SEAL_FAILED, code=error.code, reason="proof_locked", detail=f"number {sealed_number(name)}")


def _stamp(head: Head, ports: Ports, seal: SealPorts) -> None:
    """Have the first checkpoint of each day time-stamped, where that is set; after a failure, have the next one."""
    if seal.stamps is None or head.signed is None:
        return
    today = ports.clock.now().date().isoformat()
    if ports.catalog.cursor(STAMP_LOOP) == today:
        return
    try:
        token = seal.stamps.token(bytes.fromhex(head.signed.digest))
        seal.store.put_once(token_name(head.number), token, "application/timestamp-reply")
        ports.catalog.save_cursor(STAMP_LOOP, today)
    except RecordingError as error:
        emit(Event.SEAL_FAILED, code=error.code, reason="not_stamped")


def _alarm_if_behind(done: Sealed, ports: Ports, seal: SealPorts) -> bool:
    """Raise the alarm when the last checkpoint is old and no new one could be made; return whether it was raised."""
    if done.error is None:
        return False
    try:
        at = head_of(ports, seal).at
    except RecordingError as error:
        if error.code is not Code.SEAL_ALTERED:
            return False
        at = None
    is_behind = at is None or ports.clock.now() - at >= BEHIND_AFTER
    if is_behind:
        emit(Event.SEAL_BEHIND, code=done.error.code)
    return is_behind
