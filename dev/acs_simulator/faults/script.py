"""Scripts what goes wrong: named faults, each for one operation, used up a counted number of times.

Handlers ask `FaultScript.take(...)` once per authorised request and obey the answer. What kinds exist, and what each
does, is the table in `fault_rules`.
"""

import itertools
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta

from dev.acs_simulator.faults.kinds import Argument, FaultKind, Operation
from dev.acs_simulator.faults.rules import RULES


@dataclass(frozen=True)
class Fault:
    """One scripted fault: strikes `count` times (None: for ever) after letting `skip` matching requests pass.

    `for_seconds` ends it that long after its first strike. `only_expired` lets it strike only what ACS no longer keeps.
    `recording_id`, `document_id` and `index` narrow it down; None matches all. Arguments not given take the defaults of
    `RULES`. Raises ValueError when the kind does not fit the operation or an argument is unknown.

    Attributes:
        struck_for: How long ago the fault struck first; set by the script on what it hands out.
    """

    kind: FaultKind
    operation: Operation
    count: int | None = 1
    skip: int = 0
    recording_id: str | None = None
    document_id: str | None = None
    index: int | None = None
    for_seconds: float | None = None
    only_expired: bool = False
    arguments: Mapping[str, Argument] = field(default_factory=dict)
    struck_for: timedelta = field(default=timedelta(), compare=False)

    def __post_init__(self) -> None:
        rule = RULES[self.kind]
        if self.operation not in rule.operations:
            msg = f"{self.kind} cannot strike {self.operation}, only {', '.join(sorted(rule.operations))}"
            raise ValueError(msg)
        if unknown := set(self.arguments) - set(rule.arguments):
            msg = f"{self.kind} takes {sorted(rule.arguments) or 'no arguments'}, not {sorted(unknown)}"
            raise ValueError(msg)
        for name, choices in rule.choices.items():
            if self.argument(name) not in choices:
                msg = f"{name} of {self.kind} is one of {', '.join(choices)}, not {self.argument(name)!r}"
                raise ValueError(msg)

    def matches(
        self, operation: Operation, recording_id: str | None, document_id: str | None, index: int | None
    ) -> bool:
        """Return whether this fault is meant for such a request."""
        asked = ((self.recording_id, recording_id), (self.document_id, document_id), (self.index, index))
        return self.operation is operation and all(wanted in (None, given) for wanted, given in asked)

    def argument(self, name: str) -> Argument:
        """Return the argument as given, or its default."""
        return self.arguments.get(name, RULES[self.kind].arguments[name])

    def text(self, name: str) -> str:
        """Return the argument as text."""
        return str(self.argument(name))

    def number(self, name: str) -> float:
        """Return the argument as a number; raise ValueError when it is none."""
        value = self.argument(name)
        return float(value if value is not None else "nothing")

    def optional_number(self, name: str) -> float | None:
        """Return the argument as a number, or None when it was not given and has no default."""
        return None if self.argument(name) is None else self.number(name)


@dataclass
class ScriptedFault:
    """A fault in the script, with what is left of it and how often it struck."""

    fault_id: int
    fault: Fault
    to_skip: int
    left: int | None
    struck: int = 0
    first_struck_at: datetime | None = None

    def is_over(self, now: datetime) -> bool:
        """Return whether it will not strike any more."""
        if self.left == 0:
            return True
        return self.fault.for_seconds is not None and self.struck_for(now).total_seconds() >= self.fault.for_seconds

    def struck_for(self, now: datetime) -> timedelta:
        """Return how long ago it struck first; zero before that."""
        return now - (self.first_struck_at or now)


class FaultScript:
    """The faults that are still to come, in the order they were added: the first that matches strikes."""

    def __init__(self, now: Callable[[], datetime] = lambda: datetime.now(UTC)) -> None:
        self._now = now
        self._ids = itertools.count(1)
        self._script: list[ScriptedFault] = []

    def add(self, fault: Fault) -> ScriptedFault:
        """Put a fault at the end of the script."""
        scripted = ScriptedFault(next(self._ids), fault, fault.skip, fault.count)
        self._script.append(scripted)
        return scripted

    def take(
        self,
        operation: Operation,
        recording_id: str | None = None,
        document_id: str | None = None,
        index: int | None = None,
        *,
        is_expired: bool = False,
    ) -> Fault | None:
        """Return the fault that strikes this request, used up once; None when all is well."""
        now = self._now()
        for scripted in self._script:
            if scripted.is_over(now) or (scripted.fault.only_expired and not is_expired):
                continue
            if scripted.fault.matches(operation, recording_id, document_id, index) and _is_due(scripted):
                return _strike(scripted, now)
        return None

    def take_all(
        self,
        operation: Operation,
        recording_id: str | None = None,
        document_id: str | None = None,
        index: int | None = None,
    ) -> list[Fault]:
        """Return every fault that strikes now, each used up once.

        An event can be late *and* doubled, a request cannot.
        """
        now = self._now()
        left = [one for one in self._script if not one.is_over(now)]
        meant = [one for one in left if one.fault.matches(operation, recording_id, document_id, index)]
        return [_strike(scripted, now) for scripted in meant if _is_due(scripted)]

    def all(self) -> list[ScriptedFault]:
        """Return every fault scripted since the last `clear`, used up or not."""
        return list(self._script)

    def clear(self) -> None:
        """Forget the whole script."""
        self._script.clear()


def _is_due(scripted: ScriptedFault) -> bool:
    """Let a request pass while the fault has some to skip."""
    if scripted.to_skip == 0:
        return True
    scripted.to_skip -= 1
    return False


def _strike(scripted: ScriptedFault, now: datetime) -> Fault:
    scripted.struck += 1
    scripted.first_struck_at = scripted.first_struck_at or now
    if scripted.left is not None:
        scripted.left -= 1
    return replace(scripted.fault, struck_for=scripted.struck_for(now))
