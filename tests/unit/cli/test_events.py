"""`recordings events`: what an operator does about receivers is in the audit trail, as over HTTP."""

from typing import Any

import pytest

from dev.in_memory.world import World
from recording.cli.__main__ import main
from tests.unit.library.notify.outgoing_world import archived


def _runs(here: World, *arguments: str) -> int:
    told: list[str] = []
    return main(arguments, lambda: (here.ports, here.settings), told.append)


@pytest.mark.parametrize(
    ("arguments", "operation"),
    [(("events", "enable", "crm"), "enable_receiver"), (("events", "replay", "--since", "2h"), "replay_events")],
)
def test_what_is_done_about_receivers_leaves_rows(arguments: tuple[str, ...], operation: str) -> None:
    """A receiver that gets things twice wants to know who sent them again."""
    here, _ = archived()
    assert _runs(here, *arguments, "--note", "their disk was full") == 0
    rows: list[Any] = [entry for entry in here.fakes.audit.written if entry.operation == operation]
    assert [row.outcome for row in rows] == ["asked", "done"]
    assert all("their disk was full" in row.note for row in rows)
