"""A silent channel: every other bit stays, whatever the width, the pieces and what lies around the sound."""

import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dev.in_memory.builders import mp3, mp4, pieces_of
from recording.domain.media.silence import is_silenced, silenceable, silenced
from recording.domain.media.wav_layout import read_wav_layout


def made(bits: int, channels: int, frames: int, *, large: bool = False, kind: int = 1, tail: bytes = b"") -> bytes:
    width = bits // 8
    sound = bytes((at * 37 + 11) % 256 for at in range(frames * channels * width)) + tail
    form = struct.pack("<HHIIHH", kind, channels, 16_000, 16_000 * channels * width, channels * width, bits)
    more = b"LIST" + struct.pack("<I", 4) + b"abcd"
    size = 0xFFFFFFFF if large else len(sound)
    wide = b"ds64" + struct.pack("<IQQQI", 28, 0, len(sound), frames, 0) if large else b""
    body = b"WAVE" + wide + b"JUNK" + struct.pack("<I", 2) + b"xx" + b"fmt " + struct.pack("<I", 16) + form
    body += b"data" + struct.pack("<I", size) + sound + more
    return (b"RF64" if large else b"RIFF") + struct.pack("<I", 0xFFFFFFFF if large else len(body)) + body


@given(
    bits=st.sampled_from((8, 16, 24, 32)),
    channels=st.integers(1, 5),
    frames=st.integers(1, 60),
    large=st.booleans(),
    cuts=st.lists(st.integers(0, 5000), max_size=6),
    data=st.data(),
)
def test_only_the_channels_asked_for_become_silent(
    *, bits: int, channels: int, frames: int, large: bool, cuts: list[int], data: st.DataObject
) -> None:
    """Compared sample by sample with a reading of the file that shares no code."""
    erased = data.draw(st.sets(st.integers(0, channels - 1), min_size=1))
    whole = made(bits, channels, frames, large=large)
    layout = silenceable(whole, len(whole))
    assert layout is not None
    done = b"".join(silenced(pieces_of(whole, cuts), layout, erased))
    width, quiet = bits // 8, bytes([0x80]) if bits == 8 else bytes(bits // 8)
    first = whole.index(b"data") + 8
    last = first + frames * channels * width
    assert (done[:first], done[last:], len(done)) == (whole[:first], whole[last:], len(whole))
    for at in range(first, last, width):
        wanted = quiet if (at - first) // width % channels in erased else whole[at : at + width]
        assert done[at : at + width] == wanted
    assert is_silenced(pieces_of(whole, cuts), [done], layout, erased)


@given(at=st.integers(0, 10_000), bit=st.integers(0, 7))
def test_one_changed_bit_anywhere_is_noticed(at: int, bit: int) -> None:
    """The proof compares before the old file goes."""
    whole = made(16, 3, 50)
    layout = read_wav_layout(whole, len(whole))
    done = bytearray(b"".join(silenced([whole], layout, {1})))
    done[at % len(done)] ^= 1 << bit
    assert not is_silenced([whole], [bytes(done)], layout, {1})
    assert not is_silenced([whole], [bytes(done)[:-1]], layout, {1})


def test_a_rest_that_is_no_whole_frame_keeps_nothing_of_the_voice() -> None:
    """A file that was cut in the middle of a frame."""
    whole = made(16, 2, 4, tail=b"\x05\x06\x07")
    layout = read_wav_layout(whole, len(whole))
    done = b"".join(silenced([whole], layout, {1}))
    assert done[layout.sound_at + 16 : layout.sound_at + 19] == b"\x05\x06\x00"
    assert is_silenced([whole], [done], layout, {1})


@pytest.mark.parametrize("other", [mp3(), mp4(), b"", b"RIFF", made(8, 2, 4, kind=7)])
def test_what_has_no_channels_to_silence_is_told_apart(other: bytes) -> None:
    """MP3, MP4, compressed WAV, and what is no sound at all."""
    assert silenceable(other, len(other)) is None
