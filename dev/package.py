"""Builds what is deployed: one zip by allow-list, byte for byte the same wherever it is built, and its SBOM."""

import hashlib
import json
import subprocess
import sys
import tomllib
import uuid
from collections.abc import Mapping
from pathlib import Path
from typing import Any
from zipfile import ZIP_STORED, ZipFile, ZipInfo

_ROOT = Path(__file__).resolve().parents[1]
_FILES = ("function_app.py", "host.json", "requirements.txt")
_FOLDER = "recording"
_SUFFIX = ".py"
_PAGE = "recording/console"
_PAGE_SUFFIXES = {".css", ".html", ".js", ".svg", ".txt"}  # the files of the page, and its licences
_OLDEST = (1980, 1, 1, 0, 0, 0)  # a zip knows no earlier time; any fixed one makes builds alike
_MODE = 0o100644 << 16  # a plain file that everybody may read: Functions mounts the zip as it is


def shipped(root: Path = _ROOT) -> list[Path]:
    """Return the files that are deployed, sorted by their path in the zip: what is not named here stays out.

    Raises:
        FileNotFoundError: a file that must be there is not.
    """
    chosen = [root / name for name in _FILES]
    chosen += (root / _FOLDER).rglob(f"*{_SUFFIX}")
    chosen += [path for path in (root / _PAGE).rglob("*") if path.suffix in _PAGE_SUFFIXES]
    if absent := [path.name for path in chosen if not path.is_file()]:
        raise FileNotFoundError(f"cannot be packaged, missing: {', '.join(absent)}")
    return sorted(chosen, key=lambda path: path.relative_to(root).as_posix())


def build_zip(target: Path, root: Path = _ROOT) -> str:
    """Write the zip and return its SHA-256. Stored, not compressed: compressors differ, and it is small."""
    target.parent.mkdir(parents=True, exist_ok=True)
    with ZipFile(target, "w", ZIP_STORED) as archive:
        for path in shipped(root):
            entry = ZipInfo(path.relative_to(root).as_posix(), _OLDEST)
            entry.external_attr = _MODE
            entry.create_system = 3  # Unix, whatever builds it
            archive.writestr(entry, path.read_bytes())
    return hashlib.sha256(target.read_bytes()).hexdigest()


def bill_of_materials(zip_sha256: str) -> dict[str, Any]:
    """Return a CycloneDX 1.5 document: this app with the zip's hash, and every package of the lock that it installs."""
    command = [str(Path(sys.executable).with_name("uv")), "export", "--frozen", "--no-dev", "--no-emit-project"]
    command += ["--format", "cyclonedx1.5", "--quiet"]
    done = subprocess.run(command, cwd=_ROOT, check=True, capture_output=True, text=True)
    document: dict[str, Any] = json.loads(done.stdout)
    del document["metadata"]["timestamp"]  # of the build, not of the contents: two builds are to be alike
    document["serialNumber"] = f"urn:uuid:{uuid.uuid5(uuid.NAMESPACE_OID, zip_sha256)}"
    hashes = [{"alg": "SHA-256", "content": zip_sha256}]
    document["metadata"]["component"] |= {"type": "application", "hashes": hashes}
    return document


def version(root: Path = _ROOT) -> str:
    """Return the version that pyproject.toml names."""
    project: Mapping[str, Any] = tomllib.loads((root / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    return str(project["version"])


def main(folder: Path | None) -> int:
    """Build into a folder (default `dist/`) and print the list of files and the zip's SHA-256."""
    target = (folder or _ROOT / "dist") / f"acs-recording-archive-{version()}.zip"
    digest = build_zip(target)
    bill = target.with_name("sbom.cdx.json")
    bill.write_text(json.dumps(bill_of_materials(digest), indent=1) + "\n", encoding="utf-8")
    target.with_suffix(".zip.sha256").write_text(f"{digest}  {target.name}\n", encoding="utf-8")
    with ZipFile(target) as archive:
        for entry in archive.infolist():
            print(f"{entry.file_size:9,}  {entry.filename}")
        print(f"{len(archive.infolist())} files, {target.stat().st_size:,} bytes: {target}\nSHA-256 {digest}")
    return 0
