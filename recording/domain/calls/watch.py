"""Watch: what ACS's word says about a call that must be recorded, asked every half minute while it is. Pure.

ACS reports to nobody here that another application has stopped or paused a recording, and forgets a recording that has
ended, whyever it has. The event about its files says why; where none comes in time, the alarm is raised in doubt.
"""

from dataclasses import dataclass
from datetime import timedelta

EVERY = timedelta(seconds=30)
DOUBT = timedelta(minutes=5)  # from the end of a recording until ACS's event says that its call was over
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
    """What one look comes to.

    Attributes:
        mark: of the next message, which says what was seen so far.
        rested_since: a pause of another application that has just become too long: when it was seen first, in seconds.
    """

    mark: str = ""
    rested_since: int | None = None


def ended_with_its_call(reason: str | None) -> bool:
    """Return whether ACS says that a recording has ended because its call has; every other word leaves a doubt."""
    return reason is not None and reason.replace("_", "").replace(" ", "").lower() == _WITH_THE_CALL


def seen(state: str, mark: str, seconds: int, longest_pause: int, *, is_paused_here: bool) -> Seen:
    """Return what ACS's word means after so many seconds.

    Args:
        state: ACS's word of a recording that it knows.
        mark: of this message.
        seconds: how long the recording has been watched.
        longest_pause: seconds that its policy lets a pause last.
        is_paused_here: it rests because it was asked for here, which has guards of its own.
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
