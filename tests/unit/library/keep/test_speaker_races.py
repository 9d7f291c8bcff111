"""A voice is taken out at every moment of an export, of a waveform and of a derived file: nothing of it is left."""

import json
from collections.abc import Callable
from contextlib import suppress

import pytest

from dev.in_memory.builders import RECORDING_ID
from dev.in_memory.erasure_world import nights
from dev.in_memory.fakes.custodian import FakeCustodian
from dev.in_memory.world import World, interrupted
from recording.domain.archived.layout import peaks_name
from recording.domain.keep.destroy import Place
from recording.errors import RecordingError
from recording.library.derived.ask import request_derived
from recording.library.derived.make import CUSTODIAN_WAITS, derive_message
from recording.library.handover.export import export_message, request_export
from recording.library.keep.dispose import dispose
from recording.library.listening import find_media
from recording.library.waveforms import waveform_of
from tests.unit.library.keep.test_speaker import archived, asks, item, voice_left

pytestmark = pytest.mark.slow

Work = Callable[[World], object]


def at_call(here: World, at: int, act: Work, work: Work) -> int:
    """Do some work with an act of others before its call number `at`; returns how many calls the work had."""

    def works() -> None:
        with suppress(RecordingError):  # its files are gone; the host delivers the message again
            work(here)

    return interrupted(here, works, (at, act))


def takes_the_voice(here: World) -> None:
    dispose(here.ports, here.settings)


def waits_and_takes_the_voice(here: World) -> None:
    """The worker stands still for longer than the custodian waits for it."""
    here.fakes.clock.advance(seconds=CUSTODIAN_WAITS.total_seconds() + 60)
    dispose(here.ports, here.settings)


def exports(here: World) -> None:
    for export_id in here.fakes.export_queue.take():
        export_message(json.dumps({"exportId": export_id}), here.ports, here.settings)


def draws(here: World) -> None:
    waveform_of(find_media(RECORDING_ID, 0, None, None, here.ports), here.ports)


def derives(here: World) -> None:
    for message in here.fakes.derived.take():
        derive_message(message, here.ports)


def ready(prepare: Work) -> tuple[World, FakeCustodian, str, str]:
    """A recording with a voice that is to go; its custodian, how its file's name begins, and the request."""
    here, custodian = archived()
    media = here.record().blob_name or ""
    here.fakes.archive.blobs.pop(peaks_name(media))
    custodian.kept.pop((Place.ARCHIVE, peaks_name(media)))
    prepare(here)
    return here, custodian, media.rpartition(".")[0], asks(here)


def every_moment(work: Work, act: Work, prepare: Work) -> None:
    for at in range(1, at_call(ready(prepare)[0], 0, act, work) + 1):
        here, custodian, old, erasure_id = ready(prepare)
        at_call(here, at, act, work)
        nights(here, 1)
        with suppress(RecordingError):
            work(here)  # what the queue brings again
        nights(here, 2)
        assert item(here, erasure_id).state == "SPEAKER_ERASED", at
        new = (here.record().blob_name or "").rpartition(".")[0]
        names = [one.facts.name for one in custodian.remaining()]
        assert [name for name in names if name.startswith(f"{old}.") and not name.startswith(f"{new}.")] == [], at
        assert voice_left(custodian) == 0, at


def test_an_export_that_is_made_meanwhile_hands_over_no_voice() -> None:
    """Asked for before; its bundle, begun or made, goes with the old file."""
    every_moment(
        exports,
        takes_the_voice,
        lambda here: request_export({"recordings": [RECORDING_ID]}, "carol", here.ports, here.settings),
    )


def test_a_waveform_that_is_drawn_meanwhile_does_not_stay() -> None:
    """It is written beside a file that is gone by then; the next nights look for such."""
    every_moment(draws, takes_the_voice, lambda _here: None)


@pytest.mark.parametrize("kind", ["joined", "speakers"])
def test_a_file_that_is_derived_meanwhile_is_made_from_what_is_left(kind: str) -> None:
    """Also by a worker that stood still for so long that the custodian did not wait."""
    every_moment(
        derives,
        waits_and_takes_the_voice,
        lambda here: request_derived(RECORDING_ID, {"kind": kind}, here.ports),
    )


def test_a_second_worker_takes_the_same_voice_at_every_moment() -> None:
    """Two instances, one new file, one certificate."""
    for at in range(1, 110, 9):  # of some hundred
        here, custodian = archived()
        erasure_id = asks(here)
        here.fakes.clock.advance(days=1)
        assert at_call(here, at, takes_the_voice, takes_the_voice) >= at
        nights(here, 2)
        row = here.fakes.keeping.custody(RECORDING_ID)
        assert row is not None
        assert (item(here, erasure_id).state, voice_left(custodian)) == ("SPEAKER_ERASED", 0), at
        assert len([one for one in here.fakes.archive.blobs if ".v2.wav" in one]) == 1, at
