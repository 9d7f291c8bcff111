"""A look through all stores that takes longer than a run: it is continued where it stopped, and it ends."""

from collections.abc import Callable
from contextlib import suppress

import pytest

from dev.in_memory.erasure_world import erase, full_world, nights
from dev.in_memory.world import WorkerDiedError, World
from recording.domain.keep.erasure import Erasure, ErasureState
from recording.library.keep.dispose import dispose_if_due
from recording.library.keep.erasures import carry_on
from tests.unit.library.keep.test_erasure_completeness import left

MOST_HOURS = 500


def slow(seconds: float) -> Callable[[], float]:
    """Return a clock of the process by which each thing that is looked at takes so long."""
    now = 0.0

    def read() -> float:
        nonlocal now
        now += seconds
        return now

    return read


def hours_until_done(here: World, erasure_id: str, seconds: float) -> int:
    for hour in range(MOST_HOURS):
        if request(here, erasure_id).state is ErasureState.DONE:
            return hour
        here.fakes.clock.advance(hours=1)
        dispose_if_due(here.ports, here.settings, slow(seconds))
    raise AssertionError("the request never ends")


def request(here: World, erasure_id: str) -> Erasure:
    found = here.fakes.keeping.erasure(erasure_id)
    assert found is not None
    return found


@pytest.mark.parametrize("seconds", [250, 60])
def test_a_look_that_is_longer_than_a_run_ends_after_some_hours(seconds: float) -> None:
    """It began anew each hour, and never reached the end: the request was not done, however many runs there were."""
    here, custodian = full_world()
    erasure_id = erase(here)
    assert hours_until_done(here, erasure_id, seconds) > 2
    assert (left(here, custodian), request(here, erasure_id).unswept) == ([], None)
    assert request(here, erasure_id).swept > 200, "all parts count"


def test_a_look_that_the_host_ends_is_continued_from_the_last_minute() -> None:
    """An instance may be gone at any time, and then nobody says that the time is over."""
    here, custodian = full_world()
    erasure_id = erase(here)
    nights(here, 1)
    assert request(here, erasure_id).state is ErasureState.DONE
    erasure_id, lives = erase(here), 0
    while request(here, erasure_id).state is not ErasureState.DONE:
        here.fakes.clock.advance(minutes=10)
        with suppress(WorkerDiedError):
            carry_on(custodian, here.ports, here.settings, dies_after(8, here))
        lives += 1
        assert lives < MOST_HOURS
    assert lives > 2


def dies_after(looks: int, here: World) -> Callable[[], bool]:
    asked = 0

    def is_over() -> bool:
        nonlocal asked
        asked += 1
        here.fakes.clock.advance(seconds=10)
        if asked > looks:
            raise WorkerDiedError("the host has ended it")
        return False

    return is_over


def test_a_part_of_a_look_does_not_decide_about_what_was_erased_after_it_began() -> None:
    """Recordings that the request covers since then were not looked for in the stores that the look had passed."""
    here, custodian = full_world()
    erasure_id = erase(here)
    here.fakes.clock.advance(hours=1)
    dispose_if_due(here.ports, here.settings, slow(60))
    begun = request(here, erasure_id)
    assert begun.unswept is not None
    assert not begun.unswept.is_about(begun), "it began before the recording was destroyed"
    nights(here, 3)
    assert (request(here, erasure_id).state, left(here, custodian)) == (ErasureState.DONE, [])
