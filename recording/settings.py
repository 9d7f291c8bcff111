"""The settings: one frozen model, read once; all faults in one message, by name; secrets are never repeated.

The only place that reads the environment. Every setting is described in docs/configuration.md.
"""

import base64
import binascii
import json
import os
import re
from collections.abc import Callable, Mapping
from datetime import timedelta
from enum import StrEnum
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ConfigDict, SecretStr

from recording.codes import Code
from recording.domain.layout import DEFAULT_TEMPLATE, template_fault
from recording.domain.locations import DEFAULT_CONTENT_HOSTS
from recording.domain.names import DEAD_LETTER_CONTAINER, FALLBACK_CONTAINER
from recording.errors import RecordingError

DEFAULT_MONITOR_ENDPOINT = "https://api.loganalytics.io"
SERVICES = ("blob", "queue", "table")


class SettingsError(RecordingError):
    """Some settings are missing or wrong; `faults` has one sentence for each, by setting name."""

    code = Code.SETTINGS_INVALID

    def __init__(self, faults: Mapping[str, str]) -> None:
        self.faults = dict(faults)
        super().__init__("; ".join(f"{name} {fault}" for name, fault in faults.items()))


class MediaCheck(StrEnum):
    """What follows when media does not open or its duration disagrees."""

    REQUIRE = "require"
    WARN = "warn"
    OFF = "off"


