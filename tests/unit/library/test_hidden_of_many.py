"""Hidden among thousands of requests: what one part of media, one page and one bundle ask of storage stays the same."""

from datetime import datetime, timedelta

import pytest

from dev.in_memory.builders import EVENT_TIME, RECORDING_ID
from dev.in_memory.keep_world import archived, days_pass
from dev.in_memory.world import World
from recording.control.tenants import scoped
from recording.domain.find.find_query import FindQuery
from recording.domain.ids import name_of
from recording.domain.incoming.tenants import Scope as TenantScope
from recording.domain.keep.custody import Custody, held
from recording.domain.keep.erasure import Erasure, Scope
from recording.errors import RequestError, StorageBusyError, StorageError
from recording.errors.codes import Code
from recording.library.directory import find
from recording.library.keep.erasures import approve_erasure, carry_on, list_in_force
from recording.library.listening import find_media
from recording.ports import Ports
from recording.ports.library import hidden
from recording.ports.library.hidden import check_is_shown, hidden_recordings
from tests.unit.library.keep.test_erasures import approved, asked

REQUESTS = 5000


def request(number: int, *recordings: str, approved_at: datetime | None = EVENT_TIME, **changes: object) -> Erasure:
    made = Erasure(
        erasure_id=f"e{number:05d}",
        reason="asked",
        requested_by="alice",
        requested_at=EVENT_TIME,
        approved_by="bob" if approved_at else None,
        approved_at=approved_at,
        recordings=recordings or tuple(f"other-{number:05d}-{part}" for part in range(3)),
    )
    return made.model_copy(update=changes)


def with_requests(here: World, count: int, *, is_listed: bool = True) -> World:
    """So many approved requests about others."""
    for number in range(count):
        here.fakes.keeping.add_erasure(request(number))
        if is_listed:
            here.fakes.keeping.list_covered(request(number))
    here.fakes.keeping.is_listed = is_listed
    here.fakes.keeping.calls.clear()
    return here


def calls_of(here: World) -> list[str]:
    calls = list(here.fakes.keeping.calls)
    here.fakes.keeping.calls.clear()
    return calls


def test_a_part_of_media_asks_the_same_however_many_requests_there_are() -> None:
    """Each part of four megabytes asks; with all requests read each time, a long call would cost hours of reading."""
    asked_of = []
    for count in (0, REQUESTS):
        here = with_requests(archived()[0], count)
        find_media(RECORDING_ID, 0, None, None, here.ports)
        asked_of.append(calls_of(here))
    assert asked_of[0] == asked_of[1] == ["covering", "custody"]


def test_a_page_reads_one_page_of_the_list_and_the_entries_of_its_own_recordings() -> None:
    """Fifteen thousand covered recordings do not fit into a page of the list; a page of finds has few of its own."""
    here = with_requests(archived()[0], REQUESTS)
    assert find(FindQuery(), here.ports, here.settings).items
    assert calls_of(here) == ["covered", "covering"]


@pytest.mark.slow
def test_a_bundle_of_thousands_reads_the_rest_of_the_list_once() -> None:
    """Its recordings are not asked about one by one for each part that somebody takes."""
    here = with_requests(archived()[0], REQUESTS)
    check_is_shown([f"free-{number}" for number in range(REQUESTS)], here.ports)
    calls = calls_of(here)
    assert calls.count("covered") == 16  # the list has 15,001 rows
    assert calls.count("covering") == hidden.FEW_ASKED
    assert set(calls) == {"covered", "covering"}


@pytest.mark.parametrize("count", [0, 400, 2000])
def test_all_ways_of_asking_agree_about_every_recording(count: int) -> None:
    """By its own entries, by the list, and by reading all requests as an archive does that has no list yet."""
    here = with_requests(archived()[0], count)
    keeping = here.fakes.keeping
    watched = EVENT_TIME + timedelta(days=2)
    of_note = [
        request(90001, "approved"),
        request(90002, "open", approved_at=None),
        request(90003, "done", done_at=watched),
        request(90004, "done-long-ago", done_at=EVENT_TIME - timedelta(days=31)),
        request(90005, "speaker", scope=Scope.SPEAKER),
        request(90006, "held"),
    ]
    for one in of_note:
        keeping.add_erasure(one)
        keeping.list_covered(one)  # an entry alone decides nothing
    keeping.list_covered(request(90007, "never-saved"))
    keeping.add_custody(held(Custody(recording_id="held"), "L-1", "lawsuit", None, EVENT_TIME))
    names = [one.recordings[0] for one in of_note] + [
        "never-saved",
        RECORDING_ID,
        "other-00001-1",
        "approve",
        "approved-2",
    ]
    expected = {"approved", "done", "speaker"} | ({"other-00001-1"} if count else set())
    here.fakes.clock.advance(days=3)
    many = hidden_recordings(here.ports)
    assert {name for name in names if many(name)} == expected
    assert {name for name in names if is_hidden_alone(here, name)} == expected
    keeping.is_listed = False
    without = hidden_recordings(here.ports)
    assert {name for name in names if without(name)} == expected
    assert {name for name in names if is_hidden_alone(here, name)} == expected


