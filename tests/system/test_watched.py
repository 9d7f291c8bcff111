"""Another application stops or pauses what must be recorded, and the alarm goes out, over the whole local world.

The topic's events come back to the app as well, on both of its paths: a subscription of that kind makes no loop.
"""

import json
import time
from collections.abc import Iterator
from typing import Literal

import pytest
from azure.communication.callautomation import CallAutomationClient

from dev.acs_simulator.options import SimulatorOptions
from dev.azurite import is_installed
from dev.event_grid.outgoing import TOPIC, OutgoingEvents
from dev.event_grid.receiver import BY_GRID, Received
from dev.event_grid.subscriptions import StorageQueueSubscription, WebhookSubscription
from dev.world import LocalWorld, WorldOptions
from recording.domain.names import EVENTS_QUEUE
from tests.conftest import missing
from tests.system.steps import Steps

pytestmark = [pytest.mark.azurite, pytest.mark.scenario]

POLICY = {"name": "desk", "tags": {"desk": "fx"}, "mustBeRecorded": True, "longestPauseSeconds": 5}
SOON = 60.0  # for a stop, which is reported within seconds of its event; this machine may be slow
PAUSE_WITHIN = 150.0  # two looks of half a minute; the rest is for a slow machine
UNRECORDED = "recording_archive.unrecorded.v1"


@pytest.fixture
def told() -> Iterator[tuple[Steps, OutgoingEvents]]:
    """A local world whose policy wants the calls of one desk to be recorded, and that reports over both ways."""
    if not is_installed():
        missing("Azurite is not installed: run 'npm ci'")
    with OutgoingEvents() as outgoing:
        outgoing.subscribe()
        settings = {"CALL_POLICIES": json.dumps([POLICY]), **outgoing.settings()}
        with LocalWorld(WorldOptions(host="builtin", simulator=SimulatorOptions(), settings=settings)) as world:
            _subscribe_the_app_itself(world, outgoing)
            yield Steps(world), outgoing


def _subscribe_the_app_itself(world: LocalWorld, outgoing: OutgoingEvents) -> None:
    """Let the topic's events come back on both paths, as an operator may do by mistake."""
    form: Literal["CloudEventSchemaV1_0"] = "CloudEventSchemaV1_0"
    outgoing.topics.subscribe(TOPIC, WebhookSubscription(name="back", url=world.webhook_url(), schema=form))
    queue = StorageQueueSubscription(
        name="back-by-queue", connection_string=world.storage, queue_name=EVENTS_QUEUE, schema=form
    )
    outgoing.topics.subscribe(TOPIC, queue)


def another_application(here: Steps) -> CallAutomationClient:
    """Microsoft's own client, made as any application with the resource's key makes it."""
    found = here.world.addresses
    return CallAutomationClient.from_connection_string(
        found.connection_string,
        proxies={"https": found.proxy_url},
        connection_verify=str(found.ca_bundle),
    )


def alarms(events: list[Received], recording_id: str) -> set[tuple[str, str]]:
    """Return by which way which reasons arrived about a recording."""
    found = (one for one in events if one.type == UNRECORDED and one.document["data"]["recordingId"] == recording_id)
    return {(one.way, one.document["data"]["reason"]) for one in found}


def test_a_stop_and_a_pause_by_another_application_are_reported_in_time(told: tuple[Steps, OutgoingEvents]) -> None:
    """By the topic and by the webhook; one recording is tagged at its start, the other one while it runs."""
    here, outgoing = told
    both = {"event-grid", "webhook"}
    asked = {"content": "audio", "channel": "mixed", "format": "wav"}
    calls = [here.simulator.create_call()["serverCallId"] for _ in range(2)]
    stopped = here.api.start({**asked, "serverCallId": calls[0], "tags": {"desk": "fx"}})["recordingId"]
    paused = here.api.start({**asked, "serverCallId": calls[1]})["recordingId"]
    here.tags(paused, {"desk": "fx"})
    here.simulator.advance(5)
    with another_application(here) as sdk:
        sdk.pause_recording(paused)
        sdk.stop_recording(stopped)
    began = time.monotonic()
    here.simulator.advance(10)
    outgoing.receiver.wait_for(
        lambda events: alarms(events, stopped) == {(way, "stopped_elsewhere") for way in both}, SOON
    )
    outgoing.receiver.wait_for(
        lambda events: alarms(events, paused) == {(way, "paused_too_long") for way in both},
        PAUSE_WITHIN - (time.monotonic() - began),
    )
    ids = {one.id for one in outgoing.receiver.events() if one.type == UNRECORDED}
    assert len(ids) == 2, "each is one event, by whichever way it comes"
    _no_loop(here, outgoing)


def _no_loop(here: Steps, outgoing: OutgoingEvents) -> None:
    """Hold that what came back on both paths was counted, and nothing was kept or reported about it."""
    count = len(outgoing.receiver.events(BY_GRID))
    came_back = [one for one in outgoing.topics.deliveries(TOPIC) if one.subscription in ("back", "back-by-queue")]
    assert {(one.subscription, one.result) for one in came_back} == {
        ("back", "delivered"),
        ("back-by-queue", "delivered"),
    }

    def ignored() -> int:
        return here.world.log_path().read_text(errors="replace").count("recording.event.ignored")

    here.wait_until(lambda: ignored() >= 2 * count, "all that came back is counted as another type")
    assert here.quarantined() == []
    assert here.api.held_count() == 0
    assert len(outgoing.receiver.events(BY_GRID)) == count
