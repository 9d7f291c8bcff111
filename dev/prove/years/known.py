"""What the witness of the years knows of a recording: from what was done to it, and not from what the app stored."""

from dataclasses import dataclass, field
from datetime import datetime, timedelta

from dev.prove import keeping_reference as reference

GRACE_DAYS = 30
Rule = tuple[str, int, bool, str, str]  # action, days, legal, value of its tag ("" is all), class ("" is all)


@dataclass
class Known:
    """A recording.

    Attributes:
        kinds: the classes of the two who speak.
        is_mixed: both are on one channel, so that nobody can be taken out alone.
        holds: since when, and until when.
        asked: when its erasure was approved.
        voices: when the erasure of the first speaker was approved.
        unreadable_until: a newer version has written the row of its holds.
        has_old_facts: a worker of an older version gathered its facts: it notes no classes.
        answers: of a destroyed one, whether it had the tags that rules in force named; None: its tags are there.
        is_unknown: someone's class was not known when it was destroyed.
        since: due without a break since then.
        marked: due by a rule without a break since then, so that it is marked.
        was_unreadable: its row could not be read for some days, and a mark may be from before them.
        voice_since: the same, of the first speaker's voice.
        is_gone: nothing of it was left when somebody looked last.
        has_voice: the first speaker was heard in it when somebody looked last.
        arrived: its newest chunk.
    """

    number: int
    ended: datetime
    tag: str
    kinds: frozenset[str]
    is_mixed: bool
    arrived: datetime
    holds: list[tuple[datetime, datetime | None]] = field(default_factory=list)
    asked: list[datetime] = field(default_factory=list)
    voices: list[datetime] = field(default_factory=list)
    unreadable_until: datetime | None = None
    has_old_facts: bool = False
    answers: dict[str, bool] | None = None
    is_unknown: bool = False
    since: datetime | None = None
    marked: datetime | None = None
    was_unreadable: bool = False
    voice_since: datetime | None = None
    has_voice: bool = True
    is_gone: bool = False

    @property
    def recording_id(self) -> str:
        """Return its id."""
        return f"recording-{self.number}"

    @property
    def person(self) -> str:
        """Return the id of its first speaker, who is in no other recording."""
        return f"8:acs:person-{self.number:04d}-of-the-years"

    @property
    def voice(self) -> bytes:
        """Return the sound of the first speaker, one sample."""
        return bytes((0x41 + self.number, 0x5A))

    @property
    def is_held(self) -> bool:
        """Return whether a case holds it."""
        return any(end is None for _, end in self.holds)

    def is_unreadable(self, now: datetime) -> bool:
        """Return whether nobody can say what holds it."""
        return self.unreadable_until is not None and now < self.unreadable_until

    def answer(self, rules: list[Rule], now: datetime, *, voices: bool = False) -> str:
        """Return by the reference what is to be done with it, or with the first speaker's voice."""
        if self.is_unreadable(now):
            return "keep"
        asked = self.voices if voices else self.asked
        holds = [(_days(since), None if end is None else _days(end)) for since, end in self.holds]
        found = reference.decide(
            list(self._plain(rules)),
            holds,  # type: ignore[arg-type]  # parts of days
            [_days(at) for at in asked],  # type: ignore[misc]
            _days(now),  # type: ignore[arg-type]
            GRACE_DAYS,
        )
        return found.action

    def _plain(self, rules: list[Rule]) -> list[tuple[str, int, bool]]:
        """Return the rules that are about it; what may be about it retains and does not delete."""
        found = []
        for action, days, legal, tag, kind in rules:
            fits = {self._fits_tag(tag), self._fits_kind(kind)}
            if False in fits:
                continue
            end: int = _days(self.ended) + days  # type: ignore[assignment]
            if None not in fits:
                found.append((action, end, legal))
            elif action != "delete":
                found.append(("retain", end, legal))
        return found

    def _fits_tag(self, tag: str) -> bool | None:
        if not tag:
            return True
        if self.answers is None:
            return tag == self.tag
        if tag in self.answers:
            return self.answers[tag]
        return False if True in self.answers.values() else None

    def _fits_kind(self, kind: str) -> bool | None:
        if not kind:
            return True
        if not self.has_old_facts and kind in self.kinds:
            return True
        return None if self.has_old_facts or self.is_unknown else False

    def is_destroyed(self, rules: list[Rule]) -> None:
        """Note that nothing of it is left: from now on its tags are known as far as rules asked for them."""
        told = {tag: self._fits_tag(tag) for *_, tag, _kind in rules if tag}
        known = {tag: is_so for tag, is_so in told.items() if is_so is not None}
        self.answers = {**(self.answers or {}), **known}
        self.is_unknown = self.is_unknown or self.has_old_facts
        self.has_old_facts, self.is_gone = False, True


def _days(moment: datetime) -> float:
    return moment.timestamp() / timedelta(days=1).total_seconds()
