"""WAV files are written anew: one header before the samples of many, read back by other people's readers."""

import io
import struct
import wave
from pathlib import Path

import av
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from recording.domain.media import wav_layout
from recording.domain.media.facts import MediaFacts
from recording.domain.media.probe import MediaProbe
from recording.domain.media.wav_layout import (
    HEAD_BYTES,
    WavLayout,
    channel_of,
    find_wav_layout,
    in_windows,
    one_channel,
    read_wav_layout,
    wav_header,
    wav_padding,
)

INTEGERS, FLOATS, A_LAW, MU_LAW = 1, 3, 6, 7
WIDTHS = {INTEGERS: (1, 2, 3, 4), FLOATS: (4, 8), A_LAW: (1,), MU_LAW: (1,)}
GUID = bytes.fromhex("000000001000800000aa00389b71")
NEVER_FILLED_IN = 0xFFFFFFFF


def part(name: bytes, content: bytes, *, is_padded: bool = True) -> bytes:
    return name + struct.pack("<I", len(content)) + content + bytes(len(content) & is_padded)


@st.composite
def files(draw: st.DrawFn) -> tuple[list[bytes], list[bytes], int, int]:
    """Draw files of one form as different writers leave them; returns them, their sounds, width and channels."""
    kind = draw(st.sampled_from(sorted(WIDTHS)))
    width, channels = draw(st.sampled_from(WIDTHS[kind])), draw(st.integers(1, 5))
    rate, frame = draw(st.sampled_from((8000, 16_000, 48_000))), width * channels
    is_extensible = draw(st.booleans())
    made, sounds = [], []
    for _ in range(draw(st.integers(1, 4))):
        byte_rate = draw(st.sampled_from((rate * frame, 0, 7)))
        form = struct.pack("<HHIIHH", 0xFFFE if is_extensible else kind, channels, rate, byte_rate, frame, width * 8)
        if is_extensible:
            form += struct.pack("<HHIH", 22, width * 8, 0, kind) + GUID
        before = [part(b"fmt ", form)]
        for name in draw(st.lists(st.sampled_from((b"LIST", b"JUNK", b"bext")), max_size=3)):
            odd = part(name, bytes(draw(st.integers(0, 300))), is_padded=draw(st.booleans()))
            before.insert(draw(st.integers(0, len(before))), odd)
        sound = draw(st.binary(min_size=0, max_size=40).map(lambda data: data * 3))
        scraps = len(sound) % frame
        is_filled_in = draw(st.booleans())
        size = len(sound) if is_filled_in else NEVER_FILLED_IN
        after = part(b"LIST", b"INFO") if is_filled_in and not len(sound) & 1 and draw(st.booleans()) else b""
        body = b"".join(before) + b"data" + struct.pack("<I", size if sound else 0) + sound + (after if sound else b"")
        riff = draw(st.sampled_from((len(body) + 4, 0, NEVER_FILLED_IN, 36)))
        made.append(b"RIFF" + struct.pack("<I", riff) + b"WAVE" + body)
        sounds.append(sound[: len(sound) - scraps])
    return made, sounds, width, channels


def joined(made: list[bytes]) -> bytes:
    layouts = [read_wav_layout(data, len(data)) for data in made]
    frames = sum(layout.frames for layout in layouts)
    sound = b"".join(
        data[layout.sound_at :][: layout.frames * layout.frame_bytes]
        for data, layout in zip(made, layouts, strict=True)
    )
    return wav_header(layouts[0], frames) + sound + wav_padding(layouts[0], frames)


@given(files())
def test_every_form_is_joined_sample_by_sample(drawn: tuple[list[bytes], list[bytes], int, int]) -> None:
    """Whatever stood before, between and behind the sounds, one header is before all of them."""
    made, sounds, width, channels = drawn
    whole, sound = joined(made), b"".join(sounds)
    layout = read_wav_layout(whole, len(whole))
    assert whole[layout.sound_at :][: layout.sound_bytes] == sound
    assert (layout.sample_bytes, layout.channels) == (width, channels)
    assert int.from_bytes(whole[4:8], "little") == len(whole) - 8
    assert len(whole) % 2 == 0
    if sound:
        facts = probed(whole)
        assert (facts.fault, facts.remarks, facts.channels) == (None, (), channels)


def probed(data: bytes) -> MediaFacts:
    probe = MediaProbe(None)
    probe.feed(data)
    return probe.finish()


@given(files(), st.data())
def test_every_channel_is_a_file_of_its_own(
    drawn: tuple[list[bytes], list[bytes], int, int], data: st.DataObject
) -> None:
    """A sample of it is where the whole has it."""
    made, sounds, width, channels = drawn
    layout = read_wav_layout(made[0], len(made[0]))
    channel = data.draw(st.integers(0, channels - 1))
    mono = one_channel(layout)
    taken = channel_of(sounds[0], layout, channel)
    file = wav_header(mono, layout.frames) + taken + wav_padding(mono, layout.frames)
    found = read_wav_layout(file, len(file))
    assert (found.channels, found.frames, found.sample_bytes) == (1, layout.frames, width)
    expected = [sounds[0][at + channel * width :][:width] for at in range(0, len(sounds[0]), width * channels)]
    assert file[found.sound_at :][: found.sound_bytes] == b"".join(expected)


