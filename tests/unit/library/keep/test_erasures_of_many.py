"""Many holds, many requests, many recordings: a row that is saved once can be saved ever after, or is refused early."""

from typing import Any

import pytest

from dev.in_memory.builders import FAKE_CLOCK_START as NOW
from dev.in_memory.builders import RECORDING_ID
from dev.in_memory.canaries import PHONE
from dev.in_memory.fakes.limits import check_document
from dev.in_memory.keep_world import archived, blobs_of_recording, days_pass
from dev.in_memory.world import World
from recording.domain.ids import name_of
from recording.domain.keep.custody import (
    LONGEST_CASE,
    MOST_CLAIMS,
    MOST_HOLDS,
    MOST_NAMED,
    Claim,
    Custody,
    SpeakerClaim,
    claimed,
    destroying,
    held,
    refused,
    released,
    speaker_claimed,
)
from recording.domain.keep.custody import Refusal as Refused
from recording.domain.keep.erasure import Erasure, KeptTraces, Scope, as_far_as_it_fits
from recording.domain.state.recording import RecordingRecord
from recording.errors import RequestError, StorageError
from recording.errors.codes import Code
from recording.library.keep import covered
from recording.library.keep.erasures import approve_erasure, carry_on, erasure_status, request_erasure
from recording.library.keep.holds import place_hold, release_hold

LONGEST_ID = 512


def approved(here: World, **body: Any) -> str:
    """Return the id of a request that two people have decided."""
    made = request_erasure({"reason": "letter", **body}, "alice", here.ports, here.settings)
    approve_erasure(made.erasure_id, "bob", here.ports, here.settings)
    return made.erasure_id


@pytest.mark.parametrize("chunks", [1, MOST_NAMED, MOST_NAMED + 1, 7000])
@pytest.mark.parametrize("letter", ["x", "\U0001f600", '"'])
def test_a_row_of_as_many_holds_and_claims_as_there_may_be_fits(letter: str, chunks: int) -> None:
    """In the longest words, each written in the longest way; the limits would be promises that storage breaks."""
    row = Custody(recording_id=RECORDING_ID)
    for number in range(MOST_HOLDS):
        case = f"{letter * (LONGEST_CASE - 4)}{number:04d}"
        row = held(row, case, letter * 256, "a" * 36, NOW)
        row = released(row, case, letter * 256, "a" * 36, NOW)
    for number in range(MOST_CLAIMS + 100):
        row = claimed(row, Claim(request_id=f"{number:032x}", approved_at=NOW))
    for number in range(MOST_CLAIMS):
        claim = SpeakerClaim(request_id=f"{number:032x}", approved_at=NOW, refused="x" * 60, until=NOW, done_at=NOW)
        row = speaker_claimed(row, claim)
    assert len(row.claims) == MOST_CLAIMS
    with pytest.raises(RequestError) as caught:
        speaker_claimed(row, SpeakerClaim(request_id="f" * 32, approved_at=NOW))
    assert caught.value.code is Code.TOO_MANY_ERASURES
    row = refused(row, Refused(reason="legal_hold", at=NOW, until=NOW, blobs=1000))
    check_document(row.model_dump_json())
    row = destroying(row, NOW, tuple(f"{number:06d}-{'d' * 64}" for number in range(chunks)))
    check_document(row.model_dump_json())


def test_a_row_about_tens_of_thousands_of_chunks_fits() -> None:
    """A row that storage refuses each night would keep the recording forever."""
    chunks = tuple(f"{number:06d}-{'d' * 64}" for number in range(50_000))
    check_document(destroying(Custody(recording_id="r" * LONGEST_ID), NOW, chunks).model_dump_json())


def test_hundreds_of_requests_about_one_recording_are_done_together() -> None:
    """Those beyond the row's room lose nothing: what the others asked for is what they asked for."""
    here, custodian = archived()
    row = Custody(recording_id=RECORDING_ID)
    for number in range(MOST_CLAIMS):
        row = claimed(row, Claim(request_id=f"{number:032x}", approved_at=here.now))
    here.fakes.keeping.add_custody(row)
    erasure_id = approved(here, recordings=[RECORDING_ID])
    days_pass(here, 20)
    assert blobs_of_recording(here) == []
    assert erasure_status(erasure_id, here.ports, here.settings).erasure.done_at is not None
    assert custodian is not None


