"""Retention rules: which recordings they apply to, for how long, and who set them. Pure.

A rule is never stored with a recording: every decision is made from the newest set of rules. Where a fact of a
recording is not known, a rule that retains counts as matching and a rule that deletes does not.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Annotated, Self

from pydantic import BaseModel, ConfigDict, Field, StrictBool, model_validator

from recording.domain.formats import ChannelType, ContentType, FormatType
from recording.domain.incoming.facts import TagAnswer
from recording.domain.incoming.participants import ParticipantClass
from recording.domain.incoming.requests import Exact, ShortText, TagName
from recording.domain.times import UtcTime

MOST_RULES = 200
LONGEST_DAYS = 36_500
DEPLOYED = "DELETE_AFTER_DAYS"  # the name of the rule that a deployment may begin with


class RuleAction(StrEnum):
    """What a rule asks for."""

    RETAIN = "retain"  # keep it at least so long
    DELETE = "delete"  # destroy it once it is so old
    RETAIN_AND_DELETE = "retain_and_delete"  # both

    @property
    def retains(self) -> bool:
        """Return whether the rule forbids destruction before its time."""
        return self is not RuleAction.DELETE

    @property
    def deletes(self) -> bool:
        """Return whether the rule asks for destruction at its time."""
        return self is not RuleAction.RETAIN


class CallKind(StrEnum):
    """How the recorded call was named when recording began."""

    GROUP = "group"
    ROOM = "room"
    CALL = "call"
    ELSEWHERE = "elsewhere"  # the recording was not started by this app


class RuleFilter(Exact):
    """Which recordings a rule applies to: those that fit every filter given. Of a list, one value is enough."""

    tags: dict[TagName, TagName | None] = Field(default_factory=dict, max_length=20)  # null: any value
    formats: tuple[FormatType, ...] = ()
    participants: tuple[ParticipantClass, ...] = ()
    calls: tuple[CallKind, ...] = ()
    content: ContentType | None = None
    channel: ChannelType | None = None


class RetentionRule(Exact):
    """One rule. Only a `legal` rule outweighs a request for erasure."""

    name: ShortText
    action: RuleAction
    days: Annotated[float, Field(strict=True, ge=0, le=LONGEST_DAYS, allow_inf_nan=False)]
    when: RuleFilter = RuleFilter()
    legal: StrictBool = True
    note: ShortText | None = None


class RulesRequest(Exact):
    """The body of `PUT retention/rules`: all rules, which replace those before, and why."""

    rules: tuple[RetentionRule, ...] = Field(max_length=MOST_RULES)
    note: ShortText

    @model_validator(mode="after")
    def _has_distinct_names(self) -> Self:
        names = [rule.name for rule in self.rules]
        if len(set(names)) != len(names):
            raise ValueError("each rule needs a name of its own")
        return self


class RuleSet(BaseModel):
    """All rules in force, under one number, which is 0 until rules are first set."""

    model_config = ConfigDict(frozen=True, extra="allow")

    version: int = 1  # of the document's form
    number: int = 0
    at: UtcTime | None = None
    by: str | None = None
    note: str = ""
    rules: tuple[RetentionRule, ...] = ()


def default_rules(delete_after: timedelta | None) -> RuleSet:
    """Return the rules in force until the first are set: the deployment's one rule, or none.

    Args:
        delete_after: the setting DELETE_AFTER_DAYS.
    """
    if delete_after is None:
        return RuleSet()
    rule = RetentionRule(name=DEPLOYED, action=RuleAction.DELETE, days=float(delete_after.days))
    return RuleSet(by="deployment", note="DELETE_AFTER_DAYS, until rules are set", rules=(rule,))


@dataclass(frozen=True)
class KeptRecording:
    """The facts of a recording that retention depends on; None where one is not known.

    Attributes:
        ended_at: when the recording ended; the days of every rule are counted from here.
        tags: those that are known.
        asked: what is known of the tags of a recording whose tags are not kept, as `TagAnswer`s; None: `tags` are all.
        participants: the classes that are known.
        has_unknown_participants: someone took part whose class is not known.
    """

    recording_id: str
    ended_at: datetime
    tags: Mapping[str, str] = field(default_factory=dict)
    asked: tuple[TagAnswer, ...] | None = None
    formats: frozenset[FormatType] | None = None
    participants: frozenset[ParticipantClass] = frozenset()
    has_unknown_participants: bool = False
    call: CallKind = CallKind.ELSEWHERE
    content: ContentType | None = None
    channel: ChannelType | None = None


@dataclass(frozen=True)
class AppliedRule:
    """A rule that applies to a recording, the end of its days, and whether it retains, deletes or both."""

    rule: RetentionRule
    until: datetime
    retains: bool
    deletes: bool


def applied(rules: Iterable[RetentionRule], recording: KeptRecording) -> list[AppliedRule]:
    """Return the rules that apply to a recording, with their ends; in doubt a rule retains and never deletes."""
    found = []
    for rule in rules:
        fit = fits(rule.when, recording)
        retains, deletes = rule.action.retains and fit is not False, rule.action.deletes and fit is True
        if retains or deletes:
            found.append(AppliedRule(rule, _end(recording.ended_at, rule.days), retains, deletes))
    return found


def fits(when: RuleFilter, recording: KeptRecording) -> bool | None:
    """Return whether a recording fits every filter; None when that depends on an unknown fact."""
    answers = list(_answers(when, recording))
    if False in answers:
        return False
    return None if None in answers else True


def _answers(when: RuleFilter, recording: KeptRecording) -> Iterable[bool | None]:
    for name, value in when.tags.items():
        yield has_tag(recording, name, value)
    if when.formats:
        yield None if recording.formats is None else not recording.formats.isdisjoint(when.formats)
    if when.participants:
        is_there = not recording.participants.isdisjoint(when.participants)
        yield True if is_there else (None if recording.has_unknown_participants else False)
    if when.calls:
        yield recording.call in when.calls
    if when.content is not None:
        yield None if recording.content is None else recording.content is when.content
    if when.channel is not None:
        yield None if recording.channel is None else recording.channel is when.channel


def has_tag(recording: KeptRecording, name: str, value: str | None) -> bool | None:
    """Return whether a recording has a tag, with this value or with any; None when that is no longer known."""
    if name in recording.tags or recording.asked is None:
        return name in recording.tags and value in (None, recording.tags[name])
    answers = {one.value: one.is_so for one in recording.asked if one.name == name}
    if value in answers:
        return answers[value]
    if answers.get(None) is False:
        return False
    known = next((each for each, is_so in answers.items() if is_so and each is not None), None)
    return None if known is None else value in (None, known)


def _end(ended_at: datetime, days: float) -> datetime:
    try:
        return ended_at + timedelta(days=days)
    except OverflowError:
        return datetime.max.replace(tzinfo=ended_at.tzinfo)
