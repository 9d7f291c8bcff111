"""The page of the night: commands and what they print, at 80 columns, in Berlin; and whether all faces agree."""

import json
import shlex
from pathlib import Path

from dev.in_memory.doctor import probe_of
from dev.in_memory.world import World
from dev.story.alerts import HeardLog, disagreements, heard_log
from dev.story.faces import deep_health, faces_of, held_over_http
from dev.story.night import Night, at_three, mends
from dev.terminal_screens import terminal
from recording.cli.__main__ import main

PAGE = Path(__file__).resolve().parents[2] / "docs" / "night-story.md"
COLUMNS = 80
REAL = "<!-- real parts: written by python -m dev story night --real --write -->"
_HELD = "jq -r '.attention[] | [.kind, .reason, .timeLeftSeconds] | @tsv'"
_DEEP = 'jq -r \'.status, (.findings[] | select(.state == "failed") | .check + ": " + .found)\''
_INTRO = """# The night story

For operators: what six troubles look like at three in the morning in every view (commands, HTTP, alerts), and how each
of them is solved. [Error codes](errors.md) says what each code means, the [runbook](runbook.md) what to do at each
alert, and [commands](commands.md) has every command.

`python -m dev story night` runs the app's own use cases, commands and routes over an in-memory world for a day and a
night; nothing is written into its tables by hand. It compares the views after each step, and fails if
one of them is green while another is red. The alerts are those that `infra/` deploys: their queries are executed over
the lines that the app has logged. `--write` writes this page, and a test compares it with a new run.
"""


_ON_REAL_PARTS = """## The same night on real parts

`python -m dev story night --real` runs it with Azurite, the built-in Functions host in a process of its own, both
delivery paths of events, and the ACS simulator over TLS; the commands work on that storage, and `GET held` and the deep
health are requested over HTTP. Only time is not real: a file moves the clocks of the app, of Azurite and of the
simulator together, and the timer of reconcile is started by hand after each step of minutes or hours; the nightly
scrub does not run. The alerts are executed over the host's log, each line at the time of its step. It takes some
minutes, so no test runs it.
"""


class Story:
    """The night as it is told, and what was wrong with it."""

    def __init__(self, log: HeardLog) -> None:
        self.log = log
        self.lines: list[str] = [_INTRO]
        self.faults: list[str] = []

    def tell(self, text: str) -> None:
        """Add a paragraph."""
        self.lines.append(f"{text}\n")

    def show(self, command: str, printed: str) -> None:
        """Add a command with what it prints."""
        rows = "\n".join(line.rstrip() for line in printed.rstrip().splitlines())
        self.lines.append(f"```console\n$ {command}\n{rows}\n```\n")

    def compare(self, here: World, when: str) -> None:
        """Ask every face, and add what they say."""
        found = faces_of(here)
        firing = self.log.firing(here.now)
        self.faults += [f"{when}: {each}" for each in found.disagreements()]
        self.faults += [f"{when}: {each}" for each in disagreements(firing, found.kinds["model"])]
        self.tell(f"All views: {found.line}.")
        self.tell(f"Alerts: {', '.join(sorted(firing)) or 'none'}.")

    @property
    def text(self) -> str:
        """Return the page."""
        return "\n".join(self.lines).rstrip() + "\n"


def told() -> Story:
    """Play the night and tell it."""
    with heard_log() as log, terminal(COLUMNS):
        story, night = Story(log), at_three(log)
        story.tell("## Three o'clock")
        for command in ("recordings status", "recordings ls --attention"):
            story.show(command, run(night.here, command))
        _over_http(story, night.here)
        story.show("recordings doctor | grep failed", _failed(run(night.here, "recordings doctor")))
        story.compare(night.here, "at three")
        story.tell("## Why, and what to type")
        for trouble in ("at risk", "stuck", "missing", "suspect", "lost"):
            command = f"recordings show {night.name_of(trouble)}"
            story.show(command, run(night.here, command))
        _mended(story, night)
        story.tell("## All solved")
        story.show("recordings status", run(night.here, "recordings status"))
        story.show("recordings ls --attention", run(night.here, "recordings ls --attention"))
        _over_http(story, night.here)
        story.show("recordings doctor | tail -1", run(night.here, "recordings doctor").splitlines()[-1])
        story.compare(night.here, "in the end")
        story.show("recordings trail", run(night.here, "recordings trail"))
    if list(faces_of(night.here).kinds["model"]):
        story.faults.append("it is not over in the end")
    return story


