"""Who may do what: every role at every operation, and every way of not being who one says."""

import base64
import json
from collections.abc import Callable
from typing import Any

import azure.functions as func
import pytest

from dev.in_memory.fakes.probe import FakeProbe
from dev.in_memory.world import World, world
from recording.domain.incoming.roles import NEEDED, Operation, Role, read_principal
from recording.errors import RequestError
from recording.http import derived as http_derived
from recording.http import handover as http_handover
from recording.http import keep as http_keep
from recording.http import library as http_library
from recording.http import media as http_media
from recording.http import routes as http_api
from recording.library.keep.erasures import request_erasure

CALL_ID = "aHR0cHM6Ly9jYWxs"
FUNCTIONS: dict[Operation, Callable[..., func.HttpResponse]] = {
    Operation.START: http_api.start_recording,
    Operation.GET: http_api.get_recording,
    Operation.FIND: http_library.find_recordings,
    Operation.SEARCH: http_library.search_recordings,
    Operation.TIMELINE: http_library.recording_timeline,
    Operation.TAG: http_library.tag_recording,
    Operation.LISTEN: http_media.chunk_media,
    Operation.SEE_PEAKS: http_media.chunk_peaks,
    Operation.LINK: http_media.download_link,
    Operation.HEAR_HELD: http_media.held_media,
    Operation.DERIVE: http_derived.derive_recording,
    Operation.LIST_DERIVED: http_derived.list_derived,
    Operation.HEAR_DERIVED: http_derived.derived_media,
    Operation.PAUSE: http_api.pause_recording,
    Operation.RESUME: http_api.resume_recording,
    Operation.STOP: http_api.stop_recording,
    Operation.CONSENT: http_api.tell_consent,
    Operation.PAUSES: http_library.report_pauses,
    Operation.LIST_HELD: http_api.list_held,
    Operation.REDRIVE_HELD: http_api.redrive_held,
    Operation.ACCEPT_HELD: http_api.accept_held,
    Operation.DISMISS_HELD: http_api.dismiss_held,
    Operation.RETRY_HELD: http_api.retry_held,
    Operation.GET_VCON: http_handover.recording_vcon,
    Operation.REQUEST_EXPORT: http_handover.request_export,
    Operation.GET_EXPORT: http_handover.get_export,
    Operation.LIST_EXPORTS: http_handover.list_exports,
    Operation.TAKE_BUNDLE: http_handover.export_bundle,
    Operation.HOLD: http_keep.hold_recording,
    Operation.RELEASE: http_keep.release_recording,
    Operation.LIST_HOLDS: http_keep.list_recordings_on_hold,
    Operation.EXPLAIN: http_keep.recording_disposition,
    Operation.LIST_DISPOSITION: http_keep.list_disposition,
    Operation.REQUEST_ERASURE: http_keep.request_erasure,
    Operation.APPROVE_ERASURE: http_keep.approve_erasure,
    Operation.GET_ERASURE: http_keep.get_erasure,
    Operation.LIST_ERASURES: http_keep.list_erasures,
    Operation.CERTIFICATE: http_keep.recording_certificate,
    Operation.GET_RULES: http_keep.get_retention_rules,
    Operation.SET_RULES: http_keep.set_retention_rules,
    Operation.DEEP_HEALTH: lambda request, read: http_api.deep_health(request, read, lambda _: FakeProbe()),
}
READS = {
    Operation.SEE_NOW,
    Operation.VERIFY,
    Operation.READ_AUDIT_OF_RECORDING,
    Operation.GET,
    Operation.FIND,
    Operation.SEARCH,
    Operation.TIMELINE,
    Operation.LIST_HOLDS,
    Operation.EXPLAIN,
    Operation.LIST_DISPOSITION,
    Operation.GET_RULES,
    Operation.PAUSES,
    Operation.CERTIFICATE,
    Operation.LIST_DERIVED,
}
OPENS: dict[Role, set[Operation]] = {
    Role.READ: READS,
    Role.LISTEN: READS
    | {Operation.LISTEN, Operation.SEE_PEAKS, Operation.DERIVE, Operation.HEAR_DERIVED}
    | {Operation.LINK},
    Role.CONTROL: READS
    | {Operation.START, Operation.PAUSE, Operation.RESUME, Operation.STOP, Operation.TAG, Operation.CONSENT},
    Role.ERASE: READS
    | {Operation.REQUEST_ERASURE, Operation.APPROVE_ERASURE, Operation.GET_ERASURE, Operation.LIST_ERASURES},
    Role.HOLD: READS | {Operation.HOLD, Operation.RELEASE},
    Role.EXPORT: READS
    | {Operation.GET_VCON, Operation.REQUEST_EXPORT, Operation.GET_EXPORT, Operation.EXPORT}
    | {Operation.LIST_EXPORTS, Operation.TAKE_BUNDLE},
    Role.ADMIN: set(Operation),
}


