"""Roles: the app roles, and the operations that each one allows.

Listeners and controllers may read; controllers may not listen; administrators may do everything. With Entra sign-in in
front of the app (Easy Auth) a caller needs a role in addition to the function key; without it the key alone decides,
which the platform has already checked.
"""

import base64
import binascii
import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from enum import StrEnum

from recording.errors import RequestError
from recording.errors.codes import Code

_LARGEST = 32 * 1024  # a principal with hundreds of groups has a few kilobytes
_ROLE_CLAIMS = frozenset({"roles", "role", "http://schemas.microsoft.com/ws/2008/06/identity/claims/role"})
_NAME_CLAIMS = ("name", "preferred_username", "http://schemas.xmlsoap.org/ws/2005/05/identity/claims/name")
_KIND_CLAIM, _SUBJECT_CLAIMS = "idtyp", ("http://schemas.xmlsoap.org/ws/2005/05/identity/claims/nameidentifier", "sub")
_OBJECT_ID_CLAIMS = ("http://schemas.microsoft.com/identity/claims/objectidentifier", "oid")
_SCOPE_CLAIMS = ("http://schemas.microsoft.com/identity/claims/scope", "scp")
_APP_CLAIMS = ("appid", "azp")
_GROUP_CLAIMS = frozenset({"groups", "http://schemas.microsoft.com/ws/2008/06/identity/claims/groups"})


class Role(StrEnum):
    """The app roles of the Entra application, by their values."""

    READ = "Recording.Read"
    LISTEN = "Recording.Listen"
    CONTROL = "Recording.Control"
    HOLD = "Recording.Hold"
    ERASE = "Recording.Erase"
    EXPORT = "Recording.Export"
    ADMIN = "Recording.Admin"


class Operation(StrEnum):
    """The operations that a caller may request, by the names of the functions."""

    START = "start_recording"
    GET = "get_recording"
    FIND = "find_recordings"
    SEARCH = "search_recordings"
    TIMELINE = "recording_timeline"
    TAG = "tag_recording"
    PAUSE = "pause_recording"
    RESUME = "resume_recording"
    STOP = "stop_recording"
    CONSENT = "tell_consent"
    PAUSES = "report_pauses"
    LIST_HELD = "list_held"
    REDRIVE_HELD = "redrive_held"
    ACCEPT_HELD = "accept_held"
    DISMISS_HELD = "dismiss_held"
    RETRY_HELD = "retry_held"
    DEEP_HEALTH = "deep_health"
    LISTEN = "chunk_media"
    SEE_PEAKS = "chunk_peaks"
    LINK = "download_link"
    HEAR_HELD = "hear_held"
    DERIVE = "derive_recording"
    LIST_DERIVED = "list_derived"
    HEAR_DERIVED = "derived_media"
    SEE_NOW = "console_now"
    VERIFY = "verify_recording"
    READ_AUDIT = "read_audit"
    READ_AUDIT_OF_RECORDING = "read_audit_of_recording"
    HOLD = "hold_recording"
    RELEASE = "release_recording"
    LIST_HOLDS = "list_recordings_on_hold"
    EXPLAIN = "recording_disposition"
    LIST_DISPOSITION = "list_disposition"
    GET_RULES = "get_retention_rules"
    SET_RULES = "set_retention_rules"
    REQUEST_ERASURE = "request_erasure"
    APPROVE_ERASURE = "approve_erasure"
    GET_ERASURE = "get_erasure"
    LIST_ERASURES = "list_erasures"
    CERTIFICATE = "get_certificate"
    GET_VCON = "recording_vcon"
    REQUEST_EXPORT = "request_export"
    GET_EXPORT = "get_export"
    LIST_EXPORTS = "list_exports"
    TAKE_BUNDLE = "export_bundle"
    EXPORT = "export"  # of one recording, by the queue
    LIST_RECEIVERS = "list_receivers"
    ENABLE_RECEIVER = "enable_receiver"
    REPLAY_EVENTS = "replay_events"
    IMPORT = "import_recordings"  # this one and the next three: by the command line alone
    REBUILD = "rebuild_catalog"
    REINDEX = "reindex_directory"
    CATCH_UP_SEAL = "catch_up_seal"