def test_one_voice_more_than_a_row_holds_is_refused_before_anything_is_decided() -> None:
    """Half an approval would hide a recording of which nothing is ever erased."""
    here, _ = archived()
    row = Custody(recording_id=RECORDING_ID)
    for number in range(MOST_CLAIMS):
        row = speaker_claimed(row, SpeakerClaim(request_id=f"{number:032x}", approved_at=here.now, done_at=here.now))
    here.fakes.keeping.add_custody(row)
    body = {"participant": PHONE, "scope": Scope.SPEAKER.value, "reason": "letter"}
    made = request_erasure(body, "alice", here.ports, here.settings)
    with pytest.raises(RequestError) as caught:
        approve_erasure(made.erasure_id, "bob", here.ports, here.settings)
    assert caught.value.code is Code.TOO_MANY_ERASURES
    assert here.fakes.keeping.requests[made.erasure_id].approved_at is None
    assert not here.fakes.keeping.listed


def known(here: World, count: int, length: int = LONGEST_ID) -> list[str]:
    """Return the ids of recordings that the catalog knows."""
    ids = [f"{number:0{length}d}" for number in range(count)]
    for one in ids:
        here.fakes.catalog.recordings[one] = RecordingRecord(recording_id=one, etag='"1"')
    return ids


def test_recordings_with_the_longest_ids_are_refused_when_they_are_asked_for() -> None:
    """A thousand of them do not fit into a row: storage would have said so, after the audit trail had noted it."""
    here, _ = archived()
    ids = known(here, 1000)
    with pytest.raises(RequestError) as caught:
        request_erasure({"recordings": ids, "reason": "letter"}, "alice", here.ports, here.settings)
    assert (caught.value.code, "in parts" in str(caught.value)) == (Code.TOO_MANY_RECORDINGS, True)
    assert not here.fakes.keeping.requests
    assert request_erasure({"recordings": ids[:700], "reason": "letter"}, "alice", here.ports, here.settings)


def test_a_request_that_fits_can_be_saved_with_all_that_it_will_say() -> None:
    """What is found and left is noted on it night after night."""
    ids, left = as_far_as_it_fits((), tuple(f"{number:0{LONGEST_ID}d}" for number in range(1000)))
    assert (len(ids) + len(left), len(left) > 0) == (1000, True)
    kept = tuple(KeptTraces(place="x" * 40, reason="y" * 40, until=NOW, count=9) for _ in range(100))
    whole = Erasure(
        erasure_id="a" * 32,
        reason="\U0001f600" * 256,
        requested_by="b" * 36,
        requested_at=NOW,
        participant=("f" * 32,) * 100,
        words=("3:" + "f" * 32,) * 100,
        recordings=ids,
        kept=kept,
    )
    check_document(whole.model_dump_json())


def test_recordings_that_are_found_later_and_do_not_fit_keep_the_request_open(monkeypatch: pytest.MonkeyPatch) -> None:
    """It would be called done while a recording still names the person; it says that another request is needed."""
    here, custodian = archived()
    erasure_id = approved(here, participant=PHONE)
    whole = here.fakes.keeping.requests[erasure_id]
    monkeypatch.setattr(covered, "as_far_as_it_fits", lambda known, more: (known, more))
    here.fakes.keeping.requests[erasure_id] = whole.model_copy(update={"recordings": ()})
    carry_on(custodian, here.ports, here.settings)
    told = erasure_status(erasure_id, here.ports, here.settings).erasure
    assert told.done_at is None
    assert ("recordings", "too_many_recordings", 1) in {(one.place, one.reason, one.count) for one in told.kept}
    monkeypatch.undo()
    days_pass(here, 20)
    assert erasure_status(erasure_id, here.ports, here.settings).erasure.done_at is not None


def test_a_request_that_storage_refuses_keeps_no_other_waiting() -> None:
    """One bad row would have ended each night at the same place."""
    here, custodian = archived()
    first, second = approved(here, recordings=[RECORDING_ID]), approved(here, recordings=[RECORDING_ID])
    here.fakes.keeping.fail_next("list_covered", StorageError("saving a row failed (EntityTooLarge)"))
    assert ["EntityTooLarge" in str(error) for error in carry_on(custodian, here.ports, here.settings).failed] == [True]
    swept = {one for one, row in here.fakes.keeping.requests.items() if row.swept_at is not None}
    assert swept < {first, second}
    assert len(swept) == 1


def test_a_hold_beyond_the_last_one_changes_nothing() -> None:
    """It is refused with what to do; the earlier ones stand, and can be released."""
    here, _ = archived()
    for number in range(MOST_HOLDS):
        place_hold(RECORDING_ID, f"L-{number}", "x" * 256, "alice", here.ports)
    before = here.fakes.keeping.rows[name_of(RECORDING_ID)]
    with pytest.raises(RequestError) as caught:
        place_hold(RECORDING_ID, "L-more", "lawsuit", "alice", here.ports)
    assert caught.value.code is Code.TOO_MANY_HOLDS
    assert here.fakes.keeping.rows[name_of(RECORDING_ID)] == before
    assert len(release_hold(RECORDING_ID, "L-0", "settled", "alice", here.ports).active_holds) == MOST_HOLDS - 1
