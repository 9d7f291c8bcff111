"""Fallback: an archive that refuses for long costs no recording, and a copy elsewhere never counts as archived (I1)."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from dev.in_memory.builders import (
    EVENT_TIME,
    RECORDING_ID,
    chunk,
    document_id,
    event,
    location,
    record,
    stored,
    task,
    wav,
)
from dev.in_memory.fakes.archive import FakeArchive
from dev.in_memory.hand import HandInArchive
from dev.in_memory.world import World, world
from recording.archive.fallback import KeptContent, KeptSource
from recording.control.recordings import get_recording
from recording.domain.archived.layout import metadata_name, receipt_name
from recording.domain.state.chunk import ChunkState, FallbackCopy, MetadataOutcome, SourceOutcome
from recording.domain.state.transitions import may_delete_source
from recording.errors import SourceGoneError, StorageBusyError, StorageRefusedError

pytestmark = pytest.mark.slow


class Archive(FakeArchive):
    """An archive that refuses everything while it is told to."""

    is_down = False
    down_with: Callable[[], Exception] = staticmethod(lambda: StorageRefusedError("403"))

    def next_failure(self, method: str) -> tuple[Exception | None, bool]:
        """Refuses, or does as scripted."""
        planned = super().next_failure(method)
        return (self.down_with(), False) if self.is_down else planned


def _here(**changes: Any) -> World:
    here = world(**changes)
    here.fakes = replace(here.fakes, archive=Archive(), fallback=Archive())
    return here


def _primary(here: World) -> Archive:
    assert isinstance(here.fakes.archive, Archive)
    return here.fakes.archive


def _second(here: World) -> Archive:
    assert isinstance(here.fakes.fallback, Archive)
    return here.fakes.fallback


def _down(here: World, hours: float) -> None:
    """The archive refuses for so long."""
    _primary(here).is_down = True
    here.runs(hours=hours, until_quiet=False)


def _kept_elsewhere(hours: float) -> World:
    """A world whose archive has refused a chunk for so long, since it was announced."""
    here = _here()
    here.holds(task())
    here.announces()
    _down(here, hours)
    return here


def _shown_chunk(here: World) -> dict[str, object]:
    facts: dict[str, object] = get_recording(RECORDING_ID, here.ports, here.settings)["chunks"][0]
    return facts


@pytest.mark.parametrize("error", [StorageRefusedError("403"), StorageBusyError("503")])
def test_an_archive_that_refuses_for_long_is_answered_with_a_copy_elsewhere(
    error: Exception, caplog: pytest.LogCaptureFixture
) -> None:
    """Half an hour: not for a hiccup, and long before anything is at risk."""
    here = _here()
    here.holds(task())
    here.announces()
    _primary(here).down_with = lambda: error
    _down(here, 0.4)
    assert _second(here).blobs == {}
    _down(here, 1)
    kept = here.record().fallback
    assert kept is not None
    assert _second(here).blobs[kept.blob_name].data == wav()
    assert receipt_name(kept.blob_name) in _second(here).blobs
    assert metadata_name(kept.blob_name) in _second(here).blobs
    raised = [e for e in caplog.records if e.getMessage().startswith("recording.chunk.in_fallback")]
    assert [e.levelname for e in raised] == ["ERROR"]


def test_a_copy_elsewhere_is_not_archived_and_the_source_is_kept() -> None:
    """The guard knows nothing of the fallback: only the archive's own proof opens it (I1)."""
    here = _kept_elsewhere(3)
    assert (here.state(), here.source.deleted) == (ChunkState.PENDING, [])
    assert not may_delete_source(here.record(), stored(here.record()))
    facts = _shown_chunk(here)
    assert (facts["urgency"], facts["finished"], facts["state"]) == ("in_fallback", False, "PENDING")
    assert facts["fallback"] is not None


def test_the_archive_that_is_back_gets_its_copy_from_acs_while_acs_has_it() -> None:
    """Then everything is as if nothing had happened, and only now the source is deleted."""
    here = _kept_elsewhere(3)
    _primary(here).is_down = False
    here.runs(hours=1)
    assert (here.state(), list(here.media_blobs().values())) == (ChunkState.SOURCE_DELETED, [wav()])
    assert len(here.source.deleted) == 1


@pytest.mark.parametrize("hours", [26, 80])
def test_after_acs_has_forgotten_it_comes_home_from_the_fallback(
    hours: float, caplog: pytest.LogCaptureFixture
) -> None:
    """An outage longer than ACS's retention loses nothing: media, metadata and papers are all there in the end."""
    here = _kept_elsewhere(23)
    here.forgets(task())
    _down(here, hours - 23)
    assert (here.state(), here.fakes.quarantine.reasons) == (ChunkState.PENDING, [])
    _primary(here).is_down = False
    caplog.clear()
    caplog.set_level("INFO")
    here.runs(hours=2)
    record = here.record()
    assert (record.state, record.source) == (ChunkState.CATALOGED, SourceOutcome.LEFT_TO_EXPIRE)
    assert (list(here.media_blobs().values()), record.metadata) == ([wav()], MetadataOutcome.ARCHIVED)
    assert here.manifest()["complete"]
    names = [entry.getMessage().split()[0] for entry in caplog.records]
    assert (names.count("recording.chunk.healed"), "recording.chunk.expired" in names) == (1, False)


