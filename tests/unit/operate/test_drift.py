"""Drift: the report equals what was changed behind the app's back, exactly, whatever was changed."""

import json
from collections import Counter
from dataclasses import replace
from datetime import timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dev.in_memory.builders import EVENT_TIME, chunk, document_id, event, metadata, record, task, wav
from dev.in_memory.world import World, world
from recording.domain.archived import layout
from recording.domain.archived.drift import DriftKind, is_sampled
from recording.domain.ids import name_of
from recording.domain.keep.custody import Custody, CustodyState, disposed
from recording.domain.keep.destroy import certificate_name, certificate_of
from recording.domain.state.chunk import ChunkState, ChunkTask, Home
from recording.domain.state.records import changed as changed_record
from recording.errors import SourceBusyError, SourceError, SourceRefusedError, StorageBusyError
from recording.operate.drift import look_for_drift
from recording.operate.drift.findings import DriftReport
from recording.operate.verify_recording import verify
from tests.unit.operate.vandal import EVERY, MEDIA, PLAIN, RECEIPT, Change, Vandal, destroyed, injected

pytestmark = pytest.mark.slow

RECORDINGS, CHUNKS = 3, 2


def _task(recording: int, index: int) -> ChunkTask:
    number = recording * CHUNKS + index
    return task(
        index,
        document_id(number),
        recording_id=f"recording-{recording}",
        folder=f"2026/11/23/call/recording-{recording}",
    )


def _archived() -> World:
    """Three recordings of two chunks, archived by the line itself."""
    here = world()
    for recording in range(RECORDINGS):
        for index in range(CHUNKS):
            here.works(here.holds(_task(recording, index)))
    return here


def _report(here: World, percent: float = 100, **options: object) -> DriftReport:
    return look_for_drift(here.ports, here.settings, sample_percent=percent, **options)  # type: ignore[arg-type]


@pytest.mark.parametrize("change", EVERY, ids=lambda change: change.__name__)
def test_each_kind_of_drift_alone_is_reported_and_nothing_else(change: Change) -> None:
    """A report that names too little loses a recording; one that names too much is not read."""
    here = _archived()
    injected = change(Vandal(here, here.record(_task(1, 1))))
    assert list(_report(here).drifts) == [injected]


def test_every_kind_is_injected_by_some_vandal() -> None:
    """A new kind needs a vandal of its own."""
    kinds = set()
    for change in EVERY:
        here = _archived()
        kinds.add(change(Vandal(here, here.record(_task(0, 0)))).kind)
    assert kinds == set(DriftKind)


OF_A_CHUNK = st.tuples(
    st.sets(st.sampled_from(PLAIN)), st.sampled_from([None, *MEDIA]), st.sampled_from([None, *RECEIPT])
)
EVERYWHERE = st.lists(OF_A_CHUNK, min_size=RECORDINGS * CHUNKS, max_size=RECORDINGS * CHUNKS)


@given(EVERYWHERE, st.sets(st.integers(0, RECORDINGS - 1)))
@settings(max_examples=150, deadline=None)
def test_the_report_equals_the_injected_drift_exactly(
    plan: list[tuple[set[Change], Change | None, Change | None]], without_manifest: set[int]
) -> None:
    """Any mixture, on any chunks."""
    here = _archived()
    injected = [Vandal(here, here.record(_task(n, 0))).manifest_missing() for n in without_manifest]
    for number, (plain, media, receipt) in enumerate(plan):
        vandal = Vandal(here, here.record(_task(*divmod(number, CHUNKS))))
        injected += [change(vandal) for change in (*plain, media, receipt) if change is not None]
    assert set(_report(here).drifts) == set(injected)
    assert len(_report(here).drifts) == len(injected)


@pytest.mark.parametrize("change", [b"", b"{}", b"\xff"])
def test_metadata_that_is_not_what_was_archived_is_never_proved(change: bytes) -> None:
    """ACS's own document is gone with the source; what stands in its place proves nothing."""
    here = _archived()
    name = layout.metadata_name(here.record(_task(0, 0)).blob_name or "")
    here.fakes.archive.blobs[name] = replace(here.fakes.archive.blobs[name], data=change)
    told = verify(_task(0, 0).recording_id, here.ports, here.settings)
    assert told is not None
    assert (told.is_proved, told.differences) == (False, (f"metadata_altered {name}",))


def test_metadata_whose_digest_an_older_version_did_not_note_is_not_called_altered() -> None:
    """There is nothing to compare it with."""
    here = _archived()
    known = here.record(_task(0, 0))
    here.fakes.catalog.save_chunk(changed_record(known, metadata_sha256=None))
    assert _report(here).drifts == ()


