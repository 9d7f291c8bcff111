"""The index of triggers: each one parses, calls one use case, and answers.

The Functions host can list them with no settings present and no use case loaded: each function imports its own on its
first call (see docs/adr/0071), and `recording.wiring` builds adapters and settings.
"""

import azure.functions as func

from recording import wiring
from recording.domain.incoming.delivery import text_of
from recording.domain.names import (
    CHUNKS_QUEUE,
    DERIVED_QUEUE,
    EVENTS_QUEUE,
    EXPORTS_QUEUE,
    FOLLOW_UPS_QUEUE,
    GUARDS_QUEUE,
    OUTBOX_QUEUE,
)
from recording.http.event_trigger import envelope_of, keep_envelopes

keep_envelopes()
app = func.FunctionApp(http_auth_level=func.AuthLevel.FUNCTION)


@app.route("recordings", methods=["POST"])
def start_recording(req: func.HttpRequest) -> func.HttpResponse:
    """Start a recording of a call."""
    from recording.http import routes

    return routes.start_recording(req, wiring.dependencies)


@app.route("recordings/{recordingId}", methods=["GET"])
def get_recording(req: func.HttpRequest) -> func.HttpResponse:
    """Show the state of a recording and its archived files."""
    from recording.http import routes

    return routes.get_recording(req, wiring.dependencies)


@app.route("recordings", methods=["GET"])
def find_recordings(req: func.HttpRequest) -> func.HttpResponse:
    """Find recordings by time, participant, number, call, tag, format and state."""
    from recording.http import library

    return library.find_recordings(req, wiring.dependencies)


@app.route("recordings/find", methods=["POST"])
def search_recordings(req: func.HttpRequest) -> func.HttpResponse:
    """Find recordings by a query in the body, so that no URL names a person."""
    from recording.http import library

    return library.search_recordings(req, wiring.dependencies)


@app.route("recordings/{recordingId}/timeline", methods=["GET"])
def recording_timeline(req: func.HttpRequest) -> func.HttpResponse:
    """Show who did what with a recording, and when."""
    from recording.http import library

    return library.recording_timeline(req, wiring.dependencies)


@app.route("recordings/{recordingId}/chunks/{index}/media", methods=["GET", "HEAD"])
def chunk_media(req: func.HttpRequest) -> func.HttpResponse:
    """Serve a range of a chunk's media, and record who listened to which part."""
    from recording.http import media

    return media.chunk_media(req, wiring.dependencies)


@app.route("recordings/{recordingId}/chunks/{index}/peaks", methods=["GET"])
def chunk_peaks(req: func.HttpRequest) -> func.HttpResponse:
    """Show a chunk's waveform."""
    from recording.http import media

    return media.chunk_peaks(req, wiring.dependencies)


@app.route("recordings/{recordingId}/derived", methods=["POST"])
def derive_recording(req: func.HttpRequest) -> func.HttpResponse:
    """Ask for files made from a recording: one of all chunks, or one for each speaker."""
    from recording.http import derived

    return derived.derive_recording(req, wiring.dependencies)


@app.route("recordings/{recordingId}/derived", methods=["GET"])
def list_derived(req: func.HttpRequest) -> func.HttpResponse:
    """List the files made from a recording, with the progress of each."""
    from recording.http import derived

    return derived.list_derived(req, wiring.dependencies)


@app.route("recordings/{recordingId}/derived/{derivedId}/media", methods=["GET", "HEAD"])
def derived_media(req: func.HttpRequest) -> func.HttpResponse:
    """Serve a range of a derived file, and record who listened to which part."""
    from recording.http import derived

    return derived.derived_media(req, wiring.dependencies)


@app.route("recordings/{recordingId}", methods=["PATCH"])
def tag_recording(req: func.HttpRequest) -> func.HttpResponse:
    """Change the tags of a recording, also of one that was started elsewhere."""
    from recording.http import library

    return library.tag_recording(req, wiring.dependencies)


@app.route("recordings/{recordingId}/holds/{case}", methods=["PUT"])
def hold_recording(req: func.HttpRequest) -> func.HttpResponse:
    """Hold a recording for a case."""
    from recording.http import keep

    return keep.hold_recording(req, wiring.dependencies)


