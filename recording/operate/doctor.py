"""Doctor: looks at everything that the app needs, one thing at a time, and says how to remedy what is wrong.

Each check has a name that stays, does something harmless for real (writes, reads, compares, removes; asks ACS about a
recording that there is not), and never stops the others. No finding repeats a secret or an address.
"""

import json
import sys
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from functools import partial
from itertools import islice
from pathlib import Path
from typing import Any, Protocol

from recording.domain.host_json import Fault, clock_faults, host_json_faults
from recording.domain.incoming.events import EVENT_TYPE
from recording.domain.names import AUDIT_TABLE, CHUNKS_QUEUE, CHUNKS_TABLE, EVENTS_QUEUE, RECORDINGS_TABLE
from recording.domain.state.chunk import Home
from recording.domain.watched.protection import ERASURE_LIMIT_DAYS, Protection, erasure_days, faults_of, told_of
from recording.errors import ControlError, RecordingError, SourceGoneError, StorageRefusedError
from recording.errors.codes import Code
from recording.operate import round_trip
from recording.operate.attention import needs_attention
from recording.ports import Ports
from recording.ports.bulkhead import readable
from recording.settings import Settings

HOST_JSON = Path(__file__).resolve().parents[2] / "host.json"
LARGEST_SKEW = timedelta(minutes=2)  # ACS refuses signatures that are five minutes off
OLD_MESSAGE = timedelta(minutes=30)
MANY_MESSAGES = 1000
NOWHERE = "ZG9jdG9y"  # no recording has this id
PYTHONS = ((3, 11), (3, 14))
QUEUES = (EVENTS_QUEUE, CHUNKS_QUEUE)
DELIVERY_PATHS = ("AzureFunction", "StorageQueue")  # the kinds of the two subscriptions
INGEST = "ingest_event"  # the function that Event Grid calls
END_OF_STANDALONE_ACS = datetime(2028, 9, 30, tzinfo=UTC)
WARNED_BEFORE_THE_END = timedelta(days=548)  # eighteen months: moving callers takes a year
_MOST_TASKS = 100
_REMEDIES = {
    Code.TOKEN_UNAVAILABLE: "Nobody is signed in here (`az login`), or the identity is not assigned to the app.",
    Code.SOURCE_REFUSED: "The host of files refuses: clock, a rotated key, or the identity's role on the ACS resource.",
    Code.SOURCE_BUSY: "The host of files does not answer: egress to *.asm.skype.com, DNS, proxy, certificates.",
    Code.STORAGE_REFUSED: (
        "Give the app's identity its role on this account (docs/deploy.md), or open its firewall to the app; a new "
        "role takes up to ten minutes."
    ),
    Code.STORAGE_ERROR: "What is not there comes with infra/ (docs/deploy.md). Anything else: docs/errors.md.",
    Code.STORAGE_BUSY: "Look at the address, the network, private DNS and Azure's status; then run this again.",
    Code.ACS_UNAUTHORIZED: (
        "401: the key is wrong or was rotated, this clock is off, or the identity is of another tenant. Set "
        "ACS_CONNECTION_STRING to the new key, or give the identity its role."
    ),
    Code.ACS_FORBIDDEN: "403: ACS knows who this is and does not allow it. Give the identity its role on the resource.",
    Code.ACS_UNREACHABLE: "No answer at all: look at ACS_ENDPOINT, ACS_PROXY_URL, ACS_CA_BUNDLE, DNS and the firewall.",
    Code.LOG_UNAVAILABLE: "Give the identity Log Analytics Reader on the workspace; look at MONITOR_WORKSPACE_ID.",
}


class State(StrEnum):
    """How a check ended."""

    OK = "ok"
    WARNING = "warning"  # nothing is wrong yet
    FAILED = "failed"
    SKIPPED = "skipped"


@dataclass(frozen=True)
class Finding:
    """What one check found; `remedy` is there when it failed."""

    check: str
    state: State
    found: str
    remedy: str | None = None


@dataclass(frozen=True)
class QueueFacts:
    """A queue as it stands. `oldest_at` is of the message that waits longest, as far as can be seen."""

    messages: int
    oldest_at: datetime | None = None


