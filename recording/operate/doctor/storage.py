"""The doctor's checks of tables, queues, containers and their protection."""

from collections import Counter
from datetime import timedelta

from recording.domain.counted import counted
from recording.domain.names import BESIDE_THE_LINE, CHUNKS_QUEUE, EVENTS_QUEUE, poison_of
from recording.domain.watched.protection import ERASURE_LIMIT_DAYS, erasure_days, faults_of, told_of
from recording.errors import StorageRefusedError
from recording.operate.attention import needs_attention
from recording.operate.doctor.findings import FoundWarning, Said, SkippedError
from recording.ports import Ports
from recording.ports.probe import Probe
from recording.settings import Settings

OLD_MESSAGE = timedelta(minutes=30)
MANY_MESSAGES = 1000
LARGEST_SKEW = timedelta(minutes=2)  # ACS refuses signatures that are five minutes off
QUEUES = (EVENTS_QUEUE, CHUNKS_QUEUE)


def check_table(name: str, _ports: Ports, _settings: Settings, probe: Probe) -> Said:
    """Write, read and remove a row."""
    probe.table(name)
    return "a row written, read, compared, removed", None


def check_queue(name: str, ports: Ports, _settings: Settings, probe: Probe) -> Said:
    """Send and remove a message, and judge the number and age of waiting messages."""
    depth = probe.queue(name)
    age = ports.clock.now() - depth.oldest_at if depth.oldest_at else timedelta()
    oldest = f", the oldest waits {age.total_seconds() / 60:.0f} min" if depth.messages else ""
    found = _messages(depth.messages) + oldest
    if age > OLD_MESSAGE:
        return (
            found,
            "No instance takes them: is the app running, with this trigger? See app-silent in docs/runbook.md.",
        )
    return found, "Allow more instances, or find out what is slow." if depth.messages > MANY_MESSAGES else None


def check_poison(_ports: Ports, _settings: Settings, probe: Probe) -> Said:
    """Count the messages in the poison queues."""
    count = sum(probe.queue(poison_of(name)).messages for name in (*QUEUES, *BESIDE_THE_LINE))
    remedy = "They are put back every five minutes; if they stay, see message-poisoned in docs/runbook.md."
    return _messages(count), remedy if count else None


def _messages(count: int) -> str:
    return counted(count, "message") if count else "no messages"


def check_quarantine(_ports: Ports, _settings: Settings, probe: Probe) -> Said:
    """Write, read and remove a blob."""
    probe.quarantine()
    return "a blob written, read, compared, removed", None


def check_archive(_ports: Ports, _settings: Settings, probe: Probe) -> Said:
    """List the archive and attempt a write that leaves nothing behind."""
    probe.archive(is_fallback=False)
    return "it may be written and listed; nothing was left there", None


def check_archive_of_a_person(_ports: Ports, _settings: Settings, probe: Probe) -> Said:
    """List the archive as a person, who needs no right to write."""
    probe.archive(is_fallback=False, may_write=False)
    return "blobs listed; whether the app may write there, only the app can tell", None


def check_archive_delete(_ports: Ports, settings: Settings, probe: Probe) -> Said:
    """Find out whether this identity could delete recordings."""
    if settings.archive_storage.connection_string is not None:
        raise SkippedError("a connection string may do everything")
    if probe.may_delete():
        return "this identity may delete recordings", (
            "Take its wider role away and give it Recording Archive Writer, which cannot delete (docs/deploy.md)."
        )
    return "refused to this identity, as it should be", None


def check_fallback(_ports: Ports, settings: Settings, probe: Probe) -> Said:
    """List the second destination and attempt a write that leaves nothing behind."""
    if settings.fallback_storage is None:
        raise SkippedError("FALLBACK_STORAGE is not set")
    probe.archive(is_fallback=True)
    if probe.is_same_account():
        return "in the archive's own account", "Take another account, best in another region: one outage hits both."
    return "it may be written and listed; nothing was left there", None


