"""Build the zip of the version before this one from the repository's history."""

import io
import subprocess
from dataclasses import dataclass
from pathlib import Path
from zipfile import ZipFile

from dev.package import build_zip
from dev.world import REPOSITORY

# The last state of 0.1.0 whose workers refuse unknown fields; it counts until a release is tagged.
FIRST_VERSION = "cf16a30d9d9181d1b6e4fee161ac8a59c6f08b91"
_SHIPPED = ("function_app.py", "host.json", "requirements.txt", "recording")


class NoHistoryError(Exception):
    """The version before is not in this clone; the text says why and how to get it."""


@dataclass(frozen=True)
class Unpacked:
    """A zip as Azure would mount it: where it is unpacked, which commit it is of, and its SHA-256."""

    folder: Path
    commit: str
    sha256: str


def unpack_last_version(folder: Path) -> Unpacked:
    """Build the zip of the last version and unpack it.

    Raises:
        NoHistoryError: this is no clone, or a shallow one.
    """
    commit = _commit_of_last_version()
    source = folder / "source"
    with ZipFile(io.BytesIO(_git("archive", "--format=zip", commit, *_SHIPPED))) as tree:
        tree.extractall(source)
    return _unpacked(folder, source, commit)


def unpack_this_version(folder: Path) -> Unpacked:
    """Build the zip of the working tree and unpack it."""
    return _unpacked(folder, REPOSITORY, "working tree")


def _unpacked(folder: Path, source: Path, commit: str) -> Unpacked:
    digest = build_zip(folder / "app.zip", source)
    with ZipFile(folder / "app.zip") as archive:
        archive.extractall(folder / "app")
    return Unpacked(folder / "app", commit, digest)


def _commit_of_last_version() -> str:
    """Return the newest release below HEAD, or the fixed commit while there is none."""
    for name in (_newest_tag(), FIRST_VERSION):
        if name and (commit := _text("rev-parse", "--verify", "--quiet", f"{name}^{{commit}}")):
            return commit
    is_shallow = _text("rev-parse", "--is-shallow-repository") == "true"
    reason = "this clone is shallow: git fetch --unshallow --tags" if is_shallow else "there is no history here"
    raise NoHistoryError(f"{FIRST_VERSION[:7]} and release tags are absent: {reason}")


def _newest_tag() -> str:
    return _text("describe", "--tags", "--abbrev=0", "--match", "v[0-9]*", "HEAD^")


def _text(*arguments: str) -> str:
    try:
        return _git(*arguments).decode().strip()
    except (subprocess.CalledProcessError, FileNotFoundError):
        return ""


def _git(*arguments: str) -> bytes:
    command = ["git", "-C", str(REPOSITORY), *arguments]
    return subprocess.run(command, check=True, capture_output=True, timeout=60).stdout