@dataclass(frozen=True)
class SubscriptionFacts:
    """An Event Grid subscription of the ACS resource."""

    name: str
    kind: str  # AzureFunction | StorageQueue | WebHook | …
    event_types: tuple[str, ...]
    has_dead_letter: bool
    destination: str = ""  # a function's name, or account/queue; empty where it cannot be told


class Probe(round_trip.Sender, Protocol):
    """Harmless calls to what the app needs. Every method raises StorageError."""

    def table(self, name: str) -> None:
        """Writes a row, reads it, compares, removes it."""

    def queue(self, name: str) -> QueueFacts:
        """Puts a message nobody will see, removes it, and tells how the queue stands."""

    def quarantine(self) -> None:
        """Writes a blob, reads it, compares its hash, removes it."""

    def archive(self, *, is_fallback: bool, may_write: bool = True) -> None:
        """List the blobs, and ask for a write whose condition never holds, so that nothing is left there."""

    def may_delete(self) -> bool:
        """Return whether this identity could delete from the archive; what is asked to be deleted is not there."""

    def protection(self) -> Protection:
        """Read how the archive's account is protected. Raises StorageRefusedError when this identity may not."""

    def host_account(self) -> str:
        """Return the name of the host's storage account."""

    def dead_letters(self) -> int:
        """How many letters there are. Raises StorageError when there is no such container, too."""

    def server_time(self) -> datetime:
        """What time the host's storage says it is."""

    def is_same_account(self) -> bool:
        """Whether the second destination is in the archive's account."""

    def subscriptions(self) -> list[SubscriptionFacts]:
        """The Event Grid subscriptions of the ACS resource. Raises RecordingError when they cannot be read."""


def examine(
    read: Callable[[], tuple[Ports, Settings]],
    probe: Callable[[Settings], Probe],
    host_json: Path = HOST_JSON,
    python: tuple[int, ...] = sys.version_info[:2],
    *,
    as_person: bool = False,
) -> list[Finding]:
    """Run every check, in order; without valid settings only those that need none.

    Args:
        read: gives ports and settings.
        probe: what to look with.
        host_json: the file; not compared where it is not there, as in an installed command line.
        python: the version that runs this.
        as_person: the identity is a person's, which may do less than the app's: what only the app may is skipped.
    """
    try:
        ports, settings = read()
    except RecordingError as error:
        faults = "; ".join(f"{name} {fault}" for name, fault in getattr(error, "faults", {"": str(error)}).items())
        remedy = "Correct the settings that are named (docs/configuration.md); everything else waits for that."
        return [_python(python), Finding("settings", State.FAILED, faults, remedy)]
    looking = probe(settings)
    found = [_python(python), Finding("settings", State.OK, "all there, of the right form")]
    found += [_host_json(host_json, settings)]
    times = (settings.retention, settings.at_risk_below, settings.expected_after, settings.fallback_after)
    found += [_from_faults("retention", clock_faults(*times))]
    checks = {**CHECKS, **(_OF_A_PERSON if as_person else {})}
    return [*found, *(_checked(name, partial(check, ports, settings, looking)) for name, check in checks.items())]


def _host_json(path: Path, settings: Settings) -> Finding:
    if not path.exists():
        return Finding("host_json", State.SKIPPED, "not part of this installation; the deployed app has it")
    return _from_faults("host_json", host_json_faults(_host(path), settings.copy_time_budget))


def _python(version: tuple[int, ...]) -> Finding:
    shown = ".".join(str(part) for part in version[:2])
    if PYTHONS[0] <= version[:2] <= PYTHONS[1]:
        return Finding("python", State.OK, shown)
    return Finding("python", State.FAILED, shown, "Run the app on Python 3.11, 3.12, 3.13 or 3.14.")


Said = tuple[str, str | None]  # what was found, and how to remedy it if that is a fault
Check = Callable[[Ports, Settings, Probe], Said]


class _Warning(Exception):  # noqa: N818 - it is a finding
    """Something will be wrong; its arguments are what was found, and the remedy."""


class _SkippedError(Exception):
    """There is nothing to look at here."""


