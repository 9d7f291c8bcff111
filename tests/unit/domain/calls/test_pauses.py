"""Pauses as commanded against pauses as the metadata tells them."""

import itertools
import json
from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from recording.domain.calls.pauses import (
    DOCUMENTED,
    CommandedPause,
    Interval,
    PauseEnd,
    documented,
    merged,
    open_pause,
    pause_findings,
    pause_in,
    with_end,
)
from recording.domain.times import iso_text

T0 = datetime(2026, 11, 23, 9, 0, tzinfo=UTC)


def at(seconds: float) -> datetime:
    return T0 + timedelta(seconds=seconds)


def pause(begin: float, end: float | None, how: PauseEnd | None = PauseEnd.RESUMED) -> CommandedPause:
    return CommandedPause(id=f"p{begin}", at=at(begin), ended_at=None if end is None else at(end), how=how)


def told(*pairs: tuple[float, float]) -> list[Interval]:
    return [Interval(at(begin), at(end)) for begin, end in pairs]


def kinds(commanded: list[CommandedPause], intervals: list[Interval]) -> list[str]:
    return [finding.what for finding in pause_findings(commanded, intervals)]


def test_two_clocks_a_second_apart_are_no_finding() -> None:
    """A command takes a request, and ACS's clock is not ours."""
    assert kinds([pause(10, 40)], told((11.5, 41.9))) == []


def test_what_differs_by_more_is_told_with_the_seconds() -> None:
    """A card number may be in those seconds."""
    (finding,) = pause_findings([pause(10, 40)], told((10, 31)))
    assert (finding.what, finding.seconds) == ("ends_otherwise", -9.0)
    (finding,) = pause_findings([pause(10, 40)], told((15, 40)))
    assert (finding.what, finding.seconds) == ("begins_otherwise", 5.0)


def test_a_pause_that_never_was_and_one_that_nobody_asked_for() -> None:
    """The worst: it was recorded all the same."""
    assert kinds([pause(10, 40)], told()) == ["not_paused"]
    assert kinds([], told((10, 40))) == ["paused_elsewhere"]
    assert kinds([pause(10, 40)], told((100, 140))) == ["not_paused", "paused_elsewhere"]


def test_a_chunk_that_ends_in_a_pause_splits_it_for_nobody() -> None:
    """ACS tells the pause in both chunks' metadata."""
    assert kinds([pause(10, 40)], told((10, 25), (25.5, 40))) == []


def test_a_recording_that_ends_paused_has_no_other_end() -> None:
    """Stopped, or over by itself: the metadata may end it anywhere."""
    assert kinds([pause(10, 40, PauseEnd.STOPPED)], told((10, 20))) == []
    assert kinds([pause(10, 40, PauseEnd.OVER)], told()) == []
    assert kinds([pause(10, 10, PauseEnd.REFUSED), pause(20, None, None)], told()) == []


def test_a_pause_and_a_withdrawal_during_it_are_one_stretch_at_acs() -> None:
    """Each has its own end here, and ACS tells of the whole."""
    card, withdrawal = pause(10, 40), pause(20, 90, PauseEnd.RESUMED)
    assert kinds([card, withdrawal], told((10, 90))) == []
    assert kinds([card, withdrawal], told((10, 80))) == ["ends_otherwise"]
    assert kinds([withdrawal, card], told()) == ["not_paused"]
    inside = pause(20, 30, PauseEnd.RESUMED)
    assert kinds([card, inside], told((10, 40))) == []
    assert kinds([card, pause(40, 60)], told((10, 60))) == [], "one after the other, and nothing between them"


def test_a_pause_without_an_end_lasts_until_the_recording_is_over() -> None:
    """Consent was withdrawn, and the call ended: what ACS tells of it was commanded here."""
    assert kinds([pause(20, None, None)], told((20, 90))) == []
    assert kinds([pause(20, None, None)], told((35, 90))) == ["begins_otherwise"]
    assert kinds([pause(10, 40), pause(20, None, None)], told((10, 300))) == []


Seconds = st.floats(0, 10_000, allow_nan=False)
Intervals = st.lists(st.tuples(Seconds, st.floats(0, 500)).map(lambda pair: Interval(at(pair[0]), at(sum(pair)))))


