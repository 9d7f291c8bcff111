"""Erasures: two people, refusals that end, and not a byte of the person left in any container or table."""

import dataclasses
import json
from datetime import timedelta
from typing import Any

import pytest

from dev.in_memory.builders import RECORDING_ID, chunk, document_id, event, metadata, task
from dev.in_memory.canaries import PARTICIPANT, PHONE
from dev.in_memory.fakes.archive import FakeArchive
from dev.in_memory.fakes.custodian import FakeCustodian
from dev.in_memory.fakes.quarantine import FakeDeadLetters
from dev.in_memory.keep_world import archived, attached, blobs_of_recording, days_pass, put_rule
from dev.in_memory.world import World
from recording.domain.find.index_keys import IndexKey, IndexKeys
from recording.domain.keep.erasure import ErasureState, hashes_of
from recording.domain.keep.traces import Subject
from recording.domain.state.records import changed
from recording.errors import ClaimLostError, RequestError
from recording.errors.codes import Code
from recording.library.keep.erasures import approve_erasure, erasure_status, request_erasure
from recording.library.keep.holds import place_hold, release_hold
from recording.ports import AuditEntry, DeadLetter, QuarantineEntry

KEYS = IndexKeys((IndexKey(b"a key of the tests, 32 bytes long"), IndexKey(b"an older key of 32 bytes, rotated")))


def asked(here: World, **changes: Any) -> str:
    body = {"participant": PHONE, "reason": "request of 3 May", **changes}
    return request_erasure(body, "alice", here.ports, here.settings).erasure_id


def approved(here: World, **changes: Any) -> str:
    erasure_id = asked(here, **changes)
    approve_erasure(erasure_id, "bob", here.ports, here.settings)
    return erasure_id


def code_of(act: Any) -> Code:
    with pytest.raises(RequestError) as caught:
        act()
    return caught.value.code


def test_the_one_who_asks_cannot_approve_and_nobody_unknown_can() -> None:
    """Two people; what is approved once is approved."""
    here, _ = archived()
    assert code_of(lambda: request_erasure({"participant": PHONE, "reason": "x"}, None, here.ports, here.settings)) is (
        Code.SECOND_PERSON_NEEDED
    )
    erasure_id = asked(here)
    days_pass(here, 20)
    assert len(blobs_of_recording(here)) == 4
    for who in ("alice", " ALICE", "{alice}", "urn:uuid:alice", "\uff21lice", None):
        wrong = code_of(lambda who=who: approve_erasure(erasure_id, who, here.ports, here.settings))
        assert wrong is Code.SECOND_PERSON_NEEDED
    approve_erasure(erasure_id, "bob", here.ports, here.settings)
    assert code_of(lambda: approve_erasure(erasure_id, "carol", here.ports, here.settings)) is Code.ERASURE_DECIDED
    assert code_of(lambda: approve_erasure("0", "carol", here.ports, here.settings)) is Code.ERASURE_NOT_FOUND


def test_a_request_that_nobody_approves_in_time_has_to_be_made_anew() -> None:
    """What two people agreed about may not be so any more."""
    here, _ = archived()
    erasure_id = asked(here)
    days_pass(here, 31)
    assert erasure_status(erasure_id, here.ports, here.settings).state is ErasureState.LAPSED
    assert code_of(lambda: approve_erasure(erasure_id, "bob", here.ports, here.settings)) is Code.ERASURE_EXPIRED
    assert len(blobs_of_recording(here)) == 4


def test_the_later_of_two_approvals_at_once_is_refused() -> None:
    """One row, one ETag."""
    here, _ = archived()
    erasure_id = asked(here)
    here.fakes.keeping.fail_next("save_erasure", ClaimLostError("changed"))
    assert code_of(lambda: approve_erasure(erasure_id, "bob", here.ports, here.settings)) is Code.ERASURE_DECIDED


@pytest.mark.parametrize("spelling", ["0049 (0) 15550-100199", f"tel:{PHONE}", f"4:{PHONE}", "+49 (0) 155-501/00199"])
def test_every_spelling_of_a_number_is_the_same_person(spelling: str) -> None:
    """As people write them."""
    here, _ = archived()
    approved(here, participant=spelling)
    days_pass(here, 1)
    assert blobs_of_recording(here) == []


def test_a_person_is_found_after_the_key_was_rotated_and_the_old_one_given_up() -> None:
    """Hashes under the newer key are learnt while both are in use."""
    here, _ = archived()
    place_hold(RECORDING_ID, "L-17", "lawsuit", None, here.ports)
    erasure_id = approved(here)
    here.fakes.index_keys.secrets.insert(0, b"a newer key of 32 bytes, rotated")
    days_pass(here, 2)
    here.fakes.index_keys.secrets.pop()
    subject = erasure_status(erasure_id, here.ports, here.settings).erasure.subject(here.fakes.index_keys.keys())
    assert subject.is_named(PHONE)


