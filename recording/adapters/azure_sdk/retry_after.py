"""Reads the HTTP header Retry-After."""

from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime

_MOST_DIGITS = 9  # 31 years; the domain caps far below


def read_retry_after(value: str | None, now: datetime) -> timedelta | None:
    """Return how long a service asks to wait, from seconds or an HTTP date; None when that is unreadable."""
    if not value:
        return None
    text = value.strip()
    if text.isascii() and text.isdigit():
        return timedelta(seconds=int(text if len(text) <= _MOST_DIGITS else "9" * _MOST_DIGITS))
    try:
        moment = parsedate_to_datetime(text)
    except (ValueError, OverflowError):  # a year of twenty digits
        return None
    aware = moment if moment.tzinfo else moment.replace(tzinfo=UTC)
    return max(timedelta(), aware - now)
