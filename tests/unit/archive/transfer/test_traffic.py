"""Traffic: all files of the process share what one host is good for, and none is forgotten."""

from recording.archive.transfer.buffers import SlotPool
from recording.archive.transfer.pace import FIRST_AT_ONCE, MIB, Pace
from recording.archive.transfer.traffic import Share, Traffic


def joined(traffic: Traffic, *bytes_left: int) -> list[Share]:
    """Files of which so much is left, all with the same host."""
    shares = [Share() for _ in bytes_left]
    for share, left in zip(shares, bytes_left, strict=True):
        share.bytes_left = left
        traffic.join(share)
    return shares


def test_all_files_together_have_no_more_on_their_way_than_the_pace_says() -> None:
    """Twelve messages with four connections each would be forty-eight threads that fight for two cores."""
    traffic = Traffic(Pace(32, 64 * MIB))
    shares = joined(traffic, *range(12))
    begun = [traffic.begin(share) for share in shares for _ in range(4)]
    assert sum(begun) == FIRST_AT_ONCE


def test_a_file_with_nothing_on_its_way_goes_first_and_then_the_smallest() -> None:
    """Small files end soon and make room; but a large one never stands still because of them."""
    traffic = Traffic(Pace(32, 64 * MIB))
    large, small, new = joined(traffic, 1000, 10, 5000)
    assert all(traffic.begin(large) for _ in range(FIRST_AT_ONCE - 1))
    assert traffic.begin(small)
    assert not any(traffic.begin(share) for share in (large, small, new))
    traffic.end(large)
    assert all(share.changed.is_set() for share in (large, small, new))
    assert not traffic.begin(large)
    assert not traffic.begin(small)
    assert traffic.begin(new)
    traffic.end(large)
    assert not traffic.begin(large)
    assert traffic.begin(small)


def test_a_file_that_ended_holds_nobody_up() -> None:
    """Its claim may be lost while it waits for its turn."""
    traffic = Traffic(Pace(1, 2 * MIB))
    gone, next_one = joined(traffic, 1, 2)
    assert traffic.begin(gone)
    assert not traffic.begin(gone)
    traffic.end(gone)
    gone.is_waiting = True
    assert not traffic.begin(next_one)
    traffic.leave(gone)
    assert next_one.changed.is_set()
    assert traffic.begin(next_one)


def test_what_was_learnt_of_a_host_is_kept_for_the_next_file() -> None:
    """The first blocks of every file would else be spent on learning it again."""
    pool = SlotPool(64 * MIB, threads=1)
    first = pool.traffic("storage.example", None)
    assert pool.traffic("storage.example", None) is first
    assert pool.traffic("other.example", None) is not first
    for number in range(200):
        pool.traffic(f"{number}.example", None)
    assert pool.traffic("199.example", None) is not first
