"""What is odd about media and no fault is archived, and told in receipt, manifest and answer."""

import struct

import pytest

from dev.in_memory.builders import RECORDING_ID, event, metadata, mp3, mp4, task, wav
from dev.in_memory.world import world
from recording.control.recordings import get_recording
from recording.domain.archived.integrity import REMARK_NO_LENGTH, REMARK_PROMISE
from recording.domain.formats import FormatType
from recording.domain.media.wav import REMARK_BYTES_AFTER, REMARK_RIFF_SIZE
from recording.domain.state.chunk import ChunkState
from recording.errors import StorageBusyError


def test_a_remark_is_in_every_paper_and_in_the_answer() -> None:
    """A person who finds the file odd years later must see that it was seen."""
    here = world()
    here.holds(task(), wav() + bytes(16))
    here.announces(event(data={"recordingFormatType": "Wav"}))
    here.runs(hours=1)
    assert here.state() is ChunkState.SOURCE_DELETED
    answer = get_recording(RECORDING_ID, here.ports, here.settings)["chunks"][0]
    for told in (here.record().remarks, here.receipt()["remarks"], here.manifest()["chunks"][0]["remarks"]):
        assert list(told) == answer["remarks"] == [REMARK_BYTES_AFTER, REMARK_RIFF_SIZE]


@pytest.mark.parametrize("is_read_back", [True, False])
def test_a_copy_that_another_worker_finished_is_described_as_any_other(is_read_back: bool) -> None:
    """The worker that committed the bytes died with what it knew of them; the next one looks at them itself."""
    described = []
    for lost_answers in (0, 1):
        here = world(verify_readback=is_read_back)
        here.holds(task(), wav() + bytes(16))
        here.fakes.archive.fail_next("put_media", StorageBusyError("lost"), times=lost_answers, after=True)
        here.fakes.queue.send(task())
        here.runs(hours=1)
        receipt = here.receipt()
        described.append({name: receipt[name] for name in ("container", "channels", "durationMs", "remarks")})
    assert described[0] == described[1]
    assert described[1]["remarks"] == [REMARK_BYTES_AFTER, REMARK_RIFF_SIZE]


def test_ordinary_media_has_no_remark() -> None:
    """A remark on everything would be read by nobody."""
    here = world()
    here.holds(task())
    here.works(task())
    receipt = here.receipt()
    assert receipt["remarks"] == []
    assert (receipt["container"], receipt["channels"], receipt["sampleRate"]) == ("RIFF", 1, 16_000)


def test_the_receipt_says_that_no_length_was_compared() -> None:
    """A receipt must not let a reader believe in a comparison that was not made."""
    here, chunk = world(), task(format=FormatType.MP4)
    here.holds(chunk, mp4(0))
    here.works(chunk)
    assert REMARK_NO_LENGTH in here.receipt()["remarks"]
    assert not any("agrees" in proof for proof in here.receipt()["verifiedHow"])


@pytest.mark.parametrize(("told_ms", "is_archived"), [(2_000, True), (20_000, False)])
def test_a_header_that_promises_too_much_counts_as_the_metadata_judges(told_ms: int, is_archived: bool) -> None:
    """The metadata tells a size that was never filled in from a file that was cut."""
    sound = struct.pack("<I", 20 * 32_000)
    media = wav()[:4] + sound + wav()[8:40] + sound + wav()[44:]
    here, chunk = world(), task(recording_duration_ms=20_000)
    here.holds(chunk, media, metadata(chunkDuration=told_ms))
    here.works(chunk)
    assert (here.state() is ChunkState.SOURCE_DELETED) is is_archived
    assert not is_archived or REMARK_PROMISE in here.receipt()["remarks"]
    assert (chunk.content_location in here.source.objects) is not is_archived


def test_bytes_of_another_format_than_announced_are_named_after_what_they_are() -> None:
    """A player chooses by the extension; the announcement stays a remark."""
    here, chunk = world(), task(format=FormatType.WAV)
    here.holds(chunk, mp3())
    here.works(chunk)
    assert here.state() is ChunkState.SOURCE_DELETED
    assert (here.record().blob_name or "").endswith(".mp3")
    assert "the event says wav, the bytes are mp3" in here.receipt()["remarks"]
