"""Keeps the calls that can be recorded and finds them by any of their ids."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime

from dev.acs_simulator.state.identifiers import is_base64url_of_url, new_guid, new_server_call_id
from dev.acs_simulator.state.model import Call, CallKind, CallPlatform, Participant, RecordingKind, Refusal
from dev.acs_simulator.state.participants import new_participant


class Calls:
    """All calls since the start, ended ones too."""

    def __init__(self, immutable_resource_id: str) -> None:
        self._resource = immutable_resource_id
        self._calls: dict[str, Call] = {}

    def create(
        self,
        people: Sequence[str | Participant],
        established_at: datetime,
        kind: CallKind = CallKind.SERVER,
        recording_kind: RecordingKind = RecordingKind.ACS,
        platform: CallPlatform = CallPlatform.STANDALONE,
    ) -> Call:
        """Begin a call; before `established_at` it cannot be recorded."""
        call = Call(
            call_id=new_guid(),
            server_call_id=new_server_call_id(),
            call_connection_id=new_guid(),
            kind=kind,
            participants=tuple(self._participant(one) for one in people),
            established_at=established_at,
            group_call_id=new_guid() if kind is CallKind.GROUP else None,
            room_id=f"99{int(new_guid()[:8], 16)}" if kind is CallKind.ROOM else None,
            recording_kind=recording_kind,
            platform=platform,
        )
        self._calls[call.call_id] = call
        return call

    def join(self, call: Call, people: Sequence[str | Participant], now: datetime) -> None:
        """Add people to a call.

        Raises:
            ValueError: the call is over.
        """
        _check_open(call)
        call.participants += tuple(replace(self._participant(one), joined_at=now) for one in people)

    def leave(self, call: Call, who: str, now: datetime) -> None:
        """Let somebody leave, by raw id or display name; the call goes on without them.

        Raises:
            ValueError: nobody of that name is in the call.
        """
        _check_open(call)
        there = [one for one in call.participants if who in (one.mri, one.display_name) and one.left_at is None]
        if not there:
            raise ValueError(f"{who} is not in the call")
        call.participants = tuple(replace(one, left_at=now) if one is there[0] else one for one in call.participants)

    def _participant(self, one: str | Participant) -> Participant:
        return new_participant(one, self._resource) if isinstance(one, str) else one

    def all(self) -> list[Call]:
        """Return every call, oldest first."""
        return list(self._calls.values())

    def by_id(self, call_id: str) -> Call | None:
        """Return the call with this call id."""
        return self._calls.get(call_id)

    def recordable(self, locator: str, value: str, now: datetime) -> Call:
        """Return the call that `locator` (the wire name of an id) finds, if it can be recorded now.

        Raises:
            Refusal: 8523 for an id that is none, 8522 unknown call, 8501 not yet established, 8528 over.
        """
        if locator == "serverCallId" and not is_base64url_of_url(value):
            raise Refusal(400, "8523", "The input is not a valid Base-64 string: serverCallId.")
        call = self._find(locator, value)
        if call is None:
            raise Refusal(404, "8522", "Call not found.")
        if call.ended_at is not None and call.ended_at <= now:
            raise Refusal(400, "8528", "Action is invalid when call has been terminated.")
        if now < call.established_at:
            raise Refusal(400, "8501", "Action is invalid when call is not in Established state.")
        return call

    def _find(self, locator: str, value: str) -> Call | None:
        attribute = {
            "serverCallId": "server_call_id",
            "callConnectionId": "call_connection_id",
            "groupCallId": "group_call_id",
            "roomId": "room_id",
        }[locator]
        return next((call for call in self._calls.values() if getattr(call, attribute) == value), None)


def _check_open(call: Call) -> None:
    if call.ended_at is not None:
        raise ValueError("the call is over")
