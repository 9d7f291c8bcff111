"""Turns a spec into a file that opens and plays, and says what is true of that file."""

import hashlib
import struct
from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path

import av
from av.audio.stream import AudioStream
from av.container import OutputContainer
from av.video.stream import VideoStream

from dev.media.picture import frames
from dev.media.sound import Samples, sound
from dev.media.spec import (
    FRAMES_PER_SECOND,
    HEIGHT,
    MP3_BITS_PER_SECOND,
    SAMPLE_RATE_HZ,
    WAV_HEADER_BYTES,
    WIDTH,
    MediaSpec,
    UnsupportedMediaError,
    wav_length_bytes,
)

X264_OPTIONS = {
    "preset": "ultrafast",
    "crf": "26",
    "maxrate": "1M",  # the documented ceiling for ACS video
    "bufsize": "2M",
    "g": str(FRAMES_PER_SECOND * 10),
    "threads": "1",  # the same bytes on every machine, and one core left for everybody else
}
AAC_BITS_PER_SECOND = 64_000
LARGEST_WAV_BYTES = 2**32 - 1
"""RIFF lengths are 32-bit; a four-hour chunk with five channels is 2.3 GB."""


@dataclass(frozen=True)
class RenderedMedia:
    """What is true of a written file; `duration_ms` is the recorded time that was asked for."""

    path: Path
    length_bytes: int
    sha256: str
    duration_ms: int
    channels: int
    sample_rate: int


def render(spec: MediaSpec, path: Path) -> RenderedMedia:
    """Write the media that `spec` describes, replacing what is at `path`.

    The same spec gives the same bytes with the same library versions. Memory stays flat however long the recording is.

    Raises:
        UnsupportedMediaError: A WAV file would not fit its 32-bit length fields.
        OSError: The file cannot be written.
    """
    _WRITERS[spec.format](spec, path)
    with path.open("rb") as file:
        sha256 = hashlib.file_digest(file, "sha256").hexdigest()
    return RenderedMedia(path, path.stat().st_size, sha256, spec.duration_ms, spec.channels, SAMPLE_RATE_HZ)


def _write_wav(spec: MediaSpec, path: Path) -> None:
    header = _wav_header(spec)
    with path.open("wb") as file:
        file.write(header)
        for block in sound(spec):
            file.write(block.data)


def _wav_header(spec: MediaSpec) -> bytes:
    length, frame = wav_length_bytes(spec.duration_ms, spec.channels), spec.channels * 2
    if length > LARGEST_WAV_BYTES:
        raise UnsupportedMediaError(f"a WAV file cannot hold {length} bytes")
    pcm = struct.pack("<HHIIHH", 1, spec.channels, SAMPLE_RATE_HZ, SAMPLE_RATE_HZ * frame, frame, 16)
    riff = b"RIFF" + struct.pack("<I", length - 8) + b"WAVE"
    return riff + b"fmt " + struct.pack("<I", len(pcm)) + pcm + b"data" + struct.pack("<I", length - WAV_HEADER_BYTES)


def _write_mp3(spec: MediaSpec, path: Path) -> None:
    with av.open(str(path), "w", format="mp3") as container:
        container.metadata["title"] = spec.title
        audio = container.add_stream("libmp3lame", rate=SAMPLE_RATE_HZ, layout="mono")
        audio.bit_rate = MP3_BITS_PER_SECOND
        for frame in _audio_frames(spec):
            container.mux(audio.encode(frame))
        container.mux(audio.encode(None))


def _write_mp4(spec: MediaSpec, path: Path) -> None:
    with av.open(str(path), "w", format="mp4") as container:
        container.metadata["title"] = spec.title
        video = container.add_stream("libx264", rate=FRAMES_PER_SECOND, options=X264_OPTIONS)
        video.width, video.height, video.pix_fmt = WIDTH, HEIGHT, "yuv420p"
        audio = container.add_stream("aac", rate=SAMPLE_RATE_HZ, layout="mono")
        audio.bit_rate = AAC_BITS_PER_SECOND
        _encode_side_by_side(container, video, audio, spec)


def _encode_side_by_side(container: OutputContainer, video: VideoStream, audio: AudioStream, spec: MediaSpec) -> None:
    """Alternate a second of sound and a second of picture, so that neither waits in memory for the other."""
    pictures = _video_frames(spec)
    for sound_frame in _audio_frames(spec):
        container.mux(audio.encode(sound_frame))
        for _, picture in zip(range(FRAMES_PER_SECOND), pictures, strict=False):
            container.mux(video.encode(picture))
    container.mux(audio.encode(None))
    container.mux(video.encode(None))


def _video_frames(spec: MediaSpec) -> Iterator[av.VideoFrame]:
    for number, frame in enumerate(frames(spec)):
        frame.pts, frame.time_base = number, Fraction(1, FRAMES_PER_SECOND)
        yield frame


def _audio_frames(spec: MediaSpec) -> Iterator[av.AudioFrame]:
    position = 0
    for block in sound(spec):
        yield _audio_frame(block, position)
        position += len(block)


def _audio_frame(block: Samples, position: int) -> av.AudioFrame:
    frame = av.AudioFrame.from_ndarray(block.reshape(1, -1), format="s16", layout="mono")
    frame.sample_rate, frame.pts, frame.time_base = SAMPLE_RATE_HZ, position, Fraction(1, SAMPLE_RATE_HZ)
    return frame


_WRITERS = {"wav": _write_wav, "mp3": _write_mp3, "mp4": _write_mp4}
