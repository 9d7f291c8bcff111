"""Derived files beside the rest: verified, listed, kept while held, handed over, and destroyed with their recording."""

import io
import json
import zipfile
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from dev.in_memory.builders import RECORDING_ID
from dev.in_memory.keep_world import attached, days_pass, put_rule
from dev.in_memory.world import World, intercept, leave_alone
from recording.domain.archived.exports import bundle_name
from recording.domain.archived.layout import derived_mark
from recording.domain.keep.destroy import Place
from recording.errors import RequestError
from recording.library.derived.ask import find_heard, list_derived
from recording.library.derived.make import derive_message
from recording.library.handover.export import export_message, get_export, request_export
from recording.library.keep.dispose import dispose
from recording.library.keep.holds import place_hold, release_hold
from recording.library.rebuild import rebuild
from recording.operate.drift import look_for_drift
from recording.operate.get_recording_files import files_of
from recording.operate.verify_recording import verify
from tests.unit.library.derived.derived_world import CHANNELS, archived, asks, made, spoken, stored


def test_verify_drift_rebuild_and_get_know_them() -> None:
    """They are no strangers, they are proved again, and they make no chunk."""
    here = archived(spoken(0), spoken(1))
    (one,) = made(here)
    proved = verify(RECORDING_ID, here.ports, here.settings)
    assert proved is not None
    assert proved.is_proved, proved
    assert look_for_drift(here.ports, here.settings).drifts == ()
    assert rebuild(here.ports, here.settings, from_start=True).problems == []
    offered = {file.blob_name: file.sha256 for file in files_of(RECORDING_ID, here.ports)}
    assert offered[one["blobName"]] == one["sha256"]
    assert not any(name.endswith(".asked.json") for name in offered)
    blob = here.fakes.archive.blobs[one["blobName"]]
    here.fakes.archive.blobs[one["blobName"]] = type(blob)(
        blob.data[:-1] + b"x", blob.media_type, blob.facts, blob.etag
    )
    again = verify(RECORDING_ID, here.ports, here.settings)
    assert again is not None
    assert again.differences == (f"derived_bytes {one['blobName']}",)
    del here.fakes.archive.blobs[one["blobName"]]
    again = verify(RECORDING_ID, here.ports, here.settings)
    assert again is not None
    assert again.differences == (f"derived_missing {one['blobName']}",)


def test_they_are_kept_while_held_and_destroyed_with_their_recording() -> None:
    """Nothing of them is left, and nothing is made afterwards."""
    here = archived(spoken(0), spoken(1))
    custodian = attached(here.fakes)
    put_rule(here, "delete", 30)
    place_hold(RECORDING_ID, "case-1", "a lawsuit", "alice", here.ports)
    (one,) = made(here)
    made(here, "speakers")
    derived = [one for one in custodian.versions(Place.ARCHIVE, "") if derived_mark(one.name) is not None]
    assert all(version.is_held for version in derived)
    assert len(derived) > CHANNELS
    days_pass(here, 60)
    assert one["blobName"] in here.fakes.archive.blobs
    release_hold(RECORDING_ID, "case-1", "over", "alice", here.ports)
    days_pass(here, 60)
    assert [name for name in here.fakes.archive.blobs if not name.startswith("_certificates/")] == []
    with pytest.raises(RequestError):
        asks(here)
    derive_message(json.dumps({"recordingId": RECORDING_ID, "kind": "joined"}), here.ports)
    assert [name for name in here.fakes.archive.blobs if not name.startswith("_certificates/")] == []


@pytest.mark.slow
def test_a_file_that_is_being_made_and_a_destruction_do_not_miss_each_other() -> None:
    """Wherever the custodian runs between two calls of the worker, in the end nothing is left."""
    at = 0
    while True:
        here = archived(spoken(0), spoken(1))
        attached(here.fakes)
        put_rule(here, "delete", 30)
        days_pass(here, 29)
        asks(here)
        (text,) = here.fakes.derived.take()
        here.fakes.clock.advance(days=20)
        dispose(here.ports, here.settings)
        here.fakes.clock.advance(days=20)
        seen, has_run = 0, False

        def decide(_port: str, _method: str, here: World = here, at: int = at) -> tuple[Exception | None, bool]:
            nonlocal seen, has_run
            seen += 1
            if seen == at + 1 and not has_run:
                has_run = True
                leave_alone(here)
                dispose(here.ports, here.settings)
            return None, False

        intercept(here, decide)
        derive_message(text, here.ports)
        leave_alone(here)
        days_pass(here, 40)
        left = [name for name in here.fakes.archive.blobs if not name.startswith("_certificates/")]
        assert left == [], at
        at += 1
        if not has_run:
            break
    assert at > 15


