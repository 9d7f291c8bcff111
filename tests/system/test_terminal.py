"""The command line in a real terminal, and in pipes: another process, and a pseudo-terminal around it."""

import os
import pty
import re
import select
import signal
import struct
import subprocess
import sys
import termios
import time
from collections.abc import Iterator, Mapping
from fcntl import ioctl
from pathlib import Path

import pytest

from dev.world import REPOSITORY

LIMIT_SECONDS = 60  # generous: what is waited for comes in a second
OPENED, CLOSED = "\x1b[?1049h", "\x1b[?1049l"
# `recordings` over the world of docs/commands.md: one at risk, one missing, two held.
PROGRAM = """
import logging
import os
import sys
logging.getLogger("recording").setLevel(logging.CRITICAL)  # what the world of the page logs while it is made
if os.isatty(0):  # the first terminal that the leader of a session opens is the one whose Ctrl-C it hears
    os.close(os.open(os.ttyname(0), os.O_RDWR))
from dev.terminal_screens import at_three
from recording.cli.__main__ import main
here = at_three()
more = {}
if "FAILS" in os.environ:  # each look after the first one
    import time
    from recording.errors import StorageBusyError
    def sleep(seconds):
        here.fakes.catalog.fail_next("held_chunks", StorageBusyError("down"))
        time.sleep(seconds)
    more = {"sleep": sleep}
sys.exit(main(None, lambda: (here.ports, here.settings), **more))
"""
ENVIRONMENT = {"PATH": os.environ["PATH"], "TERM": "xterm-256color", "LANG": "C.UTF-8", "TZ": "Europe/Berlin"}


class Terminal:
    """A program in a pseudo-terminal of a size."""

    def __init__(
        self, *arguments: str, columns: int = 80, rows: int = 24, environment: Mapping[str, str] | None = None
    ) -> None:
        self._master, slave = pty.openpty()
        ioctl(slave, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))
        self.process = subprocess.Popen(
            [sys.executable, "-c", PROGRAM, *arguments],
            cwd=REPOSITORY,
            env={**ENVIRONMENT, **(environment or {})},
            stdin=slave,
            stdout=slave,
            stderr=slave,
            start_new_session=True,
        )
        os.close(slave)
        self.shown = ""

    def waits_for(self, text: str, times: int = 1) -> None:
        """Read until a text was shown, so many times."""
        end, is_open = time.monotonic() + LIMIT_SECONDS, True
        while self.shown.count(text) < times:
            assert is_open, f"{text!r} never came: {self.shown!r}"
            assert time.monotonic() < end, f"{text!r} never came: {self.shown!r}"
            is_open = self._read()

    def types(self, keys: str) -> None:
        """Press keys."""
        os.write(self._master, keys.encode())

    def ends(self) -> int:
        """Read to the end; return the exit code."""
        end = time.monotonic() + LIMIT_SECONDS
        while self._read():
            assert time.monotonic() < end, self.shown
        return self.process.wait(LIMIT_SECONDS)

    def close(self) -> None:
        """End the program if it is still there."""
        self.process.kill()
        self.process.wait()
        os.close(self._master)

    def _read(self) -> bool:
        if not select.select([self._master], [], [], 1)[0]:
            return True
        try:
            piece = os.read(self._master, 65_536)
        except OSError:  # Linux says so when the other end is closed
            return False
        self.shown += piece.decode(errors="replace")
        return bool(piece)


@pytest.fixture
def opened() -> Iterator[list[Terminal]]:
    """Terminals of a test, each closed at its end."""
    made: list[Terminal] = []
    yield made
    for one in made:
        one.close()


def _widest(shown: str) -> int:
    plain = re.sub(r"\x1b\[[0-9;?]*[A-Za-z]", "", shown.replace("\x1b[H", "\n").replace(CLOSED, "\n"))
    return max(len(line) for line in re.split(r"[\r\n]+", plain))


