"""Webhook endpoints as the setting `WEBHOOKS` names them, and the signature of Standard Webhooks. Pure."""

import base64
import binascii
import re
from collections.abc import Collection, Sequence
from ipaddress import ip_network
from typing import Annotated

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, SecretStr

from recording.domain.outgoing.address import IpNetwork, UnsafeAddressError, checked_url
from recording.domain.outgoing.events import EventType, type_named

SECRET_PREFIX = "whsec_"  # noqa: S105 - what secrets begin with
SHORTEST_SECRET, LONGEST_SECRET = 24, 64  # bytes
MOST_SECRETS = 4
MOST_ENDPOINTS = 20
TOPIC_WAY = "event-grid"  # no endpoint may have the name of the other way
UNRESOLVED_WAY = "webhooks-setting"  # stands for all endpoints while their setting cannot be read
REFERENCE = "@Microsoft.KeyVault("  # what is left in a setting whose secret the platform cannot read; any case
_NAME = re.compile(r"[a-z0-9][a-z0-9-]{0,31}", re.ASCII)
_HOST = re.compile(r"(?:\*\.)?[a-z0-9-]+(?:\.[a-z0-9-]+)+(?::[0-9]{1,5})?", re.ASCII)


def is_reference(text: str) -> bool:
    """Return whether a setting's value is a Key Vault reference that the platform could not resolve."""
    return text.strip().lower().startswith(REFERENCE.lower())


def _checked_name(name: str) -> str:
    if not _NAME.fullmatch(name) or name in (TOPIC_WAY, UNRESOLVED_WAY):
        raise ValueError("is not a name of small letters, digits and hyphens")
    return name


def _checked_secret(secret: SecretStr) -> SecretStr:
    if not SHORTEST_SECRET <= len(secret_bytes(secret)) <= LONGEST_SECRET:
        raise ValueError(f"has a secret that is not {SHORTEST_SECRET} to {LONGEST_SECRET} bytes long")
    return secret


def secret_bytes(secret: SecretStr) -> bytes:
    """Return the key in a secret.

    Raises:
        ValueError: it is not `whsec_` and base64.
    """
    prefix, mark, text = secret.get_secret_value().partition(SECRET_PREFIX)
    try:
        key = base64.b64decode(text, validate=True) if mark and not prefix else b""
    except (binascii.Error, ValueError):
        key = b""
    if not key:
        raise ValueError("has a secret that is not whsec_ and base64")
    return key


class WebhookEndpoint(BaseModel):
    """Where events are posted. Several secrets sign at once while one is being replaced, the newest first."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: Annotated[str, AfterValidator(_checked_name)]
    url: SecretStr  # a query may hold a signature
    secrets: Annotated[
        tuple[Annotated[SecretStr, AfterValidator(_checked_secret)], ...],
        Field(min_length=1, max_length=MOST_SECRETS),
    ]
    types: tuple[str, ...] = ()  # empty: all
    tenant: str | None = None  # only events about this tenant's recordings; None: all

    def wants(self, kind: EventType) -> bool:
        """Return whether it receives events of this type."""
        return not self.types or kind in {type_named(word) for word in self.types}


def fault_of(
    endpoints: Sequence[WebhookEndpoint],
    hosts: Sequence[str],
    networks: Sequence[IpNetwork],
    tenants: Collection[str] | None = None,
) -> str | None:
    """Return what is wrong with endpoints of the right form; None when they may be used.

    Args:
        endpoints: of `WEBHOOKS`.
        hosts: that are allowed.
        networks: private ones that are allowed.
        tenants: the names of all tenants; None: they are not known, and not compared.
    """
    names = [endpoint.name for endpoint in endpoints]
    if len(set(names)) != len(names) or len(names) > MOST_ENDPOINTS:
        return f"must have at most {MOST_ENDPOINTS} endpoints, each with a name of its own"
    for endpoint in endpoints:
        if any(type_named(word) is None for word in endpoint.types):
            return f"has an event type at {endpoint.name} that does not exist"
        if tenants is not None and endpoint.tenant is not None and endpoint.tenant not in tenants:
            return f"has a tenant at {endpoint.name} that TENANTS does not name"
        try:
            checked_url(endpoint.url.get_secret_value(), hosts, networks)
        except UnsafeAddressError as error:
            return f"has a URL at {endpoint.name} that {error}"
    return None


def read_hosts(text: str) -> tuple[str, ...]:
    """Read a list of hosts: `name`, `name:port` or `*.suffix`.

    Raises:
        ValueError: one has another form.
    """
    found = tuple(part.strip().lower() for part in text.split(",") if part.strip())
    if not all(_HOST.fullmatch(host) for host in found):
        raise ValueError("must be host names, separated by commas: name, name:port or *.suffix")
    return found


def read_networks(text: str) -> tuple[IpNetwork, ...]:
    """Read a list of networks such as 10.1.0.0/16.

    Raises:
        ValueError: one has another form.
    """
    try:
        return tuple(ip_network(part.strip()) for part in text.split(",") if part.strip())
    except ValueError:
        raise ValueError("must be networks, separated by commas, like 10.1.0.0/16") from None
