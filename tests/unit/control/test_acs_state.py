"""ACS's words for the state of a recording, and what each of them allows."""

import pytest

from recording.control.acs_state import is_paused, is_recording, may_be_paused


@pytest.mark.parametrize(
    ("state", "records", "rests", "may_rest"),
    [
        ("active", True, False, False),
        ("inactive", False, True, True),
        ("a word of a later version", False, False, True),
        (None, False, False, False),
    ],
)
def test_each_word_allows_what_it_says(state: str | None, records: bool, rests: bool, may_rest: bool) -> None:
    """An unknown word is neither taken for a recording nor for a pause, and a guard still ends what may be one."""
    assert (is_recording(state), is_paused(state), may_be_paused(state)) == (records, rests, may_rest)
