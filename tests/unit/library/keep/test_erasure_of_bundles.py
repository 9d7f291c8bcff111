"""Bundles and their documents that name an erased person, made from recordings that stay."""

import json

import pytest

from dev.in_memory.erasure_world import CANARIES, NAME, OTHER, STAFF, TEAMS, erase, full_world, nights
from dev.in_memory.fakes.custodian import FakeCustodian
from dev.in_memory.world import World
from dev.prove.traces import told_by, traces
from recording.control.tenants import as_owner
from recording.domain.archived import exports as form
from recording.domain.archived.exports import ExportRecord, ExportState
from recording.domain.keep.destroy import Obstacle, Place
from recording.domain.keep.erasure import ErasureState
from recording.domain.state.records import changed
from recording.errors import StorageBusyError
from recording.library.handover.export import export_message, get_export, request_export, work_on_export
from recording.library.keep.erasures import approve_erasure, erasure_status, request_erasure
from recording.library.keep.holds import place_hold

pytestmark = pytest.mark.slow


def with_bundle(
    caller: str = "carol", note: str | None = None, *, made: bool = True
) -> tuple[World, FakeCustodian, str]:
    """Return the world, and a bundle of the recording that stays."""
    here, custodian = full_world()
    asked = request_export({"recordings": [OTHER], "note": note}, caller, here.ports, here.settings)
    export_id = str(asked["exportId"])
    here.fakes.export_queue.take()
    if made:
        export_message(json.dumps({"exportId": export_id}), here.ports, here.settings)
    return here, custodian, export_id


def document(here: World, export_id: str) -> ExportRecord:
    return ExportRecord.model_validate_json(here.fakes.bundles.blobs[form.state_name(export_id)].data)


def of_bundle(custodian: FakeCustodian, export_id: str) -> set[str]:
    """Return what is left of a bundle, but for the present version of its document."""
    kept = [one.facts for one in custodian.remaining() if one.facts.place is Place.EXPORTS]
    ours = {one.name for one in kept if one.name.startswith(export_id)}
    return ours - {form.state_name(export_id)}


def named(custodian: FakeCustodian) -> list[str]:
    """Return the traces in the container of bundles, earlier versions too."""
    kept = [one for one in custodian.remaining() if one.facts.place is Place.EXPORTS]
    return told_by(traces((("exports", one.facts.name, one.data) for one in kept), CANARIES))


def state_of(here: World, erasure_id: str) -> tuple[ErasureState, set[tuple[str, str]]]:
    erasure = erasure_status(erasure_id, here.ports, here.settings).erasure
    return erasure.state, {(one.place, one.reason) for one in erasure.kept}


def test_a_bundle_of_a_recording_whose_row_was_cleaned_is_destroyed_and_its_document_stays() -> None:
    """The tags of somebody else's recording, which name the person, are in the bundle's pages."""
    here, custodian, export_id = with_bundle()
    erasure_id = erase(here)
    nights(here, 2)
    assert of_bundle(custodian, export_id) == set()
    told = get_export(export_id, here.ports)
    assert (told["state"], told["blobName"]) == ("gone", None)
    assert (document(here, export_id).requested_by, named(custodian)) == ("carol", [])
    assert state_of(here, erasure_id) == (ErasureState.DONE, set())


def test_the_document_of_an_export_names_the_person_no_more_in_any_version() -> None:
    """Who asked for it and the note stay for as long as the archive; the rest of the document is as it was."""
    here, custodian, export_id = with_bundle(STAFF, f"for {NAME}")
    before = document(here, export_id)
    erasure_id = erase(here)
    nights(here, 2)
    after = document(here, export_id)
    assert (after.note, after.requested_by) == ("for [erased]", f"erased-{erasure_id[:8]}")
    assert (after.recordings, after.sha256, after.requested_at) == (
        before.recordings,
        before.sha256,
        before.requested_at,
    )
    assert named(custodian) == []
    assert state_of(here, erasure_id) == (ErasureState.DONE, set())


def test_a_bundle_that_is_being_made_is_ended() -> None:
    """Its worker may still write a note of a part: what is found a week later goes as well."""
    here, custodian, export_id = with_bundle(note=f"for {NAME}", made=False)
    erase(here)
    nights(here, 2)
    ended = document(here, export_id)
    assert (ended.state, ended.error) == (ExportState.FAILED, "erasure_approved")
    assert work_on_export(export_id, here.ports, here.settings).state is ExportState.FAILED
    here.fakes.bundles.put_once(form.part_name(export_id, 0), NAME.encode(), "application/json")
    nights(here, 8)
    assert (of_bundle(custodian, export_id), named(custodian)) == (set(), [])


@pytest.mark.parametrize("method", ["list", "get", "put_if_unchanged"])
def test_a_container_of_bundles_that_fails_keeps_the_request_open_and_loses_no_trace(method: str) -> None:
    """The row of the recording says which bundles name the person: it is cleaned after them."""
    here, custodian, export_id = with_bundle(STAFF, f"for {NAME}")
    here.fakes.bundles.fail_next(method, StorageBusyError("503"), times=1000)
    erasure_id = erase(here)
    nights(here, 2)
    state, reasons = state_of(here, erasure_id)
    assert (state, ("exports", "storage_busy") in reasons or ("recordings", "storage_busy") in reasons) == (
        ErasureState.APPROVED,
        True,
    )
    here.fakes.bundles.fails_no_more(method)
    nights(here, 2)
    assert (of_bundle(custodian, export_id), named(custodian)) == (set(), [])
    assert state_of(here, erasure_id) == (ErasureState.DONE, set())


def test_what_a_hold_keeps_stays_in_the_documents_of_exports_as_well() -> None:
    """Who received a recording that is held is evidence, and it is told as left."""
    here, _, export_id = with_bundle(STAFF, f"for {NAME}")
    place_hold(OTHER, "L-17", "lawsuit", None, here.ports)
    before = document(here, export_id)
    erasure_id = erase(here)
    nights(here, 2)
    assert document(here, export_id) == before
    assert (Place.EXPORTS, Obstacle.NOT_DUE) in state_of(here, erasure_id)[1]


def test_a_request_of_one_tenant_leaves_the_documents_and_bundles_of_others() -> None:
    """An export of the whole archive is nobody's but the whole archive's."""
    here, custodian, export_id = with_bundle(STAFF, f"for {NAME}")
    catalog = here.fakes.catalog
    for number, record in enumerate(list(catalog.recordings.values())):
        catalog.save_recording(changed(record, tenant="b" if record.recording_id == OTHER else f"a{number}"))
    before, whole = document(here, export_id), of_bundle(custodian, export_id)
    (ours,) = {one.tenant for one in catalog.recordings.values()} - {"b"}
    ports = as_owner(here.ports, (str(ours),))
    body = {"participant": CANARIES[0], "alsoKnownAs": [TEAMS, NAME], "reason": "letter of 3 May"}
    erasure_id = request_erasure(body, "alice", ports, here.settings).erasure_id
    approve_erasure(erasure_id, "bob", ports, here.settings)
    nights(here, 2)
    assert (document(here, export_id), of_bundle(custodian, export_id)) == (before, whole)
