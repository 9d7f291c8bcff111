"""All tables are lost: the archive container alone gives the catalog and the directory back, on real storage."""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

from azure.data.tables import TableServiceClient
from azure.storage.blob import BlobServiceClient

from dev.in_memory.canaries import PHONE
from dev.world import REPOSITORY
from tests.system.steps import Steps
from tests.system.test_find import PATIENCE_SECONDS, asked

LOST = ("recordings", "chunks", "directory", "audit")
DIGITS = PHONE.lstrip("+")


def recorded(world: Steps, number: int) -> str:
    """A call with a caller by telephone is recorded and archived; returns the recording's id."""
    call = world.simulator.create_call(["Ann", PHONE if number == 0 else f"+4930901820{number}"])
    body = {
        "serverCallId": call["serverCallId"],
        "content": "audio",
        "channel": "mixed",
        "format": "wav",
        "tags": {"case": f"C-{number}", "team": "north"},
    }
    status, started = asked(world, "POST", "recordings", body)
    assert status == 201, started
    world.simulator.advance(4)
    assert asked(world, "POST", f"recordings/{started['recordingId']}/stop")[0] == 202
    world.simulator.advance(5)
    return str(started["recordingId"])


def queries(ids: list[str]) -> list[dict[str, Any]]:
    """What people ask."""
    found: list[dict[str, Any]] = [
        {"state": "archived"},
        {"tag": "team:north"},
        {"number": PHONE},
        {"number": "9018201"},
    ]
    return [*found, *({"tag": f"case:C-{number}"} for number in range(len(ids))), {"format": "wav", "limit": 2}]


def answers(world: Steps, ids: list[str]) -> list[Any]:
    """Everything that find answers, but for the hashes: their key is lost with the tables."""
    found = []
    for query in queries(ids):
        status, page = asked(world, "POST", "recordings/find", query)
        assert status == 200, page
        for one in page["recordings"]:
            one["participants"] = sorted((who["channels"], who["isNumber"]) for who in one["participants"])
        found.append((query, page["recordings"], page["next"] is not None))
    return found


def test_a_lost_catalog_is_rebuilt_and_answers_as_before(own_world: Steps) -> None:
    """What was found before is found after, by everything that people know of it; and no number was in any key."""
    world = own_world
    ids = [recorded(world, number) for number in range(3)]

    def count() -> int:
        return len(asked(world, "POST", "recordings/find", {"state": "archived"})[1]["recordings"])

    world.wait_until(lambda: count() == 3, "all are archived and found", PATIENCE_SECONDS)
    before = answers(world, ids)
    assert [len(found) for _, found, _ in before] == [3, 3, 1, 1, 1, 1, 1, 2]
    assert_no_number_is_told(world)

    world.world._stop_host()
    with TableServiceClient.from_connection_string(world.world.storage) as service:
        for name in LOST:
            service.delete_table(name)
    told = json.loads(command(world.world.settings_file(), "rebuild", "--output", "json"))
    assert (told["recordings"], told["chunks"], told["problems"]) == (3, 3, [])
    world.world.start_host()  # an app that ran meanwhile would still hash with the lost key

    assert answers(world, ids) == before
    told = json.loads(command(world.world.settings_file(), "verify", ids[0], "--output", "json"))
    assert told["proved"] is True
    assert_no_number_is_told(world)


def assert_no_number_is_told(world: Steps) -> None:
    """A number is in metadata documents and in nothing else: no row, no key, no blob name, no address."""
    with TableServiceClient.from_connection_string(world.world.storage) as service:
        for table in service.list_tables():
            for row in service.get_table_client(table.name).list_entities():
                assert DIGITS not in str(dict(row)), f"a row of {table.name} tells a number"
    with BlobServiceClient.from_connection_string(world.world.storage) as service:
        for container in service.list_containers():
            with service.get_container_client(container.name) as kept:
                for blob in kept.list_blobs():
                    assert DIGITS not in blob.name
                    if blob.name.endswith((".receipt.json", "manifest.json")):
                        assert DIGITS not in kept.download_blob(blob.name).readall().decode()
    assert DIGITS not in json.dumps(world.simulator.journal())


def command(file: Path, *arguments: str) -> str:
    """Run a command of the app in a process of its own; it must end well."""
    line = [sys.executable, "-m", "recording.cli", "--settings", str(file), *arguments]
    environment = {"PATH": os.environ["PATH"], "HOME": os.environ.get("HOME", "/"), "COLUMNS": "200"}
    done = subprocess.run(
        line, cwd=REPOSITORY, env=environment, capture_output=True, text=True, check=False, timeout=120
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout
