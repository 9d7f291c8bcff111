"""The deployable zip: exactly what ships, the same bytes everywhere, and a bill of materials that tells the truth."""

import hashlib
import os
import re
import shutil
from pathlib import Path
from zipfile import ZipFile

import pytest

from dev.package import bill_of_materials, build_zip, main, shipped, version
from dev.policies.repository import ROOT, shipped_files
from recording import __version__


@pytest.fixture
def names(tmp_path: Path) -> list[str]:
    build_zip(tmp_path / "app.zip")
    with ZipFile(tmp_path / "app.zip") as archive:
        return archive.namelist()


def test_the_zip_holds_what_the_ignore_file_lets_through(names: list[str]) -> None:
    """Two lists, one of what goes in and one of what stays out, kept by two tools: they must mean the same app."""
    assert sorted(names) == sorted(path.relative_to(ROOT).as_posix() for path in shipped_files())


def test_the_zip_holds_the_app_and_nothing_else(names: list[str]) -> None:
    """No tests, no local world, no settings of anybody's machine, nothing that has been compiled."""
    assert {name.partition("/")[0] for name in names} == {
        "function_app.py",
        "host.json",
        "requirements.txt",
        "recording",
    }
    code = [name for name in names if name.startswith("recording/") and not name.startswith("recording/console/")]
    assert {Path(name).suffix for name in code} == {".py"}
    assert "recording/console/index.html" in names
    assert names == sorted(names)


def test_two_builds_are_byte_for_byte_alike(tmp_path: Path) -> None:
    """Whoever doubts a release can build it again: times and modes of the files on disk do not count."""
    copy = tmp_path / "copy"
    for path in shipped():
        target = copy / path.relative_to(ROOT)
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(path, target)
        target.chmod(0o600)
        os.utime(target, (1_900_000_000, 1_900_000_000))
    first, second = build_zip(tmp_path / "a.zip"), build_zip(tmp_path / "b.zip", copy)
    assert first == second == hashlib.sha256((tmp_path / "a.zip").read_bytes()).hexdigest()


def test_one_changed_byte_changes_the_digest(tmp_path: Path) -> None:
    """The digest is what is attested: it must depend on every file."""
    for path in shipped():
        target = tmp_path / "copy" / path.relative_to(ROOT)
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(path, target)
    before = build_zip(tmp_path / "a.zip", tmp_path / "copy")
    (tmp_path / "copy" / "host.json").write_bytes((ROOT / "host.json").read_bytes() + b" ")
    assert build_zip(tmp_path / "b.zip", tmp_path / "copy") != before


def test_every_file_in_the_zip_can_be_read_by_everybody(tmp_path: Path) -> None:
    """Functions mounts the zip as it is, and the worker is not the user who built it."""
    build_zip(tmp_path / "app.zip")
    with ZipFile(tmp_path / "app.zip") as archive:
        assert {entry.external_attr >> 16 for entry in archive.infolist()} == {0o100644}


def test_an_incomplete_app_is_not_packaged(tmp_path: Path) -> None:
    """A zip without host.json deploys well and starts nothing."""
    (tmp_path / "function_app.py").write_text("")
    with pytest.raises(FileNotFoundError, match=r"host\.json, requirements\.txt"):
        shipped(tmp_path)


def test_the_bill_of_materials_lists_exactly_what_is_installed() -> None:
    """Somebody who asks whether a release has a vulnerable package looks there, and only there."""
    document = bill_of_materials("ab" * 32)
    listed = {(part["name"], part["version"]) for part in document["components"]}
    pins = re.findall(r"^([\w.-]+)==([\w.]+)", (ROOT / "requirements.txt").read_text(encoding="utf-8"), re.MULTILINE)
    assert listed == set(pins)
    assert (document["bomFormat"], document["specVersion"]) == ("CycloneDX", "1.5")
    assert all(part["purl"] == f"pkg:pypi/{part['name']}@{part['version']}" for part in document["components"])
    assert document["metadata"]["component"]["hashes"] == [{"alg": "SHA-256", "content": "ab" * 32}]


def test_two_bills_of_one_zip_are_alike() -> None:
    """No time of the build, no random number: the bill belongs to the contents."""
    assert bill_of_materials("ab" * 32) == bill_of_materials("ab" * 32)
    assert bill_of_materials("ab" * 32)["serialNumber"] != bill_of_materials("cd" * 32)["serialNumber"]


def test_the_command_writes_zip_bill_and_digest_and_prints_the_list(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """What is printed is what a person checks before a release."""
    assert main(tmp_path) == 0
    stem = f"acs-recording-archive-{version()}"
    assert {path.name for path in tmp_path.iterdir()} == {f"{stem}.zip", "sbom.cdx.json", f"{stem}.zip.sha256"}
    printed = capsys.readouterr().out
    digest = hashlib.sha256((tmp_path / f"{stem}.zip").read_bytes()).hexdigest()
    assert f"SHA-256 {digest}" in printed
    assert (tmp_path / f"{stem}.zip.sha256").read_text() == f"{digest}  {stem}.zip\n"
    assert all(path.relative_to(ROOT).as_posix() in printed for path in shipped())


def test_the_version_is_one() -> None:
    """Receipts carry the app's version, releases the project's."""
    assert version() == __version__
