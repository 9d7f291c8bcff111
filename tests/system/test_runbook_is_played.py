"""Ten alerts of the runbook: each is caused in the local world, and its section's commands lead to the end of it.

The alerts are those that `infra/` deploys: their queries are executed over the lines that the app has logged. The
commands are taken from the page, in the order in which they are printed. What needs hours is in the night story
(`dev/story/real_night.py`).
"""

import json
import os
import re
import shlex
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest
import urllib3

from dev.acs_simulator.options import SimulatorOptions
from dev.azurite import is_installed
from dev.policies.repository import DOCS
from dev.serving import Serving
from dev.story.alerts import HeardLog
from dev.world import REPOSITORY, LocalWorld, WorldOptions
from recording.adapters.table.catalog import TableCatalog
from recording.domain.state.records import changed
from recording.operate.scrub import CURSOR, UNFINISHED
from recording.settings import read_settings
from tests.conftest import missing
from tests.system.conftest import QUICK, QUICK_LEASE_SECONDS
from tests.system.steps import Steps

PAGE = (DOCS / "runbook.md").read_text(encoding="utf-8").partition("\n## Alerts\n")[2]
SECTIONS = dict(re.findall(r"^### ([\w-]+)\n(.*?)(?=^### |\Z)", PAGE, re.MULTILINE | re.DOTALL))
COMMAND = re.compile(r"`(recordings [^`\n]+)`|^ *(recordings .+)$|`((?:GET|POST) /api/[^`\n]+)`", re.MULTILINE)
PLACE = re.compile(r"\{?\b(ID|id|RECORDING|REASON|CODE|WHY|ENTRY)\b\}?")
LINE = re.compile(r"\b(recording\.[a-z_.]+ [a-z_]+=.*)$")
POLICIES = [
    {"name": "desk", "tags": {"desk": "fx"}, "mustBeRecorded": True},
    {"name": "cards", "tags": {"line": "payments"}, "longestPauseSeconds": 5, "onPauseTimeout": "alarm"},
]


class _Refusing(Serving):
    """A receiver of events that answers 410, until it is told to take them."""

    def __init__(self) -> None:
        self.status = 410
        super().__init__(ThreadingHTTPServer(("127.0.0.1", 0), self._handler()))

    def _handler(self) -> type[BaseHTTPRequestHandler]:
        receiver = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                self.rfile.read(int(self.headers.get("Content-Length") or 0))
                self.send_response(receiver.status)
                self.send_header("Content-Length", "0")
                self.end_headers()

            def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - http.server's name
                """Says nothing."""

        return Handler


