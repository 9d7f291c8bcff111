"""The operator's decisions on the command line: redrive, retry, dismiss, accept; each is asked for once more."""

import json
import logging
import re
from datetime import timedelta

import pytest

from dev.in_memory.builders import task
from dev.in_memory.world import World
from recording.domain.state.chunk import ChunkState, Suspect
from recording.errors import StorageBusyError
from recording.library.follow_up import follow_up_message
from tests.unit.cli.conftest import SHORT, Hold, Run


def test_redrive_needs_a_selection(here: World, run: Run, hold: Hold) -> None:
    """No option is not all, and the error says what to type."""
    hold()
    code, shown = run("redrive")
    assert (code, shown.split(":")[0]) == (2, "nothing_chosen")
    assert all(option in shown for option in ("--id", "--reason", "--recording", "--all"))
    assert run("redrive", "--all", "--dry-run")[1].startswith("would redrive")
    assert here.state() is ChunkState.QUARANTINED
    assert run("redrive", "--reason", "source_forbidden")[0] == 0
    assert here.state() is ChunkState.PENDING


def test_a_mass_action_is_asked_for_once_more(here: World, run: Run, hold: Hold) -> None:
    """A slip of `--all` at night must not re-queue a year of quarantine."""
    hold()
    second = here.record().model_copy(update={"task": task(1)})
    here.fakes.catalog.add_chunk(second)
    asked: list[str] = []
    code, shown = run("redrive", "--all")
    assert (code, "--yes" in shown, here.fakes.queue.tasks) == (2, True, [])

    def refuse(what: str) -> bool:
        asked.append(what)
        return False

    assert run("redrive", "--all", confirm=refuse)[0] == 2
    assert (asked, here.fakes.queue.tasks) == (["re-queue 2 items?"], [])
    assert run("redrive", "--all", "--yes")[0] == 0
    assert len(here.fakes.queue.tasks) == 2


def test_what_was_named_and_not_done_is_not_called_done(run: Run) -> None:
    """A job that repairs must not go on as if it had."""
    code, shown = run("redrive", "--recording", SHORT)
    assert (code, "recordings retry" in shown) == (2, True)
    assert run("retry", "--recording", SHORT)[0] == 2


@pytest.mark.parametrize("dry", [(), ("--dry-run",)])
@pytest.mark.parametrize("selection", [("--reason", "foreign_host"), ("--before", "2h"), ("--after", "2h")])
def test_a_selection_that_matches_nothing_is_not_called_done(
    run: Run, selection: tuple[str, str], dry: tuple[str, ...]
) -> None:
    """`redrive`, `retry` and `dismiss` agree, whatever selects: a job must not continue as if it had repaired."""
    assert run("redrive", *selection, *dry)[0] == 2
    if selection[0] == "--reason":
        assert run("retry", *selection)[0] == 2
        assert run("dismiss", *selection, "--note", "seen")[0] == 2


@pytest.mark.parametrize("dry", [(), ("--dry-run",)])
def test_all_of_nothing_is_done(run: Run, dry: tuple[str, ...]) -> None:
    """A nightly `redrive --all --yes` asks that nothing stays held; on a quiet night that is so already."""
    code, shown = run("redrive", "--all", "--yes", *dry)
    assert (code, shown.strip()) == (0, "nothing is held")


def test_an_alarm_is_over_when_it_is_dismissed_with_a_note(run: Run, hold: Hold) -> None:
    """Green can be reached again, and the reason is kept."""
    hold()
    assert run("dismiss", f"{SHORT}/0")[0] == 2  # without a note
    assert run("dismiss", "--note", "seen")[0] == 2  # without a selection
    code, shown = run("dismiss", f"{SHORT}/0", "--note", "a test call")
    assert (code, "dismiss: done" in shown) == (0, True)
    assert run("status")[0] == 0
    assert json.loads(run("trail", "-o", "json")[1])["entries"][-1]["note"] == "a test call"


def test_a_stuck_chunk_is_tried_now(here: World, run: Run, hold: Hold) -> None:
    """The cause is gone, and nobody wants to wait half an hour."""
    hold()
    code, _ = run("retry", f"{SHORT}/0")
    assert (code, here.state(), len(here.fakes.queue.tasks)) == (0, ChunkState.PENDING, 1)
    assert run("retry", "--all")[0] == 2