def test_what_is_restored_goes_again_and_an_older_recording_that_turns_up_too() -> None:
    """An undelete, a restore, an import: the person has asked once."""
    here, custodian = archived()
    kept = {name: blob for name, blob in here.fakes.archive.blobs.items() if name.endswith((".wav", ".metadata.json"))}
    erasure_id = approved(here)
    days_pass(here, 1)
    assert blobs_of_recording(here) == []
    for name, blob in kept.items():
        here.fakes.archive.put_once(name, blob.data, "audio/wav")
    late_recording(here, "recording-of-before", began="2026-11-20T09:00:00Z")
    late_recording(here, "recording-of-after", began=here.now.isoformat())
    days_pass(here, 3)
    left = {name.split("/")[-2] for name in blobs_of_recording(here)}
    assert left == {"recording-of-after"}
    assert "recording-of-before" in erasure_status(erasure_id, here.ports, here.settings).erasure.recordings
    assert custodian.remaining()


def late_recording(here: World, recording_id: str, began: str) -> None:
    document = document_id(sum(recording_id.encode()))
    subject = f"/recording/call/call-{recording_id}/serverCallId/x/recordingId/{recording_id}"
    made = task(0, document, recording_id=recording_id, call_id=f"call-{recording_id}")
    here.holds(made, document=metadata(made, chunkStartTime=began))
    said = {"recordingStartTime": began}
    here.announces(
        event(chunk(0, document), subject=subject, id=recording_id, eventTime=here.now.isoformat(), data=said)
    )
    here.runs_due()
    here.follows_up()


@pytest.mark.parametrize("how", ["number", "raw id", "hash", "recording"])
def test_it_is_carried_out_in_the_next_run_without_the_days_of_a_mark(how: str) -> None:
    """However the subject is named."""
    here, _ = archived()
    key = here.fakes.index_keys.keys().current.participant(PARTICIPANT)
    named: dict[str, dict[str, Any]] = {
        "number": {},
        "raw id": {"participant": PARTICIPANT},
        "hash": {"participant": f"h:{key}"},
        "recording": {"participant": None, "recordings": [RECORDING_ID]},
    }
    erasure_id = approved(here, **named[how])
    days_pass(here, 1)
    status = erasure_status(erasure_id, here.ports, here.settings)
    assert blobs_of_recording(here) == []
    assert (status.erasure.state, [one.state for one in status.items]) == (ErasureState.DONE, ["DISPOSED"])


def test_a_hold_refuses_it_until_the_release_and_a_legal_rule_to_its_end() -> None:
    """Refused with its reason, and erased when that ends; nobody has to ask again."""
    here, _ = archived()
    place_hold(RECORDING_ID, "L-17", "lawsuit", None, here.ports)
    erasure_id = approved(here)
    days_pass(here, 10)
    (item,) = erasure_status(erasure_id, here.ports, here.settings).items
    assert [(one.because, one.until) for one in item.disposition.refused] == [("hold", None)]
    assert len(blobs_of_recording(here)) == 4
    put_rule(here, "retain", 60, "tax")
    release_hold(RECORDING_ID, "L-17", "over", None, here.ports)
    days_pass(here, 35)
    (item,) = erasure_status(erasure_id, here.ports, here.settings).items
    assert [one.because for one in item.disposition.refused] == ["retained_by_rule"]
    days_pass(here, 20)
    assert blobs_of_recording(here) == []
    assert erasure_status(erasure_id, here.ports, here.settings).erasure.done_at is not None


def test_somebody_elses_recordings_stay() -> None:
    """A number that nobody here has covers nothing."""
    here, _ = archived()
    erasure_id = approved(here, participant="+4930999999")
    days_pass(here, 2)
    assert erasure_status(erasure_id, here.ports, here.settings).erasure.state is ErasureState.DONE
    assert len(blobs_of_recording(here)) == 4


def everywhere(here: World, custodian: FakeCustodian) -> str:
    """Return every byte that any container, table or queue of the world holds, as text."""
    fakes = here.fakes
    assert fakes.fallback is not None
    assert fakes.dead_letters is not None
    stored: list[object] = [one.data for one in custodian.remaining()]
    stored += [(name, blob) for archive in (fakes.archive, fakes.fallback) for name, blob in archive.blobs.items()]
    stored += [record.model_dump_json() for record in fakes.catalog.chunks.values()]
    stored += [record.model_dump_json() for record in fakes.catalog.recordings.values()]
    stored += [*fakes.directory.rows.items(), *fakes.audit.written, *fakes.quarantine.kept.items()]
    stored += [*fakes.dead_letters.kept.items(), *fakes.queue.sent, *fakes.queue.poison_bodies, fakes.follow_ups.sent]
    stored += [row.model_dump_json() for row in (*fakes.keeping.rows.values(), *fakes.keeping.requests.values())]
    stored += [row.model_dump_json() for row in fakes.keeping.made.values()]
    return "\n".join(repr(one) for one in stored)


