"""Reads what the tests need from Markdown: tables, links, code spans, anchors."""

import re
from collections.abc import Iterator
from pathlib import Path

Row = dict[str, str]

_SPAN = re.compile(r"`([^`\n]+)`")
_LINK = re.compile(r"(?<!!)\[[^\]]*\]\(([^)\s]+)\)")
_FENCE = re.compile(r"^(```|~~~).*?^\1\s*$", re.MULTILINE | re.DOTALL)


def tables(path: Path) -> Iterator[list[Row]]:
    """Yield the tables of a page: each row as a mapping from heading to cell."""
    block: list[str] = []
    for line in [*path.read_text(encoding="utf-8").splitlines(), ""]:
        if line.startswith("|"):
            block.append(line)
        elif block:
            yield _rows(block)
            block = []


def rows_with(path: Path, *headings: str) -> list[Row]:
    """Return all rows of the tables that have these headings."""
    return [row for table in tables(path) for row in table if set(headings) <= row.keys()]


def spans(text: str) -> list[str]:
    """Return the code spans of a text, without their backticks."""
    return _SPAN.findall(text)


def links(path: Path) -> list[str]:
    """Return the targets of a page's links, code left out."""
    return _LINK.findall(_FENCE.sub("", path.read_text(encoding="utf-8")))


def anchors(path: Path) -> set[str]:
    """Return the anchors that GitHub makes of a page's headings."""
    headings = re.findall(r"^#+ (.+)$", _FENCE.sub("", path.read_text(encoding="utf-8")), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.strip().lower()).replace(" ", "-") for heading in headings}


def _rows(lines: list[str]) -> list[Row]:
    headings = _cells(lines[0])
    return [dict(zip(headings, _cells(line), strict=True)) for line in lines[2:]]


def _cells(line: str) -> list[str]:
    return [cell.strip() for cell in re.split(r"(?<!\\)\|", line.strip().strip("|"))]
