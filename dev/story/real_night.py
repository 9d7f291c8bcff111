"""The same night on real parts: Azurite, the built-in Functions host, Event Grid's ways and the ACS simulator over TLS.

Only time is skipped, for all of them at once; the timer is started by hand after each skip.
"""

import copy
import json
import re
import shlex
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import urllib3
from azure.storage.queue import QueueServiceClient

from dev.functions_host.process import HostProcess
from dev.story.alerts import HeardLog, disagreements, heard_log
from dev.story.faces import kinds_in
from dev.story.moved_time import MovedTime, write_app
from dev.terminal_screens import terminal
from dev.world import REPOSITORY, LocalWorld, WorldOptions, free_port
from recording.cli.__main__ import main
from recording.domain.find.short_ids import short_id

JSON = dict[str, Any]
MINUTES, HOURS = timedelta(minutes=1), timedelta(hours=1)
LIMIT = 120.0  # of a wait, in real seconds: generous, for a loaded machine
_LINE = re.compile(r"\b(recording\.[a-z_.]+ [a-z_]+=.*)$")


class _World(LocalWorld):
    """The local world whose host runs the app under the time of the story."""

    def start_host(self) -> None:
        """Start the built-in host on the wrapped app."""
        folder = write_app(self.folder / "app", REPOSITORY)
        self.host = HostProcess(folder, self.settings(), self.folder / "host", port=free_port())
        self._stack.callback(self.host.kill)
        self.host_url = self.host.start().wait_ready(LIMIT).url
        self._wait_until_healthy()


@dataclass
class RealNight:
    """The running parts, the recordings in trouble, and what the host has logged so far."""

    world: _World
    time: MovedTime
    log: HeardLog
    ids: dict[str, str] = field(default_factory=dict)
    read: int = 0
    faults: list[JSON] = field(default_factory=list)

    def arrives(self, trouble: str, **fault: Any) -> None:
        """Let a recording of this hour be over, and Event Grid announce its one file."""
        self.ids[trouble] = f"night-{trouble.replace(' ', '-')}-{int(time.time())}"
        if fault:
            self.spoils(trouble, **fault)
        self.world.simulator.create_objects(recording_id=self.ids[trouble], duration_ms=2000)

    def spoils(self, trouble: str, **fault: Any) -> None:
        """Let each read of its media fail in this way."""
        self.faults.append({"operation": "content", "times": None, "recording_id": self.ids[trouble], **fault})
        self._script()

    def works_again(self, trouble: str) -> None:
        """Let its media be readable."""
        self.faults = [one for one in self.faults if one["recording_id"] != self.ids[trouble]]
        self._script()

    def _script(self) -> None:
        self.world.simulator.clear_faults()
        for one in self.faults:
            self.world.simulator.add_fault(**one)

    def passes(self, length: timedelta, step: timedelta) -> None:
        """Let time go by, and the timer after each step; return when no message waits any more."""
        end = self.time.now() + length
        while (left := end - self.time.now()) > timedelta(seconds=1):
            ahead = min(step, left)
            self.time.advance(ahead)
            self.world.simulator.advance(ahead.total_seconds())
            self.timer("reconcile", "recording.reconciled")
            self.calm()

    def timer(self, function: str, says: str) -> None:
        """Start a timer's function by hand; return when it has said that it is done."""
        before = self._text().count(says)
        answer = urllib3.request("POST", f"{self.world.host_url}/admin/functions/{function}", json={}, retries=False)
        if answer.status != 202:
            raise RuntimeError(f"{function}: {answer.status}")
        _wait(lambda: self._text().count(says) > before, f"{function} to end")

    def calm(self) -> None:
        """Return when no message is visible in any queue and none is worked on."""
        with QueueServiceClient.from_connection_string(self.world.storage) as service:
            names = [queue.name for queue in service.list_queues() if not queue.name.endswith("-poison")]
            queues = [service.get_queue_client(name) for name in names]

            def is_calm() -> bool:
                waiting = any(queue.peek_messages() for queue in queues)
                return not waiting and not self.world.simulator.pending_deliveries() and not self._is_busy()

            _wait(is_calm, "the queues to be empty")
            for queue in queues:
                queue.close()
        self.hears()

    def _is_busy(self) -> bool:
        answer = urllib3.request("GET", f"{self.world.host_url}/admin/host/drain/status", retries=False)
        return bool(json.loads(answer.data)["outstandingInvocations"])

    def hears(self) -> None:
        """Take what the host has logged since the last time, as logged now."""
        text = self._text()
        for line in text[self.read :].splitlines():
            if found := _LINE.search(line):
                self.log.add(self.time.now(), found[1])
        self.read = len(text)

    def _text(self) -> str:
        return self.world.host.log_text() if self.world.host is not None else ""

    def name_of(self, trouble: str) -> str:
        """Return how a person names it."""
        return short_id(self.ids[trouble])


