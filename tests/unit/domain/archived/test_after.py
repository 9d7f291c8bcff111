"""The outcome of a source after its receipt: a document that names the receipt that it follows."""

import json
from datetime import UTC, datetime

from dev.in_memory.builders import record
from recording.domain.archived.after import after_name, after_of, follows, may_be_told
from recording.domain.archived.rebuilt import REASON
from recording.domain.state.chunk import ChunkState, SourceOutcome
from recording.domain.state.records import changed

RECEIPT = b'{"schema": 1}\n'
DELETED_AT = datetime(2026, 11, 23, 9, 30, tzinfo=UTC)


def test_it_names_its_receipt() -> None:
    """Else an outcome could be put beside another receipt."""
    deleted = changed(
        record(ChunkState.SOURCE_DELETED),
        source=SourceOutcome.DELETED,
        source_deleted_at=DELETED_AT,
        source_reason=None,
    )
    document = after_of(deleted, RECEIPT)
    assert follows(document, RECEIPT)
    assert not follows(document, RECEIPT + b" ")
    told = json.loads(document)
    assert (told["source"], told["sourceDeletedAt"]) == ("deleted", DELETED_AT.isoformat())


def test_what_is_not_such_a_document_follows_nothing() -> None:
    """Anything may be in the archive under its name."""
    assert not any(
        follows(content, RECEIPT) for content in (b"", b"[]", b"{}", b"[" * 100_000, b'{"receiptSha256": 1}')
    )


def test_it_is_stored_beside_the_media() -> None:
    """Listings of a folder show them together."""
    assert after_name("2026/0000-a.mp4") == "2026/0000-a.after.json"


def test_a_rebuilt_record_does_not_know_the_outcome() -> None:
    """A rebuild reads the archive alone, and must not vouch for what happened at ACS."""
    known = changed(record(ChunkState.SOURCE_DELETED), source=SourceOutcome.DELETED)
    assert may_be_told(known)
    assert not may_be_told(changed(known, source_reason=REASON))
    assert not may_be_told(changed(known, source=None))
