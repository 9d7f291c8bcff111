"""The figures of the watchers: their requests do not grow with what is archived, but for the nightly survey."""

import pytest

from dev.bench import watchers


@pytest.fixture
def small(monkeypatch: pytest.MonkeyPatch) -> None:
    """An hour of three hundred recordings."""
    for name, value in {"AN_HOUR": 300, "OPEN": 20, "HELD": 5, "MISSING": 3}.items():
        monkeypatch.setattr(watchers, name, value)


@pytest.mark.usefixtures("small")
def test_held_status_and_reconcile_ask_as_much_whatever_is_archived() -> None:
    """Index rows tell what is open, held or in an alarm."""
    few, many = ({one.what: one for one in watchers.measured(size, with_hour=False)} for size in (1_000, 9_000))
    for what in few:
        if not what.startswith(("scrub", "status: counts")):
            assert few[what].requests == many[what].requests, what
    assert few["held"].found == 5
    survey = next(one for one in many.values() if one.what.startswith("scrub"))
    assert survey.requests <= 9_000 / watchers.PAGE + 10


@pytest.mark.usefixtures("small")
def test_an_hour_of_recordings_is_watched_within_it() -> None:
    """The missing are raised, the poison is swept, and the log is read."""
    hour = {one.what.partition(":")[0]: one for one in watchers.measured(10, with_hour=True)}
    assert (hour["sweep"].found, hour["missing files"].found, hour["ACS's log"].found) == (300, 5, 5)
