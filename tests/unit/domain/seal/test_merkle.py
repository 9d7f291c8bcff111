"""The Merkle tree against the vectors of Certificate Transparency, and against a tree that is hashed all anew."""

import hashlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from recording.domain.seal.merkle import EMPTY_ROOT, Tree, is_included, leaf_hash, spans_of

# The inputs and roots that implementations of RFC 6962 test themselves with.
LEAVES = [bytes.fromhex(each) for each in ("", "00", "10", "2021", "3031", "40414243")]
LEAVES += [bytes.fromhex(each) for each in ("5051525354555657", "606162636465666768696a6b6c6d6e6f")]
ROOTS = [
    "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
    "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",
    "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77",
    "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
    "4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4",
    "76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef",
    "ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c",
    "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328",
]


def whole(leaves: list[bytes]) -> bytes:
    """The root by the definition in RFC 6962, section 2.1, and by nothing else."""
    if len(leaves) == 1:
        return hashlib.sha256(b"\0" + leaves[0]).digest()
    split = 1
    while split * 2 < len(leaves):
        split *= 2
    return hashlib.sha256(b"\1" + whole(leaves[:split]) + whole(leaves[split:])).digest()


@pytest.mark.parametrize("size", range(1, 9))
def test_the_roots_are_those_of_the_standard(size: int) -> None:
    """Other people's programs must come to the same root."""
    assert Tree().grown(map(leaf_hash, LEAVES[:size])).root().hex() == ROOTS[size - 1]


def test_an_empty_tree_has_the_root_of_the_standard() -> None:
    assert Tree().root() == EMPTY_ROOT == hashlib.sha256().digest()


@given(st.lists(st.integers(0, 9), max_size=8))
def test_a_log_that_grows_in_batches_is_the_same_as_one_made_at_once(batches: list[int]) -> None:
    """Only the frontier is kept from batch to batch, and every new leaf has a path to the root."""
    leaves, tree = list[bytes](), Tree()
    for size in batches:
        added = [f"leaf {len(leaves) + at}".encode() for at in range(size)]
        first, tree = len(leaves), tree.settled().grown(map(leaf_hash, added))
        leaves += added
        assert tree.root() == (whole(leaves) if leaves else EMPTY_ROOT)
        for at, leaf in enumerate(added, start=first):
            assert is_included(leaf_hash(leaf), at, len(leaves), tree.path(at), tree.root())


@given(st.integers(1, 40), st.data())
def test_no_other_leaf_place_size_or_path_passes(size: int, data: st.DataObject) -> None:
    """A proof that also proves something else would be none."""
    tree = Tree().grown(leaf_hash(str(at).encode()) for at in range(size))
    at = data.draw(st.integers(0, size - 1))
    path, leaf = tree.path(at), leaf_hash(str(at).encode())
    assert not is_included(leaf_hash(b"other"), at, size, path, tree.root())
    assert not any(is_included(leaf, other, size, path, tree.root()) for other in range(-1, size + 1) if other != at)
    assert not is_included(leaf, at, size, [*path, leaf], tree.root())
    assert not is_included(leaf, at, size, path[:-1], tree.root()) or not path
    for place in range(len(path)):
        changed = [*path[:place], leaf_hash(b"x"), *path[place + 1 :]]
        assert not is_included(leaf, at, size, changed, tree.root())


def test_a_frontier_of_the_wrong_length_is_refused() -> None:
    """A damaged list of leaves must not become a tree."""
    with pytest.raises(ValueError, match="2 complete subtrees"):
        Tree(3, (b"",))
    assert spans_of(7) == [(0, 4), (4, 6), (6, 7)]


def test_a_path_is_given_for_new_leaves_only() -> None:
    tree = Tree().grown([leaf_hash(b"a"), leaf_hash(b"b")]).settled().grown([leaf_hash(b"c")])
    with pytest.raises(IndexError):
        tree.path(1)
    with pytest.raises(IndexError):
        tree.path(3)
