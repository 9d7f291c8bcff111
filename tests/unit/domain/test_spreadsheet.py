"""Cells of CSV files: shown as they are, and never evaluated."""

import csv
import io

import pytest

from recording.domain.spreadsheet import safe_cell


@pytest.mark.parametrize("formula", ["=1+1", "+49", "-1", "@SUM(A1)"])
def test_a_formula_is_text(formula: str) -> None:
    """A caller chooses tags and reasons; a spreadsheet must not run what they contain."""
    assert safe_cell(formula) == f"'{formula}"


@pytest.mark.parametrize(
    ("value", "cell"), [(None, ""), ("plain", "plain"), ("a=b", "a=b"), ("a;b-c", "a;b-c"), (7, "7"), ("", "")]
)
def test_other_values_are_unchanged(value: object, cell: str) -> None:
    """A sign in the middle makes no formula."""
    assert safe_cell(value) == cell


@pytest.mark.parametrize("sign", ["=1", "+49", "-1", "@SUM(A1)", "\uff1d1", "\uff0b49", "\uff0d1", "\uff20SUM(A1)"])
@pytest.mark.parametrize("before", ["", " ", "\t", "\n", "\r\n", "\u00a0 ", "vip;", "vip; ", "vip\t", "vip\n", 'vip";'])
def test_no_part_of_a_text_is_a_formula_wherever_a_spreadsheet_divides_it(before: str, sign: str) -> None:
    """Where numbers have a comma, spreadsheets divide lines at semicolons, and quotes made for commas hold nothing."""
    written = io.StringIO()
    csv.writer(written).writerow(["first", safe_cell(before + sign), "last"])
    for separator in ",;\t":
        for row in csv.reader(io.StringIO(written.getvalue(), newline=""), delimiter=separator):
            assert not [cell for cell in row if cell.strip(' \t\r\n\u00a0"').startswith(sign)], (separator, row)
