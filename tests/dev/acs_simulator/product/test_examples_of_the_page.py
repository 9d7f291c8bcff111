"""The examples of docs/simulator.md, run as a stranger would: copied into a file, with the page's exports only."""

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from dev.acs_simulator.threaded import SimulatorHandle

ROOT = Path(__file__).resolve().parents[4]
PAGE = (ROOT / "docs" / "simulator.md").read_text(encoding="utf-8")
SDK_OF_NODE = ROOT / "node_modules" / "@azure" / "communication-call-automation"


def example(language: str) -> str:
    """Return the first whole program of the page in a language."""
    blocks: list[str] = re.findall(rf"```{language}\n(.*?)```", PAGE, re.DOTALL)
    return next(block for block in blocks if "import " in block)


def of_the_page(simulator: SimulatorHandle) -> dict[str, str]:
    """Return the variables that the page says to export, and what a program needs to start."""
    known = simulator.addresses
    authority = dict.fromkeys(("REQUESTS_CA_BUNDLE", "SSL_CERT_FILE", "NODE_EXTRA_CA_CERTS"), str(known.ca_bundle))
    assert all(name in PAGE for name in (*authority, "ACS_CONNECTION_STRING", "HTTPS_PROXY", "NO_PROXY", "SIM"))
    return {
        "PATH": os.environ["PATH"],
        "ACS_CONNECTION_STRING": known.connection_string,
        "HTTPS_PROXY": known.proxy_url,
        "NO_PROXY": "127.0.0.1,localhost",
        "SIM": known.admin_url,
        **authority,
    }


def test_the_python_example_records_downloads_and_deletes(simulator: SimulatorHandle, tmp_path: Path) -> None:
    """With Microsoft's own SDK, unmodified."""
    (tmp_path / "first.py").write_text(example("python"))
    done = _run([sys.executable, "-W", "ignore", "first.py"], tmp_path, of_the_page(simulator))
    assert done.stdout == "recorded, downloaded, deleted at ACS: True\n", done.stderr
    assert (tmp_path / "first.wav").read_bytes()[:4] == b"RIFF"


def test_the_node_example_can_be_read_by_node(tmp_path: Path) -> None:
    """Also where its SDK is not installed."""
    node = shutil.which("node")
    if node is None:
        pytest.skip("there is no node")
    (tmp_path / "first.mjs").write_text(example("javascript"))
    assert _run([node, "--check", "first.mjs"], tmp_path, {"PATH": os.environ["PATH"]}).returncode == 0


@pytest.mark.skipif(not SDK_OF_NODE.exists(), reason="npm install @azure/communication-call-automation")
def test_the_node_example_records_downloads_and_deletes(simulator: SimulatorHandle, tmp_path: Path) -> None:
    """As the transcript on the page says."""
    (tmp_path / "node_modules").symlink_to(SDK_OF_NODE.parents[1])
    (tmp_path / "first.mjs").write_text(example("javascript"))
    done = _run(["node", "first.mjs"], tmp_path, of_the_page(simulator))
    assert done.stdout == "recorded, downloaded, deleted at ACS: true\n", done.stderr


def _run(command: list[str], folder: Path, environment: dict[str, str]) -> subprocess.CompletedProcess[str]:
    return subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, check=False)
