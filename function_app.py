"""The triggers, and nothing else: each one parses, calls one use case, and answers.

Can be listed with no settings present: adapters and settings are built by `recording.wiring` on the first call.
"""

import azure.functions as func

from recording import ingest, wiring
from recording.archive import line as archive
from recording.control import guards
from recording.domain.names import (
    CHUNKS_QUEUE,
    DERIVED_QUEUE,
    EVENTS_QUEUE,
    EXPORTS_QUEUE,
    FOLLOW_UPS_QUEUE,
    GUARDS_QUEUE,
    OUTBOX_QUEUE,
)
from recording.http import console as http_console
from recording.http import console_files
from recording.http import derived as http_derived
from recording.http import events as http_events
from recording.http import handover as http_handover
from recording.http import keep as http_keep
from recording.http import library as http_library
from recording.http import media as http_media
from recording.http import routes as http_api
from recording.http.event_trigger import envelope_of, keep_envelopes
from recording.library import analysts
from recording.library import follow_up as library
from recording.library.derived import make as deriving
from recording.library.handover import export as handover
from recording.library.keep import dispose as disposing
from recording.library.notify import catch_up as catching_up
from recording.library.notify import send as notifying
from recording.library.seal import turn as sealing
from recording.operate import scrub as scrubbing
from recording.reconcile import overdue as reconciling

keep_envelopes()
app = func.FunctionApp(http_auth_level=func.AuthLevel.FUNCTION)


@app.route("recordings", methods=["POST"])
def start_recording(req: func.HttpRequest) -> func.HttpResponse:
    """Start a recording of a call."""
    return http_api.start_recording(req, wiring.dependencies)


@app.route("recordings/{recordingId}", methods=["GET"])
def get_recording(req: func.HttpRequest) -> func.HttpResponse:
    """Tell the state of a recording and what is archived of it."""
    return http_api.get_recording(req, wiring.dependencies)


@app.route("recordings", methods=["GET"])
def find_recordings(req: func.HttpRequest) -> func.HttpResponse:
    """Find recordings by time, participant, number, call, tag, format and state."""
    return http_library.find_recordings(req, wiring.dependencies)


@app.route("recordings/find", methods=["POST"])
def search_recordings(req: func.HttpRequest) -> func.HttpResponse:
    """Find recordings as well; numbers and ids are in the body, so that no URL names a person."""
    return http_library.search_recordings(req, wiring.dependencies)


@app.route("recordings/{recordingId}/timeline", methods=["GET"])
def recording_timeline(req: func.HttpRequest) -> func.HttpResponse:
    """Tell who did what with a recording, and when."""
    return http_library.recording_timeline(req, wiring.dependencies)


@app.route("recordings/{recordingId}/chunks/{index}/media", methods=["GET", "HEAD"])
def chunk_media(req: func.HttpRequest) -> func.HttpResponse:
    """Let somebody hear a part of a chunk, and write down who and which part."""
    return http_media.chunk_media(req, wiring.dependencies)


@app.route("recordings/{recordingId}/chunks/{index}/peaks", methods=["GET"])
def chunk_peaks(req: func.HttpRequest) -> func.HttpResponse:
    """Show a chunk's waveform."""
    return http_media.chunk_peaks(req, wiring.dependencies)


@app.route("recordings/{recordingId}/derived", methods=["POST"])
def derive_recording(req: func.HttpRequest) -> func.HttpResponse:
    """Ask for files made from a recording: one of all chunks, or one for each speaker."""
    return http_derived.derive_recording(req, wiring.dependencies)


@app.route("recordings/{recordingId}/derived", methods=["GET"])
def list_derived(req: func.HttpRequest) -> func.HttpResponse:
    """List the files made from a recording, and how far each is."""
    return http_derived.list_derived(req, wiring.dependencies)


@app.route("recordings/{recordingId}/derived/{derivedId}/media", methods=["GET", "HEAD"])
def derived_media(req: func.HttpRequest) -> func.HttpResponse:
    """Let somebody hear a part of a derived file, and write down who and which part."""
    return http_derived.derived_media(req, wiring.dependencies)