@app.route("recordings/{recordingId}/holds/{case}", methods=["DELETE"])
def release_recording(req: func.HttpRequest) -> func.HttpResponse:
    """Release a recording from a case."""
    from recording.http import keep

    return keep.release_recording(req, wiring.dependencies)


@app.route("holds", methods=["GET"])
def list_recordings_on_hold(req: func.HttpRequest) -> func.HttpResponse:
    """List the recordings that are held, by case."""
    from recording.http import keep

    return keep.list_recordings_on_hold(req, wiring.dependencies)


@app.route("recordings/{recordingId}/disposition", methods=["GET"])
def recording_disposition(req: func.HttpRequest) -> func.HttpResponse:
    """Explain how long a recording is kept, and why."""
    from recording.http import keep

    return keep.recording_disposition(req, wiring.dependencies)


@app.route("disposition", methods=["GET"])
def list_disposition(req: func.HttpRequest) -> func.HttpResponse:
    """List what is due for destruction before a given time; change nothing."""
    from recording.http import keep

    return keep.list_disposition(req, wiring.dependencies)


@app.route("erasures", methods=["POST"])
def request_erasure(req: func.HttpRequest) -> func.HttpResponse:
    """Ask for the erasure of a participant or of recordings."""
    from recording.http import keep

    return keep.request_erasure(req, wiring.dependencies)


@app.route("erasures/{erasureId}/approve", methods=["POST"])
def approve_erasure(req: func.HttpRequest) -> func.HttpResponse:
    """Approve an erasure, as another person than the one who asked."""
    from recording.http import keep

    return keep.approve_erasure(req, wiring.dependencies)


@app.route("erasures/{erasureId}", methods=["GET"])
def get_erasure(req: func.HttpRequest) -> func.HttpResponse:
    """Show the state of an erasure."""
    from recording.http import keep

    return keep.get_erasure(req, wiring.dependencies)


@app.route("retention/rules", methods=["GET"])
def get_retention_rules(req: func.HttpRequest) -> func.HttpResponse:
    """Show the retention rules in force."""
    from recording.http import keep

    return keep.get_retention_rules(req, wiring.dependencies)


@app.route("retention/rules", methods=["PUT"])
def set_retention_rules(req: func.HttpRequest) -> func.HttpResponse:
    """Put new retention rules in force."""
    from recording.http import keep

    return keep.set_retention_rules(req, wiring.dependencies)


@app.route("recordings/{recordingId}/pause", methods=["POST"])
def pause_recording(req: func.HttpRequest) -> func.HttpResponse:
    """Pause a recording."""
    from recording.http import routes

    return routes.pause_recording(req, wiring.dependencies)


@app.route("recordings/{recordingId}/resume", methods=["POST"])
def resume_recording(req: func.HttpRequest) -> func.HttpResponse:
    """Resume a paused recording."""
    from recording.http import routes

    return routes.resume_recording(req, wiring.dependencies)


@app.route("recordings/{recordingId}/stop", methods=["POST"])
def stop_recording(req: func.HttpRequest) -> func.HttpResponse:
    """Stop a recording; its files follow by event."""
    from recording.http import routes

    return routes.stop_recording(req, wiring.dependencies)


@app.route("recordings/{recordingId}/vcon", methods=["GET"])
def recording_vcon(req: func.HttpRequest) -> func.HttpResponse:
    """Serve a recording as a vCon."""
    from recording.http import handover

    return handover.recording_vcon(req, wiring.dependencies)


@app.route("exports", methods=["POST"])
def request_export(req: func.HttpRequest) -> func.HttpResponse:
    """Ask for a bundle of recordings."""
    from recording.http import handover

    return handover.request_export(req, wiring.dependencies)


@app.route("exports/{exportId}", methods=["GET"])
def get_export(req: func.HttpRequest) -> func.HttpResponse:
    """Show the progress of an export."""
    from recording.http import handover

    return handover.get_export(req, wiring.dependencies)


@app.route("events/receivers", methods=["GET"])
def list_receivers(req: func.HttpRequest) -> func.HttpResponse:
    """Show the state of the receivers of events."""
    from recording.http import events

    return events.list_receivers(req, wiring.dependencies)


@app.route("events/receivers/{name}/enable", methods=["POST"])
def enable_receiver(req: func.HttpRequest) -> func.HttpResponse:
    """Enable a receiver of events again."""
    from recording.http import events

    return events.enable_receiver(req, wiring.dependencies)


