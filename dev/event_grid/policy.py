"""Event Grid's rules as pure functions: what counts as delivered, what is tried again and when, what is given up.

Source: Microsoft's page "Event Grid message delivery and retry". Where its tables changed over the years, the newest
one holds.
"""

from dataclasses import dataclass
from datetime import timedelta

RESPONSE_TIMEOUT_SECONDS = 30.0
"""A later answer counts as none, so the subscriber sees the event again although it had worked."""
ACCEPTED_STATUSES = frozenset(range(200, 205))
RETRY_WAITS = tuple(timedelta(seconds=s) for s in (10, 30, 60, 300, 600, 1800, 3600, 10_800, 21_600, 43_200))
"""After the first failure, the second, and so on; the last one repeats."""
DEAD_LETTER_DELAY = timedelta(minutes=5)
DEAD_LETTER_PATIENCE = timedelta(hours=4)
"""If the destination is unavailable for that long, the event is dropped."""
DEAD_LETTER_RETRY = timedelta(minutes=5)
"""How often an unavailable destination is tried; the page does not say, so this is ours."""

TTL_EXCEEDED = "TimeToLiveExceeded"
ATTEMPTS_EXCEEDED = "MaxDeliveryAttemptsExceeded"

_NEVER_RETRIED = frozenset({400, 403, 413})
_NEVER_RETRIED_WEBHOOK = _NEVER_RETRIED | {401}
_SHORTEST_WAITS = {408: timedelta(minutes=2), 503: timedelta(seconds=30)}
_SHORTEST_WAITS_RESOURCE = {**_SHORTEST_WAITS, 401: timedelta(minutes=5), 404: timedelta(minutes=5)}
_OUTCOMES = {
    400: "BadRequest",
    401: "Unauthorized",
    403: "Forbidden",
    404: "NotFound",
    408: "TimedOut",
    413: "PayloadTooLarge",
    429: "Busy",
    503: "Busy",
}


@dataclass(frozen=True)
class Answer:
    """What came of one attempt.

    Attributes:
        outcome: Event Grid's name for it, as in `lastDeliveryOutcome` of a dead letter. The full list of names is
            unpublished; those for rare statuses are "GenericError" here.
        status: The HTTP status, or None if there was no answer.
    """

    outcome: str
    status: int | None = None

    @property
    def is_accepted(self) -> bool:
        """Return whether a status counts as delivered: only 200 to 204 do."""
        return self.status in ACCEPTED_STATUSES


TIMED_OUT = Answer("TimedOut")
NO_CONNECTION = Answer("SocketError")
NO_SUCH_HOST = Answer("ResolutionError")
PROBATION = Answer("Probation")
NOT_TRIED = Answer("None")
"""An event that expired before its first attempt."""


def answer_of(status: int) -> Answer:
    """Return an HTTP status in Event Grid's words."""
    named = "Delivered" if status in ACCEPTED_STATUSES else "GenericError"
    return Answer(_OUTCOMES.get(status, named), status)


def give_up_reason(answer: Answer, attempts: int, max_attempts: int, *, is_azure_resource: bool) -> str | None:
    """Return why there is no further attempt after this answer, in the words of `deadLetterReason`.

    None if there is one.

    Of the reasons for a single status only "UndeliverableDueToHttpBadRequest" was seen live; the others follow it.
    """
    if answer.status in (_NEVER_RETRIED if is_azure_resource else _NEVER_RETRIED_WEBHOOK):
        return f"UndeliverableDueToHttp{answer.outcome}"
    return ATTEMPTS_EXCEEDED if attempts >= max_attempts else None


def wait_after(answer: Answer, attempts: int, *, is_azure_resource: bool) -> timedelta:
    """Return how long Event Grid waits after the failure of attempt number `attempts` (the first is 1)."""
    shortest = _SHORTEST_WAITS_RESOURCE if is_azure_resource else _SHORTEST_WAITS
    scheduled = RETRY_WAITS[min(attempts, len(RETRY_WAITS)) - 1]
    return max(scheduled, shortest.get(answer.status or 0, timedelta()))
