"""Chaos below HTTP, in its short form: three in ten connections spoiled, and the archive ends as it should."""

import pytest

from dev.azurite import is_installed
from dev.prove.chaos import live
from tests.conftest import missing

pytestmark = [
    pytest.mark.azurite,
    # azure-data-tables 12.7 tests an XML element's truth, which Python 3.12 and later warn about.
    pytest.mark.filterwarnings("ignore:Testing an element's truth value:DeprecationWarning"),
]


def test_spoiled_connections_lose_nothing_and_delete_nothing_unproven() -> None:
    """Refused, reset, ended, stalled, slow: `python -m dev prove chaos` does a hundred chunks at each share."""
    if not is_installed():
        missing("Azurite is not installed: run 'npm ci'")
    lived = live(0.3, chunks=8, seed=20261124)
    assert lived.violations == []
    assert lived.chunks >= 6
    assert sum(lived.met.values()) - lived.met["good"] >= 5, "calm connections prove nothing"
