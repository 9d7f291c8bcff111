"""NCRONTAB schedules: six fields (seconds first) or five (seconds are 0), always in UTC."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from croniter import croniter

from dev.functions_host.functions import AppError


@dataclass(frozen=True)
class Schedule:
    """When a timer function is due."""

    expression: str

    def next_after(self, moment: datetime) -> datetime:
        """Return the first occurrence after the moment (aware UTC)."""
        found: datetime = croniter(self.expression, moment, second_at_beginning=True).get_next(datetime)
        return found.astimezone(UTC)

    @property
    def is_monitored_by_default(self) -> bool:
        """Schedule that fire more often than once a minute keep no status in the real host."""
        first = self.next_after(datetime(2024, 1, 1, tzinfo=UTC))
        return self.next_after(first) - first >= timedelta(minutes=1)


def parse_schedule(text: str) -> Schedule:
    """Read an NCRONTAB expression. Raises AppError when it cannot be read."""
    fields = text.split()
    if len(fields) not in (5, 6):
        raise AppError(f"schedule '{text}' must have six fields: second minute hour day month weekday")
    expression = " ".join(fields if len(fields) == 6 else ["0", *fields])
    if not croniter.is_valid(expression, second_at_beginning=True):
        raise AppError(f"schedule '{text}' is not a valid NCRONTAB expression")
    return Schedule(expression)
