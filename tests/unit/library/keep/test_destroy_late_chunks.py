"""What arrives late: of a destroyed recording, or a moment before its destruction; rules and holds count for it too."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest

from dev.in_memory.builders import RECORDING_ID, chunk, document_id, event, location, metadata, task
from dev.in_memory.keep_world import archived, attached, blobs_of_recording, days_pass, late_chunk, put_rule
from dev.in_memory.world import World, world
from recording.domain.incoming.requests import HeldFilter
from recording.domain.keep.custody import CustodyState
from recording.domain.keep.disposition import Because
from recording.domain.keep.rules import CallKind
from recording.domain.keep.subject import LONGEST, kept_recording
from recording.domain.state.records import changed
from recording.errors import RequestError
from recording.errors.codes import Code
from recording.http.views.keep import ErasureItemView
from recording.library.follow_up import follow_up
from recording.library.keep.dispose import dispose
from recording.library.keep.erasures import erasure_status
from recording.library.keep.explain import explain
from recording.library.keep.holds import place_hold
from recording.library.tags import change_tags
from recording.operate.attention import needs_attention
from recording.operate.held import list_held, redrive
from tests.unit.library.keep.test_erasures import approved

ACS = {"participantId": "8:acs:6f1c0d52-0000-4f0b-9d2a-5b7f6f0e11a3_0000000e-aaaa-bbbb-cccc-333333333333"}
PHONE = {"participantId": "4:+4915550100777"}
WHO = "Jane Canary"


def destroyed(tags: dict[str, str], *rules: tuple[str, dict[str, str | None]], **record: Any) -> World:
    """A recording with these tags, destroyed by the first of the rules."""
    here, _ = archived()
    if record:
        known = here.fakes.catalog.recordings[RECORDING_ID]
        here.fakes.catalog.save_recording(changed(known, **record))
    change_tags(RECORDING_ID, {"tags": tags}, "*", here.ports)
    here.follows_up()
    for number, (action, when) in enumerate(rules):
        put_rule(here, action, 1, f"rule {number}", when={"tags": when})
    days_pass(here, 16)
    assert blobs_of_recording(here) == []
    return here


def arrives(here: World, *people: dict[str, str], index: int = 0, followed: bool = True) -> None:
    """A chunk is archived in which these people take part; None of them: there is no metadata."""
    changes: dict[str, Any] = {} if people else {"metadata_location": None}
    made = task(index, document_id(index), **changes)
    here.holds(made, document=metadata(made, participants=list(people)))
    told = chunk(index) if people else chunk(index, metadataLocation=None)
    here.announces(event(told, id=f"chunk-{index}", eventTime=here.now.isoformat()))
    here.runs_due()
    if followed:
        here.follows_up()


def reasons(here: World) -> set[Because]:
    return {one.because for one in explain(RECORDING_ID, here.ports, here.settings).disposition.reasons}


def test_a_rule_by_tag_still_fits_what_arrives_after_the_end() -> None:
    """The tags are gone with the recording; whether it had those of the rules is not."""
    here = destroyed({"line": "sales", "vip": WHO}, ("delete", {"line": "sales"}))
    late_chunk(here)
    assert reasons(here) == {Because.DELETED}
    days_pass(here, 16)
    assert blobs_of_recording(here) == []


def test_of_tags_no_more_stays_than_the_words_of_rules() -> None:
    """What people wrote may name somebody; what rules say is written for everybody."""
    here = destroyed({"line": "sales", "vip": WHO, "other": WHO}, ("delete", {"vip": None}), ("delete", {"line": "x"}))
    row = here.fakes.catalog.recordings[RECORDING_ID]
    assert WHO not in row.model_dump_json()
    assert row.remembered is not None
    kept = {(one.name, one.value): one.is_so for one in row.remembered.tags or ()}
    assert kept == {("vip", None): True, ("line", "x"): False}


@pytest.mark.parametrize(
    ("when", "expected"),
    [
        ({"line": "sales"}, True),  # it had that one
        ({"line": None}, True),
        ({"line": "help"}, False),  # one tag has one value
        ({"team": "red"}, False),  # a rule asked, and it had none
        ({"floor": "3"}, None),  # nobody asked while it was there
    ],
)
def test_what_is_not_known_of_its_tags_retains_and_never_deletes(
    when: dict[str, str | None], expected: bool | None
) -> None:
    """Rules that came after its end ask for tags that nobody can look up any more."""
    here = destroyed({"line": "sales"}, ("delete", {"line": "sales"}), ("delete", {"team": None}))
    late_chunk(here)
    here.fakes.keeping.made.clear()
    put_rule(here, "retain", 3650, "keep", when={"tags": when})
    put_rule(here, "delete", 4000, "end", when={"tags": when})
    found = reasons(here)
    assert (Because.RETAINED in found) == (expected is not False)
    assert (Because.DELETED in found) == (expected is True)


def test_tags_that_are_given_anew_count() -> None:
    """Somebody may say what it is about."""
    here = destroyed({"line": "sales"}, ("delete", {"line": "sales"}))
    late_chunk(here)
    change_tags(RECORDING_ID, {"tags": {"line": "help"}}, "*", here.ports)
    here.follows_up()
    assert reasons(here) == {Because.NO_RULE}


def test_the_kind_of_call_and_who_took_part_are_remembered() -> None:
    """The start request, and the metadata of the first chunk, are destroyed; rules ask for what they said."""
    here = world()
    attached(here.fakes)
    arrives(here, ACS, PHONE)
    known = here.fakes.catalog.recordings[RECORDING_ID]
    here.fakes.catalog.save_recording(changed(known, started_here=True, request={"roomId": "room-1"}))
    put_rule(here, "delete", 1)
    days_pass(here, 16)
    assert blobs_of_recording(here) == []
    arrives(here, ACS, index=1)
    kept = kept_recording(here.fakes.catalog.recordings[RECORDING_ID])
    assert kept is not None
    assert (kept.call, sorted(kept.participants), kept.has_unknown_participants) == (
        CallKind.ROOM,
        ["acs", "phone"],
        False,
    )


def test_a_late_chunk_of_a_destroyed_recording_can_be_held() -> None:
    """There is something to hold again: the case keeps it, at once and after the nightly run."""
    here = destroyed({}, ("delete", {}))
    with pytest.raises(RequestError) as caught:
        place_hold(RECORDING_ID, "L-1", "lawsuit", None, here.ports)
    assert caught.value.code is Code.RECORDING_DISPOSED
    late_chunk(here)
    row = place_hold(RECORDING_ID, "L-1", "lawsuit", None, here.ports)
    assert row.state is CustodyState.KEPT
    there = blobs_of_recording(here)
    days_pass(here, 40)
    assert (blobs_of_recording(here), bool(there)) == (there, True)


def test_the_nightly_run_says_that_a_destroyed_recording_is_kept_again() -> None:
    """Its certificate stays; what came later is retained by a rule and is shown as kept."""
    here = destroyed({}, ("delete", {}))
    put_rule(here, "retain", 3650, "tax")
    late_chunk(here)
    report = dispose(here.ports, here.settings)
    row = here.fakes.keeping.custody(RECORDING_ID)
    assert row is not None
    assert (report.counts["came_back"], row.state, len(row.certificates)) == (1, CustodyState.KEPT, 1)
    assert dispose(here.ports, here.settings).counts == {}
    here.fakes.keeping.made.clear()
    put_rule(here, "delete", 1)
    days_pass(here, 16)
    row = here.fakes.keeping.custody(RECORDING_ID)
    assert row is not None
    assert (blobs_of_recording(here), row.state, len(row.certificates)) == ([], CustodyState.DISPOSED, 2)


def test_a_chunk_that_was_archived_a_moment_ago_counts_before_the_directory_has_followed() -> None:
    """It brings a phone, and a rule keeps calls with phones: nothing may go by what was known before."""
    here = world()
    attached(here.fakes)
    arrives(here, ACS)
    put_rule(here, "delete", 1)
    put_rule(here, "retain", 3650, "phones", when={"participants": ["phone"]})
    days_pass(here, 14)
    here.fakes.clock.advance(days=2)
    there = len(blobs_of_recording(here))
    arrives(here, ACS, PHONE, index=1, followed=False)
    dispose(here.ports, here.settings)
    assert len(blobs_of_recording(here)) > there
    assert Because.RETAINED in reasons(here)


def test_a_chunk_without_metadata_may_have_had_anybody_in_it() -> None:
    """What is not known retains, also where other chunks say who was there."""
    here = world()
    attached(here.fakes)
    arrives(here, ACS)
    put_rule(here, "retain", 3650, "phones", when={"participants": ["phone"]})
    assert reasons(here) == {Because.NO_RULE}
    arrives(here, index=1)
    assert Because.RETAINED in reasons(here)


@pytest.mark.parametrize("told", [1e300, float("inf"), float("nan"), -1e300, 1e15])
def test_a_length_that_nobody_believes_moves_the_end_by_a_month_at_most(told: float) -> None:
    """A damaged file says anything of itself; the walk over all others must go on."""
    here, _ = archived()
    known = here.fakes.catalog.recordings[RECORDING_ID]
    assert known.facts is not None
    odd = changed(known, facts=known.facts.model_copy(update={"duration_ms": told}))
    kept = kept_recording(odd)
    assert kept is not None
    assert timedelta() <= kept.ended_at - known.facts.started_at <= LONGEST
    here.fakes.catalog.save_recording(odd)
    put_rule(here, "delete", 1)
    assert all(report.problems == [] for report in days_pass(here, 60))
    assert blobs_of_recording(here) == []


def test_a_row_that_cannot_be_judged_keeps_itself_and_stops_nothing_else(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever makes the decision fail is about one recording."""
    here, _ = archived()
    put_rule(here, "delete", 1)

    def fails(_record: object) -> None:
        raise OverflowError("odd")

    monkeypatch.setattr("recording.library.keep.assess.kept_recording", fails)
    assert days_pass(here, 20)[-1].complete
    assert reasons(here) == {Because.UNREADABLE}
    assert blobs_of_recording(here) != []


