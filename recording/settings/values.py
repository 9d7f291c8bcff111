"""Parsers of setting values: each reads one text, or raises ValueError with a sentence about the form.

A sentence never repeats the value: it may be a secret.
"""

import base64
import binascii
import math
import re
from datetime import timedelta
from enum import StrEnum
from pathlib import Path

from pydantic import SecretStr, TypeAdapter, ValidationError

from recording.domain.archived.layout import template_fault
from recording.domain.calls.policy import MOST_POLICIES, CallPolicy
from recording.domain.incoming.running import MOST_PLACES
from recording.domain.incoming.tenants import Tenants
from recording.domain.outgoing.endpoints import WebhookEndpoint
from recording.domain.watched.protection import Immutability
from recording.settings.json_form import json_of, places_of

SHORTEST_INDEX_KEY = 32  # bytes
MOST_COLUMNS = 20
LONGEST_LINK = 30  # minutes: allowing for clock skew, that stays within the hour that the account permits
_AUTHORITY, _SEGMENTS = r"[A-Za-z0-9.-]+(:[0-9]{1,5})?", r"(/[A-Za-z0-9._-]+)*/?"
_GUID = r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}"


class MediaCheck(StrEnum):
    """What happens when media does not open or its duration disagrees."""

    REQUIRE = "require"
    WARN = "warn"
    OFF = "off"


def storage_fault(text: str) -> str | None:
    """Return what is wrong with a storage connection string; without a credential the SDK would call anonymously."""
    parts = parts_of(text)
    if parts.get("usedevelopmentstorage", "").lower() == "true":
        return None
    if not parts.get("accountname"):
        return "is not a storage connection string"
    if not (parts.get("accountkey") or parts.get("sharedaccesssignature")):
        return "has neither AccountKey nor SharedAccessSignature; for an identity use the __… forms instead"
    if parts.get("accountkey") and not _is_base64(parts["accountkey"]):
        return "has an AccountKey that is not base64: was it cut, or is it still a placeholder?"
    return None


def _is_base64(text: str) -> bool:
    try:
        return bool(base64.b64decode(text, validate=True))
    except (binascii.Error, ValueError):
        return False


def parts_of(text: str) -> dict[str, str]:
    """Return the parts of a connection string, by their names in lower case."""
    named = (part.split("=", 1) for part in text.split(";") if "=" in part)
    return {name.strip().lower(): value.strip() for name, value in named}


def connection_string(text: str) -> tuple[str, SecretStr]:
    """Read endpoint and access key of an ACS connection string."""
    parts = parts_of(text)
    if not parts.get("endpoint") or not parts.get("accesskey"):
        raise ValueError("needs the form endpoint=https://…;accesskey=…")
    if not _is_base64(parts["accesskey"]):
        raise ValueError("has an access key that is not base64")
    return endpoint(parts["endpoint"]), SecretStr(parts["accesskey"])


def endpoint(text: str) -> str:
    """Read an https address of a host, in lower case, without a trailing slash."""
    if not re.fullmatch(r"https://[a-z0-9.-]+/?", text.lower()):
        raise ValueError("must be https:// and a host name, nothing more")
    if "your-resource" in text.lower():
        raise ValueError("still has the placeholder of the example: write the name of your resource")
    return text.lower().rstrip("/")


def guid(text: str) -> str:
    """Read a GUID, in lower case."""
    if not re.fullmatch(_GUID, text.lower()):
        raise ValueError("must be a GUID")
    return text.lower()


def service_uri(text: str) -> str:
    """Read the address of a storage service."""
    if not re.fullmatch(r"https?://[A-Za-z0-9.:-]+(/[a-z0-9-]+)?/?", text):
        raise ValueError("must be the address of a storage service")
    return text.rstrip("/")


def proxy(text: str) -> str:
    """Read the address of an HTTP proxy, without credentials."""
    if not re.fullmatch(r"https?://[A-Za-z0-9.-]+(:\d{1,5})?/?", text):
        raise ValueError("must be http://host:port without user or password")
    return text


def file(text: str) -> str:
    """Read the path of a file that exists."""
    if not Path(text).is_file():
        raise ValueError("names a file that is not there")
    return text


def resource_id(text: str) -> str:
    """Read the resource id of a Communication Services resource, in lower case."""
    if not re.fullmatch(
        r"/subscriptions/[^/]+/resourcegroups/[^/]+/providers/microsoft\.communication/communicationservices/[^/]+",
        text.lower(),
    ):
        raise ValueError("is not the resource id of a Communication Services resource")
    return text.lower()


def account_id(text: str) -> str:
    """Read the resource id of a storage account."""
    pattern = r"/subscriptions/[^/]+/resourcegroups/[^/]+/providers/microsoft\.storage/storageaccounts/[a-z0-9]+"
    if not re.fullmatch(pattern, text.lower()):
        raise ValueError("is not the resource id of a storage account")
    return text


