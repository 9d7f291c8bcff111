"""Rows of the trail and of the seal's journals, and counts of callers: which of them an erasure may change."""

import json
from datetime import timedelta

import pytest

from dev.in_memory.builders import RECORDING_ID
from dev.in_memory.canaries import PARTICIPANT, PHONE
from dev.in_memory.erasure_world import (
    CANARIES,
    NAME,
    OTHER,
    STAFF,
    TEAMS,
    THIRD,
    accept,
    erase,
    everything,
    full_world,
    nights,
)
from dev.in_memory.fakes.custodian import FakeCustodian
from dev.in_memory.world import World
from dev.prove.traces import told_by, traces
from recording.control.tenants import as_owner
from recording.domain import names
from recording.domain.archived.layout import CERTIFICATES
from recording.domain.keep.destroy import Obstacle, Place
from recording.domain.keep.erasure import ErasureState
from recording.domain.keep.traces import WITHHELD, Subject
from recording.domain.seal.leaves import sealed_number
from recording.domain.state.records import changed
from recording.library.keep.erasures import approve_erasure, erasure_status, request_erasure
from recording.library.keep.holds import place_hold, release_hold
from recording.library.keep.rules import set_rules
from recording.library.keep.sweep import IN_RECEIPT
from recording.library.seal.compare_audit import compare_audit
from recording.library.seal.turn import seal
from recording.ports import AuditEntry

pytestmark = pytest.mark.slow


def heard() -> tuple[World, FakeCustodian]:
    """Return the world with the person in all stores, who also listened to both recordings."""
    here, custodian = full_world()
    for recording_id in (RECORDING_ID, OTHER):
        entry = AuditEntry(here.now, "listen", recording_id, STAFF, "done", f"heard for {NAME}", part="chunk 0, 0-60 s")
        here.fakes.audit.add(entry)
    here.fakes.audit.add(AuditEntry(here.now, "list_held", None, STAFF, "done"))
    seal(here.ports)
    here.follows_up()
    return here, custodian


def rows_about(here: World, recording_id: str | None) -> list[AuditEntry]:
    return [one for one in here.fakes.audit.written if one.recording_id == recording_id and one.operation != "dispose"]


def sealed_about(here: World, recording_id: str) -> int:
    """Return in how many sealed rows about a recording the person is named."""
    assert here.fakes.seal is not None
    lines = [
        line
        for name, data in here.fakes.seal.store.blobs.items()
        if name.startswith("journal/")
        for line in data.splitlines()
    ]
    return sum(recording_id.encode() in one and (NAME.encode() in one or STAFF.encode() in one) for one in lines)


def as_sealed(here: World) -> bool:
    """Return whether the trail is as it was sealed, but for what was withdrawn."""
    here.fakes.clock.advance(minutes=30)
    seal(here.ports)
    assert here.ports.seal is not None
    return compare_audit(here.now - timedelta(days=90), here.ports, here.ports.seal).differences == []


def kept_by(here: World, erasure_id: str) -> set[tuple[str, str]]:
    erasure = erasure_status(erasure_id, here.ports, here.settings).erasure
    return {(one.place, one.reason) for one in erasure.kept}


@pytest.mark.parametrize("how", ["hold", "law"])
def test_rows_about_a_kept_recording_stay_as_they_were_until_nothing_keeps_it(how: str) -> None:
    """Who listened to it is evidence like the recording itself, and a withdrawn row cannot be written again."""
    here, custodian = heard()
    if how == "hold":
        for recording_id in (RECORDING_ID, OTHER):
            place_hold(recording_id, "L-17", "lawsuit", None, here.ports)
    else:
        rule = {"name": "law", "action": "retain", "days": 60, "legal": True, "when": {}}
        set_rules({"note": "the law", "rules": [rule]}, "*", "alice", here.ports)
    before = {one: (rows_about(here, one), sealed_about(here, one)) for one in (RECORDING_ID, OTHER)}
    erasure_id = erase(here)
    nights(here, 3)
    assert {one: (rows_about(here, one), sealed_about(here, one)) for one in (RECORDING_ID, OTHER)} == before
    assert all(count > 0 for _, count in before.values())
    assert kept_by(here, erasure_id) >= {(names.AUDIT_TABLE, Obstacle.NOT_DUE), (Place.SEAL, Obstacle.NOT_DUE)}
    assert not any(one.caller == STAFF for one in rows_about(here, None))  # about nothing that is kept
    assert as_sealed(here)
    for recording_id in (RECORDING_ID, OTHER) if how == "hold" else ():
        release_hold(recording_id, "L-17", "over", None, here.ports)
    nights(here, 63)
    told = traces(everything(here, custodian), CANARIES)
    assert not told.keys() & {names.AUDIT_TABLE, names.SEAL_CONTAINER}
    assert erasure_status(erasure_id, here.ports, here.settings).erasure.state is ErasureState.DONE
    assert as_sealed(here)


