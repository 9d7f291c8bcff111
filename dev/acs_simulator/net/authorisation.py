"""Lets a request in when it is signed with the access key, or carries a bearer token of the accepted kind."""

import base64
import hashlib
import hmac
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from enum import StrEnum

from dev.acs_simulator.options import SIGNATURE_SKEW, BearerTokens, SimulatorOptions

HMAC_HEADER = re.compile(r"HMAC-SHA256 SignedHeaders=x-ms-date;host;x-ms-content-sha256&Signature=(?P<signature>.+)")
JWT = re.compile(r"[\w-]+\.[\w-]+\.[\w-]+")


class Credential(StrEnum):
    """What a request was let in with."""

    ACCESS_KEY = "access_key"
    BEARER = "bearer"


@dataclass(frozen=True)
class SignedRequest:
    """The parts of a request that decide whether it is let in; `target` is path and query exactly as sent."""

    method: str
    target: str
    headers: Mapping[str, str]
    body: bytes


def credential_of(request: SignedRequest, options: SimulatorOptions, now: datetime) -> Credential | None:
    """Return the valid credential of the request, or None.

    `now` is the wall clock: signatures ignore simulated time.
    """
    given = request.headers.get("Authorization", "")
    scheme, _, token = given.partition(" ")
    if scheme.lower() == "bearer":
        return Credential.BEARER if _is_accepted(token.strip(), options.bearer_tokens) else None
    if _is_signed(request, given, options.access_key) and _is_recent(request.headers.get("x-ms-date", ""), now):
        return Credential.ACCESS_KEY
    return None


def _is_accepted(token: str, accepted: BearerTokens) -> bool:
    if accepted is BearerTokens.REFUSE:
        return False
    return bool(token) if accepted is BearerTokens.ANY else JWT.fullmatch(token) is not None


def _is_signed(request: SignedRequest, authorization: str, access_key: str) -> bool:
    match = HMAC_HEADER.fullmatch(authorization)
    if match is None or request.headers.get("x-ms-content-sha256") != _content_hash(request.body):
        return False
    valid = {_signature(request, host, access_key) for host in _possible_hosts(request.headers)}
    return any(hmac.compare_digest(match["signature"], signature) for signature in valid)


def _content_hash(body: bytes) -> str:
    return base64.b64encode(hashlib.sha256(body).digest()).decode()


def _possible_hosts(headers: Mapping[str, str]) -> set[str]:
    """Clients sign the ACS resource's host and name it in x-ms-host: without its port, even if they signed the port."""
    host = headers.get("Host", "")
    named = headers.get("x-ms-host")
    _, _, port = host.partition(":")
    return {name for name in (named, named and port and f"{named}:{port}", host) if name}


def _signature(request: SignedRequest, host: str, access_key: str) -> str:
    date, content_hash = request.headers.get("x-ms-date", ""), request.headers.get("x-ms-content-sha256", "")
    text = f"{request.method}\n{request.target}\n{date};{host};{content_hash}"
    return base64.b64encode(hmac.digest(base64.b64decode(access_key), text.encode(), "sha256")).decode()


def _is_recent(date: str, now: datetime) -> bool:
    try:
        signed_at = parsedate_to_datetime(date)
    except ValueError:
        return False
    if signed_at.tzinfo is None:
        signed_at = signed_at.replace(tzinfo=UTC)
    return abs(now - signed_at) <= SIGNATURE_SKEW
