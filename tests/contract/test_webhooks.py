"""Webhooks over a real TLS server: signatures, the guard, limits of time and size, and what each answer means."""

import base64
import json
import socket
import subprocess
import threading
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from ipaddress import ip_network
from pathlib import Path
from typing import Any

import pytest
from pydantic import SecretStr
from standardwebhooks.webhooks import Webhook, WebhookVerificationError

from dev.event_grid.signatures import is_signed
from dev.in_memory.builders import settings as built
from dev.loopback import Answer, HttpServer, Script, Wire, certificates
from recording.adapters.outgoing.webhooks import WebhookWay
from recording.domain.outgoing.delivery import Result
from recording.domain.outgoing.endpoints import WebhookEndpoint
from recording.domain.outgoing.events import EventType, HoldData, OutgoingEvent, Subject, SubjectKind, event_of
from recording.errors.codes import Code
from recording.ports.outgoing import Answer as Outcome

FIRST = "whsec_" + base64.b64encode(b"first secret of twenty-four bytes").decode()
SECOND = "whsec_" + base64.b64encode(b"second secret of this endpoint, ok").decode()
VERIFIER = Path(__file__).with_name("verify_webhook.mjs")
EVIL = "hooks.evil.example"  # the loopback server has a certificate for it, and none for contoso.com
REFUSALS = (301, 302, 307, 308, 400, 401, 429, 500)
NOW = datetime.now(UTC)


@pytest.fixture(autouse=True)
def it_is_now(monkeypatch: pytest.MonkeyPatch) -> None:
    """The library's verifier looks at the clock of this machine, and the first test may have run long ago."""
    monkeypatch.setitem(globals(), "NOW", datetime.now(UTC))


def event() -> OutgoingEvent:
    subject = Subject(kind=SubjectKind.RECORDING, id="rec-1")
    return event_of(EventType.HELD, subject, NOW, HoldData(recording_id="rec-1", holds=1), "case")


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[HttpServer, str]]:
    context, bundle = certificates(tmp_path_factory.mktemp("ca"))
    with HttpServer(context) as running:
        yield running, bundle


class Here:
    """The receiver, and a way to it."""

    def __init__(self, server: HttpServer, bundle: str) -> None:
        self.script: Script = server.new_script()
        self.port, self.bundle = server.port, bundle

    def way(self, *secrets: str, host: str = EVIL, path: str = "/in?sig=hidden", **options: Any) -> WebhookWay:
        endpoint = WebhookEndpoint(
            name="crm",
            url=SecretStr(f"https://{host}:{self.port}{path}"),
            secrets=tuple(SecretStr(secret) for secret in secrets or (FIRST,)),
        )
        known = built(
            webhooks=(endpoint,),
            webhook_hosts=(f"{host}:{self.port}",),
            webhook_networks=options.pop("networks", (ip_network("127.0.0.0/8"),)),
        )
        usual: dict[str, Any] = {"resolve": lambda _host, _port: ["127.0.0.1"], "trusted": self.bundle}
        return WebhookWay(known, endpoint, **(usual | options))


@pytest.fixture
def here(server: tuple[HttpServer, str]) -> Here:
    return Here(*server)


def verified_by_node(secret: str, headers: dict[str, str], body: bytes, now: datetime) -> bool:
    """Verify by a program in another language: it shares neither code nor standard library with the sender."""
    asked = {
        "secret": secret,
        "headers": {name.lower(): value for name, value in headers.items()},
        "body": base64.b64encode(body).decode(),
        "now": int(now.timestamp()),
    }
    done = subprocess.run(["node", str(VERIFIER)], input=json.dumps(asked).encode(), timeout=60, check=False)
    assert done.returncode in (0, 1)
    return done.returncode == 0


def verified(secret: str, headers: dict[str, str], body: bytes, now: datetime) -> bool:
    """Verify by both other implementations, which must agree."""
    own = is_signed(secret, headers, body, now)
    assert verified_by_node(secret, headers, body, now) is own
    return own


