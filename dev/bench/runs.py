"""Runs ours and the peers in turn, each in a fresh process, and gathers what they report."""

import json
import os
import shutil
import statistics
import subprocess
import sys
import time
from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass, field
from enum import Enum
from pathlib import Path

import psutil

from dev.bench import content
from dev.bench.servers import REPOSITORY, Certificate, Served

OURS = "this app"
FLOOR = "native floor"
DISTURBED = 0.05  # of the CPU
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
    """One copy: how long it took, the CPU seconds of its processes, its memory above idle (peers: all of it), in MB.

    `disturbed` is the share of the machine's CPU that others used meanwhile.
    """

    seconds: float
    cpu: float
    rss_mb: float
    disturbed: float = 0.0
    took: tuple[tuple[int, float], ...] = ()  # of many copies in one process: the seconds of each, with its length

    def took_below(self, length: int) -> list[float]:
        """Return the seconds of each copy of a file up to this length."""
        return [seconds for one, seconds in self.took if one <= length]

    @property
    def is_disturbed(self) -> bool:
        """Return whether others used so much that the run does not count for much."""
        return self.disturbed > DISTURBED


@dataclass
class Results:
    """All runs of one figure, by who ran, with the length that was copied."""

    length: int
    runs: dict[str, list[Run]] = field(default_factory=lambda: defaultdict(list))
    missing: dict[str, str] = field(default_factory=dict)

    def rate(self, who: str) -> float | None:
        """Return median MB/s; None when it did not run."""
        rates = [self.length / run.seconds / 1e6 for run in self.runs.get(who, [])]
        return statistics.median(rates) if rates else None

    def ratio(self, who: str, other: str) -> float | None:
        """Return how many times faster one is."""
        mine, theirs = self.rate(who), self.rate(other)
        return mine / theirs if mine and theirs else None

    def cpu_per_gb(self, who: str) -> float | None:
        """Return median CPU seconds for a GB."""
        used = [run.cpu / self.length * 1e9 for run in self.runs.get(who, [])]
        return statistics.median(used) if used else None

    def best(self, *, but: Sequence[str] = ()) -> str:
        """Return the fastest peer; nothing when none ran."""
        peers = (who for who in self.runs if who not in (OURS, FLOOR, *but))
        return max(peers, key=lambda who: self.rate(who) or 0, default="")

    def as_json(self) -> dict[str, object]:
        """Return it for the file."""
        rows = {who: [asdict(run) for run in runs] for who, runs in self.runs.items()}
        rates = {who: round(rate, 1) for who in self.runs if (rate := self.rate(who))}
        cpu = {who: round(used, 2) for who in self.runs if (used := self.cpu_per_gb(who))}
        return {
            "length": self.length,
            "mb_per_second": rates,
            "cpu_seconds_per_gb": cpu,
            "runs": rows,
            "missing": self.missing,
        }


def install_peers() -> None:
    """Make the environment of the Python peers and fetch azcopy; what cannot be had is named when it is due."""
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
        """Return our copy, with more settings if the figure needs them."""
        return self.script(["-m", "dev.bench.ours", str(length), *options], settings)

    def script(self, words: Sequence[str], settings: Mapping[str, str], program: Path = REPOSITORY) -> Run:
        """Return what a Python program of ours reports; `program` is the repository that it is run from."""
        return _report([sys.executable, *words], {**self.environment(), **settings}, program)

    def many(self, at_once: int, lengths: Sequence[int], *, cores: int = 0, memory_mb: int = 0) -> Run:
        """Return many of our copies with read-back in one process, so many at once."""
        words = ["-m", "dev.bench.ours_many", str(at_once), *map(str, lengths)]
        settings = {"BENCH_CORES": str(cores), "BENCH_MEMORY_MB": str(memory_mb)} if cores else {}
        return self.script(words, settings)

    def floor(self, length: int, *, proof: bool, connections: int = 4, block_bytes: int = 8 << 20) -> Run:
        """Return the same requests and hashes without an interpreter."""
        job = [content.object_id(length), length, connections, block_bytes, int(proof), self.tls.ca]
        return _report([str(_built_floor()), str(self.source.port), str(self.sink.port), *map(str, job)], {})

    def environment(self) -> dict[str, str]:
        """Return the app's settings."""
        return {
            **os.environ,
            "ACS_CONNECTION_STRING": f"endpoint=https://bench.communication.azure.com/;accesskey={_KEY}",
            "BENCH_SOURCE_PORT": str(self.source.port),
            "ACS_CA_BUNDLE": str(self.tls.ca),
            "REQUESTS_CA_BUNDLE": str(self.tls.ca),
            "AzureWebJobsStorage": "UseDevelopmentStorage=true",
            "ARCHIVE_STORAGE": self._connection(),
            "COPY_SHA512": "false",  # nobody else computes one; what it costs is a figure of its own
        }

    def peer(self, name: str, length: int, *, digest: bool = False, proof: bool = False) -> Run:
        """Return a peer's copy; with a digest of what it read, and with proof compared with a full read-back."""
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
            "digest": digest or proof,
            "proof": proof,
            "azcopy": str(_azcopy()),
        }
        environment = {**os.environ, "REQUESTS_CA_BUNDLE": str(self.tls.ca)}
        script = str(Path(__file__).with_name("peers.py"))
        return _report([str(_VENV / "bin" / "python"), script, name, json.dumps(job)], environment)

    def _connection(self) -> str:
        account = f"DefaultEndpointsProtocol=https;AccountName=bench;AccountKey={_KEY}"
        return f"{account};BlobEndpoint={self.sink.url}/bench;"


