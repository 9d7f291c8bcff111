"""What the repository holds, as a clone would have it, and what `.funcignore` lets through to Azure."""

import os
import re
from collections.abc import Iterator
from fnmatch import fnmatchcase
from functools import cache
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
DOCS = ROOT / "docs"


class IgnoreFile:
    """A small, strict reader of ignore files: the last pattern that matches decides, as in `.gitignore`.

    Names and wildcards at any depth, `name/` for folders; and `!/path` or `!/folder/**`, which lets through again what
    an earlier pattern has left out.

    Raises:
        ValueError: for a pattern that means more (`!again`, `a/b`), so that nothing is matched wrongly in silence.
    """

    def __init__(self, text: str) -> None:
        lines = [line.strip() for line in text.splitlines()]
        self._patterns = [line for line in lines if line and not line.startswith("#")]
        for pattern in self._patterns:
            if not re.fullmatch(r"!/[\w.-]+(/|/\*\*)?|[^!/]+/?", pattern):
                raise ValueError(f"this reader does not know the pattern {pattern}")

    def ignores(self, path: str, *, is_folder: bool) -> bool:
        """Return whether a file or folder, whose folder is not left out, is left out."""
        decided = [pattern for pattern in self._patterns if _matches(pattern, path, is_folder=is_folder)]
        return bool(decided) and not decided[-1].startswith("!")


def _matches(pattern: str, path: str, *, is_folder: bool) -> bool:
    if pattern.endswith("/") and not is_folder:
        return False
    if pattern.startswith("!"):
        wanted = pattern.removeprefix("!/")
        return path.startswith(wanted[:-2]) if wanted.endswith("/**") else path == wanted.rstrip("/")
    return fnmatchcase(path.rpartition("/")[2], pattern.rstrip("/"))


@cache
def repository_files() -> tuple[Path, ...]:
    """Return every file that belongs to the repository: all but what .gitignore leaves out."""
    return tuple(_walk(IgnoreFile((ROOT / ".gitignore").read_text(encoding="utf-8"))))


def shipped_files() -> tuple[Path, ...]:
    """Return every file of the repository that is deployed."""
    ignored = IgnoreFile((ROOT / ".funcignore").read_text(encoding="utf-8"))
    deployed = set(_walk(ignored))
    return tuple(path for path in repository_files() if path in deployed)


def documents() -> tuple[Path, ...]:
    """Return every page of Markdown; GitHub's forms in `.github` are filled in, not read."""
    return tuple(path for path in repository_files() if path.suffix == ".md" and ".github" not in path.parts)


def _walk(ignored: IgnoreFile) -> Iterator[Path]:
    for folder, folders, files in os.walk(ROOT):
        here = Path(folder).relative_to(ROOT)
        kept = [name for name in folders if not ignored.ignores((here / name).as_posix(), is_folder=True)]
        folders[:] = sorted(name for name in kept if name != ".git")
        names = [name for name in sorted(files) if not ignored.ignores((here / name).as_posix(), is_folder=False)]
        yield from (Path(folder, name) for name in names)