@app.route("recordings/{recordingId}", methods=["PATCH"])
def tag_recording(req: func.HttpRequest) -> func.HttpResponse:
    """Change the tags of a recording, also of one that was started elsewhere."""
    return http_library.tag_recording(req, wiring.dependencies)


@app.route("recordings/{recordingId}/holds/{case}", methods=["PUT"])
def hold_recording(req: func.HttpRequest) -> func.HttpResponse:
    """Hold a recording for a case."""
    return http_keep.hold_recording(req, wiring.dependencies)


@app.route("recordings/{recordingId}/holds/{case}", methods=["DELETE"])
def release_recording(req: func.HttpRequest) -> func.HttpResponse:
    """Release a recording from a case."""
    return http_keep.release_recording(req, wiring.dependencies)


@app.route("holds", methods=["GET"])
def list_recordings_on_hold(req: func.HttpRequest) -> func.HttpResponse:
    """List the recordings that are held, by case."""
    return http_keep.list_recordings_on_hold(req, wiring.dependencies)


@app.route("recordings/{recordingId}/disposition", methods=["GET"])
def recording_disposition(req: func.HttpRequest) -> func.HttpResponse:
    """Explain until when a recording is kept, and why."""
    return http_keep.recording_disposition(req, wiring.dependencies)


@app.route("disposition", methods=["GET"])
def list_disposition(req: func.HttpRequest) -> func.HttpResponse:
    """List what goes before a given time; change nothing."""
    return http_keep.list_disposition(req, wiring.dependencies)


@app.route("erasures", methods=["POST"])
def request_erasure(req: func.HttpRequest) -> func.HttpResponse:
    """Ask for the erasure of a participant or of recordings."""
    return http_keep.request_erasure(req, wiring.dependencies)


@app.route("erasures/{erasureId}/approve", methods=["POST"])
def approve_erasure(req: func.HttpRequest) -> func.HttpResponse:
    """Approve an erasure, as another person than the one who asked."""
    return http_keep.approve_erasure(req, wiring.dependencies)


@app.route("erasures/{erasureId}", methods=["GET"])
def get_erasure(req: func.HttpRequest) -> func.HttpResponse:
    """Tell how an erasure stands."""
    return http_keep.get_erasure(req, wiring.dependencies)


@app.route("retention/rules", methods=["GET"])
def get_retention_rules(req: func.HttpRequest) -> func.HttpResponse:
    """Tell the retention rules in force."""
    return http_keep.get_retention_rules(req, wiring.dependencies)


@app.route("retention/rules", methods=["PUT"])
def set_retention_rules(req: func.HttpRequest) -> func.HttpResponse:
    """Put new retention rules in force."""
    return http_keep.set_retention_rules(req, wiring.dependencies)


@app.route("recordings/{recordingId}/pause", methods=["POST"])
def pause_recording(req: func.HttpRequest) -> func.HttpResponse:
    """Pause a recording."""
    return http_api.pause_recording(req, wiring.dependencies)


@app.route("recordings/{recordingId}/resume", methods=["POST"])
def resume_recording(req: func.HttpRequest) -> func.HttpResponse:
    """Resume a paused recording."""
    return http_api.resume_recording(req, wiring.dependencies)


@app.route("recordings/{recordingId}/stop", methods=["POST"])
def stop_recording(req: func.HttpRequest) -> func.HttpResponse:
    """Stop a recording; its files follow by event."""
    return http_api.stop_recording(req, wiring.dependencies)


@app.route("recordings/{recordingId}/vcon", methods=["GET"])
def recording_vcon(req: func.HttpRequest) -> func.HttpResponse:
    """Hand a recording over as a vCon."""
    return http_handover.recording_vcon(req, wiring.dependencies)


@app.route("exports", methods=["POST"])
def request_export(req: func.HttpRequest) -> func.HttpResponse:
    """Ask for a bundle of recordings."""
    return http_handover.request_export(req, wiring.dependencies)


