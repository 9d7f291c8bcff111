"""Writes the error codes of recording/errors/codes.py into the tables of docs/errors.md and into docs/openapi.yaml."""

import re
from pathlib import Path

from recording.errors.codes import Code, Fault

DOCS = Path(__file__).resolve().parents[1] / "docs"
_ROW = re.compile(r"^\| `([a-z_]+)` \|.*\n", re.MULTILINE)
_ENUM = re.compile(r"(        code:\n          type: string\n.*\n          enum:\n)((?: {12}- \w+\n)+)")
_WORDS = {Fault.CALLER: "caller", Fault.ACS: "ACS", Fault.OPERATOR: "operator", Fault.TIME: "time"}


def row(code: Code) -> str:
    """Return the table row of a code."""
    again = "yes" if code.is_retryable else "no"
    cells = (f"`{code}`", code.status or "-", again, _WORDS[code.fault], code.meaning, code.remedy)
    return f"| {' | '.join(str(cell) for cell in cells)} |"


def with_rows(page: str) -> str:
    """Return the page with each row as the code says; rows of unknown codes are dropped.

    The page decides in which section and order a code stands.
    """

    def written(found: re.Match[str]) -> str:
        code = Code.of(found[1])
        return row(code) + "\n" if code else ""

    return _ROW.sub(written, page)


def with_codes(page: str) -> str:
    """Return the OpenAPI page with all codes that an answer may carry, in the order of the source."""
    codes = "".join(f"            - {code}\n" for code in Code if code.status is not None)
    return _ENUM.sub(lambda found: found[1] + codes, page)


def missing(page: str) -> list[Code]:
    """Return the codes that have no row yet; add a line "| `code` |" to the section where each belongs."""
    found = set(_ROW.findall(page))
    return [code for code in Code if code not in found]


def pages() -> dict[Path, str]:
    """Return each page as it should be."""
    errors, openapi = DOCS / "errors.md", DOCS / "openapi.yaml"
    return {errors: with_rows(errors.read_text("utf-8")), openapi: with_codes(openapi.read_text("utf-8"))}


def main() -> None:
    """Write the pages."""
    for path, text in pages().items():
        path.write_text(text, "utf-8")
    if left := missing((DOCS / "errors.md").read_text("utf-8")):
        raise SystemExit(f"add a row '| `{left[0]}` |' to docs/errors.md, then run this again: {', '.join(left)}")
