"""Pages of which a command writes a part: written anew, or only compared."""

from collections.abc import Callable
from pathlib import Path


def rewrite(page: Path, written: Callable[[str], str], *, check: bool) -> int:
    """Write a page anew, or with `check` leave it; return an exit code, which is 1 when a checked page is out of date.

    Args:
        page: the file.
        written: makes the text as it should be from the text as it is.
        check: only compare.
    """
    text = page.read_text(encoding="utf-8")
    if not check:
        page.write_text(written(text), encoding="utf-8")
        return 0
    return int(written(text) != text)
