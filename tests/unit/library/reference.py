"""Find, written down once more in the plainest way: a list that is filtered and sorted. No index, no hash, no page."""

import re
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any


@dataclass(frozen=True)
class Truth:
    """A recording as people know it."""

    recording_id: str
    started_at: datetime
    call: str
    kind: str
    format: str = "wav"
    participants: tuple[str, ...] = ()
    tags: dict[str, str] = field(default_factory=dict)

    def tagged(self, tags: dict[str, str]) -> "Truth":
        """Return the same recording with other tags."""
        return replace(self, tags=tags)


STATES = {
    "archived": {"archived"},
    "held": {"held"},
    "waiting": set(),
    "late": {"at_risk"},
    "running": {"recording"},
    "missing": {"missing"},
    "incomplete": {"incomplete"},
}
FULL_WIDTH = {0xFF10 + digit: str(digit) for digit in range(10)}
HEARD = {"archived", "incomplete"}  # only what is archived has metadata, which names people


def reference(corpus: list[Truth], query: dict[str, Any]) -> list[str]:
    """Return the ids of what the query finds, the newest first."""
    found = [one for one in corpus if all(_fulfils(one, name, value) for name, value in query.items())]
    return [one.recording_id for one in sorted(found, key=lambda one: (-one.started_at.timestamp(), one.recording_id))]


def _fulfils(one: Truth, name: str, value: Any) -> bool:
    people = [_plain(person) for person in one.participants] if one.kind in HEARD else []
    fulfils: dict[str, Callable[[], bool]] = {
        "participant": lambda: _plain(value) in people,
        "number": lambda: any(_is_number(person) and _matches(value, person) for person in people),
        "call": lambda: one.call == value,
        "tag": lambda: value in [f"{key}:{text}" for key, text in one.tags.items()],
        "from": lambda: one.started_at >= datetime.fromisoformat(value),
        "to": lambda: one.started_at < datetime.fromisoformat(value),
        "format": lambda: one.kind not in {"running", "missing"} and one.format == value,
        "state": lambda: value in STATES[one.kind],
    }
    return fulfils[name]()


def _plain(person: str) -> str:
    bare = person.lower().removeprefix("4:").removeprefix("tel:").replace("(0)", "")
    digits = re.sub(r"[^0-9+]", "", bare.translate(FULL_WIDTH))
    return digits.replace("00", "+", 1) if digits.startswith("00") else digits if digits[:1] == "+" else person.lower()


def _is_number(person: str) -> bool:
    return person.startswith("+")


def _matches(asked: str, number: str) -> bool:
    plain = _plain(asked)
    return plain == number if _is_number(plain) else number.endswith(_digits_of(asked)[-7:])


def _digits_of(asked: str) -> str:
    return re.sub(r"[^0-9]", "", asked.translate(FULL_WIDTH))