def test_a_source_that_is_gone_too_early_is_healed_at_once() -> None:
    """ACS may forget sooner than it promised; the fallback is asked as soon as it answers 404."""
    here = _kept_elsewhere(3)
    here.forgets(task())
    _primary(here).is_down = False
    here.runs(hours=1)
    assert here.state() is ChunkState.SOURCE_DELETED
    assert here.record().source is SourceOutcome.ALREADY_GONE
    assert list(here.media_blobs().values()) == [wav()]


def test_what_lies_in_the_fallback_is_neither_at_risk_nor_expired(caplog: pytest.LogCaptureFixture) -> None:
    """The alarm that woke somebody was `in_fallback`; a recording that is safe must not ring as lost."""
    here = _kept_elsewhere(60)
    names = {entry.getMessage().split()[0] for entry in caplog.records}
    assert "recording.chunk.in_fallback" in names
    assert not names & {"recording.chunk.expired", "recording.chunk.at_risk"}
    assert here.reconciles().at_risk == 0


def test_near_the_expiry_nobody_waits_for_half_an_hour() -> None:
    """The first refusal below AT_RISK_HOURS is enough."""
    here = _here()
    here.holds(task())
    here.announces()
    here.fakes.queue.sent.clear()
    here.fakes.clock.advance(hours=19)
    _primary(here).is_down = True
    here.works(task())
    assert here.record().fallback is not None


def test_other_failures_in_between_begin_the_half_hour_anew() -> None:
    """A source that fails says nothing about the archive."""
    here = _here()
    here.announces()
    _primary(here).fail_next("look_up", StorageBusyError("once"))
    here.runs(hours=2, until_quiet=False)  # the source has nothing; the archive answers
    assert here.record().archive_refused_since is None
    assert here.record().fallback is None


def test_a_fallback_that_fails_too_changes_nothing() -> None:
    """Both refuse: the task goes on being tried while time is left."""
    here = _here()
    here.holds(task())
    here.announces()
    _second(here).is_down = True
    _down(here, 3)
    assert (here.state(), here.record().fallback) == (ChunkState.PENDING, None)
    _second(here).is_down = False
    _down(here, 1)
    assert here.record().fallback is not None


def test_a_lost_answer_of_the_fallback_is_found_again() -> None:
    """The worker dies between its commit and the mark: the next one adopts the copy."""
    here = _here()
    here.holds(task())
    here.announces()
    _primary(here).is_down = True
    _second(here).fail_next("put_media", StorageBusyError("lost"), after=True)
    here.runs(hours=3, until_quiet=False)
    kept = here.record().fallback
    assert kept is not None
    assert _second(here).blobs[kept.blob_name].data == wav()


def test_without_a_second_place_everything_is_as_before() -> None:
    """It is optional."""
    here = world()
    here.fakes = replace(here.fakes, archive=Archive())
    here.holds(task())
    here.announces()
    _down(here, 3)
    assert here.record().fallback is None


def test_a_kept_copy_that_was_altered_never_reaches_the_archive() -> None:
    """Its digest was proved; other bytes are for a person to look at, and the archive stays clean."""
    here = _kept_elsewhere(23)
    kept = here.record().fallback
    assert kept is not None
    blob = _second(here).blobs[kept.blob_name]
    _second(here).blobs[kept.blob_name] = replace(blob, data=blob.data[:-1] + b"?")
    here.forgets(task())
    _primary(here).is_down = False
    here.fakes.clock.advance(hours=3)
    here.runs(hours=3)
    assert (here.state(), here.record().quarantine_reason) == (ChunkState.QUARANTINED, "stored_differs")
    assert here.media_blobs() == {}


@pytest.mark.parametrize("how", ["deletes", "overwrites"])
def test_a_kept_copy_that_is_of_no_use_leaves_acs_also_past_the_deadline(
    how: str, caplog: pytest.LogCaptureFixture
) -> None:
    """ACS may have the media for longer than is assumed; it was never asked again, and the chunk waited for nothing."""
    here = _kept_elsewhere(25)
    kept = here.record().fallback
    assert kept is not None
    getattr(HandInArchive(_second(here)), how)(kept.blob_name)
    _primary(here).is_down = False
    here.runs(hours=3)
    assert here.record().state in (ChunkState.CATALOGED, ChunkState.SOURCE_DELETED)
    assert list(here.media_blobs().values()) == [wav()]
    assert ("recording.chunk.media_lost" in caplog.text) is (how == "deletes")


