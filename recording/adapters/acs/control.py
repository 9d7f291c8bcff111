"""Fills the port RecordingControl with azure-communication-callautomation (1.6.0, REST API 2026-03-12)."""

import re
from collections.abc import Callable
from datetime import datetime
from email.utils import format_datetime
from functools import partial
from typing import Any, TypeVar

from azure.communication.callautomation import (
    AzureBlobContainerRecordingStorage,
    CallAutomationClient,
    ChannelAffinity,
    RecordingProperties,
)
from azure.communication.callautomation._shared.models import identifier_from_raw_id  # has no public name here
from azure.core.credentials import AzureKeyCredential
from azure.core.exceptions import AzureError, DecodeError, HttpResponseError

from recording.adapters.acs.limited_transport import limited_call, limited_transport
from recording.adapters.acs.refusals import control_error
from recording.adapters.azure_sdk.clients import CLIENT_OPTIONS, attempt, credential
from recording.adapters.azure_sdk.errors import UNREADABLE_ANSWER, has_no_token, retry_after, status_of
from recording.domain.ids import is_opaque_id
from recording.domain.incoming.requests import StartOptions
from recording.errors import ControlError
from recording.errors.codes import Code
from recording.settings import AcsConnection

T = TypeVar("T")

WHOLE_SECONDS = 45.0  # for a call with its retries, however slow the answer: a caller is waiting

_CODE = re.compile(r"[A-Za-z0-9._-]+", re.ASCII)
_STATE = re.compile(r"[A-Za-z0-9_ -]{1,40}", re.ASCII)

_LOCATORS = {
    "serverCallId": "server_call_id",
    "callConnectionId": "call_connection_id",
    "groupCallId": "group_call_id",
    "roomId": "room_id",
}


class AcsControl:
    """ACS's control plane. Each call ends within WHOLE_SECONDS; refusals follow `acs_refusals`."""

    def __init__(self, acs: AcsConnection) -> None:
        key = acs.access_key
        self._client = CallAutomationClient(
            acs.endpoint,  # without a slash at its end, which the SDK would sign
            AzureKeyCredential(key.get_secret_value()) if key else credential(acs.client_id),
            proxies={"https": acs.proxy_url} if acs.proxy_url else None,
            transport=limited_transport(acs.ca_bundle),
            permit_redirects=False,  # ACS redirects downloads only; a signature goes to no other host
            **CLIENT_OPTIONS,
        )

    def close(self) -> None:
        """Close the connections."""
        self._client.close()

    def start(self, options: StartOptions, repeatability_id: str, first_sent: datetime) -> tuple[str, str]:
        """Start under the repeatability id, so that neither our retry nor the caller's starts a second recording."""

        def call() -> RecordingProperties:
            headers = {  # built for each attempt: the SDK changes the mapping
                "Repeatability-Request-ID": repeatability_id,
                "Repeatability-First-Sent": format_datetime(first_sent, usegmt=True),
            }
            return self._client.start_recording(headers=headers, **_arguments(options))

        properties = _ask(call, starting=True)
        if not properties.recording_id or not is_opaque_id(properties.recording_id):
            raise ControlError("ACS answered without a readable recording id", code=Code.ACS_ERROR)
        return properties.recording_id, _word(properties.recording_state)

    def state(self, recording_id: str) -> str | None:
        """Return ACS's word; None on 404, which ended and unknown recordings have in common."""
        try:
            return _word(_ask(partial(self._client.get_recording_properties, recording_id)).recording_state)
        except ControlError as error:
            if error.code == Code.RECORDING_NOT_FOUND:
                return None
            raise

    def pause(self, recording_id: str) -> None:
        """Pause."""
        _done(partial(self._client.pause_recording, recording_id))

    def resume(self, recording_id: str) -> None:
        """Resume."""
        _done(partial(self._client.resume_recording, recording_id))

    def stop(self, recording_id: str) -> None:
        """Stop."""
        _done(partial(self._client.stop_recording, recording_id))


def _arguments(options: StartOptions) -> dict[str, Any]:
    """Return the SDK's arguments; only requested options are sent."""
    combination = options.combination
    arguments: dict[str, Any] = {
        _LOCATORS[options.locator.kind]: options.locator.value,
        "recording_content_type": combination.content.value,
        "recording_channel_type": combination.channel.value,
        "recording_format_type": combination.format.value,
        "pause_on_start": options.pause_on_start or None,
        "recording_state_callback_url": options.callback_uri,
        "channel_affinity": [
            ChannelAffinity(target_participant=identifier_from_raw_id(raw_id), channel=channel)
            for channel, raw_id in options.channel_affinity
        ],
        "audio_channel_participant_ordering": [identifier_from_raw_id(raw) for raw in options.participant_ordering],
    }
    if options.external_container:
        arguments["recording_storage"] = AzureBlobContainerRecordingStorage(options.external_container)
    return {name: value for name, value in arguments.items() if value}


def _word(state: object) -> str:
    """Return the state as ACS wrote it: the SDK returns an enum for values it knows and a string for others.

    Anything else than a word is dropped: it goes to logs and terminals.
    """
    text = str(getattr(state, "value", state) or "")
    return text if _STATE.fullmatch(text) else ""


def _done(call: Callable[[], None]) -> None:
    _ask(partial(_accept, call))


def _accept(call: Callable[[], None]) -> None:
    """Treat any 2xx as success: the SDK raises on a stop that is answered 200 or 202, although it succeeded."""
    try:
        call()
    except HttpResponseError as error:
        if not 200 <= (status_of(error) or 0) < 300:
            raise


def _ask(call: Callable[[], T], *, starting: bool = False) -> T:
    try:
        with limited_call(WHOLE_SECONDS):
            return attempt(call)
    except AzureError as error:
        if has_no_token(error):
            message = "no token for ACS, so it was not asked: assign the identity, or sign in (az login)"
            raise ControlError(message, code=Code.TOKEN_UNAVAILABLE) from None
        raise control_error(status_of(error), _acs_code(error), retry_after(error), starting=starting) from None
    except UNREADABLE_ANSWER:
        raise control_error(200, None) from None


def _acs_code(error: AzureError) -> str | None:
    """Return the code in `{"error": {"code": …}}`; answers of front ends and proxies have none."""
    if not isinstance(error, HttpResponseError) or error.response is None or isinstance(error, DecodeError):
        return None
    try:
        body = error.response.json()  # type: ignore[attr-defined]  # of azure.core.rest, which this SDK uses
        code = body["error"]["code"]
    except (*UNREADABLE_ANSWER, AzureError):
        return None
    return str(code)[:16] if isinstance(code, str | int) and _CODE.fullmatch(str(code)) else None
