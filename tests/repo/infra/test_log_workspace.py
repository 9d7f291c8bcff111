"""The workspace answers as Kusto does: each operator and function of the queries, with the documented answer.

The translator is young; a query that means something else here than in Azure would prove nothing.
"""

import re
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from dev.policies.infra.log_workspace import Workspace
from tests.repo.infra.queries import queries

NOW = datetime(2026, 11, 28, 12, 30, tzinfo=UTC)
HOUR = timedelta(hours=1)
LINES = [
    (NOW - 3 * HOUR, 'recording.drift reason="b" index=7 age_seconds=1.5'),
    (NOW - 2 * HOUR, 'recording.drift reason="a" index=9 age_seconds=-2.25'),
    (NOW - 1 * HOUR, 'recording.drifted reason="A" index=10'),
]
T = "AppTraces"


def ask(query: str) -> list[tuple[Any, ...]]:
    """Return the rows of a query over the lines above."""
    workspace = Workspace()
    workspace.traces(LINES)
    return list(workspace.ask(query, NOW, timedelta(days=1)).rows)


ANSWERS: list[tuple[str, list[tuple[Any, ...]]]] = [
    # strings: startswith and contains do not look at case, == does; =~ does not; has wants a whole term
    (f'{T} | where Message startswith "RECORDING.drift " | count', [(2,)]),
    (f'{T} | where Message contains "REASON=\\"a" | count', [(2,)]),
    (f'{T} | where Message !contains "reason=\\"a" | count', [(1,)]),
    (
        'print x = "a" == "A", y = "a" =~ "A", z = "b" in ("a", "b"), w = "b" !in ("a", "b")',
        [(False, True, True, False)],
    ),
    # extract: the first match of a group, "" where there is none; numbers of "" are null
    ('print x = iff(isnull(toint("")), 1, 2), y = iff(isnull(toint("7")), 1, toint("7"))', [(1, 7)]),
    (f"{T} | extend i = toint(extract(@'index=([0-9]+)', 1, Message)) | summarize max(i)", [(10,)]),
    (f"{T} | extend a = toreal(extract(@'age_seconds=(-?[0-9.]+)', 1, Message)) | summarize min(a)", [(-2.25,)]),
    (f"{T} | extend a = toreal(extract(@'age_seconds=(-?[0-9.]+)', 1, Message)) | where isnull(a) | count", [(1,)]),
    (f"{T} | extend a = extract(@'nothing=([a-z]+)', 1, Message) | where isempty(a) | count", [(3,)]),
    # null: compared with anything it is not true
    ("print a = int(null) | where a > 1 or isnotnull(a) | count", [(0,)]),
    ("print a = real(null) | where a < 1 | count", [(0,)]),
    # summarize: one row without `by` even over nothing, none with it
    (f'{T} | where Message startswith "x" | summarize n = count()', [(0,)]),
    (f'{T} | where Message startswith "x" | summarize n = count() by Message', []),
    (f"{T} | summarize arg_max(TimeGenerated, Message) | project Message", [(LINES[2][1],)]),
    (f"{T} | summarize n = dcount(Message)", [(3,)]),
    # joins keep what has no partner, with null
    (
        'datatable(k: string)["a", "b"] | join kind=leftouter (datatable(k: string, v: int)["a", 1]) on k '
        "| where isnull(v) | project k",
        [("b",)],
    ),
    # toscalar gives null of nothing; union keeps both; distinct and order
    (f'print x = isnull(toscalar({T} | where Message startswith "x" | summarize max(TimeGenerated)))', [(True,)]),
    ("union (print a = 1), (print a = 2) | order by a desc", [(2,), (1,)]),
    (f'{T} | extend r = extract(@\'reason="([^"]*)"\', 1, Message) | distinct r | count', [(3,)]),
    # time: ago is before now; between takes both ends; bin rounds down
    (f"{T} | where TimeGenerated > ago(150m) | count", [(2,)]),
    (f"{T} | where TimeGenerated between (ago(3h) .. ago(2h)) | count", [(2,)]),
    (
        f'{T} | summarize by h = format_datetime(bin(TimeGenerated, 1h), "yyyy-MM-dd HH") | order by h asc | take 1',
        [("2026-11-28 09",)],
    ),
    ('print d = format_datetime(datetime(2026-03-04 05:06:07), "yyyy-MM-dd")', [("2026-03-04",)]),
    # addresses
    ('print q = tostring(split(parse_url("https://h/queue-poison/messages?x=1").Path, "/")[1])', [("queue-poison",)]),
    ('print h = tostring(split("10.0.0.7:5113", ":")[0])', [("10.0.0.7",)]),
    ('print x = not(isempty("a") and 1 == 1)', [(True,)]),
]


@pytest.mark.parametrize(("query", "rows"), ANSWERS, ids=[query for query, _ in ANSWERS])
def test_it_answers_as_kusto_does(query: str, rows: list[tuple[Any, ...]]) -> None:
    """Each line of the table is a sentence of Microsoft's reference."""
    assert ask(query) == rows


def test_a_window_is_what_the_rule_sees() -> None:
    """After its beginning, up to what has arrived."""
    workspace = Workspace()
    workspace.traces(LINES)
    count = f"{T} | count"
    for window, ingestion, seen in ((4, 0, 3), (3, 0, 2), (2.5, 0, 2), (4, 1, 3), (4, 1.5, 2)):
        assert workspace.ask(count, NOW, window * HOUR, ingestion * HOUR).rows == ((seen,),)


def test_no_query_uses_what_is_not_in_the_table() -> None:
    """A new function is looked up and added above before an alert relies on it."""
    known = set(re.findall(r"\b([a-z_]+)\(", "\n".join(query for query, _ in ANSWERS)))
    ours = {name: text for name, text in queries().items() if "/" not in name}
    for name, text in ours.items():
        code = re.sub(r"//[^\n]*", "", text)
        used = set(re.findall(r"\b([a-z_]+)\(", code)) - {"on", "by", "in", "and", "or"}
        assert used - known - {"take_any", "datetime"} == set(), name