def test_the_verifiers_accept_the_example_of_the_specifications_authors() -> None:
    """Nothing of ours made this signature: it is the vector that the libraries of Standard Webhooks share."""
    secret, at = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw", 1614265330
    headers = {
        "webhook-id": "msg_p5jXN8AQM9LWM0D4loKWxJek",
        "webhook-timestamp": str(at),
        "webhook-signature": "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=",
    }
    now = datetime.fromtimestamp(at, UTC)
    assert verified(secret, headers, b'{"test": 2432232314}', now)
    assert not verified(secret, headers, b'{"test": 2432232315}', now)
    assert not verified(secret, headers, b'{"test": 2432232314}', now + timedelta(seconds=301))


def test_the_library_and_two_other_implementations_verify_what_arrives(here: Here) -> None:
    """Standard Webhooks 1.0: the id of the event, the time of the try, and a signature over both and the bytes."""
    here.script.anything(Answer(204))
    assert here.way().send(event(), NOW) == Outcome(Result.DELIVERED)
    (seen,) = here.script.seen
    assert (seen.method, seen.path) == ("POST", "/in?sig=hidden")
    assert seen.headers["webhook-id"] == event().id
    assert seen.headers["webhook-timestamp"] == str(int(NOW.timestamp()))
    assert Webhook(FIRST).verify(seen.body, dict(seen.headers))["type"] == "recording_archive.held.v1"
    assert verified(FIRST, dict(seen.headers), seen.body, NOW)
    assert json.loads(seen.body)["data"] == {"recordingId": "rec-1", "holds": 1}


def test_whatever_is_changed_on_the_way_is_found_by_each_verifier(here: Here) -> None:
    """Body, id, time and signature; and another secret."""
    here.script.anything(Answer(200))
    here.way().send(event(), NOW)
    (seen,) = here.script.seen
    headers = dict(seen.headers)
    changed: list[tuple[str, dict[str, str], bytes]] = [
        (FIRST, headers, seen.body.replace(b"rec-1", b"rec-2")),
        (FIRST, headers | {"webhook-id": "other"}, seen.body),
        (FIRST, headers | {"webhook-timestamp": str(int(NOW.timestamp()) + 1)}, seen.body),
        (FIRST, headers | {"webhook-signature": "v1," + base64.b64encode(bytes(32)).decode()}, seen.body),
        (SECOND, headers, seen.body),
    ]
    for secret, told, body in changed:
        with pytest.raises(WebhookVerificationError):
            Webhook(secret).verify(body, told)
        assert not verified(secret, told, body, NOW)


def test_while_a_secret_is_replaced_both_sign(here: Here) -> None:
    """A receiver that knows the old one or the new one accepts the same delivery."""
    here.script.anything(Answer(200))
    here.way(SECOND, FIRST).send(event(), NOW)
    (seen,) = here.script.seen
    assert len(seen.headers["webhook-signature"].split(" ")) == 2
    for secret in (FIRST, SECOND):
        assert Webhook(secret).verify(seen.body, dict(seen.headers))
        assert verified(secret, dict(seen.headers), seen.body, NOW)


def test_a_redelivery_has_the_same_id_and_body_and_a_time_of_its_own(here: Here) -> None:
    """The receiver drops what it has, and still refuses what is old."""
    here.script.anything(Answer(503), Answer(200))
    way = here.way()
    assert way.send(event(), NOW).result is Result.FAILED
    assert way.send(event(), NOW + timedelta(seconds=60)).result is Result.DELIVERED
    first, second = here.script.seen
    assert first.headers["webhook-id"] == second.headers["webhook-id"]
    assert first.body == second.body
    assert int(second.headers["webhook-timestamp"]) - int(first.headers["webhook-timestamp"]) == 60