def _wait(done: Callable[[], bool], what: str) -> None:
    give_up_at = time.monotonic() + LIMIT
    while not done():
        if time.monotonic() > give_up_at:
            raise TimeoutError(f"waited {LIMIT:.0f} s for {what}")
        time.sleep(0.05)


@contextmanager
def at_three() -> Iterator[RealNight]:
    """Start everything and let a day go by in which six things go wrong."""
    with TemporaryDirectory() as folder, heard_log() as log:
        moved = MovedTime(Path(folder) / "seconds-ahead")
        log.follows(moved.now)
        world = _World(WorldOptions(host="builtin"))
        with moved.everywhere(), world:
            night = RealNight(world, moved, log)
            night.arrives("lost", kind="status", status=403)
            night.passes(2.6 * HOURS, 30 * MINUTES)
            night.arrives("at risk", kind="status", status=403)
            night.passes(9.5 * HOURS, 2 * HOURS)
            night.arrives("suspect", kind="prefix", fraction=0.5)
            night.passes(12 * HOURS, 2 * HOURS)
            night.works_again("lost")
            night.arrives("archived")
            _records_without_a_file(night)
            night.passes(50 * MINUTES, 10 * MINUTES)
            night.arrives("stuck", kind="status", status=503)
            night.passes(65 * MINUTES, 5 * MINUTES)
            _forges(night)
            night.passes(5 * MINUTES, 5 * MINUTES)
            yield night


def _records_without_a_file(night: RealNight) -> None:
    """A recording is started and stopped over HTTP; Event Grid is two hours late with its event."""
    call = night.world.simulator.create_call(["Ann", "+4930901820"])
    body = {"serverCallId": call["serverCallId"], "format": "wav", "tags": {"order": "1043"}}
    started = _http(night, "POST", "recordings", body)
    night.ids["missing"] = started["recordingId"]
    late = {"operation": "event", "kind": "late", "seconds": 7800.0, "times": 1}
    night.faults.append({**late, "recording_id": night.ids["missing"]})
    night._script()
    night.passes(timedelta(seconds=20), timedelta(seconds=20))
    _http(night, "POST", f"recordings/{started['recordingId']}/stop")


def _forges(night: RealNight) -> None:
    """Publish a true event once more, with another recording's id and a host that is not Microsoft's."""
    forged = copy.deepcopy(night.world.simulator.events()[0])
    true_id = night.ids["lost"]
    text = json.dumps(forged).replace(true_id, "night-forged")
    forged = json.loads(text) | {"id": "forged"}
    for chunk in forged["data"]["recordingStorageInfo"]["recordingChunks"]:
        chunk["contentLocation"] = "https://storage.asm.skype.com.evil.example/v1/objects/x/content/video"
    night.world.simulator.publish(forged)


def _http(night: RealNight, method: str, path: str, body: JSON | None = None) -> JSON:
    answer = urllib3.request(method, f"{night.world.host_url}/api/{path}", json=body, retries=False, timeout=LIMIT)
    if answer.status >= 400 and path != "health/deep":
        raise RuntimeError(f"{method} {path}: {answer.status} {answer.data.decode()}")
    found: JSON = {"status_code": answer.status, **json.loads(answer.data or b"{}")}
    return found


