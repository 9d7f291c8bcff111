"""The pause that everything conspires to forget: its guard dies again and again, and a host's clock is a day ahead."""

from datetime import datetime, timedelta

from dev.in_memory.builders import settings
from dev.in_memory.pools import one_thread_pool
from dev.in_memory.world import World, dies_at
from dev.prove.guarded_policies import POLICIES
from recording.control.pauses import pause_recording
from recording.control.recordings import start_recording
from recording.domain.calls.pauses import open_pause
from recording.domain.incoming.requests import PauseRequest


def forgotten_pause(restarts: int = 60) -> timedelta:
    """Let a guard die so many times in a row, its message come twice and a host be 25 hours ahead.

    Returns:
        How long after its time the pause was over.

    Raises:
        AssertionError: it is never over, it ended early, or its alarm stands for ever.
    """
    here = World(settings=settings(call_policies=(POLICIES["pause, then resume"],)), pool=one_thread_pool())
    name = str(
        start_recording({"serverCallId": "aHR0cHM6Ly9jYWxs"}, "key", "ada", here.ports, here.settings)["recordingId"]
    )
    pause_recording(name, here.ports, here.settings, PauseRequest(reason="card number"), "ada")
    due = here.now + timedelta(seconds=90)
    here.skew = timedelta(hours=25)
    here.reconciles()
    here.guards()
    assert here.fakes.control.states[name] == "inactive", "a fast clock ended the pause"
    here.fakes.clock.advance(seconds=91)
    over: datetime | None = None
    for number in range(restarts + 3):
        if number < restarts:
            dies_at(here, 1 + number % 9, here.guards, after=number % 2 == 0)
            here.fakes.guards.sent += here.fakes.guards.sent[:1]
        else:
            here.skew = timedelta()
            here.guards()
        if over is None and here.fakes.control.states[name] == "active":
            over = here.now
        here.fakes.clock.advance(seconds=61)
    row = here.fakes.catalog.recordings[name]
    assert here.fakes.control.states[name] == "active", "the pause is forgotten"
    assert open_pause(row.pauses) is None, "the row says that it is paused"
    assert row.call_alarm is None, "the alarm stands for ever"
    return (over or here.now) - due