@dataclass
class Desk:
    """An operator's desk: the world, the mail of the alerts, and a shell."""

    steps: Steps
    receiver: _Refusing
    log: HeardLog = field(default_factory=HeardLog)
    read: int = 0

    def text(self) -> str:
        """What the app's host has logged."""
        return self.steps.world.log_path().read_text(errors="replace")

    def firing(self) -> frozenset[str]:
        """Which alerts Azure would send, if their log arrived at once."""
        text, now = self.text(), datetime.now(UTC)
        for line in text[self.read :].splitlines():
            if found := LINE.search(line):
                self.log.add(now, found[1])
        self.read = len(text)
        return self.log.firing(now)

    def fires(self, name: str) -> None:
        self.steps.wait_until(lambda: name in self.firing(), f"{name} fires")

    def is_over(self, name: str) -> None:
        self.steps.wait_until(lambda: name not in self.firing(), f"{name} is over")

    def timer(self, function: str) -> None:
        answer = urllib3.request("POST", f"{self.steps.world.host_url}/admin/functions/{function}", json={})
        assert answer.status == 202

    @contextmanager
    def no_timer(self) -> Iterator[None]:
        """Let no timer fire by itself; the one of every five minutes ingests a dead letter before it is looked at."""
        self._host("drain")
        try:
            yield
        finally:
            self._host("resume")

    def _host(self, action: str) -> None:
        answer = urllib3.request("POST", f"{self.steps.world.host_url}/admin/host/{action}", json={})
        assert answer.status in (200, 202)

    def http(self, method: str, path: str, body: Any = None) -> tuple[int, Any]:
        answer = urllib3.request(method, f"{self.steps.world.host_url}{path}", json=body, timeout=30.0, retries=False)
        return answer.status, json.loads(answer.data) if answer.data else None

    def types(self, *words: str) -> tuple[int, str]:
        """Types one of the operator's commands."""
        settings = str(self.steps.world.settings_file())
        command = [sys.executable, "-m", "recording.cli", "--settings", settings, *words]
        environment = {"PATH": os.environ["PATH"], "PYTHONPATH": str(REPOSITORY), "COLUMNS": "80"}
        folder = self.steps.world.folder  # files that are fetched stay there
        done = subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, check=False)
        return done.returncode, done.stdout + done.stderr

    def plays(self, section: str, values: Mapping[str, str]) -> str:
        """Types what a section prints, with the values of the mail; nothing may fail. Returns what is shown."""
        shown = []
        for line in commands_of(section):
            if {name.upper() for name in PLACE.findall(line)} - values.keys():
                continue  # the mail has no such value
            told = PLACE.sub(lambda one: shlex.quote(values[one[1].upper()]), line)
            if told.startswith("recordings "):
                code, text = self.types(*shlex.split(told.partition(" #")[0])[1:])
            else:
                method, _, path = told.partition(" ")
                code, answer = self.http(method, path)
                text = json.dumps(answer)
                code = 0 if code < 400 else 2
            assert code in {0, 1} or "nothing matches" in text, f"{told}\n{text}"  # the app may have been faster
            shown.append(f"$ {told}\n{text}")
        return "\n".join(shown)

    def items(self, **wanted: str) -> list[Any]:
        """Returns the attention items that are like this."""
        items = self.http("GET", "/api/held")[1]["attention"]
        return [item for item in items if wanted.items() <= item.items()]

    def item(self, **wanted: str) -> Any:
        """Returns such an attention item, once there is one."""
        self.steps.wait_until(lambda: bool(self.items(**wanted)), f"attention: {wanted}")
        return self.items(**wanted)[0]

    def start(self, **body: Any) -> tuple[int, Any]:
        call = self.steps.simulator.create_call(["Ann", "Ben"])
        return self.http("POST", "/api/recordings", {"serverCallId": call["serverCallId"], "format": "wav", **body})

    def recorded(self) -> str:
        """Starts a recording, lets it last and stops it."""
        _, started = self.start()
        self.steps.simulator.advance(5)
        self.http("POST", f"/api/recordings/{started['recordingId']}/stop")
        self.steps.simulator.advance(10)
        return str(started["recordingId"])

    def reconciles_until(self, name: str) -> None:
        """Starts the timer by hand until it raises the alert."""

        def is_raised() -> bool:
            self.timer("reconcile")
            return name in self.firing()

        self.steps.wait_until(is_raised, f"{name} fires", patience=120.0)

    def arrives(self) -> str:
        made = self.steps.simulator.create_objects(format="wav", duration_ms=2000, publish_event=True)
        return str(made[0]["recordingId"])


def commands_of(section: str) -> list[str]:
    """Return what a section tells to type, in its order."""
    return [next(filter(None, found)).strip() for found in COMMAND.findall(SECTIONS[section])]


@pytest.fixture(scope="module")
def desk() -> Iterator[Desk]:
    if not is_installed():
        missing("Azurite is not installed: run 'npm ci'")
    with _Refusing() as receiver:
        hook = {"name": "webhook-1", "url": f"{receiver.origin}/", "secrets": ["whsec_" + "QUJD" * 8]}
        settings = {
            **QUICK,
            "CALL_POLICIES": json.dumps(POLICIES),
            "EXPECTED_AFTER_HOURS": "0.01",
            "MEDIA_CHECK": "warn",
            "WEBHOOKS": json.dumps([hook]),
            "WEBHOOK_NETWORKS": "127.0.0.0/8",
        }
        options = WorldOptions(
            host="builtin", simulator=SimulatorOptions(), settings=settings, queue_lease=QUICK_LEASE_SECONDS
        )
        with LocalWorld(options) as world:
            yield Desk(Steps(world), receiver)


def test_event_rejected(desk: Desk) -> None:
    """An event names a host that is not ACS's."""
    desk.steps.simulator.add_fault("event", "hostile_url")
    desk.arrives()
    desk.fires("event-rejected")
    item = desk.item(reason="foreign_host")
    shown = desk.plays("event-rejected", {"REASON": "foreign_host", "ID": item["id"], "WHY": "forged"})
    assert "files.example.org" in shown
    assert desk.items(reason="foreign_host") == []
    desk.is_over("event-rejected")


