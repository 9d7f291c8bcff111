"""Listening: the right bytes from wherever they are kept, and a row of evidence before each part, but not for each."""

from dataclasses import replace
from datetime import timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dev.in_memory.builders import CONTAINER, RECORDING_ID, chunk, event, metadata, record, task, wav
from dev.in_memory.fakes.archive import FakeArchive
from dev.in_memory.world import World, world
from recording.domain.media.wav_layout import read_wav_layout
from recording.domain.state.chunk import ChunkState, FallbackCopy, Home
from recording.domain.state.records import changed
from recording.errors import RequestError, StorageBusyError, StorageError
from recording.errors.codes import Code
from recording.library.listening import MOST_BYTES, Media, find_media, note_listening, read_media

ANN, BEN = "ann-object-id", "ben-object-id"
MINUTE = 60 * 32_000  # bytes of a minute of 16-bit mono at 16 kHz


def archived(media: bytes) -> World:
    here = world()
    layout = read_wav_layout(media, len(media))
    here.holds(task(), media=media, document=metadata(task(), chunkDuration=layout.seconds * 1000))
    here.announces(event(data={"recordingDurationMs": layout.seconds * 1000}))
    here.runs_due()
    return here


def found(here: World, channel: int | None = None, document_id: str | None = None, index: int = 0) -> Media:
    return find_media(RECORDING_ID, index, document_id, channel, here.ports)


def heard(here: World) -> list[tuple[str | None, str | None]]:
    entries = here.fakes.audit.written
    return [(entry.caller, entry.part) for entry in entries if entry.operation == "chunk_media"]


@pytest.fixture(scope="module")
def five_minutes() -> World:
    return archived(wav(5 * 60_000))


@settings(max_examples=60, deadline=None)
@given(st.data())
def test_every_part_is_what_was_archived(five_minutes: World, data: st.DataObject) -> None:
    """Whatever part a player asks for."""
    media = found(five_minutes)
    whole = five_minutes.fakes.archive.blobs[media.chunk.blob_name or ""].data
    first = data.draw(st.integers(0, len(whole) - 1))
    length = data.draw(st.integers(1, len(whole) - first))
    assert read_media(media, first, length, five_minutes.ports) == whole[first : first + length]


def test_a_storm_of_seeks_leaves_a_row_for_each_minute_and_not_for_each_request() -> None:
    """A row for each of a hundred requests a second would bury the trail."""
    here = archived(wav(5 * 60_000))
    media = found(here)
    for number in range(1000):
        note_listening(media, number * 7919 % (media.length_bytes - 1000), 1000, ANN, here.ports)
    assert len(heard(here)) <= 6
    assert {caller for caller, _ in heard(here)} == {ANN}


def test_the_rows_together_cover_what_was_heard() -> None:
    """Nothing that went out is missing in the evidence."""
    here = archived(wav(5 * 60_000))
    media = found(here)
    note_listening(media, 0, 1000, ANN, here.ports)
    note_listening(media, MINUTE + 100, MINUTE, ANN, here.ports)
    note_listening(media, 0, media.length_bytes, ANN, here.ports)
    assert heard(here) == [(ANN, "chunk 0, 0-60 s"), (ANN, "chunk 0, 60-180 s"), (ANN, "chunk 0, 180-300 s")]


def test_each_person_and_each_later_hearing_has_rows_of_its_own() -> None:
    """Who listened on Monday and again on Friday listened twice."""
    here = archived(wav(60_000))
    media = found(here)
    for caller in (ANN, BEN, None, ANN):
        note_listening(media, 0, 1000, caller, here.ports)
    assert [caller for caller, _ in heard(here)] == [ANN, BEN, None]
    here.fakes.clock.advance(seconds=11 * 60)
    note_listening(media, 0, 1000, ANN, here.ports)
    assert [caller for caller, _ in heard(here)] == [ANN, BEN, None, ANN]


