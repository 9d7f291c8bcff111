"""The fault matrix in its short form: two faults for each operation, and what only a digest can notice."""

from collections.abc import Iterator

import pytest

from dev.azurite import Azurite, is_installed
from dev.prove.fault_cells import OPERATIONS, Cell, cells, few_cells
from dev.prove.faults import FaultLab, fault_lab
from dev.prove.relay import MODES
from tests.conftest import missing

pytestmark = pytest.mark.azurite


@pytest.fixture(scope="module")
def lab() -> Iterator[FaultLab]:
    if not is_installed():
        missing("Azurite is not installed: run 'npm ci'")
    with Azurite() as azurite, fault_lab(azurite) as running:
        yield running


@pytest.mark.parametrize("operation", OPERATIONS)
def test_the_line_goes_on_from_a_fault_and_keeps_its_word(lab: FaultLab, operation: str) -> None:
    """Real adapters, real sockets; all 13 modes and all statuses: `python -m dev prove faults`."""
    outcomes = [lab.live(cell) for cell in few_cells() if cell.operation == operation]
    assert [(one.cell.name, one.violations) for one in outcomes if one.violations] == []


def test_a_witness_that_looks_at_the_wrong_moment_would_be_noticed(lab: FaultLab) -> None:
    """The proof can fail: a delete before the archive has anything is called unproven."""
    made = lab.simulator.client.create_objects(wav_bytes=1000, publish_event=False)[0]
    before = len(lab.deletes)
    lab.unproven.clear()
    source = lab.host.ports.source
    source.delete(f"https://us-storage.asm.skype.com/v1/objects/{made['documentId']}")
    assert len(lab.deletes) == before + 1
    assert "deleted unproven: 0 media blobs" in lab.unproven


def test_a_fault_that_is_never_met_is_no_proof(lab: FaultLab) -> None:
    """A row whose request is never made would be all dots."""
    unmet = Cell("content range", "f", MODES["f"])
    small = lab.live(Cell("content", "f", MODES["f"]))
    assert small.violations == ()
    lab.relays["acs"].strike = None
    assert lab._struck(unmet, None) == ["the fault was never met: this cell shows nothing"]


def test_the_matrix_has_every_mode_on_every_operation() -> None:
    """Thirteen modes beside the calm one, as Microsoft's injector has them."""
    found = {(cell.operation, cell.fault) for cell in cells()}
    assert len(MODES) == 14
    assert all((operation, mode) in found for operation in OPERATIONS for mode in MODES)
