"""Merkle trees as RFC 6962 hashes them: roots, and proofs that a leaf is in a tree. Pure.

A log is grown from its frontier, the roots of the complete subtrees that its leaves make up; nothing older is read.
"""

import hashlib
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field

EMPTY_ROOT = hashlib.sha256(b"").digest()
Span = tuple[int, int]


def leaf_hash(entry: bytes) -> bytes:
    """Return the hash of a leaf."""
    return hashlib.sha256(b"\x00" + entry).digest()


def node_hash(left: bytes, right: bytes) -> bytes:
    """Return the hash of a node over its two subtrees."""
    return hashlib.sha256(b"\x01" + left + right).digest()


def spans_of(size: int) -> list[Span]:
    """Return the complete subtrees that a tree of this many leaves is made of, the largest first."""
    spans, start = [], 0
    for bit in range(size.bit_length() - 1, -1, -1):
        if size >> bit & 1:
            spans.append((start, start + (1 << bit)))
            start += 1 << bit
    return spans


@dataclass(frozen=True)
class Tree:
    """A tree of `size` leaves, of which only the frontier at `first` and the later leaves are known.

    Attributes:
        first: how many leaves the frontier stands for.
        frontier: the roots of `spans_of(first)`.
        added: the hashes of the leaves behind them.
    """

    first: int = 0
    frontier: tuple[bytes, ...] = ()
    added: tuple[bytes, ...] = ()
    _known: dict[Span, bytes] = field(default_factory=dict, compare=False, repr=False)

    def __post_init__(self) -> None:
        spans = spans_of(self.first)
        if len(spans) != len(self.frontier):
            raise ValueError(f"a tree of {self.first} leaves has {len(spans)} complete subtrees")
        self._known.update(zip(spans, self.frontier, strict=True))

    @property
    def size(self) -> int:
        """Return how many leaves there are."""
        return self.first + len(self.added)

    def grown(self, hashes: Iterable[bytes]) -> "Tree":
        """Return the tree with these leaves behind its own."""
        return Tree(self.first, self.frontier, (*self.added, *hashes))

    def settled(self) -> "Tree":
        """Return the same tree with nothing but its frontier."""
        return Tree(self.size, tuple(self._hash(*span) for span in spans_of(self.size)))

    def root(self) -> bytes:
        """Return the hash that stands for all leaves in their order."""
        return self._hash(0, self.size) if self.size else EMPTY_ROOT

    def path(self, leaf: int) -> list[bytes]:
        """Return the audit path of one of the added leaves, from the leaf up.

        Raises:
            IndexError: the leaf is not one of those.
        """
        if not self.first <= leaf < self.size:
            raise IndexError(leaf)
        return [self._hash(*span) for span in _siblings(leaf, self.size)]

    def _hash(self, start: int, end: int) -> bytes:
        known = self._known.get((start, end))
        if known is None:
            known = self._known[start, end] = self._made(start, end)
        return known

    def _made(self, start: int, end: int) -> bytes:
        if end - start == 1:
            return self.added[start - self.first]
        middle = start + _split(end - start)
        return node_hash(self._hash(start, middle), self._hash(middle, end))


def is_included(leaf: bytes, index: int, size: int, path: Sequence[bytes], root: bytes) -> bool:
    """Return whether an audit path leads from this leaf to the root of a tree of that size."""
    if not 0 <= index < size:
        return False
    spans = list(_siblings(index, size))
    if len(spans) != len(path):
        return False
    found = leaf
    for (start, _), sibling in zip(spans, path, strict=True):
        found = node_hash(sibling, found) if start < index else node_hash(found, sibling)
    return found == root


def _siblings(leaf: int, size: int) -> Iterator[Span]:
    """Yield the subtrees beside the way from a leaf to the root, the nearest first."""
    beside, start, end = [], 0, size
    while end - start > 1:
        middle = start + _split(end - start)
        if leaf < middle:
            beside.append((middle, end))
            end = middle
        else:
            beside.append((start, middle))
            start = middle
    return reversed(beside)


def _split(size: int) -> int:
    """Return the largest power of two below a size."""
    return 1 << (size - 1).bit_length() - 1
