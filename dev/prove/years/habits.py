"""What is done often in one life, and never in another: so rare situations are common somewhere.

A life in which everything happens now and then rarely has two cases on one recording, or a class that nobody knows
while a rule asks for it. A short life has few recordings and some habits; a life of seven years has all of them.
"""

import random
from dataclasses import dataclass, replace
from typing import Any


@dataclass(frozen=True)
class Habits:
    """How one life goes.

    Attributes:
        recordings: how many there are.
        pace: how likely something happens on a day.
        often: how often an act is chosen; those that are not named, once.
        trouble: how likely a night's run meets trouble.
        hands: how likely that is a person who acts between two calls.
        classes: how likely a rule is about a class of participants.
        tags: how likely a rule is about a tag.
        shortest, longest: days of a rule.
        most_rules: at once.
    """

    recordings: int
    pace: float
    often: dict[str, int]
    trouble: float = 0.25
    hands: float = 0.3
    classes: float = 0.4
    tags: float = 0.67
    shortest: int = 20
    longest: int = 1500
    most_rules: int = 4

    def weights(self, acts: list[str]) -> list[int]:
        """Return how often each act is chosen."""
        return [self.often.get(name, 1) for name in acts]


LONG = Habits(12, 0.09, {"hold": 2, "release": 2, "make_rules": 2, "erase_voice": 2, "hand_over": 2})
_COSTLY = ("erase_voice", "hand_over")  # each is looked for in all that is stored
_RARE = dict.fromkeys(("erase_voice", "hand_over", "set_aside", "copy_and_derive", "write_newer_row"), 0)
_NOTHING = {
    **_RARE,
    **dict.fromkeys(("hold", "release", "make_rules", "erase", "tag"), 0),
    **dict.fromkeys(("bring_late_chunk", "gather_old_facts", "write_old_rules"), 0),
}
THEMES: tuple[dict[str, Any], ...] = (
    {  # rules about classes that an older version did not note
        "often": {**_RARE, "hold": 0, "gather_old_facts": 6, "write_old_rules": 0, "make_rules": 1, "erase": 2},
        "recordings": 6,
        "pace": 0.5,
        "classes": 0.8,
        "tags": 0.1,
        "most_rules": 6,
        "longest": 80,
        "hands": 0.2,
    },
    {  # several cases on one recording, of which somebody asks for the erasure
        "often": {**_NOTHING, "hold": 4, "release": 5, "erase": 3},
        "recordings": 6,
        "pace": 0.35,
        "longest": 40,
    },
    {  # bundles, copies and entries about what goes
        "often": {
            "hand_over": 4,
            "set_aside": 4,
            "copy_and_derive": 2,
            "erase": 2,
            "erase_voice": 2,
            "hold": 1,
            "release": 1,
            **dict.fromkeys(("tag", "make_rules", "write_old_rules", "write_newer_row", "gather_old_facts"), 0),
        },
        "recordings": 6,
        "pace": 0.8,
        "tags": 0.2,
        "classes": 0.1,
        "longest": 40,
    },
    {  # somebody acts at the moment of a decision
        "often": {**_NOTHING, "make_rules": 2, "tag": 2, "bring_late_chunk": 3, "erase": 1},
        "recordings": 6,
        "pace": 0.5,
        "trouble": 0.9,
        "hands": 0.95,
        "longest": 12,
        "most_rules": 4,
    },
    {  # copies, derived files and entries about what is erased, while nothing holds it
        "often": {**_NOTHING, "copy_and_derive": 4, "set_aside": 4, "hand_over": 1, "erase": 3, "erase_voice": 2},
        "recordings": 6,
        "pace": 0.6,
        "longest": 40,
    },
    {  # rules as an older version wrote them, while erasures are asked for
        "often": {**_NOTHING, "write_old_rules": 2, "make_rules": 1, "erase": 3},
        "recordings": 6,
        "pace": 0.4,
        "longest": 80,
        "tags": 0.2,
    },
)


def short_habits(seed: int, chance: random.Random, acts: list[str]) -> Habits:
    """Return the habits of a short life: one of the themes, and beside it some acts often, some never."""
    often = {name: chance.choice((0, 1, 4)) for name in acts}
    often |= {name: chance.choice((0, 0, 1)) for name in _COSTLY}
    often["make_rules"] = chance.choice((0, 1, 2))
    made = Habits(
        recordings=chance.choice((2, 4, 6)),
        pace=chance.choice((0.3, 0.7)),
        often=often,
        trouble=chance.choice((0.1, 0.7)),
        hands=chance.choice((0.2, 0.8)),
        classes=chance.choice((0.0, 0.6)),
        tags=chance.choice((0.2, 0.7)),
        shortest=2,
        longest=chance.choice((12, 40, 80)),
        most_rules=chance.choice((3, 6)),
    )
    theme = THEMES[seed % len(THEMES)]
    return replace(made, **{**theme, "often": {**often, **theme["often"]}})
