"""Pages of stored things, and the rows among them that cannot be read."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Generic, TypeVar

from recording.errors import StorageError
from recording.errors.codes import Code

T = TypeVar("T")


@dataclass(frozen=True)
class Unreadable:
    """A stored thing that this version cannot read; it stands in a listing so that it hides nothing else.

    Attributes:
        where: its keys or its name; never its content.
        code: why, stable.
    """

    where: str
    code: Code = Code.UNREADABLE_RECORD


@dataclass(frozen=True)
class Page(Generic[T]):
    """A part of a listing.

    Attributes:
        items: what was found.
        next: where the following page begins; "" when the listing has come to its end. Positions sort as items do.
        error: what ended the page before its time; what was found until then is there.
        counts: index rows of the page by the alarm that their recording stands in.
    """

    items: tuple[T | Unreadable, ...] = ()
    next: str = ""
    error: StorageError | None = None
    counts: Mapping[str, int] = field(default_factory=dict)
