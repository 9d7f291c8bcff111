"""The type checker sees a misspelt change of a record; that is the first of the two nets below it."""

import subprocess
import sys
from pathlib import Path

from recording.domain.state.records import ChunkChanges, RecordingChanges

ROOT = Path(__file__).parents[2]
HEAD = (
    "from recording.domain.state.chunk import ChunkRecord",
    "from recording.domain.state.recording import RecordingRecord",
    "from recording.domain.state.records import changed",
    "chunk: ChunkRecord",
    "recording: RecordingRecord",
)


def test_the_type_checker_sees_each_misspelt_name(tmp_path: Path) -> None:
    """All of them in one file, one call each: a call without an error would be a hole."""
    calls = [f"changed(chunk, {name}x=None)" for name in ChunkChanges.__annotations__]
    calls += [f"changed(recording, {name}x=None)" for name in RecordingChanges.__annotations__]
    (tmp_path / "misspelt.py").write_text("\n".join((*HEAD, *calls)) + "\n")
    config = tmp_path / "mypy.ini"
    config.write_text(f"[mypy]\nfollow_imports = silent\nmypy_path = {ROOT}\n")
    command = [sys.executable, "-m", "mypy", "--config-file", str(config), "--cache-dir", str(tmp_path / "cache")]
    told = subprocess.run(
        [*command, str(tmp_path / "misspelt.py")], capture_output=True, text=True, cwd=ROOT, check=False
    )
    lines = {int(line.split(":")[1]) for line in told.stdout.splitlines() if "misspelt.py" in line and "error:" in line}
    assert lines == {len(HEAD) + number for number in range(1, len(calls) + 1)}, told.stdout