OID = "11111111-2222-3333-4444-555555555555"


def principal(*roles: str, kind: str = "roles") -> str:
    """The header as App Service writes it."""
    claims = [{"typ": "oid", "val": "11111111-2222-3333-4444-555555555555"}]
    claims += [{"typ": kind, "val": role} for role in roles]
    return base64.b64encode(json.dumps({"auth_typ": "aad", "claims": claims}).encode()).decode()


def asked(here: World, operation: Operation, header: str | None) -> tuple[int, str | None]:
    """Status and code of an answer. What is asked for does not exist, so 404 means: the door was open."""
    headers = {} if header is None else {"X-MS-CLIENT-PRINCIPAL": header}
    body = json.dumps({"serverCallId": CALL_ID}).encode() if operation is Operation.START else b""
    request = func.HttpRequest(
        method="POST",
        url="https://app.azurewebsites.net/api/recordings",
        headers=headers,
        route_params={"recordingId": "unknown"},
        body=body,
    )
    answer = FUNCTIONS[operation](request, lambda: (here.ports, here.settings))
    return answer.status_code, json.loads(answer.get_body()).get("code")


def is_refused(answer: tuple[int, str | None]) -> bool:
    return answer[1] in ("role_missing", "not_signed_in")


@pytest.mark.parametrize("operation", FUNCTIONS)
@pytest.mark.parametrize("role", Role)
def test_each_role_opens_what_the_matrix_says(role: Role, operation: Operation) -> None:
    """Every cell: whoever may listen in on what is archived may not start or stop anything."""
    here = world(platform_auth=True)
    answer = asked(here, operation, principal(role))
    if operation in OPENS[role]:
        assert not is_refused(answer)
    else:
        assert answer == (403, "role_missing")
        assert here.fakes.control.calls == []


@pytest.mark.parametrize("operation", sorted({*READS, Operation.LIST_HELD, Operation.DEEP_HEALTH} & FUNCTIONS.keys()))
def test_who_only_looks_leaves_no_row_in_the_audit_trail(operation: Operation) -> None:
    """As docs/api.md says: a watcher that asks each minute would bury the rows that somebody looks for."""
    here = world(platform_auth=True)
    assert not is_refused(asked(here, operation, principal(Role.ADMIN)))
    assert here.fakes.audit.written == []


@pytest.mark.parametrize("operation", FUNCTIONS)
def test_a_required_sign_in_that_the_platform_does_not_do_lets_nobody_in(operation: Operation) -> None:
    """A platform setting that is lost must close the routes, not open them; a header proves nothing then."""
    here = world(sign_in_required=True)
    assert asked(here, operation, principal(*Role)) == (401, "not_signed_in")
    assert here.fakes.control.calls == []
    assert not is_refused(asked(world(sign_in_required=True, platform_auth=True), operation, principal(*Role)))


@pytest.mark.parametrize("operation", FUNCTIONS)
def test_an_operation_needs_a_role(operation: Operation) -> None:
    """A function that nobody thought of would be open to all who are signed in."""
    assert operation in NEEDED
    assert asked(world(platform_auth=True), operation, principal()) == (403, "role_missing")
    assert asked(world(platform_auth=True), operation, principal("Recording.Owner", "admin")) == (403, "role_missing")


@pytest.mark.parametrize("operation", FUNCTIONS)
@pytest.mark.parametrize(
    "header",
    [
        None,
        "",
        "not base64!",
        base64.b64encode(b"not json").decode(),
        base64.b64encode(b"[]").decode(),
        base64.b64encode(b'{"claims": {"typ": "roles"}}').decode(),
        base64.b64encode(b'{"claims": [{"typ": "roles"}]}').decode(),
        base64.b64encode(b"[" * 20_000).decode(),
        "A" * 100_000,
    ],
    ids=["none", "empty", "text", "no json", "list", "no list", "no value", "deep", "long"],
)
def test_without_a_readable_principal_nobody_gets_in(operation: Operation, header: str | None) -> None:
    """Whatever comes instead of a principal is nobody."""
    here = world(platform_auth=True)
    assert asked(here, operation, header) == (401, "not_signed_in")
    assert here.fakes.control.calls == []


