"""What the repository holds, as a clone would have it, and what `.funcignore` lets through to Azure."""

import os
from collections.abc import Iterator
from fnmatch import fnmatchcase
from functools import cache
from pathlib import Path

ROOT = Path(__file__).resolve().parents[3]
DOCS = ROOT / "docs"


class IgnoreFile:
    """A small, strict reader of ignore files: names and wildcards at any depth, `name/` for folders.

    Raises:
        ValueError: for a pattern that means more (`!again`, `a/b`), so that nothing is matched wrongly in silence.
    """

    def __init__(self, text: str) -> None:
        lines = [line.strip() for line in text.splitlines()]
        self._patterns = [line for line in lines if line and not line.startswith("#")]
        for pattern in self._patterns:
            if pattern.startswith("!") or "/" in pattern.rstrip("/"):
                raise ValueError(f"this reader does not know the pattern {pattern}")

    def ignores(self, name: str, *, is_folder: bool) -> bool:
        """Whether a file or folder of this name is left out."""
        return any(
            fnmatchcase(name, pattern.rstrip("/"))
            for pattern in self._patterns
            if is_folder or not pattern.endswith("/")
        )


@cache
def repository_files() -> tuple[Path, ...]:
    """Every file that belongs to the repository: all but what .gitignore leaves out."""
    return tuple(_walk(IgnoreFile((ROOT / ".gitignore").read_text(encoding="utf-8"))))


def shipped_files() -> tuple[Path, ...]:
    """Every file of the repository that is deployed."""
    ignored = IgnoreFile((ROOT / ".funcignore").read_text(encoding="utf-8"))
    deployed = set(_walk(ignored))
    return tuple(path for path in repository_files() if path in deployed)


def documents() -> tuple[Path, ...]:
    """Every page of Markdown; GitHub's forms in `.github` are filled in, not read."""
    return tuple(path for path in repository_files() if path.suffix == ".md" and ".github" not in path.parts)


def _walk(ignored: IgnoreFile) -> Iterator[Path]:
    for folder, folders, files in os.walk(ROOT):
        folders[:] = sorted(name for name in folders if name != ".git" and not ignored.ignores(name, is_folder=True))
        yield from (Path(folder, name) for name in sorted(files) if not ignored.ignores(name, is_folder=False))
