"""The layout of WAV files: where the sound is in every form, and one channel taken out of all."""

import struct
from array import array

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dev.in_memory.builders import wav
from recording.domain.media.wav_layout import WavLayout, channel_of, mono_header, read_wav_layout


def part(name: bytes, content: bytes) -> bytes:
    return name + struct.pack("<I", len(content)) + content + bytes(len(content) & 1)


def form(channels: int = 2, rate: int = 8000, bits: int = 16, kind: int = 1) -> bytes:
    frame = channels * bits // 8
    return struct.pack("<HHIIHH", kind, channels, rate, rate * frame, frame, bits)


def test_the_form_of_acs_is_read() -> None:
    """16 kHz, 16 bits, one to five channels."""
    data = wav(1000, 5)
    layout = read_wav_layout(data, len(data))
    assert layout == WavLayout(44, len(data) - 44, 1, 5, 16_000, 10, form=data[20:36])
    assert (layout.frames, layout.seconds, layout.sample_bytes) == (16_000, 1.0, 2)


def test_chunks_before_the_sound_are_stepped_over() -> None:
    """Also those of odd length."""
    head = b"RIFF\0\0\0\0WAVE" + part(b"LIST", b"odd") + part(b"fmt ", form()) + part(b"JUNK", bytes(1000))
    data = head + part(b"data", b"12345678")
    layout = read_wav_layout(data, len(data))
    assert data[layout.sound_at : layout.sound_at + layout.sound_bytes] == b"12345678"


@pytest.mark.parametrize("declared", [0, 0xFFFFFFFF, 500])
def test_a_size_that_is_not_there_ends_at_the_file(declared: int) -> None:
    """Writers leave it open, and files are cut."""
    head = b"RIFF\0\0\0\0WAVE" + part(b"fmt ", form()) + b"data" + struct.pack("<I", declared)
    assert read_wav_layout(head + bytes(80), len(head) + 80).sound_bytes == 80


def test_the_large_form_has_its_size_elsewhere() -> None:
    """Four hours of five channels still fit in 32 bits; joined files do not."""
    large = part(b"ds64", struct.pack("<QQQI", 0, 5_000_000_000, 0, 0))
    head = b"RF64\xff\xff\xff\xffWAVE" + large + part(b"fmt ", form()) + b"data\xff\xff\xff\xff"
    assert read_wav_layout(head, len(head) + 6_000_000_000).sound_bytes == 5_000_000_000


@pytest.mark.parametrize("form_of_file", [b"RF64", b"BW64"])
@pytest.mark.parametrize("written", [0, 12, 0xFFFFFFFF])
def test_the_size_of_the_large_form_counts_whatever_stands_at_the_sound(form_of_file: bytes, written: int) -> None:
    """As for the media check and for players; what lies behind the sound is none."""
    large = part(b"ds64", struct.pack("<QQQI", 0, 40, 0, 0))
    head = form_of_file + b"\xff\xff\xff\xffWAVE" + large + part(b"fmt ", form())
    data = head + b"data" + struct.pack("<I", written) + bytes(40) + part(b"LIST", bytes(200))
    assert read_wav_layout(data, len(data)).sound_bytes == 40


def test_a_plain_file_has_its_size_at_the_sound_alone() -> None:
    """Players read the other size only in the large form."""
    head = b"RIFF\0\0\0\0WAVE" + part(b"ds64", struct.pack("<QQQI", 0, 8, 0, 0)) + part(b"fmt ", form())
    data = head + b"data\xff\xff\xff\xff" + bytes(40)
    assert read_wav_layout(data, len(data)).sound_bytes == 40


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"RIFF",
        b"ID3\x04" + bytes(100),
        b"RIFF\0\0\0\0WAVE",
        b"RIFF\0\0\0\0WAVE" + part(b"data", b"12"),
        b"RIFF\0\0\0\0WAVE" + part(b"fmt ", form(channels=0)) + part(b"data", b"12"),
        b"RIFF\0\0\0\0WAVE" + part(b"fmt ", form(bits=0)) + part(b"data", b"12"),
        b"RIFF\0\0\0\0WAVE" + part(b"fmt ", b"short") + part(b"data", b"12"),
    ],
)
def test_what_is_no_wav_file_is_refused(data: bytes) -> None:
    """It is then played as it is, and not drawn."""
    with pytest.raises(ValueError, match="WAV"):
        read_wav_layout(data, len(data))


@given(st.binary(max_size=200))
def test_no_bytes_make_it_fail_otherwise(data: bytes) -> None:
    """Archived media may be anything."""
    try:
        layout = read_wav_layout(b"RIFF\0\0\0\0WAVE" + data, 212)
    except ValueError:
        return
    assert layout.sound_at + layout.sound_bytes <= 212 or layout.sound_bytes == 0


@given(st.integers(1, 5), st.integers(1, 4), st.data())
def test_a_channel_is_each_of_its_samples(channels: int, width: int, data: st.DataObject) -> None:
    """Byte for byte, for every width."""
    frames = data.draw(st.integers(0, 50))
    sound = data.draw(st.binary(min_size=frames * channels * width, max_size=frames * channels * width))
    layout = WavLayout(44, len(sound), 1, channels, 8000, channels * width)
    for channel in range(channels):
        wanted = b"".join(
            sound[at + channel * width : at + (channel + 1) * width] for at in range(0, len(sound), channels * width)
        )
        assert channel_of(sound, layout, channel) == wanted


def test_the_file_of_one_channel_opens_as_one() -> None:
    """Its header is read by the same reader."""
    data = wav(500, 3)
    layout = read_wav_layout(data, len(data))
    mono = mono_header(layout) + channel_of(data[layout.sound_at :], layout, 1)
    assert len(mono) == layout.mono_bytes
    assert read_wav_layout(mono, len(mono)) == WavLayout(44, len(mono) - 44, 1, 1, 16_000, 2, form=mono[20:36])
    assert array("h", mono[44:]).tolist() == [0x0201] * 8000


@pytest.mark.parametrize("frames", [(1 << 31) - 19, (1 << 31) - 18, 1 << 31, 3 << 31])
@pytest.mark.parametrize("channels", [1, 2, 5])
def test_one_channel_beyond_4_gib_has_the_form_for_it(frames: int, channels: int) -> None:
    """A recording of days that was imported as one file is heard by its speakers as well."""
    frame = 2 * channels
    whole = WavLayout(
        44,
        frames * frame,
        1,
        channels,
        16_000,
        frame,
        struct.pack("<HHIIHH", 1, channels, 16_000, 16_000 * frame, frame, 16),
    )
    header = mono_header(whole)
    mono = read_wav_layout(header, whole.mono_bytes)
    assert (mono.channels, mono.frames, mono.sound_at) == (1, frames, len(header))
    assert header[:4] == (b"RIFF" if frames * 2 + 36 <= 0xFFFFFFFE else b"RF64")
