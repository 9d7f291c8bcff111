"""Leaves and the documents around them: what a checkpoint adds, and what is stored beside the files it proves. Pure.

A leaf is `kind digest`, and the digest is taken over a random salt and the content. So the log reveals nothing of what
was written, and erasing the content and its salt leaves a leaf that fits nothing, in a log that still adds up.

The salt of a file ends with the file's name in the archive. So a leaf stands for this content in this place, and no
sealed file, nor an earlier version of one, passes for another (docs/adr/0057).
"""

import hashlib
import json
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any

from recording.domain.seal.checkpoint import SealFormatError
from recording.domain.seal.merkle import leaf_hash

SCHEMA = 1
SALT_BYTES = 16
CHECKPOINTS, BATCHES, JOURNALS, KEYS, TOKENS = "checkpoints/", "batches/", "journal/", "keys/", "tokens/"
_SEALED = re.compile(r"seal\.(?P<number>[0-9]{10})\.json", re.ASCII)
_MANIFEST = re.compile(r"manifest(?:\.[0-9]{4})?\.json", re.ASCII)


class Kind(StrEnum):
    """What a leaf stands for."""

    RECEIPT = "receipt"
    METADATA = "metadata"
    AFTER = "after"
    MANIFEST = "manifest"
    AUDIT = "audit"
    DOCUMENT = "document"  # a hold, an export, a certificate: any other file that was given to the seal
    WITHDRAWAL = "withdrawal"  # says which leaves no longer stand for anything, and by which certificate


OF_ROWS = (Kind.AUDIT, Kind.WITHDRAWAL)  # kinds of rows in the trail: none has a file of its own


@dataclass(frozen=True)
class Leaf:
    """What one leaf commits to."""

    kind: Kind
    digest: str

    @property
    def entry(self) -> bytes:
        """Return the leaf's bytes, as the tree hashes them."""
        return f"{self.kind} {self.digest}".encode()

    @property
    def hash(self) -> bytes:
        """Return the leaf's hash."""
        return leaf_hash(self.entry)


def leaf_of(kind: Kind, salt: bytes, content: bytes) -> Leaf:
    """Return the leaf for a content."""
    return Leaf(kind, hashlib.sha256(salt + content).hexdigest())


def salt_for(secret: bytes, name: str, content: bytes) -> bytes:
    """Return the random part of a file's salt; the same work done again with the same secret gives the same."""
    said = hashlib.sha256(content).digest() + name.encode()
    return hashlib.sha256(secret + said).digest()[:SALT_BYTES]


def salt_of_file(secret: bytes, name: str, content: bytes) -> bytes:
    """Return the salt of a file: the random part, and the file's name in the archive."""
    return salt_for(secret, name, content) + name.encode()


def kind_of(name: str) -> Kind | None:
    """Return what kind of document a file of a recording's folder is; None for one that the seal leaves alone."""
    file_name = name.rpartition("/")[2]
    if _MANIFEST.fullmatch(file_name):
        return Kind.MANIFEST
    for ending, kind in (
        (".receipt.json", Kind.RECEIPT),
        (".metadata.json", Kind.METADATA),
        (".after.json", Kind.AFTER),
    ):
        if file_name.endswith(ending):
            return kind
    return None


def is_written_once(name: str, kind: Kind) -> bool:
    """Return whether a document never changes: a manifest grows, and a derived file may be made again."""
    return kind is not Kind.MANIFEST and not name.rpartition("/")[2].startswith("derived.")


# --- names -----------------------------------------------------------------------------------------------------------


def checkpoint_name(number: int) -> str:
    """Return where a checkpoint is stored; there is one blob for each number, so the log cannot fork."""
    return f"{CHECKPOINTS}{number:010d}.txt"


def batch_name(number: int, digest: str) -> str:
    """Return where the leaves of a checkpoint are listed; no checkpoint names the batch that lost a race."""
    return f"{BATCHES}{number:010d}-{digest[:16]}.json"


def journal_name(number: int, digest: str) -> str:
    """Return where the rows that a checkpoint's leaves stand for are written down."""
    return f"{JOURNALS}{number:010d}-{digest[:16]}.jsonl"


