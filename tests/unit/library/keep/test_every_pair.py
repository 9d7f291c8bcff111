"""Every pair of operations that decide about keeping, one at a port call of the other: one wins, and nothing is half.

What people were told is held against what is left weeks later: who was told "held" finds all of it, what was approved
is erased, what a rule or a tag retains is there, and otherwise nothing of it is left, in no store, with a log that adds
up. Each pair meets once, in one of three worlds; `RACES_POINTS=3` lets it meet at three calls in all of them, and
`RACES_POINTS=0` at every call.
"""

import os
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import pytest

from dev.in_memory.builders import RECORDING_ID
from dev.in_memory.erasure_world import nights
from dev.in_memory.fakes.custodian import FakeCustodian
from dev.in_memory.keep_world import blobs_of_recording, late_chunk, put_rule
from dev.in_memory.world import World, interrupted
from recording.domain.keep.custody import CustodyState
from recording.domain.keep.destroy import Place
from recording.library.handover.vcon import make_vcon
from recording.library.keep.erasures import approve_erasure, request_erasure
from recording.library.keep.holds import release_hold
from recording.library.rebuild import rebuild
from recording.library.seal.compare import compare
from recording.library.seal.turn import seal
from tests.unit.library.keep.test_all_races import (
    asks_and_exports,
    disposes,
    holds,
    marked,
    spoken,
    tags,
    tries,
)
from tests.unit.library.keep.test_speaker import asks, voice_left
from tests.unit.library.seal.seal_world import copied, verified

Work = Callable[[World], object]
POINTS = int(os.environ.get("RACES_POINTS", "1"))
BEGUN = (CustodyState.DESTROYING, CustodyState.ERASING_SPEAKER)
WHOLE = 3  # a recording that is there has more files than that


def held() -> tuple[World, FakeCustodian]:
    """A recording that two people have decided to erase, and that a case holds."""
    here, custodian = marked()
    holds(here)
    erases(here)
    nights(here, 1)
    return here, custodian


def releases(here: World) -> None:
    release_hold(RECORDING_ID, "L-17", "over", None, here.ports)


def retains(here: World) -> None:
    put_rule(here, "retain", 3650, f"keep {here.fakes.keeping.rules().number}", legal=True)


def erases(here: World) -> None:
    asked = request_erasure({"recordings": [RECORDING_ID], "reason": "letter"}, "alice", here.ports, here.settings)
    approve_erasure(asked.erasure_id, "bob", here.ports, here.settings)


def follows_up(here: World) -> None:
    here.ports.follow_ups.send(RECORDING_ID)
    here.follows_up()


def compares(here: World) -> None:
    assert here.ports.seal is not None
    compare(here.ports, here.ports.seal)


OPERATIONS: dict[str, Work] = {
    "hold": holds,
    "release": releases,
    "rule": retains,
    "tag": tags,
    "erasure": erases,
    "erasure of a voice": asks,
    "dispose": disposes,
    "export": asks_and_exports,
    "vCon": lambda here: make_vcon(RECORDING_ID, here.ports, here.settings, inline=True),
    "late chunk": late_chunk,
    "rebuild": lambda here: rebuild(here.ports, here.settings, from_start=True),
    "follow-up": follows_up,
    "seal": lambda here: seal(here.ports),
    "comparison": compares,
}
WORLDS = {"marked": marked, "spoken": spoken, "held": held}
DECIDE = ("hold", "release", "rule", "tag", "erasure", "erasure of a voice", "dispose")
PAIRS = [
    (first, second)
    for first in OPERATIONS
    for second in OPERATIONS
    if first != second and (first in DECIDE or second in DECIDE)
]


@dataclass(frozen=True)
class Meeting:
    """Two operations in a world: which of them were done, and whether a destruction was under way before the second."""

    here: World
    custodian: FakeCustodian
    done: frozenset[str]
    at: int

    def was_told(self, name: str) -> bool:
        """Return whether an operation was accepted."""
        return name in self.done