def _checked(name: str, check: Callable[[], Said]) -> Finding:
    try:
        found, remedy = check()
    except _Warning as warning:
        return Finding(name, State.WARNING, *warning.args)
    except _SkippedError as reason:
        return Finding(name, State.SKIPPED, str(reason))
    except RecordingError as error:
        return Finding(name, State.FAILED, f"{error.code}: {error}", _REMEDIES.get(error.code, "See docs/errors.md."))
    return Finding(name, State.FAILED if remedy else State.OK, found, remedy)


def _from_faults(name: str, faults: Iterator[Fault]) -> Finding:
    found = list(faults)
    if not found:
        return Finding(name, State.OK, "as it should be")
    return Finding(name, State.FAILED, "; ".join(what for what, _ in found), " ".join(remedy for _, remedy in found))


def _host(path: Path) -> dict[str, Any]:
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return content if isinstance(content, dict) else {}


def _table(name: str, _ports: Ports, _settings: Settings, probe: Probe) -> Said:
    probe.table(name)
    return "a row written, read, compared, removed", None


def _queue(name: str, ports: Ports, _settings: Settings, probe: Probe) -> Said:
    facts = probe.queue(name)
    age = ports.clock.now() - facts.oldest_at if facts.oldest_at else timedelta()
    found = f"{facts.messages} messages, the oldest waits {age.total_seconds() / 60:.0f} min"
    if age > OLD_MESSAGE:
        return found, "Nobody takes them: is the app running, with this trigger? See app-silent in docs/runbook.md."
    return found, "Allow more instances, or find out what is slow." if facts.messages > MANY_MESSAGES else None


def _poison(_ports: Ports, _settings: Settings, probe: Probe) -> Said:
    count = sum(probe.queue(f"{name}-poison").messages for name in QUEUES)
    remedy = "Reconcile sweeps them every five minutes; if they stay, see message-poisoned in docs/runbook.md."
    return f"{count} messages", remedy if count else None


def _quarantine(_ports: Ports, _settings: Settings, probe: Probe) -> Said:
    probe.quarantine()
    return "a blob written, read, compared, removed", None


def _archive(_ports: Ports, _settings: Settings, probe: Probe) -> Said:
    probe.archive(is_fallback=False)
    return "it may be written and listed; nothing was left there", None


def _archive_of_a_person(_ports: Ports, _settings: Settings, probe: Probe) -> Said:
    probe.archive(is_fallback=False, may_write=False)
    return "blobs listed; whether the app may write there, only the app can tell", None


def _archive_delete(_ports: Ports, settings: Settings, probe: Probe) -> Said:
    if settings.archive_storage.connection_string is not None:
        raise _SkippedError("a connection string may do everything")
    if probe.may_delete():
        return "this identity may delete recordings", (
            "Take its wider role away and give it Recording Archive Writer, which cannot delete (docs/deploy.md)."
        )
    return "refused to this identity, as it should be", None


def _fallback(_ports: Ports, settings: Settings, probe: Probe) -> Said:
    if settings.fallback_storage is None:
        raise _SkippedError("FALLBACK_STORAGE is not set")
    probe.archive(is_fallback=True)
    if probe.is_same_account():
        return "in the archive's own account", "Take another account, best in another region: one outage hits both."
    return "it may be written and listed; nothing was left there", None


def _fallback_of_a_person(_ports: Ports, settings: Settings, probe: Probe) -> Said:
    if settings.fallback_storage is None:
        raise _SkippedError("FALLBACK_STORAGE is not set")
    probe.archive(is_fallback=True, may_write=False)
    return "blobs listed", None


def _dead_letters(_ports: Ports, settings: Settings, probe: Probe) -> Said:
    if settings.dead_letter_storage is None:
        raise _SkippedError("DEAD_LETTER_STORAGE is not set: dead letters need manual review")
    count = probe.dead_letters()
    remedy = "Reconcile ingests them every five minutes; if they stay, see event-dead-lettered in docs/runbook.md."
    return f"{count} letters", remedy if count else None


