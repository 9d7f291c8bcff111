"""A hold, a tag and a bundle at every port call of a destruction and of taking a voice out: nothing is half."""

import json
from collections.abc import Callable, Iterator
from contextlib import suppress

import pytest

from dev.in_memory.builders import RECORDING_ID
from dev.in_memory.erasure_world import nights
from dev.in_memory.fakes.custodian import FakeCustodian
from dev.in_memory.keep_world import blobs_of_recording, put_rule
from dev.in_memory.world import World, interrupted
from recording.errors import RecordingError, RequestError
from recording.library.handover.export import export_message, request_export
from recording.library.keep.dispose import dispose
from recording.library.keep.holds import place_hold
from recording.library.tags import change_tags
from tests.unit.library.keep.test_speaker import archived, asks, item, voice_left

pytestmark = pytest.mark.slow

Work = Callable[[World], object]
RETAINED = {"when": {"tags": {"line": "tax"}}}


def marked() -> tuple[World, FakeCustodian]:
    """A recording on the eve of its destruction, and a rule that keeps those with a tag."""
    here, custodian = archived(has_holds=False)
    put_rule(here, "delete", 1)
    put_rule(here, "retain", 3650, "tax", **RETAINED)
    nights(here, 14)
    here.fakes.clock.advance(days=2)
    return here, custodian


def spoken() -> tuple[World, FakeCustodian]:
    """A recording with a voice that is to be taken out."""
    here, custodian = archived(has_holds=False)
    asks(here)
    here.fakes.clock.advance(days=1)
    return here, custodian


def disposes(here: World) -> None:
    dispose(here.ports, here.settings)


def exports(here: World) -> None:
    for export_id in here.fakes.export_queue.take():
        export_message(json.dumps({"exportId": export_id}), here.ports, here.settings)


def asks_and_exports(here: World) -> None:
    request_export({"recordings": [RECORDING_ID]}, "carol", here.ports, here.settings)
    exports(here)


def holds(here: World) -> None:
    place_hold(RECORDING_ID, "L-17", "lawsuit", None, here.ports)


def tags(here: World) -> None:
    change_tags(RECORDING_ID, {"tags": {"line": "tax"}}, "*", here.ports)


def tries(here: World, work: Work) -> bool:
    """Do it; whoever comes too late is refused, and the host brings again what storage or a rival has stopped."""
    try:
        work(here)
    except RecordingError:
        return False
    return True


def meet(here: World, at: int, act: Work, work: Work) -> tuple[int, bool]:
    """Do some work with an act of others before its call `at`; how many calls it had, and whether the act was taken."""
    taken: list[bool] = []
    calls = interrupted(here, lambda: tries(here, work), (at, lambda inside: taken.append(tries(inside, act))))
    return calls, taken == [True]


Made = Callable[[], tuple[World, FakeCustodian]]
WHERE = {"it is destroyed": marked, "a voice is taken out": spoken}


def meetings(made: Made, work: Work, act: Work, *, each: int = 1) -> Iterator[tuple[World, FakeCustodian, int, bool]]:
    """Yield a world for each call of the work (or each so-manieth) at which the act came, and whether it was taken."""
    calls, _ = meet(made()[0], 0, act, work)
    assert calls
    for at in range(1, calls + 1, each):
        here, custodian = made()
        _, is_taken = meet(here, at, act, work)
        yield here, custodian, at, is_taken


@pytest.mark.parametrize("where", WHERE)
def test_a_hold_at_any_call_is_refused_or_keeps_every_byte(where: str) -> None:
    """Also of one voice: who was told "held" finds the recording as it was, for as long as it is held."""
    before = voice_left(WHERE[where]()[1])
    for here, custodian, at, is_held in meetings(WHERE[where], disposes, holds):
        nights(here, 3)
        if is_held and not _was_done(here):
            assert voice_left(custodian) == before, at
        assert is_held or voice_left(custodian) == 0, at


def _was_done(here: World) -> bool:
    """Return whether the voice was out already when the hold came: it then keeps the new file."""
    return bool(here.record().silenced)


def test_a_hold_that_comes_after_the_voice_was_taken_out_keeps_the_rest() -> None:
    here, _ = spoken()
    nights(here, 1)
    holds(here)
    put_rule(here, "delete", 1)
    nights(here, 40)
    assert len(blobs_of_recording(here)) > 3


@pytest.mark.parametrize("is_first", [True, False])
def test_a_tag_that_retains_is_in_time_or_too_late(is_first: bool) -> None:
    """The guard asks once more behind the decision: a tag before that keeps all of it."""
    work, act = (disposes, tags) if is_first else (tags, disposes)
    outcomes = set()
    for here, _, at, _ in meetings(marked, work, act):
        nights(here, 3)
        kept = len(blobs_of_recording(here))
        assert kept == 0 or kept > 3, at
        outcomes.add(bool(kept))
    assert outcomes == ({True, False} if is_first else outcomes)


def test_no_bundle_is_handed_out_that_was_made_beside_the_voice() -> None:
    """Asked for and made at every call of the run that takes the voice out: it is refused, goes, or is made anew."""
    for here, custodian, at, _ in meetings(spoken, disposes, asks_and_exports):
        with suppress(RequestError):
            asks_and_exports(here)
        nights(here, 2)
        assert voice_left(custodian) == 0, at
        status = next(iter(here.fakes.keeping.requests))
        assert item(here, status).state == "SPEAKER_ERASED", at
