"""Dispose: marked, then destroyed after its days by the custodian, with a certificate; refusals are states."""

import itertools
import json
from datetime import timedelta
from pathlib import Path

import pytest

from dev.in_memory.builders import event, metadata, task
from dev.in_memory.canaries import PARTICIPANT, PHONE
from dev.in_memory.fakes.seal import FakeSeal
from dev.in_memory.keep_world import (
    RECORDING_ID,
    archived,
    attached,
    blobs_of_recording,
    days_pass,
    late_chunk,
    put_rule,
)
from dev.in_memory.world import world
from recording.domain.find.find_query import FindQuery
from recording.domain.keep.custody import CustodyState
from recording.domain.keep.destroy import Place, StoredVersion
from recording.errors import StorageBusyError
from recording.library.directory import find
from recording.library.follow_up import follow_up
from recording.library.keep.dispose import dispose, dispose_if_due
from recording.library.keep.explain import explain
from recording.library.keep.holds import place_hold, release_hold
from recording.library.keep.rules import set_rules
from recording.library.rebuild import rebuild
from recording.library.seal.waiting import seal_recording
from recording.operate.drift import look_for_drift
from recording.operate.scrub import scrub
from recording.operate.verify_recording import verify
from recording.ports.library.keeping import DestroyAnswer
from tests.unit.library.keep.test_erasures import approved
from tests.unit.library.seal.seal_world import copied, replace_seal, seals, verified


def test_it_is_marked_first_and_destroyed_after_its_days() -> None:
    """Two steps with time between them, and afterwards not a byte but the certificate."""
    here, custodian = archived()
    put_rule(here, "delete", 10)
    reports = days_pass(here, 10 + 13)
    assert sum(report.counts["marked"] for report in reports) == 1
    assert explain(RECORDING_ID, here.ports, here.settings).state is CustodyState.MARKED
    assert len(blobs_of_recording(here)) == 4
    days_pass(here, 2)
    assert blobs_of_recording(here) == []
    left = [one.facts.name for one in custodian.remaining()]
    row = here.fakes.keeping.custody(RECORDING_ID)
    assert row is not None
    assert left == [row.certificate]
    assert row.state is CustodyState.DISPOSED
    assert find(FindQuery.read({}), here.ports, here.settings).items == ()
    assert here.fakes.directory.rows == {}


@pytest.mark.parametrize("place", ["chunkStartTime", "recordingStartTime"])
@pytest.mark.parametrize("year", [1, 1601, 1900, 1970, 2021, 2024, 9999])
def test_a_start_that_was_never_set_ends_no_recording_early(year: int, place: str) -> None:
    """The days of a rule count from the recording; what is long before its event is what an unset date looks like."""
    here, said = world(), f"{year:04}-01-01T00:00:00Z"
    attached(here.fakes)
    is_event = place == "recordingStartTime"
    here.holds(task(), None, metadata(task(), chunkStartTime=None if is_event else said))
    here.announces(event(data={"recordingStartTime": said if is_event else None}))
    here.runs(hours=1)
    here.follows_up()
    put_rule(here, "delete", 365)
    days_pass(here, 364, each=7)
    assert len(blobs_of_recording(here)) == 4
    days_pass(here, 35, each=7)
    assert blobs_of_recording(here) == []


@pytest.mark.parametrize("skew", [timedelta(hours=25), timedelta(days=400), timedelta(days=-400)], ids=str)
def test_an_instance_with_a_wrong_clock_destroys_nothing_early_and_nothing_late(skew: timedelta) -> None:
    """What is due goes by the clock that all instances share."""
    here, _ = archived()
    put_rule(here, "delete", 10)
    here.skew = skew
    days_pass(here, 10 + 13)
    assert len(blobs_of_recording(here)) == 4
    days_pass(here, 2)
    assert blobs_of_recording(here) == []


