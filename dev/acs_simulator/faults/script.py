"""Scripts what goes wrong: named faults, each for one operation, used up a counted number of times.

Handlers ask `FaultScript.take(...)` once per authorised request and obey the answer. What kinds exist, and what each
does, is the table in `fault_rules`.
"""

import itertools
from collections.abc import Mapping
from dataclasses import dataclass, field

from dev.acs_simulator.faults.kinds import Argument, FaultKind, Operation
from dev.acs_simulator.faults.rules import RULES


@dataclass(frozen=True)
class Fault:
    """One scripted fault: strikes `count` times (None: for ever) after letting `skip` matching requests pass.

    `recording_id`, `document_id` and `index` narrow it down; None matches all. Arguments not given take the defaults of
    `RULES`. Raises ValueError when the kind does not fit the operation or an argument is unknown.
    """

    kind: FaultKind
    operation: Operation
    count: int | None = 1
    skip: int = 0
    recording_id: str | None = None
    document_id: str | None = None
    index: int | None = None
    arguments: Mapping[str, Argument] = field(default_factory=dict)

    def __post_init__(self) -> None:
        rule = RULES[self.kind]
        if self.operation not in rule.operations:
            msg = f"{self.kind} cannot strike {self.operation}, only {', '.join(sorted(rule.operations))}"
            raise ValueError(msg)
        if unknown := set(self.arguments) - set(rule.arguments):
            msg = f"{self.kind} takes {sorted(rule.arguments) or 'no arguments'}, not {sorted(unknown)}"
            raise ValueError(msg)

    def matches(
        self, operation: Operation, recording_id: str | None, document_id: str | None, index: int | None
    ) -> bool:
        """Whether this fault is meant for such a request."""
        asked = ((self.recording_id, recording_id), (self.document_id, document_id), (self.index, index))
        return self.operation is operation and all(wanted in (None, given) for wanted, given in asked)

    def argument(self, name: str) -> Argument:
        """The argument as given, or its default."""
        return self.arguments.get(name, RULES[self.kind].arguments[name])

    def text(self, name: str) -> str:
        """The argument as text."""
        return str(self.argument(name))

    def number(self, name: str) -> float:
        """The argument as a number; raises ValueError when it is none."""
        value = self.argument(name)
        return float(value if value is not None else "nothing")

    def optional_number(self, name: str) -> float | None:
        """The argument as a number, or None when it was not given and has no default."""
        return None if self.argument(name) is None else self.number(name)


@dataclass
class ScriptedFault:
    """A fault in the script, with what is left of it and how often it struck."""

    fault_id: int
    fault: Fault
    to_skip: int
    left: int | None
    struck: int = 0


class FaultScript:
    """The faults that are still to come, in the order they were added: the first that matches strikes."""

    def __init__(self) -> None:
        self._ids = itertools.count(1)
        self._script: list[ScriptedFault] = []

    def add(self, fault: Fault) -> ScriptedFault:
        """Puts a fault at the end of the script."""
        scripted = ScriptedFault(next(self._ids), fault, fault.skip, fault.count)
        self._script.append(scripted)
        return scripted

    def take(
        self,
        operation: Operation,
        recording_id: str | None = None,
        document_id: str | None = None,
        index: int | None = None,
    ) -> Fault | None:
        """The fault that strikes this request, used up once; None when all is well."""
        for scripted in self._script:
            if _is_meant(scripted, operation, recording_id, document_id, index) and _is_due(scripted):
                return _strike(scripted)
        return None

    def take_all(
        self,
        operation: Operation,
        recording_id: str | None = None,
        document_id: str | None = None,
        index: int | None = None,
    ) -> list[Fault]:
        """Every fault that strikes now, each used up once: an event can be late *and* doubled, a request cannot."""
        meant = [one for one in self._script if _is_meant(one, operation, recording_id, document_id, index)]
        return [_strike(scripted) for scripted in meant if _is_due(scripted)]

    def all(self) -> list[ScriptedFault]:
        """Every fault scripted since the last `clear`, used up or not."""
        return list(self._script)

    def clear(self) -> None:
        """Forgets the whole script."""
        self._script.clear()


def _is_meant(
    scripted: ScriptedFault, operation: Operation, recording_id: str | None, document_id: str | None, index: int | None
) -> bool:
    return scripted.left != 0 and scripted.fault.matches(operation, recording_id, document_id, index)


def _is_due(scripted: ScriptedFault) -> bool:
    """Lets a request pass while the fault has some to skip."""
    if scripted.to_skip == 0:
        return True
    scripted.to_skip -= 1
    return False


def _strike(scripted: ScriptedFault) -> Fault:
    scripted.struck += 1
    if scripted.left is not None:
        scripted.left -= 1
    return scripted.fault
