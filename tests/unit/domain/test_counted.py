"""Numbers with their nouns."""

import pytest

from recording.domain.counted import counted


@pytest.mark.parametrize(
    ("count", "noun", "plural", "said"),
    [
        (0, "file", None, "0 files"),
        (1, "file", None, "1 file"),
        (2, "file", None, "2 files"),
        (1, "entry", "entries", "1 entry"),
        (3, "entry", "entries", "3 entries"),
    ],
)
def test_a_number_has_its_noun(count: int, noun: str, plural: str | None, said: str) -> None:
    """Operators read these sentences; "1 files" looks like a fault."""
    assert counted(count, noun, plural) == said
