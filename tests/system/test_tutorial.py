"""The tutorial is played as it is printed, with the lines of `make up` where it asks for them."""

import os
import re
import subprocess
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import takewhile
from pathlib import Path

import pytest

from dev.policies.repository import DOCS
from dev.world import REPOSITORY
from tests.system.steps import Steps
from tests.system.test_lines_of_up import printed

PAGE = (DOCS / "tutorial.md").read_text(encoding="utf-8")
BLOCKS = re.findall(r"^```bash\n(.*?)^```$", PAGE, re.MULTILINE | re.DOTALL)
ENDED = re.compile(r"^exit (\d+)$", re.MULTILINE)
ID = "ID=$(recordings ls --attention | awk '/foreign_host/ {print $1; exit}')"


@dataclass
class Shell:
    """One shell of a newcomer, into which blocks are pasted one after the other."""

    process: "subprocess.Popen[str]"

    def paste(self, lines: str) -> tuple[str, list[int]]:
        """Returns what the lines have shown, and how each ended."""
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        told = [line for line in lines.splitlines() if line.strip() and not line.lstrip().startswith("#")]
        self.process.stdin.write(
            "".join(f'{line}\nENDED=$?; echo; echo "exit $ENDED"\n' for line in told) + "echo pasted\n"
        )
        self.process.stdin.flush()
        shown = "".join(takewhile(lambda line: line != "pasted\n", self.process.stdout))
        return shown, [int(code) for code in ENDED.findall(shown)]


@pytest.fixture
def shell() -> Iterator[Shell]:
    environment = {**os.environ, "NO_PROXY": "127.0.0.1", "COLUMNS": "80"}
    with subprocess.Popen(
        ["bash"],
        cwd=REPOSITORY,
        env=environment,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    ) as process:
        yield Shell(process)
        assert process.stdin is not None
        process.stdin.close()


def test_a_newcomer_records_breaks_repairs_decides_and_proves(own_world: Steps, shell: Shell, tmp_path: Path) -> None:
    """Each block shows what the page says that it shows; a newcomer has no second try."""
    lines = printed(own_world)
    addresses = {
        "http://127.0.0.1:8900": own_world.world.addresses.admin_url,
        "--to .local-world/heard": f"--to {tmp_path / 'heard'}",
    }
    up, arrived, cut, error, refused, whose, again, foreign, decided, proved, heard = map(_with(addresses), BLOCKS)
    assert up == "make up\n"
    (recordings,) = (line for line in lines.splitlines() if line.strip().startswith("recordings()"))
    shell.paste(recordings)
    record = lines.partition("# a call with two people")[2].partition("\n")[2].partition("sleep 3")[0]
    state = f"{own_world.world.host_url}/api/recordings/$REC"

    def recorded(until: str) -> str:
        return f"{record}\n{waits(until)}"

    def waits(until: str) -> str:
        return f"for _ in $(seq 600); do curl -s {state} | grep -qE '{until}' && break; sleep 0.1; done"

    shell.paste(recorded('"complete": *true'))
    shown, ended = shell.paste(arrived)
    assert ended == [0, 0]
    assert "nothing needs attention" in shown
    for word in ("announced", "copied", "verified", "cataloged", "source deleted"):
        assert word in shown, shown

    shell.paste(cut)
    shell.paste(recorded('"lastError": *"'))
    shown, _ = shell.paste(error)
    assert re.search(r"source_(busy|short)", shown), shown
    assert "next try" in shown
    shell.paste(waits('"complete": *true'))

    shell.paste(refused)
    shell.paste(recorded('"lastError": *"'))
    shown, _ = shell.paste(whose)
    assert "source_refused" in shown
    assert "role" in shown
    shown, ended = shell.paste(again)
    assert ended[:2] == [0, 0] or "is archived" in shown, shown  # the next try may have come first
    shell.paste(waits('"complete": *true'))

    shell.paste(foreign)
    own_world.wait_until(lambda: len(own_world.quarantined()) >= 1, "the event is refused")
    shown, ended = shell.paste(f"{ID}\n{decided.replace(' ID', ' $ID')}")
    assert ended == [0, 1, 1, 0, 0], shown
    assert "foreign_host" in shown

    shown, ended = shell.paste(proved)
    assert (ended, "proved" in shown) == ([0], True), shown
    shell.paste(heard)
    assert len(list((tmp_path / "heard").glob("*.wav"))) == 1


def _with(addresses: dict[str, str]) -> Callable[[str], str]:
    def told(block: str) -> str:
        for old, new in addresses.items():
            block = block.replace(old, new)
        return block

    return told
