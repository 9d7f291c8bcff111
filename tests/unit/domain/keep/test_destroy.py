"""The one check before anything in the archive is destroyed: each obstacle alone is enough (I11)."""

import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from dev.in_memory.builders import record, task
from recording.domain.archived.layout import DEFAULT_TEMPLATE
from recording.domain.keep.custody import Claim, Custody, CustodyState, Mark
from recording.domain.keep.destroy import (
    Look,
    Obstacle,
    Place,
    StoredVersion,
    certificate_name,
    certificate_of,
    is_of_later_chunk,
    may_destroy,
    may_destroy_again,
    may_destroy_beside,
    obstacles,
    refusal_of,
)
from recording.domain.keep.disposition import Action, Disposition
from recording.domain.keep.holds import Hold
from recording.domain.model import with_changes
from recording.domain.state.chunk import ChunkRecord, ChunkState, SourceOutcome

NOW = datetime(2026, 11, 23, 9, 0, tzinfo=UTC)
DELAY = timedelta(days=7)
HOLD = Hold(case="case", reason="why", by="ada", since=NOW)
MARK = Mark(at=NOW - DELAY, why="rule delete-after, +4930123456", rules=3, requests=("erasure-1",))
ROW = Custody(recording_id="r", state=CustodyState.MARKED, mark=MARK)
DONE = record(ChunkState.SOURCE_DELETED, blob_name="a/0.wav", sha256="ab", length_bytes=7, cataloged_at=NOW)
VERSION = StoredVersion(Place.ARCHIVE, "a/0.wav")
LOOK = Look(Disposition(Action.DELETE, NOW), (DONE,), (VERSION,))


def row(**changes: Any) -> Custody:
    return with_changes(ROW, changes)


def stored(**changes: Any) -> Look:
    return replace(LOOK, versions=(VERSION, replace(VERSION, name="a/0.receipt.json", **changes)))


def test_what_is_due_marked_at_rest_and_free_may_be_destroyed() -> None:
    """Otherwise the tests below would prove nothing."""
    assert obstacles(ROW, LOOK, NOW, DELAY) == ()
    assert may_destroy(ROW, LOOK, NOW, DELAY)


ALONE: list[tuple[Obstacle, Custody, Look]] = [
    (Obstacle.NOT_DUE, ROW, replace(LOOK, found=Disposition(Action.KEEP, None))),
    (Obstacle.NOT_DUE, row(holds=(HOLD,)), LOOK),
    (Obstacle.NOT_MARKED, row(mark=None), LOOK),
    (Obstacle.NOT_MARKED, row(state=CustodyState.KEPT), LOOK),
    (Obstacle.NOT_MARKED, row(state=CustodyState.DISPOSED), LOOK),
    (Obstacle.MARKED_LATELY, row(mark=with_changes(MARK, {"at": NOW - DELAY + timedelta(seconds=1)})), LOOK),
    *(
        (Obstacle.IN_WORK, ROW, replace(LOOK, chunks=(DONE, record(state, source=source))))
        for state, source in [
            (ChunkState.PENDING, None),
            (ChunkState.COPIED, None),
            (ChunkState.CATALOGED, None),
        ]
    ),
    (Obstacle.IN_WORK, row(deriving_until=NOW + timedelta(seconds=1)), LOOK),
    (Obstacle.IMMUTABLE, ROW, stored(immutable_until=NOW + timedelta(seconds=1))),
    (Obstacle.LEGAL_HOLD, ROW, stored(is_held=True)),
]


@pytest.mark.parametrize(("obstacle", "custody", "look"), ALONE)
def test_each_obstacle_alone_forbids_it(obstacle: Obstacle, custody: Custody, look: Look) -> None:
    """A check that another one makes good would be missed once that one is gone."""
    assert obstacles(custody, look, NOW, DELAY) == (obstacle,)
    assert not may_destroy(custody, look, NOW, DELAY)


def test_every_obstacle_is_tried_alone() -> None:
    """A new one gets its case above."""
    assert {obstacle for obstacle, _, _ in ALONE} == set(Obstacle)


@pytest.mark.parametrize("source", [SourceOutcome.LEFT_TO_EXPIRE, SourceOutcome.NOT_OURS])
def test_a_chunk_whose_source_is_settled_is_at_rest(source: SourceOutcome) -> None:
    """The line never touches it again."""
    look = replace(LOOK, chunks=(record(ChunkState.CATALOGED, source=source),))
    assert may_destroy(ROW, look, NOW, DELAY)


def test_a_released_hold_a_past_end_and_a_deleted_version_forbid_nothing() -> None:
    """What storage removes by itself, or protects no more, is not in the way."""
    released = row(holds=(with_changes(HOLD, {"released_at": NOW}),), deriving_until=NOW)
    gone = {"gone_at": NOW + timedelta(days=1)}
    for look in (
        stored(immutable_until=NOW),
        stored(immutable_until=NOW + DELAY, **gone),
        stored(is_held=True, **gone),
    ):
        assert obstacles(released, look, NOW, DELAY) == ()