def test_a_text_that_many_rows_have_is_read_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """Each costs up to a millisecond of the processor: 150,000 rows of a few callers took three minutes a request."""
    here, _ = full_world()
    for number in range(300):
        entry = AuditEntry(
            here.now, "listen", OTHER, f"caller-{number % 3}", "done", part=f"chunk {number % 5}, 0-60 s"
        )
        here.fakes.audit.add(entry)
    erase(here)
    plain, texts = Subject.without, list[str]()

    def counted(subject: Subject, text: str, mark: str = WITHHELD) -> str:
        texts.append(text)
        return plain(subject, text, mark)

    monkeypatch.setattr(Subject, "without", counted)
    nights(here, 1)
    assert sum(text.startswith(("caller-", "chunk ")) for text in texts) == 2 * 8  # two looks in a night


def test_a_receipt_that_names_the_person_keeps_the_request_open_until_its_recording_is_gone() -> None:
    """Who accepted suspect media, and why, is in a receipt that is never changed: the request says so."""
    here, custodian = full_world()
    third = accept(here)
    erasure_id = erase(here)
    nights(here, 3)
    erasure = erasure_status(erasure_id, here.ports, here.settings).erasure
    assert erasure.state is ErasureState.APPROVED
    assert [(one.place, one.reason, one.count) for one in erasure.kept] == [(names.CHUNKS_TABLE, IN_RECEIPT, 1)]
    told = told_by(traces(everything(here, custodian), CANARIES))
    assert told
    assert all(THIRD in one and ".receipt.json: " in one for one in told)
    assert not any(PHONE[1:] in one for one in told)  # numbers are in metadata and media only
    body = {"recordings": [third], "reason": "its receipt names somebody"}
    asked = request_erasure(body, "alice", here.ports, here.settings).erasure_id
    approve_erasure(asked, "bob", here.ports, here.settings)
    nights(here, 3)
    assert erasure_status(erasure_id, here.ports, here.settings).erasure.state is ErasureState.DONE
    assert told_by(traces(everything(here, custodian), CANARIES)) == []


def test_the_certificate_of_a_recording_names_no_rule_and_so_no_person_that_a_rule_was_named_after() -> None:
    """A certificate is never changed; the number of the rules leads to their words, which an erasure takes out."""
    here, custodian = full_world()
    rule = {"name": f"files of {NAME}", "action": "delete", "days": 0, "when": {}}
    set_rules({"note": "x", "rules": [rule]}, "*", "alice", here.ports)
    nights(here, 20)
    number = here.fakes.keeping.rules().number
    set_rules({"note": "none", "rules": []}, "*", "alice", here.ports)
    stored = here.fakes.archive.blobs
    found = [blob for name, blob in stored.items() if name.startswith(CERTIFICATES) and sealed_number(name) is None]
    certificates = [json.loads(blob.data) for blob in found]
    assert [(one["why"], one["rules"], one["erasures"]) for one in certificates] == [
        ("deleted_by_rule", number, [])
    ] * 2
    erasure_id = erase(here)
    nights(here, 3)
    assert erasure_status(erasure_id, here.ports, here.settings).erasure.state is ErasureState.DONE
    assert told_by(traces(everything(here, custodian), CANARIES)) == []


def test_a_request_of_one_tenant_changes_no_row_and_no_count_of_another() -> None:
    """It is about what the tenant has; what cannot be told to be its own stays, too."""
    here, _ = heard()
    for name, tenant in ((RECORDING_ID, "a"), (OTHER, "b")):
        here.fakes.catalog.save_recording(changed(here.fakes.catalog.recordings[name], tenant=tenant))
    seal(here.ports)
    before = [(rows_about(here, one)) for one in (OTHER, None)]
    sealed, counts = sealed_about(here, OTHER), dict(here.fakes.start_counts.rows)
    ours = as_owner(here.ports, ("a",))
    body = {"participant": PHONE, "alsoKnownAs": [PARTICIPANT, TEAMS, NAME], "reason": "letter of 3 May"}
    erasure_id = request_erasure(body, "alice", ours, here.settings).erasure_id
    approve_erasure(erasure_id, "bob", ours, here.settings)
    nights(here, 3)
    assert [(rows_about(here, one)) for one in (OTHER, None)] == before
    assert (sealed_about(here, OTHER), dict(here.fakes.start_counts.rows)) == (sealed, counts)
    assert sealed > 0
    assert STAFF in counts
    assert all(one.caller != STAFF and NAME not in (one.note or "") for one in rows_about(here, RECORDING_ID))
    assert sealed_about(here, RECORDING_ID) == 0
    assert kept_by(here, erasure_id) == set()
    assert as_sealed(here)
