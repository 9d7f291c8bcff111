"""A healthy app as the doctor's patient, and all the ways to break one thing in it."""

import json
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import timedelta
from pathlib import Path
from typing import Any

from dev.in_memory import builders
from dev.in_memory.fakes.log import FakeLog
from dev.in_memory.fakes.outgoing import FakeWay
from dev.in_memory.fakes.probe import FakeProbe
from dev.in_memory.fakes.quarantine import FakeDeadLetters
from dev.in_memory.fakes.seal import FakeSeal
from dev.in_memory.world import World, world
from recording.domain.incoming.events import EVENT_TYPE
from recording.domain.incoming.tenants import Tenants
from recording.domain.outgoing.delivery import Result
from recording.domain.outgoing.endpoints import TOPIC_WAY
from recording.domain.state.chunk import ChunkState
from recording.domain.state.quarantine import Origin
from recording.domain.watched.looks import RECONCILED, SCRUBBED, ReconcileLook, ScrubLook
from recording.domain.watched.protection import Immutability
from recording.errors import (
    ControlError,
    LogUnavailableError,
    SourceBusyError,
    SourceError,
    SourceRefusedError,
    StorageBusyError,
    StorageRefusedError,
)
from recording.errors.codes import Code
from recording.ingest import ingest_event
from recording.operate.doctor import HOST_JSON, examine
from recording.operate.doctor.findings import Finding
from recording.ports import Ports, QuarantineEntry, QueueDepth
from recording.ports.outgoing import Answer
from recording.ports.probe import SubscriptionFacts
from recording.settings import Settings, SettingsError, StorageConnection
from tests.unit.library.seal.seal_world import replace_seal

HOST: dict[str, Any] = json.loads(HOST_JSON.read_text(encoding="utf-8"))
TENANTS = Tenants.model_validate({"tenants": [{"name": "fx"}]})
ACCOUNT = "/subscriptions/6f1c0d52/resourceGroups/rg/providers/Microsoft.Storage/storageAccounts/archive"
IDENTITY = {"access_key": None, "client_id": "6f1c0d52-3a4e-4f0b-9d2a-5b7f6f0e11a3"}


@dataclass
class Patient:
    """An app with everything switched on, in good health; a test breaks one thing of it."""

    world: World
    probe: FakeProbe = field(default_factory=FakeProbe)
    host: dict[str, Any] = field(default_factory=lambda: json.loads(json.dumps(HOST)))
    faults: dict[str, str] = field(default_factory=dict)
    python: tuple[int, ...] = (3, 12)

    def __post_init__(self) -> None:
        object.__setattr__(self.world.fakes, "log", FakeLog())
        object.__setattr__(self.world.fakes, "dead_letters", FakeDeadLetters())
        self.world.reports_to(FakeWay(TOPIC_WAY), FakeWay("crm"))
        self.probe.time = self.world.now
        self.probe.takes = lambda envelope, path: ingest_event(
            envelope, Origin(path), self.world.ports, self.world.settings
        )
        self.world.fakes.catalog.add_chunk(builders.record(ChunkState.SOURCE_DELETED))

    def read(self) -> tuple[Ports, Settings]:
        """What `wiring.dependencies` gives."""
        if self.faults:
            raise SettingsError(self.faults)
        return self.world.ports, self.world.settings

    def set(self, **changes: Any) -> None:
        """Another value for settings."""
        self.world.settings = self.world.settings.model_copy(update=changes)

    def queues(self, **changes: Any) -> None:
        """Another value in host.json."""
        self.host["extensions"]["queues"] |= changes

    def findings(self, folder: Path) -> list[Finding]:
        """What the doctor says."""
        path = folder / "host.json"
        path.write_text(json.dumps(self.host))
        return examine(self.read, lambda _: self.probe, path, self.python)


def healthy() -> Patient:
    """Return a healthy app with an identity, a second destination, dead letters and ACS's log."""
    other = StorageConnection(blob_uri="https://other.blob.core.windows.net")
    archive = StorageConnection(blob_uri="https://archive.blob.core.windows.net")
    custodian = StorageConnection(blob_uri="https://archive.blob.core.windows.net", client_id="custodian")
    account: dict[str, Any] = {
        "custodian_storage": custodian,
        "archive_resource_id": ACCOUNT,
        "archive_immutability": Immutability.UNLOCKED,
    }
    made = Patient(
        world(acs=IDENTITY, **account, archive_storage=archive, fallback_storage=other, dead_letter_storage=other)
    )
    made.probe.protected = replace(made.probe.protected, soft_delete_days=14, immutability_days=14)
    replace_seal(made.world.fakes, FakeSeal())
    return made


Break = Callable[[Patient], object]


