"""JSON of others: whatever it is, reading it ends in content or in a ValueError, and what is read is never deep."""

import json
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dev.in_memory.builders import event, metadata, record
from recording.adapters.blob.quarantine import read_entry
from recording.domain.foreign_json import DEEPEST, read_json, shallow
from recording.domain.state.stored import is_receipt_of

DEEP = b"[" * 100_000 + b"]" * 100_000
Json = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=20,
)


@pytest.mark.parametrize("text", [DEEP, DEEP[:1000], b"{", b"\xff", ""])
def test_what_cannot_be_read_is_a_value_error(text: str | bytes) -> None:
    """Python's own error for deep nesting is none, and would end a whole run."""
    with pytest.raises(ValueError, match=r".+"):
        read_json(text)


@given(Json)
def test_ordinary_content_stays_as_it_is(content: Any) -> None:
    """Events and documents have a few levels."""
    assert shallow(content) == content


@pytest.mark.parametrize("wrap", [lambda inner: [inner, 1], lambda inner: {"a": inner, "b": 1}])
def test_what_is_too_deep_is_null_and_its_neighbours_stay(wrap: Callable[[Any], Any]) -> None:
    """An odd field costs no other one."""
    content: Any = "deep"
    for _ in range(500):
        content = wrap(content)
    found, levels = shallow(content), 0
    while isinstance(found, list | dict):
        inner, beside = found if isinstance(found, list) else found.values()
        assert beside == 1
        found, levels = inner, levels + 1
    assert (found, levels) == (None, DEEPEST)


@pytest.mark.parametrize("document", [event(), json.loads(metadata())])
def test_the_documents_of_acs_are_far_from_the_limit(document: Any) -> None:
    """A limit that a real document comes near to would cut one, one day."""
    assert shallow(document, DEEPEST // 2) == document


def test_stored_documents_that_are_too_deep_are_unreadable_ones() -> None:
    """A blob that a hand wrote must not end the list of what is held, nor the worker that looks at a receipt."""
    assert read_entry(DEEP, "2026/11/23").reason == "unreadable_entry"
    assert not is_receipt_of(record(), DEEP)
