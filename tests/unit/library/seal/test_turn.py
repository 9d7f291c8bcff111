"""The seal's timer: what it seals, what it does when anything fails or dies, and that two instances make one log."""

import hashlib
import json
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from dev.in_memory.builders import task
from dev.in_memory.fakes.seal import FakeSealKey, FakeTimeStamps
from dev.in_memory.world import World
from recording.domain.seal.signature import pem_of
from recording.domain.state.chunk import ChunkState
from recording.errors import SealKeyError, StorageBusyError
from recording.errors.codes import Code
from recording.library.seal import gather
from recording.library.seal.turn import seal
from recording.library.seal.waiting import seal_file, withdraw_folder
from recording.ports.clock import CorrectedClock
from tests.unit.library.seal.seal_world import (
    acts,
    archives,
    copied,
    leaves_in,
    numbers,
    proofs_in,
    seal_of,
    seals,
    verified,
)

pytestmark = pytest.mark.slow


def test_whatever_was_written_is_sealed_and_proved_from_the_files_alone(of: World, tmp_path: Path) -> None:
    """Receipt, metadata, manifest and command: each has its leaf, and the files prove it with nothing else."""
    done = seals(of)
    assert (done.checkpoints, done.error) == (1, None)
    verdict = verified(copied(of, tmp_path))
    assert verdict.problems == []
    assert (verdict.checkpoints, verdict.media, verdict.rows) == (1, 1, 1)
    assert {one["kind"] for one in proofs_in(of)} == {"receipt", "metadata", "manifest", "after"}
    assert seal_of(of).waiting.items == {}


def test_what_became_of_the_source_is_a_second_document(of: World) -> None:
    """The receipt is written before the source is deleted, and is never written again."""
    seals(of)
    name = (of.record().blob_name or "").rpartition(".")[0]
    told = json.loads(of.fakes.archive.blobs[f"{name}.after.json"].data)
    receipt = of.fakes.archive.blobs[f"{name}.receipt.json"].data
    assert told["receiptSha256"] == hashlib.sha256(receipt).hexdigest()
    assert (told["source"], told["sourceDeletedAt"] is not None) == ("deleted", True)


def test_what_is_sealed_is_not_sealed_again(of: World) -> None:
    """A follow-up that comes twice costs a look and no leaf."""
    seals(of)
    before = leaves_in(of)
    of.ports.follow_ups.send(task().recording_id)
    of.follows_up()
    assert len(seal_of(of).waiting.items) == 1
    assert seals(of).checkpoints == 0
    assert (leaves_in(of), numbers(of)) == (before, [0])
    assert seal_of(of).waiting.items == {}


def test_a_day_with_nothing_is_sealed_as_such(of: World) -> None:
    """So that a log whose end was cut off looks old."""
    seals(of)
    of.fakes.clock.advance(hours=23)
    assert seals(of).checkpoints == 0
    of.fakes.clock.advance(hours=2)
    assert seals(of).checkpoints == 1
    assert numbers(of) == [0, 1]


def test_a_manifest_that_grows_is_sealed_in_each_version(of: World, tmp_path: Path) -> None:
    """It is the one document that is written again, as chunks come."""
    seals(of)
    of.fakes.clock.advance(minutes=5)
    archives(of, 0, 1)
    seals(of)
    assert [one["kind"] for one in proofs_in(of)].count("manifest") == 2
    assert verified(copied(of, tmp_path)).problems == []


def test_an_older_version_of_the_manifest_that_is_put_back_is_noticed(of: World, tmp_path: Path) -> None:
    """It was sealed once, and it is not what was sealed last."""
    name = next(name for name in of.fakes.archive.blobs if name.endswith("manifest.json"))
    old = of.fakes.archive.blobs[name]
    seals(of)
    archives(of, 0, 1)
    seals(of)
    of.fakes.archive.blobs[name] = old
    assert [problem.kind for problem in verified(copied(of, tmp_path)).problems] == ["file_altered"]


def test_every_row_is_sealed_once_also_when_it_comes_late(of: World, tmp_path: Path) -> None:
    """Instances write at the same time, and their clocks differ by seconds."""
    seals(of)
    of.fakes.clock.advance(minutes=5)
    acts(of)
    acts(of, at=of.now - timedelta(minutes=12))
    acts(of, at=of.now + timedelta(seconds=3))
    seals(of)
    of.fakes.clock.advance(minutes=5)
    acts(of)
    seals(of)
    verdict = verified(copied(of, tmp_path))
    assert (verdict.problems, verdict.rows) == ([], 5)