def test_a_trail_that_fails_is_tried_again_and_notes_nothing_as_heard() -> None:
    """What is not written was not remembered either."""
    here = archived(wav(60_000))
    media = found(here)
    here.fakes.audit.fail_next("add", StorageBusyError("later"))
    with pytest.raises(StorageError):
        note_listening(media, 0, 1000, ANN, here.ports)
    note_listening(media, 0, 1000, ANN, here.ports)
    assert heard(here) == [(ANN, "chunk 0, 0-60 s")]


def test_media_that_tells_no_length_is_noted_by_bytes() -> None:
    """Evidence is not left out because a header is odd."""
    here = archived(wav(60_000))
    media = found(here)
    silent = Media(changed(media.chunk, duration_ms=None), media.length_bytes, media.media_type, media.etag)
    note_listening(silent, 0, 1000, ANN, here.ports)
    assert heard(here) == [(ANN, f"chunk 0, 0-{media.length_bytes} bytes")]


@pytest.mark.slow
@settings(max_examples=60, deadline=None)
@given(st.data())
def test_one_speaker_is_a_file_of_its_own(data: st.DataObject) -> None:
    """Each part of it is a part of the same mono file, whatever is asked for."""
    here = archived(wav(300, 5))
    name = found(here).chunk.blob_name or ""
    blob = here.fakes.archive.blobs[name]
    counted = blob.data[:44] + bytes(number % 251 for number in range(len(blob.data) - 44))
    here.fakes.archive.blobs[name] = blob = replace(blob, data=counted)
    media = found(here, channel=data.draw(st.integers(0, 4)))
    mono = read_media(media, 0, media.length_bytes, here.ports)
    first = data.draw(st.integers(0, media.length_bytes - 1))
    length = data.draw(st.integers(1, media.length_bytes - first))
    assert read_media(media, first, length, here.ports) == mono[first : first + length]
    offset = 44 + 2 * (media.channel or 0)
    assert mono[44:46] == blob.data[offset : offset + 2]
    assert len(mono) == 44 + (len(blob.data) - 44) // 5


def test_a_speaker_is_named_in_the_evidence_and_has_another_etag() -> None:
    """Solo is another part than all."""
    here = archived(wav(1000, 2))
    media, whole = found(here, channel=1), found(here)
    assert media.etag != whole.etag
    note_listening(media, 0, 10, ANN, here.ports)
    assert heard(here) == [(ANN, "chunk 0 channel 1, 0-1 s")]


@pytest.mark.parametrize("channel", [1, 5, 99])
def test_a_channel_that_is_not_there_is_refused(channel: int) -> None:
    """Mono media has channel 0 only."""
    with pytest.raises(RequestError) as refused:
        found(archived(wav()), channel=channel)
    assert refused.value.code == "no_such_channel"


@pytest.mark.parametrize(("index", "document"), [(1, None), (0, "another")])
def test_a_chunk_that_is_not_known_is_told(index: int, document: str | None) -> None:
    """404, whoever asks."""
    with pytest.raises(RequestError) as refused:
        found(archived(wav()), index=index, document_id=document)
    assert refused.value.code == "chunk_not_found"


@pytest.mark.parametrize("state", [s for s in ChunkState if s not in (ChunkState.CATALOGED, ChunkState.SOURCE_DELETED)])
def test_what_is_not_archived_cannot_be_heard(state: ChunkState) -> None:
    """Bytes that are not proven, or that failed, are not the recording."""
    here = world()
    here.fakes.catalog.add_chunk(record(state))
    with pytest.raises(RequestError) as refused:
        found(here)
    assert refused.value.code == "not_archived"


def test_of_two_files_with_one_index_the_archived_one_is_played_unless_asked_otherwise() -> None:
    """A conflict leaves a second document under the same index."""
    here = archived(wav())
    other = "0-weu-d7-" + "a" * 32
    here.announces(event(chunk(0, other), id="event-2"))
    assert found(here).chunk.task.document_id != other
    with pytest.raises(RequestError) as refused:
        found(here, document_id=other)
    assert refused.value.code == "not_archived"