def _held(ports: Ports, settings: Settings, _probe: Probe) -> Said:
    kinds = Counter(item.kind.value.replace("_", " ") for item in needs_attention(ports, settings).items)
    told = ", ".join(f"{count} {kind}" for kind, count in kinds.items())
    remedy = "See `recordings ls --attention`: each with its reason, and what to do about it."
    return f"{kinds.total()} things" + (f": {told}" if told else ""), remedy if kinds else None


def _erasure_clock(_ports: Ports, settings: Settings, probe: Probe) -> Said:
    """An approved erasure waits for immutability, then for soft delete; the law gives one month."""
    if settings.custodian_storage is None:
        raise _SkippedError("CUSTODIAN_STORAGE is not set: nothing is destroyed")
    if settings.archive_resource_id is None:
        raise _SkippedError("ARCHIVE_RESOURCE_ID is not set")
    try:
        found = probe.protection()
    except StorageRefusedError as error:
        raise _SkippedError(f"how the account is protected may not be read ({error.code})") from None
    days = erasure_days(found, purges=settings.custodian_purges)
    told = f"bytes of the newest recording are gone {days} days after an erasure is approved, at most"
    if days <= ERASURE_LIMIT_DAYS:
        return told, None
    remedy = (
        f"The law gives {ERASURE_LIMIT_DAYS} days. Shorten soft delete or immutability (14 and 14 fit), "
        "let the account purge (CUSTODIAN_PURGES), or answer requests with the extension."
    )
    raise _Warning(told, remedy)


def _protection(_ports: Ports, settings: Settings, probe: Probe) -> Said:
    if settings.archive_resource_id is None:
        raise _SkippedError("ARCHIVE_RESOURCE_ID is not set")
    try:
        found = probe.protection()
    except StorageRefusedError:
        raise _SkippedError("this identity may not read the account's rules") from None
    faults = list(faults_of(found, settings.delete_after, settings.archive_immutability))
    remedy = "Find out who changed it (alert protection-changed), then deploy infra/ again: `azd provision`."
    return "; ".join([told_of(found), *faults]), remedy if faults else None


def _probe_event(ports: Ports, _settings: Settings, probe: Probe) -> Said:
    """Each delivery path, as far as it can be used from here, until the app itself has recognised the event."""
    took, posted = round_trip.by_queue(ports, probe), round_trip.by_post(ports, probe)
    told = [
        f"queue: recognised after {took.total_seconds():.0f} s" if took is not None else "queue: nobody took it",
        {True: "function: recognised", False: "function: not recognised", None: "function: no key here"}[posted],
    ]
    failed = took is None or posted is False
    remedy = "Is the app running, with both triggers, and its queue short? See app-silent in docs/runbook.md."
    return "; ".join(told), remedy if failed else None


def _clock(ports: Ports, _settings: Settings, probe: Probe) -> Said:
    skew = abs(ports.clock.now() - probe.server_time())
    remedy = "Set this machine's clock by NTP: ACS refuses signatures that are off." if skew > LARGEST_SKEW else None
    return f"{skew.total_seconds():.0f} s beside the storage's", remedy


def _acs(ports: Ports, _settings: Settings, _probe: Probe) -> Said:
    """ACS is asked about a recording that there is not; that it says so proves key or identity, network and clock."""
    try:
        ports.control.state(NOWHERE)
    except ControlError as error:
        if error.code not in (Code.RECORDING_NOT_FOUND, Code.INVALID_ARGUMENT):
            raise
    return "reached; it knows this app", None


def _acs_of_a_person(ports: Ports, settings: Settings, probe: Probe) -> Said:
    """A person needs no role on ACS: what the app is answered, only the app can tell."""
    try:
        return _acs(ports, settings, probe)
    except ControlError as error:
        if error.code not in (Code.ACS_FORBIDDEN, Code.ACS_UNAUTHORIZED):
            raise
        raise _SkippedError("reached, and it refuses you; what it answers the app: GET /api/health/deep") from None


def _acs_download(ports: Ports, _settings: Settings, _probe: Probe) -> Said:
    """Another host than ACS's control plane serves the files: the metadata of a file known here is asked for."""
    known = (chunk.task for chunk in islice(readable(ports.catalog.all_chunks(), "all_chunks"), _MOST_TASKS))
    location = next(
        (task.metadata_location for task in known if task.home is Home.ACS and task.metadata_location), None
    )
    if location is None:
        raise _SkippedError("no file of ACS is known yet whose host could be asked")
    try:
        ports.source.read_metadata(location)
    except SourceGoneError:
        return "the host of files answers that this one is gone, as it should be", None
    return "a metadata document read from the host of files", None