def test_what_nobody_touched_does_not_drift() -> None:
    """Chunks of every state, conflicts, and copies that are under way are no drift."""
    here = _archived()
    here.announces(event(chunk(0, document_id(77))))
    waiting = here.fakes.queue.tasks[0]
    name = layout.media_name(here.settings.archive_path_template, waiting.folder, 0, waiting.document_id, None)
    here.fakes.archive.stage_block(name, "a", b"half")
    stem = here.record(_task(0, 0)).blob_name or ""
    here.fakes.archive.put_once(layout.conflict_name(stem, "ab" * 8), b"other", "audio/wav")
    here.fakes.catalog.add_chunk(record(ChunkState.EXPIRED, task=_task(5, 0)))
    here.fakes.catalog.add_chunk(record(ChunkState.QUARANTINED, task=_task(5, 1)))
    report = _report(here)
    assert (report.drifts, report.recordings, report.chunks) == ((), 5, 9)


def test_a_copy_that_was_made_in_several_runs_does_not_drift() -> None:
    """Its digest was known only after the commit, so the blob does not tell it; catalog and bytes agree."""
    here = world(copy_time_budget=timedelta(minutes=1), claim_length=timedelta(hours=1), copy_block_bytes=65_536)
    here.holds(task(), wav(20_000), metadata(chunkDuration=20_000))
    stage = here.fakes.archive.stage_block

    def slowly(name: str, block_id: str, data: bytes | bytearray | memoryview, crc64: int | None = None) -> None:
        here.fakes.clock.advance(seconds=30)
        stage(name, block_id, data, crc64)

    here.fakes.archive.stage_block = slowly  # type: ignore[method-assign]  # a slow network
    here.fakes.queue.send(task())
    here.runs(hours=3)
    found = here.record()
    assert found.state is ChunkState.SOURCE_DELETED
    assert any("copied in several runs" in how for how in found.verified_how)
    assert _report(here).drifts == ()
    removed = replace(here.fakes.archive.blobs[found.blob_name or ""], facts={})
    here.fakes.archive.blobs[found.blob_name or ""] = removed
    assert _report(here).drifts == (injected(found, DriftKind.MEDIA_FACTS),)


def test_a_copy_that_was_committed_and_not_saved_is_no_stranger() -> None:
    """The worker died in between; the next one adopts it."""
    here = world()
    here.announces()
    known = here.record()
    name = layout.media_name(here.settings.archive_path_template, known.task.folder, 0, known.task.document_id, None)
    here.fakes.archive.put_once(name, b"whole", "audio/wav")
    assert _report(here).drifts == ()


def test_a_blob_that_is_known_to_differ_is_not_raised_again() -> None:
    """It is in quarantine, where a person looks at it."""
    here = world()
    known = record(ChunkState.VERIFIED).model_copy(
        update={"state": ChunkState.QUARANTINED, "quarantine_reason": "stored_differs"}
    )
    here.fakes.catalog.add_chunk(known)
    assert _report(here).drifts == ()


def test_a_suspect_recording_must_still_be_there() -> None:
    """Its blob may be the only copy there is."""
    here = world()
    known = record(ChunkState.VERIFIED).model_copy(
        update={"state": ChunkState.QUARANTINED, "quarantine_reason": "media_suspect"}
    )
    here.fakes.catalog.add_chunk(known)
    assert [drift.kind for drift in _report(here).drifts] == [DriftKind.MEDIA_MISSING]


def test_bytes_are_compared_only_in_the_sample() -> None:
    """Reading an archive of years costs money; lengths and names cost a listing."""
    here = _archived()
    Vandal(here, here.record(_task(0, 0))).media_bytes()
    assert (_report(here, 0).drifts, _report(here, 0).sampled) == ((), 0)
    assert len(_report(here, 100).drifts) == 1


def test_the_sample_is_the_same_for_the_same_seed() -> None:
    """What was found can be looked at again; another day draws others."""
    known = [record(task=task(0, document_id(number))) for number in range(1000)]
    first, again = ([is_sampled(of, 10, "monday") for of in known] for _ in range(2))
    assert first == again != [is_sampled(of, 10, "tuesday") for of in known]
    assert 60 < sum(first) < 140


