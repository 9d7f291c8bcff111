"""Every query is one that Azure Monitor understands."""

import logging
import re

import pytest

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
    """A panel with a time of its own contradicts its neighbours."""
    assert {panel["content"]["timeContextFromParameter"] for panel in panels()} == {"TimeRange"}


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