ELSEWHERE = location(document_id(1), host="us-storage.asm.skype.com")
BACK: dict[str, Callable[[World], object]] = {
    "by an event with another location": lambda here: here.announces(
        event(chunk(1, contentLocation=ELSEWHERE, deleteLocation=None), id="other", eventTime=here.now.isoformat())
    ),
    "by a message with another location": lambda here: here.fakes.queue.send(
        task(1, content_location=ELSEWHERE, attempt=3, expires_at=here.now + timedelta(hours=20))
    ),
}


def _ended_with_a_held_chunk() -> World:
    here, _ = archived()
    here.announces(event(chunk(1), id="event-2"))
    here.runs(hours=30, until_quiet=False)
    put_rule(here, "delete", 1)
    days_pass(here, 16)
    assert blobs_of_recording(here) == []
    here.source.objects[ELSEWHERE] = here.source.objects[here.holds(task(1)).content_location]
    return here


@pytest.mark.parametrize("how", BACK.values(), ids=BACK)
@pytest.mark.parametrize("is_until_the_end", [True, False])
def test_a_held_chunk_that_comes_back_after_the_end_is_destroyed_like_a_late_one(
    how: Callable[[World], object], is_until_the_end: bool
) -> None:
    """Its row said that it was destroyed: its media stayed for good, and counted as gone."""
    here = _ended_with_a_held_chunk()
    how(here)
    here.runs(hours=6, until_quiet=False)
    assert [name for name in blobs_of_recording(here) if name.endswith(".wav")]
    if not is_until_the_end:
        assert here.record(task(1)).disposed_at is None
        return
    days_pass(here, 16)
    assert blobs_of_recording(here) == []
    assert here.record(task(1)).disposed_at is not None


