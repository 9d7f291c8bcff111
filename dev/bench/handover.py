"""`python -m dev bench export`: what sealing costs in requests, and a bundle in time and memory."""

import logging
from collections.abc import Callable
from typing import Any

from dev.bench.bundles import measured_export
from dev.in_memory.builders import chunk, document_id, event, task
from dev.in_memory.fakes.seal import FakeSeal
from dev.in_memory.world import World, world
from recording.library.seal.turn import seal

Say = Callable[[str], None]


def seal_turns(recordings: int) -> dict[str, float]:
    """Return the requests of a quiet turn, and of one that seals so many new recordings."""
    here = with_recordings(recordings)
    seal(here.ports)
    quiet = _requests_of(here)
    for number in range(recordings):
        here.fakes.audit.written.clear()
        _archive(here, recordings + number)
    here.follows_up()
    busy = _requests_of(here)
    return {"quiet_requests": quiet, "busy_requests": busy, "requests_a_recording": (busy - quiet) / recordings}


def with_recordings(count: int) -> World:
    """Return a world with a seal and so many archived recordings, all of which wait to be sealed."""
    here = world()
    object.__setattr__(here.fakes, "seal", FakeSeal())
    for number in range(count):
        _archive(here, number)
    here.follows_up()
    return here


def _archive(here: World, number: int) -> None:
    document, recording_id = document_id(number), f"recording-{number}"
    here.holds(task(0, document, recording_id=recording_id))
    subject = f"/recording/call/c{number}/serverCallId/s/recordingId/{recording_id}"
    here.announces(event(chunk(0, document), id=f"e{number}", subject=subject))
    here.runs_due()


def _requests_of(here: World) -> int:
    """Return how many requests to storage and vault a turn makes."""
    sealing = here.fakes.seal or FakeSeal()
    fakes = (here.fakes.archive, here.fakes.audit, here.fakes.catalog, sealing.store, sealing.waiting)
    watched = (*fakes, sealing.key)
    before = sum(len(fake.calls) for fake in watched)
    seal(here.ports)
    return sum(len(fake.calls) for fake in watched) - before


def measure(say: Say, *, quick: bool) -> dict[str, Any]:
    """Return the figures of exports by size, and of the seal."""
    logging.getLogger("recording").setLevel(logging.CRITICAL)
    found: dict[str, Any] = {}
    for gib in (0.25,) if quick else (1.0, 10.0):
        say(f"a bundle of {gib:g} GiB")
        found[f"export, {gib:g} GiB"] = measured_export(gib)
    say("turns of the seal")
    found["seal"] = seal_turns(5 if quick else 100)
    return found
