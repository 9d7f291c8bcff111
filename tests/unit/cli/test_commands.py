"""The operator's commands: what they print and their exit codes, which a scheduled job looks at."""

import json
import re
import subprocess
import sys
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import NoReturn

import pytest
from typer.testing import CliRunner

from dev.in_memory.builders import RECORDING_ID, chunk, document_id, event, task
from dev.in_memory.world import World
from recording.cli.__main__ import in_order, main
from recording.cli.app import app
from recording.cli.output.words import style_of
from recording.domain.archived.layout import metadata_name
from recording.domain.state.chunk import ChunkState
from recording.domain.watched.attention import Attention
from recording.errors.codes import Code
from recording.library.tags import change_tags
from recording.ports import AuditEntry
from recording.settings import SettingsError
from tests.unit.cli.conftest import SHORT, Hold, Run

pytestmark = pytest.mark.slow

ROOT = Path(__file__).resolve().parents[3]


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


@pytest.mark.parametrize("what", ["recording", "chunk"])
def test_show_names_the_rows_that_cannot_be_read(run: Run, here: World, what: str) -> None:
    """All that can be read is shown beside them; by its whole id a recording is found also without any readable row."""
    odd: tuple[str, str] | str = (RECORDING_ID, str(task().key)) if what == "chunk" else RECORDING_ID
    here.fakes.catalog.unreadable.add(odd)
    here.fakes.catalog.unreadable_code = Code.NEWER_RECORD
    code, shown = run("show", RECORDING_ID)
    assert (code, "1 row not read" in shown, "newer_record" in shown) == (0, True, True)
    told = json.loads(run("show", RECORDING_ID, "-o", "json")[1])
    table = {"recording": "recordings", "chunk": "chunks"}[what]
    assert [(one["table"], one["code"]) for one in told["unreadable"]] == [(table, "newer_record")]
    assert len(told["chunks"]) == (0 if what == "chunk" else 1)
    here.fakes.catalog.unreadable.update({RECORDING_ID, (RECORDING_ID, str(task().key))})
    assert len(json.loads(run("show", RECORDING_ID, "-o", "json")[1])["unreadable"]) == 2


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
    for words in (("show",), ("retry", "--note", "again")):
        code, shown = run(*words, f"{SHORT}/7")
        assert (code, f"recording {SHORT} has no file 7" in shown) == (2, True)
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


@pytest.mark.parametrize(
    "difference", ["media_bytes", "media_missing", "metadata_missing", "manifest_altered", "manifest_differs"]
)
def test_verify_names_what_differs(here: World, run: Run, difference: str) -> None:
    """Each document and each byte counts."""
    name, blobs = here.record().blob_name or "", here.fakes.archive.blobs
    manifest = next(blob for blob in blobs if blob.endswith("manifest.json"))
    if difference == "media_bytes":
        blobs[name] = replace(blobs[name], data=bytes(len(blobs[name].data)))
    elif difference == "manifest_altered":
        blobs[manifest] = replace(blobs[manifest], data=b"{}")
    elif difference == "manifest_differs":
        blobs[manifest] = replace(blobs[manifest], data=blobs[manifest].data.replace(b"true", b"false", 1))
    else:
        del blobs[name if difference == "media_missing" else metadata_name(name)]
    code, shown = run("verify", RECORDING_ID)
    assert (code, shown.split()[:2]) == (1, ["differs", difference])


def test_a_misspelt_state_is_no_good_news(run: Run) -> None:
    """`no recordings` at 3 a.m. is read as: nothing is lost."""
    code, _ = run("ls", "--state", "lsot")
    assert code == 2
    assert run("ls", "--state", "at-risk") == run("ls", "--state", "at_risk") == (0, "no recordings\n")
    assert run("ls", "--state", "no_files_yet")[0] == 0
    assert run("find", "--state", "lsot")[0] == 2


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


@pytest.mark.parametrize("count", [1, 2])
def test_each_fault_of_the_settings_is_a_line(count: int) -> None:
    """Three faults in one line of three hundred characters were read as one."""
    faults = dict([("ACS_ENDPOINT", "is missing"), ("ARCHIVE_STORAGE", "is not a storage connection string")][:count])
    told: list[str] = []

    def fail() -> NoReturn:
        raise SettingsError(faults)

    assert main(["status"], fail, told.append) == 2
    lines = [f"{name} {fault}" for name, fault in faults.items()]
    expected = [f"settings_invalid: {lines[0]}"]
    if count > 1:
        expected = ["settings_invalid: 2 settings are missing or wrong", *(f"  {line}" for line in lines)]
    assert "".join(told).splitlines()[: len(expected)] == expected


def test_what_to_do_is_folded_behind_its_arrow(here: World, run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    """The second line of a remedy began at the margin, like a fact of its own."""
    monkeypatch.setenv("COLUMNS", "80")
    refused = {"state": ChunkState.QUARANTINED, "quarantine_reason": Code.SOURCE_REFUSED}
    here.fakes.catalog.save_chunk(here.record().model_copy(update=refused))
    lines = run("show", SHORT)[1].splitlines()
    first = next(at for at, line in enumerate(lines) if line.startswith("  → "))
    assert [len(line) <= 80 for line in lines[first : first + 2]] == [True, True]
    assert re.match(r" {4}\w", lines[first + 1])
    assert lines[first + 2] == f"  → recordings redrive --id {SHORT}/0"


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


@pytest.mark.parametrize("before", [(), ("--settings",)])
def test_without_a_command_the_commands_are_listed(
    run: Run, tmp_path: Path, capsys: pytest.CaptureFixture[str], before: tuple[str, ...]
) -> None:
    """`make up` prints a `recordings` that has its settings already; typed alone, it is a question."""
    settings = tmp_path / "local.settings.json"
    settings.write_text('{"Values": {}}')
    code, _ = run(*before, *([str(settings)] if before else []))
    told = capsys.readouterr()
    assert code == 2
    assert all(name in told.out + told.err for name in ("status", "verify", "redrive"))
    assert "Missing command" not in told.out + told.err
