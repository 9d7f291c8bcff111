"""The timeline names what it could not read: whether it is held may be there, and what receivers have to hear."""

import json

import pytest

from dev.in_memory.builders import RECORDING_ID, metadata, task
from dev.in_memory.fakes.outgoing import FakeWay
from dev.in_memory.keep_world import archived
from dev.in_memory.world import World, world
from recording.control.recordings import get_recording
from recording.domain.ids import name_of
from recording.domain.outgoing.events import Subject, SubjectKind
from recording.domain.state.records import changed
from recording.errors import StorageBusyError
from recording.errors.codes import Code
from recording.http.views.library import TimelineView
from recording.library.keep.holds import place_hold
from recording.library.notify.write import write_events
from recording.operate.timeline import story


def kept() -> World:
    """Return a world with a recording that is held, and whose events wait."""
    here, _ = archived()
    outgoing = here.reports_to(FakeWay())
    place_hold(RECORDING_ID, "L-1", "lawsuit", "alice", here.ports)
    assert write_events(Subject(kind=SubjectKind.RECORDING, id=RECORDING_ID), here.ports, outgoing.ports)
    return here


def lacking(here: World) -> list[tuple[str, str, str]]:
    """Return the rows that the timeline names: table, key and code."""
    told = story(RECORDING_ID, here.ports)
    assert told is not None
    shown = json.loads(json.dumps(TimelineView.of(RECORDING_ID, told).plain()))
    assert shown["moments"]
    return [(row["table"], row["key"], row["code"]) for row in shown["unreadable"]]


def test_a_row_of_holds_that_cannot_be_read_is_named() -> None:
    """A story without its holds is read as that of a recording that nobody holds."""
    here = kept()
    assert lacking(here) == []
    here.fakes.keeping.unreadable.add(name_of(RECORDING_ID))
    assert lacking(here) == [("custody", name_of(RECORDING_ID), Code.NEWER_RECORD)]


def test_each_waiting_event_that_cannot_be_read_is_named_and_no_other_recordings() -> None:
    """It keeps the receiver waiting, and only the log said so."""
    here = kept()
    outgoing = here.fakes.outgoing
    assert outgoing is not None
    keys = sorted(outgoing.outbox.entries)
    outgoing.outbox.unreadable |= {keys[0], (f"recording-{name_of('another')}", keys[0][1])}
    assert lacking(here) == [("outbox", "!".join(keys[0]), Code.UNREADABLE_RECORD)]


@pytest.mark.parametrize("place", ["keeping", "outbox"])
def test_storage_that_does_not_answer_is_no_unreadable_row(place: str) -> None:
    """Then the timeline is asked for again, and nothing is told half."""
    here = kept()
    outgoing = here.fakes.outgoing
    assert outgoing is not None
    fake = here.fakes.keeping if place == "keeping" else outgoing.outbox
    fake.fail_next("custody" if place == "keeping" else "unread", StorageBusyError("busy"))
    with pytest.raises(StorageBusyError):
        story(RECORDING_ID, here.ports)


@pytest.mark.parametrize("duration", [1, 2000, 9e14], ids=str)
@pytest.mark.parametrize("year", ["0001-01-01", "1601-01-01", "1970-01-01", "9999-12-31"])
def test_a_time_that_no_calendar_has_hides_nothing_of_a_recording(year: str, duration: float) -> None:
    """A metadata document may name any year and any length; the story leaves out what lies beyond the last year."""
    here = world()
    pause = {"startTime": f"{year}T23:59:59.999Z", "duration": duration}
    said = metadata(task(), chunkStartTime=f"{year}T23:59:59Z", pauseResumeIntervals=[pause])
    here.holds(task(), None, said)
    here.announces()
    here.runs(hours=1)
    told = story(RECORDING_ID, here.ports)
    assert told is not None
    assert {"the file begins", "paused"} <= {moment.what for moment in told.moments}
    known = here.fakes.catalog.get_recording(RECORDING_ID)
    assert known is not None
    here.fakes.catalog.save_recording(changed(known, started_here=True))
    assert get_recording(RECORDING_ID, here.ports, here.settings)["chunks"]
