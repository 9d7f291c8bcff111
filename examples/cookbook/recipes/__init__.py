"""Recipes: what is done about the archive's events. Each has its types, and a setting that switches it on."""

import logging
from collections.abc import Mapping, Sequence
from typing import Any, Protocol

from recipes import teams, ticket, transcribe
from recipes.inbox import word_of
from recipes.outside import Outside, OutsideError

log = logging.getLogger("cookbook")
Event = Mapping[str, Any]


class Recipe(Protocol):
    """One recipe."""

    NAME: str
    SWITCH: str  # a setting; the recipe is on where it is set
    TYPES: frozenset[str]

    def act(self, event: Event, outside: Outside) -> None:
        """Do it; the same event again does no harm. Raises OutsideError: try it again later."""


ON: Sequence[Recipe] = (transcribe, teams, ticket)


class TryAgainError(Exception):
    """Something is not done yet; the host delivers the event again."""


def run(event: Event, recipes: Sequence[Recipe], outside: Outside) -> None:
    """Let each recipe work on an event once; one that fails, in whatever way, keeps no other from its part.

    Raises:
        TryAgainError: one of them could not; the others are done, and will not be done again.
    """
    failed = []
    for recipe in recipes:
        if word_of(event) not in recipe.TYPES or outside.notes.has(recipe.NAME, event["id"]):
            continue
        try:
            recipe.act(event, outside)
        except OutsideError as error:
            failed.append(f"{recipe.NAME}: {error}")
        except Exception as error:
            log.exception("%s has a fault of its own", recipe.NAME)
            failed.append(f"{recipe.NAME}: {type(error).__name__}")  # its text may have an address
        else:
            outside.notes.add(recipe.NAME, event["id"])
            log.info("%s is done for %s %s", recipe.NAME, word_of(event), event["id"])
    if failed:
        raise TryAgainError("; ".join(failed))
