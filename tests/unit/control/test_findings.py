"""Pauses that were commanded against those of the files, from the call to the answer that shows the difference."""

import itertools
from datetime import timedelta
from typing import Any

import pytest

from dev.in_memory.builders import chunk, event, metadata, task, wav
from dev.in_memory.world import World
from recording.control.pauses import pause_recording
from recording.control.recordings import get_recording
from recording.control.resumes import resume_recording
from recording.domain.incoming.requests import PauseRequest
from tests.unit.control.calls import starts, under

LENGTH = 120.0  # seconds that the call lasts


def played(
    *pauses: tuple[float, float],
    told: list[tuple[float, float]],
    cuts: tuple[float, ...] = (),
    unit: float = 1000.0,
    **how: Any,
) -> tuple[World, str]:
    """Play a call with these pauses, and let its files report others; the files end at these seconds."""
    here = under()
    begun = here.now
    name = starts(here) if not how.get("elsewhere") else "recording-elsewhere"
    if how.get("elsewhere"):
        here.fakes.control.states[name] = "active"
    for begin, end in pauses:
        here.fakes.clock.advance(seconds=(begun + timedelta(seconds=begin) - here.now).total_seconds())
        pause_recording(name, here.ports, here.settings, PauseRequest(reason="card number"), "ada")
        here.fakes.clock.advance(seconds=end - begin)
        resume_recording(name, here.ports, settings=here.settings)
    here.fakes.control.states.pop(name, None)
    edges = [0.0, *cuts, LENGTH]
    parts = []
    for index, (first, last) in enumerate(itertools.pairwise(edges)):
        within = [(max(begin, first), min(end, last)) for begin, end in told if begin < last and end > first]
        about = task(index, f"0-weu-d1-{index:032x}", recording_id=name)
        paused = sum(end - begin for begin, end in within)
        listed = [
            {"startTime": (begun + timedelta(seconds=begin)).isoformat(), "duration": round((end - begin) * unit, 3)}
            for begin, end in within
        ]
        facts = {"chunkDuration": (last - first) * 1000, "pauseResumeIntervals": listed}
        here.holds(about, wav(round((last - first - paused) * 1000)), metadata(about, **facts))
        more = {"endReason": "ChunkMaximumSizeExceeded"} if index < len(cuts) else {}
        parts.append(chunk(index, about.document_id, **more))
    subject = f"/recording/call/call-1/serverCallId/x/recordingId/{name}"
    here.announces(event(*parts, subject=subject, data={"recordingDurationMs": LENGTH * 1000}))
    here.runs(hours=1)
    return here, name


def findings(here: World, name: str) -> list[str]:
    return [one["what"] for one in get_recording(name, here.ports, here.settings)["pauseFindings"]]


@pytest.mark.parametrize("unit", [1000.0, 1.0])
@pytest.mark.parametrize("cuts", [(), (60.0,), (30.0, 50.0, 90.0)])
def test_what_was_done_as_commanded_has_no_findings(cuts: tuple[float, ...], unit: float) -> None:
    """However the recording is cut, and in whichever unit ACS writes the lengths: the published form says none."""
    assert findings(*played((20, 55), (80, 95), told=[(20.5, 55.5), (80.5, 95.5)], cuts=cuts, unit=unit)) == []


@pytest.mark.parametrize(
    ("told", "expected"),
    [
        ([(20, 53.5), (80, 95)], []),
        ([(20, 52), (80, 95)], ["ends_otherwise"]),
        ([(23, 55), (80, 95)], ["begins_otherwise"]),
        ([(20, 55)], ["not_paused"]),
        ([(20, 55), (80, 95), (100, 110)], ["paused_elsewhere"]),
        ([], ["not_paused", "not_paused"]),
    ],
)
def test_a_difference_of_more_than_two_seconds_is_a_finding(
    told: list[tuple[float, float]], expected: list[str]
) -> None:
    """A card number may be in those seconds."""
    assert findings(*played((20, 55), (80, 95), told=told)) == expected


def test_pauses_of_a_recording_that_was_started_elsewhere_are_compared_as_well() -> None:
    """Those that were asked for here must be there; what its own application paused is its own affair."""
    told = [(20.0, 30.0), (100.0, 110.0)]
    assert findings(*played((20, 55), told=told, elsewhere=True)) == ["ends_otherwise"]
