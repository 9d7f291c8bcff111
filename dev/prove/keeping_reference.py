"""The order of retention once more, written from its table alone: slow, plain, and sharing no code with the app.

Times are whole days. A rule is (action, end, legal); a hold is (since, released) with released None while it holds.
"""

from dataclasses import dataclass

FOREVER = 10**9


@dataclass(frozen=True)
class Answer:
    """What is to be done on a day, and the day on which it is due (None: no day is known)."""

    action: str
    due: int | None


def decide(
    rules: list[tuple[str, int, bool]], holds: list[tuple[int, int | None]], asked: list[int], now: int, grace: int
) -> Answer:
    """Walk through the days, and ask of each one whether the recording may go."""
    if any(released is None for _, released in holds):
        return Answer("keep", None)
    days = sorted({now, *(end for _, end, _ in rules), *asked, *(out + grace for _, out in holds if out is not None)})
    due = next((day for day in days if may_go(rules, holds, asked, day, grace)), None)
    if due is None:
        return Answer("keep", None)
    if not may_go(rules, holds, asked, now, grace):
        return Answer("keep", due)
    return Answer("erase" if asked else "delete", due)


def may_go(
    rules: list[tuple[str, int, bool]], holds: list[tuple[int, int | None]], asked: list[int], day: int, grace: int
) -> bool:
    """Read the table from its top."""
    last = max((out for _, out in holds if out is not None), default=None)
    if last is not None and day < last + grace:
        return False
    is_asked = any(day >= when for when in asked)
    for action, end, legal in rules:
        if action in ("retain", "retain_and_delete") and day < end and legal and is_asked:
            is_asked = False
    if is_asked:
        return True
    if any(action in ("retain", "retain_and_delete") and day < end for action, end, _ in rules):
        return False
    return any(action in ("delete", "retain_and_delete") and day >= end for action, end, _ in rules)
