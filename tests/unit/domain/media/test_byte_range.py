"""Ranges of bytes: every legal spelling means what the standard says, and everything else is refused or ignored."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from recording.domain.media.byte_range import read_range

LENGTHS = st.integers(1, 10**12)


@given(LENGTHS, st.data())
def test_a_range_is_cut_to_the_file(length: int, data: st.DataObject) -> None:
    """A player asks for more than there is at each end."""
    first = data.draw(st.integers(0, length - 1))
    last = data.draw(st.integers(first, 10**13))
    assert read_range(f"bytes={first}-{last}", length) == (first, min(last, length - 1) - first + 1)
    assert read_range(f"bytes={first}-", length) == (first, length - first)


@given(LENGTHS, st.integers(1, 10**13))
def test_a_suffix_counts_from_the_end(length: int, count: int) -> None:
    """MP4 files may have their index there."""
    assert read_range(f"bytes=-{count}", length) == (max(length - count, 0), min(count, length))


@pytest.mark.parametrize("digits", [18, 19, 20, 40, 5000])
def test_a_position_of_any_number_of_digits_is_a_number(digits: int) -> None:
    """The end of a range may lie as far behind the end of the file as it likes (RFC 9110, section 14.1.2)."""
    far = "9" * digits
    assert read_range(f"bytes=0-{far}", 10) == (0, 10)
    assert read_range(f"bytes=4-{far}", 10) == (4, 6)
    assert read_range(f"bytes=-{far}", 10) == (0, 10)
    assert read_range(f"bytes={'0' * digits}4-{'0' * digits}5", 10) == (4, 2)
    assert read_range(f"bytes=-{'0' * digits}5", 10) == (5, 5)
    for behind in (f"bytes={far}-", f"bytes={far}-{far}", f"bytes=5-{'0' * digits}4"):
        with pytest.raises(ValueError, match="range"):
            read_range(behind, 10)


@pytest.mark.parametrize("header", ["BYTES=0-5", "Bytes=0-5", "  bytes=0-5 "])
def test_the_name_of_the_unit_has_no_case(header: str) -> None:
    """RFC 9110, section 14.1; the blanks are those around the field's value."""
    assert read_range(header, 10) == (0, 6)


@pytest.mark.parametrize("header", [None, "", "items=0-5", "byte=0-1", "seconds=1-2", "0-5"])
def test_other_units_ask_for_no_range(header: str | None) -> None:
    """The standard says to ignore what one does not know."""
    assert read_range(header, 10) is None


@pytest.mark.parametrize(
    "header",
    [
        "bytes=",
        "bytes=-",
        "bytes=-0",
        "bytes=5-4",
        "bytes=10-",
        "bytes=10-20",
        "bytes=0-1,3-4",
        "bytes=0-1, 3-4",
        "bytes=a-b",
        "bytes=+1-2",
        "bytes=1.5-2",
        "bytes= 1-2 3",
        "bytes=0--1",
        "bytes=0x1-2",
        "bytes=٣-٤",
        f"bytes={'9' * 40}-",
        "bytes = 0-5",
    ],
)
def test_a_malformed_or_empty_range_is_refused(header: str) -> None:
    """Never answered with something else than what was asked for."""
    with pytest.raises(ValueError, match="range"):
        read_range(header, 10)


@given(st.text(max_size=40), LENGTHS)
def test_whatever_is_sent_the_answer_lies_in_the_file(text: str, length: int) -> None:
    """No input makes the app read outside the file, or fail in another way."""
    for header in (text, f"bytes={text}"):
        try:
            found = read_range(header, length)
        except ValueError:
            continue
        if found is None:
            assert not re.match(r"bytes=", header, re.IGNORECASE)
        else:
            assert 0 <= found[0] < length
            assert 1 <= found[1] <= length - found[0]