def test_operator_fault(desk: Desk) -> None:
    """ACS refuses downloads, as when the app's role was removed; the role comes back."""
    desk.steps.simulator.add_fault("content", "status", times=None, status=403)
    recording_id = desk.arrives()
    desk.fires("operator-fault")
    desk.steps.simulator.clear_faults()
    assert "recordings doctor" in desk.plays("operator-fault", {"CODE": "source_refused", "WHY": "the role is back"})
    desk.steps.wait_until_archived(recording_id, chunks=1)
    desk.is_over("operator-fault")


def test_control_refused_and_unrecorded(desk: Desk) -> None:
    """ACS refuses a start of a call that must be recorded; the next one succeeds."""
    desk.steps.simulator.add_fault("start_recording", "status", status=403)
    status, _ = desk.start(tags={"desk": "fx"})
    assert status >= 400
    desk.fires("control-refused")
    desk.fires("unrecorded")
    desk.plays("control-refused", {})
    assert "acs_forbidden" in desk.plays("unrecorded", {})
    status, _ = desk.start(tags={"desk": "fx"})
    assert status == 201
    desk.is_over("control-refused")


def test_recording_missing(desk: Desk) -> None:
    """The event of a recording is lost on both paths; a person closes it."""
    desk.steps.simulator.add_fault("event", "lose")
    recording_id = desk.recorded()
    desk.reconciles_until("recording-missing")
    shown = desk.plays("recording-missing", {"RECORDING": recording_id, "WHY": "support has no file"})
    assert "no file was announced" in shown
    desk.is_over("recording-missing")


def test_pause_overdue(desk: Desk) -> None:
    """The policy leaves a long pause to an operator, who resumes."""
    _, started = desk.start(tags={"line": "payments"})
    desk.http("POST", f"/api/recordings/{started['recordingId']}/pause")
    desk.fires("pause-overdue")
    values = {"ID": started["recordingId"], "RECORDING": started["recordingId"]}
    assert "pause" in desk.plays("pause-overdue", values)
    desk.is_over("pause-overdue")


def test_media_suspect(desk: Desk) -> None:
    """ACS serves half of a file; it is accepted with a warning, and listened to."""
    desk.steps.simulator.add_fault("content", "prefix", times=None)
    recording_id = desk.arrives()
    desk.fires("media-suspect")
    desk.steps.simulator.clear_faults()
    assert "as cataloged" in desk.plays("media-suspect", {"RECORDING": recording_id})


def test_archive_drift(desk: Desk) -> None:
    """A blob is deleted past the app."""
    recording_id = desk.arrives()
    (chunk,) = desk.steps.wait_until_archived(recording_id, chunks=1)
    desk.steps.remove_archived(chunk["blobName"])
    catalog, long_ago = TableCatalog(read_settings(desk.steps.world.settings())), timedelta(days=85)
    (record,) = catalog.chunks_of(recording_id)
    catalog.save_chunk(changed(record, verified_at=record.changed_at - long_ago))  # its turn comes tonight
    catalog.save_cursor(CURSOR, UNFINISHED)  # as at night
    catalog.close()
    desk.timer("scrub")
    desk.fires("archive-drift")
    assert "media_missing" in desk.plays("archive-drift", {"RECORDING": recording_id})


def test_receiver_failing(desk: Desk) -> None:
    """An endpoint answers 410 and is disabled; its owner repairs it."""
    recording_id = desk.arrives()
    desk.steps.wait_until_archived(recording_id, chunks=1)
    desk.fires("receiver-failing")
    assert desk.item(id="endpoint/webhook-1")["kind"] == "endpoint_failing"
    desk.receiver.status = 204
    desk.plays("receiver-failing", {})
    desk.steps.wait_until(lambda: "recording.notify.delivered" in desk.text(), "an event is delivered")
    assert desk.items(id="endpoint/webhook-1") == []


def test_event_dead_lettered(desk: Desk) -> None:
    """Event Grid gives up on both paths (a metric of Azure raises the mail); the timer ingests what it has kept."""
    desk.steps.simulator.plan_deliveries("probation")
    recording_id = desk.arrives()
    with desk.no_timer():
        desk.steps.event_grid_gives_up(subscriptions=2)
        desk.item(kind="dead_letter")
        assert "dead_letter" in desk.plays("event-dead-lettered", {})
    desk.timer("reconcile")
    desk.steps.wait_until_archived(recording_id, chunks=1)
    assert desk.items(kind="dead_letter") == []
