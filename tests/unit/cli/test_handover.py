"""`recordings vcon` and `recordings export`: from the request to the file on the disk."""

import json
import os
import zipfile
from pathlib import Path

from dev.in_memory.builders import RECORDING_ID
from dev.in_memory.world import World
from recording.cli.__main__ import main
from recording.domain.archived.exports import state_name
from recording.domain.find.short_ids import short_id
from recording.library.handover.export import exports_of
from tests.unit.cli.conftest import FilesOfAtMost
from tests.unit.library.handover.test_export import archived, works

SHORT = short_id(RECORDING_ID)


def runs(here: World, *arguments: str) -> tuple[int, str]:
    told: list[str] = []
    code = main(arguments, lambda: (here.ports, here.settings), told.append)
    return code, "".join(told)


def test_a_vcon_is_printed_or_written(tmp_path: Path) -> None:
    """And leaves two rows: it is handing over."""
    here = archived()
    code, text = runs(here, "vcon", SHORT)
    assert (code, json.loads(text)["vcon"]) == (0, "0.4.0")
    assert runs(here, "vcon", SHORT, "--to", str(tmp_path / "a.json"))[0] == 0
    assert json.loads((tmp_path / "a.json").read_text()) == json.loads(text)
    assert runs(here, "vcon", SHORT, "--inline")[0] == 0
    rows = [row for row in here.fakes.audit.written if row.operation == "recording_vcon"]
    assert [row.outcome for row in rows] == ["asked", "done"] * 3
    assert [row.note for row in rows] == ["without its media"] * 4 + ["with its media"] * 2


def test_a_vcon_on_a_full_disk_leaves_what_was_there(tmp_path: Path, files_of_at_most: FilesOfAtMost) -> None:
    """Half of a vCon is none, and what takes it would not notice."""
    here = archived()
    target = tmp_path / "call.vcon.json"
    target.write_text("the one of yesterday")
    with files_of_at_most(500):
        code, text = runs(here, "vcon", SHORT, "--to", str(target))
    assert (code, "call.vcon.json" in text) == (2, True)
    assert [path.read_text() for path in tmp_path.iterdir()] == ["the one of yesterday"]


def test_a_vcon_goes_into_a_pipe_that_has_the_name(tmp_path: Path) -> None:
    """As `--to >(jq .parties)` and `--to /dev/stdout` have it."""
    here = archived()
    os.mkfifo(tmp_path / "pipe")
    reader = os.open(tmp_path / "pipe", os.O_RDONLY | os.O_NONBLOCK)
    try:
        assert runs(here, "vcon", SHORT, "--to", str(tmp_path / "pipe"))[0] == 0
        assert json.loads(os.read(reader, 65536))["vcon"] == "0.4.0"
    finally:
        os.close(reader)


def test_a_bundle_is_asked_for_looked_at_and_fetched(tmp_path: Path) -> None:
    here = archived()
    code, text = runs(here, "export", "start", SHORT, "--note", "case 17", "-o", "json")
    export_id = json.loads(text)["exportId"]
    assert code == 0
    target = str(tmp_path / "b.zip")
    assert runs(here, "export", "show", export_id)[0] == 1
    assert runs(here, "export", "get", export_id, "--to", target) == (2, "the export is requested\n")
    works(here)
    code, text = runs(here, "export", "show", export_id)
    assert (code, "done, 1 of 1 recording," in text) == (0, True)
    assert runs(here, "export", "get", export_id, "--to", target)[0] == 0
    with zipfile.ZipFile(target) as opened:
        assert opened.testzip() is None
    assert runs(here, "export", "show", "nothing")[0] == 2
    assert export_id[:8] in runs(here, "export", "show")[1]
    assert runs(here, "export", "show", export_id[:4])[0] == 0
    assert runs(here, "export", "get", export_id[:8], "--to", target)[0] == 0
    assert runs(here, "export", "show", export_id[:3])[0] == 2
    assert runs(here, "export", "start")[1].startswith("invalid_request")


def test_exports_are_listed_and_one_that_two_are_named_by_is_refused() -> None:
    """Who comes back the next day has no id; and a bundle for the wrong recipient is worse than none."""
    here = archived()
    assert runs(here, "export", "show")[1] == "no exports\n"
    ids = [json.loads(runs(here, "export", "start", SHORT, "-o", "json")[1])["exportId"] for _ in range(2)]
    code, text = runs(here, "export", "show")
    assert (code, all(one[:8] in text for one in ids)) == (0, True)
    listed = json.loads(runs(here, "export", "show", "-o", "json")[1])
    assert {one["exportId"] for one in listed["exports"]} == set(ids)
    store = exports_of(here.ports).store
    for one in ids:
        stored = store.get(state_name(one))
        assert stored is not None
        other = f"abcd{one[4:]}"
        store.put_once(state_name(other), stored[0].replace(one.encode(), other.encode()), "application/json")
    code, text = runs(here, "export", "show", "abcd")
    assert (code, "names 2 exports" in text) == (2, True)


def test_a_download_that_broke_off_goes_on_and_leaves_a_row(tmp_path: Path) -> None:
    """A bundle has gigabytes; who takes it is written down before, on the command line as over HTTP (I12)."""
    here = archived()
    export_id = json.loads(runs(here, "export", "start", SHORT, "-o", "json")[1])["exportId"]
    works(here)
    whole = here.fakes.bundles.blobs[f"{export_id}/bundle.zip"].data
    target = tmp_path / "b.zip"
    part = tmp_path / f"b.zip.{export_id[:8]}.part"
    part.write_bytes(whole[:1000])
    assert runs(here, "export", "get", export_id, "--to", str(target))[0] == 0
    assert (target.read_bytes() == whole, part.exists()) == (True, False)
    rows = [row for row in here.fakes.audit.written if row.operation == "export_bundle"]
    assert [row.note for row in rows] == [f"export {export_id}"]
    part.write_bytes(b"x" * 1000)
    code, text = runs(here, "export", "get", export_id, "--to", str(tmp_path / "b.zip"))
    assert (code != 0, "does not match the digests of the export" in text) == (True, True)
    assert (target.read_bytes() == whole, part.exists()) == (True, False), "what was good stays, and the next try works"
    part.write_bytes(b"x" * (len(whole) + 1))
    assert runs(here, "export", "get", export_id, "--to", str(tmp_path / "b.zip"))[0] == 0


def test_derived_files_and_media_inside_are_asked_for_by_name(tmp_path: Path) -> None:
    here = archived()
    export_id = json.loads(runs(here, "export", "start", SHORT, "--derived", "-o", "json")[1])["exportId"]
    stored = json.loads(here.fakes.bundles.blobs[f"{export_id}/export.json"].data)
    assert stored["derived"] is True
    assert runs(here, "vcon", SHORT, "--inline", "--to", str(tmp_path / "a.json"))[0] == 0
    dialog = json.loads((tmp_path / "a.json").read_text())["dialog"]
    assert ["body" in one for one in dialog] == [False, True, True]
