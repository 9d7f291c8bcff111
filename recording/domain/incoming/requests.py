"""Requests: what callers may ask for, checked completely before ACS is called."""

import re
from dataclasses import dataclass
from typing import Annotated, Any, Self

from pydantic import (
    AfterValidator,
    AliasChoices,
    BaseModel,
    ConfigDict,
    Field,
    StrictBool,
    ValidationError,
    model_validator,
)
from pydantic.alias_generators import to_camel

from recording.domain.calls.consent import ConsentStep
from recording.domain.formats import (
    MOST_UNMIXED_CHANNELS,
    ChannelType,
    Combination,
    ContentType,
    FormatType,
    chosen_combination,
)
from recording.domain.ids import LONGEST_ID, canonical_id, composed, without_numbers
from recording.domain.incoming.faults import faults_in
from recording.domain.incoming.lenient import Time
from recording.errors import RequestError
from recording.errors.codes import Code

LOCATORS = ("server_call_id", "call_connection_id", "group_call_id", "room_id")
MOST_TAGS = 20
_CALLBACK = re.compile(r"https://[A-Za-z0-9.-]+(:\d{1,5})?(/[^\s\\]*)?", re.ASCII)
_TYPES = {"content": ContentType, "channel": ChannelType, "format": FormatType}


@dataclass(frozen=True)
class CallLocator:
    """Which call to record: exactly one of the four ids."""

    kind: str  # serverCallId | callConnectionId | groupCallId | roomId
    value: str


@dataclass(frozen=True)
class StartOptions:
    """A start request that has been validated."""

    locator: CallLocator
    combination: Combination
    pause_on_start: bool = False
    callback_uri: str | None = None
    channel_affinity: tuple[tuple[int, str], ...] = ()  # (channel, raw participant id)
    participant_ordering: tuple[str, ...] = ()  # raw participant ids
    external_container: str | None = None


_CONTROL = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f]")


def _plain(text: str) -> str:
    """Return a text as it is.

    Raises:
        ValueError: it has control characters other than tabs and line breaks; they change what a terminal shows.
    """
    if _CONTROL.search(text):
        raise ValueError("must be text without control characters")
    return text


ShortText = Annotated[str, Field(min_length=1, max_length=256), AfterValidator(_plain)]
TagName = Annotated[ShortText, AfterValidator(composed)]
TagValue = Annotated[str, Field(max_length=256), AfterValidator(_plain), AfterValidator(composed)]
CallId = Annotated[str, Field(min_length=1, max_length=2048)]
RecordingId = Annotated[str, Field(min_length=1, max_length=LONGEST_ID), AfterValidator(canonical_id)]


class Exact(BaseModel):
    """A request without unknown fields; these are refused, so that a misspelling is noticed."""

    model_config = ConfigDict(frozen=True, extra="forbid", alias_generator=to_camel, populate_by_name=True)

    @classmethod
    def read(cls, body: Any) -> Self:
        """Return the request in a JSON body.

        Raises:
            RequestError: `invalid_request`, naming every field that is wrong, without repeating values.
        """
        try:
            return cls.model_validate(body)
        except ValidationError as error:
            raise RequestError(faults_in(error)) from error

    def as_noted(self) -> dict[str, Any]:
        """Return it as JSON for the catalog, without absent fields."""
        return self.model_dump(mode="json", by_alias=True, exclude_none=True)


class PageQuery(Exact):
    """The query of a list: `next` of the page before."""

    next: str = Field("", max_length=1024, pattern=r"^[A-Za-z0-9_!-]*$")


class ChannelAffinity(Exact):
    """Which participant goes to which channel of an unmixed recording."""

    channel: int = Field(ge=0, lt=MOST_UNMIXED_CHANNELS)
    participant: ShortText


class Consent(Exact):
    """The evidence that the participants agreed; kept beside the media."""

    basis: ShortText
    reference: ShortText
    captured_at: Time
    captured_by: ShortText

    def for_catalog(self) -> dict[str, Any]:
        """Return the evidence as the catalog stores it, without numbers and ids of people."""
        return {name: without_numbers(text) for name, text in self.as_noted().items()}


class PauseRequest(Exact):
    """The optional body of `POST recordings/{id}/pause`: a reason, and a maximum duration."""

    reason: ShortText | None = None
    max_seconds: int | None = Field(None, ge=5, le=86_400)


class VerifyRequest(Exact):
    """The optional body of the console's `POST recordings/{id}/verify`: the file to continue with."""

    first: int = Field(0, ge=0, le=1_000_000)


class ConsentRequest(Exact):
    """The body of `POST recordings/{id}/consent`: a step, with evidence where consent is given or amended."""

    step: ConsentStep
    basis: ShortText | None = None
    reference: ShortText | None = None
    captured_at: Time | None = None
    captured_by: ShortText | None = None

    @model_validator(mode="after")
    def _has_evidence(self) -> Self:
        evidence = (self.basis, self.reference, self.captured_at, self.captured_by)
        if self.step is not ConsentStep.WITHDRAWN and None in evidence:
            raise ValueError("basis, reference, capturedAt and capturedBy are needed")
        return self


