"""What each scripted fault looks like on the wire, as the untouched SDK sees it."""

import gzip
import json
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import pytest
from azure.communication.callautomation import CallAutomationClient
from azure.core.exceptions import AzureError, HttpResponseError

from dev.acs_simulator.client import JSON, SimulatorError
from dev.acs_simulator.faults.kinds import Operation
from dev.acs_simulator.faults.rules import RULES
from dev.acs_simulator.threaded import SimulatorHandle
from tests.dev.acs_simulator.helpers import CONTENT, DELETE, METADATA, Download, download, make_object, start

LENGTH = 32_044
"""One second of sound: 44 bytes of header and 32,000 of samples."""
Check = Callable[[Download, bytes], bool]


@dataclass(frozen=True)
class Effect:
    """A fault of reading, and what must be true of the download it strikes, given the true bytes."""

    kind: str
    check: Check
    arguments: dict[str, Any] = field(default_factory=dict)
    asked: dict[str, Any] = field(default_factory=dict)


def is_refused(status: int, *, body: bytes = b"") -> Check:
    return lambda got, _: (got.status, got.body) == (status, body)


def is_cut(sent_bytes: int) -> Check:
    """Promised whole, sent in part, and noticed by the SDK, which withholds an unfinished block of 4 KiB."""
    return lambda got, true: (
        got.headers["Content-Length"] == str(LENGTH)
        and true[:sent_bytes].startswith(got.body)
        and len(got.body) > sent_bytes - 4096
        and got.error in {"IncompleteReadError", "ServiceResponseError", "HttpResponseError"}
    )


def total_of(got: Download) -> str:
    return got.headers["Content-Range"].rpartition("/")[2]


