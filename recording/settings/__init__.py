"""Settings: one frozen model, read once; one message lists all faults by name and never repeats a value.

The only place that reads the environment. Every setting is described in docs/configuration.md.
"""

import json
import os
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Annotated, Any, TypeVar

from pydantic import BaseModel, ConfigDict, SecretStr

from recording.domain.archived.layout import DEFAULT_TEMPLATE
from recording.domain.calls.policy import CallPolicy, policy_for
from recording.domain.incoming.locations import DEFAULT_CONTENT_HOSTS
from recording.domain.incoming.tenants import Tenants, names_of
from recording.domain.names import DEAD_LETTER_CONTAINER, FALLBACK_CONTAINER
from recording.domain.outgoing.address import IpNetwork
from recording.domain.outgoing.endpoints import WebhookEndpoint, fault_of, is_reference, read_hosts, read_networks
from recording.domain.watched.protection import Immutability
from recording.errors import RecordingError
from recording.errors.codes import Code
from recording.settings import values as values
from recording.settings.aside import (
    OF_ALL_EVENTS,
    OF_ANALYSTS,
    OF_TELEMETRY,
    OF_TOPIC,
    OF_WEBHOOKS,
    SET_ASIDE,
    SetAside,
)
from recording.settings.places import misplaced
from recording.settings.values import MediaCheck

DEFAULT_MONITOR_ENDPOINT = "https://api.loganalytics.io"
_STRING = r'("(?:\\.|[^"\\])*")'
_COMMENT = re.compile(_STRING + r"|//[^\n]*|/\*.*?\*/", re.DOTALL)
_LAST_COMMA = re.compile(_STRING + r"|,(\s*[}\]])", re.DOTALL)
_OF_AN_APP = re.compile(
    "ACS_|AzureWebJobs|ARCHIVE_|FALLBACK_|DEAD_LETTER_|EXTERNAL_|APPLICATIONINSIGHTS_|MONITOR_|RETENTION_|AT_RISK_"
    "|EXPECTED_|VERIFY_|MEDIA_|SEAL_|EVENTS_|WEBHOOK|COPY_|CLAIM_|DOWNLOAD_LINK_|TELEMETRY_|WEBSITE_AUTH|CONSENT_"
    "|START_RATE_|CALL_POLICIES|TENANTS|RUNNING_|APP_SIGN_IN_|CUSTODIAN_|DELETE_AFTER_|DISPOSE_AFTER_|HOLD_GRACE_"
    "|INDEX_KEY|PARQUET_"
)
_SIGN_IN_BY = "AZURE_TOKEN_CREDENTIALS"  # of azure-identity: which of its ways it tries
SERVICES = ("blob", "queue", "table")
T = TypeVar("T")


class SettingsError(RecordingError):
    """Some settings are missing or wrong; `faults` has one sentence for each, by name."""

    code = Code.SETTINGS_INVALID

    def __init__(self, faults: Mapping[str, str]) -> None:
        self.faults = dict(faults)
        super().__init__("; ".join(f"{name} {fault}" for name, fault in faults.items()))


def needed(value: T | None, name: str) -> T:
    """Return a setting that this part of the app cannot work without.

    Raises:
        SettingsError: it is not set.
    """
    if value is None:
        raise SettingsError({name: "is not set"})
    return value


