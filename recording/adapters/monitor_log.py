"""Fills the port CallRecordingLog with Azure Monitor: the workspace table ACSCallRecordingSummary."""

import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

from azure.monitor.query import LogsQueryClient, LogsQueryPartialResult

from recording.adapters.azure_sdk.clients import CLIENT_OPTIONS, attempt, credential
from recording.adapters.azure_sdk.errors import ErrorFamily, translate_errors
from recording.domain.ids import is_opaque_id
from recording.errors import LogUnavailableError
from recording.ports import RecordingSummary
from recording.settings import Settings, needed

LOG = ErrorFamily(LogUnavailableError, LogUnavailableError, LogUnavailableError, LogUnavailableError)
LATENESS = timedelta(days=2)  # between an event and its row
SERVER_SECONDS = 60  # the service's own limit for the query

# One row for each recording, published when its files are ready. Of several rows for one id, the highest count applies.
_QUERY = """\
ACSCallRecordingSummary
| extend NotedAt = bin(ingestion_time(), 1microsecond)
| where NotedAt >= datetime({since})
| where {resource} == "" or _ResourceId =~ {resource}
| extend RecordingId = tostring(RecordingId)
| summarize ChunkCount = max(toint(ChunkCount)), ReadyAt = min(TimeGenerated), NotedAt = max(NotedAt) by RecordingId
| where NotedAt > datetime({since}) or RecordingId > {after}
| order by NotedAt asc, RecordingId asc
| take {most}
| project RecordingId, ChunkCount, ReadyAt, NotedAt
"""


class MonitorLog:
    """The workspace's table. Off unless MONITOR_WORKSPACE_ID is set."""

    def __init__(self, settings: Settings, **options: Any) -> None:
        self._workspace = needed(settings.monitor_workspace_id, "MONITOR_WORKSPACE_ID")
        self._resource = settings.acs.resource_id or ""
        identity = credential(settings.acs.client_id)
        self._client = LogsQueryClient(identity, endpoint=settings.monitor_endpoint, **{**CLIENT_OPTIONS, **options})

    def close(self) -> None:
        """Close the connections."""
        self._client.close()

    def summaries(self, since: datetime, after: str = "", most: int = 10_000) -> Iterator[RecordingSummary]:
        """Yield every recording whose summary was received since then, the earliest first.

        Half an answer is an error.
        """
        query = _QUERY.format(
            since=since.isoformat(), resource=json.dumps(self._resource), after=json.dumps(after), most=most
        )
        with translate_errors("reading ACS's recording log", LOG):
            until = datetime.now(UTC) + timedelta(days=1)  # so that a clock ahead of ours hides nothing
            answer = attempt(
                lambda: self._client.query_workspace(
                    self._workspace, query, timespan=(since - LATENESS, until), server_timeout=SERVER_SECONDS
                )
            )
            if isinstance(answer, LogsQueryPartialResult):
                raise LogUnavailableError("ACS's recording log answered only in part")
            found = [_summary(*row) for table in answer.tables for row in table.rows]
        return iter([summary for summary in found if summary is not None])


def _summary(recording_id: Any, chunk_count: Any, ready_at: Any, noted_at: Any) -> RecordingSummary | None:
    """Return a row; None when it names no recording."""
    if not isinstance(recording_id, str) or not is_opaque_id(recording_id) or not isinstance(ready_at, datetime):
        return None
    noted = noted_at if isinstance(noted_at, datetime) else ready_at
    return RecordingSummary(recording_id, int(chunk_count or 0), ready_at, noted)