SOME = {"headers": {"Range": "bytes=100-199"}}
FIRST = {"headers": {"Range": "bytes=0-9999"}}
CONTENT_EFFECTS = [
    *(Effect("status", is_refused(status), {"status": status}) for status in (401, 403, 404, 409, 412, 416)),
    *(Effect("status", is_refused(status), {"status": status}) for status in (500, 502, 503)),
    Effect("status", lambda got, _: got.body.startswith(b"<!DOCTYPE html>"), {"status": 400, "body": "html"}),
    Effect("status", lambda got, _: json.loads(got.body)["status"] == 401, {"status": 401, "body": "ams"}),
    Effect("status", lambda got, _: got.headers["Retry-After"] == "3600", {"status": 429, "retry_after": "3600"}),
    Effect("no_response", lambda got, _: got.status is None and got.error is not None),
    Effect("no_response", lambda got, _: got.status is None and got.error is not None, {"ending": "close"}),
    Effect(
        "no_response",
        lambda got, _: got.error in {"ServiceResponseTimeoutError", "ServiceRequestTimeoutError"},
        {"ending": "wait"},
        {"read_timeout": 0.2},
    ),
    Effect("zero_bytes", lambda got, _: (got.status, got.body, got.headers["Content-Length"]) == (200, b"", "0")),
    Effect("zero_bytes", lambda got, _: (got.status, got.body) == (200, b""), asked=SOME),
    Effect(
        "short_body",
        lambda got, true: got.error is None and got.body == true[: LENGTH // 2] and total_of(got) == str(LENGTH),
    ),
    Effect("short_body", lambda got, _: total_of(got) == str(len(got.body)) == str(LENGTH // 2), {"lie": True}),
    Effect("cut", is_cut(LENGTH // 2)),
    Effect("cut", is_cut(LENGTH // 4), {"fraction": 0.25, "ending": "close"}),
    Effect("cut", is_cut(1000), {"sent_bytes": 1000}),
    Effect("cut", is_cut(0), {"sent_bytes": 0}),
    Effect(
        "cut",
        lambda got, true: true.startswith(got.body) and got.error is not None,
        {"ending": "wait"},
        {"read_timeout": 0.2},
    ),
    Effect(
        "close_delimited_cut",
        lambda got, true: got.error is None and got.body == true[: LENGTH // 2] and "Content-Length" not in got.headers,
    ),
    Effect("gzip", lambda got, true: got.headers["Content-Encoding"] == "gzip" and got.body == true),
    Effect("truncated_gzip", lambda got, true: got.error is None and true.startswith(got.body) and got.body != true),
    Effect("ignore_range", lambda got, true: (got.status, got.body) == (200, true), asked=SOME),
    Effect("wrong_total", lambda got, true: got.body == true and total_of(got) == str(LENGTH + 7), {"by_bytes": 7}),
    Effect("different_bytes", lambda got, true: differing(got.body, true) == [LENGTH // 2]),
    Effect("different_bytes", lambda got, true: differing(got.body, true[100:200]) == [50], {"offset": 150}, SOME),
    Effect(
        "grown",
        lambda got, true: got.body == true + bytes(5) and total_of(got) == str(LENGTH + 5),
        {"by_bytes": 5},
    ),
    Effect("slow_drip", lambda got, true: got.body == true, {"bytes_per_second": 1_000_000}),
    Effect("stall", lambda got, true: got.body == true, {"seconds": 0.05}),
    Effect(
        "stall",
        lambda got, true: got.error is not None and true.startswith(got.body),
        {"seconds": 30},
        {"read_timeout": 0.2},
    ),
    Effect("delay", lambda got, true: got.body == true, {"seconds": 0.05}),
    Effect("expire_midway", is_cut(LENGTH // 2)),
    Effect(
        "redirect",
        lambda got, _: got.error is not None,
        {"location": "https://files.example.org/v1/objects/x/content/video"},
    ),
    Effect("status", is_refused(410), {"status": 410}),
    Effect("odd_redirect", lambda got, true: got.body == true, {"to": "port_443"}),
    Effect("odd_redirect", lambda got, true: got.body == true, {"to": "capitals"}),
    Effect("odd_redirect", lambda got, _: got.error is not None, {"to": "foreign"}),
    Effect("odd_redirect", lambda got, _: got.error is not None, {"to": "http"}),
    Effect("odd_redirect", lambda got, _: got.status == 404, {"to": "other_object"}),
    Effect("odd_redirect", lambda got, true: got.body == true, {"to": "loop"}),
    Effect("wrong_body", lambda got, _: is_page(got) and got.headers["Content-Type"] == "text/html"),
    Effect("wrong_body", lambda got, _: is_page(got) and "Content-Range" not in got.headers, asked=SOME),
    Effect("wrong_body", lambda got, _: got.status == 206 and total_of(got) != str(LENGTH), {"status": 206}, SOME),
    Effect("wrong_body", lambda got, _: json.loads(got.body)["error"]["code"] == "ServerBusy", {"body": "json"}),
    Effect("wrong_body", lambda got, true: got.body == true[:44], {"body": "header_only"}),
    Effect("wrong_body", lambda got, _: (got.status, total_of(got)) == (206, "44"), {"body": "header_only"}, FIRST),
    Effect("wrong_body", lambda got, _: got.body == b"sorry", {"text": "sorry"}),
    Effect("prefix", lambda got, true: got.body == true[: LENGTH // 2] and total_of(got) == str(LENGTH // 2)),
    Effect(
        "prefix", lambda got, true: got.body == true[100:150] and total_of(got) == "150", {"length_bytes": 150}, SOME
    ),
    Effect("drip_headers", lambda got, true: got.body == true, {"every_seconds": 0.001, "bytes": 8}),
    Effect("drip_headers", lambda got, _: got.status is None, {"every_seconds": 0.1}, {"read_timeout": 0.05}),
    Effect("drip_body", lambda got, true: got.body == true, {"every_seconds": 0.001, "bytes": 2000}),
    Effect("drip_body", lambda got, true: got.body == true[100:200], {"every_seconds": 0.001, "bytes": 9}, SOME),
]


def is_page(got: Download) -> bool:
    """Whole, whatever range was asked for, and well formed in HTTP."""
    length = int(got.headers["Content-Length"])
    return (got.status, got.error, len(got.body)) == (200, None, length) and b"blocked by policy" in got.body


def differing(got: bytes, true: bytes) -> list[int]:
    """Where they differ; they must be of one length."""
    return [place for place, (a, b) in enumerate(zip(got, true, strict=True)) if a != b]


@pytest.mark.parametrize("effect", CONTENT_EFFECTS, ids=lambda effect: f"{effect.kind}-{effect.arguments}")
def test_a_read_is_spoiled_as_scripted_and_only_once(
    simulator: SimulatorHandle, sdk: CallAutomationClient, effect: Effect
) -> None:
    """Whatever the app is said to survive must really happen to it, and end when the script ends."""
    stored = make_object(simulator)
    url = CONTENT.format(stored["documentId"])
    true = download(sdk, url).body
    assert len(true) == LENGTH
    simulator.client.add_fault("content", effect.kind, document_id=stored["documentId"], **effect.arguments)
    got = download(sdk, url, **effect.asked)
    assert effect.check(got, true), got
    assert len(simulator.client.journal(fault=effect.kind)) == 1
    after = download(sdk, url)
    assert after.body == (b"" if effect.kind == "expire_midway" else true)


def test_every_fault_of_reading_is_in_the_table() -> None:
    """A new fault must show its effect here before anybody relies on it."""
    kinds = {kind for kind, rule in RULES.items() if Operation.CONTENT in rule.operations}
    assert {effect.kind for effect in CONTENT_EFFECTS} == kinds


def test_a_wrong_body_is_steady_for_as_long_as_it_was_told(
    simulator: SimulatorHandle, sdk: CallAutomationClient
) -> None:
    """Two equal downloads prove nothing: the same page comes for a minute, then the recording."""
    url = CONTENT.format(make_object(simulator)["documentId"])
    simulator.client.add_fault("content", "wrong_body", for_seconds=60)
    pages = [download(sdk, url).body for _ in range(4)]
    simulator.client.advance(59)
    pages.append(download(sdk, url).body)
    assert len(set(pages)) == 1
    simulator.client.advance(2)
    assert len(download(sdk, url).body) == LENGTH


def test_an_object_grows_and_its_total_with_it(simulator: SimulatorHandle, sdk: CallAutomationClient) -> None:
    """Every answer agrees with itself; only the next one says that there is more."""
    url = CONTENT.format(make_object(simulator)["documentId"])
    true = download(sdk, url).body
    simulator.client.add_fault("content", "prefix", fraction=0.25, whole_after_seconds=100, for_seconds=100)
    lengths = []
    for _ in range(3):
        got = download(sdk, url)
        assert true.startswith(got.body)
        assert total_of(got) == str(len(got.body))
        lengths.append(len(got.body))
        simulator.client.advance(30)
    assert LENGTH // 4 <= lengths[0] < lengths[1] < lengths[2] < LENGTH
    simulator.client.advance(20)
    assert download(sdk, url).body == true


@pytest.mark.parametrize("form", ["mp4", "mp3"])
def test_media_of_a_header_alone_keeps_its_header(
    simulator: SimulatorHandle, sdk: CallAutomationClient, form: str
) -> None:
    """A player opens it; there is nothing to play."""
    content = "audioVideo" if form == "mp4" else "audio"
    stored = make_object(simulator, format=form, content=content)
    url = CONTENT.format(stored["documentId"])
    true = download(sdk, url).body
    simulator.client.add_fault("content", "wrong_body", body="header_only")
    got = download(sdk, url).body
    assert got[:4] == true[:4]
    assert 0 < len(got) < len(true) / 2
    assert form != "mp4" or (b"moov" in got and b"\x00\x00\x00\x08mdat" in got)


def test_a_redirect_can_lead_to_another_object(simulator: SimulatorHandle, sdk: CallAutomationClient) -> None:
    """The SDK follows it and hands over the bytes of B as A: a guard must compare the object at each hop."""
    first, second = make_object(simulator, durationMs=1000), make_object(simulator, durationMs=2000)
    simulator.client.add_fault(
        "content", "odd_redirect", to="other_object", other_document_id=second["documentId"], times=None
    )
    got = download(sdk, CONTENT.format(first["documentId"]))
    assert len(got.body) == second["lengthBytes"] != first["lengthBytes"]


def test_a_delete_can_be_redirected_to_another_object(simulator: SimulatorHandle) -> None:
    """What it names must not be deleted in its place."""
    first, second = make_object(simulator), make_object(simulator)
    simulator.client.add_fault(
        "delete", "odd_redirect", to="other_object", other_document_id=second["documentId"], status=307
    )
    answer = raw(simulator, "DELETE", DELETE.format(first["documentId"]))
    assert (answer.status, answer.headers["Location"]) == (
        307,
        f"https://sa1-storage.asm.skype.com/v1/objects/{second['documentId']}",
    )
    assert [one["deletedAt"] for one in simulator.client.objects()] == [None, None]


def test_a_redirect_to_a_port_ends_at_its_target_however_often_it_strikes(
    simulator: SimulatorHandle, sdk: CallAutomationClient
) -> None:
    """`Always` must mean each first hop, not a circle."""
    url = CONTENT.format(make_object(simulator)["documentId"])
    simulator.client.add_fault("content", "odd_redirect", to="port_443", times=None)
    assert [len(download(sdk, url).body) for _ in range(2)] == [LENGTH, LENGTH]


@pytest.mark.parametrize("kind", ["drip_headers", "drip_body"])
@pytest.mark.parametrize("operation", ["metadata", "delete", "get_recording"])
def test_every_answer_can_drip(simulator: SimulatorHandle, operation: str, kind: str) -> None:
    """A limit on one read is no limit on a request: each byte comes in time, the whole never does."""
    stored = make_object(simulator)
    method, url = {
        "metadata": ("GET", METADATA.format(stored["documentId"])),
        "delete": ("DELETE", DELETE.format(stored["documentId"])),
        "get_recording": ("GET", f"{simulator.addresses.endpoint}/calling/recordings/x?api-version=2026-03-12"),
    }[operation]
    simulator.client.add_fault(operation, kind, every_seconds=0.002, bytes=4)
    began = time.monotonic()
    answer = raw(simulator, method, url)
    assert answer.status == {"metadata": 200, "delete": 200, "get_recording": 404}[operation]
    assert time.monotonic() - began > 0.002 * 10
    assert simulator.client.journal(fault=kind)[0]["status"] == answer.status
    if operation == "delete":
        assert simulator.client.objects()[0]["deletedAt"] is not None


def test_a_client_that_leaves_a_drip_leaves_nothing_behind(
    simulator: SimulatorHandle, sdk: CallAutomationClient
) -> None:
    """A drip of hours must not keep the simulator from stopping."""
    simulator.client.add_fault("content", "drip_body", every_seconds=3600)
    got = download(sdk, CONTENT.format(make_object(simulator)["documentId"]), read_timeout=0.2)
    assert got.error is not None


@pytest.mark.parametrize("status", [401, 429, 503])
def test_a_fault_can_wait_until_acs_has_forgotten(
    simulator: SimulatorHandle, sdk: CallAutomationClient, status: int
) -> None:
    """Past the deadline only 404 and 410 prove that it is gone; everything else proves nothing."""
    url = CONTENT.format(make_object(simulator)["documentId"])
    simulator.client.add_fault("content", "status", status=status, only_expired=True)
    assert download(sdk, url).status == 200
    simulator.client.advance(25 * 3600)
    assert [download(sdk, url).status for _ in range(2)] == [status, 404]


def raw(simulator: SimulatorHandle, method: str, url: str) -> Any:
    """One signed request and its answer, without the SDK's opinion on it."""
    import base64
    import hashlib
    import hmac
    from email.utils import formatdate
    from urllib.parse import urlsplit

    import urllib3

    parts = urlsplit(url)
    target = f"{parts.path}?{parts.query}" if parts.query else parts.path
    date, content = formatdate(usegmt=True), base64.b64encode(hashlib.sha256(b"").digest()).decode()
    text = f"{method}\n{target}\n{date};{parts.hostname};{content}"
    key = base64.b64decode(simulator.addresses.access_key)
    signature = base64.b64encode(hmac.digest(key, text.encode(), "sha256")).decode()
    signed = f"HMAC-SHA256 SignedHeaders=x-ms-date;host;x-ms-content-sha256&Signature={signature}"
    headers = {"x-ms-date": date, "x-ms-content-sha256": content, "Authorization": signed}
    with urllib3.ProxyManager(simulator.addresses.proxy_url, ca_certs=str(simulator.addresses.ca_bundle)) as proxy:
        return proxy.request(method, url, headers=headers, retries=False, redirect=False)


def test_the_journal_says_how_much_was_sent_before_a_cut(simulator: SimulatorHandle, sdk: CallAutomationClient) -> None:
    """A resume is judged by the bytes that really left."""
    stored = make_object(simulator)
    simulator.client.add_fault("content", "cut", sent_bytes=1000)
    download(sdk, CONTENT.format(stored["documentId"]), headers={"Range": "bytes=10-"})
    (entry,) = simulator.client.journal(operation="content")
    told = {name: entry[name] for name in ("status", "bytesSent", "range", "fault", "documentId", "credential")}
    assert told == {
        "status": 206,
        "bytesSent": 1000,
        "range": "bytes=10-",
        "fault": "cut",
        "documentId": stored["documentId"],
        "credential": "access_key",
    }


def test_a_redirect_to_a_foreign_host_reaches_only_the_proxy(
    simulator: SimulatorHandle, sdk: CallAutomationClient
) -> None:
    """The SDK follows it; the journal shows the contact that a guard must prevent."""
    stored = make_object(simulator)
    simulator.client.add_fault("content", "redirect", location="https://files.example.org/v1/x")
    download(sdk, CONTENT.format(stored["documentId"]))
    assert [entry["host"] for entry in simulator.client.foreign_contacts()] == ["files.example.org"]


def test_the_second_read_can_differ_from_the_first(simulator: SimulatorHandle, sdk: CallAutomationClient) -> None:
    """`skip` lets requests pass first: two reads of one range are compared, and must be seen to disagree."""
    url = CONTENT.format(make_object(simulator)["documentId"])
    simulator.client.add_fault("content", "different_bytes", skip=1, times=None, offset=0)
    first, second, third = (download(sdk, url).body for _ in range(3))
    assert first != second == third


METADATA_EFFECTS: list[tuple[str, Callable[[bytes, JSON], bool]]] = [
    ("invalid_json", lambda body, stored: body == stored["metadata"].encode()[: len(stored["metadata"]) // 2]),
    ("byte_order_mark", lambda body, stored: body == b"\xef\xbb\xbf" + stored["metadata"].encode()),
    ("mismatch", lambda body, stored: json.loads(body)["chunkDocumentId"] != stored["documentId"]),
    ("mismatch", lambda body, stored: json.loads(body)["chunkIndex"] == stored["index"] + 1),
    ("unknown_fields", lambda body, stored: json.loads(body).items() > json.loads(stored["metadata"]).items()),
    ("zero_bytes", lambda body, _: body == b""),
]


@pytest.mark.parametrize(("kind", "check"), METADATA_EFFECTS, ids=[row[0] for row in METADATA_EFFECTS])
def test_a_metadata_document_is_spoiled_as_scripted(
    simulator: SimulatorHandle, sdk: CallAutomationClient, kind: str, check: Callable[[bytes, JSON], bool]
) -> None:
    """The media must not be lost because a parser stumbled."""
    stored = make_object(simulator)
    simulator.client.add_fault("metadata", kind)
    assert check(download(sdk, METADATA.format(stored["documentId"])).body, stored)
    assert download(sdk, CONTENT.format(stored["documentId"])).error is None


@pytest.mark.parametrize("status", [202, 204, 404, 410, 302])
def test_a_delete_can_be_done_and_answered_otherwise(
    simulator: SimulatorHandle, sdk: CallAutomationClient, status: int
) -> None:
    """The SDK calls 200 alone a success, and raises although the object is gone."""
    stored = make_object(simulator)
    simulator.client.add_fault("delete", "answer_status", status=status, location="https://storage.asm.skype.com/")
    with pytest.raises(HttpResponseError) as caught:
        sdk.delete_recording(DELETE.format(stored["documentId"]))
    assert caught.value.status_code == status
    assert simulator.client.objects()[0]["deletedAt"] is not None


def test_a_delete_can_vanish_after_it_was_done(simulator: SimulatorHandle, sdk: CallAutomationClient) -> None:
    """The next attempt gets 404 and must take it for success."""
    stored = make_object(simulator)
    simulator.client.add_fault("delete", "no_response_after_commit")
    with pytest.raises(AzureError):
        sdk.delete_recording(DELETE.format(stored["documentId"]))
    assert simulator.client.objects()[0]["deletedAt"] is not None


@pytest.mark.parametrize(("kind", "has_metadata"), [("keep_object", True), ("delete_metadata_only", False)])
def test_a_delete_can_succeed_without_deleting(
    simulator: SimulatorHandle, sdk: CallAutomationClient, kind: str, *, has_metadata: bool
) -> None:
    """A success that leaves the recording behind is what a privacy officer asks about."""
    stored = make_object(simulator)
    simulator.client.add_fault("delete", kind)
    sdk.delete_recording(DELETE.format(stored["documentId"]))
    assert download(sdk, CONTENT.format(stored["documentId"])).status == 200
    assert (download(sdk, METADATA.format(stored["documentId"])).status == 200) is has_metadata


def test_the_control_plane_speaks_acs_when_it_fails(simulator: SimulatorHandle, sdk: CallAutomationClient) -> None:
    """Codes travel in the body: known ones come by themselves, others can be given."""
    call = simulator.client.create_call()
    seen = []
    for status, code in ((403, None), (409, None), (429, None), (500, None), (400, "8585")):
        simulator.client.add_fault("start_recording", "status", status=status, code=code)
        with pytest.raises(HttpResponseError) as caught:
            start(sdk, call)
        response: Any = caught.value.response
        seen.append((response.status_code, response.json()["error"]["code"]))
    assert seen == [(403, "7504"), (409, "8571"), (429, "8589"), (500, "9999"), (400, "8585")]
    assert simulator.client.recordings() == []


def test_a_state_of_the_future_and_a_missing_kind_pass_through(
    simulator: SimulatorHandle, sdk: CallAutomationClient
) -> None:
    """Enums are open by contract; a client that insists breaks on the first addition."""
    recording_id = start(sdk, simulator.client.create_call()).recording_id or ""
    simulator.client.add_fault("get_recording", "unknown_state", state="transcribing")
    simulator.client.add_fault("get_recording", "missing_recording_kind")
    assert sdk.get_recording_properties(recording_id).recording_state == "transcribing"
    assert sdk.get_recording_properties(recording_id).recording_kind is None


def test_a_stop_can_answer_404_though_files_will_come(simulator: SimulatorHandle, sdk: CallAutomationClient) -> None:
    """The documented failover issue: a 404 here does not mean that there is nothing to archive."""
    recording_id = start(sdk, simulator.client.create_call()).recording_id or ""
    simulator.client.advance(2)
    simulator.client.add_fault("stop_recording", "not_found_but_done", recording_id=recording_id)
    with pytest.raises(HttpResponseError, match="8522"):
        sdk.stop_recording(recording_id)
    simulator.client.advance(5)
    assert len(simulator.client.wait_for_objects(recording_id)) == 1


def test_an_old_pause_answers_200_and_the_sdk_raises_although_it_paused(
    simulator: SimulatorHandle, sdk: CallAutomationClient
) -> None:
    """Older API versions answered so; the state is what counts."""
    recording_id = start(sdk, simulator.client.create_call()).recording_id or ""
    simulator.client.advance(2)
    simulator.client.add_fault("pause_recording", "answer_status", status=200)
    with pytest.raises(HttpResponseError):
        sdk.pause_recording(recording_id)
    simulator.client.advance(1)
    assert simulator.client.recordings()[0]["state"] == "inactive"


def test_a_delay_ends_when_the_clock_is_moved(simulator: SimulatorHandle, sdk: CallAutomationClient) -> None:
    """An answer after half a minute must not cost half a minute of a test."""
    import threading

    url = CONTENT.format(make_object(simulator)["documentId"])
    simulator.client.add_fault("content", "delay", seconds=30)
    began = time.monotonic()
    mover = threading.Thread(target=lambda: move_when_struck(simulator))
    mover.start()
    assert len(download(sdk, url).body) == LENGTH
    mover.join()
    assert time.monotonic() - began < 20


def move_when_struck(simulator: SimulatorHandle) -> None:
    simulator.client.wait_until(lambda: simulator.client.journal(fault="delay"))
    simulator.client.advance(30)


def test_a_fault_is_not_used_up_by_a_stranger(simulator: SimulatorHandle, sdk: CallAutomationClient) -> None:
    """Otherwise an unsigned request would spoil the script for the app."""
    import urllib3

    url = CONTENT.format(make_object(simulator)["documentId"])
    simulator.client.add_fault("content", "zero_bytes")
    proxy = urllib3.ProxyManager(simulator.addresses.proxy_url, ca_certs=str(simulator.addresses.ca_bundle))
    with proxy:
        assert proxy.request("GET", url).status == 401
    assert simulator.client.faults()[0]["left"] == 1
    assert download(sdk, url).body == b""
    assert simulator.client.faults()[0]["left"] == 0


@pytest.mark.parametrize(
    ("operation", "kind", "arguments"),
    [("content", "lose", {}), ("content", "cut", {"speed": 1}), ("nothing", "cut", {}), ("content", "explode", {})],
)
def test_a_fault_that_makes_no_sense_is_refused(
    simulator: SimulatorHandle, operation: str, kind: str, arguments: dict[str, Any]
) -> None:
    """A fault that silently never strikes would make a test pass for nothing."""
    with pytest.raises(SimulatorError, match="400"):
        simulator.client.add_fault(operation, kind, **arguments)


def test_gzip_really_is_gzip(simulator: SimulatorHandle, sdk: CallAutomationClient) -> None:
    """The SDK decodes it by itself; on the wire there is less than the object."""
    stored = make_object(simulator)
    simulator.client.add_fault("content", "gzip")
    got = download(sdk, CONTENT.format(stored["documentId"]))
    assert int(got.headers["Content-Length"]) == len(gzip.compress(got.body))
