"""Cells of CSV files that people open in a spreadsheet. Pure."""

import re

# A formula's first sign, also in its wide form, at the beginning of a text or behind a sign where a spreadsheet may
# divide it: where numbers have a comma, lines are divided at semicolons, and quotes made for commas hold nothing.
_BEFORE_FORMULA = re.compile(r"(^|[;\t\r\n])(?=[^\S\t\r\n]*\"*[^\S\t\r\n]*[=+\-@\uff1d\uff0b\uff0d\uff20])")


def safe_cell(value: object) -> str:
    """Return cell text that spreadsheets show but never evaluate; an empty text for None."""
    return _BEFORE_FORMULA.sub(r"\1'", "" if value is None else str(value))
