"""Holds and rules over HTTP: placed, listed, explained, released; each act leaves rows in the audit trail."""

import json
from datetime import timedelta
from typing import Any

import azure.functions as func
import pytest

from dev.in_memory.builders import RECORDING_ID, document_id, event, task
from dev.in_memory.canaries import PHONE
from dev.in_memory.world import World, world
from recording.domain.keep.custody import Custody, destroying, held
from recording.errors import ClaimLostError, StorageBusyError
from recording.http import keep as http_keep
from recording.http.routes import Dependencies
from recording.library.keep.explain import all_upcoming
from recording.library.keep.holds import place_hold, release_hold
from tests.repo.docs.openapi import check

SHORT = {"name": "calls", "action": "retain_and_delete", "days": 30}


@pytest.fixture
def here() -> World:
    made = world()
    made.holds(task())
    made.announces()
    made.runs_due()
    made.follows_up()
    return made


def ask(
    here: World,
    route: Any,
    body: Any = None,
    *,
    case: str = "L-17",
    headers: dict[str, str] | None = None,
    params: dict[str, str] | None = None,
) -> tuple[int, dict[str, Any]]:
    request = func.HttpRequest(
        "PUT",
        "http://localhost/api/x",
        headers=headers or {},
        params=params or {},
        route_params={"recordingId": RECORDING_ID, "case": case},
        body=b"" if body is None else json.dumps(body).encode(),
    )
    dependencies: Dependencies = lambda: (here.ports, here.settings)  # noqa: E731
    answer = route(request, dependencies)
    return answer.status_code, json.loads(answer.get_body())


def put_rules(here: World, *rules: dict[str, Any], if_match: str = "*") -> tuple[int, dict[str, Any]]:
    body = {"note": "policy", "rules": list(rules)}
    return ask(here, http_keep.set_retention_rules, body, headers={"If-Match": if_match})


def test_a_hold_is_placed_listed_explained_and_released(here: World) -> None:
    """The whole life of a hold, as counsel sees it."""
    status, holds = ask(here, http_keep.hold_recording, {"reason": f"lawsuit about {PHONE}"})
    check("Holds", holds)
    assert (status, holds["held"], PHONE in json.dumps(holds)) == (200, True, False)
    put_rules(here, SHORT)
    here.fakes.clock.advance(days=365)
    _, found = ask(here, http_keep.recording_disposition)
    check("Disposition", found)
    assert (found["action"], found["blockedBy"][0]["source"]) == ("keep", "L-17")
    _, listed = ask(here, http_keep.list_recordings_on_hold)
    check("HeldRecordings", listed)
    assert [row["recordingId"] for row in listed["recordings"]] == [RECORDING_ID]

    assert ask(here, http_keep.release_recording, {"reason": "settled"})[0] == 200
    _, found = ask(here, http_keep.recording_disposition)
    assert [reason["because"] for reason in found["blockedBy"]] == ["grace_after_hold"]
    assert ask(here, http_keep.list_recordings_on_hold)[1]["recordings"] == []
    here.fakes.clock.advance(days=30)
    assert ask(here, http_keep.recording_disposition)[1]["action"] == "delete"
    assert ask(here, http_keep.release_recording, {"reason": "again"})[1]["code"] == "hold_not_found"
    said = [(entry.operation, entry.outcome) for entry in here.fakes.audit.written]
    assert ("hold_recording", "done") in said
    assert ("release_recording", "done") in said
    assert ("set_retention_rules", "done") in said
    assert not any(PHONE in (entry.note or "") for entry in here.fakes.audit.written)


def test_a_chunk_that_comes_later_is_held_as_well(here: World) -> None:
    """The recording is held, whatever arrives of it and when."""
    put_rules(here, SHORT)
    place_hold(RECORDING_ID, "L-17", "lawsuit", None, here.ports)
    here.fakes.clock.advance(days=40)
    late = task(1, document_id(1), expires_at=here.now + timedelta(hours=20))
    here.holds(late)
    here.announces(event())
    here.works(late)
    here.follows_up()
    assert here.record(late).blob_name is not None
    assert ask(here, http_keep.recording_disposition)[1]["blockedBy"][0]["because"] == "hold"


def test_the_dry_run_lists_what_goes_and_changes_nothing(here: World) -> None:
    """It answers: what goes in the next 30 days, and why."""
    put_rules(here, SHORT)
    before = dict(here.fakes.keeping.rows)
    day = (here.now + timedelta(days=31)).isoformat()
    _, part = ask(here, http_keep.list_disposition, params={"before": day})
    check("Upcoming", part)
    assert [(one["recordingId"], one["reasons"][-1]["source"]) for one in part["recordings"]] == [
        (RECORDING_ID, "calls")
    ]
    soon = (here.now + timedelta(days=5)).isoformat()
    assert ask(here, http_keep.list_disposition, params={"before": soon})[1]["count"] == 0
    assert here.fakes.keeping.rows == before
    assert ask(here, http_keep.list_disposition, params={"before": day, "next": "a"})[1]["code"] == "invalid_next"


