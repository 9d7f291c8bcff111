"""Runs ours and the peers in turn, each in a fresh process, and gathers what they report."""

import json
import os
import shutil
import statistics
import subprocess
import sys
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path

from dev.bench import content
from dev.bench.servers import REPOSITORY, Certificate, Served

OURS = "this app"
_VENV = REPOSITORY / ".local-world" / "bench" / "venv"
_TOOLS = REPOSITORY / ".local-world" / "bench" / "node"
PINNED = (
    "azure-storage-blob==12.31.1",
    "azure-communication-callautomation==1.6.0",
    "adlfs==2026.8.0",
    "aiohttp==3.14.5",
    "smart-open[azure,http]==9.0.2",
    "obstore==0.12.1",
    "py-spy==0.4.1",
)
_AZCOPY = "@azure-tools/azcopy-linux@10.32.2"
_KEY = "YWFhYWFhYWFhYWFhYWFhYWFhYWFhYWFhYWFhYWFhYWE="


@dataclass(frozen=True)
class Run:
    """One copy: how long it took, the CPU seconds of its processes, its memory above idle (peers: all of it), in MB."""

    seconds: float
    cpu: float
    rss_mb: float


@dataclass
class Results:
    """All runs of one figure, by who ran, with the length that was copied."""

    length: int
    runs: dict[str, list[Run]] = field(default_factory=lambda: defaultdict(list))
    missing: dict[str, str] = field(default_factory=dict)

    def rate(self, who: str) -> float | None:
        """Median MB/s; None when it did not run."""
        rates = [self.length / run.seconds / 1e6 for run in self.runs.get(who, [])]
        return statistics.median(rates) if rates else None

    def ratio(self, who: str, other: str) -> float | None:
        """How many times faster one is."""
        mine, theirs = self.rate(who), self.rate(other)
        return mine / theirs if mine and theirs else None

    def cpu_per_gb(self, who: str) -> float | None:
        """Median CPU seconds for a GB."""
        used = [run.cpu / self.length * 1e9 for run in self.runs.get(who, [])]
        return statistics.median(used) if used else None

    def as_json(self) -> dict[str, object]:
        """For the file."""
        rows = {who: [asdict(run) for run in runs] for who, runs in self.runs.items()}
        rates = {who: round(rate, 1) for who in self.runs if (rate := self.rate(who))}
        return {"length": self.length, "mb_per_second": rates, "runs": rows, "missing": self.missing}


def install_peers() -> None:
    """Makes the environment of the Python peers and fetches azcopy; what cannot be had is named when it is due."""
    done = _VENV / ".done"
    if not done.is_file() or done.read_text() != "\n".join(PINNED):
        subprocess.run([sys.executable, "-m", "venv", str(_VENV)], check=True)
        subprocess.run(
            [str(_VENV / "bin" / "pip"), "install", "--quiet", *PINNED], check=True, stderr=subprocess.DEVNULL
        )
        done.write_text("\n".join(PINNED))
    if shutil.which("npm") and not _azcopy().is_file():
        _TOOLS.mkdir(parents=True, exist_ok=True)
        command = ["npm", "install", "--no-audit", "--no-fund", "--silent", "--prefix", str(_TOOLS), _AZCOPY]
        subprocess.run(command, check=False)
    if _azcopy().is_file():
        _azcopy().chmod(0o755)  # the package leaves it without


def _azcopy() -> Path:
    folder = _TOOLS / "node_modules" / "@azure-tools" / "azcopy-linux" / "dist" / "bin"
    return next(folder.glob("azcopy_linux_*"), _TOOLS / "azcopy")


@dataclass(frozen=True)
class Bench:
    """Where this figure's source and sink are."""

    tls: Certificate
    source: Served
    sink: Served

    def ours(self, length: int, *options: str, **settings: str) -> Run:
        """Our copy, with more settings if the figure needs them."""
        command = [sys.executable, "-m", "dev.bench.ours", str(length), *options]
        return _report(command, {**self.environment(), **settings})

    def environment(self) -> dict[str, str]:
        """The app's settings."""
        return {
            **os.environ,
            "ACS_CONNECTION_STRING": f"endpoint=https://bench.communication.azure.com/;accesskey={_KEY}",
            "BENCH_SOURCE_PORT": str(self.source.port),
            "ACS_CA_BUNDLE": str(self.tls.ca),
            "REQUESTS_CA_BUNDLE": str(self.tls.ca),
            "AzureWebJobsStorage": "UseDevelopmentStorage=true",
            "ARCHIVE_STORAGE": self._connection(),
        }

    def peer(self, name: str, length: int, *, proof: bool = False) -> Run:
        """A peer's copy; with proof, followed by a full read-back."""
        object_id = content.object_id(length)
        job = {
            "source": content.location(length),
            "direct": f"{self.source.url}/v1/objects/{object_id}/content/video",
            "port": self.source.port,
            "ca": str(self.tls.ca),
            "account": f"{self.sink.url}/bench",
            "container": f"{self.sink.url}/bench/bench",
            "connection": self._connection(),
            "blob": f"{self.sink.url}/bench/bench/{object_id}",
            "name": object_id,
            "length": length,
            "proof": proof,
            "sha256": content.sha256_of(length) if proof else "",
            "azcopy": str(_azcopy()),
        }
        environment = {**os.environ, "REQUESTS_CA_BUNDLE": str(self.tls.ca)}
        script = str(Path(__file__).with_name("peers.py"))
        return _report([str(_VENV / "bin" / "python"), script, name, json.dumps(job)], environment)

    def _connection(self) -> str:
        account = f"DefaultEndpointsProtocol=https;AccountName=bench;AccountKey={_KEY}"
        return f"{account};BlobEndpoint={self.sink.url}/bench;"


def interleaved(results: Results, bench: Bench, peers: Sequence[str], rounds: int, *, proof: bool, say: object) -> None:
    """Runs everybody in turn, so that what the machine does meanwhile hits all alike."""
    for _ in range(rounds):
        for who in (OURS, *peers):
            say(who)  # type: ignore[operator]  # a callable that shows progress
            try:
                options = ("--readback",) if proof else ()
                run = (
                    bench.ours(results.length, *options)
                    if who == OURS
                    else bench.peer(who, results.length, proof=proof)
                )
            except RuntimeError as error:
                results.missing[who] = str(error)
                continue
            results.runs[who].append(run)


def _report(command: list[str], environment: dict[str, str]) -> Run:
    done = subprocess.run(command, env=environment, cwd=REPOSITORY, capture_output=True, text=True, check=False)
    if done.returncode:
        raise RuntimeError((done.stderr.strip().splitlines() or ["it failed without a word"])[-1][:300])
    found = json.loads(done.stdout.strip().splitlines()[-1])
    return Run(found["seconds"], found["cpu"], found["rss_mb"])
