"""Rules for host.json and the settings together; each names the fault and the fix. Pure."""

import re
from collections.abc import Iterator, Mapping
from datetime import timedelta
from typing import Any

LEAST_DEQUEUES = 5  # an outage of a few minutes must not poison a task
LEAST_VISIBILITY = timedelta(seconds=30)  # a message that is redelivered at once uses up its attempts in a second
LONGEST_WITHOUT_LIMIT = timedelta(hours=24)
LIMIT_OF_ACS = timedelta(hours=24)

Fault = tuple[str, str]  # the fault, and the fix


def host_json_faults(host: Mapping[str, Any], copy_time_budget: timedelta) -> Iterator[Fault]:
    """Return the faults of host.json that would lose tasks, waste attempts or interrupt copies."""
    queues = _at(host, "extensions", "queues")
    if host.get("version") != "2.0":
        yield "`version` is not 2.0", 'Set "version": "2.0".'
    if queues.get("messageEncoding", "base64") != "base64":
        yield "`messageEncoding` is not base64", "Set it to base64: Event Grid and this app write base64."
    if int(queues.get("maxDequeueCount", 5)) < LEAST_DEQUEUES:
        yield "`maxDequeueCount` is small", f"Set it to 20; below {LEAST_DEQUEUES} a short outage poisons every task."
    if _duration(queues.get("visibilityTimeout", "00:00:00")) < LEAST_VISIBILITY:
        yield "`visibilityTimeout` is short", "Set it to 00:01:00, so that a failed message waits before its next try."
    if _duration(queues.get("maxPollingInterval", "00:01:00")) > timedelta(minutes=5):
        yield "`maxPollingInterval` is long", "Set it to 00:00:02; time counts."
    if _at(host, "extensions", "http").get("routePrefix", "api") != "api":
        yield "`routePrefix` is not api", "Set it to api, as docs/openapi.yaml says."
    timeout = _duration(host.get("functionTimeout", "00:30:00"), endless=LONGEST_WITHOUT_LIMIT)
    if timeout < copy_time_budget + timedelta(minutes=2):
        fix = "Raise `functionTimeout`, or lower COPY_TIME_BUDGET: a copy must pause before the host kills it."
        yield "`functionTimeout` leaves no two minutes after COPY_TIME_BUDGET", fix
    if not host.get("extensionBundle"):
        yield "there is no `extensionBundle`", "Take it from the host.json of this repository: it brings the triggers."
    if _samples_traces(host):
        fix = 'Add "Trace;Exception;Event" to `excludedTypes`: alerts read these lines.'
        yield "Application Insights samples traces", fix


def clock_faults(
    retention: timedelta, at_risk_below: timedelta, expected_after: timedelta, fallback_after: timedelta
) -> Iterator[Fault]:
    """Return the faults of time settings that would delay or prevent alarms."""
    if retention > LIMIT_OF_ACS:
        fix = "Set RETENTION_HOURS to 24 unless Microsoft has promised you more."
        yield f"RETENTION_HOURS is {_hours(retention)}, and ACS promises 24", fix
    if at_risk_below >= retention:
        yield "AT_RISK_HOURS is not below RETENTION_HOURS", "Set it to 6: else every chunk is an alarm from its start."
    if at_risk_below < timedelta(hours=1):
        yield "AT_RISK_HOURS is below 1", "Set it to 6: a role is not fixed in minutes."
    if expected_after >= retention - at_risk_below:
        fix = "Set EXPECTED_AFTER_HOURS to 1: a missing file must be asked for while ACS has it."
        yield "EXPECTED_AFTER_HOURS is too near to the end", fix
    if fallback_after >= retention:
        yield "FALLBACK_AFTER is not below RETENTION_HOURS", "Set it to 00:30:00."


def _samples_traces(host: Mapping[str, Any]) -> bool:
    settings = _at(host, "logging", "applicationInsights", "samplingSettings")
    excluded = str(settings.get("excludedTypes", "")).split(";")
    return settings.get("isEnabled", True) is not False and "Trace" not in excluded


def _at(content: Mapping[str, Any], *path: str) -> Mapping[str, Any]:
    for name in path:
        found = content.get(name)
        content = found if isinstance(found, Mapping) else {}
    return content


def _duration(text: object, endless: timedelta = timedelta()) -> timedelta:
    """Return a duration of host.json; -1 means no limit. An unreadable one is None."""
    if str(text) == "-1":
        return endless
    found = re.fullmatch(r"(?:(\d+)\.)?(\d{1,2}):(\d{2}):(\d{2})(?:\.\d+)?", str(text))
    if found is None:
        return timedelta()
    days, hours, minutes, seconds = (int(part or 0) for part in found.groups())
    return timedelta(days=days, hours=hours, minutes=minutes, seconds=seconds)


def _hours(span: timedelta) -> str:
    return f"{span.total_seconds() / 3600:g}"
