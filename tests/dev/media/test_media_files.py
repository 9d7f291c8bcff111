"""Every rendered file opens as what ACS would have delivered, and lasts as long as it says."""

import hashlib
import itertools
import time
import tracemalloc
from dataclasses import replace
from fractions import Fraction
from pathlib import Path
from typing import get_args

import av
import numpy as np
import pytest

from dev.media import MediaSpec, RenderedMedia, UnsupportedMediaError, render, wav_length_bytes
from dev.media.spec import Channel, Content, Format

PEOPLE = ("Ada Lovelace", "Zoë Müller", "李明", "Grace Hopper", "Alan Turing", "Six", "Seven", "Eight", "Nine", "Ten")
VIDEO = MediaSpec("audioVideo", "mixed", "mp4", 2345, PEOPLE, "Weekly sync, chunk 0", seed=1)
MP3 = MediaSpec("audio", "mixed", "mp3", 61_234, PEOPLE[:3], "Stand-up, chunk 1", seed=2)
WAV = MediaSpec("audio", "mixed", "wav", 1501, PEOPLE[:2], seed=3)
UNMIXED = MediaSpec("audio", "unmixed", "wav", 12_345, PEOPLE[:5], seed=4)
FRAME_MS = {"mp4": 1000 / 16, "mp3": 576 / 16, "wav": 1 / 16}


@pytest.fixture(scope="module")
def video(tmp_path_factory: pytest.TempPathFactory) -> RenderedMedia:
    return render(VIDEO, tmp_path_factory.mktemp("media") / "call.mp4")


@pytest.mark.parametrize("spec", [VIDEO, replace(VIDEO, duration_ms=1, participants=()), MP3, WAV, UNMIXED], ids=repr)
def test_a_file_plays_for_the_recorded_time_within_one_frame(spec: MediaSpec, tmp_path: Path) -> None:
    """Verification compares the file's duration with the metadata; the simulator must not be the one that is wrong."""
    media = render(spec, tmp_path / "chunk")
    with av.open(str(media.path)) as container:
        assert container.duration is not None
        assert abs(container.duration / 1000 - spec.duration_ms) <= FRAME_MS[spec.format]


@pytest.mark.parametrize("spec", [MP3, WAV, UNMIXED], ids=repr)
def test_the_last_sample_decodes(spec: MediaSpec, tmp_path: Path) -> None:
    """A header can promise anything; the sound itself has to be there to the end."""
    media = render(spec, tmp_path / "chunk")
    with av.open(str(media.path)) as container:
        decoded = sum(frame.samples for frame in container.decode(audio=0))
    assert abs(decoded - spec.samples) <= 576


def test_video_is_full_hd_h264_at_16_frames_with_mono_aac(video: RenderedMedia) -> None:
    """The shape in today's documentation; the media check of the archive looks for it."""
    with av.open(str(video.path)) as container:
        picture, sound = container.streams.video[0], container.streams.audio[0]
        assert (picture.codec_context.name, picture.width, picture.height) == ("h264", 1920, 1080)
        assert picture.average_rate == Fraction(16)
        assert picture.frames == 38
        assert (sound.codec_context.name, sound.sample_rate, sound.channels) == ("aac", 16_000, 1)


def test_video_shows_something_that_moves(video: RenderedMedia) -> None:
    """A frozen or black picture is a reported production fault, so the normal case must not look like one."""
    with av.open(str(video.path)) as container:
        pictures = [frame.to_ndarray(format="gray") for frame in container.decode(video=0)]
    tiles = [picture[84:].astype(int) for picture in pictures]
    assert tiles[0].std() > 10
    assert np.abs(tiles[0] - tiles[-1]).max() > 100
    assert np.abs(pictures[0][:84].astype(int) - pictures[-1][:84]).max() > 100
    assert len(pictures) == 38


def test_video_stays_below_the_documented_bit_rate(tmp_path: Path) -> None:
    """ACS promises at most 7.5 MB a minute; a plausibility check may rely on it."""
    media = render(replace(VIDEO, duration_ms=8000), tmp_path / "call.mp4")
    assert media.length_bytes < 8 * 1_000_000 / 8  # seconds times bits a second


def test_a_quarter_minute_of_video_renders_quickly(tmp_path: Path) -> None:
    """The demo makes its media on the spot; about two seconds of one core, and a wide margin for a busy machine."""
    started = time.process_time()
    render(replace(VIDEO, duration_ms=15_000), tmp_path / "call.mp4")
    assert time.process_time() - started < 6


