"""A person is erased from every store of a real account, and a scan of all bytes finds nothing."""

from dev.azurite import Azurite, is_installed
from dev.prove.erased import prove
from tests.conftest import missing


def test_no_container_table_or_queue_tells_anything_of_an_erased_person() -> None:
    """Through the app's own adapters, on an account of its own."""
    if not is_installed():
        missing("Azurite is not installed: run 'npm ci'")
    with Azurite() as running:
        proof = prove(running.connection_string)
    assert proof.before > 80
    assert proof.faults == []
