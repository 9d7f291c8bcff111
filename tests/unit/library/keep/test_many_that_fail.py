"""The nightly run: whatever always fails in it, recordings and requests behind that are reached the same night."""

import pytest

from dev.in_memory.builders import CALL_ID, chunk, document_id, event, task
from dev.in_memory.fakes.custodian import FakeCustodian
from dev.in_memory.keep_world import attached, days_pass, put_rule
from dev.in_memory.world import World, world
from recording.domain.keep.custody import CustodyState
from recording.domain.keep.destroy import Place, StoredVersion
from recording.domain.keep.erasure import Erasure
from recording.errors import StorageError
from recording.library.keep.dispose import dispose
from recording.library.keep.erasures import approve_erasure, request_erasure


def filled(bad: int, good: int = 2) -> tuple[World, FakeCustodian]:
    """Return a world with archived recordings, the bad ones before the good ones."""
    here = world()
    custodian = attached(here.fakes)
    names = [f"bad-{number:03}" for number in range(bad)] + [f"good-{number}" for number in range(good)]
    for number, name in enumerate(names):
        here.holds(task(0, document_id(number), recording_id=name))
        subject = f"/recording/call/{CALL_ID}/recordingId/{name}"
        here.announces(event(chunk(0, document_id(number)), subject=subject, id=name))
    here.runs_due()
    here.follows_up()
    return here, custodian


def disposed(here: World) -> set[str]:
    rows = here.fakes.keeping.rows.values()
    return {row.recording_id for row in rows if row.state is CustodyState.DISPOSED}


@pytest.mark.parametrize("bad", [1, 101, 250])
def test_recordings_that_cannot_be_destroyed_keep_no_other(bad: int) -> None:
    """A hundred of them ended each night's run at the same place."""
    here, custodian = filled(bad)
    plain = custodian.versions

    def refused(place: Place, prefix: str) -> list[StoredVersion]:
        if "bad-" in prefix:
            raise StorageError("storage refuses this prefix")
        return list(plain(place, prefix))

    object.__setattr__(custodian, "versions", refused)
    put_rule(here, "delete", 10)
    reports = days_pass(here, 30, each=10)
    assert disposed(here) == {"good-0", "good-1"}
    assert len(reports[-1].problems) == bad


@pytest.mark.parametrize("error", [StorageError("413"), ValueError("odd"), OverflowError("odd")])
@pytest.mark.parametrize("bad", [1, 30])
def test_requests_for_erasure_that_always_fail_keep_neither_requests_nor_recordings(bad: int, error: Exception) -> None:
    """One of them ended the run before it looked at a single recording, and three kept all other requests waiting."""
    here, _ = filled(bad)
    put_rule(here, "delete", 10_000)
    for name in [f"bad-{number:03}" for number in range(bad)] + ["good-0"]:
        asked = request_erasure({"recordings": [name], "reason": "letter"}, "alice", here.ports, here.settings)
        approve_erasure(asked.erasure_id, "bob", here.ports, here.settings)
    requests = here.fakes.keeping.requests
    here.fakes.keeping.requests = dict(sorted(requests.items(), key=lambda one: one[1].recordings))
    plain = here.fakes.keeping.list_covered

    def refused(erasure: Erasure) -> None:
        if erasure.recordings[0].startswith("bad"):
            raise error
        plain(erasure)

    object.__setattr__(here.fakes.keeping, "list_covered", refused)
    reports = days_pass(here, 2)
    assert "good-0" in disposed(here)
    assert ("erasures" in {name for name, _ in reports[-1].problems}, reports[-1].seen) == (True, bad + 2)
    done = {one.recordings[0] for one in here.fakes.keeping.requests.values() if one.done_at is not None}
    assert "good-0" in done


def test_storage_that_does_not_answer_ends_the_run() -> None:
    """Each further recording would cost its time-outs; the next run continues."""
    here, custodian = filled(150)
    put_rule(here, "delete", 10)
    days_pass(here, 20, each=10)
    here.fakes.clock.advance(days=10)
    custodian.fail_next("versions", StorageError("down"), times=100_000)
    here.fakes.catalog.fail_next("time", StorageError("down"), times=100_000)
    before = custodian.calls.count("versions")
    with pytest.raises(StorageError):
        dispose(here.ports, here.settings)
    assert custodian.calls.count("versions") - before == 100


def test_a_run_ends_in_time_within_a_page_and_the_next_one_begins_there() -> None:
    """Seven minutes for each recording: the host ended the function within the page, and the next run began it anew."""
    here, custodian = filled(8)
    plain, seconds = custodian.versions, [0.0]

    def slow(place: Place, prefix: str) -> list[StoredVersion]:
        if "bad-" in prefix:
            seconds[0] += 7 * 60
            raise StorageError("no answer")
        return list(plain(place, prefix))

    put_rule(here, "delete", 10)
    days_pass(here, 10, each=10)
    dispose(here.ports, here.settings)
    here.fakes.clock.advance(days=15)
    object.__setattr__(custodian, "versions", slow)
    took, seen = [], []
    for _ in range(4):
        began = seconds[0]
        report = dispose(here.ports, here.settings, clock=lambda: seconds[0])
        took.append((seconds[0] - began) / 60)
        seen.append((report.seen, report.complete))
    assert took == [21, 21, 14, 21]
    assert seen == [(3, False), (3, False), (4, True), (3, False)]
    assert disposed(here) == {"good-0", "good-1"}
