"""The requests with which each function, and each console route, is asked about a tenant's things: one cell each."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from tests.unit.http.tenants_world import (
    BETA,
    CANARY,
    PERSON,
    Known,
)

YEAR = {"from": "2026-01-01T00:00:00Z", "to": "2027-01-01T00:00:00Z"}
EVIDENCE = {
    "step": "given",
    "basis": "spoken",
    "reference": "1",
    "capturedAt": "2026-11-23T08:59:00Z",
    "capturedBy": "ivr",
}
NOTE = "because it is so"
SINCE = "2026-11-23T00:00:00Z"
OPEN = {"health", "console", "console_api"}  # no data; the console's own routes have cells of their own
WHOLE = {"deep_health", "get_retention_rules", "set_retention_rules"}


@dataclass(frozen=True)
class Ask:
    """One request about a tenant's things; `is_item`: it names one thing, which must not exist for others."""

    path: Mapping[str, str] = field(default_factory=dict)
    body: Any = None
    query: Mapping[str, str] = field(default_factory=dict)
    headers: Mapping[str, str] = field(default_factory=dict)
    method: str = "GET"
    is_item: bool = True
    is_there: bool = True  # the owner is answered otherwise
    number: int = 1


Cell = Callable[[Known], list[Ask]]


def _of_recording(method: str = "GET", body: Any = None, **headers: str) -> Cell:
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return lambda of: [Ask({"recordingId": of.recording}, body, {}, named, method)]


def _of_running(body: Any = None) -> Cell:
    return lambda of: [Ask({"recordingId": of.running}, body, method="POST")]


def _of_chunk(*methods: str, **query: str) -> Cell:
    ranged = {"Range": "bytes=0-99"}
    return lambda of: [
        Ask({"recordingId": of.recording, "index": "0"}, None, query, ranged, method) for method in methods
    ]


def _holding(method: str) -> Cell:
    return lambda of: [Ask({"recordingId": of.recording, "case": of.case}, {"reason": NOTE}, method=method)]


def _held(of: Known) -> list[Ask]:
    chosen = [{"id": of.held}, {"recordingId": of.recording}, {"id": of.entry}]
    return [Ask(query=one) for one in chosen] + [Ask(is_item=False), Ask(query={"top": "1"}, is_item=False)]


def _redriving(of: Known) -> list[Ask]:
    chosen = [{"id": of.held}, {"recordingId": of.recording}, {"id": of.entry}, {"id": of.held, "dryRun": True}]
    return [Ask(body=one, method="POST") for one in chosen] + [
        Ask(body={"all": True, "dryRun": dry}, method="POST", is_item=False) for dry in (True, False)
    ]


def _deciding(of: Known) -> list[Ask]:
    chosen = [{"id": of.held}, {"recordingId": of.recording}, {"id": of.entry}]
    return [Ask(body={**one, "note": NOTE}, method="POST") for one in chosen]


def _queries(of: Known) -> list[dict[str, str]]:
    word = CANARY if of.name == BETA else of.name
    asked_for = [{"call": of.call}, {"call": f"call-{word}"}, {"tag": f"case:{word}"}, {"participant": PERSON}]
    return [{}, *asked_for, {"state": "held"}, {"state": "recording"}, {"limit": "1"}, {"number": PERSON[2:]}, YEAR]


