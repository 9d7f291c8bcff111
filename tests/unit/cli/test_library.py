"""The commands of the library: the same use cases as over HTTP, for people and for machines."""

import json
from pathlib import Path
from typing import Any

from dev.in_memory.builders import RECORDING_ID, task, wav
from dev.in_memory.fakes import FakeArchive
from dev.in_memory.world import World, world
from recording.cli.library import main
from recording.errors import StorageBusyError
from tests.canaries import PHONE
from tests.unit.library.test_rebuild import loses_its_tables


def archived() -> World:
    here = world()
    here.holds(task())
    here.announces()
    here.runs_due()
    here.follows_up()
    return here


def runs(here: World, *arguments: str, container: FakeArchive | None = None) -> tuple[int, str]:
    told: list[str] = []

    def tell(text: str) -> int:
        told.append(text)
        return len(text)

    source = container or FakeArchive()
    code = main(arguments, lambda: (here.ports, here.settings), tell, lambda _name, _settings: source)
    return code, "".join(told)


def test_find_prints_a_line_for_each_recording_and_says_how_to_go_on() -> None:
    """A page at a time, as over HTTP."""
    here = archived()
    code, text = runs(here, "find", "--number", PHONE, "--state", "archived")
    assert (code, RECORDING_ID in text, PHONE in text) == (0, True, False)
    assert runs(here, "find", "--format", "mp3") == (0, "no recordings\n")
    code, text = runs(here, "find", "--json")
    answer: dict[str, Any] = json.loads(text)
    assert (code, answer["count"]) == (0, 1)
    code, text = runs(here, "find", "--number", "12")
    assert (code, text.startswith("invalid_number")) == (2, True)


def test_rebuild_and_reindex_say_what_they_did_and_exit_by_it() -> None:
    """A script acts on the exit code."""
    here = loses_its_tables(archived())
    code, text = runs(here, "rebuild")
    assert (code, "made 1 recordings and 1 chunks" in text) == (0, True)
    assert runs(here, "rebuild", "--json", "--from-start")[0] == 0
    here.fakes.directory.fail_next("put", StorageBusyError("down"))
    code, text = runs(here, "reindex", "--again")
    assert (code, "storage_busy" in text) == (1, True)
    assert runs(here, "reindex")[0] == 0
    here.fakes.archive.fail_next("list", StorageBusyError("down"))
    assert runs(here, "rebuild")[0] == 2


def test_import_reads_a_mapping_or_the_names_and_can_run_dry(tmp_path: Path) -> None:
    """First dry, then in earnest."""
    here, source = world(), FakeArchive()
    source.put_once("a/1.wav", wav(), "audio/wav")
    mapping = tmp_path / "mapping.json"
    mapping.write_text('[{"blob": "a/1.wav"}, {"blob": "a/2.wav"}]')
    code, text = runs(here, "import", "old", "--mapping", str(mapping), "--dry-run", container=source)
    assert (code, "a/2.wav: not there" in text, "1 files would be imported" in text) == (1, True, True)
    assert here.fakes.catalog.chunks == {}
    assert "1 files imported" in runs(here, "import", "old", "--mapping", str(mapping), container=source)[1]
    assert runs(here, "import", "old", container=source)[0] == 0
    assert runs(here, "import", "old", "--mapping", str(tmp_path / "none"), container=source)[0] == 2