@pytest.mark.parametrize(
    ("status", "outcome"),
    [
        (200, Outcome(Result.DELIVERED)),
        (299, Outcome(Result.DELIVERED)),
        (410, Outcome(Result.GONE, Code.ENDPOINT_GONE)),
        *(
            (status, Outcome(Result.FAILED, Code.ENDPOINT_REFUSED))
            for status in (301, 302, 307, 308, 400, 401, 429, 500)
        ),
    ],
)
def test_what_each_answer_means(here: Here, status: int, outcome: Outcome) -> None:
    """2xx arrived, 410 wants no more, and the rest is tried again; a redirect is not followed."""
    here.script.anything(Answer(status, headers={"Location": f"https://{EVIL}:{here.port}/elsewhere"}))
    assert here.way().send(event(), NOW) == outcome
    assert len(here.script.seen) == 1


@pytest.mark.parametrize(
    "addresses",
    [["10.0.0.1"], ["169.254.169.254"], ["127.0.0.1", "10.0.0.1"], ["::ffff:10.0.0.1"], ["fe80::1%eth0"], []],
)
def test_nothing_is_sent_to_a_name_that_stands_for_a_private_address(here: Here, addresses: list[str]) -> None:
    """Also when only one of several addresses is private."""
    way = here.way(resolve=lambda _host, _port: addresses)
    assert way.send(event(), NOW) == Outcome(Result.REFUSED, Code.ENDPOINT_UNSAFE)
    assert here.script.seen == []


def test_a_second_answer_of_dns_changes_nothing(here: Here) -> None:
    """The connection goes to the address that was checked; the name is asked for once."""
    here.script.anything(Answer(200))
    answers = [["127.0.0.1"], ["169.254.169.254"]]
    asked: list[str] = []

    def resolve(host: str, port: int) -> list[str]:
        asked.append(host)
        return answers[len(asked) - 1]

    assert here.way(resolve=resolve).send(event(), NOW).result is Result.DELIVERED
    assert asked == [EVIL]


def test_the_next_address_is_tried_when_one_takes_no_connection(here: Here) -> None:
    """127.0.0.2 has nobody listening on this port."""
    here.script.anything(Answer(200))
    way = here.way(resolve=lambda _host, _port: ["127.0.0.2", "127.0.0.1"])
    assert way.send(event(), NOW).result is Result.DELIVERED


def test_a_certificate_for_another_name_is_refused(here: Here) -> None:
    """Whoever sits at the address must be who the name says."""
    here.script.anything(Answer(200))
    way = here.way(host="hooks.contoso.com")
    assert way.send(event(), NOW) == Outcome(Result.FAILED, Code.ENDPOINT_UNREACHABLE)
    assert here.script.seen == []


@pytest.mark.parametrize("drips", ["head", "body"])
def test_an_answer_that_drips_ends_with_the_time_for_the_whole_request(here: Here, drips: str) -> None:
    """A byte now and then would hold a worker for days if each byte began the time anew."""
    stall = threading.Event()
    here.script.anything(Answer(200, b"x" * 1000, drips=drips, stall=stall))
    try:
        assert here.way(seconds=1.0).send(event(), NOW) == Outcome(Result.FAILED, Code.ENDPOINT_UNREACHABLE)
    finally:
        stall.set()


@pytest.mark.parametrize("body", [b"5\r\nhel", b"zz\r\nhello", b"5\r\nhelloxx\r\n", b""])
@pytest.mark.parametrize(("status", "result"), [(b"200 OK", Result.DELIVERED), (b"410 Gone", Result.GONE)])
def test_an_answer_whose_body_is_cut_or_broken_counts_by_its_status(
    here: Here, status: bytes, result: Result, body: bytes
) -> None:
    """The receiver has the event, and would get it nine times more and be called unreachable."""
    answer = b"HTTP/1.1 " + status + b"\r\nTransfer-Encoding: chunked\r\n\r\n" + body
    here.script.anything(Answer(wire=Wire(lambda: iter([answer]))))
    assert here.way().send(event(), NOW).result is result


