"""The operator's commands: what they print and their exit codes, which a scheduled job looks at."""

import json
import logging
import re
import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest
from typer.testing import CliRunner

from dev.in_memory.builders import RECORDING_ID, chunk, document_id, event, task
from dev.in_memory.world import World
from dev.terminal_screens import terminal
from recording.cli.__main__ import in_order, main
from recording.cli.app import app
from recording.cli.output.words import style_of
from recording.cli.trail import settled
from recording.domain.archived.layout import metadata_name
from recording.domain.find.short_ids import short_id
from recording.domain.state.chunk import ChunkState, Suspect
from recording.domain.watched.attention import Attention
from recording.domain.watched.looks import RECONCILED, SCRUBBED, ScrubLook
from recording.errors import StorageBusyError
from recording.errors.codes import Code
from recording.library.follow_up import follow_up_message
from recording.library.tags import change_tags
from recording.operate.scrub import scrub
from recording.ports import AuditEntry
from tests.unit.cli.conftest import Run

ROOT = Path(__file__).resolve().parents[3]
SHORT = short_id(RECORDING_ID)
Hold = Callable[[], None]


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


def test_ls_lists_recordings_by_their_short_ids(run: Run, hold: Hold) -> None:
    """What is listed can be typed."""
    code, shown = run("ls")
    header, row = shown.splitlines()
    assert (code, header.split()[:3], row.split()[0]) == (0, ["RECORDING", "BEGAN", "STATE"], SHORT)
    assert "archived" in row
    hold()
    assert "held" in run("ls", "--state", "held")[1]
    assert run("ls", "--state", "archived")[1] == "no recordings\n"
    assert json.loads(run("ls", "-o", "json")[1])["recordings"][0]["recordingId"] == RECORDING_ID
    assert RECORDING_ID in run("ls", "-o", "wide")[1]


def test_since_and_limit_leave_out_what_is_older(run: Run) -> None:
    """Yesterday's are found among a year's."""
    assert SHORT in run("ls", "--since", "2026-11-23T00:00+00:00")[1]
    assert run("ls", "--since", "1m")[1] == "no recordings\n"
    assert run("ls", "--limit", "0")[0] == 2
    assert run("ls", "--since", "soon")[0] == 2


@pytest.mark.parametrize("spelling", [("list",), ("ls", "--attention"), ("ls", "-a")])
def test_what_needs_attention_is_listed_with_exit_code_1(run: Run, hold: Hold, spelling: tuple[str, ...]) -> None:
    """The old spelling is in scripts."""
    assert run(*spelling) == (0, "nothing needs attention\n")
    hold()
    code, shown = run(*spelling)
    assert code == 1
    assert "source_forbidden" in shown
    assert run(*spelling, "--reason", "source_forbidden", "--id", f"{SHORT}/0")[0] == 1
    assert "unknown_reason" in run(*spelling, "--reason", "tpyo")[1]
    assert "did you mean source_refused" in run(*spelling, "--reason", "source_refsued")[1]


@pytest.mark.parametrize("typed", [RECORDING_ID, SHORT, SHORT[:4], RECORDING_ID[:30], task().call_id])
def test_a_recording_is_named_as_people_do(run: Run, typed: str) -> None:
    """By whole id, short id, prefix, or the call that a ticket names."""
    code, shown = run("show", typed)
    assert code == 0
    places = [shown.index(word) for word in ("announced by event", "copied", "verified", "cataloged", "source deleted")]
    assert places == sorted(places)


@pytest.mark.parametrize("typed", ["unknown", "0", "zzzzzzzz"])
def test_an_unknown_recording_is_said_to_be_so(run: Run, typed: str) -> None:
    """Nothing shown would be read as nothing wrong."""
    code, shown = run("show", typed)
    assert (code, shown.split(":")[0]) == (2, "unknown_recording")


def test_a_prefix_of_two_recordings_is_no_name(here: World, run: Run) -> None:
    """The wrong recording must not be accepted or downloaded."""
    other = here.record(task()).model_copy(update={"task": task(recording_id=f"{RECORDING_ID}2")})
    here.fakes.catalog.add_chunk(other)
    code, shown = run("show", RECORDING_ID[:30])
    assert code == 2
    assert "names 2 recordings" in shown


def test_show_says_why_a_chunk_is_held_and_what_to_type(run: Run, hold: Hold) -> None:
    """At night nobody looks codes up."""
    hold()
    shown = run("show", SHORT)[1]
    assert "source_forbidden" in shown
    assert f"recordings redrive --id {SHORT}/0" in shown


