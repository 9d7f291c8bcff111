"""The seal against a log whose end was cut off or replaced: what is left adds up, and witnesses convict it (I13)."""

from datetime import timedelta
from pathlib import Path

import pytest

from dev.in_memory.world import World
from recording.domain.seal.leaves import written_proofs
from recording.library.seal.verdict import FolderFiles
from recording.library.seal.verify import verify
from tests.unit.library.seal.seal_copies import KEY, LOG
from tests.unit.library.seal.seal_world import acts, copied, seal_of, sealed_world, seals


def cut(here: World, *, keep: int) -> None:
    """Cut the log's end off, with the files and proofs of what it covered: what is left adds up."""
    blobs = seal_of(here).store.blobs
    for name in [name for name in blobs if "/" in name and _number(name) is not None and (_number(name) or 0) >= keep]:
        del blobs[name]


def _number(name: str) -> int | None:
    digits = name.partition("/")[2][:10]
    return int(digits) if digits.isdecimal() else None


def long_log() -> World:
    here = sealed_world()
    for _ in range(4):
        acts(here)
        seals(here)
        here.fakes.clock.advance(minutes=5)
    return here


def checked(folder: Path, **how: object) -> set[str]:
    return {one.kind.value for one in verify(FolderFiles(folder), [KEY], whole=True, **how).problems}  # type: ignore[arg-type]


def test_a_log_without_its_end_adds_up_and_a_witness_convicts_it(tmp_path: Path) -> None:
    """Any later checkpoint will do: as a file, in a proof that was handed out, as a line of `status` or of the log."""
    here = long_log()
    before = copied(here, tmp_path / "before")
    checkpoint = (before / LOG / "checkpoints/0000000003.txt").read_bytes()
    line = here.fakes.catalog.cursors["seal"].encode()
    assert line.startswith(b"3 ")
    proofs = written_proofs(checkpoint, [])
    cut(here, keep=2)
    folder = copied(here, tmp_path / "after")
    assert checked(folder) == set()
    for witness in (checkpoint, line, line + b"\n" + line, proofs):
        assert checked(before, witnesses=[witness]) == set()
        assert checked(folder, witnesses=[witness]) == {"log_cut"}
    with pytest.raises(ValueError, match="witness"):
        checked(folder, witnesses=[b"nothing of that kind"])


def test_a_witness_convicts_another_log_of_the_same_length(tmp_path: Path) -> None:
    one, other = long_log(), sealed_world()
    for _ in range(4):
        acts(other, "pause_recording")
        seals(other)
        other.fakes.clock.advance(minutes=5)
    witness = one.fakes.catalog.cursors["seal"].encode()
    assert checked(copied(other, tmp_path), witnesses=[witness]) == {"log_cut"}


def test_a_log_that_ends_before_the_copy_was_made_looks_old(tmp_path: Path) -> None:
    """A checkpoint is made each day, also when there was nothing."""
    here = long_log()
    folder = copied(here, tmp_path)
    assert checked(folder, copied_at=here.now + timedelta(hours=25)) == set()
    assert checked(folder, copied_at=here.now + timedelta(hours=27)) == {"log_cut"}


@pytest.mark.parametrize("keep", [0, 1, 3])
def test_a_log_whose_end_was_cut_off_is_not_continued(keep: int) -> None:
    """The app remembers in another account where it ended; on a false end everything would look right."""
    here = long_log()
    cut(here, keep=keep)
    acts(here)
    done = seals(here)
    assert done.error is not None
    assert (done.error.code.value, done.is_behind, done.checkpoints) == ("seal_altered", True, 0)
    assert len([name for name in seal_of(here).store.blobs if name.startswith("checkpoints/")]) == keep


def test_a_log_that_was_replaced_by_a_longer_one_is_not_continued() -> None:
    """Of the same form, by the same key, with more checkpoints: it has not the one that is remembered."""
    here, there = long_log(), sealed_world()
    for _ in range(7):
        acts(there, "pause_recording")
        seals(there)
        there.fakes.clock.advance(minutes=5)
    seal_of(here).store.blobs = seal_of(there).store.blobs
    acts(here)
    assert seals(here).checkpoints == 0
