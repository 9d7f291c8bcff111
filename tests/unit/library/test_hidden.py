"""Hidden: from the approval of an erasure on nobody finds, hears or is handed what it covers, until a hold needs it."""

import json
from collections.abc import Callable
from typing import Any

import pytest

from dev.in_memory.builders import RECORDING_ID
from dev.in_memory.canaries import PHONE
from dev.in_memory.keep_world import archived, days_pass, put_rule
from dev.in_memory.world import World
from recording.domain.archived.exports import bundle_name
from recording.domain.find.find_query import FindQuery
from recording.errors import RequestError, StorageBusyError, StorageError
from recording.errors.codes import Code
from recording.library.directory import find, find_all
from recording.library.handover.downloads import find_bundle
from recording.library.handover.export import export_message, get_export, request_export
from recording.library.handover.vcon import make_vcon
from recording.library.keep.erasures import approve_erasure, erasure_status
from recording.library.keep.holds import place_hold, release_hold
from recording.library.listening import find_media
from tests.unit.library.keep.test_erasures import approved, asked


def hands_over(here: World, **body: Any) -> str:
    wanted = body or {"recordings": [RECORDING_ID]}
    return str(request_export(wanted, "carol", here.ports, here.settings)["exportId"])


def works(here: World) -> None:
    for export_id in here.fakes.export_queue.take():
        export_message(json.dumps({"exportId": export_id}), here.ports, here.settings)


WAYS: dict[str, Callable[[World], object]] = {
    "listen": lambda here: find_media(RECORDING_ID, 0, None, None, here.ports),
    "vcon": lambda here: make_vcon(RECORDING_ID, here.ports, here.settings),
    "export by id": hands_over,
    "export by participant": lambda here: hands_over(here, participant=PHONE),
}
SEARCHES = (FindQuery(), FindQuery(participant=PHONE), FindQuery(number=PHONE[-7:]), FindQuery(format="wav"))


def shown(here: World) -> set[str]:
    """In which ways somebody still gets at the recording."""
    ways = set[str]()
    for name, act in WAYS.items():
        try:
            act(here)
            ways.add(name)
        except RequestError as error:
            if error.code not in (Code.ERASURE_APPROVED, Code.UNKNOWN_RECORDING):
                raise
    here.fakes.export_queue.take()
    ways |= {f"find {at}" for at, query in enumerate(SEARCHES) if find(query, here.ports, here.settings).items}
    return ways


ALL = {*WAYS, *(f"find {at}" for at in range(len(SEARCHES)))}


def test_a_request_hides_nothing_and_its_approval_everything_at_once() -> None:
    """Whoever asks alone could hide what others need; after the second person no run has to come first."""
    here, _ = archived()
    put_rule(here, "retain", 60, "tax")
    erasure_id = asked(here)
    assert shown(here) == ALL
    approve_erasure(erasure_id, "bob", here.ports, here.settings)
    assert shown(here) == set()
    days_pass(here, 20)
    assert shown(here) == set()
    (item,) = erasure_status(erasure_id, here.ports, here.settings).items
    assert [one.because for one in item.disposition.refused] == ["retained_by_rule"]


def test_a_hold_shows_it_again_and_its_release_hides_it_in_the_days_of_grace_too() -> None:
    """Held again, shown again: evidence that nobody may look at is none."""
    here, _ = archived()
    approved(here)
    for case in ("L-17", "L-18"):
        place_hold(RECORDING_ID, case, "lawsuit", None, here.ports)
        assert shown(here) == ALL
        release_hold(RECORDING_ID, case, "over", None, here.ports)
        assert shown(here) == set()
    days_pass(here, 3)
    assert shown(here) == set()


def test_an_approval_whose_worker_died_before_the_claims_hides_already() -> None:
    """The decision is the request's own row; claims follow."""
    here, _ = archived()
    erasure_id = asked(here)
    here.fakes.keeping.fail_next("add_custody", StorageBusyError("gone"))
    with pytest.raises(StorageError):
        approve_erasure(erasure_id, "bob", here.ports, here.settings)
    assert not here.fakes.keeping.rows
    assert shown(here) == set()


def test_rows_that_cannot_be_read_and_stores_that_do_not_answer_show_nothing() -> None:
    """In doubt nobody hears it."""
    here, _ = archived()
    approved(here)
    here.fakes.keeping.unreadable.update(here.fakes.keeping.rows)
    assert shown(here) == set()
    here.fakes.keeping.fail_next("covering", StorageBusyError("busy"))
    with pytest.raises(StorageError):
        find_media(RECORDING_ID, 0, None, None, here.ports)
    here.fakes.keeping.fail_next("covered", StorageBusyError("busy"))
    with pytest.raises(StorageError):
        find(FindQuery(), here.ports, here.settings)


def test_another_request_still_covers_it_and_is_carried_out() -> None:
    """Erasures look behind what is hidden from people."""
    here, _ = archived()
    put_rule(here, "retain", 5, "tax")
    approved(here)
    second = approved(here)
    assert erasure_status(second, here.ports, here.settings).erasure.recordings == (RECORDING_ID,)
    query = FindQuery(participant=PHONE)
    assert [one.recording.recording_id for one in find_all(query, here.ports, here.settings, with_hidden=True)]
    days_pass(here, 7)
    assert not [name for name in here.fakes.archive.blobs if not name.startswith("_certificates/")]


@pytest.mark.parametrize("when", ["before the first part", "after the last part", "after the end"])
def test_a_bundle_of_before_the_approval_is_not_handed_out_any_more(when: str) -> None:
    """Whenever the approval comes; a part that is made after it has the reason in the recording's place."""
    here, _ = archived()
    put_rule(here, "retain", 60, "tax")
    export_id = hands_over(here)
    if when == "before the first part":
        approved(here)
    if when == "after the last part":
        here.fakes.bundles.fail_next("commit", StorageBusyError("busy"))
        with pytest.raises(StorageError):
            works(here)
        approved(here)
        here.fakes.export_queue.send(export_id)
    works(here)
    if when == "after the end":
        assert find_bundle(export_id, here.ports).length_bytes
        approved(here)
    assert get_export(export_id, here.ports)["state"] == "done"
    with pytest.raises(RequestError) as refused:
        find_bundle(export_id, here.ports)
    assert refused.value.code is Code.ERASURE_APPROVED
    if when == "before the first part":
        assert b".wav" not in here.fakes.bundles.blobs[bundle_name(export_id)].data.split(b"index.html")[0]


def test_what_others_said_and_what_is_not_covered_stays() -> None:
    """A request about another person's recordings hides none of these."""
    here, _ = archived()
    approved(here, participant="+4930999999")
    assert shown(here) == ALL