class StartRequest(Exact):
    """The body of `POST recordings`."""

    server_call_id: CallId | None = None
    call_connection_id: CallId | None = None
    group_call_id: CallId | None = None
    room_id: CallId | None = None
    content: str | None = Field(None, validation_alias=AliasChoices("content", "contentType", "recordingContentType"))
    channel: str | None = Field(None, validation_alias=AliasChoices("channel", "channelType", "recordingChannelType"))
    format: str | None = Field(None, validation_alias=AliasChoices("format", "formatType", "recordingFormatType"))
    channel_affinity: tuple[ChannelAffinity, ...] = Field((), max_length=MOST_UNMIXED_CHANNELS)
    audio_channel_participant_ordering: tuple[ShortText, ...] = Field((), max_length=MOST_UNMIXED_CHANNELS)
    pause_on_start: bool = False
    recording_state_callback_uri: str | None = Field(None, max_length=2048)
    external_storage_container: str | None = Field(None, max_length=1024)
    tags: dict[TagName, TagValue] = Field(default_factory=dict, max_length=MOST_TAGS)
    consent: Consent | None = None
    requested_by: ShortText | None = None

    def for_catalog(self) -> dict[str, Any]:
        """Return the request as the catalog stores it, without participants, whom only metadata and media name.

        Only the numbers of channels are kept; a callback may have a secret in its query, and is not needed again.
        """
        noted = self.as_noted()
        for name in ("requestedBy", "audioChannelParticipantOrdering", "recordingStateCallbackUri"):
            noted.pop(name, None)
        if self.channel_affinity:
            noted["channelAffinity"] = [{"channel": entry.channel} for entry in self.channel_affinity]
        if self.consent is not None:
            noted["consent"] = self.consent.for_catalog()
        return noted


class HeldFilter(Exact):
    """A filter of held items; a field that is left out matches all. Times are those of events."""

    id: Annotated[str, Field(min_length=1, max_length=4096)] | None = None
    reason: ShortText | None = None
    recording_id: Annotated[str, Field(min_length=1, max_length=2048)] | None = None
    before: Time | None = None
    after: Time | None = None

    @property
    def matches_all(self) -> bool:
        """Return whether no field filters anything out."""
        return all(getattr(self, name) is None for name in HeldFilter.model_fields)


class HeldQuery(HeldFilter):
    """The query of `GET held`."""

    top: int = Field(100, ge=1, le=1000)


class RedriveRequest(HeldFilter):
    """The body of `POST held/redrive`. `all` confirms that a request without a filter is intended."""

    all: StrictBool = False
    dry_run: StrictBool = False


class DecisionRequest(HeldFilter):
    """The body of `POST held/dismiss` and `POST held/retry`: a filter and a note."""

    note: Annotated[str, Field(min_length=1, max_length=1000)]


class AcceptRequest(Exact):
    """The body of `POST held/accept`: the chunk, its suspect where it has several, and a note."""

    id: Annotated[str, Field(min_length=1, max_length=4096)]
    blob_name: Annotated[str, Field(min_length=1, max_length=1024)] | None = None
    note: Annotated[str, Field(min_length=1, max_length=1000)]


def start_options(request: StartRequest, containers: tuple[str, ...], *, consent_required: bool) -> StartOptions:
    """Return the validated start request for ACS.

    Args:
        request: as read.
        containers: the external containers that may be recorded to.
        consent_required: whether a start without consent evidence is refused.

    Raises:
        RequestError: `locator_missing`, `locator_ambiguous`, `unknown_type`, `illegal_combination`,
            `channels_need_unmixed`, `duplicate_channel`, `invalid_callback`, `unknown_container` or
            `consent_required`.
    """
    if consent_required and request.consent is None:
        raise RequestError("consent evidence is required to start a recording", code=Code.CONSENT_REQUIRED)
    combination = chosen_combination(_type(request, "content"), _type(request, "channel"), _type(request, "format"))
    _check_channels(request, combination)
    _check_callback(request.recording_state_callback_uri)
    return StartOptions(
        locator=_locator(request),
        combination=combination,
        pause_on_start=request.pause_on_start,
        callback_uri=request.recording_state_callback_uri,
        channel_affinity=tuple((entry.channel, entry.participant) for entry in request.channel_affinity),
        participant_ordering=request.audio_channel_participant_ordering,
        external_container=_container(request.external_storage_container, containers),
    )


def _type(request: StartRequest, name: str) -> Any:
    text = getattr(request, name)
    found = _TYPES[name].read(text)
    if text is not None and found is None:
        known = ", ".join(_TYPES[name])
        raise RequestError(f"{name} must be one of: {known}", code=Code.UNKNOWN_TYPE)
    return found


def _locator(request: StartRequest) -> CallLocator:
    given = [(name, value) for name in LOCATORS if (value := getattr(request, name)) is not None]
    names = ", ".join(to_camel(name) for name in LOCATORS)
    if not given:
        raise RequestError(f"say which call to record: one of {names}", code=Code.LOCATOR_MISSING)
    if len(given) > 1:
        raise RequestError(f"say which call to record by exactly one of {names}", code=Code.LOCATOR_AMBIGUOUS)
    return CallLocator(to_camel(given[0][0]), given[0][1])


def _check_channels(request: StartRequest, combination: Combination) -> None:
    if combination.channel is not ChannelType.UNMIXED:
        if request.channel_affinity or request.audio_channel_participant_ordering:
            message = "channelAffinity and audioChannelParticipantOrdering need channel unmixed"
            raise RequestError(message, code=Code.CHANNELS_NEED_UNMIXED)
        return
    channels = [entry.channel for entry in request.channel_affinity]
    if len(set(channels)) != len(channels):
        raise RequestError("channelAffinity gives one channel to two participants", code=Code.DUPLICATE_CHANNEL)


def _check_callback(uri: str | None) -> None:
    if uri is not None and not _CALLBACK.fullmatch(uri):
        raise RequestError("recordingStateCallbackUri must be an absolute https URL", code=Code.INVALID_CALLBACK)


def _container(url: str | None, containers: tuple[str, ...]) -> str | None:
    if url is not None and url.rstrip("/") not in containers:
        message = "externalStorageContainer is not one of EXTERNAL_STORAGE_CONTAINERS"
        raise RequestError(message, code=Code.UNKNOWN_CONTAINER)
    return url.rstrip("/") if url else None