@pytest.mark.parametrize("hours", [23, 25])
def test_one_not_found_beside_an_altered_copy_proves_nothing(hours: int) -> None:
    """ACS may say it once and have the file; the copy that could have replaced it is of no use."""
    here = _kept_elsewhere(hours)
    kept = here.record().fallback
    assert kept is not None
    HandInArchive(_second(here)).overwrites(kept.blob_name)
    _primary(here).is_down = False
    here.source.fail_next("open_content", SourceGoneError("404"))
    here.runs(hours=3)
    assert here.record().state in (ChunkState.CATALOGED, ChunkState.SOURCE_DELETED)
    assert list(here.media_blobs().values()) == [wav()]


def test_a_kept_copy_that_is_lost_after_acs_forgot_the_media_ends_in_an_alarm() -> None:
    """What is nowhere any more is told as expired, not as kept in the second place."""
    here = _kept_elsewhere(23)
    kept = here.record().fallback
    assert kept is not None
    del _second(here).blobs[kept.blob_name]
    here.forgets(task())
    _primary(here).is_down = False
    here.fakes.clock.advance(hours=3)
    here.runs(hours=12)
    assert (here.state(), here.record().fallback) == (ChunkState.EXPIRED, None)


def test_a_fallback_that_does_not_answer_keeps_its_copy_on_record() -> None:
    """And ACS, which is asked meanwhile, may still have the media."""
    here = _kept_elsewhere(25)
    _primary(here).is_down = False
    _second(here).fail_next("read", StorageBusyError("503"), times=1000)
    here.forgets(task())
    here.runs(hours=3)
    assert (here.state(), here.record().fallback is not None) == (ChunkState.PENDING, True)
    here.holds(task())
    here.runs(hours=3)
    assert list(here.media_blobs().values()) == [wav()]


def test_another_object_of_the_same_ids_waits_until_the_first_is_home() -> None:
    """Its bytes must not be taken for those that are kept (I3)."""
    here = _kept_elsewhere(3)
    other = task(content_location=location(document_id(), host="us-storage.asm.skype.com"))
    here.announces(event(chunk(contentLocation=other.content_location)))
    here.runs_due()
    assert here.record().task.content_location == task().content_location
    _primary(here).is_down = False
    here.runs(hours=2)
    assert next(iter(here.media_blobs().values())) == wav()


# --- the kept copy as a source ---------------------------------------------------------------------------------------


def _kept(data: bytes) -> KeptSource:
    fallback = FakeArchive()
    fallback.put_media("a.wav", memoryview(data), "audio/wav", {})
    copy = FallbackCopy(blob_name="a.wav", length_bytes=len(data), sha256="ab", kept_at=EVENT_TIME)
    return KeptSource(copy, fallback, world().source)


@pytest.mark.parametrize(("first", "length"), [(0, None), (0, 10), (3, 4), (5, None), (8, 99), (0, 99)])
def test_a_kept_copy_answers_ranges_as_acs_does(first: int, length: int | None) -> None:
    """The engine fetches it in parallel."""
    data = bytes(range(10))
    wanted = data[first:] if length is None else data[first : first + length]
    with _kept(data).open_content("any", first, length) as content:
        view = memoryview(bytearray(12))
        assert content.fill(view[:2]) == min(2, len(wanted))
        assert content.fill(view[2:]) == max(0, len(wanted) - 2)
        assert bytes(view[: len(wanted)]) == wanted
        assert (content.declared_total, content.is_whole) == (10, wanted == data)
    with _kept(data).open_content("any", first, length) as content:
        assert b"".join(content.pieces()) == wanted


def test_a_kept_copy_is_read_in_pieces_and_is_another_version_than_acs(monkeypatch: pytest.MonkeyPatch) -> None:
    """Flat memory (I8); and blocks that were staged from ACS are not mixed with it."""
    monkeypatch.setattr("recording.archive.fallback._PIECE", 3)
    with _kept(bytes(10)).open_content("any") as content:
        assert isinstance(content, KeptContent)
        assert [len(piece) for piece in content.pieces()] == [3, 3, 3, 1]
        assert content.version == "fallback-ab"


def test_records_from_before_the_fallback_are_read() -> None:
    """A deployed catalog has rows without these fields."""
    plain = record().model_dump_json(exclude={"fallback", "archive_refused_since"})
    assert type(record()).model_validate_json(plain).fallback is None


def test_a_file_of_many_blocks_comes_home_too() -> None:
    """The engine fetches the kept copy by ranges, and mixes it with nothing that was staged before."""
    here = _here(copy_block_bytes=1 << 20)
    media = wav(80_000)
    here.holds(task(recording_duration_ms=80_000.0), media, b"")
    here.announces(event(data={"recordingDurationMs": 80_000}))
    _down(here, 23)
    here.forgets(task())
    _primary(here).is_down = False
    here.fakes.clock.advance(hours=2)
    here.runs(hours=3)
    assert here.state() is ChunkState.CATALOGED
    assert list(here.media_blobs().values()) == [media]
