"""The last version's zip and this one's, on the same queues and tables: a short form of `prove compatibility`."""

import pytest

from dev.prove import compatibility
from dev.prove.last_version import NoHistoryError


def test_an_upgrade_and_a_rollback_under_load_lose_nothing() -> None:
    """A rolling deployment has both versions at work for minutes, and nobody picks which of them gets a message.

    How long a chunk is delayed is judged by the proof, which runs alone: here other tests run beside it.
    """
    try:
        rolled = compatibility.live(phase_seconds=3.0)
    except NoHistoryError as error:
        pytest.skip(str(error))
    assert [what for what in rolled.violations if "was delayed" not in what] == []
    assert min(rolled.chunks, rolled.shared, *rolled.archived.values()) > 0
