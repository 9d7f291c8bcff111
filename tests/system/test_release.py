"""The zip that is deployed, unpacked into an empty folder and run with nothing but its own requirements."""

import json
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from zipfile import ZipFile

import pytest
import urllib3

from dev.azurite import Azurite
from dev.package import build_zip
from dev.policies.repository import ROOT

pytestmark = pytest.mark.scenario

_UV = str(Path(sys.executable).with_name("uv"))
_HOST_NEEDS = ["aiohttp", "croniter", "json5", "psutil"]  # what the host imports and the app need not have
if sys.version_info >= (3, 13):
    _HOST_NEEDS.append("azure-functions-runtime")
_IMPORT_ALL = """
import importlib, json, pkgutil
import function_app, recording
names = [module.name for module in pkgutil.iter_modules(recording.__path__, "recording.")]
names.remove("recording.cli")
names += [
    module.name
    for name in names
    for module in pkgutil.walk_packages(getattr(importlib.import_module(name), "__path__", ()), f"{name}.")
]
print(json.dumps({name: importlib.import_module(name).__file__ for name in names}))
"""


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with `app/` (the unpacked zip), `venv/` (its requirements only) and `host/` (the host, apart)."""
    place = tmp_path_factory.mktemp("release")
    build_zip(place / "app.zip")
    with ZipFile(place / "app.zip") as archive:
        archive.extractall(place / "app")
    _run(_UV, "venv", "--quiet", "--python", sys.executable, str(place / "venv"))
    installed = place / "app" / "requirements.txt"
    _run(_UV, "pip", "install", "--quiet", "--require-hashes", "-r", str(installed), "--python", _python(place))
    shutil.copytree(ROOT / "dev" / "functions_host", place / "host" / "dev" / "functions_host")
    shutil.copyfile(ROOT / "dev" / "__init__.py", place / "host" / "dev" / "__init__.py")
    _install_host(place)
    return place


def _install_host(place: Path) -> None:
    """The host's own packages, in the locked versions, where the app's environment does not look by itself."""
    locked = _run(_UV, "export", "--frozen", "--no-hashes", "--no-annotate", "--no-header", "--quiet", cwd=ROOT)
    (place / "locked.txt").write_text(locked)
    target = ("--target", str(place / "host" / "packages"), "--python", _python(place))
    _run(_UV, "pip", "install", "--quiet", "--constraint", str(place / "locked.txt"), *target, *_HOST_NEEDS)


def test_every_module_of_the_zip_can_be_imported_with_its_requirements_only(place: Path) -> None:
    """Adapters are imported on first use: what they lack would show in the first call in Azure, not at the start.

    No trigger imports `recording.cli`: the command line brings requirements of its own (tools/recordings).
    """
    files = json.loads(_run(_python(place), "-c", _IMPORT_ALL, cwd=place / "app"))
    assert "recording.adapters.acs.control" in files
    assert {Path(file).is_relative_to(place / "app") for file in files.values()} == {True}


def test_the_zip_starts_and_answers(place: Path, azurite: Azurite) -> None:
    """Health, a refusal of its own, and a call that builds every adapter: ACS and storage are both asked."""
    with _host(place, azurite) as url, urllib3.PoolManager(retries=False) as pool:
        health = pool.request("GET", f"{url}/api/health")
        start = pool.request("POST", f"{url}/api/recordings", body=b"{}")
        state = pool.request("GET", f"{url}/api/recordings/nobody-knows-it")
    assert (health.status, health.json()["status"]) == (200, "ok")
    assert (start.status, start.json()["code"]) == (400, "locator_missing")
    assert (state.status, state.json()["code"]) == (503, "acs_unreachable")


@contextmanager
def _host(place: Path, azurite: Azurite) -> Iterator[str]:
    """The built-in host over the unpacked zip; ACS is a port where nobody listens."""
    settings: dict[str, Any] = {
        "ACS_CONNECTION_STRING": "endpoint=https://contoso.communication.azure.com/;accesskey=a2V5",
        "ACS_PROXY_URL": "http://127.0.0.1:9",
        "AzureWebJobsStorage": azurite.connection_string,
        "ARCHIVE_STORAGE": azurite.connection_string,
    }
    (place / "settings.json").write_text(json.dumps({"IsEncrypted": False, "Values": settings}))
    ready = place / "ready.json"
    command = [_python(place), "-m", "dev.functions_host", "--app-dir", str(place / "app"), "--port", "0"]
    command += ["--settings", str(place / "settings.json"), "--ready-file", str(ready), "--state-dir", str(place)]
    environment = _environment() | {"PYTHONPATH": f"{place / 'host'}{os.pathsep}{place / 'host' / 'packages'}"}
    with (place / "host.log").open("wb") as log:
        process = subprocess.Popen(command, cwd=place / "app", env=environment, stdout=log, stderr=subprocess.STDOUT)
    try:
        yield _url(process, ready, place / "host.log")
    finally:
        process.terminate()
        process.wait(30)


def _url(process: "subprocess.Popen[bytes]", ready: Path, log: Path) -> str:
    give_up_at = time.monotonic() + 60
    while not ready.exists():
        if process.poll() is not None or time.monotonic() > give_up_at:
            pytest.fail(f"the host is not ready:\n{log.read_text(errors='replace')[-4000:]}")
        time.sleep(0.05)
    return str(json.loads(ready.read_text())["url"])


def _python(place: Path) -> str:
    return str(place / "venv" / "bin" / "python")


def _environment() -> dict[str, str]:
    return {name: value for name, value in os.environ.items() if not name.startswith(("PYTHON", "VIRTUAL_ENV"))}


def _run(*command: str, cwd: Path | None = None) -> str:
    done = subprocess.run(
        command, cwd=cwd, env=_environment(), capture_output=True, text=True, timeout=300, check=False
    )
    assert done.returncode == 0, f"{' '.join(command)}\n{done.stdout}{done.stderr}"
    return done.stdout