def token_name(number: int) -> str:
    """Return where the time-stamp over a checkpoint is stored."""
    return f"{TOKENS}{number:010d}.tsr"


def key_name(key_id: bytes) -> str:
    """Return where a public key is stored."""
    return f"{KEYS}{key_id.hex()}.pem"


def sealed_name(folder: str, number: int) -> str:
    """Return where a checkpoint's proofs for the files of a folder are stored."""
    return f"{folder}/seal.{number:010d}.json" if folder else f"seal.{number:010d}.json"


def sealed_number(name: str) -> int | None:
    """Return the checkpoint whose proofs a file holds, by its name; None when it holds none."""
    found = _SEALED.fullmatch(name.rpartition("/")[2])
    return int(found["number"]) if found else None


# --- documents -------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Batch:
    """The leaves that a checkpoint adds, the frontier they were added to, and how far the audit trail was read.

    Attributes:
        number: of the checkpoint.
        first: how many leaves there are before these.
        frontier: the roots of the complete subtrees before these.
        leaves: in their order.
        journal: the digest in the journal's name; None when no leaf stands for a row.
        audit_until: rows of the audit trail up to this time were read.
        recent: rows near that time which were sealed already, by the hash of their id.
        stamp: the SHA-256 of the time-stamp over the checkpoint before; None where it has none.
    """

    number: int
    first: int
    frontier: tuple[bytes, ...]
    leaves: tuple[Leaf, ...]
    journal: str | None = None
    audit_until: datetime | None = None
    recent: tuple[str, ...] = ()
    stamp: str | None = None

    def written(self) -> bytes:
        """Return the document."""
        document = {
            "schema": SCHEMA,
            "number": self.number,
            "first": self.first,
            "frontier": [each.hex() for each in self.frontier],
            "leaves": [leaf.entry.decode() for leaf in self.leaves],
            "journal": self.journal,
            "auditUntil": self.audit_until.isoformat() if self.audit_until else None,
            "recent": list(self.recent),
            **({"stamp": self.stamp} if self.stamp else {}),
        }
        return json.dumps(document, indent=0).encode() + b"\n"


def read_batch(raw: bytes) -> Batch:
    """Return a stored batch.

    Raises:
        SealFormatError: it is none.
    """
    document = _object(raw)
    try:
        until = document.get("auditUntil")
        return Batch(
            number=_whole(document["number"]),
            first=_whole(document["first"]),
            frontier=tuple(bytes.fromhex(each) for each in document["frontier"]),
            leaves=tuple(_leaf(entry) for entry in document["leaves"]),
            journal=document.get("journal"),
            audit_until=datetime.fromisoformat(until) if until else None,
            recent=tuple(document.get("recent") or ()),
            stamp=document.get("stamp"),
        )
    except (ValueError, LookupError, TypeError, AttributeError, ArithmeticError) as error:
        raise SealFormatError(f"not a batch of leaves ({type(error).__name__})") from None


@dataclass(frozen=True)
class Proved:
    """One file and the proof that its content was sealed: salt, leaf and audit path."""

    name: str
    kind: Kind
    salt: bytes
    digest: str
    leaf: int
    path: tuple[bytes, ...] = field(default=())

    @property
    def blob_name(self) -> str | None:
        """Return where in the archive the file was sealed; None for a leaf of an older version, which lacks it."""
        return self.salt[SALT_BYTES:].decode(errors="replace") or None

    def matches(self, content: bytes) -> bool:
        """Return whether this is the content that was sealed."""
        return leaf_of(self.kind, self.salt, content).digest == self.digest


def written_proofs(checkpoint: bytes, proofs: Iterable[Proved]) -> bytes:
    """Return the document of proofs that is stored beside files; it holds the whole signed checkpoint."""
    document = {
        "schema": SCHEMA,
        "checkpoint": checkpoint.decode(),
        "files": [
            {
                "name": one.name,
                "kind": one.kind,
                "salt": one.salt.hex(),
                "digest": one.digest,
                "leaf": one.leaf,
                "path": [each.hex() for each in one.path],
            }
            for one in proofs
        ],
    }
    return json.dumps(document, indent=2).encode() + b"\n"


