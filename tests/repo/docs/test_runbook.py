"""docs/runbook.md against recording/telemetry/__init__.py."""

import logging
import re

import pytest

from recording.operate.doctor import CHECKS
from recording.telemetry import FIELDS, Event, emit
from tests.repo.docs.markdown import rows_with, spans
from tests.repo.docs.repository import DOCS

PAGE = DOCS / "runbook.md"
LEVELS = {spans(row["event"])[0]: row["level"] for row in rows_with(PAGE, "event", "level") if row["level"] != "-"}


def test_every_check_of_the_doctor_is_explained() -> None:
    """A finding's name is looked up here."""
    listed = [spans(row["check"])[0] for row in rows_with(DOCS / "runbook.md", "check", "looks at")]
    assert listed == ["python", "settings", "host_json", "retention", *CHECKS]


def test_the_page_has_exactly_the_events_that_are_logged() -> None:
    """Somebody is woken by one of them and looks it up here."""
    assert LEVELS.keys() == {event.value for event in Event}


@pytest.mark.parametrize("event", Event)
def test_the_level_is_the_documented_one(event: Event, caplog: pytest.LogCaptureFixture) -> None:
    """Alerts are made on levels too."""
    with caplog.at_level(logging.DEBUG, logger="recording"):
        emit(event)
    assert caplog.records[0].levelname.lower() == LEVELS[event.value]


def test_the_page_lists_exactly_the_fields_there_are() -> None:
    """Queries name them."""
    section = re.search(r"^## Fields\n\n(.+?)\n\n", PAGE.read_text(encoding="utf-8"), re.MULTILINE | re.DOTALL)
    assert section is not None
    assert set(spans(section[1])) == FIELDS