def test_a_byte_scan_of_every_container_and_table_finds_no_trace() -> None:
    """Canaries in media, metadata, start request, second destination, quarantine, dead letters and the audit trail."""
    here, _ = archived()
    letter = DeadLetter("2026/a.json", json.dumps([{"who": PARTICIPANT}]), here.now)
    object.__setattr__(here.fakes, "dead_letters", FakeDeadLetters(letter))
    object.__setattr__(here.fakes, "fallback", FakeArchive())
    custodian = attached(here.fakes, soft_delete=timedelta(days=7))
    folder = here.record().task.folder
    assert here.fakes.fallback is not None
    here.fakes.fallback.put_once(f"{folder}/0000.wav", PHONE.encode(), "audio/wav")
    here.fakes.archive.put_once(f"{folder}/0000.peaks.json", PARTICIPANT.encode(), "x")
    here.fakes.quarantine.put(QuarantineEntry("odd", "d", json.dumps({"x": {"rawId": f"4:{PHONE}"}}), "q", here.now))
    here.fakes.quarantine.put(QuarantineEntry("odd", "d", f"a forged {PHONE[1:]}", "q", here.now))
    here.fakes.audit.add(AuditEntry(here.now, "dismiss_held", None, "x", "done", f"they said {PARTICIPANT} called"))
    record = here.fakes.catalog.recordings[RECORDING_ID]
    affinity: dict[str, object] = {"channelAffinity": [{"channel": 0, "participant": PARTICIPANT}]}
    here.fakes.catalog.save_recording(changed(record, request=affinity, tags={"vip": "Canary Smith"}))
    here.follows_up()
    before = everywhere(here, custodian)
    assert all(word in before for word in (PHONE, PHONE[1:], PARTICIPANT, "Canary Smith"))

    for who in (PHONE, PARTICIPANT):
        approved(here, participant=who)
    days_pass(here, 1)
    here.fakes.clock.advance(days=7)
    left = everywhere(here, custodian)
    assert [word for word in (PHONE, PHONE[1:], PARTICIPANT, "Canary Smith") if word in left] == []
    assert any(entry.note == "they said [erased] called" for entry in here.fakes.audit.written)
    assert len(here.fakes.quarantine.kept) == 0


@pytest.mark.parametrize(
    "text",
    [
        PHONE,
        f"4:{PHONE}",
        PHONE[1:],
        f'{{"phoneNumber":"{PHONE}"}}',
        json.dumps(json.dumps({"id": PHONE})),
        f"tel=%2B{PHONE[1:]}&x=1",
    ],
)
def test_a_number_is_found_however_it_is_written(text: str) -> None:
    """In JSON, in JSON in JSON, in a URL, with and without its plus."""
    person = Subject(frozenset(hashes_of(PHONE, KEYS)), frozenset(), KEYS)
    assert person.is_in(text)
    assert not person.is_in(text.replace("199", "198"))
    assert not person.is_in(person.without(text))


def test_a_raw_id_is_found_under_an_older_key_too() -> None:
    """The request may be older than a rotation."""
    old = IndexKeys(KEYS.keys[1:])
    person = Subject(frozenset(hashes_of(PARTICIPANT, old)), frozenset(), KEYS)
    assert person.without(f"x {PARTICIPANT}. y") == "x [erased]. y"


@pytest.mark.parametrize(
    "body",
    [
        {"reason": "x"},
        {"reason": "x", "participant": PHONE, "recordings": ["r"]},
        {"participant": PHONE},
        {"reason": "x", "recordings": ["a/b"]},
        {"reason": "x", "recordings": []},
        {"reason": "x", "recordings": ["r"], "alsoKnownAs": ["Canary Smith"]},
        {"reason": "x", "participant": PHONE, "alsoKnownAs": ["a name of many more words than names have"]},
    ],
)
def test_a_request_is_about_exactly_one_thing(body: dict[str, Any]) -> None:
    """Nothing is guessed where everything would be lost."""
    here, _ = archived()
    assert code_of(lambda: request_erasure(body, "alice", here.ports, here.settings)) is Code.INVALID_REQUEST


def test_the_stored_request_names_nobody() -> None:
    """Not even while it waits."""
    here, _ = archived()
    asked(here, reason=f"letter of {PHONE}")
    (row,) = here.fakes.keeping.requests.values()
    assert PHONE not in row.model_dump_json()
    assert dataclasses.is_dataclass(here.fakes)


def test_two_instances_that_carry_it_out_do_not_end_each_others_run() -> None:
    """The second one finds the request changed, and goes on with all others."""
    here, _ = archived()
    approved(here)
    here.fakes.keeping.fail_next("save_erasure", ClaimLostError("changed"))
    days_pass(here, 2)
    assert blobs_of_recording(here) == []
    assert all(request.state is ErasureState.DONE for request in here.fakes.keeping.requests.values())