@pytest.mark.parametrize("is_asked", [True, False])
def test_a_bundle_has_them_when_asked(is_asked: bool) -> None:
    """With their receipts, and not otherwise."""
    here = archived(spoken(0), spoken(1))
    (one,) = made(here)
    asked = {"recordings": [RECORDING_ID], "derived": is_asked}
    export_id = request_export(asked, None, here.ports, here.settings)["exportId"]
    export_message(json.dumps({"exportId": export_id}), here.ports, here.settings)
    with zipfile.ZipFile(io.BytesIO(here.fakes.bundles.blobs[bundle_name(export_id)].data)) as opened:
        derived = {name.rpartition("/")[2]: name for name in opened.namelist() if "/derived." in name}
        assert len(derived) == (2 if is_asked else 0)
        if is_asked:
            assert opened.read(derived[one["blobName"].rpartition("/")[2]]) == stored(here, one)


@pytest.mark.parametrize("kind", ["joined", "speakers"])
def test_what_is_made_goes_with_its_recording_by_the_rule_of_the_deployment(kind: str) -> None:
    """DELETE_AFTER_DAYS is a rule of the custodian, who goes by the recording's folder: nothing outlives it there."""
    here = archived(spoken(0))
    here.settings = here.settings.model_copy(update={"delete_after": timedelta(days=90), "dispose_after": timedelta()})
    attached(here.fakes)
    one = made(here, kind)[0]
    assert find_heard(RECORDING_ID, one["derivedId"], here.ports).blob_name == one["blobName"]
    days_pass(here, 95)
    assert one["blobName"] not in here.fakes.archive.blobs


ODD_RECEIPTS: dict[str, Callable[[dict[str, Any], str], Any]] = {
    "empty": lambda _told, _other: None,
    "a list": lambda told, _other: [told],
    "a number for its file": lambda told, _other: {**told, "blobName": 5},
    "no file": lambda told, _other: {"sha256": told["sha256"]},
    "no joints": lambda told, _other: {**told, "joints": None},
    "no length": lambda told, _other: {**told, "lengthBytes": "x", "durationMs": None},
    "the file of another": lambda told, other: {**told, "blobName": other},
}


@pytest.mark.parametrize("odd", ODD_RECEIPTS.values(), ids=ODD_RECEIPTS)
def test_a_receipt_that_a_hand_has_changed_costs_no_other_file_and_gives_no_other_away(odd: Any) -> None:
    """It ended the whole bundle and the list; and it was believed where it named a file of another recording."""
    here = archived(spoken(0), spoken(1))
    (one,) = made(here)
    archive, name = here.fakes.archive, one["blobName"].rpartition(".")[0] + ".json"
    other = "2026/11/23/another/recording/secret.wav"
    archive.put_once(other, b"secret", "audio/wav")
    changed = odd(json.loads(archive.blobs[name].data), other)
    archive.blobs[name] = replace(archive.blobs[name], data=b"" if changed is None else json.dumps(changed).encode())
    (listed,) = list_derived(RECORDING_ID, here.ports)
    assert listed["state"] != "made"
    with pytest.raises(RequestError):
        find_heard(RECORDING_ID, one["derivedId"], here.ports)
    found = verify(RECORDING_ID, here.ports, here.settings)
    assert found is not None
    assert found.differences == (f"derived_receipt_unreadable {name}",)
    assert files_of(RECORDING_ID, here.ports)
    export_id = request_export({"recordings": [RECORDING_ID], "derived": True}, None, here.ports, here.settings)[
        "exportId"
    ]
    export_message(json.dumps({"exportId": export_id}), here.ports, here.settings)
    told = get_export(export_id, here.ports)
    assert (told["state"], [left["what"] for left in told["leftOut"]]) == ("done", [name.rpartition("/")[2]])
    with zipfile.ZipFile(io.BytesIO(here.fakes.bundles.blobs[bundle_name(export_id)].data)) as opened:
        assert not [name for name in opened.namelist() if "/derived." in name or "secret" in name]


def test_a_derived_file_that_is_gone_is_named_in_the_bundle_of_the_others() -> None:
    """The export was tried in vain until its message was poisoned."""
    here = archived(spoken(0))
    (one,) = made(here)
    del here.fakes.archive.blobs[one["blobName"]]
    asked = {"recordings": [RECORDING_ID], "derived": True}
    export_id = request_export(asked, None, here.ports, here.settings)["exportId"]
    export_message(json.dumps({"exportId": export_id}), here.ports, here.settings)
    told = get_export(export_id, here.ports)
    assert (told["state"], [left["what"] for left in told["leftOut"]]) == ("done", [one["blobName"].rpartition("/")[2]])


@pytest.mark.parametrize("content", [b"", b"[]", b"5", b'{"error": {}}'])
def test_a_note_of_a_failure_that_cannot_be_read_hides_no_other_file(content: bytes) -> None:
    """The file is listed as failed."""
    here = archived(spoken(0))
    (one,) = made(here)
    stem = one["blobName"].rpartition(".")[0]
    del here.fakes.archive.blobs[f"{stem}.json"]
    here.fakes.archive.put_once(f"{stem}.failed.json", content, "application/json")
    (listed,) = list_derived(RECORDING_ID, here.ports)
    assert (listed["state"], listed["detail"]) == ("failed", None)
