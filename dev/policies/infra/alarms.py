"""The alerts that `infra/` deploys, played: which mail Azure would send and when, given the lines that the app logged.

Names, frequencies, windows, dimensions and queries are read from the templates, so a change there changes what is
proved. The queries are executed, not imitated.
"""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cache
from typing import Literal

from dev.policies.infra.bicep import Value, as_list, at
from dev.policies.infra.log_workspace import Answer, Workspace
from dev.policies.infra.templates import Templates, load
from recording.telemetry import Event

INGESTION = timedelta(minutes=5)  # of a log, as Azure Monitor documents it: from two to five
QUIET_UNTIL_RESOLVED = 3  # evaluations without a row, at the frequencies in use
APP = "00000000-0000-0000-0000-00000000a11c"  # stands for the app's principal in a query that names it
CUSTODIAN = "00000000-0000-0000-0000-00000000c057"  # and this for the custodian's
_DURATION = re.compile(r"P(?:(?P<days>\d+)D)?(?:T(?:(?P<hours>\d+)H)?(?:(?P<minutes>\d+)M)?)?")

Key = tuple[str, ...]


@dataclass(frozen=True)
class Line:
    """What the app logged, and when."""

    at: datetime
    text: str


@dataclass(frozen=True)
class Mail:
    """What people receive: an alert fired, or is resolved, for one set of values of its dimensions."""

    at: datetime
    kind: Literal["fired", "resolved"]
    key: Key


@dataclass(frozen=True)
class Alert:
    """An alert as it is deployed. A metric alert has no query, an alert on Azure's own notes no frequency."""

    name: str
    severity: int
    every: timedelta
    window: timedelta
    query: str = ""
    by: tuple[str, ...] = ()

    @property
    def is_about_lines(self) -> bool:
        """Return whether it reads what this app logs; the others read what Azure measures."""
        return "AppTraces" in self.query and "ACSCallRecordingSummary" not in self.query

    def slowest(self, source_delay: timedelta) -> timedelta:
        """Return the longest time to the mail: the way of a fact into Azure's source, then one period."""
        return source_delay + self.every

    def asks(self, workspace: Workspace, now: datetime, ingestion: timedelta = INGESTION) -> Answer:
        """Execute the deployed query as the rule does at a time."""
        return workspace.ask(self.query, now, self.window, ingestion)

    def keys(self, workspace: Workspace, now: datetime, ingestion: timedelta = INGESTION) -> set[Key]:
        """Return what the rule fires for at a time: one key for each combination of its dimensions."""
        return self.asks(workspace, now, ingestion).by(self.by)

    def fires(self, workspace: Workspace, begin: datetime, end: datetime) -> datetime | None:
        """Return the first time, at or after `begin`, at which the deployed rule finds something."""
        return next((now for now in self._times(begin, end) if self.keys(workspace, now)), None)

    def mails(self, workspace: Workspace, begin: datetime, end: datetime) -> list[Mail]:
        """Return every mail of a stretch of time, as Azure's stateful alerts send them.

        A key that has fired says nothing more until it is resolved, which is after some evaluations without it.
        """
        quiet: dict[Key, int] = {}
        sent: list[Mail] = []
        for now in self._times(begin, end):
            found = self.keys(workspace, now)
            sent += [Mail(now, "fired", key) for key in sorted(found - quiet.keys())]
            quiet = {key: 0 if key in found else quiet.get(key, 0) + 1 for key in quiet.keys() | found}
            over = sorted(key for key, count in quiet.items() if count >= QUIET_UNTIL_RESOLVED)
            sent += [Mail(now, "resolved", key) for key in over]
            quiet = {key: count for key, count in quiet.items() if key not in over}
        return sent

    def _times(self, begin: datetime, end: datetime) -> Iterator[datetime]:
        now = begin
        while now <= end:
            yield now
            now += self.every

    def reads(self, event: Event) -> bool:
        """Return whether its query looks for this event."""
        return f'"{event.value}"' in self.query


def workspace_of(lines: Sequence[Line]) -> Workspace:
    """Return a workspace that holds these lines."""
    workspace = Workspace()
    workspace.traces((line.at, line.text) for line in lines)
    return workspace


@cache
def deployed() -> dict[str, Alert]:
    """Return every alert of this repository by its name."""
    return alerts_of(load())


def alerts_of(templates: Templates) -> dict[str, Alert]:
    """Return every alert of a set of templates by its name."""
    return {alert.name: alert for alert in _alerts(templates)}


def _alerts(templates: Templates) -> Iterator[Alert]:
    variables = templates.module("alerts").variables
    for told in as_list(variables.get("logAlerts")):
        query = (
            templates.texts.get(f"infra/observability/{at(told, 'name')}.kql", "")
            .replace("{appPrincipalId}", APP)
            .replace("{custodianPrincipalId}", CUSTODIAN)
        )
        yield _alert(told, query)
    for told in as_list(variables.get("metricAlerts")):
        yield _alert(told)
    for told in as_list(variables.get("activityAlerts")):
        yield Alert(str(at(told, "name")), 4, timedelta(minutes=5), timedelta(minutes=5))


def _alert(told: Value, query: str = "") -> Alert:
    by = tuple(str(column) for column in as_list(at(told, "by")))
    every, window = _duration(at(told, "every")), _duration(at(told, "range"))
    return Alert(str(at(told, "name")), int(str(at(told, "severity"))), every, window, query, by)


def _duration(text: Value) -> timedelta:
    """Return an ISO 8601 duration of days, hours and minutes."""
    found = _DURATION.fullmatch(str(text))
    if found is None:
        raise ValueError(f"{text} is not a duration")
    return timedelta(**{unit: int(number) for unit, number in found.groupdict().items() if number})
