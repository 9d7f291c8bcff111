"""Places in the directory: the newest first, months of tags, and parts of a span behind a position."""

from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from recording.domain.find.directory import (
    Span,
    has_mark,
    inverse_month,
    inverse_ms,
    is_row_key,
    mark_of,
    moment_of,
    month_of,
    row_key,
    tenant_partition,
)

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
NOW = datetime(2026, 11, 23, 9, tzinfo=UTC)
MOMENTS = st.integers(0, 230 * 365 * 86_400_000_000).map(lambda passed: EPOCH + timedelta(microseconds=passed))


@given(MOMENTS, MOMENTS)
def test_later_moments_sort_first(one: datetime, other: datetime) -> None:
    """A page of any index is in the order in which people look: the newest first."""
    if other - one >= timedelta(milliseconds=1):
        assert inverse_ms(other) < inverse_ms(one)
        assert inverse_month(other) <= inverse_month(one)


@given(MOMENTS)
def test_a_row_key_gives_its_moment_back(moment: datetime) -> None:
    """A page continues where the last one ended."""
    key = row_key(moment, "a recording")
    assert is_row_key(key)
    assert timedelta() <= moment - moment_of(key) < timedelta(milliseconds=1)
    assert month_of(inverse_month(moment)) == f"{moment:%Y-%m}"


def test_what_is_not_a_row_key_is_refused() -> None:
    """A token from outside must not become a place."""
    assert not any(map(is_row_key, ("", "abc", "٣" * 13 + "-x", "1234567890123", "12345678901234-")))


def test_a_span_behind_a_position_skips_newer_months() -> None:
    """A search of ten years does not read again what it has passed."""
    newest, oldest = inverse_month(NOW), inverse_month(NOW - timedelta(days=3650))
    span = Span(f"t!{newest}", f"t!{oldest}")
    position = row_key(NOW - timedelta(days=365), "r")
    behind = span.behind(position)
    assert (behind.first_partition, behind.last_partition) == (
        f"t!{inverse_month(NOW - timedelta(days=365))}",
        f"t!{oldest}",
    )
    assert position < behind.first_row
    assert span.behind("") is span


def test_a_tenants_span_is_its_own() -> None:
    """No partition of one tenant is within the span of another."""
    span = Span("t!1", "t!2").of_tenant("k")
    assert (span.first_partition, span.last_partition) == (tenant_partition("k", "t!1"), tenant_partition("k", "t!2"))


def test_marks_are_found_among_others() -> None:
    """They spare the reading of most records; a part of two neighbours is no mark."""
    marks = mark_of("p!a") + mark_of("p!b")
    assert has_mark(marks, "p!a")
    assert has_mark(marks, "p!b")
    assert not has_mark(marks[4:-4], "p!a")