def _log_is_refused(patient: Patient) -> None:
    log = patient.world.fakes.log
    assert log is not None
    log.fail_next("summaries", LogUnavailableError("403"))


def _does_not_take(patient: Patient, number: int) -> None:
    outgoing = patient.world.fakes.outgoing
    assert outgoing is not None
    outgoing.ways[number].probed = Answer(Result.FAILED, Code.TOPIC_REFUSED)


def _hold(patient: Patient) -> None:
    patient.world.announces()
    record = patient.world.record()
    patient.world.fakes.catalog.save_chunk(record.model_copy(update={"state": ChunkState.QUARANTINED}))


def _refuse(patient: Patient) -> None:
    entry = QuarantineEntry("foreign_host", "not ours", "{}", "event_grid", patient.world.now)
    patient.world.fakes.quarantine.put(entry)


def _file_is_known(patient: Patient, error: SourceError) -> None:
    patient.world.fakes.source.fail_next("read_metadata", error)


def _acs(code: Code, status: int) -> Break:
    error = ControlError("ACS said no", code=code, acs_status=status)
    return lambda patient: patient.world.fakes.control.fail_next("state", error)


def _doors(*doors: SubscriptionFacts) -> Break:
    return lambda patient: setattr(patient.probe, "doors", list(doors))


def _door(kind: str, *types: str, dead_letter: bool = True) -> SubscriptionFacts:
    return SubscriptionFacts(f"to-{kind}", kind, types or (EVENT_TYPE,), has_dead_letter=dead_letter)


def _less(**changes: Any) -> tuple[str, Break]:
    """The archive is protected less than it was deployed."""
    return "archive_protection", lambda patient: setattr(
        patient.probe, "protected", replace(patient.probe.protected, **changes)
    )


def _take_from_the_queue_only(patient: Patient) -> None:
    takes = patient.probe.takes
    assert takes is not None
    patient.probe.takes = lambda envelope, path: takes(envelope, path) if path == "event_queue" else None


def _run_long_ago(patient: Patient) -> None:
    look = ReconcileLook(at=patient.world.now - timedelta(minutes=16))
    patient.world.fakes.catalog.save_cursor(RECONCILED, look.model_dump_json())


def _scrubbed(patient: Patient, behind: int = 0, ago: timedelta = timedelta()) -> None:
    look = ScrubLook(at=patient.world.now - ago, behind=behind)
    patient.world.fakes.catalog.save_cursor(SCRUBBED, look.model_dump_json())


