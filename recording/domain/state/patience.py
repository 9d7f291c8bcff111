"""When a bad answer of the source is final: time and repetition decide, never a count or a single answer. Pure.

A block page, a prefix of a growing object or a stale replica may be served steadily for minutes or hours. One
instance's clock may be wrong. Only two 404 answers of the source, some time apart, prove that the media is gone.
"""

from datetime import datetime, timedelta

from recording.domain.state.chunk import ChunkRecord, ChunkState

STEADY_FOR = timedelta(hours=8)  # reports mention minutes; the whole retention is 24 hours
STEADY_TRIES = 8
KEPT_AFTER = timedelta(hours=1)  # suspect bytes are stored aside this early, in case nothing better ever arrives
NEAR_DEADLINE = timedelta(minutes=30)
GONE_FOR = timedelta(minutes=30)  # between the two answers that prove it
GROWS_FOR = timedelta(minutes=10)  # a file whose end nothing tells may still be growing in ACS's storage
_MOST_DOUBLINGS = 6
GIVEN_UP_AFTER = timedelta(days=7)  # past the deadline; staged blocks do not live longer either


def is_steady(record: ChunkRecord, now: datetime) -> bool:
    """Return whether bad bytes are final: unchanged for hours and many attempts, or half an hour past the deadline.

    The deadline alone ends nothing: it may be wrong, or long past when the chunk is first worked on.
    """
    if record.broken_since is None:
        return False
    lasted = now - record.broken_since
    is_old = lasted >= STEADY_FOR and record.broken_tries >= STEADY_TRIES
    is_late = now >= record.task.expires_at and lasted >= GONE_FOR
    return is_old or (is_late and record.broken_tries >= 2)


def is_worth_keeping(record: ChunkRecord, now: datetime) -> bool:
    """Return whether to store bad bytes aside: they are steady, or the source may delete them soon."""
    if record.broken_since is None:
        return False
    left = record.task.expires_at - now
    is_late = left <= timedelta() or (left <= NEAR_DEADLINE and record.broken_tries >= 2)
    return is_late or now - record.broken_since >= KEPT_AFTER


def still_grows_for(record: ChunkRecord, now: datetime) -> timedelta:
    """Return how long to wait before asking ACS whether an archived file has grown since it was copied.

    Twice as long after each copy, so that there are few of a file that grows all day; but once more near the deadline.
    """
    copied_at = record.copied_at or record.first_seen_at
    grown = min(record.name_version - 1, _MOST_DOUBLINGS)
    last = max(copied_at + GROWS_FOR, record.task.expires_at - NEAR_DEADLINE)
    return max(timedelta(), min(copied_at + GROWS_FOR * (1 << grown), last) - now)


def is_forgotten(record: ChunkRecord, now: datetime) -> bool:
    """Return whether two "not found" answers past the deadline, some time apart, prove that the media is gone."""
    return record.gone_since is not None and now - record.gone_since >= GONE_FOR and now >= record.task.expires_at


def is_metadata_given_up(record: ChunkRecord, now: datetime) -> bool:
    """Return whether missing metadata is final: past the deadline, and requested for long enough.

    A deadline may be wrong, and a chunk may be worked on late; one failed attempt proves nothing then either.
    """
    asked_since = record.verified_at or now
    return now >= record.task.expires_at and now - asked_since >= GONE_FOR


def is_given_up(record: ChunkRecord, now: datetime) -> bool:
    """Return whether a chunk that could not be finished ends in quarantine: tried for days past its deadline.

    The deadline alone proves nothing. It may be wrong, or long past when the chunk is announced, redriven or accepted.
    """
    if record.state is ChunkState.PENDING:
        tried_since = record.past_deadline_since if record.fallback is None else None
    elif record.accepted is not None:  # the copy may be as old as the chunk
        tried_since = record.accepted.at
    else:
        tried_since = record.copied_at or record.first_seen_at
    return tried_since is not None and now >= max(tried_since, record.task.expires_at) + GIVEN_UP_AFTER


def is_abandoned(record: ChunkRecord, now: datetime) -> bool:
    """Return whether no worker has touched a PENDING chunk for days past its deadline."""
    return record.is_unsaved and now >= max(record.changed_at, record.task.expires_at) + GIVEN_UP_AFTER