def immutability(text: str) -> Immutability:
    """Read the policy that the archive's account should have."""
    try:
        return Immutability(text.capitalize())
    except ValueError:
        raise ValueError("must be Off, Unlocked or Locked") from None


def hosts(text: str) -> tuple[str, ...]:
    """Read a list of host names and suffixes, in lower case."""
    names = tuple(part.strip().lower() for part in text.split(",") if part.strip())
    if not names or not all(re.fullmatch(r"\.?[a-z0-9-]+(\.[a-z0-9-]+)+", host) for host in names):
        raise ValueError("must be a comma-separated list of host names or of suffixes like .asm.skype.com")
    return names


def container(text: str) -> str:
    """Read a container name."""
    if not re.fullmatch(r"(?!.*--)[a-z0-9][a-z0-9-]{1,61}[a-z0-9]", text):
        raise ValueError("is not a legal container name")
    return text


def containers(text: str) -> tuple[str, ...]:
    """Read a list of container addresses."""
    urls = tuple(part.strip().rstrip("/") for part in text.split(",") if part.strip())
    if not urls or not all(re.fullmatch(r"https?://[a-z0-9.:-]+(/[a-z0-9$-]+){1,2}", url) for url in urls):
        raise ValueError("must be a comma-separated list of container URLs, without a SAS")
    return urls


def template(text: str) -> str:
    """Read a path template of the archive."""
    if fault := template_fault(text):
        raise ValueError(fault)
    return text


def tier(text: str) -> str:
    """Read an access tier that can be read at once."""
    name = text.capitalize()
    if name not in ("Hot", "Cool", "Cold"):
        raise ValueError("must be Hot, Cool or Cold; let a lifecycle rule archive later, proof needs to read")
    return name


def column_names(text: str) -> tuple[str, ...]:
    """Read a list of tags that may become columns."""
    names = tuple(dict.fromkeys(part.strip() for part in text.split(",") if part.strip()))
    if not all(re.fullmatch(r"[A-Za-z0-9_-]{1,64}", name, re.ASCII) for name in names) or len(names) > MOST_COLUMNS:
        raise ValueError("must be a comma-separated list of at most 20 tag names of letters, digits, - and _")
    return names


def number(text: str, least: float, most: float, unit: str) -> float:
    """Read a number of `unit` from `least` to `most`."""
    try:
        value = float(text)
    except ValueError:
        value = math.nan  # outside every range; -1 is a value of some settings
    if not least <= value <= most:
        raise ValueError(f"must be a number of {unit} from {least:g} to {most:g}")
    return value


def hours(text: str) -> timedelta:
    """Read a time in hours."""
    return timedelta(hours=number(text, 0.01, 720, "hours"))


def days(text: str) -> timedelta | None:
    """Read a number of days, where -1 is never."""
    found = number(text, -1, 36_500, "days, or -1 for never,")
    return timedelta(days=found) if found >= 0 else None


def whole_days(text: str) -> timedelta:
    """Read a number of days."""
    return timedelta(days=number(text, 0, 3650, "days"))


def claim(text: str) -> timedelta:
    """Read the length of a claim in seconds."""
    return timedelta(seconds=number(text, 2, 3600, "seconds"))


def slots(text: str) -> int:
    """Read a number of buffers."""
    return int(number(text, 1, 64, "buffers"))


def ratio(text: str) -> float:
    """Read a share of all traces."""
    return number(text, 0, 1, "traces of one")


def insights(text: str) -> SecretStr:
    """Read a connection string of Application Insights, and write it as the exporter takes it."""
    parts = parts_of(text)
    key = parts.get("instrumentationkey", "").lower()
    if not re.fullmatch(_GUID, key) or any("=" in value for value in parts.values()):
        raise ValueError("needs the form InstrumentationKey=…;IngestionEndpoint=…")
    return SecretStr(";".join(f"{name}={value}" for name, value in {**parts, "instrumentationkey": key}.items()))


def rate(text: str) -> int:
    """Read a number of starts a minute."""
    return int(number(text, 1, 6000, "starts"))


def link_minutes(text: str) -> timedelta:
    """Read for how many minutes a download link is valid."""
    return timedelta(minutes=int(number(text, 1, LONGEST_LINK, "minutes")))


def places(text: str) -> int:
    """Read a number of recordings that may run at once."""
    return int(number(text, 1, MOST_PLACES, "recordings"))


def policies(text: str) -> tuple[CallPolicy, ...]:
    """Read the policies of calls: a JSON list, the most specific first."""
    content = json_of(text, "a JSON list of policies")
    try:
        found = TypeAdapter(tuple[CallPolicy, ...]).validate_python(content)
    except ValidationError as error:
        raise ValueError(f"has policies with a fault at {places_of(error)}") from None
    names = [policy.name for policy in found]
    if len(set(names)) != len(names) or len(names) > MOST_POLICIES:
        raise ValueError(f"must have at most {MOST_POLICIES} policies, each with a name of its own")
    return found


