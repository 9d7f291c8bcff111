"""The report of pauses for audits: every difference between what was asked for and what ACS did is in a line."""

import csv
import io
from datetime import timedelta
from typing import Any

import pytest

from dev.in_memory.world import World
from recording.control.pause_notes import end_pause
from recording.control.recordings import get_recording
from recording.domain.calls.pauses import PauseEnd
from recording.domain.state.records import changed
from recording.library.pause_report import PauseQuery, report_pauses
from tests.unit.control.calls import pauses, starts, under
from tests.unit.control.test_findings import played


def reported(here: World) -> list[dict[str, Any]]:
    query = PauseQuery.model_validate({"from": here.now - timedelta(days=2), "to": here.now + timedelta(days=1)})
    told = report_pauses(query, here.ports, here.settings)
    lines = list(csv.DictReader(io.StringIO(told.as_csv())))
    assert [line["findings"] for line in lines] == [str(row["findings"]) for row in told.shown()["rows"]]
    return list(told.shown()["rows"])


@pytest.mark.parametrize(
    ("asked", "told"),
    [
        ([(20, 55), (80, 95)], [(20, 55), (80, 95)]),
        ([(20, 55), (80, 95)], [(20, 52), (80, 95)]),
        ([(20, 55), (80, 95)], [(23, 55)]),
        ([(20, 55)], [(20, 30), (40, 55)]),  # it recorded in the middle of a pause
        ([(20, 55)], [(20, 55), (100, 110)]),  # another application paused as well
        ([], [(100, 110)]),  # another application alone
        ([(20, 55), (80, 95)], []),
    ],
)
def test_every_finding_of_a_recording_is_in_one_line(asked: Any, told: Any) -> None:
    """Auditors count what is in the report; a pause that nobody asked for here is a finding like any other."""
    here, name = played(*asked, told=told)
    found = get_recording(name, here.ports, here.settings)["pauseFindings"]
    rows = reported(here)
    assert sum(row["findings"] for row in rows) == len(found)
    assert sum(row["pauses"] for row in rows) == len(asked)
    elsewhere = [one for one in found if one["what"] == "paused_elsewhere"]
    lines = [row["findings"] for row in rows if row["reason"] == "paused_elsewhere"]
    assert lines == ([len(elsewhere)] if elsewhere else [])


def test_an_end_by_an_instance_whose_clock_is_behind_is_no_negative_length() -> None:
    """The sum of a day would be too small by as much."""
    here = under()
    name = starts(here)
    pauses(here, name)
    here.skew = timedelta(minutes=-10)
    end_pause(name, PauseEnd.RESUMED, here.ports)
    here.skew = timedelta()
    here.runs(hours=0.2)
    (row,) = reported(here)
    assert (row["pauses"], row["totalSeconds"], row["longestSeconds"]) == (1, 0.0, 0.0)


def test_a_refused_pause_is_none_and_an_open_one_is_open() -> None:
    """ACS said no to the first; the second is not over yet."""
    here = under()
    first, second = starts(here, serverCallId="Y2FsbDE="), ""
    pauses(here, first)
    end_pause(first, PauseEnd.REFUSED, here.ports)
    second = first
    here.fakes.control.states[second] = "active"
    pauses(here, second)
    here.follows_up()
    (row,) = reported(here)
    assert (row["pauses"], row["open"], row["findings"]) == (1, 1, 0)


@pytest.mark.parametrize("what", ["nothing", "the recording's row", "a chunk's row", "pauses beyond those in the row"])
def test_a_report_that_lacks_pauses_is_not_called_complete(what: str) -> None:
    """An auditor adds up its lines."""
    here, name = played((20, 55), told=[(20, 55)])
    record = here.fakes.catalog.recordings[name]
    if what == "the recording's row":
        here.fakes.catalog.unreadable.add(name)
    elif what == "a chunk's row":
        here.fakes.catalog.unreadable.update(here.fakes.catalog.chunks)
    elif what.startswith("pauses"):
        here.fakes.catalog.save_recording(changed(record, more_pauses=3))
    query = PauseQuery.model_validate({"from": here.now - timedelta(days=2), "to": here.now + timedelta(days=1)})
    assert report_pauses(query, here.ports, here.settings).is_complete == (what == "nothing")
