"""Nothing of an erased person is left in any store, in any spelling; and what forgets a store is caught."""

from collections.abc import Callable
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import NoReturn

import pytest

from dev.in_memory.builders import RECORDING_ID
from dev.in_memory.erasure_world import CANARIES, NAME, OTHER, erase, everything, full_world, nights
from dev.in_memory.fakes.custodian import FakeCustodian, KeptVersion
from dev.in_memory.world import World
from dev.prove.traces import found_in, spellings, told_by, traces
from recording.domain import names
from recording.domain.keep.destroy import Place
from recording.domain.keep.erasure import ErasureState
from recording.domain.keep.stores import STORES, Sweep
from recording.errors import StorageBusyError
from recording.library.keep import sweep as sweeping
from recording.library.keep.erasures import erasure_status
from recording.library.keep.holds import place_hold, release_hold
from recording.library.keep.rules import set_rules
from recording.settings.aside import OF_ANALYSTS, SetAside
from tests.unit.library.seal.seal_world import copied, seals, verified

pytestmark = pytest.mark.slow


def left(here: World, custodian: FakeCustodian) -> list[str]:
    return told_by(traces(everything(here, custodian), CANARIES))


def test_every_store_that_may_hold_a_person_did_hold_one_and_holds_none_after() -> None:
    """By a scan of all bytes, versions and softly deleted ones too."""
    here, custodian = full_world(soft_delete=timedelta(days=7))
    told = traces(everything(here, custodian), CANARIES)
    may = {store.name for store in STORES if store.sweep not in (Sweep.NOTHING, Sweep.PASSES, Sweep.REMOVE)}
    assert may - {names.CHUNKS_POISON_QUEUE} <= set(told)  # the fake has one list for both poison queues
    erasure_id = erase(here)
    nights(here, 3)
    here.fakes.clock.advance(days=7)
    assert left(here, custodian) == []
    erasure = erasure_status(erasure_id, here.ports, here.settings).erasure
    assert (erasure.state, erasure.kept) == (ErasureState.DONE, ())
    assert erasure.swept > 20


def test_the_other_persons_recording_stays_and_the_log_adds_up(tmp_path: Path) -> None:
    """What is withdrawn is explained by a sealed statement; nothing else changes."""
    here, _ = full_world()
    before = {
        name: blob.data for name, blob in here.fakes.archive.blobs.items() if OTHER in name and name.endswith("wav")
    }
    erase(here)
    nights(here, 2)
    seals(here)
    after = {
        name: blob.data for name, blob in here.fakes.archive.blobs.items() if OTHER in name and name.endswith("wav")
    }
    assert before == after != {}
    callers = {entry.caller for entry in here.fakes.audit.written if entry.operation == "listen"}
    assert len(callers) == 1
    assert all(caller is not None and caller.startswith("erased-") for caller in callers)
    verdict = verified(copied(here, tmp_path))
    assert [str(one) for one in verdict.problems] == []
    assert verdict.withdrawn > 0


def test_erasing_twice_is_harmless() -> None:
    """The same request again, and the same run again."""
    here, custodian = full_world()
    erase(here)
    nights(here, 2)
    erase(here)
    nights(here, 2)
    assert left(here, custodian) == []
    assert here.fakes.archive.blobs
    assert all(one.state is ErasureState.DONE for one in here.fakes.keeping.requests.values() if one.approved_at)


def test_traces_of_a_held_recording_stay_until_the_release() -> None:
    """Quarantine, bundles and all else about it: the hold keeps them too, and the request says so."""
    here, custodian = full_world()
    place_hold(RECORDING_ID, "L-17", "lawsuit", None, here.ports)
    entry = f'{{"recordingId": "{RECORDING_ID}", "who": "{CANARIES[0]}"}}'
    name = here.fakes.quarantine.put(
        type(next(iter(here.fakes.quarantine.kept.values())))("held", "d", entry, "q", here.now)
    )
    erasure_id = erase(here)
    nights(here, 3)
    assert name in here.fakes.quarantine.kept
    assert here.fakes.bundles.blobs
    erasure = erasure_status(erasure_id, here.ports, here.settings).erasure
    assert erasure.state is ErasureState.APPROVED
    assert Place.QUARANTINE in {one.place for one in erasure.kept}
    release_hold(RECORDING_ID, "L-17", "over", None, here.ports)
    nights(here, 33)
    assert left(here, custodian) == []
    assert erasure_status(erasure_id, here.ports, here.settings).erasure.state is ErasureState.DONE


