"""Changes of records: what is misspelt or of the wrong type is never stored."""

import json
from typing import Any, get_args, get_type_hints

import pytest
from pydantic import BaseModel, ValidationError

from dev.in_memory.builders import FAKE_CLOCK_START, record
from recording.domain.model import with_changes
from recording.domain.schema import without_nulls
from recording.domain.state.chunk import ChunkState
from recording.domain.state.recording import RecordingRecord, StartReservation
from recording.domain.state.records import ChunkChanges, RecordingChanges, ReservationChanges, changed, required
from recording.domain.state.transitions import moved
from recording.errors import RecordingError

RESERVATION = StartReservation(key="k", fingerprint="f", repeatability_id="r", first_sent=FAKE_CLOCK_START)
RECORDS = [
    (record(), ChunkChanges, {"state", "version"}),
    (RecordingRecord(recording_id="r"), RecordingChanges, {"recording_id", "version"}),
    (RESERVATION, ReservationChanges, {"version", "key", "fingerprint", "repeatability_id", "first_sent"}),
]


def _saved_models() -> set[type[BaseModel]]:
    """Return the records and every model within them."""
    found: set[type[BaseModel]] = set()
    waiting: list[object] = [type(known) for known, _, _ in RECORDS]
    while waiting:
        kind = waiting.pop()
        if isinstance(kind, type) and issubclass(kind, BaseModel) and kind not in found:
            found.add(kind)
            waiting += get_type_hints(kind).values()
        waiting += get_args(kind)
    return found


NAMES = [(known, name) for known, changes, _ in RECORDS for name in sorted(changes.__annotations__)]


@pytest.mark.parametrize(("known", "changes", "fixed"), RECORDS, ids=lambda value: getattr(value, "__name__", ""))
def test_the_changes_are_the_fields_of_the_record_with_their_types(
    known: BaseModel, changes: type, fixed: set[str]
) -> None:
    """A field that is added to a record can be changed, and a type has one truth."""
    fields = {name: hint for name, hint in get_type_hints(type(known)).items() if name in type(known).model_fields}
    declared = get_type_hints(changes)
    assert set(fields) - set(declared) == fixed
    assert {name: _plain(hint) for name, hint in declared.items()} == {name: _plain(fields[name]) for name in declared}


def _plain(hint: object) -> str:
    return str(hint).replace("typing.Optional[datetime.datetime]", "datetime.datetime | None")


@pytest.mark.parametrize("model", sorted(_saved_models(), key=str))
def test_no_field_of_saved_state_is_untyped(model: type[BaseModel]) -> None:
    """The type checker says nothing about what is `Any`, however it is misused."""
    hints = get_type_hints(model)
    assert [name for name in model.model_fields if "typing.Any" in str(hints[name])] == []


@pytest.mark.parametrize(("known", "name"), NAMES, ids=lambda value: value if isinstance(value, str) else "")
def test_each_name_misspelt_alone_is_refused(known: Any, name: str) -> None:
    """Pydantic's own copy drops a misspelt fact on the way to the table: the chunk would forget what it learned."""
    with pytest.raises(TypeError, match=f"{name}x"):
        with_changes(known, {f"{name}x": getattr(known, name)})


@pytest.mark.parametrize(("known", "name"), NAMES, ids=lambda value: value if isinstance(value, str) else "")
def test_each_value_of_a_wrong_type_is_refused(known: Any, name: str) -> None:
    """A row with such a value can never be read again."""
    with pytest.raises(TypeError, match=name):
        with_changes(known, {name: object()})


def test_text_for_a_number_or_a_time_is_refused_though_json_would_take_it() -> None:
    """What is lenient at the edge is a mistake inside."""
    for wrong in ({"attempts": "7"}, {"copied_at": "2026-11-23T09:00:00Z"}, {"verified_how": ["a list"]}):
        with pytest.raises(TypeError):
            with_changes(record(), wrong)


def test_a_value_is_never_repeated_in_the_refusal() -> None:
    """An error ends in a log, and a value may be a location."""
    with pytest.raises(TypeError) as refused:
        changed(record(), task="https://secret.example")  # type: ignore[call-overload]
    assert "secret" not in str(refused.value)


def test_a_state_changes_by_a_transition_only() -> None:
    """`changed` takes none, so that nothing jumps over the line."""
    assert moved(record(), ChunkState.COPIED, attempts=2).attempts == 2
    with pytest.raises(TypeError):
        moved(record(), ChunkState.COPIED, atempts=2)  # type: ignore[call-arg]


def test_what_a_state_promises_is_there_or_the_row_is_named_broken() -> None:
    """An empty text in its place would become a blob's name."""
    assert required("name", "blob_name") == "name"
    with pytest.raises(RecordingError) as raised:
        required(None, "blob_name")
    assert raised.value.code == "incomplete_record"


DEFAULTED = [
    (known, name)
    for known, _, _ in RECORDS
    for name, field in type(known).model_fields.items()
    if not field.is_required() and field.get_default(call_default_factory=True) is not None
]


@pytest.mark.parametrize(("known", "name"), DEFAULTED, ids=lambda value: value if isinstance(value, str) else "")
def test_a_null_in_a_row_is_an_absent_fact_unless_it_decides(known: Any, name: str) -> None:
    """Some writers put one where they know nothing; only the state of a chunk may not be guessed."""
    model, document = type(known), {**known.model_dump(mode="json"), name: None}
    text = json.dumps(without_nulls(model, document))
    if name == "state":
        with pytest.raises(ValidationError):
            model.model_validate_json(text)
    else:
        found = getattr(model.model_validate_json(text), name)
        assert found == model.model_fields[name].get_default(call_default_factory=True)
