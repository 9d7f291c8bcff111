"""Stand-ins for the command-line tools of hooks and workflows: what they are asked is written down, and answered."""

import os
import shutil
import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Self

SHELL = shutil.which("sh") or "/bin/sh"
# Each call is a line in the log. What it answers is in the first file whose words it has: status, failures left, text.
STAND_IN = r"""#!/bin/sh
here=$(dirname "$0")
echo "$(basename "$0") $*" >> "$here/log"
for answer in "$here"/answers/*; do
  [ -f "$answer" ] || continue
  words=$(head -n 1 "$answer")
  case "$(basename "$0") $*" in
    *"$words"*)
      status=$(sed -n 2p "$answer"); left=$(sed -n 3p "$answer")
      if [ "$left" -gt 0 ]; then
        sed -i "3s/.*/$((left - 1))/" "$answer"
        exit "$status"
      fi
      tail -n +4 "$answer"
      [ "$left" -eq 0 ] && exit 0
      exit "$status";;
  esac
done
"""
FOR_EVER = 1_000_000


class Desk:
    """A folder of stand-ins, and runs of scripts with nothing else on the path but the shell's own tools."""

    def __init__(self, folder: Path, tools: Sequence[str]) -> None:
        self.folder = folder
        (folder / "answers").mkdir(parents=True)
        for tool in tools:
            (folder / tool).write_text(STAND_IN)
            (folder / tool).chmod(0o755)

    def answers(self, words: str, text: str = "", *, fails: int = 0, always: bool = False) -> None:
        """Let calls with these words answer a text, after some failures, or never."""
        count = len(list((self.folder / "answers").iterdir()))
        (self.folder / "answers" / f"{count:02}").write_text(f"{words}\n1\n{FOR_EVER if always else fails}\n{text}\n")

    def run(
        self, command: Sequence[str], place: Path, variables: Mapping[str, str], typed: str = ""
    ) -> subprocess.CompletedProcess[str]:
        """Run a command in a place with the stand-ins first on the path, and return what came of it."""
        return subprocess.run(
            command,
            cwd=place,
            env={"PATH": f"{self.folder}:/usr/bin:/bin", **variables},
            input=typed,
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )

    @property
    def calls(self) -> list[str]:
        """Return the calls that were made."""
        log = self.folder / "log"
        return log.read_text().splitlines() if log.exists() else []

    def without(self, tool: str) -> Self:
        """Return the desk without a tool."""
        (self.folder / tool).unlink()
        return self


def are_installed(*tools: str) -> bool:
    """Return whether one of the real tools is where the shell's own tools are."""
    return any(os.path.exists(f"/usr/bin/{tool}") for tool in tools)  # noqa: PTH110 - a name, not a file of ours