def check_fallback_of_a_person(_ports: Ports, settings: Settings, probe: Probe) -> Said:
    """List the second destination as a person."""
    if settings.fallback_storage is None:
        raise SkippedError("FALLBACK_STORAGE is not set")
    probe.archive(is_fallback=True, may_write=False)
    return "blobs listed", None


def check_dead_letters(_ports: Ports, settings: Settings, probe: Probe) -> Said:
    """Count the dead letters."""
    if settings.dead_letter_storage is None:
        raise SkippedError("DEAD_LETTER_STORAGE is not set: dead letters need manual review")
    count = probe.dead_letters()
    remedy = "Reconcile ingests them every five minutes; if they stay, see event-dead-lettered in docs/runbook.md."
    return counted(count, "letter") if count else "no letters", remedy if count else None


def check_held(ports: Ports, settings: Settings, _probe: Probe) -> Said:
    """Count what needs attention, by kind."""
    kinds = Counter(item.kind.value.replace("_", " ") for item in needs_attention(ports, settings).items)
    told = ", ".join(f"{count} {kind}" for kind, count in kinds.items())
    remedy = "See `recordings ls --attention`; `recordings show ID` says of each what it means and what to do."
    if not kinds:
        return "nothing needs attention", None
    return f"{counted(kinds.total(), 'thing')}: {told}", remedy


def check_erasure_clock(_ports: Ports, settings: Settings, probe: Probe) -> Said:
    """Compare how long immutability and soft delete delay an erasure with the month that the law allows."""
    if settings.custodian_storage is None:
        raise SkippedError("CUSTODIAN_STORAGE is not set: nothing is destroyed")
    if settings.archive_resource_id is None:
        raise SkippedError("ARCHIVE_RESOURCE_ID is not set")
    try:
        found = probe.protection()
    except StorageRefusedError as error:
        raise SkippedError(f"this identity may not read how the account is protected ({error.code})") from None
    days = erasure_days(found, purges=settings.custodian_purges)
    told = f"bytes of the newest recording are gone {days} days after an erasure is approved, at most"
    if settings.custodian_purges and not found.allows_purges:
        remedy = (
            "CUSTODIAN_PURGES does nothing here: the account allows no permanent deletes. Take the setting away, or "
            "allow them and give the custodian the right (docs/configuration.md)."
        )
        raise FoundWarning(told, remedy)
    if days <= ERASURE_LIMIT_DAYS:
        return told, None
    remedy = (
        f"The law gives {ERASURE_LIMIT_DAYS} days. Shorten soft delete or immutability (14 and 7 fit), "
        "let the account purge (CUSTODIAN_PURGES), or answer requests with the extension."
    )
    raise FoundWarning(told, remedy)


def check_protection(_ports: Ports, settings: Settings, probe: Probe) -> Said:
    """Compare the account's protection with the settings."""
    if settings.archive_resource_id is None:
        raise SkippedError("ARCHIVE_RESOURCE_ID is not set")
    try:
        found = probe.protection()
    except StorageRefusedError:
        raise SkippedError("this identity may not read the account's rules") from None
    faults = list(faults_of(found, settings.archive_immutability))
    remedy = "Find out who changed it (alert protection-changed), then deploy infra/ again: `azd provision`."
    return "; ".join([told_of(found), *faults]), remedy if faults else None


def check_clock(ports: Ports, _settings: Settings, probe: Probe) -> Said:
    """Compare this machine's clock with the storage's."""
    skew = abs(ports.clock.now() - probe.server_time())
    remedy = "Set this machine's clock by NTP: ACS refuses signatures that are off." if skew > LARGEST_SKEW else None
    return f"{skew.total_seconds():.0f} s beside the storage's", remedy


def skip_for_a_person(_ports: Ports, _settings: Settings, _probe: Probe) -> Said:
    """Skip a check that only the app's identity can make."""
    raise SkippedError("depends on the app's identity, not on yours; GET /api/health/deep tests it")
