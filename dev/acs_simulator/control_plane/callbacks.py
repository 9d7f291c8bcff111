"""POSTs Call Automation's CloudEvents to recordingStateCallbackUri: on loopback only, so that nothing leaves here."""

import ssl
from collections.abc import Mapping
from types import TracebackType
from typing import Any
from urllib.parse import urlsplit

import aiohttp

from dev.acs_simulator.faults.kinds import FaultKind, Operation
from dev.acs_simulator.faults.script import FaultScript
from dev.acs_simulator.state.background import Background
from dev.acs_simulator.state.identifiers import new_guid
from dev.acs_simulator.state.journal import Journal
from dev.acs_simulator.state.model import Call, Recording, Transition
from dev.acs_simulator.state.timestamps import callback_time
from dev.clock import MovableClock

LOOPBACK_HOSTS = frozenset({"127.0.0.1", "localhost", "::1"})
CALLBACK_TIMEOUT_SECONDS = 10.0


class Callbacks:
    """Tells whoever asked how their recording goes. Nobody retries: a callback that fails is gone."""

    def __init__(
        self, clock: MovableClock, faults: FaultScript, journal: Journal, background: Background, trust: ssl.SSLContext
    ) -> None:
        self._clock = clock
        self._faults = faults
        self._journal = journal
        self._background = background
        self._session = aiohttp.ClientSession(
            connector=aiohttp.TCPConnector(ssl=trust), timeout=aiohttp.ClientTimeout(CALLBACK_TIMEOUT_SECONDS)
        )

    async def __aenter__(self) -> "Callbacks":
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._session.close()

    def state_changed(self, recording: Recording, transition: Transition) -> None:
        """Tell of a state once it is reached, unless the recording ends before."""
        if recording.callback_uri is not None:
            self._background.spawn(self._tell_state(recording, transition, recording.callback_uri))

    def start_failed(self, call: Call, callback_uri: str) -> None:
        """Tell that a recording which was accepted did not begin."""
        facts = {"recordingId": "", **_result(500, 9999, "Unknown internal server error.")}
        event = _cloud_event("StartRecordingFailed", call, "", facts)
        self._background.spawn(self._send(event, callback_uri, None))

    async def _tell_state(self, recording: Recording, transition: Transition, callback_uri: str) -> None:
        await self._clock.sleep_until(transition.at)
        if recording.ended_at is None:
            await self._send(_state_event(recording, transition), callback_uri, recording.recording_id)

    async def _send(self, event: dict[str, Any], uri: str, recording_id: str | None) -> None:
        fault = self._faults.take(Operation.CALLBACK, recording_id)
        kind = fault.kind if fault is not None else None
        if fault is not None and kind is FaultKind.LATE:
            await self._clock.sleep(fault.number("seconds"))
        times = 0 if kind is FaultKind.LOSE else 1
        if fault is not None and kind is FaultKind.DUPLICATE:
            times += int(fault.number("copies"))
        for number in range(times):
            is_new = number > 0 and fault is not None and bool(fault.argument("new_id"))
            told = {**event, "time": callback_time(self._clock.now())}
            await self._post({**told, "id": new_guid()} if is_new else told, uri)

    async def _post(self, event: Mapping[str, Any], uri: str) -> None:
        parts = urlsplit(uri)
        if parts.hostname not in LOOPBACK_HOSTS:
            self._journal.foreign(self._clock.now(), parts.hostname or "", "POST", parts.path, None)
            return
        async with self._session.post(uri, json=[event], allow_redirects=False) as response:
            await response.read()


def _state_event(recording: Recording, transition: Transition) -> dict[str, Any]:
    facts = {
        "recordingId": recording.recording_id,
        "state": transition.state,
        "startDateTime": callback_time(recording.started_at),
        "recordingKind": recording.call.recording_kind,
        **_result(200, 0, "Recording state changed."),
    }
    return _cloud_event("RecordingStateChanged", recording.call, recording.recording_id, facts)


def _cloud_event(name: str, call: Call, recording_id: str, facts: Mapping[str, Any]) -> dict[str, Any]:
    source = f"calling/recordings/{call.server_call_id}/recordingId/{recording_id}/{name}"
    located = {
        "type": name[:1].lower() + name[1:],  # the service repeats the type inside data
        "callConnectionId": call.call_connection_id,
        "serverCallId": call.server_call_id,
        "correlationId": call.call_id,
    }
    return {
        "id": new_guid(),
        "source": source,
        "type": f"Microsoft.Communication.{name}",
        "subject": source,
        "data": {**facts, **located},
        "specversion": "1.0",
        "datacontenttype": "application/json",
    }


def _result(code: int, sub_code: int, message: str) -> dict[str, Any]:
    return {"resultInformation": {"code": code, "subCode": sub_code, "message": message}}