@pytest.mark.parametrize("changes", [{}, {"id": "event-2"}, {"id": "again"}], ids=["of the first", "same", "another"])
@pytest.mark.parametrize("is_later", [True, False])
def test_a_file_that_was_destroyed_is_not_fetched_again_because_it_is_announced(
    changes: dict[str, Any], is_later: bool
) -> None:
    """ACS may have it for hours after an erasure, and Event Grid delivers an event again for as long."""
    here = _ended_with_a_held_chunk()
    for _ in range(2):
        told = {**changes, "eventTime": here.now.isoformat()} if is_later else changes
        here.announces(event(chunk(1), **told))
        here.runs(hours=3, until_quiet=False)
    assert blobs_of_recording(here) == []


def test_a_held_file_that_was_destroyed_needs_nobody_and_no_redrive_brings_it_back() -> None:
    """It was listed for good, and a redrive of everything fetched what an erasure had taken away."""
    here, _ = archived()
    here.announces(event(chunk(1), id="event-2"))
    here.runs(hours=30, until_quiet=False)
    assert [one.index for one in needs_attention(here.ports, here.settings).items] == [1]
    assert [one.index for one in list_held(here.ports, here.settings)] == [1]
    put_rule(here, "delete", 1)
    days_pass(here, 16)
    here.holds(task(1))
    assert [one for one in needs_attention(here.ports, here.settings).items if one.recording_id] == []
    assert list_held(here.ports, here.settings) == []
    assert redrive(here.ports, here.settings, HeldFilter()).sent == ()
    here.runs(hours=6, until_quiet=False)
    assert blobs_of_recording(here) == []


@pytest.mark.parametrize("is_followed_up", [True, False])
def test_an_erasure_is_not_done_while_a_file_is_there_that_arrived_after_the_destruction(is_followed_up: bool) -> None:
    """The law keeps the late file; "done" would be untrue, and let it be found again a month later."""
    here, _ = archived()
    put_rule(here, "delete", 1)
    days_pass(here, 20)
    late_chunk(here)
    if not is_followed_up:
        here.fakes.catalog.save_recording(
            changed(here.fakes.catalog.recordings[RECORDING_ID], facts=None, placement=None)
        )
    put_rule(here, "retain", 100, "tax")
    erasure_id = approved(here, participant=None, recordings=[RECORDING_ID])
    days_pass(here, 3)
    if not is_followed_up:
        assert erasure_status(erasure_id, here.ports, here.settings).state == "approved"
        follow_up(RECORDING_ID, here.ports)
        days_pass(here, 1)
    status = erasure_status(erasure_id, here.ports, here.settings)
    (item,) = (ErasureItemView.of(one, erasure_id) for one in status.items)
    assert (status.state, item.state, item.refused_because) == ("approved", "KEPT", "retained_by_rule")
    assert blobs_of_recording(here)
    days_pass(here, 100)
    status = erasure_status(erasure_id, here.ports, here.settings)
    (item,) = (ErasureItemView.of(one, erasure_id) for one in status.items)
    assert (status.state, item.state, blobs_of_recording(here)) == ("done", "DISPOSED", [])
