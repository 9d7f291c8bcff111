"""Another file under the ids of a destroyed chunk: kept, listed, destroyed in the end, and alone."""

from datetime import timedelta

import pytest

from dev.in_memory.builders import RECORDING_ID, document_id, location, task, wav
from dev.in_memory.fakes.custodian import FakeCustodian
from dev.in_memory.keep_world import archived, blobs_of_recording, days_pass, late_chunk, put_rule
from dev.in_memory.world import World
from recording.domain.keep.destroy import Place
from recording.library.keep.holds import place_hold
from recording.operate.held import list_held
from tests.unit.library.keep.test_erasures import approved

ELSEWHERE = location(document_id(), host="us-storage.asm.skype.com")
RIVAL = task(content_location=ELSEWHERE)


def destroyed() -> tuple[World, FakeCustodian]:
    """A recording that a rule has destroyed."""
    here, custodian = archived()
    put_rule(here, "delete", 1)
    days_pass(here, 16)
    assert blobs_of_recording(here) == []
    return here, custodian


def rival_arrives(here: World) -> None:
    here.source.objects[ELSEWHERE] = wav(1500)
    here.works(RIVAL.model_copy(update={"expires_at": here.now + timedelta(hours=24)}))


def test_it_is_listed_for_an_operator_and_destroyed_after_the_days_of_a_late_file() -> None:
    """It was kept beside a recording that no rule asked about again, without an end."""
    here, _ = destroyed()
    rival_arrives(here)
    assert [name for name in blobs_of_recording(here) if ".conflict-" in name]
    assert [one.reason for one in list_held(here.ports, here.settings)] == ["content_conflict"]
    days_pass(here, 13)
    assert blobs_of_recording(here) != [], "an operator has as long as with any late file"
    days_pass(here, 2)
    assert (blobs_of_recording(here), here.fakes.quarantine.kept) == ([], {})
    assert [one.outcome for one in here.fakes.audit.written].count("kept_beside") == 1
    assert list_held(here.ports, here.settings) == []


def test_it_goes_with_the_next_run_where_two_people_have_had_the_recording_erased() -> None:
    """Also long after the weeks in which a request is watched."""
    here, _ = archived()
    approved(here, participant=None, recordings=[RECORDING_ID])
    days_pass(here, 40)
    rival_arrives(here)
    days_pass(here, 1)
    assert (blobs_of_recording(here), here.fakes.quarantine.kept) == ([], {})


def test_one_that_storage_protects_is_tried_again_and_said_to_be_refused() -> None:
    """The day on which the protection ends is on the row, as for any recording."""
    here, custodian = destroyed()
    custodian.immutable = timedelta(days=20)
    rival_arrives(here)
    days_pass(here, 15)
    row = here.fakes.keeping.custody(RECORDING_ID)
    assert row is not None
    assert row.refused is not None
    assert row.refused.reason == "immutable"
    days_pass(here, 7)
    row = here.fakes.keeping.custody(RECORDING_ID)
    assert (row and row.refused) is None
    assert (blobs_of_recording(here), here.fakes.quarantine.kept) == ([], {})


def test_a_recording_that_is_kept_again_keeps_it_too() -> None:
    """A late chunk brought the recording back, and a case holds it: what is beside may be what the case is about."""
    here, custodian = destroyed()
    rival_arrives(here)
    late_chunk(here)
    place_hold(RECORDING_ID, "L-1", "lawsuit", None, here.ports)
    days_pass(here, 40)
    assert [name for name in blobs_of_recording(here) if ".conflict-" in name]
    assert not [one for one in custodian.remaining() if one.facts.place is Place.ARCHIVE and one.facts.is_deleted]


@pytest.mark.parametrize("days", [1, 40])
def test_another_file_beside_a_recording_that_stays_is_not_destroyed(days: int) -> None:
    """Only the decision to destroy its ids takes it."""
    here, _ = archived()
    rival_arrives(here)
    days_pass(here, days)
    assert [name for name in blobs_of_recording(here) if ".conflict-" in name]
