"""Every query is one that Azure Monitor understands."""

import pytest

from tests.infra.queries import faults_of, panels, queries


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
