"""Doctor: check everything that the app needs, one thing at a time, and name the remedy for each fault.

Each check has a stable name, does something real but harmless (writes, reads, compares, removes; asks ACS about a
recording that does not exist), and never stops the others. No finding repeats a secret or an address.
"""

import json
import sys
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

from recording.domain.host_json import clock_faults, host_json_faults
from recording.domain.names import (
    AUDIT_TABLE,
    CHUNKS_TABLE,
    RECORDINGS_TABLE,
)
from recording.errors import RecordingError
from recording.errors.codes import Code
from recording.operate.doctor.acs import (
    check_acs,
    check_acs_download,
    check_acs_end,
    check_acs_of_a_person,
    check_log,
    check_probe_event,
    check_subscriptions,
)
from recording.operate.doctor.findings import Check, Finding, State, from_faults, run_check
from recording.operate.doctor.outgoing import check_events_topic, check_webhooks
from recording.operate.doctor.seal import check_seal
from recording.operate.doctor.storage import (
    QUEUES,
    check_archive,
    check_archive_delete,
    check_archive_of_a_person,
    check_clock,
    check_dead_letters,
    check_erasure_clock,
    check_fallback,
    check_fallback_of_a_person,
    check_held,
    check_poison,
    check_protection,
    check_quarantine,
    check_queue,
    check_table,
    skip_for_a_person,
)
from recording.operate.doctor.tenants import check_tenants
from recording.ports import Ports
from recording.ports.probe import Probe
from recording.settings import Settings

HOST_JSON = Path(__file__).resolve().parents[3] / "host.json"
PYTHONS = ((3, 11), (3, 14))


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
        read: returns ports and settings.
        probe: what to check with.
        host_json: the file; not compared where it does not exist, as in an installed command line.
        python: the version that runs this.
        as_person: the identity is a person's, who has fewer rights than the app: checks that need those are skipped.
    """
    try:
        ports, settings = read()
    except RecordingError as error:
        faults = "; ".join(f"{name} {fault}" for name, fault in getattr(error, "faults", {"": str(error)}).items())
        remedy = "Correct the settings that are named (docs/configuration.md); everything else waits for that."
        return [_python(python), Finding("settings", State.FAILED, faults, remedy)]
    looking = probe(settings)
    found = [_python(python), _settings(settings)]
    found += [_host_json(host_json, settings)]
    times = (settings.retention, settings.at_risk_below, settings.expected_after, settings.fallback_after)
    found += [from_faults("retention", clock_faults(*times))]
    checks = {**CHECKS, **(_OF_A_PERSON if as_person else {})}
    return [*found, *(run_check(name, partial(check, ports, settings, looking)) for name, check in checks.items())]


def _settings(settings: Settings) -> Finding:
    """Return what was set aside; else that all settings are there, or that policies by caller match nobody."""
    if not settings.set_aside:
        by_caller = [policy.name for policy in settings.call_policies if policy.callers]
        if by_caller and not settings.platform_auth:
            found = f"CALL_POLICIES: {', '.join(by_caller)} by caller, and the platform does not sign callers in"
            return Finding("settings", State.WARNING, found, "Turn sign-in on, or choose by tags (docs/calls.md).")
        return Finding("settings", State.OK, "all present and valid")
    told = "; ".join(f"{one.name} {one.fault}" for one in settings.set_aside)
    return Finding("settings", State.FAILED, f"{Code.SETTING_SET_ASIDE}: {told}", Code.SETTING_SET_ASIDE.remedy)


def _host_json(path: Path, settings: Settings) -> Finding:
    if not path.exists():
        return Finding("host_json", State.SKIPPED, "not part of this installation; the deployed app has it")
    return from_faults("host_json", host_json_faults(_host(path), settings.copy_time_budget))


def _python(version: tuple[int, ...]) -> Finding:
    shown = ".".join(str(part) for part in version[:2])
    if PYTHONS[0] <= version[:2] <= PYTHONS[1]:
        return Finding("python", State.OK, shown)
    return Finding("python", State.FAILED, shown, "Run the app on Python 3.11, 3.12, 3.13 or 3.14.")


def _host(path: Path) -> dict[str, Any]:
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return content if isinstance(content, dict) else {}


CHECKS: dict[str, Check] = {
    "table_chunks": partial(check_table, CHUNKS_TABLE),
    "table_recordings": partial(check_table, RECORDINGS_TABLE),
    "table_audit": partial(check_table, AUDIT_TABLE),
    "queue_events": partial(check_queue, QUEUES[0]),
    "queue_chunks": partial(check_queue, QUEUES[1]),
    "poison_queues": check_poison,
    "quarantine": check_quarantine,
    "archive": check_archive,
    "archive_delete": check_archive_delete,
    "archive_protection": check_protection,
    "erasure_clock": check_erasure_clock,
    "fallback": check_fallback,
    "dead_letters": check_dead_letters,
    "held": check_held,
    "clock": check_clock,
    "tenants": check_tenants,
    "seal": check_seal,
    "events_topic": check_events_topic,
    "webhooks": check_webhooks,
    "acs": check_acs,
    "acs_download": check_acs_download,
    "acs_end": check_acs_end,
    "acs_log": check_log,
    "event_subscriptions": check_subscriptions,
    "probe_event": check_probe_event,
}
_OF_A_PERSON: dict[str, Check] = {
    "archive": check_archive_of_a_person,
    "archive_delete": skip_for_a_person,
    "fallback": check_fallback_of_a_person,
    "acs": check_acs_of_a_person,
    "acs_download": skip_for_a_person,
    "events_topic": skip_for_a_person,
    "webhooks": skip_for_a_person,
}