def test_more_rows_than_a_turn_takes_are_taken_by_the_next(
    of: World, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A turn is bounded, and goes on where the last one stopped."""
    monkeypatch.setattr(gather, "MOST_ROWS", 7)
    for _ in range(40):
        of.fakes.clock.advance(minutes=7)
        acts(of)
    seals(of)
    for _ in range(4):
        of.fakes.clock.advance(minutes=5)
        seals(of)
    verdict = verified(copied(of, tmp_path))
    assert (verdict.problems, verdict.rows) == ([], 41)


@pytest.mark.parametrize("most", [1, 3, 50])
def test_a_trail_that_is_busier_than_a_turn_is_sealed_all_the_same(
    of: World, most: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """More rows in a quarter of an hour than a turn takes: those that are sealed do not count against the new ones."""
    monkeypatch.setattr(gather, "MOST_ROWS", most)
    for minute in range(60):
        for number in range(7):
            acts(of, at=of.now - timedelta(seconds=97 * number))
        if minute % 5 == 0:
            seals(of)
        of.fakes.clock.advance(minutes=1)
    for _ in range(60):
        seals(of)
    verdict = verified(copied(of, tmp_path))
    assert (verdict.problems, verdict.rows) == ([], 421)


def test_more_recordings_than_a_turn_takes_are_taken_by_the_next(
    of: World, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(gather, "MOST_ITEMS", 1)
    for number in range(3):
        of.ports.archive.put_once(f"holds/case-{number}.json", b"{}", "application/json")
        seal_file(f"holds/case-{number}.json", of.ports)
    seals(of)
    assert seal_of(of).waiting.items == {}
    assert [one["kind"] for one in proofs_in(of)].count("document") == 3
    assert verified(copied(of, tmp_path)).problems == []


def test_a_key_that_fails_for_a_day_delays_no_recording(of: World, tmp_path: Path) -> None:
    """I14: the line archives and deletes as ever; afterwards everything is caught up, in one checkpoint."""
    seal_of(of).key.fail_next("sign", SealKeyError("the vault is down"), times=10_000)
    for _ in range(24):
        of.fakes.clock.advance(hours=1)
        done = seals(of)
        assert done.error is not None
        assert done.error.code is Code.SEAL_KEY_UNAVAILABLE
    assert numbers(of) == []
    assert of.state() is ChunkState.SOURCE_DELETED
    seal_of(of).key.fails_no_more("sign")
    assert seals(of).error is None
    assert verified(copied(of, tmp_path)).problems == []


def test_the_alarm_is_raised_when_nothing_was_sealed_for_an_hour(of: World) -> None:
    """A failing turn is a warning; an hour of them needs a person."""
    seals(of)
    acts(of)
    seal_of(of).key.fail_next("sign", SealKeyError("the vault is down"), times=10_000)
    of.fakes.clock.advance(minutes=55)
    assert not seals(of).is_behind
    of.fakes.clock.advance(minutes=5)
    assert seals(of).is_behind


@pytest.mark.parametrize("port", ["waiting", "store", "archive", "audit"])
def test_whatever_fails_the_next_turn_catches_up(of: World, port: str, tmp_path: Path) -> None:
    """Each method fails once; the turn reports it, raises nothing, and loses nothing."""
    fake = getattr(seal_of(of), port, None) or getattr(of.fakes, port)
    seals_methods = {
        "waiting": ["first", "remove"],
        "store": ["get", "put_once"],
        "archive": ["list", "get", "put_once"],
    }
    for method in seals_methods.get(port, ["entries"]):
        acts(of)
        fake.fail_next(method, StorageBusyError("down"))
        seals(of)
        of.fakes.clock.advance(minutes=5)
    assert seals(of).error is None
    verdict = verified(copied(of, tmp_path))
    assert [problem for problem in verdict.problems if problem.kind != "leaf_without_file"] == []


def test_a_rotation_keeps_both_keys_and_the_log_goes_on(of: World, tmp_path: Path) -> None:
    """Old checkpoints are checked with the key of their time."""
    seals(of)
    seal_of(of).key.number = 7
    acts(of)
    seals(of)
    verdict = verified(copied(of, tmp_path))
    assert (verdict.problems, len(verdict.keys)) == ([], 2)
    given = [path.read_bytes() for path in (tmp_path / "recording-seal/keys").iterdir()]
    assert set(verified(tmp_path, *given).keys.values()) == {True}
    assert [problem.kind for problem in verified(tmp_path, given[0]).problems] == ["key_unknown"]


def test_a_lost_cursor_costs_a_few_looks(of: World) -> None:
    """The container is the truth; the cursor only saves looking."""
    for _ in range(40):
        acts(of)
        seals(of)
        of.fakes.clock.advance(minutes=5)
    for cursor in ("", "3", "99", "nonsense"):
        of.fakes.catalog.cursors["seal"] = cursor
        acts(of)
        seal_of(of).store.calls.clear()
        assert seals(of).checkpoints == 1
        assert seal_of(of).store.calls.count("get") < 20
    assert numbers(of) == list(range(44))


def test_a_log_that_was_changed_is_not_continued(of: World) -> None:
    """On top of a false end everything would look right; so the alarm is raised instead."""
    seals(of)
    store = seal_of(of).store
    name = next(name for name in store.blobs if name.startswith("batches/"))
    store.blobs[name] = store.blobs[name].replace(b"receipt", b"metadata")
    acts(of)
    done = seals(of)
    assert done.error is not None
    assert (done.error.code, done.is_behind, numbers(of)) == (Code.SEAL_ALTERED, True, [0])


def test_withdrawn_leaves_are_no_missing_files(of: World, tmp_path: Path) -> None:
    """Erasure: the files and their salts are destroyed, the log still adds up, and a sealed statement says why."""
    seals(of)
    folder = of.record().task.folder
    given = withdraw_folder(folder, "certificate-1", of.ports)
    assert len(given) == len(proofs_in(of))
    seals(of)
    for name in [name for name in of.fakes.archive.blobs if name.startswith(folder)]:
        del of.fakes.archive.blobs[name]
    verdict = verified(copied(of, tmp_path))
    assert (verdict.problems, verdict.withdrawn) == ([], len(given))


def test_the_first_checkpoint_of_a_day_is_stamped_by_an_authority(of: World) -> None:
    """One outside witness a day; one that fails is asked again with the next checkpoint."""
    seal_of(of).stamps = authority = FakeTimeStamps()
    authority.fail_next("token", SealKeyError("down"))
    for _ in range(4):
        acts(of)
        assert seals(of).error is None
        of.fakes.clock.advance(minutes=5)
    tokens = [name for name in seal_of(of).store.blobs if name.startswith("tokens/")]
    assert tokens == ["tokens/0000000001.tsr"]
    of.fakes.clock.advance(days=1)
    acts(of)
    seals(of)
    assert len([name for name in seal_of(of).store.blobs if name.startswith("tokens/")]) == 2


def test_another_key_makes_other_signatures() -> None:
    """The tests' keys are real ones."""
    assert FakeSealKey(1).public_key() != FakeSealKey(2).public_key()


@pytest.mark.parametrize("hours", [-24 * 400, -30, -1, 1, 25, 24 * 400])
def test_a_turn_of_an_instance_whose_clock_is_wrong_harms_no_other(of: World, hours: int, tmp_path: Path) -> None:
    """It neither dates a checkpoint into another year nor leaves the rows of a day unread, nor seals one twice."""
    seals(of)
    of.fakes.clock.advance(minutes=5)
    acts(of)
    wrong = replace(of.ports, clock=CorrectedClock(of.ports.clock, timedelta(hours=hours)))
    assert seal(wrong).error is None
    for _ in range(3):
        of.fakes.clock.advance(minutes=5)
        acts(of)
        seals(of)
    verdict = verified(copied(of, tmp_path))
    assert (verdict.problems, verdict.rows) == ([], 5)
    assert verdict.last_at == of.now.isoformat()


def test_a_key_that_is_lost_is_followed_by_another_one_and_nothing_before_it_is_lost(of: World, tmp_path: Path) -> None:
    """What was signed stays proved by the public key that was given away; the new key signs from the next number on."""
    seals(of)
    lost = pem_of(seal_of(of).key.public_key())
    seal_of(of).key.fail_next("sign", SealKeyError("purged"), times=3)
    acts(of)
    assert seals(of).error is not None
    seal_of(of).key.number = 99
    seal_of(of).key.fails_no_more("sign")
    assert seals(of).error is None
    fresh = pem_of(seal_of(of).key.public_key())
    assert verified(copied(of, tmp_path), lost, fresh).problems == []
    assert {one.kind.value for one in verified(tmp_path, fresh).problems} == {"key_unknown"}


def test_a_document_that_waits_twice_is_sealed_once(of: World, tmp_path: Path) -> None:
    """Two workers of one destruction give its certificate to the seal; a proof that names a file twice is none."""
    name = "_certificates/2026/11/a.json"
    of.ports.archive.put_once(name, b"{}", "application/json")
    for _ in range(2):
        seal_file(name, of.ports)
        of.ports.follow_ups.send(task().recording_id)
        of.follows_up()
    seals(of)
    assert [one["name"] for one in proofs_in(of)].count("a.json") == 1
    assert verified(copied(of, tmp_path)).problems == []
