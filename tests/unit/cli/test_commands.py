"""The operator's commands: what they tell and their exit codes, which a scheduled job looks at."""

import json
import subprocess
import sys
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from dev.in_memory.builders import RECORDING_ID, event, task
from dev.in_memory.world import World, world
from recording.cli.__main__ import main
from recording.domain.chunk import ChunkState
from recording.domain.layout import metadata_name
from recording.ports import AuditEntry


@pytest.fixture
def here() -> World:
    """A world with one archived recording."""
    made = world()
    made.holds(task())
    made.announces(event())
    made.runs()
    return made


def _run(here: World, *arguments: str) -> tuple[int, str]:
    told: list[str] = []
    code = main(arguments, lambda: (here.ports, here.settings), told.append)
    return code, "".join(told)


def _hold(here: World) -> None:
    record = here.record()
    held = {"state": ChunkState.QUARANTINED, "quarantine_reason": "source_forbidden"}
    here.fakes.catalog.save_chunk(record.model_copy(update=held))


def test_status_counts_and_is_fine_while_nothing_is_held(here: World) -> None:
    """Green means that nobody is needed."""
    code, text = _run(here, "status")
    assert (code, text.split()[:2]) == (0, ["SOURCE_DELETED", "1"])
    _hold(here)
    code, text = _run(here, "status", "--json")
    assert (code, json.loads(text)["attention"]["held"]) == (1, 1)


def test_list_is_quiet_or_exits_with_1(here: World) -> None:
    """One exit code for a job, one line for a person."""
    assert _run(here, "list") == (0, "nothing needs attention\n")
    _hold(here)
    code, text = _run(here, "list")
    assert code == 1
    assert "source_forbidden" in text


def test_show_tells_the_story_in_order(here: World) -> None:
    """From the event to the delete."""
    code, text = _run(here, "show", RECORDING_ID)
    places = [text.index(word) for word in ("announced by event", "copied", "verified", "cataloged", "source deleted")]
    assert (code, places) == (0, sorted(places))
    assert _run(here, "show", "unknown")[0] == 2


def test_verify_proves_a_good_recording(here: World) -> None:
    """It reads the media whole."""
    assert _run(here, "verify", RECORDING_ID) == (0, "proved: 1 chunks, 1 of them read whole\n")


@pytest.mark.parametrize("difference", ["media_bytes", "media_missing", "metadata_missing", "manifest_differs"])
def test_verify_names_what_differs(here: World, difference: str) -> None:
    """Each paper and each byte counts."""
    name, blobs = here.record().blob_name or "", here.fakes.archive.blobs
    manifest = next(blob for blob in blobs if blob.endswith("manifest.json"))
    if difference == "media_bytes":
        blobs[name] = replace(blobs[name], data=bytes(len(blobs[name].data)))
    elif difference == "manifest_differs":
        blobs[manifest] = replace(blobs[manifest], data=b"{}")
    else:
        del blobs[name if difference == "media_missing" else metadata_name(name)]
    code, text = _run(here, "verify", RECORDING_ID)
    assert (code, text.split()[0]) == (1, difference)


def test_redrive_wants_to_be_told_which(here: World) -> None:
    """No option is not all."""
    _hold(here)
    assert _run(here, "redrive")[0] == 2
    assert _run(here, "redrive", "--all", "--dry-run")[1].startswith("would redrive")
    assert here.state() is ChunkState.QUARANTINED
    assert _run(here, "redrive", "--reason", "source_forbidden")[0] == 0
    assert here.state() is ChunkState.PENDING


def test_status_tells_what_waits_in_queues(here: World) -> None:
    """A number that grows is the first sign of too few workers."""
    here.fakes.queue.send(task())
    code, text = _run(here, "status", "--json")
    assert (code, json.loads(text)["queues"]) == (0, {"recording-chunks": 1})
    assert "1 in the queue recording-chunks\n" in _run(here, "status")[1]


def test_the_trail_tells_who_asked_for_what(here: World) -> None:
    """Who stopped the recording is a question that comes months later."""
    assert _run(here, "trail") == (0, "nobody asked for anything\n")
    for at, recording, caller in ((here.now - timedelta(days=3), "one", None), (here.now, "two", "object-2")):
        here.fakes.audit.add(AuditEntry(at, "stop_recording", recording, caller, "done"))
    assert _run(here, "trail")[1].split()[2:] == ["stop_recording", "done", "object-2", "two"]
    long_ago = (here.now - timedelta(days=30)).isoformat()
    assert "who had a key  one" in _run(here, "trail", "--since", long_ago, "--recording", "one")[1]
    entries = json.loads(_run(here, "trail", "--since", long_ago, "--caller", "object-2", "--json")[1])["entries"]
    assert [entry["recording_id"] for entry in entries] == ["two"]


def test_drift_is_one_of_the_commands(here: World) -> None:
    """One program for an operator."""
    assert _run(here, "drift", "--sample", "100")[0] == 0


def test_it_runs_as_a_module_with_a_settings_file(tmp_path: Path) -> None:
    """What is wrong in the file is told by name; what is no such file, too."""
    file = tmp_path / "local.settings.json"
    for text, told in (('{"Values": {}}', "ARCHIVE_STORAGE"), ("no", "--settings")):
        file.write_text(text)
        command = [sys.executable, "-m", "recording.cli", "--settings", str(file), "status"]
        root = Path(__file__).resolve().parents[3]
        done = subprocess.run(command, cwd=root, env={}, capture_output=True, text=True, check=False)
        assert (done.returncode, told in done.stdout) == (2, True)