def test_the_certificate_says_what_and_why_and_names_nobody() -> None:
    """It stays for years, beside nothing else."""
    here, _ = archived()
    place_hold(RECORDING_ID, "L-17", f"asked by {PHONE}", "alice", here.ports)
    release_hold(RECORDING_ID, "L-17", "over", "bob", here.ports)
    put_rule(here, "delete", 1, f"calls of {PHONE}")
    digest = here.record().sha256
    days_pass(here, 50)
    ((name, blob),) = here.fakes.archive.blobs.items()
    said = json.loads(blob.data)
    assert (said["why"], said["rules"], said["holdsBefore"]) == ("deleted_by_rule", 1, 1)
    assert [file["sha256"] for file in said["files"]] == [digest]
    assert not any(word in name + blob.data.decode() for word in (PHONE, PARTICIPANT, "alice", "bob", RECORDING_ID))


def test_verify_drift_scrub_and_rebuild_expect_the_absence() -> None:
    """What was destroyed by decision is no loss; what is there again is."""
    here, _ = archived()
    here.fakes.catalog.add_recording(here.fakes.catalog.recordings[RECORDING_ID])
    kept = dict(here.fakes.archive.blobs)
    put_rule(here, "delete", 1)
    days_pass(here, 20)
    proved = verify(RECORDING_ID, here.ports, here.settings)
    assert proved is not None
    assert (proved.is_proved, proved.is_destroyed, proved.disposed) == (False, True, 1)
    assert look_for_drift(here.ports, here.settings, sample_percent=100).drifts == ()
    assert scrub(here.ports, here.settings).drifts == ()
    assert rebuild(here.ports, here.settings).problems == []
    assert not follow_up(RECORDING_ID, here.ports)
    here.fakes.archive.blobs.update(kept)  # somebody has undeleted it
    kinds = {drift.kind for drift in look_for_drift(here.ports, here.settings).drifts}
    assert "destroyed_but_present" in kinds


@pytest.mark.parametrize("when", ["before it is due", "while it is marked"])
def test_a_hold_keeps_it_and_the_grace_period_follows(when: str) -> None:
    """Marked or not, nothing goes; after the release it is marked anew."""
    here, _ = archived()
    put_rule(here, "delete", 5)
    days_pass(here, 3 if when == "before it is due" else 10)
    place_hold(RECORDING_ID, "L-17", "lawsuit", None, here.ports)
    days_pass(here, 100)
    assert len(blobs_of_recording(here)) == 4
    release_hold(RECORDING_ID, "L-17", "over", None, here.ports)
    days_pass(here, 30 + 14 - 1)
    assert len(blobs_of_recording(here)) == 4
    days_pass(here, 3)
    assert blobs_of_recording(here) == []


def test_a_rule_that_changes_while_it_is_marked_takes_the_mark_away() -> None:
    """The decision is made anew each day, and once more right before."""
    here, _ = archived()
    put_rule(here, "delete", 5)
    days_pass(here, 10)
    put_rule(here, "retain", 365, "tax")
    assert days_pass(here, 1)[0].counts["spared"] == 1
    days_pass(here, 300)
    assert len(blobs_of_recording(here)) == 4
    days_pass(here, 90)
    assert blobs_of_recording(here) == []


def test_the_blobs_own_hold_is_set_kept_in_step_and_cleared() -> None:
    """Set with the hold, on later chunks by the daily run, and cleared after the last release."""
    here, custodian = archived()
    place_hold(RECORDING_ID, "L-17", "lawsuit", None, here.ports)
    assert all(version.is_held for version in custodian.versions(Place.ARCHIVE, ""))
    late_chunk(here)
    assert not all(version.is_held for version in custodian.versions(Place.ARCHIVE, ""))
    days_pass(here, 1)
    assert all(version.is_held for version in custodian.versions(Place.ARCHIVE, ""))
    place_hold(RECORDING_ID, "L-18", "audit", None, here.ports)
    release_hold(RECORDING_ID, "L-17", "over", None, here.ports)
    days_pass(here, 1)
    assert all(version.is_held for version in custodian.versions(Place.ARCHIVE, ""))
    custodian.fail_next("versions", StorageBusyError("busy"))
    release_hold(RECORDING_ID, "L-18", "over", None, here.ports)
    days_pass(here, 1)
    assert not any(version.is_held for version in custodian.versions(Place.ARCHIVE, ""))