def test_mp3_is_mono_16_khz_at_48_kbit(tmp_path: Path) -> None:
    """0.36 MB a minute, as documented."""
    media = render(MP3, tmp_path / "call.mp3")
    with av.open(str(media.path)) as container:
        sound = container.streams.audio[0]
        assert (container.format.name, sound.sample_rate, sound.channels) == ("mp3", 16_000, 1)
    assert media.length_bytes == pytest.approx(MP3.duration_ms * 6, rel=0.02)


@pytest.mark.parametrize("spec", [WAV, UNMIXED, replace(WAV, duration_ms=1)], ids=repr)
def test_the_length_of_a_wav_follows_from_its_duration_exactly(spec: MediaSpec, tmp_path: Path) -> None:
    """256 kbit/s a channel: the one format whose length proves completeness."""
    media = render(spec, tmp_path / "call.wav")
    assert media.length_bytes == 44 + 32 * spec.duration_ms * spec.channels
    assert media.length_bytes == wav_length_bytes(spec.duration_ms, spec.channels) == media.path.stat().st_size
    with av.open(str(media.path)) as container:
        sound = container.streams.audio[0]
        assert (sound.codec_context.name, sound.sample_rate, sound.channels) == ("pcm_s16le", 16_000, spec.channels)


def test_the_result_tells_the_truth_about_the_file(tmp_path: Path) -> None:
    """Scenarios compare the archive with these facts."""
    media = render(UNMIXED, tmp_path / "call.wav")
    assert media.sha256 == hashlib.sha256(media.path.read_bytes()).hexdigest()
    assert (media.duration_ms, media.channels, media.sample_rate) == (12_345, 5, 16_000)


@pytest.mark.parametrize("spec", [replace(VIDEO, duration_ms=500), MP3, WAV, UNMIXED], ids=repr)
def test_one_spec_gives_the_same_bytes_and_another_seed_gives_others(spec: MediaSpec, tmp_path: Path) -> None:
    """Same key with other content is quarantined: chunks must differ, and a re-made chunk must not."""
    first, again = render(spec, tmp_path / "a"), render(spec, tmp_path / "b")
    other = render(replace(spec, seed=spec.seed + 1), tmp_path / "c")
    assert first.sha256 == again.sha256
    assert first.sha256 != other.sha256


def test_a_large_wav_is_written_with_flat_memory_and_in_no_time(tmp_path: Path) -> None:
    """Gigabyte chunks are the case that matters for the archive; making them must not be the bottleneck."""
    spec = replace(UNMIXED, duration_ms=50 * 2**20 // 160)
    tracemalloc.start()
    started = time.process_time()
    try:
        media = render(spec, tmp_path / "large.wav")
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert media.length_bytes > 50 * 10**6
    assert peak < 50 * 2**20
    assert time.process_time() - started < 5


def test_only_what_acs_documents_can_be_asked_for() -> None:
    """The simulator refuses the other combinations, and takes that answer from here."""
    everything = itertools.product(get_args(Content), get_args(Channel), get_args(Format))
    legal = {combination for combination in everything if _is_legal(*combination)}
    assert legal == {
        ("audioVideo", "mixed", "mp4"),
        ("audio", "mixed", "mp3"),
        ("audio", "mixed", "wav"),
        ("audio", "unmixed", "wav"),
    }


@pytest.mark.parametrize("people", [(), PEOPLE[:6]])
def test_unmixed_audio_has_one_to_five_channels(people: tuple[str, ...]) -> None:
    """A documented limit."""
    with pytest.raises(UnsupportedMediaError, match="1 to 5"):
        MediaSpec("audio", "unmixed", "wav", 1000, people)


def test_a_recording_has_a_length() -> None:
    """A zero-byte file is a fault to script, not a recording."""
    with pytest.raises(UnsupportedMediaError, match="millisecond"):
        MediaSpec("audio", "mixed", "mp3", 0)


def test_a_wav_that_outgrows_its_header_is_refused(tmp_path: Path) -> None:
    """Its 32-bit length would wrap round and the file would lie."""
    with pytest.raises(UnsupportedMediaError, match="cannot hold"):
        render(replace(UNMIXED, duration_ms=2**32 // 160 + 1), tmp_path / "huge.wav")
    assert not (tmp_path / "huge.wav").exists()


def _is_legal(content: Content, channel: Channel, file_format: Format) -> bool:
    try:
        MediaSpec(content, channel, file_format, 1000, ("Ada",))
    except UnsupportedMediaError:
        return False
    return True