@pytest.mark.parametrize("columns", [80, 120])
@pytest.mark.parametrize("command", [("status",), ("ls",), ("ls", "--attention")])
def test_a_watch_has_a_screen_of_its_own_and_leaves_none(
    opened: list[Terminal], columns: int, command: tuple[str, ...]
) -> None:
    """Ctrl-C gives the terminal back as it was, with the last look, the cursor and the command's exit code."""
    terminal = Terminal(*command, "--watch", "1", columns=columns)
    opened.append(terminal)
    terminal.waits_for("Ctrl-C ends", times=2)
    terminal.types("\x03")
    assert terminal.ends() == (0 if command == ("ls",) else 1)
    assert terminal.shown.count(OPENED) == terminal.shown.count(CLOSED) == 1
    after = terminal.shown.partition(CLOSED)[2]
    assert "\x1b[?25h" in after
    assert "2b5579c4" in after
    assert "Traceback" not in terminal.shown
    assert "\x1b[2J" not in after
    assert _widest(terminal.shown) <= columns


def test_the_most_urgent_is_on_the_screen_however_small_it_is(opened: list[Terminal]) -> None:
    """Four rows, and a fifth thing: what does not fit is counted, and nothing scrolls."""
    terminal = Terminal("ls", "--attention", "--watch", "1", rows=4)
    opened.append(terminal)
    terminal.waits_for("Ctrl-C ends")
    terminal.types("\x03")
    assert terminal.ends() == 1
    screen = terminal.shown.partition(OPENED)[2].partition(CLOSED)[0]
    assert "2b5579c4/0" in screen
    assert "9d3de73a" not in screen
    assert "2 more lines do not fit" in screen
    assert max(one.count("\n") for one in screen.split("\x1b[H")) <= 3


def test_a_look_that_fails_is_on_the_screen_until_the_next_one(opened: list[Terminal]) -> None:
    """It was written where the screen began anew, and nobody read it."""
    terminal = Terminal("status", "--watch", "1", environment={"FAILS": "1"})
    opened.append(terminal)
    terminal.waits_for("Ctrl-C ends", times=3)
    terminal.types("\x03")
    assert terminal.ends() == 2
    looks = terminal.shown.partition(OPENED)[2].split("\x1b[H")[1:]
    assert "storage_busy: down" not in looks[0]
    assert "storage_busy: down" in looks[1].partition("Ctrl-C ends")[0]


def test_a_watch_that_is_terminated_leaves_no_screen(opened: list[Terminal]) -> None:
    """A session manager ends it, and nobody finds a terminal without a cursor."""
    terminal = Terminal("status", "--watch", "1")
    opened.append(terminal)
    terminal.waits_for("Ctrl-C ends")
    terminal.process.send_signal(signal.SIGTERM)
    assert terminal.ends() == 128 + signal.SIGTERM
    assert terminal.shown.count(OPENED) == terminal.shown.count(CLOSED) == 1
    assert "Traceback" not in terminal.shown


def test_a_terminal_that_understands_nothing_is_not_commanded(opened: list[Terminal]) -> None:
    """TERM=dumb, as in editors: one look after the other."""
    terminal = Terminal("status", "--watch", "1", environment={"TERM": "dumb"})
    opened.append(terminal)
    terminal.waits_for("recordings show RECORDING", times=2)
    terminal.types("\x03")
    assert terminal.ends() == 1
    assert "\x1b[" not in terminal.shown


@pytest.mark.parametrize(
    ("keys", "code", "says"),
    [
        ("y\r", 1, "redriven"),  # and one is refused again
        ("n\r", 2, "nothing was done"),
        ("\r", 2, "nothing was done"),
        ("\x03", 2, "nothing was done"),
    ],
)
def test_a_mass_action_asks_the_person(opened: list[Terminal], keys: str, code: int, says: str) -> None:
    """Ctrl-C and Enter are no."""
    terminal = Terminal("redrive", "--all")
    opened.append(terminal)
    terminal.waits_for("re-queue 2 items? [y/N]")
    terminal.types(keys)
    assert terminal.ends() == code
    assert says in terminal.shown
    assert "Traceback" not in terminal.shown


def _piped(*arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-c", PROGRAM, *arguments],
        cwd=REPOSITORY,
        env={**ENVIRONMENT, **environment},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        errors="surrogateescape",
        timeout=LIMIT_SECONDS,
        check=False,
    )


def test_where_nobody_can_be_asked_nothing_is_done() -> None:
    """A job without a terminal gets an error that says what to type, and no question that nobody answers."""
    done = _piped("redrive", "--all")
    assert (done.returncode, done.stdout, "--yes" in done.stderr) == (2, "", True)
    assert "[y/N]" not in done.stderr
    assert "redriven" in _piped("redrive", "--all", "--yes").stdout


