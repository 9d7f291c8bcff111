"""Short names for long ids, to show on a screen and to type. Pure."""

import hashlib
from collections.abc import Iterable

from recording.domain.ids import name_of

LENGTH = 8  # hexadecimal characters
SHORTEST = 4  # a shorter prefix would match too many
_LEFT_OUT = ("…", "...")  # before the end of an id, as the console shows it


def short_id(value: str) -> str:
    """Return the short name of an id: its digest's first characters, as in the folder's name in the archive.

    ACS's recording ids all begin alike, so a prefix of the id itself would distinguish nothing.
    """
    name = name_of(value)
    if name == value:
        return value if len(value) <= LENGTH else value[:LENGTH]
    return name.removeprefix("h-")[:LENGTH]


def is_named_by(value: str, typed: str) -> bool:
    """Return whether what was typed names this id: the id, its name in the archive, or a prefix of one of them.

    The console shows the end of an id, after an ellipsis; with the ellipsis that names it too.
    """
    if typed == value:
        return True
    if typed.startswith(_LEFT_OUT):
        end = typed.lstrip("….")
        return len(end) >= SHORTEST and value.endswith(end)
    wanted = typed.removeprefix("h-")
    if len(wanted) < SHORTEST:
        return False
    return name_of(value).removeprefix("h-").lower().startswith(wanted.lower()) or value.startswith(typed)


def named_by(typed: str, ids: Iterable[str]) -> list[str]:
    """Return the ids that were meant: the equal one, else all that have the prefix, each once."""
    found = {value for value in ids if is_named_by(value, typed)}
    return [typed] if typed in found else sorted(found)


def item_name(item_id: str, recording_id: str | None, index: int | None) -> str:
    """Return the short name of something that needs attention: `recording/index`, or a digest of its own id."""
    if recording_id is not None and index is not None:
        return f"{short_id(recording_id)}/{index}"
    if item_id == recording_id:
        return short_id(item_id)
    return hashlib.sha256(item_id.encode()).hexdigest()[:LENGTH]