NEEDED: dict[Operation, Role] = {
    Operation.GET: Role.READ,
    Operation.FIND: Role.READ,
    Operation.SEARCH: Role.READ,
    Operation.TIMELINE: Role.READ,
    Operation.TAG: Role.CONTROL,
    Operation.START: Role.CONTROL,
    Operation.PAUSE: Role.CONTROL,
    Operation.RESUME: Role.CONTROL,
    Operation.STOP: Role.CONTROL,
    Operation.CONSENT: Role.CONTROL,
    Operation.PAUSES: Role.READ,
    Operation.LIST_HELD: Role.ADMIN,
    Operation.REDRIVE_HELD: Role.ADMIN,
    Operation.ACCEPT_HELD: Role.ADMIN,
    Operation.DISMISS_HELD: Role.ADMIN,
    Operation.RETRY_HELD: Role.ADMIN,
    Operation.DEEP_HEALTH: Role.ADMIN,
    Operation.LISTEN: Role.LISTEN,
    Operation.SEE_PEAKS: Role.LISTEN,
    Operation.LINK: Role.LISTEN,
    Operation.HEAR_HELD: Role.ADMIN,
    Operation.DERIVE: Role.LISTEN,
    Operation.LIST_DERIVED: Role.READ,
    Operation.HEAR_DERIVED: Role.LISTEN,
    Operation.SEE_NOW: Role.READ,
    Operation.VERIFY: Role.READ,
    Operation.READ_AUDIT: Role.ADMIN,
    Operation.READ_AUDIT_OF_RECORDING: Role.READ,
    Operation.HOLD: Role.HOLD,
    Operation.RELEASE: Role.HOLD,
    Operation.LIST_HOLDS: Role.READ,
    Operation.EXPLAIN: Role.READ,
    Operation.LIST_DISPOSITION: Role.READ,
    Operation.GET_RULES: Role.READ,
    Operation.SET_RULES: Role.ADMIN,
    Operation.REQUEST_ERASURE: Role.ERASE,
    Operation.APPROVE_ERASURE: Role.ERASE,
    Operation.GET_ERASURE: Role.ERASE,
    Operation.LIST_ERASURES: Role.ERASE,
    Operation.CERTIFICATE: Role.READ,
    Operation.GET_VCON: Role.EXPORT,
    Operation.REQUEST_EXPORT: Role.EXPORT,
    Operation.GET_EXPORT: Role.EXPORT,
    Operation.LIST_EXPORTS: Role.EXPORT,
    Operation.TAKE_BUNDLE: Role.EXPORT,
    Operation.EXPORT: Role.EXPORT,
    Operation.LIST_RECEIVERS: Role.ADMIN,
    Operation.ENABLE_RECEIVER: Role.ADMIN,
    Operation.REPLAY_EVENTS: Role.ADMIN,
    Operation.IMPORT: Role.ADMIN,
    Operation.REBUILD: Role.ADMIN,
    Operation.REINDEX: Role.ADMIN,
    Operation.CATCH_UP_SEAL: Role.ADMIN,
}
_INCLUDES: dict[Role, frozenset[Role]] = {
    Role.READ: frozenset({Role.READ}),
    Role.LISTEN: frozenset({Role.READ, Role.LISTEN}),
    Role.CONTROL: frozenset({Role.READ, Role.CONTROL}),
    Role.HOLD: frozenset({Role.READ, Role.HOLD}),
    Role.ERASE: frozenset({Role.READ, Role.ERASE}),
    Role.EXPORT: frozenset({Role.READ, Role.EXPORT}),
    Role.ADMIN: frozenset(Role),
}


@dataclass(frozen=True)
class Principal:
    """Who is calling, as the platform says: an object id, never a name or an address, and the roles.

    Attributes:
        groups: object ids of the caller's Entra groups, in lower case.
        groups_left_out: the token says that there are too many groups to name them (overage).
        role_values: every app role of the token, those that are none of this app's among them.
        app_id: the client id of an application that calls as itself; None for people, whatever they use.
    """

    object_id: str | None
    roles: frozenset[Role]
    is_application: bool = False  # no person: an app that signed in with its own secret or identity
    groups: frozenset[str] = frozenset()
    groups_left_out: bool = False
    role_values: frozenset[str] = frozenset()
    app_id: str | None = None

    def may(self, operation: Operation) -> bool:
        """Return whether one of its roles allows the operation."""
        return is_allowed(self.roles, operation)


