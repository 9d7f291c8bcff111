"""Receipt and manifest: complete, the same for the same facts, and independent of the order things came in (I7)."""

import json
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dev.in_memory.builders import CONTAINER, EVENT_TIME, RECORDING_ID, document_id, record, task
from recording.domain.archived.receipt import UnreadRow, gaps_in, is_complete, manifest_of, receipt_of
from recording.domain.state.chunk import ChunkRecord, ChunkState, Home
from recording.domain.state.recording import RecordingRecord
from recording.domain.state.records import changed

RECORDING = RecordingRecord(recording_id=RECORDING_ID, call_id="call", started_at=EVENT_TIME, started_by="ada")
MORE = "ChunkMaximumSizeExceeded"


def _chunks(*indexes: int, last: str = "SessionEnded", state: ChunkState = ChunkState.CATALOGED) -> list[ChunkRecord]:
    ends = dict.fromkeys(indexes, MORE) | {max(indexes, default=0): last}
    return [record(state, task=task(index, end_reason=ends[index])) for index in indexes]


def _read(raw: bytes) -> dict[str, Any]:
    content: dict[str, Any] = json.loads(raw)
    return content


def test_a_receipt_holds_what_was_proved() -> None:
    """Years later it is all that tells why the media is believed to be whole."""
    told = _read(receipt_of(record(ChunkState.CATALOGED), "1.2.3"))
    assert told == {
        "schema": 1,
        "recordingId": RECORDING_ID,
        "callId": task().call_id,
        "serverCallId": task().server_call_id,
        "documentId": document_id(),
        "index": 0,
        "home": "acs",
        "blobName": f"2026/11/23/call/recording/0000-{document_id()}.wav",
        "format": "wav",
        "lengthBytes": 64_044,
        "sha256": "ab" * 32,
        "durationMs": 2000.0,
        "container": "RIFF",
        "channels": None,
        "sampleRate": None,
        "verifiedHow": ["length equals the source's declared total"],
        "mediaFault": None,
        "mediaWarning": None,
        "metadata": "archived",
        "metadataReason": None,
        "endReason": "SessionEnded",
        "sessionEndReason": None,
        "recordingStartTime": None,
        "recordingDurationMs": 2000.0,
        "eventId": "event-1",
        "eventTime": EVENT_TIME.isoformat(),
        "copiedAt": EVENT_TIME.isoformat(),
        "verifiedAt": EVENT_TIME.isoformat(),
        "suspects": [],
        "remarks": [],
        "appVersion": "1.2.3",
    }


def test_no_paper_holds_a_location_in_acs() -> None:
    """Locations are of no use once ACS forgets the media, and may hold what is secret."""
    papers = receipt_of(record(ChunkState.CATALOGED), "1") + manifest_of(RECORDING, _chunks(0, 1), ())
    assert b"https://" not in papers


def test_papers_of_external_media_say_where_it_lies() -> None:
    """Bring your own storage: the archive has no blob, the customer's container has."""
    external = task(home=Home.EXTERNAL, content_location=f"{CONTAINER}/a.mp3")
    chunk = record(ChunkState.CATALOGED, task=external)
    for told in (_read(receipt_of(chunk, "1")), _read(manifest_of(RECORDING, [chunk], ()))["chunks"][0]):
        assert (told["blobName"], told["externalLocation"]) == (None, f"{CONTAINER}/a.mp3")


@given(st.permutations(range(4)))
def test_a_manifest_does_not_depend_on_the_order_of_its_chunks(order: list[int]) -> None:
    """Workers finish in any order, tables list in their own."""
    chunks = _chunks(0, 1, 2, 4)
    assert manifest_of(RECORDING, [chunks[place] for place in order], ()) == manifest_of(RECORDING, chunks, ())


def test_a_manifest_does_not_depend_on_how_often_a_chunk_was_tried() -> None:
    """Attempts, claims and times of saving belong to the catalog, or a retry would change the papers."""
    tried = {"attempts": 9, "last_error": "source_busy", "changed_at": EVENT_TIME + timedelta(hours=3), "etag": "x"}
    plain = record(ChunkState.CATALOGED)
    assert manifest_of(RECORDING, [plain.model_copy(update=tried)], ()) == manifest_of(RECORDING, [plain], ())


def test_a_manifest_is_the_same_before_and_after_the_source_is_deleted() -> None:
    """It is written before the delete, and not again after it."""
    assert manifest_of(RECORDING, _chunks(0), ()) == manifest_of(
        RECORDING, _chunks(0, state=ChunkState.SOURCE_DELETED), ()
    )