def _acs_end(ports: Ports, _settings: Settings, _probe: Probe) -> Said:
    left = END_OF_STANDALONE_ACS - ports.clock.now()
    if left > WARNED_BEFORE_THE_END:
        return f"standalone ACS ends on {END_OF_STANDALONE_ACS:%d %B %Y}", None
    found = f"standalone ACS ends on {END_OF_STANDALONE_ACS:%d %B %Y}: {max(left.days, 0)} days left"
    raise _Warning(found, "Plan the move of your callers now: docs/end-of-acs.md.")


def _log(ports: Ports, _settings: Settings, _probe: Probe) -> Said:
    if ports.log is None:
        raise _SkippedError("MONITOR_WORKSPACE_ID is not set")
    count = sum(1 for _ in ports.log.summaries(ports.clock.now() - timedelta(days=1)))
    return f"{count} recordings since yesterday", None


def _subscriptions(_ports: Ports, settings: Settings, probe: Probe) -> Said:
    if settings.acs.resource_id is None or settings.acs.access_key is not None:
        raise _SkippedError("needs ACS_RESOURCE_ID and the identity")
    try:
        found = probe.subscriptions()
    except StorageRefusedError:
        raise _SkippedError("this identity may not read Event Grid's subscriptions") from None
    ours = [each for each in found if EVENT_TYPE in each.event_types]
    kinds = {each.kind for each in ours}
    faults = [f"no delivery path is a {kind}" for kind in DELIVERY_PATHS if kind not in kinds]
    faults += [f"{each.name} leads to {each.destination}" for each in ours if _leads_elsewhere(each, probe)]
    faults += [f"{each.name} has no dead letter" for each in ours if not each.has_dead_letter]
    faults += [f"{each.name} also sends other types" for each in ours if each.event_types != (EVENT_TYPE,)]
    told = ", ".join(f"{each.name} ({each.kind})" for each in ours) or "none"
    remedy = "Deploy the subscriptions of infra/ again: two paths to this app, exactly this event type, dead letters."
    return "; ".join([told, *faults]), remedy if faults else None


def _of_the_app(_ports: Ports, _settings: Settings, _probe: Probe) -> Said:
    raise _SkippedError("a matter of the app's identity, not of yours: GET /api/health/deep")


def _leads_elsewhere(subscription: SubscriptionFacts, probe: Probe) -> bool:
    """Return whether events go to another function, account or queue than this app's."""
    if not subscription.destination:
        return False
    if subscription.kind == DELIVERY_PATHS[1]:
        return subscription.destination.lower() != f"{probe.host_account()}/{EVENTS_QUEUE}".lower()
    return subscription.kind == DELIVERY_PATHS[0] and subscription.destination != INGEST


CHECKS: dict[str, Check] = {
    "table_chunks": partial(_table, CHUNKS_TABLE),
    "table_recordings": partial(_table, RECORDINGS_TABLE),
    "table_audit": partial(_table, AUDIT_TABLE),
    "queue_events": partial(_queue, QUEUES[0]),
    "queue_chunks": partial(_queue, QUEUES[1]),
    "poison_queues": _poison,
    "quarantine": _quarantine,
    "archive": _archive,
    "archive_delete": _archive_delete,
    "archive_protection": _protection,
    "erasure_clock": _erasure_clock,
    "fallback": _fallback,
    "dead_letters": _dead_letters,
    "held": _held,
    "clock": _clock,
    "acs": _acs,
    "acs_download": _acs_download,
    "acs_end": _acs_end,
    "acs_log": _log,
    "event_subscriptions": _subscriptions,
    "probe_event": _probe_event,
}
_OF_A_PERSON: dict[str, Check] = {
    "archive": _archive_of_a_person,
    "archive_delete": _of_the_app,
    "fallback": _fallback_of_a_person,
    "acs": _acs_of_a_person,
    "acs_download": _of_the_app,
}
