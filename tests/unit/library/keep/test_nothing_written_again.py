"""Of a recording that was destroyed nothing is written to the archive again, whoever touches its rows later."""

from collections.abc import Callable
from datetime import timedelta

import pytest

from dev.in_memory.builders import RECORDING_ID, chunk, event, location, task
from dev.in_memory.canaries import PARTICIPANT
from dev.in_memory.fakes.log import FakeLog
from dev.in_memory.keep_world import archived, blobs_of_recording, days_pass, put_rule
from dev.in_memory.world import World
from recording.archive.manifest import rewrite_manifest
from recording.domain.state.records import changed
from recording.library.keep.erasures import approve_erasure, request_erasure
from recording.ports import RecordingSummary
from recording.ports.bulkhead import Bulkhead
from recording.reconcile.acs_log import count


def _counts_more(here: World) -> None:
    """ACS's log is hours late, and tells of one more file than was announced."""
    row = RecordingSummary(RECORDING_ID, 2, here.now - timedelta(hours=2), here.now - timedelta(hours=1))
    object.__setattr__(here.fakes, "log", FakeLog(row))
    here.fakes.clock.advance(minutes=60 - here.now.minute)
    assert count(here.ports, here.settings, Bulkhead()) == 1


def _erases_a_person(here: World) -> None:
    """The row still says who started the recording."""
    asked = request_erasure({"participant": PARTICIPANT, "reason": "x"}, "alice", here.ports, here.settings)
    approve_erasure(asked.erasure_id, "bob", here.ports, here.settings)
    days_pass(here, 3)
    assert PARTICIPANT not in str(here.fakes.catalog.recordings[RECORDING_ID].started_by)


def _announces_again(here: World) -> None:
    here.announces(event(chunk(0, metadataLocation=location("x", "/content/acsmetadata")), id="again"))
    here.runs(hours=3, until_quiet=False)


TOUCHED: dict[str, Callable[[World], None]] = {
    "by ACS's log": _counts_more,
    "by an erasure of a person": _erases_a_person,
    "by an event": _announces_again,
    "by a worker that is late": lambda here: rewrite_manifest(task(), here.ports),
}


@pytest.mark.parametrize("touch", TOUCHED.values(), ids=TOUCHED)
def test_no_manifest_is_written_again(touch: Callable[[World], None]) -> None:
    """It says who was recorded when, no rule destroys it, and the certificate says that nothing is left."""
    here, _ = archived()
    known = here.fakes.catalog.recordings[RECORDING_ID]
    here.fakes.catalog.save_recording(changed(known, started_by=PARTICIPANT))
    put_rule(here, "delete", 1)
    days_pass(here, 16)
    assert blobs_of_recording(here) == []
    touch(here)
    here.follows_up()
    assert blobs_of_recording(here) == []
