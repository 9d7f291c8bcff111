"""Silencing other channels while a file streams by: every form of WAV, any cut of it, and the length stays."""

import io
import struct

import av
import pytest
from hypothesis import given
from hypothesis import strategies as st

from dev.compare_media.judge import lenient
from dev.in_memory import media_kinds as kinds
from dev.in_memory.builders import mp3, pieces_of, wav
from recording.domain.media.channels import with_channels_only
from recording.errors import SourceBrokenError

WIDTHS = ((1, 8), (1, 16), (1, 24), (1, 32), (3, 32), (3, 64))


def made(
    kind: int, bits: int, channels: int, sound: bytes, *, form: bytes, is_extensible: bool, behind: bytes
) -> bytes:
    """Return a file with an odd chunk before its sound."""
    width = bits // 8
    facts = (channels, 16_000, 16_000 * channels * width, channels * width, bits)
    described = struct.pack("<HHIIHH", 0xFFFE if is_extensible else kind, *facts)
    if is_extensible:
        described += struct.pack("<HHIH", 22, bits, 0, kind) + bytes.fromhex("000000001000800000aa00389b71")
    chunks = kinds.chunk(b"LIST", b"INFO!") + kinds.chunk(b"fmt ", described)
    if form != b"RIFF":
        chunks = kinds.chunk(b"ds64", struct.pack("<QQQI", 0, len(sound), 0, 0)) + chunks
    size = None if form == b"RIFF" else kinds.ALL_ONES
    chunks += kinds.chunk(b"data", sound, size, is_padded=bool(behind)) + behind
    return form + struct.pack("<I", len(chunks) + 4) + b"WAVE" + chunks


@given(
    width=st.sampled_from(WIDTHS),
    form=st.sampled_from((b"RIFF", b"RF64", b"BW64")),
    is_extensible=st.booleans(),
    channels=st.integers(1, 5),
    frames=st.integers(1, 40),
    behind=st.sampled_from((b"", b"LIST\x08\0\0\0INFOtext")),
    data=st.data(),
)
def test_only_the_chosen_channels_are_heard(
    *,
    width: tuple[int, int],
    form: bytes,
    is_extensible: bool,
    channels: int,
    frames: int,
    behind: bytes,
    data: st.DataObject,
) -> None:
    """Against a plain loop over samples; those of eight bits are silent in their middle."""
    kind, bits = width
    size = bits // 8
    sound = bytes((at * 37 + 11) % 256 for at in range(frames * channels * size))
    whole = made(kind, bits, channels, sound, form=form, is_extensible=is_extensible, behind=behind)
    kept = data.draw(st.sets(st.integers(0, channels - 1)))
    cuts = data.draw(st.lists(st.integers(0, len(whole)), max_size=6))
    found = b"".join(with_channels_only(pieces_of(whole, cuts), len(whole), kept))
    first = whole.index(b"data") + 8
    quiet = b"\x80" if bits == 8 else bytes(size)
    samples = [sound[at : at + size] for at in range(0, len(sound), size)]
    expected = b"".join(one if at % channels in kept else quiet for at, one in enumerate(samples))
    assert found[: first + len(sound)] == whole[:first] + expected
    assert found[first + len(sound) :] == bytes(len(whole) - first - len(sound))


@pytest.mark.parametrize("form", [b"RIFF", b"RF64", b"BW64"])
@pytest.mark.parametrize(("kind", "bits"), WIDTHS)
def test_a_decoder_hears_silence_where_another_spoke(form: bytes, kind: int, bits: int) -> None:
    """And the kept channel as it was."""
    sound = b"".join(struct.pack("<b", at % 100 - 50) * (2 * bits // 8) for at in range(800))
    if kind == 3:
        sound = struct.pack("<f" if bits == 32 else "<d", 0.25) * 2 * 800
    whole = made(kind, bits, 2, sound, form=form, is_extensible=False, behind=b"")
    found = b"".join(with_channels_only([whole], len(whole), {1}))
    with av.open(io.BytesIO(found), "r", **lenient(av.__version__)) as container:
        heard = [sample for frame in container.decode(audio=0) for sample in frame.to_ndarray().reshape(-1)]
    middle = 128 if bits == 8 else 0
    assert set(heard[0::2]) == {middle}
    assert set(heard[1::2]) - {middle}


def test_a_long_header_is_read_whole() -> None:
    """Some writers put a page of tags before the sound."""
    plain = wav(20, 2)
    whole = plain[:12] + kinds.chunk(b"JUNK", bytes(200_001)) + plain[12:]
    found = b"".join(with_channels_only(pieces_of(whole, [70_000]), len(whole), {0}))
    assert found[-4:] == plain[-4:-2] + bytes(2)


@pytest.mark.parametrize("content", [b"", b"RIFF", mp3(), wav()[:30], b"RIFF" + bytes(100)])
def test_what_is_no_wav_file_is_refused(content: bytes) -> None:
    """Nothing goes out that was not understood."""
    with pytest.raises(SourceBrokenError):
        list(with_channels_only([content], len(content), {0}))


@pytest.mark.parametrize("kind", [6, 7, 0x55])
@pytest.mark.parametrize("is_extensible", [True, False])
def test_what_is_no_plain_number_is_refused(kind: int, is_extensible: bool) -> None:
    """Zeros are no silence there."""
    whole = made(kind, 8, 2, bytes(100), form=b"RIFF", is_extensible=is_extensible, behind=b"")
    with pytest.raises(SourceBrokenError):
        list(with_channels_only([whole], len(whole), {0}))
