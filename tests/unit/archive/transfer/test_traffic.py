"""Traffic: all files of the process share what one host is good for, and none is forgotten."""

import time
from itertools import count

import pytest

from recording.archive.transfer import traffic as traffic_module
from recording.archive.transfer.buffers import SlotPool
from recording.archive.transfer.pace import FIRST_AT_ONCE, MIB, Pace
from recording.archive.transfer.traffic import PATIENCE_SECONDS, Share, Traffic, traffic_to

_threads = count(-1, -1)


def joined(traffic: Traffic, *bytes_left: int, thread: int | None = None) -> list[Share]:
    """Files of which so much is left, all with the same host, each in a thread of its own unless one is given."""
    shares = [Share() for _ in bytes_left]
    for share, left in zip(shares, bytes_left, strict=True):
        share.bytes_left = left
        share.thread = next(_threads) if thread is None else thread
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
    for share in (large, small, new):
        share.changed.clear()
    traffic.end(large)
    assert [share.changed.is_set() for share in (large, small, new)] == [True, False, True]
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
    first = traffic_to("storage.example", pool, None)
    assert traffic_to("storage.example", pool, None) is first
    assert traffic_to("other.example", pool, None) is not first
    for number in range(200):
        traffic_to(f"{number}.example", pool, None)
    assert traffic_to("199.example", pool, None) is not first


def test_a_flow_inside_another_of_the_same_thread_never_waits_for_it() -> None:
    """The outer one cannot end a range before the inner one returns: both would wait for ever."""
    traffic = Traffic(Pace(1, 2 * MIB))
    outer, inner, innermost = joined(traffic, 1, 1000, 2000, thread=7)
    assert traffic.begin(outer)
    assert traffic.begin(inner)
    assert traffic.begin(innermost)
    assert not traffic.begin(innermost)  # its own ranges are counted, as everywhere
    outer.is_waiting = True
    traffic.end(innermost)
    assert traffic.begin(innermost)


def test_a_flow_in_another_thread_does_not_profit_from_that() -> None:
    """What is held by a thread that waits is held for everybody else."""
    traffic = Traffic(Pace(1, 2 * MIB))
    outer, inner = joined(traffic, 1, 1, thread=7)
    (other,) = joined(traffic, 1)
    assert traffic.begin(outer)
    assert traffic.begin(inner)
    assert not traffic.begin(other)


def test_a_file_without_a_connection_does_not_wait_for_ever_for_those_of_others() -> None:
    """A source that drips holds its connections for minutes; the files of others have an expiry too."""
    now = [0.0]
    traffic = Traffic(Pace(1, 2 * MIB), clock=lambda: now[0])
    dripping, patient = joined(traffic, 1, 1)
    assert traffic.begin(dripping)
    assert not traffic.begin(patient)
    now[0] += PATIENCE_SECONDS - 0.1
    assert not traffic.begin(patient)
    now[0] += 0.2
    assert traffic.begin(patient)
    assert not traffic.begin(patient), "one connection of its own, no more"
    now[0] += 2 * PATIENCE_SECONDS
    assert not traffic.begin(patient)
    traffic.end(patient)
    assert not traffic.begin(patient), "its patience begins anew"


def test_what_a_file_had_on_its_way_is_given_back_when_it_leaves() -> None:
    """However it ended: a range that nobody counts out would slow down all files until the process ends."""
    traffic = Traffic(Pace(2, 4 * MIB))
    gone, next_one = joined(traffic, 1, 2)
    assert traffic.begin(gone)
    assert traffic.begin(gone)
    traffic.leave(gone)
    assert traffic.running == gone.running == 0
    traffic.end(gone)  # its job tells late
    assert traffic.running == 0
    assert traffic.begin(next_one)


def test_a_range_that_ends_wakes_the_one_file_whose_turn_it_is() -> None:
    """Twelve threads that ask, and find that it is not their turn, took a tenth of the CPU from those at work."""
    traffic = Traffic(Pace(1, 2 * MIB))
    working, *waiting = joined(traffic, 1, *range(11, 0, -1))
    assert traffic.begin(working)
    assert not any(traffic.begin(share) for share in waiting)
    for left in range(1, 12):
        for share in waiting:
            share.changed.clear()
        traffic.end(working)
        (woken,) = [share for share in waiting if share.changed.is_set()]
        assert woken.bytes_left == left, "the smallest first"
        assert traffic.begin(woken)
        working = woken
        waiting.remove(woken)


def test_a_turn_that_is_not_used_is_passed_on() -> None:
    """A file that was woken may have nothing left to begin; the next one must not wait until it looks by itself."""
    traffic = Traffic(Pace(1, 2 * MIB))
    working, first, second = joined(traffic, 1, 2, 3)
    assert traffic.begin(working)
    assert not any(traffic.begin(share) for share in (first, second))
    traffic.end(working)
    assert traffic.may_begin(first)
    assert not second.changed.is_set()
    traffic.wake_next()
    assert second.changed.is_set()


@pytest.mark.parametrize(("used", "is_leap"), [(0.01, True), (1.0, False)])
def test_the_pace_is_told_early_how_busy_the_process_is(
    used: float, is_leap: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    """First bytes arrive after hundredths of a second; a leap that is made by then must know why they were slow."""
    now = [100.0]
    monkeypatch.setattr(time, "monotonic", lambda: now[0])
    monkeypatch.setattr(time, "process_time", lambda: now[0] * used * traffic_module._LOCK_CORES)
    monkeypatch.setattr(traffic_module, "_cores", lambda: 2.0)
    pace = Pace(32, 64 * MIB)
    traffic = Traffic(pace, clock=lambda: now[0])
    joined(traffic, 64 * MIB)
    meter = traffic.meter()
    for _ in range(6):
        now[0] += 0.01
        meter.arrived(128 * 1024)
    assert (pace.at_once > FIRST_AT_ONCE) == is_leap


def test_nothing_is_known_of_the_process_before_it_is_measured() -> None:
    """The first range of a mixed load would make a leap else, before anybody has looked."""
    traffic = Traffic(Pace(32, 64 * MIB))
    assert traffic.is_process_busy