@app.route("exports/{exportId}", methods=["GET"])
def get_export(req: func.HttpRequest) -> func.HttpResponse:
    """Tell how far an export is."""
    return http_handover.get_export(req, wiring.dependencies)


@app.route("events/receivers", methods=["GET"])
def list_receivers(req: func.HttpRequest) -> func.HttpResponse:
    """Tell how the receivers of events stand."""
    return http_events.list_receivers(req, wiring.dependencies)


@app.route("events/receivers/{name}/enable", methods=["POST"])
def enable_receiver(req: func.HttpRequest) -> func.HttpResponse:
    """Put a receiver of events back to work."""
    return http_events.enable_receiver(req, wiring.dependencies)


@app.route("events/replay", methods=["POST"])
def replay_events(req: func.HttpRequest) -> func.HttpResponse:
    """Send events again, under their ids."""
    return http_events.replay_events(req, wiring.dependencies)


@app.route("recordings/{recordingId}/consent", methods=["POST"])
def tell_consent(req: func.HttpRequest) -> func.HttpResponse:
    """Add, amends or withdraws the consent to a recording; its policy says what follows."""
    return http_api.tell_consent(req, wiring.dependencies)


@app.route("reports/pauses", methods=["GET"])
def report_pauses(req: func.HttpRequest) -> func.HttpResponse:
    """Report pauses by day, caller and reason, for audits."""
    return http_library.report_pauses(req, wiring.dependencies)


@app.route("held", methods=["GET"])
def list_held(req: func.HttpRequest) -> func.HttpResponse:
    """List what needs attention."""
    return http_api.list_held(req, wiring.dependencies)


@app.route("held/redrive", methods=["POST"])
def redrive_held(req: func.HttpRequest) -> func.HttpResponse:
    """Put held things back to work."""
    return http_api.redrive_held(req, wiring.dependencies)


@app.route("held/accept", methods=["POST"])
def accept_held(req: func.HttpRequest) -> func.HttpResponse:
    """Make suspect bytes the recording."""
    return http_api.accept_held(req, wiring.dependencies)


@app.route("held/dismiss", methods=["POST"])
def dismiss_held(req: func.HttpRequest) -> func.HttpResponse:
    """Take what needs attention off the list, with a note."""
    return http_api.dismiss_held(req, wiring.dependencies)


@app.route("held/retry", methods=["POST"])
def retry_held(req: func.HttpRequest) -> func.HttpResponse:
    """Work on what needs attention now."""
    return http_api.retry_held(req, wiring.dependencies)


@app.route("console/{*path}", methods=["GET", "HEAD"], auth_level=func.AuthLevel.ANONYMOUS)
def console(req: func.HttpRequest) -> func.HttpResponse:
    """Serve the files of the console; they hold no data."""
    return console_files.serve(req)


@app.route(
    "console/api/{*path}",
    methods=["GET", "HEAD", "POST", "PATCH", "PUT", "DELETE"],
    auth_level=func.AuthLevel.ANONYMOUS,
)
def console_api(req: func.HttpRequest) -> func.HttpResponse:
    """Answer the console: signed-in people by their roles, and nobody where the platform does not sign people in."""
    return http_console.answer(req, wiring.dependencies, wiring.probe)


@app.event_grid_trigger(arg_name="event")
def ingest_event(event: func.EventGridEvent) -> None:
    """Ingest an event that Event Grid delivers to the function."""
    ingest.ingest_event(envelope_of(event), "event_grid", *wiring.dependencies())


@app.queue_trigger(arg_name="message", queue_name=EVENTS_QUEUE, connection="AzureWebJobsStorage")
def ingest_queued_event(message: func.QueueMessage) -> None:
    """Ingest an event that Event Grid put on the storage queue."""
    ingest.ingest_text(message.get_body().decode(errors="replace"), "event_queue", *wiring.dependencies())


@app.queue_trigger(arg_name="message", queue_name=CHUNKS_QUEUE, connection="AzureWebJobsStorage")
def archive_chunk(message: func.QueueMessage) -> None:
    """Archive one chunk."""
    archive.archive_message(message.get_body().decode(errors="replace"), *wiring.dependencies())


