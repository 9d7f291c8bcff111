"""docs/runbook.md against recording/telemetry/__init__.py."""

import ast
import logging
import re

import pytest

from dev.policies.markdown import rows_with, spans
from dev.policies.repository import DOCS, ROOT
from recording.operate.doctor import CHECKS
from recording.telemetry import FIELDS, Event, emit

PAGE = DOCS / "runbook.md"
SECTIONS = re.findall(r"^### `(recording\.[\w.]+)`\n\nLevel: (\w+)\. ", PAGE.read_text(encoding="utf-8"), re.MULTILINE)
LEVELS = dict(SECTIONS) | {spans(row["event"])[0]: row["level"] for row in rows_with(PAGE, "event", "level")}


def test_the_first_thing_to_type_is_what_needs_attention() -> None:
    """At night the first block of the page is what is copied."""
    (first, *_) = re.findall(r"```bash\n(.*?)```", PAGE.read_text(encoding="utf-8"), re.DOTALL)
    assert first.startswith("recordings status")


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


@pytest.mark.parametrize("event", [Event.REDRIVEN, Event.SCRUB_BEHIND])
def test_the_reasons_of_an_event_are_all_explained(event: Event) -> None:
    """A query by reason is written from this page."""
    (row,) = [row for row in rows_with(PAGE, "event", "level", "what it means") if spans(row["event"]) == [event.value]]
    assert [reason for reason in _reasons(event) if reason not in spans(row["what it means"])] == []


def _reasons(event: Event) -> list[str]:
    """The reasons in the code: texts given to the field `reason` where this event is logged."""
    found = []
    for path in (ROOT / "recording").rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Call) and node.args and ast.unparse(node.args[0]) == f"Event.{event.name}":
                told = [keyword.value for keyword in node.keywords if keyword.arg == "reason"]
                texts = [part.value for value in told for part in ast.walk(value) if isinstance(part, ast.Constant)]
                found += [text for text in texts if isinstance(text, str)]
    assert found
    return found


def test_the_page_lists_exactly_the_fields_there_are() -> None:
    """Queries name them."""
    section = re.search(r"^## Fields\n\n(.+?)\n\n", PAGE.read_text(encoding="utf-8"), re.MULTILINE | re.DOTALL)
    assert section is not None
    assert set(spans(section[1])) == FIELDS
