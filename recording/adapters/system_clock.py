"""The machine's clock."""

from datetime import UTC, datetime


class SystemClock:
    """Fills the port `Clock`."""

    def now(self) -> datetime:
        """Return the time, aware UTC."""
        return datetime.now(UTC)
