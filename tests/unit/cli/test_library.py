"""The commands of the library: the same use cases as over HTTP, for people and for machines."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from dev.in_memory.builders import RECORDING_ID, event, task, wav
from dev.in_memory.canaries import PHONE
from dev.in_memory.fakes.archive import FakeArchive
from dev.in_memory.world import World, world
from recording.cli.__main__ import main
from recording.domain.find.short_ids import short_id
from recording.errors import StorageBusyError
from recording.library.tags import change_tags
from tests.unit.library.test_rebuild import loses_its_tables

SHORT = short_id(RECORDING_ID)


def archived() -> World:
    here = world()
    here.holds(task())
    here.announces()
    here.runs_due()
    here.follows_up()
    return here


def runs(here: World, *arguments: str, container: FakeArchive | None = None, **session: Any) -> tuple[int, str]:
    told: list[str] = []
    source = container or FakeArchive()
    code = main(
        arguments,
        lambda: (here.ports, here.settings),
        told.append,
        open_container=lambda _name, _settings: source,
        **session,
    )
    return code, "".join(told)


def test_find_lists_recordings_and_says_how_to_go_on() -> None:
    """A page at a time, as over HTTP."""
    here = archived()
    code, text = runs(here, "find", "--number", PHONE, "--state", "archived")
    assert (code, SHORT in text, PHONE in text) == (0, True, False)
    assert RECORDING_ID in runs(here, "find", "-o", "wide")[1]
    assert runs(here, "find", "--format", "mp3") == (0, "no recordings\n")
    code, text = runs(here, "find", "-o", "json")
    answer: dict[str, Any] = json.loads(text)
    assert (code, answer["count"]) == (0, 1)
    code, text = runs(here, "find", "--number", "12")
    assert (code, text.startswith("invalid_number")) == (2, True)


def test_find_takes_times_as_people_write_them() -> None:
    """The same spellings as everywhere on this command line."""
    here = archived()
    assert SHORT in runs(here, "find", "--from", "2020-01-01", "--to", "2030-01-01")[1]
    assert runs(here, "find", "--to", "2020-01-01")[1] == "no recordings\n"
    assert runs(here, "find", "--from", "soon")[0] == 2


def test_a_page_that_is_full_is_gone_on_with() -> None:
    """`--next` is the token of the answer."""
    here = archived()
    other = f"{RECORDING_ID[:-4]}b3Ro"
    here.holds(task(recording_id=other))
    here.announces(event(id="event-2", subject=f"/recording/call/x/serverCallId/x/recordingId/{other}"))
    here.runs_due()
    here.follows_up()
    *_, first, hint, token = runs(here, "find", "--limit", "1")[1].splitlines()
    assert "--next" in hint
    *_, second = runs(here, "find", "--limit", "1", "--next", token)[1].splitlines()
    assert {first.split()[0], second.split()[0]} == {SHORT, short_id(other)}


def test_a_recording_that_cannot_be_read_is_named_with_exit_code_1() -> None:
    """An answer that lacks it would say that there is none."""
    here = archived()
    here.fakes.catalog.unreadable.add(RECORDING_ID)
    code, text = runs(here, "find")
    assert (code, "cannot be read" in text) == (1, True)


def test_tags_are_shown_set_and_removed() -> None:
    """What is set here is found, and the trail says who did it."""
    here = archived()
    code, text = runs(here, "tag", SHORT)
    assert (code, text.splitlines()[0]) == (0, "no tags")
    assert runs(here, "tag", SHORT, "order=1042", "team=a=b", caller="operator-1")[0] == 0
    here.follows_up()
    assert SHORT in runs(here, "find", "--tag", "order:1042")[1]
    code, text = runs(here, "tag", SHORT, "order=7", "--remove", "team", "-o", "json")
    assert (code, json.loads(text)["tags"]) == (0, {"order": "7"})
    trail = json.loads(runs(here, "trail", "-o", "json")[1])["entries"]
    assert [(entry["operation"], entry["outcome"], entry["caller"]) for entry in trail][:2] == [
        ("tag_recording", "asked", "operator-1"),
        ("tag_recording", "done", "operator-1"),
    ]


def test_tags_that_changed_meanwhile_are_not_overwritten() -> None:
    """Two people at one desk each: the second is told, and nothing of the first is lost."""
    here = archived()
    seen = json.loads(runs(here, "tag", SHORT, "-o", "json")[1])["etag"]
    change_tags(RECORDING_ID, {"tags": {"order": "1"}}, "*", here.ports)
    code, text = runs(here, "tag", SHORT, "order=2", "--if-match", seen)
    assert (code, text.split(":")[0]) == (2, "etag_mismatch")
    assert json.loads(runs(here, "tag", SHORT, "-o", "json")[1])["tags"] == {"order": "1"}


@pytest.mark.parametrize("written", ["order", "=1042"])
def test_a_tag_without_a_name_or_a_value_is_refused(written: str) -> None:
    """A slip must not make a tag."""
    assert runs(archived(), "tag", SHORT, written)[0] == 2


def test_rebuild_and_reindex_say_what_they_did_and_exit_by_it() -> None:
    """A script acts on the exit code."""
    here = loses_its_tables(archived())
    code, text = runs(here, "rebuild")
    assert (code, "made 1 recording and 1 chunk" in text) == (0, True)
    code, text = runs(here, "rebuild", "--json", "--from-start")
    assert (code, json.loads(text)["problems"]) == (0, [])
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
    assert (code, "not there  a/2.wav" in text, "1 file would be imported" in text) == (1, True, True)
    assert here.fakes.catalog.chunks == {}
    assert here.fakes.audit.written == []
    assert "1 file imported" in runs(here, "import", "old", "--mapping", str(mapping), container=source)[1]
    assert runs(here, "import", "old", container=source)[0] == 0
    assert runs(here, "import", "old", "--mapping", str(tmp_path / "none"), container=source)[0] == 2


def test_what_is_made_from_files_is_in_the_trail(tmp_path: Path) -> None:
    """Years later: who brought which recording in, and what each run came to; no numbers."""
    here, source = world(), FakeArchive()
    here.follows_up()
    source.put_once(f"{PHONE}/1.wav", wav(), "audio/wav")
    mapping = tmp_path / "mapping.json"
    mapping.write_text(json.dumps([{"blob": f"{PHONE}/1.wav"}, {"blob": "a/2.wav"}]))
    imports = ("import", "old?sig=secret", "--prefix", PHONE, "--mapping", str(mapping))
    assert runs(here, *imports, container=source)[0] == 1
    asked, one, done = here.fakes.audit.written
    (imported,) = here.fakes.catalog.recordings
    about = [(row.operation, row.recording_id, row.outcome) for row in (asked, one, done)]
    assert about == [
        ("import_recordings", who, how) for who, how in ((None, "asked"), (imported, "done"), (None, "done"))
    ]
    assert (asked.note, one.note) == ("from old, names that begin with [withheld]", "chunk 0")
    assert done.note is not None
    assert done.note.startswith(f"{asked.note}: 1 file imported (")
    assert done.note.endswith(", known before: 0, 1 problem")
    assert runs(loses_its_tables(here), "rebuild")[0] == runs(here, "reindex", "--again")[0] == 0
    notes = {row.operation: row.note for row in here.fakes.audit.written if row.outcome == "done"}
    assert "made 1 recording and 1 chunk" in (notes["rebuild_catalog"] or "")
    assert notes["reindex_directory"] == "all rows again: 1 recording seen, the rows of 1 written, 0 problems"


def test_nothing_is_made_from_files_when_the_trail_cannot_be_written(tmp_path: Path) -> None:
    """Exit code 2, and the source of no recording is in doubt; a run that fails says how."""
    here, source = archived(), FakeArchive()
    source.put_once("a/1.wav", wav(), "audio/wav")
    known = dict(here.fakes.catalog.chunks)
    for command in (("import", "old"), ("rebuild",), ("reindex",)):
        here.fakes.audit.fail_next("add", StorageBusyError("down"))
        assert runs(here, *command, container=source)[0] == 2
        assert here.fakes.audit.written == []
    assert here.fakes.catalog.chunks == known
    here.fakes.archive.fail_next("list", StorageBusyError("down"))
    assert runs(here, "rebuild")[0] == 2
    assert [row.outcome for row in here.fakes.audit.written] == ["asked", "storage_busy"]


COMMANDS: list[Callable[[], tuple[str, ...]]] = [
    lambda: ("find",),
    lambda: ("tag", SHORT),
    lambda: ("rebuild",),
    lambda: ("reindex",),
    lambda: ("import", "old"),
]


@pytest.mark.parametrize("arguments", [make() for make in COMMANDS], ids=lambda words: words[0])
def test_each_takes_the_options_of_the_program(tmp_path: Path, arguments: tuple[str, ...]) -> None:
    """One program: the app is named in the same ways, and the answer has the same forms."""
    assert runs(archived(), *arguments, "--settings", str(tmp_path / "none.json"))[0] == 2
    assert runs(archived(), *arguments, "--app", "one")[0] == 2
    code, text = runs(archived(), *arguments, "-o", "json")
    assert (code, bool(json.loads(text))) == (0, True)