def test_rules_are_replaced_under_their_number_and_count_at_once(here: World) -> None:
    """No date is stored with the recording: the next question is answered by the new rules."""
    status, made = put_rules(here, SHORT, if_match='"0"')
    check("Rules", made)
    assert (status, made["number"]) == (200, 1)
    assert put_rules(here, SHORT, if_match='"0"')[1]["code"] == "rules_changed"
    first = ask(here, http_keep.recording_disposition)[1]["keptUntil"]
    assert put_rules(here, SHORT, {"name": "tax", "action": "retain", "days": 3650}, if_match='"1"')[0] == 200
    second = ask(here, http_keep.recording_disposition)[1]["keptUntil"]
    assert second > first
    assert sorted(here.fakes.keeping.made) == [1, 2]
    assert ask(here, http_keep.get_retention_rules)[1]["rules"][1]["name"] == "tax"


@pytest.mark.parametrize(
    "rule",
    [
        {"name": "x", "action": "delete", "days": -1},
        {"name": "x", "action": "shred", "days": 1},
        {"name": "", "action": "delete", "days": 1},
        {"name": "x", "action": "delete", "days": 1, "when": {"format": ["wav"]}},
        {"name": "x", "action": "delete", "days": 99999},
    ],
)
def test_a_rule_that_is_not_understood_is_refused_whole(here: World, rule: dict[str, Any]) -> None:
    """A misspelt filter would make a rule about everything."""
    assert put_rules(here, SHORT, rule)[1]["code"] == "invalid_request"
    assert here.fakes.keeping.made == {}


def test_two_rules_of_one_name_are_refused(here: World) -> None:
    """An explanation names the rule."""
    assert put_rules(here, SHORT, SHORT)[1]["code"] == "invalid_request"


def test_without_rules_nothing_ever_goes(here: World) -> None:
    """The safe default."""
    here.fakes.clock.advance(days=36_500)
    assert ask(here, http_keep.recording_disposition)[1]["keptUntil"] is None
    assert [part.items for part in all_upcoming(here.now, here.ports, here.settings)] == [()]


def test_a_row_that_cannot_be_read_keeps_its_recording(here: World) -> None:
    """It may be a hold of a newer version."""
    put_rules(here, SHORT)
    place_hold(RECORDING_ID, "L-17", "lawsuit", None, here.ports)
    here.fakes.keeping.unreadable = set(here.fakes.keeping.rows)
    here.fakes.clock.advance(days=400)
    assert [part.items for part in all_upcoming(here.now, here.ports, here.settings)] == [()]


def test_a_hold_that_comes_too_late_is_told_so(here: World) -> None:
    """409, and no row says that it is held."""
    here.fakes.keeping.add_custody(destroying(Custody(recording_id=RECORDING_ID), here.now))
    status, said = ask(here, http_keep.hold_recording, {"reason": "lawsuit"})
    assert (status, said["code"]) == (409, "being_destroyed")


def test_a_hold_wins_against_others_who_write_the_row(here: World) -> None:
    """It is tried again on what the row says then; when that never ends, the caller is told to come again."""
    place_hold(RECORDING_ID, "first", "x", None, here.ports)
    here.fakes.keeping.fail_next("save_custody", ClaimLostError("changed"), 3)
    assert len(place_hold(RECORDING_ID, "second", "x", None, here.ports).active_holds) == 2
    here.fakes.keeping.fail_next("save_custody", ClaimLostError("changed"), 99)
    with pytest.raises(StorageBusyError):
        place_hold(RECORDING_ID, "third", "x", None, here.ports)


def test_a_case_in_a_url_is_read_as_it_was_written(here: World) -> None:
    """Spaces come encoded; numbers of people are refused, for URLs end up in logs."""
    _, holds = ask(here, http_keep.hold_recording, {"reason": "x"}, case="case%2017")
    assert holds["holds"][0]["case"] == "case 17"
    assert ask(here, http_keep.hold_recording, {"reason": "x"}, case="a%2Fb")[1]["code"] == "invalid_case"
    assert ask(here, http_keep.hold_recording, {"reason": "x"}, case=PHONE)[1]["code"] == "invalid_case"


@pytest.mark.parametrize("spelling", ["M\u00fcller", "Mu\u0308ller"])
@pytest.mark.parametrize("kept", ["M\u00fcller", "Mu\u0308ller"])
def test_a_case_is_the_same_in_either_spelling_of_its_accents(here: World, kept: str, spelling: str) -> None:
    """What one system writes as a letter another one writes as two; the hold could not be released."""
    here.fakes.keeping.add_custody(held(Custody(recording_id=RECORDING_ID), kept, "lawsuit", "ann", here.now))
    assert len(place_hold(RECORDING_ID, spelling, "lawsuit", "ann", here.ports).holds) == 1
    assert release_hold(RECORDING_ID, spelling, "settled", "bob", here.ports).active_holds == ()