def is_as_written(raw: bytes) -> bool:
    """Return whether a document of proofs is byte for byte as this app writes it.

    Raises:
        SealFormatError: it is not such a document.
    """
    return written_proofs(*read_proofs(raw)) == raw


def read_proofs(raw: bytes) -> tuple[bytes, list[Proved]]:
    """Return the checkpoint and the proofs of a document.

    Raises:
        SealFormatError: it is none.
    """
    document = _object(raw)
    try:
        proofs = [
            Proved(
                str(one["name"]),
                Kind(one["kind"]),
                bytes.fromhex(one["salt"]),
                str(one["digest"]),
                _whole(one["leaf"]),
                tuple(bytes.fromhex(each) for each in one["path"]),
            )
            for one in document["files"]
        ]
        return str(document["checkpoint"]).encode(), proofs
    except (ValueError, LookupError, TypeError, AttributeError, ArithmeticError) as error:
        raise SealFormatError(f"not a document of proofs ({type(error).__name__})") from None


@dataclass(frozen=True)
class Line:
    """One row in a journal; `row` is None where it was withdrawn, and `row_id` then says which one it was."""

    leaf: int
    kind: Kind
    salt: bytes
    row: Mapping[str, Any] | None
    row_id: str | None = None

    @property
    def content(self) -> bytes:
        """Return the row's bytes, as its leaf's digest was taken over them."""
        return canonical(self.row or {})


def withdrawn_by(line: Line) -> dict[int, str | None]:
    """Return the leaves that a statement declares void, with the ids of the rows that they stood for, if any."""
    told = line.row or {}
    leaves, rows = told.get("leaves") or (), told.get("rows") or ()
    named = dict(zip(leaves, rows, strict=False)) if len(rows) == len(leaves) else dict.fromkeys(leaves)
    return {at: str(row) if row else None for at, row in named.items() if type(at) is int}


def canonical(row: Mapping[str, Any]) -> bytes:
    """Return the canonical JSON of a row: keys sorted, no spaces, nothing for values that are missing."""
    said = {name: value for name, value in row.items() if value is not None}
    return json.dumps(said, sort_keys=True, separators=(",", ":"), ensure_ascii=True).encode()


def written_journal(lines: Sequence[Line]) -> bytes:
    """Return a journal: one row a line."""
    rows = [
        {"leaf": line.leaf, "kind": line.kind, "salt": line.salt.hex(), "row": line.row}
        if line.row is not None
        else {"leaf": line.leaf, "kind": line.kind, "withdrawn": True} | ({"id": line.row_id} if line.row_id else {})
        for line in lines
    ]
    return b"".join(json.dumps(row).encode() + b"\n" for row in rows)


def read_journal(raw: bytes) -> list[Line]:
    """Return the rows of a journal.

    Raises:
        SealFormatError: it is none.
    """
    return [_line(_object(text)) for text in raw.splitlines()]


def _line(entry: Mapping[str, Any]) -> Line:
    try:
        is_withdrawn = entry.get("withdrawn") is True
        row = None if is_withdrawn else dict(entry["row"])
        row_id = entry.get("id") if is_withdrawn else None
        salt = bytes.fromhex(entry.get("salt") or "")
        return Line(_whole(entry["leaf"]), Kind(entry["kind"]), salt, row, None if row_id is None else str(row_id))
    except (ValueError, LookupError, TypeError, ArithmeticError) as error:
        raise SealFormatError(f"not a row of a journal ({type(error).__name__})") from None


def _whole(value: object) -> int:
    """Return a number that is written as one: neither 1.0 nor true, which the tree would take for 1."""
    if type(value) is not int:
        raise TypeError("not a whole number")
    return value


def _leaf(entry: str) -> Leaf:
    kind, _, digest = entry.partition(" ")
    return Leaf(Kind(kind), digest)


def _object(raw: bytes) -> dict[str, Any]:
    try:
        found = json.loads(raw)
    except (ValueError, RecursionError):
        raise SealFormatError("not JSON") from None
    if not isinstance(found, dict):
        raise SealFormatError("not a JSON object")
    return found
