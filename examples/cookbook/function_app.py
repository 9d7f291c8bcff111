"""Work on the archive's events: they arrive verified, and every recipe that is switched on does its part once.

`receive` is the endpoint of the archive's webhooks: it verifies the signature, enqueues the event and answers at once.
`work` takes events from the queue; what fails is tried again by the host and ends on the poison queue. An Event Grid
subscription that delivers CloudEvents to the same queue needs no endpoint at all.
"""

import json

import azure.functions as func

from recipes import ON, inbox, power_bi, run
from recipes.outside import Outside

QUEUE = "archive-events"
LARGEST = 32 * 1024  # bytes of an event; as base64, a queue's message holds 48 KiB

app = func.FunctionApp(http_auth_level=func.AuthLevel.ANONYMOUS)  # the signature says who calls


@app.route("events", methods=["POST"])
@app.queue_output("message", queue_name=QUEUE, connection="AzureWebJobsStorage")
def receive(req: func.HttpRequest, message: func.Out[str]) -> func.HttpResponse:
    """Enqueue a genuine event; 401 for any other."""
    body, secrets = req.get_body(), Outside().setting("WEBHOOK_SECRETS").split()
    if len(body) > LARGEST:
        return func.HttpResponse(status_code=413)
    try:
        message.set(json.dumps(inbox.verified(body, dict(req.headers), secrets)))
    except inbox.NotGenuineError:
        return func.HttpResponse(status_code=401)
    return func.HttpResponse(status_code=204)


@app.queue_trigger("message", queue_name=QUEUE, connection="AzureWebJobsStorage")
def work(message: func.QueueMessage) -> None:
    """Let every recipe work on an event that it has not worked on yet."""
    outside = Outside()
    run(json.loads(message.get_body()), [recipe for recipe in ON if outside.has(recipe.SWITCH)], outside)


@app.timer_trigger(schedule="0 0,30 4-6 * * *", arg_name="timer")
def refresh_power_bi(timer: func.TimerRequest) -> None:
    """Refresh Power BI once the night's Parquet files are there."""
    del timer
    outside = Outside()
    if outside.has(power_bi.SWITCH):
        power_bi.refresh(outside)