def is_allowed(roles: Iterable[Role], operation: Operation) -> bool:
    """Return whether one of the roles allows the operation."""
    return any(NEEDED[operation] in _INCLUDES[role] for role in roles)


def read_principal(header: str | None) -> Principal:
    """Return the caller in `X-MS-CLIENT-PRINCIPAL`: base64 of JSON with a list of claims, as App Service writes it.

    It may be trusted only where App Service authentication is on: anyone can send a header.

    Raises:
        RequestError: `not_signed_in` (401) when there is none, or it cannot be read.
    """
    claims, role_claims = _claims(header)
    values = frozenset(value for kind, value in claims if kind in role_claims)
    return Principal(
        object_id=_first(claims, _OBJECT_ID_CLAIMS),
        roles=frozenset(Role(value) for value in values if value in set(Role)),
        groups=frozenset(value.lower() for kind, value in claims if kind in _GROUP_CLAIMS),
        groups_left_out=any(_leaves_groups_out(kind, value) for kind, value in claims),
        role_values=values,
        app_id=_app_id(claims),
        is_application=_is_application(claims, _first(claims, _OBJECT_ID_CLAIMS)),
    )


def _is_application(claims: Sequence[tuple[str, str]], object_id: str | None) -> bool:
    """Return whether an application signed in: Entra says so in `idtyp`, and an app's subject is its object id."""
    if any(kind == _KIND_CLAIM and value.strip().lower() == "app" for kind, value in claims):
        return True
    subject = _first(claims, _SUBJECT_CLAIMS)
    return subject is not None and object_id is not None and subject.lower() == object_id.lower()


def _first(claims: Sequence[tuple[str, str]], wanted: Sequence[str]) -> str | None:
    return next((value for name in wanted for kind, value in claims if kind == name), None)


def display_name(header: str | None) -> str | None:
    """Return the caller's name, to be shown only to the caller.

    Raises:
        RequestError: `not_signed_in` (401) when there is no principal, or it cannot be read.
    """
    claims, _ = _claims(header)
    return _first(claims, _NAME_CLAIMS)


def check_allowed(principal: Principal, operation: Operation) -> None:
    """Check that the caller has a role that allows the operation.

    Raises:
        RequestError: `role_missing` (403), naming the role.
    """
    if not is_allowed(principal.roles, operation):
        raise RequestError(f"this needs the app role {NEEDED[operation]}", code=Code.ROLE_MISSING)


def _leaves_groups_out(kind: str, value: str) -> bool:
    """Return whether a claim stands in for groups that did not fit (Entra's overage, in both of its forms)."""
    return (kind == "_claim_names" and "groups" in value) or (kind == "hasgroups" and value.lower() == "true")


def _app_id(claims: Sequence[tuple[str, str]]) -> str | None:
    """Return the client id of an application that calls as itself: a person's token names the application as well.

    `idtyp` says so where the application asks for that claim; else such a token has no scope, and is its own subject.
    """
    kind = _first(claims, ("idtyp",))
    subject, object_id = _first(claims, _SUBJECT_CLAIMS), _first(claims, _OBJECT_ID_CLAIMS)
    is_itself = _first(claims, _SCOPE_CLAIMS) is None and object_id is not None and subject == object_id
    app = _first(claims, _APP_CLAIMS)
    return app.lower() if app is not None and (kind == "app" or (kind is None and is_itself)) else None


def _claims(header: str | None) -> tuple[list[tuple[str, str]], frozenset[str]]:
    """Return the claims, and the names of those that are roles: `role_typ` says which one it is at this provider."""
    try:
        text = _bounded(header).rstrip("=")
        content = json.loads(base64.b64decode(text + "=" * (-len(text) % 4), validate=True))
        claims = [(str(claim["typ"]), str(claim["val"])) for claim in content["claims"]]
        told = content.get("role_typ")
        return claims, _ROLE_CLAIMS | ({told} if isinstance(told, str) and told else set())
    except (binascii.Error, ValueError, KeyError, TypeError, AttributeError, RecursionError):
        raise RequestError("the platform does not say who is calling", code=Code.NOT_SIGNED_IN) from None


def _bounded(header: str | None) -> str:
    if not header or len(header) > _LARGEST:
        raise ValueError
    return header