@pytest.mark.parametrize("encoding", [{"LC_ALL": "C"}, {"PYTHONIOENCODING": "ascii"}, {"PYTHONIOENCODING": "latin-1"}])
@pytest.mark.parametrize("command", [("status",), ("show", "2b5579c4"), ("ls", "-a"), ("doctor",), ("--help",)])
def test_a_character_set_without_dashes_is_no_failure(encoding: dict[str, str], command: tuple[str, ...]) -> None:
    """An old server, a Windows code page in a pipe: the words are the same, the signs are spelt out."""
    done = _piped(*command, **encoding)
    assert "Traceback" not in done.stderr
    assert "Encode" not in done.stderr + done.stdout
    if encoding.get("PYTHONIOENCODING") == "ascii":
        assert done.stdout.isascii()
    assert done.returncode == (0 if command[0] in ("show", "--help") else 1)


@pytest.mark.parametrize(
    ("command", "code"),
    [
        (("status",), 1),
        (("status", "-o", "json"), 1),
        (("ls", "-o", "wide"), 0),
        (("show", "2b5579c4"), 0),
        (("status", "--watch", "1"), 1),
        (("ls", "--watch", "1", "-o", "json"), 0),
    ],
)
def test_a_reader_that_leaves_early_is_no_failure(command: tuple[str, ...], code: int) -> None:
    """`recordings … | head -1`: no traceback, the command's own exit code; and a watch that nobody reads ends."""
    read, write = os.pipe()
    line = [sys.executable, "-c", PROGRAM, *command]
    with subprocess.Popen(line, cwd=REPOSITORY, env=ENVIRONMENT, stdout=write, stderr=subprocess.PIPE) as process:
        os.close(write)
        os.close(read)
        _, complained = process.communicate(timeout=LIMIT_SECONDS)
    assert (process.returncode, complained.decode()) == (code, "")


def test_colours_are_for_terminals_that_want_them(opened: list[Terminal]) -> None:
    """NO_COLOR, a pipe, and neither."""
    cases: list[tuple[dict[str, str], bool]] = [({}, True), ({"NO_COLOR": "1"}, False)]
    for environment, coloured in cases:
        terminal = Terminal("status", environment=environment)
        opened.append(terminal)
        assert terminal.ends() == 1
        assert bool(re.search(r"\x1b\[[0-9;]*3[0-9]m", terminal.shown)) is coloured
    assert "\x1b" not in _piped("status").stdout


def test_the_settings_file_that_is_missing_is_told_in_json_too(tmp_path: Path) -> None:
    """Also what fails before the command has read its options."""
    command = [sys.executable, "-m", "recording.cli", "status", "-o", "json", "--settings", str(tmp_path / "none.json")]
    done = subprocess.run(
        command, cwd=REPOSITORY, env=ENVIRONMENT, capture_output=True, text=True, check=False, timeout=60
    )
    assert done.returncode == 2
    assert '"code": "settings_invalid"' in done.stdout


# Ctrl-C while a module of the program is being loaded.
LOADING = """
import runpy
import sys


class Keyboard:
    def find_spec(self, name, *_):
        if name == "{module}":
            raise KeyboardInterrupt


sys.meta_path.insert(0, Keyboard())
{start}
"""


AS_A_MODULE, INSTALLED = (
    "runpy.run_module('recording.cli', run_name='__main__')",
    "from recording.cli import run; run()",
)


@pytest.mark.parametrize(
    ("start", "module"),
    [
        (INSTALLED, "recording.cli.__main__"),
        *(
            (start, module)
            for start in (AS_A_MODULE, INSTALLED)
            for module in ("recording.cli.app", "typer", "pydantic")
        ),
        *(("runpy.run_module('dev', run_name='__main__')", module) for module in ("dev.console", "typer")),
    ],
)
def test_ctrl_c_while_it_is_loaded_is_no_traceback(start: str, module: str) -> None:
    """The first half second of each command is loading, and that is when people notice their mistake."""
    program = LOADING.format(module=module, start=start)
    done = subprocess.run(
        [sys.executable, "-c", program],
        cwd=REPOSITORY,
        env=ENVIRONMENT,
        capture_output=True,
        text=True,
        check=False,
        timeout=LIMIT_SECONDS,
    )
    assert (done.returncode, done.stdout, done.stderr) == (130, "", "")
