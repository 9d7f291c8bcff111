"""A picture of a command in a terminal: the README shows what `make demo` prints, and this command makes it again."""

import os
import re
import subprocess
import sys
from io import StringIO
from pathlib import Path

from rich.console import Console
from rich.text import Text

COLUMNS = 92
_FONTS = re.compile(r"@font-face \{.*?\}", re.DOTALL)  # would be fetched from another host


def main(target: Path) -> int:
    """Run the demo, write what it printed as an SVG, and return its exit code."""
    printed, code = _output([sys.executable, "-m", "dev", "demo"])
    if code:
        print(printed)
        return code
    target.write_text(svg_of(printed, "make demo"), encoding="utf-8")
    print(f"{target}: {len(printed.splitlines())} lines")
    return 0


def svg_of(printed: str, title: str) -> str:
    """Return a terminal's output, colours included, as an SVG that stands alone."""
    console = Console(record=True, width=COLUMNS, file=StringIO(), force_terminal=True, color_system="truecolor")
    for line in printed.splitlines():
        console.print(Text.from_ansi(line), overflow="ellipsis", no_wrap=True)
    return _FONTS.sub("", console.export_svg(title=title, unique_id="terminal"))


def _output(command: list[str]) -> tuple[str, int]:
    """Return what a command prints when it believes in a terminal of this width."""
    terminal = {"FORCE_COLOR": "1", "TTY_COMPATIBLE": "1", "COLUMNS": str(COLUMNS), "LINES": "50"}
    done = subprocess.run(command, env={**os.environ, **terminal}, capture_output=True, text=True, check=False)
    return done.stdout, done.returncode
