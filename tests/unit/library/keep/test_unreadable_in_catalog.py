"""A row of the catalog that cannot be read: nothing of its recording is destroyed, and no request is called done."""

from typing import Any

import pytest

from dev.in_memory.builders import RECORDING_ID
from dev.in_memory.canaries import PARTICIPANT
from dev.in_memory.erasure_world import OTHER, full_world, nights
from dev.in_memory.keep_world import archived, blobs_of_recording, days_pass, late_chunk, put_rule
from dev.in_memory.world import World
from recording.domain.keep.custody import CustodyState
from recording.errors.codes import Code
from recording.http.views.keep import ErasureView
from recording.library.keep.erasures import approve_erasure, erasure_status, request_erasure
from recording.library.keep.explain import explain
from recording.library.keep.holds import place_hold, release_hold

CODES = (Code.UNREADABLE_RECORD, Code.NEWER_RECORD)


def spoil(here: World, what: str, code: Code = Code.UNREADABLE_RECORD, index: int = 0) -> None:
    """Let a row of the recording be one of another version, or of another hand."""
    chunk = next(key for key, one in here.fakes.catalog.chunks.items() if one.task.index == index)
    here.fakes.catalog.unreadable.add(RECORDING_ID if what == "recording" else chunk)
    here.fakes.catalog.unreadable_code = code


def asked(here: World, body: dict[str, Any]) -> str:
    """Return the id of a request that two people have decided."""
    made = request_erasure({**body, "reason": "letter"}, "alice", here.ports, here.settings)
    approve_erasure(made.erasure_id, "bob", here.ports, here.settings)
    return made.erasure_id


def is_done(here: World, erasure_id: str) -> bool:
    """Return whether the request says that everything is erased."""
    return erasure_status(erasure_id, here.ports, here.settings).erasure.done_at is not None


@pytest.mark.parametrize("code", CODES)
@pytest.mark.parametrize("what", ["recording", "chunk"])
@pytest.mark.parametrize("since", ["the mark", "the beginning", "the decision"])
def test_a_recording_with_a_row_that_cannot_be_read_is_kept_and_says_so(since: str, what: str, code: Code) -> None:
    """A newer version may be at work on the chunk: its source, its hold and its bytes are not known here."""
    here, custodian = archived()
    late_chunk(here)
    put_rule(here, "delete", 1)
    if since == "the beginning":
        spoil(here, what, code)
        days_pass(here, 2)
    else:
        days_pass(here, 3)
        if since == "the decision":
            custodian.fail_next("destroy", OSError("the process is gone"))
            with pytest.raises(OSError, match="gone"):
                days_pass(here, 20)
        spoil(here, what, code)
    before = blobs_of_recording(here)
    reports = days_pass(here, 20)
    assert blobs_of_recording(here) == before
    if what == "chunk":
        told = explain(RECORDING_ID, here.ports, here.settings).custody
        assert told is not None
        assert told.refused is not None
        assert (told.refused.reason, told.refused.blobs) == ("unreadable_record", 1)
    else:
        assert all(report.counts["unreadable"] == 1 for report in reports)
    here.fakes.catalog.unreadable.clear()
    days_pass(here, 20)
    assert blobs_of_recording(here) == []
    row = here.fakes.keeping.custody(RECORDING_ID)
    assert row is not None
    assert row.state is CustodyState.DISPOSED


@pytest.mark.parametrize("code", CODES)
@pytest.mark.parametrize("what", ["recording", "chunk"])
@pytest.mark.parametrize(
    "body",
    [{"recordings": [RECORDING_ID, OTHER]}, {"participant": PARTICIPANT}],
    ids=["by id", "of a person"],
)
@pytest.mark.parametrize("is_early", [True, False], ids=["before the request", "after the approval"])
def test_no_request_is_done_while_a_row_cannot_be_read(
    is_early: bool, body: dict[str, Any], what: str, code: Code
) -> None:
    """Who asked for erasure is told that it is complete; then it must be. The rest of the night's work is done."""
    here, _ = full_world()
    if is_early:
        spoil(here, what, code)
    erasure_id = asked(here, body)
    spoil(here, what, code)
    nights(here, 3)
    status = erasure_status(erasure_id, here.ports, here.settings)
    assert status.erasure.done_at is None
    told = ErasureView.of(status)
    told_of = {one.refused_because for one in told.recordings} | {one.reason for one in told.traces_left}
    assert told.unreadable == (RECORDING_ID,) or told_of & {"unreadable_record", code.value}
    if body.get("recordings"):
        assert {one.record.recording_id: one.state for one in status.items}[OTHER] is CustodyState.DISPOSED
    here.fakes.catalog.unreadable.clear()
    nights(here, 4)
    assert is_done(here, erasure_id)


@pytest.mark.parametrize("what", ["recording", "chunk"])
def test_a_hold_is_placed_and_released_whatever_can_be_read(what: str) -> None:
    """Holding is the safe side; the blobs' own holds are compared each day until all rows can be read."""
    here, custodian = archived()
    late_chunk(here)
    spoil(here, what)
    place_hold(RECORDING_ID, "L-1", "lawsuit", "alice", here.ports)
    days_pass(here, 1)
    here.fakes.catalog.unreadable.clear()
    days_pass(here, 1)
    assert [one.facts.name for one in custodian.remaining() if not one.facts.is_held] == []
    spoil(here, what)
    release_hold(RECORDING_ID, "L-1", "over", "alice", here.ports)
    days_pass(here, 1)
    here.fakes.catalog.unreadable.clear()
    days_pass(here, 1)
    assert [one.facts.name for one in custodian.remaining() if one.facts.is_held] == []
