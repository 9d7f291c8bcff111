"""What counts as proof: lengths, bytes and durations, each at its exact limit; and what is no fault."""

import hashlib

import pytest

from dev.in_memory.builders import metadata, task
from recording.domain.archived.integrity import (
    Digest,
    Hasher,
    check_length,
    check_stored,
    duration_fault,
    find_fault,
    is_as_long,
    pauses_are_in_seconds,
    plays_to_its_end,
)
from recording.domain.incoming.metadata import ChunkMetadata, read_metadata
from recording.domain.media import MediaFacts
from recording.errors import ContentConflictError, SourceBrokenError

TEN_SECONDS = task(recording_duration_ms=10_000)
SLACK_MS = 2000 + 10  # two seconds, and a thousandth of what is allowed
TOLD = ChunkMetadata(duration_ms=10_000)


def test_the_event_bounds_the_duration_from_above_only() -> None:
    """It tells the whole recording's duration, and nothing of its pauses."""
    assert duration_fault(0.0, None, TEN_SECONDS) is None
    assert duration_fault(10_000.0 + SLACK_MS, None, TEN_SECONDS) is None
    found = duration_fault(10_000.0 + SLACK_MS + 0.1, None, TEN_SECONDS)
    assert found == "plays 12.0 s, but the event says 0.0 to 10.0 s"


def test_metadata_bounds_it_from_both_sides() -> None:
    """Shorter than the chunk is half a call."""
    for plays in (10_000.0 - SLACK_MS, 10_000.0, 10_000.0 + SLACK_MS):
        assert duration_fault(plays, TOLD, task()) is None
    for plays in (10_000.0 - SLACK_MS - 0.1, 10_000.0 + SLACK_MS + 0.1):
        assert "its metadata" in (duration_fault(plays, TOLD, task()) or "")


def test_what_tells_no_duration_is_not_compared() -> None:
    """Half of the documented samples leave something out."""
    assert duration_fault(None, TOLD, TEN_SECONDS) is None
    assert duration_fault(99_000.0, None, task(recording_duration_ms=None)) is None
    silent = ChunkMetadata()
    assert "the event" in (duration_fault(99_000.0, silent, TEN_SECONDS) or "")


@pytest.mark.parametrize(
    ("read_bytes", "declared", "code"),
    [
        (0, 0, "source_empty"),
        (0, 100, "source_empty"),
        (0, None, "source_empty"),
        (100, None, "source_without_length"),
        (99, 100, "source_short"),
        (101, 100, "source_short"),
    ],
)
def test_a_length_that_does_not_add_up_is_fetched_again(read_bytes: int, declared: int | None, code: str) -> None:
    """There is no checksum; the declared total is the one fact of the source that bytes can be held against."""
    with pytest.raises(SourceBrokenError) as raised:
        check_length(read_bytes, declared)
    assert (raised.value.code, raised.value.retryable) == (code, True)


def test_equal_lengths_pass() -> None:
    """The good case, so that the table above cannot pass by refusing everything."""
    check_length(100, 100)


@pytest.mark.parametrize("stored", [Digest(2, "aa"), Digest(1, "ab")])
def test_an_archived_blob_that_differs_needs_a_person(stored: Digest) -> None:
    """It is never replaced, and trying again cannot mend it."""
    check_stored(Digest(1, "aa"), Digest(1, "aa"))
    with pytest.raises(ContentConflictError) as raised:
        check_stored(Digest(1, "aa"), stored)
    assert (raised.value.code, raised.value.retryable) == ("stored_differs", False)


def test_a_digest_of_an_older_version_which_has_no_sha512_is_the_same() -> None:
    """Length and SHA-256 identify bytes."""
    check_stored(Digest(1, "aa"), Digest(1, "aa", "bb"))