@app.route("events/replay", methods=["POST"])
def replay_events(req: func.HttpRequest) -> func.HttpResponse:
    """Send events again, under the same ids."""
    from recording.http import events

    return events.replay_events(req, wiring.dependencies)


@app.route("recordings/{recordingId}/consent", methods=["POST"])
def tell_consent(req: func.HttpRequest) -> func.HttpResponse:
    """Give, amend or withdraw the consent to a recording; its policy decides what follows."""
    from recording.http import routes

    return routes.tell_consent(req, wiring.dependencies)


@app.route("reports/pauses", methods=["GET"])
def report_pauses(req: func.HttpRequest) -> func.HttpResponse:
    """Report pauses by day, caller and reason, for audits."""
    from recording.http import library

    return library.report_pauses(req, wiring.dependencies)


@app.route("held", methods=["GET"])
def list_held(req: func.HttpRequest) -> func.HttpResponse:
    """List what needs attention."""
    from recording.http import routes

    return routes.list_held(req, wiring.dependencies)


@app.route("held/redrive", methods=["POST"])
def redrive_held(req: func.HttpRequest) -> func.HttpResponse:
    """Re-queue held items."""
    from recording.http import routes

    return routes.redrive_held(req, wiring.dependencies)


@app.route("held/accept", methods=["POST"])
def accept_held(req: func.HttpRequest) -> func.HttpResponse:
    """Accept suspect media as the recording."""
    from recording.http import routes

    return routes.accept_held(req, wiring.dependencies)


@app.route("held/dismiss", methods=["POST"])
def dismiss_held(req: func.HttpRequest) -> func.HttpResponse:
    """Dismiss an item that needs attention, with a note."""
    from recording.http import routes

    return routes.dismiss_held(req, wiring.dependencies)


@app.route("held/retry", methods=["POST"])
def retry_held(req: func.HttpRequest) -> func.HttpResponse:
    """Retry what needs attention at once."""
    from recording.http import routes

    return routes.retry_held(req, wiring.dependencies)


@app.route("console/{*path}", methods=["GET", "HEAD"], auth_level=func.AuthLevel.ANONYMOUS)
def console(req: func.HttpRequest) -> func.HttpResponse:
    """Serve the files of the console; they hold no data."""
    from recording.http import console_files

    return console_files.serve(req)


@app.route(
    "console/api/{*path}",
    methods=["GET", "HEAD", "POST", "PATCH", "PUT", "DELETE"],
    auth_level=func.AuthLevel.ANONYMOUS,
)
def console_api(req: func.HttpRequest) -> func.HttpResponse:
    """Answer the console: signed-in users by their roles, and none where App Service authentication is off."""
    from recording.http import console as http_console

    return http_console.answer(req, wiring.dependencies, wiring.probe)


@app.event_grid_trigger(arg_name="event")
def ingest_event(event: func.EventGridEvent) -> None:
    """Ingest an event that Event Grid delivers to the function."""
    from recording import ingest
    from recording.domain.state.quarantine import Origin

    ingest.ingest_event(envelope_of(event), Origin.EVENT_GRID, *wiring.dependencies())


@app.queue_trigger(arg_name="message", queue_name=EVENTS_QUEUE, connection="AzureWebJobsStorage")
def ingest_queued_event(message: func.QueueMessage) -> None:
    """Ingest an event that Event Grid put on the storage queue."""
    from recording import ingest
    from recording.domain.state.quarantine import Origin

    ingest.ingest_text(text_of(message.get_body()), Origin.EVENT_QUEUE, *wiring.dependencies())


@app.queue_trigger(arg_name="message", queue_name=CHUNKS_QUEUE, connection="AzureWebJobsStorage")
def archive_chunk(message: func.QueueMessage) -> None:
    """Archive one chunk."""
    from recording.archive import line as archive

    archive.archive_message(text_of(message.get_body()), *wiring.dependencies())


@app.queue_trigger(arg_name="message", queue_name=FOLLOW_UPS_QUEUE, connection="AzureWebJobsStorage")
def follow_up(message: func.QueueMessage) -> None:
    """Update the directory's entry of one recording."""
    from recording.library import follow_up as library

    library.follow_up_message(text_of(message.get_body()), wiring.ports())


