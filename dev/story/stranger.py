"""A stranger tries the simulator: an empty folder, a fresh environment, and nothing but what its page says.

Installs from the package indexes, with Python and with Node, and runs the page's programs as they are printed. The
transcript goes into docs/simulator.md.
"""

import os
import platform
import re
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from shlex import quote
from tempfile import TemporaryDirectory

from dev.children import ending_with_this_process

REPOSITORY = Path(__file__).resolve().parents[2]
PAGE = REPOSITORY / "docs" / "simulator.md"
BEGIN, END = "<!-- stranger: python -m dev story stranger --write -->", "<!-- /stranger -->"
_PATIENCE = 120.0
_OUT = "simulator.out"
_PROGRAMS = {
    "first.py": ("python", "import os"),
    "first.mjs": ("javascript", "import "),
    "test_it.py": ("python", "def test_"),
}
_WHERE = "../acs-recording-archive"  # how the page calls the clone
_OLD_VARIABLES = ("PYTHONPATH", "VIRTUAL_ENV", "HTTPS_PROXY", "https_proxy")


@dataclass
class Stranger:
    """Somebody in an empty folder; keeps what was typed and what came back."""

    folder: Path
    environment: dict[str, str]
    lines: list[str] = field(default_factory=list)
    failed: list[str] = field(default_factory=list)

    def types(self, command: str) -> str:
        """Run a line in a shell and return what it printed."""
        meant = command.replace(_WHERE, quote(str(REPOSITORY)))
        done = subprocess.run(
            ["bash", "-c", meant], cwd=self.folder, env=self.environment, capture_output=True, text=True, check=False
        )
        self.told(command, done.stdout)
        if done.returncode:
            self.failed.append(f"{command}: exit code {done.returncode}\n{done.stderr}")
        return done.stdout

    def told(self, command: str, printed: str = "") -> None:
        """Add a line to the transcript."""
        self.lines += [f"$ {command}", *(line.rstrip() for line in printed.splitlines())]

    @contextmanager
    def leaves_running(self, command: str) -> Iterator[None]:
        """Run the simulator in the background, until the end of the block."""
        self.told(f"{command} > {_OUT} &")
        program, *options = command.split()
        with (self.folder / _OUT).open("wb") as out:
            started = subprocess.Popen(
                ending_with_this_process([str(self.folder / program), *options]),
                cwd=self.folder,
                env=self.environment,
                stdout=out,
                stderr=subprocess.STDOUT,
            )
        try:
            self._wait_for_exports(started)
            yield
        finally:
            started.terminate()
            started.wait(_PATIENCE)

    def _wait_for_exports(self, started: "subprocess.Popen[bytes]") -> None:
        give_up_at = time.monotonic() + _PATIENCE
        while "Ctrl-C stops it" not in (text := (self.folder / _OUT).read_text(encoding="utf-8")):
            if started.poll() is not None or time.monotonic() > give_up_at:
                raise RuntimeError("\n".join(["the simulator did not start:", text, *self.failed]))
            time.sleep(0.1)

    def exports(self) -> None:
        """Take the variables that the simulator printed into the shell, as the page says."""
        command = f'eval "$(grep ^export {_OUT})"'
        self.told(command)
        shell = ["bash", "-c", f"{command}; env -0"]
        told = subprocess.run(shell, cwd=self.folder, env=self.environment, capture_output=True, text=True, check=True)
        self.environment = dict(pair.split("=", 1) for pair in told.stdout.split("\0") if "=" in pair)


def programs_of(page: str) -> dict[str, str]:
    """Return the page's whole programs by the names that it gives them."""
    found = {}
    for name, (language, mark) in _PROGRAMS.items():
        blocks: list[str] = re.findall(rf"```{language}\n(.*?)```", page, re.DOTALL)
        found[name] = next(block for block in blocks if mark in block)
    return found


def played(page: str) -> Stranger:
    """Do all of it, and return the stranger with the transcript."""
    environment = {name: value for name, value in os.environ.items() if name not in _OLD_VARIABLES}
    with TemporaryDirectory() as place:
        stranger = Stranger(Path(place), environment)
        for name, text in programs_of(page).items():
            (stranger.folder / name).write_text(text, encoding="utf-8")
        stranger.told("python3 -m venv fresh")
        subprocess.run([sys.executable, "-m", "venv", "fresh"], cwd=place, env=environment, check=True)
        stranger.types(
            f"fresh/bin/pip install -q {_WHERE}/tools/acs-simulator azure-communication-callautomation pytest"
        )
        # Before the exports: behind the simulator's proxy there is nothing but ACS.
        stranger.types("npm install --silent --no-audit --no-fund @azure/communication-call-automation")
        with stranger.leaves_running("fresh/bin/acs-simulator --seed 7"):
            stranger.exports()
            stranger.types("fresh/bin/python first.py")
            stranger.types("head -c 4 first.wav; echo; rm first.wav")
            stranger.types("node first.mjs")
            stranger.types("head -c 4 first.wav; echo")
            stranger.types("curl -s -o page.html -w '%{http_code} %{content_type}\\n' $SIM/")
        stranger.types("fresh/bin/python -m pytest -q test_it.py | tail -1 | sed 's/ in .*//'")
        return stranger


def text_of(stranger: Stranger) -> str:
    """Return the part of the page that is written here."""
    node = _version_of(["node", "--version"]).removeprefix("v")
    day = datetime.now(UTC)
    head = (
        f"`python -m dev story stranger` did this on {day.day} {day:%B %Y}, in an empty folder with Python "
        f"{platform.python_version()} and Node {node}:"
    )
    return "\n".join([BEGIN, head, "", "```console", *stranger.lines, "```", END])


def with_transcript(page: str, text: str) -> str:
    """Return the page with another transcript."""
    before, _, rest = page.partition(BEGIN)
    return before + text + rest.partition(END)[2]


def main(*, write: bool) -> int:
    """Play it and print it, or write it into the page; 0 when every line worked."""
    page = PAGE.read_text(encoding="utf-8")
    stranger = played(page)
    if write and not stranger.failed:
        PAGE.write_text(with_transcript(page, text_of(stranger)), encoding="utf-8")
    else:
        print(text_of(stranger))
    for fault in stranger.failed:
        print(f"FAILED  {fault}")
    print(f"a stranger can use the simulator from Python, pytest and Node: {'no' if stranger.failed else 'yes'}")
    return int(bool(stranger.failed))


def _version_of(command: list[str]) -> str:
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip()
