"""Bundles end: whatever became of an export, the custodian takes its bytes, and its document says when."""

import json
import zipfile
from collections.abc import Sequence
from datetime import timedelta
from io import BytesIO

import pytest

from dev.in_memory.fakes.custodian import FakeCustodian
from dev.in_memory.keep_world import RECORDING_ID, archived, blobs_of_recording, days_pass, put_rule
from dev.in_memory.world import World
from recording.domain.archived import exports as form
from recording.domain.archived.exports import ExportState
from recording.domain.keep.destroy import Place
from recording.domain.state.recording import RecordingRecord
from recording.domain.state.records import changed
from recording.errors import StorageError
from recording.library.handover.export import export_message, get_export, request_export, work_on_export
from recording.library.keep.dispose import dispose
from recording.library.keep.erasures import approve_erasure, erasure_status, request_erasure
from recording.library.keep.holds import place_hold


def with_export(*, made: bool = True, **account: timedelta) -> tuple[World, FakeCustodian, str]:
    here, custodian = archived(**account)
    asked = request_export({"recordings": [RECORDING_ID]}, "alice", here.ports, here.settings)
    export_id = str(asked["exportId"])
    here.fakes.export_queue.take()
    if made:
        export_message(json.dumps({"exportId": export_id}), here.ports, here.settings)
    return here, custodian, export_id


def left_of(custodian: FakeCustodian, export_id: str) -> set[str]:
    """Return the names of everything of a bundle whose bytes the service still has, but its document."""
    kept = {one.facts.name for one in custodian.remaining() if one.facts.place is Place.EXPORTS}
    return {name for name in kept if name.startswith(export_id)} - {form.state_name(export_id)}


def test_an_expired_bundle_is_destroyed_and_its_document_says_when_its_bytes_are_gone() -> None:
    """All versions; with soft delete, on the day that is told and not before."""
    here, custodian, export_id = with_export(soft_delete=timedelta(days=14))
    days_pass(here, 6)
    assert form.bundle_name(export_id) in here.fakes.bundles.blobs
    assert get_export(export_id, here.ports)["state"] == "done"
    days_pass(here, 2)
    told = get_export(export_id, here.ports)
    assert (told["state"], told["blobName"]) == ("gone", None)
    assert left_of(custodian, export_id) != set()
    days_pass(here, 12)
    assert left_of(custodian, export_id) != set()
    days_pass(here, 1)
    assert left_of(custodian, export_id) == set()
    assert told["goneAt"] is not None
    rows = [row for row in here.fakes.audit.written if row.outcome == "bundle_destroyed"]
    assert [row.note for row in rows] == [f"export {export_id}"]


@pytest.mark.parametrize("state", [ExportState.FAILED, ExportState.RUNNING, ExportState.REQUESTED])
def test_what_failed_or_was_never_finished_goes_as_well(state: ExportState) -> None:
    """Blocks and notes of a bundle that nobody makes any more are copies of recordings too."""
    here, custodian, export_id = with_export(made=False)
    work_on_export(export_id, here.ports, here.settings)
    name = form.state_name(export_id)
    record = form.ExportRecord.model_validate_json(here.fakes.bundles.blobs[name].data)
    unfinished = record.model_copy(update={"state": state, "expires_at": None})
    stored = here.fakes.bundles.get(name)
    assert stored is not None
    here.fakes.bundles.put_if_unchanged(name, unfinished.model_dump_json().encode(), "application/json", stored[1])
    days_pass(here, 15)
    assert left_of(custodian, export_id) == set()
    assert get_export(export_id, here.ports)["state"] == "gone"


def test_a_policy_of_the_account_is_waited_for() -> None:
    """A refusal is a state: the bundle is handed out no more, and goes when the policy lets it."""
    here, custodian, export_id = with_export()
    kept = custodian.kept[Place.EXPORTS, form.bundle_name(export_id)]
    until = here.now + timedelta(days=30)
    custodian.kept[Place.EXPORTS, form.bundle_name(export_id)] = [
        type(one)(type(one.facts)(**{**vars(one.facts), "immutable_until": until}), one.data) for one in kept
    ]
    reports = days_pass(here, 10)
    assert sum(report.counts["bundle_refused"] for report in reports) >= 2
    assert get_export(export_id, here.ports)["goneAt"] is None
    days_pass(here, 22)
    assert left_of(custodian, export_id) == set()


def test_a_hold_keeps_the_recording_and_not_its_copies() -> None:
    here, custodian, export_id = with_export()
    place_hold(RECORDING_ID, "case-17", "dispute", "alice", here.ports)
    days_pass(here, 9)
    assert left_of(custodian, export_id) == set()
    assert any(name.endswith(".wav") for name in here.fakes.archive.blobs)


def test_a_failure_at_bundles_stops_nothing_else_and_is_made_good() -> None:
    here, custodian, export_id = with_export()
    here.fakes.clock.advance(days=8)
    custodian.fail_next("destroy", StorageError("down"))
    assert dispose(here.ports, here.settings).counts["failed"] == 1
    assert left_of(custodian, export_id) != set()
    assert dispose(here.ports, here.settings).counts["bundle_destroyed"] == 1
    assert left_of(custodian, export_id) == set()
    assert dispose(here.ports, here.settings).counts["bundle_destroyed"] == 0


def test_without_a_custodian_an_expired_bundle_is_only_handed_out_no_more() -> None:
    here, _, export_id = with_export()
    object.__setattr__(here.fakes, "custodian", None)
    days_pass(here, 9)
    assert form.bundle_name(export_id) in here.fakes.bundles.blobs
    assert get_export(export_id, here.ports)["state"] == "gone"


