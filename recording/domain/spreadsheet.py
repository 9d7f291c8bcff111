"""Cells of CSV files that people open in a spreadsheet. Pure."""

_BEGINS_FORMULA = ("=", "+", "-", "@", "\t", "\r")


def safe_cell(value: object) -> str:
    """Return cell text that spreadsheets show but never evaluate; an empty text for None."""
    text = "" if value is None else str(value)
    return f"'{text}" if text.startswith(_BEGINS_FORMULA) else text
