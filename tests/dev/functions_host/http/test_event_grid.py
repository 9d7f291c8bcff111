"""The Event Grid webhook answers as the extension does: the answer decides whether an event comes again."""

import json
from typing import Any

import azure.functions as func
import pytest

from dev.functions_host.http.event_grid import allowed_origin, events_of, validation_code
from recording.http.event_trigger import BINDING
from tests.dev.functions_host.sample_world import RunningSample, wait_until

pytestmark = pytest.mark.azurite


@pytest.fixture(autouse=True)
def the_librarys_own_converter(monkeypatch: pytest.MonkeyPatch) -> None:
    """The sample reads events as the library does, also after a test of the app's own converter in this process."""
    registry: Any = func.get_binding_registry()  # type: ignore[no-untyped-call]
    converter = registry.get(BINDING)
    if getattr(converter, "keeps_envelopes", False):
        monkeypatch.setitem(registry._bindings, BINDING, converter.__bases__[0])


def event(**data: Any) -> dict[str, Any]:
    return {
        "id": "e1",
        "topic": "/t",
        "subject": "s",
        "eventType": "Sample",
        "eventTime": "2026-11-24T10:00:00.1234567Z",
        "dataVersion": "1.0",
        "data": {"chunks": [], **data},
    }


def deliver(sample: RunningSample, body: object, kind: str | None = "Notification", **query: str) -> Any:
    fields = {"functionName": "ingest", "code": sample.host.keys.system["eventgrid_extension"], **query}
    path = "/runtime/webhooks/EventGrid?" + "&".join(f"{name}={value}" for name, value in fields.items())
    headers = {"aeg-event-type": kind} if kind else {}
    return sample.request("POST", path, body=json.dumps(body).encode(), headers=headers)


def finished(sample: RunningSample, name: str) -> list[dict[str, Any]]:
    return sample.world.traces(task=name, at="end")


def test_the_handshake_returns_the_validation_code(sample: RunningSample) -> None:
    """Without it no subscription can be created."""
    answer = deliver(sample, [event(validationCode="abc")], "SubscriptionValidation")
    assert (answer.status, json.loads(answer.data)) == (200, {"validationResponse": "abc"})
    cloud_event = {"data": json.dumps({"validationCode": "xyz"})}
    assert json.loads(deliver(sample, cloud_event, "SubscriptionValidation").data) == {"validationResponse": "xyz"}


def test_a_notification_is_accepted_after_its_outputs_are_written(sample: RunningSample) -> None:
    """202 means: every chunk has its message."""
    chunks = [json.dumps({"name": "n1"}), json.dumps({"name": "n2"})]
    assert deliver(sample, [event(chunks=chunks)]).status == 202
    wait_until(lambda: finished(sample, "n1") and finished(sample, "n2"))


def test_one_failure_fails_the_whole_batch_although_the_others_were_queued(sample: RunningSample) -> None:
    """Event Grid sends all of it again, so consumers must stand duplicates; this is where they come from."""
    good = event(chunks=[json.dumps({"name": "batch"})])
    answer = deliver(sample, [good, event(fail=True)])
    assert (answer.status, answer.data) == (500, b"Exception while executing function: Functions.ingest")
    wait_until(lambda: finished(sample, "batch"))


def test_a_message_that_storage_refuses_fails_the_invocation_after_the_function_has_run(sample: RunningSample) -> None:
    """More than 48 KiB do not fit into a base64 message; the event must come again rather than be half done."""
    assert deliver(sample, [event(chunks=["x" * 50_000])]).status == 500


def test_cloud_events_come_one_by_one_or_in_batches(sample: RunningSample) -> None:
    """Subscriptions may use either schema."""
    cloud = {"specversion": "1.0", "id": "c1", "source": "/s", "type": "T", "time": "2026-11-24T10:00:00Z", "data": {}}
    assert deliver(sample, cloud, functionName="note_cloud_event").status == 202
    assert deliver(sample, [cloud, {**cloud, "id": "c2"}], functionName="note_cloud_event").status == 202
    assert [len(sample.world.traces(cloud_event=name, type="T")) for name in ("c1", "c2")] == [2, 1]


@pytest.mark.parametrize(("kind", "status"), [("Unsubscribe", 202), (None, 400), ("Other", 400)])
def test_other_requests_are_answered_by_their_kind(sample: RunningSample, kind: str | None, status: int) -> None:
    """Only a notification runs the function."""
    assert deliver(sample, [event()], kind).status == status


@pytest.mark.parametrize("body", ["text", 7])
def test_a_body_that_holds_no_event_is_500(sample: RunningSample, body: object) -> None:
    """It must not be taken for delivered."""
    assert deliver(sample, body).status == 500
    assert deliver(sample, body, "SubscriptionValidation").status == 500


@pytest.mark.parametrize("name", ["nosuch", "Ingest", "work", ""])
def test_a_function_without_this_trigger_is_404(sample: RunningSample, name: str) -> None:
    """Names are compared letter by letter; only the path ignores case."""
    answer = deliver(sample, [event()], functionName=name)
    assert (answer.status, answer.data.decode()) == (404, f"cannot find function: '{name}'")


def test_the_webhook_asks_for_its_system_key_even_for_options(sample: RunningSample) -> None:
    """The endpoint is public; a forged event must not get in."""
    path = "/runtime/webhooks/eventgrid?functionName=ingest"
    keys = sample.host.keys
    assert [sample.request("OPTIONS", f"{path}&code={key}").status for key in ("", keys.host["default"])] == [401, 401]
    answer = sample.request("OPTIONS", f"{path}&code={keys.master}", headers={"WebHook-Request-Origin": "evil.example"})
    assert (answer.status, answer.headers["Webhook-Allowed-Origin"]) == (200, "eventgrid.azure.net")


def test_known_clouds_are_allowed_by_their_own_name() -> None:
    """The CloudEvents handshake of a national cloud fails otherwise."""
    assert allowed_origin({"WebHook-Request-Origin": "eventgrid.azure.cn"}) == "eventgrid.azure.cn"
    assert allowed_origin({}) == "eventgrid.azure.net"


def test_what_is_no_event_is_a_value_error() -> None:
    """The webhook turns it into a 500."""
    with pytest.raises(ValueError, match="object or array"):
        events_of("1")
    with pytest.raises(ValueError, match="validationCode"):
        validation_code("[]")
