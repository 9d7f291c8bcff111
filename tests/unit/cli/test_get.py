"""`recordings get`: what is downloaded is what was cataloged, and nothing half is left under a good name."""

import json
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from dev.in_memory.builders import RECORDING_ID, record, task
from dev.in_memory.world import World
from recording.cli import INTERRUPTED
from recording.domain.state.chunk import ChunkState
from recording.domain.state.stored import sha256_of
from recording.errors import StorageBusyError
from tests.unit.cli.conftest import SHORT, Run


def test_media_and_sidecar_documents_are_downloaded_and_compared(here: World, run: Run, tmp_path: Path) -> None:
    """A complaint needs all of it, and to know that it is the same."""
    code, shown = run("get", "1db8", "--to", str(tmp_path / "case"))
    assert (code, "2 of them compared with the catalog: as cataloged" in shown) == (0, True), shown
    assert shown.count("not in the catalog") == 2, "receipt and manifest have no digest there"
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


@pytest.mark.parametrize(
    ("state", "why"),
    [(ChunkState.PENDING, "not archived yet"), (ChunkState.QUARANTINED, "held"), (ChunkState.EXPIRED, "deleted it")],
)
def test_what_a_recording_lacks_is_named(here: World, run: Run, tmp_path: Path, state: ChunkState, why: str) -> None:
    """One file of two was handed over as the whole recording: `as cataloged`, exit code 0."""
    here.fakes.catalog.add_chunk(record(state, task=task(1)))
    code, shown = run("get", "1db8", "--to", str(tmp_path))
    assert (code, "not here  chunk 1" in shown, why in shown) == (1, True, True)
    (lacks,) = json.loads(run("get", "1db8", "--to", str(tmp_path), "-o", "json")[1])["leftOut"]
    assert lacks["what"].startswith("chunk 1")


def test_a_file_that_was_never_announced_is_named(here: World, run: Run, tmp_path: Path) -> None:
    """ACS's own log counts two."""
    known = here.fakes.catalog.get_recording(RECORDING_ID)
    assert known is not None
    here.fakes.catalog.save_recording(known.model_copy(update={"chunk_count": 2}))
    code, shown = run("get", "1db8", "--to", str(tmp_path))
    assert (code, "not here  chunk 1: it was never announced" in shown) == (1, True)


def test_media_that_is_gone_from_the_archive_is_named(here: World, run: Run, tmp_path: Path) -> None:
    """Its receipt and metadata alone were `as cataloged`."""
    del here.fakes.archive.blobs[here.record().blob_name or ""]
    code, shown = run("get", "1db8", "--to", str(tmp_path))
    assert (code, "not here  chunk 0: its file is not in the archive any more" in shown) == (1, True)


def test_nothing_that_could_be_had_is_no_success(here: World, run: Run, tmp_path: Path) -> None:
    """`0 files: as cataloged` with exit code 0 lets a script go on; and nothing was heard, so the trail has no row."""
    waiting = f"{RECORDING_ID[:-4]}d2Fp"
    here.fakes.catalog.add_chunk(record(ChunkState.PENDING, task=task(recording_id=waiting)))
    before = len(here.fakes.audit.written)
    code, shown = run("get", waiting, "--to", str(tmp_path / "case"))
    assert (code, "nothing of this recording is in the archive; chunk 0" in shown) == (2, True)
    assert not (tmp_path / "case").exists()
    assert len(here.fakes.audit.written) == before


@pytest.mark.parametrize("columns", [60, 80])
def test_a_name_that_is_cut_keeps_its_end(
    run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, columns: int
) -> None:
    """On a narrow screen the media, its metadata and its receipt had one name: they differ only at the end."""
    monkeypatch.setenv("COLUMNS", str(columns))
    shown = run("get", SHORT, "--to", str(tmp_path / "there"))[1]
    lines = [line for line in shown.splitlines() if line.startswith("0000-")]
    assert {line.split()[0].rpartition("…")[2][-5:] for line in lines} == {".json", "0.wav"}, shown
    assert len({line.split()[0] for line in lines}) == len(lines) == 3, shown
    assert all(len(line) <= columns for line in lines), shown