def test_a_huge_answer_is_not_read(here: Here) -> None:
    """The status is all that counts."""
    here.script.anything(Answer(200, b"x" * (8 << 20)))
    assert here.way().send(event(), NOW).result is Result.DELIVERED


def test_a_name_that_does_not_resolve_and_a_port_that_nobody_listens_on_are_failures(here: Here) -> None:
    """No exception leaves the way."""

    def fails(_host: str, _port: int) -> list[str]:
        raise OSError("no such host")

    assert here.way(resolve=fails).send(event(), NOW).code is Code.ENDPOINT_UNREACHABLE
    assert here.way(resolve=lambda _h, _p: ["127.0.0.2"]).send(event(), NOW).code is Code.ENDPOINT_UNREACHABLE
    here.script.anything(Answer(is_dropped=True))
    assert here.way().send(event(), NOW).code is Code.ENDPOINT_UNREACHABLE


def test_nothing_logs_the_query_or_a_secret(here: Here, caplog: pytest.LogCaptureFixture) -> None:
    """A query may hold a signature; failures say a code and the endpoint's name."""
    caplog.set_level("DEBUG")
    here.script.anything(Answer(500))
    way = here.way()
    way.send(event(), NOW)
    told = caplog.text + repr(way) + repr(way._endpoint)
    assert "hidden" not in told
    assert FIRST.removeprefix("whsec_") not in told


@pytest.mark.parametrize("status", [200, 204, 401, 404, 405, 501])
def test_a_probe_tells_nothing_and_any_answer_shows_that_somebody_is_there(here: Here, status: int) -> None:
    """HEAD, without a body, a signature or an id; many receivers take nothing but POST."""
    here.script.anything(Answer(status))
    assert here.way().probe(NOW) == Outcome(Result.DELIVERED)
    (seen,) = here.script.seen
    assert (seen.method, seen.body) == ("HEAD", b"")
    assert not any(name.lower().startswith("webhook-") for name in seen.headers)


@pytest.mark.parametrize(
    ("status", "outcome"),
    [
        (301, Outcome(Result.FAILED, Code.ENDPOINT_REFUSED)),
        (503, Outcome(Result.FAILED, Code.ENDPOINT_REFUSED)),
        (410, Outcome(Result.GONE, Code.ENDPOINT_GONE)),
    ],
)
def test_a_probe_finds_what_would_fail(here: Here, status: int, outcome: Outcome) -> None:
    """A redirect is followed by no event either."""
    here.script.anything(Answer(status, headers={"Location": f"https://{EVIL}:{here.port}/elsewhere"}))
    assert here.way().probe(NOW) == outcome
    assert len(here.script.seen) == 1


def test_a_probe_goes_through_the_same_guard(here: Here) -> None:
    """Nothing is asked of a private address, and a certificate must be for the name."""
    here.script.anything(Answer(200))
    unsafe = here.way(resolve=lambda _host, _port: ["169.254.169.254"])
    assert unsafe.probe(NOW) == Outcome(Result.REFUSED, Code.ENDPOINT_UNSAFE)
    assert here.way(host="hooks.contoso.com").probe(NOW) == Outcome(Result.FAILED, Code.ENDPOINT_UNREACHABLE)
    assert here.script.seen == []


def test_an_address_that_swallows_everything_leaves_time_for_the_next_one(here: Here) -> None:
    """A name with an address of a network that leads nowhere, IPv6 most often, before the one that works."""
    here.script.anything(Answer(200))
    shares: list[float] = []

    def opening(address: tuple[str, int], seconds: float) -> socket.socket:
        shares.append(seconds)
        if address[0] != "127.0.0.1":
            raise TimeoutError
        return socket.create_connection(address, seconds)

    way = here.way(resolve=lambda _host, _port: ["127.0.0.3", "127.0.0.2", "127.0.0.1"], opening=opening, seconds=60.0)
    assert way.send(event(), NOW).result is Result.DELIVERED
    assert len(shares) == 3
    assert shares[0] <= 20.0
    assert shares[1] <= 30.0
