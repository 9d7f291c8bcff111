"""`recordings get`: what is downloaded is what was cataloged, and nothing half is left under a good name."""

import json
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

from dev.in_memory.world import World
from recording.cli import INTERRUPTED
from recording.domain.state.stored import sha256_of
from recording.errors import StorageBusyError
from tests.unit.cli.conftest import Run


def test_media_and_sidecar_documents_are_downloaded_and_compared(here: World, run: Run, tmp_path: Path) -> None:
    """A complaint needs all of it, and to know that it is the same."""
    code, shown = run("get", "1db8", "--to", str(tmp_path / "case"))
    assert (code, "as cataloged" in shown) == (0, True)
    files = {path.name: path.read_bytes() for path in (tmp_path / "case").iterdir()}
    kept = {name.rpartition("/")[2]: blob.data for name, blob in here.fakes.archive.blobs.items()}
    assert files == kept
    assert len(files) == 4


def test_bytes_that_differ_do_not_get_the_good_name(here: World, run: Run, tmp_path: Path) -> None:
    """Otherwise somebody hands over the wrong file."""
    name = here.record().blob_name or ""
    blob = here.fakes.archive.blobs[name]
    here.fakes.archive.blobs[name] = replace(blob, data=bytes(len(blob.data)))
    code, shown = run("get", "1db8", "--to", str(tmp_path), "-o", "json")
    media = tmp_path / name.rpartition("/")[2]
    (told,) = [file for file in json.loads(shown)["files"] if file["blobName"] == name]
    assert (code, told["proved"], told["path"]) == (1, False, f"{media}.differs")
    assert not media.exists()
    assert told["sha256"] == sha256_of(bytes(len(blob.data)))


def test_a_download_that_breaks_off_leaves_nothing(here: World, run: Run, tmp_path: Path) -> None:
    """Half a file looks like a whole one in a folder."""
    here.fakes.archive.fail_next("read", StorageBusyError("no answer"))
    assert run("get", "1db8", "--to", str(tmp_path))[0] == 2
    assert [path.name for path in tmp_path.iterdir() if path.suffix in (".part", ".wav")] == []


def test_ctrl_c_leaves_no_half_file(here: World, run: Run, tmp_path: Path) -> None:
    """A download of an hour is stopped more often than it breaks."""
    read = here.fakes.archive.read

    def interrupted(name: str) -> Iterator[bytes]:
        yield next(iter(read(name)))
        raise KeyboardInterrupt

    here.fakes.archive.read = interrupted  # type: ignore[method-assign]  # the person at the keyboard
    assert run("get", "1db8", "--to", str(tmp_path))[0] == INTERRUPTED
    assert list(tmp_path.iterdir()) == []


def test_a_folder_that_cannot_be_written_is_named(run: Run, tmp_path: Path) -> None:
    """Without a traceback."""
    (tmp_path / "file").write_text("")
    code, shown = run("get", "1db8", "--to", str(tmp_path / "file" / "below"))
    assert (code, "cannot be written" in shown) == (2, True)
