"""The alerts that `infra/` deploys, played: when each would tell somebody, given the lines that the app logged.

Names, frequencies, windows and queries are read from the templates, so a change there changes what is proved. Only the
filters and the threshold of a query are played here; tests/infra has Microsoft's parser read the whole of it.
"""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cache

from recording.telemetry import Event
from tests.repo.docs.repository import ROOT
from tests.repo.infra.bicep import Value, as_list, at, read

INGESTION = timedelta(minutes=5)  # of a log, as Azure Monitor tells it: from two to five
_DURATION = re.compile(r"P(?:(?P<days>\d+)D)?(?:T(?:(?P<hours>\d+)H)?(?:(?P<minutes>\d+)M)?)?")


@dataclass(frozen=True)
class Line:
    """What the app logged, and when."""

    at: datetime
    text: str


@dataclass(frozen=True)
class Alert:
    """An alert as it is deployed. A metric alert has no query."""

    name: str
    severity: int
    every: timedelta
    window: timedelta
    query: str = ""

    @property
    def is_about_lines(self) -> bool:
        """Whether it reads what this app logs; the others read what Azure measures."""
        return "AppTraces" in self.query and "ACSCallRecordingSummary" not in self.query

    def slowest(self, source_delay: timedelta) -> timedelta:
        """The longest time from a fact that Azure knows of to the mail: its way into the source, then one period."""
        return source_delay + self.every

    def fires(self, lines: Sequence[Line], begin: datetime, end: datetime) -> datetime | None:
        """The first time, at or after `begin`, at which the deployed rule finds something in the lines."""
        now = begin
        while now <= end:
            if self._finds(lines, now):
                return now
            now += self.every
        return None

    def _finds(self, lines: Sequence[Line], now: datetime) -> bool:
        seen = [line for line in lines if now - self.window <= line.at <= now - INGESTION and self._matches(line)]
        if "where runs == 0" in self.query:
            return not seen
        return len(seen) >= self._threshold

    def _matches(self, line: Line) -> bool:
        starts = re.findall(r'Message startswith "([^"]+)"', self.query)
        lacks = re.findall(r"Message !contains '([^']+)'", self.query)
        return any(line.text.startswith(start) for start in starts) and not any(part in line.text for part in lacks)

    @property
    def _threshold(self) -> int:
        found = re.search(r"where times >= (\d+)", self.query)
        return int(found[1]) if found else 1

    def reads(self, event: Event) -> bool:
        """Whether its query looks for this event."""
        return f'"{event.value}"' in self.query


@cache
def deployed() -> dict[str, Alert]:
    """Every alert by its name."""
    return {alert.name: alert for alert in _alerts()}


def _alerts() -> Iterator[Alert]:
    file = read((ROOT / "infra/modules/alerts.bicep").read_text(encoding="utf-8"))
    for told in as_list(file.variables.get("logAlerts")):
        name = str(at(told, "name"))
        query = (ROOT / f"infra/observability/{name}.kql").read_text(encoding="utf-8")
        yield Alert(name, _severity(told), _duration(at(told, "every")), _duration(at(told, "range")), query)
    rule = file.resources["metrics"].properties
    every, window = _duration(at(rule, "evaluationFrequency")), _duration(at(rule, "windowSize"))
    for told in as_list(file.variables.get("metricAlerts")):
        yield Alert(str(at(told, "name")), _severity(told), every, window)


def _severity(told: Value) -> int:
    return int(str(at(told, "severity")))


def _duration(text: Value) -> timedelta:
    """An ISO 8601 duration of days, hours and minutes."""
    found = _DURATION.fullmatch(str(text))
    assert found is not None, f"{text} is not a duration"
    return timedelta(**{unit: int(number) for unit, number in found.groupdict().items() if number})