def test_progress_is_told_while_a_run_goes_on() -> None:
    """A run lasts for minutes; the recordings that are in are counted as they are noted."""
    here, _, export_id = with_export(made=False)
    assert (get_export(export_id, here.ports)["state"], get_export(export_id, here.ports)["done"]) == ("requested", 0)
    seen = []
    plain = here.fakes.bundles.commit

    def watching(*told: object) -> bool:
        seen.append(get_export(export_id, here.ports))
        return plain(*told)  # type: ignore[arg-type]  # whatever the port is given

    here.fakes.bundles.commit = watching  # type: ignore[method-assign, assignment]
    work_on_export(export_id, here.ports, here.settings)
    assert [(one["state"], one["done"]) for one in seen] == [("running", 1)]


def test_two_workers_that_see_different_facts_make_one_bundle_that_is_whole() -> None:
    """What is noted first counts, with its own blocks: the slower one's never take their place."""
    here, _, export_id = with_export(made=False)
    plain, is_first = here.fakes.bundles.put_once, True

    def overtaken(name: str, data: bytes, media_type: str) -> bool:
        nonlocal is_first
        if "/parts/" in name and is_first:
            is_first = False
            record = here.fakes.catalog.recordings[RECORDING_ID]
            here.fakes.catalog.save_recording(changed(record, tags={"case": "another length"}))
            work_on_export(export_id, here.ports, here.settings, timedelta())
        return plain(name, data, media_type)

    here.fakes.bundles.put_once = overtaken  # type: ignore[method-assign]
    work_on_export(export_id, here.ports, here.settings)
    with zipfile.ZipFile(BytesIO(here.fakes.bundles.blobs[form.bundle_name(export_id)].data)) as opened:
        assert opened.testzip() is None
        assert sum(name.endswith(".vcon.json") for name in opened.namelist()) == 1
    assert get_export(export_id, here.ports)["state"] == "done"


@pytest.mark.parametrize("error", [StorageError("refused"), ValueError("odd")])
def test_a_bundle_that_always_fails_keeps_no_other(error: Exception) -> None:
    """One of them ended each night before the others, whose bytes stayed for ever."""
    here, custodian, first = with_export()
    ids = [first]
    for _ in range(5):
        asked = request_export({"recordings": [RECORDING_ID]}, "alice", here.ports, here.settings)
        here.fakes.export_queue.take()
        ids.append(str(asked["exportId"]))
        export_message(json.dumps({"exportId": ids[-1]}), here.ports, here.settings)
    bad = set(sorted(ids)[:4])
    plain = custodian.versions

    def refused(place: Place, prefix: str) -> object:
        if prefix.partition("/")[0] in bad:
            raise error
        return plain(place, prefix)

    object.__setattr__(custodian, "versions", refused)
    reports = days_pass(here, 20)
    assert {one for one in ids if left_of(custodian, one)} == bad
    assert bad <= {name for name, _ in reports[-1].problems}


def with_exports(count: int) -> tuple[World, FakeCustodian, list[str]]:
    here, custodian, first = with_export()
    ids = [first]
    for _ in range(count - 1):
        asked = request_export({"recordings": [RECORDING_ID]}, "alice", here.ports, here.settings)
        here.fakes.export_queue.take()
        ids.append(str(asked["exportId"]))
        export_message(json.dumps({"exportId": ids[-1]}), here.ports, here.settings)
    return here, custodian, sorted(ids)


def cannot_be_read(here: World, export_ids: Sequence[str]) -> None:
    """Let storage fail for the documents of some exports, always."""
    plain, refused = here.fakes.bundles.get, {form.state_name(one) for one in export_ids}

    def get(name: str) -> object:
        if name in refused:
            raise StorageError("damaged")
        return plain(name)

    object.__setattr__(here.fakes.bundles, "get", get)


@pytest.mark.parametrize("bad", [1, 3, 5])
def test_documents_that_can_never_be_read_keep_neither_bundles_nor_recordings(bad: int) -> None:
    """One of them ended each run, of bundles and of recordings."""
    here, custodian, ids = with_exports(6)
    cannot_be_read(here, ids[:bad])
    reports = days_pass(here, 20)
    assert {one for one in ids if left_of(custodian, one)} == set(ids[:bad])
    assert set(ids[:bad]) <= {name for name, _ in reports[-1].problems}
    put_rule(here, "delete", 10)
    days_pass(here, 20)
    assert blobs_of_recording(here) == []


@pytest.mark.parametrize("about", [RECORDING_ID, "another"])
def test_a_bundle_whose_document_cannot_be_read_is_not_taken_for_one_without(about: str) -> None:
    """One answer 503 was enough for an erasure to destroy bundles of others; now it keeps the request open."""
    here, custodian, ids = with_exports(2)
    here.fakes.catalog.add_recording(RecordingRecord(recording_id="another"))
    cannot_be_read(here, ids)
    asked = request_erasure({"recordings": [about], "reason": "letter"}, "alice", here.ports, here.settings)
    approve_erasure(asked.erasure_id, "bob", here.ports, here.settings)
    dispose(here.ports, here.settings)
    dispose(here.ports, here.settings)
    assert all(left_of(custodian, one) for one in ids)
    kept = {(one.place, one.reason) for one in erasure_status(asked.erasure_id, here.ports, here.settings).erasure.kept}
    assert (Place.EXPORTS, "storage_error") in kept
