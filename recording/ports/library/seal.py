"""Ports of the seal: a signing key, the list of items to be sealed, and a store for checkpoints."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, Protocol

from recording.domain.archived.drift import BlobFacts


class Waiting(StrEnum):
    """What waits to be sealed."""

    RECORDING = "recording"  # the documents in a recording's folder
    FILE = "file"  # one document in the archive
    WITHDRAWAL = "withdrawal"  # a statement that leaves stand for nothing any more


@dataclass(frozen=True)
class ToSeal:
    """One item that waits to be sealed.

    Attributes:
        what: its kind.
        name: a recording's id, a blob's name, or a certificate's.
        secret: random; the salts of its leaves are derived from it, so that repeated work gives the same result.
        facts: more details, small.
        place: its position in the list; None before it was added.
    """

    what: Waiting
    name: str
    secret: bytes
    facts: Mapping[str, Any] = field(default_factory=dict)
    place: str | None = None


class SealList(Protocol):
    """The list of items that wait to be sealed. Every method raises StorageError."""

    def add(self, item: ToSeal) -> None:
        """Append an item; the same thing may be on the list several times."""
        ...

    def first(self, most: int) -> list[ToSeal]:
        """Return the items that have waited longest, at most `most`."""
        ...

    def remove(self, items: Sequence[ToSeal]) -> None:
        """Remove items by their places. Removing what is gone is success."""
        ...


class SealKey(Protocol):
    """An ECDSA key on P-256. Every method raises SealKeyError."""

    def public_key(self) -> bytes:
        """Return the public key that the next signature will be made with: SubjectPublicKeyInfo in DER."""
        ...

    def sign(self, text: bytes) -> bytes:
        """Return the signature over the SHA-256 of a text, in DER, by the key that `public_key` returned last."""
        ...


class SealStore(Protocol):
    """The container of checkpoints. Nothing in it is ever replaced. Every method raises StorageError."""

    def put_once(self, name: str, data: bytes, media_type: str) -> bool:
        """Write a small blob. False, and no change, when one is already stored there."""
        ...

    def get(self, name: str) -> tuple[bytes, str] | None:
        """Return a small blob and its ETag; None when absent."""
        ...

    def list(self, prefix: str) -> Iterator[BlobFacts]:
        """Yield all blobs with this prefix, in the order of names."""
        ...


class TimeStamps(Protocol):
    """A time-stamping authority (RFC 3161). Raises SealKeyError."""

    def token(self, digest: bytes) -> bytes:
        """Return the authority's answer over a SHA-256, in DER."""
        ...


@dataclass(frozen=True)
class SealPorts:
    """Everything the seal needs beside the archive and the audit trail."""

    waiting: SealList
    key: SealKey
    store: SealStore
    origin: str
    stamps: TimeStamps | None = None