def test_since_leaves_out_what_is_older_but_calls_it_no_stranger() -> None:
    """Yesterday's drift is found in seconds."""
    here = _archived()
    old = _task(7, 0).model_copy(update={"event_time": EVENT_TIME - timedelta(days=9)})
    here.works(here.holds(old))
    here.fakes.archive.blobs.pop(here.record(old).blob_name or "")
    Vandal(here, here.record(_task(0, 0))).media_missing()
    assert len(_report(here).drifts) == 2
    assert [drift.recording_id for drift in _report(here, since=EVENT_TIME).drifts] == ["recording-0"]


def test_a_recording_that_comes_while_the_archive_is_listed_is_no_stranger(monkeypatch: pytest.MonkeyPatch) -> None:
    """The catalog was read first; the blobs of a new recording are seen before its record."""
    here = _archived()
    plain, passes = here.fakes.catalog.all_chunks, []

    def all_chunks() -> object:
        passes.append(list(plain()))
        if len(passes) == 1:
            here.works(here.holds(_task(8, 0)))
        return iter(passes[-1])

    monkeypatch.setattr(here.fakes.catalog, "all_chunks", all_chunks)
    assert _report(here).drifts == ()
    assert len(passes) == 2


def test_the_report_reads_well_for_both() -> None:
    """Machines get names and counts, people a line for each."""
    here = _archived()
    Vandal(here, here.record(_task(0, 0))).media_missing()
    report = _report(here)
    told = json.loads(report.as_json())
    assert (told["counts"], told["recordings"], told["chunks"]) == ({"media_missing": 1}, 3, 6)
    assert told["drift"][0]["kind"] == "media_missing"
    assert told["drift"][0]["recording_id"] == "recording-0"
    assert report.as_text().splitlines()[0].startswith("media_missing     2026/11/23/call/recording-0/0000-")
    assert report.as_text().endswith("1 difference in 3 recordings, 6 chunks, 5 of them read whole\n")
    assert _report(_archived()).as_text() == "no difference in 3 recordings, 6 chunks, 6 of them read whole\n"


@pytest.mark.parametrize("method", ["list", "read"])
def test_one_recording_that_cannot_be_looked_at_hides_no_other(method: str) -> None:
    """It is told as unread, and nothing about it is called drift or proved."""
    here = _archived()
    changed = Vandal(here, here.record(_task(2, 0))).media_bytes()
    here.fakes.archive.fail_next(method, StorageBusyError("down"))
    report = _report(here)
    assert report.drifts == (changed,)
    assert [(one.reason, one.recording_id) for one in report.unread] == [("storage_busy", "recording-0")]
    assert report.failed
    assert "not read" in report.as_text()


def test_an_archive_that_never_answers_is_not_called_drift() -> None:
    """Nothing is known then, and nothing is raised but the failure."""
    here = _archived()
    here.fakes.archive.fail_next("list", StorageBusyError("down"), times=100)
    with pytest.raises(StorageBusyError):
        _report(here)


def test_media_in_the_archive_tier_is_unread_and_no_failure() -> None:
    """Reading it takes hours of rehydration; its name, length and facts are compared all the same."""
    here = _archived()
    name = here.record(_task(0, 0)).blob_name or ""
    here.fakes.archive.tiers[name] = "Archive"
    report = _report(here)
    assert (report.drifts, report.sampled) == ((), RECORDINGS * CHUNKS - 1)
    assert [(one.name, one.reason) for one in report.unread] == [(name, "archive tier")]
    assert not report.failed


EXTERNAL = "https://customer.blob.core.windows.net/calls/a.wav"


def _external(here: World, media: bytes | None) -> None:
    """Archive a chunk whose media stays in the customer's own storage, then store other bytes there."""
    outside = task(home=Home.EXTERNAL, content_location=EXTERNAL, metadata_location=None, delete_location=None)
    here.fakes.external.objects[EXTERNAL] = wav()
    here.works(outside)
    assert here.record(outside).state is ChunkState.CATALOGED
    here.fakes.external.objects.pop(EXTERNAL)
    if media is not None:
        here.fakes.external.objects[EXTERNAL] = media


@pytest.mark.parametrize(
    ("media", "kinds"),
    [
        (wav(), []),
        (None, [DriftKind.MEDIA_MISSING]),
        (wav()[:-1], [DriftKind.MEDIA_LENGTH]),
        (wav()[:-1] + b"!", [DriftKind.MEDIA_BYTES]),
    ],
)
def test_the_customers_own_storage_is_read_too(media: bytes | None, kinds: list[DriftKind]) -> None:
    """What the catalog vouches for is read where it is stored."""
    here = world()
    _external(here, media)
    report = _report(here)
    assert [drift.kind for drift in report.drifts] == kinds
    assert EXTERNAL not in report.as_json()