def test_suspect_bytes_are_accepted_once_the_operator_says_yes(here: World, run: Run, hold: Hold) -> None:
    """A decision for good is asked for once more."""
    hold()
    record = here.record()
    suspect = Suspect(
        blob_name=record.blob_name or "", sha256=record.sha256, length_bytes=64_044, reason="x", at=here.now
    )
    here.fakes.catalog.save_chunk(record.model_copy(update={"suspects": (suspect,)}))
    note = ("accept", f"{SHORT}/0", "--note", "plays to the end")
    assert (run(*note)[0], here.state()) == (2, ChunkState.QUARANTINED)
    assert (run(*note, "--yes")[0], here.state()) == (0, ChunkState.COPIED)
    assert run(*note, "--yes")[0] == 2


@pytest.mark.parametrize("attempts", [1, 4, 9])
def test_what_show_tells_to_type_about_a_failing_file_works(here: World, run: Run, attempts: int) -> None:
    """It fails, and is neither stuck nor at risk yet: the operator who has just fixed the role types it."""
    failing = {"state": ChunkState.PENDING, "last_error": "source_refused", "attempts": attempts}
    failing |= {"next_attempt_at": here.now + timedelta(minutes=5)}
    here.fakes.catalog.save_chunk(here.record().model_copy(update=failing))
    (typed,) = re.findall(r"now: recordings (.+)", run("show", SHORT)[1])
    assert run(*typed.split())[0] == 0
    assert run("retry", "--reason", "source_refused")[0] == 0
    assert len(here.fakes.queue.tasks) == 2


def test_a_file_that_was_archived_meanwhile_is_called_archived(run: Run) -> None:
    """The next try came first: that is good news, and no unknown id."""
    code, shown = run("retry", f"{SHORT}/0")
    assert (code, f"{SHORT}/0 is archived" in shown) == (2, True), shown


# --- the app's log ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "decided",
    [
        (("dismiss", f"{SHORT}/0", "--note", "a test call"), "recording.dismissed"),
        (("redrive", "--id", f"{SHORT}/0"), "recording.redriven"),
        (("retry", f"{SHORT}/0"), "recording.redriven"),
    ],
)
def test_what_is_decided_here_is_logged_by_the_app(
    here: World, run: Run, hold: Hold, caplog: pytest.LogCaptureFixture, decided: tuple[tuple[str, ...], str]
) -> None:
    """The alert reads the app's log: without that line it would stand for two days after the decision."""
    hold()
    words, event = decided
    assert run(*words)[0] == 0
    caplog.clear()
    with caplog.at_level(logging.INFO, logger="recording"):
        for message in here.fakes.follow_ups.lines:
            follow_up_message(message, here.ports)
    (line,) = [record for record in caplog.records if vars(record).get("event") == event]
    assert f'document_id="{task().document_id}"' in line.getMessage()


def test_a_queue_that_does_not_answer_undoes_no_decision(here: World, run: Run, hold: Hold) -> None:
    """The decision stands, and its alert ends with its window."""
    hold()
    here.fakes.follow_ups.fail_next("log", StorageBusyError("busy"), times=9)
    assert run("dismiss", f"{SHORT}/0", "--note", "a test call")[0] == 0
    assert run("status")[0] == 0


@pytest.mark.parametrize(
    "message",
    [
        '{"log": {"event": "recording.unheard_of"}}',
        '{"log": {"event": "recording.dismissed", "name": "Ann"}}',
        '{"log": {"event": "recording.dismissed", "reason": {"a": 1}}}',
        '{"log": ["event"]}',
    ],
)
def test_a_line_that_is_none_of_the_apps_is_not_logged(
    here: World, caplog: pytest.LogCaptureFixture, message: str
) -> None:
    """Whoever may write to the queue writes no fields of their own into the log."""
    with caplog.at_level(logging.INFO, logger="recording"):
        follow_up_message(message, here.ports)
    assert [vars(record)["event"] for record in caplog.records] == ["recording.event.rejected"]
    assert not any(word in caplog.text for word in ("unheard", "Ann"))