def test_a_rule_in_force_that_is_about_the_person_keeps_the_request_open_until_it_is_replaced() -> None:
    """A filter that was reworded would be about other recordings: it is named, and whoever makes the rules decides."""
    here, custodian = full_world()
    rule = {"name": "one", "action": "retain", "days": 0, "legal": False, "when": {"tags": {"line": NAME}}}
    set_rules({"note": f"{NAME} asked", "rules": [rule]}, "*", "alice", here.ports)
    erasure_id = erase(here)
    nights(here, 2)
    erasure = erasure_status(erasure_id, here.ports, here.settings).erasure
    assert [(one.place, one.reason) for one in erasure.kept] == [(names.CUSTODY_TABLE, sweeping.IN_FORCE)]
    assert erasure.state is ErasureState.APPROVED
    rules = here.fakes.keeping.rules()
    assert (rules.note, rules.rules[0].when.tags) == ("[erased] asked", {"line": NAME})
    set_rules({"note": "another", "rules": []}, "*", "alice", here.ports)
    nights(here, 2)
    assert left(here, custodian) == []
    assert erasure_status(erasure_id, here.ports, here.settings).erasure.state is ErasureState.DONE


def test_what_storage_protects_is_told_with_its_day_and_goes_then() -> None:
    """A refusal is a state, and no end."""
    here, custodian = full_world()
    until = here.now + timedelta(days=5)
    for key, listed in custodian.kept.items():
        if key[0] in (Place.SEAL, Place.QUARANTINE):
            custodian.kept[key] = [_protected(one, until) for one in listed]
    erasure_id = erase(here)
    nights(here, 2)
    erasure = erasure_status(erasure_id, here.ports, here.settings).erasure
    assert {(one.place, one.reason, one.until) for one in erasure.kept} == {
        ("quarantine", "immutable", until),
        ("seal", "immutable", until),
    }
    assert erasure.done_at is None
    nights(here, 4)
    assert left(here, custodian) == []


def _protected(one: KeptVersion, until: datetime) -> KeptVersion:
    return replace(one, facts=replace(one.facts, immutable_until=until))


def forgets_sweep(name: str) -> Callable[[pytest.MonkeyPatch, World, FakeCustodian], None]:
    def forget(patch: pytest.MonkeyPatch, _here: World, _custodian: FakeCustodian) -> None:
        patch.setattr(sweeping, "SWEEPS", {**sweeping.SWEEPS, name: lambda _run: None})

    return forget


def forgets_place(place: Place) -> Callable[[pytest.MonkeyPatch, World, FakeCustodian], None]:
    def forget(patch: pytest.MonkeyPatch, _here: World, custodian: FakeCustodian) -> None:
        plain = custodian.versions
        patch.setattr(custodian, "versions", lambda at, prefix: iter(()) if at is place else plain(at, prefix))

    return forget


def forgets_versions(patch: pytest.MonkeyPatch, _here: World, custodian: FakeCustodian) -> None:
    plain = custodian.versions
    patch.setattr(custodian, "versions", lambda at, prefix: (one for one in plain(at, prefix) if one.is_current))


WRONG = {
    **{
        f"sweep of {name}": forgets_sweep(name)
        for name in sweeping.SWEEPS
        if name not in (names.EXPORT_CONTAINER, names.CHUNKS_POISON_QUEUE)
    },
    **{f"place {place}": forgets_place(place) for place in Place},
    "earlier versions": forgets_versions,
}


