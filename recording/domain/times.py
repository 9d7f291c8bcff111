"""Times of stored messages and rows, which other versions and other hands may have written."""

from datetime import UTC, datetime, timedelta
from typing import Annotated

from pydantic import AfterValidator

EARLIEST = datetime(1601, 1, 1, tzinfo=UTC)  # Table Storage holds nothing earlier


def as_utc(moment: datetime) -> datetime:
    """Return the time as aware UTC; without a zone it is read as UTC."""
    if moment.utcoffset() is None:
        return moment.replace(tzinfo=UTC)
    if moment.utcoffset() == timedelta():
        return moment
    try:
        return moment.astimezone(UTC)
    except OverflowError:  # the first or the last day of the calendar, in another zone
        return moment.replace(tzinfo=UTC)


def sortable(moment: datetime) -> str:
    """Return a text that sorts as the time does, in whole seconds, of years before 1000 too."""
    return as_utc(moment).isoformat(timespec="seconds")[:19].replace("-", "").replace(":", "")


UtcTime = Annotated[datetime, AfterValidator(as_utc)]
