"""A subscription starts only with an endpoint that proves it wants the events."""

import pytest
from aiohttp import web

from dev.event_grid import StorageQueueSubscription, SubscriptionRefusedError, WebhookSubscription
from tests.dev.event_grid.receiver import KeptQueue, event, on_a_loop, world


@on_a_loop
async def test_a_webhook_echoes_the_validation_code() -> None:
    """The handshake of the Event Grid schema, with the headers the Functions host looks at."""
    async with world() as w:
        await w.subscribe(name="to-function")
        [asked] = w.receiver.handshakes
        assert asked.headers["aeg-event-type"] == "SubscriptionValidation"
        assert asked.headers["aeg-subscription-name"] == "TO-FUNCTION"
        assert int(asked.headers["Content-Length"]) > 0
        assert asked.content[0]["eventType"] == "Microsoft.EventGrid.SubscriptionValidationEvent"
        assert asked.raw_path == "/hook?code=a%2Bb%2Dc"


@pytest.mark.parametrize(
    "answer",
    [
        lambda code: web.json_response({"validationResponse": "another"}),
        lambda code: web.json_response({"validationResponse": code}, status=202),
        lambda code: web.Response(text=str({"validationResponse": code})),
        lambda code: web.Response(status=401),
        lambda code: web.json_response([code]),
    ],
    ids=["wrong code", "202", "not JSON", "401", "array"],
)
@on_a_loop
async def test_a_wrong_answer_refuses_the_subscription(answer: object) -> None:
    """A handshake that passes here and fails in Azure would cost a deployment."""
    async with world() as w:
        w.receiver.validates = answer  # type: ignore[assignment]  # pytest hands the lambdas over untyped
        with pytest.raises(SubscriptionRefusedError, match="'main'"):
            await w.subscribe()
        await w.publish(event())
        assert w.receiver.notifications == []


@on_a_loop
async def test_cloud_events_ask_for_the_origin() -> None:
    """The other handshake: an OPTIONS request, answered with who may send."""
    async with world() as w:
        await w.subscribe(schema="CloudEventSchemaV1_0")
        [asked] = w.receiver.handshakes
        assert (asked.method, asked.headers["WebHook-Request-Origin"]) == ("OPTIONS", "eventgrid.azure.net")


@on_a_loop
async def test_an_origin_that_is_not_allowed_refuses_the_subscription() -> None:
    """The answer has to name Event Grid, or everybody."""
    async with world() as w:
        w.receiver.allowed_origin = "somebody.else"
        with pytest.raises(SubscriptionRefusedError):
            await w.subscribe(schema="CloudEventSchemaV1_0")
        w.receiver.allowed_origin = "*"
        await w.subscribe(schema="CloudEventSchemaV1_0")


@on_a_loop
async def test_an_endpoint_that_is_not_there_refuses_the_subscription() -> None:
    """Deploying the subscription before the function fails in Azure, too."""
    async with world() as w:
        nobody = WebhookSubscription(name="main", url="http://127.0.0.1:1/hook?code=secret")
        with pytest.raises(SubscriptionRefusedError, match="SocketError") as refused:
            await w.grid.subscribe(nobody)
        assert "secret" not in f"{refused.value}{nobody!r}"


@on_a_loop
async def test_a_queue_has_to_exist() -> None:
    """Event Grid does not create it."""
    queue = KeptQueue(exists=False)
    async with world(open_queue=queue.opener()) as w:
        with pytest.raises(SubscriptionRefusedError, match="recording-events"):
            await w.grid.subscribe(
                StorageQueueSubscription(name="q", connection_string="", queue_name="recording-events")
            )


@on_a_loop
async def test_names_are_unique() -> None:
    """Faults and logs are found by name."""
    async with world() as w:
        await w.subscribe()
        with pytest.raises(ValueError, match="already"):
            await w.subscribe()


@pytest.mark.parametrize("settings", [{"ttl_minutes": 0}, {"ttl_minutes": 1441}, {"max_attempts": 31}])
def test_retry_policies_have_the_limits_of_the_service(settings: dict[str, int]) -> None:
    """What Azure would refuse must not work here."""
    with pytest.raises(ValueError, match="1 to"):
        WebhookSubscription(name="main", url="http://127.0.0.1/", **settings)  # type: ignore[arg-type]  # ints only
