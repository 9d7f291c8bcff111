"""The nightly run: whatever always fails in it, recordings and requests behind that are reached the same night."""

from typing import Any

import pytest

from dev.in_memory.builders import CALL_ID, chunk, document_id, event, task
from dev.in_memory.fakes.custodian import FakeCustodian
from dev.in_memory.keep_world import attached, days_pass, put_rule
from dev.in_memory.world import World, world
from recording.domain.keep.custody import CustodyState
from recording.domain.keep.destroy import Place, StoredVersion
from recording.domain.keep.erasure import Erasure
from recording.errors import StorageError
from recording.library.keep import erasures
from recording.library.keep.dispose import dispose, dispose_if_due
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


class Killed(BaseException):
    """The host ended the function."""


class Slow:
    """A sweep for a request takes minutes, and the host ends a run after half an hour."""

    def __init__(self, here: World, custodian: FakeCustodian, minutes: dict[str, float]) -> None:
        self.here, self.seconds, self.killed = here, 0.0, 0
        self._minutes, self._plain, self._began = minutes, custodian.versions, 0.0
        self._save = here.fakes.catalog.save_cursor
        self._request = ""
        object.__setattr__(custodian, "versions", self._versions)
        object.__setattr__(here.fakes.catalog, "save_cursor", self._noted)

    def _noted(self, loop: str, position: str) -> None:
        self._request = position if loop == erasures.CURSOR else self._request
        self._save(loop, position)

    def _versions(self, place: Place, prefix: str) -> list[StoredVersion]:
        if place is Place.QUARANTINE and prefix == "":  # as each sweep lists it
            self.seconds += 60 * self._minutes.get(self._request, 0)
            if self.seconds - self._began > 30 * 60:
                raise Killed
        return list(self._plain(place, prefix))

    def hours_pass(self, hours: int) -> None:
        """Let the timer go off each hour."""
        for _ in range(hours):
            self.here.fakes.clock.advance(hours=1)
            self._began = self.seconds
            try:
                dispose_if_due(self.here.ports, self.here.settings, clock=lambda: self.seconds)
            except Killed:
                self.killed += 1


def requested(here: World, count: int) -> list[str]:
    """Have requests approved, each about one of the bad recordings, and let them be done; each is watched then."""
    ids = []
    for number in range(count):
        body = {"recordings": [f"bad-{number:03}"], "reason": "letter"}
        ids.append(request_erasure(body, "alice", here.ports, here.settings).erasure_id)
        approve_erasure(ids[-1], "bob", here.ports, here.settings)
    days_pass(here, 2)
    here.fakes.catalog.save_cursor("dispose", "")
    return ids


def longest_unswept(here: World) -> float:
    """Return the days since the request was swept that waits the longest."""
    times = [one.swept_at for one in here.fakes.keeping.requests.values()]
    return max((here.now - at).total_seconds() / 86_400 if at else 999 for at in times)


@pytest.mark.parametrize(("count", "minutes"), [(15, 3), (12, 9), (40, 1)])
def test_many_requests_leave_the_recordings_their_time_and_each_is_swept_within_a_day(count: int, minutes: int) -> None:
    """Fifteen of three minutes each ended every run before its first recording, and the last were never swept."""
    here, custodian = filled(count)
    slow = Slow(here, custodian, dict.fromkeys(requested(here, count), minutes))
    put_rule(here, "delete", 1)
    slow.hours_pass(24 * 18)
    assert slow.killed == 0
    assert {"good-0", "good-1"} <= disposed(here)
    slow.hours_pass(24 * 3)
    assert longest_unswept(here) < 2


@pytest.mark.parametrize("count", [1, 5])
def test_a_request_that_no_run_can_finish_keeps_neither_recordings_nor_other_requests(count: int) -> None:
    """The run that follows one which the host has ended takes the recordings first, and that request last."""
    here, custodian = filled(count)
    ids = requested(here, count)
    slow = Slow(here, custodian, {one: 40 if one == ids[0] else 1 for one in ids})
    put_rule(here, "delete", 1)
    slow.hours_pass(24 * 18)
    assert slow.killed > 0
    assert {"good-0", "good-1"} <= disposed(here)
    slow.hours_pass(24 * 3)
    here.fakes.keeping.requests.pop(ids[0])
    assert longest_unswept(here) < 2 if count > 1 else True


def test_a_run_that_was_ended_is_continued_in_the_next_hour() -> None:
    """The host ends functions when it deploys, too; the rest of the walk waited for the next night."""
    here, custodian = filled(1)
    put_rule(here, "delete", 1)
    here.fakes.clock.advance(hours=1 + (24 - here.now.hour))
    object.__setattr__(here.fakes.catalog, "recordings_page", lambda *_: (_ for _ in ()).throw(Killed))
    with pytest.raises(Killed):
        dispose_if_due(here.ports, here.settings)
    object.__delattr__(here.fakes.catalog, "recordings_page")
    here.fakes.clock.advance(hours=1)
    report = dispose_if_due(here.ports, here.settings)
    assert report is not None
    assert (report.seen, report.complete) == (3, True)
    here.fakes.clock.advance(hours=1)
    assert dispose_if_due(here.ports, here.settings) is None
    assert custodian.remaining()


def test_a_request_that_is_approved_during_a_run_is_carried_out_in_the_next_hour() -> None:
    """The end of the run removed the note that the approval had left for the next one."""
    here, _ = filled(1)
    here.fakes.clock.advance(hours=1 + (24 - here.now.hour))
    asked = request_erasure({"recordings": ["bad-000"], "reason": "letter"}, "alice", here.ports, here.settings)
    plain = here.fakes.catalog.recordings_page

    def page(*args: Any) -> Any:
        found = plain(*args)
        approve_erasure(asked.erasure_id, "bob", here.ports, here.settings)
        object.__delattr__(here.fakes.catalog, "recordings_page")
        return found

    object.__setattr__(here.fakes.catalog, "recordings_page", page)
    assert dispose_if_due(here.ports, here.settings) is not None
    here.fakes.clock.advance(hours=1)
    assert dispose_if_due(here.ports, here.settings) is not None
    assert "bad-000" in disposed(here)


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
