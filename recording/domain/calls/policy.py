"""Policies of calls: what consent they need, how long a pause may last, and which must be recorded. Pure."""

from collections.abc import Mapping, Sequence
from enum import StrEnum
from typing import Annotated

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, StringConstraints
from pydantic.alias_generators import to_camel

from recording.domain.ids import composed, composed_tags

LONGEST_PAUSE = 300  # seconds: enough to say a card number
CONSENT_WITHIN = 120  # seconds: an announcement and an answer
MOST_POLICIES = 50
ObjectId = Annotated[str, StringConstraints(strip_whitespace=True, to_lower=True)]  # some tools print capitals
TagText = Annotated[str, AfterValidator(composed)]


class ConsentRule(StrEnum):
    """What consent a recording needs."""

    NOT_REQUIRED = "not_required"
    AT_START = "required_at_start"  # no start without evidence
    FIRST = "consent_first"  # starts paused, resumes on evidence, stops without


class TimeIsUp(StrEnum):
    """What follows when a pause reaches its longest duration."""

    RESUME = "resume"
    STOP = "stop"
    ALARM = "alarm"  # an operator decides


class Withdrawal(StrEnum):
    """What follows when consent is withdrawn during a recording."""

    PAUSE = "pause"
    STOP = "stop"


class CallPolicy(BaseModel):
    """The rules for calls of these callers, or with these tags. An unknown field is refused.

    Attributes:
        name: for audit, timeline and error texts.
        callers: object ids of those who start recordings; empty: any caller.
        tags: the recording needs all of these; empty: any tags.
        consent_within_seconds: how long `consent_first` waits for evidence before it stops.
        longest_pause_seconds: how long a pause may last; a request may ask for less, not for more.
        must_be_recorded: a refused start, a stop or a pause that is too long raises an alarm at once.
        longest_recording_seconds: the recording is stopped then; None: ACS's own limits only.
        warn_before_seconds: how long before that stop a warning event is sent.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", alias_generator=to_camel, populate_by_name=True)

    name: Annotated[str, Field(min_length=1, max_length=64)] = "default"
    callers: tuple[ObjectId, ...] = ()
    tags: dict[TagText, TagText] = Field(default_factory=dict)
    consent: ConsentRule = ConsentRule.NOT_REQUIRED
    consent_within_seconds: Annotated[int, Field(ge=5, le=3600)] = CONSENT_WITHIN
    on_withdrawal: Withdrawal = Withdrawal.PAUSE
    longest_pause_seconds: Annotated[int, Field(ge=5, le=86_400)] = LONGEST_PAUSE
    on_pause_timeout: TimeIsUp = TimeIsUp.RESUME
    must_be_recorded: bool = False
    longest_recording_seconds: Annotated[int, Field(ge=60, le=604_800)] | None = None
    warn_before_seconds: Annotated[int, Field(ge=0, le=3600)] = 600

    def covers(self, caller: str | None, tags: Mapping[str, str]) -> bool:
        """Return whether the policy applies to a recording of this caller with these tags."""
        if self.callers and (caller is None or caller.lower() not in self.callers):
            return False
        known = composed_tags(tags)
        return all(known.get(name) == value for name, value in self.tags.items())


def policy_for(
    policies: Sequence[CallPolicy], caller: str | None, tags: Mapping[str, str], *, consent_required: bool
) -> CallPolicy:
    """Return the first policy that covers the recording; where none does, the default.

    Args:
        policies: as configured, the most specific first.
        caller: the object id of the caller who started it; None for a bare key, or if it was started elsewhere.
        tags: of the recording, as they are now.
        consent_required: the older setting CONSENT_REQUIRED; it is part of the default.
    """
    found = next((policy for policy in policies if policy.covers(caller, tags)), None)
    if found is not None:
        return found
    return CallPolicy(consent=ConsentRule.AT_START if consent_required else ConsentRule.NOT_REQUIRED)
