"""What two tenants share over time: keys, pages, exports, evidence, tags, and callers who belong to no tenant."""

import base64
import json

import azure.functions as func
import pytest

from dev.in_memory.builders import task
from dev.in_memory.fakes.outgoing import FakeWay
from dev.in_memory.world import world
from recording import wiring
from recording.domain.archived.exports import state_name
from recording.domain.outgoing.delivery import WayHealth
from tests.unit.http.tenants_cells import CELLS
from tests.unit.http.tenants_world import (
    ALL,
    ALPHA,
    BETA,
    PERSON,
    TENANTS,
    asked,
    content,
    empty,
    enter,
    entered,
    fill,
    functions,
    outcome,
    worlds,
)


@pytest.fixture(autouse=True)
def _real_wiring(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(wiring, "dependencies", lambda: (entered[-1].ports, entered[-1].settings))


def test_the_refusal_of_a_second_recording_names_only_an_own_one() -> None:
    """ACS itself refuses; whose recording is in the way is not told."""
    here, _, beta, alpha = worlds()
    enter(here)
    refused = asked("start_recording", ALPHA, body={"serverCallId": f"{beta.call}cg=="}, method="POST")
    assert outcome(refused) == (409, "already_recording")
    assert "recordingId" not in content(refused)
    own = asked("start_recording", ALPHA, body={"serverCallId": f"{alpha.call}cg=="}, method="POST")
    assert content(own)["recordingId"] == alpha.running


def test_an_idempotency_key_of_another_tenant_is_free() -> None:
    """Else it would hand out a recording, or say that the key was used."""
    here = enter(empty())
    key, body = {"Idempotency-Key": "monday"}, {"serverCallId": "Y2FsbA=="}
    first = asked("start_recording", BETA, body=body, headers=key, method="POST")
    del here.fakes.control.states[content(first)["recordingId"]]
    second = asked("start_recording", ALPHA, body=body, headers=key, method="POST")
    assert second.status_code == 201
    assert content(second)["recordingId"] != content(first)["recordingId"]
    again = asked("start_recording", ALPHA, body=body, headers=key, method="POST")
    assert content(again)["recordingId"] == content(second)["recordingId"]


def test_the_next_page_of_one_tenant_is_none_of_another() -> None:
    """A token holds a position; one that was passed on must not become a way in, or an oracle."""
    here = enter(empty())
    fill(here, ALPHA)
    fill(here, BETA)
    page = content(asked("find_recordings", BETA, query={"limit": "1"}))
    assert page["next"]
    for who in (ALPHA, ALL):
        answer = asked("find_recordings", who, query={"limit": "1", "next": page["next"]})
        assert outcome(answer) == (400, "invalid_next")


def test_an_export_and_an_erasure_of_one_person_take_only_the_tenants_own() -> None:
    """The same caller rang both; and whoever sees all and approves must not widen what was asked for."""
    here, _, beta, alpha = worlds()
    enter(here)
    told = content(asked("request_export", ALPHA, body={"participant": PERSON}, method="POST"))
    stored = here.ports.exports.store.get(state_name(told["exportId"]))
    assert json.loads(stored[0])["recordings"] == [alpha.recording]
    approved = content(asked("approve_erasure", ALL, {"erasureId": alpha.erasure}, method="POST"))
    assert [one["recordingId"] for one in approved["recordings"]] == [alpha.recording]
    assert not here.fakes.keeping.rows[beta.recording].claims


def test_who_asks_for_anothers_recording_leaves_a_row_in_nobodys_story() -> None:
    """The attempt is evidence for those who see all; the other tenant does not learn who tried."""
    here, _, beta, _ = worlds()
    enter(here)
    asked("stop_recording", ALPHA, {"recordingId": beta.running}, method="POST")
    story = json.dumps(content(asked("recording_timeline", BETA, {"recordingId": beta.running})))
    assert "-alpha" not in story
    rows = [
        row for row in here.fakes.audit.written if row.caller == "00000001-alpha" and row.operation == "stop_recording"
    ]
    assert [(row.recording_id, beta.running in (row.note or "")) for row in rows] == [(None, True)] * 2


def test_who_sees_all_sees_both_and_what_is_nobodys() -> None:
    """Recordings started elsewhere belong to nobody."""
    here, _, beta, alpha = worlds()
    enter(here)
    here.holds(task())
    here.announces()
    here.runs_due()
    here.follows_up()
    found = {one["recordingId"] for one in content(asked("find_recordings", ALL))["recordings"]}
    assert {alpha.recording, alpha.running, beta.recording, beta.running} < found
    assert len(found) == 5
    for who in (ALPHA, BETA):
        assert len(content(asked("find_recordings", who))["recordings"]) == 2


@pytest.mark.parametrize("tenant", [None, ALPHA, BETA])
def test_a_receiver_of_events_that_fails_is_shown_to_whom_it_belongs(tenant: str | None) -> None:
    """Who sees all sees each that is down; a tenant's administrator sees the one that is bound to the tenant."""
    here = enter(empty())
    outgoing = here.reports_to(FakeWay("hook", tenant=tenant))
    outgoing.outbox.save_health(WayHealth(way="hook", disabled_at=here.now))
    kinds = {who: [one["kind"] for one in content(asked("list_held", who))["attention"]] for who in (ALPHA, BETA, ALL)}
    assert kinds == {who: ["endpoint_failing"] if who in (tenant, ALL) else [] for who in kinds}


def test_a_tag_gives_away_what_is_nobodys_once_and_for_all() -> None:
    """By those who see all; later the tag cannot say something else, whoever asks."""
    here = enter(empty())
    here.holds(task())
    here.announces()
    here.runs_due()
    (recording_id,) = here.fakes.catalog.recordings
    path, any_tags = {"recordingId": recording_id}, {"If-Match": "*"}

    def tag(who: str, **tags: str | None) -> tuple[int, str | None]:
        return outcome(asked("tag_recording", who, path, {"tags": tags}, headers=any_tags, method="PATCH"))

    assert tag(ALPHA, desk="desk-alpha") == (404, "recording_not_found")
    assert tag(ALL, desk="desk-alpha") == (200, None)
    here.follows_up()
    assert asked("get_recording", ALPHA, path).status_code == 200
    assert len(content(asked("find_recordings", ALPHA))["recordings"]) == 1
    assert tag(ALL, desk="desk-beta") == tag(ALPHA, desk="desk-beta") == tag(ALPHA, desk="?") == (409, "tenant_fixed")
    assert tag(ALPHA, desk=None) == (200, None)
    assert asked("get_recording", BETA, path).status_code == 404


@pytest.mark.parametrize(
    ("claims", "code"),
    [
        ([], "tenant_missing"),
        ([("groups", "dddddddd-0000-4000-8000-000000000004")], "tenant_missing"),
        ([("hasgroups", "true")], "groups_left_out"),
        ([("_claim_names", '{"groups":"src1"}')], "groups_left_out"),
    ],
)
def test_who_belongs_to_no_tenant_gets_nothing(claims: list[tuple[str, str]], code: str) -> None:
    """Also when the token leaves the groups out: what is not said is not taken for granted."""
    enter(empty())
    told = [{"typ": kind, "val": value} for kind, value in [("roles", "Recording.Admin"), *claims]]
    header = base64.b64encode(json.dumps({"claims": told}).encode()).decode()
    for name in CELLS:
        request = func.HttpRequest("POST", "https://x/api", headers={"X-MS-CLIENT-PRINCIPAL": header}, body=b"{}")
        assert outcome(functions()[name](request)) == (403, code), name


def test_a_key_alone_opens_nothing_where_there_are_tenants() -> None:
    """Nobody vouches for who shows it."""
    enter(world(tenants=TENANTS))
    for name in CELLS:
        assert outcome(asked(name, ALPHA, body={})) == (401, "not_signed_in"), name