def tenants(text: str) -> Tenants:
    """Read the tenants: a JSON object."""
    content = json_of(text, "a JSON object with tenants")
    try:
        return Tenants.model_validate(content)
    except ValidationError as error:
        raise ValueError(f"has tenants with a fault at {places_of(error)}") from None


def webhooks(text: str) -> tuple[WebhookEndpoint, ...]:
    """Read the endpoints of webhooks: a JSON list of names, URLs, secrets and types."""
    content = json_of(text, "a JSON list of endpoints")
    try:
        return TypeAdapter(tuple[WebhookEndpoint, ...]).validate_python(content)
    except ValidationError as error:
        raise ValueError(f"has endpoints with a fault at {places_of(error)}") from None


def topic_endpoint(text: str) -> str:
    """Read the address of an Event Grid topic; plain http only on loopback."""
    is_ours = re.fullmatch(r"http://127\.0\.0\.1:[0-9]{1,5}/[A-Za-z0-9_./-]*", text)
    if not is_ours and not re.fullmatch(r"https://[a-z0-9.-]+/api/events", text.lower()):
        raise ValueError("must be https://…/api/events, as the topic shows it")
    return text


def api_url(text: str) -> str:
    """Read the address of our own API, for links, without a trailing slash."""
    if not re.fullmatch(rf"https://{_AUTHORITY}{_SEGMENTS}|http://(localhost|127\.0\.0\.1):[0-9]+{_SEGMENTS}", text):
        raise ValueError("must be https:// with the host and the path of the API")
    return text.rstrip("/")


def block(text: str) -> int:
    """Read a size in MiB, as bytes."""
    return int(number(text, 1, 100, "MiB")) << 20


def client_id(text: str) -> str:
    """Read the client id of an identity."""
    if not re.fullmatch(r"[A-Za-z0-9_-]{1,64}", text):
        raise ValueError("must be the client id of an identity: letters, digits and hyphens")
    return text


def topic_key(text: str) -> SecretStr:
    """Read the access key of an Event Grid topic."""
    if not re.fullmatch(r"[A-Za-z0-9+/=_-]{16,256}", text):
        raise ValueError("must be an access key of the topic: letters, digits, +, / and =")
    return SecretStr(text)


def index_keys(text: str) -> tuple[SecretStr, ...]:
    """Read the keys of the directory's hashes; the first one is used for writing."""
    keys = [part.strip() for part in text.split(",") if part.strip()]
    try:
        sizes = [len(base64.b64decode(key, validate=True)) for key in keys]
    except (binascii.Error, ValueError):
        sizes = []
    if not sizes or min(sizes) < SHORTEST_INDEX_KEY or len(set(keys)) != len(keys):
        raise ValueError("must be base64 of at least 32 random bytes; during a rotation: new key, comma, old key")
    return tuple(SecretStr(key) for key in keys)


_VAULTS = r"(?:vault|managedhsm)\.(?:azure\.net|azure\.cn|usgovcloudapi\.net)"
_VAULT_KEY = re.compile(rf"https://[a-z0-9-]{{3,24}}\.{_VAULTS}/keys/[A-Za-z0-9-]{{1,127}}")


def seal_key(text: str) -> str:
    """Read the address of a key in a vault, or the path of a private key in a file."""
    if _VAULT_KEY.fullmatch(text) or (not text.startswith("http") and Path(text).is_file()):
        return text
    raise ValueError("must be https://NAME.vault.azure.net/keys/KEY, or a PEM file that is there")


def stamping_url(text: str) -> str:
    """Read the address of a time-stamping authority."""
    if not re.fullmatch(r"https://[A-Za-z0-9.-]+(:\d{1,5})?(/[A-Za-z0-9._~/-]*)?", text):
        raise ValueError("must be an https address without a query")
    return text


def duration(text: str) -> timedelta:
    """Read seconds, or hh:mm:ss as host.json writes it."""
    if found := re.fullmatch(r"(\d{1,2}):([0-5]\d):([0-5]\d)", text):
        hours, minutes, seconds = (int(part) for part in found.groups())
        text = str(hours * 3600 + minutes * 60 + seconds)
    return timedelta(seconds=number(text, 10, 86_400, "seconds (or hh:mm:ss)"))


def flag(text: str) -> bool:
    """Read true or false."""
    if text.lower() not in ("true", "false", "1", "0"):
        raise ValueError("must be true or false")
    return text.lower() in ("true", "1")


def media_check(text: str) -> MediaCheck:
    """Read what follows from a failed media check."""
    if text.lower() not in list(MediaCheck):
        raise ValueError("must be require, warn or off")
    return MediaCheck(text.lower())
