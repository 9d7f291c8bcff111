"""Parquet of our own, read by DuckDB: another program must find in it what was put in."""

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import duckdb
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from recording.domain.find import parquet as written
from recording.domain.find.parquet import Column, Kind, parquet

pytestmark = pytest.mark.slow

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
VALUES: dict[Kind, st.SearchStrategy[Any]] = {
    Kind.FLAG: st.booleans(),
    Kind.WHOLE: st.integers(-(2**63), 2**63 - 1),
    Kind.NUMBER: st.floats(allow_nan=False),
    Kind.TEXT: st.text(st.characters(exclude_categories=["Cs"]), max_size=30) | st.just("x" * 3000),
    Kind.TIME: st.integers(-(10**15), 10**16).map(lambda us: EPOCH + timedelta(microseconds=us)),
}
COLUMNS = [Column(kind.name.lower(), kind) for kind in Kind]
ROWS = st.lists(st.tuples(*(st.none() | VALUES[column.kind] for column in COLUMNS)), max_size=40)


def read(content: bytes, folder: Path) -> list[tuple[Any, ...]]:
    """Return what DuckDB finds; times in microseconds since 1970."""
    path = folder / "file.parquet"
    path.write_bytes(content)
    names = ", ".join("epoch_us(time)" if column.kind is Kind.TIME else column.name for column in COLUMNS)
    with duckdb.connect() as session:
        return session.execute(f"SELECT {names} FROM read_parquet($1)", [str(path)]).fetchall()  # noqa: S608


def as_read(rows: list[tuple[Any, ...]]) -> list[tuple[Any, ...]]:
    def plain(value: Any) -> Any:
        return (value - EPOCH) // timedelta(microseconds=1) if isinstance(value, datetime) else value

    return [tuple(map(plain, row)) for row in rows]


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(ROWS)
def test_another_program_reads_what_was_written(tmp_path: Path, rows: list[tuple[Any, ...]]) -> None:
    """Nulls anywhere, the ends of each type, and no row at all."""
    assert read(parquet(COLUMNS, rows, "a test"), tmp_path) == as_read(rows)


@pytest.mark.parametrize("count", [1, 7, 8, 9, 99, 100, 101, 250])
def test_several_groups_are_one_table(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, count: int) -> None:
    """Counts around the edges of a group and of a byte of flags."""
    monkeypatch.setattr(written, "GROUP", 100)
    rows = [
        (number % 3 == 0, number, number / 7, None if number % 5 == 0 else f"text {number}", None)
        for number in range(count)
    ]
    assert read(parquet(COLUMNS, rows, "a test"), tmp_path) == rows


def test_columns_have_the_types_that_readers_expect(tmp_path: Path) -> None:
    """A time is a time, and a text a text."""
    path = tmp_path / "file.parquet"
    path.write_bytes(parquet(COLUMNS, [], "a test"))
    with duckdb.connect() as session:
        told = session.execute("DESCRIBE SELECT * FROM read_parquet($1)", [str(path)]).fetchall()
    wanted = {"flag": "BOOLEAN", "whole": "BIGINT", "number": "DOUBLE", "text": "VARCHAR"}
    assert {row[0]: row[1] for row in told} == {**wanted, "time": "TIMESTAMP WITH TIME ZONE"}


def test_more_than_fourteen_columns_are_written_too(tmp_path: Path) -> None:
    """The protocol has a short form of lists and a long one."""
    columns = [Column(f"c{number}", Kind.WHOLE) for number in range(40)]
    path = tmp_path / "file.parquet"
    path.write_bytes(parquet(columns, [tuple(range(40))], "a test"))
    with duckdb.connect() as session:
        assert session.execute("SELECT * FROM read_parquet($1)", [str(path)]).fetchall() == [tuple(range(40))]


@pytest.mark.parametrize("number", [2**63, -(2**63) - 1, 10**400])
def test_a_number_that_does_not_fit_costs_no_other_value(tmp_path: Path, number: int) -> None:
    """A row from elsewhere with such a number ended the night's export for everybody."""
    rows = [(True, number, 1.0, "odd", None), (True, 2**63 - 1, 1.0, "good", None)]
    assert [row[1] for row in read(parquet(COLUMNS, rows, "a test"), tmp_path)] == [None, 2**63 - 1]
