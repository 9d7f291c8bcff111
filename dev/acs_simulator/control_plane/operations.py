"""Answers the recording operations of the control plane: start, get, pause, resume, stop."""

import hashlib
from collections.abc import Callable
from dataclasses import dataclass

from aiohttp import web

from dev.acs_simulator.control_plane.start_request import StartRequest, parse_start_request
from dev.acs_simulator.faults.kinds import FaultKind, Operation
from dev.acs_simulator.faults.script import Fault
from dev.acs_simulator.net.exchange import Exchange, empty_answer, error_answer, json_answer
from dev.acs_simulator.options import SimulatorOptions
from dev.acs_simulator.state.calls import Calls
from dev.acs_simulator.state.identifiers import new_recording_id
from dev.acs_simulator.state.model import Call, Recording, Refusal
from dev.acs_simulator.state.recordings import Recordings
from dev.clock import MovableClock

API_VERSIONS = frozenset(
    {"2023-03-06", "2023-10-15", "2024-04-15", "2024-09-15", "2025-05-15", "2025-06-15", "2026-03-12"}
)
"""The default versions of the stable Python SDK releases 1.0.0 to 1.6.0."""


@dataclass(frozen=True)
class _Repeatable:
    """The answer to a start, kept for whoever lost it and asks again."""

    body_hash: bytes
    status: int
    document: dict[str, object]


class ControlPlane:
    """The five operations. `start_failed` hears of starts that were accepted and then failed."""

    def __init__(
        self,
        options: SimulatorOptions,
        clock: MovableClock,
        calls: Calls,
        recordings: Recordings,
        start_failed: Callable[[Call, str], None],
    ) -> None:
        self._options = options
        self._clock = clock
        self._calls = calls
        self._recordings = recordings
        self._start_failed = start_failed
        self._answers: dict[str, _Repeatable] = {}

    def answer(self, exchange: Exchange) -> web.Response:
        """Return the answer to an authorised request; refusals are answered too, never raised."""
        try:
            _check_api_version(exchange.request)
            return self._do(exchange)
        except Refusal as refusal:
            return error_answer(refusal)

    def _do(self, exchange: Exchange) -> web.Response:
        recording_id, now = exchange.route.recording_id or "", self._clock.now()
        match exchange.route.operation:
            case Operation.START:
                return self._start(exchange)
            case Operation.GET:
                return json_answer(200, self._document(self._recordings.running(recording_id), exchange.fault))
            case Operation.PAUSE:
                self._recordings.pause(recording_id, now)
                return empty_answer(202)
            case Operation.RESUME:
                self._recordings.resume(recording_id, now)
                return empty_answer(202)
        self._recordings.stop(recording_id, now)
        return empty_answer(204)

    def _start(self, exchange: Exchange) -> web.Response:
        repeatability_id = exchange.request.headers.get("Repeatability-Request-ID")
        body_hash = hashlib.sha256(exchange.body).digest()
        if repeatability_id is not None and (known := self._answers.get(repeatability_id)) is not None:
            return _repeated(known, body_hash)
        status, document = self._begin(exchange)
        exchange.entry.recording_id = str(document["recordingId"])
        if repeatability_id is not None:
            self._answers[repeatability_id] = _Repeatable(body_hash, status, document)
        return json_answer(status, document)

    def _begin(self, exchange: Exchange) -> tuple[int, dict[str, object]]:
        asked = parse_start_request(exchange.body, allow_http_callback=self._options.allow_http_callbacks)
        call = self._calls.recordable(*asked.locator(), self._clock.now())
        kind = exchange.fault.kind if exchange.fault is not None else None
        if kind is FaultKind.ACCEPTED_THEN_FAILED:
            return 202, self._accept_and_fail(asked, call)
        recording = self._recordings.start(
            call,
            asked.asked(self._options.combination_code),
            self._clock.now(),
            paused=asked.pause_on_start,
            callback_uri=asked.recording_state_callback_uri,
            container_url=asked.container_url(),
        )
        status = 202 if kind is FaultKind.ACCEPTED else self._options.start_status
        return status, self._document(recording, exchange.fault)

    def _accept_and_fail(self, asked: StartRequest, call: Call) -> dict[str, object]:
        """ACS gives an id it then knows nothing about."""
        if asked.recording_state_callback_uri is not None:
            self._start_failed(call, asked.recording_state_callback_uri)
        return {"recordingId": new_recording_id(), "recordingState": "inactive", "recordingKind": call.recording_kind}

    def _document(self, recording: Recording, fault: Fault | None) -> dict[str, object]:
        document: dict[str, object] = {
            "recordingId": recording.recording_id,
            "recordingState": recording.state_at(self._clock.now()),
            "recordingKind": recording.call.recording_kind,
        }
        if fault is not None and fault.kind is FaultKind.UNKNOWN_STATE:
            document["recordingState"] = fault.text("state")
        if fault is not None and fault.kind is FaultKind.MISSING_RECORDING_KIND:
            del document["recordingKind"]
        return document


def _repeated(known: _Repeatable, body_hash: bytes) -> web.Response:
    """Return the first answer once more. An id that comes back with another body is refused.

    How ACS does that is unknown.
    """
    if known.body_hash != body_hash:
        raise Refusal(400, "8523", "The Repeatability-Request-ID was used for a different request.")
    return json_answer(known.status, known.document)


def _check_api_version(request: web.Request) -> None:
    """Speak as the service does: the message was seen live, the code is that of the framework it comes from."""
    version = request.query.get("api-version")
    if version is None:
        raise Refusal(400, "ApiVersionUnspecified", "An API version is required, but was not specified.")
    if version not in API_VERSIONS:
        message = (
            f"The HTTP resource that matches the request URI 'https://{request.host}{request.path}' "
            f"does not support the API version '{version}'."
        )
        raise Refusal(400, "UnsupportedApiVersion", message)