def meetings(where: str, first: str, second: str) -> Iterator[Meeting]:
    """Yield the second operation before some of the calls of the first, or before all of them."""
    made = WORLDS[where]
    here, _ = made()
    calls = interrupted(here, partial(tries, here, OPERATIONS[first]))
    for at in _points(calls, f"{where} {first} {second}"):
        here, custodian = made()
        taken: list[str] = []

        def act(inside: World, taken: list[str] = taken) -> None:
            taken.extend([second] if tries(inside, OPERATIONS[second]) else [])

        def work(here: World = here, taken: list[str] = taken) -> None:
            taken.extend([first] if tries(here, OPERATIONS[first]) else [])

        interrupted(here, work, (at, act))
        yield Meeting(here, custodian, frozenset(taken), at)


def _worlds_of(first: str, second: str) -> list[str]:
    if POINTS != 1:
        return list(WORLDS)
    return [list(WORLDS)[PAIRS.index((first, second)) % len(WORLDS)]]


def _points(calls: int, name: str) -> list[int]:
    """Return calls at equal distances, which begin at another one for each pair."""
    if not POINTS or calls <= POINTS:
        return list(range(1, calls + 1))
    step = calls / POINTS
    start = sum(name.encode()) % max(1, int(step))
    return sorted({int(start + step * number) % calls + 1 for number in range(POINTS)})


def weeks(here: World) -> None:
    """Let nights go by until every mark is old enough and every grace period over."""
    for days in (15, 31, 16):
        nights(here, 2)
        here.fakes.clock.advance(days=days)
    nights(here, 2)


def is_expected(one: Meeting, where: str) -> set[bool]:
    """Return whether the recording is to be there weeks later; both where the later one may have come too late."""
    told_to_hold, told_to_release = one.was_told("hold"), one.was_told("release")
    if where == "held" and told_to_hold and told_to_release:
        return {True, False}
    if not told_to_release and (told_to_hold or where == "held"):
        return {True}
    if where == "spoken" and not one.was_told("erasure"):
        return {True}
    return {True, False} if one.was_told("rule") or one.was_told("tag") else {False}


@pytest.mark.parametrize(("first", "second"), PAIRS, ids=str)
def test_two_operations_that_meet_leave_all_of_it_or_nothing(first: str, second: str, tmp_path: Path) -> None:
    """Weeks later; and no row is stuck, no bundle outlives it, no voice stays, and every leaf has its file."""
    for where in _worlds_of(first, second):
        for one in meetings(where, first, second):
            weeks(one.here)
            told = f"{where}, {first}, {second}, {one.at}"
            _is_whole_or_gone(one, where, told)
            assert [row.state for row in one.here.fakes.keeping.rows.values() if row.state in BEGUN] == [], told
            problems = verified(copied(one.here, tmp_path / f"{where}{one.at}")).problems
            assert problems == [], told
            assert one.here.ports.seal is not None
            assert compare(one.here.ports, one.here.ports.seal).differences == 0, told


def _is_whole_or_gone(one: Meeting, where: str, told: str) -> None:
    left = [each for each in one.custodian.remaining() if not each.facts.is_deleted]
    files = [each.facts.name for each in left if f"/{RECORDING_ID}/" in each.facts.name]
    count = len(blobs_of_recording(one.here))
    assert count == 0 or count > WHOLE, told
    assert (count > 0) in is_expected(one, where), told
    if not count:
        assert files == [], told
        assert voice_left(one.custodian) == 0, told
        assert [each for each in left if each.facts.place is Place.EXPORTS and b"RIFF" in each.data] == [], told
    is_to_go = where == "spoken" or (one.was_told("erasure of a voice") and where == "marked")
    keeps = ("hold", "rule", "tag", "late chunk")  # a late chunk of mixed sound makes it a refused item
    if is_to_go and count and not any(one.was_told(name) for name in keeps):
        assert voice_left(one.custodian) == 0, told


def test_the_pairs_are_all_that_decide_about_keeping() -> None:
    """An operation that is added here meets every other one."""
    assert {name for pair in PAIRS for name in pair} == set(OPERATIONS)
    assert len(PAIRS) == len(set(PAIRS))


def test_one_that_meets_nobody_is_done() -> None:
    """The expectation is about something: without a meeting, each operation is accepted in the world it is for."""
    for where, name in (("marked", "hold"), ("held", "release"), ("marked", "tag"), ("marked", "erasure")):
        here, _ = WORLDS[where]()
        assert tries(here, OPERATIONS[name]), name