@dataclass
class Told:
    """The transcript, and where two faces disagree."""

    lines: list[str] = field(default_factory=list)
    faults: list[str] = field(default_factory=list)

    def show(self, command: str, printed: str) -> None:
        """Add a command with what it prints."""
        rows = "\n".join(line.rstrip() for line in printed.rstrip().splitlines())
        self.lines.append(f"```console\n$ {command}\n{rows}\n```\n")


def told_on_real_parts(columns: int) -> Told:
    """Play it and tell it."""
    told = Told()
    with terminal(columns), at_three() as night:
        told.show("recordings status", _run(night, "recordings status"))
        told.show("recordings ls --attention", _run(night, "recordings ls --attention"))
        _compare(told, night, "at three")
        for trouble, outside, command in _mends(night):
            outside()
            if command:
                told.lines.append(f"**{trouble.capitalize()}.**\n")
                told.show(command, _run(night, command))
            night.passes(2 * MINUTES, 2 * MINUTES)
            _compare(told, night, f"after {trouble}")
        told.show("recordings status", _run(night, "recordings status"))
        told.show("recordings trail", _run(night, "recordings trail"))
        if _kinds(night):
            told.faults.append(f"it is not over in the end: {_kinds(night)}")
    return told


def _mends(night: RealNight) -> Iterator[tuple[str, Callable[[], None], str]]:
    def name(trouble: str) -> str:
        return f"{night.name_of(trouble)}/0"

    yield (
        "at risk",
        lambda: night.works_again("at risk"),
        f'recordings retry {name("at risk")} --note "the role is back"',
    )
    yield "stuck", lambda: night.works_again("stuck"), f'recordings retry {name("stuck")} --note "ACS is back"'
    yield "suspect", lambda: None, f'recordings accept {name("suspect")} --yes --note "cut call; heard by QA"'
    yield "refused", lambda: None, 'recordings dismiss --reason foreign_host --yes --note "forged; security knows"'
    yield "lost", lambda: None, f'recordings dismiss {name("lost")} --note "lost; incident 4711"'
    yield "missing", lambda: night.passes(20 * MINUTES, 5 * MINUTES), ""


def _run(night: RealNight, command: str) -> str:
    said: list[str] = []
    settings = str(night.world.folder / "host" / "settings.json")
    code = main([*shlex.split(command)[1:], "--settings", settings], tell=said.append, caller="operator-1")
    return "".join(said) + (f"exit code {code}\n" if code else "")


def _kinds(night: RealNight) -> dict[str, int]:
    return dict(Counter(each["kind"] for each in _http(night, "GET", "held")["attention"]))


def _compare(told: Told, night: RealNight, when: str) -> None:
    """Ask every face of the deployed app, and the commands on its storage."""
    kinds = _kinds(night)
    deep = _http(night, "GET", "health/deep")
    status, listed, doctor = (
        json.loads(_run(night, f"recordings {words} -o json").partition("exit code")[0])
        for words in ("status", "ls --attention", "doctor")
    )
    found = {
        "status": status["attention"],
        "ls": dict(Counter(each["kind"] for each in listed["attention"])),
        "doctor": _held_in(doctor),
        "GET health/deep": _held_in(deep),
    }
    told.faults += [
        f"{when}: {face} shows {shown}, GET held {kinds}" for face, shown in found.items() if shown != kinds
    ]
    night.hears()
    firing = night.log.firing(night.time.now())
    told.faults += [f"{when}: {each}" for each in disagreements(firing, kinds)]
    counts = " · ".join(f"{face} {sum(shown.values())}" for face, shown in found.items())
    told.lines.append(f"All views: GET held {sum(kinds.values())} · {counts}.\n")
    told.lines.append(f"Alerts: {', '.join(sorted(firing)) or 'none'}.\n")


def _held_in(answer: JSON) -> dict[str, int]:
    return kinds_in(next(each["found"] for each in answer["findings"] if each["check"] == "held"))