def _mended(story: Story, night: Night) -> None:
    story.tell("## Solved, one after the other")
    for mend in mends():
        story.tell(f"**{mend.trouble.capitalize()}.** {mend.story}")
        mend.outside(night)
        command = mend.command(night)
        if command is not None:
            story.show(command, run(night.here, command))
        night.here.runs(hours=2 / 60, until_quiet=False)
        story.compare(night.here, f"after {mend.trouble}")


def _over_http(story: Story, here: World) -> None:
    held = json.loads(held_over_http(here).get_body())["attention"]
    rows = "\n".join(
        "\t".join(str(each[name] or "") for name in ("kind", "reason", "timeLeftSeconds")) for each in held
    )
    story.show(f"curl -s $APP/api/held | {_HELD}", rows)
    answer = deep_health(here)
    content = json.loads(answer.get_body())
    failed = [f"{each['check']}: {each['found']}" for each in content["findings"] if each["state"] == "failed"]
    story.show(f"curl -s $APP/api/health/deep | {_DEEP}", "\n".join([content["status"], *failed]))


def _failed(printed: str) -> str:
    return "\n".join(line for line in printed.splitlines() if "failed" in line)


def run(here: World, command: str) -> str:
    """Run a command as it is typed; return what it prints, with its exit code when that is not 0."""
    words = shlex.split(command)
    said: list[str] = []
    code = main(
        words[1:], lambda: (here.ports, here.settings), said.append, lambda _: probe_of(here), caller="operator-1"
    )
    return "".join(said) + (f"exit code {code}\n" if code else "")


def played_part(page: str) -> str:
    """Return what of the page is played in memory; the rest is of one run on real parts."""
    return page.partition(REAL)[0].rstrip() + "\n"


def _rest_of(page: str) -> str:
    _, mark, rest = page.partition(REAL)
    return f"\n{mark}{rest}" if mark else ""


def main_story(*, write: bool, check: bool, real: bool = False) -> int:
    """Print the night, or write or compare its page; 0 when all faces agreed at every step."""
    if real:
        return _main_on_real_parts(write=write)
    story, page = told(), PAGE.read_text(encoding="utf-8")
    if write:
        PAGE.write_text(story.text + _rest_of(page), encoding="utf-8")
    elif check and played_part(page) != story.text:
        story.faults.append("docs/night-story.md is of another night: python -m dev story night --write")
    elif not check:
        print(story.text)
    for fault in story.faults:
        print(f"NOT AGREED  {fault}")
    print(f"{len(list(mends()))} troubles seen, put right and over: {'no' if story.faults else 'yes'}")
    return int(bool(story.faults))


def _main_on_real_parts(*, write: bool) -> int:
    from dev.story.real_night import told_on_real_parts

    told_there = told_on_real_parts(COLUMNS)
    text = "\n".join([REAL, "", _ON_REAL_PARTS, *told_there.lines]).rstrip() + "\n"
    if write and not told_there.faults:
        PAGE.write_text(f"{played_part(PAGE.read_text(encoding='utf-8'))}\n{text}", encoding="utf-8")
    else:
        print(text)
    for fault in told_there.faults:
        print(f"NOT AGREED  {fault}")
    print(f"on real parts: seen, put right and over: {'no' if told_there.faults else 'yes'}")
    return int(bool(told_there.faults))
