"""Quarantine: where an entry is from, and when the catalog reports the same already."""

from datetime import timedelta

import pytest

from dev.in_memory.builders import EVENT_TIME, document_id, location, record, task
from recording.domain.state.chunk import ChunkState
from recording.domain.state.quarantine import REASONS, Origin, is_reported_by
from recording.errors.codes import Code

LATER = EVENT_TIME + timedelta(hours=1)


def test_an_unknown_origin_is_foreign() -> None:
    """An entry of another version is shown, never hidden."""
    assert Origin("a word of a later version") is Origin.FOREIGN


def test_reasons_are_codes_that_no_caller_causes() -> None:
    """A filter by `invalid_request` would always be empty."""
    assert Code.FOREIGN_HOST in REASONS
    assert Code.INVALID_REQUEST not in REASONS


@pytest.mark.parametrize("state", [ChunkState.PENDING, ChunkState.COPIED, ChunkState.QUARANTINED, ChunkState.EXPIRED])
def test_a_chunk_in_work_or_held_reports_its_entries(state: ChunkState) -> None:
    """One trouble is listed once."""
    assert is_reported_by(record(state), task(), LATER)


def test_an_archived_chunk_reports_what_was_kept_before_only() -> None:
    """What is announced under the ids of a finished chunk is news."""
    archived = record(ChunkState.SOURCE_DELETED)
    assert is_reported_by(archived, task(), EVENT_TIME)
    assert not is_reported_by(archived, task(), LATER)


def test_other_bytes_are_in_no_record() -> None:
    """The list must not deny what the alert said."""
    other = task(content_location=location(document_id(0), host="neu-storage.asm.skype.com"))
    assert not is_reported_by(record(), other, LATER)
    assert not is_reported_by(None, task(), LATER)
