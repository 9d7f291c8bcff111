"""Every query is one that Azure Monitor understands."""

import logging
import re

import pytest

from dev import workbook
from dev.policies.infra.alarms import deployed
from dev.story.alerts import TELLS
from recording.telemetry import FIELDS, Event, emit
from tests.repo.infra.queries import faults_of, panels, queries


def test_every_query_is_read_by_microsofts_parser() -> None:
    """An alert whose query does not parse is deployed and never fires."""
    found = {name: faults for name, faults in faults_of(queries()).items() if faults}
    assert found == {}


@pytest.mark.parametrize(
    "query",
    [
        "AppTraces | where Mesage startswith 'recording.chunk.expired'",
        "AppTrace | take 1",
        "AppTraces | summarise count()",
        "AppTraces | extend missing = extractt('x', 1, Message)",
        "AppTraces | where Message startswith",
        "let a = AppTraces; AppTraces | where Message in (b)",
    ],
)
def test_the_parser_is_awake(query: str) -> None:
    """A check that finds nothing wrong with anything proves nothing."""
    assert faults_of({"wrong": query})["wrong"] != []


def test_every_panel_follows_the_time_that_is_chosen() -> None:
    """A panel with a time of its own contradicts its neighbours; what stands now has the time of its alert."""
    chosen = [panel["content"] for panel in panels() if not panel["name"].startswith("now-")]
    assert {panel.get("timeContextFromParameter") for panel in chosen} == {"TimeRange"}


def test_the_workbook_says_what_the_alerts_say() -> None:
    """None is green while another one is red: it asks with the very text of the rules that are deployed."""
    text = workbook.PAGE.read_text("utf-8")
    assert workbook.written(text) == text, "write it anew: python -m dev workbook"
    asked = {panel["content"]["query"] for panel in panels()}
    missing = {kind for kind, alerts in TELLS.items() if not all(deployed()[name].query in asked for name in alerts)}
    assert missing == set()


def test_a_workbook_that_is_behind_is_noticed() -> None:
    """A query that was changed in its file and not here."""
    text = workbook.PAGE.read_text("utf-8")
    assert workbook.written(text.replace("recording.chunk.expired", "recording.chunk.lost")) != text.replace(
        "recording.chunk.expired", "recording.chunk.lost"
    )


PATTERNS = sorted({found for query in queries().values() for found in re.findall(r"extract\(@'([^']+)'", query)})


@pytest.mark.parametrize("pattern", PATTERNS)
def test_a_query_reads_what_the_log_writes(pattern: str, caplog: pytest.LogCaptureFixture) -> None:
    """Queries read the text of a line: the Functions host keeps that, whatever it does with the fields beside it."""
    number = {name for name in FIELDS if f'{name}="?(' in pattern or f"{name}=(" in pattern}
    with caplog.at_level(logging.DEBUG, logger="recording"):
        emit(Event.CHUNK_COPIED, **{name: -1.5 if name == "time_left_seconds" else 7 for name in number})
        emit(Event.EVENT_ACCEPTED)
        emit(Event.CHUNK_COPIED, **dict.fromkeys(FIELDS - number, "what it says"))
    lines = [record.getMessage() for record in caplog.records]
    found = [match[match.lastindex or 0] for line in lines if (match := re.search(pattern, line))]
    assert set(found) & {"-1.5", "7", "what it says", "copied", "accepted"}


def test_the_queries_read_something() -> None:
    """Without a pattern, the test above would say nothing."""
    assert len(PATTERNS) > 5
