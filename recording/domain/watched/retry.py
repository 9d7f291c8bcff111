"""How long a failed chunk waits before its next try."""

from datetime import timedelta

FIRST_DELAY = timedelta(seconds=10)  # the common fault, an object announced before it is readable, heals in seconds
LONGEST_DELAY = timedelta(minutes=30)  # a retry costs one request
TRIES_IN_WHAT_IS_LEFT = 48  # waits of half an hour with a day left, of a minute with an hour left
LONGEST_RETRY_AFTER = timedelta(hours=1)  # ACS may ask for longer, but a day is all there is
LAST_TRY_MARGIN = timedelta(minutes=1)


def retry_delay(attempt: int, left: timedelta, jitter: float, retry_after: timedelta | None = None) -> timedelta:
    """Return how long to wait before try `attempt + 1`: doubling, jittered, never past the last useful moment.

    Args:
        attempt: tries made so far, from 1.
        left: time left before the expiry; the less it is, the shorter the waits, so that a chunk is tried more and
            more often and once more just before the end; but not below `FIRST_DELAY`, which would be a busy loop.
        jitter: a random number in [0, 1): spreads the tries of many chunks that failed together.
        retry_after: what the service asked for; obeyed up to an hour.
    """
    doubling: timedelta = min(FIRST_DELAY * (1 << max(0, min(attempt - 1, 16))), LONGEST_DELAY)
    if left > timedelta():
        doubling = min(doubling, max(left / TRIES_IN_WHAT_IS_LEFT, FIRST_DELAY))
    delay = doubling * (0.75 + 0.5 * jitter)
    if retry_after is not None:
        delay = max(delay, min(retry_after, LONGEST_RETRY_AFTER))
    if left > timedelta():
        delay = min(delay, max(left - LAST_TRY_MARGIN, left / 2, FIRST_DELAY))
    return delay
