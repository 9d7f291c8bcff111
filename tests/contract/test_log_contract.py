"""The port CallRecordingLog: the same promises from the fake and from the real SDK against a loopback workspace."""

import json
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from azure.core.credentials import AccessToken

from dev.in_memory.builders import RESOURCE, settings
from dev.in_memory.fakes.log import FakeLog
from dev.loopback import Answer, World
from recording.adapters import monitor_log
from recording.adapters.monitor_log import MonitorLog
from recording.errors import LogUnavailableError
from recording.ports import CallRecordingLog, RecordingSummary

WORKSPACE = "6f1c0d52-3a4e-4f0b-9d2a-5b7f6f0e11a3"
PATH = f"/v1/workspaces/{WORKSPACE}/query"
NOW = datetime(2026, 11, 23, 9, 0, tzinfo=UTC)
COLUMNS = [
    {"name": "RecordingId", "type": "string"},
    {"name": "ChunkCount", "type": "int"},
    {"name": "ReadyAt", "type": "datetime"},
    {"name": "NotedAt", "type": "datetime"},
]
ROWS = [
    RecordingSummary("rec-1", 1, NOW - timedelta(hours=3), NOW - timedelta(hours=2)),
    RecordingSummary("rec-2", 6, NOW - timedelta(hours=1), NOW - timedelta(minutes=30)),
]
SOON = "2026-11-23T09:00:00Z"
Make = Callable[[list[RecordingSummary]], CallRecordingLog]


class Identity:
    """A credential that gives the same token to all who ask."""

    def get_token(self, *scopes: str, **_: Any) -> AccessToken:
        assert scopes == ("https://api.loganalytics.io/.default",)
        return AccessToken("the-token", 4_000_000_000)


def answer(rows: list[list[Any]], **more: Any) -> Answer:
    """What the query API answers."""
    body = {"tables": [{"name": "PrimaryResult", "columns": COLUMNS, "rows": rows}], **more}
    return Answer(200, json.dumps(body).encode(), {"Content-Type": "application/json"})


def as_rows(summaries: list[RecordingSummary]) -> list[list[Any]]:
    """Summaries as the service writes them."""
    times = "%Y-%m-%dT%H:%M:%S.1234567Z"
    return [
        [row.recording_id, row.chunk_count, f"{row.ready_at:{times}}", f"{row.noted_at:{times}}"] for row in summaries
    ]


@pytest.fixture
def monitor(world: World, monkeypatch: pytest.MonkeyPatch) -> Iterator[MonitorLog]:
    """The adapter, with the real SDK, against the loopback world."""
    monkeypatch.setattr(monitor_log, "credential", lambda _: Identity())
    made = MonitorLog(
        settings(monitor_workspace_id=WORKSPACE),
        proxies={"https": world.proxy.url},
        connection_verify=world.ca_bundle,
    )
    yield made
    made.close()


@pytest.fixture(params=["fake", "loopback"])
def log(request: pytest.FixtureRequest) -> Make:
    """A log that holds these rows."""

    def make(rows: list[RecordingSummary]) -> CallRecordingLog:
        if request.param == "fake":
            return FakeLog(*rows)
        request.getfixturevalue("world").script.on("POST", PATH, answer(as_rows(rows)))
        adapter: MonitorLog = request.getfixturevalue("monitor")
        return adapter

    return make


def test_every_recording_is_told_with_its_count(log: Make) -> None:
    """The one list that ACS keeps."""
    found = list(log(ROWS).summaries(NOW - timedelta(hours=36)))
    assert [(row.recording_id, row.chunk_count) for row in found] == [("rec-1", 1), ("rec-2", 6)]
    assert [row.ready_at.replace(microsecond=0) for row in found] == [row.ready_at for row in ROWS]


def test_an_empty_log_is_no_error(log: Make) -> None:
    """A quiet night."""
    assert list(log([]).summaries(NOW)) == []


def test_rows_received_at_one_moment_are_gone_through_by_id() -> None:
    """A workspace receives thousands in one batch; a bounded look must get behind them."""
    rows = [RecordingSummary(f"rec-{number}", 1, NOW, NOW) for number in range(5)]
    found = [row.recording_id for row in FakeLog(*rows).summaries(NOW, "rec-1", 2)]
    assert found == ["rec-2", "rec-3"]


def test_the_position_is_part_of_the_question(monitor: MonitorLog, world: World) -> None:
    world.script.on("POST", PATH, answer([]))
    list(monitor.summaries(NOW, 'rec-1"', 7))
    query = json.loads(world.script.seen[0].body)["query"]
    assert 'RecordingId > "rec-1\\""' in query
    assert "| take 7" in query


def test_the_question_names_the_table_the_time_and_the_resource(monitor: MonitorLog, world: World) -> None:
    """A workspace may hold the logs of several ACS resources."""
    world.script.on("POST", PATH, answer([]))
    list(monitor.summaries(NOW))
    (seen,) = world.script.seen
    asked = json.loads(seen.body)
    assert (seen.host, seen.headers["Authorization"]) == ("api.loganalytics.io", "Bearer the-token")
    assert "ACSCallRecordingSummary" in asked["query"]
    assert f'_ResourceId =~ "{RESOURCE}"' in asked["query"]
    assert "datetime(2026-11-23T09:00:00+00:00)" in asked["query"]
    assert asked["timespan"].startswith("2026-11-21T09:00:00")


@pytest.mark.parametrize("row", [["", 1, SOON, SOON], ["a b", 1, SOON, SOON], ["r", 1, None, SOON]])
def test_a_row_that_names_no_recording_is_passed_over(monitor: MonitorLog, world: World, row: list[Any]) -> None:
    """What cannot be an id must not become a row of the catalog."""
    world.script.on("POST", PATH, answer([row, *as_rows(ROWS[:1])]))
    assert [found.recording_id for found in monitor.summaries(NOW)] == ["rec-1"]


@pytest.mark.parametrize(
    "bad",
    [
        Answer(401),
        Answer(403, b'{"error": {"code": "InsufficientAccessError", "message": "of tenant-secret"}}'),
        Answer(404),
        Answer(400, b'{"error": {"code": "BadArgumentError", "message": "no such table"}}'),
        Answer(429, headers={"Retry-After": "60"}),
        Answer(503),
        Answer(200, b"<html>"),
        Answer(200, b'{"tables": [{"name": "x", "columns": [], "rows": [[]]}]}', {"Content-Type": "application/json"}),
        Answer(is_dropped=True),
        answer(as_rows(ROWS), error={"code": "PartialError", "message": "half of it"}),
    ],
    ids=["401", "403", "404", "400", "429", "503", "web page", "no columns", "dropped", "half an answer"],
)
@pytest.mark.usefixtures("no_pauses")
def test_whatever_goes_wrong_is_one_error_that_tells_no_secret(monitor: MonitorLog, world: World, bad: Answer) -> None:
    """Nothing waits for this log, and half an answer would look like missing recordings."""
    world.script.on("POST", PATH, bad)
    with pytest.raises(LogUnavailableError) as refused:
        list(monitor.summaries(NOW))
    assert "tenant-secret" not in str(refused.value)
    assert refused.value.retryable