@pytest.mark.parametrize("operation", FUNCTIONS)
def test_a_forged_principal_opens_nothing_more(operation: Operation) -> None:
    """Where the platform signs nobody in, the header is anybody's: the key alone decides, with it or without."""
    without, forged = asked(world(), operation, None), asked(world(), operation, principal("Recording.Admin"))
    assert without == forged
    assert not is_refused(without)


def test_both_names_of_the_role_claim_are_read() -> None:
    """Easy Auth writes the long one for some tokens and the short one for others."""
    long = "http://schemas.microsoft.com/ws/2008/06/identity/claims/role"
    assert read_principal(principal("Recording.Read", kind=long)).roles == {Role.READ}
    assert read_principal(principal("Recording.Read")).object_id == "11111111-2222-3333-4444-555555555555"


def test_a_refusal_tells_the_role_and_nothing_about_the_caller() -> None:
    """The caller must know what to ask for; a log must not know who they are."""
    from recording.domain.incoming.roles import check_allowed

    with pytest.raises(RequestError, match=r"Recording\.Control") as refused:
        check_allowed(read_principal(principal("Recording.Read")), Operation.STOP)
    assert "1111" not in str(refused.value)


def test_health_stays_outside() -> None:
    """A probe has no token."""
    request = func.HttpRequest("GET", "https://app.azurewebsites.net/api/health", body=b"")
    answer: Any = http_api.health(request, lambda: world(platform_auth=True).settings)
    assert answer.status_code == 200


@pytest.mark.parametrize("length", range(3))
def test_a_principal_without_its_padding_is_read(length: int) -> None:
    """Some versions of the platform leave the padding out."""
    facts = {"claims": [{"typ": "roles", "val": "Recording.Read"}], "x": "y" * length}
    header = base64.b64encode(json.dumps(facts).encode()).decode().rstrip("=")
    assert read_principal(header).roles == {Role.READ}


def test_the_principal_says_which_claim_holds_its_roles() -> None:
    """Providers name it differently; a claim that is named nowhere gives no right."""
    facts = {"role_typ": "groups", "claims": [{"typ": "groups", "val": "Recording.Admin"}]}
    assert read_principal(base64.b64encode(json.dumps(facts).encode()).decode()).roles == {Role.ADMIN}
    facts.pop("role_typ")
    assert read_principal(base64.b64encode(json.dumps(facts).encode()).decode()).roles == frozenset()


@pytest.mark.parametrize(
    "claims",
    [
        [{"typ": "idtyp", "val": "app"}],
        [{"typ": "sub", "val": OID.upper()}],
        [{"typ": "http://schemas.xmlsoap.org/ws/2005/05/identity/claims/nameidentifier", "val": OID}],
    ],
)
@pytest.mark.parametrize("operation", [Operation.REQUEST_ERASURE, Operation.APPROVE_ERASURE])
def test_an_application_is_none_of_the_two_people(operation: Operation, claims: list[dict[str, str]]) -> None:
    """Two apps would be one person with two secrets."""
    here = world(platform_auth=True)
    here.follows_up()
    asked = request_erasure({"participant": "+4930123456", "reason": "x"}, "alice", here.ports, here.settings)
    said = [{"typ": "oid", "val": OID}, {"typ": "roles", "val": "Recording.Erase"}]
    for more, refused in ((claims, True), ([{"typ": "sub", "val": "of a person"}], False)):
        header = base64.b64encode(json.dumps({"claims": [*said, *more]}).encode()).decode()
        request = func.HttpRequest(
            method="POST",
            url="https://app.azurewebsites.net/api/erasures",
            headers={"X-MS-CLIENT-PRINCIPAL": header, "X-MS-CLIENT-PRINCIPAL-ID": OID},
            route_params={"erasureId": asked.erasure_id},
            body=json.dumps({"participant": "+4930123456", "reason": "x"}).encode(),
        )
        answer = FUNCTIONS[operation](request, lambda: (here.ports, here.settings))
        code = json.loads(answer.get_body()).get("code")
        assert (code == "second_person_needed") is refused