def test_a_policy_refuses_as_a_state_with_its_day() -> None:
    """Nothing is destroyed in part: the guard asks storage before the first byte."""
    here, custodian = archived(immutable=timedelta(days=40))
    put_rule(here, "delete", 1)
    reports = days_pass(here, 30)
    assert sum(report.counts["refused_by_storage"] for report in reports) > 0
    assert not any(report.problems for report in reports)
    row = here.fakes.keeping.custody(RECORDING_ID)
    assert row is not None
    assert row.refused is not None
    assert (row.state, row.refused.reason) == (CustodyState.MARKED, "immutable")
    ends = [version.immutable_until for version in custodian.versions(Place.ARCHIVE, "2026") if version.immutable_until]
    assert row.refused.until == max(ends)
    assert len(blobs_of_recording(here)) == 4
    days_pass(here, 15)
    assert blobs_of_recording(here) == []


def test_somebody_elses_hold_on_a_blob_refuses_too() -> None:
    """An administrator has set it in the portal: it is theirs to clear."""
    here, custodian = archived()
    put_rule(here, "delete", 1)
    version = next(iter(custodian.versions(Place.ARCHIVE, "")))
    custodian.set_legal_hold(version, is_held=True)
    days_pass(here, 20)
    row = here.fakes.keeping.custody(RECORDING_ID)
    assert row is not None
    assert row.refused is not None
    assert (row.refused.reason, row.refused.blobs) == ("legal_hold", 1)
    custodian.set_legal_hold(version, is_held=False)
    days_pass(here, 1)
    assert blobs_of_recording(here) == []


def test_versions_and_softly_deleted_copies_are_included_and_the_day_is_told() -> None:
    """The end is said with the day on which the last byte is gone."""
    here, custodian = archived(soft_delete=timedelta(days=14))
    late_chunk(here)  # the manifest has two versions now
    put_rule(here, "delete", 1)
    days_pass(here, 20)
    row = here.fakes.keeping.custody(RECORDING_ID)
    assert row is not None
    assert row.gone_at is not None
    assert row.gone_at > here.now
    assert len(custodian.remaining()) > 1
    here.fakes.clock.advance(seconds=(row.gone_at - here.now).total_seconds())
    assert [one.facts.name for one in custodian.remaining()] == [row.certificate]


def test_a_chunk_that_comes_after_the_end_is_destroyed_in_its_turn() -> None:
    """The line archives it, as it must; the next runs mark and destroy it, with a certificate of its own."""
    here, custodian = archived()
    put_rule(here, "delete", 1)
    days_pass(here, 20)
    late_chunk(here)
    assert len(blobs_of_recording(here)) == 4
    days_pass(here, 20)
    assert blobs_of_recording(here) == []
    row = here.fakes.keeping.custody(RECORDING_ID)
    assert row is not None
    assert sorted(one.facts.name for one in custodian.remaining()) == sorted(row.certificates)
    assert len(row.certificates) == 2


def test_without_a_custodian_it_is_marked_and_nothing_is_destroyed() -> None:
    """The app's own identity cannot delete, and never tries."""
    here, _ = archived()
    object.__setattr__(here.fakes, "custodian", None)
    put_rule(here, "delete", 1)
    reports = days_pass(here, 30)
    assert sum(report.counts["no_custodian"] for report in reports) > 0
    assert len(blobs_of_recording(here)) == 4


def test_an_audit_trail_that_fails_destroys_nothing() -> None:
    """Each act leaves evidence, or is not done."""
    here, _ = archived()
    put_rule(here, "delete", 1)
    days_pass(here, 2)
    here.fakes.audit.fail_next("add", StorageBusyError("busy"), 100)
    assert days_pass(here, 20)[-1].problems
    assert len(blobs_of_recording(here)) == 4


