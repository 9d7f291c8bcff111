"""`recordings hold`, `release`, `holds`, `explain`, `rules`, as an operator types them."""

import json
from collections.abc import Callable
from pathlib import Path

from dev.in_memory.builders import RECORDING_ID
from dev.in_memory.world import World
from recording.domain.find.short_ids import short_id

Run = Callable[..., tuple[int, str]]
SHORT = short_id(RECORDING_ID)


def test_a_recording_is_held_explained_and_released(here: World, run: Run, tmp_path: Path) -> None:
    """The same use cases as over HTTP, with short ids."""
    here.follows_up()
    policy = tmp_path / "rules.json"
    policy.write_text(json.dumps({"rules": [{"name": "calls", "action": "delete", "days": 10}]}))
    assert run("rules", "--put", str(policy), "--note", "policy")[0] == 0
    assert "calls" in run("rules")[1]
    assert run("hold", SHORT, "--case", "L-17", "--note", "lawsuit")[0] == 0
    assert "L-17" in run("holds")[1]
    told = run("explain", SHORT)[1]
    assert "blocked by  hold (L-17)" in told
    assert "because deleted by rule (calls)" in told, "a reason that does not block is not listed below one that does"
    code, told = run("release", SHORT, "--case", "L-17", "--note", "settled")
    assert (code, "30 more days" in told) == (0, True)
    here.fakes.clock.advance(days=20)
    assert "1 of 1 recording is due" in run("explain")[1]
    found = json.loads(run("explain", SHORT, "-o", "json")[1])
    assert (found["action"], found["blockedBy"][0]["because"]) == ("keep", "grace_after_hold")
    assert "nothing is held" in run("holds")[1]


def test_what_is_wrong_is_said_in_a_sentence(run: Run, tmp_path: Path) -> None:
    """No traceback, no half rule."""
    code, told = run("release", SHORT, "--case", "L-17", "--note", "x")
    assert (code, "hold_not_found" in told) == (2, True)
    broken = tmp_path / "rules.json"
    broken.write_text("{")
    assert run("rules", "--put", str(broken))[0] == 2
    assert "nothing is destroyed without a request" in run("rules")[1]


def test_two_people_erase_and_one_does_not(here: World, run: Run) -> None:
    """`--as` says who it is where nobody is signed in; the second must be another."""
    here.follows_up()
    code, told = run("erase", SHORT, "--note", "request of 3 May", "--as", "alice", "-o", "json")
    erasure = json.loads(told)["erasureId"]
    assert code == 0
    assert "second_person_needed" in run("approve", erasure, "--as", "alice")[1]
    assert run("approve", erasure, "--as", "bob")[0] == 0
    assert "approved" in run("approve", erasure, "--look")[1]
    assert "approved" in run("approve", erasure[:8], "--look")[1]
    assert erasure[:8] in run("approve")[1]
    assert run("approve", "nothing-like-it")[1].startswith("erasure_not_found")
    assert run("erase", SHORT, "--note", "x")[0] == 2


def test_a_list_of_requests_says_how_many_it_leaves_out(here: World, run: Run) -> None:
    """And a request beyond it is found by the beginning of its id all the same."""
    here.follows_up()
    for _ in range(4):
        here.fakes.clock.advance(seconds=1)
        run("erase", SHORT, "--note", "letter", "--as", "alice")
    assert "3 more; --limit shows them" in run("approve", "--limit", "1")[1]
    told = json.loads(run("approve", "--limit", "3", "-o", "json")[1])
    assert (len(told["erasures"]), told["more"]) == (3, 1)
    assert "more" not in run("approve")[1]
    (oldest,) = set(here.fakes.keeping.requests) - {one["erasureId"] for one in told["erasures"]}
    assert "requested" in run("approve", oldest[:8], "--look", "--limit", "1")[1]


def test_a_request_that_cannot_be_read_is_named_in_the_list_and_by_its_id(here: World, run: Run) -> None:
    """That there are none would be untrue; and exit code 1 says that something needs attention."""
    here.follows_up()
    run("erase", SHORT, "--note", "letter", "--as", "alice")
    (erasure,) = here.fakes.keeping.requests
    here.fakes.keeping.unreadable.add(erasure)
    code, shown = run("approve")
    assert (code, f"cannot be read: {erasure}" in shown) == (1, True)
    assert json.loads(run("approve", "-o", "json")[1])["unreadable"] == [erasure]
    assert run("approve", erasure[:8], "--look")[1].startswith("newer_record")


def test_a_case_that_holds_already_keeps_its_first_reason_and_says_so(here: World, run: Run) -> None:
    """Who writes a better reason must know that the record still has the first one; the trail has both."""
    assert run("hold", SHORT, "--case", "L-17", "--note", "lawsuit")[0] == 0
    assert "already" not in run("hold", SHORT, "--case", "L-17", "--note", "lawsuit")[1]
    code, shown = run("hold", SHORT, "--case", "L-17", "--note", "criminal case")
    assert (code, "its reason stays (lawsuit)" in shown, "audit trail" in shown) == (0, True, True)
    told = json.loads(run("hold", SHORT, "--case", "L-17", "--note", "criminal case", "-o", "json")[1])
    assert [one["reason"] for one in told["holds"]] == ["lawsuit"]
    noted = {entry.note for entry in here.fakes.audit.written if entry.operation == "hold_recording"}
    assert {"L-17: lawsuit", "L-17: criminal case"} <= noted


def test_a_case_with_a_slash_is_refused_with_what_to_write(here: World, run: Run) -> None:
    """Courts number cases with slashes."""
    code, shown = run("hold", SHORT, "--case", "4 O 17/26", "--note", "lawsuit")
    assert (code, "hyphen" in shown, here.fakes.keeping.rows) == (2, True, {})