class _Frozen(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class AcsConnection(_Frozen):
    """How to reach ACS; `access_key` is None with an identity."""

    endpoint: str  # https://host without a trailing slash: the SDK signs it as it is
    access_key: SecretStr | None = None
    client_id: str | None = None
    proxy_url: str | None = None
    ca_bundle: str | None = None
    resource_id: str | None = None
    content_hosts: tuple[str, ...] = DEFAULT_CONTENT_HOSTS

    @property
    def host(self) -> str:
        """Return the resource's host name, as it is signed."""
        return self.endpoint.removeprefix("https://")


class StorageConnection(_Frozen):
    """How to reach a storage account: a connection string, or service addresses with an identity."""

    connection_string: SecretStr | None = None
    blob_uri: str | None = None
    queue_uri: str | None = None
    table_uri: str | None = None
    client_id: str | None = None

    @property
    def blob_host(self) -> str:
        """Return the host name of the account's blobs, where known; it is used as a name and never called."""
        if self.blob_uri:
            return self.blob_uri.removeprefix("https://").removeprefix("http://").partition("/")[0]
        text = self.connection_string.get_secret_value() if self.connection_string else ""
        parts = values.parts_of(text)
        suffix = parts.get("endpointsuffix", "core.windows.net")
        return f"{parts.get('accountname', 'devstoreaccount1')}.blob.{suffix}"


class TopicConnection(_Frozen):
    """How to reach the Event Grid topic for outgoing events; `key` is None with an identity."""

    endpoint: str
    key: SecretStr | None = None
    client_id: str | None = None


@dataclass(frozen=True)
class Setting:
    """The name of a value in the environment, and its parser."""

    name: str
    read: Callable[[str], Any]


class Settings(_Frozen):
    """All settings, validated: one line each, with name, form and default."""

    acs: AcsConnection
    host_storage: StorageConnection
    archive_storage: StorageConnection
    archive_container: Annotated[str, Setting("ARCHIVE_CONTAINER", values.container)] = "recordings"
    archive_path_template: Annotated[str, Setting("ARCHIVE_PATH_TEMPLATE", values.template)] = DEFAULT_TEMPLATE
    archive_access_tier: Annotated[str | None, Setting("ARCHIVE_ACCESS_TIER", values.tier)] = None
    archive_resource_id: Annotated[str | None, Setting("ARCHIVE_RESOURCE_ID", values.account_id)] = None
    archive_immutability: Annotated[Immutability | None, Setting("ARCHIVE_IMMUTABILITY", values.immutability)] = None
    fallback_storage: StorageConnection | None = None
    fallback_container: Annotated[str, Setting("FALLBACK_CONTAINER", values.container)] = FALLBACK_CONTAINER
    fallback_after: Annotated[timedelta, Setting("FALLBACK_AFTER", values.duration)] = timedelta(minutes=30)
    dead_letter_storage: StorageConnection | None = None
    custodian_storage: StorageConnection | None = None
    custodian_purges: Annotated[bool, Setting("CUSTODIAN_PURGES", values.flag)] = False
    dead_letter_container: Annotated[str, Setting("DEAD_LETTER_CONTAINER", values.container)] = DEAD_LETTER_CONTAINER
    external_containers: Annotated[tuple[str, ...], Setting("EXTERNAL_STORAGE_CONTAINERS", values.containers)] = ()
    retention: Annotated[timedelta, Setting("RETENTION_HOURS", values.hours)] = timedelta(hours=24)
    at_risk_below: Annotated[timedelta, Setting("AT_RISK_HOURS", values.hours)] = timedelta(hours=6)
    delete_after: Annotated[timedelta | None, Setting("DELETE_AFTER_DAYS", values.days)] = None
    expected_after: Annotated[timedelta, Setting("EXPECTED_AFTER_HOURS", values.hours)] = timedelta(hours=1)
    verify_readback: Annotated[bool, Setting("VERIFY_READBACK", values.flag)] = True
    media_check: Annotated[MediaCheck, Setting("MEDIA_CHECK", values.media_check)] = MediaCheck.REQUIRE
    copy_time_budget: Annotated[timedelta, Setting("COPY_TIME_BUDGET", values.duration)] = timedelta(minutes=25)
    claim_length: Annotated[timedelta, Setting("CLAIM_SECONDS", values.claim)] = timedelta(minutes=2)
    copy_slots: Annotated[int | None, Setting("COPY_SLOTS", values.slots)] = None
    copy_block_bytes: Annotated[int | None, Setting("COPY_BLOCK_MIB", values.block)] = None
    copy_sha512: Annotated[bool, Setting("COPY_SHA512", values.flag)] = True
    consent_required: Annotated[bool, Setting("CONSENT_REQUIRED", values.flag)] = False
    call_policies: Annotated[tuple[CallPolicy, ...], Setting("CALL_POLICIES", values.policies)] = ()
    tenants: Annotated[Tenants | None, Setting("TENANTS", values.tenants)] = None
    monitor_workspace_id: Annotated[str | None, Setting("MONITOR_WORKSPACE_ID", values.guid)] = None
    monitor_endpoint: Annotated[str, Setting("MONITOR_ENDPOINT", values.endpoint)] = DEFAULT_MONITOR_ENDPOINT
    insights: Annotated[SecretStr | None, Setting("APPLICATIONINSIGHTS_CONNECTION_STRING", values.insights)] = None
    trace_ratio: Annotated[float, Setting("TELEMETRY_TRACE_RATIO", values.ratio)] = 0.1
    platform_auth: Annotated[bool, Setting("WEBSITE_AUTH_ENABLED", values.flag)] = False
    sign_in_required: Annotated[bool, Setting("APP_SIGN_IN_REQUIRED", values.flag)] = False
    start_rate_per_minute: Annotated[int, Setting("START_RATE_PER_MINUTE", values.rate)] = 300
    running_per_caller: Annotated[int | None, Setting("RUNNING_PER_CALLER", values.places)] = None
    download_links_for: Annotated[timedelta | None, Setting("DOWNLOAD_LINK_MINUTES", values.link_minutes)] = None
    dispose_after: Annotated[timedelta, Setting("DISPOSE_AFTER_DAYS", values.whole_days)] = timedelta(days=14)
    hold_grace: Annotated[timedelta, Setting("HOLD_GRACE_DAYS", values.whole_days)] = timedelta(days=30)
    index_keys: Annotated[tuple[SecretStr, ...], Setting("INDEX_KEY", values.index_keys)] = ()
    parquet_container: Annotated[str | None, Setting("PARQUET_CONTAINER", values.container)] = None
    parquet_tags: Annotated[tuple[str, ...], Setting("PARQUET_TAGS", values.column_names)] = ()
    seal_key: Annotated[str | None, Setting("SEAL_KEY", values.seal_key)] = None
    seal_timestamp_url: Annotated[str | None, Setting("SEAL_TIMESTAMP_URL", values.stamping_url)] = None
    events_topic: TopicConnection | None = None
    events_api: Annotated[str, Setting("EVENTS_API_URL", values.api_url)] = ""
    webhooks: Annotated[tuple[WebhookEndpoint, ...], Setting("WEBHOOKS", values.webhooks)] = ()
    webhooks_missing: bool = False  # WEBHOOKS is a Key Vault reference that the platform could not resolve
    events_wait: bool = False  # events are configured, but a setting that they need is set aside
    webhook_hosts: Annotated[tuple[str, ...], Setting("WEBHOOK_HOSTS", read_hosts)] = ()
    webhook_networks: Annotated[tuple[IpNetwork, ...], Setting("WEBHOOK_NETWORKS", read_networks)] = ()
    set_aside: tuple[SetAside, ...] = ()  # settings that could not be read, which stops nothing else

    @property
    def sends_events(self) -> bool:
        """Return whether any receiver of events is configured."""
        return self.events_topic is not None or bool(self.webhooks) or self.webhooks_missing or self.events_wait

    @property
    def analysts_wait(self) -> bool:
        """Return whether the analysts' files may exist out of reach, because their setting is set aside."""
        return any(one.name in OF_ANALYSTS for one in self.set_aside)

    def policy(self, caller: str | None, tags: Mapping[str, str]) -> CallPolicy:
        """Return the policy that covers a recording of this caller with these tags."""
        return policy_for(self.call_policies, caller, tags, consent_required=self.consent_required)


def read_settings(environment: Mapping[str, str] | None = None) -> Settings:
    """Return the settings of the environment.

    Wrong settings that only outgoing events, telemetry, time stamps, links or analysts need are set aside
    (docs/adr/0063).

    Raises:
        SettingsError: naming every setting that is missing or wrong, without repeating a value.
    """
    reader = _Reader(os.environ if environment is None else environment)
    found: dict[str, Any] = {
        "acs": _acs(reader),
        "host_storage": _storage(reader, "AzureWebJobsStorage", SERVICES),
        "archive_storage": _storage(reader, "ARCHIVE_STORAGE", ("blob",)),
        "fallback_storage": _storage(reader, "FALLBACK_STORAGE", ("blob",), is_required=False),
        "dead_letter_storage": _storage(reader, "DEAD_LETTER_STORAGE", ("blob",), is_required=False),
        "custodian_storage": _storage(reader, "CUSTODIAN_STORAGE", ("blob",), is_required=False),
        "events_topic": _topic(reader),
        "webhooks_missing": reader.leave_out_reference("WEBHOOKS"),
    }
    for field, setting in settings_by_field().items():
        found[field] = reader.read(setting.name, setting.read, Settings.model_fields[field].default)
    reader.faults |= reader.references
    reader.faults |= {name: fault for name, fault in misplaced(found).items() if name not in reader.faults}
    if not reader.faults.keys() & OF_WEBHOOKS:
        tenants = None if "TENANTS" in reader.faults else names_of(found["tenants"])
        if fault := fault_of(found["webhooks"], found["webhook_hosts"], found["webhook_networks"], tenants):
            reader.faults["WEBHOOKS"] = fault
    if reader.faults.keys() - SET_ASIDE:
        raise SettingsError(reader.faults)
    found["set_aside"] = tuple(SetAside(name, fault) for name, fault in reader.faults.items())
    return Settings(**{**found, **_waiting(reader)})


def _waiting(reader: "_Reader") -> dict[str, Any]:
    """Return the changes for settings that are set aside: nothing is half sent or half written; all of it waits."""
    faults, changed = reader.faults.keys(), dict[str, Any]()
    if faults & (OF_WEBHOOKS | OF_ALL_EVENTS) and reader.is_set("WEBHOOKS"):
        changed |= {"webhooks": (), "events_wait": True}
    if faults & (OF_TOPIC | OF_ALL_EVENTS) and reader.is_set("EVENTS_TOPIC_ENDPOINT"):
        changed |= {"events_topic": None, "events_wait": True}
    if faults & OF_ANALYSTS:
        changed |= {"parquet_container": None, "parquet_tags": ()}
    if faults & OF_TELEMETRY:
        changed |= {"insights": None}
    return changed


def settings_by_field() -> dict[str, Setting]:
    """Return the setting's name for each field that one variable decides."""
    fields = Settings.model_fields.items()
    return {field: part for field, info in fields for part in info.metadata if isinstance(part, Setting)}


def use_settings_file(path: Path) -> None:
    """Load a file in the form of local.settings.json, comments allowed, into this process's environment.

    Raises:
        SettingsError: the file does not exist, cannot be read, or has another form.
    """
    try:
        content = json.loads(without_comments(path.read_text(encoding="utf-8-sig")))
    except OSError as error:
        raise SettingsError({"--settings": f"names {path}, which cannot be read: {error.strerror}"}) from None
    except (ValueError, RecursionError) as error:
        place = f": line {error.lineno}" if isinstance(error, json.JSONDecodeError) else ""
        raise SettingsError({"--settings": f"names {path}, which is not JSON{place}"}) from None
    values = content.get("Values") if isinstance(content, dict) else None
    if not isinstance(values, dict):
        raise SettingsError({"--settings": f'names {path}, a file without "Values", as local.settings.json has them'})
    if str(content.get("IsEncrypted")).lower() == "true":
        raise SettingsError({"--settings": f"names {path}, which is encrypted: run `func settings decrypt` first"})
    try:
        os.environ.update({str(name): str(value) for name, value in values.items() if value is not None})
    except (ValueError, OSError):
        fault = f"names {path}, which has a name or a value that no environment can hold"
        raise SettingsError({"--settings": fault}) from None


def use_settings_of_app(values: Mapping[str, str]) -> None:
    """Replace this process's settings by a deployed app's, for the signed-in developer.

    Azure's library then uses developer tools (`az login`, azd, PowerShell) instead of a managed identity.
    """
    for name in [name for name in os.environ if _OF_AN_APP.match(name)]:
        del os.environ[name]
    os.environ.update({**values, _SIGN_IN_BY: "dev"})


def without_comments(text: str) -> str:
    """Return JSON without comments and trailing commas, with the same line numbers."""
    kept = _COMMENT.sub(lambda found: found[1] or "\n" * found[0].count("\n"), text)
    return _LAST_COMMA.sub(lambda found: found[1] or found[2], kept)


class _Reader:
    """Reads values by name and collects their faults."""

    def __init__(self, environment: Mapping[str, str]) -> None:
        self.environment = environment
        self.faults: dict[str, str] = {}
        self.references: dict[str, str] = {}  # settings whose secret the platform could not resolve

    def is_set(self, name: str) -> bool:
        return bool(self.environment.get(name, "").strip())

    def text(self, name: str) -> str | None:
        """Return a setting's text; an unresolved Key Vault reference counts as unset, never as the secret itself."""
        text = self.environment.get(name, "").strip()
        if is_reference(text):
            self.references[name] = "is a Key Vault reference that the platform could not follow"
            return None
        return text or None

    def leave_out_reference(self, name: str) -> bool:
        """Treat an unresolved Key Vault reference as a setting that is not set; return whether it was one.

        For settings that must not stop the app from archiving.
        """
        found = is_reference(self.environment.get(name, ""))
        if found:
            self.environment = {**self.environment, name: ""}
        return found

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
        endpoint, key = reader.read("ACS_CONNECTION_STRING", values.connection_string, (None, None))
    elif endpoint:
        endpoint = reader.read("ACS_ENDPOINT", values.endpoint, None)
    else:
        reader.faults["ACS_ENDPOINT"] = "is missing (identity), or set ACS_CONNECTION_STRING (access key)"
    connection = {
        "proxy_url": reader.read("ACS_PROXY_URL", values.proxy, None),
        "ca_bundle": reader.read("ACS_CA_BUNDLE", values.file, None),
        "resource_id": reader.read("ACS_RESOURCE_ID", values.resource_id, None),
        "content_hosts": reader.read("ACS_CONTENT_HOSTS", values.hosts, DEFAULT_CONTENT_HOSTS),
        "client_id": reader.text("ACS_CLIENT_ID") or reader.text("AzureWebJobsStorage__clientId"),
    }
    return AcsConnection(endpoint=endpoint, access_key=key, **connection) if endpoint else None


def _topic(reader: _Reader) -> TopicConnection | None:
    key = reader.read("EVENTS_TOPIC_KEY", values.topic_key, None)
    client_id = reader.read("EVENTS_TOPIC_CLIENT_ID", values.client_id, None)
    endpoint = reader.read("EVENTS_TOPIC_ENDPOINT", values.topic_endpoint, None)
    if endpoint is None:
        return None
    return TopicConnection(
        endpoint=endpoint,
        key=key,
        client_id=client_id or reader.text("AzureWebJobsStorage__clientId"),
    )


def _storage(
    reader: _Reader, name: str, services: tuple[str, ...], *, is_required: bool = True
) -> StorageConnection | None:
    """Return a connection string `NAME`, or `NAME__blobServiceUri` … (or `NAME__accountName`) with an identity."""
    if connection_string := reader.text(name):
        if fault := values.storage_fault(connection_string):
            reader.faults[name] = fault
        return StorageConnection(connection_string=SecretStr(connection_string))
    account = reader.text(f"{name}__accountName")
    uris: dict[str, Any] = {}
    for service in services:
        setting = f"{name}__{service}ServiceUri"
        uris[f"{service}_uri"] = reader.read(setting, values.service_uri, None) or (
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