def is_hidden_alone(here: World, recording_id: str) -> bool:
    return is_hidden(recording_id, here.ports)


def is_hidden(recording_id: str, ports: Ports) -> bool:
    try:
        check_is_shown([recording_id], ports)
    except RequestError as error:
        return error.code is Code.ERASURE_APPROVED
    return False


@pytest.mark.parametrize("method", ["list_covered", "save_erasure", "add_custody", "covered"])
@pytest.mark.parametrize("after", [False, True])
def test_an_approval_that_dies_at_any_call_has_hidden_nothing_or_all(method: str, after: bool) -> None:
    """Its own row decides; the entries come before it, and the claims behind it."""
    here, _ = archived()
    erasure_id = asked(here)
    here.fakes.keeping.fail_next(method, StorageBusyError("gone"), after=after)
    with pytest.raises(StorageError):
        approve_erasure(erasure_id, "bob", here.ports, here.settings)
    decided = here.fakes.keeping.requests[erasure_id].approved_at is not None
    assert is_hidden_alone(here, RECORDING_ID) == decided
    assert hidden_recordings(here.ports)(RECORDING_ID) == decided
    assert bool(find(FindQuery(), here.ports, here.settings).items) != decided


def test_requests_of_an_earlier_version_are_listed_by_the_next_run_and_hide_until_then() -> None:
    """They were approved before there was a list; without its first row nobody trusts it."""
    here, custodian = archived()
    approved(here)
    here.fakes.keeping.listed.clear()
    here.fakes.keeping.is_listed = False
    assert is_hidden_alone(here, RECORDING_ID)
    assert hidden_recordings(here.ports)(RECORDING_ID)
    list_in_force(here.ports)
    assert {name for name, _ in here.fakes.keeping.listed} == {name_of(RECORDING_ID)}
    assert hidden_recordings(here.ports)(RECORDING_ID)
    assert custodian is not None


def test_a_claim_of_an_earlier_version_beside_this_one_hides_media_at_once_and_is_listed_by_the_next_run() -> None:
    """While two versions run, the older one approves, claims, and lists nothing."""
    here, _ = archived()
    list_in_force(here.ports)
    approved(here)
    here.fakes.keeping.listed.clear()
    assert is_hidden_alone(here, RECORDING_ID)


def test_what_is_over_leaves_the_list_and_what_is_open_stays() -> None:
    """The list is as long as what is in force."""
    here, custodian = archived()
    keeping = here.fakes.keeping
    for one in (
        request(1, "done-long-ago", done_at=EVENT_TIME - timedelta(days=31)),
        request(2, "lapsed", approved_at=None, requested_at=EVENT_TIME - timedelta(days=31)),
        request(3, "open", approved_at=None),
        request(4, "in-force"),
    ):
        keeping.add_erasure(one)
        keeping.list_covered(one)
    carry_on(custodian, here.ports, here.settings)
    assert {name for name, _ in keeping.listed} == {"open", "in-force"}
    days_pass(here, 1)
    assert {name for name, _ in keeping.listed} == {"open", "in-force"}


@pytest.mark.parametrize("is_listed", [True, False])
def test_a_request_of_the_whole_archive_hides_from_each_tenant_and_says_nothing_to_others(is_listed: bool) -> None:
    """Whoever sees one tenant's recordings does not see requests of others, and must not hear what they cover."""
    here, _ = archived()
    record = here.fakes.catalog.recordings[RECORDING_ID]
    here.fakes.catalog.save_recording(record.model_copy(update={"tenant": "north"}))
    approved(here)
    here.fakes.keeping.is_listed = is_listed
    for tenant, hides in (("north", True), ("south", False)):
        ports = scoped(here.ports, TenantScope(frozenset({tenant})))
        assert hidden_recordings(ports)(RECORDING_ID) == hides
        assert is_hidden(RECORDING_ID, ports) == hides