def test_a_request_that_two_people_approved_does_not_wait_for_the_grace_of_rules() -> None:
    """A request has its own time in law; the days of grace are for rules, which anyone may have mistyped."""
    look = replace(LOOK, found=Disposition(Action.ERASE, NOW))
    assert obstacles(row(mark=with_changes(MARK, {"at": NOW})), look, NOW, DELAY) == ()


def test_only_what_was_erased_by_request_is_destroyed_again_when_it_reappears() -> None:
    """A restore may bring files back; those that a rule destroyed are reported, and a person decides."""
    gone = (with_changes(DONE, {"disposed_at": NOW}),)
    erased = row(state=CustodyState.DISPOSED, claims=(Claim(request_id="e", approved_at=NOW),))
    assert may_destroy_again(erased, gone)
    assert not may_destroy_again(row(state=CustodyState.DISPOSED), gone)
    assert not may_destroy_again(with_changes(erased, {"state": CustodyState.MARKED}), gone)
    assert not may_destroy_again(with_changes(erased, {"holds": (HOLD,)}), gone)
    assert not may_destroy_again(erased, (*gone, DONE))


def test_storage_refuses_until_its_last_end_and_a_legal_hold_has_none() -> None:
    """The next try is planned by it."""
    first, last = NOW + timedelta(days=1), NOW + timedelta(days=2)
    kept = [replace(VERSION, immutable_until=first), replace(VERSION, immutable_until=last), VERSION]
    refused = refusal_of(kept, NOW)
    assert refused is not None
    assert (refused.reason, refused.until, refused.blobs) == (Obstacle.IMMUTABLE, last, 2)
    held = refusal_of([*kept, replace(VERSION, is_held=True)], NOW)
    assert held is not None
    assert (held.reason, held.until, held.blobs) == (Obstacle.LEGAL_HOLD, None, 1)
    assert refusal_of([replace(VERSION, immutable_until=last, gone_at=last), VERSION], NOW) is None


def test_files_of_a_chunk_that_arrived_after_the_decision_are_spared() -> None:
    """Nobody has decided about it."""
    late = record(task=task(1, "late", folder="f"), blob_name="elsewhere/0001-late.v2.wav")
    for name in ("f/0001-late.wav", "f/0001-late.receipt.json", "elsewhere/0001-late.v2.after.json"):
        assert is_of_later_chunk(name, (late,), DEFAULT_TEMPLATE)
        assert not is_of_later_chunk(name, (), DEFAULT_TEMPLATE)
    for name in ("f/0001-later.wav", "f/manifest.json", DONE.blob_name or ""):
        assert not is_of_later_chunk(name, (late,), DEFAULT_TEMPLATE)


def test_a_certificate_names_no_person_and_no_recording() -> None:
    """It outlives the recording, so it must not say whose it was."""
    begun = row(destroying_since=NOW, holds=(with_changes(HOLD, {"released_at": NOW}),))
    text = certificate_of(begun, (DONE,), 4, NOW + timedelta(days=14), "app")
    content = json.loads(text)
    assert (content["blobs"], content["rules"], content["erasures"]) == (4, 3, ["erasure-1"])
    assert content["files"][0]["sha256"] == "ab"
    assert (content["destroyedAt"], content["goneAt"]) == ("2026-11-23T09:00:00Z", "2026-12-07T09:00:00Z")
    assert content["holdsBefore"] == 1
    for secret in (b"4930123456", b"ada", DONE.task.recording_id.encode(), DONE.task.document_id.encode()):
        assert secret not in text


def test_the_same_destruction_has_one_certificate() -> None:
    """A worker that dies writes it again over the first; another destruction does not."""
    assert certificate_name("r", NOW) == certificate_name("r", NOW)
    assert certificate_name("r", NOW) != certificate_name("r", NOW + timedelta(seconds=1))
    assert certificate_name("r", NOW) != certificate_name("s", NOW)


ENDED = with_changes(ROW, {"state": CustodyState.DISPOSED, "mark": None})
GONE = with_changes(DONE, {"disposed_at": NOW - DELAY})


def test_what_is_kept_beside_the_destroyed_waits_its_days_and_nothing_where_two_people_asked() -> None:
    """An operator has as long as with any late file."""
    asked = with_changes(ENDED, {"claims": (Claim(request_id="e", approved_at=NOW),)})
    assert may_destroy_beside(ENDED, (GONE,), NOW - DELAY, NOW, DELAY)
    assert not may_destroy_beside(ENDED, (GONE,), NOW - DELAY + timedelta(seconds=1), NOW, DELAY)
    assert may_destroy_beside(asked, (GONE,), NOW, NOW, DELAY)


@pytest.mark.parametrize(
    ("custody", "chunks"),
    [
        *((with_changes(ENDED, {"state": state}), (GONE,)) for state in CustodyState if state is not ENDED.state),
        (with_changes(ENDED, {"holds": (HOLD,)}), (GONE,)),
        (ENDED, (GONE, DONE)),
    ],
)
def test_what_is_kept_beside_a_recording_that_stays_or_is_held_is_not_destroyed(
    custody: Custody, chunks: tuple[ChunkRecord, ...]
) -> None:
    """Each of these alone is enough."""
    assert not may_destroy_beside(custody, chunks, NOW - DELAY, NOW, DELAY)