CELLS: dict[str, Cell] = {
    "start_recording": lambda of: [
        Ask(body={"serverCallId": f"{of.call}bmV3", "tags": {"desk": f"desk-{of.name}"}}, method="POST")
    ],
    "get_recording": lambda of: [Ask({"recordingId": one}) for one in (of.recording, of.running)],
    "find_recordings": lambda of: [Ask(query=one, is_item=False) for one in _queries(of)],
    "search_recordings": lambda of: [
        Ask(body={**one, **({"limit": 1} if "limit" in one else {})}, method="POST", is_item=False)
        for one in _queries(of)
    ],
    "recording_timeline": _of_recording(),
    "chunk_media": _of_chunk("GET", "HEAD"),
    "chunk_peaks": _of_chunk("GET"),
    "derive_recording": _of_recording("POST", {"kind": "joined"}),
    "list_derived": _of_recording(),
    "derived_media": lambda of: [
        Ask({"recordingId": of.recording, "derivedId": of.derived}, headers={"Range": "bytes=0-99"}, method=method)
        for method in ("GET", "HEAD")
    ],
    "tag_recording": _of_recording("PATCH", {"tags": {"a": "b"}}, If_Match="*"),
    "hold_recording": _holding("PUT"),
    "release_recording": _holding("DELETE"),
    "list_recordings_on_hold": lambda _: [Ask(is_item=False), Ask(query={"limit": "1"}, is_item=False)],
    "recording_disposition": _of_recording(),
    "list_disposition": lambda _: [Ask(query={"before": "2099-01-01T00:00:00Z"}, is_item=False)],
    "request_erasure": lambda of: [
        Ask(body={"recordings": [of.recording], "reason": NOTE}, method="POST"),
        Ask(body={"participant": PERSON, "reason": NOTE}, method="POST", is_item=False),
    ],
    "approve_erasure": lambda of: [Ask({"erasureId": of.erasure}, method="POST", number=2)],
    "get_erasure": lambda of: [Ask({"erasureId": of.erasure})],
    "pause_recording": lambda of: [
        Ask({"recordingId": of.running}, body, method="POST") for body in (None, {"maxSeconds": 60})
    ],
    "resume_recording": _of_running(),
    "stop_recording": _of_running(),
    "recording_vcon": _of_recording(),
    "request_export": lambda of: [
        Ask(body={"recordings": [of.recording]}, method="POST"),
        Ask(body={"tag": f"case:{CANARY if of.name == BETA else of.name}"}, method="POST"),
        Ask(body={"participant": PERSON}, method="POST", is_item=False),
    ],
    "get_export": lambda of: [Ask({"exportId": of.export})],
    "tell_consent": lambda of: [
        Ask({"recordingId": of.running}, body, method="POST") for body in (EVIDENCE, {"step": "withdrawn"})
    ],
    "report_pauses": lambda _: [Ask(query={**YEAR, "format": kind}, is_item=False) for kind in ("json", "csv")],
    "list_receivers": lambda _: [Ask(is_item=False)],
    "enable_receiver": lambda of: [Ask({"name": f"hook-{of.name}"}, {"note": NOTE}, method="POST")],
    "replay_events": lambda of: [
        Ask(body={"since": SINCE, "note": NOTE}, method="POST", is_item=False),
        Ask(body={"since": SINCE, "recordingId": of.recording, "note": NOTE}, method="POST", is_item=False),
        Ask(body={"since": SINCE, "receivers": [f"hook-{of.name}"], "note": NOTE}, method="POST"),
    ],
    "list_held": _held,
    "redrive_held": _redriving,
    "accept_held": lambda of: [Ask(body={"id": of.held, "note": NOTE}, method="POST")],
    "dismiss_held": _deciding,
    "retry_held": _deciding,
}
SAME_AS = {  # the console's routes by the function that answers behind a key as well
    ("GET", "recordings"): "find_recordings",
    ("POST", "recordings/search"): "search_recordings",
    ("POST", "recordings/csv"): "search_recordings",
    ("GET", "recordings/{recordingId}"): "get_recording",
    ("PATCH", "recordings/{recordingId}"): "tag_recording",
    ("GET", "recordings/{recordingId}/timeline"): "recording_timeline",
    ("GET", "recordings/{recordingId}/chunks/{index}/media"): "chunk_media",
    ("GET", "recordings/{recordingId}/chunks/{index}/channels/{channel}"): "chunk_media",
    ("GET", "recordings/{recordingId}/chunks/{index}/peaks"): "chunk_peaks",
    ("POST", "recordings/{recordingId}/derived"): "derive_recording",
    ("GET", "recordings/{recordingId}/derived"): "list_derived",
    ("GET", "recordings/{recordingId}/derived/{derivedId}/media"): "derived_media",
    ("PUT", "recordings/{recordingId}/holds/{case}"): "hold_recording",
    ("DELETE", "recordings/{recordingId}/holds/{case}"): "release_recording",
    ("GET", "recordings/{recordingId}/disposition"): "recording_disposition",
    ("GET", "recordings/{recordingId}/vcon"): "recording_vcon",
    ("POST", "exports"): "request_export",
    ("GET", "exports/{exportId}"): "get_export",
    ("GET", "holds"): "list_recordings_on_hold",
    ("GET", "disposition"): "list_disposition",
    ("POST", "erasures"): "request_erasure",
    ("POST", "erasures/{erasureId}/approve"): "approve_erasure",
    ("GET", "erasures/{erasureId}"): "get_erasure",
    ("GET", "events/receivers"): "list_receivers",
    ("POST", "events/receivers/{name}/enable"): "enable_receiver",
    ("POST", "events/replay"): "replay_events",
    ("GET", "held"): "list_held",
}
CONSOLE_CELLS: dict[tuple[str, str], Cell] = {
    **{route: CELLS[name] for route, name in SAME_AS.items()},
    ("POST", "recordings/{recordingId}/verify"): lambda of: [
        Ask({"recordingId": of.recording}, body, method="POST") for body in (None, {"first": 1})
    ],
    ("GET", "now"): lambda _: [Ask(query={"from": "2026-11-23T00:00:00Z"}, is_item=False)],
    ("GET", "audit"): lambda of: [
        Ask(query={"recording": of.recording}, is_item=False),
        Ask(query={"recording": of.running}, is_item=False),
        Ask(is_item=False),
        Ask(query={"from": YEAR["from"]}, is_item=False),
    ],
    ("POST", "recordings/{recordingId}/chunks/{index}/link"): lambda of: [
        Ask({"recordingId": of.recording, "index": "0"}, {}, method="POST", is_there=False)
    ],
    ("GET", "held/{id*}/media"): lambda of: [Ask({"id*": of.held}, headers={"Range": "bytes=0-99"}, is_there=False)],
    ("GET", "erasures"): lambda _: [Ask(is_item=False)],
    ("GET", "exports"): lambda _: [Ask(is_item=False)],
    ("GET", "exports/{exportId}/bundle"): lambda of: [
        Ask({"exportId": of.export}, headers=headers) for headers in ({"Range": "bytes=0-99"}, {})
    ],
    ("GET", "recordings/{recordingId}/certificate"): lambda of: [Ask({"recordingId": of.recording}, is_there=False)],
    **{
        ("POST", f"held/{{id*}}/{act}"): lambda of: [
            Ask({"id*": one}, {"note": NOTE}, method="POST") for one in (of.held, of.entry)
        ]
        for act in ("retry", "dismiss")
    },
}
CONSOLE_CELLS["POST", "held/{id*}/accept"] = lambda of: [Ask({"id*": of.held}, {"note": NOTE}, method="POST")]
CONSOLE_OPEN = {("GET", "me")}
CONSOLE_WHOLE = {("GET", "retention/rules"), ("GET", "health")}
