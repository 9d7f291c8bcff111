"""The log: find its last checkpoint, and add the next one, which only one instance can."""

import hashlib
import re
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

from recording.domain.archived.layout import JSON
from recording.domain.ids import without_numbers
from recording.domain.seal import leaves
from recording.domain.seal.checkpoint import Checkpoint, SealFormatError, SignedCheckpoint, key_id_of, read_checkpoint
from recording.domain.seal.checkpoint import signed as with_signature
from recording.domain.seal.leaves import Batch
from recording.domain.seal.merkle import Tree
from recording.domain.seal.signature import pem_of
from recording.errors import StorageError
from recording.errors.codes import Code
from recording.ports import AuditEntry, Ports
from recording.ports.audit import DONE
from recording.ports.library.seal import SealPorts, SealStore

LOOP = "seal"  # the cursor: number and digest of the newest checkpoint, kept in another account than the log
ACCEPT_END = "accept_seal_end"  # the operation in the audit trail
QUIET_FOR = timedelta(days=1)  # with nothing to seal, a checkpoint a day says that there was nothing
LATEST = QUIET_FOR + timedelta(hours=2)  # age of a copy's last checkpoint: a day, and what timer and copying take
_LONGEST_NUMBER = 18  # digits
_DIGEST = re.compile(r"[0-9a-f]{64}", re.ASCII)
_TEXT, _LINES, _PEM = "text/plain", "application/x-ndjson", "application/x-pem-file"


@dataclass(frozen=True)
class Head:
    """The last checkpoint and what it added; `signed` is None while there is none."""

    signed: SignedCheckpoint | None = None
    batch: Batch | None = None
    tree: Tree = field(default_factory=Tree)

    @property
    def number(self) -> int:
        """Return the number of the last checkpoint; -1 before the first."""
        return self.signed.checkpoint.number if self.signed else -1

    @property
    def line(self) -> str:
        """Return number and digest of the last checkpoint, as a witness keeps them; "" before the first."""
        return f"{self.number} {self.signed.digest}" if self.signed else ""

    @property
    def at(self) -> datetime | None:
        """Return when it was made."""
        return self.signed.checkpoint.at if self.signed else None

    @property
    def audit_until(self) -> datetime | None:
        """Return up to when the audit trail was read."""
        return self.batch.audit_until if self.batch else None

    @property
    def recent(self) -> frozenset[str]:
        """Return the marks of rows near that time that are sealed."""
        return frozenset(self.batch.recent if self.batch else ())


def head_of(ports: Ports, seal: SealPorts) -> Head:
    """Return the last checkpoint, with the tree that the next one grows.

    Raises:
        StorageError: storage fails, or `seal_altered`: what is stored is not what this app wrote, or its end is gone.
    """
    cursor = ports.catalog.cursor(LOOP)
    known, number = memory_of(cursor), _last_number(cursor.partition(" ")[0], seal.store)
    head = head_at(number, seal)
    if known is not None:
        _check_is_there(known, head.signed, seal)
    return head


def head_at(number: int, seal: SealPorts) -> Head:
    """Return a checkpoint with its leaves, which make up its root.

    Raises:
        StorageError: storage fails, or `seal_altered`: it is not what this app wrote, or it is missing.
    """
    if number < 0:
        return Head()
    signed = _read_checkpoint(number, seal)
    batch = _read_batch(signed, seal.store)
    try:
        tree = Tree(batch.first, batch.frontier, tuple(leaf.hash for leaf in batch.leaves))
    except ValueError:  # a frontier that no tree has
        raise _altered(number) from None
    if (tree.size, tree.root()) != (signed.checkpoint.size, signed.checkpoint.root):
        raise _altered(number)
    return Head(signed, batch, tree)


@dataclass(frozen=True)
class Memory:
    """A checkpoint as remembered outside the log: its number, and the SHA-256 of its file."""

    number: int
    digest: str


def memory_of(text: str) -> Memory | None:
    """Return the checkpoint that a line `number digest` names; None for a line of another form."""
    number, _, digest = text.strip().partition(" ")
    is_known = number.isdecimal() and number.isascii() and len(number) <= _LONGEST_NUMBER
    return Memory(int(number), digest) if is_known and _DIGEST.fullmatch(digest) else None


def remember(head: Head, ports: Ports) -> None:
    """Save where the log ends outside the log, where the right to remove its end does not reach."""
    ports.catalog.save_cursor(LOOP, head.line)