def test_two_files_of_one_index_are_both_listed() -> None:
    """One session may give several files with the same index (the service's known issues)."""
    twins = [record(ChunkState.CATALOGED, task=task(0, document_id(number))) for number in (8, 3)]
    told = _read(manifest_of(RECORDING, twins, ()))
    assert [entry["documentId"] for entry in told["chunks"]] == [document_id(3), document_id(8)]


@pytest.mark.parametrize(
    ("indexes", "gaps"), [((), []), ((0,), []), ((0, 1, 2), []), ((1,), [0]), ((0, 3), [1, 2]), ((5, 2), [0, 1, 3, 4])]
)
def test_gaps_are_the_indexes_below_the_highest(indexes: tuple[int, ...], gaps: list[int]) -> None:
    """A missing chunk in the middle is seen, even though no event ever named it."""
    assert [index for gap in gaps_in(_chunks(*indexes), None, ()) for index in gap] == gaps
    assert _read(manifest_of(RECORDING, _chunks(*indexes), ()))["missingIndexes"] == gaps


def test_a_gap_of_a_million_is_one_line() -> None:
    """One event with a high index must not make a manifest of megabytes."""
    manifest = manifest_of(RECORDING, _chunks(0, 1_000_000), ())
    told = _read(manifest)
    assert len(manifest) < 40_000
    assert (told["missingRanges"], told["missingCount"]) == ([[1, 999_999]], 999_999)
    assert told["missingIndexes"] == list(range(1, 1001))


def test_a_manifest_tells_who_started_it_with_what_consent_and_tags() -> None:
    """The evidence lies beside the media, for whoever finds it there in ten years."""
    consent: dict[str, object] = {"basis": "contract", "reference": "C-7", "capturedAt": "2026-11-23T08:00:00Z"}
    consent["capturedBy"] = "desk"
    started = changed(
        RECORDING, started_by="1111-2222", consent=consent, request={"tags": {"case": "7"}}, started_at=EVENT_TIME
    )
    told = _read(manifest_of(started, _chunks(0), ()))
    assert (told["startedBy"], told["consent"], told["tags"]) == ("1111-2222", consent, {"case": "7"})
    assert told["startedAt"] == EVENT_TIME.isoformat()


@pytest.mark.parametrize(
    ("chunks", "complete"),
    [
        ([], False),
        (_chunks(0), True),
        (_chunks(0, 1, 2), True),
        (_chunks(0, 2), False),
        (_chunks(0, 1, last=MORE), False),
        (_chunks(0, 1, state=ChunkState.SOURCE_DELETED), True),
        (_chunks(0, 1, state=ChunkState.VERIFIED), False),
        ([*_chunks(0, 1), record(ChunkState.QUARANTINED, task=task(1, document_id(9)))], False),
    ],
)
def test_complete_means_every_chunk_up_to_the_last(chunks: list[ChunkRecord], complete: bool) -> None:
    """A chunk that ended for its size announces another one."""
    assert is_complete(chunks, None, ()) is complete
    assert _read(manifest_of(RECORDING, chunks, ()))["complete"] is complete


@pytest.mark.parametrize("key", ["000001-0-weu-d7", "000000-x", "by hand"])
def test_a_manifest_names_the_rows_that_nobody_could_read(key: str) -> None:
    """The last chunk of a recording leaves no gap when its row is gone: nothing else would tell that it was there."""
    told = _read(manifest_of(RECORDING, _chunks(0), [UnreadRow("000009-z", "newer_record"), UnreadRow(key, "odd")]))
    index = int(key[:6]) if key[0] == "0" else None
    assert not told["complete"]
    assert {"index": index, "key": key, "code": "odd"} in told["unreadable"]
    assert told["unreadable"] == sorted(told["unreadable"], key=lambda row: row["key"])
    assert "unreadable" not in _read(manifest_of(RECORDING, _chunks(0), ()))


def test_only_what_is_archived_is_called_so() -> None:
    """A quarantined chunk has a blob, but nobody vouches for it."""
    for state in ChunkState:
        entry = _read(manifest_of(RECORDING, [record(state)], ()))["chunks"][0]
        assert entry["archived"] is (state in (ChunkState.CATALOGED, ChunkState.SOURCE_DELETED))
        assert (entry["receipt"] is not None) is entry["archived"]
