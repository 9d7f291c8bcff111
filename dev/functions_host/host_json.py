"""host.json, read strictly: a setting that would be ignored in silence is an error here."""

import json
import os
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any

from dev.functions_host.functions import AppError

# HostJsonFileConfigurationSource of the real host reads these and no others.
_TOP_LEVEL = frozenset(
    (
        *("$schema", "version", "functionTimeout", "retry", "functions", "extensions", "extensionBundle", "logging"),
        *("healthMonitor", "singleton", "concurrency", "watchDirectories", "watchFiles", "aggregator"),
        *("customHandler", "managedDependency", "sendCanceledInvocationsToWorker", "telemetryMode"),
    )
)
_HTTP = frozenset(
    (
        *("routePrefix", "maxOutstandingRequests", "maxConcurrentRequests", "dynamicThrottlesEnabled"),
        *("hsts", "customHeaders"),
    )
)
_QUEUES = frozenset(
    (
        *("batchSize", "newBatchThreshold", "maxPollingInterval", "visibilityTimeout", "maxDequeueCount"),
        "messageEncoding",
    )
)
_DURATION = re.compile(r"(?:(\d+)\.)?([01]?\d|2[0-3]):([0-5]?\d):([0-5]?\d(?:\.\d+)?)")


@dataclass(frozen=True)
class QueueSettings:
    """`extensions.queues`, with the defaults of the storage extension. Durations in seconds."""

    batch_size: int = 16
    new_batch_threshold: int = 8
    max_polling_interval_seconds: float = 60.0
    visibility_timeout_seconds: int = 0
    max_dequeue_count: int = 5
    is_base64: bool = True


@dataclass(frozen=True)
class HostJson:
    """The parts of host.json that this host honours."""

    route_prefix: str = "api"
    queues: QueueSettings = QueueSettings()


def read_host_json(app_dir: Path) -> HostJson:
    """Read and check the file. Raises AppError naming the file, the setting and the fault."""
    path = app_dir / "host.json"
    try:
        return parse_host_json(path.read_text(encoding="utf-8"))
    except FileNotFoundError as error:
        raise AppError(f"no host.json in {app_dir}") from error
    except AppError as error:
        raise AppError(f"{path}: {error}") from error


def parse_host_json(text: str) -> HostJson:
    """Check the text of a host.json. Raises AppError naming the setting and the fault."""
    content = _Section("", _parse_json(text))
    content.refuse_others(_TOP_LEVEL)
    if content.get("version", "2.0") != "2.0" or "version" not in content.values:
        raise AppError('version must be "2.0"')
    extensions = content.section("extensions")
    return HostJson(_read_route_prefix(extensions.section("http")), _read_queues(extensions.section("queues")))


@dataclass(frozen=True)
class _Section:
    path: str
    values: Mapping[str, Any]

    def get(self, key: str, default: Any) -> Any:
        return self.values.get(key, default)

    def section(self, key: str) -> "_Section":
        found = self.get(key, {})
        if not isinstance(found, dict):
            raise AppError(f"{self.name(key)} must be an object")
        return _Section(self.name(key), found)

    def refuse_others(self, known: frozenset[str]) -> None:
        if unknown := sorted(set(self.values) - known):
            raise AppError(f"{self.name(unknown[0])} is not a setting; known are {', '.join(sorted(known))}")

    def integer(self, key: str, default: int, low: int, high: int) -> int:
        value = self.get(key, default)
        if type(value) is not int or not low <= value <= high:
            raise AppError(f"{self.name(key)} must be a whole number from {low} to {high}, not {value!r}")
        return value

    def duration(self, key: str, default: timedelta) -> timedelta:
        value = self.get(key, None)
        return default if value is None else parse_duration(self.name(key), value)

    def name(self, key: str) -> str:
        return f"{self.path}.{key}" if self.path else key


def parse_duration(name: str, text: object) -> timedelta:
    """Read .NET's `[d.]hh:mm:ss[.fff]`. Raises AppError naming the setting."""
    found = _DURATION.fullmatch(str(text))
    if found is None:
        raise AppError(f'{name} must look like "00:00:30", not {text!r}')
    days, hours, minutes, seconds = found.groups(default="0")
    return timedelta(days=int(days), hours=int(hours), minutes=int(minutes), seconds=float(seconds))


def _parse_json(text: str) -> dict[str, Any]:
    try:
        content = json.loads(text)
    except json.JSONDecodeError as error:
        raise AppError(f"not JSON: {error}") from error
    if not isinstance(content, dict):
        raise AppError("must hold a JSON object")
    return content


def _read_route_prefix(http: _Section) -> str:
    http.refuse_others(_HTTP)
    prefix = http.get("routePrefix", "api")
    if not isinstance(prefix, str):
        raise AppError(f"{http.name('routePrefix')} must be text, not {prefix!r}")
    return prefix.strip("/")


def _read_queues(queues: _Section) -> QueueSettings:
    queues.refuse_others(_QUEUES)
    batch_size = queues.integer("batchSize", 16, 1, 32)
    default_threshold = batch_size // 2 * (os.cpu_count() or 1)
    polling = queues.duration("maxPollingInterval", timedelta(minutes=1))
    if polling < timedelta(milliseconds=100):
        raise AppError(f"{queues.name('maxPollingInterval')} must be at least 00:00:00.100")
    return QueueSettings(
        batch_size,
        queues.integer("newBatchThreshold", default_threshold, 0, 10_000),
        polling.total_seconds(),
        int(queues.duration("visibilityTimeout", timedelta(0)).total_seconds()),
        queues.integer("maxDequeueCount", 5, 1, 10_000),
        _read_encoding(queues),
    )


def _read_encoding(queues: _Section) -> bool:
    encoding = str(queues.get("messageEncoding", "base64")).lower()
    if encoding not in ("base64", "none"):
        raise AppError(f'{queues.name("messageEncoding")} must be "base64" or "none", not {encoding!r}')
    return encoding == "base64"