def test_what_is_listed_can_be_shown(here: World, run: Run, hold: Hold) -> None:
    """`RECORDING/FILE` stands in the list; `show` called it unknown."""
    hold()
    assert f"{SHORT}/0" in run("ls", "-a")[1]
    assert run("show", f"{SHORT}/0") == run("show", SHORT)
    for command in ("verify", "get", "tag", "explain", "vcon"):  # what they do is done to the whole recording
        code, shown = run(command, f"{SHORT}/0")
        assert (code, f"names one file; the recording is {SHORT}" in shown) == (2, True), command
    assert run("erase", f"{SHORT}/0", "--note", "asked for")[0] == 2


def test_a_refused_event_is_shown_with_what_it_means_and_what_to_type(here: World, run: Run) -> None:
    """It belongs to no recording of the catalog, so nothing but the list showed it, and nothing its host."""
    location = "https://evil.example.org/x"
    subject = f"/recording/call/x/serverCallId/x/recordingId/{RECORDING_ID[:-4]}Zm9y"
    here.announces(event(chunk(7, document_id(7), contentLocation=location), id="forged", subject=subject))
    name = run("ls", "-a")[1].splitlines()[1].split()[0]
    code, shown = run("show", name)
    assert (code, shown.startswith(f"{name} · held")) == (1, True)
    told = ("foreign_host – A location's host", location, f"redrive --id {name}", f"dismiss {name} --note WHY")
    assert [words for words in told if words not in shown] == []
    facts = json.loads(run("show", name, "-o", "json")[1])
    assert (facts["attention"][0]["reason"], location in facts["held"][0]["payload"]) == ("foreign_host", True)
    assert facts["attention"][0]["remedy"] == Code.FOREIGN_HOST.remedy
    assert run("show", "deadbeef")[1].startswith("unknown_recording")


@pytest.mark.parametrize("left_out", ["…", "..."])
def test_the_end_of_an_id_as_the_console_shows_it_names_a_recording(here: World, run: Run, left_out: str) -> None:
    """The page and a ticket have the end; a terminal without the character spells it in dots."""
    assert run("show", f"{left_out}{RECORDING_ID[-10:]}") == run("show", SHORT)
    assert run("show", f"{left_out}{RECORDING_ID[-3:]}")[0] == 2
    other = task(recording_id=f"other{RECORDING_ID[-10:]}")
    here.fakes.catalog.add_chunk(here.record().model_copy(update={"task": other}))
    assert "names 2 recordings" in run("show", f"{left_out}{RECORDING_ID[-10:]}")[1]


def test_a_try_that_is_overdue_is_not_called_the_next_one_of_the_past(here: World, run: Run) -> None:
    """`next try 3 h ago` is read as: it has been tried."""
    due = {"state": ChunkState.PENDING, "last_error": "source_refused", "attempts": 14}
    due |= {"next_attempt_at": here.now - timedelta(hours=3)}
    here.fakes.catalog.save_chunk(here.record().model_copy(update=due))
    assert "next try is due" in run("ls", "-a")[1]
    assert "next try is due · now: recordings retry" in run("show", SHORT)[1]


@pytest.mark.parametrize("kind", Attention)
def test_each_kind_has_a_colour(kind: Attention) -> None:
    """What has none looks like nothing to worry about."""
    assert style_of(kind.value) != ""


def test_verify_proves_a_good_recording(run: Run) -> None:
    """It reads the media whole."""
    assert run("verify", SHORT) == (0, f"proved: {SHORT}, 1 chunk, 1 of them read whole\n")


@pytest.mark.parametrize("difference", ["media_bytes", "media_missing", "metadata_missing", "manifest_differs"])
def test_verify_names_what_differs(here: World, run: Run, difference: str) -> None:
    """Each document and each byte counts."""
    name, blobs = here.record().blob_name or "", here.fakes.archive.blobs
    manifest = next(blob for blob in blobs if blob.endswith("manifest.json"))
    if difference == "media_bytes":
        blobs[name] = replace(blobs[name], data=bytes(len(blobs[name].data)))
    elif difference == "manifest_differs":
        blobs[manifest] = replace(blobs[manifest], data=b"{}")
    else:
        del blobs[name if difference == "media_missing" else metadata_name(name)]
    code, shown = run("verify", RECORDING_ID)
    assert (code, shown.split()[:2]) == (1, ["differs", difference])


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


def test_a_misspelt_state_is_no_good_news(run: Run) -> None:
    """`no recordings` at 3 a.m. is read as: nothing is lost."""
    code, _ = run("ls", "--state", "lsot")
    assert code == 2
    assert run("ls", "--state", "at-risk") == run("ls", "--state", "at_risk") == (0, "no recordings\n")
    assert run("ls", "--state", "no_files_yet")[0] == 0
    assert run("find", "--state", "lsot")[0] == 2


