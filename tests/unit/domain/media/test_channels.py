"""Silencing other channels while a file streams by: any cut of it, any number of channels, and the length stays."""

import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dev.in_memory.builders import mp3, pieces_of, wav
from recording.domain.media.channels import with_channels_only
from recording.errors import SourceBrokenError


@given(st.integers(1, 5), st.data())
def test_only_the_chosen_channels_are_heard(channels: int, data: st.DataObject) -> None:
    """Against a plain loop over samples."""
    whole = wav(20, channels, sample=b"\x11\x92")
    kept = data.draw(st.sets(st.integers(0, channels - 1)))
    cuts = data.draw(st.lists(st.integers(0, len(whole)), max_size=6))
    found = b"".join(with_channels_only(pieces_of(whole, cuts), kept))
    samples = struct.unpack(f"<{(len(whole) - 44) // 2}h", whole[44:])
    expected = [sample if at % channels in kept else 0 for at, sample in enumerate(samples)]
    assert found == whole[:44] + struct.pack(f"<{len(expected)}h", *expected)


@pytest.mark.parametrize("content", [b"", b"RIFF", mp3(), wav()[:30], b"RIFF" + bytes(100)])
def test_what_is_no_wav_file_is_refused(content: bytes) -> None:
    """Nothing goes out that was not understood."""
    with pytest.raises(SourceBrokenError):
        list(with_channels_only([content], {0}))
