"""Fakes that fail when a test says so, and that remember what was called."""

from collections import defaultdict, deque
from collections.abc import Callable
from functools import wraps
from typing import Concatenate, ParamSpec, TypeVar

P = ParamSpec("P")
R = TypeVar("R")
S = TypeVar("S", bound="Scripted")


class Scripted:
    """Remembers calls and raises the failures that a test has scripted, in order."""

    def __init__(self) -> None:
        self.calls: list[str] = []
        self._failures: dict[str, deque[tuple[Exception, bool]]] = defaultdict(deque)

    def fail_next(self, method: str, error: Exception, times: int = 1, *, after: bool = False) -> None:
        """Make the next `times` calls of a method raise this error, before (or `after`) they take effect."""
        assert callable(getattr(self, method)), method
        self._failures[method].extend([(error, after)] * times)

    def fails_no_more(self, method: str) -> None:
        """Forget the failures that are scripted for a method."""
        self._failures[method].clear()

    def next_failure(self, method: str) -> tuple[Exception | None, bool]:
        """Return the failure scripted for this call, and whether it comes after the effect."""
        self.calls.append(method)
        return self._failures[method].popleft() if self._failures[method] else (None, False)


def scripted(method: Callable[Concatenate[S, P], R]) -> Callable[Concatenate[S, P], R]:
    """Let a fake's method fail as scripted."""

    @wraps(method)
    def run(self: S, /, *args: P.args, **kwargs: P.kwargs) -> R:
        error, after = self.next_failure(method.__name__)
        if error and not after:
            raise error
        result = method(self, *args, **kwargs)
        if error:
            raise error
        return result

    return run
