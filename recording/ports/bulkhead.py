"""Bulkheads: in a loop over stored items each one fails on its own, and is reported, counted and skipped."""

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from functools import partial
from typing import NoReturn, TypeVar

from recording.errors import RecordingError, StorageError
from recording.errors.codes import OF_ONE_ROW, Code
from recording.ports import Unreadable
from recording.telemetry import Event, emit

T = TypeVar("T")
R = TypeVar("R")
MOST_REPORTED = 50  # log events of one loop; the summary counts all
FEW, WORKERS = 32, 8  # more items than this are processed concurrently; each is a few requests to storage
MOST_IN_A_ROW = 20  # consecutive failures that count as an outage of storage, because each costs time-outs
MOST_ASKED = 10  # times in a loop that storage is probed: does all of it fail, or just these items?
# Errors from damaged content: a row, a message or a time that no version of this app has written.
ODD_CONTENT = (ArithmeticError, AttributeError, LookupError, RecursionError, TypeError, ValueError)


def code_of(error: Exception) -> Code:
    """Return the code of a failure; what odd content raised is an unreadable record."""
    return error.code if isinstance(error, RecordingError) else Code.UNREADABLE_RECORD


def from_anywhere(items: Sequence[T], jitter: Callable[[], float]) -> list[T]:
    """Return the items from a random one on: many that always fail end a run, but not each before the same."""
    first = int(jitter() * len(items))
    return [*items[first:], *items[:first]]


class Bulkhead:
    """The failures of one run, item by item.

    Attributes:
        attention: how many items failed, by loop.
        outage: the first failure of storage, even of a single item; an unreadable row is not one.
        is_blind: a listing or a whole part failed, or many items in a row, so that items remain unseen.
        tried: how many items were worked on, by loop.
        given_up: loops that ended at many items that fail although storage answers.
    """

    def __init__(self, answers: Mapping[str, Callable[[], object]] | None = None) -> None:
        """Begin a run.

        Args:
            answers: by loop, a request to storage that concerns no item; a StorageError means that storage itself
                fails. In other loops many failures in a row count as that.
        """
        self._answers = answers or {}
        self._asked: Counter[str] = Counter()
        self.attention: Counter[str] = Counter()
        self.outage: StorageError | None = None
        self.is_blind = False
        self.tried: Counter[str] = Counter()
        self.given_up: set[str] = set()
        self._in_a_row: Counter[str] = Counter()

    def readable(self, listing: Iterable[T | Unreadable], loop: str) -> Iterator[T]:
        """Yield the readable items; a listing that fails late keeps what it has yielded."""
        try:
            for item in listing:
                if isinstance(item, Unreadable):
                    self.report(loop, item.where, item.code)
                else:
                    yield item
        except StorageError as error:
            self.failed(loop, "", error)

    def each(self, items: Iterable[T], work: Callable[[T], R], loop: str, where: Callable[[T], str]) -> list[R]:
        """Process each item on its own; return the results of those that did not fail."""
        done: list[R] = []
        for item in items:
            if self.is_over(loop):
                break
            self.tried[loop] += 1
            try:
                done.append(work(item))
                self._in_a_row[loop] = 0
            except (RecordingError, *ODD_CONTENT) as error:
                self.failed(loop, where(item), error)
        return done

    def each_at_once(self, items: Sequence[T], work: Callable[[T], R], loop: str, where: Callable[[T], str]) -> list[R]:
        """Process each item on its own, concurrently if there are many; return the successful results."""
        if len(items) <= FEW:
            return self.each(items, work, loop, where)
        done: list[R] = []
        with ThreadPoolExecutor(WORKERS) as workers:
            for start in range(0, len(items), FEW):
                if self.is_over(loop):
                    break
                outcomes = zip(
                    items[start : start + FEW], workers.map(_caught(work), items[start : start + FEW]), strict=True
                )
                done += self.each(outcomes, lambda pair: pair[1](), loop, lambda pair: where(pair[0]))
        return done

    def part(self, work: Callable[[], R], otherwise: R, loop: str) -> R:
        """Do one part of a run; its failure does not affect the others."""
        try:
            return work()
        except (RecordingError, *ODD_CONTENT) as error:
            self.failed(loop, "", error)
            return otherwise

    def succeeded(self, loop: str) -> None:
        """Record that an item of a loop was processed: storage answers."""
        self._in_a_row[loop] = 0

    def is_answered(self, loop: str) -> bool:
        """Return whether storage answers a probe, so that only items have failed."""
        if loop not in self._answers:
            return not self.is_blind
        with suppress(RecordingError):
            self._answers[loop]()
            return True
        return False

    def is_over(self, loop: str) -> bool:
        """Return whether a loop ends here: many items failed in a row, and storage does not answer a probe."""
        if self._in_a_row[loop] < MOST_IN_A_ROW:
            return False
        if loop in self._answers and self._asked[loop] < MOST_ASKED:
            self._asked[loop] += 1
            with suppress(RecordingError):
                self._answers[loop]()
                self._in_a_row[loop] = 0  # only these items failed
                return False
        elif loop in self._answers:
            self.given_up.add(loop)
        self.is_blind = True
        return True

    def failed(self, loop: str, where: str, error: Exception) -> None:
        """Record a failure, and whether storage caused it."""
        if isinstance(error, StorageError) and error.code not in OF_ONE_ROW:
            self._in_a_row[loop] += 1
            self.outage = self.outage or error
            is_many = self._in_a_row[loop] >= MOST_IN_A_ROW and loop not in self._answers
            self.is_blind = self.is_blind or not where or is_many
        code = code_of(error)
        self.report(loop, where, code, type(error).__name__)

    def report(self, loop: str, where: str, code: str, detail: str | None = None) -> None:
        """Report an item that needs attention."""
        self.attention[loop] += 1
        if self.attention[loop] <= MOST_REPORTED:
            emit(Event.NEEDS_ATTENTION, reason=loop, entry=where or None, code=code, detail=detail)


class EachOnItsOwn:
    """Parts of one message: storage that fails for one keeps no other from being stored; the message comes again."""

    def __init__(self) -> None:
        self._errors: list[StorageError] = []

    @contextmanager
    def attempt(self) -> Iterator[None]:
        """Keep a failure of storage for later; so many of them are an outage, because each costs time-outs.

        Raises:
            StorageError: it is an outage.
        """
        try:
            yield
        except StorageError as error:
            self._errors.append(error)
            if len(self._errors) >= MOST_IN_A_ROW:
                raise

    def raise_first(self) -> None:
        """Raise the first failure, if there was one, after everything else is done."""
        if self._errors:
            raise self._errors[0]


def _caught(work: Callable[[T], R]) -> Callable[[T], Callable[[], R]]:
    """Return the work with its failure deferred to where it is counted."""

    def later(item: T) -> Callable[[], R]:
        try:
            result = work(item)
        except (RecordingError, *ODD_CONTENT) as error:
            return partial(_raised, error)
        return lambda: result

    return later


def _raised(error: Exception) -> NoReturn:
    raise error


def readable(listing: Iterable[T | Unreadable], loop: str) -> Iterator[T]:
    """Yield the readable items and report the rest, for a reader without a summary; an outage is raised."""
    reported = Bulkhead()
    for item in listing:
        if isinstance(item, Unreadable):
            reported.report(loop, item.where, item.code)
        else:
            yield item