@app.queue_trigger(arg_name="message", queue_name=EXPORTS_QUEUE, connection="AzureWebJobsStorage")
def export(message: func.QueueMessage) -> None:
    """Build as much of a bundle as fits into a run."""
    from recording.library.handover import export as handover

    handover.export_message(text_of(message.get_body()), *wiring.dependencies())


@app.queue_trigger(arg_name="message", queue_name=DERIVED_QUEUE, connection="AzureWebJobsStorage")
def derive(message: func.QueueMessage) -> None:
    """Make files from a recording's archived media."""
    from recording.library.derived import make as deriving

    deriving.derive_message(text_of(message.get_body()), wiring.ports())


@app.queue_trigger(arg_name="message", queue_name=GUARDS_QUEUE, connection="AzureWebJobsStorage")
def guard(message: func.QueueMessage) -> None:
    """End pauses in time, and stop recordings that lack consent or have lasted too long."""
    from recording.control.guards import fire

    fire.guard_message(text_of(message.get_body()), *wiring.dependencies())


@app.queue_trigger(arg_name="message", queue_name=OUTBOX_QUEUE, connection="AzureWebJobsStorage")
def notify(message: func.QueueMessage) -> None:
    """Send events to their receivers."""
    from recording.library.notify import send as notifying

    notifying.notify_message(text_of(message.get_body()), wiring.ports())


@app.timer_trigger(arg_name="timer", schedule="0 */5 * * * *")
def reconcile(timer: func.TimerRequest) -> None:  # noqa: ARG001 - the trigger gives it
    """Re-queue overdue or stuck chunks."""
    from recording.reconcile import overdue as reconciling

    reconciling.reconcile(*wiring.dependencies())


@app.timer_trigger(arg_name="timer", schedule="15 */5 * * * *")
def catch_up_events(timer: func.TimerRequest) -> None:  # noqa: ARG001 - the trigger gives it
    """Find events that wait too long, and events that were never written."""
    from recording.library.notify import catch_up as catching_up

    catching_up.catch_up(wiring.ports())


@app.timer_trigger(arg_name="timer", schedule="0 30 * * * *")
def scrub(timer: func.TimerRequest) -> None:  # noqa: ARG001 - the trigger gives it
    """Read each night the files that were read longest ago, hour by hour until the night's share is done."""
    from recording.operate import scrub as scrubbing

    scrubbing.scrub_if_due(*wiring.dependencies())


@app.timer_trigger(arg_name="timer", schedule="0 45 2 * * *")
def export_directory(timer: func.TimerRequest) -> None:  # noqa: ARG001 - the trigger gives it
    """Write the directory to Parquet files for analysts, where that is configured."""
    from recording.library import analysts

    analysts.export_directory(*wiring.dependencies())


@app.timer_trigger(arg_name="timer", schedule="30 */5 * * * *")
def seal(timer: func.TimerRequest) -> None:  # noqa: ARG001 - the trigger gives it
    """Sign a checkpoint over everything that was written since the last one."""
    from recording.library.seal import turn as sealing

    sealing.seal(wiring.ports())


@app.timer_trigger(arg_name="timer", schedule="0 15 * * * *")
def compare_seal(timer: func.TimerRequest) -> None:  # noqa: ARG001 - the trigger gives it
    """Compare the log and the audit trail with the seal each night, hour by hour until all is compared."""
    from recording.library.seal import compare as comparing

    comparing.compare_if_due(wiring.ports())


@app.timer_trigger(arg_name="timer", schedule="0 45 * * * *")
def dispose(timer: func.TimerRequest) -> None:  # noqa: ARG001 - the trigger gives it
    """Mark each night what is due, and destroy what has been marked for long enough."""
    from recording.library.keep import dispose as disposing

    disposing.dispose_if_due(*wiring.dependencies())


@app.route("health", methods=["GET"], auth_level=func.AuthLevel.ANONYMOUS)
def health(req: func.HttpRequest) -> func.HttpResponse:
    """Report whether the app is alive and configured."""
    from recording.http import routes

    return routes.health(req, wiring.settings)


@app.route("health/deep", methods=["GET"])
def deep_health(req: func.HttpRequest) -> func.HttpResponse:
    """Check everything that the app depends on."""
    from recording.http import routes

    return routes.deep_health(req, wiring.dependencies, wiring.probe)
