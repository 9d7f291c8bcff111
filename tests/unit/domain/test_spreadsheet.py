"""Cells of CSV files: shown as they are, and never evaluated."""

import pytest

from recording.domain.spreadsheet import safe_cell


@pytest.mark.parametrize("formula", ["=1+1", "+49", "-1", "@SUM(A1)", "\t=1", "\r=1"])
def test_a_formula_is_text(formula: str) -> None:
    """A caller chooses tags and reasons; a spreadsheet must not run what they contain."""
    assert safe_cell(formula) == f"'{formula}"


@pytest.mark.parametrize(("value", "cell"), [(None, ""), ("plain", "plain"), ("a=b", "a=b"), (7, "7"), ("", "")])
def test_other_values_are_unchanged(value: object, cell: str) -> None:
    """Only the beginning of a cell makes it a formula."""
    assert safe_cell(value) == cell
