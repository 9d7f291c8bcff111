"""The state of the archive on the command line: what needs attention, queues and timers."""

import json

import pytest

from dev.in_memory.builders import event, task
from dev.in_memory.fakes.quarantine import FakeDeadLetters
from dev.in_memory.world import World
from recording.domain.watched.looks import RECONCILED, SCRUBBED, ScrubLook
from recording.operate import find_held
from recording.operate.attention import needs_attention
from recording.operate.scrub import scrub
from recording.ports import DeadLetter
from tests.unit.cli.conftest import SHORT, Hold, Run


def test_status_is_green_while_nobody_is_needed(run: Run, hold: Hold) -> None:
    """Exit code, words and JSON say the same."""
    code, shown = run("status")
    assert (code, shown.splitlines()[0]) == (0, "nothing needs attention")
    assert "archived 1, today 1" in shown
    hold()
    code, shown = run("status")
    assert (code, shown.split()[:2]) == (1, ["HELD", "1"])
    assert f"{SHORT}/0" in shown
    code, shown = run("status", "--json")
    assert (code, json.loads(shown)["attention"]) == (1, {"held": 1})


def test_status_shows_what_is_in_queues(here: World, run: Run) -> None:
    """A number that grows is the first sign of too few workers."""
    here.fakes.queue.send(task())
    queues = {queue["name"]: queue["messages"] for queue in json.loads(run("status", "-o", "json")[1])["queues"]}
    assert queues["recording-chunks"] == 1
    assert "chunks queue 1" in run("status")[1]


def test_watch_looks_again_until_interrupted(run: Run, hold: Hold) -> None:
    """A person watches a repair come true."""
    looks: list[float] = []

    def sleep(seconds: float) -> None:
        looks.append(seconds)
        if len(looks) == 2:
            raise KeyboardInterrupt
        hold()

    code, shown = run("status", "--watch", "7", sleep=sleep)
    assert (code, looks) == (1, [7, 7])
    assert shown.index("nothing needs attention") < shown.index("HELD")


def test_status_says_when_the_timers_ran_and_what_they_saw(here: World, run: Run) -> None:
    """A green screen over a timer that has stopped is the worst of all."""
    assert "reconcile has not run yet · no scrub yet" in run("status")[1]
    here.announces(event(id="event-2", subject="/recording/call/x/serverCallId/x/recordingId/other"))
    here.reconciles()
    scrub(here.ports, here.settings)
    here.fakes.clock.advance(minutes=2)
    code, shown = run("status")
    assert (code, "reconcile 2 min ago: 1 open" in shown) == (0, True)
    assert "scrub 2 min ago: 100 % in 90 days" in shown
    facts = json.loads(run("status", "-o", "json")[1])
    assert (facts["reconciled"]["openChunks"], facts["scrubbed"]["coverage"]) == (1, 1.0)


def test_a_timer_that_is_silent_needs_attention(here: World, run: Run) -> None:
    """The alert says the same (app-silent); and it is over with the next run."""
    here.reconciles()
    here.fakes.clock.advance(minutes=16)
    code, shown = run("status")
    assert (code, shown.split()[:3]) == (1, ["RECONCILE", "LATE", "1"])
    assert "is the app running?" in run("ls", "-a")[1]
    here.reconciles()
    assert run("status")[0] == 0


def test_a_scrub_that_is_behind_needs_attention(here: World, run: Run) -> None:
    """Media that was not read for its whole cycle may be gone."""
    look = ScrubLook(at=here.now, coverage=0.9999, chunks=20_000, behind=2)
    here.fakes.catalog.save_cursor(SCRUBBED, look.model_dump_json())
    code, shown = run("status")
    assert (code, "SCRUB BEHIND" in shown, "99.9 % in 90 days" in shown) == (1, True, True)


@pytest.mark.parametrize("kept", ["", "{}", "not JSON", '{"at": 5, "coverage": "x"}'])
def test_a_look_that_cannot_be_read_proves_no_run_until_the_next(here: World, run: Run, kept: str) -> None:
    """Written by hand, damaged, or of another version: a timer that has stopped behind it would never be missed."""
    here.fakes.catalog.save_cursor(RECONCILED, kept)
    here.fakes.catalog.save_cursor(SCRUBBED, kept)
    assert run("status")[0] == (1 if kept else 0)
    here.reconciles()
    here.fakes.catalog.save_cursor(SCRUBBED, "")
    assert run("status")[0] == 0


def test_a_recording_whose_row_cannot_be_read_hides_nothing_that_is_held(here: World, run: Run, hold: Hold) -> None:
    """Its tags are a courtesy; the held file of it is what an operator came for."""
    hold()
    (held,) = needs_attention(here.ports, here.settings).held
    here.fakes.catalog.unreadable.add(str(held.recording_id))
    code, shown = run("status")
    assert code == 1
    assert f"{SHORT}/0" in shown


def test_a_place_that_was_not_listed_to_its_end_is_not_called_fine(
    here: World, run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Ours may be behind the dead letters of another subscription; the colour and the exit code said that none is."""
    other = {"eventType": "Another.Event", "id": "1", "subject": "x", "data": {}}
    letters = FakeDeadLetters(*(DeadLetter(f"{n}.json", json.dumps(other), here.now) for n in range(3)))
    object.__setattr__(here.fakes, "dead_letters", letters)
    monkeypatch.setattr(find_held, "MOST_LETTERS", 2)
    code, shown = run("status")
    assert (code, shown.splitlines()[0]) == (2, "nothing of what was examined needs attention")
    assert "dead letters" in shown
    assert run("ls", "-a")[0] == code
