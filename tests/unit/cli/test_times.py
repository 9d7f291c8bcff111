"""Times as people write and read them."""

import time
from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from recording.cli.output.times import clock_time, distance, duration_of, length_of, read_moment, size_of, time_left

NOW = datetime(2026, 11, 26, 1, 30, tzinfo=UTC)
BERLIN = ZoneInfo("Europe/Berlin")


@pytest.mark.parametrize(
    ("written", "expected"),
    [
        ("30m", "2026-11-26T01:00Z"),
        ("2h", "2026-11-25T23:30Z"),
        ("3d", "2026-11-23T01:30Z"),
        ("1w", "2026-11-19T01:30Z"),
        ("today", "2026-11-25T23:00Z"),
        ("yesterday", "2026-11-24T23:00Z"),
        ("2026-11-25", "2026-11-24T23:00Z"),
        ("2026-11-25T14:05", "2026-11-25T13:05Z"),
        ("2026-11-25T14:05Z", "2026-11-25T14:05Z"),
        ("2026-11-25T14:05-05:00", "2026-11-25T19:05Z"),
    ],
)
def test_a_moment_is_read_in_the_local_zone(written: str, expected: str) -> None:
    """An operator in Berlin means Berlin."""
    assert read_moment(written, NOW, BERLIN) == datetime.fromisoformat(expected)


@pytest.mark.parametrize("written", ["", "soon", "2 parsecs", "-2h", "2026-13-01", "999999h"])
def test_anything_else_is_refused_with_what_to_write(written: str) -> None:
    """Never guessed."""
    with pytest.raises(ValueError, match="write 30m"):
        read_moment(written, NOW, BERLIN)


@pytest.mark.parametrize(
    ("written", "now", "expected"),
    [
        ("today", "2026-03-29T10:00Z", "2026-03-28T23:00Z"),  # the clock has gone forward at 01:00 UTC
        ("yesterday", "2026-03-29T10:00Z", "2026-03-27T23:00Z"),
        ("yesterday", "2026-03-30T10:00Z", "2026-03-28T23:00Z"),
        ("today", "2026-10-25T10:00Z", "2026-10-24T22:00Z"),  # the clock has gone back
        ("yesterday", "2026-10-26T10:00Z", "2026-10-24T22:00Z"),
        ("2026-03-29", "2026-07-01T10:00Z", "2026-03-28T23:00Z"),
        ("2026-10-25T02:30", "2026-10-26T10:00Z", "2026-10-25T00:30Z"),  # twice on the wall: the first one
    ],
)
@pytest.mark.parametrize("zone", [BERLIN, None])
def test_a_day_begins_at_its_own_midnight(
    monkeypatch: pytest.MonkeyPatch, written: str, now: str, expected: str, zone: ZoneInfo | None
) -> None:
    """On the day the clock changes, midnight was an hour elsewhere: what was recorded in it must not be left out."""
    with monkeypatch.context() as changed:
        changed.setenv("TZ", "Europe/Berlin")
        time.tzset()
        moment = read_moment(written, datetime.fromisoformat(now), zone)
    time.tzset()
    assert moment == datetime.fromisoformat(expected)


@pytest.mark.parametrize(
    "written", ["0001-01-01", "0001-01-01T00:00+14:00", "9999-12-31T23:59-14:00", "1600-01-01", "1969-12-31", "99999w"]
)
def test_a_time_that_storage_cannot_compare_with_is_refused(written: str) -> None:
    """Azure's tables begin in 1601, Python's calendar ends in 9999: neither is a traceback at night."""
    with pytest.raises(ValueError, match=r"write 30m|before 1970"):
        read_moment(written, NOW, BERLIN)


@given(st.text(max_size=30))
def test_any_text_is_a_time_or_is_refused(written: str) -> None:
    """Nothing else comes out of it."""
    try:
        moment = read_moment(written, NOW, BERLIN)
    except ValueError:
        with pytest.raises(ValueError, match=r"write 30m|before 1970"):
            read_moment(written, NOW, BERLIN)
    else:
        assert moment.utcoffset() == timedelta()


