"""Another application at ACS: Microsoft's own client stops and pauses at the simulator what must be recorded here.

Minutes go by on both clocks in a moment, so that the times that the documents state are held to the second.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import pytest
from azure.communication.callautomation import CallAutomationClient

from dev.acs_simulator.threaded import SimulatorHandle
from dev.in_memory.builders import settings as built
from dev.in_memory.world import World
from recording.adapters.acs.control import AcsControl
from recording.control.recordings import start_recording
from recording.control.resumes import stop_recording
from recording.domain.calls.policy import CallPolicy
from recording.library.tags import change_tags
from recording.settings import AcsConnection
from tests.unit.control.calls import told

MUST = CallPolicy(name="desk", tags={"desk": "fx"}, must_be_recorded=True, longest_pause_seconds=90)
STEP = 5


@dataclass
class Desk:
    """The app in memory, ACS as the simulator plays it, and another application that has the resource's key."""

    here: World
    acs: SimulatorHandle
    other: CallAutomationClient
    seen: set[str] = field(default_factory=set)

    def starts(self, **tags: str) -> str:
        """Start a recording through the app."""
        call = self.acs.client.create_call()["serverCallId"]
        body = {"serverCallId": call, "content": "audio", "channel": "mixed", "format": "wav", "tags": tags}
        started = start_recording(body, call, "ada", self.here.ports, self.here.settings)["recordingId"]
        self.passes(10)
        return str(started)

    def passes(self, seconds: int, *, events: bool = True) -> list[str]:
        """Let time go by for the app and for ACS, and return which alarms are out at its end."""
        for _ in range(seconds // STEP):
            self.acs.client.advance(STEP)
            self.here.fakes.clock.advance(seconds=STEP)
            for event in self.acs.client.events() if events else ():
                self._take(event)
            self.here.guards()
        return [reason for _, reason in told(self.here)]

    def _take(self, event: dict[str, Any]) -> None:
        recording_id = str(event["subject"]).rpartition("/")[2]
        if event["id"] not in self.seen and recording_id in self.here.fakes.catalog.recordings:
            self.seen.add(event["id"])
            self.here.announces(event)


@pytest.fixture
def desk(simulator: SimulatorHandle, simulated_acs: AcsConnection) -> Iterator[Desk]:
    found = simulator.addresses
    control = AcsControl(simulated_acs)
    here = World(settings=built(call_policies=(MUST,), acs={"resource_id": found.resource_id}))
    object.__setattr__(here.fakes, "control", control)
    here.reports_to()
    with CallAutomationClient.from_connection_string(
        found.connection_string,
        proxies={"https": found.proxy_url},
        connection_verify=str(found.ca_bundle),
        retry_total=0,
    ) as other:
        yield Desk(here, simulator, other)
    control.close()


def test_a_stop_by_another_application_is_reported_within_seconds_of_its_event(desk: Desk) -> None:
    """ACS says why it ended; the simulator sends that with the files."""
    recording_id = desk.starts(desk="fx")
    desk.passes(60)
    desk.other.stop_recording(recording_id)
    made = desk.acs.client.wait_for_objects(recording_id) if desk.passes(10) == [] else []
    assert made or desk.passes(0) == ["stopped_elsewhere"]
    assert desk.passes(15) == ["stopped_elsewhere"]
    assert desk.passes(900) == ["stopped_elsewhere"], "once"


def test_a_stop_whose_event_is_lost_is_reported_within_six_minutes(desk: Desk) -> None:
    """Half a minute until ACS is asked, five minutes for the event, and then it is said in doubt."""
    recording_id = desk.starts(desk="fx")
    desk.passes(60)
    desk.other.stop_recording(recording_id)
    assert desk.passes(5 * 60 - STEP, events=False) == []
    assert desk.passes(60 + STEP, events=False) == ["stopped_elsewhere"]


def test_a_pause_by_another_application_is_reported_half_a_minute_after_its_time(desk: Desk) -> None:
    """The policy lets a pause last 90 seconds; a shorter one is nothing to report."""
    recording_id = desk.starts(desk="fx")
    desk.passes(60)
    desk.other.pause_recording(recording_id)
    assert desk.passes(60) == []
    desk.other.resume_recording(recording_id)
    assert desk.passes(60) == []
    desk.other.pause_recording(recording_id)
    assert desk.passes(85) == []
    assert desk.passes(65) == ["paused_too_long"]
    desk.other.resume_recording(recording_id)
    assert desk.passes(120) == ["paused_too_long"], "once for each pause"


def test_what_is_tagged_while_it_runs_is_watched_from_then_on(desk: Desk) -> None:
    """The desk's tag comes in the middle of the call."""
    recording_id = desk.starts()
    desk.passes(120)
    change_tags(recording_id, {"tags": {"desk": "fx"}}, "*", desk.here.ports, desk.here.settings)
    desk.passes(60)
    desk.other.stop_recording(recording_id)
    assert desk.passes(6 * 60, events=False) == ["stopped_elsewhere"]


def test_the_end_of_the_call_is_no_alarm_though_a_client_stops_after_it(desk: Desk) -> None:
    """ACS answers 404 to such a stop, for it has ended the recording itself."""
    recording_id = desk.starts(desk="fx")
    desk.passes(60)
    (call,) = [one for one in desk.acs.client.recordings() if one["recordingId"] == recording_id]
    desk.acs.client.end_call(call["callId"])
    stop_recording(recording_id, desk.here.ports, desk.here.settings)
    desk.acs.client.advance(STEP)
    desk.acs.client.wait_for_objects(recording_id)
    assert desk.passes(15 * 60) == []