class _Frozen(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class AcsConnection(_Frozen):
    """How to reach ACS. `access_key` is None with identity."""

    endpoint: str  # https://host, without a slash at its end: the SDK signs it as it is
    access_key: SecretStr | None = None
    client_id: str | None = None
    proxy_url: str | None = None
    ca_bundle: str | None = None
    resource_id: str | None = None
    content_hosts: tuple[str, ...] = DEFAULT_CONTENT_HOSTS

    @property
    def host(self) -> str:
        """The resource's host name, as it is signed."""
        return self.endpoint.removeprefix("https://")


class StorageConnection(_Frozen):
    """How to reach a storage account: a connection string, or service addresses with an identity."""

    connection_string: SecretStr | None = None
    blob_uri: str | None = None
    queue_uri: str | None = None
    table_uri: str | None = None
    client_id: str | None = None


class Settings(_Frozen):
    """All settings, valid."""

    acs: AcsConnection
    host_storage: StorageConnection
    archive_storage: StorageConnection
    archive_container: str = "recordings"
    archive_path_template: str = DEFAULT_TEMPLATE
    archive_access_tier: str | None = None
    fallback_storage: StorageConnection | None = None
    fallback_container: str = FALLBACK_CONTAINER
    fallback_after: timedelta = timedelta(minutes=30)
    dead_letter_storage: StorageConnection | None = None
    dead_letter_container: str = DEAD_LETTER_CONTAINER
    external_containers: tuple[str, ...] = ()
    retention: timedelta = timedelta(hours=24)
    at_risk_below: timedelta = timedelta(hours=6)
    expected_after: timedelta = timedelta(hours=1)
    verify_readback: bool = True
    media_check: MediaCheck = MediaCheck.REQUIRE
    copy_time_budget: timedelta = timedelta(minutes=25)
    claim_length: timedelta = timedelta(minutes=2)
    copy_slots: int | None = None
    copy_block_bytes: int | None = None
    consent_required: bool = False
    monitor_workspace_id: str | None = None
    monitor_endpoint: str = DEFAULT_MONITOR_ENDPOINT
    insights: SecretStr | None = None
    trace_ratio: float = 0.1
    platform_auth: bool = False
    start_rate_per_minute: int = 300


def read_settings(environment: Mapping[str, str] | None = None) -> Settings:
    """The settings in the environment.

    Raises:
        SettingsError: naming every setting that is missing or wrong, without repeating a value.
    """
    reader = _Reader(os.environ if environment is None else environment)
    values: dict[str, Any] = {
        "acs": _acs(reader),
        "host_storage": _storage(reader, "AzureWebJobsStorage", SERVICES),
        "archive_storage": _storage(reader, "ARCHIVE_STORAGE", ("blob",)),
        "archive_container": reader.read("ARCHIVE_CONTAINER", _container, "recordings"),
        "archive_path_template": reader.read("ARCHIVE_PATH_TEMPLATE", _template, DEFAULT_TEMPLATE),
        "archive_access_tier": reader.read("ARCHIVE_ACCESS_TIER", _tier, None),
        "fallback_storage": _storage(reader, "FALLBACK_STORAGE", ("blob",), is_required=False),
        "fallback_container": reader.read("FALLBACK_CONTAINER", _container, FALLBACK_CONTAINER),
        "fallback_after": reader.read("FALLBACK_AFTER", _duration, timedelta(minutes=30)),
        "dead_letter_storage": _storage(reader, "DEAD_LETTER_STORAGE", ("blob",), is_required=False),
        "dead_letter_container": reader.read("DEAD_LETTER_CONTAINER", _container, DEAD_LETTER_CONTAINER),
        "external_containers": reader.read("EXTERNAL_STORAGE_CONTAINERS", _containers, ()),
        "retention": reader.read("RETENTION_HOURS", _hours, timedelta(hours=24)),
        "at_risk_below": reader.read("AT_RISK_HOURS", _hours, timedelta(hours=6)),
        "expected_after": reader.read("EXPECTED_AFTER_HOURS", _hours, timedelta(hours=1)),
        "verify_readback": reader.read("VERIFY_READBACK", _flag, default=True),
        "media_check": reader.read("MEDIA_CHECK", _media_check, MediaCheck.REQUIRE),
        "copy_time_budget": reader.read("COPY_TIME_BUDGET", _duration, timedelta(minutes=25)),
        "claim_length": reader.read("CLAIM_SECONDS", _claim, timedelta(minutes=2)),
        "copy_slots": reader.read("COPY_SLOTS", _slots, None),
        "copy_block_bytes": reader.read("COPY_BLOCK_MIB", _block, None),
        "insights": reader.read("APPLICATIONINSIGHTS_CONNECTION_STRING", _insights, None),
        "trace_ratio": reader.read("TELEMETRY_TRACE_RATIO", _ratio, 0.1),
        "platform_auth": reader.read("WEBSITE_AUTH_ENABLED", _flag, default=False),
        "start_rate_per_minute": reader.read("START_RATE_PER_MINUTE", _rate, 300),
        "consent_required": reader.read("CONSENT_REQUIRED", _flag, default=False),
        "monitor_workspace_id": reader.read("MONITOR_WORKSPACE_ID", _guid, None),
        "monitor_endpoint": reader.read("MONITOR_ENDPOINT", _endpoint, DEFAULT_MONITOR_ENDPOINT),
    }
    if reader.faults:
        raise SettingsError(reader.faults)
    return Settings(**values)


def use_settings_file(path: Path) -> None:
    """Puts the values of a file in the form of local.settings.json into this process's environment.

    Raises:
        SettingsError: the file is not there, or has not that form.
    """
    try:
        values = json.loads(path.read_text())["Values"]
        os.environ.update({str(name): str(value) for name, value in values.items()})
    except (OSError, ValueError, LookupError, TypeError, AttributeError) as error:
        raise SettingsError({"--settings": "names no file in the form of local.settings.json"}) from error


class _Reader:
    """Reads values by name and collects what is wrong with them."""

    def __init__(self, environment: Mapping[str, str]) -> None:
        self.environment = environment
        self.faults: dict[str, str] = {}

    def text(self, name: str) -> str | None:
        return self.environment.get(name, "").strip() or None

    def read(self, name: str, parse: Callable[[str], Any], default: Any) -> Any:
        text = self.text(name)
        if text is None:
            return default
        try:
            return parse(text)
        except ValueError as error:
            self.faults[name] = str(error)
            return default


def _acs(reader: _Reader) -> AcsConnection | None:
    connection_string, endpoint = reader.text("ACS_CONNECTION_STRING"), reader.text("ACS_ENDPOINT")
    if connection_string and endpoint:
        reader.faults["ACS_ENDPOINT"] = "and ACS_CONNECTION_STRING are both set; identity or key, not both"
    key = None
    if connection_string:
        endpoint, key = reader.read("ACS_CONNECTION_STRING", _connection_string, (None, None))
    elif endpoint:
        endpoint = reader.read("ACS_ENDPOINT", _endpoint, None)
    else:
        reader.faults["ACS_ENDPOINT"] = "is missing (identity), or set ACS_CONNECTION_STRING (access key)"
    facts = {
        "proxy_url": reader.read("ACS_PROXY_URL", _proxy, None),
        "ca_bundle": reader.read("ACS_CA_BUNDLE", _file, None),
        "resource_id": reader.read("ACS_RESOURCE_ID", _resource_id, None),
        "content_hosts": reader.read("ACS_CONTENT_HOSTS", _hosts, DEFAULT_CONTENT_HOSTS),
        "client_id": reader.text("ACS_CLIENT_ID") or reader.text("AzureWebJobsStorage__clientId"),
    }
    return AcsConnection(endpoint=endpoint, access_key=key, **facts) if endpoint else None


def _storage(
    reader: _Reader, name: str, services: tuple[str, ...], *, is_required: bool = True
) -> StorageConnection | None:
    """A connection string `NAME`, or `NAME__blobServiceUri` … (or `NAME__accountName`) with an identity."""
    if connection_string := reader.text(name):
        if fault := _storage_fault(connection_string):
            reader.faults[name] = fault
        return StorageConnection(connection_string=SecretStr(connection_string))
    account = reader.text(f"{name}__accountName")
    uris: dict[str, Any] = {}
    for service in services:
        setting = f"{name}__{service}ServiceUri"
        uris[f"{service}_uri"] = reader.read(setting, _service_uri, None) or (
            f"https://{account}.{service}.core.windows.net" if account else None
        )
    if not any(uris.values()) and not is_required:
        return None
    if not any(uris.values()):
        reader.faults[name] = f"is missing: a connection string, or {name}__blobServiceUri and identity"
        return None
    for service in services:
        if not uris[f"{service}_uri"] and f"{name}__{service}ServiceUri" not in reader.faults:
            reader.faults[f"{name}__{service}ServiceUri"] = "is missing beside the other service addresses"
    return StorageConnection(client_id=reader.text(f"{name}__clientId"), **uris)


def _storage_fault(text: str) -> str | None:
    """What is wrong with a storage connection string; without a credential in it the SDK would call anonymously."""
    parts = _parts(text)
    if parts.get("usedevelopmentstorage", "").lower() == "true":
        return None
    if not parts.get("accountname"):
        return "is not a storage connection string"
    if not (parts.get("accountkey") or parts.get("sharedaccesssignature")):
        return "has neither AccountKey nor SharedAccessSignature; for an identity use the __… forms instead"
    return None


def _parts(text: str) -> dict[str, str]:
    """The parts of a connection string, by their names in lower case."""
    named = (part.split("=", 1) for part in text.split(";") if "=" in part)
    return {name.strip().lower(): value.strip() for name, value in named}


def _connection_string(text: str) -> tuple[str, SecretStr]:
    parts = _parts(text)
    if not parts.get("endpoint") or not parts.get("accesskey"):
        raise ValueError("needs the form endpoint=https://…;accesskey=…")
    try:
        base64.b64decode(parts["accesskey"], validate=True)
    except (binascii.Error, ValueError):
        raise ValueError("has an access key that is not base64") from None
    return _endpoint(parts["endpoint"]), SecretStr(parts["accesskey"])


def _endpoint(text: str) -> str:
    if not re.fullmatch(r"https://[a-z0-9.-]+/?", text.lower()):
        raise ValueError("must be https:// and a host name, nothing more")
    return text.lower().rstrip("/")


def _guid(text: str) -> str:
    if not re.fullmatch(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", text.lower()):
        raise ValueError("must be a GUID")
    return text.lower()


def _service_uri(text: str) -> str:
    if not re.fullmatch(r"https?://[A-Za-z0-9.:-]+(/[a-z0-9-]+)?/?", text):
        raise ValueError("must be the address of a storage service")
    return text.rstrip("/")


def _proxy(text: str) -> str:
    if not re.fullmatch(r"https?://[A-Za-z0-9.-]+(:\d{1,5})?/?", text):
        raise ValueError("must be http://host:port without user or password")
    return text


def _file(text: str) -> str:
    if not Path(text).is_file():
        raise ValueError("names a file that is not there")
    return text


def _resource_id(text: str) -> str:
    if not re.fullmatch(
        r"/subscriptions/[^/]+/resourcegroups/[^/]+/providers/microsoft\.communication/communicationservices/[^/]+",
        text.lower(),
    ):
        raise ValueError("is not the resource id of a Communication Services resource")
    return text.lower()


def _hosts(text: str) -> tuple[str, ...]:
    hosts = tuple(part.strip().lower() for part in text.split(",") if part.strip())
    if not hosts or not all(re.fullmatch(r"\.?[a-z0-9-]+(\.[a-z0-9-]+)+", host) for host in hosts):
        raise ValueError("must be a comma-separated list of host names or of suffixes like .asm.skype.com")
    return hosts


def _container(text: str) -> str:
    if not re.fullmatch(r"(?!.*--)[a-z0-9][a-z0-9-]{1,61}[a-z0-9]", text):
        raise ValueError("is not a legal container name")
    return text


def _containers(text: str) -> tuple[str, ...]:
    urls = tuple(part.strip().rstrip("/") for part in text.split(",") if part.strip())
    if not urls or not all(re.fullmatch(r"https?://[a-z0-9.:-]+(/[a-z0-9$-]+){1,2}", url) for url in urls):
        raise ValueError("must be a comma-separated list of container URLs, without a SAS")
    return urls


def _template(text: str) -> str:
    if fault := template_fault(text):
        raise ValueError(fault)
    return text


def _tier(text: str) -> str:
    tier = text.capitalize()
    if tier not in ("Hot", "Cool", "Cold"):
        raise ValueError("must be Hot, Cool or Cold; let a lifecycle rule archive later, proof needs to read")
    return tier


def _number(text: str, least: float, most: float, unit: str) -> float:
    try:
        number = float(text)
    except ValueError:
        number = -1.0
    if not least <= number <= most:
        raise ValueError(f"must be a number of {unit} from {least:g} to {most:g}")
    return number


def _hours(text: str) -> timedelta:
    return timedelta(hours=_number(text, 0.01, 720, "hours"))


def _claim(text: str) -> timedelta:
    return timedelta(seconds=_number(text, 2, 3600, "seconds"))


def _slots(text: str) -> int:
    return int(_number(text, 1, 64, "buffers"))


def _ratio(text: str) -> float:
    return _number(text, 0, 1, "traces of one")


def _insights(text: str) -> SecretStr:
    if "instrumentationkey" not in _parts(text):
        raise ValueError("needs the form InstrumentationKey=…;IngestionEndpoint=…")
    return SecretStr(text)


def _rate(text: str) -> int:
    return int(_number(text, 1, 6000, "starts"))


def _block(text: str) -> int:
    return int(_number(text, 1, 100, "MiB")) << 20


def _duration(text: str) -> timedelta:
    """Seconds, or hh:mm:ss as host.json writes it."""
    if found := re.fullmatch(r"(\d{1,2}):([0-5]\d):([0-5]\d)", text):
        hours, minutes, seconds = (int(part) for part in found.groups())
        return timedelta(hours=hours, minutes=minutes, seconds=seconds)
    return timedelta(seconds=_number(text, 10, 86_400, "seconds (or hh:mm:ss)"))


def _flag(text: str) -> bool:
    if text.lower() not in ("true", "false", "1", "0"):
        raise ValueError("must be true or false")
    return text.lower() in ("true", "1")


def _media_check(text: str) -> MediaCheck:
    if text.lower() not in list(MediaCheck):
        raise ValueError("must be require, warn or off")
    return MediaCheck(text.lower())