def accept_end(note: str, caller: str | None, ports: Ports, seal: SealPorts) -> Head:
    """Accept the log's present end as the true one, and return it; a row in the audit trail is written first.

    Args:
        note: why, in the operator's words.
        caller: the object id of the operator; None where it is not known.
        ports: audit trail and catalog.
        seal: the log.

    Raises:
        StorageError: the trail or the log do not answer, or `seal_altered`: what is stored is not as it was written.
    """
    lost = ports.catalog.cursor(LOOP)
    head = head_at(_last_number("", seal.store), seal)
    remark = f"{without_numbers(note)}; it was {lost or 'unknown'}, and is {head.line or 'empty'}"
    ports.audit.add(AuditEntry(ports.clock.now(), ACCEPT_END, None, caller, DONE, remark))
    remember(head, ports)
    return head


def _check_is_there(known: Memory, last: SignedCheckpoint | None, seal: SealPorts) -> None:
    """Check that the log still has the remembered checkpoint; on a log that was cut, a second history would begin."""
    if last is not None and last.checkpoint.number == known.number:
        digest: str | None = last.digest
    else:
        found = seal.store.get(leaves.checkpoint_name(known.number))
        digest = hashlib.sha256(found[0]).hexdigest() if found else None
    if digest != known.digest:
        raise _altered(known.number)


def commit(head: Head, batch: Batch, journal: bytes | None, now: datetime, seal: SealPorts) -> Head | None:
    """Write the next checkpoint over a batch; return None, with nothing changed, when another instance was faster.

    Raises:
        SealKeyError: the key does not sign.
        StorageError: storage fails; the same again completes it.
    """
    if journal is not None:
        digest = hashlib.sha256(journal).hexdigest()
        seal.store.put_once(leaves.journal_name(batch.number, digest), journal, _LINES)
        batch = replace(batch, journal=digest)
    document = batch.written()
    tree = head.tree.settled().grown(leaf.hash for leaf in batch.leaves)
    checkpoint = Checkpoint(
        origin=seal.origin,
        size=tree.size,
        root=tree.root(),
        number=batch.number,
        at=max(now, head.at) if head.at else now,
        batch=hashlib.sha256(document).hexdigest(),
        previous=head.signed.digest if head.signed else None,
    )
    public_key = seal.key.public_key()
    signed = with_signature(checkpoint, public_key, seal.key.sign(checkpoint.text))
    if head.signed is None or head.signed.key_id != signed.key_id:
        seal.store.put_once(leaves.key_name(key_id_of(public_key)), pem_of(public_key), _PEM)
    seal.store.put_once(leaves.batch_name(batch.number, checkpoint.batch), document, JSON)
    name = leaves.checkpoint_name(batch.number)
    if not seal.store.put_once(name, signed.raw, _TEXT) and not _is_ours(name, signed, seal.store):
        return None
    return Head(signed, batch, tree)


def _is_ours(name: str, signed: SignedCheckpoint, store: SealStore) -> bool:
    """Return whether the stored checkpoint is this one: it was written, and the answer was lost."""
    found = store.get(name)
    return found is not None and found[0] == signed.raw


def _last_number(cursor: str, store: SealStore) -> int:
    """Return the highest number of a checkpoint, -1 for none; numbers have no gap, so a few look-ups find it."""
    known = int(cursor) if cursor.isdecimal() else -1
    if known >= 0 and not _is_there(known, store):
        known = -1
    step = 1
    while _is_there(known + step, store):
        known, step = known + step, step * 2
    while step > 1:
        step //= 2
        if _is_there(known + step, store):
            known += step
    return known


def _is_there(number: int, store: SealStore) -> bool:
    return store.get(leaves.checkpoint_name(number)) is not None


def _read_checkpoint(number: int, seal: SealPorts) -> SignedCheckpoint:
    found = seal.store.get(leaves.checkpoint_name(number))
    try:
        signed = read_checkpoint(found[0] if found else b"")
    except SealFormatError:
        raise _altered(number) from None
    if (signed.checkpoint.number, signed.checkpoint.origin) != (number, seal.origin):
        raise _altered(number)
    return signed


def _read_batch(signed: SignedCheckpoint, store: SealStore) -> Batch:
    number, digest = signed.checkpoint.number, signed.checkpoint.batch
    found = store.get(leaves.batch_name(number, digest))
    if found is None or hashlib.sha256(found[0]).hexdigest() != digest:
        raise _altered(number)
    try:
        return leaves.read_batch(found[0])
    except (SealFormatError, ValueError):
        raise _altered(number) from None


def _altered(number: int) -> StorageError:
    message = f"checkpoint {number} or its leaves are not as they were written; find out why before accepting the end"
    return StorageError(message, code=Code.SEAL_ALTERED)
