"""Stored files beside the record: each difference is named, and only what was proved passes."""

import json
from dataclasses import replace
from typing import Any

import pytest

from dev.in_memory.builders import STORED_ETAG, record, stored
from recording.domain.state.chunk import ChunkState, MetadataOutcome
from recording.domain.state.stored import Standing, StoredBlob, is_receipt_of, is_same_sha512, standing
from recording.errors.codes import Code

KNOWN = record(ChunkState.CATALOGED, sha512="ef")
GOOD = stored(KNOWN)
LENGTH, SHA256 = KNOWN.length_bytes or 0, KNOWN.sha256 or ""
RECEIPT = json.loads(GOOD.receipt or b"")
NO_METADATA = KNOWN.model_copy(update={"metadata": MetadataOutcome.NOT_ANNOUNCED, "metadata_sha256": None})


@pytest.mark.parametrize(
    ("changes", "found"),
    [
        ({}, Standing.AS_PROVED),
        ({"media": StoredBlob(LENGTH, {}, STORED_ETAG)}, Standing.AS_PROVED),  # made in several runs: no digest fact
        ({"media": None}, Standing.VANISHED),
        ({"media": StoredBlob(LENGTH + 1, {"sha256": SHA256}, STORED_ETAG)}, Standing.ALTERED),
        ({"media": StoredBlob(LENGTH, {"sha256": "cd"}, STORED_ETAG)}, Standing.ALTERED),
        ({"media": StoredBlob(LENGTH, {"sha256": SHA256}, "another")}, Standing.TOUCHED),
        ({"media": StoredBlob(LENGTH, {"sha256": SHA256})}, Standing.TOUCHED),
        ({"receipt": None}, Standing.DOCUMENTS_VANISHED),
        ({"metadata": None}, Standing.DOCUMENTS_VANISHED),
        ({"receipt": b"{}"}, Standing.DOCUMENTS_ALTERED),
        ({"metadata": b"{}"}, Standing.DOCUMENTS_ALTERED),
        ({"metadata": b""}, Standing.DOCUMENTS_ALTERED),
    ],
)
def test_each_difference_has_its_name(changes: dict[str, Any], found: Standing) -> None:
    """What is done next depends on it: copy again, read again, or write the documents again."""
    assert standing(KNOWN, replace(GOOD, **changes)) is found


def test_a_blob_without_an_etag_is_not_as_proved_by_a_record_without_one() -> None:
    """Two unknowns that agree prove nothing."""
    bare = KNOWN.model_copy(update={"stored_etag": ""})
    assert standing(bare, replace(GOOD, media=StoredBlob(LENGTH, {}, ""))) is Standing.TOUCHED


def test_a_chunk_whose_event_named_no_metadata_needs_none() -> None:
    """Its receipt alone is compared."""
    assert standing(NO_METADATA, replace(GOOD, metadata=None)) is Standing.AS_PROVED
    assert standing(NO_METADATA, replace(GOOD, metadata=None, receipt=None)) is Standing.DOCUMENTS_VANISHED


@pytest.mark.parametrize("name", ["recordingId", "documentId", "sha256", "lengthBytes"])
def test_a_receipt_with_another_fact_is_of_another_chunk(name: str) -> None:
    """A receipt is never replaced, so one of earlier bytes may have the name."""
    assert is_receipt_of(KNOWN, json.dumps(RECEIPT).encode())
    assert not is_receipt_of(KNOWN, json.dumps({**RECEIPT, name: "another"}).encode())
    assert not is_receipt_of(KNOWN, json.dumps({key: one for key, one in RECEIPT.items() if key != name}).encode())


@pytest.mark.parametrize("receipt", [None, b"", b"{", b"[]", b"null"])
def test_what_is_no_receipt_is_not_of_the_chunk(receipt: bytes | None) -> None:
    """Another program may have written anything under the name."""
    assert not is_receipt_of(KNOWN, receipt)


def test_a_sha_512_is_compared_where_both_have_one() -> None:
    """Receipts of older versions have none, and stay valid."""
    assert [is_same_sha512(KNOWN, {"sha512": told}) for told in ("ef", None, "00")] == [True, True, False]
    assert is_same_sha512(KNOWN, {})
    assert is_same_sha512(KNOWN.model_copy(update={"sha512": None}), {"sha512": "00"})
    assert not is_receipt_of(KNOWN, json.dumps({**RECEIPT, "sha512": "00"}).encode())


@pytest.mark.parametrize("found", [one for one in Standing if one is not Standing.AS_PROVED])
def test_every_difference_has_a_code(found: Standing) -> None:
    """The row and the log show it."""
    assert found.code in Code