@pytest.mark.parametrize("with_sha512", [True, False])
def test_pieces_that_arrive_in_order_have_the_digest_of_the_whole(*, with_sha512: bool) -> None:
    """The proof of a copy rests on it; SHA-512 costs time and is computed only when asked for."""
    hasher = Hasher(with_sha512=with_sha512)
    assert hasher.digest() == Digest(0, hashlib.sha256().hexdigest())
    for piece in (b"some ", memoryview(b"bytes")):
        hasher.update(piece)
    digest, whole = hasher.digest(), b"some bytes"
    assert (hasher.length_bytes, digest.length_bytes) == (10, 10)
    assert digest.sha256 == hashlib.sha256(whole).hexdigest()
    assert digest.sha512 == (hashlib.sha512(whole).hexdigest() if with_sha512 else None)


def _document(duration: float | None, *pauses: float) -> ChunkMetadata:
    return read_metadata(metadata(chunkDuration=duration, pauseResumeIntervals=[{"duration": p} for p in pauses]))


@pytest.mark.parametrize(
    ("plays", "document", "event_ms", "agrees"),
    [
        (None, _document(2000), 2000, True),  # a fragmented mp4 does not tell
        (2000, None, None, True),  # nothing to compare with
        (2000, None, 0, True),
        (2000, None, 2000, True),
        (500, None, 60_000, True),  # the event's duration is of the whole recording
        (63_000, None, 60_000, False),
        (60_000, _document(60_000), 1, True),  # metadata knows the chunk, the event does not
        (50_000, _document(60_000), 60_000, False),
        (63_000, _document(60_000), 63_000, False),
        (50_000, _document(60_000, 10_000), 60_000, True),
        (47_000, _document(60_000, 10_000), 60_000, False),
        (14_400_000 - 16_000, _document(14_400_000), None, True),  # slack of two seconds and a thousandth
        (14_400_000 - 17_000, _document(14_400_000), None, False),
        (700, _document(700), 700, True),
        (500, _document(None), 400, True),
        (20_000, _document(0), None, True),
        (20_000, _document(20), None, True),  # seconds instead of ms
        (8_000, _document(20), None, False),  # half of them
        (57_940, _document(60), None, True),  # the exact limits of seconds
        (57_939, _document(60), None, False),
        (62_060, _document(60), None, True),
        (62_061, _document(60), None, False),
        (14_400_000, _document(14_400), 14_400, True),
        (7_200_000, _document(14_400), 14_400, False),
        (14_400_000, None, 14_400, True),
        (14_400_000, None, 4_400, False),
        (45_000, _document(60, 15), None, True),
        (50_000, _document(60_000, 10), None, True),  # only the pause in seconds
        (52_060, _document(60_000, 10), None, True),
        (52_061, _document(60_000, 10), None, False),
        (40_000, _document(60_000, 10), None, False),
        (2_000_000, _document(2000), None, True),  # cannot be told apart from seconds
        (30_000, _document(60_000, 0), None, True),  # a pause without a length
        (63_000, _document(60_000, 0), None, False),
        (50_000, _document(50_000, 10_000), None, True),  # a duration that leaves the pauses out
    ],
)
def test_media_must_play_as_long_as_the_papers_say(
    plays: float | None, document: ChunkMetadata | None, event_ms: float | None, agrees: bool
) -> None:
    """A file of the right length in bytes may still be half a call."""
    fault = duration_fault(plays, document, task(recording_duration_ms=event_ms))
    assert (fault is None) is agrees


def test_a_file_without_a_fault_must_still_play_as_long_as_its_metadata_says() -> None:
    """It opens and ends where its header says, and may yet be half a call."""
    assert find_fault(MediaFacts(None, 10_000.0), TOLD, task()) is None
    assert "its metadata" in (find_fault(MediaFacts(None, 5_000.0), TOLD, task()) or "")


@pytest.mark.parametrize(
    ("event_s", "plays", "agrees"),
    [(1.0, 2_900.0, False), (1.0005, 2_900.0, True), (86_400.0, 86_400_000.0, True), (86_401.0, 86_401_000.0, False)],
)
def test_a_length_is_in_seconds_only_between_one_second_and_a_day(
    event_s: float, plays: float, *, agrees: bool
) -> None:
    """No file is longer than a day, so more cannot be meant as seconds."""
    assert (duration_fault(plays, None, task(recording_duration_ms=event_s)) is None) is agrees


