"""The day on which everything is reported: every declared type, each event valid; and a wrong event is found."""

from dataclasses import replace
from typing import Any

import pytest

from dev.event_grid.receiver import BY_GRID, BY_WEBHOOK, Received
from dev.prove import told
from dev.prove.published_forms import declared_types, faults_of
from dev.prove.told import ToldDay, told_day
from recording.domain.outgoing.events import EventType


@pytest.fixture(scope="module")
def day() -> ToldDay:
    return told_day()


def test_every_declared_type_leaves_and_every_event_is_valid(day: ToldDay) -> None:
    """Over both real ways, against the JSON Schemas and the AsyncAPI document."""
    assert day.faults == []
    assert set(day.counts) == declared_types() == {kind.wire_name for kind in EventType}


@pytest.mark.parametrize("way", [BY_GRID, BY_WEBHOOK])
@pytest.mark.parametrize("change", [{"data": {}}, {"sequence": "1"}, {"more": 1}, {"subject": ""}])
def test_an_event_that_says_more_less_or_something_else_is_found(
    day: ToldDay, way: str, change: dict[str, Any]
) -> None:
    """A check that accepts everything checks nothing."""
    for event in day.events:
        if event.way == way:
            assert faults_of(replace(event, document=event.document | change))


def test_a_type_that_nobody_declared_is_found() -> None:
    """A new type goes out only with its form."""
    assert faults_of(Received(BY_GRID, "1", "recording_archive.new.v1", "s", "now", {}))


def test_a_day_on_which_something_is_left_out_fails(monkeypatch: pytest.MonkeyPatch) -> None:
    """Without the case of the day, nothing is held and nothing is released."""
    monkeypatch.setattr(told, "_case", lambda _here: None)
    missing = [
        "recording_archive.held.v1 is declared and did not occur",
        "recording_archive.released.v1 is declared and did not occur",
    ]
    assert told_day().faults == missing