@given(Intervals)
def test_merged_intervals_cover_the_same_and_are_apart(intervals: list[Interval]) -> None:
    """Nothing is lost by merging."""
    found = merged(intervals)
    assert all(any(one.begin <= each.begin and each.end <= one.end for one in found) for each in intervals)
    assert all(later.begin - earlier.end > timedelta(seconds=2) for earlier, later in itertools.pairwise(found))


@given(Intervals)
def test_what_was_done_exactly_as_commanded_has_no_findings(intervals: list[Interval]) -> None:
    """Whatever the pauses are, once those that touch are one."""
    apart = merged(intervals)
    commanded = [
        CommandedPause(id=str(number), at=one.begin, ended_at=one.end, how=PauseEnd.TIME_UP)
        for number, one in enumerate(apart)
    ]
    assert pause_findings(commanded, apart) == []


def test_only_the_named_pause_ends() -> None:
    """A guard that comes late must not end the next pause."""
    first, second = pause(0, 5), pause(10, None, None)
    assert with_end((first, second), at(20), PauseEnd.TIME_UP, {first.id}) == (first, second)
    (_, ended) = with_end((first, second), at(20), PauseEnd.TIME_UP, {second.id})
    assert (ended.ended_at, ended.how) == (at(20), PauseEnd.TIME_UP)
    assert open_pause((first, second)) == second
    assert open_pause((first, ended)) is None


def test_pauses_in_quick_succession_are_as_they_were_commanded() -> None:
    """A resume and a pause within two seconds: ACS may report both, or one stretch."""
    commanded = [pause(10, 40), pause(41.5, 60)]
    for reported in (told((10, 40), (41.5, 60)), told((10, 60)), told((11, 41), (42, 61)), told((9.5, 40.9), (41, 59))):
        assert kinds(commanded, reported) == []
    assert kinds([pause(10, 40), pause(45, 60)], told((10, 60))) == ["ends_otherwise"]
    assert kinds([pause(10, 60)], told((10, 40), (45, 60))) == ["not_paused"]


@given(
    st.lists(
        st.tuples(
            st.floats(0.1, 60),
            st.floats(0.1, 400),
            *[st.floats(-0.99, 0.99)] * 2,
            st.lists(st.floats(0, 1), max_size=3),
        ),
        max_size=8,
    )
)
def test_what_was_done_within_a_second_has_no_findings_however_it_is_cut(
    drawn: list[tuple[float, float, float, float, list[float]]],
) -> None:
    """Two clocks that differ by less than a second at each end, any distances, and chunks that end anywhere."""
    commanded, intervals, now = [], [], 0.0
    for apart, length, early, late, cuts in drawn:
        begin, end = now + apart, now + apart + length
        now = end
        commanded.append(pause(begin, end))
        first, last = begin + early, end + late
        edges = [first, *sorted(first + cut * (last - first) for cut in cuts), last]
        intervals += [(low, high) for low, high in itertools.pairwise(edges) if low < high]
    assert kinds(commanded, told(*intervals)) == []


@given(st.floats(2.01, 50), st.sampled_from(["begin", "end"]), st.booleans())
def test_every_difference_of_more_than_two_seconds_is_found(seconds: float, where: str, is_longer: bool) -> None:
    """At either end, in either direction."""
    sign = 1 if (where == "end") == is_longer else -1
    first, last = (100 + (sign * seconds if where == "begin" else 0), 200 + (sign * seconds if where == "end" else 0))
    (finding,) = pause_findings([pause(100, 200)], told((first, last)))
    assert finding.what == ("begins_otherwise" if where == "begin" else "ends_otherwise")
    assert abs(abs(finding.seconds) - seconds) < 0.01


def test_an_end_that_was_noted_by_a_slow_clock_is_no_negative_pause() -> None:
    """Another instance ends it, whose clock is behind."""
    assert kinds([pause(40, 10)], told()) == []


def test_a_pause_comes_back_from_the_manifest_that_says_it() -> None:
    """A catalog that is rebuilt knows each field again: a new one is written and read, or this fails."""
    assert set(DOCUMENTED.values()) == set(CommandedPause.model_fields)
    full = CommandedPause(
        id="1", at=at(0), ends_by=at(60), reason="card number", by="ada", ended_at=at(61), how=PauseEnd.TIME_UP
    )
    for one in (full, full.model_copy(update={"time_up": True}), CommandedPause(id="2", at=at(5))):
        said = json.loads(json.dumps(documented(one), default=iso_text))
        assert pause_in(said) == one
        assert ("timeUp" in said) is one.time_up
