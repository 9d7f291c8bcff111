"""The table of waits in docs/architecture.md against the constants it names."""

from datetime import timedelta
from importlib import import_module

import pytest

from dev.policies.markdown import Row, rows_with, spans
from dev.policies.repository import DOCS

ROWS = rows_with(DOCS / "architecture.md", "what waits")
UNITS = {"s": 1, "min": 60, "h": 3600, "d": 86_400}


@pytest.mark.parametrize("row", ROWS, ids=lambda row: spans(row["where"])[0])
def test_a_wait_is_as_long_as_the_page_says(row: Row) -> None:
    """An operator plans by these times."""
    module, _, name = spans(row["where"])[0].partition(":")
    value = getattr(import_module(module), name)
    seconds = value.total_seconds() if isinstance(value, timedelta) else value
    number, unit = row["how long"].split()
    assert seconds == int(number) * UNITS[unit]


def test_the_table_has_rows() -> None:
    """Without rows the test above would say nothing."""
    assert len(ROWS) > 10