REFUSED, BUSY = StorageRefusedError("403"), StorageBusyError("no answer")
FUNCTION, QUEUE = _door("AzureFunction"), _door("StorageQueue")
MANY = QueueDepth("recording-events", 5000)
CHUNKS_POISON = QueueDepth("recording-chunks-poison", 1)
EVENTS_POISON = QueueDepth("recording-events-poison", 1)
OLD = QueueDepth("recording-chunks", 3, builders.FAKE_CLOCK_START - timedelta(hours=2))
BROKEN: dict[str, tuple[str, Break]] = {
    "the topic refuses the app": ("events_topic", lambda p: _does_not_take(p, 0)),
    "an endpoint is away": ("webhooks", lambda p: _does_not_take(p, 1)),
    "a setting is missing": ("settings", lambda p: p.faults.update(ACS_ENDPOINT="is missing")),
    "an old Python": ("python", lambda p: setattr(p, "python", (3, 10))),
    "a Python that is too new": ("python", lambda p: setattr(p, "python", (3, 15))),
    "messages are not base64": ("host_json", lambda p: p.queues(messageEncoding="none")),
    "few dequeues": ("host_json", lambda p: p.queues(maxDequeueCount=1)),
    "failed messages come back at once": ("host_json", lambda p: p.queues(visibilityTimeout="00:00:00")),
    "queues are looked at once an hour": ("host_json", lambda p: p.queues(maxPollingInterval="01:00:00")),
    "another route prefix": ("host_json", lambda p: p.host["extensions"]["http"].update(routePrefix="v1")),
    "the host's limit is too short": ("host_json", lambda p: p.host.update(functionTimeout="00:05:00")),
    "no extension bundle": ("host_json", lambda p: p.host.pop("extensionBundle")),
    "alerts are sampled away": ("host_json", lambda p: p.host["logging"].pop("applicationInsights")),
    "no host.json": ("host_json", lambda p: p.host.clear()),
    "the copy budget is above the host's limit": ("host_json", lambda p: p.set(copy_time_budget=timedelta(hours=1))),
    "more retention than ACS promises": ("retention", lambda p: p.set(retention=timedelta(hours=48))),
    "every chunk is at risk": ("retention", lambda p: p.set(at_risk_below=timedelta(hours=24))),
    "the alarm comes in the last minutes": ("retention", lambda p: p.set(at_risk_below=timedelta(minutes=5))),
    "missing files are asked for too late": ("retention", lambda p: p.set(expected_after=timedelta(hours=20))),
    "the second destination comes too late": ("retention", lambda p: p.set(fallback_after=timedelta(hours=25))),
    "no role on the tables": ("table_chunks", lambda p: p.probe.fail_next("table", REFUSED)),
    "no role on the queues": ("queue_events", lambda p: p.probe.fail_next("queue", REFUSED)),
    "nobody takes the tasks": ("queue_chunks", lambda p: p.probe.queues.update({"recording-chunks": OLD})),
    "thousands of events wait": (
        "queue_events",
        lambda p: p.probe.queues.update({"recording-events": MANY}),
    ),
    "poisoned tasks": ("poison_queues", lambda p: p.probe.queues.update({CHUNKS_POISON.name: CHUNKS_POISON})),
    "poisoned events": ("poison_queues", lambda p: p.probe.queues.update({EVENTS_POISON.name: EVENTS_POISON})),
    "no role on the quarantine": ("quarantine", lambda p: p.probe.fail_next("quarantine", REFUSED)),
    "no role on the archive": ("archive", lambda p: p.probe.fail_next("archive", REFUSED)),
    "one account for both destinations": ("fallback", lambda p: setattr(p.probe, "shares_account", True)),
    "dead letters cannot be read": ("dead_letters", lambda p: p.probe.fail_next("dead_letters", REFUSED)),
    "dead letters lie there": ("dead_letters", lambda p: setattr(p.probe, "letters", 2)),
    "a chunk is held": ("held", _hold),
    "a refused event is held": ("held", _refuse),
    "the clock is off": ("clock", lambda p: setattr(p.probe, "time", p.world.now + timedelta(minutes=6))),
    "storage tells no time": ("clock", lambda p: p.probe.fail_next("server_time", BUSY)),
    "a wrong key": ("acs", _acs(Code.ACS_UNAUTHORIZED, 401)),
    "the identity may delete recordings": ("archive_delete", lambda p: setattr(p.probe, "can_delete", True)),
    "the host of files refuses": ("acs_download", lambda p: _file_is_known(p, SourceRefusedError("401"))),
    "the host of files does not answer": ("acs_download", lambda p: _file_is_known(p, SourceBusyError("no answer"))),
    "nobody is signed in": ("acs", _acs(Code.TOKEN_UNAVAILABLE, 0)),
    "a delivery path leads to another function": (
        "event_subscriptions",
        _doors(replace(FUNCTION, destination="ingest_of_another"), QUEUE),
    ),
    "a delivery path leads to another account": (
        "event_subscriptions",
        _doors(FUNCTION, replace(QUEUE, destination="other/recording-events")),
    ),
    "no versions are kept": _less(has_versions=False),
    "a delete cannot be undone": _less(soft_delete_days=None),
    "the delete of a container cannot be undone": _less(container_soft_delete_days=1),
    "the immutability was taken off": _less(immutability=Immutability.OFF),
    "somebody's rule deletes recordings": _less(deletes=(("spring-cleaning", 90.0),)),
    "nobody takes events from the queue": ("probe_event", lambda p: setattr(p.probe, "takes", None)),
    "the function does not recognise its event": (
        "probe_event",
        _take_from_the_queue_only,
    ),
    "reconcile does not run": ("held", _run_long_ago),
    "media is not read in its cycle": ("held", lambda p: _scrubbed(p, behind=3)),
    "the scrub does not run": ("held", lambda p: _scrubbed(p, ago=timedelta(hours=31))),
    "no role on ACS": ("acs", _acs(Code.ACS_FORBIDDEN, 403)),
    "ACS cannot be reached": ("acs", _acs(Code.ACS_UNREACHABLE, 0)),
    "ACS's log is refused": ("acs_log", _log_is_refused),
    "the end of the seal's log is gone": (
        "seal",
        lambda p: p.world.fakes.catalog.cursors.update(seal=f"7 {'0' * 64}"),
    ),
    "tenants without sign-in": ("tenants", lambda p: p.set(tenants=TENANTS)),
    "no subscription": ("event_subscriptions", _doors()),
    "one door only": ("event_subscriptions", _doors(FUNCTION)),
    "no dead letter": ("event_subscriptions", _doors(FUNCTION, _door("StorageQueue", dead_letter=False))),
    "all types of events": ("event_subscriptions", _doors(QUEUE, _door("AzureFunction", EVENT_TYPE, "Other.Type"))),
}