@pytest.mark.parametrize(
    ("parts", "plays", "agrees"), [(1, 27_940.0, True), (1, 27_930.0, False), (2, 12_940.0, True), (2, 12_930.0, False)]
)
def test_a_length_in_seconds_is_of_all_parts_of_the_event(parts: int, plays: float, *, agrees: bool) -> None:
    """A chunk plays at least half of its share: by a wide margin only, any length would agree with any other."""
    assert (duration_fault(plays, None, task(recording_duration_ms=60.0, chunks_in_event=parts)) is None) is agrees


def test_a_header_that_the_metadata_contradicts_is_no_truncation() -> None:
    """Its size was never filled in; where the metadata agrees with the header, bytes are missing."""
    cut = MediaFacts(None, 10_000.0, fault="ends early", promised_ms=99_000.0)
    assert find_fault(cut, TOLD, task()) is None
    assert find_fault(cut, ChunkMetadata(duration_ms=99_000), task()) == "ends early"
    assert find_fault(cut, None, TEN_SECONDS) == "ends early"
    a_second_less = MediaFacts(None, 9_000.0, fault="ends early", promised_ms=10_000.0)
    assert find_fault(a_second_less, TOLD, task()) == "ends early"  # the metadata agrees with both
    assert find_fault(MediaFacts(None, 10_000.0, fault="ends early"), TOLD, task()) == "ends early"
    half = MediaFacts(None, 5_000.0, fault="ends early", promised_ms=99_000.0)
    assert find_fault(half, TOLD, task()) == "ends early"  # the metadata agrees with neither
    unread = MediaFacts(None, None, fault="ends early", promised_ms=99_000.0)
    assert find_fault(unread, TOLD, task()) == "ends early"  # nothing is there that could agree
    assert find_fault(cut, ChunkMetadata(), TEN_SECONDS) == "ends early"  # the event's length is of the whole


def test_a_rounded_length_is_as_long_and_still_may_lack_its_end() -> None:
    """A growing file lacks its last second, which rounding would hide."""
    for told in (10_000.0, 10.0):
        assert is_as_long(8_100.0, told)
        assert not plays_to_its_end(8_100.0, told)
        assert plays_to_its_end(9_980.0, told)
        assert not plays_to_its_end(9_979.0, told)
        assert not is_as_long(12_100.0, told)
        assert is_as_long(10_000.0 - SLACK_MS, told)
        assert is_as_long(10_000.0 + SLACK_MS, told)


@pytest.mark.parametrize(
    ("plays", "duration", "paused", "in_seconds"),
    [
        (50_000.0, 60_000.0, 10.0, True),
        (50_000.0, 60.0, 10.0, True),  # both in seconds
        (50_000.0, 60_000.0, 10_000.0, False),
        (59_990.0, 60_000.0, 10.0, False),  # ten milliseconds explain it as well
        (40_000.0, 60_000.0, 10.0, False),  # neither explains it
        (None, 60_000.0, 10.0, False),
        (50_000.0, None, 10.0, False),
        (50_000.0, 60_000.0, 0.0, False),
        (60_000.0, 60.0, 0.0, False),  # no pause has a unit
        (59_500.0, 60_000.0, 1.0, False),  # both explain it
        (52_060.0, 60_000.0, 10.0, True),  # the exact limits
        (52_061.0, 60_000.0, 10.0, False),
        (47_940.0, 60.0, 10.0, True),
        (500.0, 60_000.0, 60.0, True),  # paused from beginning to end
        (500.0, 60_000.0, 61.0, False),  # and longer than that
    ],
)
def test_pauses_are_in_seconds_only_where_nothing_else_explains_the_length(
    plays: float | None, duration: float | None, paused: float, *, in_seconds: bool
) -> None:
    """Read in the wrong unit, a finding about a pause is off by a thousand."""
    assert pauses_are_in_seconds(plays, duration, paused) is in_seconds