@pytest.mark.parametrize("width", [1, 2, 3, 4])
def test_pythons_reader_gives_the_same_samples(width: int) -> None:
    """It knows integers of every width, and nothing of ours."""
    made = []
    for number in range(3):
        with io.BytesIO() as file:
            with wave.open(file, "wb") as writer:
                writer.setnchannels(3)
                writer.setsampwidth(width)
                writer.setframerate(16_000)
                writer.writeframes(bytes((number * 50 + at) % 256 for at in range(3 * width * 101)))
            made.append(file.getvalue())
    with wave.open(io.BytesIO(joined(made))) as reader:
        assert (reader.getnchannels(), reader.getsampwidth(), reader.getnframes()) == (3, width, 303)
        found = reader.readframes(400)
    expected = b""
    for data in made:
        with wave.open(io.BytesIO(data)) as reader:
            expected += reader.readframes(400)
    assert found == expected


def decoded(path: Path) -> "np.ndarray[tuple[int, ...], np.dtype[np.generic]]":
    with av.open(str(path), "r") as opened:
        return np.concatenate([frame.to_ndarray() for frame in opened.decode(audio=0)], axis=1)


@pytest.mark.parametrize(
    "codec", ["pcm_u8", "pcm_s16le", "pcm_s24le", "pcm_s32le", "pcm_f32le", "pcm_alaw", "pcm_mulaw"]
)
@pytest.mark.parametrize("layout", ["mono", "stereo", "5.0"])
def test_a_decoder_gives_the_same_samples(codec: str, layout: str, tmp_path: Path) -> None:
    """FFmpeg writes the chunks and reads the joined file; a tone that goes on over the joint has no click in it."""
    rate, channels = 16_000, {"mono": 1, "stereo": 2, "5.0": 5}[layout]
    time = np.arange(3000) / rate
    tones = np.stack([0.5 * np.sin(2 * np.pi * (200 + 50 * number) * time) for number in range(channels)])
    made = []
    for number, piece in enumerate(np.split(tones, [999, 2001], axis=1)):
        path = tmp_path / f"{number}.wav"
        with av.open(str(path), "w", format="wav") as output:
            stream = output.add_stream(codec, rate=rate, layout=layout)
            assert isinstance(stream, av.AudioStream)
            frame = av.AudioFrame.from_ndarray(piece.astype(np.float32), format="fltp", layout=layout)
            frame.sample_rate = rate
            for packet in [*stream.encode(frame), *stream.encode(None)]:
                output.mux(packet)
        made.append(path)
    whole = tmp_path / "joined.wav"
    whole.write_bytes(joined([path.read_bytes() for path in made]))
    found = decoded(whole)
    assert np.array_equal(found, np.concatenate([decoded(path) for path in made], axis=1))
    assert found.size == 3000 * channels


@pytest.mark.parametrize("frames", [0x7FFFFFE9, 0x7FFFFFEA, 0x7FFFFFEB, 3_000_000_000])
def test_a_file_beyond_4_gib_has_the_form_for_large_files(frames: int) -> None:
    """Both forms are read back, on each side of the largest size that 32 bits hold."""
    layout = WavLayout(44, 0, 1, 1, 16_000, 2, struct.pack("<HHIIHH", 1, 1, 16_000, 32_000, 2, 16))
    header = wav_header(layout, frames)
    total = len(header) + frames * 2
    found = read_wav_layout(header, total)
    assert (found.sound_at, found.frames) == (len(header), frames)
    is_large = total - 8 > wav_layout.LARGEST_RIFF
    assert header[:4] == (b"RF64" if is_large else b"RIFF")
    told = int.from_bytes(header[20:28] if is_large else header[4:8], "little")
    assert told == total - 8


@pytest.mark.parametrize("kind", [1, 3])
def test_the_form_for_large_files_is_decoded(kind: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """FFmpeg reads it; the limit is made small, the file stays."""
    monkeypatch.setattr(wav_layout, "LARGEST_RIFF", 100)
    samples = np.arange(2000, dtype="<i2" if kind == 1 else "<f4")
    width = samples.itemsize
    form = struct.pack("<HHIIHH", kind, 2, 8000, 16_000 * width, 2 * width, 8 * width)
    layout = WavLayout(0, len(samples) * width, kind, 2, 8000, 2 * width, form)
    path = tmp_path / "large.wav"
    path.write_bytes(wav_header(layout, 1000) + samples.tobytes())
    assert path.read_bytes()[:4] == b"RF64"
    assert np.array_equal(decoded(path).ravel(), samples)


@given(st.integers(0, 200_000), st.integers(1, 20))
def test_sound_that_begins_late_is_found(before: int, chunks: int) -> None:
    """Some writers put a picture or a whole description before the sound; reads stay few."""
    junk = b"".join(part(b"JUNK", bytes(before // chunks)) for _ in range(chunks))
    form = part(b"fmt ", struct.pack("<HHIIHH", 1, 1, 8000, 16_000, 2, 16))
    data = b"RIFF\0\0\0\0WAVE" + junk + form + part(b"data", b"12345678")
    reads = []

    def read(first: int, length: int) -> bytes:
        reads.append((first, length))
        return data[first : first + length]

    layout = find_wav_layout(in_windows(read, len(data)), len(data))
    assert data[layout.sound_at :] == b"12345678"
    assert len(reads) <= 2 + len(data) // HEAD_BYTES * 2
