"""Hashing in order: the digest is that of the file, whatever order its blocks arrive in, and seams reveal a change."""

import hashlib
import random
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from functools import partial

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dev.in_memory.builders import DURATION_MS, wav
from recording.archive.transfer.buffers import LEAD_BYTES
from recording.archive.transfer.hashing import Arrival, OrderedPass, Seams
from recording.domain.archived.blocks import Block
from recording.domain.formats import FormatType
from recording.domain.media import MediaProbe
from recording.errors import SourceBrokenError

SIZE = 100
MEDIA = random.Random(1).randbytes(7 * SIZE + 13)
BLOCKS = [Block(at, len(MEDIA[at : at + SIZE])) for at in range(0, len(MEDIA), SIZE)]


@pytest.fixture(scope="module")
def hashers() -> Iterator[ThreadPoolExecutor]:
    """The threads that hash."""
    with ThreadPoolExecutor(2) as made:
        yield made


def of(block: Block, data: bytes = MEDIA) -> bytes:
    return data[block.offset : block.end]


@given(order=st.permutations(BLOCKS))
def test_any_order_gives_the_digest_of_the_file(hashers: ThreadPoolExecutor, order: list[Block]) -> None:
    """Blocks arrive as connections please."""
    passed = OrderedPass(hashers, None, with_sha512=True)
    hashed: list[int] = []
    for block in order:
        passed.deliver(Arrival(block, of(block), partial(hashed.append, block.offset)))
    digest, _ = passed.finish()
    assert (digest.length_bytes, digest.sha256) == (len(MEDIA), hashlib.sha256(MEDIA).hexdigest())
    assert digest.sha512 == hashlib.sha512(MEDIA).hexdigest()
    assert hashed == [block.offset for block in BLOCKS]  # each buffer is given back once, in order


def test_many_threads_leave_no_block_behind(hashers: ThreadPoolExecutor) -> None:
    """The thread that stops because nothing is due must not miss what arrives at that moment."""
    for seed in range(50):
        order = random.Random(seed).sample(BLOCKS, len(BLOCKS))
        passed = OrderedPass(hashers, None)
        with ThreadPoolExecutor(4) as senders:
            list(senders.map(passed.deliver, [Arrival(block, of(block)) for block in order]))
        assert passed.finish()[0].sha256 == hashlib.sha256(MEDIA).hexdigest()


def test_a_gap_is_never_hashed_over(hashers: ThreadPoolExecutor) -> None:
    """What follows it would give the digest of a file that does not exist."""
    passed = OrderedPass(hashers, None)
    for block in (BLOCKS[0], *BLOCKS[2:]):
        passed.deliver(Arrival(block, of(block)))
    assert passed.finish()[0].length_bytes == SIZE


def test_the_media_is_probed_in_the_same_pass(hashers: ThreadPoolExecutor) -> None:
    """Reading a file of four hours twice would take twice as long."""
    media = wav()
    passed = OrderedPass(hashers, MediaProbe(FormatType.WAV))
    passed.take(media[:50])
    passed.deliver(Arrival(Block(50, len(media) - 50), media[50:]))
    digest, facts = passed.finish()
    assert (digest.sha256, digest.sha512) == (hashlib.sha256(media).hexdigest(), None)
    assert (facts.format, facts.duration_ms) == (FormatType.WAV, DURATION_MS)


def _note_all(seams: Seams, ranges: list[tuple[Block, bytes]]) -> None:
    for block, data in ranges:
        lead = data[max(0, block.offset - LEAD_BYTES) : block.offset]
        seams.note(block, lead, memoryview(of(block, data)))


@given(st.permutations(BLOCKS))
def test_ranges_of_one_object_agree_in_any_order(order: list[Block]) -> None:
    """Also where a block is shorter than the bytes that its neighbour shares."""
    _note_all(Seams(), [(block, MEDIA) for block in order])


@given(st.permutations(BLOCKS), st.sampled_from(range(len(BLOCKS))))
def test_a_range_of_another_object_is_noticed_wherever_it_is(order: list[Block], number: int) -> None:
    """Its total and its version may be the same; the bytes that it shares with its neighbours are not."""
    seams, other = Seams(), bytes(byte ^ 1 for byte in MEDIA)
    with pytest.raises(SourceBrokenError) as changed:
        _note_all(seams, [(block, other if block == BLOCKS[number] else MEDIA) for block in order])
    assert changed.value.code == "source_changed"
