"""Blocks: what may be kept of an earlier attempt, and how a file is cut, at the exact limits."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from recording.domain.archived.blocks import (
    MOST_BLOCKS,
    Block,
    StagedBlock,
    block_id,
    crc64_of,
    plan,
    regrouped,
    staged_block,
    usable,
)

MARK, OTHER = "0123456789abcdef", "fedcba9876543210"


def staged(*places: tuple[int, int], mark: str = MARK) -> dict[str, int]:
    """Blocks as the service lists them: ids and lengths."""
    return {block_id(Block(*place), mark, 7): place[1] for place in places}


def kept(listed: dict[str, int], total: int) -> list[tuple[int, int]]:
    """What may be kept, as places."""
    return [(block.offset, block.length) for block in usable(listed, MARK, total)]


def test_an_id_tells_what_it_was_made_of() -> None:
    """A later worker knows nothing else."""
    text = block_id(Block(10, 5), MARK, 255)
    assert staged_block(text, MARK) == StagedBlock(10, 5, "00000000000000ff")
    assert staged_block(text) == staged_block(text, MARK + "and more")
    assert (staged_block(text, OTHER), staged_block("x" + text), staged_block("")) == (None, None, None)


def test_a_block_may_end_with_the_file_and_not_after_it() -> None:
    """A longer object of the same name is another object."""
    assert kept(staged((0, 10)), 10) == [(0, 10)]
    assert kept(staged((0, 10)), 9) == []


def test_one_byte_is_a_block_and_none_is_not() -> None:
    """The last one of a file may be as small as that."""
    assert kept(staged((0, 1)), 1) == [(0, 1)]
    assert kept(staged((0, 0)), 1) == []


def test_a_block_of_another_length_than_its_id_says_is_not_used() -> None:
    """The service's own count decides."""
    assert kept(dict.fromkeys(staged((0, 10)), 9), 10) == []
    assert kept(staged((0, 10), mark=OTHER), 10) == []


@pytest.mark.parametrize(
    ("places", "alone"),
    [
        ([(0, 5), (5, 5)], [(0, 5), (5, 5)]),
        ([(0, 6), (5, 5)], []),
        ([(0, 10), (2, 2), (6, 2)], []),
        ([(0, 10), (2, 2), (10, 5)], [(10, 5)]),
        ([(0, 5), (5, 5), (9, 3)], [(0, 5)]),
    ],
)
def test_blocks_that_share_bytes_are_all_left_out(places: list[tuple[int, int]], alone: list[tuple[int, int]]) -> None:
    """Two stories about one byte: neither is believed."""
    assert kept(staged(*places), 20) == alone


def test_a_plan_fills_exactly_what_is_missing() -> None:
    """Nothing twice, nothing left out."""
    cut = list(plan(20, lambda: 4, [Block(5, 5), Block(12, 8)]))
    assert cut == [Block(0, 4), Block(4, 1), Block(10, 2)]
    assert list(plan(0, lambda: 4)) == []


def test_a_huge_file_makes_larger_blocks() -> None:
    """Blob storage takes no more than fifty thousand."""
    total = MOST_BLOCKS * 10 + 1
    cut = list(plan(total, lambda: 1))
    assert MOST_BLOCKS == 50_000
    assert (len(cut) <= MOST_BLOCKS, cut[-1].end) == (True, total)


@given(st.integers(1, 10_000), st.integers(1, 500), st.lists(st.tuples(st.integers(0, 9_999), st.integers(1, 400))))
def test_what_is_kept_and_what_is_planned_is_the_file(total: int, size: int, staged: list[tuple[int, int]]) -> None:
    """No byte twice, none missing, whatever an earlier worker left."""
    ids = {block_id(Block(offset, length), "a" * 32, offset): length for offset, length in staged}
    kept = list(usable(ids, "a" * 32, total))
    ranges = sorted([*kept, *plan(total, lambda: size, kept)], key=lambda block: block.offset)
    assert [block.offset for block in ranges] == [0, *(block.end for block in ranges)][:-1]
    assert ranges[-1].end == total


def test_an_id_says_what_it_was_made_from() -> None:
    """The next worker has nothing else to go by."""
    text = block_id(Block(5 << 30, 8 << 20), "0123456789abcdef99", crc64_of(b"x"))
    assert len(text) == 50
    found = staged_block(text, "0123456789abcdef99")
    assert found is not None
    assert (found.offset, found.length, found.crc64) == (5 << 30, 8 << 20, f"{crc64_of(b'x'):016x}")
    assert staged_block(text, "f" * 32) is None
    assert staged_block("0001-abc", "0123456789abcdef99") is None


def test_the_checksum_is_the_one_that_storage_computes() -> None:
    """CRC-64/NVME, whose check value is published: 0xae8b14860a799888."""
    assert crc64_of(b"123456789") == 0xAE8B14860A799888


@pytest.mark.parametrize(
    ("pieces", "blocks"),
    [
        ([], []),
        ([b""], []),
        ([b"abc"], [b"abc"]),
        ([b"abcd"], [b"abcd"]),
        ([b"abcde"], [b"abcd", b"e"]),
        ([b"ab", b"", b"cd", b"e"], [b"abcd", b"e"]),
        ([b"abcdefghi"], [b"abcd", b"efgh", b"i"]),
        ([b"abc", b"defgh"], [b"abcd", b"efgh"]),
    ],
)
def test_bytes_are_regrouped_into_blocks_of_one_size_and_a_rest(pieces: list[bytes], blocks: list[bytes]) -> None:
    """An empty block is refused by storage, and every byte is in one block."""
    assert list(regrouped(pieces, 4)) == blocks
