"""Which files a recording becomes."""

from datetime import UTC, datetime, timedelta
from itertools import accumulate

from hypothesis import given
from hypothesis import strategies as st

from dev.acs_simulator.files.chunking import plan_chunks
from dev.acs_simulator.state.model import RecordingState, Transition
from dev.media import Pause

START = datetime(2026, 3, 1, 12, tzinfo=UTC)
ACTIVE, INACTIVE = RecordingState.ACTIVE, RecordingState.INACTIVE


def at(seconds: float) -> datetime:
    return START + timedelta(seconds=seconds)


def test_a_short_recording_is_one_file() -> None:
    """The ordinary case."""
    (plan,) = plan_chunks([Transition(at(1), ACTIVE)], at(11), max_seconds=3600)
    assert (plan.index, plan.started_at, plan.duration_ms, plan.pauses) == (0, at(1), 10_000, ())


def test_a_long_recording_is_cut_where_a_file_is_full() -> None:
    """Twenty hours are five chunks of four hours: the documented maximum, and the rest."""
    plans = plan_chunks([Transition(at(0), ACTIVE)], at(73_872.94), max_seconds=14_400)
    assert [plan.duration_ms for plan in plans] == [14_400_000] * 5 + [1_872_940]
    assert [plan.started_at for plan in plans] == [at(14_400 * number) for number in range(6)]


def test_a_pause_is_cut_out_and_told() -> None:
    """One file goes on after the pause; only the metadata knows where it was."""
    changes = [Transition(at(0), ACTIVE), Transition(at(10), INACTIVE), Transition(at(15), ACTIVE)]
    (plan,) = plan_chunks(changes, at(20), max_seconds=3600)
    assert plan.duration_ms == 15_000
    assert plan.pauses == (Pause(at(10), 5_000),)


def test_a_pause_at_the_very_end_belongs_to_no_file() -> None:
    """Paused and then stopped: nothing follows that pause."""
    changes = [Transition(at(0), ACTIVE), Transition(at(10), INACTIVE)]
    (plan,) = plan_chunks(changes, at(20), max_seconds=3600)
    assert (plan.duration_ms, plan.pauses) == (10_000, ())


def test_a_recording_that_was_never_active_has_no_file() -> None:
    """Pause on start, never resumed: documented to give no file at all."""
    assert plan_chunks([], at(20), max_seconds=3600) == []
    assert plan_chunks([Transition(at(30), ACTIVE)], at(20), max_seconds=3600) == []


MOST_FILES = 500  # a file a millisecond for minutes would be half a million of them, which say no more


@given(
    st.lists(st.integers(min_value=1, max_value=100_000), min_size=1, max_size=9),
    st.integers(min_value=1, max_value=50_000),
)
def test_no_active_millisecond_is_lost_or_recorded_twice(lengths_ms: list[int], max_ms: int) -> None:
    """Whatever was pressed when: files are full in order, and add up to the time that was recorded."""
    max_ms = max(max_ms, sum(lengths_ms) // MOST_FILES)
    edges = [0, *accumulate(lengths_ms)]
    changes = [Transition(at(edge / 1000), INACTIVE if n % 2 else ACTIVE) for n, edge in enumerate(edges[:-1])]
    plans = plan_chunks(changes, at(edges[-1] / 1000), max_ms / 1000)
    assert sum(plan.duration_ms for plan in plans) == sum(lengths_ms[::2])
    assert all(plan.duration_ms == max_ms for plan in plans[:-1])
    assert plans[-1].duration_ms <= max_ms
    assert [plan.index for plan in plans] == list(range(len(plans)))
