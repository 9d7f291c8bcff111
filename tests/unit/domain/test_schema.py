"""Documents in two parts: version 0.1.0 reads the first, and nothing of a later version is lost."""

import json

import pytest
from pydantic import BaseModel

from dev.in_memory.builders import FAKE_CLOCK_START, record, task
from recording.domain.schema import (
    CHUNK_FIELDS,
    FALLBACK_FIELDS,
    RECORDING_FIELDS,
    RESERVATION_FIELDS,
    TASK_FIELDS,
    divided,
    is_newer_message,
    joined,
    message_of,
)
from recording.domain.state.chunk import ChunkState, ChunkTask, FallbackCopy, MetadataOutcome
from recording.domain.state.recording import RecordingRecord, StartReservation

KEPT = FallbackCopy(blob_name="b", length_bytes=1, sha256="ab", kept_at=FAKE_CLOCK_START)
CHUNK = record(ChunkState.CATALOGED, fallback=KEPT, channels=2, sha512="cd", task=task(is_contested=True))
RECORDING = RecordingRecord(recording_id="r", tags={"queue": "fx"}, tenant="north")
RESERVATION = StartReservation(key="k", fingerprint="f", repeatability_id="r", first_sent=FAKE_CLOCK_START)
STORED: list[tuple[BaseModel, frozenset[str]]] = [
    (CHUNK, CHUNK_FIELDS),
    (RECORDING, RECORDING_FIELDS),
    (RESERVATION, RESERVATION_FIELDS),
]


@pytest.mark.parametrize(("stored", "fields"), STORED, ids=lambda value: type(value).__name__)
def test_both_parts_together_are_the_record(stored: BaseModel, fields: frozenset[str]) -> None:
    """Also after the older version has rewritten the first part alone."""
    first, later = divided(stored)
    assert set(json.loads(first)) <= fields
    assert type(stored).model_validate(joined(first, later)) == stored


def test_the_first_part_has_no_later_field_inside_either() -> None:
    """0.1.0 refuses an unknown field of a task or of a fallback copy as well."""
    first = json.loads(divided(CHUNK)[0])
    assert set(first["task"]) <= TASK_FIELDS
    assert set(first["fallback"]) <= FALLBACK_FIELDS


def test_a_word_that_the_older_version_does_not_know_is_replaced_for_it_alone() -> None:
    """It leaves the source alone then, as the newer one does."""
    asked = record(metadata=MetadataOutcome.NOT_ASKED)
    first, later = divided(asked)
    assert json.loads(first)["metadata"] == MetadataOutcome.NEVER_CAME
    assert joined(first, later)["metadata"] == MetadataOutcome.NOT_ASKED


def test_a_row_of_the_older_version_has_no_second_part() -> None:
    """It is read with the defaults of the fields that came later."""
    first, _ = divided(CHUNK)
    read = type(CHUNK).model_validate(joined(first, ""))
    assert (read.sha512, read.channels, read.task.is_contested) == (None, None, False)
    assert read.sha256 == CHUNK.sha256


@pytest.mark.parametrize(("first", "later"), [("[]", ""), ("{}", "[]"), ("", ""), ("{", "")])
def test_a_part_that_is_no_object_is_refused(first: str, later: str) -> None:
    """Half a record would be a chunk that forgot what it knew."""
    with pytest.raises(ValueError):  # noqa: PT011 - of two kinds
        joined(first, later)


def test_a_message_has_later_fields_only_where_they_say_something() -> None:
    """So the older version reads ordinary ones."""
    assert set(json.loads(message_of(task()))) <= TASK_FIELDS
    told = message_of(task(is_contested=True))
    assert set(json.loads(told)) - TASK_FIELDS == {"is_contested"}
    assert ChunkTask.model_validate_json(told) == task(is_contested=True)


@pytest.mark.parametrize(
    ("text", "is_newer"),
    [
        *(
            ('{"version": 2}', True),
            ('{"version": 1001}', True),
            ('{"version": 1}', False),
            ('{"version": "2"}', False),
        ),
        *(('{"version": 1002}', False), (f'{{"version": {"9" * 300}}}', False), ("[2]", False), ("", False)),
    ],
)
def test_a_message_of_a_newer_version_is_known_by_its_number(text: str, is_newer: bool) -> None:
    """It is left to a newer worker; what cannot be read is not."""
    assert is_newer_message(text, 1) is is_newer


def test_nesting_without_end_is_no_newer_message() -> None:
    """The parser refuses it; an exception would be a poisoned message."""
    deep = "[" * 100_000
    assert not is_newer_message(deep, 1)