class Proof(Enum):
    """How much of a proof a contest asks of everybody; ours always gives the first two."""

    NONE = "without proof"
    DIGEST = "with the source's digest"
    FULL = "with digest and full read-back"


@dataclass
class Contest:
    """Runs everybody in turn, so that what the machine does meanwhile hits all alike.

    `floor` says the connections and the bytes of a block that the floor uses.
    """

    bench: Bench
    results: Results
    proof: Proof
    say: Callable[[str], None]
    floor: dict[str, int] = field(default_factory=dict)

    def run(self, who: Sequence[str], rounds: int) -> Results:
        """Run OURS, FLOOR and peers by their names, so many times each, and return all results."""
        for number in range(rounds):
            for name in who:
                self.say(f"{name}, {self.proof.value}, round {number + 1} of {rounds}")
                try:
                    self.results.runs[name].append(_one(self, name))
                except RuntimeError as error:
                    self.results.missing[name] = str(error)
        return self.results


def _one(contest: Contest, name: str) -> Run:
    bench, length, proof = contest.bench, contest.results.length, contest.proof
    if name == OURS:
        return bench.ours(length, *(["--readback"] if proof is Proof.FULL else []))
    if name == FLOOR:
        return bench.floor(length, proof=proof is Proof.FULL, **contest.floor)
    return bench.peer(name, length, digest=proof is not Proof.NONE, proof=proof is Proof.FULL)


def _built_floor() -> Path:
    """Return the floor's program, built when it is not there or older than its source.

    Raises:
        RuntimeError: there is no C compiler, or no OpenSSL to build against.
    """
    source = Path(__file__).with_name("floor.c")
    built = REPOSITORY / ".local-world" / "bench" / "floor"
    if not built.is_file() or built.stat().st_mtime < source.stat().st_mtime:
        built.parent.mkdir(parents=True, exist_ok=True)
        command = ["cc", "-O2", "-D_GNU_SOURCE", "-o", str(built), str(source), "-lssl", "-lcrypto", "-lpthread"]
        try:
            subprocess.run(command, check=True, capture_output=True)
        except (OSError, subprocess.CalledProcessError) as error:
            raise RuntimeError("the floor needs a C compiler and OpenSSL (Debian: gcc libssl-dev)") from error
    return built


def _report(command: list[str], environment: dict[str, str], program: Path = REPOSITORY) -> Run:
    begun, before, family = time.monotonic(), _busy_seconds(), _family_seconds()
    done = subprocess.run(command, env=environment, cwd=program, capture_output=True, text=True, check=False)
    others = (_busy_seconds() - before) - (_family_seconds() - family)
    if done.returncode:
        raise RuntimeError(" | ".join(done.stderr.strip().splitlines()[-3:])[:400] or "it failed without a word")
    found = json.loads(done.stdout.strip().splitlines()[-1])
    disturbed = max(0.0, others / (time.monotonic() - begun) / (os.cpu_count() or 1))
    took = tuple((length, seconds) for length, seconds in found.get("took", ()))
    return Run(found["seconds"], found["cpu"], found["rss_mb"], round(disturbed, 3), took)


def _busy_seconds() -> float:
    """Return seconds of CPU that the whole machine has used, or that its host took away."""
    times = psutil.cpu_times()._asdict()
    return float(sum(times.get(kind, 0.0) for kind in ("user", "nice", "system", "irq", "softirq", "steal")))


def _family_seconds() -> float:
    """Return seconds of CPU that this process, its servers and its clients have used."""
    me = psutil.Process()
    total = 0.0
    for process in (me, *me.children(recursive=True)):  # the servers live in processes of their own
        with suppress(psutil.Error):
            total += sum(process.cpu_times()[:4])  # its own, and those of its children that have ended
    return total