@app.queue_trigger(arg_name="message", queue_name=FOLLOW_UPS_QUEUE, connection="AzureWebJobsStorage")
def follow_up(message: func.QueueMessage) -> None:
    """Bring the directory up to date about one recording."""
    library.follow_up_message(message.get_body().decode(errors="replace"), wiring.ports())


@app.queue_trigger(arg_name="message", queue_name=EXPORTS_QUEUE, connection="AzureWebJobsStorage")
def export(message: func.QueueMessage) -> None:
    """Make as much of a bundle as fits into a run."""
    handover.export_message(message.get_body().decode(errors="replace"), *wiring.dependencies())


@app.queue_trigger(arg_name="message", queue_name=DERIVED_QUEUE, connection="AzureWebJobsStorage")
def derive(message: func.QueueMessage) -> None:
    """Make files from a recording's archived media."""
    deriving.derive_message(message.get_body().decode(errors="replace"), wiring.ports())


@app.queue_trigger(arg_name="message", queue_name=GUARDS_QUEUE, connection="AzureWebJobsStorage")
def guard(message: func.QueueMessage) -> None:
    """End pauses in time, stop what has no consent, and what may last no longer."""
    guards.guard_message(message.get_body().decode(errors="replace"), *wiring.dependencies())


@app.queue_trigger(arg_name="message", queue_name=OUTBOX_QUEUE, connection="AzureWebJobsStorage")
def notify(message: func.QueueMessage) -> None:
    """Send what happened to those who want to know."""
    notifying.notify_message(message.get_body().decode(errors="replace"), wiring.ports())


@app.timer_trigger(arg_name="timer", schedule="0 */5 * * * *")
def reconcile(timer: func.TimerRequest) -> None:  # noqa: ARG001 - the trigger gives it
    """Re-queue overdue or stuck chunks."""
    reconciling.reconcile(*wiring.dependencies())


@app.timer_trigger(arg_name="timer", schedule="15 */5 * * * *")
def catch_up_events(timer: func.TimerRequest) -> None:  # noqa: ARG001 - the trigger gives it
    """Look for events that wait too long, and for those that were not written."""
    catching_up.catch_up(wiring.ports())


@app.timer_trigger(arg_name="timer", schedule="0 30 * * * *")
def scrub(timer: func.TimerRequest) -> None:  # noqa: ARG001 - the trigger gives it
    """Read each night what was not read for longest, and go on each hour until that is done."""
    scrubbing.scrub_if_due(*wiring.dependencies())


@app.timer_trigger(arg_name="timer", schedule="0 45 2 * * *")
def export_directory(timer: func.TimerRequest) -> None:  # noqa: ARG001 - the trigger gives it
    """Write the directory's facts to Parquet files for analysts, where that is wanted."""
    analysts.export_directory(*wiring.dependencies())


@app.timer_trigger(arg_name="timer", schedule="30 */5 * * * *")
def seal(timer: func.TimerRequest) -> None:  # noqa: ARG001 - the trigger gives it
    """Sign a checkpoint over everything that was written since the last one."""
    sealing.seal(wiring.ports())


@app.timer_trigger(arg_name="timer", schedule="0 45 * * * *")
def dispose(timer: func.TimerRequest) -> None:  # noqa: ARG001 - the trigger gives it
    """Mark each night what is due, and destroy what was marked long enough."""
    disposing.dispose_if_due(*wiring.dependencies())


@app.route("health", methods=["GET"], auth_level=func.AuthLevel.ANONYMOUS)
def health(req: func.HttpRequest) -> func.HttpResponse:
    """Tell whether the app is alive and configured."""
    return http_api.health(req, wiring.settings)


@app.route("health/deep", methods=["GET"])
def deep_health(req: func.HttpRequest) -> func.HttpResponse:
    """Look at all that the app needs."""
    return http_api.deep_health(req, wiring.dependencies, wiring.probe)
