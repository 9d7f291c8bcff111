"""Builds the events of calls: what a subscription without a type filter receives beside those of recordings.

They name people and numbers. Calls of Teams Phone Extensibility have none.
"""

from datetime import datetime

from dev.acs_simulator.events.file_status import Event
from dev.acs_simulator.options import SimulatorOptions
from dev.acs_simulator.state.identifiers import new_guid
from dev.acs_simulator.state.model import Call, CallKind, CallPlatform
from dev.acs_simulator.state.timestamps import event_time

CALL_STARTED = "Microsoft.Communication.CallStarted"
CALL_ENDED = "Microsoft.Communication.CallEnded"


def call_events(call: Call, event_type: str, options: SimulatorOptions, now: datetime) -> list[Event]:
    """Return the event of a call that begins or ends, or none when this call has no events."""
    if not options.event.call_events or call.platform is CallPlatform.TEAMS_PHONE:
        return []
    who = call.participants[0].mri if call.participants else ""
    word = "startedBy" if event_type == CALL_STARTED else "endedBy"
    data = {
        word: {"communicationIdentifier": {"rawId": who}, "role": "Attendee"},
        "serverCallId": call.server_call_id,
        "correlationId": call.call_id,
        "isTwoParty": len(call.participants) == 2,
        "isRoomsCall": call.kind is CallKind.ROOM,
    }
    if call.group_call_id is not None:
        data["group"] = {"id": call.group_call_id}
    event = {
        "id": new_guid(),
        "topic": options.resource_id,
        "subject": f"call/{call.server_call_id}/{word}/{who}",
        "data": data,
        "eventType": event_type,
        "dataVersion": "1.0",
        "metadataVersion": "1",
        "eventTime": event_time(now),
    }
    return [event]
