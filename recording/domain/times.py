"""Times in stored messages and rows, which other versions or people may have written."""

import re
from datetime import UTC, date, datetime, time, timedelta, timezone, tzinfo
from typing import Annotated
from zoneinfo import ZoneInfo

from pydantic import AfterValidator

from recording.errors import RequestError

_OFFSET = re.compile(r"(?P<sign>[+-])(?P<hours>0[0-9]|1[0-4]):(?P<minutes>[0-5][0-9])", re.ASCII)
NEVER = datetime(1, 1, 1, tzinfo=UTC)  # a time that cannot be read: outside of reason
EARLIEST = datetime(1601, 1, 1, tzinfo=UTC)  # Table Storage cannot store an earlier one
_LAST = datetime.max.replace(tzinfo=UTC)
SKEW = timedelta(minutes=1)  # by which the clocks of instances differ
OLDEST = timedelta(days=365)  # a time further from now was never set, or was written by hand


def as_utc(moment: datetime) -> datetime:
    """Return the time as aware UTC; one without a zone is read as UTC."""
    if moment.utcoffset() is None:
        return moment.replace(tzinfo=UTC)
    if moment.utcoffset() == timedelta():
        return moment
    try:
        return moment.astimezone(UTC)
    except OverflowError:  # the first or the last day of the calendar, in another zone
        return moment.replace(tzinfo=UTC)


def iso_text(value: object) -> str:
    """Return a time in ISO 8601, and any other type that JSON lacks as text; for `json.dumps(default=…)`."""
    return value.isoformat() if isinstance(value, date | time) else str(value)


def sortable(moment: datetime) -> str:
    """Return text that sorts like the time, in whole seconds, also for years before 1000."""
    return as_utc(moment).isoformat(timespec="seconds")[:19].replace("-", "").replace(":", "")


def newest_first(moment: datetime) -> str:
    """Return text that sorts the newest time first, to the microsecond."""
    return f"{(_LAST - as_utc(moment)) // timedelta(microseconds=1):020d}"


def is_within_reason(moment: datetime, now: datetime) -> bool:
    """Return whether a stored time is plausible."""
    return abs(moment - now) <= OLDEST


def later(known: datetime, told: datetime, now: datetime) -> datetime:
    """Return the later of two expiries; an implausible stored one does not count."""
    return max(known, told) if is_within_reason(known, now) else told


def within_reason(told: datetime | None, now: datetime) -> datetime | None:
    """Return a time within reason, or None: one far from now was never set."""
    return told if told is not None and is_within_reason(told, now) else None


def after(moment: datetime, milliseconds: float) -> datetime | None:
    """Return the time so many milliseconds after another; None where no calendar has it."""
    try:
        return moment + timedelta(milliseconds=milliseconds)
    except (OverflowError, ValueError):  # a document may name any year, and any length
        return None


def zone_of(name: str | None) -> tzinfo | None:
    """Return the zone of a name such as `Europe/Berlin`, or of an offset such as `+02:00`; None for no name.

    Raises:
        RequestError: `invalid_request`; there is no such zone on this machine.
    """
    if not name:
        return None
    if found := _OFFSET.fullmatch(name.replace(" ", "+")):  # a query string reads a plus as a space
        length = timedelta(hours=int(found["hours"]), minutes=int(found["minutes"]))
        return timezone(-length if found["sign"] == "-" else length)
    try:
        return ZoneInfo(name)
    except (ValueError, LookupError, OSError):  # not a name, not in the database, or one of its folders
        message = "timeZone is neither a zone of the IANA database, like Europe/Berlin, nor an offset, like +02:00"
        raise RequestError(message) from None


UtcTime = Annotated[datetime, AfterValidator(as_utc)]
