"""Who can be in a call, and the raw id that metadata documents carry for each kind.

The forms are those that `azure.communication.callautomation` reads; `identifier_from_raw_id` is the oracle of tests.
"""

import re
from enum import StrEnum

from dev.acs_simulator.state.identifiers import new_guid, new_mri, random_bytes
from dev.acs_simulator.state.model import Participant

E164 = re.compile(r"\+\d{6,15}")


class ParticipantKind(StrEnum):
    """The kinds of identities that ACS knows in a call."""

    ACS_USER = "acs_user"
    PHONE = "phone"
    """A telephone number: `4:+49…`."""
    TEAMS_USER = "teams_user"
    """`8:orgid:{user}`."""
    TEAMS_EXTENSION_USER = "teams_extension_user"
    """An agent of Teams Phone Extensibility: `8:acs:{resource}_{tenant}_{user}`."""
    TEAMS_APP = "teams_app"
    """The resource account that was called, or a bot: `28:orgid:{app}`."""


def new_participant(
    display_name: str, resource: str, kind: ParticipantKind | None = None, phone_number: str | None = None
) -> Participant:
    """Return a participant with a raw id of its kind; a name that is a telephone number is one of the telephone.

    Raises:
        ValueError: The number is not in the E.164 form.
    """
    is_number = E164.fullmatch(display_name) is not None
    if (kind or (ParticipantKind.PHONE if is_number or phone_number else None)) is ParticipantKind.PHONE:
        number = phone_number or (display_name if is_number else _made_up_number())
        if E164.fullmatch(number) is None:
            raise ValueError(f"a phone number is written in E.164, like +4930901820, not {number!r}")
        return Participant(display_name, f"4:{number}")
    return Participant(display_name, _raw_id(kind or ParticipantKind.ACS_USER, resource))


def teams_phone_participants(resource: str) -> tuple[Participant, ...]:
    """Return the usual people of a Teams Phone Extensibility call: caller, resource account, agent."""
    return (
        new_participant("Caller", resource, ParticipantKind.PHONE),
        new_participant("Service line", resource, ParticipantKind.TEAMS_APP),
        new_participant("Agent", resource, ParticipantKind.TEAMS_EXTENSION_USER),
    )


def _raw_id(kind: ParticipantKind, resource: str) -> str:
    match kind:
        case ParticipantKind.TEAMS_USER:
            return f"8:orgid:{new_guid()}"
        case ParticipantKind.TEAMS_EXTENSION_USER:
            return f"8:acs:{resource}_{new_guid()}_{new_guid()}"
        case ParticipantKind.TEAMS_APP:
            return f"28:orgid:{new_guid()}"
    return new_mri(resource)


def _made_up_number() -> str:
    """Return a number of the range that is kept for drama: nobody has it."""
    return f"+1555010{int.from_bytes(random_bytes(4)) % 10_000:04d}"
