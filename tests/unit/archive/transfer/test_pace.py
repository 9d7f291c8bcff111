"""The pace: whatever shape a host has, it is soon read about as fast as the best number of connections would."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dev.bench.pace_simulation import BUDGET, MB, MOST, SHAPES, Fixed, Shape, ideal_seconds, share_of_ideal, simulated
from recording.archive.transfer.pace import FIRST_AT_ONCE, MIB, SMALLEST_BLOCK, Meter, Pace

LEAST = {  # shares that are less than the general one, with the reason
    "429 above 3 connections": 0.7,  # half of four is two, and more is asked for only after ten seconds
    "no limit, and each connection is dear": 0.6,  # twice a second is lost on more connections than the CPU can serve
}


@pytest.mark.parametrize("shape", SHAPES, ids=lambda shape: shape.name)
def test_every_shape_of_host_is_read_nearly_as_fast_as_possible(shape: Shape) -> None:
    """The ideal is the best fixed number of connections; it has to be found while the copy runs."""
    assert share_of_ideal(shape) >= LEAST.get(shape.name, 0.8)


@pytest.mark.parametrize(("name", "count"), [("flat 12 MB/s a connection, 256 MB", 4), ("429 above 3 connections", 1)])
def test_the_simulation_tells_a_bad_pace_from_a_good_one(name: str, count: int) -> None:
    """A judge that is content with four connections on a throttled source would be worth nothing."""
    shape = next(shape for shape in SHAPES if shape.name == name)
    assert ideal_seconds(shape) / simulated(shape, Fixed(count)).seconds < 0.5


def paced(pace: Pace, *, rate: float, running: int, begun: float = 0.0, seconds: float = 2.0) -> float:
    """So many ranges are on their way all the time and carry this rate together; returns when that ends."""
    now = begun
    for _ in range(running):
        pace.begin(now)
    while now < begun + seconds:
        now += 0.01
        pace.arrived(int(rate * 0.01), now)
    for _ in range(running):
        pace.end(now)
    return now


def test_bytes_from_a_buffer_are_no_speed() -> None:
    """The kernel held them while the thread was busy: they arrive in no time, from the slowest of sources."""
    pace = Pace(MOST, BUDGET)
    meter = Meter(pace, 0.0)
    meter.arrived(64 * 1024, 0.040)
    assert meter.rate is None
    meter.arrived(256 * 1024, 0.040 + 256 * 1024 / (12 * MB))
    assert meter.rate == pytest.approx(12 * MB)
    assert pace.at_once > 4 * FIRST_AT_ONCE


def test_whole_ranges_overrule_the_first_bytes() -> None:
    """A token bucket gives the first megabyte at full speed, and then throttles for ever."""
    pace = Pace(MOST, BUDGET)
    pace.guess(400 * MB, 0.01)
    assert pace.at_once == FIRST_AT_ONCE
    for _ in range(2):
        pace.whole(2 * MIB, 2 * MIB / (12 * MB), 0.5)
    assert pace.at_once > 4 * FIRST_AT_ONCE


def test_whole_ranges_correct_a_leap_that_first_bytes_suggested() -> None:
    """What a bucket let through at once suggested too few: they are asked for now, and not after the leap is judged."""
    pace = Pace(MOST, BUDGET)
    pace.begin(0.0)
    pace.guess(50 * MB, 0.05)
    leapt = pace.at_once
    assert FIRST_AT_ONCE < leapt < MOST
    pace.whole(2 * MIB, 2 * MIB / (12 * MB), 0.2)
    assert pace.at_once == leapt, "the first range of a process waits for imports"
    pace.whole(2 * MIB, 2 * MIB / (12 * MB), 0.2)
    assert pace.at_once == MOST


def test_connections_that_are_slow_because_of_this_process_make_no_leap() -> None:
    """Twelve files at once share the interpreter: each is slow, as from a host that throttles."""
    pace = Pace(MOST, BUDGET)
    pace.cpu_used(0.8)
    pace.guess(20 * MB, 0.05)
    pace.whole(2 * MIB, 2 * MIB / (20 * MB), 0.2)
    assert pace.at_once == FIRST_AT_ONCE
    pace.cpu_used(0.4)
    pace.whole(2 * MIB, 2 * MIB / (20 * MB), 0.4)
    assert pace.at_once > 2 * FIRST_AT_ONCE, "the process has time to spare now, so it is the host"


def test_fewer_that_were_enough_stay() -> None:
    """Otherwise a busy machine would go up and down for ever."""
    pace = Pace(MOST, BUDGET)
    pace.begin(0.0)
    pace.guess(20 * MB, 0.05)
    pace.end(0.05)
    many = pace.at_once
    pace.cpu_used(0.95)
    now = paced(pace, rate=300 * MB, running=many, begun=0.1, seconds=0.9)
    assert pace.at_once == many // 2
    pace.cpu_used(0.5)
    paced(pace, rate=300 * MB, running=many // 2, begun=now, seconds=5.0)
    assert pace.at_once == many // 2


def test_a_host_that_gives_plenty_is_asked_for_no_more() -> None:
    """Hashing takes the time then, and more connections only take the interpreter from it."""
    pace = Pace(MOST, BUDGET)
    paced(pace, rate=400 * MB, running=FIRST_AT_ONCE, seconds=3.0)
    assert pace.at_once == FIRST_AT_ONCE


@pytest.mark.parametrize(("gain", "is_kept"), [(1.30, True), (1.10, False), (0.7, False)])
def test_more_connections_are_kept_only_for_15_percent_more(gain: float, is_kept: bool) -> None:
    """Each costs CPU and memory; what they carry together decides, and not the speed of one."""
    pace = Pace(MOST, BUDGET)
    now = paced(pace, rate=100 * MB, running=FIRST_AT_ONCE, seconds=0.75)
    assert pace.at_once == 2 * FIRST_AT_ONCE
    paced(pace, rate=100 * MB * gain, running=2 * FIRST_AT_ONCE, begun=now, seconds=0.75)
    assert (pace.at_once >= 2 * FIRST_AT_ONCE) == is_kept


def test_a_file_that_does_not_use_what_it_may_says_nothing_about_the_host() -> None:
    """A last block alone carries little; that is no reason to take connections away, or to want more."""
    pace = Pace(MOST, BUDGET)
    paced(pace, rate=5 * MB, running=1, seconds=5)
    assert pace.at_once == FIRST_AT_ONCE


def test_a_busy_cpu_wants_no_more_connections_and_a_saturated_one_fewer() -> None:
    """Threads that wait for the CPU carry nothing."""
    pace = Pace(MOST, BUDGET)
    pace.cpu_used(0.92)
    now = paced(pace, rate=100 * MB, running=FIRST_AT_ONCE)
    assert pace.at_once == FIRST_AT_ONCE
    pace.cpu_used(0.1)
    now = paced(pace, rate=100 * MB, running=FIRST_AT_ONCE, begun=now, seconds=0.6)
    now = paced(pace, rate=150 * MB, running=2 * FIRST_AT_ONCE, begun=now, seconds=0.8)
    pace.cpu_used(1.0)
    before = pace.at_once
    now = paced(pace, rate=150 * MB, running=before, begun=now, seconds=1.0)
    now = paced(pace, rate=150 * MB, running=pace.at_once, begun=now, seconds=1.0)
    assert pace.at_once < before


def test_429_halves_once_for_what_was_asked_before_and_again_for_what_was_asked_after() -> None:
    """Thirty answers to thirty requests of one moment are one piece of news."""
    pace = Pace(MOST, BUDGET)
    pace.guess(5 * MB, 0.0)
    assert pace.at_once == MOST
    for _ in range(30):
        pace.refused(0.1, 0.2)
    assert pace.at_once == MOST // 2
    pace.refused(0.3, 0.4)
    assert pace.at_once == MOST // 4
    paced(pace, rate=100 * MB, running=MOST // 4, begun=1.0, seconds=5)
    assert pace.at_once <= MOST // 4
    for begun in range(6, 60):
        paced(pace, rate=100 * MB, running=pace.at_once, begun=begun, seconds=1)
    assert MOST // 4 < pace.at_once <= MOST // 4 + 3, "one more after every 20 seconds without a refusal"


def test_the_first_blocks_end_at_different_moments() -> None:
    """Connections that begin together would else empty their buffers together, and stand still meanwhile."""
    pace = Pace(MOST, BUDGET)
    pace.guess(12 * MB, 0.0)
    assert len({pace.block_bytes(1 << 30) for _ in range(8)}) >= 4
    for _ in range(MOST):
        pace.block_bytes(1 << 30)
    assert pace.block_bytes(1 << 30) == 2 * MIB


def test_the_blocks_at_the_end_of_a_file_are_small() -> None:
    """One connection with a large last block would hold the whole file up."""
    pace = Pace(MOST, BUDGET)
    pace.guess(400 * MB, 0.0)
    for _ in range(MOST):
        pace.block_bytes(1 << 30)
    assert pace.block_bytes(1 << 30) == 8 * MIB
    assert pace.block_bytes(10 * MIB) < 3 * MIB
    assert pace.block_bytes(1) == SMALLEST_BLOCK


@given(
    st.integers(1, 64),
    st.lists(
        st.tuples(st.sampled_from(["begin", "end", "arrived", "guess", "whole", "refused", "cpu"]), st.floats(0, 3)),
        max_size=80,
    ),
    st.floats(1, 1e10),
)
def test_whatever_happens_the_number_is_one_that_can_be_served(
    most: int, steps: list[tuple[str, float]], rate: float
) -> None:
    """Never none, never more than there are threads, and blocks never larger than the budget allows."""
    pace, now, running = Pace(most, most * 2 * MIB), 0.0, 0
    for what, after in steps:
        now += after
        if what == "begin":
            pace.begin(now)
            running += 1
        elif what == "end" and running:
            pace.end(now)
            running -= 1
        elif what == "arrived":
            pace.arrived(int(rate * after), now)
        elif what == "guess":
            pace.guess(rate, now)
        elif what == "whole":
            pace.whole(2 * MIB, 2 * MIB / rate, now)
        elif what == "refused":
            pace.refused(now - after, now)
        elif what == "cpu":
            pace.cpu_used(after / 3)
        assert 1 <= pace.at_once <= most
        assert MIB <= pace.block_bytes(1 << 40) <= 8 * MIB
        assert pace.block_bytes(1 << 40) * pace.at_once <= max(most * 2 * MIB, MIB)
