"""What each scripted fault looks like on the wire, as the untouched SDK sees it."""

import gzip
import json
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import pytest
from azure.communication.callautomation import CallAutomationClient

from dev.acs_simulator.client import JSON
from dev.acs_simulator.faults.kinds import Operation
from dev.acs_simulator.faults.rules import RULES
from dev.acs_simulator.threaded import SimulatorHandle
from tests.dev.acs_simulator.faults.effects import LENGTH
from tests.dev.acs_simulator.helpers import CONTENT, METADATA, Download, download, make_object

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


def test_gzip_really_is_gzip(simulator: SimulatorHandle, sdk: CallAutomationClient) -> None:
    """The SDK decodes it by itself; on the wire there is less than the object."""
    stored = make_object(simulator)
    simulator.client.add_fault("content", "gzip")
    got = download(sdk, CONTENT.format(stored["documentId"]))
    assert int(got.headers["Content-Length"]) == len(gzip.compress(got.body))