def test_media_in_the_archive_tier_and_media_that_was_disposed_of_say_so() -> None:
    """Two other answers than "try again"."""
    here = archived(wav())
    media = found(here)
    here.fakes.archive.tiers[media.chunk.blob_name or ""] = "Archive"
    with pytest.raises(RequestError) as refused:
        read_media(media, 0, 10, here.ports)
    assert refused.value.code == "media_offline"
    here.fakes.catalog.save_chunk(changed(here.record(), disposed_at=here.now, disposed_why="a rule"))
    with pytest.raises(RequestError) as gone:
        found(here)
    assert gone.value.code == "media_disposed"


def test_bytes_that_are_not_the_cataloged_ones_are_not_served() -> None:
    """A blob of another length is somebody else's."""
    here = archived(wav())
    media = found(here)
    name = media.chunk.blob_name or ""
    blob = here.fakes.archive.blobs[name]
    here.fakes.archive.blobs[name] = replace(blob, data=blob.data + b"more")
    with pytest.raises(StorageError, match="verify"):
        read_media(media, 0, 10, here.ports)


def test_media_in_the_customers_own_storage_is_read_there() -> None:
    """It was never copied; and one that is gone says so."""
    here, data = world(), wav()
    location = f"{CONTAINER}/20261123/call/0-audio.wav"
    outside = task(content_location=location, home=Home.EXTERNAL)
    here.fakes.external.objects[location] = data
    known = record(ChunkState.CATALOGED)
    here.fakes.catalog.add_chunk(changed(known, task=outside, length_bytes=len(data)))
    media = found(here)
    assert read_media(media, 10, 20, here.ports) == data[10:30]
    del here.fakes.external.objects[location]
    with pytest.raises(RequestError) as refused:
        read_media(media, 10, 20, here.ports)
    assert refused.value.code == "media_offline"


def test_media_that_is_only_in_the_second_destination_is_read_there() -> None:
    """While the archive refuses, people may still listen."""
    here, data = world(), wav()
    fallback = FakeArchive()
    fallback.put_media("there.wav", memoryview(data), "audio/wav", {})
    ports = here.fakes.ports
    object.__setattr__(ports, "fallback", fallback)
    kept = FallbackCopy(blob_name="there.wav", length_bytes=len(data), sha256="ab", kept_at=here.now)
    here.fakes.catalog.add_chunk(changed(record(ChunkState.PENDING), fallback=kept, length_bytes=len(data)))
    media = find_media(RECORDING_ID, 0, None, None, ports)
    assert read_media(media, 0, 44, ports) == data[:44]


def test_the_name_to_keep_it_under_names_nobody() -> None:
    """It ends up in folders of downloads."""
    assert found(archived(wav())).file_name.startswith("2026-11-23 08-56 ")


def test_memory_forgets_in_time_and_in_number() -> None:
    """A process that lives for weeks must not grow."""
    here = archived(wav())
    memory, now = here.ports.memory, here.now
    for number in range(20_000):
        memory.put(number, True, now + timedelta(minutes=1))
    assert memory.get(0, now) is None
    assert memory.get(19_999, now) is True
    assert memory.get(19_999, now + timedelta(minutes=1)) is None
    assert MOST_BYTES == 4 * 1024 * 1024


@pytest.mark.parametrize("index", [0, 1])
def test_a_chunk_whose_row_cannot_be_read_is_not_called_unknown(index: int) -> None:
    """It may be there to be heard; of another index that is known to be absent it is said so."""
    here = archived(wav(1000))
    here.fakes.catalog.unreadable = set(here.fakes.catalog.chunks)
    with pytest.raises(StorageError if index == 0 else RequestError) as caught:
        found(here, index=index)
    assert caught.value.code == (Code.UNREADABLE_RECORD if index == 0 else Code.CHUNK_NOT_FOUND)
