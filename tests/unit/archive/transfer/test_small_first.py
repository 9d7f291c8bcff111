"""Small first: larger files give way for moments, and for no more than moments."""

import threading
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager

import pytest

from recording.archive.transfer.small_first import SmallFirst


class Watched(threading.Event):
    """An event whose waits are counted, and take a hundredth of a second at most: of the clock, not of the test."""

    def __init__(self, now: list[float]) -> None:
        super().__init__()
        self.now = now
        self.waits: list[float] = []

    def wait(self, timeout: float | None = None) -> bool:
        """Let the time pass."""
        assert timeout is not None
        self.waits.append(timeout)
        self.now[0] += timeout
        return self.is_set()


@pytest.fixture
def now() -> list[float]:
    """The time, which a test sets."""
    return [50.0]


@pytest.fixture
def small(now: list[float]) -> SmallFirst:
    """No small file on its way yet."""
    found = SmallFirst(clock=lambda: now[0])
    found._none = Watched(now)
    found._none.set()
    return found


def waits(small: SmallFirst) -> list[float]:
    """How long larger files were asked to wait, in seconds."""
    assert isinstance(small._none, Watched)
    return small._none.waits


@contextmanager
def going(small: SmallFirst, count: int) -> Iterator[None]:
    """So many small files on their way."""
    with ExitStack() as stack:
        for _ in range(count):
            stack.enter_context(small.going())
        yield


def test_nobody_waits_when_there_is_no_small_file(small: SmallFirst) -> None:
    """This is asked for each piece of each large file."""
    small.give_way()
    with going(small, 2):
        assert small.running == 2
    small.give_way()
    assert waits(small) == []
    assert small.running == 0


def test_a_larger_file_waits_a_moment_for_a_small_one(small: SmallFirst) -> None:
    """What arrives meanwhile has room in the kernel's buffers."""
    with going(small, 1):
        small.give_way()
    assert waits(small) == [0.02]


def test_at_most_half_of_the_time_is_waited(small: SmallFirst, now: list[float]) -> None:
    """A contact centre that sends small files without end must not stop the large ones."""
    begun = now[0]
    for _ in range(200):
        with going(small, 3):
            small.give_way()
        now[0] += 0.004
    assert 0.3 <= sum(waits(small)) / (now[0] - begun) <= 0.51


def test_a_small_file_from_a_source_that_drips_has_no_precedence_for_long(small: SmallFirst, now: list[float]) -> None:
    """It may be on its way for minutes."""
    with going(small, 1):
        now[0] += 0.24
        small.give_way()
        assert waits(small) == [pytest.approx(0.01)]
        now[0] += 1
        small.give_way()
        assert len(waits(small)) == 1


def test_precedence_ends_however_a_file_ends(small: SmallFirst) -> None:
    """A refused range, a lost claim: whatever it is, nobody waits for it any more."""
    with pytest.raises(OSError, match="gone"), going(small, 1):
        raise OSError("gone")
    assert small.running == 0
    small.give_way()
    assert waits(small) == []


def test_a_wait_ends_with_the_last_small_file() -> None:
    """In threads, with a real clock: the larger file goes on at once."""
    small = SmallFirst()
    with ExitStack() as stack:
        stack.enter_context(small.going())
        waiting = threading.Thread(target=small.give_way)
        waiting.start()
        stack.close()
        waiting.join(timeout=5)
    assert not waiting.is_alive()
