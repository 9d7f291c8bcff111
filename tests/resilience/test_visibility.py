"""Visibility: no failure is silent, and each is told in time by an alert that is really deployed (I4)."""

import logging

import pytest

from dev.policies.infra.alarms import deployed
from dev.prove.visibility import ROWS, Row, a_calm_day, faults_of
from recording import telemetry
from recording.telemetry import Event


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row.failure)
def test_a_failure_is_told_within_its_minutes(row: Row) -> None:
    """It is made to happen, and the deployed rule is played over what the app logged."""
    assert faults_of(row) == []


def test_a_calm_day_wakes_nobody() -> None:
    """An alert that always fires is one that nobody reads."""
    assert a_calm_day() == []


def test_every_alert_has_its_failure() -> None:
    """An alert that nothing sets off proves nothing."""
    assert {row.alert for row in ROWS} == deployed().keys()


def test_a_rule_that_looks_too_seldom_is_noticed() -> None:
    """Without this, the table above might pass whatever is deployed."""
    late = next(row for row in ROWS if row.alert == "chunk-at-risk")
    assert faults_of(Row(late.failure, "recording-never-announced", late.within, late.happens))


def test_every_error_in_the_log_has_an_alert_that_reads_it() -> None:
    """An error that only the log knows is found a week later."""
    errors = {event for event, level in telemetry._LEVELS.items() if level >= logging.ERROR}
    read = {event for event in Event for alert in deployed().values() if alert.reads(event)}
    assert errors - read == set()
