"""Waveforms: made once from the archive, kept beside the media, and no harm to anything when they cannot be kept."""

import json
from typing import Any

import pytest

from dev.in_memory.builders import CONTAINER, RECORDING_ID, event, metadata, mp3, mp4, record, task, wav
from dev.in_memory.canaries import PARTICIPANT, PHONE
from dev.in_memory.world import World, world
from recording.domain.formats import FormatType
from recording.domain.state.chunk import ChunkState, Home
from recording.domain.state.records import changed
from recording.errors import BlobLockedError, RequestError
from recording.library.listening import find_media
from recording.library.waveforms import waveform_of
from recording.operate.drift import compare_recording
from recording.operate.get_recording_files import files_of


def archived(media: bytes, duration_ms: float = 2000, kind: str = "Wav", **document: Any) -> World:
    here = world()
    here.holds(task(), media=media, document=metadata(task(), chunkDuration=duration_ms, **document))
    here.announces(event(data={"recordingDurationMs": duration_ms, "recordingFormatType": kind}))
    here.runs_due()
    here.follows_up()
    return here


def drawn(here: World) -> dict[str, Any]:
    media = find_media(RECORDING_ID, 0, None, None, here.ports)
    return waveform_of(media, here.ports)


def kept(here: World) -> list[str]:
    return [name for name in here.fakes.archive.blobs if name.endswith(".peaks.json")]


def test_a_waveform_is_made_once_and_kept_beside_the_media() -> None:
    """The second listener waits for nothing."""
    here = archived(wav(2000, 2, sample=b"\x00\x40"))
    first = drawn(here)
    assert [len(channel["peaks"]) for channel in first["channels"]] == [40, 40]
    assert set(first["channels"][0]["peaks"]) == {129}
    assert first["bucketSeconds"] == pytest.approx(0.05)
    (name,) = kept(here)
    here.fakes.archive.blobs = {
        blob: content for blob, content in here.fakes.archive.blobs.items() if not blob.endswith(".wav")
    }
    assert drawn(here) == first
    assert json.loads(here.fakes.archive.blobs[name].data)["schema"] == 1


def test_what_is_kept_is_neither_drift_nor_a_file_of_the_recording() -> None:
    """It can be made again from the media at any time."""
    here = archived(wav())
    before = [one.blob_name for one in files_of(RECORDING_ID, here.ports)]
    drawn(here)
    assert compare_recording(RECORDING_ID, here.ports, here.settings).drifts == ()
    assert [one.blob_name for one in files_of(RECORDING_ID, here.ports)] == before


def test_an_archive_that_may_not_be_written_does_not_hinder_looking() -> None:
    """A policy, a hold, a full account."""
    here = archived(wav())
    here.fakes.archive.fail_next("put_once", BlobLockedError("a policy"))
    assert drawn(here)["channels"]
    assert kept(here) == []


@pytest.mark.parametrize("content", [b"", b"{", b"[]", b"7", b'{"schema": 99}', b'{"schema": 1, "sha256": "other"}'])
def test_a_kept_document_of_other_bytes_or_versions_is_not_believed(content: bytes) -> None:
    """It is made anew."""
    here = archived(wav())
    first = drawn(here)
    (name,) = kept(here)
    here.fakes.archive.blobs.pop(name)
    here.fakes.archive.put_once(name, content, "application/json")
    assert drawn(here) == first


def test_mp3_is_estimated_and_says_so() -> None:
    """Nobody should measure by it."""
    here = archived(mp3(56), 56 * 36, "Mp3")
    found = drawn(here)
    assert (len(found["channels"]), found["how"]) == (1, "frame gains")
    assert "estimated" in found["remark"]


def test_mp4_has_none_and_says_so() -> None:
    """The player shows its plain bar."""
    here = archived(mp4(), kind="Mp4")
    found = drawn(here)
    assert (found["channels"], found["bucketSeconds"]) == ([], None)
    assert "video" in found["remark"]
    assert kept(here) == []


def test_each_channel_says_whose_it_is() -> None:
    """By number where there is one, by the hash that find takes in any case; the ids of users name nobody."""
    people = [
        {"participantId": f"4:{PHONE}", "channel": 0},
        {"participantId": PARTICIPANT, "channel": 1},
    ]
    here = archived(wav(2000, 3), participants=people)
    channels = drawn(here)["channels"]
    assert [channel["name"] for channel in channels] == [PHONE, None, None]
    assert [bool(channel["participantRef"]) for channel in channels] == [True, True, False]
    assert PHONE not in here.fakes.archive.blobs[kept(here)[0]].data.decode()


def test_pauses_are_told_at_their_place_in_the_file() -> None:
    """What was cut out takes no time there."""
    pauses = [
        {"startTime": "2026-11-23T08:56:03.1234567Z", "duration": 1000},
        {"startTime": "2026-11-23T08:56:01.1234567Z", "duration": 500},
    ]
    here = archived(wav(2500), 4000, pauseResumeIntervals=pauses)
    assert [(pause["atSeconds"], pause["durationSeconds"]) for pause in drawn(here)["pauses"]] == [
        (1.0, 0.5),
        (2.5, 1.0),
    ]


def test_media_in_the_customers_own_storage_is_drawn_from_there() -> None:
    """Its waveform is kept in the archive, like its receipt."""
    here, data = world(), wav()
    location = f"{CONTAINER}/20261123/call/0-audio.wav"
    outside = task(content_location=location, home=Home.EXTERNAL)
    here.fakes.external.objects[location] = data
    known = changed(record(ChunkState.CATALOGED), task=outside, length_bytes=len(data), format=FormatType.WAV)
    here.fakes.catalog.add_chunk(known)
    assert len(drawn(here)["channels"]) == 1
    assert len(kept(here)) == 1


def test_only_a_few_are_made_at_once() -> None:
    """Each takes a processor; the line needs it more."""
    here = archived(wav())
    for _ in range(2):
        here.ports.memory.heavy.acquire()
    with pytest.raises(RequestError) as refused:
        drawn(here)
    assert (refused.value.code, refused.value.retryable) == ("waveform_busy", True)
    here.ports.memory.heavy.release()
    assert drawn(here)["channels"]
