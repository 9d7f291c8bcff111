"""Every single file of a log and an archive that have seen everything: changed, removed, or in another's place."""

import itertools
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from dev.in_memory.builders import RECORDING_ID, chunk, document_id, event, task, wav
from dev.in_memory.erasure_world import nights
from dev.in_memory.fakes.seal import FakeSealKey, FakeTimeStamps
from dev.in_memory.keep_world import put_rule
from recording.domain.seal.signature import pem_of
from recording.library.tags import change_tags
from tests.unit.library.keep.test_speaker import archived, asks
from tests.unit.library.seal.seal_world import acts, copied, seals, verified

KEY = pem_of(FakeSealKey().public_key())
OTHER, GONE = f"{RECORDING_ID[:-4]}beef", f"{RECORDING_ID[:-4]}dead"
KINDS = (
    *("/checkpoints/", "/batches/", "/journal/", "/keys/", "/tokens/", "/_certificates/"),
    *(".receipt.json", ".metadata.json", ".after.json", "/manifest.", "/seal.", ".wav"),
)


@pytest.fixture(scope="module")
def original(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A recording out of which a voice was taken, one that is as it was, and one that was destroyed by a rule."""
    here, _ = archived()
    assert here.fakes.seal is not None
    here.fakes.seal.stamps = FakeTimeStamps()
    for number, name in enumerate((OTHER, GONE)):
        document = document_id(50 + number)
        here.holds(task(0, document, recording_id=name), wav(sample=bytes((7, 9 + number))))
        subject = f"/recording/call/c{number}/serverCallId/s/recordingId/{name}"
        here.announces(event(chunk(0, document), id=f"e{number}", subject=subject))
        here.runs(hours=1)
        here.follows_up()
        seals(here)
        here.fakes.clock.advance(minutes=5)
    change_tags(GONE, {"tags": {"line": "short"}}, "*", here.ports)
    put_rule(here, "delete", 1, when={"tags": {"line": "short"}})
    asks(here)
    acts(here)
    nights(here, 2)
    here.fakes.clock.advance(days=15)
    nights(here, 3)
    here.fakes.clock.advance(minutes=5)
    acts(here)
    seals(here)  # it names the last time-stamp
    return copied(here, tmp_path_factory.mktemp("original"))


@pytest.fixture
def copy(original: Path, tmp_path: Path) -> Path:
    shutil.copytree(original, tmp_path / "copy")
    return tmp_path / "copy"


def files(copy: Path, kind: str = "") -> list[Path]:
    return [path for path in sorted(copy.rglob("*")) if path.is_file() and kind in path.as_posix()]


def is_noticed(copy: Path, *, given: bool = True) -> bool:
    return verified(copy, *([KEY] if given else []), whole=True).problems != []


def wrong_ones(raw: bytes, *, has_salts: bool) -> Iterator[bytes]:
    """Yield a file with one bit of it changed, with a byte more and one less, and without any.

    A salt of an earlier proof, whose document was written anew since, fits nothing: it may say anything.
    """
    for place in sorted({0, len(raw) - 1} | (set() if has_salts else {len(raw) // 2})):
        yield raw[:place] + bytes([raw[place] ^ 1]) + raw[place + 1 :]
    yield raw + b"\n"
    yield raw[:-1]
    yield b""


def test_nothing_is_wrong_with_it_and_every_kind_is_there(original: Path) -> None:
    assert verified(original, KEY, whole=True).problems == []
    assert [kind for kind in KINDS if not files(original, kind)] == []
    assert [path for path in files(original) if not any(kind in path.as_posix() for kind in KINDS)] == []


@pytest.mark.slow
@pytest.mark.parametrize("kind", KINDS)
def test_each_file_that_is_changed_is_noticed(copy: Path, kind: str) -> None:
    for path in files(copy, kind):
        raw = path.read_bytes()
        for wrong in wrong_ones(raw, has_salts=kind == "/seal."):
            path.write_bytes(wrong)
            assert is_noticed(copy), (path.name, wrong[:9])
        path.write_bytes(raw)


@pytest.mark.parametrize("kind", KINDS)
def test_each_file_that_is_removed_or_renamed_is_noticed(copy: Path, kind: str) -> None:
    for path in files(copy, kind):
        raw = path.read_bytes()
        path.unlink()
        assert is_noticed(copy), path.name
        other = path.with_name(f"x{path.name}")
        other.write_bytes(raw)
        assert is_noticed(copy), path.name
        other.unlink()
        path.write_bytes(raw)


@pytest.mark.parametrize("kind", KINDS)
def test_each_two_files_that_change_places_are_noticed(copy: Path, kind: str) -> None:
    """And one that is put in the place of another one."""
    there = files(copy, kind)
    for one, other in itertools.pairwise(there):
        first, second = one.read_bytes(), other.read_bytes()
        if first == second:
            continue
        one.write_bytes(second)
        assert is_noticed(copy), (one.name, other.name)
        other.write_bytes(first)
        assert is_noticed(copy), (one.name, other.name)
        one.write_bytes(first)
        other.write_bytes(second)


@pytest.mark.parametrize("kind", [kind for kind in KINDS if kind not in ("/keys/", ".wav", "/manifest.")])
def test_a_file_that_is_put_there_is_noticed(copy: Path, kind: str) -> None:
    """The same bytes once more under a name of the same kind, in the same folder and in another recording's."""
    path = files(copy, kind)[0]
    name = path.name.replace("0000", "7777", 1) if "0000" in path.name else f"7{path.name}"
    for folder in {path.parent, files(copy, ".receipt.json")[-1].parent}:
        if folder != path.parent and kind in ("/checkpoints/", "/batches/", "/journal/", "/tokens/", "/_certificates/"):
            continue
        (folder / name).write_bytes(path.read_bytes())
        assert is_noticed(copy), f"{folder.name}/{name}"
        (folder / name).unlink()
