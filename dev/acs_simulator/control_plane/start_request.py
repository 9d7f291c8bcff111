"""Reads the body of a start request as strictly as the specification says, and refuses what ACS refuses."""

from typing import Annotated, Any, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, ValidationError
from pydantic.alias_generators import to_camel

from dev.acs_simulator.state.model import RecordingFormat, Refusal
from dev.media import MediaSpec, UnsupportedMediaError
from dev.media.spec import Format


def _with_small_first_letter(value: object) -> object:
    """Enum values of SDKs before 1.6.0 are PascalCase, later ones camelCase; the service takes both."""
    return value[:1].lower() + value[1:] if isinstance(value, str) else value


class _Wire(BaseModel):
    """`additionalProperties: false` in the specification."""

    model_config = ConfigDict(extra="forbid", alias_generator=to_camel, frozen=True)


class CallLocator(_Wire):
    """Finds a call by one of its ids."""

    kind: Annotated[
        Literal["serverCallLocator", "groupCallLocator", "roomCallLocator"], BeforeValidator(_with_small_first_letter)
    ] = "serverCallLocator"
    server_call_id: str | None = None
    group_call_id: str | None = None
    room_id: str | None = None

    def found_by(self) -> tuple[str, str | None]:
        """Return the wire name and value of the id that its kind stands for."""
        match self.kind:
            case "groupCallLocator":
                return "groupCallId", self.group_call_id
            case "roomCallLocator":
                return "roomId", self.room_id
        return "serverCallId", self.server_call_id


class ExternalStorage(_Wire):
    """Where the files are to go."""

    recording_storage_kind: Annotated[
        Literal["azureCommunicationServices", "azureBlobStorage"], BeforeValidator(_with_small_first_letter)
    ]
    recording_destination_container_url: str | None = None


class StartRequest(_Wire):
    """StartCallRecordingRequest of the 2026-03-12 specification."""

    call_locator: CallLocator | None = None
    call_connection_id: str | None = None
    recording_state_callback_uri: str | None = None
    recording_content_type: Annotated[
        Literal["audio", "audioVideo"] | None, BeforeValidator(_with_small_first_letter)
    ] = None
    recording_channel_type: Annotated[Literal["mixed", "unmixed"] | None, BeforeValidator(_with_small_first_letter)] = (
        None
    )
    recording_format_type: Annotated[Literal["wav", "mp3", "mp4"] | None, BeforeValidator(_with_small_first_letter)] = (
        None
    )
    audio_channel_participant_ordering: list[dict[str, Any]] = Field(default_factory=list)
    channel_affinity: list[dict[str, Any]] = Field(default_factory=list)
    pause_on_start: bool = False
    external_storage: ExternalStorage | None = None

    def locator(self) -> tuple[str, str]:
        """Return the wire name and value of the id that finds the call.

        A connection id wins, as it is preferred today.
        """
        if self.call_connection_id:
            return "callConnectionId", self.call_connection_id
        if self.call_locator is None:
            raise Refusal(400, "8523", "Either callLocator or callConnectionId must be given.")
        name, value = self.call_locator.found_by()
        if not value:
            raise Refusal(400, "8523", f"The {name} field is required.")
        return name, value

    def container_url(self) -> str | None:
        """Return the customer's container, when the files are to go there."""
        external = self.external_storage
        if external is None or external.recording_storage_kind == "azureCommunicationServices":
            return None
        if not external.recording_destination_container_url:
            raise Refusal(400, "8523", "The recordingDestinationContainerUrl field is required.")
        return external.recording_destination_container_url

    def asked(self, combination_code: str) -> RecordingFormat:
        """Return the format, with ACS's defaults for what was not said.

        Refused when ACS documents no such combination.
        """
        content = self.recording_content_type or ("audio" if self._is_sound_only() else "audioVideo")
        channel = self.recording_channel_type or "mixed"
        file_format = self.recording_format_type or _default_format(content, channel)
        try:
            MediaSpec(content, channel, file_format, duration_ms=1, participants=("somebody",))
        except UnsupportedMediaError as error:
            raise Refusal(400, combination_code, f"The combination is not supported: {error}.") from error
        return RecordingFormat(content, channel, file_format)

    def _is_sound_only(self) -> bool:
        return self.recording_format_type in {"wav", "mp3"} or self.recording_channel_type == "unmixed"


def _default_format(content: str, channel: str) -> Format:
    if content == "audioVideo":
        return "mp4"
    return "wav" if channel == "unmixed" else "mp3"


def parse_start_request(body: bytes, *, allow_http_callback: bool) -> StartRequest:
    """Return the request, or a Refusal with 8523 that names what is wrong."""
    try:
        request = StartRequest.model_validate_json(body)
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(str(part) for part in first["loc"]) or "body"
        raise Refusal(400, "8523", f"Invalid argument: {where}: {first['msg']}.") from error
    uri = request.recording_state_callback_uri
    if uri is not None and not uri.startswith(("https://", "http://127.0.0.1") if allow_http_callback else "https://"):
        raise Refusal(400, "8523", "The field CallbackUri is invalid.")
    return request