def test_one_recording_that_fails_hides_no_other_and_is_told() -> None:
    """The run goes on, and the next one takes it up again."""
    here, custodian = archived()
    put_rule(here, "delete", 1)
    days_pass(here, 14)
    custodian.fail_next("destroy", StorageBusyError("busy"))
    assert days_pass(here, 2)[0].problems == [(RECORDING_ID, "storage_busy")]
    days_pass(here, 1)
    assert blobs_of_recording(here) == []


def test_it_runs_at_night_and_goes_on_until_everything_was_seen() -> None:
    """A walk that ran out of time goes on in the next hour, and not from the start."""
    here, _ = archived()
    put_rule(here, "delete", 1)
    assert here.now.hour == 9
    assert dispose_if_due(here.ports, here.settings) is None
    here.fakes.clock.advance(hours=16)
    assert dispose_if_due(here.ports, here.settings) is not None
    seconds = iter(range(0, 10**9, 10**6))
    assert dispose(here.ports, here.settings, lambda: float(next(seconds))).complete


def test_what_was_destroyed_is_no_missing_file_of_the_seal(tmp_path: Path) -> None:
    """The log still adds up, a sealed statement says why files are not there, and the certificate is sealed too."""
    here, _ = archived()
    replace_seal(here.fakes, FakeSeal())
    seal_recording(RECORDING_ID, here.ports)
    seals(here)
    put_rule(here, "delete", 1)
    days_pass(here, 50)
    assert blobs_of_recording(here) == []
    seals(here)
    verdict = verified(copied(here, tmp_path))
    assert verdict.problems == []
    assert verdict.withdrawn > 0


@pytest.mark.parametrize("soft_delete", [None, timedelta(days=7)])
@pytest.mark.parametrize("how", ["at once", "after a death", "when storage allows the last one"])
def test_the_certificate_counts_what_earlier_runs_destroyed(how: str, soft_delete: timedelta | None) -> None:
    """It stays for good: one version of four would say that the others were never there."""
    here, custodian = archived(**({"soft_delete": soft_delete} if soft_delete else {}))
    put_rule(here, "delete", 1)
    stored, real, calls = len(blobs_of_recording(here)), custodian.destroy, itertools.count()

    def destroy(version: StoredVersion) -> DestroyAnswer:
        number = next(calls)
        if how == "after a death" and number == 2:
            raise StorageBusyError("the worker is gone")
        if how == "when storage allows the last one" and number < 2 * stored and version.name.endswith(".wav"):
            return DestroyAnswer.REFUSED
        return real(version)

    object.__setattr__(custodian, "destroy", destroy)
    days_pass(here, 60)
    (certificate,) = [one for name, one in here.fakes.archive.blobs.items() if name.startswith("_certificates/")]
    assert (blobs_of_recording(here), json.loads(certificate.data)["blobs"]) == ([], stored)


@pytest.mark.parametrize("since", ["an erasure is approved", "other rules are set"])
def test_the_certificate_says_what_decided_at_the_end(since: str) -> None:
    """And not what had marked it before: destroyed by a rule, and days before that rule allows it."""
    here, _ = archived()
    put_rule(here, "delete", 1)
    days_pass(here, 3)
    row = here.fakes.keeping.custody(RECORDING_ID)
    assert row is not None
    assert row.state is CustodyState.MARKED
    if since == "an erasure is approved":
        asked = [approved(here)]
    else:
        asked, rule = [], {"name": "others", "action": "delete", "days": 2}
        set_rules({"note": "new policy", "rules": [rule]}, "*", "bob", here.ports)
    days_pass(here, 1 if asked else 20)
    (stored,) = [one for name, one in here.fakes.archive.blobs.items() if name.startswith("_certificates/")]
    told = json.loads(stored.data)
    why, number = ("erasure_requested", 1) if asked else ("deleted_by_rule", 2)
    assert (told["why"].partition(":")[0], told["rules"], told["erasures"]) == (why, number, asked)
    assert (told["decidedAt"] == told["destroyedAt"]) == bool(asked)
    notes = [row.note or "" for row in here.fakes.audit.written if row.outcome in ("destroying", "disposed")]
    assert notes == [f"{why}: {asked[0] if asked else 'others'}"] * 2