@pytest.mark.parametrize("error", [SourceRefusedError("403"), SourceBusyError("503")])
def test_a_customers_storage_that_does_not_answer_is_unread(error: SourceError) -> None:
    here = world()
    _external(here, wav())
    here.fakes.external.fail_next("open_content", error)
    report = _report(here)
    assert (report.drifts, report.sampled) == ((), 0)
    assert [one.reason for one in report.unread] == [error.code]


def _without_files(here: World, name: str) -> None:
    for each in (name, layout.receipt_name(name), layout.metadata_name(name)):
        here.fakes.archive.blobs.pop(each, None)


def test_what_no_decision_destroyed_is_drift_however_old_it_is() -> None:
    """A deployment's DELETE_AFTER_DAYS excuses nothing: only the custodian destroys, and leaves a note."""
    here = _archived()
    for index in range(CHUNKS):
        record = here.record(_task(0, index))
        _without_files(here, record.blob_name or "")
    here.fakes.archive.blobs.pop(layout.manifest_name(record.task.folder))
    here.settings = here.settings.model_copy(update={"delete_after": timedelta(days=30)})
    here.fakes.clock.advance(days=300)
    assert len(_report(here).drifts) == 3 * CHUNKS + 1
    changed = Vandal(here, here.record(_task(1, 0))).media_bytes()
    for index in range(CHUNKS):
        noted = changed_record(here.record(_task(0, index)), disposed_at=here.now, disposed_why="rule")
        here.fakes.catalog.save_chunk(noted)
    found = Counter(drift.kind for drift in _report(here).drifts)
    assert (found[DriftKind.CERTIFICATE_MISSING], found.total()) == (
        CHUNKS,
        4 * CHUNKS + 2,
    )  # a row alone is no decision
    row = Custody(recording_id="recording-0", destroying_since=here.now)
    here.fakes.keeping.add_custody(row.model_copy(update={"state": CustodyState.DESTROYING}))
    assert _report(here).drifts == (changed,)  # the certificate is written at the end
    name = certificate_name("recording-0", here.now)
    chunks = [here.record(_task(0, index)) for index in range(CHUNKS)]
    begun = here.fakes.keeping.custody("recording-0")
    assert begun is not None
    here.fakes.keeping.save_custody(disposed(begun, here.now, None, name))
    here.fakes.archive.put_once(name, certificate_of(row, chunks, 6, None, "0.1.0"), layout.JSON)
    assert _report(here).drifts == (changed,)


def test_a_noted_disposal_covers_its_own_chunk_only() -> None:
    here = _archived()
    for index in range(CHUNKS):
        _without_files(here, here.record(_task(0, index)).blob_name or "")
    destroyed(here, here.record(_task(0, 0)))
    assert {drift.index for drift in _report(here).drifts} == {1}
    second = here.record(_task(0, 1))
    here.fakes.catalog.save_chunk(changed_record(second, disposed_at=here.now, disposed_why="the other's certificate"))
    assert {drift.index for drift in _report(here).drifts} == {1}
    found = verify("recording-0", here.ports, here.settings)
    assert found is not None
    assert (found.disposed, found.is_proved, found.is_destroyed) == (2, False, False)


@pytest.mark.parametrize("spoilt", ["missing", "of another recording", "not JSON", "offline", "row of a newer version"])
def test_a_certificate_that_does_not_say_so_proves_no_destruction(spoilt: str) -> None:
    """Nothing was read, and nothing says that it was to be gone."""
    here = _archived()
    for index in range(CHUNKS):
        _without_files(here, here.record(_task(0, index)).blob_name or "")
    name = destroyed(here, here.record(_task(0, 0)))
    blob = here.fakes.archive.blobs.pop(name)
    if spoilt == "row of a newer version":
        here.fakes.keeping.unreadable.add(name_of("recording-0"))
    elif spoilt == "offline":
        here.fakes.archive.blobs[name] = blob
        here.fakes.archive.tiers[name] = "Archive"
    elif spoilt != "missing":
        data = b"{" if spoilt == "not JSON" else blob.data.replace(b'"recording": "', b'"recording": "0')
        here.fakes.archive.blobs[name] = replace(blob, data=data)
    found = verify("recording-0", here.ports, here.settings)
    assert found is not None
    assert not found.is_destroyed
    assert any(
        name in line or "certificate_missing" in line or "newer" in line for line in [*found.differences, *found.unread]
    )