def test_moments_are_short_and_local() -> None:
    """The date where it is another day, the year where it is another year."""
    assert clock_time(NOW, NOW, BERLIN) == "02:30"
    assert clock_time(NOW - timedelta(hours=3), NOW, BERLIN) == "25 Nov 23:30"
    assert clock_time(NOW - timedelta(days=400), NOW, BERLIN) == "22 Oct 2025"


def test_distances_say_which_way() -> None:
    """What is to come and what was are not the same."""
    assert distance(NOW + timedelta(minutes=4, seconds=20), NOW) == "in 4 min"
    assert distance(NOW - timedelta(hours=2), NOW) == "2 h ago"
    assert distance(NOW, NOW) == "now"
    assert time_left(timedelta(minutes=-1)) == "none"
    assert time_left(None) == ""


def test_lengths_and_sizes_have_their_units() -> None:
    """Two units at most."""
    lengths = [timedelta(seconds=12), timedelta(minutes=30), timedelta(hours=23, minutes=59), timedelta(days=3)]
    assert [length_of(each) for each in lengths] == ["12 s", "30 min", "23 h 59 min", "3 d"]
    sizes = [512, 64_044, 999_999, 48_200_000_000, 345_000_000]
    assert [size_of(each) for each in sizes] == ["512 B", "64.0 kB", "1.0 MB", "48.2 GB", "345 MB"]
    assert [duration_of(each) for each in (2000, 61_000, 3_723_000)] == ["0:02", "1:01", "1:02:03"]


@given(st.integers(min_value=0, max_value=10**18))
def test_a_size_is_never_longer_than_a_column(length_bytes: int) -> None:
    """Nine characters, whatever it is."""
    assert len(size_of(length_bytes)) <= 9


ZONES = [
    "Europe/Berlin",
    "America/New_York",
    "Australia/Sydney",  # the other half of the year
    "Australia/Lord_Howe",  # half an hour
    "America/Santiago",  # midnight itself is left out
    "Africa/Cairo",
    "Asia/Beirut",
    "America/Havana",  # midnight is there twice
    "Atlantic/Azores",
    "Pacific/Chatham",
    "Asia/Kathmandu",
    "Pacific/Kiritimati",
    "America/St_Johns",
]


def first_moment_of(day: date, zone: ZoneInfo) -> datetime:
    """Return when a day begins, found by asking the clock on the wall and by no rule of ours."""
    before = datetime(day.year, day.month, day.day, tzinfo=UTC) - timedelta(days=2)
    after = before + timedelta(days=4)
    while after - before > timedelta(microseconds=1):
        middle = before + (after - before) / 2
        before, after = (before, middle) if middle.astimezone(zone).date() >= day else (middle, after)
    return after


@pytest.mark.parametrize("name", ZONES)
@pytest.mark.parametrize("year", [2024, 2026])
def test_every_day_of_every_zone_begins_where_its_clock_says(name: str, year: int) -> None:
    """Also where the clock changes at midnight: no hour of a day is left out, none of the day before comes along."""
    zone = ZoneInfo(name)
    days = [date(year, 1, 1) + timedelta(days=number) for number in range(365)]
    offsets = [first_moment_of(day, zone).astimezone(zone).utcoffset() for day in days]
    changes = [day for day, here, then in zip(days, offsets[1:], offsets, strict=False) if here != then]
    near = {day + timedelta(days=by) for day in changes for by in range(-1, 3)} | {date(year, 7, 1)}
    for day in sorted(near):
        begins, ends = first_moment_of(day, zone), first_moment_of(day + timedelta(days=1), zone)
        for now in (begins, begins + (ends - begins) / 2, ends - timedelta(seconds=1)):
            assert read_moment("today", now, zone) == begins
            assert read_moment("yesterday", now, zone) == first_moment_of(day - timedelta(days=1), zone)
        assert read_moment(day.isoformat(), ends, zone) == begins
