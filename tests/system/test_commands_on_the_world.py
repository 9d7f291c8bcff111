"""The operator's commands against real storage: another process, the world's settings in a file, nothing else."""

import hashlib
import json
import os
import subprocess
import sys
from pathlib import Path

import urllib3

from dev.world import REPOSITORY
from tests.system.steps import Steps

# What a world without Azure cannot show.
NOT_HERE = {
    *("archive_delete", "archive_protection", "erasure_clock", "fallback"),
    *("acs_log", "event_subscriptions", "events_topic", "webhooks", "seal"),
}


def test_an_operator_sees_verifies_gets_and_is_told_of_lost_media(own_world: Steps, tmp_path: Path) -> None:
    """What the fakes promise holds over Azurite: counts, timeline, proof, and the difference after media is deleted."""
    file = own_world.world.settings_file()
    made = own_world.simulator.create_objects(format="wav", duration_ms=3000, chunks=2, publish_event=True)
    recording_id = made[0]["recordingId"]
    chunks = own_world.wait_until_archived(recording_id, chunks=2)

    status, told = _command(file, "doctor", "--json")
    states = {finding["check"]: finding["state"] for finding in json.loads(told)["findings"]}
    skipped = {check for check, state in states.items() if state == "skipped"}
    assert (status, skipped) == (0, NOT_HERE), told
    deep = urllib3.request("GET", f"{own_world.world.host_url}/api/health?deep=true", retries=1, timeout=60.0)
    assert (deep.status, deep.json()["status"]) == (200, "ok")

    status, told = _command(file, "status", "--json")
    assert (status, json.loads(told)["chunks"]) == (0, {"SOURCE_DELETED": 2})
    assert _command(file, "list") == (0, "nothing needs attention\n")
    assert _command(file, "show", recording_id)[1].count("source deleted") == 2
    assert _command(file, "verify", recording_id)[1].endswith(", 2 chunks, 2 of them read whole\n")

    got = tmp_path / "got"
    assert _command(file, "get", recording_id, "--to", str(got))[0] == 0
    digests = {hashlib.sha256(path.read_bytes()).hexdigest() for path in got.glob("*.wav")}
    assert digests == {stored["sha256"] for stored in made}

    own_world.remove_archived(chunks[0]["blobName"])
    status, told = _command(file, "verify", recording_id)
    assert (status, told.splitlines()[0]) == (1, f"differs  media_missing {chunks[0]['blobName']}")


def test_an_event_that_event_grid_gave_up_is_listed_and_put_back_to_work(own_world: Steps) -> None:
    """Neither door ever heard of the recording; only the dead letters have it, as Event Grid writes them."""
    file = own_world.world.settings_file()
    own_world.simulator.plan_deliveries("probation")
    made = own_world.simulator.create_objects(format="wav", duration_ms=2000, chunks=1, publish_event=True)
    own_world.event_grid_gives_up(subscriptions=2)

    def listed() -> list[str]:
        return [line.split()[1] for line in _command(file, "ls", "--attention")[1].splitlines()[1:]]

    own_world.wait_until(lambda: listed() == ["dead_letter"] * 2, "both doors' dead letters are listed")
    assert own_world.chunks(made[0]["recordingId"]) == []
    assert _command(file, "redrive", "--all", "--yes")[0] == 0
    own_world.wait_until_archived(made[0]["recordingId"], chunks=1)
    assert own_world.archived_of(made) == [made[0]["sha256"]]
    assert _command(file, "list") == (0, "nothing needs attention\n")


def _command(settings: Path, *arguments: str) -> tuple[int, str]:
    command = [sys.executable, "-m", "recording.cli", "--settings", str(settings), *arguments]
    environment = {"PATH": os.environ["PATH"]}
    done = subprocess.run(command, cwd=REPOSITORY, env=environment, capture_output=True, text=True, check=False)
    return done.returncode, done.stdout or done.stderr
