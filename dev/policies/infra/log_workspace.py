"""A Log Analytics workspace of our own: tables of lines, and KQL executed over them as an alert rule would ask it.

The queries are translated to SQL and run by DuckDB. `tests/repo/infra/test_log_workspace.py` holds each operator that
they use against the answer that Kusto documents.
"""

import weakref
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import cache
from typing import Any

import duckdb
import duckdb_kql

TABLES: Mapping[str, Mapping[str, str]] = {
    "AppTraces": {"TimeGenerated": "datetime", "Message": "string", "SeverityLevel": "int", "Properties": "dynamic"},
    "StorageQueueLogs": {"TimeGenerated": "datetime", "OperationName": "string", "Uri": "string"},
    "StorageBlobLogs": {
        "TimeGenerated": "datetime",
        "OperationName": "string",
        "StatusText": "string",
        "AuthenticationType": "string",
        "RequesterObjectId": "string",
        "CallerIpAddress": "string",
        "UserAgentHeader": "string",
        "Uri": "string",
    },
    "ACSCallRecordingSummary": {
        "TimeGenerated": "datetime",
        "RecordingId": "string",
        "ChunkCount": "int",
        "RecordingEndReason": "string",
        "RecordingLength": "long",
    },
    "_LogOperation": {"TimeGenerated": "datetime", "Category": "string", "Operation": "string", "Detail": "string"},
}
_SQL_TYPES = {"datetime": "TIMESTAMP", "string": "VARCHAR", "int": "INTEGER", "long": "BIGINT", "dynamic": "JSON"}
_OFTEN = 4  # times that a database is asked the same; each planted fault asks many databases something else once
_CLOCK = datetime(2026, 1, 1, tzinfo=UTC)

Row = Mapping[str, Any]


@dataclass(frozen=True)
class Answer:
    """What a query gives: the names of its columns, and its rows."""

    columns: tuple[str, ...]
    rows: tuple[tuple[Any, ...], ...]

    def by(self, names: Sequence[str]) -> set[tuple[str, ...]]:
        """Return the distinct values of some columns, as text: what Azure keeps separate alerts for.

        Raises:
            ValueError: when there is no such column; Azure refuses the rule then.
        """
        places = [self.columns.index(name) for name in names]
        return {tuple("" if row[at] is None else str(row[at]) for at in places) for row in self.rows}


@dataclass
class _Database:
    """A database with empty tables, and plans of what it is asked often: planning takes longer than any answer."""

    connection: duckdb.DuckDBPyConnection = field(default_factory=duckdb_kql.connect)
    asked: Counter[str] = field(default_factory=Counter)
    prepared: dict[str, str] = field(default_factory=dict)  # their names, by the query

    def __post_init__(self) -> None:
        self.connection.execute("SET threads = 1")  # of so few rows, neither threads nor plans are worth their time
        self.connection.execute("PRAGMA disable_optimizer")
        self.connection.execute("CREATE TABLE asked_for (since TIMESTAMP, until TIMESTAMP)")
        self.connection.execute("INSERT INTO asked_for VALUES (NULL, NULL)")
        for table, columns in TABLES.items():
            listed = ", ".join(f'"{name}" {_SQL_TYPES[kind]}' for name, kind in columns.items())
            self.connection.execute(f'CREATE TABLE "all {table}" ({listed})')
            view = ("CREATE VIEW", f'"{table}"', "AS SELECT a.* FROM", f'"all {table}"', "a, asked_for WHERE")
            window = "a.TimeGenerated > asked_for.since AND a.TimeGenerated <= asked_for.until"
            self.connection.execute(" ".join((*view, window)))

    def ask(self, query: str, now: datetime) -> duckdb.DuckDBPyConnection:
        """Run a query; one that is asked often keeps its plan, which takes memory."""
        sql, slots = _translated(query)
        self.asked[query] += 1
        if self.asked[query] < _OFTEN:
            return self.connection.execute(sql, dict.fromkeys(slots, now)) if slots else self.connection.execute(sql)
        if query not in self.prepared:
            name = f"query_{len(self.prepared)}"
            self.connection.execute(f"PREPARE {name} AS {sql}")
            self.prepared[query] = name
        told = ", ".join(f"{slot} := TIMESTAMP '{now}'" for slot in slots)
        return self.connection.execute(f"EXECUTE {self.prepared[query]}{f'({told})' if told else ''}")

    def empty(self) -> None:
        """Forget all rows."""
        for table in TABLES:
            self.connection.execute(f'TRUNCATE "all {table}"')


_free: list[_Database] = []  # of workspaces that are gone


class Workspace:
    """Tables that are filled by a test, and asked like Azure Monitor's."""

    def __init__(self) -> None:
        self._database = _free.pop() if _free else _Database()
        self._database.empty()
        self._connection = self._database.connection
        weakref.finalize(self, _free.append, self._database)

    def write(self, table: str, rows: Iterable[Row]) -> None:
        """Add rows to a table."""
        columns, kept = TABLES[table], list(rows)
        if kept:
            taken = ", ".join(f"unnest(CAST(? AS {_SQL_TYPES[kind]}[]))" for kind in columns.values())
            values = [[_plain(row.get(name)) for row in kept] for name in columns]
            self._connection.execute(f'INSERT INTO "all {table}" SELECT {taken}', values)

    def traces(self, lines: Iterable[tuple[datetime, str]]) -> None:
        """Add lines of the app's log."""
        self.write("AppTraces", ({"TimeGenerated": at, "Message": text} for at, text in lines))

    def ask(self, query: str, now: datetime, window: timedelta, ingestion: timedelta = timedelta()) -> Answer:
        """Run a query over the rows of a window that have arrived by now."""
        since, until = _plain(now - window), _plain(now - ingestion)
        self._connection.execute("UPDATE asked_for SET since = ?, until = ?", [since, until])
        done = self._database.ask(query, _plain(now))
        return Answer(tuple(column[0] for column in done.description or ()), tuple(done.fetchall()))


@cache
def _translated(query: str) -> tuple[str, tuple[str, ...]]:
    """Return the SQL of a query, and the names under which it wants the time."""
    schema = {table: list(columns) for table, columns in TABLES.items()}
    done = duckdb_kql.to_sql(query, schema=schema, query_now=_CLOCK)
    return str(done), tuple(done.parameters)


def _plain(value: Any) -> Any:
    """DuckDB keeps times without a zone; ours are all UTC."""
    return value.astimezone(UTC).replace(tzinfo=None) if isinstance(value, datetime) else value
