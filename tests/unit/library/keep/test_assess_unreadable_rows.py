"""A custody row of a newer version keeps its own recording, says so, and stops nothing that is about others."""

import json
from dataclasses import replace

import pytest

from dev.in_memory.builders import RECORDING_ID
from dev.in_memory.erasure_world import OTHER, full_world, nights
from dev.in_memory.keep_world import archived, blobs_of_recording, days_pass, put_rule
from dev.in_memory.world import World
from recording.domain.ids import name_of
from recording.domain.incoming.tenants import Scope
from recording.domain.keep.disposition import Because
from recording.errors import StorageBusyError
from recording.library.keep.assess import assess_page
from recording.library.keep.dispose import dispose
from recording.library.keep.erasures import (
    approve_erasure,
    erasure_status,
    name_of_erasure,
    page_of_erasures,
    request_erasure,
)
from recording.library.keep.explain import explain
from recording.library.keep.holds import place_hold
from recording.library.keep.leftovers import Leftovers
from recording.library.keep.rules import current_rules
from recording.ports import QuarantineEntry


def unreadable(here: World, recording_id: str = RECORDING_ID) -> None:
    here.fakes.keeping.unreadable.add(name_of(recording_id))


def test_it_is_explained_and_kept() -> None:
    """Whoever asks is told why, and not that storage is busy."""
    here, _ = archived()
    put_rule(here, "delete", 1)
    days_pass(here, 2)
    unreadable(here)
    days_pass(here, 20)
    assert blobs_of_recording(here)
    found = explain(RECORDING_ID, here.ports, here.settings)
    assert [one.because for one in found.disposition.blocked_by] == [Because.UNREADABLE]
    here.fakes.keeping.unreadable.clear()
    days_pass(here, 2)
    assert blobs_of_recording(here) == []


def test_a_page_of_one_tenant_has_it_too() -> None:
    """There rows are read one by one."""
    here, _ = archived()
    unreadable(here)
    ports = replace(here.ports, scope=Scope(frozenset({"alpha"})))
    records = list(here.fakes.catalog.recordings.values())
    rules = current_rules(here.ports, here.settings)
    (found,) = assess_page(records, rules, here.now, ports, here.settings)
    assert found.disposition.reasons[0].because is Because.UNREADABLE


def test_the_other_recordings_of_a_request_are_erased() -> None:
    """One damaged row must not keep what a person has the right to have erased elsewhere, nor end the nightly run."""
    here, _ = full_world()
    unreadable(here)
    body = {"recordings": [RECORDING_ID, OTHER], "reason": "letter"}
    asked = request_erasure(body, "alice", here.ports, here.settings)
    approve_erasure(asked.erasure_id, "bob", here.ports, here.settings)
    nights(here, 2)
    status = erasure_status(asked.erasure_id, here.ports, here.settings)
    assert {one.record.recording_id: one.state.value for one in status.items} == {
        RECORDING_ID: "KEPT",
        OTHER: "DISPOSED",
    }
    assert status.erasure.done_at is None
    here.fakes.keeping.unreadable.clear()
    nights(here, 2)
    assert erasure_status(asked.erasure_id, here.ports, here.settings).erasure.done_at is not None


@pytest.mark.parametrize("most", [1, 2, 50])
def test_a_request_whose_row_cannot_be_read_is_in_the_list(most: int) -> None:
    """It may wait for a second person, or be in force; a list without it looks as if nothing were asked."""
    here, _ = full_world()
    body = {"recordings": [OTHER], "reason": "letter"}
    odd, *others = [request_erasure(body, "alice", here.ports, here.settings).erasure_id for _ in range(3)]
    here.fakes.keeping.unreadable.add(odd)
    seen: list[str] = []
    after = ""
    while True:
        page = page_of_erasures(here.ports, after, most)
        seen += [name_of_erasure(one) for one in page.items]
        after = page.next
        if not after:
            break
    assert (seen[0], set(seen) >= {odd, *others}, len(seen)) == (odd, True, len(set(seen)))


def test_what_names_it_beside_another_one_stays() -> None:
    """It may be held: nobody can say."""
    here, _ = archived()
    payload = json.dumps([{"recordingId": RECORDING_ID}, {"recordingId": "recording-of-tomorrow"}])
    entry = QuarantineEntry("odd", "d", payload, "q", here.now)
    name = here.fakes.quarantine.put(entry)
    assert list(Leftovers(here.ports).quarantined(RECORDING_ID)) == [name]
    unreadable(here, "recording-of-tomorrow")
    assert list(Leftovers(here.ports).quarantined(RECORDING_ID)) == []


def test_storage_that_does_not_answer_is_no_unreadable_row() -> None:
    """Then nothing is said, and nothing is done."""
    here, _ = archived()
    place_hold(RECORDING_ID, "L-1", "lawsuit", None, here.ports)
    here.fakes.keeping.fail_next("custody", StorageBusyError("busy"))
    with pytest.raises(StorageBusyError):
        explain(RECORDING_ID, here.ports, here.settings)
    here.fakes.keeping.fail_next("rules", StorageBusyError("busy"))
    with pytest.raises(StorageBusyError):
        dispose(here.ports, here.settings)