def test_a_trail_of_a_recording_that_nobody_knows_is_an_error(here: World, run: Run) -> None:
    """One that is known, and about which nothing was asked today, is none."""
    assert run("trail", "--recording", "tpyo")[1].startswith("unknown_recording")
    assert run("trail", "--recording", SHORT)[0] == 0
    here.fakes.audit.add(AuditEntry(here.now - timedelta(days=9), "stop_recording", "long-gone", None, "done"))
    assert run("trail", "--recording", "long-gone")[0] == 0


def test_what_was_named_and_not_done_is_not_called_done(run: Run) -> None:
    """A job that repairs must not go on as if it had."""
    code, shown = run("redrive", "--recording", SHORT)
    assert (code, "recordings retry" in shown) == (2, True)
    assert run("retry", "--recording", SHORT)[0] == 2
    assert run("redrive", "--all", "--yes")[0] == 0


@pytest.mark.parametrize(
    ("typed", "offered"),
    [
        ("ls --attention --reason source_ref", "source_refused"),
        ("ls --state at", "at_risk"),
        ("find --state miss", "missing"),
        ("sta", "status"),
        ("ls -o w", "wide"),
        ("events replay --type arch", "archived"),
    ],
)
def test_a_shell_completes_commands_and_words(typed: str, offered: str) -> None:
    """Nobody knows a hundred reasons by heart."""
    asked = {
        "_RECORDINGS_COMPLETE": "complete_bash",
        "COMP_WORDS": f"recordings {typed}",
        "COMP_CWORD": str(len(typed.split())),
    }
    told = CliRunner().invoke(app, prog_name="recordings", env=asked)
    assert offered in told.output.split()


def test_the_trail_shows_one_row_for_each_action(here: World, run: Run) -> None:
    """Who stopped the recording is a question that is asked months later."""
    code, shown = run("trail")
    assert (code, shown.partition(" since ")[0]) == (0, "no entries")
    assert "--since looks further back" in shown
    old, two = here.now - timedelta(days=3), "object-2"
    for at, recording, caller, outcome in (
        (old, "one", None, "done"),
        (here.now, "two", two, "asked"),
        (here.now, "two", two, "done"),
        (here.now, "three", two, "asked"),
    ):
        here.fakes.audit.add(AuditEntry(at, "stop_recording", recording, caller, outcome))
    rows = [line.split()[1:] for line in run("trail")[1].splitlines()[1:]]
    assert rows == [["stop_recording", "done", "two", two], ["stop_recording", "asked", "three", two]]
    assert len(run("trail", "-o", "wide")[1].splitlines()) == 4
    assert "key holder" in run("trail", "--since", "4d", "--recording", "one")[1]
    assert "three" in run("trail", "--failed")[1]
    entries = json.loads(run("trail", "--since", "4d", "--caller", two, "--json")[1])["entries"]
    assert [entry["recordingId"] for entry in entries] == ["two", "two", "three"]


def test_the_trail_shows_why(here: World, run: Run) -> None:
    """The page says that each decision is there with its note; and what was heard says which part of it."""
    for note, part in (("forged; reported to security", None), (None, "chunk 0, 60-120 s"), ("\x1b[2Jwiped", None)):
        here.fakes.audit.add(AuditEntry(here.now, "dismiss_held", "one", "alice", "done", note=note, part=part))
    with terminal(80):
        shown = run("trail")[1]
    assert [line[line.index("alice") + 7 :].strip() for line in shown.splitlines()[1:]] == [
        "forged; reported to security",
        "chunk 0, 60-120 s",
        r"\x1b[2Jwiped",
    ]


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


@pytest.mark.parametrize(
    ("typed", "read"),
    [
        (["status", "--settings", "f"], ["--settings", "f", "status"]),
        (["--settings=f", "status"], ["--settings=f", "status"]),
        (["show", "--", "--settings"], ["show", "--", "--settings"]),
        (["status", "--settings"], ["--settings", "", "status"]),
        (["-o", "json", "status"], ["status", "-o", "json"]),
        (["--settings", "f", "--json", "ls", "-a"], ["--settings", "f", "ls", "-a", "--json"]),
        (["--output=json", "show", "--", "-x"], ["show", "--output=json", "--", "-x"]),
        (["-o"], ["-o", ""]),
    ],
)
def test_the_programs_options_may_follow_the_command(typed: list[str], read: list[str]) -> None:
    """People write them where they remember them."""
    assert in_order(typed) == read


def test_what_went_wrong_is_no_answer(here: World, capsys: pytest.CaptureFixture[str]) -> None:
    """`recordings show … > file` puts it on the screen; a program that asked for JSON reads a problem document."""

    def run(*arguments: str) -> tuple[int, str, str]:
        code = main(arguments, lambda: (here.ports, here.settings))
        told = capsys.readouterr()
        return code, told.out, told.err

    code, answer, complaint = run("show", "nothing")
    assert (code, answer, complaint.partition(":")[0]) == (2, "", "unknown_recording")
    code, answer, complaint = run("show", "nothing", "-o", "json")
    assert (code, json.loads(answer)["code"], complaint) == (2, "unknown_recording", "")


