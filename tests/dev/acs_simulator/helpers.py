"""What several tests do with the SDK and the simulator."""

from dataclasses import dataclass
from typing import Any

from azure.communication.callautomation import CallAutomationClient, RecordingProperties
from azure.core.exceptions import AzureError, HttpResponseError

from dev.acs_simulator.client import JSON
from dev.acs_simulator.threaded import SimulatorHandle

CONTENT = "https://storage.asm.skype.com/v1/objects/{}/content/video"
METADATA = "https://storage.asm.skype.com/v1/objects/{}/content/acsmetadata"
DELETE = "https://us-storage.asm.skype.com/v1/objects/{}"
WAV: dict[str, Any] = {
    "recording_content_type": "audio",
    "recording_channel_type": "mixed",
    "recording_format_type": "wav",
}
"""The quickest media to make."""


@dataclass(frozen=True)
class Download:
    """What the SDK made of a download; `error` is the class name of what it raised, at once or while reading."""

    status: int | None
    headers: dict[str, str]
    body: bytes
    error: str | None = None


def sdk_for(simulator: SimulatorHandle, **options: Any) -> CallAutomationClient:
    """The SDK's client as an app makes it for the simulator."""
    usual = {
        "proxies": {"https": simulator.addresses.proxy_url},
        "connection_verify": str(simulator.addresses.ca_bundle),
        "disable_redirect_cleanup": True,
        "retry_total": 0,
    }
    return CallAutomationClient.from_connection_string(simulator.addresses.connection_string, **{**usual, **options})


def start(sdk: CallAutomationClient, call: JSON, **options: Any) -> RecordingProperties:
    """Starts a quick recording of a call."""
    return sdk.start_recording(server_call_id=call["serverCallId"], **{**WAV, **options})


def record(simulator: SimulatorHandle, sdk: CallAutomationClient, seconds: float = 1.0, **options: Any) -> str:
    """Records a call for so long and stops; returns the recording id. The files follow."""
    call = simulator.client.create_call()
    recording_id = start(sdk, call, **options).recording_id
    assert recording_id is not None
    simulator.client.advance(1.0 + seconds)  # a second until it is active
    sdk.stop_recording(recording_id)
    return recording_id


def make_object(simulator: SimulatorHandle, **options: Any) -> JSON:
    """One second of sound, ready to be fetched, without an event."""
    return simulator.client.create_objects(publish_event=False, **options)[0]


def download(sdk: CallAutomationClient, url: str, **options: Any) -> Download:
    """Everything the SDK can say about a download. Bodies are read as sent: nothing is decoded behind our back."""
    try:
        response: Any = sdk.download_recording(url, **options)
    except HttpResponseError as error:
        return _refused(error)
    except AzureError as error:
        return Download(None, {}, b"", type(error).__name__)
    body = bytearray()
    try:
        for piece in response.iter_bytes():
            body += piece
    except AzureError as error:
        return Download(response.status_code, dict(response.headers), bytes(body), type(error).__name__)
    finally:
        response.close()
    return Download(response.status_code, dict(response.headers), bytes(body))


def _refused(error: HttpResponseError) -> Download:
    response: Any = error.response
    if response is None:
        return Download(None, {}, b"", type(error).__name__)
    body = response.read()  # a streamed response that failed is unread
    response.close()
    return Download(response.status_code, dict(response.headers), body, type(error).__name__)
