"""Gathers the simulator's modules from `dev/` under one name, so that no other project's `dev` is in the way."""

import re
import shutil
import tempfile
from pathlib import Path
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface

PARTS = {
    "dev/acs_simulator": "acs_simulator",
    "dev/event_grid": "acs_simulator/event_grid",
    "dev/media": "acs_simulator/media",
    "dev/clock.py": "acs_simulator/clock.py",
    "dev/serving.py": "acs_simulator/serving.py",
}
"""What goes into the wheel, and under which name."""
_NAMES = {
    source.removesuffix(".py").replace("/", "."): target.removesuffix(".py").replace("/", ".")
    for source, target in PARTS.items()
}
_MODULE = re.compile(r"(?<![\w.])(" + "|".join(re.escape(name) for name in _NAMES) + r")(?![\w])")


class CustomBuildHook(BuildHookInterface[Any]):
    """Puts rewritten copies into the wheel; the sources stay as they are."""

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        """Write the copies and name them to the builder."""
        del version
        self._folder = Path(tempfile.mkdtemp(prefix="acs-simulator-build-"))
        gather(Path(self.root).parents[1], self._folder)
        build_data["force_include"][str(self._folder / "acs_simulator")] = "acs_simulator"

    def finalize(self, version: str, build_data: dict[str, Any], artifact_path: str) -> None:
        """Remove the copies."""
        del version, build_data, artifact_path
        shutil.rmtree(self._folder)


def gather(repository: Path, target: Path) -> None:
    """Copy every part to its place under `target`, with the module names it has there."""
    for source, place in PARTS.items():
        path = repository / source
        for file in [path] if path.is_file() else sorted(path.rglob("*")):
            if file.is_file() and "__pycache__" not in file.parts:
                made = target / place / file.relative_to(path) if path.is_dir() else target / place
                made.parent.mkdir(parents=True, exist_ok=True)
                _copy(file, made)


def _copy(file: Path, made: Path) -> None:
    if file.suffix == ".py":
        made.write_text(_MODULE.sub(lambda found: _NAMES[found[1]], file.read_text(encoding="utf-8")), encoding="utf-8")
    else:
        shutil.copyfile(file, made)