def test_it_runs_as_a_module_with_a_settings_file(tmp_path: Path) -> None:
    """What is wrong in the file is told by name; what is no such file, too."""
    file = tmp_path / "local.settings.json"
    for content, told in (('{"Values": {}}', "ARCHIVE_STORAGE"), ("no", "--settings")):
        file.write_text(content)
        command = [sys.executable, "-m", "recording.cli", "status", "--settings", str(file)]
        done = subprocess.run(command, cwd=ROOT, env={}, capture_output=True, text=True, check=False)
        assert (done.returncode, done.stdout, told in done.stderr) == (2, "", True)


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
def test_a_look_that_cannot_be_read_is_as_none(here: World, run: Run, kept: str) -> None:
    """Written by hand, damaged, or of another version: the next run writes it anew."""
    here.fakes.catalog.save_cursor(RECONCILED, kept)
    here.fakes.catalog.save_cursor(SCRUBBED, kept)
    assert run("status")[0] == 0


def test_tags_are_shown_as_they_are_now(here: World, run: Run) -> None:
    """A tag that was corrected stood in `ls`, `show` and `status` as it had been at the start; `find` knew better."""
    change_tags(RECORDING_ID, {"tags": {"order": "1042"}}, "*", here.ports)
    assert "order=1042" in run("ls")[1]
    assert json.loads(run("ls", "-o", "json")[1])["recordings"][0]["tags"] == {"order": "1042"}
    assert run("show", SHORT)[1].startswith("order 1042")
    assert json.loads(run("show", SHORT, "-o", "json")[1])["tags"] == {"order": "1042"}


def test_a_list_says_how_much_it_leaves_out(here: World, run: Run) -> None:
    """Fifty recordings of three hundred, or a hundred rows of evidence, were read as all there were."""
    other = task(recording_id=f"{RECORDING_ID[:-4]}eHh4")
    here.fakes.catalog.add_chunk(here.record().model_copy(update={"task": other}))
    code, shown = run("ls", "--limit", "1")
    assert (code, shown.splitlines()[-1]) == (0, "1 more; --limit shows them")
    assert json.loads(run("ls", "--limit", "1", "-o", "json")[1])["more"] == 1
    assert "more" not in run("ls")[1]
    for number in range(3):
        here.fakes.audit.add(AuditEntry(here.now, "stop_recording", f"recording-{number}", None, "done"))
    code, shown = run("trail", "--limit", "2")
    assert (code, shown.splitlines()[-1]) == (0, "1 more; --limit shows them")
    assert json.loads(run("trail", "--limit", "2", "-o", "json")[1])["more"] == 1
    assert "more" not in run("trail")[1]


def test_the_trail_knows_a_recording_by_every_name(here: World, run: Run) -> None:
    """By the id of its call it said that nothing had been done; by the beginning of two ids it mixed both."""
    here.fakes.audit.add(AuditEntry(here.now, "stop_recording", RECORDING_ID, "alice", "done"))
    for typed in (RECORDING_ID, SHORT, SHORT[:4], here.record().task.call_id, here.record().task.document_id):
        code, shown = run("trail", "--recording", typed)
        assert (code, "stop_recording" in shown) == (0, True), typed
    for name in ("twin-of-one", "twin-of-two"):
        here.fakes.audit.add(AuditEntry(here.now, "stop_recording", name, "alice", "done"))
    code, shown = run("trail", "--recording", "twin-of")
    assert (code, "names 2 recordings" in shown) == (2, True)
    assert "twin-of-" in run("trail", "--recording", "twin-of-o")[1]


def test_a_trail_of_years_is_settled_row_by_row(here: World) -> None:
    """Each outcome was compared with every row before it: twenty thousand rows of listening took minutes."""
    compared = 0

    class Word(str):
        __hash__ = str.__hash__

        def __eq__(self, other: object) -> bool:
            nonlocal compared
            compared += 1
            return str.__eq__(self, other)

    rows = [AuditEntry(here.now, Word("hear"), f"recording-{number}", "alice", "done") for number in range(500)]
    rows += [AuditEntry(here.now, Word("stop"), "one", None, outcome) for outcome in ("asked", "done", "done")]
    assert [(one.operation, one.outcome) for one in settled(rows)][-2:] == [("stop", "done"), ("stop", "done")]
    assert compared < 3 * len(rows)


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
    assert [vars(record)["event"] for record in caplog.records] == ["recording.follow_up_failed"]
