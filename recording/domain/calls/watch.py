"""Watch: ask ACS every 30 seconds whether a call that must be recorded still is, and judge the answer. Pure.

ACS sends no event when another application stops or pauses a recording, and no longer knows a recording that has ended,
whatever the reason. The event about its files gives the reason; if none arrives in time, the alarm is raised in doubt.
"""

from dataclasses import dataclass
from datetime import timedelta

EVERY = timedelta(seconds=30)
DOUBT = timedelta(minutes=5)  # how long after the end of a recording ACS's event may say that the call was over
VERSION = 2  # of its messages: a worker of an older version leaves them to a newer one
OVER, ENDED = "over", "ended"  # ACS knows it no more; ACS's event says why it has ended
FIRST = "first"  # of a recording that new tags bring under its policy: it may have been over before
# Why a call is not recorded any more, as the event `unrecorded` says it.
CALL_STOPPED, STOPPED_ELSEWHERE = "stopped", "stopped_elsewhere"
PAUSED_TOO_LONG, CONSENT_WITHDRAWN = "paused_too_long", "consent_withdrawn"
_RESTS, _TOLD = "rests ", "told"
_WITH_THE_CALL = "callended"


@dataclass(frozen=True)
class Seen:
    """The result of one look.

    Attributes:
        mark: of the next message: what was seen so far.
        rested_since: a pause of another application that has just become too long: when it was seen first, in seconds.
    """

    mark: str = ""
    rested_since: int | None = None


def ended_with_its_call(reason: str | None) -> bool:
    """Return whether ACS says that a recording ended with its call; any other reason leaves a doubt."""
    return reason is not None and reason.replace("_", "").replace(" ", "").lower() == _WITH_THE_CALL


def seen(state: str, mark: str, seconds: int, longest_pause: int, *, is_paused_here: bool) -> Seen:
    """Return what the state that ACS reports means after so many seconds.

    Args:
        state: as ACS reports it.
        mark: of this message.
        seconds: how long the recording has been watched.
        longest_pause: seconds that its policy lets a pause last.
        is_paused_here: this app paused it; such a pause has guards of its own.
    """
    if is_paused_here or state.lower() != "inactive":
        return Seen()
    if mark == _TOLD:
        return Seen(_TOLD)
    since = _number(mark)
    if since is None:
        return Seen(f"{_RESTS}{seconds}")
    return Seen(_TOLD, since) if seconds - since >= longest_pause else Seen(mark)


def _number(mark: str) -> int | None:
    told = mark.removeprefix(_RESTS)
    return int(told) if mark.startswith(_RESTS) and told.isdecimal() else None
