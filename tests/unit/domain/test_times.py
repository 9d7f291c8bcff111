"""Times in documents: ISO 8601, whoever writes them."""

import json
import re
from datetime import UTC, date, datetime
from pathlib import Path

import pytest

import recording
from dev.in_memory.builders import chunk, event
from recording.domain.times import iso_text
from recording.ingest.hold import payload_of


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (datetime(2026, 5, 4, 9, 30, tzinfo=UTC), "2026-05-04T09:30:00+00:00"),
        (date(2026, 5, 4), "2026-05-04"),
        (Path("a"), "a"),
    ],
)
def test_what_json_does_not_know_becomes_a_text_that_machines_read(value: object, text: str) -> None:
    """Python's own text of a time has a space where ISO 8601 has a T."""
    assert json.loads(json.dumps([value], default=iso_text)) == [text]


def test_a_kept_event_has_its_times_in_iso_8601() -> None:
    """An operator redrives it: the text is read again as an event."""
    kept = payload_of({**event(chunk()), "eventTime": datetime(2026, 5, 4, 9, 30, tzinfo=UTC)})
    assert json.loads(kept)["eventTime"] == "2026-05-04T09:30:00+00:00"


def test_nothing_that_ships_leaves_the_form_of_times_to_python() -> None:
    """`default=str` writes a time in a form of Python's own."""
    folder = Path(str(recording.__file__)).parent
    found = [str(path) for path in folder.rglob("*.py") if re.search(r"default=str\b", path.read_text("utf-8"))]
    assert found == []