@pytest.mark.parametrize("name", WRONG)
def test_an_eraser_that_forgets_a_store_is_caught(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """A scan that cannot fail proves nothing."""
    here, custodian = full_world()
    WRONG[name](monkeypatch, here, custodian)
    erase(here)
    nights(here, 2)
    assert left(here, custodian) != []


def test_the_table_of_stores_is_complete() -> None:
    """A new container, table or queue cannot be forgotten: it has to say what it holds and how that goes."""
    known = {store.name for store in STORES}
    there = {
        value
        for name, value in vars(names).items()
        if name.endswith(("_QUEUE", "_CONTAINER", "_TABLE")) and isinstance(value, str)
    }
    there |= set(names.BESIDE_POISON_QUEUES)
    assert there | {"{ARCHIVE_CONTAINER}", "{PARQUET_CONTAINER}"} == known


def test_every_store_that_needs_a_sweep_has_one() -> None:
    """And every sweep is of a store in the table."""
    swept = {Sweep.SCAN, Sweep.WITHDRAW, Sweep.REWRITE, Sweep.WITHHOLD, Sweep.DRAIN}
    wanted = {store.name for store in STORES if store.sweep in swept} | {names.EXPORT_CONTAINER}
    assert set(sweeping.SWEEPS) == wanted


@pytest.mark.parametrize("name", spellings("+4915550100199"))
def test_the_scan_finds_each_spelling(name: str) -> None:
    """Inside other bytes."""
    spelt = spellings("+4915550100199")[name]
    assert found_in(b"\x00\xff" + spelt + b"\x80", ["+4915550100199"])


def _reasons(here: World, erasure_id: str) -> tuple[ErasureState, set[tuple[str, str]]]:
    erasure = erasure_status(erasure_id, here.ports, here.settings).erasure
    return erasure.state, {(one.place, one.reason) for one in erasure.kept}


@pytest.mark.parametrize("name", sorted(OF_ANALYSTS))
def test_a_request_stays_open_while_nobody_can_say_where_the_analysts_files_are(name: str) -> None:
    """Their setting is set aside: a file may name the person, so that nothing is certified, and it says why."""
    here, custodian = full_world()
    right, files = here.settings, here.fakes.analysts
    aside = {"parquet_container": None, "parquet_tags": (), "set_aside": (SetAside(name, "is wrong"),)}
    here.settings = right.model_copy(update=aside)
    object.__setattr__(here.fakes, "analysts", None)
    erasure_id = erase(here)
    for _ in range(3):
        nights(here, 10)
        assert _reasons(here, erasure_id) == (ErasureState.APPROVED, {("analysts", "setting_set_aside")})
    assert {told.partition(":")[0] for told in left(here, custodian)} == {"{PARQUET_CONTAINER}"}
    here.settings = right
    object.__setattr__(here.fakes, "analysts", files)
    nights(here, 2)
    assert _reasons(here, erasure_id) == (ErasureState.DONE, set())
    assert left(here, custodian) == []


@pytest.mark.parametrize("method", ["list", "read", "put_if_unchanged"])
def test_a_request_stays_open_while_the_analysts_files_cannot_be_reached(method: str) -> None:
    """It says why, and all else goes on meanwhile: other stores, other requests, and the nightly run."""
    here, custodian = full_world()
    assert here.fakes.analysts is not None
    here.fakes.analysts.fail_next(method, StorageBusyError("503"), times=1000)
    erasure_id = erase(here)
    nights(here, 3)
    assert _reasons(here, erasure_id) == (ErasureState.APPROVED, {("analysts", "storage_busy")})
    assert {told.partition(":")[0] for told in left(here, custodian)} == {"{PARQUET_CONTAINER}"}
    here.fakes.analysts.fails_no_more(method)
    nights(here, 2)
    assert _reasons(here, erasure_id) == (ErasureState.DONE, set())
    assert left(here, custodian) == []


@pytest.mark.parametrize("name", sorted(sweeping.SWEEPS))
def test_a_store_that_always_fails_keeps_no_other_from_being_swept(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """The first that failed ended the look of each night; what stood in those behind it stayed for as long."""

    def fails(_run: object) -> None:
        raise StorageBusyError("503")

    here, custodian = full_world()
    plain = sweeping.SWEEPS
    monkeypatch.setattr(sweeping, "SWEEPS", {**plain, name: fails})
    erasure_id = erase(here)
    nights(here, 2)
    state, reasons = _reasons(here, erasure_id)
    assert (state, {code for _, code in reasons}) == (ErasureState.APPROVED, {"storage_busy"})
    made_of_it = {
        names.RECORDINGS_TABLE: {"{ARCHIVE_CONTAINER}", "{PARQUET_CONTAINER}"},  # manifests and analysts' rows
        names.CHUNKS_POISON_QUEUE: {names.EVENTS_POISON_QUEUE},  # the fake has one list for both
    }
    assert {told.partition(":")[0] for told in left(here, custodian)} <= {name, *made_of_it.get(name, ())}
    monkeypatch.setattr(sweeping, "SWEEPS", plain)
    nights(here, 2)
    assert _reasons(here, erasure_id) == (ErasureState.DONE, set())
    assert left(here, custodian) == []


@pytest.mark.parametrize("error", [StorageBusyError("503"), ValueError("odd"), RecursionError()])
def test_a_blob_that_can_never_be_read_keeps_no_other_from_being_swept(error: Exception) -> None:
    """Nor does it end the look at what comes behind it in its own container."""
    here, custodian = full_world()
    read = custodian.read
    bad = next(one.facts for one in custodian.remaining() if one.facts.place is Place.QUARANTINE)
    object.__setattr__(custodian, "read", lambda one: _raised(error) if one.name == bad.name else read(one))
    erasure_id = erase(here)
    nights(here, 2)
    state, reasons = _reasons(here, erasure_id)
    assert (state, {place for place, _ in reasons}) == (ErasureState.APPROVED, {Place.QUARANTINE})
    assert {told.partition(":")[0] for told in left(here, custodian)} == {names.QUARANTINE_CONTAINER}
    object.__setattr__(custodian, "read", read)
    nights(here, 2)
    assert _reasons(here, erasure_id) == (ErasureState.DONE, set())
    assert left(here, custodian) == []


def _raised(error: Exception) -> NoReturn:
    raise error


def test_what_a_full_look_has_left_stays_told_while_a_hold_keeps_the_rest() -> None:
    """The daily look leaves the large stores out until the recordings are gone; the reason must not vanish with it."""
    here, _ = full_world()
    place_hold(RECORDING_ID, "L-17", "lawsuit", None, here.ports)
    assert here.fakes.analysts is not None
    here.fakes.analysts.fail_next("list", StorageBusyError("503"), times=1000)
    erasure_id = erase(here)
    for _ in range(3):
        nights(here, 1)
        state, told = _reasons(here, erasure_id)
        assert state is ErasureState.APPROVED
        assert ("analysts", "storage_busy") in told
