"""The console over a made-up day of today, as people look at it: full, empty, slow and broken."""

import json
from datetime import UTC, datetime, timedelta

import pytest

from dev.console import DayState
from dev.console.look import SLOW, served
from dev.console.server import PREFIX, ConsoleServer

OWN_PAGE = {"Cookie": "who=admin", "Sec-Fetch-Site": "same-origin", "X-Recordings-Console": "1"}


def ask(server: ConsoleServer, path: str) -> tuple[int, bytes]:
    answered = server.answer("GET", f"{PREFIX}/api/{path}", OWN_PAGE, b"")
    return answered.status_code, answered.get_body()


@pytest.mark.parametrize(("state", "rows"), [(DayState.FULL, 20), (DayState.EMPTY, 0)])
def test_a_day_has_what_it_says(state: DayState, rows: int) -> None:
    """Recordings of today, or none at all."""
    with served(state, 20) as server:
        status, body = ask(server, "recordings?limit=200")
        found = json.loads(body)["recordings"]
        assert status == 200
        assert len(found) >= rows
        assert bool(found) == bool(rows)
        for one in found:
            begins = datetime.fromisoformat(one["startedAt"])
            assert abs(datetime.now(UTC) - begins) < timedelta(days=2)


def test_a_broken_day_still_knows_who_one_is() -> None:
    """So that each screen is seen broken, and not only the first one."""
    with served(DayState.BROKEN, 0) as server:
        assert ask(server, "me")[0] == 200
        assert {ask(server, path)[0] for path in ("now", "recordings", "held", "audit", "retention/rules")} == {503}


def test_a_slow_day_answers_late() -> None:
    """Each answer waits; nobody waits here for it."""
    with served(DayState.SLOW, 0) as server:
        assert server.delay == SLOW
