"""When a bad answer of the source is final: time and repetition decide, never a count or one witness. Pure.

A block page, a prefix of a growing object or a stale replica may be served for minutes or hours, steadily. One
instance's clock may be wrong. Only the source's own 404, twice and apart, proves that it has forgotten.
"""

from datetime import datetime, timedelta

from recording.domain.state.chunk import ChunkRecord, ChunkState

STEADY_FOR = timedelta(hours=8)  # reports name minutes; the whole retention is 24 hours
STEADY_TRIES = 8
KEPT_AFTER = timedelta(hours=1)  # suspect bytes are kept aside that early, in case nothing better ever comes
NEAR_DEADLINE = timedelta(minutes=30)
GONE_FOR = timedelta(minutes=30)  # between the two answers that prove it
GIVEN_UP_AFTER = timedelta(days=7)  # past the deadline; staged blocks do not live longer either


def is_steady(record: ChunkRecord, now: datetime) -> bool:
    """Return whether bad bytes are final: the same for hours and many tries, or the deadline is here."""
    if record.broken_since is None:
        return False
    left = record.task.expires_at - now
    is_old = now - record.broken_since >= STEADY_FOR and record.broken_tries >= STEADY_TRIES
    return is_old or left <= timedelta() or (left <= NEAR_DEADLINE and record.broken_tries >= 2)


def is_worth_keeping(record: ChunkRecord, now: datetime) -> bool:
    """Return whether bad bytes were steady long enough to keep a copy aside."""
    return record.broken_since is not None and (now - record.broken_since >= KEPT_AFTER or is_steady(record, now))


def is_forgotten(record: ChunkRecord, now: datetime) -> bool:
    """Return whether two answers "not found" past the deadline, apart in time, prove that the source has forgotten."""
    return record.gone_since is not None and now - record.gone_since >= GONE_FOR and now >= record.task.expires_at


def is_metadata_given_up(record: ChunkRecord, now: datetime) -> bool:
    """Return whether metadata that does not arrive is settled as such: past the deadline, and asked for long enough.

    A deadline may be told falsely, and a chunk may be worked on late; one failed try proves nothing then either.
    """
    asked_since = record.verified_at or now
    return now >= record.task.expires_at and now - asked_since >= GONE_FOR


def is_given_up(record: ChunkRecord, now: datetime) -> bool:
    """Return whether a chunk that could not be finished ends in quarantine, long past its deadline."""
    is_unsaved = record.state is not ChunkState.PENDING or record.fallback is None
    return is_unsaved and now >= record.task.expires_at + GIVEN_UP_AFTER
