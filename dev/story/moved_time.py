"""One time that a story moves, for all that run in it: the app in its host, the storage emulator, and this process.

The offset is a number in a file. The simulator has a clock of its own, which the story moves by as much.
"""

import importlib.util
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta, tzinfo
from pathlib import Path

from recording.adapters import system_clock
from recording.adapters.blob import block_requests

FILE = "STORY_CLOCK"  # names the file, in the environment of each process
_NODE = Path(__file__).with_name("moved_date.cjs")
_APP = '''"""The app under the time of a story."""

from dev.story.moved_time import app_of

app = app_of({repository!r})
'''


class MovedTime:
    """The wall clock and what was added to it. It only moves forward."""

    def __init__(self, file: Path) -> None:
        self._file = file
        self._ahead = timedelta()
        file.write_text("0", encoding="utf-8")

    def now(self) -> datetime:
        """Return the time of the story, aware UTC."""
        return datetime.now(UTC) + self._ahead

    def advance(self, by: timedelta) -> None:
        """Move every clock that reads the file."""
        self._ahead += by
        fresh = self._file.with_suffix(".new")
        fresh.write_text(str(self._ahead.total_seconds()), encoding="utf-8")
        fresh.replace(self._file)

    @contextmanager
    def everywhere(self) -> Iterator[None]:
        """Let this process, and those that it starts, live in this time."""
        added = {FILE: str(self._file), "NODE_OPTIONS": f"--require {_NODE}"}
        kept = {name: os.environ.get(name) for name in added}
        real = system_clock.SystemClock.now
        os.environ.update(added)
        follow_the_file()
        try:
            yield
        finally:
            system_clock.SystemClock.now = real  # type: ignore[method-assign]
            block_requests.datetime = datetime  # type: ignore[attr-defined]
            for name, value in kept.items():
                os.environ.pop(name) if value is None else os.environ.update({name: value})


def follow_the_file() -> None:
    """Let the app of this process take its time from the file."""
    file = Path(os.environ[FILE])

    def now(_self: object) -> datetime:
        return datetime.now(UTC) + timedelta(seconds=float(file.read_text(encoding="utf-8")))

    class MovedDatetime(datetime):
        @classmethod
        def now(cls, tz: tzinfo | None = None) -> datetime:  # type: ignore[override]
            return now(cls).astimezone(tz)

    system_clock.SystemClock.now = now  # type: ignore[method-assign, assignment]
    # Links to blobs that the app signs itself end by the emulator's clock.
    block_requests.datetime = MovedDatetime  # type: ignore[attr-defined]


def write_app(folder: Path, repository: Path) -> Path:
    """Write a function app that is the repository's, under the time of the story."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "function_app.py").write_text(_APP.format(repository=str(repository)), encoding="utf-8")
    (folder / "host.json").write_bytes((repository / "host.json").read_bytes())
    return folder


def app_of(repository: str) -> object:
    """Load the repository's functions, for the host's worker."""
    follow_the_file()
    spec = importlib.util.spec_from_file_location("the_app", Path(repository) / "function_app.py")
    if spec is None or spec.loader is None:
        raise ImportError(repository)
    module = importlib.util.module_from_spec(spec)
    sys.modules["the_app"] = module
    spec.loader.exec_module(module)
    return module.app
