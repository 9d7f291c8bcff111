"""A hostile file of nothing but small parts costs a bounded time: it would hold a worker until its claim is lost."""

import time

import pytest

from dev.compare_media.built import Mp4
from dev.in_memory.builders import MP3_FRAME, box
from recording.domain.media import MediaFacts, MediaProbe, mp4, wav


def probed(data: bytes) -> MediaFacts:
    probe = MediaProbe(None)
    probe.feed(data)
    return probe.finish()


@pytest.mark.parametrize("is_inside", [False, True])
def test_boxes_without_number_are_refused(is_inside: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    """A gigabyte holds a hundred million; a recording of a day in fragments of one picture has a few."""
    monkeypatch.setattr(mp4, "_MOST_BOXES", 1000)
    few, many = (box(b"moov", box(b"free") * count) if is_inside else box(b"free") * count for count in (900, 1000))
    assert probed(few + Mp4().written()).fault != mp4.FAULT_TOO_MANY
    assert probed(many + Mp4().written()).fault == mp4.FAULT_TOO_MANY


def test_chunks_without_number_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    """The sound is behind the first few."""
    monkeypatch.setattr(wav, "_MOST_CHUNKS", 1000)
    assert probed(b"RIFF\0\0\0\0WAVE" + b"abcd\0\0\0\0" * 999).fault != wav.FAULT_TOO_MANY
    assert probed(b"RIFF\0\0\0\0WAVE" + b"abcd\0\0\0\0" * 1000).fault == wav.FAULT_TOO_MANY


@pytest.mark.slow
def test_words_of_a_song_that_begin_again_and_again_are_looked_through_once() -> None:
    """Each beginning was followed by a search through sixteen kilobytes: half an hour for a hundred megabytes."""
    begun = time.process_time()
    assert probed(MP3_FRAME * 4 + b"LYRICSBEGIN" * 300_000).fault is not None
    assert time.process_time() - begun < 15


def test_the_words_of_a_song_are_a_tag() -> None:
    """With an end of either version."""
    for end in (b"LYRICSEND", b"000020LYRICS200"):
        assert probed(MP3_FRAME * 4 + b"LYRICSBEGIN la la" + end).remarks == ()
