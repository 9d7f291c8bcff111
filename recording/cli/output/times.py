"""Times, lengths and sizes as people write and read them; the local zone, unless another is given."""

import re
from datetime import UTC, datetime, timedelta, tzinfo

_AGO = re.compile(r"(\d{1,5})\s*(m|min|h|d|w)", re.IGNORECASE)
_UNITS = {"m": "minutes", "min": "minutes", "h": "hours", "d": "days", "w": "weeks"}
_DAYS = {"today": timedelta(), "yesterday": timedelta(days=1)}
_WRITE = "write 30m, 2h, 3d, 1w, today, yesterday, 2026-11-26 or 2026-11-26T14:05"
_EARLIEST = datetime(1970, 1, 1, tzinfo=UTC)  # long before the first recording of ACS
_SIZES = ("B", "kB", "MB", "GB", "TB", "PB")


def read_moment(text: str, now: datetime, zone: tzinfo | None = None) -> datetime:
    """Return the time that is meant by `2h`, `3d`, `today`, `yesterday`, or ISO 8601 without or with a zone.

    Raises:
        ValueError: none of these, or before the first time that storage can compare with.
    """
    try:
        time = _moment(text.strip(), now, zone)
    except (ValueError, OverflowError):
        raise ValueError(f"{_WRITE}, not {text!r}") from None
    if time < _EARLIEST:
        raise ValueError(f"{text!r} is before {_EARLIEST:%Y-%m-%d}")
    return time


def _moment(text: str, now: datetime, zone: tzinfo | None) -> datetime:
    if found := _AGO.fullmatch(text):
        return now - timedelta(**{_UNITS[found[2].lower()]: int(found[1])})
    day = _DAYS.get(text.lower())
    if day is None:
        return _utc(datetime.fromisoformat(text), zone)
    return _utc(datetime.combine(now.astimezone(zone).date() - day, datetime.min.time()), zone)


def _utc(time: datetime, zone: tzinfo | None) -> datetime:
    """Return a time in UTC; one without a zone is of the clock on the wall of its own day, not of today's."""
    if time.tzinfo is None and zone is not None:
        time = time.replace(tzinfo=zone)
    return time.astimezone(UTC)


def clock_time(time: datetime, now: datetime, zone: tzinfo | None = None) -> str:
    """Return a moment in the local zone, as short as its distance allows."""
    local, today = time.astimezone(zone), now.astimezone(zone)
    if local.date() == today.date():
        return f"{local:%H:%M}"
    return f"{local.day} {local:%b %H:%M}" if local.year == today.year else f"{local.day} {local:%b %Y}"


def distance(time: datetime, now: datetime) -> str:
    """Return how far away a moment is: `in 4 min`, `2 h ago`, `now`."""
    seconds = (time - now).total_seconds()
    if abs(seconds) < 1:
        return "now"
    length = length_of(timedelta(seconds=abs(seconds)))
    return f"in {length}" if seconds > 0 else f"{length} ago"


def due_in(time: datetime, now: datetime) -> str:
    """Return when something is due: `in 4 min`; once that is over, that it should have happened by now."""
    return distance(time, now) if time > now else "is due"


def length_of(length: timedelta) -> str:
    """Return a length of time in one or two units."""
    seconds = int(length.total_seconds())
    if seconds < 60:
        return f"{seconds} s"
    minutes, hours, days = seconds // 60, seconds // 3600, seconds // 86_400
    if hours < 1:
        return f"{minutes} min"
    if days < 2:
        return f"{hours} h {minutes % 60:02d} min" if hours < 24 and minutes % 60 else f"{hours} h"
    return f"{days} d"


def time_left(left: timedelta | None) -> str:
    """Return what is left before ACS may forget the media."""
    if left is None:
        return ""
    return length_of(left) if left > timedelta() else "none"


def size_of(length_bytes: int) -> str:
    """Return a number of bytes in decimal units, as disks are sold."""
    value, unit = float(length_bytes), _SIZES[0]
    for unit in _SIZES:
        if value < 999.5 or unit == _SIZES[-1]:
            break
        value /= 1000
    return f"{length_bytes} B" if unit == "B" else f"{value:.1f} {unit}" if value < 99.95 else f"{value:.0f} {unit}"


def duration_of(duration_ms: float) -> str:
    """Return how long media plays."""
    seconds = round(duration_ms / 1000)
    minutes, hours = seconds // 60, seconds // 3600
    return f"{hours}:{minutes % 60:02d}:{seconds % 60:02d}" if hours else f"{minutes}:{seconds % 60:02d}"
